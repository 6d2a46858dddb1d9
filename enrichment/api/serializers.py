from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.api.paging import PageQuery
from common.api.serializers import (
    CamelModelSerializer,
    CapField,
    FlagField,
    IdField,
    IdListField,
    MomentField,
    MoneyField,
    ObjectField,
    PlainDecimalField,
    StrictSerializer,
    WholeField,
)
from common.values.numbers import plain
from enrichment.models import Run, RunItem
from enrichment.options import HIT_RATE, SAMPLE, Canary, RunOptions
from integrations.ledger.budgets import ZERO
from integrations.models import PhoneReveal, VendorCall
from leads.selection.filters import understood

APOLLO_LEADS_MAX = 1000
OUTCOMES = {outcome.name.lower(): outcome for outcome in RunItem.Outcome}

# --- Requests ---------------------------------------------------------------------------------------------------------


@extend_schema_field(OpenApiTypes.OBJECT)
class GuardField(ObjectField):
    """Lead filters, kept as they were understood: true for "YES". Raises BadFilter, which names the filter."""

    def to_internal_value(self, data: object) -> Any:
        return understood(super().to_internal_value(data))


class OptionsInput(StrictSerializer):  # names: docs/requirements.md 2
    """What an enrichment job may be told."""

    limit = WholeField(required=False, help_text=f"Most leads; {settings.RUN_LIMIT:,} where it is not said")
    skipTrace = FlagField(source="skip_trace", required=False, help_text="Contacts too; true by default")
    startFrom = IdField(source="start_from", required=False, help_text="Only leads after this one")
    resumeFrom = IdField(required=False, help_text="The same, by the name it has in the answer")
    maxCost = CapField(source="max_cost", required=False, help_text="Spending limit, US dollars")
    onlyFailed = FlagField(source="only_failed", required=False, help_text="Failed leads, not pending ones")
    oneLeadPerOwner = FlagField(
        source="one_per_owner",
        required=False,
        help_text="Of each owner the oldest lead alone; the quote counts the others",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        resume = attrs.pop("resumeFrom", None)
        if resume is not None and attrs.setdefault("start_from", resume) != resume:
            raise serializers.ValidationError({"resumeFrom": ["startFrom says something else."]})
        return attrs


class ApolloOptions(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=["people", "organizations"], required=False)
    revealEmails = FlagField(source="reveal_emails", required=False)
    revealPhones = FlagField(
        source="reveal_phones",
        default=True,
        help_text="Find mobile numbers where there is no phone: up to 9 credits each, a few minutes; true by default",
    )


class QuoteQuery(ApolloOptions, OptionsInput):
    kind = serializers.ChoiceField(choices=Run.Kind.choices, required=False)


class Chosen(serializers.Serializer[Any]):
    leadIds = IdListField(
        source="lead_ids", most=settings.RUN_LIMIT_MAX, required=False, help_text="Exactly these leads"
    )
    guard = GuardField(required=False, help_text="Lead filters: skip trace only if the detail passes them")


class QuoteInput(Chosen, QuoteQuery):
    pass


class CanaryInput(StrictSerializer):
    leads = WholeField(default=SAMPLE, help_text="Leads in the random sample, which is bought first")
    minHitRate = PlainDecimalField(
        source="min_hit_rate",
        default=HIT_RATE,
        max_digits=5,
        decimal_places=4,
        help_text="Minimum phone hit rate, 0 to 1",
    )
    maxCostPerLead = CapField(
        source="max_cost_per_lead",
        required=False,
        help_text="Maximum cost per lead on average, US dollars; by default the vendors' prices added up",
    )

    def validate(self, attrs: dict[str, Any]) -> Any:
        return Canary(**attrs)


class ProcessInput(Chosen, OptionsInput):
    bucketId = IdField()
    canary = CanaryInput(
        required=False, help_text="Test a random sample first; the job stops after it if it does not pass"
    )


class ApolloInput(ApolloOptions, StrictSerializer):
    leadIds = IdListField(source="lead_ids", most=APOLLO_LEADS_MAX)
    updateDb = FlagField(source="update_db", required=False)
    maxCost = CapField(source="max_cost", required=False, help_text="Spending limit of each enrichment job, US dollars")


def run_options(given: dict[str, Any]) -> RunOptions:
    return RunOptions(**{name: value for name, value in given.items() if name != "bucketId"})


class ResumeInput(StrictSerializer):
    maxCost = CapField(source="max_cost", required=False, help_text="A new spending limit, US dollars")


class RunsQuery(PageQuery):
    bucketId = IdField(required=False)
    status = serializers.ChoiceField(choices=Run.Status.choices, required=False)


class ItemsQuery(PageQuery):
    outcome = serializers.ChoiceField(choices=list(OUTCOMES), required=False)


# --- Answers ----------------------------------------------------------------------------------------------------------


@extend_schema_field(OpenApiTypes.OBJECT)
class AmountsField(ObjectField):
    """A JSON object in whose rows shares and US dollars are text, so that none is rounded: told as numbers."""

    NAMES = frozenset({"maxCost", "minHitRate", "maxCostPerLead", "costPerLead"})

    def to_representation(self, value: object) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: self._told(name, inner) for name, inner in value.items()}

    def _told(self, name: str, value: object) -> Any:
        return plain(Decimal(value)) if name in self.NAMES and isinstance(value, str) else self.to_representation(value)


