"""Saving the filters of the list of leads as a view, changing and deleting it, its columns, and how many each holds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import Scope, access
from accounts.selectors import user_of
from common.admin import ask, confirmed, is_id
from common.admin_teams import refuse
from common.contact_access import told
from leads.admin import columns
from leads.admin.addresses import LIST
from leads.admin.keyset_list import AFTER, BEFORE, SIZE, SIZES, Unread
from leads.admin.view_tabs import counts_of, keys_of, tabs_of, words_of
from leads.listing.saved_views import (
    NAME_MAX,
    ViewExists,
    ViewRefused,
    change_view,
    delete_view,
    order_views,
    save_view,
)
from leads.models import SavedView
from leads.selection.presets import EVERY, PRESETS

LONGEST = 4000  # characters of a list's address that are led back to


def urls(model_admin: admin.ModelAdmin[Any]) -> list[URLPattern]:
    """To stand before the list's own addresses."""

    def inside(view: Callable[..., HttpResponse], only: Callable[..., Any] = require_POST) -> Any:
        return only(model_admin.admin_site.admin_view(partial(view, model_admin)))

    return [
        path("views/", inside(_save), name="leads_savedview_save"),
        path(
            "views/replace/",
            inside(_replace, require_http_methods(["GET", "HEAD", "POST"])),
            name="leads_savedview_replace",
        ),
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
    """Where she has a view of this name, what becomes of it is asked first."""
    return _saved(model_admin, request, request.POST, replaces=False)


def _replace(model_admin: admin.ModelAdmin[Any], request: HttpRequest) -> HttpResponse:
    """Asks whether a view of this name is given the list's filters. All that was said stands in the address."""
    given = request.GET
    if not access(request).can(Scope.WRITE):
        raise refuse(Scope.WRITE)
    if confirmed(request):
        return _saved(model_admin, request, given, replaces=True)
    lines = [
        f"There is a view “{told(given.get('name', '')[:NAME_MAX])}” already.",
        "Its filters, order and columns become those of the list you came from. This cannot be undone.",
        "To keep both, go back and choose another name.",
    ]
    return ask(
        model_admin, request, [], title="Replace this view?", lines=lines, button="Replace it", is_free=True,
        back=_address(given.get("query", "")),
    )  # fmt: skip


def _saved(
    model_admin: admin.ModelAdmin[Any], request: HttpRequest, given: QueryDict, *, replaces: bool
) -> HttpResponse:
    """given: name, query, whose, columns_of."""
    person = access(request)
    if not person.can(Scope.WRITE):
        raise refuse(Scope.WRITE)
    try:
        view = save_view(
            by=user_of(request), team_id=person.team_id, name=given.get("name", ""), query=given.get("query", ""),
            overrules=person.can(Scope.MANAGE), shared=given.get("whose") != "mine" and not person.only_assigned,
            columns=_columns_shown(request, given.get("columns_of", "")), replaces=replaces,
        )  # fmt: skip
    except ViewExists:
        said = urlencode({name: given.get(name, "") for name in ("name", "query", "whose", "columns_of")})
        return HttpResponseRedirect(f"{reverse('admin:leads_savedview_replace')}?{said}")
    except ViewRefused as refusal:
        model_admin.message_user(request, str(refusal), messages.ERROR)
        return _list(given.get("query", "") if refusal.field == "name" else "")
    model_admin.message_user(request, f"Saved: {view}", messages.SUCCESS)
    return _list(f"view={view.pk}")


def _columns_shown(request: HttpRequest, key: str) -> Any:
    """Those of the view she was in when she saved another: what she sees is what she keeps; None: the usual ones."""
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
    """Keeps the columns of a view: with a saved one for all, of a preset for the person alone; or how many rows a page
    of it has, for the person alone.
    """
    view, back = request.POST.get("view", EVERY), request.POST.get("back", "")
    if (size := request.POST.get("size", "")) in map(str, SIZES):
        if any(tab.key == view for tab in tabs_of(access(request))):
            columns.choose_size(user_id=user_of(request).pk, view=view, size=int(size))
        return _list(_first_page(back))
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
    return _list(back)


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


def _first_page(query: str) -> str:
    """The list of this address from its first row, in the size that is kept."""
    given = QueryDict(query[:LONGEST], mutable=True)
    for name in (AFTER, BEFORE, SIZE):
        given.pop(name, None)
    return given.urlencode()


def _list(query: str = "") -> HttpResponse:
    return HttpResponseRedirect(_address(query))


def _address(query: str) -> str:
    address = reverse("admin:leads_lead_changelist")
    return f"{address}?{query[:LONGEST]}" if query else address
