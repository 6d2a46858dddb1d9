"""What a campaign is told, and how it is shown: its audience, its steps, its senders."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns.models import Campaign, Delivery, Member, Sender, StateAnswer, Step
from campaigns.planning.audience import LEADS_MOST, PRESETS
from campaigns.planning.campaigns import NAME_MAX, STOPS, window_told
from campaigns.planning.steps import CHANNELS, CONDITIONS, NAMES
from campaigns.running.approval import ACKNOWLEDGEMENTS
from campaigns.texts.scripts import SCRIPT_MOST
from common.api.paging import PageQuery
from common.api.serializers import (
    CamelModelSerializer,
    CapField,
    FlagField,
    IdField,
    IdListField,
    MoneyField,
    ObjectField,
    StrictSerializer,
    WholeField,
)
from common.contact_access import masked_text
from leads.selection.filters import understood

AUDIENCE = ("bucketId", "viewId", "sets", "leadIds", "preset", "filters", "limit")

# --- Requests ---------------------------------------------------------------------------------------------------------


class SetsInput(StrictSerializer):
    allOf = IdListField(most=20, required=False, help_text="Leads in every one of these buckets")
    anyOf = IdListField(most=20, required=False, help_text="… and in one of these")
    noneOf = IdListField(most=20, required=False, help_text="… and in none of these")


@extend_schema_field(OpenApiTypes.OBJECT)
class FiltersField(ObjectField):
    """Lead filters, as they were understood. Raises BadFilter, which names the filter."""

    def to_internal_value(self, data: object) -> Any:
        return understood(super().to_internal_value(data))


class AudienceInput(StrictSerializer):
    """Whom: one of bucketId, viewId, sets, leadIds; preset and filters narrow it."""

    bucketId = IdField(required=False, help_text="Leads of this bucket")
    viewId = IdField(required=False, help_text="Leads of this saved view, as its filters are now")
    sets = SetsInput(required=False, help_text="Leads of a combination of buckets")
    leadIds = IdListField(most=LEADS_MOST, required=False, help_text="Exactly these leads")
    preset = serializers.ChoiceField(
        choices=["", *PRESETS],
        required=False,
        help_text="; ".join(f"{name}: {words}" for name, words in PRESETS.items()),
    )
    filters = FiltersField(required=False, help_text="Lead filters, as in a list of leads")
    limit = WholeField(min_value=1, max_value=LEADS_MOST, required=False, allow_null=True, help_text="Leads at most")


class VariantInput(StrictSerializer):
    templateId = IdField(help_text="Its newest text is kept")
    weight = WholeField(min_value=1, max_value=100, default=100, help_text="Percent; those of a step sum to 100")


class StepInput(StrictSerializer):
    templateId = IdField(required=False, help_text="The one text of this step")
    variants = VariantInput(many=True, required=False, help_text="Instead: several texts among which each draws")
    channel = serializers.ChoiceField(
        choices=list(CHANNELS), default="sms", help_text="call: a caller makes it in the dialer; it has no text"
    )
    delayAmount = WholeField(
        min_value=0, max_value=10_000, default=0, help_text="After the step before; 0 for the first"
    )
    delayUnit = serializers.ChoiceField(choices=Step.Unit.values, default="days")
    atLocal = serializers.TimeField(
        required=False, allow_null=True, help_text="Not before this time of the recipient's day: 10:00"
    )
    condition = serializers.ChoiceField(
        choices=list(CONDITIONS), default="no_reply", help_text="no_human_click: no person clicked a link in an e-mail"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["channel"] == "call":
            if "templateId" in attrs or attrs.get("variants"):
                raise serializers.ValidationError({"templateId": ["A call has no text."]})
            return attrs
        if ("templateId" in attrs) == bool(attrs.get("variants")):
            raise serializers.ValidationError({"templateId": ["Give a templateId, or variants."]})
        return attrs


@extend_schema_field(OpenApiTypes.OBJECT)
class WindowField(ObjectField):
    """{open, close, weekdays}: checked by the service."""


class ScriptField(serializers.CharField):
    """Checked by the service, which names the place of a variable that is none."""

    def __init__(self, **more: Any) -> None:
        words = "What callers read out, with {{variables}}; '': nothing"
        super().__init__(max_length=SCRIPT_MOST, allow_blank=True, help_text=words, **more)


class CampaignEdit(AudienceInput):
    name = serializers.CharField(max_length=NAME_MAX, required=False, help_text="What you call it")
    steps = StepInput(many=True, required=False, help_text="1 to 10")
    senderId = IdField(required=False, allow_null=True, help_text="From which number; the company's only one")
    mailSenderId = IdField(required=False, allow_null=True, help_text="From which e-mail address; the only one")
    trackOpens = FlagField(required=False, help_text="Count opens of e-mails; nothing acts on them")
    trackClicks = FlagField(required=False, help_text="Lead links of e-mails through us and count clicks")
    window = WindowField(
        required=False,
        help_text='{"open": "09:00", "close": "18:00", "weekdays": [1, 2, 3, 4, 5]}: narrower than the law',
    )
    maxCost = CapField(source="max_cost", required=False, allow_null=True, help_text="Spending limit, US dollars")
    dailyLimit = WholeField(
        source="daily_limit",
        min_value=1,
        max_value=1_000_000,
        required=False,
        allow_null=True,
        help_text="Messages a day",
    )
    stopOn = serializers.ListField(
        source="stop_on",
        child=serializers.ChoiceField(choices=list(STOPS)),
        required=False,
        max_length=3,
        help_text="What ends it for a person",
    )
    script = ScriptField(required=False)


class RevisedText(StrictSerializer):
    step = WholeField(min_value=1, max_value=10, help_text="Which step")
    variant = serializers.ChoiceField(choices=list(NAMES), default="A", help_text="Which of its texts")
    templateId = IdField(help_text="Its newest text takes the place, for whom the step has not reached")


class ReviseInput(StrictSerializer):
    texts = RevisedText(many=True, help_text="Which texts are others from here on; each once")

    def validate_texts(self, texts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len({(one["step"], one["variant"]) for one in texts}) < len(texts):
            raise serializers.ValidationError("Two templates are named for one text.")
        return texts


class CampaignInput(CampaignEdit):
    name = serializers.CharField(max_length=NAME_MAX, help_text="What you call it")
    channel = serializers.ChoiceField(
        choices=Campaign.Channel.choices, required=False, help_text="Not needed: its steps say it"
    )
    steps = StepInput(many=True, help_text="1 to 10")
    split = FlagField(default=False, help_text="More than 2,000 people: several campaigns of one name")


class CampaignsQuery(PageQuery):
    status = serializers.ChoiceField(choices=Campaign.Status.choices, required=False)
    bucketId = IdField(required=False)


class PreviewQuery(PageQuery):
    verdict = serializers.ChoiceField(choices=["yes", "no", "later"], required=False, help_text="no: who is left out")
    reason = serializers.CharField(max_length=60, required=False, help_text="As in leftOut")


class MembersQuery(PageQuery):
    status = serializers.ChoiceField(choices=[one.name.lower() for one in Member.Status], required=False)


class DeliveriesQuery(PageQuery):
    state = serializers.ChoiceField(choices=Delivery.State.choices, required=False)


class ApproveInput(StrictSerializer):
    digest = serializers.CharField(max_length=64, help_text="Of the dry run that you looked at")
    acknowledgements = serializers.ListField(
        child=serializers.CharField(max_length=40),
        default=list,
        max_length=20,
        help_text="; ".join(f"{code}: {words}" for code, words in ACKNOWLEDGEMENTS.items()),
    )


class SenderEdit(StrictSerializer):
    registrationId = serializers.CharField(
        source="registration_id", max_length=100, allow_blank=True, required=False, help_text="Of its 10DLC campaign"
    )
    dailySegments = WholeField(
        source="daily_segments", min_value=1, max_value=10_000_000, required=False, allow_null=True, help_text="A day"
    )
    voice = FlagField(required=False, help_text="Whether calls can be placed from it")


class SenderInput(SenderEdit):
    number = serializers.CharField(max_length=40, help_text="(614) 555-0100")
    vendor = serializers.ChoiceField(choices=Sender.Vendor.choices)


class StateAnswerInput(StrictSerializer):
    state = serializers.CharField(max_length=2, help_text="Two letters")
    answer = serializers.ChoiceField(choices=StateAnswer.Answer.choices)
    words = serializers.CharField(
        max_length=300, allow_blank=True, default="", help_text="Its registration's number, or why it is exempt"
    )


class StateAnswersInput(StrictSerializer):
    answers = StateAnswerInput(many=True, help_text="Those that change; the others stay")


# --- Answers ----------------------------------------------------------------------------------------------------------


class SenderSerializer(CamelModelSerializer[Sender]):
    sellerId = serializers.UUIDField(source="seller_id", read_only=True)

    class Meta:
        model = Sender
        fields = [
            "id", "sellerId", "number", "vendor", "registration_id", "daily_segments", "voice", "retired_at",
            "created_at",
        ]  # fmt: skip


class StateAnswerSerializer(CamelModelSerializer[StateAnswer]):
    class Meta:
        model = StateAnswer
        fields = ["state", "answer", "words", "updated_at"]


class VariantSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    weight = serializers.IntegerField()
    templateId = serializers.UUIDField(source="version.template_id")
    versionId = serializers.UUIDField(source="version_id")
    revision = serializers.IntegerField(help_text="Of the campaign: since which it is used")
    subject = serializers.CharField(source="version.subject", help_text="Of an e-mail")
    text = serializers.CharField(source="version.text")


class StepSerializer(CamelModelSerializer[Step]):
    variants = VariantSerializer(many=True, read_only=True)

    class Meta:
        model = Step
        fields = ["position", "channel", "delay_amount", "delay_unit", "at_local", "condition", "variants"]


class Counters(serializers.Serializer[Any]):
    """Messages that have reached a stage; members, replied and optedOut are people."""

    members = serializers.IntegerField()
    due = serializers.IntegerField()
    sent = serializers.IntegerField()
    accepted = serializers.IntegerField()
    delivered = serializers.IntegerField()
    failed = serializers.IntegerField()
    refused = serializers.IntegerField()
    expired = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    inDoubt = serializers.IntegerField(source="in_doubt")
    replied = serializers.IntegerField()
    optedOut = serializers.IntegerField(source="opted_out")
    bounced = serializers.IntegerField()
    complained = serializers.IntegerField()
    humanClicks = serializers.IntegerField(source="human_clicks")


class CampaignSerializer(CamelModelSerializer[Campaign]):
    bucketId = serializers.UUIDField(source="bucket_id", allow_null=True, read_only=True)
    sellerId = serializers.UUIDField(source="seller_id", allow_null=True, read_only=True)
    senderId = serializers.UUIDField(source="sender_id", allow_null=True, read_only=True)
    mailSenderId = serializers.UUIDField(source="mail_sender_id", allow_null=True, read_only=True)
    maxCost = MoneyField(source="max_cost", allow_null=True)
    audience = serializers.SerializerMethodField(help_text="Whom; of chosen leads their number alone")
    window = serializers.SerializerMethodField(help_text="Its own hours; empty: the law's")
    stopOn = serializers.ListField(source="stop_on", child=serializers.CharField(), read_only=True)
    acknowledgements = serializers.ListField(child=serializers.CharField(), read_only=True)
    approvedById = serializers.IntegerField(source="approved_by_id", allow_null=True, read_only=True)
    counts = Counters(source="*", read_only=True)

    class Meta:
        model = Campaign
        fields = [
            "id", "name", "part", "split_group", "channel", "status", "paused_by", "reason", "bucketId", "bucket_name",
            "audience", "sellerId", "senderId", "mailSenderId", "track_opens", "track_clicks", "window", "maxCost",
            "daily_limit", "stopOn", "script", "approved_digest", "approvedById", "approved_at", "acknowledgements",
            "revision", "counts", "created_at", "started_at", "finished_at",
        ]  # fmt: skip

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_audience(self, campaign: Campaign) -> Any:
        told = dict(campaign.audience)
        if "leadIds" in told:
            told["leads"] = len(told.pop("leadIds"))
        if "view" in told and self.context["is_masked"]:
            told["view"] = {name: masked_text(value) for name, value in told["view"].items()}
        return told

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_window(self, campaign: Campaign) -> Any:
        return window_told(campaign.window)


class CampaignDetail(CampaignSerializer):
    steps = StepSerializer(many=True, read_only=True)

    class Meta(CampaignSerializer.Meta):
        fields = [*CampaignSerializer.Meta.fields, "steps"]
