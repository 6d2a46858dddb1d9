"""Registry checks: which numbers are on a do-not-call list, by whose check and how old. Never a suppression."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import connection

from common.db.arrays import hexed
from leads.keys.owner_keys import PHONE
from leads.permission.selling import active_seller
from leads.privacy.filtering import digests_of


@dataclass(frozen=True, slots=True)
class Check:
    """The newest check of a number against one list. list: federal, state:TX, litigator, reassigned."""

    id: UUID
    list: str
    listed: bool
    checked_at: datetime
    version_date: date | None
    source: str


def checked_numbers(team_id: int, numbers: Collection[str]) -> dict[str, Check]:
    """The newest check of each of these numbers against the national registry, by the team's company."""
    seller = active_seller(team_id)
    digests = digests_of([(PHONE, number) for number in numbers])
    found = scrubs_of(seller.pk, {digest for _, digest in digests}) if seller else {}
    newest: dict[str, Check] = {}
    for digest, checks in found.items():
        for check in checks:
            _, number = digests[PHONE, digest]
            known = newest.get(number)
            if check.list == "federal" and (known is None or check.checked_at > known.checked_at):
                newest[number] = check
    return newest


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
