"""What finds a doubtful request in the vendor's own books: when, with which key, on which page. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings

from integrations.models import PhoneReveal, VendorCall

SHOWN = 200  # on one page; an outage of more is decided by its times
SLACK = timedelta(minutes=1)  # clocks differ, and a vendor writes down when it was done
KEY_DIGITS = 4
# Where each vendor shows what it has billed. Apollo: knowledge.apollo.io, "Review Credit Usage in Apollo". Signal
# House: help.signalhouse.io, article 5778881. RealEstateAPI documents totals (`/v2/Account`), no list of requests, and
# its support's address in the answer of a server error.
PAGES: Mapping[str, str] = {
    "realestateapi": "RealEstateAPI publishes no list of requests: compare the usage of your account (GET /v2/Account) "
    "with what was settled here, or ask dev@realestateapi.com about these times",
    "signalhouse": "Signal House: Settings, Billing, payment and usage history; look at these times",
    "apollo": "Apollo: Settings, Billing, Credit usage & AI, History; filter by date",
    "twilio": "Twilio Console: Monitor, Logs, Messaging or Calls; filter by time",
    "signalhouse_messaging": "Signal House: Settings, Billing, payment and usage history; look at these times",
    "mail": "Your e-mail provider: the log of sent mail, by time",
}
BILLED = (
    "The money held is spent, counted against the limits of that month. Its leads continue: what the vendor sold is "
    "lost, so they are bought again."
)
NOT_BILLED = "The money held comes back. Its leads continue: they are asked for once more, and paid for once."


@dataclass(frozen=True, slots=True)
class Doubt:
    """One request that may have been billed, or Apollo's phones. US dollars. row_id: of its page, by what it is.

    asked: in words, which vendor and operation. first, last: the time to look at. number: the vendor's own id of the
    request, empty where no answer brought one. key: the last characters of our key.
    """

    id: UUID
    is_phones: bool
    vendor: str
    asked: str
    leads: int
    held: Decimal
    sent_at: datetime
    first: datetime
    last: datetime
    number: str
    key: str
    page: str
    why: str
    run_id: UUID | None

    @property
    def value(self) -> str:
        """Of its box in a form."""
        return f"{'phones' if self.is_phones else 'request'}:{self.id}"


@dataclass(frozen=True, slots=True)
class Doubts:
    """rows: the oldest first, SHOWN at most; more: how many are not among them. leads, held: of all that are shown."""

    rows: Sequence[Doubt]
    more: int

    @property
    def leads(self) -> int:
        return sum(row.leads for row in self.rows)

    @property
    def held(self) -> Decimal:
        return sum((row.held for row in self.rows), Decimal(0))


def doubts(*, run_id: UUID | None = None, vendor: str = "", ids: Sequence[UUID] | None = None) -> Doubts:
    """What needs a billing check; of one job, one vendor, or some requests alone."""
    calls = VendorCall.objects.filter(state=VendorCall.State.IN_DOUBT).select_related("operation")
    phones = PhoneReveal.objects.filter(state=PhoneReveal.State.IN_DOUBT).select_related("call__operation")
    if run_id is not None:
        calls, phones = calls.filter(run_id=run_id), phones.filter(call__run_id=run_id)
    if vendor:
        calls, phones = calls.filter(operation__vendor=vendor), phones.filter(call__operation__vendor=vendor)
    if ids is not None:
        calls, phones = calls.filter(pk__in=ids), phones.filter(pk__in=ids)
    found = [_of(call) for call in calls.order_by("pk")[:SHOWN]]
    found += [_of(reveal.call, reveal) for reveal in phones.defer("raw").order_by("pk")[: SHOWN - len(found)]]
    more = calls.count() + phones.count() - len(found) if len(found) == SHOWN else 0
    return Doubts(sorted(found, key=lambda one: one.sent_at), more)


def _of(call: VendorCall, reveal: PhoneReveal | None = None) -> Doubt:
    vendor = call.operation.vendor_id
    sent = call.sent_at or call.created_at
    return Doubt(
        id=call.pk,
        is_phones=reveal is not None,
        vendor=vendor,
        asked=f"{call.operation}: mobile numbers" if reveal else str(call.operation),
        leads=len(reveal.people) if reveal else call.inputs,
        held=reveal.reserved if reveal else call.reserved,
        sent_at=sent,
        first=sent - SLACK,
        last=(call.ended_at or sent) + SLACK,
        number=(reveal.request_id if reveal else "") or call.request_id,
        key=_key_of(vendor),
        page=PAGES.get(vendor, f"{vendor}: its log of requests, by time"),
        why=((reveal.reason if reveal else call.reason) or "no answer came").rstrip(" ."),
        run_id=call.run_id,
    )


def _key_of(vendor: str) -> str:
    """The last characters of the key in use, or of the account: which of them to look at. Empty: too short to show."""
    found: Any = settings.VENDORS.get(vendor, {}) if vendor != "mail" else {}  # a mail server has a password
    key = str(found.get("account") or found.get("key") or "")
    return key[-KEY_DIGITS:] if len(key) >= 4 * KEY_DIGITS else ""
