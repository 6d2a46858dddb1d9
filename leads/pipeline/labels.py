"""A team's status labels: made, renamed, put in order and retired by its managers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.access import Access
from accounts.audit import record
from accounts.locks import lock_team
from leads.models import Lead, StatusLabel
from leads.pipeline.lists import Refused, managed, name_of, own, place_in, put, saved, set_retired

LABELS_MAX = 40  # of one team that are offered: a board of more columns is read by nobody
NAME_MAX = 40
DEFAULT_COLOR = "#6b7280"
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_ORDER = {status: place for place, status in enumerate(Lead.Status.values)}


def labels_of(team_id: int | None, *, retired: bool = False) -> list[StatusLabel]:
    """The labels of a team, by status and place. retired: those that are offered no more, too."""
    rows = StatusLabel.objects.filter(team=team_id)
    if not retired:
        rows = rows.filter(retired_at__isnull=True)
    return sorted(rows, key=lambda row: (_ORDER[row.status], row.retired_at is not None, row.position, row.pk))


def label_named(team_id: int | None, said: str) -> StatusLabel:
    """One that is offered, by its name in any case, or its id. Raises Refused, field `statusLabel`."""
    rows = StatusLabel.objects.filter(team=team_id, retired_at__isnull=True)
    try:
        found = rows.filter(pk=UUID(said)).first()
    except ValueError:
        found = rows.filter(name__iexact=" ".join(said.replace("\x00", "").split())[:200]).first()
    if found is None:
        raise Refused("INVALID", "Your team has no such status label.", "statusLabel")
    return found


def make_label(access: Access, values: Mapping[str, Any]) -> StatusLabel:
    """A new label. values: name, status, and color and position if wanted. Raises Refused."""
    team_id = managed(access)
    with transaction.atomic():
        lock_team(team_id)
        there = labels_of(team_id)
        if len(there) >= LABELS_MAX:
            raise Refused("INVALID", f"A team has at most {LABELS_MAX} status labels: retire one first.", "name")
        status = values.get("status")
        if status not in _ORDER:
            raise Refused("INVALID", f"Choose one of: {', '.join(_ORDER)}.", "status")
        row = StatusLabel(team_id=team_id, status=status, name=name_of(values.get("name", ""), most=NAME_MAX))
        row.color = _color(values.get("color") or DEFAULT_COLOR)
        _refuse_status_name(row.name)
        same = [one for one in there if one.status == status]
        put(same, row, place_in(values, len(same)))
        saved(row, "status label")
        record("status_label.created", by=access.user, team_id=team_id, about=row, name=row.name, after=_told(row))
    return row


def change_label(access: Access, label_id: UUID, values: Mapping[str, Any]) -> StatusLabel:
    """Renames it, gives it another color or place. Its status stays. Raises Refused."""
    team_id = managed(access)
    with transaction.atomic():
        lock_team(team_id)
        row: StatusLabel = own(StatusLabel, team_id, label_id)
        before = _told(row)
        if "name" in values:
            row.name = name_of(values["name"], most=NAME_MAX)
            _refuse_status_name(row.name)
        if "color" in values:
            row.color = _color(values["color"])
        if "position" in values and row.retired_at is None:
            put([one for one in labels_of(team_id) if one.status == row.status], row, place_in(values, row.position))
        saved(row, "status label")
        if _told(row) != before:
            record("status_label.changed", by=access.user, team_id=team_id, about=row, name=row.name,
                   before=before, after=_told(row))  # fmt: skip
    return row


def retire_label(access: Access, label_id: UUID) -> StatusLabel:
    """It is offered no more; leads that have it still say it. Again: nothing. Raises Refused."""
    return _retire(access, label_id, "status_label.retired", is_retired=True)


def restore_label(access: Access, label_id: UUID) -> StatusLabel:
    """It is offered again, behind the others of its status. Raises Refused."""
    return _retire(access, label_id, "status_label.restored", is_retired=False)


def _retire(access: Access, label_id: UUID, action: str, *, is_retired: bool) -> StatusLabel:
    row: StatusLabel = set_retired(
        access, StatusLabel, label_id, action=action, is_retired=is_retired,
        offered=labels_of, most=LABELS_MAX, told=_told,
        beside=lambda one, row: one.status == row.status,
    )  # fmt: skip
    return row


def _refuse_status_name(name: str) -> None:
    """A label that is called like a status could not be told from it."""
    if name.casefold() in _ORDER:
        raise Refused("INVALID", "This is a status itself: choose another name.", "name")


def _color(said: object) -> str:
    if not isinstance(said, str) or not _COLOR.fullmatch(said):
        raise Refused("INVALID", "A color is six hex digits behind a #, such as #0f766e.", "color")
    return said.lower()


def _told(row: StatusLabel) -> dict[str, Any]:
    return {"status": row.status, "color": row.color, "position": row.position}
