"""One lead that a person types, into a bucket of her team."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import idempotent
from buckets.imports.by_hand import FIELDS, BadLead, add_lead
from buckets.models import Bucket
from buckets.services import BucketGone
from common.api.base import Problem, not_found, ok, see_contacts, translates
from common.api.schema import answer
from common.api.serializers import IdField, StrictSerializer
from leads.api.base import LeadSerializer
from leads.api.views import LeadsView
from leads.selection.disclosures import are_masked

_CONTACTS = {"phone", "secondaryPhone", "email"}


@translates(BadLead)
def _bad_lead(error: BadLead) -> Problem:
    return Problem("INVALID", str(error), fields={name: [words] for name, words in error.errors.items()})


@translates(BucketGone)
def _bucket_gone(_error: BucketGone) -> Problem:
    return not_found("bucket", "bucketId")


def _text(name: str) -> serializers.CharField:
    most = 2000 if name == "notes" else 200
    return serializers.CharField(max_length=most, required=False, allow_blank=True, help_text=FIELDS[name])


class LeadInput(StrictSerializer):
    """An address with a ZIP or with city and state, or an APN with a FIPS code or with county and state."""

    bucketId = IdField(source="bucket_id", help_text="The bucket that gets it")
    propertyId = _text("propertyId")
    address = _text("address")
    city = _text("city")
    state = _text("state")
    zip = _text("zip")
    apn = _text("apn")
    county = _text("county")
    fips = _text("fips")
    ownerName = _text("ownerName")
    phone = _text("phone")
    phoneType = _text("phoneType")
    secondaryPhone = _text("secondaryPhone")
    email = _text("email")
    mailingAddress = _text("mailingAddress")
    mailingCity = _text("mailingCity")
    mailingState = _text("mailingState")
    mailingZip = _text("mailingZip")
    notes = _text("notes")


class TeamLeadsView(LeadsView):
    scopes = {"POST": Scope.WRITE}

    @extend_schema(
        operation_id="addLead",
        summary="Add a lead by hand; a property that the bucket has already is that lead, and stays as it is",
        request=LeadInput,
        responses={
            201: answer("LeadAdded", lead=LeadSerializer(), isNew=serializers.BooleanField()),
            200: answer("LeadKnown", lead=LeadSerializer(), isNew=serializers.BooleanField()),
        },
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        said: dict[str, Any] = self.body(LeadInput)
        bucket = Bucket.objects.worked_by(self.access).filter(pk=said.pop("bucket_id")).first()
        if bucket is None:
            raise not_found("bucket", "bucketId")
        if any(said.get(name) for name in _CONTACTS):
            see_contacts(request)
        added = add_lead(bucket=bucket, by=self.user, said=said)
        told = LeadSerializer(added.lead, context={"is_masked": are_masked(request, [added.lead])}).data
        return ok(201 if added.is_new else 200, lead=told, isNew=added.is_new)
