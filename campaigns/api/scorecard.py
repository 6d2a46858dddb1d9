"""How good the numbers are that were called, and who is calling now: for managers."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.audit import record
from campaigns import clock
from campaigns.api.base import CampaignView
from campaigns.dialing import scorecard
from campaigns.dialing.live import Caller, callers
from common.api.base import CsvRenderer, Problem, invalid, ok, see_contacts
from common.api.lists import ListOf
from common.api.renderer import JSONRenderer
from common.api.schema import answer
from common.api.serializers import MomentField, MoneyField, StrictSerializer
from common.downloads import file_answer
from leads.selection.export import Format, Layout


class SpanQuery(StrictSerializer):
    since = serializers.DateField(required=False, help_text="The first day, by your clock; else 90 days ago")
    until = serializers.DateField(required=False, help_text="The last day, by your clock; else today")


class BadNumbersQuery(SpanQuery):
    vendor = serializers.ChoiceField(
        choices=[one for one in scorecard.SOURCES if one], required=False, help_text="Who sold them; else all"
    )


class LineSerializer(serializers.Serializer[scorecard.Line]):
    """costEach: US dollars a conversation; null: nobody was reached, or the cost is not known."""

    code = serializers.CharField()
    name = serializers.CharField()
    calls = serializers.IntegerField()
    numbers = serializers.IntegerField(help_text="Distinct ones")
    reached = serializers.IntegerField(help_text="Calls that spoke with somebody")
    wrong = serializers.IntegerField(help_text="Calls that reached somebody else’s number")
    disconnected = serializers.IntegerField()
    cost = MoneyField(allow_null=True, help_text="US dollars: calls, and skip traces of the team’s enrichment jobs")
    costEach = MoneyField(source="cost_each", allow_null=True, help_text="US dollars a conversation")


class ScorecardSerializer(serializers.Serializer[scorecard.Scorecard]):
    since = MomentField()
    until = MomentField(help_text="Exclusive")
    total = LineSerializer()
    vendors = LineSerializer(many=True, help_text="By who sold the number")
    kinds = LineSerializer(many=True, help_text="By its type")
    ages = LineSerializer(many=True, help_text="By how long you had had it")


class CallerSerializer(serializers.Serializer[Caller]):
    user = serializers.CharField(source="user.username")
    doing = serializers.CharField(help_text="In words")
    leadId = serializers.UUIDField(
        source="lead.pk", allow_null=True, default=None, help_text="Before them, or on the line"
    )
    callListId = serializers.UUIDField(source="campaign.pk", allow_null=True, default=None)
    since = MomentField(allow_null=True, help_text="Since when they are on the call")
    calls = serializers.IntegerField(help_text="Today")
    reached = serializers.IntegerField(help_text="Of these, calls that spoke with somebody")
    seconds = serializers.IntegerField(help_text="On calls today")
    lastAt = MomentField(source="last_at", allow_null=True, help_text="Their latest call today")


CALLERS = ListOf("callers", CallerSerializer, sorts={"name": "user__username"}, order="name")


class CallersView(CampaignView):
    scopes = {"GET": Scope.MANAGE}

    @extend_schema(
        operation_id="listCallers",
        summary="Who is calling now or has called today, by name",
        parameters=[CALLERS.query],
        responses=CALLERS.answer("CallersNow"),
    )
    def get(self, request: Request) -> Response:
        team_id = self.access.team_id
        found = callers(team_id) if team_id is not None else []
        return CALLERS.respond(self, list(found))


class ScorecardView(CampaignView):
    scopes = {"GET": Scope.MANAGE}

    def span(self, query: dict[str, Any]) -> tuple[datetime, datetime]:
        """Whole days by her clock. Raises Problem."""
        zone = timezone.get_current_timezone()
        last: date = query.get("until") or clock.now().astimezone(zone).date()
        first: date = query.get("since") or last - timedelta(days=scorecard.DAYS)
        if last < first or not 2000 <= first.year <= last.year <= 2100:
            raise invalid("until", "The first day comes before the last, both between 2000 and 2100.")
        return datetime.combine(first, time(), zone), datetime.combine(last + timedelta(days=1), time(), zone)

    @extend_schema(
        operation_id="getScorecard",
        summary="How good the numbers were that were called, and the cost per conversation",
        parameters=[SpanQuery],
        responses=answer("ScorecardAnswer", scorecard=ScorecardSerializer()),
    )
    def get(self, request: Request) -> Response:
        since, until = self.span(self.query(SpanQuery))
        found = scorecard.scorecard(self.access.team_id or 0, since=since, until=until)
        return ok(scorecard=ScorecardSerializer(found).data)


class BadNumbersView(ScorecardView):
    scopes = {"GET": Scope.MANAGE}
    needs_proof = ("GET", "HEAD")
    renderer_classes = [JSONRenderer, CsvRenderer]

    @extend_schema(
        operation_id="exportBadNumbers",
        summary="Wrong and disconnected numbers as CSV, to claim from who sold them",
        parameters=[BadNumbersQuery],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> StreamingHttpResponse:  # type: ignore[override]  # a file
        see_contacts(request)
        if not self.access.can(Scope.EXPORT):
            raise Problem("FORBIDDEN", "This token does not take files out.", status=403)
        query = self.query(BadNumbersQuery)
        since, until = self.span(query)
        team_id = self.access.team_id or 0
        rows = scorecard.bad_numbers(team_id, since=since, until=until, vendor=query.get("vendor", ""))
        after = {"via": "api", "format": "csv", "columns": list(scorecard.COLUMNS), "leads": rows.count()}
        record("export.taken", by=self.user, team_id=team_id, about=("team", team_id), after=after)
        name = Layout(format=Format.CSV).file_name("bad numbers")
        return file_answer(scorecard.bad_numbers_csv(rows), name=name, content_type=Format.CSV.content_type)
