"""Bringing a person's own file into a bucket: upload, say what the columns hold, save in the background, undo. Free.

Two workers may save the same import at once, and either may die at any point: a piece of the file is deleted in the
transaction that saves its leads, its failures and the totals. The second worker finds no piece.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F, QuerySet

from accounts.access import team_of
from accounts.audit import record
from accounts.models import NoticeKind, User
from accounts.notices import notify
from accounts.webhooks import emit
from buckets.imports import columns as columns_
from buckets.imports.ahead import READERS, Ahead, uncollected
from buckets.imports.columns import Chosen
from buckets.imports.file_guess import guess_file
from buckets.imports.forgetting import rows_kept
from buckets.imports.headers import HEADER_ROWS
from buckets.imports.preview import PREVIEW_ROWS, Preview, preview
from buckets.imports.reading import Layout, NoSuchHeader, Row, Unreadable, header_in, layout_of, pieces_of, rows_of
from buckets.imports.rows import Reader, Unusable, is_blank
from buckets.imports.steps import LEASE
from buckets.imports.steps import Overtaken as _Overtaken
from buckets.imports.steps import hold as _hold
from buckets.imports.steps import moved as _moved
from buckets.imports.undoing import undo_batch
from buckets.imports.updates import update_there
from buckets.models import Bucket, Import, ImportedLead, ImportFailure, ImportPiece
from buckets.services import BucketGone, TeamFull, check_room, create_bucket
from common.db.clock import database_now
from common.db.ids import uuid7
from common.enqueue import enqueue_on_commit
from common.values.backoff import backoff
from integrations.vendors import normalise
from leads.facts.incoming import Batch, Incoming, insert_leads, rows_in_doubt, rows_there, said_by_file
from leads.fields.definitions import fields_of
from leads.keys.contact_keys import Ids
from leads.locks import hold_bucket
from leads.models import CustomField, StatusLabel
from leads.pipeline.labels import labels_of
from leads.privacy.filtering import cleaned_facts, kept, kept_in

Status = Import.Status
OPEN = [Status.UPLOADED, Status.QUEUED, Status.RUNNING, Status.UNDOING]
SOURCE = "import"
MAX_ATTEMPTS = 5  # workers that die over the same piece: it is the piece
FIRST_WAIT = timedelta(seconds=10)  # after a try that ended by a fault of ours
_NOTHING_BELOW = "It has the names of columns and no row below them."
ABANDONED_AFTER = timedelta(days=7)  # an upload nobody has started


class NotAtThisStage(Exception):
    """The import is at a stage at which this cannot be done; the words say which."""


# --- Before ----------------------------------------------------------------------------------------------------------


def upload(
    *,
    bucket: Bucket,
    file: IO[bytes],
    name: str,
    id: UUID | None = None,
    header_row: int | None = None,
    update: bool = False,
) -> Import:
    """Keeps the file in PostgreSQL, and guesses what its columns hold. Nothing is saved as a lead yet.

    `id`: of the import to be made. header_row: as `Layout.header_row`, guessed if not said. update: as
    `choose`. Raises Unreadable, NoSuchHeader, TeamFull, and then nothing is kept.
    """
    waiting = Import.objects.filter(bucket__team=bucket.team_id, status__in=OPEN)
    if waiting.count() >= settings.TEAM_IMPORTS_MAX:
        words = f"Your team has {settings.TEAM_IMPORTS_MAX:,} imports waiting or at work. Start or undo one first."
        raise TeamFull(words)
    layout = layout_of(file, header=header_row)
    job = Import(
        id=id or uuid7(),
        bucket=bucket,
        file_name=_file_name(name),
        size=file.seek(0, 2),
        encoding=layout.encoding,
        delimiter=layout.delimiter,
        header_row=layout.header_row,
        columns=kept(list(layout.columns)),
        update=update,
        total=0,
    )
    with transaction.atomic():
        job.save(force_insert=True)
        total = -layout.header_row
        for number, piece in enumerate(pieces_of(file, layout, whole=True)):
            total += piece.rows
            ImportPiece.objects.create(job=job, number=number, first_line=piece.first_line, content=piece.packed)
        if total <= 0:
            raise Unreadable(_NOTHING_BELOW)
        job.total = total
        job.mapping = _guessed(job)
        job.save()
    return job


def upload_into_new(
    *,
    by: User,
    name: str,
    file: IO[bytes],
    file_name: str,
    header_row: int | None = None,
    update: bool = False,
    team_id: int | None = None,
) -> Import:
    """Uploads to a new bucket called `name`; team_id: as for `create_bucket`.

    Raises Unreadable, and then there is no new bucket either.
    """
    with transaction.atomic():
        bucket, _ = create_bucket(by=by, name=name, team_id=team_id)
        return upload(bucket=bucket, file=file, name=file_name, header_row=header_row, update=update)


def upload_once(
    *,
    by: User,
    press: UUID,
    file: IO[bytes],
    name: str,
    bucket: Bucket | None = None,
    new_name: str = "",
    header_row: int | None = None,
    team_id: int | None = None,
) -> Import:
    """Uploads to a bucket of this team (None: her own), or to a new one called `new_name`.

    Raises Unreadable, BucketGone.

    `press` names the press of the button and becomes the import's id: the same file by the same press is one import,
    however often and however close together it comes, because the later transaction fails with the bucket it made.
    """
    team_id = team_id if team_id is not None else team_of(by)
    if bucket is not None and bucket.team_id != team_id:
        raise BucketGone
    mine = Import.objects.filter(pk=press, bucket__team=team_id)
    if job := mine.first():
        if (job.file_name, job.size) == (_file_name(name), file.seek(0, 2)):
            return job
        press = uuid7()  # a page from the browser's memory, with another file
    try:
        with transaction.atomic():
            bucket = bucket or create_bucket(by=by, name=new_name, team_id=team_id)[0]
            return upload(bucket=bucket, file=file, name=name, id=press, header_row=header_row)
    except IntegrityError as error:
        if job := mine.first():
            return job
        raise BucketGone from error


def _file_name(name: str) -> str:
    return kept_in(Import(), "file_name", normalise.text(name) or "file.csv")


def choose_columns(
    *, job: Import, mapping: Mapping[str, Any], constants: Mapping[str, Any], keep_others: bool | None = None
) -> Import:
    """Says which column holds what; see `columns.decide`. Raises BadMapping, NotAtThisStage.

    keep_others: whether leads keep the columns that no field holds; None leaves that as it is.
    """
    chosen = columns_.decide(job.columns, mapping, constants, fields=_fields(job), labels=_labels(job))
    others = {} if keep_others is None else {"keep_other_columns": keep_others}
    return _change(job, mapping=chosen.mapping, constants=kept(dict(chosen.constants)), **others)


def choose(
    *,
    job: Import,
    header_row: int | None = None,
    update: bool | None = None,
    mapping: Mapping[str, Any] | None = None,
    constants: Mapping[str, Any] | None = None,
    keep_others: bool | None = None,
) -> Import:
    """Says how the file is to be read, all of it or nothing; what is not said stays as it was.

    header_row: as `Layout.header_row`; where it is another than before, the columns are read and guessed again. update:
    whether rows change the leads that are there already. Raises NoSuchHeader, BadMapping, NotAtThisStage.
    """
    with transaction.atomic():
        if header_row is not None and header_row != job.header_row:
            job = _read_header(job, header_row)
        if update is not None:
            job = _change(job, update=update)
        if keep_others is not None:
            job = _change(job, keep_other_columns=keep_others)
        if mapping is not None or constants is not None:
            said = job.mapping if mapping is None else mapping
            job = choose_columns(job=job, mapping=said, constants=constants or {})
    return job


def _read_header(job: Import, row: int) -> Import:
    first = job.pieces.filter(number=0, first_line=1).first()
    if first is None:
        raise NotAtThisStage("The header row of this import cannot be changed: upload the file again.")
    rows = [r.cells for r in islice(rows_of(bytes(first.content), job.delimiter, 1), HEADER_ROWS)]
    _, names = header_in(rows, header=row)
    if job.total + job.header_row <= row:
        raise NoSuchHeader(_NOTHING_BELOW)
    below = F("total") + F("header_row") - row
    job = _change(job, header_row=row, total=below, columns=kept(list(names)), mapping={}, constants={})
    return _change(job, mapping=_guessed(job))


def _guessed(job: Import) -> dict[str, int]:
    found = guess_file(job.columns, lambda: (row.cells for row in _rows_left(job)))
    return columns_.guess_own(job.columns, found, fields_of(job.bucket.team_id))


def _change(job: Import, **columns: Any) -> Import:
    changed = Import.objects.filter(pk=job.pk, status=Status.UPLOADED).update(**columns, updated_at=database_now())
    if not changed:
        raise NotAtThisStage("This import has been started: its columns cannot be changed any more.")
    job.refresh_from_db()
    return job


def preview_of(job: Import) -> Preview:
    """What the first rows of the file would become. Raises BadMapping where its columns name no property yet."""
    seen = preview(islice(_rows_left(job), PREVIEW_ROWS), job.columns, _chosen(job))
    after = cleaned_facts([lead.facts for _, lead in seen.first])
    pairs = zip(seen.first, after, strict=True)
    seen.first = [(line, replace(lead, facts=facts)) for (line, lead), facts in pairs]
    return _about_bucket(seen, job.bucket, update=job.update)


def preview_file(
    file: IO[bytes], layout: Layout, chosen: Chosen, *, bucket: Bucket | None = None, update: bool = False
) -> Preview:
    """What all rows of a file would become; nothing is kept. bucket: where they are to go. Raises Unreadable."""
    seen = preview(_rows_of_file(file, layout), layout.columns, chosen)
    return _about_bucket(seen, bucket, update=update)


def guess_columns(file: IO[bytes], layout: Layout, fields: Sequence[CustomField] = ()) -> dict[str, int]:
    """The likely columns of a file that is not uploaded; see `guessing.guess`. fields: the team's custom fields.

    Raises Unreadable.
    """
    found = guess_file(layout.columns, lambda: (row.cells for row in _rows_of_file(file, layout)))
    return columns_.guess_own(layout.columns, found, fields)


def _rows_of_file(file: IO[bytes], layout: Layout) -> Iterator[Row]:
    for piece in pieces_of(file, layout):
        yield from rows_of(piece.packed, layout.delimiter, piece.first_line)


def _about_bucket(seen: Preview, bucket: Bucket | None, *, update: bool) -> Preview:
    """With warnings where rows are leads of the bucket already, or are not sure to be: of the first rows, so that it
    takes no longer.
    """
    count, unsure = 0, seen.unsure
    leads = [Incoming(lead.property_id, lead.facts, lead.names) for lead in seen.looked_up]
    if bucket is not None:
        count, of_bucket = rows_there(bucket.pk, leads)
        unsure = max(unsure, of_bucket)
    if doubted := rows_in_doubt(leads):
        have = "row has" if doubted == 1 else "rows have"
        seen.warnings.append(
            f"{doubted:,} {have} a property id, an APN and an address that are not one property's, by what was "
            "purchased: taken as a property of its own. Check them."
        )
    if unsure:
        have = "row has" if unsure == 1 else "rows have"
        seen.warnings.append(
            f"{unsure:,} {have} an APN without separators that more than one parcel fits: not joined to any."
        )
    if count and not update:
        are = "row is" if count == 1 else "rows are"
        seen.warnings.append(f"{count:,} {are} there already: choose Update to change them.")
    return seen


def examples(job: Import, count: int = 3) -> list[list[str]]:
    """What the first rows have in each column."""
    rows = rows_kept(list(islice((row.cells for row in _rows_left(job) if not is_blank(row.cells)), count)))
    return [[row[index][:100] for row in rows if index < len(row)] for index in range(len(job.columns))]


def _rows_left(job: Import) -> Iterator[Row]:
    for piece in job.pieces.order_by("number").iterator(chunk_size=1):
        yield from _rows_in(job, piece)


def _rows_in(job: Import, piece: ImportPiece) -> Iterator[Row]:
    """The rows of data in a piece: the first one also has the header, unless an older version cut it."""
    above = job.header_row if piece.number == 0 and piece.first_line == 1 else 0
    return islice(rows_of(bytes(piece.content), job.delimiter, piece.first_line), above, None)


def _chosen(job: Import) -> Chosen:
    others = job.keep_other_columns
    return columns_.decide(
        job.columns, job.mapping, job.constants, keep_others=others, fields=_fields(job), labels=_labels(job)
    )


def _labels(job: Import) -> list[StatusLabel]:
    return labels_of(job.bucket.team_id)


def _fields(job: Import) -> list[CustomField]:
    """Those of the bucket's team. One that was retired since the columns were chosen is filled all the same."""
    return fields_of(job.bucket.team_id, retired=True)


