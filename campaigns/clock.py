"""What time it is for campaigns: the gate, steps, hours and caps ask here, and nobody else does.

It is the database's clock, but where development sets CAMPAIGN_CLOCK (`2026-09-15T15:00Z/20`: from when, how fast), so
that a demo has no closed Sundays. Leases, pace and vendors' time-outs stay on the database's clock.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from campaigns.models import ClockSetting
from common.db.clock import database_now


def now() -> datetime:
    """The campaigns' moment, UTC."""
    return both()[1]


def both() -> tuple[datetime, datetime]:
    """The database's clock, for leases and pace, and the campaigns' moment."""
    real = database_now()
    return real, shown_at(real)


def shown_at(real: datetime) -> datetime:
    """The campaigns' moment when the database's clock shows this: for who has read that one already."""
    if settings.CAMPAIGN_CLOCK is None:
        return real
    setting = ClockSetting.objects.filter(pk=1).first() or _first(real, *settings.CAMPAIGN_CLOCK)
    return setting.shown_at + (real - setting.real_at) * setting.speed


def shown(_request: HttpRequest) -> dict[str, Any]:
    """For every page of development: which moment campaigns take it to be, where it is not the real one."""
    if settings.CAMPAIGN_CLOCK is None:
        return {}
    return {"campaign_clock": SimpleLazyObject(now)}  # asked by pages of the desk alone


def _first(real: datetime, starts_at: datetime, speed: int) -> ClockSetting:
    ClockSetting.objects.bulk_create(
        [ClockSetting(pk=1, real_at=real, shown_at=starts_at, speed=speed)], ignore_conflicts=True
    )
    return ClockSetting.objects.get(pk=1)
