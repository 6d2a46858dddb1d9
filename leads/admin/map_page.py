"""The leads of the list on a map: the list's own filters, drawn areas, pins and clusters."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET

from common.admin import Empty, page
from leads.admin.addresses import links
from leads.admin.filters import WRONG
from leads.admin.keyset_list import BESIDE
from leads.models import Lead
from leads.selection.map import PINS_MOST, ZOOM_MOST, shown_on_map
from leads.selection.map_pins import as_json, read_box

WINDOW = ("bbox", "zoom")  # what the map asks beside the list's own filters
SHAPES = ("near", "area")  # filters that are drawn
# A status has a shape beside its color, and its word in the legend: color alone tells nothing to one reader in twelve.
SIGNS = {"new": "circle", "contacted": "diamond", "qualified": "square", "closed": "triangle", "lost": "cross"}


_EMPTY = Empty("", page="buckets_bucket_changelist")  # where data is purchased, for who may look there


def urls(model_admin: admin.ModelAdmin[Any]) -> list[URLPattern]:
    """To stand before the list's own addresses."""

    def inside(view: Any) -> Any:
        return require_GET(model_admin.admin_site.admin_view(partial(view, model_admin)))

    return [
        path("map/", inside(_map), name="leads_lead_map"),
        path("map/points/", inside(_points), name="leads_lead_map_points"),
    ]


def _map(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """The page. Its address has the list's filters, and is shared and bookmarked like the list's."""
    asked = _asked(request)
    shapes = {name: asked.pop(name)[-1] if name in asked else "" for name in SHAPES}
    return page(
        model_admin,
        request,
        "admin/leads/lead/map.html",
        "Map",
        opts=None,  # as the board
        shapes=shapes,
        query=asked.urlencode(),
        list_address=reverse("admin:leads_lead_changelist"),
        fill=_EMPTY.address(request, model_admin.admin_site),
        points_address=reverse("admin:leads_lead_map_points"),
        legend=[(value, label, SIGNS[value]) for value, label in Lead.Status.choices],
        signs=SIGNS,
        labels=dict(Lead.Status.choices),
        most=PINS_MOST,
        tiles=settings.MAP_TILES_URL,
        tiles_credit=settings.MAP_TILES_CREDIT,
    )


def _points(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """What is in the window, in JSON: {total, pins, clusters}; or {error} with a 400."""
    try:
        box = read_box(request.GET.get("bbox", ""))
        zoom = int(request.GET.get("zoom", "")[:3])
        if not 0 <= zoom <= ZOOM_MOST:
            raise ValueError("zoom is 0 to 22.")
    except ValueError as error:
        return JsonResponse({"error": str(error)}, status=400)
    asked = _asked(request)
    request.GET = asked  # the list reads it, and knows no window
    wrong: list[str] = vars(request).setdefault(WRONG, [])
    try:
        leads = model_admin.get_changelist_instance(request).queryset
    except (IncorrectLookupParameters, DisallowedModelAdminLookup):
        return JsonResponse({"error": "One of the filters cannot be read."}, status=400)
    if wrong:
        return JsonResponse({"error": " ".join(wrong)}, status=400)
    found = as_json(shown_on_map(leads, box=box, zoom=zoom))
    address = links(asked.urlencode())
    for pin in found["pins"]:
        pin["link"] = address(Lead(pk=pin["id"]))
    return JsonResponse(found)


def _asked(request: HttpRequest) -> Any:
    """The list's filters in this address."""
    asked = request.GET.copy()
    for name in list(asked):
        values = [value for value in asked.getlist(name) if value.strip()]
        if name in (*WINDOW, *BESIDE) or not values:
            del asked[name]
        else:
            asked.setlist(name, values)
    return asked