def start_import(*, job: Import, by: User | None = None) -> Import:
    """Has a worker save the file's rows, in the background; one that failed goes on where it stopped.

    Raises BadMapping, NotAtThisStage.
    """
    _chosen(job)
    waiting = [Status.UPLOADED, Status.FAILED]
    with transaction.atomic():
        if not Import.objects.filter(pk=job.pk, status__in=waiting).update(
            status=Status.QUEUED, attempts=0, error="", lease_until=None, started_by=by, updated_at=database_now()
        ):
            raise NotAtThisStage("This import has already started.")
        _tell("import.started", job, by, rows=job.total, update=job.update)
    enqueue_on_commit("buckets.import", import_id=str(job.pk))
    job.refresh_from_db()
    return job


def undo_import(*, job: Import, by: User | None = None) -> Import:
    """Has a worker delete the leads this import added, but for those somebody has worked on or bought facts for since.

    One that is still at work stops first. Raises NotAtThisStage.
    """
    able = [status for status in Status if status not in (Status.UNDOING, Status.UNDONE)]
    with transaction.atomic():
        if not Import.objects.filter(pk=job.pk, status__in=able).update(
            status=Status.UNDOING, attempts=0, error="", lease_until=None, updated_at=database_now()
        ):
            raise NotAtThisStage("This import is undone already.")
        _tell("import.undone", job, by, leads=job.new)
    enqueue_on_commit("buckets.import", import_id=str(job.pk))
    job.refresh_from_db()
    return job


