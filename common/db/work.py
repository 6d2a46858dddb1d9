"""Rows that are work. A worker takes a row for a time (its lease); a row whose lease is past is free: its worker died.

A table has the columns it needs: `Leased`, `Claimed` (who has it as well), `Deferred` (not before a time).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self, TypeVar

from django.db import models
from django.db.models import Q

from common.db.clock import CLOCK, database_now

M = TypeVar("M", bound=models.Model, covariant=True)


def free_at(now: datetime | None) -> Q:
    """Rows that no worker has at that time; None: by the database's clock, when it runs the statement."""
    return Q(lease_until__isnull=True) | Q(lease_until__lte=now or CLOCK)


def due_sql(row: str) -> str:
    """`WorkQuerySet.due` for a statement in SQL. row: the table's name there."""
    return f"({row}.not_before IS NULL OR {row}.not_before <= clock_timestamp())"


class LeasedQuerySet(models.QuerySet[M]):
    def free(self, now: datetime | None = None) -> Self:
        """Rows that no worker has at that time, by default at the database's."""
        return self.filter(free_at(now))

    def taken(self) -> Self:
        """Rows that a worker has."""
        return self.filter(lease_until__gt=CLOCK)

    def take(self, lease: timedelta, **changes: object) -> int:
        """Takes those that are free, changing other columns as well. Returns how many: one worker alone gets a row."""
        return self.free().update(lease_until=database_now() + lease, **changes)


class WorkQuerySet(LeasedQuerySet[M]):
    def due(self, now: datetime | None = None) -> Self:
        """Rows that may be taken at that time, by default at the database's."""
        return self.filter(Q(not_before__isnull=True) | Q(not_before__lte=now or CLOCK))


class Leased(models.Model):
    """A row that a worker takes for a time."""

    lease_until = models.DateTimeField(
        null=True, blank=True, verbose_name="worker until", help_text="A worker has it until"
    )

    class Meta:
        abstract = True


class Claimed(Leased):
    """A row that says who has it: only who names the token may move it on."""

    token = models.UUIDField(null=True, blank=True, verbose_name="worker", help_text="Who has it")

    class Meta:
        abstract = True


class Deferred(models.Model):
    """A row that may have to wait before a worker takes it."""

    not_before = models.DateTimeField(
        null=True, blank=True, verbose_name="next try", help_text="Not to be tried again before"
    )

    class Meta:
        abstract = True
