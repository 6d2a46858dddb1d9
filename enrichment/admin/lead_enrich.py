"""Enriching one lead from its page: the price on the button, one press one job, a page that moves while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from accounts.access import Scope, access
from accounts.selectors import user_of
from common.admin_extensions import Done
from common.admin_teams import refuse
from common.db.ids import uuid7
from enrichment.models import Run, RunItem
from enrichment.options import RunOptions
from enrichment.quoting.quotes import limits_in_words, quote
from enrichment.selectors import paused_in_words
from enrichment.services import RunError, enrich_leads
from leads.models import Lead


@dataclass(frozen=True, slots=True)
class Offer:
    """A button. what: full, or detail; price: the most its press can cost, US dollars; limits: what is in its way."""

    what: str
    price: Decimal
    limits: list[str]

    @property
    def words(self) -> str:
        return "Enrich this lead" if self.what == "full" else "Property data only"


def _options(lead: Lead, what: str, max_cost: Decimal | None = None) -> RunOptions:
    return RunOptions(lead_ids=[lead.pk], skip_trace=what != "detail", max_cost=max_cost)


def _offer(request: HttpRequest, lead: Lead, what: str) -> Offer | None:
    """None: there is nothing to buy, or it may not be bought."""
    try:
        price = quote(bucket=lead.bucket, by=user_of(request), options=_options(lead, what))
    except (RunError, ValueError):
        return None
    return Offer(what, price.at_most, limits_in_words(price)) if price.leads else None


def context(request: HttpRequest, lead: Lead) -> dict[str, Any]:
    """The offers where something is missing, or the job that is at work on it; nothing for who buys nothing."""
    person = access(request)
    if person.team_id != lead.team_id or person.only_assigned:
        return {}
    working = working_on(lead)
    may_buy = person.can_in(lead.team_id, Scope.BUY)
    wants = ["full"] if not lead.skip_traced_at else []
    wants += ["detail"] if not lead.enriched_at else []
    offers = [_offer(request, lead, what) for what in wants] if may_buy and working is None else []
    return {
        "enriching": working,
        "enrich_offers": [one for one in offers if one],
        "enrich_once": uuid7(),
        "page_of_lead": f"?{query}" if (query := request.GET.urlencode()) else "",
    }


def working_on(lead: Lead) -> dict[str, Any] | None:
    """The open job that has this lead to do, in words."""
    rows = RunItem.objects.filter(lead=lead, run__status__in=Run.ACTIVE).exclude(stage=RunItem.Stage.DONE)
    item = rows.select_related("run").order_by("-pk").first()
    if item is None:
        return None
    stands = paused_in_words(item.run) if item.run.status == Run.Status.PAUSED else ""
    return {"run": item.run, "stage": item.get_stage_display(), "stands": stands}


def enrich(_model_admin: Any, request: HttpRequest, lead: Lead) -> Done:
    """One job over this lead, for at most what the button said. The same press twice is one job."""
    if not access(request).can_in(lead.team_id, Scope.BUY):
        raise refuse(Scope.BUY)
    (what, _, most), once = request.POST.get("offer", "").partition(" "), request.POST.get("once", "")
    if what not in ("full", "detail") or len(once) != 36:
        return Done(trouble="This page is not up to date: load it again.")
    key = f"admin:lead:{once}"
    offer = _offer(request, lead, what)
    if offer is None:
        return Done(trouble="There is nothing to buy for this lead.")
    if str(offer.price) != most:
        return Done(trouble=f"Nothing is bought yet: it costs at most ${offer.price:,.2f} now. Press again.")
    try:
        options = _options(lead, what, offer.price or None)
        ((run, _made),) = enrich_leads(by=user_of(request), options=options, idempotency_key=key, team_id=lead.team_id)
    except RunError as refusal:
        return Done(trouble=f"Nothing was bought: {refusal}")
    return Done(words=f"This lead is being enriched, for at most ${offer.price:,.2f}." if run.is_open else "Enriched.")


def urls(model_admin: admin.ModelAdmin[Any]) -> list[URLPattern]:
    """The piece that asks again while a job is at work. `model_admin` is the leads'."""

    def piece(request: HttpRequest, lead_id: UUID) -> HttpResponse:
        lead = model_admin.get_queryset(request).filter(pk=lead_id).first()
        if lead is None or lead.team_id != access(request).team_id or access(request).only_assigned:
            raise Http404("There is no such lead.")
        shown = {"enriching": working_on(lead), "lead": lead, "page_of_lead": _query(request.GET.get("page", ""))}
        return TemplateResponse(request, "admin/leads/lead/enriching.html", shown)

    inside: Any = model_admin.admin_site.admin_view(piece)
    return [path("<uuid:lead_id>/enriching/", inside, name="leads_lead_enriching")]


def _query(text: str) -> str:
    """The page's own query, and nothing that would lead elsewhere."""
    return text if text.startswith("?") else ""


ACTS = {"enrich": enrich}
