"""The leads of a bucket: a page of them, and all of them as a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Access, Scope
from buckets.api.base import OwnBucketView
from buckets.api.serializers import ExportQuery, LeadsQuery
from buckets.models import Bucket
from buckets.registries import leads_of_run
from buckets.selectors import total_matching
from common.api.base import CsvRenderer, Problem, WorkbookRenderer, invalid, not_found
from common.api.renderer import JSONRenderer
from common.api.serializers import ObjectField
from common.contact_access import sees_contacts
from common.downloads import file_answer
from leads.api.base import COUNTED, context_of, filters, leads_list, list_leads
from leads.fields.cells import PREFIX
from leads.models import Lead
from leads.selection.disclosures import Via, export_pieces
from leads.selection.export import Format, Layout
from leads.selection.export_columns import CONTACTS, FIELDS, NAMES, UnknownColumn, check_fields
from leads.selection.filters import is_teams_work, matching, understood
from leads.selection.search import sought
from leads.selectors import of_bucket

THEIRS = ("tags", "callbackAt", "statusLabel", FIELDS)  # columns of what another team does about its leads
LEADS = leads_list(LeadsQuery)


def _check_hers(bucket: Bucket, access: Access, asked: Iterable[str]) -> None:
    """Filters would tell, lead by lead, what the team that shares the bucket keeps to itself."""
    told = sorted(filter(is_teams_work, asked))
    if told and bucket.team_id != access.team_id:
        raise Problem("FORBIDDEN", f"{told[0]}: what another team does about its leads is not told.", status=403)


def _check_columns(columns: Iterable[str], team_id: int) -> None:
    try:
        check_fields(columns, team_id)
    except UnknownColumn as error:
        raise invalid("columns", str(error)) from error


class BucketLeadsView(OwnBucketView):
    begins = filters.BEGINS

    @extend_schema(
        operation_id="listLeads",
        summary="Leads of a bucket, oldest first; with q the best matches first; or as sort says",
        parameters=[LEADS.query, *filters.PARAMETERS],
        responses=LEADS.answer(
            "LeadPage",
            totalMatching=serializers.IntegerField(
                allow_null=True,
                help_text="Leads of the bucket that pass the filters and match q; null: with q more than "
                f"{COUNTED:,}, or total=false",
            ),
            filters=ObjectField(help_text="The filters as they were understood"),
        ),
    )
    def get(self, request: Request) -> Response:
        query = self.query(LEADS.query, also=filters.names_in(request.query_params))
        bucket = self.bucket_to_see(query["bucketId"])
        chosen = filters.chosen(request.query_params, beside=LEADS.takes)
        _check_hers(bucket, self.access, {*chosen, query.get("sort", "").lstrip("-")})
        every = Lead.objects.filter(bucket=bucket)
        theirs = bucket.team_id != self.access.team_id
        contacts = sees_contacts(request) and not theirs
        leads = matching(
            every, chosen, time_zone=self.user.time_zone, contacts=contacts, me=self.user.pk, team_id=bucket.team_id
        )
        read = None if chosen else partial(of_bucket, bucket.pk)
        listed = list_leads(leads, query, request, of=every, theirs=theirs, read=read)
        told = understood(chosen, team_id=bucket.team_id)
        many = None
        if query.get("total") is not False:
            many = listed.count(leads) if listed.search else total_matching(bucket, leads, told)
        return LEADS.render(
            self,
            query,
            listed.rows,
            listed.cursor,
            context=context_of(self, listed.rows, looks_only=theirs),
            count=lambda: listed.total(leads),
            more={
                "totalMatching": many,
                "filters": {"bucketId": str(bucket.pk), "limit": query["limit"], **told},
            },
        )


class BucketExportView(OwnBucketView):
    scopes = {"GET": Scope.EXPORT}
    needs_proof = ("GET", "HEAD")
    renderer_classes = [JSONRenderer, CsvRenderer, WorkbookRenderer]
    begins = filters.BEGINS

    @extend_schema(
        operation_id="exportLeads",
        summary="Leads of a bucket as CSV or as an Excel workbook, oldest first",
        parameters=[ExportQuery, *filters.PARAMETERS],
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, WorkbookRenderer.media_type): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, bucket_id: UUID) -> StreamingHttpResponse:
        query = self.query(ExportQuery, also=filters.names_in(request.query_params))
        bucket = self.bucket_to_see(bucket_id)
        contacts = self.access.can_in(bucket.team_id, Scope.CONTACTS)
        chosen = filters.chosen(request.query_params, beside=frozenset(ExportQuery().fields))
        _check_hers(bucket, self.access, chosen)
        every = Lead.objects.filter(bucket=bucket)
        leads = matching(
            every, chosen, time_zone=self.user.time_zone, contacts=contacts, me=self.user.pk, team_id=bucket.team_id
        )
        if text := query.get("q"):
            leads = leads.filter(sought(text, by=self.access, contacts=contacts).matches)
        if run_id := query.get("runId"):
            of_run = leads_of_run(bucket.pk, run_id)
            if of_run is None:
                raise not_found("run of this bucket", "runId")
            leads = leads.filter(of_run)
        columns = self._columns(query, contacts=contacts)
        if bucket.team_id != self.access.team_id:
            columns = [name for name in columns if name not in THEIRS and not name.startswith(PREFIX)]
        else:
            _check_columns(columns, bucket.team_id)
        layout = Layout(columns, self._format(query), query["bom"], self.user.time_zone, contacts)
        return file_answer(
            export_pieces(
                leads,
                by=self.user,
                via=Via.API,
                bucket_id=bucket.pk,
                layout=layout,
                filters=[*chosen, *(name for name in ("q", "runId") if query.get(name))],
            ),
            name=layout.file_name(str(bucket)),
            content_type=layout.format.content_type,
        )

    def _columns(self, query: dict[str, Any], *, contacts: bool) -> Sequence[str]:
        """Without contacts for who may not see them; asked for by name they are refused."""
        columns: Sequence[str] = query.get("columns", NAMES)
        if contacts:
            return columns
        if "columns" in query and (refused := sorted(CONTACTS.intersection(columns))):
            raise Problem("FORBIDDEN", f"columns: you may not export {refused[0]}.", status=403)
        return [name for name in columns if name not in CONTACTS]

    def _format(self, query: dict[str, Any]) -> Format:
        """As the address says, else as the client accepts."""
        accepted: Any = self.request.accepted_renderer
        return Format(query.get("format") or ("xlsx" if accepted.format == "xlsx" else "csv"))
