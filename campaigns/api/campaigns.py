"""Drafts of campaigns, and who is in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Access
from accounts.api.base import idempotent
from buckets.filling.algebra import Sets
from campaigns.api.base import CampaignView
from campaigns.api.outcome_serializers import CampaignMessageSerializer, CampaignPersonSerializer, SizesSerializer
from campaigns.api.serializers import (
    AUDIENCE,
    AudienceInput,
    CampaignDetail,
    CampaignEdit,
    CampaignInput,
    CampaignSerializer,
    CampaignsQuery,
    DeliveriesQuery,
    MembersQuery,
)
from campaigns.models import Campaign, Delivery, Member
from campaigns.planning.audience import Audience, check, missing
from campaigns.planning.campaigns import Plan, change_campaign, create_campaign, delete_campaign, may_draft
from campaigns.planning.steps import StepPlan, VariantPlan
from common.api.base import invalid, not_found, ok
from common.api.lists import ListOf
from common.api.schema import answer, refusal
from common.contact_access import sees_contacts
from leads.models import SavedView

_SOURCES = ("bucketId", "viewId", "sets", "leadIds")


def detail(campaign: Campaign, request: Request) -> Any:
    """A campaign as it is now, with its steps."""
    rows = Campaign.objects.prefetch_related("steps__variants__version").select_related("preview")
    return CampaignDetail(rows.get(pk=campaign.pk), context={"is_masked": not sees_contacts(request)}).data


def audience_of(given: Mapping[str, Any], access: Access, *, of: Audience | None = None) -> Audience:
    """What was sent of an audience, on top of the one it changes. Raises a Problem that names the field."""
    named = [name for name in _SOURCES if name in given]
    if len(named) > 1:
        raise invalid(named[1], f"Give one of {', '.join(_SOURCES)}.")
    audience = of or Audience()
    if named:
        audience = replace(audience, bucket_id=None, view=None, view_name="", sets=None, lead_ids=None)
    if "bucketId" in given:
        audience = replace(audience, bucket_id=given["bucketId"])
    if "viewId" in given:
        view = SavedView.objects.seen_by(access).filter(pk=given["viewId"]).first()
        if view is None:
            raise not_found("saved view", "viewId")
        audience = replace(audience, view=view.query, view_name=view.name)
    if "sets" in given:
        names = {"allOf": "all_of", "anyOf": "any_of", "noneOf": "none_of"}
        audience = replace(audience, sets=Sets(**{names[name]: tuple(ids) for name, ids in given["sets"].items()}))
    if "leadIds" in given:
        ids = tuple(dict.fromkeys(given["leadIds"]))
        if unknown := missing(ids, access.team_id):
            raise not_found(f"lead: {unknown} of these", "leadIds")
        audience = replace(audience, lead_ids=ids)
    narrowed = {name: given[name] for name in ("preset", "filters", "limit") if name in given}
    return replace(audience, **narrowed)


def steps_of(given: list[dict[str, Any]]) -> list[StepPlan]:
    return [
        StepPlan(
            variants=[
                VariantPlan(template_id=one["templateId"], weight=one["weight"])
                for one in step.get("variants") or _one_text(step)
            ],
            delay_amount=step["delayAmount"],
            delay_unit=step["delayUnit"],
            at_local=step.get("atLocal"),
            condition=step["condition"],
            channel=step["channel"],
        )
        for step in given
    ]


def _one_text(step: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"templateId": step["templateId"], "weight": 100}] if "templateId" in step else []


def _rest(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is no audience and no step, by the names of `Plan`."""
    names = {"name": "name", "senderId": "sender_id", "window": "window", "max_cost": "max_cost"}
    names |= {"mailSenderId": "mail_sender_id", "trackOpens": "track_opens", "trackClicks": "track_clicks"}
    names |= {"daily_limit": "daily_limit", "stop_on": "stop_on", "script": "script"}
    return {ours: given[theirs] for theirs, ours in names.items() if theirs in given}


CAMPAIGNS = ListOf("campaigns", CampaignSerializer, sorts={"createdAt": "pk", "name": "name"}, query=CampaignsQuery)


