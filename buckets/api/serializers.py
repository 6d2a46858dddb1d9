from __future__ import annotations

import json
import re
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from buckets.models import Bucket, Fill, Import
from buckets.services import PROPERTY_ID
from common.api.paging import PageQuery
from common.api.serializers import CamelModelSerializer, IdField, ObjectField, StrictSerializer, WholeField, few
from integrations.vendors.queries import filters as checked_criteria

_PROPERTY_ID = re.compile(PROPERTY_ID)
NOTES_BYTES_MAX = 64 * 1024  # of `filters` and of `signals`: a search in words, not a data store


@extend_schema_field({"type": "array", "items": {"oneOf": [{"type": "string"}, {"type": "integer"}]}})
class PropertyIdsField(serializers.Field[list[str], Any, Any, Any]):
    """Property ids as strings or integers, checked in one pass: 100,000 in 50 ms, where a ListField takes seconds."""

    default_error_messages = {
        "not_a_list": "A list of property ids is needed.",
        "empty": "There are no ids in it.",
        "too_many": "There are {count} ids; at most {most} are taken at a time.",
        "not_ids": "These are no property ids: {some}.",
    }

    def to_internal_value(self, data: object) -> list[str]:
        if not isinstance(data, list):
            self.fail("not_a_list")
        if not data:
            self.fail("empty")
        if len(data) > settings.BUCKET_IDS_MAX:
            self.fail("too_many", count=len(data), most=settings.BUCKET_IDS_MAX)
        fits = _PROPERTY_ID.fullmatch
        texts = [str(item) if type(item) is int and item > 0 else item for item in data]
        wrong = [item for item in texts if type(item) is not str or not fits(item)]
        if wrong:
            self.fail("not_ids", some=few(wrong))
        return texts

    def to_representation(self, value: list[str]) -> Any:
        return value


class CriteriaField(ObjectField):
    """A search in the vendor's own filter names."""

    def to_internal_value(self, data: object) -> Any:
        try:
            return checked_criteria(super().to_internal_value(data))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class NotesField(ObjectField):
    """A JSON object that is kept as it came."""

    def to_internal_value(self, data: object) -> Any:
        notes = super().to_internal_value(data)
        if len(json.dumps(notes)) > NOTES_BYTES_MAX:
            raise serializers.ValidationError(f"It must be shorter than {NOTES_BYTES_MAX // 1024} KB.")
        return notes


class Contents(StrictSerializer):
    """What goes into a bucket: ids now, or whatever a search finds, in the background."""

    propertyIds = PropertyIdsField(required=False)
    search = CriteriaField(required=False, help_text="RealEstateAPI's filters, such as {state, county}")
    limit = WholeField(required=False, min_value=1, max_value=2**31 - 1, help_text="Ids of a search at most")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = [name for name in ("propertyIds", "search") if name in attrs]
        if len(given) != 1:
            words = "Give either propertyIds or search" + (", not both." if given else ".")
            raise serializers.ValidationError({"propertyIds": [words]})
        if "limit" in attrs and "search" not in attrs:
            raise serializers.ValidationError({"limit": ["Only a search has a limit."]})
        return attrs


class BucketInput(Contents):
    name = serializers.CharField(max_length=200)
    description = serializers.CharField(max_length=2000, allow_blank=True, default="")
    source = serializers.ChoiceField(choices=Bucket.Source.choices, default=Bucket.Source.REAL_ESTATE)  # type: ignore[assignment]
    filters = NotesField(required=False, help_text="The search that found the ids")
    signals = NotesField(required=False, help_text="Distress signal counts")


class BucketEdit(StrictSerializer):
    name = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(max_length=2000, allow_blank=True, required=False)
    filters = NotesField(required=False)
    signals = NotesField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Give name, description, filters or signals.")
        return attrs


class BucketsQuery(PageQuery):
    name = serializers.CharField(required=False, max_length=200, help_text="Exactly this name")


class LeadsQuery(PageQuery):
    bucketId = IdField()


class ExportQuery(StrictSerializer):
    runId = IdField(required=False, help_text="Only the leads of this enrichment job")


class FillSerializer(CamelModelSerializer[Fill]):
    class Meta:
        model = Fill
        fields = [
            "id",
            "status",
            "criteria",
            "sets",
            "limit",
            "found",
            "fetched",
            "saved",
            "error",
            "created_at",
            "updated_at",
        ]


class BucketSerializer(CamelModelSerializer[Bucket]):  # names: docs/requirements.md 1
    """Every field of a bucket, and the latest search that fills it."""

    userId = serializers.CharField(source="owner_id", read_only=True)

    class Meta:
        model = Bucket
        exclude = ["owner"]


class BucketWithFill(BucketSerializer):
    fill = FillSerializer(source="latest_fill", read_only=True, allow_null=True)


class InsertStats(serializers.Serializer[Any]):
    inserted = serializers.IntegerField(help_text="Ids that were new to the bucket")
    total = serializers.IntegerField(help_text="Leads in the bucket")


class ImportUpload(StrictSerializer):
    file = serializers.FileField(max_length=1000, help_text="A CSV of any delimiter and encoding, its columns named")


class ImportIntoNew(ImportUpload):
    name = serializers.CharField(
        max_length=200, required=False, help_text="Of the new bucket; the file's where left out"
    )


class ColumnsInput(StrictSerializer):
    """Which column holds what: `{"address": "Situs Address", "zip": 4}`, and what is the same for every row."""

    mapping = ObjectField(help_text="Column of each field, by its name or its number from 0")
    constants = ObjectField(required=False, help_text='Fields that no column has: {"fips": "53033"}')


class ImportSerializer(CamelModelSerializer[Import]):
    class Meta:
        model = Import
        exclude = ["attempts", "lease_until"]


class ColumnSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="From 0")
    name = serializers.CharField()
    examples = serializers.ListField(child=serializers.CharField(), help_text="What the first rows have in it")


class PreviewRow(serializers.Serializer[Any]):
    line = serializers.IntegerField(help_text="Of the file, from 1")
    propertyId = serializers.CharField(help_text="RealEstateAPI's id, or apn:… or address:… until it is known")
    facts = ObjectField(help_text="As they would be saved, by the lead's names")


class PreviewSerializer(serializers.Serializer[Any]):
    """What the first rows would become."""

    rows = serializers.IntegerField(help_text="Rows that were looked at")
    usable = serializers.IntegerField()
    skipped = serializers.IntegerField(help_text="Rows without any text")
    failed = serializers.IntegerField(help_text="Rows that name no property")
    reasons = ObjectField(help_text="Why rows cannot be used, and how many")
    warnings = serializers.ListField(child=serializers.CharField())
    first = PreviewRow(source="shown", many=True)
