"""Files of suppressions, consents and registry checks, from the upload to the last row.

    upload            keeps the file in PostgreSQL, in pieces
    continue_upload   reads it for a preview; once it is started, writes a piece of it in each transaction
    start_upload      what a person says after the preview; a slip is hers to see there
    withdraw          a list of suppressions was a mistake: within 30 days

A worker may die at any point, and two may work at once: a piece is deleted in the transaction that writes its rows,
its refusals and the counts, so that nothing is lost or counted twice. rows = added + known + refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from accounts.access import Access, Scope
from accounts.audit import record
from accounts.models import User
from common.db.arrays import hexed, joined
from common.db.clock import database_now
from common.enqueue import enqueue_on_commit
from common.files.reading import layout_with, pieces_of, rows_of
from common.files.table import Row, Unreadable
from integrations.naming.states import FIPS
from integrations.vendors import normalise
from leads.locks import lock_upload
from leads.models import Consent, Lead, RefusedRow, Seller, Suppression, Upload, UploadPiece, Withdrawal
from leads.permission import rows as rows_
from leads.permission import storing
from leads.permission.rows import NoSuchColumn, Plan, Said, Unusable
from leads.permission.suppressing import key_of
from leads.privacy.filtering import digests_of, kept_in

Kind, Status = Upload.Kind, Upload.Status
OPEN = (Status.READING, Status.RUNNING)
LEASE = timedelta(seconds=90)
MAX_ATTEMPTS = 5  # workers that die over the same piece: it is the piece
LARGEST_SHARE = 20  # a file that concerns more than one in 20 leads of the installation (5 %) needs a superuser
WITHDRAWN_WITHIN = timedelta(days=30)
ABANDONED_AFTER = timedelta(days=7)  # a file nobody has started
EXAMPLES = 5
_TASK = "leads.import_upload"
_LIST = re.compile(r"federal|litigator|reassigned|state:[A-Z]{2}")
_AREA_CODE = re.compile(r"[2-9]\d{2}", re.ASCII)
_SAN = re.compile(r"[A-Za-z0-9-]{3,40}")
IMPORTED = (Consent.Type.WRITTEN, Consent.Type.EXPRESS, Consent.Type.INQUIRY, Consent.Type.TRANSACTION)


class BadUpload(ValueError):
    """What was said of the file cannot be so. field: which part of it, as the API names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


class NotAtThisStage(Exception):
    """The file is at a stage at which this cannot be done; the words say which."""


class MayNot(PermissionError):
    """This is not hers to do; the words say whose it is."""


# --- Before ----------------------------------------------------------------------------------------------------------


def may_upload(access: Access, kind: str) -> bool:
    """Anybody in a team may add suppressions; consents and registry checks are a manager's."""
    return access.team_id is not None and (kind == Kind.SUPPRESSIONS or access.can(Scope.MANAGE))


def upload(
    *, kind: str, team_id: int, by: User | None, file: IO[bytes], name: str, options: Mapping[str, Any] | None = None
) -> Upload:
    """Keeps the file, and reads it for its preview: at once where it is one piece, else in the background.

    options: contacts (a column, or several, by name or number), scope; of consents seller (a Seller's id), kind,
    channel, acknowledged, and textColumn, dateColumn, sourceColumn, channelColumn; of checks seller, list, san,
    versionDate, listed (whether every number is) or listedColumn, areaCodes (of which the file is the whole list).

    Raises Unreadable, BadUpload, and then nothing is kept.
    """
    said = dict(options or {})
    seller, kept_options = _checked(kind, team_id, said)
    layout = layout_with(file, rows_.header_in)
    kept_options |= {"delimiter": layout.delimiter, "headerRow": layout.header_row, "names": list(layout.columns)}
    kept_options["timeZone"] = by.time_zone if by and by.time_zone else "UTC"
    with transaction.atomic():
        job = Upload(team_id=team_id, seller=seller, by_id=by.pk if by else None, kind=kind)
        job.file_name = kept_in(job, "file_name", normalise.text(name) or "file.csv")
        job.options = kept_options
        job.save(force_insert=True)
        pieces = 0
        for number, piece in enumerate(pieces_of(file, layout)):
            UploadPiece.objects.create(upload=job, number=number, first_line=piece.first_line, content=piece.packed)
            pieces += 1
        if not pieces:
            raise Unreadable("It has no rows.")
        _plan(job)  # a column that is not there is said now
        if pieces > 1:
            enqueue_on_commit(_TASK, upload_id=str(job.pk))
        else:
            _preview(job)
    return job


