"""Who works here, and how much each may spend."""

from __future__ import annotations

import zoneinfo
from decimal import Decimal
from functools import cache

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from common.values.bounds import CAP

BUDGET_WORDS = "Enter a budget of $0 or more."


def default_daily_lead_limit() -> int:
    return int(settings.DAILY_LEAD_LIMIT)


def default_monthly_budget() -> Decimal:
    return Decimal(settings.MONTHLY_BUDGET)


@cache
def time_zones() -> frozenset[str]:
    """The zones a clock may be set to: IANA names, such as America/New_York."""
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})  # not the same on every host


def check_time_zone(name: str) -> None:
    """Raises ValidationError for a name that is no zone."""
    if name not in time_zones():
        raise ValidationError("%(name)r is no time zone, such as America/New_York.", params={"name": name[:64]})


class User(AbstractUser):
    """Answers: who is asking, and how many leads a day and dollars a month may they buy facts for?"""

    daily_lead_limit = models.PositiveIntegerField(
        default=default_daily_lead_limit, help_text="Leads a day (UTC) this user may buy data for"
    )
    monthly_budget = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        default=default_monthly_budget,
        validators=[
            MinValueValidator(CAP.least, BUDGET_WORDS),
            MaxValueValidator(CAP.most, f"Enter a budget of ${CAP.most:,} or less."),
        ],
        help_text="US dollars a month (UTC) this user may spend with all vendors",
    )
    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        db_default="UTC",
        validators=[check_time_zone],
        help_text="Whose clock pages and new schedules go by, such as America/New_York",
    )
    time_zone_settled = models.BooleanField(
        default=False,
        db_default=False,
        help_text="The time zone was chosen, or taken from the browser at first sign-in",
    )

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                condition=models.Q(monthly_budget__gte=0),
                name="user_monthly_budget_not_negative",
                violation_error_message=BUDGET_WORDS,
            )
        ]

    @property
    def awaits_time_zone(self) -> bool:
        """Whether the browser's zone is still to be taken: nobody has chosen one."""
        return not self.time_zone_settled and self.time_zone == "UTC"


class IdempotentRequest(models.Model):
    """Answers: has this user sent this request before, and what was the answer? Forgotten after a day."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False, help_text="Who sent it"
    )
    key = models.CharField(max_length=200, help_text="Its Idempotency-Key")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, address and body")
    status = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="HTTP status of the answer; empty: it is at work, or died with its process"
    )
    body = models.TextField(blank=True, help_text="The answer as it was sent")
    created_at = models.DateTimeField(help_text="When it first came")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotent_request_once")]

    def __str__(self) -> str:
        return f"Request of user {self.user_id}"
