"""The search over everything in the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api.base import ApiView, ok
from common.api.schema import answer
from common.api.serializers import StrictSerializer, WholeField
from leads.models import Lead
from leads.selection.search import LONGEST, SHORTEST
from operations.search.finding import EACH, EACH_MOST, find, told_name


class SearchQuery(StrictSerializer):
    q = serializers.CharField(
        min_length=SHORTEST, max_length=LONGEST,
        help_text="Address, city, ZIP, APN, owner's name, id; phone and e-mail where you may see contacts; the name of "
        "a bucket or a campaign",
    )  # fmt: skip
    limit = WholeField(min_value=1, max_value=EACH_MOST, default=EACH, help_text="Of each kind")


class FoundLead(serializers.Serializer[Any]):
    leadId = serializers.UUIDField()
    propertyAddress = serializers.CharField(allow_null=True)
    propertyCity = serializers.CharField(allow_null=True)
    propertyState = serializers.CharField(allow_null=True)
    apn = serializers.CharField(allow_null=True)
    ownerName = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=Lead.Status.choices)
    bucketId = serializers.UUIDField()
    bucketName = serializers.CharField()


class FoundOwner(serializers.Serializer[Any]):
    ownerName = serializers.CharField()
    leadId = serializers.UUIDField(help_text="One of their leads: /api/leads/{id}/owner tells the others")
    leads = serializers.IntegerField(help_text="How many of the leads looked at are theirs")


class FoundNamed(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.CharField()


class FoundBucket(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    totalLeads = serializers.IntegerField()


class FoundRun(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    bucketId = serializers.UUIDField(allow_null=True)
    bucketName = serializers.CharField()
    status = serializers.CharField()


class SearchView(ApiView):
    for_callers = ("GET",)

    @extend_schema(
        operation_id="search",
        summary="Find leads, owners, buckets, enrichment jobs and campaigns of your team by a few words",
        parameters=[SearchQuery],
        responses=answer(
            "SearchFound",
            leads=FoundLead(many=True),
            owners=FoundOwner(many=True),
            buckets=FoundBucket(many=True),
            runs=FoundRun(many=True),
            campaigns=FoundNamed(many=True),
        ),
    )
    def get(self, request: Request) -> Response:
        query = self.query(SearchQuery)
        found = find(self.access, query["q"], each=query["limit"])
        return ok(
            leads=[_lead(one) for one in found.leads],
            owners=[{"ownerName": one.name, "leadId": str(one.lead.pk), "leads": one.leads} for one in found.owners],
            buckets=[
                {"id": str(one.pk), "name": told_name(one.name, self.access), "totalLeads": one.total_leads}
                for one in found.buckets
            ],
            runs=[
                {
                    "id": str(one.pk),
                    "bucketId": str(one.bucket_id) if one.bucket_id else None,
                    "bucketName": one.bucket_name,
                    "status": one.status,
                }
                for one in found.runs
            ],
            campaigns=[{"id": str(one.pk), "name": one.name, "status": one.status} for one in found.campaigns],
        )


def _lead(lead: Lead) -> dict[str, Any]:
    return {
        "leadId": str(lead.pk),
        "propertyAddress": lead.property_address,
        "propertyCity": lead.property_city,
        "propertyState": lead.property_state,
        "apn": lead.apn,
        "ownerName": lead.owner_name,
        "status": lead.status,
        "bucketId": str(lead.bucket_id),
        "bucketName": lead.bucket.name,
    }