def _checked(kind: str, team_id: int, said: Mapping[str, Any]) -> tuple[Seller | None, dict[str, Any]]:
    """Whose file it is, and what is kept of what was said. Raises BadUpload."""
    if kind not in Kind.values:
        raise BadUpload("kind", f"Say one of {', '.join(Kind.values)}.")
    columns = {
        name.removesuffix("Column"): said[name] for name in said if name.endswith("Column") and said[name] is not None
    }
    kept: dict[str, Any] = {"columns": {**columns, "contacts": said.get("contacts")}}
    if kind == Kind.SUPPRESSIONS:
        scope = said.get("scope") or Suppression.Scope.ANY
        if scope not in Suppression.Scope.values:
            raise BadUpload("scope", f"Say one of {', '.join(Suppression.Scope.values)}.")
        return None, {**kept, "scope": scope}
    seller = _seller(team_id, said.get("seller"))
    return seller, kept | (_of_consents(said) if kind == Kind.CONSENTS else _of_checks(said, seller))


def _seller(team_id: int, seller_id: object) -> Seller:
    """A consent and a registry's subscription are one company's, and cannot be shared: a file names it."""
    of_team = Seller.objects.filter(team=team_id, replaced_at__isnull=True)
    found = next((one for one in of_team if str(one.pk) == str(seller_id)), None)
    if found is None:
        raise BadUpload("sellerId", "Say whose file it is: your team's active company. Set it up first.")
    return found


def _of_consents(said: Mapping[str, Any]) -> dict[str, Any]:
    consent, channel = said.get("type"), said.get("channel")
    if consent not in IMPORTED:
        raise BadUpload("type", f"Say one of {', '.join(IMPORTED)}.")
    if channel is None and said.get("channelColumn") is None:
        raise BadUpload("channel", "Say the channel, or the column that holds it.")
    if channel is not None and channel not in Consent.Channel.values:
        raise BadUpload("channel", f"Say one of {', '.join(Consent.Channel.values)}.")
    if said.get("acknowledged") is not True:
        words = "Confirm that each of these people agreed to hear from this company. Purchased data is no consent."
        raise BadUpload("acknowledged", words)
    return {"type": consent, "channel": channel, "acknowledged": True}


def _of_checks(said: Mapping[str, Any], seller: Seller) -> dict[str, Any]:
    name, san = str(said.get("list") or ""), str(said.get("san") or seller.san)
    if not _LIST.fullmatch(name) or (name.startswith("state:") and name[6:] not in FIPS):
        raise BadUpload("list", "Say federal, state:TX (of a state), litigator or reassigned.")
    if name == "federal" and not san:
        raise BadUpload("san", "Say the subscription account number (SAN) that the file was fetched with.")
    if san and not _SAN.fullmatch(san):
        raise BadUpload("san", "Give the subscription account number alone: letters, digits and hyphens.")
    if name == "federal" and seller.san and san != seller.san:
        raise BadUpload("san", "This is not the company's own number: a subscription cannot be shared.")
    version = said.get("versionDate")
    if isinstance(version, str):
        try:
            version = date.fromisoformat(version)
        except ValueError:
            version = None
    if not isinstance(version, date):
        raise BadUpload("versionDate", "Say of which day the registry's file is: 2026-11-30.")
    if version > database_now().date() + timedelta(days=1):  # it is tomorrow somewhere
        raise BadUpload("versionDate", "It lies in the future.")
    if version.year < rows_.FIRST_YEAR:
        raise BadUpload("versionDate", f"It is before {rows_.FIRST_YEAR}.")
    if said.get("listed") is None and said.get("listedColumn") is None:
        words = "Say whether every number of the file is on the list, or the column that says it."
        raise BadUpload("listed", words)
    codes = _area_codes(said, name)
    return {
        "list": name, "san": san, "versionDate": version.isoformat(), "allListed": said.get("listed"),
        "areaCodes": codes,
    }  # fmt: skip


