"""Deleting leads, one or many, with what counts them, and what a deleted bucket's runs need.

What was bought for them stays owned.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from accounts.audit import record
from accounts.models import User
from buckets.models import Bucket
from common.db.clock import database_now
from enrichment.locks import lock_items, lock_late_phones, lock_runs
from enrichment.models import Run, RunItem, Schedule
from enrichment.services import RunError
from enrichment.worker import queue
from enrichment.worker.events import tell_completed
from leads.counters import change_counters
from leads.locks import hold_bucket, lock_leads_to_delete
from leads.merging.rows import relatives, sum_of
from leads.merging.services import keys_before, part_all
from leads.models import BulkJob, Lead
from leads.registries import tell_leads_go

Outcome = RunItem.Outcome
_COUNTED = {
    Outcome.ENRICHED: "enriched",
    Outcome.PARTIAL: "partial",
    Outcome.FAILED: "failed",
    Outcome.SKIPPED: "skipped",
}


@dataclass(frozen=True, slots=True)
class Deleted:
    """leads: how many went. busy: a request to a vendor is out for them, or needs a billing check."""

    leads: int
    busy: int


def delete_lead(*, lead: Lead, by: User | None = None) -> None:
    """Deletes a lead with its activities and tags, and takes it out of its runs: waiting, it is not bought for.

    Raises RunError: LEAD_BUSY while a request to a vendor is out for it, or needs a billing check: its answer is paid
    for and belongs to somebody. NOT_FOUND where it is gone already.
    """
    with transaction.atomic():
        hold_bucket(lead.bucket_id)
        done = delete_leads(lead_ids=[lead.pk], held=[lead.bucket_id], by=by)
        if done.busy:
            words = "A request to a vendor is out for this lead, or needs a billing check. Try again when that is over."
            raise RunError("LEAD_BUSY", words)
        if not done.leads:
            raise RunError("NOT_FOUND", "The lead is gone.")


def delete_leads(*, lead_ids: Sequence[UUID], held: Collection[UUID], by: User | None) -> Deleted:
    """Deletes these leads with what hangs on them, but for those that are busy, in the caller's transaction, which
    holds their buckets (`held`): a lead of another one stays. A lead that was merged into one is its own again.

    1. Nobody starts a run over the buckets meanwhile (`hold_bucket`), and no phone of Apollo's is delivered
       (`lock_late_phones`), as a delivery counts leads in runs.
    2. Their runs are locked, which decides who is busy; campaigns stop for them
       (`leads.registries.before_leads_go`), then the leads with those merged into them, then their items: the order of
       all who change them.
    3. Runs count them no more; one that waited for nothing else is completed. What was merged into them is shown again.
    4. Then the leads go, then the buckets' counters change.
    """
    found = dict(
        Lead.objects.filter(pk__in=list(lead_ids), bucket__in=list(held)).values_list("pk", "apollo_person_id")
    )
    if any(found.values()):
        lock_late_phones(alone=True)
    of_leads = RunItem.objects.filter(lead__in=list(found))
    runs = list(lock_runs(Run.objects.filter(pk__in=of_leads.values("run"))))
    busy = set(of_leads.filter(token__isnull=False).values_list("lead_id", flat=True))
    going = sorted(found.keys() - busy)
    relations = relatives(going)
    keys = keys_before(relations)
    tell_leads_go(going)
    locked = {one.pk: one for one in lock_leads_to_delete(relations).defer("apollo_data", "data")}
    going = [pk for pk in going if pk in locked and not locked[pk].merged_into_id]
    items = list(lock_items(RunItem.objects.filter(lead__in=going))) if runs else []
    for run in runs:
        for item in items:
            if item.run_id == run.pk:
                _take_out(run, item, locked[item.lead_id])
    of_buckets: dict[UUID, list[UUID]] = {}
    for pk in going:
        of_buckets.setdefault(locked[pk].bucket_id, []).append(pk)
    parted = {bucket_id: part_all(ids, keys) for bucket_id, ids in of_buckets.items()}
    gone = _gone(going, {item.lead_id for item in items if item.stage != RunItem.Stage.DONE})
    with connection.cursor() as cursor:  # PostgreSQL carries out the cascade
        cursor.execute("DELETE FROM leads_lead WHERE id = ANY(%s)", [going])
    for run in runs:
        _save(run, set(going))
    _count(of_buckets, gone, parted, team_of={pk: locked[pk].team_id for pk in going}, by=by)
    return Deleted(len(going), len(busy))


def _gone(lead_ids: Sequence[UUID], queued: Collection[UUID]) -> dict[UUID, dict[str, int]]:
    """By bucket, what its counters change by: read after those that were merged into these are their own again."""
    gone: dict[UUID, dict[str, int]] = {}
    rows = Lead.every.filter(pk__in=list(lead_ids))
    for row in rows.values("pk", "bucket_id", "enrichment_status", "status", "enriched_at", "phone"):
        counted = {
            "total_leads": -1,
            "enriched_leads": -(row["enrichment_status"] == Lead.Enrichment.COMPLETED),
            "queued_leads": -(row["pk"] in queued),
            "contacted_leads": -(row["status"] in Lead.CONTACTED_STATUSES),
            "detailed_leads": -(row["enriched_at"] is not None),
            "phone_leads": -(row["phone"] is not None),
        }
        gone[row["bucket_id"]] = sum_of(gone.get(row["bucket_id"], {}), counted)
    return gone


def _count(
    of_buckets: Mapping[UUID, Sequence[UUID]],
    gone: Mapping[UUID, Mapping[str, int]],
    parted: Mapping[UUID, Mapping[str, int]],
    *,
    team_of: Mapping[UUID, int],
    by: User | None,
) -> None:
    """Progress, audit and counters, bucket by bucket: the last of all locks."""
    for bucket_id, ids in sorted(of_buckets.items()):
        latest = Run.objects.filter(bucket=bucket_id).order_by("-pk").first()
        if latest is not None:
            queue.show_progress(latest)
        about = ("lead", ids[0]) if len(ids) == 1 else ("bucket", bucket_id)
        after = {"leads": len(ids), "bucket": bucket_id}
        record("leads.deleted", by=by, team_id=team_of[ids[0]], about=about, after=after)
        change_counters(bucket_id, **sum_of(parted[bucket_id], gone[bucket_id]))


def stop_runs_of(bucket_id: UUID, by: User | None) -> list[UUID]:
    """Before a bucket is deleted: takes it off its schedules and runs, cancels those that are open and returns the ids
    of these. Runs that are over are locked too, as their order is that of all who change them.
    """
    Schedule.objects.filter(bucket=bucket_id).update(bucket=None)
    locked = list(lock_runs(Run.objects.filter(Q(bucket=bucket_id) | Q(pk__in=_runs_of_moved(bucket_id)))))
    runs = Run.objects.filter(pk__in=[run.pk for run in locked if run.bucket_id == bucket_id])
    stopped = [run.pk for run in locked if run.bucket_id == bucket_id and run.status in Run.OPEN]
    for run in locked:
        if run.bucket_id != bucket_id:
            _take_out_all(run, bucket_id)
    for run in locked:
        if run.pk not in stopped:
            continue
        told = {"done": run.done, "leads": run.total, "cause": "its bucket was deleted"}
        record("run.cancelled", by=by, team_id=run.team_id, about=run, name=run.bucket_name, after=told)
    runs.filter(pk__in=stopped).update(
        status=Run.Status.CANCELLED, paused_by="", reason="Its bucket was deleted", finished_at=database_now()
    )
    runs.update(bucket=None)
    return stopped


def lock_runs_of(lead_ids: Sequence[UUID]) -> None:
    """Before a deleted bucket's next leads go: a request that was out for one of its runs is settled run, items, leads,
    and the cascade from a lead to its items would meet it from the other side.
    """
    items = RunItem.objects.filter(lead__in=list(lead_ids))
    list(lock_runs(Run.objects.filter(pk__in=items.values("run"))).values_list("pk", flat=True))


def _runs_of_moved(bucket_id: UUID) -> list[UUID]:
    """Other buckets' runs that count leads of this one, which were moved here since. None in a team that moves none."""
    team = Bucket.objects.filter(pk=bucket_id).values("team")
    moves = BulkJob.objects.filter(kind=BulkJob.Kind.MOVE, changed__gt=0, team__in=team)
    if not moves.exists():
        return []
    items = RunItem.objects.filter(lead__bucket=bucket_id, run__bucket__isnull=False)
    return list(items.exclude(run__bucket=bucket_id).values_list("run_id", flat=True).distinct())


