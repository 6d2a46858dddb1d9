"""The tabs above the list of leads: presets and saved views; which is open, its columns, and how many each holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from accounts.access import Access, Scope, access
from leads.admin import columns
from leads.admin.keyset_list import BESIDE, VIEW
from leads.listing.saved_views import views_of
from leads.models import Lead, SavedView
from leads.selection.asked import filters_in, leads_asked
from leads.selection.counting import AT_MOST, count_each
from leads.selection.filters import BadFilter
from leads.selection.presets import BOUNDS, EVERY, PRESETS, first_view, leads_to_count


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab. key: in addresses; query: what it asks, without its key; mine: who looks may change it; holds: which
    leads a preset has.
    """

    key: str
    words: str
    query: str
    saved: SavedView | None = None
    mine: bool = False
    holds: str = ""

    @property
    def address(self) -> str:
        return "?" + "&".join(filter(None, (f"{VIEW}={self.key}", self.query)))


def tabs_of(person: Access) -> list[Tab]:
    """Presets, then the team's views and her own, in their order."""
    may, manages = person.can(Scope.WRITE), person.can(Scope.MANAGE)
    presets = [Tab(one.key, one.words, urlencode(one.as_query), holds=one.holds) for one in PRESETS.values()]
    return presets + [
        Tab(str(view.pk), str(view), view.query, view, may and (manages or view.owner_id == person.user.pk))
        for view in views_of(person)
    ]


def opened(request: HttpRequest, tabs: Sequence[Tab]) -> Tab | None:
    """The tab that the address names, or whose filters it has; None: filters of no tab."""
    named = request.GET.get(VIEW, "")
    if found := next((tab for tab in tabs if tab.key == named), None):
        return found
    asked = as_query(request.GET)
    return next((tab for tab in tabs if sorted(QueryDict(tab.query).lists()) == asked), None)


def as_query(given: QueryDict) -> list[tuple[str, list[Any]]]:
    """What an address asks, in one order."""
    said = ((name, [value for value in values if value.strip()]) for name, values in given.lists())
    return sorted((name, values) for name, values in said if values and name not in BESIDE)


def is_query(tab: Tab, query: str) -> bool:
    """Whether this is what the tab asks, and no more."""
    return as_query(QueryDict(query)) == as_query(QueryDict(tab.query))


def expand(request: HttpRequest) -> None:
    """An address that asks nothing opens a view: the one it names, else the first. *All* is always named, so that a
    list whose last filter was taken away is not filtered again.
    """
    person = access(request)
    if as_query(request.GET) or person.team_id is None:
        return
    named = request.GET.get(VIEW, "") or first_view(person)
    tab = next((tab for tab in tabs_of(person) if tab.key == named), None)
    given = QueryDict(tab.query if tab else "", mutable=True)
    given[VIEW] = tab.key if tab else EVERY
    for name in BESIDE:
        if name in request.GET and name != VIEW:
            given[name] = request.GET[name]
    request.GET = given  # type: ignore[assignment]


def keys_of(request: HttpRequest, tab: Tab | None) -> Any:
    """The columns that are kept with the open tab; None: nobody chose any."""
    if tab is not None and tab.saved is not None:
        return tab.saved.columns
    choice = columns.choice_of(request, tab.key if tab else EVERY)
    return choice.columns if choice else None


def size_of(request: HttpRequest, tab: Tab | None) -> int | None:
    """The rows of a page that this person chose for the open tab; None: none."""
    choice = columns.choice_of(request, tab.key if tab else EVERY)
    return choice.size if choice else None


def leads_of_tab(person: Access, tab: Tab) -> QuerySet[Lead]:
    """Raises BadFilter: a view that was saved when there was such a filter."""
    if tab.saved is None:
        return leads_to_count(person, tab.key)
    return leads_asked(person, filters_in(QueryDict(tab.query)))


def counts_of(person: Access, tabs: Sequence[Tab], **more: QuerySet[Lead]) -> dict[str, int | None]:
    """How many leads each tab holds, and each of `more`, up to its bound + 1; None: it takes too long to tell."""
    rows: dict[str, QuerySet[Lead]] = dict(more)
    for tab in tabs:
        try:
            rows[tab.key] = leads_of_tab(person, tab)
        except BadFilter:
            continue
    return count_each(rows, bounds=BOUNDS)


def words_of(count: int | None, key: str = "") -> str:
    """1,742; 10,000+; "" where it could not be told. key: of which tab."""
    most = BOUNDS.get(key, AT_MOST)
    return "" if count is None else f"{most:,}+" if count > most else f"{count:,}"
