"""The table of the list of leads: headers that sort, and cells, as lean as 200 rows on a slow line need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.contrib.admin.utils import label_for_field
from django.utils.html import strip_tags

from leads.admin.addresses import links
from leads.admin.columns import Column
from leads.models import Lead

NARROW = 18  # characters that fit into any column: a row is one line


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
    cells: list[tuple[Any, str, bool]]  # what it shows, the whole of it where the column may be too narrow, is a number


def headers_of(cl: Any, columns: Sequence[Column]) -> Iterator[Header]:
    for column in columns:
        address, way = cl.sorted_by(column.sort) if column.sort else ("", "")
        yield Header(column.title, address, way, column.is_number)


def rows_of(cl: Any, columns: Sequence[Column]) -> Iterator[Row]:
    """Each with the address of its lead, which knows the list it was opened from."""
    admin, address = cl.model_admin, links(cl.asked)
    whole = cache(_whole)  # of one page: most rows have the same labels
    shown: list[tuple[Column, Any]] = [
        (one, getattr(admin, one.cell, None) if isinstance(one.cell, str) else one.cell) for one in columns
    ]
    first, *others = shown
    for lead in cl.result_list:
        said = [(cell(lead) if cell else _plain(lead, one.cell), one.is_number) for one, cell in others]
        cells = [(told, whole(told), is_number) for told, is_number in said]
        yield Row(lead, address(lead), first[1](lead), cells)


def _whole(cell: Any) -> str:
    text = strip_tags(str(cell)).strip()
    return text if len(text) > NARROW else ""


def _plain(lead: Lead, name: Any) -> Any:
    """A field of the lead that no method of the admin shows."""
    value = getattr(lead, name)
    return "–" if value is None else value


def added(admin: Any, model: Any) -> list[Column]:
    """What rooms above add to the list, as columns."""
    return [
        Column(one.__name__, str(label_for_field(one, model, admin)).capitalize(), one) for one in admin.added_columns
    ]
