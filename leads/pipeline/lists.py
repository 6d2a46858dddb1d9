"""What labels and custom fields share: a short list of a team's, put in order by a person, where nothing is deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.access import Access, Scope
from common.contact_access import holds_contact
from leads.privacy.filtering import names_forgotten


class Refused(ValueError):
    """What a person asks for cannot be; the words say why.

    code: FORBIDDEN, NOT_FOUND or INVALID. field: which input.
    """

    def __init__(self, code: str, words: str, field: str = "") -> None:
        super().__init__(words)
        self.code, self.field = code, field


def managed(access: Access) -> int:
    """The team whose lists she may change. Raises Refused."""
    if access.team_id is None or not access.can(Scope.MANAGE):
        raise Refused("FORBIDDEN", "Your role does not let you change this: ask a manager of the team.")
    return access.team_id


def name_of(text: object, *, most: int) -> str:
    """A name as it is kept: one line, no phone or e-mail, which everybody would see. Raises Refused, field `name`."""
    name = " ".join(str(text).replace("\x00", "").split())
    if not 1 <= len(name) <= most or not name.isprintable():
        raise Refused("INVALID", f"A name is 1 to {most} characters.", "name")
    if holds_contact(name) or names_forgotten(name):
        raise Refused("INVALID", "A name is no place for a phone or an e-mail.", "name")
    return name


def put(rows: Sequence[Any], row: Any, position: int) -> None:
    """Puts a row at this place among `rows`, which are in order, and gives each its own number."""
    others = [one for one in rows if one.pk != row.pk]
    others.insert(max(0, min(position, len(others))), row)
    for place, one in enumerate(others):
        if one.position != place:
            one.position = place
            if one.pk != row.pk:
                type(one).objects.filter(pk=one.pk).update(position=place, updated_at=timezone.now())


def saved(row: Any, what: str) -> Any:
    """Raises Refused where the team has one of that name; case does not tell names apart."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Refused("INVALID", f"Your team has a {what} of this name already.", "name") from error
    return row
