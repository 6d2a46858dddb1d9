"""Reports in the API: spending, cost per reachable owner, what two lists share; for who reads the team's lists."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api.base import ApiView, CsvRenderer, Problem, invalid, not_found, ok
from common.api.lists import ListOf
from common.api.renderer import JSONRenderer
from common.api.schema import answer
from common.api.serializers import IdField, MoneyField, StrictSerializer
from common.downloads import file_answer
from leads.selection.export import Format, Layout
from operations.reports.lists import NoSuchList, SameList, overlap, reach_by_list
from operations.reports.span import span_of
from operations.reports.spend import GROUPS, Report, may_see, spend
from operations.reports.told import overlap_facts, reach_facts, report_csv, report_facts


class SpendQuery(StrictSerializer):
    group = serializers.ChoiceField(choices=list(GROUPS), default="vendor", help_text="What a line is of")
    to = serializers.DateField(required=False, help_text="The last day, by your clock; else today")

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        words = "The first day, by your clock; else 90 days up to the last"
        return fields | {"from": serializers.DateField(required=False, help_text=words)}


class OverlapQuery(StrictSerializer):
    a = IdField(help_text="A list (bucket)")
    b = IdField(help_text="Another")


class SpendLine(serializers.Serializer[Any]):
    key = serializers.CharField(
        help_text="Of the vendor, list, search, month or day; `lookups`, `other`, `deleted`: what is of no list"
    )
    name = serializers.CharField()
    requests = serializers.IntegerField(help_text="That have ended")
    records = serializers.IntegerField(help_text="Asked for")
    found = serializers.IntegerField(help_text="Known to the vendor")
    traced = serializers.IntegerField(help_text="Records asked for contacts")
    phones = serializers.IntegerField(help_text="Answers with a phone")
    hitRate = serializers.FloatField(allow_null=True, help_text="phones / traced, 0 to 1; null: none was asked for")
    conversations = serializers.IntegerField(help_text="Leads that wrote, or whom a call reached")
    spent = MoneyField(help_text="US dollars: data and messages")
    messages = MoneyField(help_text="US dollars on text messages, e-mails and calls")
    held = MoneyField(help_text="US dollars reserved: in flight, still to come or in need of a billing check")
    perPhone = MoneyField(allow_null=True, help_text="data / phones; null: no phone")
    perConversation = MoneyField(allow_null=True, help_text="spent / conversations; null: none")

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()  # `data` is a name of every serializer
        return fields | {"data": MoneyField(help_text="US dollars on property data and contacts")}


class SpendReport(serializers.Serializer[Any]):
    group = serializers.CharField()
    to = serializers.DateField(help_text="Included")
    timeZone = serializers.CharField(help_text="Whose midnights its days begin at")
    lines = SpendLine(many=True)
    total = SpendLine()
    noLongerKept = MoneyField(help_text="US dollars of deleted requests of these months (UTC), in no line")

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        return fields | {"from": serializers.DateField(help_text="Included")}


class ReachLine(serializers.Serializer[Any]):
    bucketId = serializers.UUIDField()
    name = serializers.CharField()
    leads = serializers.IntegerField()
    withPhone = serializers.IntegerField(help_text="Leads with a phone")
    reachableOwners = serializers.IntegerField(help_text="Owners with a phone whom nothing keeps from being called")
    spent = MoneyField(help_text="US dollars, by its enrichment jobs since it was made")
    perReachableOwner = MoneyField(allow_null=True, help_text="null: nobody is reachable")


class OverlapSide(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    leads = serializers.IntegerField()
    owners = serializers.IntegerField(help_text="Known once property data was purchased")
    share = serializers.FloatField(allow_null=True, help_text="Of its leads that are on both, 0 to 1; null: empty")


class OverlapSerializer(serializers.Serializer[Any]):
    a = OverlapSide()
    b = OverlapSide()
    properties = serializers.IntegerField(help_text="On both lists")
    owners = serializers.IntegerField(help_text="With property on both lists")


class ReportView(ApiView):
    def demand(self) -> None:
        if not may_see(self.access):
            raise Problem("FORBIDDEN", "Your role does not let you look at this.", status=403)

    def report(self, request: Request) -> Report:
        self.demand()
        query = self.query(SpendQuery)
        try:
            span = span_of(query.get("from"), query.get("to"))
        except ValueError as error:
            raise invalid("from", str(error)) from error
        return spend(self.access, group=query["group"], span=span)


class SpendView(ReportView):
    @extend_schema(
        operation_id="reportSpend",
        summary="What my team spent by vendor, list, search or month, and what each phone and conversation cost",
        parameters=[SpendQuery],
        responses=answer("SpendAnswer", report=SpendReport()),
    )
    def get(self, request: Request) -> Response:
        return ok(report=SpendReport(report_facts(self.report(request))).data)


class SpendFileView(ReportView):
    renderer_classes = [JSONRenderer, CsvRenderer]

    @extend_schema(
        operation_id="reportSpendFile",
        summary="The same as CSV",
        parameters=[SpendQuery],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        report = self.report(request)
        name = Layout(format=Format.CSV).file_name(f"spend by {GROUPS[report.group].lower()}")
        return file_answer(report_csv(report), name=name, content_type=Format.CSV.content_type)


REACH = ListOf(
    "lists",
    ReachLine,
    sorts={"perReachableOwner": "perReachableOwner", "spent": "spent", "leads": "leads", "name": "name"},
    order="",
)


class ReachView(ReportView):
    @extend_schema(
        operation_id="reportReachableOwners",
        summary="What each reachable owner of a list has cost, the dearest list first",
        parameters=[REACH.query],
        responses=REACH.answer("ReachAnswer"),
    )
    def get(self, request: Request) -> Response:
        self.demand()
        return REACH.respond(self, [reach_facts(one) for one in reach_by_list(self.access)])


class OverlapView(ReportView):
    @extend_schema(
        operation_id="reportOverlap",
        summary="How many properties and owners two lists share",
        parameters=[OverlapQuery],
        responses=answer("OverlapAnswer", overlap=OverlapSerializer()),
    )
    def get(self, request: Request) -> Response:
        self.demand()
        query = self.query(OverlapQuery)
        try:
            found = overlap(self.access, query["a"], query["b"])
        except SameList as refusal:
            raise invalid(refusal.field, str(refusal)) from refusal
        except NoSuchList as refusal:
            raise not_found("bucket", refusal.field) from refusal
        return ok(overlap=OverlapSerializer(overlap_facts(found)).data)
