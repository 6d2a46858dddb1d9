"""What stands in people's calendars."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from common.db.models import UUIDModel
from leads.querysets import EventQuerySet

_HOURS = Func("starts_at", "ends_at", RangeBoundary(), function="tstzrange", output_field=DateTimeRangeField())


class Event(UUIDModel):
    """Answers: what is this person to do, when, and about whom?

    A lead has one planned callback at most; `Lead.callback_at` is its copy, written in the same transaction. Two
    appointments of a person never overlap: an end at 14:00 and a start at 14:00 do not. A held appointment waits until
    `held_until` for a guest to confirm it. sequence: raised by each move and each cancellation (iCalendar).
    """

    class Kind(models.TextChoices):
        CALLBACK = "callback", "Callback"
        REMINDER = "reminder", "Reminder"
        APPOINTMENT = "appointment", "Appointment"

    class Status(models.TextChoices):
        HELD = "held", "Waits for the guest"
        PLANNED = "planned", "Planned"
        DONE = "done", "Done"
        MISSED = "missed", "Missed"
        CANCELLED = "cancelled", "Cancelled"

    class Source(models.TextChoices):
        PERSON = "person", "A person"
        DIALER = "dialer", "Dialer"
        BOOKING = "booking", "Booking page"
        IMPORT = "import", "Before there was a calendar"

    class Mail(models.TextChoices):
        CONFIRM = "confirm", "A link to confirm it"
        REQUEST = "request", "An invitation"
        CANCEL = "cancel", "Its cancellation"

    OPEN = (Status.HELD, Status.PLANNED)
    REMIND_MINUTES = 10  # before, unless somebody says otherwise

    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+", db_index=False, help_text="Whose it is")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False, help_text="In whose calendar"
    )
    lead = models.ForeignKey(
        "leads.Lead",
        models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="events",
        db_index=False,
        help_text="About which lead; empty: none, or it was deleted",
    )
    kind = models.CharField(max_length=11, choices=Kind, help_text="Callback, reminder or appointment")
    title = models.CharField(max_length=200, blank=True, help_text="What it is about")
    note = models.CharField(max_length=2000, blank=True, help_text="What to know beforehand")
    starts_at = models.DateTimeField(help_text="From when")
    ends_at = models.DateTimeField(help_text="Until when, exclusive")
    zone = models.CharField(max_length=64, default="UTC", help_text="By whose clock it was planned")
    status = models.CharField(max_length=9, choices=Status, default=Status.PLANNED, help_text="How far")
    held_until = models.DateTimeField(null=True, blank=True, help_text="Held: free again after this")
    anyone = models.BooleanField(default=False, help_text="Any caller may make this callback")
    place = models.CharField(max_length=200, blank=True, help_text="Where, or by which phone")
    guest_name = models.CharField(max_length=100, null=True, blank=True, help_text="Who comes; empty: forgotten")
    guest_email = models.CharField(max_length=254, null=True, blank=True, help_text="Where the invitation goes")
    guest_phone = models.CharField(max_length=16, null=True, blank=True, help_text="+1…")
    guest_zone = models.CharField(max_length=64, blank=True, help_text="The guest's time zone")
    page_id = models.UUIDField(null=True, blank=True, help_text="By which booking page")
    confirm_digest = models.BinaryField(max_length=32, null=True, blank=True, help_text="Of the mailed link's token")
    mail = models.CharField(
        max_length=7, choices=Mail, blank=True, db_default="", default="", help_text="What its guest is still to get"
    )
    mail_until = models.DateTimeField(null=True, blank=True, help_text="A worker sends that until then")
    sequence = models.PositiveIntegerField(default=0, help_text="How often it was moved or cancelled")
    remind_minutes = models.PositiveIntegerField(null=True, blank=True, help_text="Minutes before; empty: no reminder")
    reminded_at = models.DateTimeField(null=True, blank=True, help_text="When its owner was reminded")
    source = models.CharField(max_length=7, choices=Source, default=Source.PERSON, help_text="Who made it")
    by_id = models.BigIntegerField(null=True, blank=True, help_text="Who planned it: a user's id")
    created_at = models.DateTimeField(auto_now_add=True, help_text="When it was made")
    changed_at = models.DateTimeField(help_text="When it was last changed")

    objects = EventQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["callback", "reminder", "appointment"]), name="event_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["held", "planned", "done", "missed", "cancelled"]), name="event_status_known"
            ),
            models.CheckConstraint(
                condition=Q(source__in=["person", "dialer", "booking", "import"]), name="event_source_known"
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="event_ends_after_it_starts"),
            models.CheckConstraint(
                condition=~Q(kind="callback", status="planned") | Q(lead__isnull=False), name="event_callback_has_lead"
            ),
            models.CheckConstraint(
                condition=Q(status="held", held_until__isnull=False, kind="appointment")
                | ~Q(status="held") & Q(held_until__isnull=True),
                name="event_held_has_time",
            ),
            models.CheckConstraint(condition=Q(anyone=False) | Q(kind="callback"), name="event_anyone_is_callback"),
            models.UniqueConstraint(
                fields=["lead"], condition=Q(kind="callback", status="planned"), name="event_one_callback_a_lead"
            ),
            models.CheckConstraint(condition=Q(mail__in=["", "confirm", "request", "cancel"]), name="event_mail_known"),
            models.UniqueConstraint(
                fields=["confirm_digest"], condition=Q(confirm_digest__isnull=False), name="event_one_a_link"
            ),
            ExclusionConstraint(
                name="event_one_appointment_at_a_time",
                expressions=[("owner", RangeOperators.EQUAL), (_HOURS, RangeOperators.OVERLAPS)],
                condition=Q(kind="appointment", status__in=["planned", "held"]),
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "starts_at"], name="event_by_owner"),
            models.Index(fields=["team", "starts_at"], condition=Q(status="planned"), name="event_planned_by_team"),
            models.Index(fields=["lead"], condition=Q(lead__isnull=False), name="event_by_lead"),
            models.Index(
                fields=["starts_at"],
                condition=Q(status="planned", reminded_at__isnull=True, remind_minutes__isnull=False),
                name="event_to_remind",
            ),
            models.Index(fields=["changed_at"], condition=~Q(mail=""), name="event_to_mail"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.id}"