class CampaignsView(CampaignView):
    @extend_schema(
        operation_id="listCampaigns",
        summary="My team's campaigns, newest first",
        parameters=[CAMPAIGNS.query],
        responses=CAMPAIGNS.answer("CampaignPage"),
    )
    def get(self, request: Request) -> Response:
        query = self.query(CAMPAIGNS.query)
        mine = Campaign.objects.seen_by(self.access).exclude(channel=Campaign.Channel.CALL)
        mine = mine.filter(status=query["status"]) if "status" in query else mine
        mine = mine.filter(bucket=query["bucketId"]) if "bucketId" in query else mine
        return CAMPAIGNS.respond(self, mine, query=query, context=lambda _: {"is_masked": not sees_contacts(request)})

    @extend_schema(
        operation_id="createCampaign",
        summary="Draft a campaign; nobody is contacted. More than 2,000 people are split where split is true",
        request=CampaignInput,
        responses={
            201: answer(
                "CampaignMade", campaign=CampaignDetail(), parts=serializers.ListField(child=serializers.UUIDField())
            )
        },
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        given = self.body(CampaignInput)
        channels = {step["channel"] for step in given["steps"]} or {""}
        said = channels.pop() if len(channels) == 1 else Campaign.Channel.MIXED
        if given.get("channel", said) != said:
            raise invalid("channel", "Its steps say another channel: leave it out.")
        plan = Plan(audience=audience_of(given, self.access), steps=steps_of(given["steps"]), **_rest(given))
        made = create_campaign(access=self.access, plan=plan, split=given["split"])
        return ok(201, campaign=detail(made[0], request), parts=[str(one.pk) for one in made])


class AudienceView(CampaignView):
    @extend_schema(
        operation_id="countAudience",
        summary="How many leads and people an audience holds; free",
        request=AudienceInput,
        responses=answer("AudienceCounted", sizes=SizesSerializer()),
    )
    def post(self, request: Request) -> Response:
        audience = audience_of(self.body(AudienceInput), self.access)
        sizes = check(audience, team_id=may_draft(self.access), owner=self.user)
        return ok(sizes=SizesSerializer(sizes).data)


class OneCampaignView(CampaignView):
    @extend_schema(
        operation_id="getCampaign",
        summary="A campaign with its steps and counters",
        responses=answer("CampaignAnswer", campaign=CampaignDetail()),
    )
    def get(self, request: Request, campaign_id: UUID) -> Response:
        return ok(campaign=detail(self.campaign(campaign_id), request))

    @extend_schema(
        operation_id="changeCampaign",
        summary="Change it until it is launched; it is a draft again",
        request=CampaignEdit,
        responses={200: answer("CampaignChanged", campaign=CampaignDetail()), 409: refusal("It was launched")},
    )
    def patch(self, request: Request, campaign_id: UUID) -> Response:
        campaign, given = self.campaign(campaign_id), self.body(CampaignEdit)
        changes = _rest(given)
        if set(AUDIENCE) & set(given):
            changes["audience"] = audience_of(given, self.access, of=Audience.from_json(campaign.audience))
        if "steps" in given:
            changes["steps"] = steps_of(given["steps"])
        if not changes:
            raise invalid("name", "Send what is to be changed.")
        return ok(campaign=detail(change_campaign(campaign=campaign, access=self.access, changes=changes), request))

    @extend_schema(
        operation_id="deleteCampaign",
        summary="Delete a draft; anything else is cancelled instead",
        responses={200: answer("CampaignDeleted", id=serializers.UUIDField()), 409: refusal("It is no draft")},
    )
    def delete(self, request: Request, campaign_id: UUID) -> Response:
        delete_campaign(campaign=self.campaign(campaign_id), access=self.access)
        return ok(id=campaign_id)


MEMBERS = ListOf("members", CampaignPersonSerializer, order="createdAt", query=MembersQuery)


class MembersView(CampaignView):
    @extend_schema(
        operation_id="listCampaignMembers",
        summary="The people of a campaign and how far each is",
        parameters=[MEMBERS.query],
        responses=MEMBERS.answer("CampaignMemberPage"),
    )
    def get(self, request: Request, campaign_id: UUID) -> Response:
        query = self.query(MEMBERS.query)
        members = Member.objects.filter(campaign=self.campaign(campaign_id))
        if "status" in query:
            members = members.filter(status=Member.Status[query["status"].upper()])
        return MEMBERS.respond(self, members, query=query)


DELIVERIES = ListOf("deliveries", CampaignMessageSerializer, order="createdAt", query=DeliveriesQuery)


class DeliveriesView(CampaignView):
    @extend_schema(
        operation_id="listCampaignDeliveries",
        summary="The messages of a campaign; state=in_doubt: those of which nobody knows",
        parameters=[DELIVERIES.query],
        responses=DELIVERIES.answer("CampaignDeliveryPage"),
    )
    def get(self, request: Request, campaign_id: UUID) -> Response:
        query = self.query(DELIVERIES.query)
        rows_ = Delivery.objects.filter(campaign=self.campaign(campaign_id)).select_related("step", "variant")
        rows_ = rows_.filter(state=query["state"]) if "state" in query else rows_
        return DELIVERIES.respond(self, rows_, query=query, context=lambda _: {"is_masked": not sees_contacts(request)})
