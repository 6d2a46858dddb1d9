"""Shares for people: bars and tables."""

from __future__ import annotations

from decimal import Decimal


def percent(part: int | Decimal, whole: int | Decimal) -> int:
    """Whole percent, 0 to 100, and 100 only of all of it; 0 of nothing."""
    return min(100 if part >= whole else 99, round(100 * part / whole)) if whole else 0
