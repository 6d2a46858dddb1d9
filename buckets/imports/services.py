"""Bringing a person's own file into a bucket: upload, say what the columns hold, save in the background, undo. Free.

Two workers may save the same import at once, and either may die at any point: a piece of the file is deleted in the
transaction that saves its leads, its failures and the totals. The second worker finds no piece.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When

from accounts.models import User
from buckets.imports import columns as columns_
from buckets.imports.columns import Chosen
from buckets.imports.preview import PREVIEW_ROWS, Preview, preview
from buckets.imports.reading import Layout, Row, Unreadable, layout_of, pieces_of, rows_of
from buckets.imports.rows import Reader, Unusable, is_blank
from buckets.locks import lock_import
from buckets.models import Bucket, Import, ImportedLead, ImportFailure, ImportPiece
from buckets.services import BucketGone, create_bucket
from common.db.clock import database_now
from common.db.ids import uuid7
from common.enqueue import enqueue_on_commit
from integrations.lookups.stand_in_ids import is_stand_in
from integrations.services import known_property_ids
from integrations.vendors import normalise
from leads.counters import change_counters
from leads.facts.incoming import Incoming, insert_leads
from leads.locks import hold_bucket, lock_leads_to_delete
from leads.models import Lead
from leads.registries import KEEPERS

Status = Import.Status
SOURCE = "import"
LEASE = timedelta(seconds=90)
MAX_ATTEMPTS = 5  # workers that die over the same piece: it is the piece
UNDO_BATCH = 5_000
ABANDONED_AFTER = timedelta(days=7)  # an upload nobody has started


class NotAtThisStage(Exception):
    """The import is at a stage at which this cannot be done; the words say which."""


class _Overtaken(Exception):
    """Another worker has gone on since, it is being undone, or its bucket is gone: nothing of ours may be written."""


# --- Before ----------------------------------------------------------------------------------------------------------


def upload(*, bucket: Bucket, file: IO[bytes], name: str, id: UUID | None = None) -> Import:
    """Keeps the file in PostgreSQL, and guesses what its columns hold. Nothing is saved as a lead yet.

    `id`: of the import to be made. Raises Unreadable, and then nothing is kept.
    """
    layout = layout_of(file)
    job = Import(
        id=id or uuid7(),
        bucket=bucket,
        file_name=_file_name(name),
        size=file.seek(0, 2),
        encoding=layout.encoding,
        delimiter=layout.delimiter,
        columns=list(layout.columns),
        mapping=columns_.guess(layout.columns),
        total=0,
    )
    with transaction.atomic():
        job.save(force_insert=True)
        for number, piece in enumerate(pieces_of(file, layout)):
            job.total += piece.rows
            ImportPiece.objects.create(job=job, number=number, first_line=piece.first_line, content=piece.packed)
        if not job.total:
            raise Unreadable("It has the names of columns and no row below them.")
        job.save()
    return job


def upload_into_new(*, by: User, name: str, file: IO[bytes], file_name: str) -> Import:
    """Uploads to a new bucket called `name`. Raises Unreadable, and then there is no new bucket either."""
    with transaction.atomic():
        bucket, _ = create_bucket(by=by, name=name)
        return upload(bucket=bucket, file=file, name=file_name)


def upload_once(
    *, by: User, press: UUID, file: IO[bytes], name: str, bucket: Bucket | None = None, new_name: str = ""
) -> Import:
    """Uploads to a bucket of one's own, or to a new one called `new_name`. Raises Unreadable, BucketGone.

    `press` names the press of the button and becomes the import's id: the same file by the same press is one import,
    however often and however close together it comes, because the later transaction fails with the bucket it made.
    """
    if bucket is not None and bucket.owner_id != by.pk:
        raise BucketGone
    mine = Import.objects.filter(pk=press, bucket__owner=by)
    if job := mine.first():
        if (job.file_name, job.size) == (_file_name(name), file.seek(0, 2)):
            return job
        press = uuid7()  # a page from the browser's memory, with another file
    try:
        with transaction.atomic():
            bucket = bucket or create_bucket(by=by, name=new_name)[0]
            return upload(bucket=bucket, file=file, name=name, id=press)
    except IntegrityError as error:
        if job := mine.first():
            return job
        raise BucketGone from error


def _file_name(name: str) -> str:
    return normalise.text(name) or "file.csv"


def choose_columns(*, job: Import, mapping: Mapping[str, Any], constants: Mapping[str, Any]) -> Import:
    """Says which column holds what; see `columns.decide`. Raises BadMapping, NotAtThisStage."""
    chosen = columns_.decide(job.columns, mapping, constants)
    changed = Import.objects.filter(pk=job.pk, status=Status.UPLOADED).update(
        mapping=dict(chosen.columns), constants=dict(chosen.constants), updated_at=database_now()
    )
    if not changed:
        raise NotAtThisStage("This import has been started: its columns cannot be changed any more.")
    job.refresh_from_db()
    return job


def preview_of(job: Import) -> Preview:
    """What the first rows of the file would become. Raises BadMapping where its columns name no property yet."""
    return preview(islice(_rows_left(job), PREVIEW_ROWS), job.columns, _chosen(job))


def preview_file(file: IO[bytes], layout: Layout, chosen: Chosen) -> Preview:
    """What all rows of a file would become; nothing is kept. Raises Unreadable."""
    pieces = pieces_of(file, layout)
    rows = (row for piece in pieces for row in rows_of(piece.packed, layout.delimiter, piece.first_line))
    return preview(rows, layout.columns, chosen)


def examples(job: Import, count: int = 3) -> list[list[str]]:
    """What the first rows have in each column."""
    rows = list(islice((row.cells for row in _rows_left(job) if not is_blank(row.cells)), count))
    return [[row[index][:100] for row in rows if index < len(row)] for index in range(len(job.columns))]


def _rows_left(job: Import) -> Iterator[Row]:
    for piece in job.pieces.order_by("number").iterator(chunk_size=1):
        yield from rows_of(bytes(piece.content), job.delimiter, piece.first_line)


def _chosen(job: Import) -> Chosen:
    return columns_.decide(job.columns, job.mapping, job.constants)


def start_import(*, job: Import) -> Import:
    """Has a worker save the file's rows, in the background; one that failed goes on where it stopped.

    Raises BadMapping, NotAtThisStage.
    """
    _chosen(job)
    waiting = [Status.UPLOADED, Status.FAILED]
    if not Import.objects.filter(pk=job.pk, status__in=waiting).update(
        status=Status.QUEUED, attempts=0, error="", lease_until=None, updated_at=database_now()
    ):
        raise NotAtThisStage("This import has already started.")
    enqueue_on_commit("buckets.import", import_id=str(job.pk))
    job.refresh_from_db()
    return job


def undo_import(*, job: Import) -> Import:
    """Has a worker delete the leads this import added, but for those somebody has worked on or bought facts for since.

    One that is still at work stops first. Raises NotAtThisStage.
    """
    able = [status for status in Status if status not in (Status.UNDOING, Status.UNDONE)]
    if not Import.objects.filter(pk=job.pk, status__in=able).update(
        status=Status.UNDOING, attempts=0, error="", lease_until=None, updated_at=database_now()
    ):
        raise NotAtThisStage("This import is undone already.")
    enqueue_on_commit("buckets.import", import_id=str(job.pk))
    job.refresh_from_db()
    return job


# --- In the background -----------------------------------------------------------------------------------------------


def continue_import(import_id: UUID) -> bool:
    """Works on an import or its undoing for one lease, unless another worker has it. Returns whether more is left."""
    job = _take(import_id)
    if job is None:
        return False
    step = _undo_batch if job.status == Status.UNDOING else _save_piece
    deadline = database_now() + timedelta(seconds=settings.PUMP_SECONDS)
    try:
        while (more := step(job)) and database_now() < deadline:
            pass
    except _Overtaken:
        return False
    Import.objects.filter(pk=job.pk, lease_until=job.lease_until).update(lease_until=None)
    return more


def _take(import_id: UUID) -> Import | None:
    rows = Import.objects.free().filter(pk=import_id, status__in=[Status.QUEUED, Status.RUNNING, Status.UNDOING])
    poisoned = rows.filter(attempts__gte=MAX_ATTEMPTS).exclude(status=Status.UNDOING)
    if poisoned.update(status=Status.FAILED, error=f"{MAX_ATTEMPTS} workers died over the same rows", lease_until=None):
        return None
    if not rows.take(LEASE, attempts=F("attempts") + 1):
        return None
    Import.objects.filter(pk=import_id, status=Status.QUEUED).update(status=Status.RUNNING)
    return Import.objects.select_related("bucket").filter(pk=import_id).first()


@dataclass(slots=True)
class _Sorted:
    """A piece's rows, each in one place."""

    read: int = 0
    skipped: int = 0
    leads: list[Incoming] = field(default_factory=list)
    failures: list[tuple[int, str, list[str]]] = field(default_factory=list)  # line, why, cells


