"""The table of the list of leads: headers that sort, and cells, as lean as 200 rows on a slow line need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import label_for_field

from leads.admin.addresses import link
from leads.admin.columns import Column
from leads.models import Lead


@dataclass(frozen=True, slots=True)
class Header:
    """address: sorts by it, "" where it is not sorted; sorted: ascending, descending or ""."""

    title: str
    address: str
    sorted: str
    is_number: bool


@dataclass(frozen=True, slots=True)
class Row:
    lead: Lead
    address: str
    name: str
    cells: list[tuple[str, Any, bool]]  # the column's title, what it shows, whether that is a number


def headers_of(cl: Any, columns: Sequence[Column]) -> Iterator[Header]:
    for column in columns:
        address, way = cl.sorted_by(column.sort) if column.sort else ("", "")
        yield Header(column.title, address, way, column.is_number)


def rows_of(cl: Any, columns: Sequence[Column]) -> Iterator[Row]:
    """Each with the address of its lead, which knows the list it was opened from."""
    admin, query = cl.model_admin, cl.asked
    shown: list[tuple[Column, Any]] = [
        (one, getattr(admin, one.cell, None) if isinstance(one.cell, str) else one.cell) for one in columns
    ]
    first, *others = shown
    for lead in cl.result_list:
        cells = [(one.title, cell(lead) if cell else _plain(lead, one.cell), one.is_number) for one, cell in others]
        yield Row(lead, link(lead, query), first[1](lead), cells)


def _plain(lead: Lead, name: Any) -> Any:
    """A field of the lead that no method of the admin shows."""
    value = getattr(lead, name)
    return "–" if value is None else value


def added(admin: Any, model: Any) -> list[Column]:
    """What rooms above add to the list, as columns."""
    return [
        Column(one.__name__, str(label_for_field(one, model, admin)).capitalize(), one) for one in admin.added_columns
    ]
