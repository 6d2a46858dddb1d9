from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from rest_framework import serializers

from config.common.contacts import MASKED, masked
from config.common.paging import PageQuery
from config.common.serializers import CamelModelSerializer, FlagField, StrictSerializer
from leads.models import Activity, Lead, Tag

TAGS_MAX = 50  # of one lead


class TagSerializer(CamelModelSerializer[Tag]):
    class Meta:
        model = Tag
        fields = ["id", "name", "color"]


def _number(source: str) -> serializers.FloatField:
    return serializers.FloatField(source=source, read_only=True, allow_null=True)


class LeadSerializer(CamelModelSerializer[Lead]):
    """Every field of the brief's LEADS table under its name there, and what we added."""

    tags = serializers.SerializerMethodField()
    bucketId = serializers.UUIDField(source="bucket_id", read_only=True)
    userId = serializers.CharField(source="owner_id", read_only=True)
    owner1FirstName = serializers.CharField(source="first_name", read_only=True, allow_null=True)
    owner1LastName = serializers.CharField(source="last_name", read_only=True, allow_null=True)
    bathrooms = serializers.FloatField(read_only=True, allow_null=True)
    equityPercent = _number("equity_percent")
    latitude = serializers.FloatField(read_only=True, allow_null=True)
    longitude = serializers.FloatField(read_only=True, allow_null=True)

    class Meta:
        model = Lead
        exclude = ["bucket", "owner", "equity_percent"]

    def get_tags(self, lead: Lead) -> list[str]:
        """`context["tags"]`: {lead id: names}, of a whole page at once."""
        tags: dict[UUID, list[str]] | None = self.context.get("tags")
        return [tag.name for tag in lead.tags.all()] if tags is None else tags.get(lead.pk, [])

    def to_representation(self, instance: Lead) -> dict[str, Any]:
        """As the fields above say, without asking each: 70 fields of 500 leads took DRF a second, this a thirtieth."""
        plain, decimals = _columns()
        shown: dict[str, Any] = {name: getattr(instance, source) for name, source in plain}
        for name, source in decimals:
            number = getattr(instance, source)
            shown[name] = None if number is None else float(number)
        if self.context.get("is_masked"):
            shown |= {name: masked(source, shown[name]) for name, source in plain if source in MASKED}
        return shown | {"userId": str(instance.owner_id), "tags": self.get_tags(instance)}


Columns = list[tuple[str, str]]  # name in JSON, attribute of the lead


@cache
def _columns() -> tuple[Columns, Columns]:
    """What is shown as it is, and what is shown as a number. DRF makes a serializer's fields anew for each request."""
    fields = LeadSerializer().fields
    decimals = [(name, str(f.source)) for name, f in fields.items() if isinstance(f, serializers.FloatField)]
    special = {"tags", "userId", *(name for name, _ in decimals)}
    return [(name, str(f.source)) for name, f in fields.items() if name not in special], decimals


class LeadEdit(StrictSerializer):
    status = serializers.ChoiceField(choices=Lead.Status.choices, required=False)
    firstName = serializers.CharField(source="first_name", max_length=200, allow_null=True, required=False)
    lastName = serializers.CharField(source="last_name", max_length=200, allow_null=True, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Give status, firstName or lastName.")
        return attrs


class ActivitySerializer(CamelModelSerializer[Activity]):
    by = serializers.CharField(source="by.username", default=None, read_only=True, allow_null=True)

    class Meta:
        model = Activity
        fields = ["id", "kind", "text", "due_at", "by", "created_at"]


class OwnTimeField(serializers.DateTimeField):
    """ISO 8601. Without an offset it stays so: it is by the clock of whoever asks (`leads.rules.moment_of`)."""

    def enforce_timezone(self, value: datetime) -> datetime:
        return value


class ActivityInput(StrictSerializer):
    kind = serializers.ChoiceField(
        choices=[choice for choice in Activity.Kind.choices if choice[0] != Activity.Kind.STATUS],
        default=Activity.Kind.NOTE,
        help_text="A change of status is noted by itself",
    )
    text = serializers.CharField(max_length=2000, allow_blank=True, default="")
    dueAt = OwnTimeField(
        source="due_at",
        required=False,
        allow_null=True,
        help_text="callback: when to call back, at most two years ahead; without an offset by your own clock. "
        "The lead's one callback is moved to it",
    )


class CallbacksQuery(PageQuery):
    due = FlagField(default=False, help_text="Only those that are due by now")
    before = OwnTimeField(required=False, help_text="Only those before this time; without an offset by your own clock")


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


class TagInput(StrictSerializer):
    name = serializers.CharField(max_length=50)
    color = serializers.RegexField(r"^#[0-9a-fA-F]{6}\Z", default="#6b7280")


class LeadTags(StrictSerializer):
    tags = serializers.ListField(
        child=serializers.CharField(max_length=50), max_length=TAGS_MAX, help_text="All its tags; new names are made"
    )
