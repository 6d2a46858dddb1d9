"""Blanking a forgotten person in leads, what hangs on them, and purchased data."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import JSONField, Q, QuerySet, Value
from django.utils import timezone

from common.db.ids import uuid7_floor
from integrations.models import Lookup
from leads.counters import change_counters
from leads.facts.sources import SLOTS
from leads.facts.updating import lock_as_json
from leads.keys import contact_keys
from leads.locks import KEYS_IN_ORDER
from leads.models import (
    Activity,
    BulkChange,
    BulkJob,
    CustomField,
    EvidenceText,
    Lead,
    Merge,
    SavedView,
    StatusLabel,
    Tag,
    UploadPiece,
)
from leads.privacy.files import piece_without
from leads.privacy.finding import FACTS
from leads.privacy.person import BOOKS, OWN, OWNER_FORGOTTEN, TEXTS, values_of, without
from leads.privacy.places import PIECE, Her, Piece, Search, change_with_lead, first_changed

_PIECES = 20  # of a file at a time: a megabyte each
_COUNTED = ("bucket_id", "team_id", "merged_into_id")
_ANY = (*TEXTS, *SLOTS, "email", *OWN, *BOOKS)


def in_leads(after: str, her: Her) -> Piece:
    """The next leads, hidden ones too: her columns, former values, cells of a file's own columns, activities' texts."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT id, CASE WHEN num_nonnulls({", ".join(_ANY)}) > 0 THEN to_jsonb(l) END
              FROM (SELECT id, {", ".join(FACTS)} FROM leads_lead WHERE id > %s ORDER BY id LIMIT %s) l ORDER BY id
            """,  # noqa: S608  # names from constants
            [after or UUID(int=0), PIECE],
        )
        rows = cursor.fetchall()
    hit = [
        pk
        for pk, facts in rows
        if facts and her.among(values_of(json.loads(facts) if isinstance(facts, str) else facts))
    ]
    changed = blank_leads(hit, her) if hit else 0
    return Piece(str(rows[-1][0]) if len(rows) == PIECE else None, len(rows), changed)


def in_new_leads(after: str, her: Her) -> Piece:
    """Leads that were made while the others were searched: copies of them that were not committed yet."""
    return in_leads(after or str(uuid7_floor(her.since - timedelta(days=1))), her)


def blank_leads(lead_ids: Sequence[UUID], her: Her) -> int:
    """Takes her out of these leads; buckets count on. In the caller's transaction. Returns how many leads changed."""
    now = timezone.now()
    keys = contact_keys.prepare({pk: {} for pk in lead_ids})
    names_in_team: dict[int, set[str]] = {}
    grown: dict[UUID, dict[str, int]] = {}
    changed = []
    for pk, lead in lock_as_json(lead_ids, (*FACTS, *_COUNTED)).items():
        cut = without(lead, her.among(values_of(lead)), at=now.isoformat())
        cut.changes.pop(OWNER_FORGOTTEN, None)
        if cut.changes:
            Lead.every.filter(pk=pk).update(**cut.changes, updated_at=now)
            changed.append(pk)
            _count(grown, lead, cut.changes)
        names_in_team.setdefault(lead["team_id"], set()).update(cut.names)
        _in_activities(pk, her, cut.names)
        _in_merges(pk, her, cut.names)
        change_with_lead(pk, her, cut.names)
    contact_keys.relink(changed, keys)
    for team_id, names in sorted(names_in_team.items()):
        _in_views(team_id, her, names)
        for tag in Tag.objects.filter(team=team_id).order_by("pk").values_list("pk", "name"):
            _in_tag(*tag, her, names)
        for model in (StatusLabel, CustomField):
            for pk, name in model.objects.filter(team=team_id).order_by("pk").values_list("pk", "name"):
                _in_name(model, pk, name, None, her, names)
    for bucket_id, deltas in sorted(grown.items(), key=lambda item: str(item[0])):
        change_counters(UUID(str(bucket_id)), **deltas)
    return len(changed)


