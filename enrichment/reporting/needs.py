"""What runs and schedules ask of a person, for Home. Reads only, through partial indexes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db.models import Exists, OuterRef, Subquery

from accounts.access import Access, Scope
from common.db.ids import uuid7_floor
from common.needs import RECENT, SHOWN, Need, of_team, operates
from enrichment.models import Run, RunItem, Schedule
from enrichment.rules import day_of_cap, month_of_cap
from enrichment.selectors import why_waiting, workers_alive
from integrations.ledger import budgets, scopes
from integrations.ledger.reservation import team_cap


def idle_workers(access: Access, now: datetime) -> list[Need]:
    runs = Run.objects.filter(status__in=Run.ACTIVE)
    active = runs if operates(access) else of_team(runs, access)
    if workers_alive(now) or not active.exists():
        return []
    return [Need("No worker is running", "Enrichment jobs wait; nothing is lost. Start a worker.", Run)]


def paused_runs(access: Access, now: datetime) -> Iterable[Need]:
    runs = of_team(Run.objects.filter(status=Run.Status.PAUSED), access).select_related("owner")
    for run in runs.order_by("-pk")[:SHOWN]:
        words = why_waiting(run) or run.get_paused_by_display()
        yield Need(f"Paused: {run.bucket_name}", words, run, resume=access.can(Scope.BUY) and _fits_again(run, now))


def _fits_again(run: Run, now: datetime) -> bool:
    """Whether a month's or a day's limit that paused a run has room again, and it waits for a person all the same."""
    if run.paused_by != Run.Pause.CAP or run.bucket_id is None or not run.owner.is_active:
        return False
    if month_of_cap(run.cap_scope) is not None:
        of_team = scopes.parse(run.cap_scope).kind == scopes.TEAM
        own = budgets.month_cap(run.owner_id, run.owner.monthly_budget, now)
        left = budgets.room(team_cap(run.team_id, now) if of_team else own)
        return left is None or left > 0
    day = day_of_cap(run.cap_scope)
    return day is not None and day < now.astimezone(UTC).date()


def failed_schedules(access: Access, now: datetime) -> Iterable[Need]:
    """Schedules whose last time came to nothing."""
    failed = Schedule.objects.filter(failures__gt=0, last_at__gt=now - RECENT)
    for schedule in of_team(failed, access).order_by("-pk")[:SHOWN]:
        times = f" {schedule.failures} times in a row." if schedule.failures > 1 else ""
        yield Need(f"Schedule failed: {schedule.bucket_name}", f"{schedule.last_result}{times}", schedule)


def failed_runs(access: Access, now: datetime) -> Iterable[Need]:
    """Runs with leads that failed and that no later run has taken up: told by the last, as a retry goes by their order.

    `item_failed` has it at hand, however many there are: the side bar asks on every page.
    """
    failed = RunItem.objects.filter(run=OuterRef("pk"), outcome=RunItem.Outcome.FAILED).order_by("-pk")
    later = RunItem.objects.filter(lead=OuterRef("last_lead"), pk__gt=OuterRef("last_item"))
    over = (Run.Status.COMPLETED, Run.Status.CANCELLED)
    runs = Run.objects.filter(pk__gte=uuid7_floor(now - RECENT), status__in=over, failed__gt=0, bucket__isnull=False)
    last = {"last_lead": Subquery(failed.values("lead")[:1]), "last_item": Subquery(failed.values("pk")[:1])}
    for run in of_team(runs, access).annotate(**last).filter(~Exists(later)).order_by("-pk")[:SHOWN]:
        leads = f"{run.failed:,} lead{'' if run.failed == 1 else 's'} failed"
        yield Need(f"Failed leads: {run.bucket_name}", f"{leads}. See why, then retry.", run)
