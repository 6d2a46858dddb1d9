"""With which other teams a bucket is shared: they look into it, and do no more."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import idempotent
from accounts.teams.services import team_called
from buckets import services
from buckets.api.base import OwnBucketView
from buckets.models import BucketShare
from common.api.base import invalid, not_found, ok
from common.api.lists import ListOf
from common.api.schema import answer
from common.api.serializers import MomentField, StrictSerializer


class ShareSerializer(serializers.Serializer[Any]):
    teamId = serializers.CharField(source="team_id")
    team = serializers.CharField(source="team.name")
    sharedAt = MomentField(source="created_at")


class ShareInput(StrictSerializer):
    team = serializers.CharField(max_length=100, help_text="The other team's id or name")


SHARES = ListOf("shares", ShareSerializer, sorts={"sharedAt": "created_at", "team": "team__name"}, order="sharedAt")


class SharesView(OwnBucketView):
    scopes = {"POST": Scope.MANAGE}

    @extend_schema(
        operation_id="listShares",
        summary="The teams a bucket is shared with",
        parameters=[SHARES.query],
        responses=SHARES.answer("ShareList"),
    )
    def get(self, request: Request, bucket_id: UUID) -> Response:
        shares = BucketShare.objects.filter(bucket=self.bucket(bucket_id)).select_related("team").order_by("pk")
        return SHARES.respond(self, list(shares))

    @extend_schema(
        operation_id="shareBucket",
        summary="Share a bucket with another team: its people look into it by their own roles, and change nothing",
        request=ShareInput,
        responses={201: answer("BucketShared", share=ShareSerializer())},
    )
    @idempotent()
    def post(self, request: Request, bucket_id: UUID) -> Response:
        bucket, name = self.bucket(bucket_id), self.body(ShareInput)["team"]
        self.access.check_gives(frozenset({Scope.CONTACTS}))
        try:
            share = services.share_bucket(bucket=bucket, team=team_called(name), by=self.user)
        except ValueError as error:
            raise invalid("team", str(error)) from error
        return ok(201, share=ShareSerializer(share).data)


class ShareView(OwnBucketView):
    scopes = {"DELETE": Scope.MANAGE}

    @extend_schema(
        operation_id="unshareBucket",
        summary="Share a bucket with this team no longer",
        responses={200: answer("BucketUnshared", teamId=serializers.CharField())},
    )
    def delete(self, request: Request, bucket_id: UUID, team_id: int) -> Response:
        if not services.unshare_bucket(bucket=self.bucket(bucket_id), team_id=team_id, by=self.user):
            raise not_found("team this bucket is shared with")
        return ok(teamId=str(team_id))