def _count(grown: dict[UUID, dict[str, int]], lead: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """A hidden lead is not counted."""
    if lead["merged_into_id"] is not None:
        return
    deltas = grown.setdefault(lead["bucket_id"], {"phone_leads": 0, "enriched_leads": 0})
    deltas["phone_leads"] -= bool(lead["phone"]) and changes.get("phone", lead["phone"]) is None
    deltas["enriched_leads"] -= "enrichment_status" in changes


def _in_activities(lead_id: UUID, her: Her, names: Collection[str]) -> None:
    for pk, text in Activity.objects.filter(lead=lead_id).exclude(text="").values_list("pk", "text"):
        if (left := her.text(text, names)) != text:
            Activity.objects.filter(pk=pk).update(text=left[:2000])


def _in_merges(lead_id: UUID, her: Her, names: Collection[str]) -> None:
    """Taking two leads apart must not bring her back."""
    for merge in (*Merge.objects.filter(older=lead_id), *Merge.objects.filter(younger=lead_id)):
        before, after = her.record(merge.before, names), her.record(merge.after, names)
        if (before, after) != (merge.before, merge.after):
            Merge.objects.filter(pk=merge.pk).update(before=before, after=after)


def _in_views(team_id: int, her: Her, names: Collection[str]) -> None:
    for view in SavedView.objects.filter(team=team_id).order_by("pk").values_list("pk", "name", "query"):
        _in_view(*view, her, names)


def in_views(after: str, her: Her) -> Piece:
    rows = SavedView.objects.order_by("pk").values_list("pk", "name", "query")
    return first_changed(
        (rows.filter(pk__gt=after) if after else rows)[:PIECE],
        lambda pk, name, query: _in_view(pk, name, query, her),
    )


def _in_view(pk: UUID, name: str, query: str, her: Her, names: Collection[str] = ()) -> int:
    """Her name in its name too; a team that has a view of that name already gets one that says which it was."""
    told, asked = her.text(name, names)[:50], her.query(query, names)[:1000]
    if (told, asked) == (name, query):
        return 0
    return _rename(SavedView.objects.filter(pk=pk, name=name, query=query), pk, told, query=asked)


def in_tags(after: str, her: Her) -> Piece:
    rows = Tag.objects.order_by("pk").values_list("pk", "name")
    return first_changed(
        (rows.filter(pk__gt=after) if after else rows)[:PIECE], lambda pk, name: _in_tag(pk, name, her)
    )


def _in_tag(pk: UUID, name: str, her: Her, names: Collection[str] = ()) -> int:
    told = her.text(name, names)[:50]
    return _rename(Tag.objects.filter(pk=pk, name=name), pk, told) if told != name else 0


def _rename(row: QuerySet[Any], pk: UUID, name: str, **changes: Any) -> int:
    """Where its team has one of that name already, it says which it was."""
    try:
        with transaction.atomic():
            return row.update(name=name, **changes)
    except IntegrityError:
        return row.update(name=f"{name[:31]} {pk.hex[-8:]}", **changes)


Named = type[StatusLabel] | type[CustomField]


def in_named(model: Named) -> Search:
    """The names that a team gave its labels or fields, and what may be chosen of a field."""

    def search(after: str, her: Her) -> Piece:
        rows: Any = model.objects.order_by("pk")
        if model is StatusLabel:
            rows = rows.annotate(choices=Value(None, output_field=JSONField()))
        return first_changed(
            (rows.filter(pk__gt=after) if after else rows).values_list("pk", "name", "choices")[:PIECE],
            lambda pk, name, choices: _in_name(model, pk, name, choices, her),
        )

    return search


def _in_name(model: Named, pk: UUID, name: str, choices: Any, her: Her, names: Collection[str] = ()) -> int:
    told, left = her.text(name, names)[: model._meta.get_field("name").max_length], her.json(choices, names)
    if (told, left) == (name, choices):
        return 0
    return _rename(model.objects.filter(pk=pk, name=name), pk, told, **({"choices": left} if left else {}))


def in_lookups(after: str, her: Her) -> Piece:
    """The next purchased answers, rows of searches too. The answer stays owned, and its price stays spent."""

    def change(pk: int, facts: Mapping[str, Any]) -> int:
        while (left := _answer_without(facts, her)) != facts:  # read again where a purchase has changed it since
            if Lookup.objects.filter(pk=pk, facts=facts).update(facts=left):
                return 1
            facts = Lookup.objects.filter(pk=pk).values_list("facts", flat=True).first() or {}
        return 0

    rows = Lookup.objects.filter(pk__gt=int(after or 0), facts__isnull=False).order_by("pk")
    return first_changed(rows.values_list("pk", "facts")[:PIECE], change)


def _answer_without(facts: Mapping[str, Any], her: Her) -> Mapping[str, Any]:
    left = her.record(facts, is_answer=True)
    if rows := facts.get("rows"):
        cleaned = [her.record(row) if isinstance(row, dict) else row for row in rows]
        left = {**left, "rows": cleaned} if cleaned != rows else left
    return left


def in_keys(_after: str, her: Her) -> Piece:
    """What tells a key from others on a page: the last digits of a phone, the beginning of a name."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE leads_contactkey SET hint = '' WHERE hint <> '' AND id = ANY(ARRAY(
                   SELECT c.id FROM leads_contactkey c
                     JOIN unnest(%s::smallint[], %s::bytea[]) AS n(kind, digest)
                       ON (c.kind, c.digest) = (n.kind, n.digest)
                    {KEYS_IN_ORDER}))
            """,  # noqa: S608  # a constant
            [[kind for kind, _ in her.digests], [one for _, one in her.digests]],
        )
        return Piece(None, len(her.digests), cursor.rowcount)


