"""Who must not be contacted, or must not be known here at all: keyed hashes, never a contact."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from common.db.models import UUIDModel


class Suppression(UUIDModel):
    """Answers: who must not be contacted, by which channel, since when and why? Append-only, which the database
    sees to (migration 0025); outlives everything.

    kind, digest: as those of a `ContactKey`, without a foreign key, so that no deletion can take it. `erased` says
    more: nothing that bears this key is stored again (`leads.privacy.filtering`). What they said is its `EvidenceText`.
    """

    class Scope(models.TextChoices):
        ANY = "any", "Any channel"
        SMS = "sms", "Texts"
        CALL = "call", "Calls"
        EMAIL = "email", "E-mail"

    class Reason(models.TextChoices):
        STOP = "stop", "Texted STOP"
        DNC_REQUEST = "dnc_request", "Asked not to be called"
        COMPLAINT = "complaint", "Complained"
        HARD_BOUNCE = "hard_bounce", "E-mail does not exist"
        SOFT_BOUNCES = "soft_bounces", "E-mail bounced repeatedly"
        ONE_CLICK = "one_click", "Unsubscribed"
        WRONG_NUMBER = "wrong_number", "Wrong number"
        VENDOR_OPT_OUT = "vendor_opt_out", "Opted out with the carrier"
        LITIGATOR = "litigator", "Known to sue callers"
        REGISTRY = "registry", "On a do-not-call registry"
        UPLOAD = "upload", "From an uploaded list"
        OPERATOR = "operator", "Added by a person"
        ERASED = "erased", "Asked to be forgotten"
        UNDECIDED = "undecided", "Opt-out not decided"

    kind = models.SmallIntegerField(help_text="1 phone, 2 e-mail, 3 owner")
    digest = models.BinaryField(max_length=32, help_text="HMAC-SHA256 of kind and value")
    scope = models.CharField(max_length=5, choices=Scope, default=Scope.ANY, help_text="By which channel not")
    reason = models.CharField(max_length=14, choices=Reason, help_text="Why")
    source = models.CharField(max_length=48, help_text="forget:<id>, inbound:<id>, upload:<id>, user:<id>")
    owner_key_id = models.BigIntegerField(
        null=True,
        blank=True,
        help_text="Of a wrong number: the owner (a ContactKey's id) whose it is not; empty: nobody's",
    )
    by_id = models.BigIntegerField(null=True, blank=True, help_text="Who added it: a user's id")
    created_at = models.DateTimeField(help_text="Since when")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Until when; only of bounces that may pass")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "digest", "scope", "reason", "source", "owner_key_id"],
                nulls_distinct=False,
                name="suppression_once",
            ),
            models.CheckConstraint(
                condition=Q(owner_key_id__isnull=True) | Q(reason="wrong_number"), name="suppression_owner_of_wrong"
            ),
            models.CheckConstraint(condition=Q(kind__in=[1, 2, 3]), name="suppression_kind_known"),
            models.CheckConstraint(
                condition=Q(scope__in=["any", "sms", "call", "email"]), name="suppression_scope_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    reason__in=[
                        "stop", "dnc_request", "complaint", "hard_bounce", "soft_bounces", "one_click", "wrong_number",
                        "vendor_opt_out", "litigator", "registry", "upload", "operator", "erased", "undecided",
                    ]
                ),
                name="suppression_reason_known",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(reason="soft_bounces"), name="suppression_only_bounces_expire"
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["kind", "digest"], condition=Q(reason="erased"), name="suppression_erased"),
            models.Index(fields=["source"], name="suppression_by_source"),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()}: {self.get_scope_display()}"
