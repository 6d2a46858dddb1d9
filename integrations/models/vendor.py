from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q

from common.values import bounds
from integrations.models.within_bounds import between, within
from integrations.naming import vendors as vendor_names

if TYPE_CHECKING:
    from integrations.models.operation import Operation

CAP_WORDS = ("Enter a limit of $0 or more.", f"Enter a limit of ${bounds.CAP.most:,} or less.")


class Vendor(models.Model):
    """Answers: may anything be bought from this vendor right now, and if not, why not?"""

    class ServerErrors(models.TextChoices):
        """What an error answer (408, 5xx but 502 and 503) to a paid request means."""

        DOUBT = "doubt", "Unknown: needs a billing check"
        NOT_BILLED = "not_billed", "Not billed: try again"
        BILLED = "billed", "Billed: count the cost"

    operations: models.QuerySet[Operation]

    name = models.CharField(max_length=30, primary_key=True, help_text="realestateapi, signalhouse, twilio, …")
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
        return vendor_names.title(self.name)

    @property
    def failures(self) -> int:
        """Failures in a row, of the operation that has most."""
        return max((one.failures for one in self.operations.all()), default=0)

    @property
    def breaker_open_until(self) -> datetime | None:
        """The last time until which one of its operations is not asked."""
        return max(filter(None, (one.breaker_open_until for one in self.operations.all())), default=None)

    @property
    def cap(self) -> Decimal:
        """US dollars a day."""
        return self.daily_cap if self.daily_cap is not None else settings.VENDOR_DAILY_CAP[self.name]
