"""Our books beside what vendors say: by day, and for Apollo's current credit cycle. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Q, Sum
from django.db.models.functions import TruncDate

from common.db.ids import uuid7_floor
from integrations.ledger.budgets import MONEY, ZERO
from integrations.models import BilledDay, PhoneReveal, VendorCall
from integrations.vendors.apollo import usage
from integrations.vendors.errors import VendorFailure

DAYS_SHOWN = 31
LATE = timedelta(days=1)  # from a call's id to its sending: no request waits for its slot nearly as long
_PAID = Q(state__in=[VendorCall.State.SETTLED, VendorCall.State.WRITTEN_OFF])
_DOUBT = Q(state=VendorCall.State.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class DayOfBooks:
    """One vendor's day (UTC, by when requests were sent). US dollars, but units.

    units, spent: by the price list. held: of requests and phones that need a billing check or are still to come.
    excess: what the vendor claims above the price list. billed, billed_units: by its own bill, None where none was
    uploaded.
    """

    vendor: str
    day: date
    units: Decimal = ZERO
    spent: Decimal = ZERO
    held: Decimal = ZERO
    excess: Decimal = ZERO
    billed: Decimal | None = None
    billed_units: Decimal | None = None

    @property
    def difference(self) -> Decimal:
        """US dollars of the bill outside [spent, spent + held]: above zero, the bill has more than our books."""
        if self.billed is None:
            return ZERO
        return min(self.billed - self.spent, ZERO) or max(self.billed - self.spent - self.held, ZERO)

    @property
    def in_words(self) -> str:
        """What the bill says against the books."""
        if self.billed is None:
            return ""
        if not self.difference:
            return "agrees" if not self.held or self.billed == self.spent else "agrees, with what is held"
        word = "more" if self.difference > 0 else "less"
        return f"the bill has ${abs(self.difference):,.2f} {word} than our books"


def days_of(vendor: str, *, since: date) -> list[DayOfBooks]:
    """Days with requests, claims or a bill, the latest first."""
    found: dict[date, dict[str, Any]] = {}
    for row in _by_day(vendor, since):
        money = {name: row[name] or ZERO for name in ("units", "spent", "held", "excess")}
        if any(money.values()):
            found[row["day"]] = money
    for row in _phones_by_day(vendor, since):
        day = found.setdefault(row["day"], {"held": ZERO})
        day["held"] += row["held"]
    for bill in BilledDay.objects.filter(vendor=vendor, day__gte=since):
        found.setdefault(bill.day, {}).update(billed=bill.amount, billed_units=bill.units)
    return [DayOfBooks(vendor, day, **facts) for day, facts in sorted(found.items(), reverse=True)]


def _by_day(vendor: str, since: date) -> Any:
    calls = VendorCall.objects.filter(operation__vendor=vendor, pk__gte=_floor(since), sent_at__gte=_midnight(since))
    return (
        calls.annotate(day=TruncDate("sent_at", tzinfo=UTC))
        .values("day")
        .annotate(
            units=Sum("units", filter=_PAID),
            spent=Sum("cost", filter=_PAID),
            held=Sum("reserved", filter=_DOUBT),
            excess=Sum("excess"),
        )
        .order_by("day")
    )


def _phones_by_day(vendor: str, since: date) -> Any:
    reveals = PhoneReveal.objects.filter(
        state__in=PhoneReveal.HOLDING, call__operation__vendor=vendor, call__sent_at__gte=_midnight(since)
    )
    days = reveals.annotate(day=TruncDate("call__sent_at", tzinfo=UTC)).values("day")
    return days.annotate(held=Sum("reserved")).order_by("day")


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _floor(day: date) -> Any:
    return uuid7_floor(_midnight(day) - LATE)


def excess_of(vendor: str, *, since: datetime) -> Decimal:
    """US dollars that a vendor claims above the price list for requests reserved since then."""
    calls = VendorCall.objects.filter(operation__vendor=vendor, pk__gte=uuid7_floor(since), excess__gt=0)
    return calls.aggregate(excess=Sum("excess"))["excess"] or ZERO


# --- Apollo's own account ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CreditsCompared:
    """Apollo's count of the current credit cycle beside ours, in credits. reason: why there is none to compare.

    theirs: lead and direct-dial credits. ours: by the price list. held: the most that may still be charged for
    requests in doubt and phones still to come. counters: all of Apollo's, as it names them.
    """

    reason: str = ""
    begins: date | None = None
    ends: date | None = None
    theirs: Decimal = ZERO
    ours: Decimal = ZERO
    held: Decimal = ZERO
    counters: Sequence[tuple[str, Decimal]] = ()

    @property
    def difference(self) -> Decimal:
        """Credits that Apollo counts and we do not; below zero: that we count and Apollo does not."""
        return min(self.theirs - self.ours, ZERO) or max(self.theirs - self.ours - self.held, ZERO)

    @property
    def in_words(self) -> str:
        if self.reason:
            return self.reason
        cycle = f"since {self.begins}" if self.begins else "in this credit cycle"
        both = f"Apollo counts {self.theirs:,f} credits {cycle}, our books {self.ours:,f}"
        if self.held:
            both += f" and up to {self.held:,f} still to be decided or to come"
        if not self.difference:
            return f"{both}: they agree."
        word = "more" if self.difference > 0 else "fewer"
        why = " Other use of the account is in Apollo's number." if self.difference > 0 else ""
        return f"{both}: Apollo has {abs(self.difference):,f} {word}.{why}"


def apollo_credits() -> CreditsCompared:
    """Asks Apollo's account about its credits, which is free. Never raises for what Apollo does, and pauses nothing."""
    if not settings.VENDORS.get("apollo", {}).get("key"):
        return CreditsCompared(reason="There is no key for Apollo: its credits cannot be asked for.")
    try:
        told = usage.credit_usage()
    except usage.MayNotAsk as refusal:
        return CreditsCompared(reason=refusal.reason)
    except VendorFailure as failure:
        return CreditsCompared(reason=f"Apollo's credits could not be asked for: {failure.reason}")
    ours, held = _our_credits(told.begins, told.ends)
    theirs = _plain(told.lead + told.direct_dial)
    begins, ends = (at.date() if at else None for at in (told.begins, told.ends))
    return CreditsCompared("", begins, ends, theirs, ours, held, tuple(sorted(told.counters.items())))


def _our_credits(begins: datetime | None, ends: datetime | None) -> tuple[Decimal, Decimal]:
    """Credits by the price list, and the most that may be added to them."""
    calls = VendorCall.objects.filter(operation__vendor="apollo", sent_at__isnull=False)
    if begins is not None:
        calls = calls.filter(pk__gte=uuid7_floor(begins - LATE), sent_at__gte=begins)
    if ends is not None:
        calls = calls.filter(sent_at__lt=ends)
    ours = calls.filter(_PAID).aggregate(units=Sum("units"))["units"] or ZERO
    doubtful = [(call.reserved, call) for call in calls.filter(_DOUBT).select_related("operation")]
    phones = PhoneReveal.objects.filter(state__in=PhoneReveal.HOLDING, call__in=calls)
    doubtful += [(reveal.reserved, reveal.call) for reveal in phones.select_related("call__operation")]
    held = ZERO
    for dollars, call in doubtful:
        price = call.price or call.operation.setting("price")
        held += dollars / price if price else ZERO
    return _plain(ours), _plain(held)


def _plain(credits: Decimal) -> Decimal:
    """Without zeros behind the point: 12, 0.5."""
    whole = credits.to_integral_value()
    return whole if whole == credits else credits.quantize(MONEY).normalize()
