"""How the scope of a budget is spelled: whose money (or leads) it counts, and in which period. Spelled here alone.

A call's purpose of the form `run:<id>` or `campaign:<id>` is spelled the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import CharField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Concat

RUN, CAMPAIGN, USER, VENDOR, LEADS = "run", "campaign", "user", "vendor", "leads"
TEAM, TEAM_LEADS = "team", "teamleads"
COUNTED = frozenset({LEADS, TEAM_LEADS})  # kinds of budgets that count inputs, not US dollars
DAILY = frozenset({VENDOR, LEADS, TEAM_LEADS})
MONTHLY = frozenset({USER, TEAM})
_PLACE = "\0"  # no id and no name holds it


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope's parts. period: "2026-11" or "2026-11-24"; empty where it has none."""

    kind: str
    whose: str
    period: str

    @property
    def day(self) -> date | None:
        """The UTC day that a daily budget is of; None for every other."""
        try:
            return date.fromisoformat(self.period) if self.kind in DAILY else None
        except ValueError:
            return None

    @property
    def month(self) -> str | None:
        """The UTC month ("2026-11") that a user's or a team's budget is of; None for every other."""
        return self.period if self.kind in MONTHLY and re.fullmatch(r"\d{4}-\d{2}", self.period, re.ASCII) else None


def parse(scope: str) -> Scope:
    """A scope's parts; those that the text lacks are empty."""
    kind, _, rest = scope.partition(":")
    whose, _, period = rest.partition(":")
    return Scope(kind, whose, period)


def run(run_id: object) -> str:
    """US dollars of one run, for good."""
    return f"{RUN}:{run_id}"


def campaign(campaign_id: object) -> str:
    """US dollars of one campaign, for good."""
    return f"{CAMPAIGN}:{campaign_id}"


def user_month(user_id: object, at: date) -> str:
    """US dollars of one user in a month (UTC)."""
    return f"{USER}:{user_id}:{at:%Y-%m}"


def team_month(team_id: object, at: date) -> str:
    """US dollars of one team in a month (UTC)."""
    return f"{TEAM}:{team_id}:{at:%Y-%m}"


def vendor_day(vendor: object, at: date) -> str:
    """US dollars at one vendor on a day (UTC)."""
    return f"{VENDOR}:{vendor}:{day(at)}"


def leads_day(user_id: object, at: date) -> str:
    """Leads whose property data one user buys on a day (UTC)."""
    return f"{LEADS}:{user_id}:{day(at)}"


def team_leads_day(team_id: object, at: date) -> str:
    """Leads whose property data one team buys on a day (UTC)."""
    return f"{TEAM_LEADS}:{team_id}:{day(at)}"


def day(at: date) -> str:
    """The period of a daily budget, with which its scope ends."""
    return f"{at:%Y-%m-%d}"


def beginning(kind: str, whose: object = "") -> str:
    """What every scope of this kind begins with. whose: of these, those of one user, vendor or run."""
    return f"{kind}:{whose}:" if whose else f"{kind}:"


def in_sql(spell: Callable[[Any], str], whose: Combinable) -> Concat:
    """A scope as SQL. spell: makes it of a value; whose: the expression that takes the value's place."""
    before, after = spell(_PLACE).split(_PLACE)
    parts = [Value(before), Cast(whose, CharField()), *([Value(after)] if after else [])]
    return Concat(*parts, output_field=CharField())


def counts_in_sql(column: str) -> str:
    """`counts_inputs` of a column, as SQL."""
    kinds = ", ".join(f"'{kind}'" for kind in sorted(COUNTED))
    return f"split_part({column}, ':', 1) IN ({kinds})"


def counts_inputs(scope: str) -> bool:
    """Whether this budget counts inputs, not US dollars."""
    return parse(scope).kind in COUNTED
