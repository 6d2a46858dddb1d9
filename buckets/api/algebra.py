"""A second bucket of the same ids. What combines several is priced first, and so stands in `enrichment.api`."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.idempotency import idempotent
from buckets.api.serializers import BucketSerializer, FillSerializer, InsertStats
from buckets.api.views import BucketBase, filled
from buckets.filling.algebra import NAME_MAX, SetError
from buckets.filling.fills import duplicate
from buckets.models import Fill
from common.api.base import Problem, translates
from common.api.schema import answer
from common.api.serializers import StrictSerializer


@translates(SetError)
def set_error(error: SetError) -> Problem:
    status = {"INVALID": 400, "NOT_FOUND": 404}.get(error.code, 409)
    message = f"{error.field}: {error}" if error.field else str(error)
    return Problem(error.code, message, status=status, fields={error.field: [str(error)]} if error.field else {})


_MADE = answer("BucketCopied", bucket=BucketSerializer(), stats=InsertStats(), fill=FillSerializer())
COPIED = {201: _MADE, 202: _MADE}


def copied(fill: Fill) -> Response:
    """201: all of it is there; 202: a worker copies the rest, and `fill` says how far it is."""
    return filled(201 if fill.status == Fill.Status.COMPLETED else 202, fill.bucket, fill.saved, fill)


class DuplicateInput(StrictSerializer):
    name = serializers.CharField(max_length=NAME_MAX, required=False, help_text="“Copy of …” where it is not said")


class BucketDuplicateView(BucketBase):
    @extend_schema(
        operation_id="duplicateBucket",
        summary="Another bucket of the same property ids; free",
        request=DuplicateInput,
        responses=COPIED,
    )
    @idempotent()
    def post(self, request: Request, bucket_id: UUID) -> Response:
        bucket, name = self.bucket(bucket_id), self.body(DuplicateInput).get("name", "")
        return copied(duplicate(bucket=bucket, name=name))
