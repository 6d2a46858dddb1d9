"""A lead counts once against its user's and its team's daily limit: when the property detail, its first fact, is
bought.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from common.db.direct import kept
from integrations.ledger import scopes
from integrations.ledger.budgets import Cap

COUNTS = "property_detail"


def lead_cap(user_id: int, leads: int, now: datetime) -> Cap:
    return Cap(
        scope=scopes.leads_day(user_id, now),
        limit=Decimal(leads),
        label=f"today's limit of {leads} leads",
        per_input=Decimal(1),
    )


def team_lead_cap(team_id: int, leads: int | None, now: datetime) -> Cap:
    """None counts without limiting."""
    return Cap(
        scope=scopes.team_leads_day(team_id, now),
        limit=None if leads is None else Decimal(leads),
        label=f"today's team limit of {leads} leads",
        per_input=Decimal(1),
    )


def lead_caps(operation_name: str, user_id: int, now: datetime, *, team_id: int | None = None) -> tuple[Cap, ...]:
    """The caps on leads that a payer brings to this operation, where it counts leads: the user's and the team's."""
    if operation_name != COUNTS:
        return ()
    ((of_user, of_team),) = kept(
        """
        SELECT u.daily_lead_limit, t.daily_lead_limit
          FROM accounts_user u LEFT JOIN accounts_team t ON t.id = %(team)s WHERE u.id = %(user)s
        """,
        {"team": team_id, "user": user_id},
    )
    own = lead_cap(user_id, of_user, now)
    return (own,) if team_id is None else (own, team_lead_cap(team_id, of_team, now))
