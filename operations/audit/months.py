"""Months of the audit that are over: dropped by the owner of the tables, whom the application's own role is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
from django.conf import settings
from psycopg import sql

from accounts.audit import record
from common.db.clock import database_now

NAME = re.compile(r"accounts_auditevent_y(\d{4})m(\d{2})")
WAIT = "5s"  # for readers: who waits for this lock holds up everybody who writes an event


@dataclass(frozen=True, slots=True)
class Month:
    """A partition. ends: before then were its events written. events: about how many, as PostgreSQL estimates."""

    table: str
    ends: datetime
    events: int

    def __str__(self) -> str:
        return f"{self.table.removeprefix('accounts_auditevent_y').replace('m', '-')}: about {self.events:,} events"


def months_over(connection: psycopg.Connection[tuple[str, int]], *, days: int) -> list[Month]:
    """The months that ended more than `days` ago, the oldest first."""
    rows = connection.execute(
        "SELECT c.relname, greatest(c.reltuples, 0)::bigint FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = 'accounts_auditevent'::regclass ORDER BY c.relname"
    )
    found = [Month(table, _end(match), count) for table, count in rows if (match := NAME.fullmatch(table))]
    return [month for month in found if month.ends <= database_now() - timedelta(days=days)]


def drop_months(*, days: int, dry_run: bool) -> Iterator[Month]:
    """Drops the months that ended more than `days` ago, as the owner (OWNER_DATABASE_URL), and gives each.

    Each is recorded before it goes: nothing disappears without an event. Raises psycopg.Error.
    """
    with psycopg.connect(settings.OWNER_DATABASE_URL, autocommit=True) as owner:
        owner.execute(sql.SQL("SET lock_timeout = {}").format(WAIT))
        for month in months_over(owner, days=days):
            if not dry_run:
                record("audit.dropped", by=None, after={"month": month.table[-8:], "events": month.events})
                owner.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(month.table)))
            yield month


def _end(match: re.Match[str]) -> datetime:
    year, month = int(match[1]), int(match[2])
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