def _tell(action: str, job: Import, by: User | None, **after: object) -> None:
    """For the audit. Not the file's name, which may be a person's."""
    record(action, by=by, team_id=job.bucket.team_id, about=job, name=job.bucket.name, after=after)


# --- In the background -----------------------------------------------------------------------------------------------


def continue_import(import_id: UUID) -> bool:
    """Works on an import or its undoing for one lease, unless another worker has it. Returns whether more is left."""
    job = _take(import_id)
    if job is None:
        return False
    deadline = database_now() + timedelta(seconds=settings.PUMP_SECONDS)
    try:
        if job.status == Status.UNDOING:
            more = _until(deadline, partial(undo_batch, job))
        else:
            with Ahead(partial(_sort, job, _chosen(job)), far=job.attempts <= 1) as ahead:
                more = _until(deadline, partial(_save_piece, job, ahead=ahead))
    except _Overtaken:
        return False
    except TeamFull as full:
        still = Import.objects.filter(pk=job.pk, lease_until=job.lease_until)
        _end_failed(still, job, str(full))
        return False
    except Exception as error:
        with suppress(DatabaseError):  # then it is the lease that ends
            _note_fault(job, error)
        raise
    Import.objects.filter(pk=job.pk, lease_until=job.lease_until).update(lease_until=None)
    return more


