"""The board of leads: columns by status and label, a page of each, and moving one lead."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import idempotent
from common.api.base import Problem, invalid, not_found, ok, translates
from common.api.paging import CURSOR_MAX, parts_at, parts_cursor
from common.api.schema import answer
from common.api.serializers import IdField, StrictSerializer, WholeField
from leads.api import filters
from leads.api.base import OwnLeadView
from leads.api.rows import context_of
from leads.api.serializers import LeadSerializer
from leads.models import Lead
from leads.pipeline.board import COUNTED, PAGE, Column, Place, board_of, column_of, headings
from leads.pipeline.moving import BadStage, MovedMeanwhile, move_lead, stage_at
from leads.selection.asked import BUCKET, SEARCH, leads_asked
from leads.selection.search import LONGEST

LIMIT_MAX = 100
_ORDER = "column of the board"


@translates(BadStage)
def _bad_stage(error: BadStage) -> Problem:
    return invalid("to", str(error))


@translates(MovedMeanwhile)
def _moved(error: MovedMeanwhile) -> Problem:
    return Problem("MOVED", f"was: {error}", status=409, fields={"was": [str(error)]})


class BoardQuery(StrictSerializer):
    column = serializers.CharField(max_length=60, required=False, help_text="One column alone, by its key")
    cursor = serializers.CharField(
        max_length=CURSOR_MAX, required=False, help_text="nextCursor of that column's last page"
    )
    limit = WholeField(min_value=1, max_value=LIMIT_MAX, default=PAGE, help_text="Leads of each column")
    q = serializers.CharField(max_length=LONGEST, required=False, help_text="Only leads that this search finds")
    bucketId = IdField(required=False, help_text="Leads of this bucket alone")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "cursor" in attrs and "column" not in attrs:
            raise serializers.ValidationError({"cursor": ["It goes with a column."]})
        return attrs


class BoardColumnSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="A status, or a status and a label's id: what a lead is moved to")
    status = serializers.ChoiceField(choices=Lead.Status.choices)
    labelId = serializers.UUIDField(allow_null=True)
    name = serializers.CharField(help_text="The label's name, or the status in words")
    count = serializers.IntegerField(allow_null=True, help_text=f"Of its leads; null: more than {COUNTED:,}")
    leads = LeadSerializer(many=True, help_text="The last touched first; then those nobody has touched, newest first")
    nextCursor = serializers.CharField(allow_null=True)


class MoveInput(StrictSerializer):
    to = serializers.CharField(max_length=60, help_text="The key of a column of the board")
    was = serializers.CharField(
        max_length=60, required=False, help_text="Where you saw it: moved by somebody else since, it is a 409, MOVED"
    )


class BoardView(OwnLeadView):
    for_callers = ("GET",)
    begins = filters.BEGINS

    @extend_schema(
        operation_id="getBoard",
        summary="Leads by status and label: a page of each column, or of one",
        parameters=[BoardQuery, *filters.PARAMETERS],
        responses=answer("Board", columns=BoardColumnSerializer(many=True)),
    )
    def get(self, request: Request) -> Response:
        query = self.query(BoardQuery, also=filters.names_in(request.query_params))
        beside = frozenset(BoardQuery().fields)
        asked: dict[str, list[str]] = {
            name: request.query_params.getlist(name) for name in request.query_params if name not in beside
        }
        asked |= {SEARCH: [query["q"]]} if "q" in query else {}
        asked |= {BUCKET: [str(query["bucketId"])]} if "bucketId" in query else {}
        return ok(columns=[self._told(one) for one in self._columns(query, asked)])

    def _columns(self, query: dict[str, Any], asked: dict[str, list[str]]) -> list[Column]:
        leads, team_id = leads_asked(self.access, asked), self.access.team_id
        if "column" not in query:
            return list(board_of(leads, team_id, limit=query["limit"]))
        wanted = next((one for one in headings(team_id) if one.key == query["column"]), None)
        if wanted is None:
            raise invalid("column", "Your board has no such column.")
        try:
            at = Place.read(*parts_at(_ORDER, query["cursor"], (str,))) if "cursor" in query else None
        except ValueError as error:
            raise invalid("cursor", "This is no cursor of this column.") from error
        return [column_of(leads, wanted, at=at, limit=query["limit"])]

    def _told(self, column: Column) -> dict[str, Any]:
        ids = [one.pk for one in column.leads]
        rows = Lead.objects.in_bulk(ids)
        leads = [rows[pk] for pk in ids if pk in rows]
        shown = context_of(self, leads)
        stage = column.heading.stage
        return {
            "key": stage.key,
            "status": stage.status,
            "labelId": stage.label_id,
            "name": column.heading.words,
            "count": column.count if column.count <= COUNTED else None,
            "leads": LeadSerializer(leads, many=True, context=shown).data,
            "nextCursor": parts_cursor(_ORDER, str(column.after)) if column.after else None,
        }


class MoveView(OwnLeadView):
    for_callers = ("POST",)

    @extend_schema(
        operation_id="moveLead",
        summary="Move a lead to another column of the board",
        request=MoveInput,
        responses={200: answer("LeadMoved", lead=LeadSerializer())},
    )
    @idempotent()
    def post(self, request: Request, lead_id: UUID) -> Response:
        said, lead = self.body(MoveInput), self.lead(lead_id)
        was = None
        if "was" in said:
            was = next((one.stage for one in headings(lead.team_id) if one.key == said["was"]), None)
            if was is None:
                raise invalid("was", "Your board has no such column.")
        moved = move_lead(lead.pk, by=self.user, to=stage_at(said["to"], lead.team_id), was=was)
        if moved is None:
            raise not_found("lead")
        return ok(lead=self.shown(self.lead(moved.lead_id)))
