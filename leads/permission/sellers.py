"""The company in whose name a team contacts owners."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from common.db.models import Timestamped, UUIDModel
from leads.querysets import TeamQuerySet


class Seller(UUIDModel, Timestamped):
    """Answers: which company contacts owners here, and how can it be reached? One a team; a change of its legal name is
    a new row, because consents and registry checks are its own and cannot be shared.

    Texts are '' until somebody filled them in; the gate names what is missing. Attested: a manager said that they are
    true. flag_acknowledged_at: she signed that the skip trace's do-not-call flag counts as a check for 31 days, which
    is no registry access and no safe harbour; lapses after 12 months.
    """

    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+", db_index=False, help_text="Whose it is")
    legal_name = models.CharField(max_length=200, blank=True, help_text="As registered with its state")
    trade_name = models.CharField(max_length=100, blank=True, help_text="What owners know it by; empty: the legal name")
    postal_address = models.CharField(max_length=300, blank=True, help_text="Street, city, state and ZIP")
    callback_phone = models.CharField(max_length=16, blank=True, help_text="+1…: where owners reach a person")
    reply_email = models.EmailField(blank=True, help_text="Where replies to its e-mail go")
    from_domain = models.CharField(max_length=253, blank=True, help_text="The domain its e-mail is sent from")
    dkim_selector = models.CharField(max_length=63, blank=True, help_text="Of the domain's DKIM record")
    dkim_checked_at = models.DateTimeField(null=True, blank=True, help_text="When the record was last found")
    san = models.CharField(max_length=40, blank=True, help_text="Subscription account number with the FTC's registry")
    policy_text = models.TextField(max_length=10_000, blank=True, help_text="Its written do-not-call policy")
    attested_by_id = models.BigIntegerField(null=True, blank=True, help_text="Who said it is true: a user's id")
    attested_at = models.DateTimeField(null=True, blank=True, help_text="When")
    flag_acknowledged_by_id = models.BigIntegerField(null=True, blank=True, help_text="Who signed: a user's id")
    flag_acknowledged_at = models.DateTimeField(null=True, blank=True, help_text="When; for 12 months")
    replaced_at = models.DateTimeField(null=True, blank=True, help_text="When another took its place; empty: active")

    objects = TeamQuerySet.as_manager()

    class Meta:
        verbose_name = "seller profile"
        constraints = [
            models.UniqueConstraint(
                fields=["team"], condition=Q(replaced_at__isnull=True), name="seller_one_active_a_team"
            ),
            models.CheckConstraint(
                condition=Q(attested_at__isnull=True)
                | ~Q(legal_name="") & ~Q(postal_address="") & ~Q(callback_phone="") & ~Q(policy_text=""),
                name="seller_attested_is_complete",
            ),
        ]

    def __str__(self) -> str:
        return self.trade_name or self.legal_name or "Not set up"

    @property
    def company(self) -> str:
        """What messages call it."""
        return self.trade_name or self.legal_name
