"""Runs that the clock and the switch of their user stop and start. Called every ten seconds; again and at once is safe.

Each run is decided under its own row's lock, in a transaction of its own: a worker that dies here leaves the rest to
the next sweep.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Q, QuerySet

from enrichment.models import Run
from enrichment.rules import day_of_cap
from enrichment.services import go_on, prices_of, wake_pumps_of
from enrichment.worker import queue
from integrations.ledger.pace import database_now

GOES_ON_FOR = timedelta(days=3)  # an older run's leads and prices may not be what its person still wants
SWITCHED_OFF = "Its user is turned off. It resumes once the user is turned on again."
DEARER = "The day is over, but prices are higher than when it started. Resume it to continue."


def sweep(*, now: datetime | None = None) -> int:
    """Everything here, once. Returns how many runs it stopped or started."""
    now = now or database_now()
    return hold_runs_of_inactive_users() + continue_capped_runs(now)


# --- The day is over --------------------------------------------------------------------------------------------------


def continue_capped_runs(now: datetime) -> int:
    """Goes on with runs that a daily limit stopped on an earlier UTC day. Returns how many.

    Not with those older than three days, whose prices have risen since they started, or that a person paused meanwhile.
    """
    daily = Q(cap_scope__startswith="vendor:") | Q(cap_scope__startswith="leads:")
    stopped = Run.objects.filter(
        daily,
        status=Run.Status.PAUSED,
        paused_by=Run.Pause.CAP,
        created_at__gt=now - GOES_ON_FOR,
        owner__is_active=True,
        bucket__isnull=False,
    )
    today = f"{now.astimezone(UTC):%Y-%m-%d}"
    return _each(stopped.exclude(cap_scope__endswith=today), lambda run: _continue(run, now))


def _continue(run: Run, now: datetime) -> bool:
    day = day_of_cap(run.cap_scope)
    waits = run.status == Run.Status.PAUSED and run.paused_by == Run.Pause.CAP
    if not waits or day is None or day >= now.astimezone(UTC).date():
        return False
    if not _no_dearer(run):
        if run.reason != DEARER:
            run.reason = DEARER
            run.save(update_fields=["reason", "updated_at"])
        return False
    go_on(run)
    return True


def _no_dearer(run: Run) -> bool:
    """Whether every price is at most what it was at the start; a run that does not say what it was is a person's."""
    then = run.prices
    if not then:
        return False
    return all(Decimal(now) <= Decimal(then.get(name, -1)) for name, now in prices_of(run.kind, run.options).items())


# --- A user is switched off -------------------------------------------------------------------------------------------


def hold_runs_of_inactive_users() -> int:
    """Pauses the runs of users who are switched off; goes on with those it paused once they are on again."""
    off = Run.objects.filter(status__in=Run.ACTIVE, owner__is_active=False)
    on = Run.objects.filter(status=Run.Status.PAUSED, paused_by=Run.Pause.INACTIVE, owner__is_active=True)
    return _each(off, _hold) + _each(on, _let_go)


def _hold(run: Run) -> bool:
    if run.status not in Run.ACTIVE or run.owner.is_active:
        return False
    run.status, run.paused_by, run.reason = Run.Status.PAUSED, Run.Pause.INACTIVE, SWITCHED_OFF
    run.save(update_fields=["status", "paused_by", "reason", "updated_at"])
    return True


def _let_go(run: Run) -> bool:
    if run.status != Run.Status.PAUSED or run.paused_by != Run.Pause.INACTIVE or not run.owner.is_active:
        return False
    go_on(run)
    return True


def _each(runs: QuerySet[Run], act: Callable[[Run], bool]) -> int:
    """Looks at each of these runs again under its lock, and acts. Returns how many it changed."""
    changed = 0
    for run_id in runs.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            run = queue.lock_run(run_id)
            if run is None or not act(run):
                continue
            changed += 1
            if run.status in Run.ACTIVE:
                wake_pumps_of(run)
    return changed
