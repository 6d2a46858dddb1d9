"""Leads that were merged because they are one property: which, why, and taking them apart again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import idempotent
from common.api.base import Problem, not_found, ok, translates
from common.api.lists import ListOf
from common.api.schema import answer, refusal
from common.api.serializers import MomentField, StrictSerializer
from leads.api.base import OwnLeadView
from leads.merging.services import NotMerged, merges_of, separate
from leads.merging.table import Merge
from leads.models import Lead


@translates(NotMerged)
def _not_merged(_error: NotMerged) -> Problem:
    return Problem("NOT_MERGED", "No lead is merged into this one.", status=409)


class MergedSerializer(serializers.Serializer[Any]):
    leadId = serializers.UUIDField(source="younger_id", help_text="The hidden lead")
    why = serializers.ChoiceField(choices=Merge.Why.choices, help_text="What tells that it is the same property")
    mergedAt = MomentField(source="merged_at")
    propertyId = serializers.CharField(source="younger.property_id")
    propertyAddress = serializers.CharField(source="younger.property_address", allow_null=True)
    apn = serializers.CharField(source="younger.apn", allow_null=True)
    ownerName = serializers.CharField(source="younger.owner_name", allow_null=True)
    status = serializers.ChoiceField(source="younger.status", choices=Lead.Status.choices)


class SeparateInput(StrictSerializer):
    leadId = serializers.UUIDField(required=False, help_text="Only this hidden lead; else all that are merged into it")


MERGED = ListOf("merged", MergedSerializer, sorts={"mergedAt": "merged_at"}, order="")


class MergedView(OwnLeadView):
    for_callers = ("GET",)

    @extend_schema(
        operation_id="listMergedLeads",
        summary="The hidden leads that this one stands for, because they are the same property",
        parameters=[MERGED.query],
        responses=MERGED.answer("MergedLeads"),
    )
    def get(self, request: Request, lead_id: UUID) -> Response:
        return MERGED.respond(self, list(merges_of(self.lead(lead_id))))


class SeparateView(OwnLeadView):
    @extend_schema(
        operation_id="separateLeads",
        summary="Separate merged leads again; they are not merged again by themselves",
        request=SeparateInput,
        responses={
            200: answer("LeadsSeparated", leadIds=serializers.ListField(child=serializers.UUIDField())),
            409: refusal("No lead is merged into this one"),
        },
    )
    @idempotent()
    def post(self, request: Request, lead_id: UUID) -> Response:
        lead, only = self._lead(lead_id), self.body(SeparateInput).get("leadId")
        if only is not None:
            hidden = Lead.every.filter(pk=only, merged_into=lead).first()
            if hidden is None:
                raise not_found("lead merged into this one", "leadId")
            lead = hidden
        return ok(leadIds=[str(pk) for pk in separate(lead=lead, by=self.user)])

    def _lead(self, lead_id: UUID) -> Lead:
        """A hidden lead may be named as well."""
        return Lead.every.worked_by(self.access).filter(pk=lead_id).first() or self.lead(lead_id)
