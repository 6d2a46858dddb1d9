"""A person's work on a lead: reading it, moving it on, noting what was done, sorting it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import idempotent
from common.api.base import ApiView, Problem, invalid, not_found, ok, translates
from common.api.paging import PageQuery, page, page_by_time, page_of
from common.api.schema import answer, listing
from common.api.serializers import ObjectField
from common.contact_access import holds_contact, sees_contacts
from leads.api.base import OwnLeadView, filters
from leads.api.listing import FoundQuery, list_leads
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
from leads.keys.owners import COUNTED, count_of, others_of, reasons
from leads.models import Lead, Tag
from leads.registries import buckets_of
from leads.rules import BadTime, moment_of
from leads.selection.disclosures import are_masked, are_notes_masked
from leads.selection.filters import matching, understood
from leads.selectors import activities_of, tag_names
from leads.services import TagExists, add_activity, create_tag, delete_tag, finish_callback, set_tags


@translates(BadTime)
def _bad_time(error: BadTime) -> Problem:
    return invalid("dueAt", str(error))


@translates(TagExists)
def _tag_exists(_error: TagExists) -> Problem:
    words = "Your team has a tag of this name."
    return Problem("TAG_EXISTS", f"name: {words}", status=409, fields={"name": [words]})


class LeadsView(ApiView):
    for_callers = ("GET",)
    begins = filters.BEGINS

    @extend_schema(
        operation_id="listMyLeads",
        summary="My team's leads of all buckets, newest first; with q the best matches first; or as sort says",
        parameters=[FoundQuery, *filters.PARAMETERS],
        responses=listing(
            "MyLeadPage",
            leads=LeadSerializer(many=True),
            filters=ObjectField(help_text="The filters as they were understood"),
        ),
    )
    def get(self, request: Request) -> Response:
        query = self.query(FoundQuery, also=filters.names_in(request.query_params))
        chosen = filters.chosen(request.query_params, beside=frozenset(FoundQuery().fields))
        mine = Lead.objects.seen_by(self.access)
        leads = matching(
            mine, chosen, time_zone=self.user.time_zone, contacts=sees_contacts(request), me=self.user.pk,
            team_id=self.access.team_id,
        )  # fmt: skip
        buckets = buckets_of(self.access).filter(team=self.access.team_id)
        listed = list_leads(leads, query, request, of=mine, buckets=buckets, newest_first=True)
        shown = {"tags": tag_names(listed.rows), "is_masked": are_masked(request, listed.rows)}
        return ok(
            leads=LeadSerializer(listed.rows, many=True, context=shown).data,
            filters=understood(chosen, team_id=self.access.team_id),
            **page_of(listed.rows, listed.cursor),
        )


class ActivitiesView(OwnLeadView):
    for_callers = ("GET", "POST")

    @extend_schema(
        operation_id="listActivities",
        summary="A lead's activities, newest first",
        parameters=[PageQuery],
        responses=listing("ActivityPage", activities=ActivitySerializer(many=True)),
    )
    def get(self, request: Request, lead_id: UUID) -> Response:
        query, lead = self.query(PageQuery), self.lead(lead_id)
        rows, after = page(activities_of(lead), limit=query["limit"], cursor=query.get("cursor"), newest_first=True)
        shown = {"is_masked": are_notes_masked(request, lead, [row.text for row in rows])}
        return ok(activities=ActivitySerializer(rows, many=True, context=shown).data, **page_of(rows, after))

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


class OwnerView(OwnLeadView):
    for_callers = ("GET",)

    @extend_schema(
        operation_id="listOwnerProperties",
        summary="The owner's other properties in all my team's buckets, oldest first, and why it is the same owner",
        parameters=[PageQuery],
        responses=listing(
            "OwnerPropertyPage",
            properties=OwnerPropertySerializer(many=True),
            total=serializers.IntegerField(help_text=f"How many there are; {COUNTED:,}: that many or more"),
        ),
    )
    def get(self, request: Request, lead_id: UUID) -> Response:
        query, lead = self.query(PageQuery), self.lead(lead_id)
        contacts = sees_contacts(request)
        others = others_of(lead, Lead.objects.seen_by(self.access), contacts=contacts)
        found = others.select_related("bucket").defer("apollo_data")
        rows, after = page(found, limit=query["limit"], cursor=query.get("cursor"))
        are_masked(request, [lead, *rows])  # which records who learns whose numbers are the same
        shown = {"reasons": reasons(lead, rows, contacts=contacts)}
        told = OwnerPropertySerializer(rows, many=True, context=shown).data
        return ok(properties=told, total=count_of(others), **page_of(rows, after))


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


class CallbacksView(ApiView):
    for_callers = ("GET",)

    @extend_schema(
        operation_id="listCallbacks",
        summary="My team's leads whose owner is to be called back, soonest first",
        parameters=[CallbacksQuery],
        responses=listing("CallbackPage", callbacks=CallbackSerializer(many=True)),
    )
    def get(self, request: Request) -> Response:
        query = self.query(CallbacksQuery)
        leads = Lead.objects.seen_by(self.access).to_call_back().select_related("bucket").defer("apollo_data")
        if query["due"]:
            leads = leads.to_call_back(before=clock.now())
        if "before" in query:
            leads = leads.to_call_back(before=self._moment("before", query["before"]))
        rows, after = page_by_time(leads, time="callback_at", limit=query["limit"], cursor=query.get("cursor"))
        shown = {"is_masked": are_masked(request, rows)}
        return ok(callbacks=CallbackSerializer(rows, many=True, context=shown).data, **page_of(rows, after))

    def _moment(self, name: str, time: datetime) -> datetime:
        try:
            return moment_of(time, self.user.time_zone)
        except BadTime as error:
            raise invalid(name, str(error)) from error


class LeadTagsView(OwnLeadView):
    for_callers = ("GET",)

    @extend_schema(
        operation_id="getLeadTags",
        summary="A lead's tags",
        responses=answer("LeadTagList", tags=TagSerializer(many=True)),
    )
    def get(self, request: Request, lead_id: UUID) -> Response:
        return ok(tags=TagSerializer(self.lead(lead_id).tags.order_by("name"), many=True).data)

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


class TagsView(ApiView):
    for_callers = ("GET",)

    @extend_schema(
        operation_id="listTags",
        summary="My team's tags, newest first",
        parameters=[PageQuery],
        responses=listing("TagPage", tags=TagSerializer(many=True)),
    )
    def get(self, request: Request) -> Response:
        query = self.query(PageQuery)
        tags = Tag.objects.seen_by(self.access)
        rows, after = page(tags, limit=query["limit"], cursor=query.get("cursor"), newest_first=True)
        return ok(tags=TagSerializer(rows, many=True).data, **page_of(rows, after))

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
