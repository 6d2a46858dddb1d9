"""The list of leads, page by page by key: page 20,000 costs what page 1 does, and nothing is counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.views import ChangeList

from common.admin import is_id

AFTER, BEFORE = "after", "before"


class KeysetPaginator:
    """What the theme asks of a paginator: whose template draws the line below the list."""

    template_name = "admin/leads/lead/pages.html"


class KeysetList(ChangeList):  # type: ignore[misc]
    """`?after=ID`: the rows older than this one; `?before=ID`: those newer, nearest first. Newest on top."""

    params: dict[str, str]
    filter_params: dict[str, list[str]]
    places: dict[str, str]
    older: str | None = None
    newer: str | None = None
    first: str | None = None

    def __init__(self, *arguments: object, **options: object) -> None:
        self.places = {}
        super().__init__(*arguments, **options)

    def get_queryset(self, request: HttpRequest, exclude_parameters: Sequence[str] | None = None) -> Any:
        """The filtered rows. What names a page is no filter, and an empty box of the filters' form is none either."""
        said = {name: [value for value in values if value.strip()] for name, values in self.filter_params.items()}
        self.filter_params = {name: values for name, values in said.items() if values and name not in (AFTER, BEFORE)}
        self.params = {name: values[-1] for name, values in self.filter_params.items()}
        given = request.GET.copy()
        for name in [name for name in given if name not in self.params]:
            self.places.setdefault(name, given.pop(name)[-1])
        request.GET = given  # type: ignore[assignment]  # the theme's filter form carries over what stands there
        return super().get_queryset(request, exclude_parameters)

    @property
    def as_view(self) -> str:
        """The filters and the search, as a saved view keeps them."""
        return str(self.get_query_string())[1:]

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        """Always by key: by any other column a page would have to sort a million rows."""
        return ["-pk"]

    def get_results(self, request: HttpRequest) -> None:
        """One page of rows, and the way to its neighbours."""
        size = self.list_per_page
        after, before = (self.places.get(name, "") for name in (AFTER, BEFORE))
        rows = self.queryset
        if is_id(before):
            found = list(rows.filter(pk__gt=before).order_by("pk")[: size + 1])
            is_more_older, is_more_newer = True, len(found) > size
            found = found[:size][::-1]
        else:
            rows = rows.filter(pk__lt=after) if is_id(after) else rows
            found = list(rows[: size + 1])
            is_more_older, is_more_newer = len(found) > size, is_id(after)
            found = found[:size]
        if found and is_more_older:
            self.older = self.get_query_string({AFTER: str(found[-1].pk)})
        if is_more_newer:
            self.first = self.get_query_string()
            self.newer = self.get_query_string({BEFORE: str(found[0].pk)}) if found else None
        self.result_list = found
        self.result_count = self.full_result_count = len(found)
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False
        self.paginator = KeysetPaginator()
