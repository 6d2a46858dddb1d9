"""A team's status labels: its own words under the five statuses."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import idempotent
from common.api.base import ApiView, Problem, ok, translates
from common.api.lists import ListOf
from common.api.paging import PageQuery
from common.api.schema import answer
from common.api.serializers import CamelModelSerializer, FlagField, Nothing, StrictSerializer, WholeField
from leads.models import Lead, StatusLabel
from leads.pipeline import labels
from leads.pipeline.lists import Refused

_STATUS = {"FORBIDDEN": 403, "NOT_FOUND": 404}


@translates(Refused)
def _refused(error: Refused) -> Problem:
    words = str(error)
    message = f"{error.field}: {words}" if error.field else words
    return Problem(error.code, message, status=_STATUS.get(error.code, 400),
                   fields={error.field: [words]} if error.field else {})  # fmt: skip


class LabelSerializer(CamelModelSerializer[StatusLabel]):
    class Meta:
        model = StatusLabel
        fields = ["id", "name", "status", "color", "position", "retired_at"]


class LabelEdit(StrictSerializer):
    name = serializers.CharField(max_length=200, required=False, help_text="At most 40 characters; once a team")
    color = serializers.CharField(max_length=7, required=False, help_text="#rrggbb")
    position = WholeField(min_value=0, max_value=1000, required=False, help_text="Its place in its status, from 0")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError(f"Give one of {', '.join(self.fields)}.")
        return attrs


class LabelInput(StrictSerializer):
    name = serializers.CharField(max_length=200, help_text="At most 40 characters; once a team")
    status = serializers.ChoiceField(choices=Lead.Status.choices, help_text="Which status it is under, for good")
    color = serializers.CharField(max_length=7, required=False, help_text="#rrggbb")
    position = WholeField(min_value=0, max_value=1000, required=False, help_text="Its place in its status, from 0")


class RetiredQuery(PageQuery):
    retired = FlagField(required=False, help_text="With those that are offered no more")


LABELS = ListOf("labels", LabelSerializer, query=RetiredQuery, sorts={"name": "name", "status": "status"}, order="")


class LabelsView(ApiView):
    for_callers = ("GET",)
    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.MANAGE}

    @extend_schema(
        operation_id="listStatusLabels",
        summary="Your team's status labels, by status and place",
        parameters=[LABELS.query],
        responses=LABELS.answer("StatusLabels"),
    )
    def get(self, request: Request) -> Response:
        asked = self.query(LABELS.query)
        rows = labels.labels_of(self.access.team_id, retired=asked.get("retired", False))
        return LABELS.respond(self, list(rows), query=asked)

    @extend_schema(
        operation_id="makeStatusLabel",
        summary="Make a status label; by a manager",
        request=LabelInput,
        responses={201: answer("StatusLabelMade", label=LabelSerializer())},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        return ok(201, label=LabelSerializer(labels.make_label(self.access, self.body(LabelInput))).data)


class LabelView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"PATCH": Scope.MANAGE, "DELETE": Scope.MANAGE}

    @extend_schema(
        operation_id="changeStatusLabel",
        summary="Rename a status label, give it another color or place",
        request=LabelEdit,
        responses=answer("StatusLabelChanged", label=LabelSerializer()),
    )
    def patch(self, request: Request, label_id: UUID) -> Response:
        return ok(label=LabelSerializer(labels.change_label(self.access, label_id, self.body(LabelEdit))).data)

    @extend_schema(
        operation_id="retireStatusLabel",
        summary="Offer a status label no more; leads that have it still say it",
        responses={200: answer("StatusLabelRetired", label=LabelSerializer())},
    )
    def delete(self, request: Request, label_id: UUID) -> Response:
        return ok(label=LabelSerializer(labels.retire_label(self.access, label_id)).data)


class LabelRestoreView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.MANAGE}

    @extend_schema(
        operation_id="restoreStatusLabel",
        summary="Offer a retired status label again",
        request=None,
        responses={200: answer("StatusLabelRestored", label=LabelSerializer())},
    )
    @idempotent()
    def post(self, request: Request, label_id: UUID) -> Response:
        self.body(Nothing)
        return ok(label=LabelSerializer(labels.restore_label(self.access, label_id)).data)
