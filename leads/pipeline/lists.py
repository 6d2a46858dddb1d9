"""What labels and custom fields share: a short list of a team's, put in order by a person, where nothing is deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.access import Access, Scope
from accounts.audit import record
from accounts.locks import lock_team
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


def own(model: Any, team_id: int, row_id: UUID) -> Any:
    """A row of the team. Raises Refused."""
    found = model.objects.filter(team_id=team_id, pk=row_id).first()
    if found is None:
        raise Refused("NOT_FOUND", f"There is no such {model._meta.verbose_name}.")
    return found


def place_in(values: Mapping[str, Any], otherwise: int) -> int:
    """The place that is asked for."""
    place = values.get("position")
    return otherwise if place is None else int(place)


def set_retired(
    access: Access,
    model: Any,
    row_id: UUID,
    *,
    is_retired: bool,
    action: str,
    offered: Callable[[int], Sequence[Any]],
    beside: Callable[[Any, Any], bool],
    most: int,
    told: Callable[[Any], Mapping[str, Any]],
) -> Any:
    """Offers a row no more, or again, behind those that stand beside it. As it is already: nothing. Raises Refused.

    action: what the audit calls it. offered: the team's rows, in order; most: how many there may be. told: what the
    audit tells of one.
    """
    team_id = managed(access)
    with transaction.atomic():
        lock_team(team_id)
        row = own(model, team_id, row_id)
        if (row.retired_at is not None) == is_retired:
            return row
        there = [one for one in offered(team_id) if one.pk != row.pk]
        if not is_retired and len(there) >= most:
            raise Refused("INVALID", f"A team has at most {most} {model._meta.verbose_name_plural}: retire one first.")
        same = [one for one in there if beside(one, row)]
        row.retired_at = timezone.now() if is_retired else None
        row.position = row.position if is_retired else len(same)
        row.save()
        for place, one in enumerate(same):
            model.objects.filter(pk=one.pk).update(position=place)
        record(action, by=access.user, team_id=team_id, about=row, name=row.name, after=told(row))
    return row
