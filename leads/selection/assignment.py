"""Who works which leads: given to one member, to nobody, or to several in turn."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from accounts.access import SCOPES_OF, Access, Scope
from accounts.audit import record
from accounts.models import Membership, User
from leads.locks import LEADS_IN_ORDER
from leads.models import BulkJob, Lead

PIECE = 5_000  # leads a transaction: as long as it takes, a worker that wants one of them waits
LONGEST = 20.0  # seconds of one call: a request has 60; the rest is another call's
BEFORE_ALL = UUID(int=0)
WORKERS = [role for role, scopes in SCOPES_OF.items() if Scope.WRITE in scopes]


class NotAMember(ValueError):
    """This person cannot work leads of the team."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an assignment goes on: behind this lead, with the member whose turn it is (from 0)."""

    after: UUID = BEFORE_ALL
    turn: int = 0


@dataclass(slots=True)
class Assigned:
    """leads: how many were looked at; changed: by member (None: nobody) how many are new to them. rest: where another
    call goes on; None: all is done.
    """

    leads: int = 0
    changed: Counter[int | None] = field(default_factory=Counter)
    rest: Place | None = None


def members_named(team_id: int | None, names: Sequence[str]) -> list[User]:
    """Members of the team who may work leads, by id or user name, in this order. Raises NotAMember."""
    able = Membership.objects.filter(team=team_id, role__in=WORKERS, user__is_active=True)
    people = [member.user for member in able.select_related("user")]
    found = {user.get_username(): user for user in people} | {str(user.pk): user for user in people}
    for name in names:
        if name not in found:
            raise NotAMember(f"{name[:150]} is no member of this team who may work leads.")
    return list({found[name].pk: found[name] for name in names}.values())


def assign_leads(
    *, leads: QuerySet[Lead], to: Sequence[User], by: Access, place: Place | None = None, seconds: float = LONGEST
) -> Assigned:
    """Gives these leads of one's team to one member, to several in turn, or (an empty `to`) to nobody.

    A piece a transaction and a statement: killed, the pieces that are done stay done, and a call from `rest`, or the
    same again, goes on. Of two calls at once each lead has the member of the later one.
    """
    members: list[int | None] = [user.pk for user in to] or [None]
    done, at, ends = Assigned(), place or Place(), time.monotonic() + seconds
    wanted = leads.filter(Q(team_id=by.team_id))
    while True:
        with transaction.atomic():
            seen, last, changed = assign_piece(wanted, members, at)
            if changed:
                given = {str(member or ""): count for member, count in changed.items()}
                record("leads.assigned", by=by.user, team_id=by.team_id, after={"leads": seen, "to": given})
        done.leads += seen
        done.changed.update(changed)
        if last is None or seen < PIECE:
            return done
        at = Place(last, (at.turn + seen) % len(members))
        if time.monotonic() > ends:
            done.rest = at
            return done


def assign_piece(
    leads: QuerySet[Lead], members: Sequence[int | None], at: Place, *, job: BulkJob | None = None
) -> tuple[int, UUID | None, dict[int | None, int]]:
    """How many leads of the next piece there are, the last of them, and by member how many were changed. In the
    caller's transaction. job: whose changes these are, written down to be undone.
    """
    chosen = leads.filter(pk__gt=at.after).order_by("pk").values("pk")[:PIECE]
    try:
        sql, params = chosen.query.sql_with_params()
    except EmptyResultSet:
        return 0, None, {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH piece (id, place) AS MATERIALIZED (
                SELECT id, row_number() OVER (ORDER BY id) - 1 FROM ({sql}) AS chosen (id)
            ), held (id, member, before) AS MATERIALIZED (
                SELECT l.id, (%s::bigint[])[1 + mod(%s + p.place, %s)], l.assigned_to_id
                  FROM leads_lead l JOIN piece p ON p.id = l.id {LEADS_IN_ORDER}
            ), changed AS (
                UPDATE leads_lead l SET assigned_to_id = h.member, updated_at = now()
                  FROM held h WHERE l.id = h.id AND l.assigned_to_id IS DISTINCT FROM h.member
                RETURNING l.id, h.member, h.before
            ), noted AS (
                INSERT INTO leads_bulkchange (job_id, lead_id, before, after)
                SELECT %s, id, before, member FROM changed WHERE %s::uuid IS NOT NULL
            ), handed AS (  -- who works the lead has its callback, unless anyone may make it
                UPDATE leads_event e SET owner_id = c.member, changed_at = now() FROM changed c
                 WHERE e.lead_id = c.id AND e.kind = 'callback' AND e.status = 'planned' AND NOT e.anyone
                   AND c.member IS NOT NULL
            )
            SELECT (SELECT count(*) FROM piece), (SELECT id FROM piece ORDER BY id DESC LIMIT 1), c.member, c.leads
              FROM (SELECT 1) AS one LEFT JOIN (SELECT member, count(*) FROM changed GROUP BY member) c (member, leads)
                ON true
            """,  # noqa: S608  # the ORM's own SQL
            [*params, list(members), at.turn, len(members), *[job.pk if job else None] * 2],
        )
        rows = cursor.fetchall()
    return int(rows[0][0]), rows[0][1], {member: leads for *_, member, leads in rows if leads}
