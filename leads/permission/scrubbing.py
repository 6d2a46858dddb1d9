"""Registry checks: which numbers are on a do-not-call list, by whose check and how old. Never a suppression."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from django.db import connection

from common.db.arrays import hexed
from leads.keys.owner_keys import PHONE
from leads.models import Seller, Upload
from leads.permission.selling import active_seller
from leads.privacy.filtering import digests_of

# u brought a registry's whole list of area codes.
WHOLE_FILE = f"""(u.kind = '{Upload.Kind.SCRUB}' AND u.status = '{Upload.Status.COMPLETED}' AND u.refused = 0
                  AND u.options ? 'areaCodes')"""


@dataclass(frozen=True, slots=True)
class Check:
    """The newest check of a number against one list. list: federal, state:TX, litigator, reassigned."""

    id: UUID
    list: str
    listed: bool
    checked_at: datetime
    version_date: date | None
    source: str


def whole_lists(seller: Seller) -> dict[str, tuple[date, UUID]]:
    """Area codes of which this seller has brought the national registry's whole list: the newest version, and its file.

    A file with a row that could not be read is no whole list: the row may be the number.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT u.id, u.options FROM leads_upload u WHERE u.team_id = %s AND u.seller_id = %s AND {WHOLE_FILE}",  # noqa: S608  # constants
            [seller.team_id, seller.pk],
        )
        return newest_lists((pk, json.loads(said)) for pk, said in cursor.fetchall())


def newest_lists(files: Iterable[tuple[UUID, Any]]) -> dict[str, tuple[date, UUID]]:
    """Of whole files by id, with their options: the newest of each area code."""
    found: dict[str, tuple[date, UUID]] = {}
    for pk, said in files:
        of_file = date.fromisoformat(said["versionDate"]), pk
        for code in said["areaCodes"]:
            found[code] = max(found.get(code, of_file), of_file)
    return found


def area_codes_checked() -> dict[int, set[str]]:
    """By team: the area codes of which its company has brought the whole list."""
    found: dict[int, set[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT u.team_id, u.options FROM leads_upload u JOIN leads_seller s ON s.id = u.seller_id
             WHERE s.replaced_at IS NULL AND {WHOLE_FILE}
            """  # noqa: S608  # a constant
        )
        for team_id, said in cursor.fetchall():
            found.setdefault(team_id, set()).update(json.loads(said)["areaCodes"])
    return found


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
    whole = whole_lists(seller) if seller else {}
    for number in numbers:
        known, (version, pk) = newest.get(number), whole.get(number[2:5], (date.min, None))
        if pk and not (known and known.listed) and (known is None or version > (known.version_date or date.min)):
            at = datetime.combine(version, time(), UTC)
            newest[number] = Check(pk, "federal", listed=False, checked_at=at, version_date=version, source="file")
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
