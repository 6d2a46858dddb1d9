"""What is kept for how long: older rows are dropped, a piece a transaction. All but the bodies of message
vendors' posts, opens and clicks, the changes of leads, and notifications, only where a setting says so.

Money stays: the charges of deleted requests are counted on in `SpentBefore`, which `reconcile` reads. A purchased
answer that is dropped is not owned any more: the next question buys it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from accounts.audit import record
from common.db.clock import database_now
from integrations.ledger import scopes
from operations.locks import try_retention

PIECE = 2_000  # rows of a transaction
SECONDS = 60.0  # of one task
_OVER = "('settled', 'released', 'written_off')"


@dataclass(frozen=True, slots=True)
class Rule:
    """kind: what is dropped, in words. setting: days it is kept; 0: for ever. find: rows that are due, by a time, as a
    query of their ids. drop: what is done to rows whose ids `due` has.
    """

    kind: str
    setting: str
    find: str
    drop: tuple[str, ...]

    @property
    def days(self) -> int:
        return int(getattr(settings, self.setting))


# A dropped answer is an empty row: what it cost stays, reconcile finds that a lead's detail was bought, nothing serves.
RULES = (
    Rule(
        "purchased data", "KEEP_LOOKUP_DAYS",
        "SELECT id FROM integrations_lookup WHERE fetched_at < %(before)s AND state IN ('answered', 'garbage')",
        ("UPDATE integrations_lookup SET state = 'free', facts = '{}', category = '', fetched_at = NULL "
         "WHERE id IN (SELECT id FROM due) AND state IN ('answered', 'garbage')",),
    ),
    Rule(
        "unreadable answers", "KEEP_RAW_DAYS",
        "SELECT call_id AS id FROM integrations_unreadableanswer WHERE created_at < %(before)s AND raw IS NOT NULL",
        ("UPDATE integrations_unreadableanswer SET raw = NULL WHERE call_id IN (SELECT id FROM due)",),
    ),
    Rule(
        "phones delivered", "KEEP_RAW_DAYS",
        "SELECT call_id AS id FROM integrations_phonereveal WHERE closed_at < %(before)s AND raw IS NOT NULL",
        ("UPDATE integrations_phonereveal SET raw = NULL WHERE call_id IN (SELECT id FROM due)",),
    ),
    Rule(
        "posts of message vendors", "KEEP_INBOUND_DAYS",
        "SELECT id FROM campaigns_inbound WHERE handled_at < %(before)s AND body IS NOT NULL",
        ("UPDATE campaigns_inbound SET body = NULL WHERE id IN (SELECT id FROM due)",),
    ),
    Rule(
        "opens and clicks", "KEEP_TOUCHES_DAYS",
        "SELECT id FROM campaigns_touch WHERE at < %(before)s",
        ("DELETE FROM campaigns_touch WHERE id IN (SELECT id FROM due)",),
    ),
    Rule(
        # A day longer than cursors hold (`leads.changes.reading`). Team by team: the index begins with it.
        "changes of leads", "KEEP_CHANGES_DAYS",
        f"SELECT c.id FROM accounts_team t CROSS JOIN LATERAL (SELECT id FROM leads_change WHERE team_id = t.id "  # noqa: S608
        f"AND at < %(before)s - interval '1 day' ORDER BY at LIMIT {PIECE}) c",
        ("DELETE FROM leads_change WHERE id IN (SELECT id FROM due)",),
    ),
    Rule(
        "guests of appointments", "KEEP_GUESTS_DAYS",
        "SELECT id FROM leads_event WHERE ends_at < %(before)s AND (guest_name IS NOT NULL OR guest_email IS NOT NULL)",
        ("UPDATE leads_event SET guest_name = NULL, guest_email = NULL, guest_phone = NULL, confirm_digest = NULL, "
         "note = '' WHERE id IN (SELECT id FROM due)",),
    ),
    Rule(
        "notifications", "KEEP_NOTIFICATIONS_DAYS",
        "SELECT id FROM accounts_notification WHERE created_at < %(before)s",
        ("DELETE FROM accounts_notification WHERE id IN (SELECT id FROM due)",),
    ),
    Rule(
        "failed rows", "KEEP_FAILED_ROWS_DAYS",
        "SELECT f.id FROM buckets_importfailure f JOIN buckets_import i ON i.id = f.job_id "
        "WHERE i.updated_at < %(before)s",
        ("DELETE FROM buckets_importfailure WHERE id IN (SELECT id FROM due)",),
    ),
    Rule(
        "uploaded files", "KEEP_UPLOADS_DAYS",
        "SELECT p.id FROM buckets_importpiece p JOIN buckets_import i ON i.id = p.job_id "
        "WHERE i.updated_at < %(before)s AND i.status IN ('failed', 'undone', 'completed')",
        ("DELETE FROM buckets_importpiece WHERE id IN (SELECT id FROM due)",),
    ),
    Rule(
        "vendor requests", "KEEP_CALLS_DAYS",
        f"SELECT c.id FROM integrations_vendorcall c WHERE c.ended_at < %(before)s AND c.state IN {_OVER} "  # noqa: S608
        "AND NOT EXISTS (SELECT FROM integrations_phonereveal r WHERE r.call_id = c.id "
        "                 AND r.state IN ('early', 'waiting', 'in_doubt')) "
        "AND NOT EXISTS (SELECT FROM integrations_lookup l WHERE l.call_id = c.id "
        "                 AND l.state IN ('buying', 'in_doubt'))",
        (
            f"""INSERT INTO integrations_spentbefore AS s (scope, spent)
                SELECT h.key, sum(CASE WHEN {scopes.counts_in_sql("h.key")} THEN c.inputs ELSE c.cost END)
                  FROM integrations_vendorcall c JOIN due ON due.id = c.id, jsonb_each_text(c.holds) h
                 WHERE c.state IN ('settled', 'written_off') GROUP BY h.key ORDER BY h.key
                ON CONFLICT (scope) DO UPDATE SET spent = s.spent + excluded.spent""",  # noqa: S608
            "UPDATE integrations_lookup SET call_id = NULL WHERE call_id IN (SELECT id FROM due)",
            "UPDATE campaigns_delivery SET call_id = NULL WHERE call_id IN (SELECT id FROM due)",
            "UPDATE campaigns_callattempt SET call_id = NULL WHERE call_id IN (SELECT id FROM due)",
            "UPDATE campaigns_phonecode SET call_id = NULL WHERE call_id IN (SELECT id FROM due)",
            "DELETE FROM integrations_phonereveal WHERE call_id IN (SELECT id FROM due)",
            "DELETE FROM integrations_unreadableanswer WHERE call_id IN (SELECT id FROM due)",
            "DELETE FROM integrations_vendorcall WHERE id IN (SELECT id FROM due)",
        ),
    ),
)  # fmt: skip


def due() -> dict[str, int]:
    """How many rows would be dropped now, by kind: the dry run."""
    return {rule.kind: _count(rule) for rule in RULES if rule.days}


def apply(*, seconds: float = SECONDS, after_piece: Callable[[str, int], None] = lambda _kind, _rows: None) -> bool:
    """Drops what is due, piece by piece. Returns whether something is left when the time is over."""
    until = time.monotonic() + seconds
    for rule in RULES:
        while rule.days:
            if time.monotonic() >= until:
                return True
            dropped = _drop_piece(rule)
            after_piece(rule.kind, dropped)
            if dropped < PIECE:
                break
    return False


def _before(rule: Rule) -> datetime:
    return database_now() - timedelta(days=rule.days)


def _count(rule: Rule) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({rule.find}) due", {"before": _before(rule)})  # noqa: S608
        return int((cursor.fetchone() or (0,))[0])


def _drop_piece(rule: Rule) -> int:
    """1. Chooses the rows, and passes over those that somebody else is dropping: two tasks at once share the work.
    2. Drops them, and what hangs on them. 3. Counts them.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if not try_retention():
            return 0
        cursor.execute(
            f"CREATE TEMPORARY TABLE due ON COMMIT DROP AS {rule.find} ORDER BY 1 LIMIT {PIECE}",
            {"before": _before(rule)},
        )
        dropped = int(cursor.rowcount)
        if dropped:
            for statement in rule.drop:
                cursor.execute(statement)
            cursor.execute(
                """
                INSERT INTO integrations_dropped AS d (kind, rows, at) VALUES (%s, %s, clock_timestamp())
                ON CONFLICT (kind) DO UPDATE SET rows = d.rows + excluded.rows, at = excluded.at
                """,
                [rule.kind, dropped],
            )
            record("retention.applied", by=None, after={rule.kind: dropped})
        cursor.execute("DROP TABLE due")
    return dropped
