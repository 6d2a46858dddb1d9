"""What an operator sees of a vendor and does about it: state, pace used, errors, the switch, a free test of the key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, Q

from config.common.ids import uuid7_floor
from config.common.percent import percent
from integrations import available, breaker
from integrations.apollo import client as apollo
from integrations.errors import VendorFailure
from integrations.models import Operation, Purse, Vendor, VendorCall
from integrations.purses import ZERO
from integrations.realestateapi import client as realestateapi

MINUTE = timedelta(minutes=1)
OPEN_AT_MOST = timedelta(minutes=10)  # from a call's id to its sending: what was sent this minute has no older id
ERRORS_OF = timedelta(days=1)
ERRORS_READ = 500
REASON_MAX = 300  # what the column holds


def names() -> frozenset[str]:
    """The vendors there are."""
    return frozenset(settings.VENDORS)


# --- State ------------------------------------------------------------------------------------------------------------


def trouble(vendor: Vendor, now: datetime) -> str:
    """Why nothing is bought from a vendor at this moment, in words; empty where it may be."""
    if not vendor.enabled:
        return vendor.paused_reason or "It is switched off."
    if vendor.paused_reason:
        return vendor.paused_reason
    if lacking := available.lack(vendor.pk):
        return f"{lacking}."
    if breaker.is_open(vendor, now) and vendor.breaker_open_until:
        return f"It failed repeatedly; the next try is at {vendor.breaker_open_until:%H:%M:%S} UTC. {vendor.last_error}"
    return ""


def spent_today(vendor: Vendor, now: datetime) -> tuple[Decimal, Decimal]:
    """US dollars since midnight UTC: spent, and promised to requests that are not settled."""
    purse = Purse.objects.filter(pk=f"vendor:{vendor.pk}:{now:%Y-%m-%d}").first()
    return (purse.spent, purse.reserved) if purse else (ZERO, ZERO)


@dataclass(frozen=True, slots=True)
class Pace:
    """Requests of the last minute against what is allowed. pace 0: there is none."""

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


def pause_vendor(*, vendor: Vendor, by: Any, reason: str) -> None:
    """Nothing more is bought from it until `resume_vendor`; what is in flight is seen through. Raises ValueError.

    The switch as well as the reason: a person who resumes a run lifts a reason, but does not turn the switch.
    """
    words = " ".join(reason.split())
    if not words:
        raise ValueError("Say why: whoever waits for this vendor reads it.")
    who = f" ({by.get_username()})"
    told = words[: REASON_MAX - len(who)] + who
    Vendor.objects.filter(pk=vendor.pk).update(enabled=False, paused_reason=told)


def resume_vendor(*, vendor: Vendor) -> None:
    """On again: switch, pause, breaker, and the batch doors. Twice is once."""
    breaker.reset(vendor.pk)
    Vendor.objects.filter(pk=vendor.pk).update(enabled=True)


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
        return Connection(False, f"{lacking}.")
    if ask is None:
        return Connection(None, "A key is set, but it has no free call to test it with: the first purchase will tell.")
    try:
        answer = ask()
    except VendorFailure as failure:
        answer = Connection(False, failure.reason)
    return replace(answer, words=answer.words.replace(place["key"], "…"))


def _realestateapi() -> Connection:
    info = realestateapi.key_info()
    about = [f"{info.kind} key" if info.kind else "key"]
    if info.scopes:
        about.append(f"scopes {', '.join(info.scopes)}")
    if info.requests_per_second:
        about.append(f"{info.requests_per_second} requests a second")
    return Connection(True, f"It answers and takes the key: {'; '.join(about)}.")


def _apollo() -> Connection:
    health = apollo.health()
    if not health.ok:
        return Connection(False, health.reason)
    left = [f"{window.left} left this {name}" for name, window in health.rate.items() if window.left is not None]
    return Connection(True, f"It answers and takes the key{': ' + ', '.join(left) if left else ''}.")


_TESTS: dict[str, Callable[[], Connection]] = {"realestateapi": _realestateapi, "apollo": _apollo}
