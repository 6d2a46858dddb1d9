"""One pump a stage, for the whole fleet: which pump has the lease, and whether a worker has to start one."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings

from common.db.clock import CLOCK, database_now
from common.db.ids import uuid7
from common.enqueue import enqueue_on_commit
from enrichment.models import FOR_EVER, PumpLease, Run, RunItem


def acquire(stage: int) -> UUID | None:
    """Takes the lease of a stage for a new pump. None: another pump has it."""
    PumpLease.objects.bulk_create([PumpLease(stage=stage)], ignore_conflicts=True)
    token = uuid7()
    return token if PumpLease.objects.filter(stage=stage).take(_lease(), token=token, beat_at=CLOCK) else None


def _lease() -> timedelta:
    return timedelta(seconds=settings.PUMP_LEASE_SECONDS)


def keep(stage: int, token: UUID) -> bool:
    """Renews the lease of a pump. False: another pump has taken it, because this one was late."""
    now = database_now()
    return bool(PumpLease.objects.filter(stage=stage, token=token).update(lease_until=now + _lease(), beat_at=now))


def leave(stage: int, token: UUID) -> None:
    """Frees the lease of a pump that ends, unless another pump has taken it."""
    PumpLease.objects.filter(stage=stage, token=token).update(token=None, lease_until=None)


def beat() -> None:
    """Notes that a worker is alive, with work or without: in the row of stage DONE, which has no pump."""
    PumpLease.objects.update_or_create(stage=RunItem.Stage.DONE, defaults={"beat_at": database_now()})


def has_work(stage: int) -> bool:
    """Whether an active run, of a user who is switched on, has an item at this stage that does not wait for a person's
    decision. An item that a worker has counts as well: its worker may have died.
    """
    runs = RunItem.objects.filter(stage=stage, run__status__in=Run.ACTIVE, run__owner__is_active=True)
    return runs.exclude(stage=0).free(database_now() + FOR_EVER / 2).exists()


def wake_if_idle(stage: int) -> bool:
    """Enqueues a pump where a stage has work and no pump is at it. Returns whether it did."""
    if PumpLease.objects.taken().filter(stage=stage).exists() or not has_work(stage):
        return False
    enqueue_on_commit("enrichment.pump", stage=stage)
    return True
