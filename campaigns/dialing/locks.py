"""The claim of the dialer: a statement that takes one member and waits for none. docs/locks.md has the order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from campaigns.models import Member

LEASE = timedelta(minutes=15)
TRIES = 5  # where another caller took the person in the same moment
FEW, MANY = 60, 5_000  # of a list and its zones that are looked at: more than there are callers; all, if these are out
_NAMES = [field.attname for field in Member._meta.concrete_fields]  # which are its columns
ONCE = ("member_before_one_caller", "member_owner_before_one_caller", "member_one_a_caller")


@dataclass(frozen=True, slots=True)
class OpenPlace:
    """Members of one list in these zones (joined by commas) may be called now, but in these states (|MA,NY;|FL)."""

    campaign_id: UUID
    zones: str
    closed: str


# %(me)s, %(team)s, at: by the campaigns' clock, which calendars go by, few, campaigns[], zones[], closed[]
_CANDIDATES = """
WITH open AS MATERIALIZED (
     SELECT * FROM unnest(%(campaigns)s::uuid[], %(zones)s::text[], %(closed)s::text[])
                   AS g(campaign_id, zones, closed)),
before AS MATERIALIZED (
     SELECT m.key_id, m.owner_key_id, m.lead_id FROM campaigns_member m WHERE m.taken_by_id IS NOT NULL),
busy AS MATERIALIZED (  -- who is before a caller, or on a call, by every number and owner
     SELECT t.key_id FROM before t
     UNION SELECT t.owner_key_id FROM before t WHERE t.owner_key_id IS NOT NULL
     UNION SELECT k.key_id FROM before t
             JOIN leads_leadkey k
               ON k.lead_id = coalesce((SELECT h.merged_into_id FROM leads_lead h WHERE h.id = t.lead_id), t.lead_id)
             JOIN leads_contactkey c ON c.id = k.key_id AND NOT c.crowded
     UNION SELECT a.key_id FROM campaigns_callattempt a WHERE a.ended_at IS NULL),
back AS MATERIALIZED (  -- callbacks that are due: hers, then anybody's; a merged lead's stands on the one shown for it
     SELECT m.id, CASE WHEN e.owner_id = %(me)s THEN 0 ELSE 1 END AS rank, e.starts_at AS due, m.priority, m.attempts,
            m.next_at, m.key_id, m.owner_key_id, m.lead_id
       FROM leads_event e
       JOIN LATERAL (SELECT e.lead_id AS id
                     UNION ALL SELECT h.id FROM leads_lead h WHERE h.merged_into_id = e.lead_id) l ON true
       JOIN campaigns_member m ON m.lead_id = l.id
       JOIN open ON open.campaign_id = m.campaign_id AND m.zones = string_to_array(open.zones, ',')::varchar[]
                AND (open.closed = ''
                     OR '|' || array_to_string(m.states, ',') <> ALL (string_to_array(open.closed, ';')))
      WHERE e.team_id = %(team)s AND e.kind = 'callback' AND e.status = 'planned' AND e.starts_at <= %(at)s
        AND (e.owner_id = %(me)s OR e.anyone)
        AND m.status = 2 AND m.calls AND m.taken_by_id IS NULL AND (m.next_at <= %(at)s OR m.why = 'callback')
      ORDER BY 2, 3 LIMIT %(few)s),
rest AS MATERIALIZED (
     SELECT f.id, 2 AS rank, NULL::timestamptz AS due, f.priority, f.attempts, f.next_at, f.key_id,
            f.owner_key_id, f.lead_id
       FROM open CROSS JOIN LATERAL (
            SELECT m.id, m.priority, m.attempts, m.next_at, m.key_id, m.owner_key_id, m.lead_id FROM campaigns_member m
             WHERE m.campaign_id = open.campaign_id AND m.zones = string_to_array(open.zones, ',')::varchar[]
               AND (open.closed = ''
                     OR '|' || array_to_string(m.states, ',') <> ALL (string_to_array(open.closed, ';')))
               AND m.status = 2 AND m.calls AND m.taken_by_id IS NULL AND m.next_at <= %(at)s
             ORDER BY m.priority DESC, m.attempts, m.next_at LIMIT %(few)s) f
      ORDER BY f.priority DESC, f.attempts, f.next_at LIMIT %(few)s),
