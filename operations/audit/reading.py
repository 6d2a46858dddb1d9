"""What is read of the audit: chosen by who, what, which object, when and which team; as pages, CSV and lines of JSON.

Events are read newest first by their ids, which are times: a month that is not asked for is not opened.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q, QuerySet

from accounts.access import Access
from accounts.actions import ACTIONS
from accounts.audit import line_of, record, values_of
from accounts.models import AuditEvent, User
from common.db.ids import uuid7_floor

PIECE = 2000  # events read at once
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes a cell for a formula by
COLUMNS = (
    *("at", "action", "userName", "userId", "teamId", "tokenKey", "address", "requestId", "kind", "objectId"),
    *("objectName", "before", "after", "id"),
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which events. Empty or None: all. user: a user name. since, until: from then on, and before then."""

    user: str = ""
    action: str = ""
    kind: str = ""
    object_id: str = ""
    team_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


def events(rows: QuerySet[AuditEvent], chosen: Chosen) -> QuerySet[AuditEvent]:
    """Those of `rows` that are asked for; each way to ask has its index."""
    if chosen.user:
        rows = rows.filter(by_name(chosen.user))
    if chosen.since:
        rows = rows.filter(pk__gte=uuid7_floor(chosen.since))
    if chosen.until:
        rows = rows.filter(pk__lt=uuid7_floor(chosen.until))
    exact = {"action": chosen.action, "kind": chosen.kind, "object_id": chosen.object_id, "team_id": chosen.team_id}
    return rows.filter(**{name: value for name, value in exact.items() if value})


def by_name(name: str) -> Q:
    """Of the user of this name, or of somebody who tried to sign in by it."""
    known = User.objects.filter(username=name).values_list("pk", flat=True).first()
    return Q(user_id=known) if known else Q(user_id__isnull=True, user_name=name)


def in_pieces(rows: QuerySet[AuditEvent]) -> Iterator[list[AuditEvent]]:
    """The newest first, PIECE at a time, by keyset: a long answer holds no cursor open."""
    rows = rows.order_by("-pk")
    found = list(rows[:PIECE])
    while found:
        yield found
        found = list(rows.filter(pk__lt=found[-1].pk)[:PIECE]) if len(found) == PIECE else []


def csv_of(rows: QuerySet[AuditEvent], *, access: Access, filters: Iterable[str]) -> Iterator[bytes]:
    """These events as CSV. That they were taken is recorded before the first leaves. filters: how they were chosen."""
    record("audit.exported", by=access.user, team_id=access.team_id, after={"filters": sorted(filters)})
    return _csv(rows)


def _csv(rows: QuerySet[AuditEvent]) -> Iterator[bytes]:
    yield ("\ufeff" + ",".join(COLUMNS) + "\r\n").encode()
    for found in in_pieces(rows):
        text = io.StringIO()
        csv.writer(text).writerows([_cell(values[name]) for name in COLUMNS] for values in map(values_of, found))
        yield text.getvalue().encode()


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        value = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
    text = value.isoformat() if isinstance(value, datetime) else "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def lines_of(rows: QuerySet[AuditEvent], since: datetime) -> Iterator[str]:
    """Events from then on as lines of JSON, the oldest first, for a log collector that goes on where it stopped."""
    rows = rows.filter(pk__gte=uuid7_floor(since)).order_by("pk")
    found = list(rows[:PIECE])
    while found:
        yield from map(line_of, found)
        found = list(rows.filter(pk__gt=found[-1].pk)[:PIECE])


def words(action: str) -> str:
    """An event in a person's words."""
    return ACTIONS.get(action, action)
