"""What has changed about a team's leads since a program last asked. Reads only.

A row is told once every transaction that began to write before its own is over (`pg_snapshot_xmin`): a time, or a
number given out while it runs, would pass over one that commits late. Each change is told at least once.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from leads.models import Lead

# A transaction that wrote before a moment and committed after it is found from `since` if it took no longer than this.
LATE = timedelta(hours=1)
_PIECE = 200  # rows of the table read at once
_ROWS_MOST = 4_000  # of a page: a page of less leads, or none, with a cursor that goes on
_FIRST, _BIG = UUID(int=0), 2**63  # what PostgreSQL's bigint holds


class TooOld(Exception):
    """The place is older than what is kept, or of a database that was restored from a copy since."""


class NotYet(Exception):
    """The moment has not come yet."""


@dataclass(frozen=True, slots=True)
class Place:
    """Behind which lead of which row one goes on. at: when that row was written, or there was nothing more to tell."""

    xid: int
    row: int
    lead_id: UUID
    at: datetime
    cluster: str

    def __str__(self) -> str:
        return f"{self.cluster} {self.xid} {self.row} {int(self.at.timestamp())}"

    @classmethod
    def read(cls, lead_id: UUID, text: str) -> Place:
        """Raises ValueError."""
        cluster, xid, row, at = text.split(" ")
        if not (0 <= int(xid) < _BIG and 0 <= int(row) < _BIG):
            raise ValueError("no place")
        return cls(int(xid), int(row), lead_id, datetime.fromtimestamp(int(at), UTC), cluster)


@dataclass(slots=True)
class Page:
    """touched: leads in the order of their first change here, with its time. more: there is more to be had at once."""

    touched: dict[UUID, datetime] = field(default_factory=dict)
    place: Place | None = None
    more: bool = False


def cluster_now() -> tuple[str, int, datetime]:
    """Which PostgreSQL this is (a copy restored elsewhere counts its transactions anew), below which number every
    transaction is over, and its time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT system_identifier::text, pg_snapshot_xmin(pg_current_snapshot())::text::bigint, clock_timestamp() "
            "FROM pg_control_system()"
        )
        identifier, over, now = cursor.fetchone() or ("", 0, datetime.now(UTC))
    return f"{zlib.crc32(str(identifier).encode()):08x}", int(over), now


def changes(team_id: int | None, *, after: Place | None, since: datetime | None, limit: int) -> Page:
    """The next changes of a team's leads, `limit` leads at most. Raises TooOld, NotYet.

    1. From `after`, else from the first transaction that wrote something since `since`, else from now: nothing yet.
    2. Row by row in the order of transactions, as far as every one is over, until enough leads or rows are read.
    3. The place behind the last lead read; where nothing is left, the end of what is over.
    """
    cluster, over, now = cluster_now()
    _check(after, since, cluster, now)
    end = Place(over, 0, _FIRST, now, cluster)
    if after is None:
        after = _from(team_id, since, end) if since is not None else end
    page, rows = Page(place=after), 0
    while rows < _ROWS_MOST:
        found = _rows(team_id, page.place or end, over)
        for row in found:
            if not _take(page, row, cluster, limit):
                page.more = True
                return page
        rows += len(found)
        if len(found) < _PIECE:
            page.place = end
            return page
    page.more = True
    return page


def _check(after: Place | None, since: datetime | None, cluster: str, now: datetime) -> None:
    oldest = now - timedelta(days=settings.KEEP_CHANGES_DAYS)
    if after is not None and (after.cluster != cluster or after.at < oldest):
        raise TooOld
    if since is not None and since < oldest:
        raise TooOld
    if since is not None and since > now:
        raise NotYet


def _from(team_id: int | None, since: datetime, end: Place) -> Place:
    """Before the first transaction that wrote after `since`, or not long before it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(xid) FROM leads_change WHERE team_id = %s AND at >= %s", [team_id, since - LATE])
        (first,) = cursor.fetchone() or (None,)
    return end if first is None else Place(min(int(first), end.xid), 0, _FIRST, since, end.cluster)


def _rows(team_id: int | None, after: Place, over: int) -> list[Any]:
    """(xid, id, at, bucket_id, ids, first, last) of the next rows; the first may be one that was told in part."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT xid, id, at, bucket_id, ids, first, last FROM leads_change
             WHERE team_id = %s AND (xid, id) >= (%s, %s) AND xid < %s ORDER BY xid, id LIMIT %s
            """,
            [team_id, after.xid, after.row, over, _PIECE],
        )
        rows: list[Any] = cursor.fetchall()
    return rows


def _take(page: Page, row: Any, cluster: str, limit: int) -> bool:
    """Puts a row's leads onto the page; False: not all of them found room."""
    xid, row_id, at, bucket_id, ids, first, last = row
    place = page.place
    begun = place is not None and (place.xid, place.row) == (xid, row_id)
    behind = place.lead_id if begun and place is not None else _FIRST
    room = limit - len(page.touched)
    there = ids if bucket_id is None else _new(bucket_id, max(first, behind), last, room + len(page.touched) + 2)
    for lead_id in there:
        if lead_id <= behind:
            continue
        if lead_id not in page.touched:
            if len(page.touched) >= limit:
                return False
            page.touched[lead_id] = at
        page.place = Place(xid, row_id, lead_id, at, cluster)
    page.place = Place(xid, row_id, last, at, cluster)
    return True


def _new(bucket_id: UUID, first: UUID, last: UUID, most: int) -> Iterable[UUID]:
    """A bucket's leads between two ids, hidden ones too. The bounds belong to them."""
    leads = Lead.every.filter(bucket=bucket_id, pk__gte=first, pk__lte=last)
    return list(leads.order_by("pk").values_list("pk", flat=True)[:most])


@dataclass(frozen=True, slots=True)
class Gone:
    """A lead that is there no more. merged_into: the older one that stands for it; None: it was deleted."""

    lead_id: UUID
    at: datetime
    merged_into: UUID | None


def gone_of(team_id: int | None, touched: dict[UUID, datetime], shown: Iterable[UUID]) -> list[Gone]:
    """Those of these leads that are not shown, in the order given: hidden behind another one, or deleted."""
    missing = set(touched) - set(shown)
    hidden = Lead.every.filter(team=team_id, pk__in=missing) if missing else Lead.every.none()
    into = dict(hidden.values_list("pk", "merged_into_id"))
    return [Gone(lead_id, at, into.get(lead_id)) for lead_id, at in touched.items() if lead_id in missing]
