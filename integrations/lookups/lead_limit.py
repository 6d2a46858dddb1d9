"""A lead counts once against its user's daily limit: when its first fact, the property detail, is bought."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from accounts.models import User
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


def lead_caps(operation_name: str, user_id: int, now: datetime) -> tuple[Cap, ...]:
    """The caps on leads that a payer brings along to this operation: the user's limit, where it counts leads."""
    if operation_name != COUNTS:
        return ()
    limit = User.objects.values_list("daily_lead_limit", flat=True).get(pk=user_id)
    return (lead_cap(user_id, limit, now),)
