"""When the next step of a campaign falls due for a person: by her own clock, and inside the hours of all her places."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Final, Literal
from zoneinfo import ZoneInfo

from campaigns.rules.facts import Channel
from campaigns.rules.hours import Place, Window, minute_of, moment, place_of
from campaigns.rules.rule_set import RuleSet

JITTER_SECONDS: Final = 20 * 60


@dataclass(frozen=True, slots=True)
class Delay:
    """amount and unit after the step before; at_local: not before this time of the recipient's day."""

    amount: int
    unit: Literal["minutes", "hours", "days", "business_days"]
    at_local: time | None = None


def next_open(
    at: datetime,
    zones: tuple[str, ...],
    states: tuple[str, ...],
    rules: RuleSet,
    window: Window | None = None,
    *,
    channel: Channel = "sms",
    margin: int = 0,
    consented: bool = False,
) -> datetime | None:
    """The first moment from `at` on that is inside the hours of every zone and state, and margin minutes before they
    close. None: none within a year, as where a state is closed for good. consented: in writing (Utah's closed days).
    """
    return _open_from(at, place_of(rules, channel, zones, states, window, margin, consented=consented))


def after(
    delay: Delay,
    at: datetime,
    zones: tuple[str, ...],
    states: tuple[str, ...],
    rules: RuleSet,
    window: Window | None = None,
    *,
    channel: Channel = "sms",
    margin: int = 0,
    jitter: str = "",
    consented: bool = False,
) -> datetime | None:
    """When the step is due whose predecessor ended at `at`. None: as `next_open`.

    1. Minutes and hours elapse; days and business days are of the clock of the first zone, at the same time of day.
       Business days skip Saturday, Sunday, and the days on which one of the states is closed.
    2. at_local moves it to that time of its day, or of the next.
    3. It moves into the hours.
    4. jitter, what tells the member, adds 0 to 20 minutes by its hash to a moment that 2 or 3 has moved, so that a
       bucket does not start all at once at 8:00; '' adds nothing. Where that leaves the hours, it stays at their first
       moment.
    """
    place = place_of(rules, channel, zones, states, window, margin, consented=consented)
    zone = ZoneInfo(place.zones[0])
    due = _elapsed(delay, at.astimezone(UTC), zone, place)
    if delay.at_local is not None:
        local = due.astimezone(zone)
        day = local.date() if local.time() <= delay.at_local else local.date() + timedelta(days=1)
        due = shown(datetime.combine(day, delay.at_local), zone)
    opens = _open_from(due, place)
    if opens is None or not jitter or (opens == due and delay.at_local is None):
        return opens
    drawn = int.from_bytes(sha256(jitter.encode()).digest()[:8], "big") * JITTER_SECONDS >> 64
    later = opens + timedelta(seconds=drawn)
    return later if _open_from(later, place) == later else opens


def shown(local: datetime, zone: ZoneInfo) -> datetime:
    """The moment (UTC) at which the zone's clock shows a time that we computed: the first of two; a time over which the
    clock is put forward moves forward with it. For a time that a person typed: `leads.rules.moment_of`.
    """
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _open_from(at: datetime, place: Place) -> datetime | None:
    at = at.astimezone(UTC)
    minute = minute_of(at)
    is_whole = not at.second and not at.microsecond
    opens = place.next_open(minute)
    if opens is None:
        return None
    if opens > minute or is_whole:
        return moment(opens)
    if place.law(minute).closes_in > place.margin or place.margin == 1:  # between two minutes, inside
        return at
    opens = place.next_open(minute + 1)
    return None if opens is None else moment(opens)


def _elapsed(delay: Delay, at: datetime, zone: ZoneInfo, place: Place) -> datetime:
    if delay.unit == "minutes":
        return at + timedelta(minutes=delay.amount)
    if delay.unit == "hours":
        return at + timedelta(hours=delay.amount)
    local = at.astimezone(zone)
    day = local.date()
    if delay.unit == "days":
        day += timedelta(days=delay.amount)
    else:
        for _ in range(delay.amount):
            day = _next_business_day(day, place)
    if day == local.date():
        return at
    return shown(datetime.combine(day, local.time()), zone)


def _next_business_day(day: date, place: Place) -> date:
    for ahead in range(1, 30):
        following = day + timedelta(days=ahead)
        if following.weekday() < 5 and place.is_open_on(following):
            return following
    return day + timedelta(days=1)  # closed for a month: the hours say the rest
