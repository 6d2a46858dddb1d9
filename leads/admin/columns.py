"""The columns of the list of leads, a registry: which there are, how each is shown, by what it is sorted.

A room, or a team's own fields, may add columns by `add_columns`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from accounts.selectors import user_of
from leads.admin import sort_columns
from leads.listing.saved_views import ViewRefused
from leads.models import ColumnChoice, Lead

Cell = Callable[[Lead], str]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. key: in saved views; cell: a method of the list's admin by name, or a function of the lead; sort: of
    `leads.selection.sorting.SORTS`, "" where it is not sorted; usual: shown where nobody chose columns.
    """

    key: str
    title: str
    cell: str | Cell
    sort: str = ""
    usual: bool = False
    is_number: bool = False


_NUMBERS = frozenset(
    {"estimatedEquity", "estimatedValue", "equityPercent", "bedrooms", "bathrooms", "sqft", "yearBuilt"}
)
FIRST = "property"  # the link to the lead: never left out
_OWN = (
    Column(FIRST, "Property", "property", "propertyAddress", usual=True),
    Column("bucket", "Bucket", "in_bucket", "bucketName", usual=True),
    Column("assignedTo", "Assigned to", "assigned_to", "assignedTo", usual=True),
    Column("status", "Status", "stage", "status", usual=True),
    Column("data", "Data", "facts", "enrichedAt", usual=True),
    Column("owner", "Owner", "shown_owner", "ownerName", usual=True),
    Column("phone", "Phone", "shown_phone", "phone", usual=True),
    Column("phoneType", "Phone type", lambda lead: lead.phone_type or "–", "phoneType"),
    Column("dnc", "DNC", "do_not_call", "doNotCall", usual=True),
    Column("email", "E-mail", "shown_email", "email", usual=True),
    Column("place", "Place", "place", "propertyCity", usual=True),
)


def _sorted(name: str, cell: Any) -> Column:
    words: str = cell.short_description
    return Column(name, words[:1].upper() + words[1:], cell, name, is_number=name in _NUMBERS)


_SORTED = tuple(_sorted(name, cell) for name, cell in sort_columns.COLUMNS.items())
_added: list[Callable[[HttpRequest], Iterable[Column]]] = []


def add_columns(of: Callable[[HttpRequest], Iterable[Column]]) -> None:
    """Registers columns that a request's person may choose, such as her team's own fields."""
    _added.append(of)


def offered(request: HttpRequest) -> dict[str, Column]:
    """All columns there are for this person, by key."""
    found = [*_OWN, *_SORTED, *(column for of in _added for column in of(request))]
    return {column.key: column for column in found}


def usual() -> list[str]:
    return [column.key for column in _OWN if column.usual]


def chosen(request: HttpRequest, keys: Sequence[str] | None, *, wanted: Sequence[str] = ()) -> list[Column]:
    """These columns in this order, the lead's own first; without any the usual ones. One that is gone is left out.

    wanted: those that the list is sorted or filtered by, which stand behind the first where nobody chose them.
    """
    there = offered(request)
    kept = [key for key in (keys or usual()) if key in there]
    names = dict.fromkeys([FIRST, *(key for key in wanted if key in there and key not in kept), *kept])
    return [there[key] for key in names]


def choose(*, user_id: int, preset: str, keys: Sequence[str] | None) -> None:
    """Keeps a person's columns of a preset; None: the usual ones again. Raises ViewRefused."""
    if keys is not None and not keys:
        raise ViewRefused("Choose at least one column.", "columns")
    kept = {"columns": None if keys is None else list(keys)}
    ColumnChoice.objects.update_or_create(user_id=user_id, preset=preset, defaults=kept)


def choose_size(*, user_id: int, view: str, size: int) -> None:
    """Keeps how many rows a page of this view has for a person."""
    ColumnChoice.objects.update_or_create(user_id=user_id, preset=view, defaults={"size": size})


def choice_of(request: HttpRequest, view: str) -> ColumnChoice | None:
    """What this person chose for a view, read once a request; None: nothing."""
    kept: dict[str, Any] = vars(request).setdefault("desk_choices", {})
    if view not in kept:
        kept[view] = ColumnChoice.objects.filter(user=user_of(request), preset=view).first()
    found: ColumnChoice | None = kept[view]
    return found
