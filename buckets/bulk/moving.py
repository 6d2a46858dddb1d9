"""Leads moved to another bucket: the same rows, with all that hangs on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from buckets.bulk.targets import ALREADY_THERE, COUNTED, counted, merge_target, read_target, target_id, target_of
from buckets.models import Bucket
from leads.bulk.kinds import Done, Kind, Work
from leads.counters import change_counters
from leads.locks import lock_leads_to_merge
from leads.merging.pairs import busy
from leads.merging.rows import relatives
from leads.merging.table import Merge
from leads.models import BulkChange, BulkJob, Lead
from leads.registries import tell_leads_move

BUSY = "are being enriched: move them when that is over"
PIECE = 2_000  # leads
_READ = ("pk", "bucket_id", "property_id", "merged_into_id", *COUNTED)

Row = dict[str, Any]


def _buckets(job: BulkJob, lead_ids: Sequence[UUID]) -> Collection[UUID]:
    """Whence and whither."""
    return {target_id(job), *Lead.objects.filter(pk__in=list(lead_ids)).values_list("bucket_id", flat=True).distinct()}


def _undo_buckets(job: BulkJob, lead_ids: Sequence[UUID]) -> Collection[UUID]:
    return {target_id(job), *map(UUID, _before(job, lead_ids).values())}


def _before(job: BulkJob, lead_ids: Sequence[UUID]) -> dict[UUID, str]:
    rows = BulkChange.objects.filter(job=job.pk, lead_id__in=list(lead_ids))
    return {lead_id: before or "" for lead_id, before in rows.values_list("lead_id", "before")}


def _do(work: Work) -> Done:
    into = target_of(work.job).pk
    moved, there, waiting = _move(dict.fromkeys(work.lead_ids, into), work.held)
    BulkChange.objects.bulk_create(
        [BulkChange(job=work.job, lead_id=pk, before=str(was), after=str(into)) for pk, was in moved.items()]
    )
    return Done(len(moved), {words: n for words, n in ((ALREADY_THERE, there), (BUSY, waiting)) if n})


def _undo(job: BulkJob, lead_ids: Sequence[UUID], held: Collection[UUID]) -> int:
    """Back to the bucket each came from, where it is still in the one it was moved to and stands for no lead that it
    has been merged with since: that one may be the other bucket's own.
    """
    back = {pk: UUID(before) for pk, before in _before(job, lead_ids).items()}
    there = set(Bucket.objects.filter(pk__in=back.values(), team=job.team_id).values_list("pk", flat=True))
    merged = Merge.objects.filter(older__in=list(back), state=Merge.State.MERGED, merged_at__gte=job.created_at)
    still = Lead.objects.filter(pk__in=list(back), bucket=target_id(job)).exclude(pk__in=merged.values("older"))
    wanted = {pk: back[pk] for pk in sorted(still.values_list("pk", flat=True)) if back[pk] in there}
    return len(_move(wanted, held)[0])


def _move(into: Mapping[UUID, UUID], held: Collection[UUID]) -> tuple[dict[UUID, UUID], int, int]:
    """Moves these leads, by id whither, with those merged into them: (whence, of those that moved; how many the bucket
    had already; how many wait for a purchase).

    In a transaction that holds `held`, the buckets: of other ones none is moved.

    1. Runs that begin after one of them begin elsewhere (`leads.registries.before_leads_move`).
    2. Locks the leads with their relatives; what is bought for, or is in the other bucket already, stays.
    3. Rows and names change their bucket, then the counters of all buckets.
    """
    tell_leads_move(list(into))
    families: dict[UUID, list[Row]] = {}
    for row in lock_leads_to_merge(relatives(list(into))).values(*_READ):
        families.setdefault(row["merged_into_id"] or row["pk"], []).append(row)
    families = {pk: rows for pk, rows in families.items() if pk in into and rows[0]["bucket_id"] in held}
    waiting = busy([row["pk"] for rows in families.values() for row in rows])
    taken = _taken(into, families)
    going: dict[UUID, list[Row]] = {}
    there = late = 0
    for pk, rows in sorted(families.items()):
        names = {(into[pk], row["property_id"]) for row in rows}
        if names & taken:
            there += 1
        elif any(row["pk"] in waiting for row in rows):
            late += 1
        else:
            taken |= names
            going[pk] = rows
    _write(into, going)
    return {pk: rows[0]["bucket_id"] for pk, rows in going.items()}, there, late


def _taken(into: Mapping[UUID, UUID], families: Mapping[UUID, Sequence[Row]]) -> set[tuple[UUID, str]]:
    """(bucket, property id) of the leads that are there, hidden ones too."""
    wanted = {row["property_id"] for rows in families.values() for row in rows}
    rows = Lead.every.filter(bucket__in=set(into.values()), property_id__in=wanted)
    return set(rows.values_list("bucket_id", "property_id"))


def _write(into: Mapping[UUID, UUID], going: Mapping[UUID, Sequence[Row]]) -> None:
    rows = [(row, into[pk]) for pk, family in going.items() for row in family]
    if not rows:
        return
    with connection.cursor() as cursor:
        params = [[row["pk"] for row, _ in rows], [bucket_id for _, bucket_id in rows]]
        cursor.execute(
            """
            UPDATE leads_lead l SET bucket_id = m.bucket_id, updated_at = now()
              FROM unnest(%s::uuid[], %s::uuid[]) AS m(id, bucket_id) WHERE l.id = m.id
            """,
            params,
        )
        cursor.execute(
            """
            UPDATE leads_leadname n SET bucket_id = m.bucket_id
              FROM unnest(%s::uuid[], %s::uuid[]) AS m(id, bucket_id) WHERE n.lead_id = m.id
            """,
            params,
        )
    deltas: dict[UUID, dict[str, int]] = {}
    for pk, family in going.items():
        shown = [row for row in family if row["pk"] == pk]
        for bucket_id, sign in ((family[0]["bucket_id"], -1), (into[pk], 1)):
            of_bucket = deltas.setdefault(bucket_id, {})
            for name, many in counted(shown).items():
                of_bucket[name] = of_bucket.get(name, 0) + sign * many
    for bucket_id, changes in sorted(deltas.items()):
        change_counters(bucket_id, **changes)


MOVE = Kind(
    "move", read_target, _do, whole_team=True, piece=PIECE, holds=_buckets, undo=_undo, undo_holds=_undo_buckets,
    over=merge_target,
)  # fmt: skip