def in_evidence(after: str, her: Her) -> Piece:
    """What she said or was shown, of consents and suppressions that bear her keys: emptied, and so is a text of another
    that holds her phone or e-mail. Their hashes stay.
    """

    def change(pk: UUID, text: str | None, keys: list[list[Any]] | None) -> int:
        hers = {(kind, bytes.fromhex(digest)) for kind, digest in keys or ()} & her.digests
        if not hers and (not text or her.text(text) == text):
            return 0
        return EvidenceText.objects.filter(pk=pk).update(text=None, ip=None, file=None)

    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT e.parent, e.text, (
                   SELECT json_agg(json_build_array(k.kind, encode(k.digest, 'hex'))) FROM (
                          SELECT key_kind AS kind, digest FROM leads_consent WHERE id = e.parent
                          UNION ALL SELECT kind, digest FROM leads_suppression WHERE id = e.parent) k)
              FROM leads_evidencetext e
             WHERE e.parent > %s AND num_nonnulls(e.text, e.ip, e.file) > 0 ORDER BY e.parent LIMIT %s
            """,
            [after or UUID(int=0), PIECE],
        )
        rows = [(pk, text, json.loads(keys) if isinstance(keys, str) else keys) for pk, text, keys in cursor.fetchall()]
    return first_changed(rows, change)


def in_upload_pieces(after: str, her: Her) -> Piece:
    """Lists that wait to be written. A piece that is written meanwhile is gone: its keys are hashes then."""

    def change(pk: int, content: bytes, options: dict[str, Any]) -> int:
        left = piece_without(bytes(content), options["delimiter"], her)
        return 0 if left is None else UploadPiece.objects.filter(pk=pk).update(content=left)

    rows = UploadPiece.objects.filter(pk__gt=int(after or 0)).order_by("pk")
    return first_changed(rows.values_list("pk", "content", "upload__options")[:_PIECES], change, most=_PIECES)


def in_bulk_changes(after: str, her: Her) -> Piece:
    """What stood in a custom field before a bulk job, which undoing it would put back."""
    rows = BulkChange.objects.filter(job__kind=BulkJob.Kind.FIELD, before__isnull=False).order_by("job_id", "lead_id")
    if after:
        job_id, lead_id = UUID(after[:32]), UUID(after[32:])
        rows = rows.filter(Q(job_id__gt=job_id) | Q(job_id=job_id, lead_id__gt=lead_id))
    told_of = rows.values_list("job_id", "lead_id", "before")[:PIECE]
    found = ((job_id.hex + lead_id.hex, job_id, lead_id, before) for job_id, lead_id, before in told_of)

    def change(_key: str, job_id: UUID, lead_id: UUID, before: str) -> int:
        same, told = BulkChange.objects.filter(job=job_id, lead_id=lead_id, before=before), her.json(json.loads(before))
        return same.update(before=json.dumps(told)) if told != json.loads(before) else 0

    return first_changed(found, change)


def bulk_changes_of(lead_id: UUID, _her: Her, _names: Collection[str]) -> int:
    """Of a lead of hers: what stood there may be her name."""
    jobs = list(BulkJob.objects.filter(kind=BulkJob.Kind.FIELD).values_list("pk", flat=True))
    return BulkChange.objects.filter(job__in=jobs, lead_id=lead_id).delete()[0]
