"""What the API of buckets shares with the API of the apps above it: a bucket of one's own, and what filled one."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.response import Response

from accounts.access import Access
from accounts.models import Team, User
from buckets.api.serializers import BucketSerializer, FillSerializer, InsertStats
from buckets.models import Bucket, Fill
from buckets.services import TeamFull
from common.api.base import ApiView, Problem, not_found, ok, translates
from common.api.schema import answer
from common.db.direct import named, rows, statement

FILLED = {
    200: answer("BucketFilled", bucket=BucketSerializer(), stats=InsertStats()),
    202: answer("BucketFilling", bucket=BucketSerializer(), stats=InsertStats(), fill=FillSerializer()),
}
_MADE = answer("BucketCopied", bucket=BucketSerializer(), stats=InsertStats(), fill=FillSerializer())
COPIED = {201: _MADE, 202: _MADE}


class OwnBucketView(ApiView):
    """A view of one bucket; another team's bucket is not found."""

    def bucket(self, bucket_id: UUID) -> Bucket:
        return _found(Bucket.objects.worked_by(self.access), bucket_id)

    def bucket_to_see(self, bucket_id: UUID) -> Bucket:
        """Also one that another team shares with hers: it may be looked at, and no more."""
        hers = rows(_seen(), {"team": self.access.team_id, "bucket": bucket_id}, Bucket, keeps_plan=True)
        return hers[0][0] if hers else _found(Bucket.objects.shared_with(self.access), bucket_id)


@cache
def _seen() -> str:
    seen = Bucket.objects.seen_by(Access(User(), Team(pk=named("team"))))
    return statement(seen.filter(pk=named("bucket")))


@translates(TeamFull)
def _team_full(error: TeamFull) -> Problem:
    return Problem("TEAM_FULL", str(error), status=409)


def _found(buckets: QuerySet[Bucket], bucket_id: UUID) -> Bucket:
    bucket = buckets.filter(pk=bucket_id).first()
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
