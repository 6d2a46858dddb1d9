"""A person's work on a lead: reading it, moving it on, noting what was done, sorting it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import idempotent
from common.api.base import ApiView, Problem, invalid, not_found, ok, translates
from common.api.lists import ListOf
from common.api.schema import answer
from common.api.serializers import ObjectField
from common.contact_access import holds_contact, sees_contacts
from leads.api.base import OwnLeadView, filters
from leads.api.listing import FoundQuery, list_leads
from leads.api.rows import context_of, leads_list
from leads.api.serializers import (
    ActivityInput,
    ActivitySerializer,
    CallbackSerializer,
    CallbacksQuery,
    LeadSerializer,
    LeadTags,
    OwnerPropertySerializer,
    TagInput,
    TagSerializer,
)
from leads.calendar import clock
from leads.keys.owners import count_of, others_of, reasons
from leads.models import Lead, Tag
from leads.registries import buckets_of
from leads.rules import BadTime, moment_of
from leads.selection.disclosures import are_masked, are_notes_masked
from leads.selection.filters import matching, understood
from leads.selectors import activities_of
from leads.services import TagExists, add_activity, create_tag, delete_tag, finish_callback, set_tags


@translates(BadTime)
def _bad_time(error: BadTime) -> Problem:
    return invalid("dueAt", str(error))


@translates(TagExists)
def _tag_exists(_error: TagExists) -> Problem:
    words = "Your team has a tag of this name."
    return Problem("TAG_EXISTS", f"name: {words}", status=409, fields={"name": [words]})


LEADS = leads_list(FoundQuery)


class LeadsView(ApiView):
    for_callers = ("GET",)
    begins = filters.BEGINS

    @extend_schema(
        operation_id="listMyLeads",
        summary="My team's leads of all buckets, newest first; with q the best matches first; or as sort says",
        parameters=[LEADS.query, *filters.PARAMETERS],
        responses=LEADS.answer("MyLeadPage", filters=ObjectField(help_text="The filters as they were understood")),
    )
    def get(self, request: Request) -> Response:
        query = self.query(LEADS.query, also=filters.names_in(request.query_params))
        chosen = filters.chosen(request.query_params, beside=LEADS.takes)
        mine = Lead.objects.seen_by(self.access)
        leads = matching(
            mine, chosen, time_zone=self.user.time_zone, contacts=sees_contacts(request), me=self.user.pk,
            team_id=self.access.team_id,
        )  # fmt: skip
        buckets = buckets_of(self.access).filter(team=self.access.team_id)
        listed = list_leads(leads, query, request, of=mine, buckets=buckets, newest_first=True)
        return LEADS.render(
            self, query, listed.rows, listed.cursor, context=context_of(self, listed.rows),
            count=lambda: listed.total(leads), more={"filters": understood(chosen, team_id=self.access.team_id)},
        )  # fmt: skip


ACTIVITIES = ListOf("activities", ActivitySerializer)


class ActivitiesView(OwnLeadView):
    for_callers = ("GET", "POST")

    @extend_schema(
        operation_id="listActivities",
        summary="A lead's activities, newest first",
        parameters=[ACTIVITIES.query],
        responses=ACTIVITIES.answer("ActivityPage"),
    )
    def get(self, request: Request, lead_id: UUID) -> Response:
        query, lead = self.query(ACTIVITIES.query), self.lead(lead_id)
        return ACTIVITIES.respond(
            self,
            activities_of(lead),
            query=query,
            context=lambda rows: {"is_masked": are_notes_masked(request, lead, [row.text for row in rows])},
        )

    @extend_schema(
        operation_id="addActivity",
        summary="Log activity",
        request=ActivityInput,
        responses={201: answer("ActivityAdded", activity=ActivitySerializer())},
    )
    @idempotent()
    def post(self, request: Request, lead_id: UUID) -> Response:
        lead = self.lead(lead_id)
        activity = add_activity(lead=lead, by=self.user, **self.body(ActivityInput))
        shown = {"is_masked": not sees_contacts(request)}  # her own words, but kept for a repeated request
        return ok(201, activity=ActivitySerializer(activity, context=shown).data)


PROPERTIES = ListOf("properties", OwnerPropertySerializer, order="createdAt")


class OwnerView(OwnLeadView):
    for_callers = ("GET",)

    @extend_schema(
        operation_id="listOwnerProperties",
        summary="The owner's other properties in all my team's buckets, oldest first, and why it is the same owner",
        parameters=[PROPERTIES.query],
        responses=PROPERTIES.answer("OwnerPropertyPage"),
    )
    def get(self, request: Request, lead_id: UUID) -> Response:
        query, lead = self.query(PROPERTIES.query), self.lead(lead_id)
        contacts = sees_contacts(request)
        others = others_of(lead, Lead.objects.seen_by(self.access), contacts=contacts)
        found = others.select_related("bucket").defer("apollo_data")

        def context(rows: list[Lead]) -> dict[str, Any]:
            are_masked(request, [lead, *rows])  # which records who learns whose numbers are the same
            return {"reasons": reasons(lead, rows, contacts=contacts)}

        told = {"total": count_of(others)}  # always: it was there before total=true
        return PROPERTIES.respond(self, found, query=query, context=context, more=lambda _: told)


class CallbackView(OwnLeadView):
    for_callers = ("DELETE",)

    @extend_schema(
        operation_id="finishCallback",
        summary="The owner was called back, or need not be; without a callback nothing changes",
        responses={200: answer("CallbackFinished", lead=LeadSerializer())},
    )
    def delete(self, request: Request, lead_id: UUID) -> Response:
        finish_callback(lead=self.lead(lead_id), by=self.user)
        return ok(lead=self.shown(self.lead(lead_id)))


CALLBACKS = ListOf(
    "callbacks", CallbackSerializer, query=CallbacksQuery, sorts={"callbackAt": "callback_at"}, order="callbackAt",
    time="callback_at",
)  # fmt: skip


class CallbacksView(ApiView):
    for_callers = ("GET",)

    @extend_schema(
        operation_id="listCallbacks",
        summary="My team's leads whose owner is to be called back, soonest first",
        parameters=[CALLBACKS.query],
        responses=CALLBACKS.answer("CallbackPage"),
    )
    def get(self, request: Request) -> Response:
        query = self.query(CALLBACKS.query)
        leads = Lead.objects.seen_by(self.access).to_call_back().select_related("bucket").defer("apollo_data")
        if query["due"]:
            leads = leads.to_call_back(before=clock.now())
        if "before" in query:
            leads = leads.to_call_back(before=self._moment("before", query["before"]))
        return CALLBACKS.respond(
            self, leads, query=query, context=lambda rows: {"is_masked": are_masked(request, rows)}
        )

    def _moment(self, name: str, time: datetime) -> datetime:
        try:
            return moment_of(time, self.user.time_zone)
        except BadTime as error:
            raise invalid(name, str(error)) from error


LEAD_TAGS = ListOf("tags", TagSerializer, sorts={"name": "name", "createdAt": "pk"}, order="name")


class LeadTagsView(OwnLeadView):
    for_callers = ("GET",)

    @extend_schema(
        operation_id="getLeadTags",
        summary="A lead's tags",
        parameters=[LEAD_TAGS.query],
        responses=LEAD_TAGS.answer("LeadTagList"),
    )
    def get(self, request: Request, lead_id: UUID) -> Response:
        return LEAD_TAGS.respond(self, self.lead(lead_id).tags.all())

    @extend_schema(
        operation_id="setLeadTags",
        summary="Make these the lead's tags",
        request=LeadTags,
        responses=answer("LeadTagsSet", tags=TagSerializer(many=True)),
    )
    def put(self, request: Request, lead_id: UUID) -> Response:
        lead = self.lead(lead_id)
        tags = set_tags(lead=lead, names=self.body(LeadTags)["tags"])
        return ok(tags=TagSerializer(sorted(tags, key=lambda tag: tag.name), many=True).data)


TAGS = ListOf("tags", TagSerializer, sorts={"createdAt": "pk", "name": "name"})


class TagsView(ApiView):
    for_callers = ("GET",)

    @extend_schema(
        operation_id="listTags",
        summary="My team's tags, newest first",
        parameters=[TAGS.query],
        responses=TAGS.answer("TagPage"),
    )
    def get(self, request: Request) -> Response:
        query = self.query(TAGS.query)
        tags = Tag.objects.seen_by(self.access)
        return TAGS.respond(self, tags, query=query)

    @extend_schema(
        operation_id="createTag",
        summary="Make a tag",
        request=TagInput,
        responses={201: answer("TagCreated", tag=TagSerializer())},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        said = self.body(TagInput)
        if not sees_contacts(request) and holds_contact(said["name"]):  # "it exists" would confirm a guess
            raise invalid("name", "A tag is no place for a phone or an e-mail.")
        return ok(201, tag=TagSerializer(create_tag(by=self.user, team_id=self.access.team_id, **said)).data)


class TagView(ApiView):
    @extend_schema(
        operation_id="deleteTag",
        summary="Delete a tag, and take it off its leads",
        responses={200: answer("TagDeleted", id=serializers.UUIDField())},
    )
    def delete(self, request: Request, tag_id: UUID) -> Response:
        tag = Tag.objects.worked_by(self.access).filter(pk=tag_id).first()
        if tag is None:
            raise not_found("tag")
        delete_tag(tag=tag, by=self.user)
        return ok(id=tag_id)
