"""One pump a stage: who has the lane, and whether anybody has to be rung for."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings

from common.db.clock import CLOCK, database_now
from common.db.ids import uuid7
from common.enqueue import enqueue_on_commit
from enrichment.models import FOR_EVER, PumpLease, Run, RunItem


def acquire(stage: int) -> UUID | None:
    """Takes the lane; None: a pump is at work there."""
    PumpLease.objects.bulk_create([PumpLease(stage=stage)], ignore_conflicts=True)
    token = uuid7()
    return token if PumpLease.objects.filter(stage=stage).take(_lease(), token=token, beat_at=CLOCK) else None


def _lease() -> timedelta:
    return timedelta(seconds=settings.PUMP_LEASE_SECONDS)


def keep(stage: int, token: UUID) -> bool:
    """A sign of life. False: the lane was taken away."""
    now = database_now()
    return bool(PumpLease.objects.filter(stage=stage, token=token).update(lease_until=now + _lease(), beat_at=now))


def leave(stage: int, token: UUID) -> None:
    PumpLease.objects.filter(stage=stage, token=token).update(token=None, lease_until=None)


def beat() -> None:
    """A worker's sign of life, whether or not there is work: kept in the lane of stage DONE, which has no pump."""
    PumpLease.objects.update_or_create(stage=RunItem.Stage.DONE, defaults={"beat_at": database_now()})


def has_work(stage: int) -> bool:
    """Whether an active run of somebody who is switched on has an item at this stage, taken or not, that does not wait
    for a person's decision.
    """
    runs = RunItem.objects.filter(stage=stage, run__status__in=Run.ACTIVE, run__owner__is_active=True)
    return runs.exclude(stage=0).free(database_now() + FOR_EVER / 2).exists()


def wake_if_idle(stage: int) -> bool:
    """Rings for a pump where there is work and nobody at it. Returns whether it rang."""
    if PumpLease.objects.taken().filter(stage=stage).exists() or not has_work(stage):
        return False
    enqueue_on_commit("enrichment.pump", stage=stage)
    return True
