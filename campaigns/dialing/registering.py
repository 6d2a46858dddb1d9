"""What calls add to the rooms below: called once, from `CampaignsConfig.ready`."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from accounts.webhooks.registries import register_event
from campaigns.dialing import calling_off, events, forgetting
from campaigns.models import CallAttempt
from leads import registries
from leads.privacy import telling
from leads.privacy.places import search_in


def register() -> None:
    registries.on_suppressed(calling_off.on_suppressed)
    registries.keeps_lead("called", Exists(CallAttempt.objects.filter(lead=OuterRef("pk"))))
    search_in(
        "calls",
        forgetting.in_calls,
        telling.in_texts(
            CallAttempt, ("number", "note"), what="We called", team="team", at="started_at", leads=("lead",)
        ),
    )
    for name, sentence in events.EVENTS.items():
        register_event(name, sentence)
