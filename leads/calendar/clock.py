"""What time it is for calendars: the real time; where development sets the campaigns' clock, that one.

A demo's callers see the owners' time by that clock, so what they promise is due by it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.utils import timezone

Shown = Callable[[datetime], datetime]
_shown: list[Shown] = []


def go_by(shown: Shown) -> None:
    """Registers what that clock shows at a real moment: `campaigns.clock`, which this room does not know."""
    _shown[:] = [shown]


def shown_at(real: datetime) -> datetime:
    """What calendars take it to be at this real moment (UTC). In production the same."""
    return _shown[0](real) if _shown else real


def now() -> datetime:
    """The calendars' moment, UTC."""
    return shown_at(timezone.now())
