"""The first page: what needs somebody now, then money and stock."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

from accounts.access import Access
from accounts.access import access as access_of
from accounts.models import Team
from campaigns.models import Conversation
from common.admin import sees_all
from common.admin_teams import may
from common.charts import chart
from common.needs import Need, operates
from enrichment.models import Run
from leads.models import Event, Lead
from operations import home

_FILTERS: dict[Any, str] = {Run: "", Lead: "?callback=due", Conversation: ""}  # of the lists


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What `templates/admin/index.html` shows beside Django's own.

    While a run is open the page asks for itself every three seconds and puts the new numbers in place. Server-sent
    events would hold a thread of the 32 that the web server has for every run on every open window.
    """
    access = access_of(request)
    runs, stock = home.open_runs(access), home.stock(access)
    return context | {
        "title": "Home",
        "needs": [
            (need, _address(request, need.row), [(words, _address(request, row)) for words, row in need.parts])
            for need in _needs(request)
        ],
        "money": home.money(access),
        "leads_today": home.leads_today(access),
        "stock": stock,
        "came_of": _came_of(access, stock),
        "open_runs": runs,
        "moves": any(run.status in Run.ACTIVE for run in runs),
        "everybody": operates(access),
        "access": access,
        "looks": access.can("read") and not access.only_assigned,
        "may_write": may(request, "write"),
    }


def _came_of(access: Access, stock: home.Stock) -> dict[str, Any] | None:
    if not access.can("read") or access.only_assigned or (found := home.came_of(access, stock)) is None:
        return None
    told = [(words, many, each, many > home.COUNTED_AT_MOST) for words, many, each in found.stages]
    drawn = chart([words for words, *_ in told], [many for _, many, *_ in told], "Leads")
    return {"spent": found.spent, "stages": told, "most": home.COUNTED_AT_MOST, "chart": drawn}


def badge(request: HttpRequest) -> str:
    """How many things need this person, for the side bar; empty where there are none."""
    return str(len(_needs(request)) or "")


def _needs(request: HttpRequest) -> list[Need]:
    """Read once a page: the side bar wants to know it as well."""
    kept: dict[str, list[Need]] = vars(request)
    if "desk_needs" not in kept:
        kept["desk_needs"] = home.needs(access_of(request))
    return kept["desk_needs"]


def _address(request: HttpRequest, row: Model | type[Model]) -> str:
    """Where it is decided: a run on its bucket's page, which has the buttons. Empty: nowhere for this person."""
    if isinstance(row, Run) and row.bucket_id:
        return reverse("admin:buckets_bucket_change", args=[row.bucket_id])
    if isinstance(row, get_user_model()) and not sees_all(request):
        return ""
    if isinstance(row, Team) and not (sees_all(request) or may(request, "manage", row.pk)):
        return ""
    if isinstance(row, Event):
        return reverse("calendar_event", args=[row.pk])
    if row is Event:
        return reverse("calendar")
    page = f"admin:{row._meta.app_label}_{row._meta.model_name}"
    if not isinstance(row, type):
        return reverse(f"{page}_change", args=[row.pk])
    return reverse(f"{page}_changelist") + _FILTERS.get(row, "?state__exact=in_doubt")
