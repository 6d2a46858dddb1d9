"""Leads copied to another bucket, with what was bought for them, their tags, names, keys, activities and assignee.

A callback is one call to one person: it stays with the first.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Case, CharField, Count, F, Max, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, Concat

from buckets.bulk.targets import ALREADY_THERE, COUNTED, counted, merge_target, read_target, target_id, target_of
from buckets.services import TeamFull, check_room
from leads.bulk.kinds import Done, Kind, Stopped, Work
from leads.counters import change_counters
from leads.keys.contact_keys import hold_keys_of
from leads.locks import LEADS_IN_ORDER, lock_leads_to_delete
from leads.models import BulkChange, BulkJob, Lead
from leads.registries import KEEPERS

PIECE = 1_000  # leads: wide rows, with their activities
_OWN = ("id", "bucket", "owner", "team", "merged_into", "callback_at", "created_at", "updated_at")


@cache
def _columns() -> str:
    """What a copy has of the first, in SQL."""
    return ", ".join(str(field.column) for field in Lead._meta.concrete_fields if field.name not in _OWN)


def _buckets(job: BulkJob, _lead_ids: Sequence[UUID]) -> Collection[UUID]:
    return {target_id(job)}


def _do(work: Work) -> Done:
    """1. Locks the keys of the leads, then the leads.
    2. Inserts what the bucket has not yet, with all that hangs on it; and, for undoing, which copy is whose, how many
       tags it had and the latest of their links.
    3. Counts them. Where the team may not hold so many, nothing is copied and the job stops.
    """
    bucket = target_of(work.job)
    ids = list(work.lead_ids)
    hold_keys_of(ids)
    columns = _columns()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH held AS MATERIALIZED (
                 SELECT l.id, {columns} FROM leads_lead l
                  WHERE l.id = ANY(%(leads)s) AND l.merged_into_id IS NULL {LEADS_IN_ORDER}),
                 new AS MATERIALIZED (SELECT uuidv7() AS new_id, held.* FROM held),
                 added AS (
                 INSERT INTO leads_lead (id, bucket_id, owner_id, team_id, {columns}, created_at, updated_at)
                 SELECT new_id, %(into)s, %(owner)s, %(team)s, {columns}, now(), now() FROM new ORDER BY new_id
                 ON CONFLICT (bucket_id, property_id) DO NOTHING RETURNING id, {", ".join(COUNTED)}),
                 copied AS MATERIALIZED (SELECT n.new_id, n.id FROM new n JOIN added a ON a.id = n.new_id),
                 tagged AS (
                 INSERT INTO leads_lead_tags (lead_id, tag_id)
                 SELECT c.new_id, t.tag_id FROM copied c JOIN leads_lead_tags t ON t.lead_id = c.id
                 RETURNING lead_id, id),
                 named AS (
                 INSERT INTO leads_leadname (lead_id, bucket_id, exact, loose, bare, source)
                 SELECT c.new_id, %(into)s, n.exact, n.loose, n.bare, n.source
                   FROM copied c JOIN leads_leadname n ON n.lead_id = c.id),
                 keyed AS (
                 INSERT INTO leads_leadkey (lead_id, key_id, role, position)
                 SELECT c.new_id, k.key_id, k.role, k.position FROM copied c JOIN leads_leadkey k ON k.lead_id = c.id),
                 told AS (
                 INSERT INTO leads_activity (id, lead_id, by_id, kind, text, due_at, ref, created_at)
                 SELECT uuidv7(), c.new_id, a.by_id, a.kind, a.text, a.due_at, a.ref, a.created_at
                   FROM copied c JOIN leads_activity a ON a.lead_id = c.id ORDER BY a.id),
                 noted AS (
                 INSERT INTO leads_bulkchange (job_id, lead_id, after, before)
                 SELECT %(job)s, c.id, c.new_id,
                        (SELECT concat_ws(':', count(*), max(t.id)) FROM tagged t WHERE t.lead_id = c.new_id)
                   FROM copied c)
            SELECT {", ".join(COUNTED)} FROM added
            """,  # noqa: S608  # names of columns
            {"leads": ids, "into": bucket.pk, "owner": bucket.owner_id, "team": bucket.team_id, "job": work.job.pk},
        )
        added = [dict(zip(COUNTED, row, strict=True)) for row in cursor.fetchall()]
    change_counters(bucket.pk, **counted(added))
    try:
        check_room(bucket.team_id)
    except TeamFull as words:
        raise Stopped(str(words)) from words
    there = len(ids) - len(added)
    return Done(len(added), {ALREADY_THERE: there} if there else {})


def _undo_buckets(job: BulkJob, _lead_ids: Sequence[UUID]) -> Collection[UUID]:
    return {target_id(job)}


def _undo(job: BulkJob, lead_ids: Sequence[UUID], _held: Collection[UUID]) -> int:
    """Deletes the copies that nobody has touched: not edited, tagged, enriched, moved, merged, called."""
    rows = BulkChange.objects.filter(job=job.pk, lead_id__in=list(lead_ids)).values_list("after", "before")
    tags = {UUID(after): before or "0" for after, before in rows if after}
    list(lock_leads_to_delete(list(tags)).values_list("pk"))
    untouched = _untouched(job, tags)
    if not untouched:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM leads_lead WHERE id = ANY(%s) RETURNING {', '.join(COUNTED)}",  # noqa: S608  # constants
            [untouched],
        )
        gone = [dict(zip(COUNTED, row, strict=True)) for row in cursor.fetchall()]
    change_counters(target_id(job), **{name: -many for name, many in counted(gone).items()})
    return len(gone)


def _untouched(job: BulkJob, tags: dict[UUID, str]) -> list[UUID]:
    """Looked at under the locks: what somebody has just added is seen, what comes later is refused."""
    why: Any = Case(*(When(condition, then=Value(reason)) for reason, condition in KEEPERS), default=None)
    hers = Lead.objects.filter(
        Q(bucket=target_id(job), updated_at=F("created_at"), callback_at=None), pk__in=list(tags)
    )
    hers = hers.exclude(pk__in=Lead.every.filter(merged_into__in=list(tags)).values("merged_into"))
    through: Any = Lead.tags.through
    links = through.objects.filter(lead=OuterRef("pk")).order_by().values("lead")
    told = links.annotate(told=Concat(Count("pk"), Value(":"), Max("pk"), output_field=CharField())).values("told")
    rows = hers.annotate(why=why, tagged=Coalesce(Subquery(told), Value("0"))).values_list("pk", "why", "tagged")
    return [pk for pk, reason, tagged in rows if reason is None and tagged == tags[pk]]


COPY = Kind(
    "copy", read_target, _do, whole_team=True, piece=PIECE, holds=_buckets, undo=_undo, undo_holds=_undo_buckets,
    over=merge_target,
)  # fmt: skip
