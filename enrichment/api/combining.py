"""Set algebra over buckets: what a combination would hold and cost, then the bucket of it. Free."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import idempotent
from buckets.api.base import COPIED, copied
from buckets.filling.algebra import BUCKETS_MAX, NAME_MAX, Sets
from buckets.filling.fills import combine
from common.api.base import ApiView, ok
from common.api.schema import answer
from common.api.serializers import FlagField, IdListField, MoneyField, StrictSerializer
from enrichment.api.serializers import QuoteLineSerializer
from enrichment.quoting.combination_preview import preview


class CombineInput(StrictSerializer):
    allOf = IdListField(most=BUCKETS_MAX, required=False, help_text="Include leads on all of these buckets")
    anyOf = IdListField(most=BUCKETS_MAX, required=False, help_text="Include leads on any of these buckets")
    noneOf = IdListField(most=BUCKETS_MAX, required=False, help_text="Exclude leads on these buckets")
    name = serializers.CharField(max_length=NAME_MAX, required=False, help_text="Of the new bucket")
    preview = FlagField(default=False, help_text="Preview: say how many leads and what they cost, and make nothing")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs["preview"] and "name" not in attrs:
            raise serializers.ValidationError({"name": ["The new bucket needs a name."]})
        return attrs


class CombinationSerializer(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    owned = serializers.IntegerField(help_text="Their details are fresh: $0")
    stale = serializers.IntegerField(help_text="Their details were bought too long ago to be served again")
    new = serializers.IntegerField(help_text="Never bought")
    leftOut = serializers.IntegerField(
        source="left_out",
        help_text="Left out as possibly the same as a lead of `noneOf`; listLeftOut says which and why",
    )
    price = MoneyField(help_text="What enriching the new ones costs at most, contacts included")
    stalePrice = MoneyField(source="stale_price", help_text="What buying the stale details again costs at most")
    byVendor = QuoteLineSerializer(source="lines", many=True)


class CombineView(ApiView):
    @extend_schema(
        operation_id="combineBuckets",
        summary="Combine buckets into a new one, or preview it",
        request=CombineInput,
        responses=COPIED | {200: answer("CombinePreview", preview=CombinationSerializer())},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        given = self.body(CombineInput)
        sets = Sets(*(tuple(given.get(name, ())) for name in ("allOf", "anyOf", "noneOf")))
        if given["preview"]:
            return ok(preview=CombinationSerializer(preview(by=self.user, team_id=self.access.team_id, sets=sets)).data)
        return copied(combine(by=self.user, team_id=self.access.team_id, name=given["name"], sets=sets))
