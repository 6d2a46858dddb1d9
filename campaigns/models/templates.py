"""Texts with variables, and the snippets in them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from common.db.models import Timestamped, UUIDModel
from leads.querysets import TeamQuerySet


class Template(UUIDModel, Timestamped):
    """Answers: which texts does this team use again and again? What it says stands in its versions."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", help_text="Who made it"
    )
    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+", db_index=False, help_text="Whose it is")
    name = models.CharField(max_length=100, help_text="What you call it")
    channel = models.CharField(max_length=5, default="sms", help_text="sms, email, call")

    objects = TeamQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("team", Lower("name"), name="template_once_per_team"),
            models.CheckConstraint(condition=~Q(name=""), name="template_has_name"),
            models.CheckConstraint(condition=Q(channel__in=["sms", "email", "call"]), name="template_channel_known"),
        ]

    def __str__(self) -> str:
        return self.name


class TemplateVersion(UUIDModel):
    """Answers: what does, or did, this template say? Never changed: an edit is the next number."""

    template = models.ForeignKey(
        Template, models.CASCADE, related_name="versions", db_index=False, help_text="Of which template"
    )
    number = models.PositiveSmallIntegerField(help_text="From 1")
    subject = models.CharField(max_length=200, blank=True, help_text="Of an e-mail")
    text = models.TextField(max_length=10_000, help_text="With {{variables}}")
    html = models.TextField(max_length=200_000, blank=True, help_text="Of an e-mail, its styles in its elements")
    typed = models.JSONField(
        default=dict, blank=True, help_text="{subject, text, html} as typed, with snippets; empty: as they stand"
    )
    variables = models.JSONField(default=list, help_text="Names of the variables in it, sorted")
    digest = models.CharField(max_length=64, help_text="SHA-256 of subject, text and html")
    segments = models.PositiveSmallIntegerField(null=True, blank=True, help_text="SMS segments with sample values")
    by_id = models.BigIntegerField(null=True, blank=True, help_text="Who wrote it: a user's id")
    created_at = models.DateTimeField(auto_now_add=True, help_text="When")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="template_version_once"),
            models.CheckConstraint(condition=~Q(text=""), name="template_version_has_text"),
        ]

    def __str__(self) -> str:
        return f"{self.template} {self.number}"


class Snippet(UUIDModel, Timestamped):
    """Answers: which words does this company put into many texts, such as a signature? `{{snippet:name}}` in a template
    is replaced when the template is saved: what it said then stays in that version.
    """

    seller = models.ForeignKey(
        "leads.Seller", models.PROTECT, related_name="snippets", db_index=False, help_text="Whose"
    )
    name = models.CharField(max_length=40, help_text="signature: small letters, digits, hyphens")
    text = models.TextField(max_length=2_000, help_text="With {{variables}}, without snippets")
    by_id = models.BigIntegerField(null=True, blank=True, help_text="Who wrote it last: a user's id")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["seller", "name"], name="snippet_once"),
            models.CheckConstraint(condition=Q(name__regex=r"^[a-z][a-z0-9-]{0,39}$"), name="snippet_name_plain"),
            models.CheckConstraint(condition=~Q(text=""), name="snippet_has_text"),
        ]

    def __str__(self) -> str:
        return self.name
