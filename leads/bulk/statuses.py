"""Many leads moved to one status, with what a single move does: activity, counters, webhooks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.access import Access
from accounts.webhooks.queue import emit_many
from leads.bulk.kinds import Arguments, Done, Kind, Work, choice_in, said
from leads.counters import change_counters
from leads.locks import LEADS_IN_ORDER
from leads.models import BulkJob, Lead

HAD_IT = "had this status already"

# Leads with the status they are to have: `wanted (id, status)`. Locked first and read as they then are.
_MOVE = f"""
    held AS MATERIALIZED (
        SELECT l.id, l.bucket_id, l.status AS before, w.status AS after
          FROM leads_lead l JOIN wanted w ON w.id = l.id
         WHERE l.merged_into_id IS NULL {LEADS_IN_ORDER}),
    moved AS (
        UPDATE leads_lead l SET status = h.after, activity_count = l.activity_count + 1, last_activity_at = now(),
               updated_at = now()
          FROM held h WHERE l.id = h.id AND {{still}}
        RETURNING l.id, h.bucket_id, h.before, h.after),
    told AS (
        INSERT INTO leads_activity (id, lead_id, by_id, kind, text, created_at)
        SELECT uuidv7(), id, %(by)s, 'status', before || ' → ' || after, now() FROM moved)
"""  # noqa: S608  # constants


def _read(_access: Access, given: Mapping[str, Any]) -> Arguments:
    said(given, "status")
    return {"status": choice_in(given, "status", Lead.Status.values)}


def _do(work: Work) -> Done:
    """1. Locks the leads, moves those that are elsewhere, notes it in their histories and for the undoing.
    2. Counts them in their buckets, and tells the webhooks that want it.
    """
    sql = f"""
        WITH wanted AS (SELECT unnest(%(leads)s::uuid[]) AS id, %(after)s AS status),
        {_MOVE.format(still="l.status <> h.after")},
        noted AS (
            INSERT INTO leads_bulkchange (job_id, lead_id, before, after) SELECT %(job)s, id, before, after FROM moved)
        SELECT id, bucket_id, before, after FROM moved
    """  # noqa: S608  # constants
    moved = _moved(
        sql, work.job, {"leads": list(work.lead_ids), "after": work.job.arguments["status"], "by": work.access.user.pk}
    )
    same = len(work.lead_ids) - moved
    return Done(moved, {HAD_IT: same} if same else {})


def _undo(job: BulkJob, lead_ids: Sequence[UUID], _held: Collection[UUID]) -> int:
    """Back to what each was, where it still is what the job made of it; noted in the history as any move."""
    sql = f"""
        WITH wanted AS (
            SELECT lead_id AS id, before AS status, after AS was FROM leads_bulkchange
             WHERE job_id = %(job)s AND lead_id = ANY(%(leads)s)),
        {_MOVE.format(still="h.before = (SELECT was FROM wanted WHERE id = h.id)")}
        SELECT id, bucket_id, before, after FROM moved
    """  # noqa: S608  # constants
    return _moved(sql, job, {"leads": list(lead_ids), "by": job.undone_by_id})


def _moved(sql: str, job: BulkJob, params: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params | {"job": job.pk})
        rows = cursor.fetchall()
    grown: dict[UUID, int] = {}
    for _, bucket_id, before, after in rows:
        was, is_now = (one in Lead.CONTACTED_STATUSES for one in (before, after))
        grown[bucket_id] = grown.get(bucket_id, 0) + is_now - was
    emit_many(
        "lead.status_changed",
        team_id=job.team_id,
        of=[
            (lead_id, {"leadId": str(lead_id), "bucketId": str(bucket_id), "before": before, "after": after})
            for lead_id, bucket_id, before, after in rows
        ],
    )
    for bucket_id, delta in sorted(grown.items()):
        change_counters(bucket_id, contacted_leads=delta)
    return len(rows)


STATUS = Kind("status", _read, _do, undo=_undo)
