"""Teams: whose buckets, leads and money are whose, and what each person may do there."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from common.db.models import Timestamped
from common.values.bounds import CAP


class Role(models.TextChoices):
    """What a person may do in a team (`accounts.access.SCOPES_OF`)."""

    READER = "reader", "Reader"
    CALLER = "caller", "Caller"
    BUYER = "buyer", "Buyer"
    MANAGER = "manager", "Manager"


class Team(Timestamped):
    """Answers: who shares these buckets and leads, and how much may they spend together?

    Empty limits: only those of its people count.
    """

    name = models.CharField(max_length=100, help_text="What its people call it")
    daily_lead_limit = models.PositiveIntegerField(
        null=True, blank=True, help_text="Leads a day (UTC) the team may buy data for; empty: no limit of its own"
    )
    monthly_budget = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(CAP.least), MaxValueValidator(CAP.most)],
        help_text="US dollars a month (UTC) the team may spend with all vendors; empty: no limit of its own",
    )
    lead_limit = models.PositiveIntegerField(null=True, blank=True, help_text="Leads it may hold; empty: LEADS_MAX")
    daily_contacts = models.PositiveSmallIntegerField(
        default=2,
        db_default=2,
        validators=[MinValueValidator(1), MaxValueValidator(5)],
        help_text="Attempts to contact a person in 24 hours, over all channels, 1 to 5; a state's law may allow fewer",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="team_has_name"),
            models.CheckConstraint(
                condition=Q(monthly_budget__isnull=True) | Q(monthly_budget__gte=0),
                name="team_monthly_budget_not_negative",
                violation_error_message="Enter a budget of $0 or more.",
            ),
            models.CheckConstraint(
                condition=Q(daily_contacts__gte=1) & Q(daily_contacts__lte=5),
                name="team_daily_contacts_sane",
                violation_error_message="Enter 1 to 5 attempts.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(Timestamped):
    """Answers: what may this person do in this team?"""

    team = models.ForeignKey(
        Team, models.CASCADE, related_name="memberships", db_index=False, help_text="In which team"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships", help_text="Who")
    role = models.CharField(max_length=10, choices=Role, help_text="Reader, caller, buyer or manager")
    is_masked = models.BooleanField(
        "contacts masked",
        default=False,
        db_default=False,
        help_text="Phones and e-mails stay hidden, whatever the role allows",
    )
    is_own = models.BooleanField(
        default=False, db_default=False, help_text="The team of one she was made with: used where none is named"
    )
    hides_steps = models.BooleanField(
        default=False, db_default=False, editable=False, help_text="She has put the first steps on Home away"
    )

    class Meta:
        verbose_name = "member"
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], name="member_once_per_team"),
            models.UniqueConstraint(fields=["user"], condition=Q(is_own=True), name="member_one_own_team"),
            models.CheckConstraint(
                condition=Q(role__in=["reader", "caller", "buyer", "manager"]), name="member_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


def give_own_team(user: Any) -> Team:
    """A team of one, which its user manages. Joins the caller's transaction."""
    team = Team.objects.create(name=user.get_username()[:100])
    Membership.objects.create(team=team, user=user, role=Role.MANAGER, is_own=True)
    return team
