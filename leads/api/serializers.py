from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.api.paging import PageQuery
from common.api.serializers import (
    CamelModelSerializer,
    FlagField,
    MomentField,
    ObjectField,
    PlainDecimalField,
    StrictSerializer,
    WholeField,
    camel,
)
from common.contact_access import ANYBODYS, MASKED, masked, masked_data, masked_text
from common.dates import iso
from integrations.vendors import normalise
from leads.facts.names import contradictions
from leads.facts.typed import email_of
from leads.keys.opaque import owner_keys_of
from leads.models import Activity, Lead, StatusLabel, Tag

TAGS_MAX = 50  # of one lead
Pairs = list[tuple[str, str]]  # name in JSON, attribute of the lead


class TagSerializer(CamelModelSerializer[Tag]):
    class Meta:
        model = Tag
        fields = ["id", "name", "color"]


def _entry(name: str, entry: Mapping[str, Any], *, is_masked: bool) -> dict[str, Any]:
    """A value with its source; who may not see contacts sees neither a phone nor an e-mail that is not shown."""
    value: dict[str, Any] = {}
    if is_masked and name in MASKED:
        value = {"value": masked(name, entry["value"])}
    elif is_masked and isinstance(entry["value"], str):
        value = {"value": masked_text(entry["value"])}
    return {camel(part): said for part, said in {**entry, **value}.items()}


def _number(source: str) -> serializers.FloatField:
    return serializers.FloatField(source=source, read_only=True, allow_null=True)


