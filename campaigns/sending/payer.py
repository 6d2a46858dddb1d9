"""Who pays for a message, and under which caps."""

from __future__ import annotations

from accounts.models import Membership, Role
from campaigns.models import Campaign, Delivery
from integrations.ledger import scopes
from integrations.ledger.budgets import money_cap
from integrations.ledger.reservation import Payer

MESSAGE = "message"  # `VendorCall.purpose` of one that no campaign makes


def of_campaign(campaign: Campaign) -> Payer:
    """Its owner, under the campaign's own limit; the ledger adds her month, her team's and the vendor's day."""
    cap = money_cap(scopes.campaign(campaign.pk), campaign.max_cost, "this campaign's spending limit")
    return Payer(campaign.owner_id, scopes.campaign(campaign.pk), caps=(cap,), team_id=campaign.team_id)


def of_message(delivery: Delivery) -> Payer | None:
    """Who wrote it; of an opt-out's confirmation a manager of the team, the one there first. None: nobody is left."""
    payer_id = delivery.by_id
    if payer_id is None:
        members = Membership.objects.filter(team=delivery.team_id, user__is_active=True)
        managers = members.filter(role=Role.MANAGER).order_by("pk").values_list("user_id", flat=True)
        payer_id = managers.first() or members.order_by("pk").values_list("user_id", flat=True).first()
    return None if payer_id is None else Payer(payer_id, MESSAGE, team_id=delivery.team_id)
