"""What the audit and webhooks are told of runs, by who holds the run's row, in the transaction that changes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from uuid import UUID

from django.db.models import Q

from accounts.audit import record
from accounts.models import NoticeKind, User
from accounts.notices import notify
from accounts.webhooks import emit
from accounts.webhooks.queue import IDS_MOST
from accounts.webhooks.selectors import teams_that_want
from common.db.clock import database_now
from enrichment.models import Run, RunItem
from integrations.operating.nearly_used import tell_used

Outcome = RunItem.Outcome
LOOK_BACK = timedelta(days=1)  # a run that no worker has moved since spends nothing


def tell_completed(run: Run) -> None:
    counts = {"leads": run.total, "enriched": run.enriched, "partial": run.partial, "failed": run.failed}
    _tell("run.completed", run, {**counts, "skipped": run.skipped})
    if not run.total:  # who started it has just been told that there is nothing to buy
        return
    words = f"Enrichment job of {run.bucket_name} done: {run.enriched:,} of {run.total:,} leads have a phone"
    _notify(NoticeKind.RUN_DONE, run, f"{words}, {run.failed:,} failed." if run.failed else f"{words}.")


def tell_paused(run: Run, by: User | None = None) -> None:
    """For the audit, too. by: None where a worker or a schedule has paused it."""
    after = {"cause": run.paused_by}
    record("run.paused", by=by, team_id=run.team_id, about=run, name=run.bucket_name, after=after)
    _tell("run.paused", run, {"pausedBy": str(run.paused_by), "leads": run.total, "done": run.done})
    if run.paused_by == Run.Pause.CAP:
        words = f"Enrichment job of {run.bucket_name} paused after {run.done:,} of {run.total:,} leads"
        _notify(NoticeKind.CAP_HIT, run, f"{words}: {run.reason or 'its spending limit is reached'}")


def tell_enriched(run: Run, outcomes: Iterable[tuple[UUID, Outcome]]) -> None:
    """outcomes: how leads of the run have just ended; of those that brought nothing, nothing is told."""
    ended = [(str(lead), outcome) for lead, outcome in outcomes if outcome in (Outcome.ENRICHED, Outcome.PARTIAL)]
    for first in range(0, len(ended), IDS_MOST):
        part = ended[first : first + IDS_MOST]
        ids = {name: [lead for lead, outcome in part if outcome == one] for name, one in _NAMES.items()}
        _tell("leads.enriched", run, ids)


_NAMES = {"withPhone": Outcome.ENRICHED, "withoutPhone": Outcome.PARTIAL}


def _notify(kind: NoticeKind, run: Run, words: str) -> None:
    """Whom it concerns: who started it."""
    notify(team_id=run.team_id, kind=kind, about=run, words=words, to=[run.owner_id])


def _tell(event: str, run: Run, more: Mapping[str, object]) -> None:
    about = {"runId": str(run.pk), "bucketId": str(run.bucket_id) if run.bucket_id else None, "status": str(run.status)}
    emit(event, team_id=run.team_id, object_id=run.pk, data={**about, **more})


def tell_limits_nearly_used() -> None:
    """Of runs that are at work, or were a moment ago."""
    since = database_now() - LOOK_BACK
    recent = Q(status__in=Run.OPEN) | Q(finished_at__gt=since)
    limited = Run.objects.filter(recent, beat_at__gt=since, max_cost__isnull=False)
    for run in limited.filter(team__in=teams_that_want("budget.nearly_used")).order_by("pk"):
        tell_used(run.budget_scope, run.max_cost, team_id=run.team_id, of={"of": "run", "runId": str(run.pk)})
