"""An operator's view of a vendor and acts on it: state, pace used, errors, the switch, a free test of the key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import Count, Q

from accounts.audit import record
from accounts.models import User
from common.dates import moment
from common.db.clock import database_now
from common.db.ids import uuid7_floor
from common.values.percent import percent
from integrations.ledger import breaker, excess, scopes
from integrations.ledger.budgets import MONEY, ZERO
from integrations.ledger.events import tell_paused
from integrations.locks import lock_operations_of, lock_vendor
from integrations.models import Balance, Operation, Vendor, VendorCall
from integrations.vendors import available, mail
from integrations.vendors.apollo import client as apollo
from integrations.vendors.errors import VendorFailure, failure_in_words
from integrations.vendors.realestateapi import client as realestateapi
from integrations.vendors.signalhouse_messaging import client as signalhouse_messaging
from integrations.vendors.twilio import client as twilio

MINUTE = timedelta(minutes=1)
OPEN_AT_MOST = timedelta(minutes=10)  # from a call's id to its sending: a call sent this minute has no older id
ERRORS_OF = timedelta(days=1)
ERRORS_READ = 500
REASON_MAX = 300  # what the column holds
_FIELDS = {"price": "price.changed", "daily_cap": "caps.changed"}  # what the audit calls a change of them
MOST_PRICE = Decimal("99999.9999")  # US dollars a unit: what the column holds


def names() -> frozenset[str]:
    """The vendors there are."""
    return frozenset(settings.VENDORS)


# --- State ------------------------------------------------------------------------------------------------------------


def trouble(vendor: Vendor, now: datetime) -> str:
    """Why nothing is bought from a vendor at this moment, in words; empty where it may be."""
    if not vendor.enabled:
        return vendor.paused_reason or "It is turned off."
    if vendor.paused_reason:
        return vendor.paused_reason
    if lacking := available.lack(vendor.pk):
        return f"{lacking}."
    if is_failing(vendor, now) and (until := vendor.breaker_open_until):
        return f"It failed repeatedly; the next try is at {moment(until)}. {vendor.last_error}"
    return ""


def is_failing(vendor: Vendor, now: datetime) -> bool:
    """Whether the breaker of one of its operations is open."""
    return any(breaker.is_open(operation, now) for operation in vendor.operations.all())


def spent_today(vendor: Vendor, now: datetime) -> tuple[Decimal, Decimal]:
    """US dollars since midnight UTC: spent, and promised to requests that are not settled."""
    budget = Balance.objects.filter(pk=scopes.vendor_day(vendor.pk, now)).first()
    return (budget.spent, budget.reserved) if budget else (ZERO, ZERO)


@dataclass(frozen=True, slots=True)
class Pace:
    """Requests of the last minute against the pace allowed. pace 0: no limit."""

    operation: Operation
    sent: int
    pace: Decimal

    @property
    def percent(self) -> int:
        return percent(self.sent, self.pace)


def paces(vendor: Vendor, now: datetime) -> list[Pace]:
    """Every operation of this vendor, by name."""
    recent = Q(calls__pk__gte=uuid7_floor(now - OPEN_AT_MOST), calls__sent_at__gt=now - MINUTE)
    rows: Any = vendor.operations.filter(name__in=settings.OPERATIONS).annotate(sent=Count("calls", filter=recent))
    return [Pace(row, row.sent, row.setting("pace")) for row in rows.order_by("name")]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Requests of the last day that failed in the same way; of the latest ERRORS_READ. Words of the latest one."""

    operation: str
    category: str
    status: int | None
    reason: str
    latest: datetime
    times: int

    @property
    def words(self) -> str:
        return failure_in_words(self.category)


def errors(vendor: Vendor, now: datetime) -> list[Trouble]:
    """By operation and category, the latest first."""
    calls = VendorCall.objects.filter(operation__vendor=vendor, pk__gte=uuid7_floor(now - ERRORS_OF))
    found: dict[tuple[str, str], Trouble] = {}
    for call in calls.exclude(category="").select_related("operation").order_by("-pk")[:ERRORS_READ]:
        kind = (call.operation.name, call.category)
        known = found.get(kind)
        if known is None:
            found[kind] = Trouble(call.operation.name, call.category, call.status, call.reason, call.created_at, 1)
        else:
            found[kind] = replace(known, times=known.times + 1)
    return list(found.values())


# --- The switch -------------------------------------------------------------------------------------------------------


