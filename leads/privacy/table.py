"""The job that forgets one person."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from common.db.models import Timestamped, UUIDModel
from common.db.work import Leased, LeasedQuerySet


class Forgetting(UUIDModel, Timestamped, Leased):
    """Answers: how far is blanking a person's fields everywhere? It holds none of them: her hashes are suppressions.

    Resumable: `place` and `after` say where it is; each piece moves them in the transaction that changes its rows.
    """

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        COMPLETED = "completed", "Completed"

    by_id = models.BigIntegerField(null=True, blank=True, help_text="Who asked: a user's id")
    status = models.CharField(max_length=10, choices=Status, default=Status.RUNNING, help_text="How far it is")
    place = models.CharField(max_length=30, blank=True, help_text="Which place is being searched; empty: the first")
    after = models.CharField(max_length=64, blank=True, help_text="The last row of that place that was looked at")
    barrier = models.BigIntegerField(
        null=True, blank=True, help_text="Transactions older than this one may not have seen the hashes"
    )
    looked_at = models.PositiveBigIntegerField(default=0, help_text="Rows looked at")
    changed = models.JSONField(default=dict, blank=True, help_text="Rows changed, by place: counts alone")
    error = models.CharField(max_length=300, blank=True, help_text="Why it waits, in words")

    objects = LeasedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=["running", "completed"]), name="forgetting_status_known"),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(status="running"), name="forgetting_open")]

    def __str__(self) -> str:
        return f"{self.get_status_display()}: {self.looked_at} rows"

    @property
    def source(self) -> str:
        """How its suppressions name it."""
        return f"forget:{self.pk.hex}"
