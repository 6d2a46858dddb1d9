"""Does everything that is kept twice still agree? Reads only, and says in words what differs.

The gate keeps its money in calls and in budgets, runs count their items, buckets count their leads, and leads hold what
look-ups answered, and when the callback is that stands in the calendar. Each pair changes in one transaction, so any
difference is a bug or somebody's hand in the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import connection, transaction

from buckets.services import recount
from integrations.ledger import scopes

MOST = 100  # differences named per check; more would not help the reader


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. check: which pair. what: whose. kept: what is stored. real: what the other side says."""

    check: str
    what: str
    kept: str
    real: str

    def __str__(self) -> str:
        return f"{self.check}: {self.what} says {self.kept}, but it is {self.real}"


# Money that calls, and phones still to come, hold, and money they have spent, by budget.
_BUDGETS = f"""
    WITH part AS (
        SELECT h.key AS scope,
               CASE WHEN c.state IN ('reserved', 'sent', 'in_doubt') THEN h.value::numeric ELSE 0 END AS reserved,
               CASE WHEN c.state NOT IN ('settled', 'written_off') THEN 0
                    WHEN {scopes.counts_in_sql("h.key")} THEN c.inputs ELSE c.cost END AS spent
          FROM integrations_vendorcall c, jsonb_each_text(c.holds) h
         UNION ALL
        SELECT h.key, h.value::numeric, 0
          FROM integrations_phonereveal r, jsonb_each_text(r.holds) h WHERE r.state IN ('waiting', 'in_doubt')
         UNION ALL
        SELECT scope, 0, spent FROM integrations_spentbefore),
    held AS (SELECT scope, sum(reserved) AS reserved, sum(spent) AS spent FROM part GROUP BY scope)
    SELECT coalesce(p.scope, h.scope),
           'reserved ' || coalesce(p.reserved, 0) || ', spent ' || coalesce(p.spent, 0),
           'reserved ' || coalesce(h.reserved, 0)::numeric(14, 4) || ', spent ' || coalesce(h.spent, 0)::numeric(14, 4)
      FROM integrations_balance p FULL JOIN held h ON h.scope = p.scope
     WHERE coalesce(p.reserved, 0) <> coalesce(h.reserved, 0) OR coalesce(p.spent, 0) <> coalesce(h.spent, 0)
     LIMIT %s"""  # noqa: S608  # a constant

# An item waits for a billing check while its token is a request that was in doubt: also once that is decided, until a
# worker puts the item back, which counts it off its run in the same transaction.
_RUNS = """
    WITH parked AS (
        SELECT i.run_id, count(*) AS items
          FROM enrichment_runitem i JOIN integrations_vendorcall c ON c.id = i.token
         WHERE i.token IS NOT NULL AND i.stage <> 0 AND c.category = 'IN_DOUBT' GROUP BY i.run_id)
    SELECT 'run ' || r.id, concat_ws('/', r.total, r.enriched, r.partial, r.failed, r.skipped, r.in_doubt),
           concat_ws('/', i.total, i.enriched, i.partial, i.failed, i.skipped, coalesce(p.items, 0))
      FROM enrichment_run r
      LEFT JOIN parked p ON p.run_id = r.id
      JOIN LATERAL (SELECT count(*) AS total, count(*) FILTER (WHERE outcome = 1) AS enriched,
                           count(*) FILTER (WHERE outcome = 2) AS partial,
                           count(*) FILTER (WHERE outcome = 3) AS failed,
                           count(*) FILTER (WHERE outcome = 4) AS skipped
                      FROM enrichment_runitem WHERE run_id = r.id) i ON true
     WHERE r.bucket_id IS NOT NULL
       AND (r.total, r.enriched, r.partial, r.failed, r.skipped, r.in_doubt)
           IS DISTINCT FROM (i.total, i.enriched, i.partial, i.failed, i.skipped, coalesce(p.items, 0))
     LIMIT %s"""

_STRANDED_LOOKUPS = """
    SELECT 'look-up ' || l.id, l.state, 'its call is ' || coalesce(c.state, 'gone')
      FROM integrations_lookup l LEFT JOIN integrations_vendorcall c ON c.id = l.call_id
     WHERE (l.state = 'buying' AND coalesce(c.state, '') NOT IN ('reserved', 'sent'))
        OR (l.state = 'in_doubt' AND coalesce(c.state, '') <> 'in_doubt')
     LIMIT %s"""

