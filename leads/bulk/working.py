"""A worker's part of a bulk job: piece by piece, each with how far the job is, in one transaction.

A worker that is killed loses the piece it was at, which the next does; two workers at once do nothing twice, because
the job's row says which piece is next and is locked with it. Undoing goes over what was written down of the changes,
and deletes it with the change back.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F, QuerySet

from accounts.access import Access, access_in
from accounts.audit import record
from accounts.models import NoticeKind, User
from accounts.notices import notify
from accounts.webhooks import emit
from common.db.clock import database_now
from common.faultpoints import commit
from leads.bulk.kinds import Kind, Stopped, Work, kind_of
from leads.locks import hold_bucket, lock_bulk
from leads.models import BulkChange, BulkJob, BulkPiece, Lead

Status = BulkJob.Status
TASK = "leads.bulk"
AT_ONCE = 2_000  # leads: of these and fewer the request does all before it answers, a worker or none
LEASE = timedelta(seconds=90)  # many times what a piece takes
TRIES = 5  # workers that may die on one piece: then it is the piece
UNDO_PIECE = 2_000  # leads
UNDO_DAYS = 30
KEPT_DAYS = 7  # leads of an export, for who fetches the file again; of a price that nobody has said yes to
GIVEN_UP = "It stopped in the middle: five workers ended while they were at it. What is done can be undone."
GONE = "deleted or not yours any more"


def open_jobs() -> list[UUID]:
    """Those at work that no worker has."""
    rows = BulkJob.objects.free().filter(status__in=BulkJob.AT_WORK)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def continue_job(job_id: UUID, *, seconds: float | None = None) -> bool:
    """Works on a job for a turn, a piece at least, unless another worker has it. Returns whether it is to go on."""
    rows = BulkJob.objects.filter(pk=job_id, status__in=BulkJob.AT_WORK)
    if not rows.take(LEASE, tries=F("tries") + 1):
        return False
    job = rows.first()
    if job is not None and job.tries > TRIES:
        _stop(job, GIVEN_UP)
        return False
    until = time.monotonic() + (settings.PUMP_SECONDS if seconds is None else seconds)
    while job is not None and job.is_at_work:
        at = job
        try:
            job = _undo_piece(at) if at.status == Status.UNDOING else _do_piece(at)
        except Stopped as words:
            _stop(at, str(words))
            return False
        if time.monotonic() >= until:
            break
    if job is None or not job.is_at_work:
        return False
    rows.filter(done=job.done, restored=job.restored, kept=job.kept).update(lease_until=None)
    return True


def finish(job: BulkJob, status: str) -> None:
    """The job is over; not saved. Its leads are kept where a file is to be made of them."""
    job.status, job.finished_at, job.lease_until = status, database_now(), None
    if not (job.kind == BulkJob.Kind.EXPORT and status == Status.COMPLETED):
        BulkPiece.objects.filter(job=job).delete()
    kind_of(job.kind).over(job)


def _stop(job: BulkJob, words: str) -> None:
    with commit("bulk.piece"):
        locked = lock_bulk(job.pk)
        if locked is None or not locked.is_at_work:
            return
        locked.error = words[:300]
        finish(locked, Status.FAILED)
        locked.save()
        after = {"action": locked.kind, "done": locked.done, "leads": locked.leads}
        is_undoing = job.status == Status.UNDOING
        what, to = ("undoing stopped", locked.undone_by) if is_undoing else ("stopped", locked.by)
        _notify(locked, f"{locked.get_kind_display()}: {what}, {{}}", to, many=locked.restored if is_undoing else None)
        record("bulk.finished", by=None, team_id=locked.team_id, about=("bulkjob", locked.pk), after=after)
        _emit(locked)


def _do_piece(job: BulkJob) -> BulkJob | None:
    """The job as it stands with the next piece done. None: it is over, or another worker has gone on with it.

    1. Looks up whose job it is, which leads the piece holds, and which of them she may still change.
    2. Takes the locks that come before the job's, then the job, where it is as far as this worker knows.
    3. Changes the leads, and counts; what is gone or was taken from her is left out.
    """
    what = kind_of(job.kind)
    work = _work(job, what)
    with commit("bulk.piece"):
        held = _hold(what.holds(job, work.lead_ids)) if work is not None else ()
        mine = lock_bulk(job.pk, done=job.done, status=job.status)
        if mine is None:
            return None
        if work is not None and what.do is not None:
            done = what.do(replace(work, job=mine, held=held))
            gone = work.size - len(work.lead_ids)
            mine.done, mine.changed = mine.done + work.size, mine.changed + done.changed
            mine.left_out = _added(mine.left_out, done.left_out | ({GONE: gone} if gone else {}))
        mine.tries, mine.lease_until = 0, database_now() + LEASE
        mine.status = Status.RUNNING
        if work is None or mine.done >= mine.leads:
            finish(mine, Status.COMPLETED)
            _tell_over(mine, changed=mine.changed)
        mine.save()
    return mine


def _work(job: BulkJob, what: Kind) -> Work | None:
    """The next piece; None: there is none. Raises Stopped where its user may not do this any more."""
    piece = BulkPiece.objects.filter(job=job.pk, place=job.done).first()
    if piece is None:
        return None
    access = _access_of(job.by, job, what)
    hers = Lead.objects.worked_by(access).filter(pk__among=piece.lead_ids)
    ids = list(hers.order_by("pk").values_list("pk", flat=True))
    return Work(job, access, ids, len(piece.lead_ids))


def _access_of(user: User | None, job: BulkJob, what: Kind) -> Access:
    """Of who asked for the job, or for undoing it. Raises Stopped where they may not do this any more."""
    access = access_in(user, job.team_id) if user is not None else None
    if access is None or not what.allows(access):
        raise Stopped("Who asked for it may not do this any more.")
    return access


def _hold(bucket_ids: Collection[UUID]) -> Collection[UUID]:
    for bucket_id in sorted(bucket_ids):
        hold_bucket(bucket_id)
    return bucket_ids


def _undo_piece(job: BulkJob) -> BulkJob | None:
    """The same of changing back: as many changes as are left; each is deleted with its change back.

    Of a caller who undoes: what was taken from her since stays as it is, and a manager may undo it.
    """
    what = kind_of(job.kind)
    changes = changes_of(job, _access_of(job.undone_by, job, what))
    ids = list(changes.order_by("lead_id").values_list("lead_id", flat=True)[:UNDO_PIECE])
    with commit("bulk.undo"):
        held = _hold(what.undo_holds(job, ids))
        mine = lock_bulk(job.pk, status=Status.UNDOING, restored=job.restored, kept=job.kept)
        if mine is None:
            return None
        if ids and what.undo is not None:
            restored = what.undo(mine, ids, held)
            BulkChange.objects.filter(job=mine.pk, lead_id__in=ids).delete()
            mine.restored, mine.kept = mine.restored + restored, mine.kept + len(ids) - restored
        mine.tries, mine.lease_until = 0, database_now() + LEASE
        if len(ids) < UNDO_PIECE:
            mine.kept = mine.changed - mine.restored
            finish(mine, Status.UNDONE)
            _tell_over(mine, restored=mine.restored)
        mine.save()
    return mine


def changes_of(job: BulkJob, access: Access | None = None) -> QuerySet[BulkChange]:
    """What this person may change back: of a caller, of leads that are hers now. None: anybody."""
    changes = BulkChange.objects.filter(job=job.pk)
    if access is None or not access.only_assigned:
        return changes
    return changes.filter(lead_id__in=Lead.objects.worked_by(access).values("pk"))


def _tell_over(job: BulkJob, **after: object) -> None:
    told = {"action": job.kind, "leads": job.leads, **after}
    by = job.undone_by if job.status == Status.UNDONE else job.by
    record("bulk.finished", by=by, team_id=job.team_id, about=("bulkjob", job.pk), after=told)
    _emit(job)
    if job.leads > AT_ONCE:  # else the page that asked says so
        _notify(job, f"{job.get_kind_display()}: {'undone' if job.status == Status.UNDONE else 'done'}, {{}}", by)


def _emit(job: BulkJob) -> None:
    data = {
        "bulkJobId": str(job.pk), "action": job.kind, "status": job.status, "leads": job.leads, "done": job.done,
        "changed": job.changed, "restored": job.restored,
    }  # fmt: skip
    emit("bulk.finished", team_id=job.team_id, object_id=job.pk, data=data)


def _notify(job: BulkJob, words: str, to: User | None, many: int | None = None) -> None:
    """Its words are of counts alone: which tag or bucket it was, its page says. many: leads; None: as it ended."""
    if many is None:
        many = job.restored if job.status == Status.UNDONE else job.changed
    words = words.format(f"{many:,} of {job.leads:,} leads.")
    notify(team_id=job.team_id, kind=NoticeKind.BULK_DONE, about=job, words=words, to=[to.pk if to else None])


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in (*one, *other)}


def forget_old() -> int:
    """Drops what is kept of old jobs: what was before, after UNDO_DAYS; leads of files and of prices, after KEPT_DAYS.

    The jobs themselves stay. Returns of how many jobs, 20 at a time.
    """
    now = database_now()
    old = BulkJob.objects.filter(finished_at__lt=now - timedelta(days=UNDO_DAYS))
    changed = list(old.filter(pk__in=BulkChange.objects.values("job")).values_list("pk", flat=True)[:20])
    BulkChange.objects.filter(job__in=changed).delete()
    before = now - timedelta(days=KEPT_DAYS)
    BulkJob.objects.filter(status=Status.ASKING, created_at__lt=before).update(
        status=Status.CANCELLED, finished_at=F("created_at")
    )
    kept = BulkJob.objects.filter(finished_at__lt=before)
    pieces = list(kept.filter(pk__in=BulkPiece.objects.values("job")).values_list("pk", flat=True)[:20])
    BulkPiece.objects.filter(job__in=pieces).delete()
    return len({*changed, *pieces})
