"""Which states that close on holidays run out of dates: from then on they are closed every day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from campaigns.rules.rule_set import RuleSet

AHEAD = timedelta(days=60)


def states_without_dates(rules: RuleSet, today: date) -> list[tuple[str, int]]:
    """State and year: whose year begins within 60 days, or has begun, without its holidays in the table."""
    return [
        (state, year)
        for state in closing_states(rules, today)
        for year in _years(today)
        if not rules.has_holidays(state, year)
    ]


def closing_states(rules: RuleSet, today: date) -> list[str]:
    """Those that close on holidays by a row that is in force today or in 60 days."""
    return sorted(
        {
            rule.state
            for rule in rules.rules
            if rule.closes_on_holidays
            and rule.from_date <= today + AHEAD
            and (rule.until_date is None or rule.until_date > today)
        }
    )


def _years(today: date) -> Iterable[int]:
    return sorted({today.year, (today + AHEAD).year})
