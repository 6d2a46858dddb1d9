"""One of the team's own fields set on many leads, or emptied, as `leads.fields.setting` does it on one."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.access import Access
from leads.bulk.kinds import Arguments, BulkError, Done, Kind, Stopped, Work, said, text_in
from leads.fields.definitions import fields_of
from leads.fields.setting import BadValues, checked
from leads.locks import LEADS_IN_ORDER
from leads.models import BulkJob

HAD_IT = "had this value already"
# Leads with what is to stand in the field (`wanted`; null empties it), where in it stands what `still` says.
_SET = f"""
    held AS MATERIALIZED (
        SELECT l.id, l.custom -> %(key)s::text AS now, w.value, w.was FROM leads_lead l JOIN wanted w ON w.id = l.id
         WHERE l.id = ANY(%(leads)s) AND l.merged_into_id IS NULL {LEADS_IN_ORDER}),
    changed AS (
        UPDATE leads_lead l SET updated_at = now(),
               custom = nullif(
                   CASE WHEN h.value IS NULL THEN l.custom - %(key)s::text
                        ELSE coalesce(l.custom, '{{{{}}}}') || jsonb_build_object(%(key)s::text, h.value) END,
                   '{{{{}}}}')
          FROM held h WHERE l.id = h.id AND {{still}}
        RETURNING l.id, h.now AS before)
"""  # noqa: S608  # constants


def _read(access: Access, given: Mapping[str, Any]) -> Arguments:
    """field: its key; value: as it is written on a lead's page; null or an empty text empties it."""
    said(given, "field", "value")
    key = text_in(given, "field", 40)
    field = next((one for one in fields_of(access.team_id) if one.key == key), None)
    if field is None:
        raise BulkError("INVALID", "Your team has no such custom field.", "arguments.field")
    if "value" not in given:
        raise BulkError("INVALID", "Give the value; null empties the field.", "arguments.value")
    try:
        value = checked(access.team_id, {key: given["value"]})[key]
    except BadValues as error:
        raise BulkError("INVALID", error.errors[key], "arguments.value") from error
    return {"field": key, "name": field.name, "value": value}


def _do(work: Work) -> Done:
    """Sets it where another value stands, and writes down what that was."""
    key = work.job.arguments["field"]
    if all(one.key != key for one in fields_of(work.job.team_id)):
        raise Stopped("The custom field was retired meanwhile.")
    sql = f"""
        WITH wanted AS MATERIALIZED (
            SELECT unnest(%(leads)s::uuid[]) AS id, %(value)s::jsonb AS value, NULL::jsonb AS was),
        {_SET.format(still="h.now IS DISTINCT FROM h.value")},
        noted AS (INSERT INTO leads_bulkchange (job_id, lead_id, before) SELECT %(job)s, id, before::text FROM changed)
        SELECT (SELECT count(*) FROM changed), (SELECT count(*) FROM held)
    """  # noqa: S608  # constants
    changed, seen = _counted(sql, work.job, work.lead_ids)
    return Done(changed, {HAD_IT: seen - changed} if seen > changed else {})


def _undo(job: BulkJob, lead_ids: Sequence[UUID], _held: Collection[UUID]) -> int:
    """Back to what stood there before, where the job's value still stands."""
    sql = f"""
        WITH wanted AS MATERIALIZED (
            SELECT lead_id AS id, before::jsonb AS value, %(value)s::jsonb AS was FROM leads_bulkchange
             WHERE job_id = %(job)s AND lead_id = ANY(%(leads)s)),
        {_SET.format(still="h.now IS NOT DISTINCT FROM h.was")}
        SELECT (SELECT count(*) FROM changed), 0
    """  # noqa: S608  # constants
    return _counted(sql, job, lead_ids)[0]


def _counted(sql: str, job: BulkJob, lead_ids: Sequence[UUID]) -> tuple[int, int]:
    value = job.arguments["value"]
    params = {
        "key": job.arguments["field"], "value": None if value is None else json.dumps(value), "job": job.pk,
        "leads": list(lead_ids),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        changed, seen = cursor.fetchone() or (0, 0)
    return int(changed), int(seen)


FIELD = Kind("field", _read, _do, undo=_undo)
