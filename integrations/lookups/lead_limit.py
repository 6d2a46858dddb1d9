"""A lead counts once against its user's and its team's daily limit: when the property detail, its first fact, is
bought.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from accounts.models import Team, User
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
    limit = User.objects.values_list("daily_lead_limit", flat=True).get(pk=user_id)
    if team_id is None:
        return (lead_cap(user_id, limit, now),)
    of_team = Team.objects.values_list("daily_lead_limit", flat=True).get(pk=team_id)
    return lead_cap(user_id, limit, now), team_lead_cap(team_id, of_team, now)
