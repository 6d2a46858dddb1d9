"""Home's button: a press, and the first owner who may be called stands before her in the dialer."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.access import access
from campaigns.dialing import offering
from campaigns.dialing.offering import Nobody
from campaigns.dialing.sight import by_hand
from campaigns.dialing.starting import start_calling
from campaigns.planning.refusals import CampaignError


def start(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """The lists, made where there are none; then the first owner, unless somebody is before her already."""
    person = access(request)
    try:
        started = start_calling(person)
        busy = by_hand(person) is not None or offering.offered(person) is not None
        found = None if busy else offering.next_lead(person, started.lists)
    except CampaignError as error:
        model_admin.message_user(request, str(error), messages.ERROR)
        return redirect("admin:index")
    if started.made:
        whom = "1 person" if started.added == 1 else f"{started.added:,} people"
        words = f"Made a call list of {whom} ready to call, most equity first."
        model_admin.message_user(request, words, messages.SUCCESS)
    if isinstance(found, Nobody):
        model_admin.message_user(request, found.words, messages.WARNING)
    chosen = urlencode({"list": [str(one) for one in started.lists]}, doseq=True)
    return redirect(f"{reverse('admin:campaigns_callattempt_dialer')}?{chosen}")
