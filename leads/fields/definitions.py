"""A team's custom fields: made, renamed, put in order and retired by its managers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.access import Access
from accounts.audit import record
from accounts.locks import lock_team
from leads.fields.values import KEY
from leads.models import CustomField
from leads.pipeline.lists import Refused, managed, name_of, own, place_in, put, saved, set_retired

FIELDS_MAX = 50  # of one team that are offered: a lead's page and a file's columns stay readable
NAME_MAX = 50
CHOICES_MAX, CHOICE_MAX = 100, 60
KEPT_MAX = 500  # with those that are retired, whose keys are never used again


def fields_of(team_id: int | None, *, retired: bool = False) -> list[CustomField]:
    """The fields of a team in their order. retired: those that are offered no more, too, behind the others."""
    rows = CustomField.objects.filter(team=team_id)
    if not retired:
        rows = rows.filter(retired_at__isnull=True)
    return sorted(rows, key=lambda row: (row.retired_at is not None, row.position, row.pk))


def make_field(access: Access, values: Mapping[str, Any]) -> CustomField:
    """A new field. values: name, kind; key, choices and position if wanted. Raises Refused."""
    team_id = managed(access)
    with transaction.atomic():
        lock_team(team_id)
        there = fields_of(team_id, retired=True)
        offered = [one for one in there if one.retired_at is None]
        if len(offered) >= FIELDS_MAX or len(there) >= KEPT_MAX:
            raise Refused("INVALID", f"A team has at most {FIELDS_MAX} custom fields: retire one first.", "name")
        row = CustomField(
            team_id=team_id, kind=values.get("kind", ""), name=name_of(values.get("name", ""), most=NAME_MAX)
        )
        if row.kind not in CustomField.Kind.values:
            raise Refused("INVALID", f"Choose one of: {', '.join(CustomField.Kind.values)}.", "kind")
        row.key = _key(values.get("key"), row.name, {one.key for one in there})
        row.choices = _choices(row.kind, values.get("choices") or [])
        put(offered, row, place_in(values, len(offered)))
        saved(row, "custom field")
        record("custom_field.created", by=access.user, team_id=team_id, about=row, name=row.name, after=_told(row))
    return row


def change_field(access: Access, field_id: UUID, values: Mapping[str, Any]) -> CustomField:
    """Renames it, changes what may be chosen, or its place. Key and kind stay. Raises Refused.

    A choice that is taken away stays on the leads that have it.
    """
    team_id = managed(access)
    with transaction.atomic():
        lock_team(team_id)
        row: CustomField = own(CustomField, team_id, field_id)
        before = _told(row)
        if "name" in values:
            row.name = name_of(values["name"], most=NAME_MAX)
        if "choices" in values:
            row.choices = _choices(row.kind, values["choices"])
        if "position" in values and row.retired_at is None:
            put(fields_of(team_id), row, place_in(values, row.position))
        saved(row, "custom field")
        if _told(row) != before:
            record("custom_field.changed", by=access.user, team_id=team_id, about=row, name=row.name,
                   before=before, after=_told(row))  # fmt: skip
    return row


def retire_field(access: Access, field_id: UUID) -> CustomField:
    """It is offered no more; what leads hold of it stays. Again: nothing. Raises Refused."""
    return _retire(access, field_id, "custom_field.retired", is_retired=True)


def restore_field(access: Access, field_id: UUID) -> CustomField:
    """It is offered again, behind the others, with what leads hold of it. Raises Refused."""
    return _retire(access, field_id, "custom_field.restored", is_retired=False)


def _retire(access: Access, field_id: UUID, action: str, *, is_retired: bool) -> CustomField:
    row: CustomField = set_retired(
        access, CustomField, field_id, action=action, is_retired=is_retired,
        offered=fields_of, most=FIELDS_MAX, told=_told,
        beside=lambda _one, _row: True,
    )  # fmt: skip
    return row


def _key(said: object, name: str, taken: set[str]) -> str:
    """The key that was asked for, or one of the name: "Asking price" is askingPrice. Raises Refused."""
    if said:
        if not isinstance(said, str) or not KEY.fullmatch(said):
            words = "A key is letters and digits, 40 at most, and begins with a lowercase letter: askingPrice."
            raise Refused("INVALID", words, "key")
        if said in taken:
            raise Refused("INVALID", "Your team has, or once had, a field with this key.", "key")
        return said
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    parts = re.findall(r"[A-Za-z0-9]+", plain)
    key = "".join(word.title() if place else word.lower() for place, word in enumerate(parts))[:36]
    key = key if re.match(r"[a-z]", key) else f"field{key.title()}"[:36]
    number = 2
    first = key
    while key in taken:
        key, number = f"{first}{number}", number + 1
    return key


def _choices(kind: str, said: Any) -> list[str]:
    """What may be chosen, each once. Raises Refused, field `choices`."""
    if kind != CustomField.Kind.CHOICE:
        if said:
            raise Refused("INVALID", "Only a choice has choices.", "choices")
        return []
    if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
        raise Refused("INVALID", "Give the choices as a list of texts.", "choices")
    try:
        found = {one.casefold(): one for one in (name_of(text, most=CHOICE_MAX) for text in said)}
    except Refused as refusal:
        raise Refused("INVALID", f"Of a choice: {refusal}", "choices") from refusal
    if not 1 <= len(found) <= CHOICES_MAX:
        raise Refused("INVALID", f"Give 1 to {CHOICES_MAX} choices.", "choices")
    return list(found.values())


def _told(row: CustomField) -> dict[str, Any]:
    return {"key": row.key, "kind": row.kind, "position": row.position, "choices": len(row.choices)}