class LeadSerializer(CamelModelSerializer[Lead]):  # names: docs/requirements.md 1
    """Every field of a lead."""

    tags = serializers.SerializerMethodField()
    bucketId = serializers.UUIDField(source="bucket_id", read_only=True)
    userId = serializers.CharField(source="owner_id", read_only=True, help_text="Who made it")
    assignedTo = serializers.CharField(
        source="assigned_to_id", read_only=True, allow_null=True, help_text="The id of the member who works it"
    )
    owner1FirstName = serializers.CharField(source="first_name", read_only=True, allow_null=True)
    owner1LastName = serializers.CharField(source="last_name", read_only=True, allow_null=True)
    bathrooms = serializers.FloatField(read_only=True, allow_null=True)
    equityPercent = _number("equity_percent")
    latitude = serializers.FloatField(read_only=True, allow_null=True)
    longitude = serializers.FloatField(read_only=True, allow_null=True)
    factSources = serializers.SerializerMethodField(help_text="{field: {source, at}} where it is not the usual one")
    otherFacts = serializers.SerializerMethodField(help_text="Values not shown: {field: [{value, source, at}]}")

    statusLabel = serializers.SerializerMethodField(help_text="Your team's own word for it, under its status")
    customFields = serializers.SerializerMethodField(help_text="Your team's own fields: {key: value}")
    ownerKey = serializers.SerializerMethodField(
        help_text="The owner, for GET /api/owners/{ownerKey}; null: no name and mailing address is known"
    )
    warnings = serializers.SerializerMethodField(help_text="What purchased data contradicts in your file, in words")

    class Meta:
        model = Lead
        exclude = [
            "bucket",
            "owner",
            "team",
            "assigned_to",
            "merged_into",
            "status_label",
            "custom",
            "equity_percent",
            "fact_sources",
            "other_facts",
        ]

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "object", "additionalProperties": True}})
    def get_factSources(self, lead: Lead) -> Any:
        return {camel(name): _entry(name, entry, is_masked=False) for name, entry in (lead.fact_sources or {}).items()}

    @extend_schema_field({"type": "object", "additionalProperties": {
        "type": "array", "items": {"type": "object", "additionalProperties": True}}})  # fmt: skip
    def get_otherFacts(self, lead: Lead) -> Any:
        is_masked = bool(self.context.get("is_masked"))
        others = (lead.other_facts or {}).items()
        return {
            camel(name): [_entry(name, entry, is_masked=is_masked) for entry in entries] for name, entries in others
        }

    @extend_schema_field({"type": "string", "nullable": True})
    def get_statusLabel(self, lead: Lead) -> str | None:
        """The names of the labels of this answer's teams are read once, where a lead has one."""
        if lead.status_label_id is None:
            return None
        shared: Any = self.context
        names: dict[UUID, str] = shared.setdefault("labels", {})
        if lead.status_label_id not in names:
            names |= dict(StatusLabel.objects.filter(team_id=lead.team_id).values_list("pk", "name"))
        return names.get(lead.status_label_id)

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_customFields(self, lead: Lead) -> Any:
        held = lead.custom or {}
        if not self.context.get("is_masked"):
            return held
        return {key: masked_text(value) if isinstance(value, str) else value for key, value in held.items()}

    def get_warnings(self, lead: Lead) -> list[str]:
        return contradictions(lead) if lead.other_facts else []

    def get_ownerKey(self, lead: Lead) -> str | None:
        return _owner_key(lead, self.context)

    def get_tags(self, lead: Lead) -> list[str]:
        return _tags(lead, self.context)

    def to_representation(self, instance: Lead) -> dict[str, Any]:
        """As the fields above say, without asking each: 70 fields of 500 leads took DRF a second, this a hundredth."""
        shown = self.as_read(instance)
        for name, tell in _columns().told:
            if (value := shown[name]) is not None:
                shown[name] = tell(value)
        return shown

    def as_read(self, instance: Lead) -> dict[str, Any]:
        """The same of a row that PostgreSQL gave, for a list: with moments, in UTC, and ids as they are, which the
        renderer writes. Told one by one they were half of a row's time.
        """
        columns, context = _columns(), self.context
        shown: dict[str, Any] = dict(zip(columns.names, columns.values_of(vars(instance)), strict=True))
        for name in columns.numbers:
            if (value := shown[name]) is not None:
                shown[name] = float(value)
        if context.get("is_masked"):
            _mask(shown, columns.plain)
        shown["factSources"] = self.get_factSources(instance) if instance.fact_sources else {}
        shown["otherFacts"] = self.get_otherFacts(instance) if instance.other_facts else {}
        shown["warnings"] = self.get_warnings(instance)
        shown["userId"] = str(instance.owner_id)
        if context.get("looks_only"):  # at another team's: what that team does about it is not told
            shown["ownerKey"] = shown["assignedTo"] = shown["callbackAt"] = shown["statusLabel"] = None
            shown["tags"], shown["customFields"] = [], {}
            return shown
        shown["statusLabel"] = self.get_statusLabel(instance) if instance.status_label_id else None
        shown["customFields"] = self.get_customFields(instance) if instance.custom else {}
        shown["assignedTo"] = str(instance.assigned_to_id) if instance.assigned_to_id else None
        shown["tags"], shown["ownerKey"] = _tags(instance, context), _owner_key(instance, context)
        return shown


def _owner_key(lead: Lead, context: Mapping[str, Any]) -> str | None:
    """`context["owner_keys"]`: {lead id: key}, of a whole page at once."""
    keys: dict[UUID, str] | None = context.get("owner_keys")
    return (owner_keys_of([(lead.pk, lead.team_id)]) if keys is None else keys).get(lead.pk)


def _tags(lead: Lead, context: Mapping[str, Any]) -> list[str]:
    """`context["tags"]`: {lead id: names}, of a whole page at once."""
    tags: dict[UUID, list[str]] | None = context.get("tags")
    if tags is None:
        return list(lead.tags.order_by("name").values_list("name", flat=True))
    return tags.get(lead.pk, [])


def _mask(shown: dict[str, Any], plain: Pairs) -> None:
    for name, source in plain:
        if source in MASKED:
            shown[name] = masked(source, shown[name])
        elif source in ANYBODYS and shown[name]:
            shown[name] = masked_text(shown[name])
    if shown["data"]:
        shown["data"] = masked_data(shown["data"])


