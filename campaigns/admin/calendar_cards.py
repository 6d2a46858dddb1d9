"""An event as one day of the calendar shows it: where it stands, how high, and in which lane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from common.dates import clock, zone_of
from leads.models import Event

FIRST_HOUR, LAST_HOUR = 8, 19  # shown at least; further where something stands there
DAY_MINUTES = 24 * 60
PIXELS_A_MINUTE = 0.8
LOWEST = 24.0  # px: a line of text


@dataclass(frozen=True, slots=True)
class Card:
    """An event as one day of a page shows it; over midnight it stands on each of its days. top, bottom: minutes of
    that day's clock; placed: pixels. their_time: by the lead's clock where it differs. is_first: the day it
    begins; is_whole: all of the day is its. no_calls: its owner is suppressed.
    """

    event: Event
    label: str
    when: str
    their_time: str
    starts: str
    top: float
    bottom: float
    is_first: bool
    is_whole: bool
    is_late: bool
    may_move: bool
    no_calls: bool = False
    height: float = 0
    lane: int = 0
    lanes: int = 1


def card_of(
    event: Event, day: date, zone: ZoneInfo, zones: tuple[str, ...], told: Callable[[str], str], now: datetime
) -> Card | None:
    """What of an event stands on a day; None: nothing. zones: the lead's; now: by the calendars' clock."""
    starts, ends = (at.astimezone(zone) for at in (event.starts_at, event.ends_at))
    last = ends.date() if ends.time() != time() or ends.date() == starts.date() else ends.date() - timedelta(1)
    if not starts.date() <= day <= last:
        return None
    is_first, is_open = day == starts.date(), event.status in Event.OPEN
    theirs = {f"{clock(at.time())} {zone_of(at)}" for at in (event.starts_at.astimezone(ZoneInfo(z)) for z in zones)}
    own = f"{clock(starts.time())} {zone_of(starts)}"
    top = starts.hour * 60 + starts.minute if is_first else 0
    bottom = ends.hour * 60 + ends.minute if day == ends.date() else DAY_MINUTES
    is_whole = (top, bottom) == (0, DAY_MINUTES)
    return Card(
        event=event,
        label=label_of(event, told),
        when="All day" if is_whole else own if is_first else f"since {starts:%a} {clock(starts.time())}",
        their_time=" / ".join(sorted(theirs)) if theirs - {own} else "",
        starts=f"{starts:%Y-%m-%dT%H:%M}",
        top=top,
        bottom=bottom,
        is_first=is_first,
        is_whole=is_whole,
        is_late=is_open and event.ends_at < now,
        may_move=is_open and is_first,
    )


def placed_in(cards: list[Card], hours: tuple[int, int]) -> list[Card]:
    """Where each stands in its day, side by side with those that it overlaps."""
    placed: list[Card] = []
    group: list[Card] = []  # that overlap each other, directly or by others
    ends: list[float] = []  # of their lanes

    def settle() -> None:
        placed.extend(replace(card, lanes=len(ends)) for card in group)
        group.clear()
        ends.clear()

    first, last = (hour * 60 for hour in hours)
    for card in sorted(cards, key=lambda one: one.top):
        top = (max(card.top, first) - first) * PIXELS_A_MINUTE
        height = (min(card.bottom, last) - max(card.top, first)) * PIXELS_A_MINUTE
        height = max(height, LOWEST)  # put back, a clock may show an end that is before the start
        if top >= max(ends, default=0):
            settle()
        lane = next((n for n, end in enumerate(ends) if end <= top), len(ends))
        ends[lane : lane + 1] = [top + height]
        group.append(replace(card, top=top, height=height, lane=lane))
    settle()
    return placed


def hours_of(cards: list[Card]) -> tuple[int, int]:
    """The hours that are shown; a whole day takes what there is."""
    parts = [card for card in cards if not card.is_whole]
    starts = [int(card.top // 60) for card in parts]
    ends = [int(-(-max(card.bottom, card.top + 1) // 60)) for card in parts]
    return min([FIRST_HOUR, *starts]), max([LAST_HOUR, *ends])


def label_of(event: Event, told: Callable[[str], str]) -> str:
    """What it is: its title, else its kind and whom it is about."""
    if event.title:
        return told(event.title)
    who = event.guest_name or (event.lead and (event.lead.owner_name or str(event.lead))) or ""
    return f"{event.get_kind_display()} {told(who)}".strip()