class Counts(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    done = serializers.IntegerField()
    enriched = serializers.IntegerField(help_text="Have a phone")
    partial = serializers.IntegerField(help_text="Have no phone")  # type: ignore[assignment]  # a field, not a flag
    failed = serializers.IntegerField()
    skipped = serializers.IntegerField()
    inDoubt = serializers.IntegerField(source="in_doubt", help_text="Need a billing check: they wait for the decision")
    withPhones = serializers.IntegerField(source="enriched")
    withEmails = serializers.IntegerField(source="with_emails")
    twoNames = serializers.IntegerField(
        source="two_names", help_text="Details bought although the property was owned under another name"
    )


class RunSerializer(CamelModelSerializer[Run]):
    """An enrichment job: `Run.objects.with_money()`."""

    bucketId = serializers.UUIDField(source="bucket_id", allow_null=True, read_only=True)
    maxCost = MoneyField(source="max_cost", allow_null=True)
    spent = MoneyField()
    reserved = MoneyField()
    counts = Counts(source="*", read_only=True)
    options = AmountsField(read_only=True)
    canary = AmountsField(read_only=True, help_text="How its random sample turned out; empty: none, or not yet")

    class Meta:
        model = Run
        fields = [
            "id", "bucketId", "bucket_name", "kind", "status", "paused_by", "reason", "options", "canary", "maxCost",
            "spent", "reserved", "counts", "resume_from", "created_at", "started_at", "finished_at",
        ]  # fmt: skip


class BillingCheckSerializer(serializers.Serializer[Any]):
    leads = serializers.IntegerField()
    held = MoneyField(help_text="US dollars reserved for their requests")
    words = serializers.CharField(help_text="The same for people; empty where nothing waits")


class RunDetail(RunSerializer):
    """And what takes a look at the queue to know."""

    waiting = serializers.CharField(read_only=True, help_text="Why it is not moving right now; empty where it moves")
    eta_seconds = serializers.IntegerField(read_only=True, allow_null=True, help_text="Seconds until it is done")
    billing_check = BillingCheckSerializer(read_only=True, help_text="What waits for an operator's look at the bill")

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "waiting", "eta_seconds", "billing_check"]


class ItemSerializer(serializers.Serializer[Any]):
    leadId = serializers.UUIDField(source="lead_id")
    propertyId = serializers.CharField(source="lead.property_id")
    stage = serializers.SerializerMethodField()
    outcome = serializers.SerializerMethodField()
    category = serializers.CharField(help_text="Error category, or empty")
    needsBillingCheck = serializers.BooleanField(
        source="needs_check", help_text="Its request may have been billed: it waits for the decision and has not failed"
    )
    error = serializers.CharField(source="lead.enrichment_error", allow_null=True)
    attempts = serializers.IntegerField()
    notBefore = MomentField(source="not_before", allow_null=True)

    def get_stage(self, item: RunItem) -> str:
        return RunItem.Stage(item.stage).name.lower()

    def get_outcome(self, item: RunItem) -> str:
        return RunItem.Outcome(item.outcome).name.lower()


class CallSerializer(serializers.Serializer[Any]):
    """One request to a vendor: how long it waited, what it asked, how it ended, what it cost. No personal data."""

    id = serializers.UUIDField()
    vendor = serializers.CharField(source="operation.vendor_id")
    operation = serializers.CharField(source="operation.name")
    state = serializers.CharField()
    inputs = serializers.IntegerField()
    found = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True, help_text="HTTP status")
    category = serializers.CharField(help_text="Error category, or empty")
    reason = serializers.CharField(help_text="What went wrong, in words")
    reserved = MoneyField()
    cost = MoneyField()
    waitedMs = serializers.SerializerMethodField(help_text="From reserving its money to sending")
    latencyMs = serializers.IntegerField(source="latency_ms", allow_null=True)
    phones = serializers.SerializerMethodField(
        help_text="Apollo's phones: waiting, arrived, in_doubt, released, written_off; empty: none are to come"
    )
    phonesReserved = serializers.SerializerMethodField(help_text="US dollars that phones still to come may cost")
    createdAt = MomentField(source="created_at")
    sentAt = MomentField(source="sent_at", allow_null=True)
    endedAt = MomentField(source="ended_at", allow_null=True)

    def get_phones(self, call: VendorCall) -> str:
        reveal: PhoneReveal | None = getattr(call, "reveal", None)
        return "" if reveal is None or reveal.state == PhoneReveal.State.EARLY else str(reveal.state)

    def get_phonesReserved(self, call: VendorCall) -> float:
        reveal: PhoneReveal | None = getattr(call, "reveal", None)
        return plain(reveal.reserved if reveal is not None and reveal.state in PhoneReveal.HOLDING else ZERO)

    def get_waitedMs(self, call: VendorCall) -> int | None:
        return int((call.sent_at - call.created_at).total_seconds() * 1000) if call.sent_at else None


