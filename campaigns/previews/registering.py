"""What campaigns add to the rooms below: whom forgetting looks for where, which events webhooks may ask for."""

from __future__ import annotations

from accounts.webhooks.registries import register_event
from campaigns.models import Campaign, PreviewLine, Snippet, Template, TemplateVersion
from campaigns.previews.forgetting import forget_in_lines
from leads.privacy import telling
from leads.privacy.places import in_texts, search_in, search_with_lead

TEXTS = ("subject", "text", "html", "typed")


def register() -> None:
    for place, model, columns, what, team, at in (
        ("campaigns", Campaign, ("name", "bucket_name", "audience", "reason"), "Campaign", "team", "created_at"),
        ("templates", Template, ("name",), "Template", "team", "created_at"),
        ("template texts", TemplateVersion, TEXTS, "Template", "template__team", "created_at"),
        ("snippets", Snippet, ("name", "text"), "Snippet", "seller__team", "created_at"),
        ("dry runs", PreviewLine, ("subject", "text"), "Text of a dry run", "preview__campaign__team", ""),
    ):
        search_in(place, in_texts(model, columns), telling.in_texts(model, columns, what=what, team=team, at=at))
    search_with_lead(forget_in_lines)
    register_event("campaign.started", "A campaign was launched; nothing has left yet.")
    register_event("campaign.paused", "A campaign has stopped until somebody acts.")
    register_event("campaign.cancelled", "A campaign was cancelled; nobody more is contacted.")