def _until(deadline: datetime, step: Callable[[], bool]) -> bool:
    """Step by step; whether more is left."""
    while (more := step()) and database_now() < deadline:
        pass
    return more


def _end_failed(still: QuerySet[Import], job: Import, words: str) -> bool:
    """Whether it was at work until now. Who started it is told, with the same commit."""
    with transaction.atomic():
        if not still.update(status=Status.FAILED, error=words[:300], lease_until=None):
            return False
        _notify(job, f"Import of {job.file_name} stopped: {words}")
    return True


def _notify(job: Import, words: str) -> None:
    bucket = job.bucket
    to = [job.started_by_id or bucket.owner_id]  # an import from before its row knew who started it
    notify(team_id=bucket.team_id, kind=NoticeKind.IMPORT_DONE, about=job, words=words, to=to)


def _note_fault(job: Import, error: Exception) -> None:
    """Has a try that ended by a fault of ours tried again soon; the last one ends the import in words. Undoing goes on,
    and says so.

    The words name the kind of error alone: its text may hold what the file says.
    """
    still = Import.objects.filter(pk=job.pk, lease_until=job.lease_until)
    attempts = still.values_list("attempts", flat=True).first()
    if attempts is None:
        return
    if attempts >= MAX_ATTEMPTS:
        words = f"{MAX_ATTEMPTS} tries ended at the same rows by a fault of ours ({type(error).__name__})"
        if job.status != Status.UNDOING:
            _end_failed(still, job, words)
            return
        still.update(error=words[:300])
    still.update(lease_until=database_now() + backoff(max(attempts, 1), first=FIRST_WAIT))


def _take(import_id: UUID) -> Import | None:
    rows = Import.objects.free().filter(pk=import_id, status__in=[Status.QUEUED, Status.RUNNING, Status.UNDOING])
    poisoned = rows.filter(attempts__gte=MAX_ATTEMPTS).exclude(status=Status.UNDOING)
    ended = poisoned.select_related("bucket").first()
    if ended is not None and _end_failed(poisoned, ended, f"{MAX_ATTEMPTS} workers died over the same rows"):
        return None
    if not rows.take(LEASE, attempts=F("attempts") + 1):
        return None
    Import.objects.filter(pk=import_id, status=Status.QUEUED).update(status=Status.RUNNING)
    return Import.objects.select_related("bucket").filter(pk=import_id).first()


