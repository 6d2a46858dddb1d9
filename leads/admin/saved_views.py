"""Saving the filters of the list of leads as a view, changing and deleting it, its columns, and how many each holds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.access import Scope, access
from accounts.selectors import user_of
from common.admin import is_id
from common.admin_teams import refuse
from leads.admin import columns
from leads.admin.addresses import LIST
from leads.admin.keyset_list import Unread
from leads.admin.view_tabs import counts_of, keys_of, tabs_of, words_of
from leads.listing.saved_views import ViewRefused, change_view, delete_view, order_views, save_view
from leads.models import SavedView
from leads.selection.presets import EVERY, PRESETS


def urls(model_admin: admin.ModelAdmin[Any]) -> list[URLPattern]:
    """To stand before the list's own addresses."""

    def inside(view: Callable[..., HttpResponse], only: Callable[..., Any] = require_POST) -> Any:
        return only(model_admin.admin_site.admin_view(partial(view, model_admin)))

    return [
        path("views/", inside(_save), name="leads_savedview_save"),
        path("views/counts/", inside(_counts, require_GET), name="leads_savedview_counts"),
        path("views/columns/", inside(_columns), name="leads_savedview_columns"),
        path("views/<uuid:pk>/", inside(_change), name="leads_savedview_change"),
        path("views/<uuid:pk>/delete/", inside(_delete), name="leads_savedview_delete"),
    ]


def _counts(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Fetched after the page: how many leads the list has, and each tab."""
    person = access(request)
    vars(request)[LIST] = Unread
    cl = model_admin.get_changelist_instance(request)
    counts = counts_of(person, tabs_of(person) if person.team_id else [], **{"": cl.queryset})
    total = counts.pop("")
    said = words_of(total)
    words = "" if total is None else f"{said} {'lead' if total == 1 else 'leads'}"
    return JsonResponse({"total": words, "views": {key: words_of(count, key) for key, count in counts.items()}})


def _save(model_admin: admin.ModelAdmin[Any], request: HttpRequest) -> HttpResponse:
    if not access(request).can(Scope.WRITE):
        raise refuse(Scope.WRITE)
    name, query = request.POST.get("name", ""), request.POST.get("query", "")
    overrules, team_id = access(request).can(Scope.MANAGE), access(request).team_id
    shared = request.POST.get("whose") != "mine" and not access(request).only_assigned
    try:
        view = save_view(
            by=user_of(request), team_id=team_id, name=name, query=query, overrules=overrules, shared=shared,
            columns=_columns_shown(request),
        )  # fmt: skip
    except ViewRefused as refusal:
        model_admin.message_user(request, str(refusal), messages.ERROR)
        return _list()
    model_admin.message_user(request, f"Saved: {view}", messages.SUCCESS)
    return _list(view.query)


def _columns_shown(request: HttpRequest) -> Any:
    """Those of the view she was in when she saved another: what she sees is what she keeps; None: the usual ones."""
    key = request.POST.get("columns_of", "")
    return keys_of(request, next((tab for tab in tabs_of(access(request)) if tab.key == key), None)) if key else None


def _change(model_admin: admin.ModelAdmin[Any], request: HttpRequest, pk: UUID) -> HttpResponse:
    """Renames a view, shares it or keeps it to oneself, replaces its filters, or moves it among the tabs."""
    view = _own(request, pk)
    given = request.POST
    try:
        if move := given.get("move"):
            _move(request, view, -1 if move == "first" else 1)
        else:
            view = change_view(
                view=view,
                by=user_of(request),
                name=given.get("name"),
                query=given.get("query") or None,
                shared=given["whose"] != "mine" if "whose" in given else None,
            )
    except ViewRefused as refusal:
        model_admin.message_user(request, str(refusal), messages.ERROR)
    else:
        model_admin.message_user(request, f"Saved: {view}", messages.SUCCESS)
    return _list(f"view={view.pk}")


def _move(request: HttpRequest, view: SavedView, by: int) -> None:
    ids = [one.pk for one in SavedView.objects.worked_by(access(request)).order_by("position", "name")]
    at = ids.index(view.pk)
    ids.insert(max(0, min(at + by, len(ids) - 1)), ids.pop(at))
    order_views(access=access(request), ids=ids)


def _columns(model_admin: admin.ModelAdmin[Any], request: HttpRequest) -> HttpResponse:
    """Keeps the columns of a view: with a saved one for all, of a preset for the person alone."""
    view, back = request.POST.get("view", EVERY), request.POST.get("back", "")
    there = columns.offered(request)
    keys = [key for key in request.POST.getlist("column") if key in there]
    usual = "usual" in request.POST
    try:
        if is_id(view):
            saved = _own(request, UUID(view))
            change_view(view=saved, by=user_of(request), columns=keys, usual_columns=usual)
        elif view in PRESETS:
            columns.choose(user_id=user_of(request).pk, preset=view, keys=None if usual else keys)
    except ViewRefused as refusal:
        model_admin.message_user(request, str(refusal), messages.ERROR)
    return _list(back[:4000])


def _delete(model_admin: admin.ModelAdmin[Any], request: HttpRequest, pk: UUID) -> HttpResponse:
    view = _own(request, pk)
    delete_view(view=view, by=user_of(request))
    model_admin.message_user(request, f"Deleted: {view}", messages.SUCCESS)
    return _list()


def _own(request: HttpRequest, pk: UUID) -> SavedView:
    """A view that she may change."""
    if not access(request).can(Scope.WRITE):
        raise refuse(Scope.WRITE)
    return get_object_or_404(SavedView.objects.worked_by(access(request)), pk=pk)


def _list(query: str = "") -> HttpResponse:
    address = reverse("admin:leads_lead_changelist")
    return HttpResponseRedirect(f"{address}?{query}" if query else address)
