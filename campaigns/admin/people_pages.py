"""Who gets what, who does not and why, and what became of each message: the lists behind a campaign's page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Scope, access
from accounts.audit import record
from accounts.fresh import requires_fresh
from accounts.selectors import user_of
from campaigns.admin.words import CHANNEL_WORDS, VERDICTS, counted, dollars, reason_in_words, why_in_words
from campaigns.models import Campaign, Delivery, Preview
from campaigns.previews.reading import csv_of, labels_of, latest_made, people_of, people_told
from campaigns.running import breakdown
from campaigns.sending.doubts import NotInDoubt, resolve
from campaigns.texts.mail import as_shown
from common.admin import is_id, page
from common.admin_teams import demand, operates
from common.contact_access import masked_text
from common.dates import moment
from common.downloads import file_answer
from leads.selection.export import Format, Layout

PEOPLE = 50  # a page


def urls(model_admin: Any) -> list[URLPattern]:
    """`model_admin` is the campaigns'."""

    def own(route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
        def inside(request: HttpRequest, campaign_id: UUID, **more: Any) -> HttpResponseBase:
            return view(model_admin, request, model_admin.campaign(request, campaign_id), **more)

        limited = require_POST(inside) if name == "decide" else require_safe(inside)
        guarded: Any = model_admin.admin_site.admin_view(limited)
        found: URLPattern = path(f"<uuid:campaign_id>/{route}", guarded, name=f"campaigns_campaign_{name}")
        return found

    return [
        own("people/", people, "people"),
        own("dry-run.csv", _csv, "csv"),
        own("results.csv", _results, "results"),
        own("messages/", sent, "messages"),
        own("messages/<uuid:delivery_id>/decide/", decide, "decide"),
    ]


def sees(request: HttpRequest, campaign: Campaign) -> bool:
    """Whether she may read what names a person, and who shares a number with whom: in her own team alone."""
    return access(request).can_in(campaign.team_id, Scope.CONTACTS)


def people(model_admin: Any, request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """The latest dry run, person by person, in the order they are contacted."""
    preview = _latest(campaign)
    verdict, reason = request.GET.get("verdict", ""), request.GET.get("reason", "")[:60]
    rows = people_of(preview, verdict=verdict if verdict in VERDICTS else "", reason=reason)
    after = request.GET.get("after", "")
    if after.isascii() and after.isdigit() and len(after) < 19:  # a bigint
        rows = rows.filter(pk__gt=int(after))
    found = list(rows.order_by("pk")[: PEOPLE + 1])
    shown = people_told(preview, found[:PEOPLE], is_masked=not sees(request, campaign))
    others = labels_of([one["insteadLeadId"] for one in shown if one["insteadLeadId"]])
    kept = {name: value for name, value in (("verdict", verdict), ("reason", reason)) if value}
    further = f"?{urlencode({**kept, 'after': found[PEOPLE - 1].pk})}" if len(found) > PEOPLE else ""
    told = [
        one
        | {
            "says": VERDICTS.get(one["verdict"], ""),
            "why": reason_in_words(one["reason"]) if one["reason"] else "",
            "instead": others.get(one["insteadLeadId"], ""),
            "texts": [
                m
                | {
                    "text": as_shown(m["text"]),
                    "price": dollars(m["cost"]),
                    "when": moment(m["at"], one["zones"][0] if one["zones"] else ""),
                    "called": CHANNEL_WORDS[m["channel"]].lower(),
                    "passed_why": reason_in_words(m["passedOver"]) if m["passedOver"] else "",
                }
                for m in one["messages"]
            ],
        }
        for one in shown
    ]
    return page(
        model_admin, request, "admin/campaigns/people.html", f"{campaign}: dry run", campaign=campaign, people=told,
        preview=preview, verdict=verdict, verdicts=VERDICTS.items(), reason=reason, reasons=counted(preview.left_out),
        further=further, is_first=not after, may_export=access(request).can_in(campaign.team_id, Scope.EXPORT),
    )  # fmt: skip


@requires_fresh
def _csv(model_admin: Any, request: HttpRequest, campaign: Campaign) -> HttpResponseBase:
    """The latest dry run as a file."""
    demand(request, Scope.EXPORT, campaign.team_id)
    preview = _latest(campaign)
    after = {"via": "admin", "format": "csv", "leads": preview.leads}
    record(
        "export.taken", by=user_of(request), team_id=campaign.team_id, about=campaign, name=campaign.name, after=after
    )
    name = Layout(format=Format.CSV).file_name(f"dry run {campaign.name}")
    return file_answer(
        csv_of(preview, texts=sees(request, campaign)), name=name, content_type=Format.CSV.content_type
    )  # fmt: skip


@requires_fresh
def _results(model_admin: Any, request: HttpRequest, campaign: Campaign) -> HttpResponseBase:
    """What came of it, as a file: nobody is named in it."""
    demand(request, Scope.EXPORT, campaign.team_id)
    after = {"via": "admin", "format": "csv", "what": "results"}
    record(
        "export.taken", by=user_of(request), team_id=campaign.team_id, about=campaign, name=campaign.name, after=after
    )
    name = Layout(format=Format.CSV).file_name(f"results {campaign.name}")
    return file_answer(
        breakdown.csv_of(breakdown.breakdown_of(campaign)), name=name, content_type=Format.CSV.content_type
    )


def sent(model_admin: Any, request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """Its messages, with a filter by state; those that need a check with what decides it."""
    states = [state for state in request.GET.get("state", "").split(",") if state in Delivery.State.values]
    rows = Delivery.objects.filter(campaign=campaign).select_related("step", "variant")
    rows = rows.filter(state__in=states) if states else rows
    after = request.GET.get("after", "")
    rows = rows.filter(pk__gt=after) if is_id(after) else rows
    found = list(rows.order_by("pk")[: PEOPLE + 1])
    shown = found[:PEOPLE]
    names = labels_of([one.lead_id for one in shown if one.lead_id])
    may_read, decides = sees(request, campaign), may_decide(request)
    kept = {"state": ",".join(states)} if states else {}
    further = f"?{urlencode({**kept, 'after': found[PEOPLE - 1].pk})}" if len(found) > PEOPLE else ""
    told = [
        {
            "row": one,
            "lead": names.get(one.lead_id, "") if one.lead_id else "",
            "text": as_shown(one.body or "") if may_read else masked_text(as_shown(one.body or "")),
            "subject": (one.subject or "") if may_read else masked_text(one.subject or ""),
            "why": why_in_words(one.error, one.error_words, one.refusal),
            "is_open": one.state == Delivery.State.IN_DOUBT,
        }
        for one in shown
    ]
    labels: dict[str, list[str]] = {}
    for state, label in Delivery.State.choices:
        labels.setdefault(str(label), []).append(str(state))
    return page(
        model_admin, request, "admin/campaigns/messages.html", f"{campaign}: messages", campaign=campaign, sent=told,
        asked=",".join(states), states=[(",".join(codes), label) for label, codes in labels.items()], further=further,
        is_first=not is_id(after), decides=decides and campaign.team_id == access(request).team_id,
    )  # fmt: skip


def may_decide(request: HttpRequest) -> bool:
    """Who decides about a vendor's bill decides what became of its message."""
    return operates(request) or request.user.has_perm("integrations.change_vendor")


def decide(model_admin: Any, request: HttpRequest, campaign: Campaign, delivery_id: UUID) -> HttpResponse:
    """A person says what became of a message that needs a check. It is not sent again in either case."""
    if not may_decide(request):
        raise PermissionDenied("An operator says what became of a message, because its bill hangs on it.")
    said = request.POST.get("outcome", "")
    row = Delivery.objects.filter(campaign=campaign, pk=delivery_id).first()
    if row is None or said not in ("sent", "not-sent"):
        raise Http404("There is no such message.")
    try:
        resolve(delivery_id=row.pk, was_sent=said == "sent", by=user_of(request))
    except NotInDoubt:
        model_admin.message_user(request, "It is known already what became of this message.", messages.WARNING)
    else:
        words = "Noted: it was sent." if said == "sent" else "Noted: it was not sent."
        model_admin.message_user(request, words, messages.SUCCESS)
    back = reverse("admin:campaigns_campaign_messages", args=[campaign.pk])
    return redirect(f"{back}?state={Delivery.State.IN_DOUBT}")


def _latest(campaign: Campaign) -> Preview:
    """The latest that was made. Raises Http404."""
    made = latest_made(campaign)
    if made is None:
        raise Http404("There is no dry run of this campaign yet.")
    return made