def _area_codes(said: Mapping[str, Any], name: str) -> list[str]:
    """Of which area codes the file is the registry's whole list: a number that is not in it is not listed."""
    codes = re.findall(r"[^\s,;]+", str(said.get("areaCodes") or ""))
    if not codes:
        return []
    if name != "federal" or said.get("listed") is not True:
        raise BadUpload("areaCodes", "Only of the national registry's own file, of which every number is on the list.")
    if wrong := [code for code in codes if not _AREA_CODE.fullmatch(code)]:
        raise BadUpload("areaCodes", f"Write area codes, such as 617, 339: {wrong[0][:20]} is none.")
    return sorted({*codes})


def _plan(job: Upload) -> Plan:
    """Which columns hold what. Raises BadUpload."""
    needed = {Kind.CONSENTS: ("text", "date", "source")}.get(Kind(job.kind), ())
    first = job.pieces.order_by("number").first()
    if first is None:
        raise _Overtaken
    try:
        said = {**job.options["columns"], "timeZone": job.options["timeZone"]}
        return rows_.plan(job.options["names"], _rows_in(job, first), said, needed)
    except NoSuchColumn as error:
        raise BadUpload(error.field, error.message) from None


def _rows_in(job: Upload, piece: UploadPiece) -> Iterator[Row]:
    return rows_of(bytes(piece.content), job.options["delimiter"], piece.first_line)


@dataclass(slots=True)
class Sorted:
    """A piece's rows, each in one place. notes: of rows that can be used, what of them cannot."""

    rows: int = 0
    said: list[Said] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)


def _sort(job: Upload, piece: UploadPiece, plan: Plan, now: datetime) -> Sorted:
    result = Sorted()
    for row in _rows_in(job, piece):
        if rows_.is_blank(row):
            continue
        result.rows += 1
        try:
            said = rows_.read(row, plan, kind=job.kind, now=now)
        except Unusable as error:
            result.refused.append((row.line, str(error)))
            continue
        result.said.append(said)
        if said.note:
            result.notes.append((row.line, said.note))
    return result


# --- The preview -----------------------------------------------------------------------------------------------------


def _preview(job: Upload) -> None:
    """Counts, the leads it concerns, examples. Writes no row of it; begun again after a worker's death."""
    plan, now = _plan(job), database_now()
    job.options["plan"] = {name: getattr(plan, name) for name in Plan.__dataclass_fields__}
    rows = refused = 0
    keys: set[int] = set()
    examples: list[str] = []
    for piece in job.pieces.order_by("number").iterator(chunk_size=1):
        found = _sort(job, piece, plan, now)
        rows, refused = rows + found.rows, refused + len(found.refused)
        keys |= _keys_of_leads(found.said)
        examples += [key_of(said.values[0]).hint for said in found.said[: EXAMPLES - len(examples)]]
    job.rows, job.refused = rows, refused
    job.hits, job.leads = _leads_with(keys), Lead.objects.count()
    of_team = Lead.objects.filter(team=job.team_id)
    job.options |= {"ourHits": _leads_with(keys, job.team_id), "ourLeads": of_team.count()}
    job.options["examples"] = examples
    job.status, job.lease_until, job.attempts = Status.PREVIEWED, None, 0
    job.save()


