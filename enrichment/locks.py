"""The locks of this room: docs/locks.md has the order. Each must be inside a transaction, which holds it to its end."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from common.db.direct import Asked, columns, kept, made, together
from enrichment.models import Run, RunItem, Schedule

_HOLD = "pg_advisory_xact_lock"  # its waiters come in turn: a pause is not passed by by workers that go on sharing


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
    """The run against everything else that changes it or its items, workers that share it too. None: it is gone."""
    return _held(_HOLD, run_id, "FOR NO KEY UPDATE")


def share_run(run_id: UUID) -> Run | None:
    """The run as it is, for a worker that buys for it: others may share it meanwhile, but nobody locks it. None: it is
    gone.

    Whoever shares it takes items by SKIP LOCKED, moves only items that follow its own call, and changes the run by
    sums alone, at the end of its transaction (`queue.end`). All else needs `lock_run`.
    """
    return _held(f"{_HOLD}_shared", run_id)


def find_sharing_run(run_id: UUID, asked: Asked) -> list[tuple[Any, ...]]:
    """What the statement finds, with the run shared."""
    return together(_holding(f"{_HOLD}_shared", run_id), asked)[1]


def _held(function: str, run_id: UUID, rest: str = "") -> Run | None:
    """The run as it is once it is held: the second statement of one message."""
    read = f"SELECT {columns(Run, 't')} FROM enrichment_run t WHERE id = %(id)s {rest}"  # noqa: S608  # our own words
    _, found = together(_holding(function, run_id), (read, {"id": run_id}))
    return next((run for (run,) in made(found, Run)), None)


def lock_runs(runs: QuerySet[Run]) -> QuerySet[Run]:
    """These runs alone, in the order of their ids, whatever they were found by. Locked as the queryset is read."""
    ids = sorted(runs.order_by().values_list("pk", flat=True).distinct())
    for run_id in ids:
        kept(*_holding(_HOLD, run_id))
    return runs.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True, of=("self",))


def lock_late_phones(*, alone: bool) -> None:
    """Phones that come after Apollo's answer: whoever writes them, or deletes a lead that may get them, does so alone;
    workers that serve Apollo's answers share.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_HOLD if alone else _HOLD + '_shared'}(hashtextextended(%s, 6))", ["late phones"])


def _holding(function: str, run_id: UUID) -> Asked:
    return f"SELECT {function}(hashtextextended(%(run)s::text, 5))", {"run": str(run_id)}  # ours alone


def change_free_turn(run_id: UUID, stage: int) -> None:
    """The run was served at this stage now. Outside the order, because it waits for none: where another transaction has
    the row, that one serves the run.
    """
    kept(
        """
        WITH free AS (SELECT id FROM enrichment_fairshare WHERE run_id = %(run)s AND stage = %(stage)s
                         FOR NO KEY UPDATE SKIP LOCKED)
        UPDATE enrichment_fairshare f SET served_at = clock_timestamp() FROM free WHERE f.id = free.id RETURNING 1
        """,
        {"run": run_id, "stage": stage},
    )


def lock_items(items: QuerySet[RunItem]) -> QuerySet[RunItem]:
    """These items, in the order of their ids; their run is locked already. Locked as the queryset is read."""
    return items.order_by("pk").select_for_update()
