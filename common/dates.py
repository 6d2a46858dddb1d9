"""Days and times as people read them: Tue, Dec 1, 2:30 PM MST. By the clock of whom a request or command is for.

A builtin library of the templates too: `{{ run.created_at|moment }}`, `{{ bucket.created_at|day }}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.template import Library
from django.utils import timezone

register = Library()


def use_zone_of(user: AbstractUser | AnonymousUser) -> None:
    """Makes this person's zone the current one; UTC for nobody, and where this host does not know the zone."""
    try:
        timezone.activate(ZoneInfo(getattr(user, "time_zone", None) or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):  # chosen on a host with other zones
        timezone.deactivate()


@contextmanager
def own_zone() -> Iterator[None]:
    """UTC inside, until `use_zone_of` says otherwise; afterwards the zone of before."""
    with timezone.override(None):
        yield


@register.filter
def moment(at: datetime | None, time_zone: str = "", *, always_year: bool = False) -> str:
    """Tue, Dec 1, 2:30 PM MST: in the current zone or the named one, with the year where it is not this year."""
    if at is None or at == "":
        return ""
    local = timezone.localtime(at, ZoneInfo(time_zone) if time_zone else None)
    is_other = always_year or local.year != timezone.now().astimezone(local.tzinfo).year
    year = f", {local.year}" if is_other else ""
    return f"{local:%a, %b} {local.day}{year}, {clock(local.time())} {zone_of(local)}"


@register.filter
def second(at: datetime | None) -> str:
    """Tue, Dec 1, 2026, 2:30:05 PM MST: a moment to be looked up in somebody else's books."""
    if at is None or at == "":
        return ""
    local = timezone.localtime(at)
    return f"{local:%a, %b} {local.day}, {local.year}, {local.hour % 12 or 12}:{local:%M:%S %p} {zone_of(local)}"


@register.filter
def day(value: date | None) -> str:
    """Dec 1, 2026. A moment's day is the current zone's."""
    if value is None or value == "":
        return ""
    local = timezone.localtime(value) if isinstance(value, datetime) else value
    return f"{local:%b} {local.day}, {local.year}"


def iso(at: datetime) -> str:
    """2026-12-01T21:30:00Z: a moment as programs are told it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def clock(at: time) -> str:
    """2:30 PM."""
    return f"{at.hour % 12 or 12}:{at:%M %p}"


def zone_of(local: datetime) -> str:
    """MST; UTC+0530 where the zone has no letters of its own."""
    name = local.tzname() or ""
    return f"UTC{name}" if name[:1] in "+-" else name
