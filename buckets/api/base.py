"""What the API of buckets shares with the API of the apps above it: a bucket of one's own, and what filled one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.response import Response

from buckets.api.serializers import BucketSerializer, FillSerializer, InsertStats
from buckets.models import Bucket, Fill
from common.api.base import ApiView, not_found, ok
from common.api.schema import answer

FILLED = {
    200: answer("BucketFilled", bucket=BucketSerializer(), stats=InsertStats()),
    202: answer("BucketFilling", bucket=BucketSerializer(), stats=InsertStats(), fill=FillSerializer()),
}
_MADE = answer("BucketCopied", bucket=BucketSerializer(), stats=InsertStats(), fill=FillSerializer())
COPIED = {201: _MADE, 202: _MADE}


class OwnBucketView(ApiView):
    """A view of one bucket; another user's bucket is not found."""

    def bucket(self, bucket_id: UUID) -> Bucket:
        bucket = Bucket.objects.owned_by(self.user).filter(pk=bucket_id).first()
        if bucket is None:
            raise not_found("bucket")
        return bucket


def filled(status: int, bucket: Bucket, inserted: int, fill: Fill | None = None) -> Response:
    content: dict[str, Any] = {
        "bucket": BucketSerializer(bucket).data,
        "stats": {"inserted": inserted, "total": bucket.total_leads},
    }
    if fill is not None:
        content["fill"] = FillSerializer(fill).data
    return ok(status, **content)


def copied(fill: Fill) -> Response:
    """201: all of it is there; 202: a worker copies the rest, and `fill` says how far it is."""
    return filled(201 if fill.status == Fill.Status.COMPLETED else 202, fill.bucket, fill.saved, fill)
