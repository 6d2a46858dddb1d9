"""Call lists and the outcomes of a team's calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Access, Scope
from accounts.api.base import idempotent
from campaigns.api.campaigns import audience_of
from campaigns.api.serializers import AUDIENCE, AudienceInput, ScriptField, WindowField
from campaigns.dialing import dispositions, filling, lists
from campaigns.dialing.lists import ListPlan
from campaigns.dialing.progress import progress
from campaigns.models import Campaign, CampaignCaller, Disposition
from campaigns.planning.campaigns import NAME_MAX, window_told
from common.api.base import ApiView, ok
from common.api.lists import ListOf
from common.api.paging import PageQuery
from common.api.schema import answer, refusal
from common.api.serializers import (
    CamelModelSerializer,
    FlagField,
    IdListField,
    MomentField,
    Nothing,
    ObjectField,
    StrictSerializer,
    WholeField,
)
from leads.models import Lead


class CallListEdit(StrictSerializer):
    name = serializers.CharField(max_length=NAME_MAX, required=False, help_text="What you call it")
    callers = serializers.ListField(
        child=WholeField(min_value=1, max_value=2**62), max_length=lists.CALLERS_MOST, required=False,
        help_text="Who works it: members' ids; []: everybody of the team",
    )  # fmt: skip
    window = WindowField(required=False, help_text="Hours narrower than the law's, as of a campaign; {}: the law's")
    script = ScriptField(required=False)


class CallListInput(AudienceInput):
    name = serializers.CharField(max_length=NAME_MAX, help_text="What you call it")
    leadIds = IdListField(most=filling.MOST, required=False, help_text="Exactly these leads")
    limit = WholeField(min_value=1, max_value=filling.MOST, required=False, allow_null=True, help_text="Leads at most")
    callers = serializers.ListField(
        child=WholeField(min_value=1, max_value=2**62), max_length=lists.CALLERS_MOST, required=False,
        help_text="Who works it: members' ids; none: everybody of the team",
    )  # fmt: skip
    window = WindowField(required=False, help_text="Hours narrower than the law's, as of a campaign")
    priority = serializers.ChoiceField(
        choices=["", *filling.PRIORITIES], default="", help_text="Who comes first; empty: as the preset says, or oldest"
    )
    script = ScriptField(default="")


class AddLeadsInput(AudienceInput):
    leadIds = IdListField(most=filling.MOST, required=False, help_text="Exactly these leads")


class AddedSerializer(serializers.Serializer[Any]):
    leads = serializers.IntegerField(help_text="Of the audience")
    people = serializers.IntegerField(help_text="Added: an owner and a number once")
    noPhone = serializers.IntegerField(source="no_phone")
    sameOwner = serializers.IntegerField(source="same_owner", help_text="Of somebody who is on it, or on it already")


class FillingSerializer(AddedSerializer):
    done = serializers.IntegerField(help_text="Leads that were looked at: when all are, callers may begin")
    error = serializers.CharField(help_text="Why it stopped; empty: it did not")


class CallListSerializer(CamelModelSerializer[Campaign]):
    bucketId = serializers.UUIDField(source="bucket_id", allow_null=True, read_only=True)
    people = serializers.IntegerField(source="members", read_only=True, help_text="Everybody who is or was on it")
    callers = serializers.SerializerMethodField(help_text="Members' ids; none: everybody of the team")
    window = serializers.SerializerMethodField()
    priority = serializers.SerializerMethodField()
    filling = serializers.SerializerMethodField(
        help_text="Leads that are still being added, or why that stopped; null: all are on it"
    )

    class Meta:
        model = Campaign
        fields = ["id", "name", "status", "bucketId", "bucket_name", "people", "callers", "window", "priority",
                  "script", "filling", "created_at", "started_at", "finished_at"]  # fmt: skip

    def get_callers(self, row: Campaign) -> list[int]:
        return list(CampaignCaller.objects.filter(campaign=row).order_by("user_id").values_list("user_id", flat=True))

    def get_window(self, row: Campaign) -> dict[str, Any]:
        return window_told(row.window)

    def get_priority(self, row: Campaign) -> str:
        return str(row.audience.get("priority", ""))

    @extend_schema_field(FillingSerializer(allow_null=True))
    def get_filling(self, row: Campaign) -> Any:
        latest = filling.latest_of(row.pk)
        return None if latest is None or latest.finished_at is not None else FillingSerializer(latest).data


class ProgressSerializer(serializers.Serializer[Any]):
    people = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="To be called: ready, closed, later and before a caller")
    ready = serializers.IntegerField(help_text="Ready to call now")
    closed = serializers.IntegerField(help_text="Outside their calling hours")
    later = serializers.IntegerField(help_text="Their turn comes later")
    before = serializers.IntegerField(help_text="Before a caller now")
    done = serializers.IntegerField()
    stopped = serializers.IntegerField()
    why = ObjectField(help_text="{reason: how many stopped}")
    calls = serializers.IntegerField()
    reached = serializers.IntegerField(help_text="Calls in which somebody spoke")
    againAt = MomentField(source="again_at", allow_null=True)
    words = serializers.CharField()


class CallListView(ApiView):
    """A manager's; a caller sees those she works."""

    for_callers: tuple[str, ...] = ("GET",)
    scopes: ClassVar[dict[str, Scope]] = {
        "POST": Scope.CAMPAIGN, "PATCH": Scope.CAMPAIGN, "DELETE": Scope.CAMPAIGN,
    }  # fmt: skip

    def shown(self, row: Campaign) -> Any:
        row.refresh_from_db()
        return CallListSerializer(row).data


