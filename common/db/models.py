"""Abstract bases. No table of its own, and no app is imported here."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

from django.db import models
from django.db.models.base import ModelState

from common.contact_access import note_team
from common.db.ids import uuid7


class UUIDModel(models.Model):
    """A row whose id is a UUIDv7 made by us."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False, help_text="UUIDv7: id order is age order")

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **_: Any) -> Self:
        """Also notes whose row it is: by that it is decided what the answer tells of contacts that people typed.

        All columns at once: one by one, as `Model.__init__` does, a page's leads took an eighth of its time.
        """
        row, state = cls.__new__(cls), ModelState()
        state.adding, state.db = False, db
        row.__dict__.update(zip(field_names, values, strict=True), _state=state)
        if (team_id := row.__dict__.get("team_id")) is not None:
            note_team(team_id)
        return row


class Timestamped(models.Model):
    """When a row was made and last changed, UTC."""

    created_at = models.DateTimeField(auto_now_add=True, help_text="When the row was made")
    updated_at = models.DateTimeField(auto_now=True, help_text="When the row was last changed")

    class Meta:
        abstract = True
