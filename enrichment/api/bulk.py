"""The price of enriching the leads of a bulk job, and the yes to it."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import REPLAYED, How, idempotent
from common.api.base import not_found, ok
from common.api.schema import answer, refusal
from common.api.serializers import CapField, FlagField, MoneyField, StrictSerializer
from enrichment.api.serializers import RunSerializer
from enrichment.bulk.enriching import price_of, start_runs_of
from enrichment.models import Run
from enrichment.options import RunOptions
from leads.api.base import BulkView
from leads.models import BulkJob


class BulkQuoteQuery(StrictSerializer):
    skipTrace = FlagField(source="skip_trace", default=True, help_text="Contacts too; true by default")
    maxCost = CapField(source="max_cost", required=False, help_text="Spending limit of each bucket's job, US dollars")


class BulkStartInput(BulkQuoteQuery):
    quote = serializers.CharField(max_length=64, help_text="`quote` of the price: with another price nothing is bought")


class BulkPart(serializers.Serializer[object]):
    bucketId = serializers.UUIDField()
    leads = serializers.IntegerField(help_text="Leads of the job in this bucket")
    owned = serializers.IntegerField(help_text="Of these: owned already, at $0")
    price = MoneyField(help_text="The most it costs, US dollars")


class _EnrichView(BulkView):
    def asking(self, job_id: UUID) -> BulkJob:
        job = self.job_to_change(job_id)
        if job.kind != BulkJob.Kind.ENRICH:
            raise not_found("bulk job that asks for a price")
        return job


class BulkQuoteView(_EnrichView):
    scopes = {"GET": Scope.BUY}

    @extend_schema(
        operation_id="quoteBulkJob",
        summary="What enriching the leads of a bulk job costs at most: a job in each bucket they lie in",
        parameters=[BulkQuoteQuery],
        responses={
            200: answer(
                "BulkQuote",
                leads=serializers.IntegerField(),
                atMost=MoneyField(help_text="All buckets together, US dollars"),
                quote=serializers.CharField(help_text="Names this price, for POST …/start"),
                buckets=BulkPart(many=True),
            ),
            409: refusal("NOT_ASKING: it was decided before"),
        },
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        price = price_of(self.asking(job_id), self.access, RunOptions(**self.query(BulkQuoteQuery)))
        parts = [
            {"bucketId": bucket.pk, "leads": part.leads, "owned": part.owned, "price": part.at_most}
            for bucket, part in price.parts
        ]
        money = MoneyField()
        return ok(
            leads=price.leads,
            atMost=money.to_representation(price.at_most),
            quote=price.mark,
            buckets=BulkPart(parts, many=True).data,
        )


class BulkStartView(_EnrichView):
    scopes = {"POST": Scope.BUY}

    @extend_schema(
        operation_id="startBulkEnrichment",
        summary="Buy for the price that was quoted: starts an enrichment job in each bucket, all or none",
        description="The same again, also at the same moment, answers with the jobs that the first has started.",
        request=BulkStartInput,
        responses={
            202: answer("BulkStarted", runs=RunSerializer(many=True)),
            409: refusal("PRICE_CHANGED: nothing is bought; NOT_ASKING: it was decided otherwise"),
        },
    )
    @idempotent(How.BESIDE_WORK)
    def post(self, request: Request, job_id: UUID) -> Response:
        given = self.body(BulkStartInput)
        mark = given.pop("quote")
        job = self.asking(job_id)
        started, made = start_runs_of(job, access=self.access, options=RunOptions(**given), mark=mark)
        runs = Run.objects.with_money().filter(pk__in=[run.pk for run in started]).order_by("pk")
        return ok(202, headers={} if made else REPLAYED, runs=RunSerializer(runs, many=True).data)
