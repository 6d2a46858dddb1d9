"""One pump a stage: who has the lane, and whether anybody has to be rung for."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from common.db.ids import uuid7
from common.enqueue import enqueue_on_commit
from enrichment.models import FOR_EVER, PumpLease, Run, RunItem
from integrations.ledger.pace import database_now


def acquire(stage: int) -> UUID | None:
    """Takes the lane; None: a pump is at work there."""
    PumpLease.objects.bulk_create([PumpLease(stage=stage)], ignore_conflicts=True)
    token, now = uuid7(), database_now()
    free = PumpLease.objects.filter(Q(lease_until__isnull=True) | Q(lease_until__lte=now), stage=stage)
    return token if free.update(token=token, lease_until=now + _lease(), beat_at=now) else None


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
    not_held = Q(lease_until=None) | Q(lease_until__lt=database_now() + FOR_EVER / 2)
    return runs.exclude(stage=0).filter(not_held).exists()


def wake_if_idle(stage: int) -> bool:
    """Rings for a pump where there is work and nobody at it. Returns whether it rang."""
    if PumpLease.objects.filter(stage=stage, lease_until__gt=database_now()).exists() or not has_work(stage):
        return False
    enqueue_on_commit("enrichment.pump", stage=stage)
    return True
