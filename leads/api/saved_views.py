"""Views of the list of leads: those that every team has, and those that were saved, with how many leads each holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import idempotent
from common.api.base import ApiView, Problem, invalid, not_found, ok, translates
from common.api.lists import ListOf
from common.api.schema import answer
from common.api.serializers import FlagField, IdListField, ObjectField, StrictSerializer
from leads.listing.saved_views import (
    COLUMNS_AT_MOST,
    NAME_MAX,
    VIEWS_AT_MOST,
    ViewRefused,
    change_view,
    delete_view,
    order_views,
    save_view,
    views_of,
)
from leads.models import SavedView
from leads.selection.asked import filters_in, leads_asked
from leads.selection.counting import AT_MOST, count_each
from leads.selection.filters import BadFilter
from leads.selection.presets import BOUNDS, PRESETS, READY_AT_MOST, first_view, leads_to_count, missing_for_calls


@translates(ViewRefused)
def _view_refused(error: ViewRefused) -> Problem:
    if error.field == "order":
        return not_found("view", "order")
    return invalid("filters" if error.field == "query" else error.field, str(error))


class _Counted(serializers.Serializer[Any]):
    """What presets and saved views are told with."""

    name = serializers.CharField(help_text="Its tab's words")
    filters = ObjectField(help_text="As GET /api/leads takes them; q and sort stand among them")
    count = serializers.IntegerField(
        allow_null=True,
        help_text=f"Leads that you see in it, up to {AT_MOST:,} (readyToCall: {READY_AT_MOST:,}); null: they took too "
        "long to count",
    )
    countIsExact = serializers.BooleanField(help_text="false: there are more than `count`")


class PresetSerializer(_Counted):
    key = serializers.CharField(help_text="Its id in the list's address")
    holds = serializers.CharField(help_text="Which leads stand in it")


class SavedViewSerializer(_Counted):
    id = serializers.UUIDField()
    shared = serializers.BooleanField(help_text="The team sees it; false: you alone")
    columns = serializers.ListField(child=serializers.CharField(), allow_null=True, help_text="null: the usual ones")
    ownerId = serializers.IntegerField(help_text="Who made it")


class ViewInput(StrictSerializer):
    name = serializers.CharField(max_length=NAME_MAX, help_text="A name that you have already: that view is changed")
    filters = ObjectField(help_text="As GET /api/leads takes them, with q and sort; a list: any of its values")
    shared = FlagField(required=False, help_text="false: you alone see it; true unless you say, but for a caller's")
    columns = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=COLUMNS_AT_MOST, required=False, allow_null=True
    )


class ViewEdit(StrictSerializer):
    name = serializers.CharField(max_length=NAME_MAX, required=False)
    filters = ObjectField(required=False)
    shared = FlagField(required=False)
    columns = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=COLUMNS_AT_MOST, required=False, allow_null=True
    )


class ViewOrder(StrictSerializer):
    order = IdListField(most=VIEWS_AT_MOST, help_text="Ids of views; those that are not named come after these")


def _query(filters: dict[str, Any]) -> str:
    """As a view keeps them. Raises a Problem."""
    pairs: list[tuple[str, str]] = []
    for name, value in filters.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict | list) or one is None:
                raise invalid("filters", f"{name[:100]}: give a text, a number, true or false, or a list of these.")
            pairs.append((name, str(one).lower() if isinstance(one, bool) else str(one)))
    return urlencode(pairs)


VIEWS = ListOf("views", SavedViewSerializer, sorts={"name": "name", "createdAt": "pk"}, order="")


class SavedViewBase(ApiView):
    def told(self, views: list[SavedView]) -> list[dict[str, Any]]:
        """These views with their counts."""
        rows = {}
        for view in views:
            try:
                rows[str(view.pk)] = leads_asked(self.access, filters_in(QueryDict(view.query)))
            except BadFilter:  # saved when there was such a filter
                continue
        counts = count_each(rows)
        return [
            {
                "id": view.pk, "name": str(view), "filters": _filters(QueryDict(view.query)), "shared": view.shared,
                "columns": view.columns, "ownerId": view.owner_id, **_counted(counts.get(str(view.pk))),
            }
            for view in views
        ]  # fmt: skip

    def own(self, view_id: UUID) -> SavedView:
        """One that she may change."""
        view = SavedView.objects.worked_by(self.access).filter(pk=view_id).first()
        if view is None:
            raise not_found("view")
        return view

    def check_may_share(self, said: Mapping[str, Any]) -> None:
        if said.get("shared") and self.access.only_assigned:
            raise Problem("FORBIDDEN", "A caller's views are their own.", status=403)


def _filters(query: QueryDict) -> dict[str, Any]:
    return {name: values if len(values) > 1 else values[0] for name, values in query.lists()}


def _counted(count: int | None, key: str = "") -> dict[str, Any]:
    most = BOUNDS.get(key, AT_MOST)
    told = None if count is None else min(count, most)
    return {"count": told, "countIsExact": count is not None and count <= most}


class SavedViewsView(SavedViewBase):
    for_callers = ("GET", "POST")

    @extend_schema(
        operation_id="listViews",
        summary="Views of the leads: those that every team has, then your team's and your own, with counts",
        parameters=[VIEWS.query],
        responses=VIEWS.answer(
            "ViewList",
            presets=PresetSerializer(many=True),
            first=serializers.CharField(help_text="The preset that the list opens on"),
            missing=serializers.CharField(allow_blank=True, help_text="What must be done before leads can be called"),
        ),
    )
    def get(self, request: Request) -> Response:
        query = self.query(VIEWS.query)
        counts = count_each({key: leads_to_count(self.access, key) for key in PRESETS}, bounds=BOUNDS)
        presets = [
            {"key": key, "name": one.words, "holds": one.holds, "filters": one.as_query, **_counted(counts[key], key)}
            for key, one in PRESETS.items()
        ]
        beside = {"presets": presets, "first": first_view(self.access), "missing": missing_for_calls(self.access)}
        return VIEWS.respond(self, views_of(self.access), query=query, into=self.told, more=lambda _: beside)

    @extend_schema(
        operation_id="saveView",
        summary="Save filters as a view; a name that you have already is given the new ones",
        request=ViewInput,
        responses={201: answer("ViewSaved", view=SavedViewSerializer())},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        said = self.body(ViewInput)
        self.check_may_share(said)
        view = save_view(
            by=self.user, team_id=self.access.team_id, name=said["name"], query=_query(said["filters"]),
            shared=said.get("shared", not self.access.only_assigned), columns=said.get("columns"),
            overrules=self.access.can(Scope.MANAGE), replaces=True,
        )  # fmt: skip
        return ok(201, view=self.told([view])[0])

    @extend_schema(
        operation_id="orderViews",
        summary="Put the views that you may change in this order",
        request=ViewOrder,
        responses=answer("ViewsOrdered", order=serializers.ListField(child=serializers.UUIDField())),
    )
    def patch(self, request: Request) -> Response:
        order_views(access=self.access, ids=self.body(ViewOrder)["order"])
        return ok(order=[view.pk for view in views_of(self.access)])


class SavedViewView(SavedViewBase):
    for_callers = ("PATCH", "DELETE")

    @extend_schema(
        operation_id="changeView",
        summary="Rename a view, share it, give it other filters or columns",
        request=ViewEdit,
        responses=answer("ViewChanged", view=SavedViewSerializer()),
    )
    def patch(self, request: Request, view_id: UUID) -> Response:
        view, said = self.own(view_id), self.body(ViewEdit)
        self.check_may_share(said)
        changed = change_view(
            view=view, by=self.user, name=said.get("name"), shared=said.get("shared"), columns=said.get("columns"),
            query=_query(said["filters"]) if "filters" in said else None,
            usual_columns="columns" in said and said["columns"] is None,
        )  # fmt: skip
        return ok(view=self.told([changed])[0])

    @extend_schema(
        operation_id="deleteView",
        summary="Delete a view",
        responses={200: answer("ViewDeleted", id=serializers.UUIDField())},
    )
    def delete(self, request: Request, view_id: UUID) -> Response:
        delete_view(view=self.own(view_id), by=self.user)
        return ok(id=view_id)
