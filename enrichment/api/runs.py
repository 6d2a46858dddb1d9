"""Runs: watched, stopped, gone on with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import How, idempotent
from buckets.api.base import OwnBucketView
from common.api.base import ApiView, not_found, ok
from common.api.lists import Include, ListOf
from common.api.schema import answer, refusal
from common.api.serializers import Nothing
from enrichment import selectors, services
from enrichment.api.serializers import (
    OUTCOMES,
    CallSerializer,
    ItemSerializer,
    ItemsQuery,
    ResumeInput,
    RunDetail,
    RunSerializer,
    RunsQuery,
)
from enrichment.api.views import run_json
from enrichment.models import Run
from integrations.models import VendorCall
from leads.registries import buckets_of

OVER = refusal("The enrichment job is over, or in no state for this")


class RunBase(OwnBucketView):
    def run(self, run_id: UUID) -> Run:
        run = Run.objects.seen_by(self.access).select_related("bucket").filter(pk=run_id).first()
        if run is None:
            raise not_found("run")
        return run


def _buckets(view: ApiView, rows: Sequence[Run]) -> Mapping[UUID, Any]:
    names = dict(buckets_of(view.access).filter(pk__in={run.bucket_id for run in rows}).values_list("pk", "name"))
    return {run.pk: {"id": str(run.bucket_id), "name": names.get(run.bucket_id, "")} for run in rows if run.bucket_id}


class RunBucket(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


RUNS = ListOf(
    "runs",
    RunSerializer,
    sorts={"createdAt": "pk", "status": "status", "finishedAt": "finished_at"},
    query=RunsQuery,
    includes={"bucket": Include(_buckets, RunBucket())},
)


class RunsView(RunBase):
    @extend_schema(
        operation_id="listRuns",
        summary="My team's enrichment jobs, newest first",
        parameters=[RUNS.query],
        responses=RUNS.answer("RunPage"),
    )
    def get(self, request: Request) -> Response:
        query = self.query(RUNS.query)
        runs = Run.objects.seen_by(self.access).with_money()
        if "bucketId" in query:
            runs = runs.filter(bucket=self.bucket(query["bucketId"]))
        if "status" in query:
            runs = runs.filter(status=query["status"])
        return RUNS.respond(self, runs, query=query)


class RunView(RunBase):
    @extend_schema(operation_id="getRun", summary="An enrichment job", responses=answer("RunAnswer", run=RunDetail()))
    def get(self, request: Request, run_id: UUID) -> Response:
        return ok(run=run_json(self.run(run_id).pk)[1])


ITEMS = ListOf("items", ItemSerializer, order="createdAt", query=ItemsQuery, key="lead_id")


class RunItemsView(RunBase):
    @extend_schema(
        operation_id="listRunItems",
        summary="An enrichment job's leads and how each ended, oldest first",
        parameters=[ITEMS.query],
        responses=ITEMS.answer("RunItemPage"),
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        query = self.query(ITEMS.query)
        items = self.run(run_id).items.select_related("lead").annotate(needs_check=selectors.item_waits_for_check())
        if "outcome" in query:
            items = items.filter(outcome=OUTCOMES[query["outcome"]])
        # By lead: items were made in that order, and the unique index on (run, lead) serves the page.
        return ITEMS.respond(self, items, query=query)


CALLS = ListOf("calls", CallSerializer)


class RunCallsView(RunBase):
    @extend_schema(
        operation_id="listRunCalls",
        summary="An enrichment job's vendor requests, newest first",
        parameters=[CALLS.query],
        responses=CALLS.answer("RunCallPage"),
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        query = self.query(CALLS.query)
        calls = VendorCall.objects.filter(run_id=self.run(run_id).pk).select_related("operation", "reveal")
        return CALLS.respond(self, calls, query=query)


class PauseView(RunBase):
    scopes = {"POST": Scope.BUY}

    @extend_schema(
        operation_id="pauseRun",
        summary="Pause before the next paid request",
        request=Nothing,
        responses={200: answer("RunPaused", run=RunDetail()), 409: OVER},
    )
    @idempotent()
    def post(self, request: Request, run_id: UUID) -> Response:
        run = self.run(run_id)
        self.body(Nothing)
        return ok(run=run_json(services.pause_run(run=run, by=self.user).pk)[1])


class ResumeView(RunBase):
    scopes = {"POST": Scope.BUY}

    @extend_schema(
        operation_id="resumeRun",
        summary="Resume, with a new spending limit if one is given",
        request=ResumeInput,
        responses={200: answer("RunResumed", run=RunDetail()), 409: OVER},
    )
    @idempotent()
    def post(self, request: Request, run_id: UUID) -> Response:
        run = self.run(run_id)
        return ok(run=run_json(services.resume_run(run=run, by=self.user, **self.body(ResumeInput)).pk)[1])


class CancelView(RunBase):
    scopes = {"POST": Scope.BUY}

    @extend_schema(
        operation_id="cancelRun",
        summary="Cancel: nothing more is bought, waiting leads are skipped",
        request=Nothing,
        responses={200: answer("RunCancelled", run=RunDetail()), 409: OVER},
    )
    @idempotent(How.BESIDE_WORK)
    def post(self, request: Request, run_id: UUID) -> Response:
        run = self.run(run_id)
        self.body(Nothing)
        return ok(run=run_json(services.cancel_run(run=run, by=self.user).pk)[1])


class RetryFailedView(RunBase):
    scopes = {"POST": Scope.BUY}

    @extend_schema(
        operation_id="retryFailed",
        summary="Retry failed leads in a new enrichment job",
        request=Nothing,
        responses={
            201: answer(
                "RunRetried",
                run=RunDetail(),
                leftOut=serializers.CharField(help_text="Leads that need a billing check first; empty: none"),
            ),
            409: refusal("No lead of it failed"),
        },
    )
    @idempotent()
    def post(self, request: Request, run_id: UUID) -> Response:
        run = self.run(run_id)
        self.body(Nothing)
        again = run_json(services.retry_failed(run=run, by=self.user).pk)[1]
        return ok(201, run=again, leftOut=selectors.left_out_of_retry(run))
