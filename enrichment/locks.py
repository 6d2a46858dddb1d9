"""The locks of this room: docs/locks.md has the order. Each must be inside a transaction, which holds it to its end."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from enrichment.models import Run, RunItem, Schedule


def lock_schedule(schedule_id: UUID) -> Schedule | None:
    """The schedule against every other change. None: it is gone."""
    return Schedule.objects.select_for_update(no_key=True).filter(pk=schedule_id).first()


def claim_schedule(schedule_id: UUID, **still: object) -> Schedule | None:
    """The schedule, where these columns still are what the worker read. None: they are not, or another has it.

    Never waits: a schedule that another transaction has is that one's to do.
    """
    rows = Schedule.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
    return rows.select_related("last_run", "last_fill", "owner").filter(pk=schedule_id, **still).first()


def lock_run(run_id: UUID) -> Run | None:
    """The run against everything else that changes it or its items. None: it is gone."""
    return Run.objects.select_for_update(no_key=True).filter(pk=run_id).first()


def lock_runs(runs: QuerySet[Run]) -> QuerySet[Run]:
    """These runs alone, in the order of their ids, whatever they were found by. Locked as the queryset is read."""
    return runs.order_by("pk").select_for_update(no_key=True, of=("self",))


def lock_items(items: QuerySet[RunItem]) -> QuerySet[RunItem]:
    """These items, in the order of their ids; their run is locked already. Locked as the queryset is read."""
    return items.order_by("pk").select_for_update()