def pause_vendor(*, vendor: Vendor, by: User, reason: str) -> None:
    """Nothing more is bought from it until `resume_vendor`; requests already sent are finished. Raises ValueError.

    The switch as well as the reason: a person who resumes a run lifts a reason, but does not turn the switch.
    """
    words = " ".join(reason.split())
    if not words:
        raise ValueError("Say why: whoever waits for this vendor reads it.")
    who = f" ({by.get_username()})"
    told = words[: REASON_MAX - len(who)] + who
    with transaction.atomic():
        row = lock_vendor(vendor.pk)
        tell_paused(vendor.pk)
        Vendor.objects.filter(pk=vendor.pk).update(enabled=False, paused_reason=told)
        _record(row, by, before={"enabled": row.enabled, "paused": bool(row.paused_reason)}, reason=words)


def resume_vendor(*, vendor: Vendor, by: User | None = None) -> None:
    """On again: switch, pause, breaker, and the batch endpoints. Twice is once.

    Raises BillingCheck where the vendor is paused for a billing check: that is decided, not resumed.
    """
    refuse_billing_check(vendor)
    with transaction.atomic():
        breaker.reset(vendor.pk)
        row = lock_vendor(vendor.pk)
        Vendor.objects.filter(pk=vendor.pk).update(enabled=True)
        _record(row, by, before={"enabled": row.enabled}, paused=False, breaker="reset")


def close_breaker(*, vendor: Vendor, by: User | None = None) -> None:
    """Resets breaker and pause, tries batch endpoints again; the switch stays. Raises BillingCheck."""
    refuse_billing_check(vendor)
    with transaction.atomic():
        breaker.reset(vendor.pk)
        _record(vendor, by, paused=False, breaker="reset")


# --- The price list ---------------------------------------------------------------------------------------------------


class BillingCheck(ValueError):
    """The vendor claims more than the price list says, and only a decision about prices goes on from there."""

    def __init__(self, vendor: Vendor) -> None:
        super().__init__(
            f"{vendor} needs a billing check: its own count is higher than the price list. Compare its bill, then say "
            f"that the price list is right (vendors confirm-prices {vendor.pk}), or set its price."
        )


class BadPrice(ValueError):
    """A price that cannot be set; the message says why. Nothing was changed."""


def refuse_billing_check(vendor: Vendor) -> None:
    """Raises BillingCheck where the row says so at this moment."""
    if Vendor.objects.filter(pk=vendor.pk, billing_check=True).exists():
        raise BillingCheck(vendor)


def confirm_price_list(vendor: Vendor, by: User) -> None:
    """The operator says: the price list is right, and the vendor's own count is not. Twice is once.

    What it has claimed above the list until now is settled with that; the vendor sells again, unless it is paused or
    switched off for another reason. Nothing of what was charged changes.
    """
    with transaction.atomic():
        _decide_prices(vendor.pk, lock_operations_of(vendor.pk), confirmed=True)
        _record(vendor, by, price_list="confirmed")
        _tell(by, vendor, "The price list is right")


def set_price(*, vendor: Vendor, operation: str, price: Decimal, by: User) -> None:
    """What a unit of this operation costs from now on, US dollars; a billing check is decided with it. Raises BadPrice.

    Requests that are out are charged at the price they were reserved at.
    """
    if not price.is_finite() or price < 0 or price > MOST_PRICE:
        raise BadPrice(f"A price is from $0 to ${MOST_PRICE:,.4f}.")
    if price != price.quantize(MONEY):
        raise BadPrice("A price has at most four decimals.")
    with transaction.atomic():
        rows = {row.name: row for row in lock_operations_of(vendor.pk)}
        if operation not in rows:
            raise BadPrice(f"{vendor} sells no {operation[:40]!r}: one of {', '.join(sorted(rows))}.")
        was = rows[operation].setting("price") if operation in settings.OPERATIONS else rows[operation].price
        Operation.objects.filter(pk=rows[operation].pk).update(price=price)
        _decide_prices(vendor.pk, [rows[operation]], confirmed=price == was)
        _tell(by, vendor, f"{operation} price: {was} → {price}")
        fields_were_set(rows[operation], by=by, before={"price": was}, after={"price": price})


def prices_were_set(operations: Iterable[Operation]) -> None:
    """Operations got another price on a page: as `set_price`, inside the caller's transaction."""
    by_vendor: dict[str, list[Operation]] = {}
    for row in operations:
        by_vendor.setdefault(row.vendor_id, []).append(row)
    for vendor, rows in by_vendor.items():
        lock_operations_of(vendor)
        _decide_prices(vendor, rows, confirmed=False)


