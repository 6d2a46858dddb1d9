"""When the law allows a contact: dated rows for each state, holidays, emergencies. They bind all teams."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from common.dates import day
from common.db.models import UUIDModel

_DAYS = Func("from_date", "until_date", RangeBoundary(), function="daterange", output_field=DateRangeField())


def _window(days: str) -> tuple[models.TimeField, models.TimeField]:  # type: ignore[type-arg]
    return (
        models.TimeField(null=True, blank=True, help_text=f"{days}: from; empty: closed"),
        models.TimeField(null=True, blank=True, help_text=f"{days}: until, exclusive"),
    )


def _both_or_neither(days: str) -> Q:
    opens, closes = f"{days}_open", f"{days}_close"
    both = {f"{opens}__isnull": False, f"{closes}__isnull": False, f"{opens}__lt": F(closes)}
    return Q(**{f"{opens}__isnull": True, f"{closes}__isnull": True}) | Q(**both)


class ContactRule(UUIDModel):
    """Answers: when and how often may people of this state be contacted, since when, and says who? Never changed: a new
    row ends the one before. `US` is the floor under every state.
    """

    class Channel(models.TextChoices):
        ANY = "any", "Any"
        CALL = "call", "Calls"
        SMS = "sms", "Texts"
        EMAIL = "email", "E-mail"

    class Clock(models.TextChoices):
        RECIPIENT = "recipient", "The recipient's"
        CENTRAL = "central", "Central Standard Time as well"

    class Holidays(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    class Cold(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed without written consent"
        CLOSED_MOBILE = "closed_mobile", "Mobiles closed without written consent"

    class Confidence(models.TextChoices):
        HIGH = "h", "Statute read"
        MEDIUM = "m", "Two tables or a law firm"
        LOW = "l", "One table"

    jurisdiction = models.CharField(max_length=5, help_text="US, or US-TX")
    channel = models.CharField(max_length=5, choices=Channel, default=Channel.ANY, help_text="For which channel")
    weekdays_open, weekdays_close = _window("Monday to Friday")
    saturday_open, saturday_close = _window("Saturday")
    sunday_open, sunday_close = _window("Sunday")
    clock = models.CharField(max_length=9, choices=Clock, default=Clock.RECIPIENT, help_text="Whose clock")
    holidays = models.CharField(max_length=6, choices=Holidays, default=Holidays.OPEN, help_text="On its holidays")
    cap_24h = models.PositiveSmallIntegerField(
        null=True, blank=True, verbose_name="attempts in 24 hours", help_text="A person, at most; empty: no limit"
    )
    gap_minutes = models.PositiveSmallIntegerField(
        null=True, blank=True, verbose_name="minutes between attempts", help_text="At least; empty: no limit"
    )
    cold = models.CharField(max_length=13, choices=Cold, default=Cold.OPEN, help_text="Without consent")
    from_date = models.DateField(help_text="From this day")
    until_date = models.DateField(null=True, blank=True, help_text="Until before this day; empty: in force")
    source = models.CharField(max_length=500, help_text="Statute, regulation or table")
    checked_on = models.DateField(help_text="When somebody looked")
    confidence = models.CharField(max_length=1, choices=Confidence, help_text="How sure it is")
    note = models.CharField(max_length=500, blank=True, help_text="What else the approval page says")
    reason = models.CharField(max_length=300, blank=True, help_text="Why it is looser than what came with the product")
    by_id = models.BigIntegerField(null=True, blank=True, help_text="Who entered it: a user's id; empty: shipped")
    created_at = models.DateTimeField(help_text="When")

    class Meta:
        verbose_name = "rule"
        constraints = [
            models.UniqueConstraint(fields=["jurisdiction", "channel", "from_date"], name="rule_once_a_day"),
            models.CheckConstraint(
                condition=Q(jurisdiction__regex=r"^US(-[A-Z]{2})?$"), name="rule_jurisdiction_known"
            ),
            models.CheckConstraint(
                condition=_both_or_neither("weekdays") & _both_or_neither("saturday") & _both_or_neither("sunday"),
                name="rule_windows_sane",
            ),
            models.CheckConstraint(
                condition=Q(until_date__isnull=True) | Q(until_date__gte=F("from_date")),
                name="rule_ends_after_it_begins",
            ),
            ExclusionConstraint(
                name="rule_one_at_a_time",
                expressions=[
                    ("jurisdiction", RangeOperators.EQUAL),
                    ("channel", RangeOperators.EQUAL),
                    (_DAYS, RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.jurisdiction} from {day(self.from_date)}"


class RuleHoliday(models.Model):
    """Answers: on which days is a state closed that closes on holidays?"""

    jurisdiction = models.CharField(max_length=5, help_text="US, or US-TX")
    date = models.DateField(help_text="Which day")
    name = models.CharField(max_length=100, help_text="What it is called")
    source = models.CharField(max_length=500, help_text="Says who")

    class Meta:
        verbose_name = "holiday"
        constraints = [models.UniqueConstraint(fields=["jurisdiction", "date"], name="rule_holiday_once")]

    def __str__(self) -> str:
        return f"{self.jurisdiction} {day(self.date)}: {self.name}"


class Emergency(UUIDModel):
    """Answers: in which state may nobody be contacted for the moment, since when, and says who?"""

    jurisdiction = models.CharField(max_length=5, help_text="US, or US-LA")
    from_at = models.DateTimeField(help_text="Since")
    until_at = models.DateTimeField(null=True, blank=True, help_text="Until; empty: not over")
    reason = models.CharField(max_length=300, help_text="Which emergency")
    source = models.CharField(max_length=500, blank=True, help_text="Says who")
    by_id = models.BigIntegerField(null=True, blank=True, help_text="Who entered it: a user's id")
    created_at = models.DateTimeField(help_text="When")

    class Meta:
        verbose_name_plural = "emergencies"
        constraints = [
            models.CheckConstraint(
                condition=Q(until_at__isnull=True) | Q(until_at__gt=F("from_at")), name="emergency_ends_after_it_begins"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="emergency_has_reason"),
        ]
        indexes = [models.Index(fields=["jurisdiction"], name="emergency_by_place")]

    def __str__(self) -> str:
        return f"{self.jurisdiction}: {self.reason}"
