"""What is left of rows that were kept long enough: their money, and how many there were."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class SpentBefore(models.Model):
    """Answers: how much of a budget's spending was of requests that are deleted? So that the books still agree."""

    scope = models.CharField(max_length=100, primary_key=True, help_text="As a Budget's")
    spent = models.DecimalField(max_digits=14, decimal_places=4, default=0, help_text="US dollars, or leads")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(spent__gte=0), name="spent_before_not_negative")]

    def __str__(self) -> str:
        return self.scope


class Dropped(models.Model):
    """Answers: how many rows of a kind were dropped because they were kept long enough, and when last?"""

    kind = models.CharField(max_length=30, primary_key=True, help_text="As `operations.retention` names it")
    rows = models.PositiveBigIntegerField(default=0, help_text="Rows dropped, in all")
    at = models.DateTimeField(help_text="When last")

    def __str__(self) -> str:
        return f"{self.kind}: {self.rows}"
