"""Tags and notes that a file gives to leads, new or there: what they have already is not given twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from common.db.ids import uuid7s
from leads.models import Activity, Tag

Given = dict[UUID, dict[str, list[str]]]  # lead: {"+tags": ids, "+notes": ids}


def add(*, owner_id: int, team_id: int, facts: Mapping[UUID, Mapping[str, Any]], at: datetime) -> Given:
    """Gives leads the `tags` ([text]) and the `notes` (text) of their rows; returns the ids of what is new.

    Tags the owner does not have yet are made, in one order so that two imports cannot wait for each other.
    """
    given: Given = defaultdict(dict)
    if tags := [(lead, tag) for lead, row in facts.items() for tag in row.get("tags", ())]:
        for lead, tag in _tag(owner_id, team_id, tags):
            given[lead].setdefault("+tags", []).append(str(tag))
    if notes := [(lead, row["notes"]) for lead, row in facts.items() if row.get("notes")]:
        for lead, note in _note(owner_id, notes, at):
            given[lead].setdefault("+notes", []).append(str(note))
    return given


def take_back(given: Given) -> None:
    """Takes these tags and notes from their leads again."""
    tags = [(lead, tag) for lead, ids in given.items() for tag in ids.get("+tags", ())]
    notes = [note for ids in given.values() for note in ids.get("+notes", ())]
    with connection.cursor() as cursor:
        if tags:
            cursor.execute(
                """
                DELETE FROM leads_lead_tags t USING unnest(%s::uuid[], %s::uuid[]) AS f(lead_id, tag_id)
                 WHERE t.lead_id = f.lead_id AND t.tag_id = f.tag_id
                """,
                [[lead for lead, _ in tags], [tag for _, tag in tags]],
            )
        if notes:
            cursor.execute("DELETE FROM leads_activity WHERE id = ANY(%s::uuid[]) RETURNING lead_id", [notes])
            leads = [lead for (lead,) in cursor.fetchall()]
            cursor.execute(
                """
                UPDATE leads_lead l SET (activity_count, last_activity_at) = (
                       SELECT count(*), max(created_at) FROM leads_activity a WHERE a.lead_id = l.id)
                 WHERE l.id = ANY(%s)
                """,
                [leads],
            )


def _tag(owner_id: int, team_id: int, tags: Sequence[tuple[UUID, str]]) -> list[tuple[UUID, UUID]]:
    names = {name.lower(): name for _, name in tags}
    Tag.objects.bulk_create(
        [Tag(owner_id=owner_id, team_id=team_id, name=name) for _, name in sorted(names.items())],
        ignore_conflicts=True,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO leads_lead_tags (lead_id, tag_id)
            SELECT DISTINCT f.lead_id, t.id
              FROM unnest(%s::uuid[], %s::text[]) AS f(lead_id, name)
              JOIN leads_tag t ON t.team_id = %s AND lower(t.name) = lower(f.name)
            ON CONFLICT DO NOTHING RETURNING lead_id, tag_id
            """,
            [[lead for lead, _ in tags], [name for _, name in tags], team_id],
        )
        return list(cursor.fetchall())


def _note(owner_id: int, notes: Sequence[tuple[UUID, str]], at: datetime) -> list[tuple[UUID, UUID]]:
    """A note that the lead has, word for word, is not written again."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO leads_activity (id, lead_id, by_id, kind, text, created_at)
            SELECT f.id, f.lead_id, %s, %s, f.text, %s
              FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS f(id, lead_id, text)
             WHERE NOT EXISTS (SELECT FROM leads_activity a
                                WHERE a.lead_id = f.lead_id AND a.kind = %s AND a.text = f.text)
            RETURNING lead_id, id
            """,
            [
                *(owner_id, Activity.Kind.NOTE.value, at, [UUID(str(one)) for one in uuid7s(len(notes))]),
                *([lead for lead, _ in notes], [text for _, text in notes], Activity.Kind.NOTE.value),
            ],
        )
        new: list[tuple[UUID, UUID]] = cursor.fetchall()
        cursor.execute(
            "UPDATE leads_lead SET activity_count = activity_count + 1, last_activity_at = %s WHERE id = ANY(%s)",
            [at, [lead for lead, _ in new]],
        )
        return new
