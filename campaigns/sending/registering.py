"""What sending adds to the rooms below: called once, from `CampaignsConfig.ready`."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, OuterRef

from accounts.webhooks.registries import register_event
from buckets.registries import before_bucket_delete
from campaigns.models import Delivery, Member
from campaigns.sending import doubts, events, forgetting, stopping
from integrations.ledger import dependents, waiting
from leads import registries
from leads.privacy import telling
from leads.privacy.places import search_in


def register() -> None:
    dependents.register(freed=doubts.freed, doubted=doubts.doubted)
    waiting.count_with(_waiting_for)
    registries.on_suppressed(stopping.on_suppressed)
    registries.before_leads_go(stopping.stop_members_of_leads)
    before_bucket_delete(stopping.stop_members_of_bucket)
    registries.keeps_lead("inCampaign", Exists(Member.objects.filter(lead=OuterRef("pk"))))
    ours = telling.in_texts(Delivery, ("address", "subject", "body", "html"), what="We wrote", team="team")
    search_in("text messages", forgetting.in_messages, ours)
    for name, sentence in events.EVENTS.items():
        register_event(name, sentence)


def _waiting_for(call_id: UUID) -> int:
    return Delivery.objects.filter(call=call_id, state=Delivery.State.IN_DOUBT).count()
