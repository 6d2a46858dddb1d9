"""Registry checks: which numbers are on a do-not-call list, by whose check and how old. Never a suppression."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import connection

from common.db.arrays import hexed


@dataclass(frozen=True, slots=True)
class Check:
    """The newest check of a number against one list. list: federal, state:TX, litigator, reassigned."""

    id: UUID
    list: str
    listed: bool
    checked_at: datetime
    version_date: date | None
    source: str


def scrubs_of(seller_id: UUID, digests: Collection[bytes]) -> dict[bytes, list[Check]]:
    """This seller's newest check of each list, by a phone's digest: one query."""
    if not digests:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (s.digest, s.list)
                   s.digest, s.id, s.list, s.listed, s.checked_at, s.version_date, s.source
              FROM leads_scrub s
             WHERE s.digest IN (SELECT decode(n, 'hex') FROM unnest(string_to_array(%s, ',')) AS n)
               AND s.seller_id = %s
             ORDER BY s.digest, s.list, s.checked_at DESC, s.listed DESC
            """,
            [hexed(digests), seller_id],
        )
        found: dict[bytes, list[Check]] = {}
        for digest, *row in cursor.fetchall():
            found.setdefault(bytes(digest), []).append(Check(*row))
    return found
