"""The hours of a place: all zones and all states that count for a contact, the strictest of all.

Moments are whole minutes since 1970, UTC, inside this module: every window begins and ends on one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cache
from zoneinfo import ZoneInfo

from campaigns.rules.facts import Answer, Channel, Verdict
from campaigns.rules.rule_set import RuleSet

Window = tuple[time, time, tuple[int, ...]]  # a campaign's own: from, until, weekdays (Monday 0)

UNKNOWN_ZONE = ("America/New_York", "Pacific/Honolulu")  # the ends of the 50 states: open in both is open in all
UTAH = "UT"  # its closed days open with prior express consent (Utah Code 13-25a-103(3))
CENTRAL = ("America/Chicago", "CST")
CST = timezone(timedelta(hours=-6), "CST")
DAY = 1440  # minutes
HORIZON = 400  # days that are searched for an open minute: a year and some
KEPT_PLACES, KEPT_LAWS = 5_000, 20_000  # of a rule set, in a process that lives for weeks: about 100 MB
EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Law:
    """What the table says of a place at a minute. closes_in: until all hours end, minutes; 0: not open. again: the next
    open minute, None: none within `HORIZON`. cold: of each state that closes to cold contact, how.
    """

    hours: Answer
    closed_day: Answer
    holiday: Answer
    emergency: Answer
    closes_in: int
    again: datetime | None
    cap_24h: int | None
    gap_minutes: int
    cold: tuple[tuple[str, str], ...]
    version: str


@dataclass(frozen=True, slots=True)
class _Day:
    """Of one local date: the hours common to all, minutes of the day (None: closed), and each state's own."""

    span: tuple[int, int] | None
    hours: tuple[tuple[str, int, int, str], ...]  # state, from, until (0, 0: not on this weekday), in words
    closed: tuple[str, ...]  # states
    holidays: tuple[tuple[str, str], ...]  # state, name


@dataclass(frozen=True, slots=True)
class _Date:
    """Of one local date: which clocks must be inside (True: of rows by Central Standard Time alone), and what holds."""

    clocks: tuple[tuple[str, bool], ...]
    version: str
    cap_24h: int | None
    gap_minutes: int
    cold: tuple[tuple[str, str], ...]
    no_closed_day: Answer
    no_holiday: Answer
    no_emergency: Answer


