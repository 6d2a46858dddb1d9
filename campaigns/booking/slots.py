"""When a person can be booked on a day: pure arithmetic in the wall time of her own clock, turned into moments last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from leads.rules import BadTime, moment_of, moved_forward

Span = tuple[datetime, datetime]  # from, until (exclusive)


@dataclass(frozen=True, slots=True)
class Opening:
    """On this weekday (0 is Monday) she can be booked from `start` to `end` (exclusive), by her own clock."""

    weekday: int
    start: time
    end: time


def slots_of(day: date, openings: Iterable[Opening], *, zone: str, minutes: int) -> list[datetime]:
    """The starts (UTC) of the appointments that a day has room for, side by side from the start of each opening.

    A start that does not exist on the day the clock is put forward is left out; one that comes twice when it is put
    back is offered once, the first time. An appointment ends within its opening.
    """
    found: set[datetime] = set()
    length = timedelta(minutes=minutes)
    for opening in openings:
        if opening.weekday != day.weekday():
            continue
        local, until = datetime.combine(day, opening.start), datetime.combine(day, opening.end)
        closes = moved_forward(until, zone)
        while local + length <= until:
            try:
                start = moment_of(local, zone)
            except BadTime:
                pass
            else:
                if start + length <= closes:
                    found.add(start)
            local += length
    return sorted(found)


def free_of(
    starts: Sequence[datetime], taken: Sequence[Span], *, minutes: int, buffer_minutes: int, not_before: datetime
) -> list[datetime]:
    """Those of these starts that no appointment touches, with the buffer kept free before and after each. Half open:
    one that ends at 14:00 leaves 14:00 free.
    """
    buffer, length = timedelta(minutes=buffer_minutes), timedelta(minutes=minutes)
    return [
        start
        for start in starts
        if start >= not_before
        and all(ends + buffer <= start or start + length + buffer <= begins for begins, ends in taken)
    ]