def _sort(job: Import, piece: ImportPiece) -> _Sorted:
    result, reader = _Sorted(), Reader(_chosen(job), len(job.columns))
    for row in rows_of(bytes(piece.content), job.delimiter, piece.first_line):
        result.read += 1
        if is_blank(row.cells):
            result.skipped += 1
            continue
        try:
            lead = reader(row.cells)
        except Unusable as error:
            result.failures.append((row.line, str(error), row.cells))
        else:
            result.leads.append((lead.property_id, lead.facts))
    return result


def _save_piece(job: Import) -> bool:
    piece = job.pieces.order_by("number").first()
    if piece is None:
        raise _Overtaken
    rows = _sort(job, piece)
    leads = _by_vendor_ids(rows.leads)
    with transaction.atomic():
        hold_bucket(job.bucket_id)
        mine = _hold(job, Status.RUNNING)
        if not ImportPiece.objects.filter(pk=piece.pk).delete()[0]:
            raise _Overtaken
        bucket = job.bucket
        new = insert_leads(bucket_id=bucket.pk, owner_id=bucket.owner_id, source=SOURCE, leads=leads, at=job.created_at)
        _note_leads(job, new)
        _note_failures(job, rows.failures)
        mine.read += rows.read
        mine.skipped += rows.skipped
        mine.failed += len(rows.failures)
        mine.new += len(new)
        mine.already_there += len(leads) - len(new)
        more = mine.pieces.exists()
        _moved(mine, Status.RUNNING if more else Status.COMPLETED)
    job.lease_until = mine.lease_until
    return more


