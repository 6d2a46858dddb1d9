"""Another text after the launch: which steps it may be for, which templates, and asking for its dry run."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.access import access
from campaigns.admin.words import CHANNEL_WORDS
from campaigns.models import Campaign, Template
from campaigns.planning.refusals import CampaignError
from campaigns.planning.steps import CALL, current
from campaigns.running.looking import may_run
from campaigns.running.revising import revise
from common.admin import is_id, page


def answer(of: Any, request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """The page, or what its form asks for. of: the admin class of campaigns. Raises PermissionDenied."""
    person = access(request)
    try:
        may_run(person, campaign)
        trouble = ""
        if request.method == "POST":
            revise(campaign=campaign, access=person, texts=_said(request))
            of.message_user(request, "Dry run of the new text started.", messages.SUCCESS)
            return redirect("admin:campaigns_campaign_change", campaign.pk)
    except CampaignError as error:
        if error.code == "FORBIDDEN":
            raise PermissionDenied(str(error)) from error
        trouble = str(error)
    title = f"Change the text of {campaign} from here on"
    return page(
        of, request, "admin/campaigns/revise.html", title, campaign=campaign, steps=_steps(campaign), trouble=trouble
    )


def _said(request: HttpRequest) -> dict[int, dict[str, UUID]]:
    """step -> text's name -> template, of fields such as s2-A."""
    found: dict[int, dict[str, UUID]] = {}
    for field, value in request.POST.items():
        step, _, name = field.removeprefix("s").partition("-")
        if field.startswith("s") and step.isascii() and step.isdigit() and name and is_id(str(value)):
            found.setdefault(int(step[:4]), {})[name] = UUID(str(value))
    return found


def _steps(campaign: Campaign) -> list[Any]:
    """Each step that has texts, with its channel in words and, of each text, the field's name and its choices."""
    choices: dict[str, list[tuple[str, str]]] = {}
    for one in Template.objects.filter(team=campaign.team_id).order_by("name", "pk"):
        choices.setdefault(one.channel, []).append((str(one.pk), one.name))
    rows = campaign.steps.exclude(channel=CALL).prefetch_related("variants__version__template")
    return [
        (
            step,
            f"Step {step.position}: {CHANNEL_WORDS[step.channel].lower()}",
            [
                (one, f"s{step.position}-{one.name}", choices.get(step.channel, []))
                for one in current(step.variants.all())
            ],
        )
        for step in rows
    ]
