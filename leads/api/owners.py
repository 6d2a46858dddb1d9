"""Everything about one owner, by the key that the leads' answers carry."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from common.api.base import ApiView, not_found
from common.api.paging import PageQuery
from common.api.serializers import MomentField
from leads.api.rows import context_of, leads_list
from leads.keys.opaque import key_meant
from leads.keys.owner_overview import consents_of_owner, contacts_of_owner, counts_of, leads_of_owner
from leads.models import Consent, Lead
from leads.selectors import suppressed

LEADS = leads_list(PageQuery, order="createdAt")


class OwnerCounts(serializers.Serializer[Any]):
    leads = serializers.IntegerField()
    leadsByStatus = serializers.DictField(child=serializers.IntegerField())
    activities = serializers.IntegerField()
    activitiesByKind = serializers.DictField(child=serializers.IntegerField())
    lastActivityAt = MomentField(allow_null=True, help_text="null: nothing was done yet")


class OwnerContact(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["phone", "email"])
    hint = serializers.CharField(help_text="… and its end: the whole stands on the leads")
    leads = serializers.IntegerField(help_text="On how many of the owner's leads")
    firstSeenAt = MomentField()
    lastContactAt = MomentField(allow_null=True, help_text="null: never, by this installation")
    suppressedFor = serializers.ListField(child=serializers.CharField(), help_text="any, call, sms, email; empty: none")


class OwnerConsent(serializers.Serializer[Any]):
    channel = serializers.ChoiceField(choices=Consent.Channel.choices)
    type = serializers.ChoiceField(choices=Consent.Type.choices)
    how = serializers.ChoiceField(choices=Consent.How.choices)
    hint = serializers.CharField()
    givenAt = MomentField()
    expiresAt = MomentField(allow_null=True)


class OwnerSuppression(serializers.Serializer[Any]):
    kind = serializers.CharField()
    scope = serializers.CharField()
    reason = serializers.CharField()
    since = MomentField()


class OwnerSerializer(serializers.Serializer[Any]):
    ownerKey = serializers.CharField()
    name = serializers.CharField(allow_null=True, help_text="As on the oldest of the leads")
    ownerType = serializers.CharField(allow_null=True)
    mailingAddress = serializers.CharField(allow_null=True)
    mailingCity = serializers.CharField(allow_null=True)
    mailingState = serializers.CharField(allow_null=True)
    mailingZip = serializers.CharField(allow_null=True)
    counts = OwnerCounts()
    contacts = OwnerContact(many=True, help_text="Empty without the scope contacts")
    consents = OwnerConsent(many=True, help_text="Given to your team's company; empty without the scope contacts")
    suppressions = OwnerSuppression(many=True, help_text="Who must not be contacted, by what of the leads")


class OneOwnerView(ApiView):
    for_callers = ("GET",)

    @extend_schema(
        operation_id="getOwner",
        summary="Everything about one owner: my team's leads of theirs, contacts, consents, suppressions, activities",
        parameters=[LEADS.query],
        responses=LEADS.answer("OwnerAnswer", owner=OwnerSerializer()),
    )
    def get(self, request: Request, owner_key: str) -> Response:
        query = self.query(LEADS.query)
        key_id = key_meant(self.access.team_id, owner_key)
        leads = leads_of_owner(key_id, self.access) if key_id is not None else Lead.objects.none()
        first = leads.order_by("pk").first()
        if first is None:  # none there, another team's, or none that this caller works
            raise not_found("owner")
        told = self._told(owner_key, first, leads)
        return LEADS.respond(
            self, leads, query=query, context=lambda rows: context_of(self, rows), more=lambda _: {"owner": told}
        )

    def _told(self, owner_key: str, first: Lead, leads: Any) -> dict[str, Any]:
        may_see = self.access.can(Scope.CONTACTS)
        kept: dict[tuple[str, str, str], dict[str, Any]] = {}
        for rows in suppressed(leads.values_list("pk", flat=True)[:1000], contacts=may_see).values():
            for one in rows:
                kept.setdefault((one["kind"], one["scope"], one["reason"]), one)
        return {
            "ownerKey": owner_key,
            "name": first.owner_name,
            "ownerType": first.owner_type,
            "mailingAddress": first.mailing_address,
            "mailingCity": first.mailing_city,
            "mailingState": first.mailing_state,
            "mailingZip": first.mailing_zip,
            "counts": counts_of(leads),
            "contacts": contacts_of_owner(leads, contacts=may_see),
            "consents": consents_of_owner(leads, self.access),
            "suppressions": list(kept.values()),
        }
