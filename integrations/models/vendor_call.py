from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from common.db.models import UUIDModel


class VendorCall(UUIDModel):
    """Answers: what was asked of a vendor, for whom, what did it cost and how did it end? No personal data.

    One row per HTTP attempt, written before the bytes leave and never touched once it has ended. Its id is the fencing
    token: a worker that finds it in another state than expected writes nothing.

    purpose: `run:<id>` or `campaign:<id>` (spelled by `ledger.scopes`), `lookup` for a single look-up, `message` for a
    person's own message.
    """

    class State(models.TextChoices):
        RESERVED = "reserved", "Reserved: nothing sent"
        SENT = "sent", "Sent: no answer yet"
        SETTLED = "settled", "Settled"
        RELEASED = "released", "Not billed"
        IN_DOUBT = "in_doubt", "Needs billing check"
        WRITTEN_OFF = "written_off", "Billed, nothing received"

    OPEN = (State.RESERVED, State.SENT)

    operation = models.ForeignKey(
        "integrations.Operation", models.PROTECT, related_name="calls", help_text="What was asked"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False, help_text="For whom"
    )
    purpose = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="What it was paid for: an enrichment job, or a single request",
    )
    run_id = models.UUIDField(
        null=True,
        blank=True,
        verbose_name="enrichment job",
        help_text="For which enrichment job; empty: a single request",
    )
    state = models.CharField(max_length=12, choices=State, default=State.RESERVED, help_text="How far it is")
    inputs = models.PositiveIntegerField(verbose_name="records", help_text="Records asked for")
    found = models.PositiveIntegerField(default=0, verbose_name="found", help_text="Records the vendor knew")
    price = models.DecimalField(
        max_digits=9, decimal_places=4, default=0, help_text="US dollars a unit when its money was reserved"
    )
    reserved = models.DecimalField(
        max_digits=12, decimal_places=4, verbose_name="reserved", help_text="US dollars reserved before it was sent"
    )
    cost = models.DecimalField(max_digits=12, decimal_places=4, default=0, help_text="US dollars it cost")
    units = models.DecimalField(max_digits=12, decimal_places=4, default=0, help_text="Units by the price list")
    claimed = models.DecimalField(
        max_digits=12, decimal_places=4, null=True, blank=True, help_text="Units by the vendor's own count"
    )
    excess = models.DecimalField(
        max_digits=12, decimal_places=4, default=0, help_text="US dollars the vendor claims above the price list"
    )
    holds = models.JSONField(default=dict, help_text="What was reserved where: {budget scope: amount}")
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="HTTP status")
    category = models.CharField(max_length=20, blank=True, verbose_name="result", help_text="What kind of failure")
    reason = models.CharField(max_length=300, blank=True, verbose_name="reason", help_text="What went wrong, in words")
    latency_ms = models.PositiveIntegerField(
        null=True, blank=True, verbose_name="answer time (ms)", help_text="From sending to the whole answer"
    )
    request_id = models.CharField(
        max_length=64, blank=True, verbose_name="vendor’s request id", help_text="The vendor's own id of the request"
    )
    created_at = models.DateTimeField(help_text="When its money was reserved (database clock)")
    slot_at = models.DateTimeField(verbose_name="planned for", help_text="When it may leave")
    sent_at = models.DateTimeField(null=True, blank=True, help_text="When sending was committed")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it ended")
    lease_until = models.DateTimeField(help_text="Its worker is taken for dead after this")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text="Who decided a billing check",
    )
    decided_at = models.DateTimeField(null=True, blank=True, help_text="When it was decided")
    decision = models.CharField(max_length=300, blank=True, help_text="Why it was decided so, in words")

    class Meta:
        verbose_name, verbose_name_plural = "vendor request", "vendor requests"
        indexes = [
            models.Index(fields=["operation", "id"], condition=Q(excess__gt=0), name="call_with_excess"),
            models.Index(
                fields=["operation", "lease_until"], condition=Q(state__in=["reserved", "sent"]), name="call_open"
            ),
            models.Index(fields=["id"], condition=Q(state="in_doubt"), name="call_in_doubt"),
            models.Index(fields=["run_id", "id"], condition=Q(run_id__isnull=False), name="call_by_run"),
            models.Index(fields=["user", "id"], name="call_by_user"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["reserved", "sent", "settled", "released", "in_doubt", "written_off"]),
                name="call_state_known",
            ),
            models.CheckConstraint(condition=Q(inputs__gte=1), name="call_has_inputs"),
            models.CheckConstraint(condition=Q(cost__gte=0) & Q(reserved__gte=0), name="call_money_not_negative"),
            models.CheckConstraint(
                condition=Q(state__in=["reserved", "released"]) | Q(sent_at__isnull=False), name="call_sent_has_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.id}"
