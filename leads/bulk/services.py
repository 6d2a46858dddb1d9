"""Starting, stopping and undoing what is done to many leads. What a worker does of it: `leads.bulk.working`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from django.core.exceptions import EmptyResultSet
from django.db import IntegrityError, connection, transaction
from django.db.models import Func, Q, QuerySet, UUIDField

from accounts.access import Access, access_in
from accounts.audit import record
from accounts.models import User
from accounts.services import KeyConflict
from common.db.clock import database_now
from common.enqueue import enqueue_on_commit
from leads.bulk import working
from leads.bulk.kinds import BulkError, Kind, kind_of
from leads.bulk.working import AT_ONCE, TASK, UNDO_DAYS, changes_of, finish
from leads.locks import lock_bulk
from leads.models import BulkJob, BulkPiece, Lead
from leads.selection.filters import matching
from leads.selection.search import sought

Status = BulkJob.Status
SOON = 10_000  # leads: of these and fewer the request begins, for SOON_SECONDS
SOON_SECONDS = 5.0
JOBS_MAX = 20  # of a team at work: each is a worker's time that other teams wait for
_NAMESPACE = UUID("7b0e1c1e-9f8e-4c0a-9a53-0d7a4ed1b001")  # of `once`


def leads_found(
    access: Access, *, filters: Mapping[str, Any], q: str = "", bucket: Any = None, contacts: bool
) -> QuerySet[Lead]:
    """The leads of her team that the list's filters and search find, within one bucket or all. Raises BadFilter."""
    leads = Lead.objects.worked_by(access)
    leads = leads.filter(bucket=bucket) if bucket is not None else leads
    person = access.user
    found = matching(
        leads, filters, time_zone=person.time_zone, contacts=contacts, me=person.pk, team_id=access.team_id
    )
    return found.filter(sought(q, by=access, contacts=contacts).matches) if q else found


def count_of(leads: QuerySet[Lead]) -> int:
    """How many leads a job over them would be over."""
    return leads.order_by().count()


def start_bulk(
    *,
    access: Access,
    kind: str,
    leads: Callable[[], QuerySet[Lead]],
    arguments: Mapping[str, Any],
    filters: Sequence[str] = (),
    expect: int | None = None,
    press: str = "",
    request: object = None,
) -> tuple[BulkJob, bool]:
    """Writes down the leads of a job as they are now, and begins it; a small one is over when this returns.

    leads: further narrowed to those of her team that she may change; asked only where there is no such job yet, for
    those of a job that is over may be gone. filters: names of those they were found by. expect: how many she was told:
    another number is refused. press: names the press or the Idempotency-Key that asks: the same again gives the job
    that it made. Returns the job, and whether this call made it. Raises BulkError, KeyConflict, what `leads` raises.

    1. Who may, what was said, how many jobs there are.
    2. The job and its leads, in one transaction: a statement freezes them, in pieces of the kind's size.
    3. Up to AT_ONCE leads are done here; more by a worker, which a request that is quick begins.
    """
    what = kind_of(kind)
    if not what.allows(access):
        raise BulkError("FORBIDDEN", "Your role does not let you do this: ask a manager of the team.")
    once = _once(access, press) if press else None
    digest = hashlib.sha256(json.dumps([kind, arguments, request], sort_keys=True, default=str).encode()).hexdigest()
    if once and (earlier := _made_by(once, digest)):
        return earlier, False
    try:
        with transaction.atomic():  # a refusal takes back a tag that the arguments named first
            kept = what.read(access, arguments)
            job = _make(access, what, leads(), kept, filters, expect, once, digest)
    except IntegrityError:
        if once and (earlier := _made_by(once, digest)):  # of two presses at once the later one finds the first's
            return earlier, False
        raise
    return _begin(job), True


def job_of_press(access: Access, press: str) -> BulkJob | None:
    """The job that this press of hers has made."""
    return BulkJob.objects.filter(once=_once(access, press)).first()


def _once(access: Access, press: str) -> UUID:
    return uuid5(_NAMESPACE, f"{access.team_id} {access.user.pk} {press}")


def _made_by(once: UUID, digest: str) -> BulkJob | None:
    job = BulkJob.objects.filter(once=once).first()
    if job is not None and job.request_hash != digest:
        raise KeyConflict
    return job


def _make(
    access: Access,
    what: Kind,
    leads: QuerySet[Lead],
    arguments: Mapping[str, Any],
    filters: Sequence[str],
    expect: int | None,
    once: UUID | None,
    digest: str,
) -> BulkJob:
    assert access.team_id is not None, "the kind has allowed her"
    if BulkJob.objects.filter(team=access.team_id, status__in=BulkJob.AT_WORK).count() >= JOBS_MAX:
        raise BulkError("TOO_MANY_JOBS", f"Your team has {JOBS_MAX} bulk jobs at work: wait until one is done.")
    job = BulkJob(
        team_id=access.team_id, by=access.user, kind=what.name, arguments=dict(arguments), once=once,
        filters=sorted(name[:50] for name in filters), request_hash=digest,
        status=Status.ASKING if what.asks else Status.QUEUED,
    )  # fmt: skip
    job.save(force_insert=True)
    job.leads = _freeze(job, _hers(access, leads), what)
    if not job.leads:
        raise BulkError("EMPTY", "No lead that you may change is among these: nothing was done.", "leads")
    if job.leads > what.most:
        raise BulkError("TOO_MANY", f"These are {job.leads:,} leads; at most {what.most:,} at a time.", "leads")
    if expect is not None and job.leads != expect:
        now = "This is 1 lead" if job.leads == 1 else f"These are {job.leads:,} leads"
        words = f"{now} now, and not the {expect:,} that were shown: look, and confirm again."
        raise BulkError("COUNT_CHANGED", words, "expect")
    if what.at_once:
        job.done, job.status, job.finished_at = job.leads, Status.COMPLETED, database_now()
    job.save(update_fields=["leads", "done", "status", "finished_at"])
    if not what.asks:
        _tell("bulk.started", job, access.user, leads=job.leads)
    return job