@dataclass(slots=True)
class _Sorted:
    """A piece's rows, each in one place. failures: line, why, cells."""

    read: int
    skipped: int
    leads: Batch
    failures: list[tuple[int, str, list[str]]]


def _sort(job: Import, chosen: Chosen, piece: ImportPiece) -> _Sorted:
    read = skipped = 0
    leads = list[Incoming]()
    failures = list[tuple[int, str, list[str]]]()
    reader = Reader(chosen, len(job.columns))
    for row in _rows_in(job, piece):
        read += 1
        if is_blank(row.cells):
            skipped += 1
            continue
        try:
            lead = reader.of_row(row)
        except Unusable as error:
            failures.append((row.line, str(error), row.cells))
        else:
            leads.append(Incoming(lead.property_id, lead.facts, lead.names))
    batch = Batch.of(leads, bucket_id=job.bucket_id, said=said_by_file(job.created_at))
    return _Sorted(read, skipped, batch.sent(), failures)


@uncollected()
def _save_piece(job: Import, *, ahead: Ahead[_Sorted]) -> bool:
    pieces = list(job.pieces.order_by("number")[: 1 + READERS])
    if not pieces:
        raise _Overtaken
    piece, *following = pieces
    rows = ahead.rows_of(piece, following)
    leads = rows.leads
    with transaction.atomic():
        hold_bucket(job.bucket_id)
        mine = _hold(job, Status.RUNNING)
        if not ImportPiece.objects.filter(pk=piece.pk).delete()[0]:
            raise _Overtaken
        bucket, updated = job.bucket, list[int]()

        def update(there: Sequence[tuple[UUID, Incoming]], keys: Ids) -> None:
            updated.append(update_there(job, there, keys))

        new = insert_leads(
            bucket_id=bucket.pk,
            owner_id=bucket.owner_id,
            team_id=bucket.team_id,
            source=SOURCE,
            leads=leads,
            at=job.created_at,
            update=update if job.update else None,
        )
        if new:
            check_room(bucket.team_id)
        _note_leads(job, new)
        _note_failures(job, rows.failures)
        mine.read += rows.read
        mine.skipped += rows.skipped
        mine.failed += len(rows.failures)
        mine.new += len(new)
        mine.already_there += len(leads) - len(new)
        mine.updated += sum(updated)
        more = mine.pieces.exists()
        _moved(mine, Status.RUNNING if more else Status.COMPLETED)
        if not more:
            told = {"importId": str(job.pk), "bucketId": str(bucket.pk), "rows": mine.read, "new": mine.new}
            told |= {"alreadyThere": mine.already_there, "skipped": mine.skipped, "failed": mine.failed}
            emit("import.completed", team_id=bucket.team_id, object_id=job.pk, data=told)
            _notify(job, f"Import of {job.file_name} done: {mine.new:,} new leads, {mine.failed:,} rows failed.")
            enqueue_on_commit("leads.merge_bucket", bucket_id=str(bucket.pk))
    job.lease_until = mine.lease_until
    return more


def _note_leads(job: Import, new: Sequence[str]) -> None:
    table, imported = ImportedLead._meta.db_table, str(job.pk)
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} (lead_id, job_id) FROM STDIN") as copy:
        copy.write("".join([f"{lead_id}\t{imported}\n" for lead_id in new]))


def _note_failures(job: Import, failures: Sequence[tuple[int, str, list[str]]]) -> None:
    table, kept_cells = ImportFailure._meta.db_table, rows_kept([cells for _, _, cells in failures])
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} (job_id, line, reason, cells) FROM STDIN") as copy:
        for (line, reason, _), cells in zip(failures, kept_cells, strict=True):
            copy.write_row((job.pk, line, reason, json.dumps([cell.replace("\0", "") for cell in cells])))


# --- What is left ----------------------------------------------------------------------------------------------------


def open_imports() -> list[UUID]:
    """Imports with work that no worker has."""
    rows = Import.objects.free().filter(status__in=[Status.QUEUED, Status.RUNNING, Status.UNDOING])
    return list(rows.values_list("pk", flat=True))


def forget_abandoned() -> int:
    """Deletes uploads that nobody has started for a week. Returns how many."""
    old = Import.objects.filter(status=Status.UPLOADED, updated_at__lt=database_now() - ABANDONED_AFTER)
    return old.delete()[0]