def set_server_error_policy(*, vendor: Vendor, policy: str, by: User) -> None:
    """What a server error in answer to a paid request means from now on. Raises ValueError for an unknown one."""
    if policy not in Vendor.ServerErrors.values:
        raise ValueError(f"Which policy? One of {', '.join(Vendor.ServerErrors.values)}.")
    with transaction.atomic():
        row = lock_vendor(vendor.pk)
        if row.server_error_policy != policy:
            Vendor.objects.filter(pk=vendor.pk).update(server_error_policy=policy)
            _tell(by, vendor, f"server error policy: {row.server_error_policy} → {policy}")
            before = {"server_error_policy": row.server_error_policy}
            _record(row, by, before=before, server_error_policy=policy)


def _decide_prices(vendor: str, operations: Sequence[Operation], *, confirmed: bool) -> None:
    """The vendor's billing check is over. confirmed: its claims about these operations are only summed from now on;
    else they count against the new price.
    """
    at = database_now() if confirmed else None
    Operation.objects.filter(pk__in=[row.pk for row in operations]).update(list_confirmed_at=at)
    claimed, listed = excess.of_day(vendor, database_now())
    if claimed > excess.allowed(listed):  # of other operations, which nobody has decided
        return
    checked = Vendor.objects.filter(pk=vendor, billing_check=True)
    checked.filter(enabled=True, paused_reason__startswith=excess.CHECK).update(paused_reason="")
    checked.update(billing_check=False)  # another reason, or a person's, stays


def fields_were_set(row: Vendor | Operation, *, by: User, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Fields of a vendor, or of what it sells, have other values: for the audit, in the caller's transaction."""
    action = next((what for field, what in _FIELDS.items() if field in after), "vendor.changed")
    record(action, by=by, about=row, name=row.name, before=before, after=after)


def _record(vendor: Vendor, by: User | None, *, before: Mapping[str, Any] | None = None, **after: object) -> None:
    """For the audit, in the caller's transaction."""
    record("vendor.changed", by=by, about=vendor, name=vendor.pk, before=before, after=after)


def _tell(by: User, vendor: Vendor, words: str) -> None:
    """The vendor's history names who did it."""
    LogEntry.objects.log_actions(by.pk, [vendor], CHANGE, words, single_object=True)


# --- The test ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Connection:
    """ok: the vendor takes our key; None: it cannot be asked for nothing. words: for a person, without the key."""

    ok: bool | None
    words: str


def test_connection(vendor: Vendor) -> Connection:
    """Asks the vendor about our key: a call that costs nothing and stands outside pace and breaker.

    Never raises for what the vendor does.
    """
    place = settings.VENDORS.get(vendor.pk, {})
    ask = _TESTS.get(vendor.pk)
    if lacking := available.lack(vendor.pk):
        return Connection(ok=False, words=f"{lacking}.")
    if ask is None:
        return Connection(
            ok=None, words="A key is set, but it has no free call to test it with: the first purchase will tell."
        )
    try:
        answer = ask()
    except VendorFailure as failure:
        answer = Connection(ok=False, words=failure.reason)
    return replace(answer, words=answer.words.replace(place["key"], "…") if vendor.pk != "mail" else answer.words)


def _realestateapi() -> Connection:
    info = realestateapi.key_info()
    about = [f"{info.kind} key" if info.kind else "key"]
    if info.scopes:
        about.append(f"scopes {', '.join(info.scopes)}")
    if info.requests_per_second:
        about.append(f"{info.requests_per_second} requests a second")
    return Connection(ok=True, words=f"It answers and takes the key: {'; '.join(about)}.")


def _apollo() -> Connection:
    health = apollo.health()
    if not health.ok:
        return Connection(ok=False, words=health.reason)
    left = [f"{window.left} left this {name}" for name, window in health.rate.items() if window.left is not None]
    return Connection(ok=True, words=f"It answers and takes the key{': ' + ', '.join(left) if left else ''}.")


def _twilio() -> Connection:
    status = twilio.account_status()
    if status != "active":
        return Connection(ok=False, words=f"It takes the key, and the account is {status or 'in no known state'}.")
    return Connection(ok=True, words="It answers and takes the key: the account is active.")


def _signalhouse_messaging() -> Connection:
    signalhouse_messaging.check_key()
    return Connection(ok=True, words="It answers and takes the key for this group.")


def _mail() -> Connection:
    words = mail.check_place()
    if not words:
        return Connection(
            ok=None, words="It is set, but it has no free call to test it with: the first e-mail will tell."
        )
    return Connection(ok=True, words=words)


_TESTS: dict[str, Callable[[], Connection]] = {
    "realestateapi": _realestateapi,
    "apollo": _apollo,
    "twilio": _twilio,
    "signalhouse_messaging": _signalhouse_messaging,
    "mail": _mail,
}
