"""Writing what a person says of a lead into the team's own fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.audit import record
from accounts.models import User
from leads.fields.definitions import fields_of
from leads.fields.values import read_all
from leads.locks import lock_shown
from leads.models import Lead
from leads.privacy.filtering import WORDS, kept


class BadValues(ValueError):
    """What may not stand in these fields: {key: what is wrong}."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(f"{name}: {words}" for name, words in errors.items()))
        self.errors = dict(errors)


def checked(team_id: int | None, said: Mapping[str, object]) -> dict[str, Any]:
    """The values by key, as they are kept; null takes one away. Raises BadValues: then nothing is to be changed."""
    values, wrong = read_all(fields_of(team_id), said)
    wrong |= {key: WORDS for key, value in values.items() if isinstance(value, str) and kept(value) != value}
    if wrong:
        raise BadValues(wrong)
    return values


def set_fields(*, lead: Lead, by: User, said: Mapping[str, object]) -> dict[str, Any]:
    """Sets these fields of a lead by key and leaves its others; what it holds then. The same again changes nothing.

    Raises BadValues.
    """
    values = checked(lead.team_id, said)
    with transaction.atomic():
        locked = lock_shown(lead.pk, "pk", "custom", "team_id")
        if locked is None:
            raise Lead.DoesNotExist
        before = locked.custom or {}
        after = {key: value for key, value in {**before, **values}.items() if value is not None}
        if after != before:
            Lead.objects.filter(pk=locked.pk).update(custom=after or None, updated_at=timezone.now())
            changed = sorted(key for key in values if before.get(key) != after.get(key))
            told = {"fields": [f"custom.{key}" for key in changed]}
            record("lead.edited", by=by, team_id=locked.team_id, about=locked, after=told)
    return after
