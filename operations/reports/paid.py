"""What a team has paid vendors, from the ledger's requests themselves: what no report has to add up twice.

A request is the team's whose month it reserved its money in, or whose enrichment job it was for. It counts on the day
its money was reserved, as budgets do, so that a team's month in UTC is its budget of that month to the cent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from campaigns.dialing.progress import REACHED
from common.db.ids import uuid7_floor
from operations.reports.span import Span

LATE = timedelta(days=1)  # between a request's id and the database's time of it: no two clocks are nearly as far apart
CONTACTS = ("skip_trace", "apollo_people")  # operations that bring phones

_PAID = """
    paid AS MATERIALIZED (
        SELECT c.id, c.operation_id, c.run_id, c.purpose, c.inputs, c.found, c.cost,
               c.state IN ('settled', 'written_off') AS over, (c.created_at AT TIME ZONE %(zone)s)::date AS day,
               CASE WHEN c.state IN ('reserved', 'sent', 'in_doubt') THEN c.reserved ELSE 0 END
               + coalesce(r.reserved, 0) AS held
          FROM integrations_vendorcall c
          LEFT JOIN integrations_phonereveal r ON r.call_id = c.id AND r.state IN ('waiting', 'in_doubt')
         WHERE c.id >= %(floor)s AND c.id < %(ceiling)s AND c.created_at >= %(since)s AND c.created_at < %(until)s
           AND c.state <> 'released'
           AND (c.holds ?| %(months)s OR c.run_id IN (SELECT id FROM enrichment_run WHERE team_id = %(team)s)))"""

# A message's or a call's lead says which list its money was spent on.
_CELLS = f"""
    WITH {_PAID}
    SELECT o.vendor_id, o.name, p.run_id, p.purpose = 'lookup', l.bucket_id, p.day, count(*) FILTER (WHERE p.over),
           coalesce(sum(p.inputs) FILTER (WHERE p.over), 0), coalesce(sum(p.found), 0), sum(p.cost), sum(p.held)
      FROM paid p
      JOIN integrations_operation o ON o.id = p.operation_id
      LEFT JOIN LATERAL (
           SELECT d.lead_id FROM campaigns_delivery d WHERE d.call_id = p.id
           UNION ALL
           SELECT a.lead_id FROM campaigns_callattempt a WHERE a.call_id = p.id
           LIMIT 1) m ON p.run_id IS NULL AND p.purpose <> 'lookup'
      LEFT JOIN leads_lead l ON l.id = m.lead_id
     GROUP BY 1, 2, 3, 4, 5, 6"""  # noqa: S608  # constants

_PHONES = f"""
    WITH {_PAID}
    SELECT o.vendor_id, o.name, p.run_id, p.day, count(*)
      FROM paid p
      JOIN integrations_operation o ON o.id = p.operation_id AND o.name = ANY(%(contacts)s)
      JOIN integrations_lookup l ON l.call_id = p.id AND coalesce(l.facts ->> 'phone', '') <> ''
     WHERE p.over
     GROUP BY 1, 2, 3, 4"""  # noqa: S608  # constants

# Who has the phone of a lead that talked: of a call it stands on the call; else as `leads.facts.sources.source_of`.
_TALKS = """
    WITH talk AS (
        SELECT v.lead_id, m.received_at AS at, '' AS source
          FROM campaigns_conversation v JOIN campaigns_incomingmessage m ON m.conversation_id = v.id
         WHERE v.team_id = %(team)s AND m.received_at >= %(since)s AND m.received_at < %(until)s
         UNION ALL
        SELECT a.lead_id, a.started_at, a.number_source
          FROM campaigns_callattempt a JOIN campaigns_disposition d ON d.id = a.disposition_id
         WHERE a.team_id = %(team)s AND a.started_at >= %(since)s AND a.started_at < %(until)s
           AND d.outcome = ANY(%(reached)s)),
    spoke AS (
        SELECT t.lead_id, l.bucket_id, (t.at AT TIME ZONE %(zone)s)::date AS day,
               coalesce(max(nullif(t.source, '')) OVER (PARTITION BY t.lead_id), l.fact_sources #>> '{phone,source}',
                        CASE WHEN l.skip_traced_at IS NOT NULL THEN 'trace'
                             WHEN l.apollo_enriched_at IS NOT NULL THEN 'apollo' ELSE 'file' END) AS source
          FROM talk t JOIN leads_lead l ON l.id = t.lead_id)"""


@dataclass(frozen=True, slots=True)
class Cell:
    """One day of one operation for one enrichment job, or for a list's messages. US dollars.

    run_id: of a job. single: a single look-up. bucket_id: of a message or call. requests, records: that have ended and
    were paid or answered. held: reserved for what is in flight, still to come or needs a billing check.
    """

    vendor: str
    operation: str
    run_id: UUID | None
    single: bool
    bucket_id: UUID | None
    day: date
    requests: int
    records: int
    found: int
    cost: Decimal
    held: Decimal


@dataclass(frozen=True, slots=True)
class Phones:
    """Answers of one day that hold a phone, by who sold them. run_id: for which job; None: a single look-up's."""

    vendor: str
    operation: str
    run_id: UUID | None
    day: date
    many: int
    single: bool = True
    bucket_id: UUID | None = None


def cells(team_id: int, span: Span) -> list[Cell]:
    """All that the team has paid, or has reserved, in these days."""
    return [Cell(*row) for row in _rows(_CELLS, team_id, span)]


def phones(team_id: int, span: Span) -> list[Phones]:
    """Answers with a phone, of requests the team paid for in these days. What was forgotten is not told."""
    return [Phones(*row) for row in _rows(_PHONES, team_id, span)]


def talks(team_id: int, span: Span, by: str = "''") -> dict[Any, int]:
    """Leads that wrote, or whom a call reached, in these days. by: of `spoke`, an expression of this module's callers;
    a lead counts once in each.
    """
    sql = f"{_TALKS} SELECT {by}, count(DISTINCT lead_id) FROM spoke GROUP BY 1"  # noqa: S608  # constants
    return dict(_rows(sql, team_id, span))


def dropped(team_id: int, span: Span) -> Decimal:
    """US dollars of requests that are no longer kept, of the months (UTC) that these days lie in."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(spent), 0) FROM integrations_spentbefore WHERE scope = ANY(%s)",
            [span.team_months(team_id)],
        )
        return Decimal(cursor.fetchone()[0])


def _rows(sql: str, team_id: int, span: Span) -> list[Any]:
    params: dict[str, Any] = {
        "team": team_id,
        "months": span.team_months(team_id),
        "since": span.since,
        "until": span.until,
        "floor": uuid7_floor(span.since - LATE),
        "ceiling": uuid7_floor(span.until + LATE),
        "zone": str(span.zone),
        "contacts": list(CONTACTS),
        "reached": list(REACHED),
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[Any] = cursor.fetchall()
        return rows