raw AS MATERIALIZED (SELECT * FROM back UNION ALL SELECT * FROM rest),
candidates AS MATERIALIZED (
     SELECT DISTINCT ON (r.id) r.* FROM raw r
      WHERE NOT EXISTS (SELECT FROM busy b WHERE b.key_id IN (r.key_id, r.owner_key_id))
        AND NOT EXISTS (SELECT FROM leads_leadkey k JOIN busy b ON b.key_id = k.key_id WHERE k.lead_id = r.lead_id)
        AND (r.rank < 2 OR NOT EXISTS (  -- a callback of later, or of a colleague who is still of the team
             SELECT FROM leads_event e
              WHERE e.lead_id = coalesce((SELECT h.merged_into_id FROM leads_lead h WHERE h.id = r.lead_id), r.lead_id)
                AND e.kind = 'callback' AND e.status = 'planned'
                AND (e.starts_at > %(at)s OR NOT e.anyone AND e.owner_id <> %(me)s AND EXISTS (
                     SELECT FROM accounts_user u JOIN accounts_membership w ON w.user_id = u.id
                      WHERE u.id = e.owner_id AND u.is_active AND w.team_id = e.team_id))))
      ORDER BY r.id, r.rank)
"""
_ORDER = "ORDER BY c.rank, c.due, c.priority DESC, c.attempts, c.next_at, c.id"
# The body of campaigns_claim(), of which PostgreSQL keeps the plan: to plan it anew for each lead took it 4 of 5 ms.
CLAIM = f"""{_CANDIDATES},
one AS MATERIALIZED (
     SELECT m.id, c.rank FROM candidates c JOIN campaigns_member m ON m.id = c.id
      WHERE m.status = 2 AND m.calls AND m.taken_by_id IS NULL
      {_ORDER} LIMIT 1 FOR NO KEY UPDATE OF m SKIP LOCKED),
taken AS (
     UPDATE campaigns_member m
        SET taken_by_id = %(me)s, taken_at = clock_timestamp(),
            lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
       FROM one WHERE m.id = one.id RETURNING m AS member, one.rank)
SELECT (SELECT count(*) FROM raw), (SELECT count(*) FROM candidates), taken.rank, taken.member
  FROM (VALUES (1)) always LEFT JOIN taken ON true
"""  # noqa: S608  # our own words alone
_RUN = """
SELECT f.raw, f.candidates, f.rank, (f.member).*
  FROM campaigns_claim(%(me)s, %(team)s, %(at)s, %(few)s, %(lease)s, %(campaigns)s::uuid[], %(zones)s::text[],
                       %(closed)s::text[]) f
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """The member as it was taken. rank: 0 her callback, 1 anybody's, 2 none."""

    member: Member
    rank: int


def claim(places: Sequence[OpenPlace], *, user_id: int, team_id: int, at: datetime) -> Claimed | None:
    """Takes the next person of these places for a caller, before whom nobody is; one statement. None: there is none.

    SKIP LOCKED passes over who is being taken, NOT EXISTS over who is before another caller by any number or owner, and
    the unique indexes refuse what two statements did not see of each other: then once more. `member_one_a_caller`: her
    other tab was faster; None.
    """
    few = FEW
    for _ in range(TRIES):
        try:
            with transaction.atomic():
                row = _run(_params(places, user_id, team_id, at, few))
        except IntegrityError as error:
            if "member_one_a_caller" in str(error):
                return None
            if not any(name in str(error) for name in ONCE):
                raise
            continue
        if row["id"] is not None:
            return Claimed(Member.from_db("default", _NAMES, [row[name] for name in _NAMES]), row["rank"])
        if not row["candidates"] and row["raw"] < few:
            return None
        few = few if row["candidates"] else MANY
    return None


def upcoming(places: Sequence[OpenPlace], *, user_id: int, team_id: int, at: datetime, most: int) -> list[UUID]:
    """Who would come next, in order; nobody is taken."""
    sql = f"{_CANDIDATES} SELECT c.id FROM candidates c {_ORDER} LIMIT %(most)s"  # noqa: S608  # our own words alone
    with connection.cursor() as cursor:
        cursor.execute(sql, {**_params(places, user_id, team_id, at, FEW), "most": most})
        return [row[0] for row in cursor.fetchall()]


def _run(params: dict[str, Any]) -> dict[str, Any]:
    """The claim's row by its columns: the member's are None where nobody was taken."""
    with connection.cursor() as cursor:
        cursor.execute(_RUN, params)
        row: Any = cursor.fetchone()
        return {column.name: value for column, value in zip(cursor.description, row, strict=True)}


def _params(places: Sequence[OpenPlace], user_id: int, team_id: int, at: datetime, few: int) -> dict[str, Any]:
    return {
        "campaigns": [one.campaign_id for one in places], "zones": [one.zones for one in places],
        "closed": [one.closed for one in places], "me": user_id, "team": team_id, "at": at, "few": few,
        "lease": LEASE.total_seconds(),
    }  # fmt: skip
