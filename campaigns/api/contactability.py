"""May this lead's owner be contacted, by which channel, and what was answered before: the gate's word, nothing sent."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import clock
from campaigns.gate.lead import ALL, moment_asked, receipts_of, told, verdicts
from common.api.base import invalid, ok
from common.api.lists import ListOf
from common.api.schema import answer
from common.api.serializers import MomentField, StrictSerializer
from leads.api.base import OwnLeadView
from leads.rules import BadTime, moment_of

_VERDICT = "yes, no, or later: as things stand it will be yes at againAt"


class ContactabilityQuery(StrictSerializer):
    channel = serializers.ChoiceField(choices=ALL, required=False, help_text="call, sms or email; without it all three")
    at = MomentField(required=False, help_text="For which moment; without an offset by your own clock; default: now")


class VerdictSerializer(serializers.Serializer[Any]):
    channel = serializers.CharField(help_text="call, sms, email")
    verdict = serializers.CharField(help_text=_VERDICT)
    againAt = MomentField(source="again_at", allow_null=True, help_text="later: when to ask again")
    first = serializers.CharField(help_text="The first rule that did not say yes, by its code; empty: all did")
    headline = serializers.CharField(help_text="The answer in a few words")
    reasons = serializers.ListField(
        source="words", child=serializers.CharField(), help_text="A sentence for each rule that did not say yes"
    )


class ReceiptSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="receipt.pk")
    at = MomentField(source="receipt.at", help_text="For which moment it was asked")
    lastAt = MomentField(source="last_at", help_text="For which moment the same was last answered")
    times = serializers.IntegerField(help_text="How often that was the answer")
    channel = serializers.CharField(source="receipt.channel", help_text="call, sms, email")
    purpose = serializers.CharField(source="receipt.purpose", help_text="campaign, manual, reply, confirm")
    verdict = serializers.CharField(source="receipt.verdict", help_text=_VERDICT)
    againAt = MomentField(source="receipt.again_at", allow_null=True, help_text="later: when to ask again")
    first = serializers.CharField(source="receipt.first", help_text="The first rule that did not say yes")
    headline = serializers.CharField(help_text="The answer in a few words")
    reasons = serializers.ListField(
        source="words", child=serializers.CharField(), help_text="A sentence for each rule that did not say yes"
    )
    campaignId = serializers.UUIDField(source="receipt.campaign_id", allow_null=True)
    deliveryId = serializers.UUIDField(source="receipt.delivery_id", allow_null=True)
    userId = serializers.IntegerField(source="receipt.by_id", allow_null=True, help_text="Who asked; null: a worker")


class ContactabilityView(OwnLeadView):
    for_callers = ("GET",)

    @extend_schema(
        operation_id="getContactability",
        summary="May this lead's owner be contacted by hand, at its best phone and its e-mail? Nothing is sent",
        parameters=[ContactabilityQuery],
        responses=answer(
            "Contactability",
            leadId=serializers.UUIDField(),
            at=MomentField(help_text="For which moment"),
            channels=VerdictSerializer(many=True),
        ),
    )
    def get(self, request: Request, lead_id: UUID) -> Response:
        query, lead = self.query(ContactabilityQuery), self.lead(lead_id)
        try:
            at = moment_asked(moment_of(query["at"], self.user.time_zone)) if "at" in query else clock.now()
        except BadTime as error:
            raise invalid("at", str(error)) from error
        channels = (query["channel"],) if "channel" in query else ALL
        found = verdicts(lead, team_id=self.access.team_id, by=self.user, at=at, channels=channels)
        told_at = MomentField().to_representation(at)
        return ok(leadId=lead.pk, at=told_at, channels=VerdictSerializer(found, many=True).data)


RECEIPTS = ListOf("receipts", ReceiptSerializer)


class ReceiptsView(OwnLeadView):
    for_callers = ("GET",)

    @extend_schema(
        operation_id="listReceipts",
        summary="What the rules answered my team about contacting this lead's owner, newest first",
        parameters=[RECEIPTS.query],
        responses=RECEIPTS.answer("ReceiptPage"),
    )
    def get(self, request: Request, lead_id: UUID) -> Response:
        found = receipts_of(self.lead(lead_id).pk, self.access)
        return RECEIPTS.respond(self, found, into=lambda rows: [told(row) for row in rows])
