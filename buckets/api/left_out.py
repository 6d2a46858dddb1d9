"""Leads that a combination leaves out as possibly the same: a page of them, with what they may be."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from buckets.filling.algebra import FIELDS, Sets
from buckets.filling.left_out import left_out
from common.api.base import ApiView
from common.api.lists import ListOf
from common.api.paging import PageQuery, key_cursor, place_of


class IdsField(serializers.CharField):
    """Ids of buckets, with commas between."""

    def to_internal_value(self, data: Any) -> Any:
        ids = []
        for text in str(super().to_internal_value(data)).split(","):
            try:
                ids.append(UUID(text.strip()))
            except ValueError:
                raise serializers.ValidationError(f"This is not the id of a bucket: {text[:40]}.") from None
        return tuple(dict.fromkeys(ids))


class LeftOutQuery(PageQuery):
    allOf = IdsField(max_length=800, required=False, help_text="Include leads on all of these: ids with commas between")
    anyOf = IdsField(max_length=800, required=False, help_text="Include leads on any of these")
    noneOf = IdsField(max_length=800, help_text="Exclude leads on these")


class MaybeSerializer(serializers.Serializer[Any]):
    leadId = serializers.UUIDField(source="pk")
    bucketId = serializers.UUIDField(source="bucket_id")
    propertyId = serializers.CharField(source="property_id")
    propertyAddress = serializers.CharField(source="property_address", allow_null=True)
    apn = serializers.CharField(allow_null=True)


class LeftOutSerializer(serializers.Serializer[Any]):
    lead = MaybeSerializer()
    why = serializers.CharField()
    maybe = MaybeSerializer(many=True, help_text="What it may be, on the excluded lists; the first three")


LEFT_OUT = ListOf("leads", LeftOutSerializer, query=LeftOutQuery, has_order=False)


class LeftOutView(ApiView):
    @extend_schema(
        operation_id="listLeftOut",
        summary="Leads a combination leaves out as possibly the same as one it excludes",
        parameters=[LEFT_OUT.query],
        responses=LEFT_OUT.answer("LeftOutPage"),
    )
    def get(self, request: Request) -> Response:
        query = self.query(LEFT_OUT.query)
        sets = Sets(**{part: query.get(name, ()) for part, name in FIELDS.items()})
        place = place_of(query.get("cursor"))
        rows, last = left_out(by=self.user, team_id=self.access.team_id, sets=sets, after=place, limit=query["limit"])
        after = key_cursor(last) if last else None
        return LEFT_OUT.render(self, query, rows, after, context={}, count=lambda: (0, False), more={})
