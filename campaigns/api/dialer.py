"""The dialer: one lead at a time, calls, and how they ended."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import How, idempotent
from campaigns.dialing import calling, disposing, offering
from campaigns.dialing.offering import Nobody, Offer
from campaigns.models import CallAttempt
from campaigns.texts.scripts import script_for
from campaigns.voice.moving import suggested
from common.api.base import ApiView, not_found, ok
from common.api.lists import ListOf
from common.api.paging import PageQuery
from common.api.schema import answer, refusal
from common.api.serializers import (
    CamelModelSerializer,
    FlagField,
    IdField,
    IdListField,
    MomentField,
    Nothing,
    StrictSerializer,
    WholeField,
)
from common.contact_access import masked_phone, masked_text, sees_contacts
from leads.api.base import LeadSerializer
from leads.selection.disclosures import are_masked

CALLERS = ("GET", "POST")
SEES = {"GET": Scope.CONTACTS, "POST": Scope.CONTACTS}


class NextInput(StrictSerializer):
    lists = IdListField(most=100, required=False, help_text="Only of these call lists; none: of all that are mine")


class SkipInput(StrictSerializer):
    reason = serializers.CharField(max_length=200, default="", allow_blank=True, help_text="Why, in a few words")


class CallInput(StrictSerializer):
    leadId = IdField(source="lead_id", help_text="Which lead")
    memberId = IdField(
        source="member_id", required=False, allow_null=True, help_text="Of the dialer's offer; none: by hand"
    )
    number = serializers.CharField(max_length=16, help_text="One of the lead's numbers: +1…")
    mode = serializers.ChoiceField(
        choices=CallAttempt.Mode.choices, default="tel", help_text="tel: I dial it myself; else whose phone rings first"
    )


class HangUpInput(StrictSerializer):
    seconds = WholeField(min_value=0, max_value=calling.SECONDS_MOST, required=False, allow_null=True)


class DisposeInput(StrictSerializer):
    code = serializers.CharField(max_length=20, help_text="One of my team's outcomes: GET /api/dispositions")
    note = serializers.CharField(max_length=disposing.NOTE_MOST, default="", allow_blank=True)
    at = MomentField(required=False, allow_null=True, help_text="Of the callback or appointment")
    anyone = FlagField(required=False, help_text="Any caller may make the callback")
    minutes = WholeField(
        min_value=1, max_value=disposing.MINUTES_MOST, required=False, allow_null=True, help_text="Of the appointment"
    )


class CallsQuery(PageQuery):
    leadId = IdField(source="lead_id", required=False, help_text="About this lead")
    listId = IdField(source="campaign_id", required=False, help_text="Of this call list")
    mine = FlagField(required=False, help_text="Only my own")


class NumberSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField(help_text="From 0")
    number = serializers.CharField()
    kind = serializers.CharField(help_text="mobile, landline, voip; empty: not known")
    mayCall = serializers.BooleanField(source="may_call", help_text="Whether every rule says yes at this moment")
    words = serializers.CharField(help_text="Why not")
    fetchedAt = MomentField(source="fetched_at", allow_null=True, help_text="When it was bought or typed")
    lastOutcome = serializers.CharField(source="last_outcome", help_text="How the last call there ended")
    doNotCall = serializers.BooleanField(source="do_not_call", allow_null=True, help_text="The skip trace's flag")


class DialerCallSerializer(CamelModelSerializer[CallAttempt]):
    leadId = serializers.UUIDField(source="lead_id", allow_null=True, read_only=True)
    listId = serializers.UUIDField(source="campaign_id", allow_null=True, read_only=True, help_text="null: by hand")
    by = serializers.CharField(source="by_id", read_only=True, help_text="Who called: a user's id")
    number = serializers.SerializerMethodField(help_text="Masked without the scope contacts; null: forgotten")
    note = serializers.SerializerMethodField(help_text="Contacts in it are masked without the scope contacts")
    outcome = serializers.CharField(
        source="disposition.code", allow_null=True, read_only=True, default=None, help_text="null: not said yet"
    )
    suggestedOutcome = serializers.SerializerMethodField(
        help_text="The code of the outcome that the vendor's word suggests (busy, no answer, failed); '': none"
    )
    takeBackUntil = serializers.SerializerMethodField(help_text="Until when a suppressing outcome may be taken back")

    class Meta:
        model = CallAttempt
        fields = [
            "id", "leadId", "listId", "by", "number", "mode", "state", "started_at", "answered_at", "ended_at",
            "seconds", "answered_by", "dial_status", "suggestedOutcome", "outcome", "note", "error", "error_words",
            "takeBackUntil",
        ]  # fmt: skip

    def get_number(self, call: CallAttempt) -> str | None:
        if call.number is None:
            return None
        return call.number if sees_contacts(self.context["request"]) else masked_phone(call.number)

    def get_note(self, call: CallAttempt) -> str:
        return call.note if sees_contacts(self.context["request"]) else masked_text(call.note)

    def get_suggestedOutcome(self, call: CallAttempt) -> str:
        return "" if call.disposition_id else suggested(call)

    def get_takeBackUntil(self, call: CallAttempt) -> str | None:
        is_open = call.suppress_at is not None and call.suppressed_at is None
        return MomentField().to_representation(call.suppress_at) if is_open else None


class OfferSerializer(serializers.Serializer[Any]):
    memberId = serializers.UUIDField(source="member.pk")
    listId = serializers.UUIDField(source="campaign.pk")
    list = serializers.CharField(source="campaign.name")
    lead = LeadSerializer()
    numbers = NumberSerializer(many=True)
    chosen = serializers.IntegerField(help_text="The position of the number to call")
    why = serializers.CharField(help_text="Why this one now")
    script = serializers.SerializerMethodField(help_text="What I read out, with this owner's values; '': nothing")
    leaseUntil = MomentField(source="lease_until", help_text="Renew it before: the lead goes back then")
    call = DialerCallSerializer(
        source="attempt", allow_null=True, help_text="Mine that is open, or whose end I have not said"
    )

    def get_script(self, offer: Offer) -> str:
        return script_for(offer.campaign, offer.lead, self.context["request"].user) if offer.campaign.script else ""


class NobodySerializer(serializers.Serializer[Any]):
    words = serializers.CharField()
    waiting = serializers.IntegerField(help_text="People who wait")
    againAt = MomentField(source="again_at", allow_null=True, help_text="When the first is ready to call")


class DialerView(ApiView):
    for_callers = CALLERS
    scopes = SEES

    def told(self, found: Offer | Nobody | None) -> Response:
        """An offered lead shows its numbers to who is to call them, for as long as it is before her: recorded."""
        if not isinstance(found, Offer):
            return ok(offer=None, nobody=None if found is None else NobodySerializer(found).data)
        are_masked(self.request, [found.lead])
        context = {"request": self.request, "is_masked": False}
        return ok(offer=OfferSerializer(found, context=context).data, nobody=None)

    def call(self, found: CallAttempt) -> dict[str, Any]:
        if found.mode != CallAttempt.Mode.TEL:  # its vendor may have said something meanwhile
            found.refresh_from_db()
        data: dict[str, Any] = DialerCallSerializer(found, context={"request": self.request}).data
        return data


_OFFER = answer("DialerOffer", offer=OfferSerializer(allow_null=True), nobody=NobodySerializer(allow_null=True))
_CALL = answer("CallAnswer", call=DialerCallSerializer())
_DONE = answer("DialerDone")


class NextView(DialerView):
    @extend_schema(
        operation_id="nextLead",
        summary="The lead before me, else the next that I may call",
        description="One lead a person, one person a lead. A lead goes back after 15 minutes unless it is renewed.",
        request=NextInput,
        responses={200: _OFFER, 409: refusal("CALL_OPEN: say how your last call ended")},
    )
    @idempotent(How.BESIDE_WORK)
    def post(self, request: Request) -> Response:
        return self.told(offering.next_lead(self.access, self.body(NextInput).get("lists")))


class CurrentView(DialerView):
    @extend_schema(operation_id="currentLead", summary="The lead before me, if any", responses=_OFFER)
    def get(self, request: Request) -> Response:
        return self.told(offering.offered(self.access))


class RenewView(DialerView):
    @extend_schema(
        operation_id="renewLead",
        summary="I am still at it: 15 minutes from now",
        request=Nothing,
        responses={200: _OFFER, 409: refusal("NOT_YOURS")},
    )
    @idempotent()
    def post(self, request: Request, member_id: UUID) -> Response:
        self.body(Nothing)
        return self.told(offering.renew(self.access, member_id))


class ReleaseView(DialerView):
    @extend_schema(
        operation_id="releaseLead",
        summary="Give it back",
        request=Nothing,
        responses={200: _DONE, 409: refusal("NOT_YOURS, CALL_OPEN")},
    )
    @idempotent()
    def post(self, request: Request, member_id: UUID) -> Response:
        self.body(Nothing)
        offering.hand_back(self.access, member_id)
        return ok()


class SkipView(DialerView):
    @extend_schema(
        operation_id="skipLead",
        summary="Not now: it comes back in an hour, the third time at the end of the list",
        request=SkipInput,
        responses={200: _DONE, 409: refusal("NOT_YOURS, CALL_OPEN")},
    )
    @idempotent()
    def post(self, request: Request, member_id: UUID) -> Response:
        offering.skip(self.access, member_id, self.body(SkipInput)["reason"])
        return ok()


CALLS = ListOf("calls", DialerCallSerializer, query=CallsQuery)


class CallsView(DialerView):
    scopes = {"POST": Scope.CONTACTS}

    @extend_schema(
        operation_id="listCalls",
        summary="My calls, the latest first; a manager's: her team's",
        parameters=[CALLS.query],
        responses=CALLS.answer("CallPage"),
    )
    def get(self, request: Request) -> Response:
        asked = self.query(CALLS.query)
        rows = CallAttempt.objects.seen_by(self.access).select_related("disposition")
        if asked.pop("mine", False) or not self.access.can(Scope.CAMPAIGN):
            rows = rows.filter(by=self.user)
        rows = rows.filter(**{name: asked[name] for name in ("lead_id", "campaign_id") if name in asked})
        return CALLS.respond(self, rows, query=asked, context=lambda _: {"request": request})

    @extend_schema(
        operation_id="placeCall",
        summary="Call a lead: every rule is asked again, and the answer is kept",
        description="By hand too: the same rules, no exemption. A repeat with the same Idempotency-Key calls nobody.",
        request=CallInput,
        responses={
            201: answer("CallPlaced", call=DialerCallSerializer()),
            409: refusal("NOT_ALLOWED: `fields` has receiptId and againAt; CALL_OPEN, NOT_YOURS, NO_VENDOR"),
        },
    )
    @idempotent(How.BESIDE_WORK)
    def post(self, request: Request) -> Response:
        return ok(201, call=self.call(calling.place_call(self.access, **self.body(CallInput))))


class OneCallView(DialerView):
    scopes = {}

    @extend_schema(operation_id="getCall", summary="One of my calls; a manager's: of her team's", responses=_CALL)
    def get(self, request: Request, call_id: UUID) -> Response:
        rows = CallAttempt.objects.seen_by(self.access).filter(pk=call_id)
        found = (rows if self.access.can(Scope.CAMPAIGN) else rows.filter(by=self.user)).first()
        if found is None:
            raise not_found("call")
        return ok(call=self.call(found))


class HangUpView(DialerView):
    @extend_schema(
        operation_id="hangUp", summary="It is over; how it ended is to be said yet", request=HangUpInput,
        responses=_CALL,
    )  # fmt: skip
    @idempotent(How.BESIDE_WORK)
    def post(self, request: Request, call_id: UUID) -> Response:
        seconds = self.body(HangUpInput).get("seconds")
        return ok(call=self.call(calling.hang_up(self.access, call_id, seconds=seconds)))


class DisposeView(DialerView):
    @extend_schema(
        operation_id="disposeCall",
        summary="Say how it ended",
        description="An outcome that suppresses holds at once, and can be taken back for ten seconds.",
        request=DisposeInput,
        responses={
            200: _CALL,
            409: refusal("DISPOSED: another outcome was said; a do-not-call stays; NEVER_RANG, SLOT_TAKEN"),
        },
    )
    @idempotent(How.BESIDE_WORK)
    def post(self, request: Request, call_id: UUID) -> Response:
        return ok(call=self.call(disposing.dispose(self.access, call_id, **self.body(DisposeInput))))


class TakeBackView(DialerView):
    @extend_schema(
        operation_id="takeBackOutcome",
        summary="The key was a slip: within ten seconds",
        request=Nothing,
        responses={200: _CALL, 409: refusal("TOO_LATE")},
    )
    @idempotent()
    def post(self, request: Request, call_id: UUID) -> Response:
        self.body(Nothing)
        return ok(call=self.call(disposing.take_back(self.access, call_id)))