class Place:
    """One set of zones and states, for a channel. Made once, asked often."""

    def __init__(
        self,
        rules: RuleSet,
        channel: Channel,
        zones: tuple[str, ...],
        states: tuple[str, ...],
        window: Window | None,
        margin: int,
        *,
        consented: bool,
    ) -> None:
        self._rules, self._channel, self._window, self._consented = rules, channel, window, consented
        self.margin = max(margin, 1)  # minutes: a message needs one
        self._knows_states = bool(states) and set(states) <= set(rules.states)
        self.states = states if self._knows_states else rules.states
        known = zones and all(_zone(name) for name in zones)
        self.zones = zones if known else UNKNOWN_ZONE
        self._laws: dict[int, Law] = {}
        self._spans: dict[int, list[tuple[int, int]]] = {}
        self._days: dict[tuple[date, bool], _Day] = {}
        self._dates: dict[date, _Date] = {}
        self._never_from: int | None = None
        self._bans = [ban for ban in rules.emergencies if ban.state == "US" or ban.state in self.states]

    def law(self, minute: int) -> Law:
        """What the table says at this minute."""
        if (law := self._laws.get(minute)) is None:
            law = self._laws[minute] = self._law(minute)
            self._rules.laws_kept += 1
            if self._rules.laws_kept > KEPT_LAWS:
                _forget(self._rules)
        return law

    def next_open(self, minute: int) -> int | None:
        """The first minute from here on that is inside all hours, `margin` minutes before they close."""
        if self._never_from is not None and minute >= self._never_from:
            return None
        for day in range(minute // DAY, minute // DAY + HORIZON):
            for opens, closes in self._open_on(day):
                start = max(opens, minute)
                if start < closes and self._end(closes) - start >= self.margin:
                    return start
        self._never_from = minute
        return None

    def is_open_on(self, day: date) -> bool:
        """Whether no state is closed on this local date. The campaign's own weekdays do not count."""
        of_day = self._day(day, is_only_central=False)
        return not of_day.closed and not of_day.holidays

    def _law(self, minute: int) -> Law:
        """
        1. By each clock that counts: the local time against the hours of each state on that local date.
        2. Closed days and holidays of that date; emergencies of that moment.
        3. Where it is not open long enough: the next minute at which it is.
        """
        closes_in = self._closes_in(minute)
        again = None if closes_in >= self.margin else self.next_open(minute)
        again_at = None if again is None else moment(again)
        checked: list[list[object]] = []
        closed: list[list[str]] = []
        holidays: list[list[str]] = []
        is_outside = False
        common = self._of_date(self._local_date(minute))
        for name, is_only_central in common.clocks:
            local = datetime.fromtimestamp(minute * 60, _zone(name) or UTC)
            day = self._day(local.date(), is_only_central=is_only_central)
            of_day = local.hour * 60 + local.minute
            shown = _clock(of_day)
            for state, opens, closes, words in day.hours:
                inside = opens <= of_day < closes
                if not inside:
                    is_outside = True
                checked.append([state, name, shown, words, inside])
            closed += [[state, name, local.strftime("%A")] for state in day.closed]
            holidays += [[state, name, f"{local.date()}", holiday] for state, holiday in day.holidays]
        if not (closes_in or closed or holidays):
            is_outside = True  # as where the table has no row at all
        later: Verdict = "no" if again is None else "later"  # where it never opens, asking again is of no use
        version = common.version
        return Law(
            Answer("hours", version, later, {"checked": checked}, again_at)
            if is_outside
            else Answer("hours", version, "yes", {"checked": checked}),
            Answer("closed_day", version, later, {"closed": closed}, again_at) if closed else common.no_closed_day,
            Answer("holiday", version, later, {"days": holidays}, again_at) if holidays else common.no_holiday,
            self._emergency(minute, common) if self._bans else common.no_emergency,
            closes_in,
            again_at,
            common.cap_24h,
            common.gap_minutes,
            common.cold,
            version,
        )

    def _emergency(self, minute: int, common: _Date) -> Answer:
        bans = [
            [ban.state, ban.reason, f"{ban.from_at:%Y-%m-%dT%H:%MZ}"]
            for ban in self._bans
            if minute_of(ban.from_at) <= minute
            and (ban.until_at is None or minute < -(-int(ban.until_at.timestamp()) // 60))
        ]
        return Answer("emergency", common.version, "no", {"emergencies": bans}) if bans else common.no_emergency

    def _of_date(self, day: date) -> _Date:
        """What does not change within a date, by the clock of the first zone."""
        if (kept := self._dates.get(day)) is None:
            in_force = self._rules.in_force(self._channel, day)
            rows = [row for state in ("US", *self.states) for row in in_force.get(state, ())]
            clocks = [(name, False) for name in self.zones]
            if any(row.is_central for row in rows):
                clocks += [(name, True) for name in CENTRAL if name not in self.zones]
            version = ", ".join(row.version for row in rows)
            if not self._knows_states:
                version = f"all states {self._rules.digest[:12]}"
            kept = self._dates[day] = _Date(
                clocks=tuple(clocks),
                version=version,
                cap_24h=min((row.cap_24h for row in rows if row.cap_24h is not None), default=None),
                gap_minutes=max((row.gap_minutes or 0 for row in rows), default=0),
                cold=tuple((row.state, row.cold) for row in rows if row.cold != "open"),
                no_closed_day=Answer("closed_day", version, "yes"),
                no_holiday=Answer("holiday", version, "yes"),
                no_emergency=Answer("emergency", version, "yes"),
            )
        return kept

    def _local_date(self, minute: int) -> date:
        return datetime.fromtimestamp(minute * 60, _zone(self.zones[0]) or UTC).date()

    def _day(self, day: date, *, is_only_central: bool) -> _Day:
        if (kept := self._days.get((day, is_only_central))) is None:
            kept = self._days[day, is_only_central] = self._day_of(day, is_only_central=is_only_central)
        return kept

    def _day_of(self, day: date, *, is_only_central: bool) -> _Day:
        """
        1. Each state's hours are those of all its rows and of the federal row. No row in force: closed.
        2. A closed day or holiday closes it, but Utah's to those who agreed to be contacted.
        3. The campaign's own window narrows them. Of an unknown state only what is common to all is said.
        """
        in_force = self._rules.in_force(self._channel, day)
        federal = in_force.get("US", ())
        hours: dict[str, tuple[int, int] | None] = {}
        closed, holidays = [], []
        for state in self.states:
            rows = in_force.get(state, ())
            if is_only_central:
                rows = tuple(row for row in rows if row.is_central)
                if not rows:
                    continue
            if (not rows and self._channel != "email") or not federal:
                closed.append(state)
                continue
            forgives = state == UTAH and self._consented
            spans = [
                (row.hours_on(day) or row.weekdays if forgives else row.hours_on(day)) for row in (*federal, *rows)
            ]
            is_kept = any(row.closes_on_holidays for row in rows) and not forgives
            if is_kept and (name := self._rules.holiday(state, day)):
                holidays.append((state, name))
            if any(span is None for span in spans):
                closed.append(state)
            else:
                hours[state] = _common([(_up(span[0]), _down(span[1])) for span in spans if span])
        if not self._knows_states and hours:
            hours = {"any state": _common([span for span in hours.values() if span])}
        if self._window and not is_only_central:
            opens, closes, weekdays = self._window
            hours["campaign"] = (_up(opens), _down(closes)) if day.weekday() in weekdays else None
        spans_of_day = [span or (0, 0) for span in hours.values()]
        span = None if closed or holidays or not spans_of_day else _common(spans_of_day)
        shown = tuple(
            (state, *(of_state or (0, 0)), f"{_clock(of_state[0])}-{_clock(of_state[1])}" if of_state else "closed")
            for state, of_state in hours.items()
        )
        return _Day(span, shown, tuple(closed), tuple(holidays))

    def _open_on(self, day: int) -> list[tuple[int, int]]:
        """The open spans of a UTC day, [from, until), sorted."""
        if (kept := self._spans.get(day)) is not None:
            return kept
        spans = [(day * DAY, (day + 1) * DAY)]
        for name, is_only_central in self._of_date(self._local_date(day * DAY + DAY // 2)).clocks:
            zone = _zone(name) or UTC
            local = []
            for near in (day - 1, day, day + 1):
                local_date = date.fromordinal(EPOCH + near)
                if (span := self._day(local_date, is_only_central=is_only_central).span) and span[0] < span[1]:
                    local.append((_instant(local_date, span[0], zone), _instant(local_date, span[1], zone)))
            spans = [(max(a, c), min(b, d)) for a, b in spans for c, d in local if max(a, c) < min(b, d)]
        self._spans[day] = sorted(spans)
        return self._spans[day]

    def _closes_in(self, minute: int) -> int:
        for opens, closes in self._open_on(minute // DAY):
            if opens <= minute < closes:
                return self._end(closes) - minute
        return 0

    def _end(self, closes: int) -> int:
        """Where a span that reaches midnight UTC really ends."""
        while closes % DAY == 0 and (after := self._open_on(closes // DAY)) and after[0][0] == closes:
            closes = after[0][1]
        return closes


def place_of(
    rules: RuleSet,
    channel: Channel,
    zones: tuple[str, ...],
    states: tuple[str, ...],
    window: Window | None = None,
    margin: int = 0,
    *,
    consented: bool = False,
) -> Place:
    """The place of these zones and states; empty, or not in the table: unknown, so the strictest of all. margin:
    minutes before the close that a message must have left by. consented: in writing, which opens Utah's closed days.
    """
    consented = consented and UTAH in states
    key = (channel, zones, states, window, margin, consented)
    place: Place | None = rules.kept.get(key)
    if place is None:
        if len(rules.kept) >= KEPT_PLACES:
            _forget(rules)
        place = rules.kept[key] = Place(rules, channel, zones, states, window, margin, consented=consented)
    return place


def _forget(rules: RuleSet) -> None:
    rules.kept.clear()
    rules.laws_kept = 0


def minute_of(at: datetime) -> int:
    """The minute it lies in."""
    return int(at.timestamp()) // 60


def moment(minute: int) -> datetime:
    """Its first second, UTC."""
    return datetime.fromtimestamp(minute * 60, UTC)


@cache
def _zone(name: str) -> ZoneInfo | timezone | None:
    """None: there is no such zone."""
    if name == "CST":
        return CST
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return None


def _instant(day: date, minute: int, zone: ZoneInfo | timezone) -> int:
    """The minute at which this zone's clock shows it; skipped by the clock: as if it had not been put forward."""
    return minute_of(datetime.combine(day, time(*divmod(minute, 60)), zone))


def _common(spans: list[tuple[int, int]]) -> tuple[int, int]:
    return max(span[0] for span in spans), min(span[1] for span in spans)


def _up(clock: time) -> int:
    return clock.hour * 60 + clock.minute + bool(clock.second or clock.microsecond)


def _down(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
