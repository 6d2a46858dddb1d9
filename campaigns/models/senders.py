"""The numbers that messages leave from, and what the company has answered for each state."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from common.db.models import Timestamped, UUIDModel


class Sender(UUIDModel, Timestamped):
    """Answers: from which number does this company text, by which vendor, under which registration? An inbound message
    finds its team by it. Retired, never deleted.
    """

    class Vendor(models.TextChoices):
        TWILIO = "twilio", "Twilio"
        SIGNALHOUSE = "signalhouse_messaging", "SignalHouse"

    seller = models.ForeignKey("leads.Seller", models.PROTECT, related_name="senders", help_text="Whose it is")
    number = models.CharField(max_length=16, help_text="+1…")
    vendor = models.CharField(max_length=30, choices=Vendor, help_text="Who carries its messages")
    registration_id = models.CharField(max_length=100, blank=True, help_text="Of its 10DLC campaign; empty: none yet")
    daily_segments = models.PositiveIntegerField(null=True, blank=True, help_text="Segments a day the carriers allow")
    voice = models.BooleanField(default=False, help_text="Whether calls can be placed from it")
    retired_at = models.DateTimeField(null=True, blank=True, help_text="Since when it is not used")

    class Meta:
        verbose_name, verbose_name_plural = "number", "numbers"
        constraints = [
            models.UniqueConstraint(fields=["number"], condition=Q(retired_at__isnull=True), name="sender_number_once"),
            models.CheckConstraint(
                condition=Q(vendor__in=["twilio", "signalhouse_messaging"]), name="sender_vendor_known"
            ),
            models.CheckConstraint(condition=Q(number__regex=r"^\+1[2-9]\d{9}$"), name="sender_number_is_us"),
        ]

    def __str__(self) -> str:
        return self.number


class StateAnswer(Timestamped):
    """Answers: has this company registered as a seller in this state, or why need it not?"""

    class Answer(models.TextChoices):
        REGISTERED = "registered", "Registered"
        EXEMPT = "exempt", "Exempt, because …"
        NOT_NEEDED = "not_needed", "Not needed"
        STAY_OUT = "stay_out", "Do not contact anybody there"

    seller = models.ForeignKey("leads.Seller", models.PROTECT, related_name="states", db_index=False, help_text="Who")
    state = models.CharField(max_length=2, help_text="Two letters")
    answer = models.CharField(max_length=10, choices=Answer, help_text="Registered, exempt, not needed, stay out")
    words = models.CharField(max_length=300, blank=True, help_text="Its number, or why")
    by_id = models.BigIntegerField(null=True, blank=True, help_text="Who answered: a user's id")

    class Meta:
        verbose_name, verbose_name_plural = "state", "states"
        constraints = [
            models.UniqueConstraint(fields=["seller", "state"], name="state_answer_once"),
            models.CheckConstraint(
                condition=Q(answer__in=["registered", "exempt", "not_needed", "stay_out"]), name="state_answer_known"
            ),
            models.CheckConstraint(
                condition=~Q(answer__in=["registered", "exempt"]) | ~Q(words=""), name="state_answer_has_words"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state}: {self.get_answer_display()}"
