"""How many leads a run may bring a phone for, and the meaning of a cap that stopped it. No clock here."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal

from integrations.ledger import scopes
from integrations.naming import vendors as vendor_names

CENT = Decimal("0.01")
# --- How many leads a run brings a phone for --------------------------------------------------------------------------

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

GOES_ON = "It resumes by itself after midnight UTC."


def cap_reason(scope: str, limit: Decimal | None) -> str:
    """Why a run is paused, from the budget scope of the cap that stopped it and its limit (US dollars, or leads)."""
    of = scopes.parse(scope)
    amount = Decimal(0) if limit is None else limit
    if of.kind == scopes.RUN:
        return f"Reached its ${amount:,.2f} spending limit."
    if of.kind == scopes.VENDOR:
        return f"Reached the ${amount:,.2f} daily spending limit of {vendor_names.title(of.whose)}. {GOES_ON}"
    if of.kind == scopes.LEADS:
        return f"Reached the daily limit of {amount:,.0f} leads. {GOES_ON}"
    if of.kind == scopes.TEAM_LEADS:
        return f"Reached the team's daily limit of {amount:,.0f} leads. {GOES_ON}"
    if of.kind == scopes.TEAM:
        return f"Reached the team's ${amount:,.2f} budget of the month. Resume it once there is room in the budget."
    if of.kind == scopes.USER:
        return f"Reached the month's ${amount:,.2f} budget. Resume it once there is room in the budget."
    return "Reached a spending limit."


def doubt_in_words(leads: int) -> str:
    """Why a run is paused of which too many leads need a billing check."""
    return f"{leads:,} leads need a billing check: decide whether their requests were billed."


def day_of_cap(scope: str) -> date | None:
    """The UTC day that a daily cap is of; None for every other cap."""
    return scopes.parse(scope).day


def month_of_cap(scope: str) -> str | None:
    """The UTC month ("2026-11") that a month's budget is of; None for every other cap."""
    return scopes.parse(scope).month
