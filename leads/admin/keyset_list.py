"""The list of leads, page by page by key: page 20,000 costs what page 1 does, and nothing is counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.views import ChangeList

from common.admin import is_id
from leads.admin.addresses import link
from leads.admin.dnc import with_dnc
from leads.admin.orders import Best, Order, Sorted
from leads.selection.search import Sought
from leads.selection.sorting import BY_AGE, BadSort, Sort, sort_of

AFTER, BEFORE, SORT, VIEW, SIZE = "after", "before", "sort", "view", "size"
SIZES = (25, 50, 100, 200)  # rows of a page
BESIDE = (AFTER, BEFORE, VIEW, SIZE)  # parameters that choose no leads
NEWEST = Sort(BY_AGE, descending=True)


class KeysetPaginator:
    """What the theme asks of a paginator: whose template draws the line below the list."""

    template_name = "admin/leads/lead/pages.html"


class KeysetList(ChangeList):  # type: ignore[misc]
    """`?after=PLACE`: the rows behind this one; `?before=PLACE`: those before it, nearest first.

    Newest on top; in the order of `?sort=`; or with a search the best match first.
    """

    query: str
    params: dict[str, str]
    filter_params: dict[str, list[str]]
    places: dict[str, str]
    search: Sought | None = None
    sort: Sort | None = None
    unsearched: QuerySet[Any]
    older: str | None = None
    newer: str | None = None
    first: str | None = None
    view = ""
    size = ""

    def __init__(self, *arguments: object, **options: object) -> None:
        self.places = {}
        super().__init__(*arguments, **options)

    def url_for_result(self, result: Any) -> str:
        """Its page, which knows the list it was opened from."""
        return link(result, self.asked)

    def get_queryset(self, request: HttpRequest, exclude_parameters: Sequence[str] | None = None) -> Any:
        """The filtered rows. What names a page is no filter, and an empty box of the filters' form is none either."""
        said = {name: [value for value in values if value.strip()] for name, values in self.filter_params.items()}
        self.filter_params = {name: values for name, values in said.items() if values and name not in BESIDE}
        self.params = {name: values[-1] for name, values in self.filter_params.items()}
        self.view = request.GET.get(VIEW, "")
        if (size := request.GET.get(SIZE, "")) in map(str, SIZES):
            self.size = size
        kept = int(self.size) if self.size else self.model_admin.size(request)
        if kept in SIZES:
            self.list_per_page = kept
        given = request.GET.copy()
        for name in [name for name in given if name not in self.params]:
            self.places.setdefault(name, given.pop(name)[-1])
        request.GET = given  # type: ignore[assignment]  # the theme's filter form carries over what stands there
        text, self.query = self.query, ""
        self.unsearched = super().get_queryset(request, exclude_parameters)
        self.query = text
        self.search = self.model_admin.search_of(request, text)
        return self.unsearched if self.search is None else self.unsearched.filter(self.search.matches)

    @property
    def as_view(self) -> str:
        """The filters, the search and the order, as a saved view keeps them."""
        return str(super().get_query_string())[1:]

    @property
    def asked(self) -> str:
        """This list's own query, by which a lead's page finds its neighbours."""
        places = [(name, self.places[name]) for name in (AFTER, BEFORE) if name in self.places]
        return "&".join(filter(None, (str(self.get_query_string())[1:], urlencode(places))))

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        """With the view, whose columns are shown, and the page's size. Without any filter it is of all leads, by name:
        an address that asks nothing opens the first view.
        """
        said = str(super().get_query_string(new_params, remove))
        view = self.view if said not in ("", "?") else "all"
        beside = urlencode([(name, value) for name, value in ((VIEW, view), (SIZE, self.size)) if value])
        return "&".join(filter(None, (said if said != "?" else "", beside))) if said != "?" else f"?{beside}"

    def sorted_by(self, name: str) -> tuple[str, str]:
        """The address that sorts by this, the other way where it is sorted so already; and how it is sorted now."""
        now, first = self.sort, Sort(name, descending=False).first
        said = ("descending" if now.descending else "ascending") if now and now.name == name else ""
        then = Sort(name, descending=not first.descending) if now == first else first
        return str(self.get_query_string({SORT: str(then)})), said

    def sizes(self) -> list[tuple[int, bool]]:
        """Sizes of a page, and whether it is this one's."""
        return [(size, size == self.list_per_page) for size in SIZES]

    @property
    def groups(self) -> list[tuple[str, list[Any], bool]]:
        """The filters by what they are about, and whether one of them is in use."""
        grouped: dict[str, list[Any]] = {}
        for spec in self.filter_specs:
            grouped.setdefault(spec.group, []).append(spec)
        return [(name, specs, any(spec.given for spec in specs)) for name, specs in grouped.items()]

    @property
    def sorts(self) -> list[tuple[str, str]]:
        """The orders that are offered, with their words."""
        found = (spec.lookup_choices for spec in self.filter_specs if spec.parameter_name == SORT)
        return list(next(found, []))

    @property
    def order_words(self) -> str:
        """In which order the rows stand."""
        if self.sort is not None:
            words = dict(self.sorts).get(str(self.sort), self.sort.words)
            return words[:1].lower() + words[1:]
        return "newest first" if self.search is None else "best match first"

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        """By key, and each page by its own statement: by another column Django would sort a million rows."""
        return ["-pk"]

    def order(self, request: HttpRequest) -> Order:
        """In which its rows are read."""
        try:
            contacts = self.model_admin.knows_contacts(request)
            self.sort = sort_of(self.params[SORT], contacts=contacts) if SORT in self.params else None
        except ValueError:  # its filter has said so, and lists nothing
            self.sort = None
        in_buckets = [one for one in self.filter_params.get("bucket", []) if is_id(one)]
        if self.search is not None and self.sort is None:
            every = self.root_queryset.filter(bucket__in=in_buckets) if in_buckets else self.root_queryset
            return Best(self.unsearched, self.search, self.query, of=every)
        buckets = None if len(in_buckets) == 1 else self.model_admin.buckets_of_list(request)
        return Sorted(self.queryset, self.sort or NEWEST, self.query, among=buckets)

    def get_results(self, request: HttpRequest) -> None:
        """One page of rows, and the way to its neighbours."""
        order, size = self.order(request), self.list_per_page
        after, before = (order.read(self.places.get(name, "")) for name in (AFTER, BEFORE))
        try:
            found = order.page(before or after, back=before is not None, limit=size + 1)
        except BadSort as error:
            messages.error(request, f"Sort by: {error}")
            found, after, before = [], None, None
        is_more = len(found) > size
        found = found[:size][::-1] if before is not None else found[:size]
        is_more_older, is_more_newer = (True, is_more) if before is not None else (is_more, after is not None)
        if found and is_more_older:
            self.older = self.get_query_string({AFTER: order.write(found[-1])})
        if is_more_newer:
            self.first = self.get_query_string()
            self.newer = self.get_query_string({BEFORE: order.write(found[0])}) if found else None
        self.result_list = with_dnc(found)
        self.result_count = self.full_result_count = len(found)
        self.show_full_result_count = False
        self.show_admin_actions = bool(self.model_admin.get_actions(request))  # a reader has none: no boxes to check
        self.can_show_all = self.multi_page = False
        self.paginator = KeysetPaginator()


class Unread(KeysetList):
    """The list, without a page of it."""

    def get_results(self, request: HttpRequest) -> None:
        self.result_list, self.result_count = [], 0
