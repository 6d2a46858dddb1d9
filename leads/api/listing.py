"""Lists of leads in the API: searched by `q`, sorted by `sort`, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from accounts.access import access
from common.api.base import Problem, invalid, translates
from common.api.lists import total_of
from common.api.paging import PageQuery, cursor_of, page, page_read, place_at
from common.contact_access import sees_contacts
from leads.fields.values import KEY
from leads.models import Lead
from leads.selection.ranking import count_found, in_places, ranked
from leads.selection.search import LONGEST, Sought, sought
from leads.selection.sorting import SORTS, BadSort, Place, Sort, place_of, sort_of, sorted_page, value_of

COUNTED = 1000  # leads that a search finds are counted up to this many


@translates(BadSort)
def _bad_sort(error: BadSort) -> Problem:
    return invalid("sort", str(error))


@extend_schema_field(
    {
        "anyOf": [
            {"type": "string", "enum": [f"{sign}{name}" for name in SORTS for sign in ("", "-")]},
            {"type": "string", "pattern": rf"^-?custom\.{KEY.pattern}$"},
        ]
    }
)
class SortField(serializers.CharField):
    """The name of an order."""

    def to_internal_value(self, data: Any) -> str:
        name: str = super().to_internal_value(data)
        try:
            sort_of(name)
        except BadSort as error:
            raise serializers.ValidationError(str(error)) from error
        return name


class FoundQuery(PageQuery):
    q = serializers.CharField(
        required=False,
        max_length=LONGEST,
        help_text="Address, street, city, ZIP, APN, owner's name or property id; phone (its last 4 or 7 digits "
        "too) and e-mail where you may see contacts. All words must match",
    )
    sort = SortField(
        required=False,
        help_text="With - the highest or latest first; leads without a value come last. custom.KEY: by a field of your "
        "team's own; phone and email where you may see contacts",
    )


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of leads. search: what `q` asked, if anything."""

    rows: list[Lead]
    cursor: str | None
    search: Sought | None

    def count(self, leads: QuerySet[Lead]) -> int | None:
        """How many of `leads` the search finds; None: more than COUNTED."""
        return None if self.search is None else count_found(leads, self.search, most=COUNTED)

    def total(self, leads: QuerySet[Lead]) -> tuple[int, bool]:
        """How many there are, with what `q` finds, for `total=true`; and whether that is all."""
        if self.search is None:
            return total_of(leads)
        found = self.count(leads)
        return (COUNTED, False) if found is None else (found, True)


def list_leads(
    leads: QuerySet[Lead],
    query: Mapping[str, Any],
    request: Request,
    *,
    of: QuerySet[Lead],
    buckets: QuerySet[Any] | None = None,
    newest_first: bool = False,
    theirs: bool = False,
    read: Callable[[UUID | None, int], list[Lead]] | None = None,
) -> Listed:
    """A page of `leads`, which have passed the filters, by what FoundQuery read. Raises a Problem, BadSort.

    of: the same before any filter. buckets: theirs, where they are of several. theirs: another team's, whose phones and
    e-mails are neither shown nor searched. read: a quicker way to `leads` in the order of their ids (`page_read`).
    """
    text, limit, cursor = query.get("q"), query["limit"], query.get("cursor")
    contacts = sees_contacts(request) and not theirs
    search = sought(text, by=access(request), contacts=contacts) if text else None
    by = access(request).team_id
    sort = sort_of(query["sort"], contacts=contacts, team_id=by) if "sort" in query else None
    if sort is not None:
        found = leads.filter(search.matches) if search else leads
        rows, after = _sorted(found, sort, f"{sort} {text or ''}", limit, cursor, buckets)
    elif search is not None:
        rows, after = _best(leads, search, f"q {text}", limit, cursor, of)
    elif read is not None:
        rows, after = page_read(read, limit=limit, cursor=cursor)
    else:
        rows, after = page(leads, limit=limit, cursor=cursor, newest_first=newest_first)
    return Listed(rows, after, search)


def _sorted(
    leads: QuerySet[Lead], sort: Sort, order: str, limit: int, cursor: str | None, buckets: QuerySet[Any] | None
) -> tuple[list[Lead], str | None]:
    at = None
    if cursor:
        pk, text = place_at(order, cursor)
        try:
            at = Place(value_of(sort, text, pk), pk)
        except ValueError as error:
            raise invalid("cursor", "This is no cursor of this list.") from error
    found = sorted_page(leads, sort, limit=limit + 1, at=at, buckets=buckets)
    if len(found) <= limit:
        return found, None
    last = place_of(found[limit - 1], sort)
    return found[:limit], cursor_of(order, last.pk, last.text)


def _best(
    leads: QuerySet[Lead], search: Sought, order: str, limit: int, cursor: str | None, of: QuerySet[Lead]
) -> tuple[list[Lead], str | None]:
    at = None
    if cursor:
        pk, rank = place_at(order, cursor)
        if rank not in ("0", "1", "2", "3", "4"):
            raise invalid("cursor", "This is no cursor of this list.")
        at = (int(rank), pk)
    places = ranked(leads, search, of=of, limit=limit + 1, at=at)
    rows = in_places(leads, places[:limit])
    if len(places) <= limit:
        return rows, None
    rank_of_last, last = places[limit - 1]
    return rows, cursor_of(order, last, str(rank_of_last))
