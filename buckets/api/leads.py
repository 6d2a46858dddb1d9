"""The leads of a bucket: a page of them, and all of them as CSV."""

from __future__ import annotations

from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from buckets.api.base import OwnBucketView
from buckets.api.serializers import ExportQuery, LeadsQuery
from buckets.registries import leads_of_run
from buckets.selectors import total_matching
from common.api.base import CsvRenderer, not_found, ok, see_contacts
from common.api.paging import page, page_of
from common.api.schema import listing
from common.api.serializers import ObjectField
from leads.api.base import LeadSerializer, filters
from leads.models import Disclosure, Lead
from leads.selection.disclosures import are_masked, export_pieces
from leads.selection.filters import matching, understood
from leads.selectors import tag_names

_PAGE_NAMES = frozenset({"bucketId", "limit", "cursor"})


class BucketLeadsView(OwnBucketView):
    @extend_schema(
        operation_id="listLeads",
        summary="Leads of a bucket, oldest first",
        parameters=[LeadsQuery, *filters.PARAMETERS],
        responses=listing(
            "LeadPage",
            leads=LeadSerializer(many=True),
            totalMatching=serializers.IntegerField(help_text="Leads of the bucket that pass the filters"),
            filters=ObjectField(help_text="The filters as they were understood"),
        ),
    )
    def get(self, request: Request) -> Response:
        query = self.query(LeadsQuery, also=filters.NAMES)
        bucket = self.bucket(query["bucketId"])
        chosen = filters.chosen(request.query_params, beside=_PAGE_NAMES)
        leads = matching(Lead.objects.filter(bucket=bucket), chosen, time_zone=self.user.time_zone)
        rows, after = page(leads, limit=query["limit"], cursor=query.get("cursor"))
        told = understood(chosen)
        shown = {"tags": tag_names(rows), "is_masked": are_masked(request, rows)}
        return ok(
            leads=LeadSerializer(rows, many=True, context=shown).data,
            totalMatching=total_matching(bucket, leads, told),
            filters={"bucketId": str(bucket.pk), "limit": query["limit"], **told},
            **page_of(rows, after),
        )


class BucketExportView(OwnBucketView):
    renderer_classes = [JSONRenderer, CsvRenderer]

    @extend_schema(
        operation_id="exportLeads",
        summary="Leads of a bucket as CSV, oldest first",
        parameters=[ExportQuery, *filters.PARAMETERS],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, bucket_id: UUID) -> StreamingHttpResponse:
        query = self.query(ExportQuery, also=filters.NAMES)
        see_contacts(request)
        bucket = self.bucket(bucket_id)
        chosen = filters.chosen(request.query_params, beside=frozenset({"runId"}))
        leads = matching(Lead.objects.filter(bucket=bucket), chosen, time_zone=self.user.time_zone)
        if run_id := query.get("runId"):
            of_run = leads_of_run(bucket.pk, run_id)
            if of_run is None:
                raise not_found("run of this bucket", "runId")
            leads = leads.filter(of_run)
        name = slugify(bucket.name, allow_unicode=True)[:100] or "leads"
        return StreamingHttpResponse(
            export_pieces(leads, by=self.user, via=Disclosure.Via.API, bucket_id=bucket.pk),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": content_disposition_header(as_attachment=True, filename=f"{name}.csv")
                or "attachment",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            },
        )
