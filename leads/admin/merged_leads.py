"""What is merged into a lead, on its page, and taking it apart again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from accounts.selectors import user_of
from common.admin import is_id
from common.admin_extensions import Extensible
from common.contact_access import told
from leads.facts.sources import mailing_of, name_of
from leads.merging.services import NotMerged, merges_of, separate
from leads.models import Lead


@dataclass(frozen=True, slots=True)
class Merged:
    """One hidden lead: when and why it was merged, and what its row holds. No contacts: the lead shows them all."""

    pk: UUID
    title: str
    why: str
    at: datetime
    rows: list[tuple[str, str]]


def shown(lead: Lead) -> list[Merged]:
    """The leads that this one stands for."""
    return [
        Merged(one.younger_id, str(one.younger), str(one.get_why_display()), one.merged_at, _rows(one.younger))
        for one in merges_of(lead)
    ]


_OURS = ("APN", "Status", "Property id")


def _rows(lead: Lead) -> list[tuple[str, str]]:
    row = vars(lead)
    columns = ("property_address", "property_city", "property_state", "property_zip")
    facts = (
        ("Address", mailing_of(row, columns)),
        ("APN", lead.apn or ""),
        ("Owner", name_of(row)),
        ("Mailing address", mailing_of(row)),
        ("Status", str(lead.get_status_display())),
        ("Property id", lead.property_id),
    )
    return [(name, text if name in _OURS else str(told(text))) for name, text in facts if text]


def shown_instead(rows: QuerySet[Any], key: str) -> UUID | None:
    """The lead among these that stands for the hidden one of this id."""
    older: UUID | None = rows.filter(merged=key).values_list("pk", flat=True).first()
    return older


def separate_on_page(model_admin: Extensible, request: HttpRequest, lead: Lead) -> HttpResponseRedirect:
    """Separates the lead that the button named."""
    key = request.POST.get("lead", "")
    hidden = Lead.every.filter(pk=key, merged_into=lead).first() if is_id(key) else None
    back = HttpResponseRedirect(reverse("admin:leads_lead_change", args=[lead.pk]))
    try:
        if hidden is None:
            raise NotMerged
        separate(lead=hidden, by=user_of(request))
    except NotMerged:
        model_admin.message_user(request, "These leads were already separated.", messages.WARNING)
        return back
    words = f"Separated: {hidden} is a lead of its own again. The two are not merged again."
    model_admin.message_user(request, words, messages.SUCCESS)
    return back
