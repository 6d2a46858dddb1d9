from __future__ import annotations

from django.db import models
from django.db.models import Q


class Lookup(models.Model):
    """Answers: has this fact ever been bought, what did it say, and is a request buying it this moment?

    One row per fact, unique by operation and key. Bought once, it serves everybody while it is fresh.
    """

    class State(models.TextChoices):
        FREE = "free", "Not owned"
        BUYING = "buying", "Being bought"
        ANSWERED = "answered", "Owned"
        GARBAGE = "garbage", "Paid, unreadable"
        IN_DOUBT = "in_doubt", "Needs billing check"

    operation = models.ForeignKey("integrations.Operation", models.PROTECT, db_index=False, help_text="What was asked")
    key = models.CharField(max_length=200, help_text="What was asked, such as a property id")
    state = models.CharField(max_length=10, choices=State, default=State.FREE, help_text="Owned, or on the way")
    call = models.ForeignKey(
        "integrations.VendorCall",
        models.PROTECT,
        null=True,
        related_name="lookups",
        verbose_name="vendor request",
        help_text="The last request that asked for it",
    )
    facts = models.JSONField(
        null=True, blank=True, verbose_name="data", help_text="The answer, allow-listed; {} is a known no-match"
    )
    category = models.CharField(max_length=20, blank=True, verbose_name="reason", help_text="Why there is no data")
    cost = models.DecimalField(max_digits=10, decimal_places=4, default=0, help_text="US dollars paid for it, in all")
    fetched_at = models.DateTimeField(
        null=True, blank=True, verbose_name="purchased at", help_text="When the answer came"
    )

    class Meta:
        verbose_name = verbose_name_plural = "purchased data"
        constraints = [
            models.UniqueConstraint(fields=["operation", "key"], name="lookup_once"),
            models.CheckConstraint(
                condition=Q(state__in=["free", "buying", "answered", "garbage", "in_doubt"]),
                name="lookup_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="answered") | (Q(facts__isnull=False) & Q(fetched_at__isnull=False)),
                name="lookup_answered_has_answer",
            ),
            models.CheckConstraint(condition=Q(cost__gte=0), name="lookup_cost_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.key[:20]}"
