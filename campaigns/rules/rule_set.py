"""The rule table as a value: its rows, the states' holidays, and emergencies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cached_property
from hashlib import sha256
from typing import Any

from campaigns.rules.facts import Channel

Hours = tuple[time, time]  # local, half-open
FEDERAL: Hours = (time(8), time(21))  # 47 CFR 64.1200(c)(1)


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table. Hours None: closed on these days. channel any: calls and texts; e-mail is bound by rows
    that name it alone. is_central: inside the hours by Central Standard Time as well (Mississippi).
    """

    jurisdiction: str  # US, US-TX
    channel: str = "any"
    weekdays: Hours | None = FEDERAL
    saturday: Hours | None = FEDERAL
    sunday: Hours | None = FEDERAL
    is_central: bool = False
    closes_on_holidays: bool = False
    cap_24h: int | None = None
    gap_minutes: int | None = None
    cold: str = "open"  # open, closed, closed_mobile: without written consent
    from_date: date = date(2020, 1, 1)
    until_date: date | None = None
    state: str = field(init=False)  # TX; of US itself: US

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", self.jurisdiction[3:] or "US")

    def hours_on(self, day: date) -> Hours | None:
        """Of its weekday; holidays stand apart."""
        return (self.weekdays, self.saturday, self.sunday)[max(day.weekday() - 4, 0)]

    @property
    def version(self) -> str:
        """What a receipt calls it: TX 2020-01-01."""
        return f"{self.state} {self.from_date}"


@dataclass(frozen=True, slots=True)
class Ban:
    """An emergency: nobody in this jurisdiction is contacted. until_at None: not over."""

    jurisdiction: str
    from_at: datetime
    until_at: datetime | None
    reason: str

    @property
    def state(self) -> str:
        """Of US itself: US."""
        return self.jurisdiction[3:] or "US"


class RuleSet:
    """The table at a moment. Never changed once made; it keeps what was computed of places, so use one for many."""

    def __init__(
        self, rules: Iterable[Rule], holidays: Mapping[str, Mapping[date, str]], emergencies: Iterable[Ban] = ()
    ) -> None:
        """holidays: by jurisdiction (US-AL), the name of each day."""
        self.rules = tuple(rules)
        self.holidays = {jurisdiction[3:] or "US": dict(days) for jurisdiction, days in holidays.items()}
        self.emergencies = tuple(emergencies)
        self.states = tuple(sorted({rule.state for rule in self.rules} - {"US"}))
        self.kept: dict[Any, Any] = {}  # by `campaigns.rules.hours`: places, and how many of their minutes
        self.laws_kept = 0
        self._rows: dict[tuple[str, date], dict[str, tuple[Rule, ...]]] = {}
        self._entered: dict[tuple[str, int], bool] = {}

    def in_force(self, channel: Channel, day: date) -> dict[str, tuple[Rule, ...]]:
        """By state (and US), the rows that bind this channel on that local date."""
        if (kept := self._rows.get((channel, day))) is not None:
            return kept
        rows: dict[str, tuple[Rule, ...]] = {}
        for rule in self.rules:
            binds = rule.channel == channel or (rule.channel == "any" and channel != "email")
            if binds and rule.from_date <= day and (rule.until_date is None or day < rule.until_date):
                rows[rule.state] = (*rows.get(rule.state, ()), rule)
        self._rows[channel, day] = rows
        return rows

    def holiday(self, state: str, day: date) -> str:
        """Its name; '' on a working day. In a year of which they are not entered every day is one: in doubt a day is
        closed.
        """
        if name := self.holidays.get(state, {}).get(day):
            return name
        return "" if self.has_holidays(state, day.year) else f"the holidays of {day.year} are not entered"

    def has_holidays(self, state: str, year: int) -> bool:
        """Whether they are entered: of a year after the first, four in five of the fewest of a year before. Who enters
        them one by one opens no day by the first.
        """
        if (kept := self._entered.get((state, year))) is None:
            counts = Counter(day.year for day in self.holidays.get(state, ()))
            before = [count for one, count in counts.items() if one < year]
            kept = self._entered[state, year] = 5 * counts[year] >= 4 * min(before, default=1) and counts[year] > 0
        return kept

    @cached_property
    def digest(self) -> str:
        """Changes with any row, holiday or emergency; as hex."""
        days = sorted((state, sorted(days.items())) for state, days in self.holidays.items())
        said = repr((sorted(map(repr, self.rules)), sorted(map(repr, self.emergencies)), days))
        return sha256(said.encode()).hexdigest()
