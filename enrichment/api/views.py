"""Buying facts: the price first, then the run."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import REPLAYED, How, idempotent
from buckets.api.base import OwnBucketView
from common.api.base import Problem, ok, translates
from common.api.headers import idempotency_key, preferred_wait
from common.api.schema import answer, refusal
from common.api.serializers import MoneyField
from common.held import waiting
from common.values.numbers import plain
from enrichment import selectors
from enrichment.api.serializers import (
    ProcessInput,
    ProcessStats,
    QuoteInput,
    QuoteQuery,
    QuoteSerializer,
    RunDetail,
    UsageSerializer,
    run_options,
)
from enrichment.models import Run
from enrichment.options import RunOptions
from enrichment.quoting.quotes import quote
from enrichment.reporting.results import wait_for
from enrichment.services import RunError, check_options, start_run

WAIT = OpenApiParameter(
    "Prefer",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="`wait=N`: hold the answer until done or N s (60 at most)",
)


@translates(RunError)
def run_error(error: RunError) -> Problem:
    status = {"INVALID": 400, "NOT_FOUND": 404, "FORBIDDEN": 403}.get(error.code, 409)
    message = f"{error.field}: {error}" if error.field else str(error)
    return Problem(error.code, message, status=status, fields={error.field: [str(error)]} if error.field else {})


def run_json(run_id: UUID) -> tuple[Run, dict[str, object]]:
    """A run as it is now, and as JSON with its money, its wait and its time left."""
    run = Run.objects.with_money().get(pk=run_id)
    run.waiting = selectors.why_waiting(run)  # type: ignore[attr-defined]
    run.eta_seconds = selectors.eta_seconds(run)  # type: ignore[attr-defined]
    run.billing_check = selectors.billing_check(run)  # type: ignore[attr-defined]
    return run, dict(RunDetail(run).data)


class QuoteView(OwnBucketView):
    scopes = {"POST": Scope.READ}
    RESPONSE = answer(
        "QuoteAnswer", quote=QuoteSerializer(), spent=MoneyField(help_text="By this bucket's enrichment jobs so far")
    )

    @extend_schema(
        operation_id="quote",
        summary="What enriching a bucket would cost; free",
        parameters=[QuoteQuery],
        responses=RESPONSE,
    )
    def get(self, request: Request, bucket_id: UUID) -> Response:
        return self._quote(bucket_id, run_options(self.query(QuoteQuery)))

    @extend_schema(
        operation_id="quoteChosen",
        summary="What enriching chosen leads would cost; free",
        request=QuoteInput,
        responses=RESPONSE,
    )
    def post(self, request: Request, bucket_id: UUID) -> Response:
        return self._quote(bucket_id, run_options(self.body(QuoteInput)))

    def _quote(self, bucket_id: UUID, options: RunOptions) -> Response:
        bucket = self.bucket(bucket_id)
        check_options(bucket=bucket, options=options)
        price = quote(bucket=bucket, by=self.user, options=options)
        return ok(quote=QuoteSerializer(price).data, spent=plain(selectors.bucket_money(bucket)))


_PROCESSED = answer(
    "ProcessAnswer", run=RunDetail(), stats=ProcessStats(), resumeFrom=serializers.UUIDField(allow_null=True)
)


class ProcessView(OwnBucketView):
    scopes = {"POST": Scope.BUY}

    @extend_schema(
        operation_id="processBucket",
        summary="Enrich a bucket's leads, within a spending limit",
        parameters=[WAIT],
        request=ProcessInput,
        responses={200: _PROCESSED, 202: _PROCESSED, 409: refusal("The key was used for another request")},
    )
    @idempotent(How.BY_WORK)
    def post(self, request: Request) -> Response:
        given = self.body(ProcessInput)
        key, wait = idempotency_key(request), preferred_wait(request)
        bucket, options = self.bucket(given["bucketId"]), run_options(given)
        check_options(bucket=bucket, options=options)
        with waiting(self.user.pk, wait):
            started, made = start_run(bucket=bucket, by=self.user, options=options, idempotency_key=key)
            wait_for([started.pk], wait)
        run, shown = run_json(started.pk)
        run.remaining = selectors.remaining(bucket)  # type: ignore[attr-defined]
        headers = {} if made else dict(REPLAYED)
        if wait:
            headers["Preference-Applied"] = f"wait={wait}"
        return ok(
            202 if run.is_open else 200,
            headers=headers,
            run=shown,
            stats=ProcessStats(run).data,
            resumeFrom=run.resume_from,
        )


class UsageView(OwnBucketView):
    for_callers = ("GET",)

    @extend_schema(
        operation_id="getUsage",
        summary="My money and leads, and my team's, against the limits",
        responses=answer("UsageAnswer", usage=UsageSerializer()),
    )
    def get(self, request: Request) -> Response:
        return ok(usage=UsageSerializer(selectors.usage(self.user, self.access.team)).data)
