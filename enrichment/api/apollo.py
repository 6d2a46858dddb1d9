"""Apollo: who an owner is at work."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import REPLAYED, How, idempotent
from common.api.base import ApiView, Problem, ok
from common.api.headers import idempotency_key, preferred_wait
from common.api.schema import answer, refusal
from common.api.serializers import ObjectField
from common.held import waiting
from enrichment.api.serializers import ApolloInput, ApolloResultsSerializer, RunDetail, run_options
from enrichment.api.views import WAIT, run_json
from enrichment.models import Run
from enrichment.quoting.askable import unaskable
from enrichment.reporting.results import apollo_results, wait_for
from enrichment.services import enrich_leads, refuse_unaskable
from integrations.services import apollo_health
from leads.models import Lead

WAIT_DEFAULT = 20  # seconds: the answer has results in it (docs/requirements.md 2), and ten people are one request


class UnaskableSerializer(serializers.Serializer[Any]):
    leadId = serializers.UUIDField()
    reason = serializers.CharField(help_text="What the lead lacks, in words")


_ENRICHED = answer(
    "ApolloAnswer",
    results=ApolloResultsSerializer(),
    runs=RunDetail(many=True),
    unaskable=UnaskableSerializer(many=True, help_text="Leads without the data Apollo needs"),
)


class ApolloView(ApiView):
    scopes = {"POST": Scope.BUY}

    @extend_schema(
        operation_id="enrichWithApollo",
        summary="Business data of chosen leads: one enrichment job for each of their buckets",
        parameters=[WAIT],
        request=ApolloInput,
        responses={
            200: _ENRICHED,
            202: _ENRICHED,
            409: refusal("No lead has data to ask with, or another request the key"),
        },
    )
    @idempotent(How.BESIDE_WORK)
    def post(self, request: Request) -> Response:
        options = replace(run_options(self.body(ApolloInput)), kind=Run.Kind.APOLLO)
        key, wait = idempotency_key(request), preferred_wait(request, otherwise=WAIT_DEFAULT)
        reasons = unaskable(among=Lead.objects.worked_by(self.access), options=options)
        refuse_unaskable(reasons, options.lead_ids or ())
        with waiting(self.user.pk, wait):
            started = enrich_leads(by=self.user, team_id=self.access.team_id, options=options, idempotency_key=key)
            ids = [run.pk for run, _ in started]
            wait_for(ids, wait, keeps_lock=key is not None)
        runs = [run_json(pk) for pk in ids]
        return ok(
            202 if any(run.is_open for run, _ in runs) else 200,
            headers={} if any(made for _, made in started) else REPLAYED,
            results=ApolloResultsSerializer(apollo_results(ids)).data,
            runs=[shown for _, shown in runs],
            unaskable=[{"leadId": str(lead_id), "reason": words} for lead_id, words in reasons.items()],
        )

    @extend_schema(
        operation_id="checkApollo",
        summary="Does Apollo take our key? Free",
        responses={
            200: answer("ApolloHealth", status=serializers.CharField(), rate=ObjectField(help_text="By window")),
            503: refusal("Apollo is away, or refuses our key"),
        },
    )
    def get(self, request: Request) -> Response:
        health = apollo_health()
        if not health.ok:
            raise Problem("APOLLO_UNAVAILABLE", health.reason, status=503)
        return ok(status="ok", rate={name: asdict(window) for name, window in health.rate.items()})
