"""Fields and serializers that take nothing they do not know, and write camelCase."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import DateTimeField, Model
from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.values import booleans, numbers

M = TypeVar("M", bound=Model)


class StrictSerializer(serializers.Serializer[Any]):
    """Input. A name that is not known is an error: a mistyped `maxCost` must not start a job without a spending limit.

    takes_others: it reads further names itself, before they are looked for here.
    """

    takes_others = False

    def to_internal_value(self, data: object) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(str(name)[:100] for name in data if name not in self.fields)
            if unknown:
                raise serializers.ValidationError({name: ["There is no such field here."] for name in unknown[:20]})
        if isinstance(data, QueryDict) and (twice := [name for name in data if len(data.getlist(name)) > 1]):
            raise serializers.ValidationError({name: ["Give it once."] for name in twice[:20]})
        return super().to_internal_value(data)


class Nothing(StrictSerializer):
    """A body with nothing in it."""


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


class MomentField(serializers.DateTimeField):
    """ISO 8601. Out: always UTC, ending in Z, whatever zone its reader lives in.

    In: with any offset; without one it stays so: it is by the clock of the user who asks (`leads.rules.moment_of`).
    """

    def enforce_timezone(self, value: datetime) -> datetime:
        return value

    def to_representation(self, value: datetime | None) -> Any:
        return super().to_representation(value.astimezone(UTC)) if value else None


class CamelModelSerializer(serializers.ModelSerializer[M]):
    """Output. The model's fields under their camelCase names."""

    serializer_field_mapping = {**serializers.ModelSerializer.serializer_field_mapping, DateTimeField: MomentField}

    def get_fields(self) -> dict[str, Any]:
        fields = {}
        for name, field in super().get_fields().items():
            if "_" in name:
                field.source = field.source or name
            fields[camel(name)] = field
        return fields


class FlagField(serializers.BooleanField):
    """A boolean in any spelling that every entry point takes (`common.values.booleans`), and in no other."""

    default_error_messages = {"invalid": booleans.WORDS}

    def to_internal_value(self, data: object) -> bool:
        try:
            return booleans.read(data)
        except ValueError:
            self.fail("invalid")


class WholeField(serializers.IntegerField):
    """A whole number in plain digits (`common.values.numbers`)."""

    def to_internal_value(self, data: object) -> int:
        try:
            return numbers.read_whole(data)
        except ValueError as error:
            raise serializers.ValidationError(str(error), "invalid") from None


class PlainDecimalField(serializers.DecimalField):
    """A decimal number in plain digits."""

    def to_internal_value(self, data: object) -> Decimal:
        try:
            return super().to_internal_value(numbers.read(data))
        except ValueError as error:
            raise serializers.ValidationError(str(error), "invalid") from None


class IdField(serializers.UUIDField):
    """A UUID as text. DRF's own also takes integers."""

    default_error_messages = {"not_text": "A UUID in text is needed."}

    def to_internal_value(self, data: object) -> UUID:
        if not isinstance(data, str):
            self.fail("not_text")
        return super().to_internal_value(data)


@extend_schema_field({"type": "array", "items": {"type": "string", "format": "uuid"}})
class IdListField(serializers.Field[list[UUID], Any, Any, Any]):
    """Many UUIDs, checked in one pass."""

    default_error_messages = {
        "not_a_list": "A list of UUIDs is needed.",
        "empty": "The list is empty.",
        "too_many": "There are {count} ids; at most {most} are taken at a time.",
        "not_ids": "These are no UUIDs: {some}.",
    }

    def __init__(self, *, most: int, **options: Any) -> None:
        super().__init__(**options)
        self.most = most

    def to_internal_value(self, data: object) -> list[UUID]:
        if not isinstance(data, list):
            self.fail("not_a_list")
        if not data:
            self.fail("empty")
        if len(data) > self.most:
            self.fail("too_many", count=len(data), most=self.most)
        ids: dict[UUID, None] = {}
        wrong = []
        for item in data:
            try:
                ids[UUID(item)] = None
            except (ValueError, AttributeError, TypeError):
                wrong.append(item)
        if wrong:
            self.fail("not_ids", some=few(wrong))
        return list(ids)

    def to_representation(self, value: list[UUID]) -> Any:
        return [str(item) for item in value]


def few(items: list[Any]) -> str:
    """The first few of what is wrong, for a message."""
    shown = ", ".join(repr(item)[:70] for item in items[:5])
    return shown + (f" and {len(items) - 5} more" if len(items) > 5 else "")


@extend_schema_field(OpenApiTypes.OBJECT)
class ObjectField(serializers.JSONField):
    """A JSON object of ours to keep, not to read."""

    default_error_messages = {"not_an_object": "A JSON object is needed."}

    def to_internal_value(self, data: object) -> Any:
        if not isinstance(data, dict):
            self.fail("not_an_object")
        return super().to_internal_value(data)


@extend_schema_field({"type": "number", "example": 12.5})
class MoneyField(serializers.Field[Decimal, Any, int | float, Any]):
    """US dollars out, as a number of at most four decimals: 0.05, 12."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def to_representation(self, value: Decimal) -> int | float:
        return numbers.plain(value)


class CapField(PlainDecimalField):
    """US dollars in: more than zero, at most four decimals."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=12, decimal_places=4, **options)
