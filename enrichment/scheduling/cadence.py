"""When a schedule is due: a cron text in a zone of its own, the times it names, how people say it. No clock here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from common.dates import clock

CADENCE_MAX = 100  # characters
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")  # cron's 0 to 6
WEEK = ("1", "2", "3", "4", "5", "6", "0")  # as people have it
_MINUTE = re.compile(r"[0-9]{1,2}")
_SAID = re.compile(r"(\d{1,2}) (\d{1,2}) (\*|L|\d{1,2}) \* (\*|1-5|[0-6](?:,[0-6])*)")


class BadCadence(ValueError):
    """A cadence that cannot be read, comes too often, or never."""


def next_tick(cadence: str, time_zone: str, after: datetime) -> datetime:
    """The first moment (UTC) after `after` that a cadence names in its zone's own time. Raises BadCadence.

    cadence: five cron fields, such as "30 2 * * 1-5"; its minute is one number, so at most once an hour.

    Where the clock is put forward over that time it is the first minute after the gap, where the clock is put back it
    is the first of the two; but an hourly cadence (its hour begins with a star) goes by hours that pass, as Debian's
    cron does. `cronsim` is that arithmetic. Celery's crontab gives each wall-clock time once: an hourly one would leave
    out the hour that comes twice.
    """
    fields = cadence.split()
    if len(fields) != 5 or len(cadence) > CADENCE_MAX:
        raise BadCadence('Five cron fields are needed, such as "30 2 * * 1-5": minute, hour, day, month, weekday.')
    if not _MINUTE.fullmatch(fields[0]):
        raise BadCadence("The minute must be one number from 0 to 59: a schedule comes at most once an hour.")
    try:
        moments = CronSim(cadence, after.astimezone(ZoneInfo(time_zone)))
        # Begun in the second of two equal hours it may name a time of the first. In UTC: within one zone Python
        # compares what the clocks show.
        return next(utc for moment in moments if (utc := moment.astimezone(UTC)) > after.astimezone(UTC))
    except CronSimError as error:
        raise BadCadence(f"{error}. Five cron fields are needed, such as 30 2 * * 1-5.") from None
    except (StopIteration, RuntimeError):  # a generator turns the one into the other
        raise BadCadence("This day never comes.") from None


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
    """The next moments (UTC) that a cadence names. Raises BadCadence."""
    times = [next_tick(cadence, time_zone, after)]
    while len(times) < count:
        times.append(next_tick(cadence, time_zone, times[-1] + timedelta(seconds=1)))
    return times


def place_of(time_zone: str) -> str:
    """A zone's short name: New York."""
    return time_zone.rsplit("/", 1)[-1].replace("_", " ")
