"""Abstract bases. No table of its own, and no app is imported here."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

from django.db import models

from common.contact_access import note_team
from common.db.direct import bare
from common.db.ids import uuid7


class UUIDModel(models.Model):
    """A row whose id is a UUIDv7 made by us."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False, help_text="UUIDv7: id order is age order")

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **_: Any) -> Self:
        """Also notes whose row it is: by that it is decided what the answer tells of contacts that people typed."""
        row = bare(cls, db, field_names, values)
        if (team_id := row.__dict__.get("team_id")) is not None:
            note_team(team_id)
        return row


class Timestamped(models.Model):
    """When a row was made and last changed, UTC."""

    created_at = models.DateTimeField(auto_now_add=True, help_text="When the row was made")
    updated_at = models.DateTimeField(auto_now=True, help_text="When the row was last changed")

    class Meta:
        abstract = True
