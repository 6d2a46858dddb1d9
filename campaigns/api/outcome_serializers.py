"""What comes of a campaign: its dry run, its people, their messages, its results."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns.models import Delivery, Member, Preview
from campaigns.previews.reading import sums_of
from campaigns.running.approval import ACKNOWLEDGEMENTS, needed
from common.api.serializers import CamelModelSerializer, MomentField, MoneyField, ObjectField
from common.contact_access import masked_text


class SizesSerializer(serializers.Serializer[Any]):
    leads = serializers.IntegerField()
    people = serializers.IntegerField(help_text="An owner and a number once")
    parts = serializers.IntegerField(help_text="Campaigns it takes")


class NeedSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    words = serializers.CharField()


class StepSumSerializer(serializers.Serializer[Any]):
    """Of the dry run: one step over all people."""

    step = serializers.IntegerField()
    channel = serializers.CharField()
    messages = serializers.IntegerField(help_text="It would send; of a call step the calls to be made")
    passedOver = serializers.IntegerField(source="passed", help_text="People who do not get it, as without consent")
    cost = MoneyField()
    firstAt = MomentField(source="first_at", allow_null=True, help_text="An estimate")
    lastAt = MomentField(source="last_at", allow_null=True)


class DryRunSerializer(CamelModelSerializer[Preview]):
    status = serializers.SerializerMethodField(help_text="working, made or failed (error says why)")
    messages = serializers.IntegerField(source="lines", read_only=True, help_text="It would send, over all steps")
    leftOut = serializers.DictField(
        source="left_out", child=serializers.IntegerField(), read_only=True, help_text="Leads, by reason"
    )
    costMin = MoneyField(source="cost_min", help_text="First messages alone")
    costMax = MoneyField(source="cost_max", help_text="Every step")
    byZone = ObjectField(source="by_zone", read_only=True, help_text="{zones: [people, left out]}")
    byState = ObjectField(source="by_state", read_only=True, help_text="{states: [people, left out]}")
    needs = serializers.SerializerMethodField(help_text="What must be acknowledged")
    steps = serializers.SerializerMethodField(help_text="What each step would do")
    isRevision = serializers.SerializerMethodField(help_text="Of an edit after the launch: those not reached yet")

    class Meta:
        model = Preview
        fields = [
            "id", "status", "digest", "isRevision", "leads", "people", "messages", "leftOut", "costMin", "costMax",
            "steps", "byZone", "byState", "needs", "error", "made_at", "expires_at", "created_at",
        ]  # fmt: skip

    @extend_schema_field(StepSumSerializer(many=True))
    def get_steps(self, preview: Preview) -> Any:
        return StepSumSerializer(sums_of(preview) if preview.made_at else [], many=True).data

    def get_isRevision(self, preview: Preview) -> bool:
        return preview.texts is not None

    def get_status(self, preview: Preview) -> str:
        return "working" if preview.is_at_work else "failed" if preview.error else "made"

    @extend_schema_field(NeedSerializer(many=True))
    def get_needs(self, preview: Preview) -> Any:
        return [{"code": code, "words": ACKNOWLEDGEMENTS[code]} for code in needed(preview)]


class PlannedMessageSerializer(serializers.Serializer[Any]):
    step = serializers.IntegerField()
    channel = serializers.CharField(help_text="sms, email, call")
    to = serializers.CharField(help_text="The end of its number, or its e-mail's domain")
    passedOver = serializers.CharField(help_text="Why she does not get this step; empty: she does")
    variant = serializers.CharField()
    subject = serializers.CharField(help_text="Of an e-mail")
    text = serializers.CharField(help_text="Of an e-mail its text part")
    segments = serializers.IntegerField()
    cost = MoneyField()
    at = MomentField(allow_null=True, help_text="An estimate; of later steps as if each arrived at once")
    localTime = serializers.CharField(help_text="By the recipient's clock")


class DryRunPersonSerializer(serializers.Serializer[Any]):
    leadId = serializers.UUIDField()
    lead = serializers.CharField(help_text="What it is called")
    number = serializers.CharField(help_text="Its last digits")
    verdict = serializers.CharField(help_text="yes, no, later")
    reason = serializers.CharField()
    insteadLeadId = serializers.UUIDField(allow_null=True, help_text="same_owner: the lead that is contacted")
    zones = serializers.ListField(child=serializers.CharField())
    states = serializers.ListField(child=serializers.CharField())
    messages = PlannedMessageSerializer(many=True)


class CampaignPersonSerializer(CamelModelSerializer[Member]):
    leadId = serializers.UUIDField(source="lead_id", allow_null=True, read_only=True)
    status = serializers.SerializerMethodField()
    zones = serializers.ListField(child=serializers.CharField(), read_only=True)
    states = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Member
        fields = ["id", "leadId", "status", "why", "step", "next_at", "held_until", "zones", "states"]

    def get_status(self, member: Member) -> str:
        return Member.Status(member.status).name.lower()


class CampaignMessageSerializer(CamelModelSerializer[Delivery]):
    leadId = serializers.UUIDField(source="lead_id", allow_null=True, read_only=True)
    memberId = serializers.UUIDField(source="member_id", allow_null=True, read_only=True)
    step = serializers.IntegerField(source="step.position", allow_null=True, read_only=True)
    variant = serializers.CharField(source="variant.name", allow_null=True, read_only=True)
    subject = serializers.SerializerMethodField()
    text = serializers.SerializerMethodField()
    receiptId = serializers.UUIDField(source="receipt_id", allow_null=True, read_only=True)

    class Meta:
        model = Delivery
        fields = [
            "id", "leadId", "memberId", "step", "channel", "variant", "state", "subject", "text", "segments", "error",
            "error_words", "tries", "receiptId", "send_by", "not_before", "intended_at", "accepted_at", "delivered_at",
            "ended_at",
        ]  # fmt: skip

    def get_subject(self, delivery: Delivery) -> str:
        subject = delivery.subject or ""
        return masked_text(subject) if self.context["is_masked"] else subject

    def get_text(self, delivery: Delivery) -> str:
        text = delivery.body or ""
        return masked_text(text) if self.context["is_masked"] else text


class VariantResultSerializer(serializers.Serializer[Any]):
    step = serializers.IntegerField()
    channel = serializers.CharField(help_text="sms, email")
    name = serializers.CharField()
    weight = serializers.IntegerField()
    sent = serializers.IntegerField()
    delivered = serializers.IntegerField(
        help_text="Arrived; of an e-mail that nobody reports on: taken by the mail server, and not come back"
    )
    bounced = serializers.IntegerField()
    complained = serializers.IntegerField()
    clicked = serializers.IntegerField(help_text="E-mails in which a person clicked; machines are not counted")
    replied = serializers.IntegerField()
    optedOut = serializers.IntegerField(source="opted_out")
    share = serializers.FloatField(allow_null=True, help_text="Replies per delivered message")
    clicks = serializers.FloatField(allow_null=True, help_text="Clicked e-mails per delivered one")


class ComparedSerializer(serializers.Serializer[Any]):
    """Two texts of a step: B's share of replies or clicks less A's, with its 95% interval."""

    step = serializers.IntegerField()
    measure = serializers.CharField(help_text="replies, clicks")
    a = serializers.CharField()
    b = serializers.CharField()
    difference = serializers.FloatField(source="comparison.difference", allow_null=True, default=None)
    interval = serializers.ListField(
        source="comparison.interval", child=serializers.FloatField(), allow_null=True, default=None
    )
    p = serializers.FloatField(source="comparison.p", allow_null=True, default=None)
    isClear = serializers.BooleanField(source="comparison.is_clear", default=False, help_text="One is better")
    needed = serializers.IntegerField(
        source="comparison.needed",
        allow_null=True,
        default=None,
        help_text="People a side it takes to tell",
    )


class BreakdownLineSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    people = serializers.IntegerField()
    contacted = serializers.IntegerField(help_text="People to whom at least one message or call left")
    clicked = serializers.IntegerField(help_text="People who clicked a link in an e-mail")
    replied = serializers.IntegerField()
    conversations = serializers.IntegerField(help_text="People who replied or were reached by phone")
    appointments = serializers.IntegerField(help_text="People with an appointment since the launch")
    deals = serializers.IntegerField(help_text="Leads that are closed by now")
    contactCost = MoneyField(source="contact_cost", help_text="Messages and calls")
    factsCost = MoneyField(source="facts_cost", help_text="Their data: their share of your team's enrichment jobs")
    costPerReply = MoneyField(source="cost_per_reply", allow_null=True, help_text="With their data")
    costPerConversation = MoneyField(source="cost_per_conversation", allow_null=True, help_text="With their data")


class BreakdownSerializer(serializers.Serializer[Any]):
    total = BreakdownLineSerializer()
    bucket = BreakdownLineSerializer(source="lists.bucket", many=True)
    search = BreakdownLineSerializer(source="lists.search", many=True)
    vendor = BreakdownLineSerializer(source="lists.vendor", many=True)
    state = BreakdownLineSerializer(source="lists.state", many=True)


class ResultsSerializer(serializers.Serializer[Any]):
    messages = serializers.IntegerField(help_text="The sum of states")
    states = serializers.DictField(child=serializers.IntegerField())
    members = serializers.IntegerField(help_text="The sum of people")
    people = serializers.DictField(child=serializers.IntegerField())
    stopped = serializers.DictField(child=serializers.IntegerField(), help_text="People, by why")
    variants = VariantResultSerializer(many=True)
    comparisons = ComparedSerializer(many=True)
    cost = MoneyField()
    reserved = MoneyField(help_text="For messages that are not settled")
    replied = serializers.IntegerField()
    optedOut = serializers.IntegerField(source="opted_out")
    costPerReply = MoneyField(source="cost_per_reply", allow_null=True)
