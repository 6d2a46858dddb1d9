"""Several billing checks on one page: what was asked, where to look it up, which of them, and both buttons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.selectors import user_of
from common.admin import is_id, page
from integrations.naming import vendors as vendor_names
from integrations.operating.doubts import decide_chosen
from integrations.operating.doubts_shown import ADDRESS, may_decide, shown
from integrations.operating.evidence import SHOWN, doubts
from integrations.operating.vendors import names


def decide(model_admin: admin.ModelAdmin[Any], request: HttpRequest) -> HttpResponse:
    """A GET shows what waits; a POST decides the chosen ones and leads back, so that a reload decides nothing."""
    if not may_decide(request):
        raise PermissionDenied("An operator decides whether a request was billed.")
    if request.method == "POST":
        return _decided(model_admin, request)
    run, vendor = request.GET.get("run", ""), request.GET.get("vendor", "")
    if (run and not is_id(run)) or (vendor and vendor not in names()):
        model_admin.message_user(request, "There is no such enrichment job or vendor: all are shown.", messages.WARNING)
        return redirect(ADDRESS)
    found = doubts(run_id=UUID(run) if run else None, vendor=vendor)
    here = request.get_full_path()
    return page(
        model_admin,
        request,
        "admin/integrations/decide.html",
        "Billing checks",
        run=run,
        vendor=vendor_names.title(vendor),
        **shown(request, found, back=here),
    )


def _decided(model_admin: admin.ModelAdmin[Any], request: HttpRequest) -> HttpResponse:
    chosen, verdict = request.POST.getlist("row"), request.POST.get("verdict", "")
    back = request.POST.get("back", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = reverse(ADDRESS)
    requests, phones = _ids(chosen, "request"), _ids(chosen, "phones")
    if not requests and not phones:
        model_admin.message_user(request, "Choose what you have found on the bill first.", messages.WARNING)
    elif len(requests) + len(phones) > SHOWN:
        model_admin.message_user(request, f"Choose at most {SHOWN} at a time.", messages.ERROR)
    elif verdict not in ("billed", "not-billed"):
        model_admin.message_user(request, "Say whether they were billed.", messages.ERROR)
    else:
        found = decide_chosen(
            requests=requests,
            phones=phones,
            billed=verdict == "billed",
            by=user_of(request),
            reason=request.POST.get("reason", "").replace("\0", "")[:300],
        )
        level = messages.SUCCESS if found.requests else messages.WARNING
        model_admin.message_user(request, found.in_words, level)
    return redirect(back)


def _ids(chosen: Sequence[str], kind: str) -> list[UUID]:
    values = (value.partition(":") for value in chosen)
    return list(dict.fromkeys(UUID(text) for what, _, text in values if what == kind and is_id(text)))
