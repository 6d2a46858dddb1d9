"""Buckets: made, filled, read, changed, deleted. Nothing here costs money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import idempotent
from accounts.models import User
from buckets import services
from buckets.api.base import FILLED, OwnBucketView, filled
from buckets.api.serializers import (
    BucketEdit,
    BucketInput,
    BucketSerializer,
    BucketsQuery,
    BucketWithFill,
    Contents,
    FillSerializer,
)
from buckets.deleting.services import delete_bucket
from buckets.filling import fills
from buckets.models import Bucket, Fill
from buckets.selectors import with_latest_fill
from common.api.base import ApiView, Problem, ok
from common.api.lists import Include, ListOf
from common.api.schema import answer
from common.api.serializers import Nothing
from common.contact_access import found_as_told


def _counters(_view: ApiView, rows: Sequence[Bucket]) -> Mapping[UUID, Any]:
    """As they are stored with each: no statement."""
    return {
        row.pk: {
            "leads": row.total_leads,
            "withPhone": row.enriched_leads,
            "queued": row.queued_leads,
            "contacted": row.contacted_leads,
        }
        for row in rows
    }


def _owners(_view: ApiView, rows: Sequence[Bucket]) -> Mapping[UUID, Any]:
    names = dict(User.objects.filter(pk__in={row.owner_id for row in rows}).values_list("pk", "username"))
    return {row.pk: {"id": str(row.owner_id), "userName": names.get(row.owner_id, "")} for row in rows}


class BucketCounters(serializers.Serializer[Any]):
    leads = serializers.IntegerField()
    withPhone = serializers.IntegerField()
    queued = serializers.IntegerField()
    contacted = serializers.IntegerField()


class BucketOwner(serializers.Serializer[Any]):
    id = serializers.CharField()
    userName = serializers.CharField()


BUCKETS = ListOf(
    "buckets",
    BucketWithFill,
    query=BucketsQuery,
    sorts={"createdAt": "pk", "name": "name", "totalLeads": "total_leads", "enrichedLeads": "enriched_leads"},
    includes={"counters": Include(_counters, BucketCounters()), "owner": Include(_owners, BucketOwner())},
)


class BucketsView(ApiView):
    @extend_schema(
        operation_id="listBuckets",
        summary="My team's buckets, newest first",
        parameters=[BUCKETS.query],
        responses=BUCKETS.answer("BucketPage"),
    )
    def get(self, request: Request) -> Response:
        query = self.query(BUCKETS.query)
        mine = Bucket.objects.seen_by(self.access)
        buckets = Bucket.objects.shared_with(self.access) if query["shared"] else mine
        if "name" in query:
            buckets = found_as_told(buckets.filter(name=query["name"]), ["name"], [query["name"]])
        return BUCKETS.respond(self, buckets, query=query, into=with_latest_fill)

    @extend_schema(
        operation_id="createBucket",
        summary="Save property ids, or all that a search finds, as a bucket",
        request=BucketInput,
        responses={201: FILLED[200], 202: FILLED[202]},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        given = self.body(BucketInput)
        search, limit = given.pop("search", None), given.pop("limit", None)
        if search is not None:
            bucket, fill = fills.create_bucket_from_search(
                by=self.user, team_id=self.access.team_id, criteria=search, limit=limit, **given
            )
            return filled(202, bucket, 0, fill)
        bucket, inserted = services.create_bucket(
            by=self.user, team_id=self.access.team_id, property_ids=given.pop("propertyIds"), **given
        )
        return filled(201, bucket, inserted)


class BucketView(OwnBucketView):
    scopes = {"DELETE": Scope.MANAGE}

    @extend_schema(
        operation_id="getBucket",
        summary="A bucket, and how far its search has come",
        responses=answer("BucketAnswer", bucket=BucketWithFill()),
    )
    def get(self, request: Request, bucket_id: UUID) -> Response:
        return ok(bucket=BucketWithFill(with_latest_fill([self.bucket_to_see(bucket_id)])[0]).data)

    @extend_schema(
        operation_id="editBucket",
        summary="Change a bucket's name, notes, filters or signals",
        request=BucketEdit,
        responses=answer("BucketEdited", bucket=BucketSerializer()),
    )
    def patch(self, request: Request, bucket_id: UUID) -> Response:
        bucket, changes = self.bucket(bucket_id), self.body(BucketEdit)
        return ok(bucket=BucketSerializer(services.edit_bucket(bucket=bucket, changes=changes, by=self.user)).data)

    @extend_schema(
        operation_id="deleteBucket",
        summary="Delete a bucket with its leads, and stop its enrichment jobs",
        responses={200: answer("BucketDeleted", id=serializers.UUIDField())},
    )
    def delete(self, request: Request, bucket_id: UUID) -> Response:
        delete_bucket(bucket=self.bucket(bucket_id), by=self.user)
        return ok(id=bucket_id)


class BucketIdsView(OwnBucketView):
    @extend_schema(
        operation_id="addToBucket",
        summary="Add property ids, or all that a search finds, to a bucket",
        request=Contents,
        responses=FILLED,
    )
    @idempotent()
    def post(self, request: Request, bucket_id: UUID) -> Response:
        bucket = self.bucket(bucket_id)
        given = self.body(Contents)
        if "search" in given:
            fill = fills.start_fill(bucket=bucket, criteria=given["search"], limit=given.get("limit"))
            return filled(202, bucket, 0, fill)
        return filled(200, bucket, services.add_ids(bucket=bucket, property_ids=given["propertyIds"]))


class BucketFillView(OwnBucketView):
    @extend_schema(
        operation_id="retryFill",
        summary="Resume a source that failed, where it stopped",
        request=None,
        responses={202: answer("FillRetried", fill=FillSerializer())},
    )
    @idempotent()
    def post(self, request: Request, bucket_id: UUID) -> Response:
        (bucket,) = with_latest_fill([self.bucket(bucket_id)])
        self.body(Nothing)
        fill = bucket.latest_fill  # type: ignore[attr-defined]  # with_latest_fill set it
        if fill is None or fill.status != Fill.Status.FAILED:
            raise Problem("NOTHING_FAILED", "No search of this bucket has failed.", status=409)
        return ok(202, fill=FillSerializer(fills.retry_fill(fill=fill)).data)