class ProcessStats(serializers.Serializer[Any]):  # names: docs/requirements.md 2
    """Progress of an enrichment job, in leads."""

    processed = serializers.IntegerField(source="done")
    successful = serializers.SerializerMethodField()
    failed = serializers.IntegerField()
    withPhones = serializers.IntegerField(source="enriched")
    remaining = serializers.IntegerField(help_text="Leads of the bucket not enriched yet")

    def get_successful(self, run: Run) -> int:
        return run.enriched + run.partial


class QuoteLineSerializer(serializers.Serializer[Any]):
    vendor = serializers.CharField()
    operation = serializers.CharField()
    owned = serializers.IntegerField(help_text="Bought before, by whomever: $0")
    toBuy = serializers.IntegerField(source="to_buy")
    unitPrice = MoneyField(source="price")
    price = MoneyField(source="cost")


class ReachableSerializer(serializers.Serializer[Any]):
    low = serializers.IntegerField(allow_null=True)
    high = serializers.IntegerField(allow_null=True)
    basis = serializers.CharField(help_text="What it is told from, in words; low and high are null without a history")
    blocked = serializers.IntegerField(
        help_text="Leads that are do-not-call or suppressed already, and so not counted in low and high"
    )


class QuoteSerializer(serializers.Serializer[Any]):
    leads = serializers.IntegerField()
    owned = serializers.IntegerField(help_text="Leads that cost nothing")
    toBuy = serializers.IntegerField(source="to_buy")
    price = MoneyField()
    byVendor = QuoteLineSerializer(source="lines", many=True)
    reachable = ReachableSerializer(
        allow_null=True,
        help_text="Leads with a phone afterwards, but those blocked, at 90% confidence; null: no contacts are bought",
    )
    finishes = serializers.IntegerField(
        required=False, help_text="Leads that maxCost is sure to finish, owned ones at $0; not there without maxCost"
    )
    limits = serializers.ListField(child=serializers.CharField(), help_text="Spending limits it would reach, in words")
    notes = serializers.ListField(child=serializers.CharField(), help_text="What else to know before buying, in words")

    def to_representation(self, instance: object) -> Any:
        told = super().to_representation(instance)
        return told if told["finishes"] is not None else {name: told[name] for name in told if name != "finishes"}


class ApolloResultsSerializer(serializers.Serializer[Any]):  # names: docs/requirements.md 2
    """What came of the leads that Apollo was asked about."""

    total = serializers.IntegerField()
    enriched = serializers.IntegerField()
    withPhones = serializers.IntegerField(source="with_phones")
    withEmails = serializers.IntegerField(source="with_emails")
    failed = serializers.IntegerField()
    errors = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]  # a field


class UsageLine(serializers.Serializer[Any]):
    vendor = serializers.CharField()
    operation = serializers.CharField()
    requests = serializers.IntegerField()
    inputs = serializers.IntegerField()
    found = serializers.IntegerField()
    spent = MoneyField()


class TeamUsageSerializer(serializers.Serializer[Any]):
    spentThisMonth = MoneyField(source="spent_this_month")
    reserved = MoneyField()
    monthlyBudget = MoneyField(source="monthly_budget", allow_null=True)
    leadsToday = serializers.IntegerField(source="leads_today")
    dailyLeadLimit = serializers.IntegerField(source="daily_lead_limit", allow_null=True)


class UsageSerializer(serializers.Serializer[Any]):
    spentToday = MoneyField(source="spent_today")
    spentThisMonth = MoneyField(source="spent_this_month")
    reserved = MoneyField()
    monthlyBudget = MoneyField(source="monthly_budget")
    leadsToday = serializers.IntegerField(source="leads_today")
    dailyLeadLimit = serializers.IntegerField(source="daily_lead_limit")
    team = TeamUsageSerializer(allow_null=True, help_text="The team's, all members together; null: no limit of its own")
    byOperation = UsageLine(source="by_operation", many=True)
