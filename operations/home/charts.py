"""A chart of Home: contacts a week, by the clock of who looks. (What is spent a day: `operations.reports`.)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import connection

from campaigns import clock
from common.db.ids import uuid7_floor

WEEKS = 8


@dataclass(frozen=True, slots=True)
class Week:
    """begins: its Monday. calls: placed; texts, emails: that left; noted: calls, texts and e-mails that a person has
    logged by hand.
    """

    begins: date
    calls: int
    texts: int
    emails: int
    noted: int

    @property
    def all(self) -> int:
        return self.calls + self.texts + self.emails + self.noted


def contacts_by_week(team_id: int, zone: str, *, weeks: int = WEEKS) -> list[Week]:
    """How often the team has contacted owners in each of the last weeks, this one last."""
    today = clock.now().astimezone(ZoneInfo(zone)).date()
    first = today - timedelta(days=today.weekday() + 7 * (weeks - 1))
    since = _begins(first, zone)
    with connection.cursor() as cursor:
        cursor.execute(_CONTACTS, {"zone": zone, "since": since, "floor": uuid7_floor(since), "team": team_id})
        found = {(begins, kind): many for begins, kind, many in cursor.fetchall()}
    mondays = (first + timedelta(days=7 * n) for n in range(weeks))
    return [Week(one, *(found.get((one, kind), 0) for kind in _KINDS)) for one in mondays]


def _begins(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))


_KINDS: Sequence[str] = ("call", "sms", "email", "noted")
# Messages by the team's numbers and addresses, which have an index by when they left. Logged by hand: what no message,
# call or event of ours has written (`ref`), by a member of the team; on leads whose last contact is not older, which
# each list has an index of: by the activities' own ids those of all teams would be read.
_CONTACTS = """
    WITH contacted AS MATERIALIZED (
        SELECT l.id FROM buckets_bucket b JOIN leads_lead l ON l.bucket_id = b.id
         WHERE b.team_id = %(team)s AND l.last_contact_at >= %(since)s)
    SELECT date_trunc('week', at AT TIME ZONE %(zone)s)::date, kind, count(*)
      FROM (
        SELECT started_at AS at, 'call' AS kind FROM campaigns_callattempt
         WHERE team_id = %(team)s AND started_at >= %(since)s
        UNION ALL
        SELECT d.intended_at, 'sms' FROM campaigns_sender s JOIN leads_seller c ON c.id = s.seller_id
          JOIN campaigns_delivery d ON d.sender_id = s.id
         WHERE c.team_id = %(team)s AND d.intended_at >= %(since)s
        UNION ALL
        SELECT d.intended_at, 'email' FROM campaigns_mailsender s JOIN leads_seller c ON c.id = s.seller_id
          JOIN campaigns_delivery d ON d.mail_sender_id = s.id
         WHERE c.team_id = %(team)s AND d.intended_at >= %(since)s
        UNION ALL
        SELECT a.created_at, 'noted' FROM contacted c JOIN leads_activity a ON a.lead_id = c.id AND a.id >= %(floor)s
         WHERE a.kind IN ('call', 'sms', 'email') AND a.ref IS NULL AND a.by_id IS NOT NULL
           AND a.created_at >= %(since)s
      ) made GROUP BY 1, 2
"""
