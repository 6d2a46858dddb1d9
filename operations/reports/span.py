"""The days a report is of, by the clock of who asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from django.utils import timezone

from campaigns import clock
from integrations.ledger import scopes

YEARS = (2000, 2100)


@dataclass(frozen=True, slots=True)
class Span:
    """Whole days from `first` to `last`, both included, in `zone`."""

    first: date
    last: date
    zone: tzinfo

    @property
    def since(self) -> datetime:
        return datetime.combine(self.first, time(), self.zone)

    @property
    def until(self) -> datetime:
        """Exclusive."""
        return datetime.combine(self.last + timedelta(days=1), time(), self.zone)

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def team_months(self, team_id: int) -> list[str]:
        """The team's budgets of these days, by UTC months: each of its requests reserves its money in one of them."""
        first, last = self.since.astimezone(UTC).date().replace(day=1), self.until.astimezone(UTC).date()
        count = 12 * (last.year - first.year) + last.month - first.month
        every = (divmod(first.month - 1 + n, 12) for n in range(count + 1))
        return [scopes.team_month(team_id, date(first.year + years, month + 1, 1)) for years, month in every]


def span_of(first: date | None, last: date | None, *, days: int = 90) -> Span:
    """By the current zone; last: today unless it is said; first: so many days up to then. Raises ValueError.

    Messages and calls lie where the campaigns' clock has them, which a demo sets ahead: then up to its today.
    """
    zone = timezone.get_current_timezone()
    today = timezone.now().astimezone(zone).date()
    first = first or (last or today) - timedelta(days=days - 1)
    last = last or max(today, clock.now().astimezone(zone).date())
    if last < first or not YEARS[0] <= first.year <= last.year <= YEARS[1]:
        raise ValueError(f"The first day comes before the last, both between {YEARS[0]} and {YEARS[1]}.")
    return Span(first, last, zone)


def latest_days(days: int) -> Span:
    """The latest so many days, today included."""
    return span_of(None, None, days=days)


def this_month() -> Span:
    """From the first of the month up to today."""
    return span_of(span_of(None, None, days=1).first.replace(day=1), None)
