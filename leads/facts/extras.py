"""What a person's file says of a new lead beside its facts: tags, a status, notes. Set-based."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from leads.facts import added
from leads.models import Lead

Facts = Mapping[str, Any]  # of one row: `tags`: [text], `status`: a status of Lead, `notes`: text; each may be missing


def add_extras(*, owner_id: int, team_id: int, facts: Mapping[UUID, Facts], at: datetime) -> int:
    """Gives new leads the tags, the status and the notes of their rows, in the transaction that made them.

    at: when the file came, which is also when its notes were written: undoing an import knows them by it. Returns how
    many of the leads count as contacted.
    """
    statuses = [(lead, row["status"]) for lead, row in facts.items() if row.get("status", Lead.Status.NEW) != "new"]
    added.add(owner_id=owner_id, team_id=team_id, facts=facts, at=at)
    if statuses:
        _move(statuses)
    return sum(status in Lead.CONTACTED_STATUSES for _, status in statuses)


def _move(statuses: list[tuple[UUID, str]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE leads_lead l SET status = f.status
              FROM unnest(%s::uuid[], %s::text[]) AS f(id, status) WHERE l.id = f.id
            """,
            [[lead for lead, _ in statuses], [status for _, status in statuses]],
        )
