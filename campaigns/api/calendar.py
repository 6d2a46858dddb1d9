"""My calendar: callbacks, reminders, appointments; the feeds that others read; my hours and my booking page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import NotAllowed, Scope
from accounts.api.base import idempotent
from accounts.models import User
from campaigns.booking import feeds, hours
from campaigns.booking.slots import Opening
from campaigns.models import BookingPage, Feed
from common.api.base import ApiView, Problem, invalid, not_found, ok, translates
from common.api.lists import ListOf
from common.api.paging import PageQuery
from common.api.schema import answer, refusal
from common.api.serializers import (
    CamelModelSerializer,
    FlagField,
    IdField,
    MomentField,
    StrictSerializer,
    WholeField,
)
from common.contact_access import masked_text, sees_contacts
from common.public_address import public_address
from leads.calendar import planning
from leads.models import Event, Lead
from leads.rules import BadTime, moment_of
from leads.selection.assignment import NotAMember, members_named

CALLERS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OVER = refusal("It is over, or the time is taken: `code` says which")
_TYPED = ("title", "note", "place", "guestName")


@translates(planning.SlotTaken)
def _slot_taken(error: planning.SlotTaken) -> Problem:
    return Problem("SLOT_TAKEN", str(error), status=409)


@translates(planning.EventClosed)
def _event_closed(error: planning.EventClosed) -> Problem:
    return Problem("EVENT_CLOSED", str(error), status=409)


@translates(feeds.TooManyFeeds)
def _too_many_feeds(error: feeds.TooManyFeeds) -> Problem:
    return Problem("TOO_MANY", str(error), status=409)


def _bad_time(error: BadTime, said: Mapping[str, Any]) -> Problem:
    """Names the field that cannot be meant."""
    length = "endsAt" if "ends_at" in said else "minutes" if "minutes" in said else "startsAt"
    return invalid(length if isinstance(error, planning.BadEnd) else "startsAt", str(error))


# --- What goes in and out ---------------------------------------------------------------------------------------------


class EventsQuery(PageQuery):
    after = MomentField(required=False, help_text="Ending after this time; without an offset by your own clock")
    before = MomentField(required=False, help_text="Beginning before this time")
    kind = serializers.ChoiceField(choices=Event.Kind.choices, required=False, help_text="Of one kind")
    status = serializers.ChoiceField(choices=Event.Status.choices, required=False, help_text="As far as this")
    leadId = IdField(source="lead_id", required=False, help_text="About this lead")
    owner = serializers.CharField(
        max_length=150, required=False, help_text="A manager's: whose, by id or user name; `all`: the team's. Else mine"
    )


class _EventFields(StrictSerializer):
    endsAt = MomentField(source="ends_at", required=False, help_text="Until when, exclusive; or give minutes")
    minutes = WholeField(min_value=5, max_value=1440, required=False, help_text="How long it is")
    title = serializers.CharField(max_length=200, required=False, allow_blank=True, help_text="What it is about")
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True, help_text="What to know beforehand")
    place = serializers.CharField(
        max_length=200, required=False, allow_blank=True, help_text="Where, or by which phone"
    )
    anyone = FlagField(required=False, help_text="callback: any caller may make it")
    remindMinutes = WholeField(
        source="remind_minutes", min_value=0, max_value=10_080, required=False, allow_null=True,
        help_text="Minutes before it begins; null: no reminder",
    )  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "ends_at" in attrs and "minutes" in attrs:
            raise serializers.ValidationError({"minutes": "Give endsAt or minutes, not both."})
        return attrs


class EventInput(_EventFields):
    kind = serializers.ChoiceField(choices=Event.Kind.choices, help_text="callback needs leadId")
    startsAt = MomentField(source="starts_at", help_text="From when; without an offset by your own clock")
    leadId = IdField(source="lead_id", required=False, help_text="About which of my leads")
    owner = serializers.CharField(
        max_length=150, required=False, help_text="A manager's: in whose calendar, by id or user name"
    )


class EventEdit(_EventFields):
    startsAt = MomentField(source="starts_at", required=False, help_text="Moves it")
    status = serializers.ChoiceField(choices=["done"], required=False, help_text="done: it was")


class EventSerializer(CamelModelSerializer[Event]):
    lead_id = serializers.UUIDField(allow_null=True, read_only=True)
    owner_id = serializers.CharField(read_only=True)
    guest_email = serializers.CharField(allow_null=True, read_only=True, help_text="null without the scope contacts")
    guest_phone = serializers.CharField(allow_null=True, read_only=True, help_text="null without the scope contacts")

    class Meta:
        model = Event
        fields = [
            "id", "kind", "status", "title", "note", "place", "starts_at", "ends_at", "zone", "lead_id", "owner_id",
            "anyone", "remind_minutes", "source", "sequence", "guest_name", "guest_email", "guest_phone", "changed_at",
        ]  # fmt: skip

    def to_representation(self, instance: Event) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if self.context["contacts"]:
            return shown
        hidden = {name: masked_text(shown[name]) if shown[name] else shown[name] for name in _TYPED}
        return {**shown, **hidden, "guestEmail": None, "guestPhone": None}


class FeedInput(StrictSerializer):
    name = serializers.CharField(max_length=50, required=False, allow_blank=True, help_text="What you call it")
    kinds = serializers.ListField(
        child=serializers.ChoiceField(choices=Event.Kind.choices), min_length=1, max_length=3, required=False,
        help_text="Which it shows; all without it",
    )  # fmt: skip
    withNames = FlagField(
        source="with_names", default=False, help_text="Streets, names and titles leave with it; written into the audit"
    )


class FeedSerializer(CamelModelSerializer[Feed]):
    class Meta:
        model = Feed
        fields = ["id", "name", "kinds", "with_names", "created_at", "last_read_at"]


class OpeningSerializer(StrictSerializer):
    weekday = WholeField(min_value=0, max_value=6, help_text="0 is Monday")
    start = serializers.TimeField(format="%H:%M", input_formats=["%H:%M"], help_text="From, by your own clock")
    end = serializers.TimeField(format="%H:%M", input_formats=["%H:%M"], help_text="Until, exclusive")


class HoursInput(StrictSerializer):
    hours = OpeningSerializer(many=True, help_text="All of the week; an empty list: none")


class BookingPageEdit(StrictSerializer):
    title = serializers.CharField(max_length=100, required=False, help_text="What guests read")
    minutes = WholeField(min_value=5, max_value=480, required=False, help_text="How long an appointment is")
    bufferMinutes = WholeField(source="buffer_minutes", min_value=0, max_value=240, required=False, help_text="Between")
    noticeHours = WholeField(source="notice_hours", min_value=0, max_value=720, required=False, help_text="Not sooner")
    daysAhead = WholeField(source="days_ahead", min_value=1, max_value=90, required=False, help_text="Not later")
    enabled = FlagField(required=False, help_text="Whether guests can open it")
    newAddress = FlagField(source="new_address", required=False, help_text="true: the address of before opens no more")


class BookingPageSerializer(CamelModelSerializer[BookingPage]):
    address = serializers.SerializerMethodField(help_text="Where guests open it")

    class Meta:
        model = BookingPage
        fields = ["title", "minutes", "buffer_minutes", "notice_hours", "days_ahead", "enabled", "address"]

    def get_address(self, page: BookingPage) -> str:
        return hours.address_of(page)


# --- Events -----------------------------------------------------------------------------------------------------------


class _EventBase(ApiView):
    for_callers = CALLERS

    def shown(self, events: Any, *, many: bool = False) -> Any:
        return EventSerializer(events, many=many, context={"contacts": sees_contacts(self.request)}).data

    def member(self, name: str) -> User:
        """A member of the team, for a manager; oneself for anybody."""
        try:
            (found,) = members_named(self.access.team_id, [name])
        except NotAMember as error:
            raise invalid("owner", str(error)) from error
        if found.pk != self.user.pk and not self.access.can(Scope.MANAGE):
            raise Problem("FORBIDDEN", "Only a manager works in other people's calendars.", status=403)
        return found

    def event(self, event_id: UUID) -> Event:
        found = Event.objects.worked_by(self.access).select_related("owner").filter(pk=event_id).first()
        if found is None:
            raise not_found("event")
        return found


EVENTS = ListOf(
    "events", EventSerializer, query=EventsQuery, sorts={"startsAt": "starts_at", "createdAt": "pk"}, order="startsAt",
    time="starts_at",
)  # fmt: skip


class EventsView(_EventBase):
    @extend_schema(
        operation_id="listEvents",
        summary="My calendar, soonest first; a manager's: anybody's in the team",
        parameters=[EVENTS.query],
        responses=EVENTS.answer("EventPage"),
    )
    def get(self, request: Request) -> Response:
        asked = self.query(EVENTS.query)
        rows: QuerySet[Event] = Event.objects.seen_by(self.access)
        if asked.get("owner") != "all":
            rows = rows.filter(owner=self.member(asked["owner"]) if "owner" in asked else self.user)
        for name, lookup in (("after", "ends_at__gt"), ("before", "starts_at__lt")):
            if name in asked:
                rows = rows.filter(**{lookup: self._moment(name, asked[name])})
        rows = rows.filter(**{name: asked[name] for name in ("kind", "status", "lead_id") if name in asked})
        return EVENTS.respond(self, rows, query=asked, context=lambda _: {"contacts": sees_contacts(request)})

    def _moment(self, name: str, at: Any) -> Any:
        try:
            return moment_of(at, self.user.time_zone)
        except BadTime as error:
            raise invalid(name, str(error)) from error

    @extend_schema(
        operation_id="planEvent",
        summary="Put something into my calendar; a callback moves the one that the lead has",
        request=EventInput,
        responses={201: answer("EventPlanned", event=EventSerializer()), 409: OVER},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        given = self.body(EventInput)
        owner = self.member(given.pop("owner")) if "owner" in given else None
        lead = self._lead(given.pop("lead_id", None))
        if given["kind"] == Event.Kind.CALLBACK and lead is None:
            raise invalid("leadId", "A callback is about a lead.")
        if given.get("anyone") and given["kind"] != Event.Kind.CALLBACK:
            raise invalid("anyone", "Only a callback may be made by anyone.")
        try:
            event = planning.plan(
                by=self.user, team_id=self.access.team_id, owner=owner or self.user, lead=lead, **given
            )
        except BadTime as error:
            raise _bad_time(error, given) from error
        return ok(201, event=self.shown(event))

    def _lead(self, lead_id: UUID | None) -> Lead | None:
        if lead_id is None:
            return None
        lead = Lead.objects.worked_by(self.access).filter(pk=lead_id).first()
        if lead is None:
            raise not_found("lead", "leadId")
        return lead


class EventView(_EventBase):
    @extend_schema(
        operation_id="getEvent", summary="One event", responses=answer("EventAnswer", event=EventSerializer())
    )
    def get(self, request: Request, event_id: UUID) -> Response:
        found = Event.objects.seen_by(self.access).filter(pk=event_id).first()
        if found is None:
            raise not_found("event")
        return ok(event=self.shown(found))

    @extend_schema(
        operation_id="changeEvent",
        summary="Move it, say it otherwise, or call it done; an appointment's guest gets a mail when it moves",
        request=EventEdit,
        responses={200: answer("EventChanged", event=EventSerializer()), 409: OVER},
    )
    def patch(self, request: Request, event_id: UUID) -> Response:
        event, given = self.event(event_id), self.body(EventEdit)
        moves: dict[str, Any] = {name: given.pop(name) for name in ("starts_at", "ends_at", "minutes") if name in given}
        is_done = given.pop("status", "") == "done"
        if given.get("anyone") and event.kind != Event.Kind.CALLBACK:
            raise invalid("anyone", "Only a callback may be made by anyone.")
        try:
            with transaction.atomic():  # all of it or nothing
                if moves:
                    event = planning.move(event, by=self.user, **{"starts_at": event.starts_at, **moves})
                if given:
                    event = planning.change(event, **given)
                if is_done:
                    event = planning.finish(event, by=self.user)
        except BadTime as error:
            raise _bad_time(error, moves) from error
        return ok(event=self.shown(event))

    @extend_schema(
        operation_id="cancelEvent",
        summary="Cancel it; an appointment's guest gets a mail",
        responses={200: answer("EventCancelled", event=EventSerializer()), 409: OVER},
    )
    def delete(self, request: Request, event_id: UUID) -> Response:
        return ok(event=self.shown(planning.cancel(self.event(event_id), by=self.user)))


# --- Feeds, hours, booking page ---------------------------------------------------------------------------------------


FEEDS = ListOf("feeds", FeedSerializer, order="createdAt")


class FeedsView(ApiView):
    for_callers = CALLERS

    @extend_schema(
        operation_id="listFeeds",
        summary="My feeds; their addresses are not shown again",
        parameters=[FEEDS.query],
        responses=FEEDS.answer("Feeds"),
    )
    def get(self, request: Request) -> Response:
        return FEEDS.respond(self, list(feeds.feeds_of(self.access)))

    @extend_schema(
        operation_id="makeFeed",
        summary="A secret address where a phone or another calendar reads mine",
        request=FeedInput,
        responses={
            201: answer("FeedMade", feed=FeedSerializer(), address=serializers.CharField(help_text="Shown this once")),
            409: refusal("Ten are open"),
        },
    )
    @idempotent(shows_secret=True)
    def post(self, request: Request) -> Response:
        feed, token = feeds.make(access=self.access, **self.body(FeedInput))
        address = feeds.address_of(token, public_address(request._request))  # noqa: SLF001  # DRF wraps Django's
        return ok(201, feed=FeedSerializer(feed).data, address=address)


class FeedView(ApiView):
    for_callers = CALLERS

    @extend_schema(
        operation_id="revokeFeed",
        summary="Its address answers nobody any more",
        responses={200: answer("FeedRevoked", id=serializers.UUIDField())},
    )
    def delete(self, request: Request, feed_id: UUID) -> Response:
        if not feeds.revoke(access=self.access, feed_id=feed_id):
            raise not_found("feed")
        return ok(id=feed_id)


class HoursView(ApiView):
    for_callers = CALLERS
    SHOWN = answer(
        "HoursAnswer", hours=OpeningSerializer(many=True), zone=serializers.CharField(help_text="By this zone's clock")
    )

    @extend_schema(operation_id="getHours", summary="When I can be booked", responses=SHOWN)
    def get(self, request: Request) -> Response:
        return self._shown(hours.openings_of(self.user.pk))

    @extend_schema(operation_id="setHours", summary="Make these my hours", request=HoursInput, responses={200: SHOWN})
    def put(self, request: Request) -> Response:
        openings = [Opening(**one) for one in self.body(HoursInput)["hours"]]
        try:
            return self._shown(hours.set_hours(access=self.access, openings=openings))
        except hours.BadHours as error:
            raise invalid("hours", str(error)) from error

    def _shown(self, openings: list[Opening]) -> Response:
        rows = [{"weekday": one.weekday, "start": one.start, "end": one.end} for one in openings]
        return ok(hours=OpeningSerializer(rows, many=True).data, zone=self.user.time_zone)


class BookingPageView(ApiView):
    for_callers = CALLERS
    SHOWN = answer("BookingPageAnswer", page=BookingPageSerializer())

    @extend_schema(operation_id="getBookingPage", summary="The page by which owners book me", responses=SHOWN)
    def get(self, request: Request) -> Response:
        return ok(page=BookingPageSerializer(hours.page_of(self.access)).data)

    @extend_schema(
        operation_id="changeBookingPage",
        summary="Switch it on or off, and say what it offers",
        request=BookingPageEdit,
        responses={200: SHOWN, 409: refusal("It cannot be switched on yet: `message` says why")},
    )
    def patch(self, request: Request) -> Response:
        try:
            page = hours.change_page(access=self.access, **self.body(BookingPageEdit))
        except NotAllowed as error:
            raise Problem("NOT_READY", str(error), status=409) from error
        except ValidationError as error:
            raise Problem("INVALID", "Check the values.", fields=error.message_dict) from error
        return ok(page=BookingPageSerializer(page).data)
