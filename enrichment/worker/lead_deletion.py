"""Deleting leads, one or a bucket of them, with what counts them. What was bought for them stays owned."""

from __future__ import annotations

from uuid import UUID

from django.db import connection, transaction

from accounts.audit import record
from accounts.models import User
from common.db.clock import database_now
from enrichment.locks import lock_items, lock_runs
from enrichment.models import Run, RunItem
from enrichment.services import RunError
from enrichment.worker import queue
from enrichment.worker.events import tell_completed
from integrations.ledger import catalogue
from integrations.locks import lock_operation
from leads.counters import change_counters
from leads.locks import hold_bucket, lock_leads_to_delete
from leads.merging.rows import relatives, sum_of
from leads.merging.services import keys_before, part_all
from leads.models import Lead
from leads.registries import tell_leads_go

Outcome = RunItem.Outcome
_COUNTED = {
    Outcome.ENRICHED: "enriched",
    Outcome.PARTIAL: "partial",
    Outcome.FAILED: "failed",
    Outcome.SKIPPED: "skipped",
}


def delete_lead(*, lead: Lead, by: User | None = None) -> None:
    """Deletes a lead with its activities and tags, and takes it out of its runs: waiting, it is not bought for.

    A lead that was merged into it is a lead of its own again.

    Raises RunError: LEAD_BUSY while a request to a vendor is out for it, or needs a billing check: its answer is paid
    for and belongs to somebody. NOT_FOUND where it is gone already.

    1. Nobody starts a run over the bucket meanwhile (`hold_bucket`), and no phone of Apollo's is delivered (its
       operation's row), as a delivery counts leads in runs.
    2. Its runs are locked, campaigns stop for it (`leads.registries.before_leads_go`), then the lead with those merged
       into it, then its items: the order of all who change them.
    3. Runs count it no more; one that waited for nothing else is completed. What was merged into it is shown again.
    4. Then the lead goes, then the bucket's counters change.
    """
    with transaction.atomic():
        hold_bucket(lead.bucket_id)
        if lead.apollo_person_id:
            lock_operation(catalogue.operation("apollo_people").pk)
        of_lead = RunItem.objects.filter(lead=lead)
        runs = list(lock_runs(Run.objects.filter(items__in=of_lead)))
        relations = relatives([lead.pk])
        keys = keys_before(relations)
        tell_leads_go([lead.pk])
        locked = {one.pk: one for one in lock_leads_to_delete(relations)}.get(lead.pk)
        if locked is None or locked.merged_into_id:
            raise RunError("NOT_FOUND", "The lead is gone.")
        items = {item.run_id: item for item in lock_items(of_lead)}
        if any(item.token for item in items.values()):
            words = "A request to a vendor is out for this lead, or needs a billing check. Try again when that is over."
            raise RunError("LEAD_BUSY", words)
        for run in runs:
            _take_out(run, items[run.pk], locked)
        parted = part_all([locked.pk], keys)
        locked.refresh_from_db()
        with connection.cursor() as cursor:  # PostgreSQL carries out the cascade
            cursor.execute("DELETE FROM leads_lead WHERE id = %s", [locked.pk])
        for run in runs:
            _save(run, locked.pk)
        latest = Run.objects.filter(bucket=locked.bucket_id).order_by("-pk").first()
        if latest is not None:
            queue.show_progress(latest)
        gone = {
            "total_leads": -1,
            "enriched_leads": -(locked.enrichment_status == Lead.Enrichment.COMPLETED),
            "queued_leads": -any(item.stage != RunItem.Stage.DONE for item in items.values()),
            "contacted_leads": -(locked.status in Lead.CONTACTED_STATUSES),
            "detailed_leads": -(locked.enriched_at is not None),
            "phone_leads": -(locked.phone is not None),
        }
        after = {"leads": 1, "bucket": locked.bucket_id}
        record("leads.deleted", by=by, team_id=locked.team_id, about=lead, after=after)
        change_counters(locked.bucket_id, **sum_of(parted, gone))


def stop_runs_of(bucket_id: UUID, by: User | None) -> list[UUID]:
    """Before a bucket is deleted: locks its runs, cancels those that are open and returns the ids of these.

    Runs that are over are locked too: a request that was out for a cancelled one is settled run, items, leads, and the
    cascade from a lead to its items would meet it from the other side.
    """
    runs = Run.objects.filter(bucket=bucket_id)
    stopped = [run.pk for run in lock_runs(runs).only("status") if run.status in Run.OPEN]
    for run in runs.filter(pk__in=stopped):
        told = {"done": run.done, "leads": run.total, "cause": "its bucket was deleted"}
        record("run.cancelled", by=by, team_id=run.team_id, about=run, name=run.bucket_name, after=told)
    runs.filter(pk__in=stopped).update(
        status=Run.Status.CANCELLED, paused_by="", reason="Its bucket was deleted", finished_at=database_now()
    )
    return stopped


def _take_out(run: Run, item: RunItem, lead: Lead) -> None:
    outcome = Outcome(item.outcome)
    run.total -= 1
    if outcome in _COUNTED:
        setattr(run, _COUNTED[outcome], getattr(run, _COUNTED[outcome]) - 1)
    if outcome in (Outcome.ENRICHED, Outcome.PARTIAL) and lead.email:
        run.with_emails = max(0, run.with_emails - 1)
    if run.sample_until is not None and item.pk <= run.sample_until:  # the next one takes its place in the sample
        later = run.items.filter(pk__gt=run.sample_until).order_by("pk").values_list("pk", flat=True).first()
        run.sample_until = later or run.sample_until


def _save(run: Run, gone: UUID) -> None:
    if run.resume_from == gone:  # the next run starts from the last of those that are left
        run.resume_from = run.items.order_by("-lead_id").values_list("lead_id", flat=True).first()
    if run.is_open and run.done >= run.total:
        run.status, run.paused_by, run.reason = Run.Status.COMPLETED, "", ""
        run.finished_at = database_now()
        tell_completed(run)
    run.save()
