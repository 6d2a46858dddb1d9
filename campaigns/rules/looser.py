"""Whether a rule allows more than another: a row looser than the shipped one needs a reason."""

from __future__ import annotations

from typing import Final

from campaigns.rules.rule_set import Hours, Rule

COLD: Final = ("open", "closed_mobile", "closed")  # the stricter the later


def looser(rule: Rule, shipped: Rule) -> tuple[str, ...]:
    """The fields of the row in which it allows more; empty: in none. The same hours, or fewer, are not looser."""
    found = [
        f"{days}_open"
        for days in ("weekdays", "saturday", "sunday")
        if not _inside(getattr(rule, days), getattr(shipped, days))
    ]
    if shipped.is_central and not rule.is_central:
        found.append("clock")
    if shipped.closes_on_holidays and not rule.closes_on_holidays:
        found.append("holidays")
    if shipped.cap_24h is not None and (rule.cap_24h is None or rule.cap_24h > shipped.cap_24h):
        found.append("cap_24h")
    if (rule.gap_minutes or 0) < (shipped.gap_minutes or 0):
        found.append("gap_minutes")
    if COLD.index(rule.cold) < COLD.index(shipped.cold):
        found.append("cold")
    return tuple(found)


def _inside(hours: Hours | None, of: Hours | None) -> bool:
    return hours is None or (of is not None and of[0] <= hours[0] and hours[1] <= of[1])
