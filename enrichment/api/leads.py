"""A lead as `leads` shows it, and its deletion: runs count leads, and `leads` knows nothing of runs."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from common.api.base import ok
from common.api.schema import answer, refusal
from enrichment.worker.lead_deletion import delete_lead
from leads.api.base import LeadView


class LeadOfRunsView(LeadView):
    scopes = {"DELETE": Scope.MANAGE}

    @extend_schema(
        operation_id="deleteLead",
        summary="Delete a lead; its purchased data is kept",
        responses={
            200: answer("LeadDeleted", id=serializers.UUIDField()),
            409: refusal("A request to a vendor is out for it, or needs a billing check"),
        },
    )
    def delete(self, request: Request, lead_id: UUID) -> Response:
        delete_lead(lead=self.lead(lead_id), by=self.user)
        return ok(id=lead_id)
