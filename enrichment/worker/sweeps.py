"""Sweeps that stop and start runs: at the end of a day, and when their user is switched off or on.

Beat calls them every ten seconds; several workers may sweep at once. Each run is decided under the lock of its row, in
a transaction of its own: the next sweep finds the runs that a dead worker left.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.access import Scope, access_in
from common.db.clock import database_now
from enrichment.locks import lock_run
from enrichment.models import Run
from enrichment.querysets import may_buy
from enrichment.rules import day_of_cap
from enrichment.services import go_on, prices_of, wake_pumps_of
from enrichment.worker.events import tell_paused
from integrations.ledger import scopes

GOES_ON_FOR = timedelta(days=3)  # an older run's leads and prices may not be what its person still wants
MAY_NOT_BUY = "Its user may not spend in this team any more. It resumes once they may again."
SWITCHED_OFF = "Its user is turned off. It resumes once the user is turned on again."
DEARER = "The day is over, but prices are higher than when it started. Resume it to continue."


def sweep(*, now: datetime | None = None) -> int:
    """Makes every sweep once. Returns how many runs it stopped or started."""
    now = now or database_now()
    return hold_runs_of_inactive_users() + continue_capped_runs(now)


# --- The day is over --------------------------------------------------------------------------------------------------


def continue_capped_runs(now: datetime) -> int:
    """Goes on with runs that a daily limit stopped on an earlier UTC day. Returns how many.

    A run stays paused if it is older than three days, if its prices have risen since, or if a person has paused it.
    """
    daily = Q(*(Q(cap_scope__startswith=scopes.beginning(kind)) for kind in scopes.DAILY), _connector=Q.OR)
    stopped = Run.objects.filter(
        daily,
        status=Run.Status.PAUSED,
        paused_by=Run.Pause.CAP,
        created_at__gt=now - GOES_ON_FOR,
        owner__is_active=True,
        bucket__isnull=False,
    )
    today = scopes.day(now.astimezone(UTC))
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
    """Whether no price has risen since the run started. A run without stored prices waits for a person."""
    then = run.prices
    if not then:
        return False
    return all(Decimal(now) <= Decimal(then.get(name, -1)) for name, now in prices_of(run.asked).items())


# --- A user is switched off, or loses the role ------------------------------------------------------------------------


def hold_runs_of_inactive_users() -> int:
    """Pauses the runs of users who are switched off or may not buy in the run's team any more; goes on with those it
    paused once they are on, and may buy, again.
    """
    off = Run.objects.filter(status__in=Run.ACTIVE).exclude(may_buy())
    on = Run.objects.filter(may_buy(), status=Run.Status.PAUSED, paused_by=Run.Pause.INACTIVE)
    return _each(off, _hold) + _each(on, _let_go)


def _hold(run: Run) -> bool:
    if run.status not in Run.ACTIVE or _may_buy(run):
        return False
    reason = MAY_NOT_BUY if run.owner.is_active else SWITCHED_OFF
    run.status, run.paused_by, run.reason = Run.Status.PAUSED, Run.Pause.INACTIVE, reason
    run.save(update_fields=["status", "paused_by", "reason", "updated_at"])
    tell_paused(run)
    return True


def _let_go(run: Run) -> bool:
    if run.status != Run.Status.PAUSED or run.paused_by != Run.Pause.INACTIVE or not _may_buy(run):
        return False
    go_on(run)
    return True


def _may_buy(run: Run) -> bool:
    return access_in(run.owner, run.team_id).can(Scope.BUY)


def _each(runs: QuerySet[Run], act: Callable[[Run], bool]) -> int:
    """Acts on each of these runs, read again under its lock. Returns how many it changed."""
    changed = 0
    for run_id in runs.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            run = lock_run(run_id)
            if run is None or not act(run):
                continue
            changed += 1
            if run.status in Run.ACTIVE:
                wake_pumps_of(run)
    return changed
