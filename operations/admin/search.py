"""The search over everything, in a dialog that Ctrl+K opens on every page, and as a page of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import Access, access
from campaigns.models import Campaign
from common.contact_access import told
from leads.models import Lead
from leads.selection.search import LONGEST, SHORTEST
from operations.search.finding import Found, find

IN_PAGE = 20  # of each kind on the page; the dialog has five


@dataclass(frozen=True, slots=True)
class Hit:
    words: str
    beside: str
    address: str


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    hits: list[Hit]


@never_cache
@login_required
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """The page; with `part` what stands below the box, for the dialog."""
    text = request.GET.get("q", "")[:LONGEST]
    is_part = "part" in request.GET
    person: Access = access(request)
    found = find(person, text) if is_part else find(person, text, each=IN_PAGE)
    shown: dict[str, Any] = {
        "groups": [one for one in _groups(found) if one.hits],
        "text": text,
        "asks": len(text.strip()) >= SHORTEST,
        "every": reverse("admin:leads_lead_changelist") + f"?{urlencode({'q': text})}" if found.leads else "",
        "for_caller": person.only_assigned,
    }
    if is_part:
        return TemplateResponse(request, "admin/search/found.html", shown)
    return TemplateResponse(
        request, "admin/search/page.html", {**admin.site.each_context(request), "title": "Search", **shown}
    )


def _groups(found: Found) -> Iterator[Group]:
    """Names and addresses as this person may read them."""
    yield Group("Leads", [_lead(one) for one in found.leads])
    yield Group(
        "Owners",
        [
            Hit(
                str(told(one.name)),
                f"{one.leads} {'lead' if one.leads == 1 else 'leads'} found",
                reverse("admin:leads_lead_changelist") + f"?{urlencode({'q': one.name})}",
            )
            for one in found.owners
        ],
    )
    yield Group(
        "Buckets",
        [
            Hit(str(one), f"{one.total_leads:,} leads", reverse("admin:buckets_bucket_change", args=[one.pk]))
            for one in found.buckets
        ],
    )
    yield Group(
        "Enrichment jobs",
        [
            Hit(
                str(told(one.bucket_name)),
                str(one.get_status_display()),
                reverse("admin:enrichment_run_change", args=[one.pk]),
            )
            for one in found.runs
        ],
    )
    yield Group("Campaigns", [_campaign(one) for one in found.campaigns])


def _lead(lead: Lead) -> Hit:
    place = ", ".join(filter(None, (str(lead), lead.property_city, lead.property_state)))
    owner = str(told(lead.owner_name or ""))
    beside = " · ".join(filter(None, (owner, str(lead.bucket))))
    return Hit(str(told(place)), beside, reverse("admin:leads_lead_change", args=[lead.pk]))


def _campaign(one: Campaign) -> Hit:
    """Calls stand among the call lists."""
    kind = "calllist" if one.channel == Campaign.Channel.CALL else "campaign"
    beside = f"{one.get_channel_display()}, {str(one.get_status_display()).lower()}"
    return Hit(str(told(one.name)), beside, reverse(f"admin:campaigns_{kind}_change", args=[one.pk]))
