"""The bell. Every task is idempotent and finds its work in the database; losing all messages costs ten seconds."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from celery import shared_task
from celery.signals import worker_ready
from django.db import connection

from enrichment import lanes, phones, purchase, sweeps, ticking
from enrichment.pump import work
from enrichment.reconcile import find_drift

log = logging.getLogger(__name__)


# A pump ends itself; a hard limit would kill it while it keeps paid answers for a PostgreSQL that is away.
@shared_task(name="enrichment.pump", time_limit=86_400, soft_time_limit=86_400)
def pump(stage: int) -> None:
    work(stage)
    lanes.ring_if_quiet(stage)


@worker_ready.connect  # Celery's own signal: a worker is seen when it starts, not ten seconds later
def announce(**_: Any) -> None:
    lanes.beat()
    connection.close()


@shared_task(name="enrichment.ring")
def ring() -> None:
    lanes.beat()
    for stage in lanes.STAGES:
        lanes.ring_if_quiet(stage)


@shared_task(name="enrichment.reap")
def reap() -> None:
    purchase.reap()
    sweeps.sweep()


# Asking a vendor which of many leads have changed takes minutes (changes.SECONDS).
@shared_task(name="enrichment.tick", time_limit=600, soft_time_limit=540)
def tick() -> None:
    ticking.tick()


@shared_task(name="enrichment.reconcile")
def reconcile() -> None:
    for drift in find_drift():
        log.error("Drift: %s", drift)


@shared_task(name="enrichment.deliver_phones")
def deliver_phones(call_id: str) -> None:
    phones.deliver(UUID(call_id))


@shared_task(name="enrichment.sweep_phones")
def sweep_phones() -> None:
    phones.sweep()
