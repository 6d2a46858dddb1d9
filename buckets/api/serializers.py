from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from buckets.imports.columns import FIELDS as IMPORTED
from buckets.imports.columns import OTHERS_MOST
from buckets.imports.headers import HEADER_ROWS
from buckets.models import Bucket, Fill, Import
from common.api.lists import TOTAL_MAX
from common.api.paging import PageQuery
from common.api.serializers import (
    CamelModelSerializer,
    FlagField,
    IdField,
    ObjectField,
    StrictSerializer,
    WholeField,
)
from integrations.vendors import normalise
from integrations.vendors.queries import filters as checked_criteria
from leads.api.base import FoundQuery
from leads.selection.export import Format
from leads.selection.export_columns import CUSTOM, FIELDS, NAMES, PRESETS, UnknownColumn, named
from leads.selection.search import LONGEST

_FEW = 5  # of what is wrong, in a message
NOTES_BYTES_MAX = 64 * 1024  # of `filters` and of `signals`: a search in words, not a data store


@extend_schema_field({"type": "array", "items": {"oneOf": [{"type": "string"}, {"type": "integer"}]}})
class PropertyIdsField(serializers.Field[list[str], Any, Any, Any]):
    """Property ids as strings or integers, checked in one pass: 100,000 in 50 ms, where a ListField takes seconds."""

    default_error_messages = {
        "not_a_list": "A list of property ids is needed.",
        "empty": "There are no ids in it.",
        "too_many": "There are {count} ids; at most {most} are taken at a time.",
        "not_ids": "A property id is a whole number from 1 to 2^63 - 1; these are none, counted from 0: {some}.",
    }

    def to_internal_value(self, data: object) -> list[str]:
        if not isinstance(data, list):
            self.fail("not_a_list")
        if not data:
            self.fail("empty")
        if len(data) > settings.BUCKET_IDS_MAX:
            self.fail("too_many", count=len(data), most=settings.BUCKET_IDS_MAX)
        read = normalise.property_id
        ids = [read(item) if type(item) is str or type(item) is int else None for item in data]
        wrong = [f"{_shown(data[index])} (at {index})" for index, found in enumerate(ids) if found is None]
        if wrong:
            more = f" and {len(wrong) - _FEW} more" if len(wrong) > _FEW else ""
            self.fail("not_ids", some=", ".join(wrong[:_FEW]) + more)
        return [found for found in ids if found is not None]

    def to_representation(self, value: list[str]) -> Any:
        return value


def _shown(item: object) -> str:
    return json.dumps(item)[:70]


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
    shared = FlagField(default=False, help_text="Those that other teams share with mine, instead of my team's own")


class LeadsQuery(FoundQuery):
    bucketId = IdField()
    total = FlagField(
        required=False,
        help_text=f"false: nothing is counted, totalMatching is null; true: also total, counted up to {TOTAL_MAX:,}",
    )


class ColumnsField(serializers.CharField):
    """Names of the export's columns and presets, with commas between."""

    def to_internal_value(self, data: Any) -> Any:
        names = [name for part in super().to_internal_value(data).split(",") if (name := part.strip())]
        if not names:
            raise serializers.ValidationError("Name at least one column, or leave it out.")
        try:
            return named(names)
        except UnknownColumn as error:
            raise serializers.ValidationError(str(error)) from error


class ExportQuery(StrictSerializer):
    runId = IdField(required=False, help_text="Only the leads of this enrichment job")
    q = serializers.CharField(
        required=False, max_length=LONGEST, help_text="Only the leads that this search of the list finds"
    )
    format = serializers.ChoiceField(
        choices=[one.value for one in Format], required=False, help_text="csv, unless Accept asks for a workbook; xlsx"
    )
    bom = FlagField(
        default=True, help_text="A CSV begins with a byte order mark, by which Excel knows that it is UTF-8"
    )
    columns = ColumnsField(
        required=False,
        max_length=4000,
        help_text=f"Which columns, in which order, with commas between; all where left out. {', '.join(PRESETS)} stand "
        f"for the usual ones. Names: {', '.join(NAMES)}; {CUSTOM} are the columns of your own files, "
        f"{FIELDS} your team's custom fields, custom.KEY one of them",
    )


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
            "left_out",
            "error",
            "created_at",
            "updated_at",
        ]


class BucketSerializer(CamelModelSerializer[Bucket]):  # names: docs/requirements.md 1
    """Every field of a bucket, and the latest search that fills it."""

    userId = serializers.CharField(source="owner_id", read_only=True)

    class Meta:
        model = Bucket
        exclude = ["owner", "team"]


class BucketWithFill(BucketSerializer):
    fill = FillSerializer(source="latest_fill", read_only=True, allow_null=True)


class InsertStats(serializers.Serializer[Any]):
    inserted = serializers.IntegerField(help_text="Ids that were new to the bucket")
    total = serializers.IntegerField(help_text="Leads in the bucket")


_HEADER_ROW = (
    "The row with the columns' names, from 1 as a spreadsheet counts rows, blank ones too; guessed if left out"
)
_UPDATE = "Rows change the leads that are there already; if left out they stay as they are"


class ImportUpload(StrictSerializer):
    file = serializers.FileField(max_length=1000, help_text="A CSV of any delimiter and encoding, its columns named")
    headerRow = WholeField(required=False, min_value=1, max_value=HEADER_ROWS, help_text=_HEADER_ROW)
    update = FlagField(required=False, help_text=_UPDATE)  # type: ignore[assignment]  # DRF takes it off the class


class ImportIntoNew(ImportUpload):
    name = serializers.CharField(
        max_length=200, required=False, help_text="Of the new bucket; the file's where left out"
    )


class ColumnsInput(StrictSerializer):
    """Which column holds what: `{"address": "Situs Address", "zip": 4}`, and what is the same for every row."""

    mapping = ObjectField(
        required=False,
        help_text="Column of each field, by its name or its number from 0; as it was if left out. Fields: "
        + ", ".join(IMPORTED)
        + "; custom.KEY is one of your team's custom fields",
    )
    constants = ObjectField(required=False, help_text='Fields that no column has: {"fips": "53033"}')
    keepOtherColumns = FlagField(
        required=False,
        help_text=f"Leads keep what no field holds, as `data`, of at most {OTHERS_MOST} columns; as it was if left out",
    )
    headerRow = WholeField(
        required=False,
        min_value=1,
        max_value=HEADER_ROWS,
        help_text="The row with the columns' names, from 1: the columns are read and guessed again before all else",
    )
    update = FlagField(  # type: ignore[assignment]
        required=False, help_text="Rows change the leads that are there already; as it was if left out"
    )


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
