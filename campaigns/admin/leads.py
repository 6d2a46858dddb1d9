"""A lead's page shows by which channels its owner may be contacted now, why not, and what was answered before; its
phones are called through the dialer's gate. Leads chosen on the list become a call list."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.access import Scope, access
from accounts.selectors import user_of
from buckets.models import Bucket
from campaigns.admin import lead_calls, lead_mail
from campaigns.admin.call_lists import CHOSEN
from campaigns.gate.lead import receipts_of, told, verdicts
from common.admin_extensions import Extension
from leads.models import Lead

RECEIPTS = 5  # latest
CHOSEN_MOST = 1_000  # leads that one press on the list can check


def context(request: HttpRequest, lead: Lead) -> dict[str, Any]:
    """Nothing for another team's lead: whom that team may contact is its own."""
    person = access(request)
    if person.team_id is None or person.team_id != lead.team_id:
        return {}
    rows = receipts_of(lead.pk, person)[:RECEIPTS]
    said = verdicts(lead, team_id=person.team_id, by=user_of(request))
    return {
        "may_contact": said,
        "receipts": [told(row) for row in rows],
        **lead_calls.context(request, lead, person),
        **lead_mail.context(request, lead, said),
    }


@admin.action(description="Call these …", permissions=["campaign"])
def call_these(model_admin: Any, request: HttpRequest, queryset: QuerySet[Lead]) -> HttpResponse | None:
    """The leads that are checked, as a call list: its form comes next."""
    request.session[CHOSEN] = [str(pk) for pk in queryset.values_list("pk", flat=True)[:CHOSEN_MOST]]
    return redirect(f"{reverse('admin:campaigns_calllist_add')}?chosen=1")


def of_bucket(request: HttpRequest, bucket: Bucket) -> dict[str, Any]:
    """A bucket's page leads to a call list of it."""
    person = access(request)
    if person.team_id != bucket.team_id or not person.can(Scope.CAMPAIGN):
        return {}
    return {"call_list": f"{reverse('admin:campaigns_calllist_add')}?bucket={bucket.pk}"}


EXTENSION = Extension(context=context, first=(call_these,), acts={**lead_calls.ACTS, **lead_mail.ACTS})
BUCKETS = Extension(context=of_bucket)
