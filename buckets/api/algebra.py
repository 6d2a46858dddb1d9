"""A second bucket of the same ids. What combines several is priced first, and so stands in `enrichment.api`."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import idempotent
from buckets.api.base import COPIED, OwnBucketView, copied
from buckets.filling.algebra import NAME_MAX, SetError
from buckets.filling.fills import duplicate
from common.api.base import Problem, translates
from common.api.serializers import StrictSerializer


@translates(SetError)
def set_error(error: SetError) -> Problem:
    status = {"INVALID": 400, "NOT_FOUND": 404}.get(error.code, 409)
    message = f"{error.field}: {error}" if error.field else str(error)
    return Problem(error.code, message, status=status, fields={error.field: [str(error)]} if error.field else {})


class DuplicateInput(StrictSerializer):
    name = serializers.CharField(max_length=NAME_MAX, required=False, help_text="“Copy of …” where it is not said")


class BucketDuplicateView(OwnBucketView):
    @extend_schema(
        operation_id="duplicateBucket",
        summary="Another bucket of the same property ids; free",
        request=DuplicateInput,
        responses=COPIED,
    )
    @idempotent()
    def post(self, request: Request, bucket_id: UUID) -> Response:
        bucket, name = self.bucket(bucket_id), self.body(DuplicateInput).get("name", "")
        return copied(duplicate(bucket=bucket, name=name, by=self.user))
