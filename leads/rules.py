"""A time as people say it, by their own clock. No clock here."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from common.dates import clock


class BadTime(ValueError):
    """A time that cannot be meant; the words say why."""


def moment_of(time: datetime, time_zone: str) -> datetime:
    """The moment (UTC) at which a zone's clock shows this time; a time with a zone of its own is taken at its word.

    Where the clock is put back it is the first of the two. Raises BadTime where it is put forward over that time.
    """
    aware = time if time.tzinfo else time.replace(tzinfo=ZoneInfo(time_zone), fold=0)
    try:
        moment = aware.astimezone(UTC)
        shown = moment.astimezone(aware.tzinfo)
    except OverflowError:
        raise BadTime("There is no such time.") from None
    if shown.replace(tzinfo=None) != time.replace(tzinfo=None):
        raise BadTime(f"There is no {clock(time.time())} on that day in {time_zone}: the clock is put forward over it.")
    return moment


def moved_forward(time: datetime, time_zone: str) -> datetime:
    """The moment (UTC) of a time without a zone that we computed, such as a slot or a reminder. Where the clock is put
    forward over it, the moment moves forward with the clock (2:30 becomes 3:30); where it is put back, the first one.
    """
    return time.replace(tzinfo=ZoneInfo(time_zone), fold=0).astimezone(UTC)
