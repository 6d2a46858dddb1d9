"""What inbound adds to the rooms below: called once, from `CampaignsConfig.ready`."""

from __future__ import annotations

from accounts.webhooks.registries import register_event
from campaigns.inbound import forgetting
from campaigns.inbound.receiving import EVENTS
from campaigns.models import Conversation, Inbound, IncomingMessage
from leads.privacy import telling
from leads.privacy.places import search_in


def register() -> None:
    search_in(
        "conversations",
        forgetting.in_conversations,
        telling.in_texts(Conversation, ("address",), what="Conversation", team="team", at="opened_at", leads=("lead",)),
    )
    search_in(
        "received texts",
        forgetting.in_received,
        telling.in_texts(
            IncomingMessage, ("text", "subject"), what="They wrote", team="conversation__team", at="received_at",
            leads=("conversation__lead",),
        ),
    )  # fmt: skip
    post = telling.in_bodies(Inbound, "body", what="Post of a vendor", at="received_at")
    search_in("vendors' posts", forgetting.in_posts, post)
    for name, sentence in EVENTS.items():
        register_event(name, sentence)
