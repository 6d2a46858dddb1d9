"""Many leads given to a member, to several in turn, or to nobody."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.access import Access
from accounts.audit import record
from accounts.models import Membership
from leads.bulk.kinds import Arguments, BulkError, Done, Kind, Work, said
from leads.locks import LEADS_IN_ORDER
from leads.models import BulkJob, Lead
from leads.selection.assignment import WORKERS, NotAMember, Place, assign_piece, members_named

MEMBERS_MAX = 100
SAME = "were theirs already"


def _read(access: Access, given: Mapping[str, Any]) -> Arguments:
    """to: a member by id or user name, a list of them, or null. Kept by id and name."""
    said(given, "to")
    if given.get("to", []) == []:  # an empty list is a mistake more likely than "nobody"
        raise BulkError("INVALID", "A member, several, or null for nobody.", "arguments.to")
    wanted = given["to"] if isinstance(given["to"], list) else [given["to"]] if given["to"] is not None else []
    names = [str(one) if type(one) is int else one for one in wanted]
    if len(names) > MEMBERS_MAX or not all(
        isinstance(name, str) and name.strip() and "\x00" not in name for name in names
    ):
        raise BulkError("INVALID", f"Members by id or user name, {MEMBERS_MAX} at most.", "arguments.to")
    try:
        people = members_named(access.team_id, names)
    except NotAMember as error:
        raise BulkError("INVALID", str(error), "arguments.to") from error
    return {"to": [user.pk for user in people], "names": [user.get_username() for user in people]}


def _do(work: Work) -> Done:
    """The members who still may work leads, in turn; a job for members who are all gone gives its leads to nobody."""
    members = _able(work.job, work.job.arguments["to"])
    place = Place(turn=work.job.done % len(members))
    leads = Lead.objects.filter(pk__among=list(work.lead_ids), team_id=work.job.team_id)
    seen, _, changed = assign_piece(leads, members, place, job=work.job)
    many = sum(changed.values())
    if changed:
        given = {str(member or ""): count for member, count in changed.items()}
        record("leads.assigned", by=work.access.user, team_id=work.job.team_id, after={"leads": seen, "to": given})
    return Done(many, {SAME: seen - many} if seen > many else {})


def _able(job: BulkJob, ids: Sequence[int]) -> list[int | None]:
    able = Membership.objects.filter(team=job.team_id, role__in=WORKERS, user__is_active=True, user__in=ids)
    still = set(able.values_list("user_id", flat=True))
    return [pk for pk in ids if pk in still] or [None]


def _undo(job: BulkJob, lead_ids: Sequence[UUID], _held: Collection[UUID]) -> int:
    """Back to whom each was with, where it still is with whom the job gave it to; to nobody where that one has left."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH was AS MATERIALIZED (
                SELECT b.lead_id, b.before, b.after FROM leads_bulkchange b
                 WHERE b.job_id = %(job)s AND b.lead_id = ANY(%(leads)s)
            ), held AS MATERIALIZED (
                SELECT l.id, l.assigned_to_id AS now_with, w.before, w.after
                  FROM leads_lead l JOIN was w ON w.lead_id = l.id
                 WHERE l.id = ANY(%(leads)s) AND l.merged_into_id IS NULL {LEADS_IN_ORDER}
            ), changed AS (
                UPDATE leads_lead l SET assigned_to_id = m.user_id, updated_at = now()
                  FROM held h LEFT JOIN accounts_membership m ON m.team_id = %(team)s AND m.user_id = h.before::bigint
                       AND m.role = ANY(%(workers)s)
                 WHERE l.id = h.id AND h.now_with IS NOT DISTINCT FROM h.after::bigint
                RETURNING l.id, m.user_id AS member
            ), handed AS (
                UPDATE leads_event e SET owner_id = c.member, changed_at = now() FROM changed c
                 WHERE e.lead_id = c.id AND e.kind = 'callback' AND e.status = 'planned' AND NOT e.anyone
                   AND c.member IS NOT NULL
            )
            SELECT count(*) FROM changed
            """,  # noqa: S608  # a constant
            {"job": job.pk, "leads": list(lead_ids), "team": job.team_id, "workers": WORKERS},
        )
        (restored,) = cursor.fetchone() or (0,)
    return int(restored)


ASSIGN = Kind("assign", _read, _do, whole_team=True, undo=_undo)