def _hold(job: Import, status: Import.Status) -> Import:
    """Locks the import's row, after its bucket. Raises _Overtaken where it is no longer at this stage."""
    mine = lock_import(job.pk, status=status)
    if mine is None:
        raise _Overtaken
    return mine


def _moved(mine: Import, status: Import.Status) -> None:
    mine.status, mine.attempts = status, 0
    mine.lease_until = database_now() + LEASE
    mine.save()


def _by_vendor_ids(leads: Sequence[Incoming]) -> list[Incoming]:
    """A property the vendor has been asked for before is called by its real id: else the file again would add it again,
    once its lead has taken that id, and it would be asked for twice."""
    known = known_property_ids([property_id for property_id, _ in leads if is_stand_in(property_id)])
    return [(known.get(property_id, property_id), facts) for property_id, facts in leads]


def _note_leads(job: Import, new: Sequence[UUID]) -> None:
    table = ImportedLead._meta.db_table
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} (lead_id, job_id) FROM STDIN") as copy:
        copy.write("".join([f"{lead_id}\t{job.pk}\n" for lead_id in new]))


def _note_failures(job: Import, failures: Sequence[tuple[int, str, list[str]]]) -> None:
    table = ImportFailure._meta.db_table
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} (job_id, line, reason, cells) FROM STDIN") as copy:
        for line, reason, cells in failures:
            copy.write_row((job.pk, line, reason, json.dumps([cell.replace("\0", "") for cell in cells])))


# --- Undoing ---------------------------------------------------------------------------------------------------------


def _why_kept() -> Case:
    """Why undoing an import leaves a lead; null where it does not. The first that holds is told."""
    bought = Q(enriched_at__isnull=False) | Q(skip_traced_at__isnull=False) | Q(apollo_enriched_at__isnull=False)
    tagged = Exists(Lead.tags.through.objects.filter(lead=OuterRef("pk")))
    return Case(
        When(bought, then=Value("bought")),
        *(When(condition, then=Value(reason)) for reason, condition in KEEPERS),
        When(Q(activity_count__gt=0) | ~Q(status="new") | Q(tagged), then=Value("worked")),
        When(updated_at__gt=F("created_at"), then=Value("edited")),
        default=None,
    )


def _undo_batch(job: Import) -> bool:
    with transaction.atomic():
        hold_bucket(job.bucket_id)  # nobody starts a run over these leads meanwhile
        mine = _hold(job, Status.UNDOING)
        ids = list(mine.leads.order_by("lead_id").values_list("lead_id", flat=True)[:UNDO_BATCH])
        # Locked first, looked at after: what somebody has just added to a lead is seen, what comes later is refused.
        list(lock_leads_to_delete(ids).values_list("pk"))
        reasons = dict(Lead.objects.filter(pk__in=ids).values_list("pk", _why_kept()))
        untouched = [lead_id for lead_id, reason in reasons.items() if reason is None]
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM leads_lead WHERE id = ANY(%s) RETURNING phone IS NOT NULL", [untouched])
            with_phone = sum(row[0] for row in cursor.fetchall())
        mine.leads.filter(pk__in=ids).delete()
        kept = [reason for reason in reasons.values() if reason]
        mine.removed += len(untouched)
        mine.kept = {name: mine.kept.get(name, 0) + kept.count(name) for name in {*mine.kept, *kept}}
        more = len(ids) == UNDO_BATCH
        if not more:
            mine.pieces.all().delete()
        _moved(mine, Status.UNDOING if more else Status.UNDONE)
        change_counters(mine.bucket_id, total_leads=-len(untouched), phone_leads=-with_phone)
    job.lease_until = mine.lease_until
    return more


# --- What is left ----------------------------------------------------------------------------------------------------


def open_imports() -> list[UUID]:
    """Imports with work that no worker has."""
    rows = Import.objects.free().filter(status__in=[Status.QUEUED, Status.RUNNING, Status.UNDOING])
    return list(rows.values_list("pk", flat=True))


def forget_abandoned() -> int:
    """Deletes uploads that nobody has started for a week. Returns how many."""
    old = Import.objects.filter(status=Status.UPLOADED, updated_at__lt=database_now() - ABANDONED_AFTER)
    return old.delete()[0]
