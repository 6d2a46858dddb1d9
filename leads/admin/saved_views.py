"""Saving the filters of the list of leads under a name, and deleting such a view."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from accounts.access import Scope, access
from accounts.selectors import user_of
from common.admin_teams import refuse
from leads.models import SavedView
from leads.selection.saved_views import ViewRefused, delete_view, save_view


def urls(model_admin: admin.ModelAdmin[Any]) -> list[URLPattern]:
    """To stand before the list's own addresses."""

    def inside(view: Callable[..., HttpResponse]) -> Any:
        return require_POST(model_admin.admin_site.admin_view(partial(view, model_admin)))

    return [
        path("views/", inside(_save), name="leads_savedview_save"),
        path("views/<uuid:pk>/delete/", inside(_delete), name="leads_savedview_delete"),
    ]


def _save(model_admin: admin.ModelAdmin[Any], request: HttpRequest) -> HttpResponse:
    if not access(request).can(Scope.WRITE):
        raise refuse(Scope.WRITE)
    name, query = request.POST.get("name", ""), request.POST.get("query", "")
    overrules, team_id = access(request).can(Scope.MANAGE), access(request).team_id
    try:
        view = save_view(by=user_of(request), team_id=team_id, name=name, query=query, overrules=overrules)
    except ViewRefused as refusal:
        model_admin.message_user(request, str(refusal), messages.ERROR)
        return _list()
    model_admin.message_user(request, f"Saved: {view}", messages.SUCCESS)
    return _list(view.query)


def _delete(model_admin: admin.ModelAdmin[Any], request: HttpRequest, pk: UUID) -> HttpResponse:
    if not access(request).can(Scope.WRITE):
        raise refuse(Scope.WRITE)
    view = get_object_or_404(SavedView.objects.worked_by(access(request)), pk=pk)
    delete_view(view=view, by=user_of(request))
    model_admin.message_user(request, f"Deleted: {view}", messages.SUCCESS)
    return _list()


def _list(query: str = "") -> HttpResponse:
    address = reverse("admin:leads_lead_changelist")
    return HttpResponseRedirect(f"{address}?{query}" if query else address)
