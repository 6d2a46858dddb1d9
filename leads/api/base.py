"""What the API of leads shares with the API of the apps above it: a lead of one's own, and its filters."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from common.api.base import ApiView, Problem, invalid, not_found, ok, translates
from common.api.schema import answer
from common.api.serializers import camel
from leads.api import filters
from leads.api.serializers import LeadEdit, LeadSerializer
from leads.facts.typed import EditRefused
from leads.models import Lead
from leads.selection.disclosures import are_masked
from leads.selection.filters import BadFilter
from leads.services import edit_lead

__all__ = ["LeadSerializer", "LeadView", "OwnLeadView", "filters"]


@translates(BadFilter)
def _bad_filter(error: BadFilter) -> Problem:
    return Problem("INVALID", str(error), fields=error.errors)


@translates(EditRefused)
def _edit_refused(error: EditRefused) -> Problem:
    return invalid(camel(error.column), str(error))


class OwnLeadView(ApiView):
    """A view of one lead; another user's lead is not found."""

    def lead(self, lead_id: UUID) -> Lead:
        lead = Lead.objects.owned_by(self.user).prefetch_related("tags").filter(pk=lead_id).first()
        if lead is None:
            raise not_found("lead")
        return lead

    def shown(self, lead: Lead) -> Any:
        """The lead as the user who asks may see it."""
        return LeadSerializer(lead, context={"is_masked": are_masked(self.request, [lead])}).data


class LeadView(OwnLeadView):
    @extend_schema(operation_id="getLead", summary="A lead", responses=answer("LeadAnswer", lead=LeadSerializer()))
    def get(self, request: Request, lead_id: UUID) -> Response:
        return ok(lead=self.shown(self.lead(lead_id)))

    @extend_schema(
        operation_id="editLead",
        summary="Move a lead on, or type what you know better: contacts, names, mailing address, the house",
        request=LeadEdit,
        responses=answer("LeadEdited", lead=LeadSerializer()),
    )
    def patch(self, request: Request, lead_id: UUID) -> Response:
        lead = self.lead(lead_id)
        edited = edit_lead(lead=lead, by=self.user, changes=self.body(LeadEdit))
        return ok(lead=self.shown(edited))
