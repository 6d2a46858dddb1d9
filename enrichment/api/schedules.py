"""Schedules: a worker enriches, refills or refreshes a bucket on a cadence."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import idempotent
from buckets.api.base import OwnBucketView
from common.api.base import not_found, ok
from common.api.lists import ListOf
from common.api.schema import answer, refusal
from common.api.serializers import (
    CamelModelSerializer,
    CapField,
    FlagField,
    IdField,
    MoneyField,
    Nothing,
    ObjectField,
    StrictSerializer,
    WholeField,
)
from enrichment.api.serializers import GuardField
from enrichment.models import Schedule
from enrichment.scheduling import services as schedules
from enrichment.scheduling.cadence import CADENCE_MAX
from enrichment.selectors import schedule_result

CADENCE_HELP = (
    'Five cron fields: minute (one number), hour, day, month, weekday. "30 2 * * 1-5" is 02:30 on weekdays, '
    '"0 6 * * 1,4" is 06:00 on Mondays and Thursdays'
)
_OPTIONS = ("limit", "skipTrace", "guard", "olderThanDays", "search")


class ScheduleEdit(StrictSerializer):
    cadence = serializers.CharField(max_length=CADENCE_MAX, required=False, help_text=CADENCE_HELP)
    timeZone = serializers.CharField(
        source="time_zone", max_length=64, required=False, help_text="Whose clock: America/New_York; mine by default"
    )
    maxCost = CapField(
        source="max_cost",
        required=False,
        help_text="Spending limit each time, US dollars; required where money is spent",
    )
    limit = WholeField(required=False, help_text="enrich, rebuy: most leads each time")
    skipTrace = FlagField(required=False, help_text="enrich, rebuy: contacts too; true by default")
    guard = GuardField(required=False, help_text="enrich: skip trace only if the detail passes these filters")
    olderThanDays = WholeField(required=False, help_text="rebuy: only data older than that")
    search = ObjectField(required=False, help_text="refresh: the search; the bucket's own by default")
    enabled = FlagField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        options = {name: attrs.pop(name) for name in _OPTIONS if name in attrs}
        return attrs | ({"options": options} if options else {})


class ScheduleInput(ScheduleEdit):
    bucketId = IdField()
    kind = serializers.ChoiceField(choices=Schedule.Kind.choices)
    cadence = serializers.CharField(max_length=CADENCE_MAX, help_text=CADENCE_HELP)
    enabled = None  # type: ignore[assignment]  # a new one is on


class ScheduleSerializer(CamelModelSerializer[Schedule]):
    bucketId = serializers.UUIDField(source="bucket_id", allow_null=True, read_only=True)
    maxCost = MoneyField(source="max_cost", allow_null=True)
    options = ObjectField(read_only=True)
    lastResult = serializers.SerializerMethodField(help_text="Last result, in words")
    lastRunId = serializers.UUIDField(source="last_run_id", allow_null=True, read_only=True)
    lastFillId = serializers.UUIDField(source="last_fill_id", allow_null=True, read_only=True)

    class Meta:
        model = Schedule
        fields = [
            "id", "bucketId", "bucket_name", "kind", "options", "maxCost", "cadence", "time_zone", "enabled", "next_at",
            "last_at", "lastResult", "failures", "lastRunId", "lastFillId", "created_at",
        ]  # fmt: skip

    def get_lastResult(self, schedule: Schedule) -> str:
        return schedule_result(schedule)


class ScheduleBase(OwnBucketView):
    scopes = dict.fromkeys(("POST", "PATCH", "DELETE"), Scope.BUY)

    def schedule(self, schedule_id: UUID) -> Schedule:
        rows = Schedule.objects.seen_by(self.access).select_related("bucket", "last_run", "last_fill")
        schedule = rows.filter(pk=schedule_id).first()
        if schedule is None:
            raise not_found("schedule")
        return schedule

    def told(self, schedule: Schedule, status: int = 200) -> Response:
        return ok(status, schedule=ScheduleSerializer(schedule).data)


SCHEDULES = ListOf("schedules", ScheduleSerializer)


class SchedulesView(ScheduleBase):
    @extend_schema(
        operation_id="listSchedules",
        summary="My team's schedules, newest first",
        parameters=[SCHEDULES.query],
        responses=SCHEDULES.answer("SchedulePage"),
    )
    def get(self, request: Request) -> Response:
        query = self.query(SCHEDULES.query)
        mine = Schedule.objects.seen_by(self.access).select_related("last_run", "last_fill")
        return SCHEDULES.respond(self, mine, query=query)

    @extend_schema(
        operation_id="createSchedule",
        summary="Enrich a bucket's next leads, add new matches, or refresh changed properties, on a schedule",
        request=ScheduleInput,
        responses={201: answer("ScheduleMade", schedule=ScheduleSerializer())},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        given = self.body(ScheduleInput)
        bucket = self.bucket(given.pop("bucketId"))
        return self.told(schedules.create_schedule(by=self.user, bucket=bucket, **given), 201)


class ScheduleView(ScheduleBase):
    @extend_schema(
        operation_id="getSchedule",
        summary="A schedule",
        responses=answer("ScheduleAnswer", schedule=ScheduleSerializer()),
    )
    def get(self, request: Request, schedule_id: UUID) -> Response:
        return self.told(self.schedule(schedule_id))

    @extend_schema(
        operation_id="changeSchedule",
        summary="Change it, or turn it off and on",
        request=ScheduleEdit,
        responses=answer("ScheduleChanged", schedule=ScheduleSerializer()),
    )
    def patch(self, request: Request, schedule_id: UUID) -> Response:
        schedule = self.schedule(schedule_id)
        return self.told(schedules.change_schedule(schedule=schedule, changes=self.body(ScheduleEdit), by=self.user))

    @extend_schema(
        operation_id="deleteSchedule",
        summary="Delete it; jobs it has started continue",
        responses={200: answer("ScheduleDeleted", id=serializers.UUIDField())},
    )
    def delete(self, request: Request, schedule_id: UUID) -> Response:
        schedules.delete_schedule(schedule=self.schedule(schedule_id), by=self.user)
        return ok(id=schedule_id)


class RunScheduleView(ScheduleBase):
    @extend_schema(
        operation_id="runSchedule",
        summary="Run now; its next time stays as planned after that",
        request=Nothing,
        responses={
            202: answer("ScheduleDue", schedule=ScheduleSerializer()),
            409: refusal("The schedule is turned off"),
        },
    )
    @idempotent()
    def post(self, request: Request, schedule_id: UUID) -> Response:
        schedule = self.schedule(schedule_id)
        self.body(Nothing)
        return self.told(schedules.run_now(schedule=schedule), 202)
