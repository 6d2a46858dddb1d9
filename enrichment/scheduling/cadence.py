"""A cadence as people say it, from and to its cron text, and the times it names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from common.dates import clock
from enrichment.rules import next_tick

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")  # cron's 0 to 6
WEEK = ("1", "2", "3", "4", "5", "6", "0")  # as people have it
_SAID = re.compile(r"(\d{1,2}) (\d{1,2}) (\*|L|\d{1,2}) \* (\*|1-5|[0-6](?:,[0-6])*)")


@dataclass(frozen=True, slots=True)
class Said:
    """every: daily, weekdays, weekly (on each of `on`, 0 is Sunday) or monthly (on `day`: 1 to 28, or L, the last)."""

    every: str
    at: time
    on: tuple[str, ...] = ("1",)
    day: str = "1"

    @property
    def cron(self) -> str:
        """Its five cron fields."""
        day = self.day if self.every == "monthly" else "*"
        weekday = {"weekdays": "1-5", "weekly": ",".join(sorted(set(self.on)))}.get(self.every, "*")
        return f"{self.at.minute} {self.at.hour} {day} * {weekday}"

    @property
    def words(self) -> str:
        day = "last day" if self.day == "L" else f"{self.day}."
        when = {
            "daily": "Daily",
            "weekdays": "On weekdays",
            "weekly": f"On {_listed([f'{DAYS[int(day)]}s' for day in WEEK if day in self.on])}",
            "monthly": f"Monthly on the {day}",
        }
        return f"{when[self.every]} at {clock(self.at)}"


def said(cron: str) -> Said | None:
    """What a cron text says in words; None where only cron can say it."""
    found = _SAID.fullmatch(" ".join(cron.split()))
    if found is None:
        return None
    minute, hour, day, weekday = found.groups()
    if int(minute) > 59 or int(hour) > 23:
        return None
    at = time(int(hour), int(minute))
    if day == "*":
        every = {"*": "daily", "1-5": "weekdays"}.get(weekday, "weekly")
        return Said(every, at, on=tuple(sorted(set(weekday.split(","))))) if every == "weekly" else Said(every, at)
    if weekday != "*" or (day != "L" and not 1 <= int(day) <= 28):  # the 29th to the 31st are not in every month
        return None
    return Said("monthly", at, day=day if day == "L" else str(int(day)))


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def cadence_in_words(cron: str) -> str:
    """A cadence for people."""
    plain = said(cron)
    return plain.words if plain else f"cron {cron}"


def next_ticks(cadence: str, time_zone: str, after: datetime, count: int = 3) -> list[datetime]:
    """The next moments (UTC) that a cadence names. Raises rules.BadCadence."""
    times = [next_tick(cadence, time_zone, after)]
    while len(times) < count:
        times.append(next_tick(cadence, time_zone, times[-1] + timedelta(seconds=1)))
    return times


def place_of(time_zone: str) -> str:
    """A zone's short name: New York."""
    return time_zone.rsplit("/", 1)[-1].replace("_", " ")
