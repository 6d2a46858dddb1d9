"""A lead's page shows by which channels its owner may be contacted now, why not, and what was answered before."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from accounts.access import access
from accounts.selectors import user_of
from campaigns.gate.lead import receipts_of, told, verdicts
from common.admin_extensions import Extension
from leads.models import Lead

RECEIPTS = 5  # latest


def context(request: HttpRequest, lead: Lead) -> dict[str, Any]:
    """Nothing for another team's lead: whom that team may contact is its own."""
    person = access(request)
    if person.team_id is None or person.team_id != lead.team_id:
        return {}
    rows = receipts_of(lead.pk, person)[:RECEIPTS]
    return {
        "may_contact": verdicts(lead, team_id=person.team_id, by=user_of(request)),
        "receipts": [told(row) for row in rows],
    }


EXTENSION = Extension(context=context)
