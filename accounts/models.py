"""Who works here, and how much each may spend."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models


def default_daily_lead_limit() -> int:
    return int(settings.DAILY_LEAD_LIMIT)


def default_monthly_budget() -> Decimal:
    return Decimal(settings.MONTHLY_BUDGET)


class User(AbstractUser):
    """Answers: who is asking, and how many leads a day and dollars a month may they buy facts for?"""

    daily_lead_limit = models.PositiveIntegerField(
        default=default_daily_lead_limit, help_text="Leads a day (UTC) this user may buy facts for"
    )
    monthly_budget = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        default=default_monthly_budget,
        help_text="US dollars a month (UTC) this user may spend with all vendors",
    )

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(condition=models.Q(monthly_budget__gte=0), name="user_monthly_budget_not_negative")
        ]
