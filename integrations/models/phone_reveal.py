from __future__ import annotations

from django.db import models
from django.db.models import Q


class PhoneReveal(models.Model):
    """Answers: which phones of an Apollo request are still to come, what money waits for them, and how did it end?

    Made with the settling of its call, which keeps what the phones may cost reserved. A push that comes first makes it
    EARLY: then the end of the call decides about it. Closed once, by a push or by Apollo's answer to a question.
    """

    class State(models.TextChoices):
        EARLY = "early", "Delivered before its request was settled"
        WAITING = "waiting", "Waiting for phones"
        ARRIVED = "arrived", "Answered"
        IN_DOUBT = "in_doubt", "Needs billing check"
        RELEASED = "released", "Not billed"
        WRITTEN_OFF = "written_off", "Billed, nothing received"

    HOLDING = (State.WAITING, State.IN_DOUBT)

    call = models.OneToOneField(
        "integrations.VendorCall",
        models.PROTECT,
        primary_key=True,
        related_name="reveal",
        verbose_name="vendor request",
        help_text="Of which request",
    )
    state = models.CharField(max_length=12, choices=State, default=State.EARLY, help_text="How far it is")
    request_id = models.CharField(max_length=64, blank=True, help_text="Apollo's signed 64-bit number, as text")
    people = models.JSONField(default=dict, help_text="Whose phones: {Apollo person id: [look-up keys]}")
    reserved = models.DecimalField(
        max_digits=12, decimal_places=4, default=0, help_text="US dollars that the phones may cost"
    )
    holds = models.JSONField(default=dict, help_text="What is reserved where: {budget scope: amount}")
    cost = models.DecimalField(max_digits=12, decimal_places=4, default=0, help_text="US dollars the phones cost")
    found = models.PositiveIntegerField(default=0, verbose_name="phones", help_text="Phones that came")
    raw = models.BinaryField(null=True, blank=True, help_text="The pushed body, until its facts are taken from it")
    unreadable = models.BooleanField(
        default=False, help_text="What was delivered cannot be read; the result is asked for"
    )
    pushed_at = models.DateTimeField(
        null=True, blank=True, verbose_name="delivered at", help_text="When Apollo sent it to us"
    )
    asked = models.PositiveSmallIntegerField(
        default=0, verbose_name="checks", help_text="Times the result was asked for"
    )
    ask_at = models.DateTimeField(
        null=True, blank=True, verbose_name="next check", help_text="When it is asked for next"
    )
    deadline = models.DateTimeField(
        null=True, blank=True, help_text="Without a result by then it needs a billing check"
    )
    reason = models.CharField(max_length=300, blank=True, help_text="What Apollo said last, in words")
    created_at = models.DateTimeField(help_text="When it began (database clock)")
    closed_at = models.DateTimeField(null=True, blank=True, help_text="When it was closed or decided")

    class Meta:
        verbose_name, verbose_name_plural = "mobile number request", "mobile number requests"
        indexes = [
            models.Index(fields=["ask_at"], condition=Q(state="waiting"), name="reveal_waiting"),
            models.Index(fields=["call"], condition=Q(raw__isnull=False, unreadable=False), name="reveal_pushed"),
            models.Index(fields=["closed_at"], condition=Q(state="released"), name="reveal_released"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["early", "waiting", "arrived", "in_doubt", "released", "written_off"]),
                name="reveal_state_known",
            ),
            models.CheckConstraint(condition=Q(cost__gte=0) & Q(reserved__gte=0), name="reveal_money_not_negative"),
            models.CheckConstraint(
                condition=~Q(state="waiting") | (Q(ask_at__isnull=False) & Q(deadline__isnull=False)),
                name="reveal_waiting_is_asked_for",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.pk}"
