"""What the API of leads shares with the API of the apps above it: a lead of one's own, and its filters."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from common.api.base import ApiView, Problem, invalid, not_found, ok, see_contacts, translates
from common.api.schema import answer
from common.api.serializers import camel
from common.contact_access import MASKED
from leads.api import filters
from leads.api.bulk import BulkView
from leads.api.listing import COUNTED, FoundQuery, list_leads
from leads.api.rows import context_of, leads_list
from leads.api.serializers import LeadEdit, LeadSerializer
from leads.facts.columns import CONTACTS
from leads.facts.sources import MAILING, NAMES
from leads.facts.typed import EditRefused
from leads.fields.setting import BadValues
from leads.models import Lead
from leads.pipeline.labels import label_named
from leads.pipeline.moving import Stage
from leads.registries import shared_buckets
from leads.selection.disclosures import are_masked
from leads.selection.filters import BadFilter
from leads.services import edit_lead

__all__ = [
    "COUNTED", "BulkView", "FoundQuery", "LeadSerializer", "LeadView", "OwnLeadView", "context_of", "filters",
    "leads_list", "list_leads",
]  # fmt: skip

# What a caller says of a lead she works, and what its owner says on the phone.
BY_CALLERS = {"status", "status_label", "custom", *CONTACTS, *NAMES, *MAILING}


@translates(BadFilter)
def _bad_filter(error: BadFilter) -> Problem:
    return Problem("INVALID", str(error), fields=error.errors)


@translates(BadValues)
def _bad_values(error: BadValues) -> Problem:
    errors = {f"customFields.{key}": [words] for key, words in error.errors.items()}
    return Problem("INVALID", "; ".join(f"{name}: {words[0]}" for name, words in errors.items()), fields=errors)


@translates(EditRefused)
def _edit_refused(error: EditRefused) -> Problem:
    return invalid(camel(error.column), str(error))


class OwnLeadView(ApiView):
    """A view of one lead; another team's lead is not found, nor by a caller one that is not assigned to her."""

    def lead(self, lead_id: UUID) -> Lead:
        lead = Lead.objects.worked_by(self.access).filter(pk=lead_id).first()
        if lead is None:
            raise not_found("lead")
        return lead

    def lead_to_see(self, lead_id: UUID) -> Lead:
        """Also one of a bucket that another team shares with hers: it may be looked at, and no more."""
        shared = Lead.objects.filter(pk=lead_id, bucket__in=shared_buckets(self.access))
        return shared.first() or self.lead(lead_id)

    def shown(self, lead: Lead) -> Any:
        """The lead as the user who asks may see it."""
        looks_only = lead.team_id != self.access.team_id
        return LeadSerializer(
            lead, context={"is_masked": are_masked(self.request, [lead]), "looks_only": looks_only}
        ).data


class LeadView(OwnLeadView):
    for_callers = ("GET", "PATCH")

    @extend_schema(operation_id="getLead", summary="A lead", responses=answer("LeadAnswer", lead=LeadSerializer()))
    def get(self, request: Request, lead_id: UUID) -> Response:
        return ok(lead=self.shown(self.lead_to_see(lead_id)))

    @extend_schema(
        operation_id="editLead",
        summary="Move a lead on, or type what you know better: contacts, names, mailing address, the house",
        request=LeadEdit,
        responses=answer("LeadEdited", lead=LeadSerializer()),
    )
    def patch(self, request: Request, lead_id: UUID) -> Response:
        lead = self.lead(lead_id)
        changes = self.body(LeadEdit)
        if self.access.only_assigned and set(changes) - BY_CALLERS:
            words = "A caller changes the status of a lead, its names, contacts, mailing address and custom fields."
            raise Problem("FORBIDDEN", words, status=403)
        if set(changes) & set(MASKED):
            see_contacts(request)
        if "status_label" in changes:
            changes["stage"] = self._stage(lead, changes)
        edited = edit_lead(lead=lead, by=self.user, changes=changes)
        return ok(lead=self.shown(edited))

    def _stage(self, lead: Lead, changes: dict[str, Any]) -> Stage:
        """Where a label puts the lead; without one it stays in its status, or goes to the one that is named."""
        said, status = changes.pop("status_label"), changes.pop("status", None)
        if said is None:
            return Stage(status or lead.status)
        label = label_named(lead.team_id, said)
        if status is not None and status != label.status:
            raise invalid("statusLabel", f"This label is under the status {label.status}.")
        return Stage(label.status, label.pk)
