"""What webhooks are told of campaigns and messages: ids, states and counts, in the transaction that changes them."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from accounts.webhooks import emit
from accounts.webhooks.queue import IDS_MOST
from campaigns.models import Campaign, Delivery

log = logging.getLogger(__name__)

SENT, DELIVERED, FAILED = "message.sent", "message.delivered", "message.failed"
PAUSED, COMPLETED = "campaign.paused", "campaign.completed"
EVENTS = {
    SENT: "The vendor has taken text messages or e-mails, up to 500 ids an event.",
    DELIVERED: "Messages have arrived, up to 500 ids an event.",
    FAILED: "The vendor, a carrier or a mail server has refused messages, up to 500 ids an event.",
    COMPLETED: "Everybody in a campaign is done, and none of its messages waits.",
}
OF_STATE = {
    Delivery.State.ACCEPTED.value: SENT,
    Delivery.State.DELIVERED.value: DELIVERED,
    Delivery.State.FAILED.value: FAILED,
}


def tell_messages(event: str, deliveries: Iterable[Delivery]) -> None:
    """Of the messages of one campaign, or of no campaign, one event."""
    groups: dict[tuple[int, object], list[Delivery]] = {}
    for one in deliveries:
        groups.setdefault((one.team_id, one.campaign_id), []).append(one)
    for (team_id, campaign_id), rows in groups.items():
        for first in range(0, len(rows), IDS_MOST):
            part = rows[first : first + IDS_MOST]
            told = [{"id": str(one.pk), "leadId": str(one.lead_id) if one.lead_id else None} for one in part]
            data = {"campaignId": str(campaign_id) if campaign_id else None, "messages": told}
            emit(event, team_id=team_id, object_id=campaign_id or part[0].pk, data=data)


def tell_campaign(event: str, campaign: Campaign) -> None:
    """With its counters, by who has changed its state in this transaction."""
    data = {
        "campaignId": str(campaign.pk),
        "status": str(campaign.status),
        "pausedBy": str(campaign.paused_by),
        "members": campaign.members,
        "sent": campaign.sent,
        "delivered": campaign.delivered,
        "failed": campaign.failed,
        "refused": campaign.refused,
        "inDoubt": campaign.in_doubt,
    }
    emit(event, team_id=campaign.team_id, object_id=campaign.pk, data=data)


def decided_wrongly(delivery: Delivery) -> None:
    """A message that an operator had marked as not sent has arrived: its person may have got it twice."""
    log.error("Message %s was marked as not sent, and the vendor says that it was", delivery.pk)
