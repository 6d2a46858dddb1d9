"""A tag put on many leads, or taken off."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.access import Access
from leads.bulk.kinds import Arguments, BulkError, Done, Kind, Stopped, Work, said, text_in
from leads.locks import LEADS_IN_ORDER
from leads.models import BulkChange, BulkJob, Tag
from leads.services import tag_named

HAD_IT, HAD_IT_NOT = "had the tag already", "did not have the tag"
_HELD = f"""held AS MATERIALIZED (
    SELECT l.id FROM leads_lead l WHERE l.id = ANY(%(leads)s) AND l.merged_into_id IS NULL {LEADS_IN_ORDER})"""  # noqa: S608  # a constant


def _read_tag(access: Access, given: Mapping[str, Any]) -> Arguments:
    """The tag there is, or a new one."""
    said(given, "tag")
    name = text_in(given, "tag", Tag._meta.get_field("name").max_length or 0)
    assert access.team_id is not None
    tag = tag_named(name, by=access.user, team_id=access.team_id)
    return {"tag": tag.name, "tagId": str(tag.pk)}


def _read_untag(access: Access, given: Mapping[str, Any]) -> Arguments:
    said(given, "tag")
    name = text_in(given, "tag", Tag._meta.get_field("name").max_length or 0)
    tag = Tag.objects.seen_by(access).filter(name__iexact=name).first()
    if tag is None:
        raise BulkError("INVALID", "Your team has no tag of this name.", "arguments.tag")
    return {"tag": tag.name, "tagId": str(tag.pk)}


def _tag_of(job: BulkJob) -> UUID:
    tag_id = UUID(job.arguments["tagId"])
    if not Tag.objects.filter(pk=tag_id, team=job.team_id).exists():
        raise Stopped("The tag was deleted meanwhile.")
    return tag_id


def _tag(work: Work) -> Done:
    """Only links that are new are written down: by the link's own id, which a later one has not."""
    changed, seen = _counted(
        f"""
        WITH {_HELD}, made AS (
            INSERT INTO leads_lead_tags (lead_id, tag_id) SELECT id, %(tag)s FROM held ORDER BY id
            ON CONFLICT DO NOTHING RETURNING id, lead_id),
        noted AS (INSERT INTO leads_bulkchange (job_id, lead_id, after) SELECT %(job)s, lead_id, id FROM made)
        SELECT (SELECT count(*) FROM made), (SELECT count(*) FROM held)
        """,  # noqa: S608  # constants
        {"leads": list(work.lead_ids), "tag": _tag_of(work.job), "job": work.job.pk},
    )
    return Done(changed, {HAD_IT: seen - changed} if seen > changed else {})


def _untag(work: Work) -> Done:
    changed, seen = _counted(
        f"""
        WITH {_HELD}, gone AS (
            DELETE FROM leads_lead_tags t USING held h WHERE t.lead_id = h.id AND t.tag_id = %(tag)s
            RETURNING t.lead_id),
        noted AS (INSERT INTO leads_bulkchange (job_id, lead_id) SELECT %(job)s, lead_id FROM gone)
        SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM held)
        """,  # noqa: S608  # constants
        {"leads": list(work.lead_ids), "tag": _tag_of(work.job), "job": work.job.pk},
    )
    return Done(changed, {HAD_IT_NOT: seen - changed} if seen > changed else {})


def _untag_again(job: BulkJob, lead_ids: Sequence[UUID], _held: Collection[UUID]) -> int:
    """Takes off the links that the job made and that are there still."""
    links = BulkChange.objects.filter(job=job.pk, lead_id__in=list(lead_ids)).values_list("after", flat=True)
    restored, _ = _counted(
        f"""
        WITH {_HELD}, gone AS (
            DELETE FROM leads_lead_tags t WHERE t.id = ANY(%(links)s) AND t.lead_id IN (SELECT id FROM held)
            RETURNING t.lead_id)
        SELECT (SELECT count(*) FROM gone), 0
        """,  # noqa: S608  # constants
        {"leads": list(lead_ids), "links": [int(link) for link in links if link]},
    )
    return restored


def _tag_again(job: BulkJob, lead_ids: Sequence[UUID], _held: Collection[UUID]) -> int:
    """Puts the tag back where it is not; a tag that was deleted is no lead's any more."""
    restored, _ = _counted(
        f"""
        WITH {_HELD}, made AS (
            INSERT INTO leads_lead_tags (lead_id, tag_id)
            SELECT h.id, t.id FROM held h, leads_tag t WHERE t.id = %(tag)s AND t.team_id = %(team)s ORDER BY h.id
            ON CONFLICT DO NOTHING RETURNING lead_id)
        SELECT (SELECT count(*) FROM made), 0
        """,  # noqa: S608  # constants
        {"leads": list(lead_ids), "tag": UUID(job.arguments["tagId"]), "team": job.team_id},
    )
    return restored


def _counted(sql: str, params: Mapping[str, Any]) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        changed, seen = cursor.fetchone() or (0, 0)
    return int(changed), int(seen)


TAG = Kind("tag", _read_tag, _tag, undo=_untag_again)
UNTAG = Kind("untag", _read_untag, _untag, undo=_tag_again)
