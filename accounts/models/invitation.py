"""Invitations into a team."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.models.team import Role, Team
from common.db.models import Timestamped, UUIDModel


class Invitation(UUIDModel, Timestamped):
    """Answers: who was asked by e-mail to join which team, as what, and have they come?"""

    team = models.ForeignKey(Team, models.CASCADE, related_name="invitations", help_text="Into which team")
    email = models.EmailField(max_length=254, help_text="Where the link was sent")
    role = models.CharField(max_length=10, choices=Role, help_text="What they will be there")
    is_masked = models.BooleanField(
        "contacts masked", default=False, db_default=False, help_text="Phones and e-mails stay hidden"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", help_text="Who invited"
    )
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the link's secret")
    expires_at = models.DateTimeField(help_text="Until when the link works")
    accepted_at = models.DateTimeField(null=True, blank=True, help_text="When they came")
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", help_text="As whom"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "team", Lower("email"), condition=Q(accepted_at__isnull=True), name="invitation_once_per_team"
            ),
            models.CheckConstraint(
                condition=Q(role__in=["reader", "caller", "buyer", "manager"]), name="invitation_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} into {self.team}"
