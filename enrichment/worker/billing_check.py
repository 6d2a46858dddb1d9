"""Items whose request needs a billing check: a run keeps them until an operator, or the vendor's push, decides it.

Inside the caller's transaction, but for `let_go`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from common.db.clock import database_now
from enrichment.locks import lock_run
from enrichment.models import FOR_EVER, Run, RunItem
from enrichment.rules import doubt_in_words
from enrichment.worker import canary, stages
from enrichment.worker.events import tell_paused
from enrichment.worker.queue import Ending, end, give_back, show_progress, take, unpark
from integrations.models import VendorCall
from integrations.vendors.errors import Category
from leads.locks import lock_leads
from leads.models import Lead

DOUBT_PERCENT = 5  # of a run's leads that may need a billing check


def hold(run: Run, by_call: Mapping[UUID, Sequence[int]]) -> None:
    """Keeps items at their stage until it is decided whether their call was billed. `run` must be locked.

    1. Leads that an earlier run had failed are no failure while their purchase is in doubt.
    2. Each item follows its call, for ever. Items that follow it already would be counted twice: name new ones alone.
    3. The run has begun, and counts them.
    4. A run of which too many wait so pauses.
    5. A sample whose other leads have ended is judged without them.
    """
    new = sum(map(len, by_call.values()))
    if not new:
        return
    if run.kind == Run.Kind.PROPERTY:
        _no_longer_failed([pk for item_ids in by_call.values() for pk in item_ids])
    for call_id, item_ids in by_call.items():
        take(item_ids, call_id, FOR_EVER)
    run.in_doubt += new
    run.beat_at = database_now()
    run.started_at = run.started_at or run.beat_at
    if run.status == Run.Status.QUEUED:
        run.status = Run.Status.RUNNING
    if run.status in Run.ACTIVE and run.in_doubt > most_in_doubt(run):
        run.status, run.paused_by = Run.Status.PAUSED, Run.Pause.DOUBT
        run.reason = doubt_in_words(run.in_doubt)
        tell_paused(run)
    canary.judge_when_done(run)
    run.save()
    show_progress(run)


def _no_longer_failed(item_ids: Sequence[int]) -> None:
    """Apollo's runs say nothing of how far the enrichment of a property has come."""
    leads = RunItem.objects.filter(pk__in=item_ids).values("lead_id")
    failed = Lead.objects.filter(enrichment_status=Lead.Enrichment.FAILED)
    ids = list(lock_leads(failed.filter(pk__in=leads).values_list("pk", flat=True)).values_list("pk", flat=True))
    if ids:
        failed.filter(pk__in=ids).update(enrichment_status=Lead.Enrichment.PENDING, enrichment_error=None)


def waits_for_check() -> Exists:
    """Of a lead's `pk`: whether its purchase needs a billing check, in whichever run."""
    doubtful = VendorCall.objects.filter(pk=OuterRef("token"), state=VendorCall.State.IN_DOUBT)
    items = RunItem.objects.filter(lead=OuterRef("pk"), token__isnull=False)
    return Exists(items.filter(Exists(doubtful)))


def most_in_doubt(run: Run) -> int:
    """How many leads of a run may need a billing check before it pauses: one request's, or 5 % of them."""
    one_request = max(stages.whole_batch(operation) for operation in stages.operations_of(run.asked))
    return max(one_request, run.total * DOUBT_PERCENT // 100)


def decided() -> QuerySet[RunItem]:
    """Items whose call was in doubt and has been decided."""
    ended = VendorCall.objects.filter(pk=OuterRef("token"), category=Category.IN_DOUBT).exclude(
        state=VendorCall.State.IN_DOUBT
    )
    return RunItem.objects.filter(Exists(ended), token__isnull=False)


def let_go(run_id: UUID) -> bool:
    """Puts the decided items of a run back, in a transaction of its own. Returns whether a pump has work by that.

    A second call finds no item and changes nothing.

    1. Locks the run and reads which of its items are decided.
    2. Items of a cancelled run end; all others go back to the queue.
    3. A run that was paused because of them goes on.
    """
    with transaction.atomic():
        run = lock_run(run_id)
        if run is None:
            return False
        rows = list(decided().filter(run=run).order_by("pk").values_list("pk", "lead_id"))
        if not rows:
            return False
        run.in_doubt = max(run.in_doubt - len(rows), 0)
        if run.status == Run.Status.CANCELLED:
            end(run, [Ending(pk, lead_id, RunItem.Outcome.SKIPPED) for pk, lead_id in rows])
            return False
        give_back([pk for pk, _ in rows])
        if _waited_for_that(run):
            run.status, run.paused_by, run.reason, run.cap_scope = Run.Status.RUNNING, "", "", ""
            unpark(run)
        run.save()
        show_progress(run)
    return run.status in Run.ACTIVE


def _waited_for_that(run: Run) -> bool:
    """Whether a decision lets a paused run go on: the run waited for decisions, for money that a request in doubt held,
    or for a vendor that sells again. A run that a person has paused stays paused.
    """
    if run.paused_by == Run.Pause.DOUBT:
        return run.in_doubt <= most_in_doubt(run)
    if run.paused_by == Run.Pause.VENDOR:
        vendors = [operation.vendor for operation in stages.operations_of(run.asked)]
        return all(vendor.enabled and not vendor.paused_reason for vendor in vendors)
    return run.paused_by == Run.Pause.CAP