@dataclass(frozen=True, slots=True)
class _Columns:
    """What is shown of a lead as it is. plain: without numbers. numbers: that are read as decimals. told: moments and
    ids, and what makes texts of them. values_of: of all names, in their order, out of a row's attributes.
    """

    plain: Pairs
    numbers: list[str]
    told: list[tuple[str, Callable[[Any], Any]]]
    names: list[str]
    values_of: Callable[[dict[str, Any]], tuple[Any, ...]]


_TOLD: dict[type, Callable[[Any], Any]] = {MomentField: iso, serializers.UUIDField: str}


@cache
def _columns() -> _Columns:
    """Read of the serializer once: DRF makes its fields anew for each request."""
    fields = LeadSerializer().fields
    decimals = [(name, str(f.source)) for name, f in fields.items() if isinstance(f, serializers.FloatField)]
    special = {
        "tags", "ownerKey", "userId", "assignedTo", "factSources", "otherFacts", "warnings", "statusLabel",
        "customFields", *(name for name, _ in decimals),
    }  # fmt: skip
    plain = [(name, str(f.source)) for name, f in fields.items() if name not in special]
    both = plain + decimals
    told = [(name, _TOLD[type(fields[name])]) for name, _ in both if type(fields[name]) in _TOLD]
    values_of = itemgetter(*(source for _, source in both))
    return _Columns(plain, [name for name, _ in decimals], told, [name for name, _ in both], values_of)


class _Cleaned(serializers.CharField):
    """A text that one of `integrations.normalise` can read; null takes one's own word back."""

    def __init__(self, clean: Callable[[object], str | None], words: str, **options: Any) -> None:
        super().__init__(max_length=254, allow_null=True, required=False, **options)
        self.clean, self.words = clean, words

    def to_internal_value(self, data: str) -> str:
        value = self.clean(super().to_internal_value(data))
        if value is None:
            raise serializers.ValidationError(self.words)
        return value


def _own_text(source: str) -> serializers.CharField:
    return serializers.CharField(source=source, max_length=200, allow_null=True, required=False)


def _own_whole(most: int = normalise.INT_MAX, source: str | None = None) -> WholeField:
    return WholeField(source=source, min_value=0, max_value=most, allow_null=True, required=False)


def _own_phone(source: str) -> _Cleaned:
    return _Cleaned(normalise.phone, "This is no phone number that could be called.", source=source)


def _own_type(source: str) -> serializers.RegexField:
    words: dict[str, Any] = {"invalid": "One of mobile, landline and voip is needed."}
    return serializers.RegexField(r"^(mobile|landline|voip)\Z", source=source, required=False, error_messages=words)


