"""Who works here, and how much each may spend."""

from __future__ import annotations

import zoneinfo
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction

from accounts.models.team import give_own_team
from accounts.models.user_triggers import USER_TRIGGERS
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


def check_name(username: str, *, of: int | None = None) -> None:
    """Raises ValidationError for a name that is somebody's, in whatever capitals: they are taken for each other.

    of: the id of whom it is for, if she has a name yet. The trigger `one_name` holds it against two at the same moment.
    """
    name = User.normalize_username(username or "")
    others = User.objects.filter(username__iexact=name)
    if (others if of is None else others.exclude(pk=of)).exists():
        raise ValidationError({"username": "There is a user of this name; capitals make no difference."})


class PeopleManager(UserManager["User"]):
    """Whoever is made here manages a team of one; who is invited into a team is made without (`accounts.people`)."""

    use_in_migrations = False

    def _create_user(self, username: str, *args: Any, **kwargs: Any) -> Any:
        check_name(username)
        with transaction.atomic():
            user = super()._create_user(username, *args, **kwargs)  # type: ignore[misc]  # the stubs lack it
            give_own_team(user)
        return user


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

    agent_phone = models.CharField(
        max_length=16, blank=True, db_default="", help_text="+1…: rings first when she calls an owner from a page"
    )
    agent_phone_verified_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When she typed the code that was spoken there"
    )
    is_operator = models.BooleanField(
        "operator",
        default=False,
        db_default=False,
        help_text="Looks after vendors, billing checks and all teams' money; sees no contacts",
    )

    sign_outs = models.PositiveIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text="How often all sessions were ended: what began before is over",
    )

    objects: ClassVar[PeopleManager] = PeopleManager()

    class Meta(AbstractUser.Meta):
        triggers = USER_TRIGGERS
        constraints = [
            models.CheckConstraint(
                condition=models.Q(monthly_budget__gte=0),
                name="user_monthly_budget_not_negative",
                violation_error_message=BUDGET_WORDS,
            )
        ]

    def clean(self) -> None:
        """A new name, or another than before, is nobody else's."""
        super().clean()
        if not User.objects.filter(pk=self.pk, username=self.username).exists():
            check_name(self.username, of=self.pk)

    @property
    def awaits_time_zone(self) -> bool:
        """Whether the browser's zone is still to be taken: nobody has chosen one."""
        return not self.time_zone_settled and self.time_zone == "UTC"
