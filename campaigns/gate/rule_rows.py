"""The rule table as the rules read it."""

from __future__ import annotations

from datetime import date, time
from typing import Any

from campaigns.models import ContactRule, Emergency, RuleHoliday
from campaigns.rules.rule_set import Ban, Hours, Rule, RuleSet

_last: tuple[Any, RuleSet] | None = None


def load_rules() -> RuleSet:
    """The whole table, in three queries. The caller keeps it for as long as its transaction lasts.

    What a process has read before, unchanged, is the same object: with what was computed of places.
    """
    global _last  # one value, replaced whole: threads see the old one or the new one
    rows = (
        list(ContactRule.objects.order_by("jurisdiction", "channel", "from_date").values()),
        list(RuleHoliday.objects.order_by("jurisdiction", "date").values_list("jurisdiction", "date", "name")),
        list(
            Emergency.objects.order_by("jurisdiction", "from_at").values(
                "jurisdiction", "from_at", "until_at", "reason"
            )
        ),
    )
    if (last := _last) is not None and last[0] == rows:
        return last[1]
    holidays: dict[str, dict[date, str]] = {}
    for jurisdiction, day, name in rows[1]:
        holidays.setdefault(jurisdiction, {})[day] = name
    loaded = RuleSet((rule_of(ContactRule(**row)) for row in rows[0]), holidays, (Ban(**row) for row in rows[2]))
    _last = rows, loaded
    return loaded


def rule_of(row: ContactRule) -> Rule:
    """The row as a value, saved or not."""
    return Rule(
        row.jurisdiction,
        row.channel,
        weekdays=_hours(row.weekdays_open, row.weekdays_close),
        saturday=_hours(row.saturday_open, row.saturday_close),
        sunday=_hours(row.sunday_open, row.sunday_close),
        is_central=row.clock == ContactRule.Clock.CENTRAL,
        closes_on_holidays=row.holidays == ContactRule.Holidays.CLOSED,
        cap_24h=row.cap_24h,
        gap_minutes=row.gap_minutes,
        cold=row.cold,
        from_date=row.from_date,
        until_date=row.until_date,
    )


def _hours(opens: time | None, closes: time | None) -> Hours | None:
    return None if opens is None or closes is None else (opens, closes)