def _take_out_all(run: Run, bucket_id: UUID) -> None:
    """A run, locked, counts the leads of this bucket no more: they are done with, or they would not have been moved."""
    for item in list(lock_items(run.items.filter(lead__bucket=bucket_id))):
        _take_out(run, item, item.lead)
        item.delete()
    run.save()


def forget_places(lead_ids: Collection[UUID]) -> None:
    """Before leads are moved: a run of their bucket that ended with one of them ended with the one before."""
    buckets = Lead.objects.filter(pk__in=list(lead_ids)).values("bucket").distinct()
    for run in lock_runs(Run.objects.filter(bucket__in=buckets, resume_from__in=list(lead_ids))):
        _end_before(run, lead_ids)
        run.save(update_fields=["resume_from"])


def _end_before(run: Run, gone: Collection[UUID]) -> None:
    left = run.items.filter(lead__bucket=run.bucket_id).exclude(lead__in=list(gone)).order_by("-lead_id")
    run.resume_from = left.values_list("lead_id", flat=True).first()


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


def _save(run: Run, gone: Collection[UUID]) -> None:
    if run.resume_from in gone:  # the next run starts from the last of those that are left
        _end_before(run, gone)
    if run.is_open and run.done >= run.total:
        run.status, run.paused_by, run.reason = Run.Status.COMPLETED, "", ""
        run.finished_at = database_now()
        tell_completed(run)
    run.save()
