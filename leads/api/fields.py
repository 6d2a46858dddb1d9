"""A team's custom fields: what else it keeps of its leads."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import idempotent
from common.api.base import ApiView, ok
from common.api.lists import ListOf
from common.api.schema import answer
from common.api.serializers import CamelModelSerializer, Nothing, StrictSerializer, WholeField
from leads.api.statuses import RetiredQuery
from leads.fields import definitions
from leads.models import CustomField


class FieldSerializer(CamelModelSerializer[CustomField]):
    choices = serializers.ListField(child=serializers.CharField(), read_only=True, help_text="Of a choice")

    class Meta:
        model = CustomField
        fields = ["id", "key", "name", "kind", "choices", "position", "retired_at"]


def _choices() -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(max_length=200), max_length=definitions.CHOICES_MAX, required=False,
        help_text="Of a choice: what may be chosen, 60 characters each",
    )  # fmt: skip


class FieldEdit(StrictSerializer):
    name = serializers.CharField(max_length=200, required=False, help_text="At most 50 characters; once a team")
    choices = _choices()
    position = WholeField(min_value=0, max_value=1000, required=False, help_text="Its place, from 0")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError(f"Give one of {', '.join(self.fields)}.")
        return attrs


class FieldInput(StrictSerializer):
    name = serializers.CharField(max_length=200, help_text="At most 50 characters; once a team")
    kind = serializers.ChoiceField(choices=CustomField.Kind.choices, help_text="What it holds, for good")
    key = serializers.CharField(
        max_length=40, required=False, help_text="Its name in filters and answers, for good; made of the name"
    )
    choices = _choices()
    position = WholeField(min_value=0, max_value=1000, required=False, help_text="Its place, from 0")


FIELDS = ListOf("fields", FieldSerializer, query=RetiredQuery, sorts={"name": "name", "key": "key"}, order="")


class FieldsView(ApiView):
    for_callers = ("GET",)
    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.MANAGE}

    @extend_schema(
        operation_id="listCustomFields",
        summary="Your team's custom fields, in their order",
        parameters=[FIELDS.query],
        responses=FIELDS.answer("CustomFields"),
    )
    def get(self, request: Request) -> Response:
        asked = self.query(FIELDS.query)
        rows = definitions.fields_of(self.access.team_id, retired=asked.get("retired", False))
        return FIELDS.respond(self, list(rows), query=asked)

    @extend_schema(
        operation_id="makeCustomField",
        summary="Make a custom field; by a manager",
        request=FieldInput,
        responses={201: answer("CustomFieldMade", field=FieldSerializer())},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        return ok(201, field=FieldSerializer(definitions.make_field(self.access, self.body(FieldInput))).data)


class FieldView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"PATCH": Scope.MANAGE, "DELETE": Scope.MANAGE}

    @extend_schema(
        operation_id="changeCustomField",
        summary="Rename a custom field, change its choices or its place",
        request=FieldEdit,
        responses=answer("CustomFieldChanged", field=FieldSerializer()),
    )
    def patch(self, request: Request, field_id: UUID) -> Response:
        return ok(field=FieldSerializer(definitions.change_field(self.access, field_id, self.body(FieldEdit))).data)

    @extend_schema(
        operation_id="retireCustomField",
        summary="Offer a custom field no more; what leads hold of it stays",
        responses={200: answer("CustomFieldRetired", field=FieldSerializer())},
    )
    def delete(self, request: Request, field_id: UUID) -> Response:
        return ok(field=FieldSerializer(definitions.retire_field(self.access, field_id)).data)


class FieldRestoreView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.MANAGE}

    @extend_schema(
        operation_id="restoreCustomField",
        summary="Offer a retired custom field again",
        request=None,
        responses={200: answer("CustomFieldRestored", field=FieldSerializer())},
    )
    @idempotent()
    def post(self, request: Request, field_id: UUID) -> Response:
        self.body(Nothing)
        return ok(field=FieldSerializer(definitions.restore_field(self.access, field_id)).data)