_STRANDED_ITEMS = """
    SELECT 'item ' || i.id, 'taken', 'its call is ' || coalesce(c.state, 'gone')
      FROM enrichment_runitem i LEFT JOIN integrations_vendorcall c ON c.id = i.token
     WHERE i.token IS NOT NULL AND coalesce(c.state, '') NOT IN ('reserved', 'sent')
       AND coalesce(c.category, '') <> 'IN_DOUBT'
     LIMIT %s"""

_STRANDED_REVEALS = """
    SELECT 'reveal ' || r.call_id, r.state, 'its call is ' || c.state
      FROM integrations_phonereveal r JOIN integrations_vendorcall c ON c.id = r.call_id
     WHERE r.state <> 'early' AND c.state <> 'settled'
     LIMIT %s"""

# A lead says its detail was bought, and the ledger knows nothing of it: neither under its own id or stand-in, nor under
# the id of the property that one of its names is known to be.
_UNPAID_LEADS = """
    SELECT 'lead ' || d.id, 'detail bought', 'no answer in the ledger'
      FROM leads_lead d
     WHERE d.enriched_at IS NOT NULL AND d.merged_into_id IS NULL
       AND NOT EXISTS (
           SELECT 1 FROM integrations_lookup l JOIN integrations_operation o ON o.id = l.operation_id
            WHERE o.name = 'property_detail' AND l.facts IS NOT NULL
              AND l.key = CASE WHEN d.property_id LIKE '%%:%%' THEN d.property_id ELSE ltrim(d.property_id, '0') END)
       AND NOT (d.property_id LIKE '%%:%%' AND EXISTS (
           SELECT 1 FROM integrations_lookup l JOIN integrations_operation o ON o.id = l.operation_id
            WHERE o.name = 'property_detail' AND l.facts IS NOT NULL AND l.key IN (
                  SELECT n.property_id FROM integrations_propertyname n
                   WHERE n.name = d.property_id AND n.property_id <> ''
                   UNION ALL
                  SELECT n.property_id FROM leads_leadname m
                    JOIN integrations_propertyname n ON n.exact = m.exact AND n.property_id <> ''
                   WHERE m.lead_id = d.id)))
     LIMIT %s"""


# A lead's planned callback in the calendar, and its copy on the lead; a lead that is merged into another has neither.
_CALLBACKS = """
    SELECT 'lead ' || coalesce(l.id, e.lead_id), coalesce('to be called back ' || l.callback_at, 'no callback'),
           coalesce('planned for ' || e.starts_at, 'not in the calendar')
      FROM (SELECT id, callback_at FROM leads_lead WHERE callback_at IS NOT NULL AND merged_into_id IS NULL) l
      FULL JOIN (SELECT lead_id, starts_at FROM leads_event WHERE kind = 'callback' AND status = 'planned') e
        ON e.lead_id = l.id
     WHERE l.callback_at IS DISTINCT FROM e.starts_at
     LIMIT %s"""


def find_drift() -> list[Drift]:
    """Every check, each on one consistent view of the database. Empty: everything agrees."""
    return [drift for check in (*_CHECKS.values(), _buckets) for drift in check()]


def _by_sql(check: str, sql: str) -> Callable[[], Iterator[Drift]]:
    def run() -> Iterator[Drift]:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute(sql, [MOST])
            rows = cursor.fetchall()
        for what, kept, real in rows:
            yield Drift(check, what, kept, real)

    return run


_CHECKS = {
    name: _by_sql(name, sql)
    for name, sql in {
        "purse": _BUDGETS,  # the budgets; the check keeps its name, which alerts may look for
        "run counters": _RUNS,
        "look-up state": _STRANDED_LOOKUPS,
        "item lease": _STRANDED_ITEMS,
        "phones to come": _STRANDED_REVEALS,
        "lead without ledger": _UNPAID_LEADS,
        "callback": _CALLBACKS,
    }.items()
}


def _buckets() -> Iterator[Drift]:
    for bucket_id, counters in recount(mend=False).items():
        for name, (kept, real) in counters.items():
            yield Drift("bucket counter", f"bucket {bucket_id} {name}", str(kept), str(real))
