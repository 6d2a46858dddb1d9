"""The leads that a combination leaves out as possibly the same as one it excludes, with what they may be."""

from __future__ import annotations

from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path

from accounts.access import Scope, access
from accounts.selectors import user_of
from buckets.filling.algebra import FIELDS, SetError, Sets
from buckets.filling.left_out import left_out
from buckets.models import Bucket
from common.admin import is_id, page
from common.admin_teams import demand

SHOWN = 50


def urls(model_admin: admin.ModelAdmin[Bucket]) -> list[URLPattern]:
    """The page. `model_admin` is the bucket's."""

    def view(request: HttpRequest) -> HttpResponse:
        return _left_out(model_admin, request)

    return [path("combine/left-out/", model_admin.admin_site.admin_view(view), name="buckets_bucket_left_out")]


def _left_out(model_admin: admin.ModelAdmin[Bucket], request: HttpRequest) -> HttpResponse:
    demand(request, Scope.WRITE)
    sets = Sets(**{part: _ids(request.GET.get(name, "")) for part, name in FIELDS.items()})
    after = request.GET.get("after", "")
    try:
        rows, last = left_out(
            by=user_of(request),
            team_id=access(request).team_id,
            sets=sets,
            after=UUID(after) if is_id(after) else None,
            limit=SHOWN,
        )
    except SetError as refusal:
        model_admin.message_user(request, str(refusal), messages.WARNING)
        return redirect("admin:buckets_bucket_combine")
    place = request.GET.copy()
    place.pop("after", None)
    return page(
        model_admin,
        request,
        "admin/left_out.html",
        "Left out as possibly the same",
        rows=rows,
        first=f"?{place.urlencode()}" if is_id(after) else "",
        further=f"?{place.urlencode()}&after={last}" if last else "",
    )


def _ids(text: str) -> tuple[UUID, ...]:
    return tuple(UUID(one) for one in text.split(",") if is_id(one))