def _keys_of_leads(said: Iterable[Said]) -> set[int]:
    digests = digests_of([(kind, text) for one in said for kind, text in one.values])
    if not digests:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.id FROM leads_contactkey c
              JOIN unnest(string_to_array(%s, ',')::smallint[], string_to_array(%s, ',')) AS n(kind, digest)
                ON c.kind = n.kind AND c.digest = decode(n.digest, 'hex')
             WHERE EXISTS (SELECT FROM leads_leadkey k WHERE k.key_id = c.id)
            """,
            [joined(kind for kind, _ in digests), hexed(one for _, one in digests)],
        )
        return {key_id for (key_id,) in cursor.fetchall()}


def _leads_with(key_ids: set[int], team_id: int | None = None) -> int:
    """Of the installation, or of a team."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(DISTINCT k.lead_id) FROM leads_leadkey k
             WHERE k.key_id = ANY(string_to_array(%s, ',')::bigint[])
               AND (%s::bigint IS NULL OR EXISTS (SELECT FROM leads_lead l WHERE l.id = k.lead_id AND l.team_id = %s))
            """,
            [joined(key_ids), team_id, team_id],
        )
        return int(cursor.fetchone()[0])


def concerns(job: Upload) -> tuple[int, int]:
    """How many of its team's leads the file concerns, and how many there are: what people of the team may be told. Of
    other teams' leads a list of one number would tell who has it.
    """
    return job.options.get("ourHits", 0), job.options.get("ourLeads", 0)


def is_large(job: Upload) -> bool:
    """Whether it concerns so many leads that a superuser has to start it."""
    return job.kind == Kind.SUPPRESSIONS and job.hits * LARGEST_SHARE > job.leads


def start_upload(*, upload: Upload, by: User | None, confirmed: bool = False) -> Upload:
    """Has a worker write the file's rows; one that failed goes on where it stopped. Raises NotAtThisStage, MayNot.

    by: None for a command, which says by `confirmed` that so many leads are meant.
    """
    if is_large(upload) and not (by.is_superuser if by else confirmed):
        raise MayNot("It concerns more than 5% of all leads here: a superuser has to start it.")
    if upload.status == Status.READING:
        raise NotAtThisStage("It is still being read: wait for its preview.")
    with transaction.atomic():
        waiting = Upload.objects.filter(
            pk=upload.pk, status__in=[Status.PREVIEWED, Status.FAILED], pieces__isnull=False
        )
        waiting = Upload.objects.filter(pk__in=waiting.values("pk"), status__in=[Status.PREVIEWED, Status.FAILED])
        fresh = {"refused": 0} if upload.status == Status.PREVIEWED else {}
        if not waiting.update(
            status=Status.RUNNING, attempts=0, error="", lease_until=None, updated_at=database_now(), **fresh
        ):
            raise NotAtThisStage("This file has been started already.")
        after = {"kind": upload.kind, "rows": upload.rows, "leads": upload.hits}
        record("upload.started", by=by, team_id=upload.team_id, about=upload, after=after)
    enqueue_on_commit(_TASK, upload_id=str(upload.pk))
    upload.refresh_from_db()
    return upload


def withdraw(*, upload: Upload, reason: str, by: User) -> Withdrawal:
    """A list of suppressions was a mistake: its rows count no longer, and what is left of it is not written.

    Raises BadUpload, NotAtThisStage. The caller has seen to it that she may: a manager of its team, or a superuser.
    """
    words = normalise.text(reason, limit=300)
    if not words:
        raise BadUpload("reason", "Say why.")
    if upload.kind != Kind.SUPPRESSIONS:
        raise NotAtThisStage("Only a list of suppressions can be withdrawn.")
    with transaction.atomic():
        held = lock_upload(upload.pk)
        now = database_now()
        if held is None or held.status in (Status.READING, Status.PREVIEWED):
            raise NotAtThisStage("It has not been started: there is nothing to withdraw.")
        if held.created_at < now - WITHDRAWN_WITHIN:
            raise NotAtThisStage("It is older than 30 days: its numbers stay suppressed.")
        row = Withdrawal(upload=held, reason=kept_in(Withdrawal(), "reason", words), by_id=by.pk, created_at=now)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            raise NotAtThisStage("It has been withdrawn already.") from None
        if held.status != Status.COMPLETED:
            held.pieces.all().delete()
            Upload.objects.filter(pk=held.pk).update(
                status=Status.FAILED, error="Withdrawn", lease_until=None, updated_at=now
            )
        after = {"rows": held.added}
        record("upload.withdrawn", by=by, team_id=held.team_id, about=held, name=words, after=after)
    return row


# --- In the background -----------------------------------------------------------------------------------------------


class _Overtaken(Exception):
    """Another worker has gone on since, or it is withdrawn: nothing of ours may be written."""


def continue_upload(upload_id: UUID) -> bool:
    """Works on a file for one lease, unless another worker has it. Returns whether more is left."""
    job = _take(upload_id)
    if job is None:
        return False
    deadline = database_now() + timedelta(seconds=settings.PUMP_SECONDS)
    try:
        if job.status == Status.READING:
            with transaction.atomic():
                _preview(job)
            return False
        plan = Plan(**{**job.options["plan"], "contacts": tuple(job.options["plan"]["contacts"])})
        while (more := _write_piece(job, plan)) and database_now() < deadline:
            pass
    except _Overtaken:
        return False
    Upload.objects.filter(pk=job.pk, lease_until=job.lease_until).update(lease_until=None)
    return more


def _take(upload_id: UUID) -> Upload | None:
    found = Upload.objects.free().filter(pk=upload_id, status__in=OPEN)
    poisoned = found.filter(attempts__gte=MAX_ATTEMPTS)
    if poisoned.update(status=Status.FAILED, error=f"{MAX_ATTEMPTS} workers died over the same rows", lease_until=None):
        return None
    if not found.take(LEASE, attempts=F("attempts") + 1):
        return None
    return Upload.objects.select_related("seller").filter(pk=upload_id).first()


_WRITERS: dict[str, Callable[[Upload, Sequence[Said], datetime], storing.Written]] = {
    Kind.SUPPRESSIONS: storing.suppressions,
    Kind.CONSENTS: storing.consents,
    Kind.SCRUB: storing.checks,
}


def _write_piece(job: Upload, plan: Plan) -> bool:
    """The next piece, in one transaction. Returns whether more are left. Raises _Overtaken.

    1. Read, without a lock: that is most of the work.
    2. The file is locked, and with it others of its kind; the piece goes.
    3. Its keys, then its rows, its refusals and the counts.
    """
    piece = job.pieces.order_by("number").first()
    if piece is None:
        raise _Overtaken
    found = _sort(job, piece, plan, database_now())
    with transaction.atomic():
        mine = lock_upload(job.pk, status=Status.RUNNING)
        if mine is None or not UploadPiece.objects.filter(pk=piece.pk).delete()[0]:
            raise _Overtaken
        now = database_now()
        written = _WRITERS[job.kind](mine, found.said, now)
        refused = sorted([*found.refused, *written.refused])
        RefusedRow.objects.bulk_create(
            RefusedRow(upload=mine, line=line, reason=reason[:200]) for line, reason in sorted([*refused, *found.notes])
        )
        more = mine.pieces.exists()
        mine.after += found.rows
        mine.added += written.added
        mine.known += written.known
        mine.refused += len(refused)
        mine.attempts, mine.lease_until = 0, now + LEASE
        if not more:
            mine.status, mine.rows = Status.COMPLETED, mine.after
        mine.save()
    job.lease_until = mine.lease_until
    return more


# --- What is left ----------------------------------------------------------------------------------------------------


def open_uploads() -> list[UUID]:
    """Files with work that no worker has."""
    return list(Upload.objects.free().filter(status__in=OPEN).values_list("pk", flat=True))


def forget_abandoned() -> int:
    """Deletes the rows of files that nobody has started for a week. Returns how many files."""
    old = Upload.objects.filter(status=Status.PREVIEWED, updated_at__lt=database_now() - ABANDONED_AFTER)
    ids = list(old.values_list("pk", flat=True))
    with transaction.atomic():
        gone = old.filter(pk__in=ids).update(status=Status.FAILED, error="Nobody started it for a week")
        UploadPiece.objects.filter(upload__in=ids, upload__status=Status.FAILED).delete()
    return gone
