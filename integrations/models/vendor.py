from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q

from common.values import bounds
from integrations.models.within_bounds import between, within

CAP_WORDS = ("Enter a limit of $0 or more.", f"Enter a limit of ${bounds.CAP.most:,} or less.")


class Vendor(models.Model):
    """Answers: may anything be bought from this vendor right now, and if not, why not?"""

    class ServerErrors(models.TextChoices):
        """What an error answer (408, 5xx but 502 and 503) to a paid request means."""

        DOUBT = "doubt", "Unknown: needs a billing check"
        NOT_BILLED = "not_billed", "Not billed: try again"
        BILLED = "billed", "Billed: count the cost"

    name = models.CharField(max_length=30, primary_key=True, help_text="realestateapi, signalhouse, apollo")
    enabled = models.BooleanField(default=True, verbose_name="on", help_text="The operator's switch")
    paused_reason = models.CharField(
        max_length=300, blank=True, help_text="Why nothing is bought until an operator acts (a refused key, no credit)"
    )
    daily_cap = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=within(bounds.CAP, CAP_WORDS),
        verbose_name="daily spending limit ($)",
        help_text="Per day (UTC); empty: default",
    )
    billing_check = models.BooleanField(
        default=False, help_text="Paused because it claims more than the price list says, until an operator decides"
    )
    server_error_policy = models.CharField(
        max_length=10,
        choices=ServerErrors,
        default=ServerErrors.DOUBT,
        verbose_name="after a server error",
        help_text="What a server error in answer to a paid request means",
    )
    failures = models.PositiveSmallIntegerField(default=0, help_text="Failures in a row")
    breaker_openings = models.PositiveSmallIntegerField(default=0, help_text="Times the breaker opened in a row")
    breaker_open_until = models.DateTimeField(null=True, blank=True, help_text="Nothing is sent before; then one probe")
    last_error = models.CharField(max_length=300, blank=True, help_text="The last failure, in words")
    last_error_at = models.DateTimeField(null=True, blank=True, help_text="When it failed last")

    class Meta:
        ordering = ["name"]
        constraints = [
            between("daily_cap", bounds.CAP, CAP_WORDS, "vendor_daily_cap_sane"),
            models.CheckConstraint(
                condition=Q(server_error_policy__in=["doubt", "not_billed", "billed"]), name="vendor_policy_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def cap(self) -> Decimal:
        """US dollars a day."""
        return self.daily_cap if self.daily_cap is not None else settings.VENDOR_DAILY_CAP[self.name]
