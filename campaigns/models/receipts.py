"""Why somebody was contacted, or was not."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from common.db.models import UUIDModel
from leads.querysets import TeamQuerySet

CHANNELS = ["sms", "call", "email"]


class Receipt(UUIDModel):
    """Answers: may, or might, this person be contacted at that moment, and by which rules? Append-only; names nobody,
    and outlives lead and campaign (5 years).

    rules: a list of [code, version, verdict, input]: every rule, in its order. rule_digest: of the rules without the
    clock's part; a repeated *later* with the same is a `ReceiptRepeat`.
    """

    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+", db_index=False, help_text="Who asked")
    lead_id = models.UUIDField(null=True, blank=True, help_text="About which lead")
    digest = models.BinaryField(max_length=32, help_text="HMAC-SHA256 of the phone or e-mail")
    channel = models.CharField(max_length=5, help_text="sms, call, email")
    purpose = models.CharField(max_length=8, help_text="campaign, manual, reply, confirm")
    verdict = models.CharField(max_length=5, help_text="yes, no, later")
    first = models.CharField(max_length=30, blank=True, help_text="The first rule that did not say yes")
    again_at = models.DateTimeField(null=True, blank=True, help_text="later: when to ask again")
    rules = models.JSONField(help_text="Every rule: code, version, verdict, input")
    rule_digest = models.CharField(max_length=64, help_text="SHA-256 of the rules without the clock's part")
    campaign_id = models.UUIDField(null=True, blank=True, help_text="For which campaign")
    delivery_id = models.UUIDField(null=True, blank=True, help_text="For which message")
    by_id = models.BigIntegerField(null=True, blank=True, help_text="Who asked: a user's id; empty: a worker")
    at = models.DateTimeField(help_text="For which moment, by the campaigns' clock")
    created_at = models.DateTimeField(help_text="When it was written")

    objects = TeamQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(channel__in=CHANNELS), name="receipt_channel_known"),
            models.CheckConstraint(condition=Q(verdict__in=["yes", "no", "later"]), name="receipt_verdict_known"),
            models.CheckConstraint(
                condition=Q(purpose__in=["campaign", "manual", "reply", "confirm"]), name="receipt_purpose_known"
            ),
            models.CheckConstraint(condition=Q(verdict="yes") | ~Q(first=""), name="receipt_says_which_rule"),
        ]
        indexes = [
            models.Index(fields=["lead_id", "-id"], name="receipt_by_lead"),
            models.Index(fields=["campaign_id", "-id"], name="receipt_by_campaign"),
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.verdict} {self.first}"


class ReceiptRepeat(UUIDModel):
    """Answers: when else was that the answer? Append-only."""

    receipt = models.ForeignKey(Receipt, models.PROTECT, related_name="repeats", help_text="Which answer")
    at = models.DateTimeField(help_text="For which moment")

    def __str__(self) -> str:
        return f"{self.receipt_id} at {self.at}"
