"""Many leads moved to one status, or a team's label under it, as `leads.pipeline.moving` moves one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.access import Access
from accounts.webhooks.queue import emit_many
from leads.bulk.kinds import Arguments, BulkError, Done, Kind, Work, choice_in, said, text_in
from leads.counters import change_counters
from leads.locks import LEADS_IN_ORDER
from leads.models import BulkJob, Lead
from leads.pipeline.labels import label_named
from leads.pipeline.lists import Refused

HAD_IT = "had this status already"

# Leads with the stage they are to have: `wanted (id, status, label)`. Locked first and read as they then are. A stage
# is written as `leads.pipeline.moving.Stage.key`: contacted, or contacted:<id of a label>.
_MOVE = f"""
    held AS MATERIALIZED (
        SELECT l.id, l.bucket_id, l.status AS before, l.status_label_id AS label_before, w.status AS after,
               w.label AS label_after
          FROM leads_lead l JOIN wanted w ON w.id = l.id
         WHERE l.merged_into_id IS NULL {LEADS_IN_ORDER}),
    keyed AS (
        SELECT h.*, concat_ws(':', before, label_before) AS key_before, concat_ws(':', after, label_after) AS key_after
          FROM held h),
    moved AS (
        UPDATE leads_lead l SET status = h.after, status_label_id = h.label_after,
               activity_count = l.activity_count + 1, last_activity_at = now(), updated_at = now()
          FROM keyed h WHERE l.id = h.id AND {{still}}
        RETURNING l.id, h.bucket_id, h.before, h.after, h.label_before, h.label_after, h.key_before, h.key_after),
    told AS (
        INSERT INTO leads_activity (id, lead_id, by_id, kind, text, created_at)
        SELECT uuidv7(), m.id, %(by)s, 'status', before || coalesce(' (' || b.name || ')', '') || ' → ' || after
               || coalesce(' (' || a.name || ')', ''), now()
          FROM moved m
          LEFT JOIN leads_statuslabel b ON b.id = m.label_before
          LEFT JOIN leads_statuslabel a ON a.id = m.label_after)
"""  # noqa: S608  # constants
_TOLD = "SELECT id, bucket_id, before, after, label_before, label_after FROM moved"


def _read(access: Access, given: Mapping[str, Any]) -> Arguments:
    """status, or statusLabel by its name or id, which has a status of its own."""
    said(given, "status", "statusLabel")
    if given.get("statusLabel") is None:
        return {"status": choice_in(given, "status", Lead.Status.values)}
    try:
        label = label_named(access.team_id, text_in(given, "statusLabel", 200))
    except Refused as refusal:
        raise BulkError("INVALID", str(refusal), "arguments.statusLabel") from refusal
    if given.get("status", label.status) != label.status:
        raise BulkError("INVALID", f"This label is under {label.status}.", "arguments.status")
    return {"status": label.status, "statusLabel": str(label.pk), "label": label.name}


def _do(work: Work) -> Done:
    """1. Locks the leads, moves those that are elsewhere, notes it in their histories and for the undoing.
    2. Counts them in their buckets, and tells the webhooks that want it. A label that is gone by now is left out.
    """
    sql = f"""
        WITH wanted AS (
            SELECT unnest(%(leads)s::uuid[]) AS id, %(after)s::text AS status,
                   (SELECT id FROM leads_statuslabel WHERE id = %(label)s::uuid) AS label),
        {_MOVE.format(still="h.key_before <> h.key_after")},
        noted AS (
            INSERT INTO leads_bulkchange (job_id, lead_id, before, after)
            SELECT %(job)s, id, key_before, key_after FROM moved)
        {_TOLD}
    """  # noqa: S608  # constants
    given = work.job.arguments
    said_ = {"after": given["status"], "label": given.get("statusLabel"), "by": work.access.user.pk}
    moved = _moved(sql, work.job, {"leads": list(work.lead_ids), **said_})
    same = len(work.lead_ids) - moved
    return Done(moved, {HAD_IT: same} if same else {})


def _undo(job: BulkJob, lead_ids: Sequence[UUID], _held: Collection[UUID]) -> int:
    """Back to where each was, where it still is where the job moved it; noted in the history as any move. A label that
    was deleted meanwhile leaves its status.
    """
    sql = f"""
        WITH wanted AS (
            SELECT c.lead_id AS id, split_part(c.before, ':', 1) AS status, s.id AS label, c.after AS was
              FROM leads_bulkchange c
              LEFT JOIN leads_statuslabel s ON s.id = nullif(split_part(c.before, ':', 2), '')::uuid
             WHERE c.job_id = %(job)s AND c.lead_id = ANY(%(leads)s)),
        {_MOVE.format(still="h.key_before = (SELECT was FROM wanted WHERE id = h.id)")}
        {_TOLD}
    """  # noqa: S608  # constants
    return _moved(sql, job, {"leads": list(lead_ids), "by": job.undone_by_id})


def _moved(sql: str, job: BulkJob, params: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params | {"job": job.pk})
        rows = cursor.fetchall()
    grown: dict[UUID, int] = {}
    for _, bucket_id, before, after, *_ in rows:
        was, is_now = (one in Lead.CONTACTED_STATUSES for one in (before, after))
        grown[bucket_id] = grown.get(bucket_id, 0) + is_now - was
    emit_many("lead.status_changed", team_id=job.team_id, of=[(row[0], _told(*row)) for row in rows])
    for bucket_id, delta in sorted(grown.items()):
        change_counters(bucket_id, contacted_leads=delta)
    return len(rows)


def _told(
    lead_id: UUID, bucket_id: UUID, before: str, after: str, label_before: UUID | None, label_after: UUID | None
) -> dict[str, Any]:
    """The label's ids only where there is one."""
    told: dict[str, Any] = {"leadId": str(lead_id), "bucketId": str(bucket_id), "before": before, "after": after}
    if label_before or label_after:
        told["labelBefore"] = str(label_before) if label_before else None
        told["labelAfter"] = str(label_after) if label_after else None
    return told


STATUS = Kind("status", _read, _do, undo=_undo)
