"""Tasks. Each is idempotent and finds its work in the database; losing all messages costs ten seconds."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import Task, shared_task
from celery.signals import worker_ready
from django.db import connection

from enrichment.scheduling.tick import run_due_schedules
from enrichment.worker import late_phones, pump_lease, purchase, sweeps
from enrichment.worker.events import tell_limits_nearly_used
from enrichment.worker.pump import work
from enrichment.worker.stages import STAGES
from integrations.ledger.budgets import take_in_left
from integrations.operating.nearly_used import tell_budgets_nearly_used


# A pump ends itself; a hard limit would kill it while it keeps paid answers for a PostgreSQL that is away.
@shared_task(name="enrichment.pump", bind=True, time_limit=86_400, soft_time_limit=86_400)
def pump(self: Task[Any, Any], stage: int) -> None:
    work(stage, host=_host(self))
    pump_lease.wake_if_idle(stage)


@worker_ready.connect  # Celery's own signal: a worker is seen when it starts, not ten seconds later
def announce(sender: Any, **_: object) -> None:
    pump_lease.beat(sender.hostname)
    connection.close()


@shared_task(name="enrichment.ring", bind=True)
def wake_pumps(self: Task[Any, Any]) -> None:
    """One worker gets the message: it has the others give a sign of life as well."""
    pump_lease.beat(_host(self))
    pump_lease.ask_other_workers(_host(self))
    for stage in STAGES:
        pump_lease.wake_if_idle(stage)


@shared_task(name="enrichment.alive", bind=True)
def alive(self: Task[Any, Any]) -> None:
    pump_lease.beat(_host(self))


def _host(task: Task[Any, Any]) -> str:
    """The worker's name, which no other has; that of a process that runs a task by itself."""
    return str(task.request.hostname or pump_lease.here())


@shared_task(name="enrichment.reap")
def reap() -> None:
    purchase.reap()
    sweeps.sweep()
    take_in_left()


# Asking a vendor which of many leads have changed takes minutes (`changed_leads.SECONDS`).
@shared_task(name="enrichment.tick", time_limit=600, soft_time_limit=540)
def tick() -> None:
    run_due_schedules()


@shared_task(name="enrichment.deliver_phones")
def deliver_phones(call_id: str) -> None:
    late_phones.deliver(UUID(call_id))


@shared_task(name="enrichment.sweep_phones")
def sweep_phones() -> None:
    late_phones.sweep()


@shared_task(name="enrichment.tell_limits")
def tell_limits() -> None:
    tell_budgets_nearly_used()
    tell_limits_nearly_used()
