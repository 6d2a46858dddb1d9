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
from leads.api.serializers import LeadEdit, LeadSerializer
from leads.facts.typed import EditRefused
from leads.models import Lead
from leads.registries import shared_buckets
from leads.selection.disclosures import are_masked
from leads.selection.filters import BadFilter
from leads.services import edit_lead

__all__ = ["COUNTED", "BulkView", "FoundQuery", "LeadSerializer", "LeadView", "OwnLeadView", "filters", "list_leads"]


@translates(BadFilter)
def _bad_filter(error: BadFilter) -> Problem:
    return Problem("INVALID", str(error), fields=error.errors)


@translates(EditRefused)
def _edit_refused(error: EditRefused) -> Problem:
    return invalid(camel(error.column), str(error))


class OwnLeadView(ApiView):
    """A view of one lead; another team's lead is not found, nor by a caller one that is not assigned to her."""

    def lead(self, lead_id: UUID) -> Lead:
        lead = Lead.objects.worked_by(self.access).prefetch_related("tags").filter(pk=lead_id).first()
        if lead is None:
            raise not_found("lead")
        return lead

    def lead_to_see(self, lead_id: UUID) -> Lead:
        """Also one of a bucket that another team shares with hers: it may be looked at, and no more."""
        shared = Lead.objects.filter(pk=lead_id, bucket__in=shared_buckets(self.access))
        return shared.prefetch_related("tags").first() or self.lead(lead_id)

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
        if self.access.only_assigned and set(changes) - {"status"}:
            raise Problem("FORBIDDEN", "A caller changes the status of a lead, and nothing else of it.", status=403)
        if set(changes) & set(MASKED):
            see_contacts(request)
        edited = edit_lead(lead=lead, by=self.user, changes=changes)
        return ok(lead=self.shown(edited))
