"""When a schedule is due, by a cron text in a person's own zone; how many a run may reach; what a cap that stopped it
means. No clock here."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

CADENCE_MAX = 100  # characters
_MINUTE = re.compile(r"[0-9]{1,2}")


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


# --- How many a run may reach -----------------------------------------------------------------------------------------

Z_90 = 1.6449  # the standard normal's 95 % point: 5 % are left out on either side
SAMPLES_MIN = 200  # past answers below which a share says little: at half and half its range is 12 points wide


def share_between(hits: int, samples: int) -> tuple[float, float]:
    """Between which two shares (0 to 1) the true one lies with 90 % confidence, `hits` of `samples` having been hits.

    Wilson's score interval (Wilson, JASA 22, 1927; Brown, Cai and DasGupta, "Interval Estimation for a Binomial
    Proportion", 2001): unlike p ± z·√(p(1−p)/n) it stays within 0 and 1 and holds for few samples and extreme shares.
    """
    if samples <= 0:
        return 0.0, 1.0
    share, square = hits / samples, Z_90 * Z_90
    middle = share + square / (2 * samples)
    half = Z_90 * math.sqrt(share * (1 - share) / samples + square / (4 * samples * samples))
    whole = 1 + square / samples
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)


# --- Caps -------------------------------------------------------------------------------------------------------------

_DAILY = ("vendor", "leads")
GOES_ON = "It resumes by itself after midnight UTC."


def cap_reason(scope: str, limit: Decimal | None) -> str:
    """Why a run is paused, from the budget scope of the cap that stopped it and its limit (US dollars, or leads)."""
    kind, _, rest = scope.partition(":")
    amount = Decimal(0) if limit is None else limit
    if kind == "run":
        return f"Reached its ${amount:,.2f} spending limit."
    if kind == "vendor":
        return f"Reached the ${amount:,.2f} daily spending limit of {rest.partition(':')[0]}. {GOES_ON}"
    if kind == "leads":
        return f"Reached the daily limit of {amount:,.0f} leads. {GOES_ON}"
    if kind == "user":
        return f"Reached the month's ${amount:,.2f} budget. Resume it once there is room in the budget."
    return "Reached a spending limit."


def day_of_cap(scope: str) -> date | None:
    """The UTC day that a daily cap is of; None for every other cap."""
    kind, _, rest = scope.partition(":")
    try:
        return date.fromisoformat(rest.rpartition(":")[2]) if kind in _DAILY else None
    except ValueError:
        return None


def month_of_cap(scope: str) -> str | None:
    """The UTC month ("2026-11") that a month's budget is of; None for every other cap."""
    kind, _, rest = scope.partition(":")
    month = rest.rpartition(":")[2]
    return month if kind == "user" and re.fullmatch(r"\d{4}-\d{2}", month, re.ASCII) else None
