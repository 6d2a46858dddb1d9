"""A person's work on a lead: reading it, moving it on, noting what was done, sorting it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import idempotent
from common.api.base import ApiView, Problem, invalid, not_found, ok, translates
from common.api.paging import PageQuery, page, page_by_time, page_of
from common.api.schema import answer, listing
from leads.api.base import OwnLeadView
from leads.api.serializers import (
    ActivityInput,
    ActivitySerializer,
    CallbackSerializer,
    CallbacksQuery,
    LeadSerializer,
    LeadTags,
    TagInput,
    TagSerializer,
)
from leads.models import Lead, Tag
from leads.rules import BadTime, moment_of
from leads.selection.disclosures import are_masked
from leads.services import TagExists, add_activity, create_tag, delete_tag, finish_callback, set_tags


@translates(BadTime)
def _bad_time(error: BadTime) -> Problem:
    return invalid("dueAt", str(error))


@translates(TagExists)
def _tag_exists(_error: TagExists) -> Problem:
    words = "You have a tag of this name."
    return Problem("TAG_EXISTS", f"name: {words}", status=409, fields={"name": [words]})


class ActivitiesView(OwnLeadView):
    @extend_schema(
        operation_id="listActivities",
        summary="A lead's activities, newest first",
        parameters=[PageQuery],
        responses=listing("ActivityPage", activities=ActivitySerializer(many=True)),
    )
    def get(self, request: Request, lead_id: UUID) -> Response:
        query = self.query(PageQuery)
        activities = self.lead(lead_id).activities.select_related("by")
        rows, after = page(activities, limit=query["limit"], cursor=query.get("cursor"), newest_first=True)
        return ok(activities=ActivitySerializer(rows, many=True).data, **page_of(rows, after))

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
        return ok(201, activity=ActivitySerializer(activity).data)


class CallbackView(OwnLeadView):
    @extend_schema(
        operation_id="finishCallback",
        summary="The owner was called back, or need not be; without a callback nothing changes",
        responses={200: answer("CallbackFinished", lead=LeadSerializer())},
    )
    def delete(self, request: Request, lead_id: UUID) -> Response:
        finish_callback(lead=self.lead(lead_id), by=self.user)
        return ok(lead=self.shown(self.lead(lead_id)))


class CallbacksView(ApiView):
    @extend_schema(
        operation_id="listCallbacks",
        summary="My leads whose owner is to be called back, soonest first",
        parameters=[CallbacksQuery],
        responses=listing("CallbackPage", callbacks=CallbackSerializer(many=True)),
    )
    def get(self, request: Request) -> Response:
        query = self.query(CallbacksQuery)
        leads = Lead.objects.owned_by(self.user).to_call_back().select_related("bucket").defer("apollo_data")
        if query["due"]:
            leads = leads.to_call_back(before=timezone.now())
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
    @extend_schema(
        operation_id="listTags",
        summary="My tags, newest first",
        parameters=[PageQuery],
        responses=listing("TagPage", tags=TagSerializer(many=True)),
    )
    def get(self, request: Request) -> Response:
        query = self.query(PageQuery)
        tags = Tag.objects.owned_by(self.user)
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
        return ok(201, tag=TagSerializer(create_tag(by=self.user, **self.body(TagInput))).data)


class TagView(ApiView):
    @extend_schema(
        operation_id="deleteTag",
        summary="Delete a tag, and take it off its leads",
        responses={200: answer("TagDeleted", id=serializers.UUIDField())},
    )
    def delete(self, request: Request, tag_id: UUID) -> Response:
        tag = Tag.objects.owned_by(self.user).filter(pk=tag_id).first()
        if tag is None:
            raise not_found("tag")
        delete_tag(tag=tag)
        return ok(id=tag_id)
