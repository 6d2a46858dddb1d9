"""What a person's file says of a new lead beside its facts: tags, a status, notes. Set-based."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from leads.facts import added
from leads.models import Lead, StatusLabel

# Of one row: `tags`: [text], `status`: a status of Lead, `status_label`: the name of a label of the team under it,
# `notes`: text; each may be missing.
Facts = Mapping[str, Any]


def add_extras(*, owner_id: int, team_id: int, facts: Mapping[UUID, Facts], at: datetime) -> int:
    """Gives new leads the tags, the status and the notes of their rows, in the transaction that made them.

    at: when the file came, which is also when its notes were written: undoing an import knows them by it. Returns how
    many of the leads count as contacted.
    """
    stages = [
        (lead, row["status"], row.get("status_label"))
        for lead, row in facts.items()
        if row.get("status_label") or row.get("status", Lead.Status.NEW) != Lead.Status.NEW
    ]
    added.add(owner_id=owner_id, team_id=team_id, facts=facts, at=at)
    if stages:
        _move(stages, label_ids(team_id) if any(label for _, _, label in stages) else {})
    return sum(status in Lead.CONTACTED_STATUSES for _, status, _ in stages)


def label_ids(team_id: int) -> dict[tuple[str, str], UUID]:
    """The ids of a team's status labels by (status, name)."""
    rows = StatusLabel.objects.filter(team=team_id).values_list("status", "name", "pk")
    return {(status, name): pk for status, name, pk in rows}


def _move(stages: list[tuple[UUID, str, str | None]], labels: Mapping[tuple[str, str], UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE leads_lead l SET status = f.status, status_label_id = f.label
              FROM unnest(%s::uuid[], %s::text[], %s::uuid[]) AS f(id, status, label) WHERE l.id = f.id
            """,
            [
                [lead for lead, _, _ in stages],
                [status for _, status, _ in stages],
                [labels.get((status, label)) if label else None for _, status, label in stages],
            ],
        )