class LeadEdit(StrictSerializer):
    """A person's own word. It is shown before what was bought; null takes back a contact of one's own."""

    status = serializers.ChoiceField(choices=Lead.Status.choices, required=False)
    statusLabel = serializers.CharField(
        source="status_label", max_length=200, allow_null=True, required=False,
        help_text="A status label of your team, by name or id: the lead gets its status too; null: none",
    )  # fmt: skip
    customFields = ObjectField(
        source="custom", required=False, help_text="{key: value}; null takes one away; those not named stay"
    )
    ownerName = _own_text("owner_name")
    firstName = _own_text("first_name")
    lastName = _own_text("last_name")
    phone = _Cleaned(normalise.phone, "This is no phone number that could be called.")
    phoneType = _own_type("phone_type")
    phoneDoNotCall = FlagField(
        source="phone_do_not_call", required=False, help_text="true marks the number; a mark is never taken back"
    )
    secondaryPhone = _own_phone("secondary_phone")
    secondaryPhoneType = _own_type("secondary_phone_type")
    secondaryPhoneDoNotCall = FlagField(source="secondary_phone_do_not_call", required=False)
    email = _Cleaned(email_of, "This is no e-mail address.")
    mailingAddress = _own_text("mailing_address")
    mailingCity = _own_text("mailing_city")
    mailingState = _Cleaned(normalise.state, "Two letters are needed, such as WA.", source="mailing_state")
    mailingZip = _Cleaned(normalise.zip5, "Five digits are needed.", source="mailing_zip")
    bedrooms = _own_whole()
    bathrooms = PlainDecimalField(max_digits=6, decimal_places=2, min_value=0, allow_null=True, required=False)
    sqft = _own_whole()
    yearBuilt = _own_whole(source="year_built")
    estimatedValue = _own_whole(10**15, source="estimated_value")
    ownerOccupied = FlagField(source="owner_occupied", allow_null=True, required=False)
    vacant = FlagField(allow_null=True, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError(f"Give one of {', '.join(self.fields)}.")
        return attrs


class ActivitySerializer(CamelModelSerializer[Activity]):
    by = serializers.CharField(source="by.username", default=None, read_only=True, allow_null=True)

    class Meta:
        model = Activity
        fields = ["id", "kind", "text", "due_at", "by", "created_at"]

    def to_representation(self, instance: Activity) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return shown | ({"text": masked_text(instance.text)} if self.context["is_masked"] else {})


class ActivityInput(StrictSerializer):
    kind = serializers.ChoiceField(
        choices=[choice for choice in Activity.Kind.choices if choice[0] != Activity.Kind.STATUS],
        default=Activity.Kind.NOTE,
        help_text="A change of status is logged by itself",
    )
    text = serializers.CharField(max_length=2000, allow_blank=True, default="")
    dueAt = MomentField(
        source="due_at",
        required=False,
        allow_null=True,
        help_text="callback: when to call back, at most two years ahead; without an offset by your own clock. "
        "The lead's one callback is moved to it",
    )


class CallbacksQuery(PageQuery):
    due = FlagField(default=False, help_text="Only those that are due by now")
    before = MomentField(required=False, help_text="Only those before this time; without an offset by your own clock")


class CallbackSerializer(CamelModelSerializer[Lead]):
    leadId = serializers.UUIDField(source="id", read_only=True)
    bucketId = serializers.UUIDField(source="bucket_id", read_only=True)
    bucketName = serializers.CharField(source="bucket.name", read_only=True)

    class Meta:
        model = Lead
        fields = [
            "leadId", "callback_at", "bucketId", "bucketName", "status", "owner_name", "property_address",
            "property_city", "property_state", "phone", "phone_do_not_call",
        ]  # fmt: skip

    def to_representation(self, instance: Lead) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return shown | ({"phone": masked("phone", instance.phone)} if self.context["is_masked"] else {})


class OwnerPropertySerializer(CamelModelSerializer[Lead]):
    """Another property of a lead's owner. No contact is in it."""

    leadId = serializers.UUIDField(source="id", read_only=True)
    bucketId = serializers.UUIDField(source="bucket_id", read_only=True)
    bucketName = serializers.CharField(source="bucket.name", read_only=True)
    reasons = serializers.SerializerMethodField(help_text="Why it is the same owner, the surest reason first")

    class Meta:
        model = Lead
        fields = [
            "leadId", "bucketId", "bucketName", "status", "owner_name", "property_id", "property_address",
            "property_city", "property_state", "property_zip", "estimated_value", "reasons",
        ]  # fmt: skip

    def get_reasons(self, lead: Lead) -> list[str]:
        """`context["reasons"]`: {lead id: words}, of a whole page at once."""
        return list(self.context["reasons"].get(lead.pk, []))


class TagInput(StrictSerializer):
    name = serializers.CharField(max_length=50)
    color = serializers.RegexField(r"^#[0-9a-fA-F]{6}\Z", default="#6b7280")


class LeadTags(StrictSerializer):
    tags = serializers.ListField(
        child=serializers.CharField(max_length=50), max_length=TAGS_MAX, help_text="All its tags; new names are made"
    )