def _hers(access: Access, leads: QuerySet[Lead]) -> QuerySet[Lead]:
    """Those of these leads that she may change (`LeadQuerySet.worked_by`)."""
    mine = leads.filter(Q(team_id=access.team_id, merged_into__isnull=True))
    return mine.filter(assigned_to_id=access.user.pk) if access.only_assigned else mine


def _freeze(job: BulkJob, leads: QuerySet[Lead], what: Kind) -> int:
    """Writes down the leads, in pieces, in the order of their ids: locks are taken in that order. Returns how many."""
    try:
        sql, params = leads.order_by().values("pk")[: what.most + 1].query.sql_with_params()
    except EmptyResultSet:  # Django knows without asking
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH chosen (id) AS ({sql}),
                 placed AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM chosen),
                 made AS (
                   INSERT INTO leads_bulkpiece (job_id, place, lead_ids)
                   SELECT %s, place / %s * %s, array_agg(id ORDER BY id) FROM placed GROUP BY place / %s
                   RETURNING cardinality(lead_ids))
            SELECT coalesce(sum(cardinality), 0) FROM made
            """,  # noqa: S608  # the ORM's own SQL
            [*params, job.pk, what.piece, what.piece, what.piece],
        )
        (count,) = cursor.fetchone() or (0,)
    return int(count)


def _begin(job: BulkJob) -> BulkJob:
    """Does a small job, begins a larger one; a worker does the rest, and beat asks for one where this process dies."""
    if not job.is_at_work:
        return job
    size = job.changed if job.status == Status.UNDOING else job.leads
    if size > SOON or working.continue_job(job.pk, seconds=60.0 if size <= AT_ONCE else SOON_SECONDS):
        enqueue_on_commit(TASK, job_id=str(job.pk))
    job.refresh_from_db()
    return job


def agree_to(*, job: BulkJob, access: Access) -> None:
    """The person has said yes to the price of a job that asked for it: it is over, what it started goes on by itself.

    job: locked, in the transaction of what she said yes to; what stands in it is saved.
    """
    job.done = job.changed = job.leads
    finish(job, Status.COMPLETED)
    job.save()
    _tell("bulk.started", job, access.user, leads=job.leads)


def cancel_bulk(*, job: BulkJob, by: User) -> BulkJob:
    """Stops a job before its next piece; what is done stays done, and can be undone. Raises BulkError."""
    with transaction.atomic():
        locked = lock_bulk(job.pk)
        if locked is None or locked.status not in (Status.QUEUED, Status.RUNNING, Status.ASKING):
            raise BulkError("NOT_AT_WORK", "This job is over, or is being undone: there is nothing to stop.")
        asked = locked.status != Status.ASKING
        finish(locked, Status.CANCELLED)
        locked.save()
        if asked:
            _tell("bulk.cancelled", locked, by, done=locked.done, leads=locked.leads)
    return locked


def undo_bulk(*, job: BulkJob, by: User) -> BulkJob:
    """Changes back what the job changed and nobody has changed since. A second press changes nothing; after a caller's,
    a manager's changes back what was not hers any more. Raises BulkError.
    """
    with transaction.atomic():
        locked = lock_bulk(job.pk)
        if locked is None:
            raise BulkError("NOT_UNDOABLE", "There is no such job.")
        words = why_not_undo(locked, access_in(by, locked.team_id))
        if locked.status == Status.UNDOING or (words and locked.status == Status.UNDONE):
            return locked
        if words:
            raise BulkError("NOT_UNDOABLE", words)
        was = locked.status
        locked.status, locked.finished_at, locked.error, locked.tries = Status.UNDOING, None, "", 0
        locked.undone_by = by
        if was == Status.UNDONE:  # what a caller left is no longer left alone
            locked.kept = locked.changed - locked.restored - locked.changes.count()
        locked.save()
        _tell("bulk.undone", locked, by, leads=locked.changed - locked.restored)
    return _begin(locked)


def can_undo(job: BulkJob, access: Access | None = None) -> bool:
    """Whether there is a change that may be taken back."""
    return not why_not_undo(job, access)


def why_not_undo(job: BulkJob, access: Access | None = None) -> str:
    """In words; empty where it can be undone. access: by whom, after a caller has undone what is hers."""
    if kind_of(job.kind).undo is None:
        return "This cannot be undone."
    if job.status == Status.UNDONE and job.kept and changes_of(job, access).exists():
        return ""
    if job.status not in BulkJob.UNDOABLE:
        return "It is still at work." if job.is_at_work else "It was undone."
    if not job.changed:
        return "It changed nothing."
    if not job.changes.exists():
        return f"It is more than {UNDO_DAYS} days old: what was before is not kept any longer."
    return ""


def lead_ids_of(job: BulkJob) -> QuerySet[Lead]:
    """The leads of a job whose pieces are kept, as a queryset: of those that are there still."""
    return Lead.objects.filter(team_id=job.team_id, pk__in=_unnested(job))


def _unnested(job: BulkJob) -> Any:
    return BulkPiece.objects.filter(job=job).values_list(
        Func("lead_ids", function="unnest", output_field=UUIDField()), flat=True
    )


def _tell(action: str, job: BulkJob, by: User | None, **after: object) -> None:
    record(action, by=by, team_id=job.team_id, about=("bulkjob", job.pk), after={"action": job.kind, **after})