_LIST = answer("CallListAnswer", callList=CallListSerializer())


CALL_LISTS = ListOf("callLists", CallListSerializer, sorts={"createdAt": "pk", "name": "name"})


class CallListsView(CallListView):
    @extend_schema(
        operation_id="listCallLists",
        summary="My team's call lists, the newest first; a caller's: those she works",
        parameters=[CALL_LISTS.query],
        responses=CALL_LISTS.answer("CallListPage"),
    )
    def get(self, request: Request) -> Response:
        rows = lists.call_lists(self.access)
        return CALL_LISTS.respond(self, rows)

    @extend_schema(
        operation_id="makeCallList",
        summary="A list of up to 100,000 leads: one person once by number and owner",
        request=CallListInput,
        description="More than 2,000 leads are added by a worker: 202, and `filling` of the list says how far it is. "
        "It may be opened when all are on it.",
        responses={
            201: answer("CallListMade", callList=CallListSerializer(), added=AddedSerializer()),
            202: answer("CallListStarted", callList=CallListSerializer(), added=AddedSerializer()),
        },
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        given = self.body(CallListInput)
        audience = audience_of({name: given[name] for name in AUDIENCE if name in given}, self.access)
        plan = ListPlan(
            given["name"], audience, given.get("callers", ()), given.get("window"), given["priority"], given["script"]
        )  # fmt: skip
        made, added = lists.create_list(self.access, plan)
        status = 202 if added.is_at_work else 201
        return ok(status, callList=self.shown(made), added=AddedSerializer(added).data)


class OneCallListView(CallListView):
    @extend_schema(operation_id="getCallList", summary="One list", responses=_LIST)
    def get(self, request: Request, list_id: UUID) -> Response:
        return ok(callList=self.shown(lists.find(self.access, list_id)))

    @extend_schema(
        operation_id="changeCallList", summary="Its name, its callers, its hours, its script", request=CallListEdit,
        responses={200: _LIST, 409: refusal("It is closed")},
    )  # fmt: skip
    def patch(self, request: Request, list_id: UUID) -> Response:
        return ok(callList=self.shown(lists.change_list(self.access, list_id, self.body(CallListEdit))))

    @extend_schema(
        operation_id="deleteCallList",
        summary="Delete one that was never opened",
        responses={200: answer("CallListDeleted"), 409: refusal("It was opened: close it")},
    )
    def delete(self, request: Request, list_id: UUID) -> Response:
        lists.delete_list(self.access, list_id)
        return ok()


class _DeedView(CallListView):
    for_callers = ()

    def do(self, list_id: UUID, deed: Callable[[Access, UUID], Campaign]) -> Response:
        self.body(Nothing)
        return ok(callList=self.shown(deed(self.access, list_id)))


class OpenView(_DeedView):
    @extend_schema(
        operation_id="openCallList", summary="Let callers work it, or resume it", request=Nothing,
        responses={
            200: _LIST, 400: refusal("NOBODY"), 409: refusal("It is closed; FILLING: leads are still being added"),
        },
    )  # fmt: skip
    @idempotent()
    def post(self, request: Request, list_id: UUID) -> Response:
        return self.do(list_id, lists.open_list)


class PauseView(_DeedView):
    @extend_schema(
        operation_id="pauseCallList", summary="Nobody gets its next lead", request=Nothing,
        responses={200: _LIST, 409: refusal("It is not open")},
    )  # fmt: skip
    @idempotent()
    def post(self, request: Request, list_id: UUID) -> Response:
        return self.do(list_id, lists.pause_list)


class CloseView(_DeedView):
    @extend_schema(operation_id="closeCallList", summary="End it for good", request=Nothing, responses=_LIST)
    @idempotent()
    def post(self, request: Request, list_id: UUID) -> Response:
        return self.do(list_id, lists.close_list)


class AddLeadsView(_DeedView):
    @extend_schema(
        operation_id="addToCallList",
        summary="Add leads; of nothing named, those that match it by now",
        request=AddLeadsInput,
        responses={
            200: answer("CallListFilled", added=AddedSerializer()),
            202: answer("CallListFilling", added=AddedSerializer()),
            409: refusal("It is closed; FILLING: others are still being added"),
        },
    )
    @idempotent()
    def post(self, request: Request, list_id: UUID) -> Response:
        given = self.body(AddLeadsInput)
        audience = audience_of(given, self.access) if given else None
        added = lists.add_leads(self.access, list_id, audience)
        return ok(202 if added.is_at_work else 200, added=AddedSerializer(added).data)


class ProgressView(CallListView):
    @extend_schema(
        operation_id="getCallListProgress", summary="How far it is",
        responses=answer("CallListProgress", progress=ProgressSerializer()),
    )  # fmt: skip
    def get(self, request: Request, list_id: UUID) -> Response:
        return ok(progress=ProgressSerializer(asdict(progress(lists.find(self.access, list_id).pk))).data)


# --- Outcomes ---------------------------------------------------------------------------------------------------------


class DispositionSerializer(CamelModelSerializer[Disposition]):
    class Meta:
        model = Disposition
        fields = ["id", "code", "label", "hotkey", "outcome", "recycle_minutes", "max_attempts", "next_number",
                  "suppress", "lead_status", "needs", "retired_at"]  # fmt: skip


class DispositionEdit(StrictSerializer):
    label = serializers.CharField(  # type: ignore[assignment]  # DRF has a label of its own
        max_length=dispositions.LABEL_MAX, required=False, help_text="What pages call it"
    )
    hotkey = serializers.CharField(max_length=1, required=False, help_text="0 to 9")
    outcome = serializers.ChoiceField(choices=Disposition.Outcome.choices, required=False, help_text="What it means")
    recycleMinutes = WholeField(
        source="recycle_minutes", min_value=1, max_value=dispositions.RECYCLE_MAX, required=False, allow_null=True,
        help_text="Call again after; never sooner than the rules allow; null: never",
    )  # fmt: skip
    maxAttempts = WholeField(
        source="max_attempts", min_value=1, max_value=dispositions.ATTEMPTS_MAX, required=False,
        help_text="Calls that may end so",
    )  # fmt: skip
    nextNumber = FlagField(source="next_number", required=False, help_text="The next call goes to the next number")
    suppress = serializers.ChoiceField(
        choices=Disposition.Suppress.choices, required=False, help_text="What is never sent again"
    )
    leadStatus = serializers.ChoiceField(
        source="lead_status", choices=["", *Lead.Status.values], required=False, help_text="The lead's status after it"
    )
    needs = serializers.ChoiceField(choices=dispositions.NEEDS, required=False, help_text="What must be said with it")


class DispositionInput(DispositionEdit):
    code = serializers.CharField(max_length=20, required=False, help_text="a_b_c; none: of the label")


class DispositionsQuery(PageQuery):
    retired = FlagField(required=False, help_text="With those that are offered no more")


DISPOSITIONS = ListOf(
    "dispositions", DispositionSerializer, sorts={"label": "label", "code": "code"}, order="", query=DispositionsQuery
)


class DispositionsView(ApiView):
    for_callers = ("GET",)
    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.CAMPAIGN, "PATCH": Scope.CAMPAIGN, "DELETE": Scope.CAMPAIGN}

    @extend_schema(
        operation_id="listDispositions",
        summary="How calls can end, by their keys",
        parameters=[DISPOSITIONS.query],
        responses=DISPOSITIONS.answer("Dispositions"),
    )
    def get(self, request: Request) -> Response:
        asked, team_id = self.query(DISPOSITIONS.query), self.access.team_id
        rows = dispositions.of_team(team_id, retired=asked.get("retired", False)) if team_id is not None else []
        return DISPOSITIONS.respond(self, list(rows), query=asked)

    @extend_schema(
        operation_id="makeDisposition",
        summary="Another way in which calls can end",
        request=DispositionInput,
        responses={201: answer("DispositionMade", disposition=DispositionSerializer())},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        made = dispositions.make(self.access, self.body(DispositionInput))
        return ok(201, disposition=DispositionSerializer(made).data)


class DispositionView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"PATCH": Scope.CAMPAIGN, "DELETE": Scope.CAMPAIGN}

    @extend_schema(
        operation_id="changeDisposition",
        summary="Change it; what a do-not-call and a bad number do stays",
        request=DispositionEdit,
        responses=answer("DispositionChanged", disposition=DispositionSerializer()),
    )
    def patch(self, request: Request, disposition_id: UUID) -> Response:
        row = dispositions.change(self.access, disposition_id, self.body(DispositionEdit))
        return ok(disposition=DispositionSerializer(row).data)

    @extend_schema(
        operation_id="retireDisposition",
        summary="Offer it no more; calls still tell of it",
        responses={200: answer("DispositionRetired", disposition=DispositionSerializer())},
    )
    def delete(self, request: Request, disposition_id: UUID) -> Response:
        return ok(disposition=DispositionSerializer(dispositions.retire(self.access, disposition_id)).data)
