"""When a person can be booked, by which page, and where others read her calendar."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from common.db.models import Timestamped, UUIDModel
from leads.querysets import TeamQuerySet


class Hours(models.Model):
    """Answers: on this day of the week, from when until when can this person be booked, by her own clock?"""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False, help_text="Whose hours"
    )
    weekday = models.PositiveSmallIntegerField(help_text="0 is Monday")
    start = models.TimeField(help_text="From, by her own clock")
    end = models.TimeField(help_text="Until, exclusive")

    class Meta:
        verbose_name_plural = "hours"
        constraints = [
            models.UniqueConstraint(fields=["user", "weekday", "start"], name="hours_once"),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="hours_weekday_known"),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="hours_end_after_start"),
        ]

    def __str__(self) -> str:
        return f"{self.weekday} {self.start}–{self.end}"


class BookingPage(UUIDModel, Timestamped):
    """Answers: by which public page can owners book this person? Off until switched on, at an address
    that nobody can guess.
    """

    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+", db_index=False, help_text="Whose it is")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False, help_text="Who is booked"
    )
    slug = models.CharField(max_length=43, unique=True, help_text="In its address")
    title = models.CharField(max_length=100, default="Talk about your property", help_text="What guests read")
    minutes = models.PositiveSmallIntegerField(default=30, help_text="How long an appointment is")
    buffer_minutes = models.PositiveSmallIntegerField(default=0, help_text="Kept free before and after one")
    notice_hours = models.PositiveSmallIntegerField(default=4, help_text="Not sooner than this")
    days_ahead = models.PositiveSmallIntegerField(default=14, help_text="Not later than this")
    enabled = models.BooleanField(default=False, help_text="Whether guests can open it")

    objects = TeamQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], name="booking_page_one_a_person"),
            models.CheckConstraint(condition=Q(minutes__gte=5) & Q(minutes__lte=480), name="booking_minutes_sane"),
            models.CheckConstraint(condition=Q(days_ahead__gte=1) & Q(days_ahead__lte=90), name="booking_days_sane"),
            models.CheckConstraint(condition=Q(notice_hours__lte=720), name="booking_notice_sane"),
            models.CheckConstraint(condition=Q(buffer_minutes__lte=240), name="booking_buffer_sane"),
        ]

    def __str__(self) -> str:
        return self.title


class BookingCount(models.Model):
    """Answers: how often has this e-mail, or this address, asked for an appointment on this day? Digests alone."""

    pk = models.CompositePrimaryKey("digest", "day")
    digest = models.BinaryField(max_length=32, help_text="HMAC-SHA256 of the e-mail or the address")
    day = models.DateField(help_text="UTC")
    count = models.PositiveIntegerField(default=1, help_text="How often")

    def __str__(self) -> str:
        return f"{self.count} on {self.day}"


class Feed(UUIDModel):
    """Answers: who reads this person's calendar by a secret address, and does it name anybody? The address is shown
    once; only its digest is kept. Revoked, never deleted.
    """

    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+", db_index=False, help_text="Whose it is")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", help_text="Whose calendar")
    name = models.CharField(max_length=50, blank=True, help_text="What you call it")
    digest = models.BinaryField(max_length=32, unique=True, help_text="Of the token in its address")
    kinds = models.JSONField(default=list, help_text="callback, reminder, appointment: which it shows")
    with_names = models.BooleanField(default=False, help_text="Shows names and streets; otherwise neither")
    created_at = models.DateTimeField(auto_now_add=True, help_text="When it was made")
    revoked_at = models.DateTimeField(null=True, blank=True, help_text="Since when it answers nobody")
    last_read_at = models.DateTimeField(null=True, blank=True, help_text="When it was last read")

    objects = TeamQuerySet.as_manager()

    class Meta:
        verbose_name = "calendar feed"

    def __str__(self) -> str:
        return self.name or f"Feed {self.id}"
