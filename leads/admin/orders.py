"""The orders of the list of leads: how a page of each is read, and how a place in it stands in the address."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from django.db.models import QuerySet

from common.admin import is_id
from common.api.base import Problem
from common.api.paging import cursor_of, place_at
from leads.models import Lead
from leads.selection import ranking
from leads.selection.search import Sought
from leads.selection.sorting import BY_AGE, Place, Sort, place_of, sorted_page, value_of


class Order(Protocol):
    def read(self, text: str) -> Any:
        """The place that stands in the address; None: none, or of another order."""

    def write(self, lead: Lead) -> str:
        """The place of a row of the page that was read last."""

    def page(self, at: Any, *, back: bool, limit: int) -> list[Lead]:
        """The leads behind a place, or before it, nearest first. Raises BadSort."""

    def place(self, lead: Lead) -> Any:
        """Of any lead; None: it has none."""

    def kept(self, lead: Lead) -> str:
        """As `write`, where work on the lead may change its place; else ""."""

    def holds(self, lead: Lead) -> bool:
        """Whether it is in the list."""

    def before(self, at: Any, most: int) -> int:
        """How many leads stand before a place, counted up to `most`."""

    def total(self, most: int) -> int:
        """How many there are, counted up to `most`."""


@dataclass
class Sorted:
    """By a column. By age a place is the lead's id. among: the buckets that the leads may be in."""

    leads: QuerySet[Lead]
    sort: Sort
    text: str
    among: QuerySet[Any] | None

    @property
    def _name(self) -> str:
        return f"{self.sort} {self.text}"

    def read(self, text: str) -> Place | None:
        if self.sort.name == BY_AGE:
            return Place(None, UUID(text)) if is_id(text) else None
        try:
            pk, value = place_at(self._name, text)
            return Place(value_of(self.sort, value, pk), pk)
        except (Problem, ValueError):
            return None

    def write(self, lead: Lead) -> str:
        if self.sort.name == BY_AGE:
            return str(lead.pk)
        return cursor_of(self._name, lead.pk, place_of(lead, self.sort).text)

    def page(self, at: Place | None, *, back: bool, limit: int) -> list[Lead]:
        return sorted_page(self.leads, self.sort, limit=limit, at=at, back=back, buckets=self.among)

    def place(self, lead: Lead) -> Place:
        return place_of(lead, self.sort)

    def kept(self, lead: Lead) -> str:
        return "" if self.sort.name == BY_AGE else self.write(lead)

    def holds(self, lead: Lead) -> bool:
        return _holds(self.leads, lead)

    def before(self, at: Place, most: int) -> int:
        bare = self.leads.select_related(None).only("pk")
        return len(sorted_page(bare, self.sort, limit=most, at=at, back=True, buckets=self.among))

    def total(self, most: int) -> int:
        return _total(self.leads, most)


@dataclass
class Best:
    """By how well a search is met. of: all leads before any filter."""

    leads: QuerySet[Lead]
    search: Sought
    text: str
    of: QuerySet[Lead]
    ranks: dict[UUID, int] = field(default_factory=dict)

    def read(self, text: str) -> ranking.Place | None:
        try:
            pk, rank = place_at(f"q {self.text}", text)
            return int(rank), pk
        except (Problem, ValueError):
            return None

    def write(self, lead: Lead) -> str:
        return cursor_of(f"q {self.text}", lead.pk, str(self.ranks[lead.pk]))

    def page(self, at: ranking.Place | None, *, back: bool, limit: int) -> list[Lead]:
        places = ranking.ranked(self.leads, self.search, of=self.of, limit=limit, at=at, back=back)
        self.ranks = {pk: rank for rank, pk in places}
        return ranking.in_places(self.leads, places)

    def place(self, lead: Lead) -> ranking.Place | None:
        return ranking.place_of(self.leads.model.objects.all(), self.search, lead.pk)

    def kept(self, lead: Lead) -> str:
        place = self.place(lead)
        return cursor_of(f"q {self.text}", lead.pk, str(place[0])) if place else ""

    def holds(self, lead: Lead) -> bool:
        return _holds(self.leads.filter(self.search.matches), lead)

    def before(self, at: ranking.Place, most: int) -> int:
        return len(ranking.ranked(self.leads, self.search, of=self.of, limit=most, at=at, back=True))

    def total(self, most: int) -> int:
        return most if (found := ranking.count_found(self.leads, self.search, most=most - 1)) is None else found


def _holds(leads: QuerySet[Lead], lead: Lead) -> bool:
    return leads.filter(pk=lead.pk).exists()


def _total(leads: QuerySet[Lead], most: int) -> int:
    return leads.order_by().values("pk")[:most].count()
