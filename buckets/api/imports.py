"""A person's own file into a bucket: uploaded, its columns said, started, followed, undone. All of it is free."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import PurePath
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import idempotent
from accounts.selectors import user_of
from buckets.api.base import OwnBucketView
from buckets.api.serializers import (
    BucketSerializer,
    ColumnSerializer,
    ColumnsInput,
    ImportIntoNew,
    ImportSerializer,
    ImportUpload,
    PreviewSerializer,
)
from buckets.filling.algebra import NAME_MAX
from buckets.imports import services
from buckets.imports.columns import BadMapping
from buckets.imports.reading import NoSuchHeader, Unreadable
from buckets.imports.selectors import failed_lines
from buckets.imports.showing import record_shown_rows
from buckets.models import Import
from common.api.base import ApiView, CsvRenderer, Problem, invalid, not_found, ok, translates
from common.api.lists import ListOf
from common.api.renderer import JSONRenderer
from common.api.schema import answer, refusal
from common.api.serializers import Nothing
from common.contact_access import sees_contacts
from leads.selection.disclosures import Via, record_rows
from leads.selection.export import in_pieces

_SEEN = {
    "import": ImportSerializer(),
    "columns": ColumnSerializer(many=True),
    "preview": PreviewSerializer(allow_null=True),
}
_STARTED = answer("ImportAnswer", **{"import": ImportSerializer()})
_CONFLICT = {409: refusal("It is not at a stage at which this can be done")}


@translates(BadMapping)
def _bad_mapping(error: BadMapping) -> Problem:
    return invalid(error.field, error.message)


@translates(services.NotAtThisStage)
def _not_at_this_stage(error: services.NotAtThisStage) -> Problem:
    return Problem("NOT_AT_THIS_STAGE", str(error), status=409)


@contextmanager
def _refusals() -> Iterator[None]:
    """A file that cannot be read is a 400 that names the field."""
    try:
        yield
    except NoSuchHeader as error:
        raise invalid("headerRow", str(error)) from error
    except Unreadable as error:
        raise invalid("file", str(error)) from error


def _reading(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"header_row": given.get("headerRow"), "update": given.get("update", False)}


class ImportBase(OwnBucketView):
    def job(self, bucket_id: UUID, import_id: UUID) -> Import:
        job = self.bucket(bucket_id).imports.filter(pk=import_id).first()
        if job is None:
            raise not_found("import of this bucket")
        return job


IMPORTS = ListOf("imports", ImportSerializer)


class ImportsView(OwnBucketView):
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="listImports",
        summary="The files of a bucket, newest first",
        parameters=[IMPORTS.query],
        responses=IMPORTS.answer("ImportPage"),
    )
    def get(self, request: Request, bucket_id: UUID) -> Response:
        query = self.query(IMPORTS.query)
        imports = self.bucket(bucket_id).imports.all()
        return IMPORTS.respond(self, imports, query=query)

    @extend_schema(
        operation_id="uploadImport",
        summary="Upload a CSV: what its columns may hold, and what its first rows would become",
        request={"multipart/form-data": ImportUpload},
        responses={201: answer("ImportUploaded", **_SEEN)},
    )
    @idempotent()
    def post(self, request: Request, bucket_id: UUID) -> Response:
        bucket = self.bucket(bucket_id)
        given = self.body(ImportUpload)
        upload = given["file"]
        with _refusals():
            job = services.upload(bucket=bucket, file=upload.file, name=upload.name or "", **_reading(given))
        return ok(201, **_seen(job, request))


class NewImportView(ApiView):
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="uploadImportIntoNewBucket",
        summary="Upload a CSV into a new bucket: as `uploadImport`, and the bucket",
        request={"multipart/form-data": ImportIntoNew},
        responses={201: answer("ImportUploadedIntoNew", bucket=BucketSerializer(), **_SEEN)},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        given = self.body(ImportIntoNew)
        upload = given["file"]
        name = given.get("name") or PurePath(upload.name or "").stem[:NAME_MAX].strip() or "Import"
        with _refusals():
            job = services.upload_into_new(
                by=self.user,
                team_id=self.access.team_id,
                name=name,
                file=upload.file,
                file_name=upload.name or "",
                **_reading(given),
            )
        return ok(201, bucket=BucketSerializer(job.bucket).data, **_seen(job, request))


class ImportView(ImportBase):
    @extend_schema(
        operation_id="getImport",
        summary="How far an import is; its columns and a preview while it waits to be started",
        responses=answer("ImportSeen", **_SEEN),
    )
    def get(self, request: Request, bucket_id: UUID, import_id: UUID) -> Response:
        return ok(**_seen(self.job(bucket_id, import_id), request))

    @extend_schema(
        operation_id="chooseImportColumns",
        summary="Say which row names the columns and which column holds what, and see what the first rows would become",
        request=ColumnsInput,
        responses={200: answer("ImportColumns", **_SEEN), **_CONFLICT},
    )
    def patch(self, request: Request, bucket_id: UUID, import_id: UUID) -> Response:
        job = self.job(bucket_id, import_id)
        given = self.body(ColumnsInput)
        if not given:
            raise invalid("mapping", "Say the columns (mapping), the headerRow, keepOtherColumns or update.")
        with _refusals():
            job = services.choose(
                job=job,
                header_row=given.get("headerRow"),
                update=given.get("update"),
                mapping=given.get("mapping"),
                constants=given.get("constants"),
                keep_others=given.get("keepOtherColumns"),
            )
        return ok(**_seen(job, request))


def _seen(job: Import, request: Request) -> dict[str, Any]:
    """Its rows are for who may see contacts, for a file is full of them; showing them is recorded."""
    seen: dict[str, Any] = {"import": ImportSerializer(job).data, "columns": [], "preview": None}
    if job.status != Import.Status.UPLOADED:
        return seen
    shows_rows = sees_contacts(request)
    shown = services.examples(job) if shows_rows else [[] for _ in job.columns]
    seen["columns"] = [{"index": i, "name": name, "examples": shown[i]} for i, name in enumerate(job.columns)]
    if not shows_rows:
        return seen
    record_shown_rows(job, by=user_of(request), via=Via.API)
    with suppress(BadMapping):  # no column is known to name a property yet
        seen["preview"] = PreviewSerializer(services.preview_of(job)).data
    return seen


class ImportStartView(ImportBase):
    @extend_schema(
        operation_id="startImport",
        summary="Save the file's rows in the background; a failed import is resumed where it stopped",
        request=None,
        responses={202: _STARTED, **_CONFLICT},
    )
    @idempotent()
    def post(self, request: Request, bucket_id: UUID, import_id: UUID) -> Response:
        job = self.job(bucket_id, import_id)
        self.body(Nothing)
        job = services.start_import(job=job, by=self.user)
        return ok(202, **{"import": ImportSerializer(job).data})


class ImportUndoView(ImportBase):
    @extend_schema(
        operation_id="undoImport",
        summary="Delete the leads it added, but for those worked on or bought for since",
        request=None,
        responses={202: _STARTED, **_CONFLICT},
    )
    @idempotent()
    def post(self, request: Request, bucket_id: UUID, import_id: UUID) -> Response:
        job = self.job(bucket_id, import_id)
        self.body(Nothing)
        job = services.undo_import(job=job, by=self.user)
        return ok(202, **{"import": ImportSerializer(job).data})


class ImportFailedView(ImportBase):
    scopes = {"GET": Scope.CONTACTS}
    renderer_classes = [JSONRenderer, CsvRenderer]

    @extend_schema(
        operation_id="failedImportRows",
        summary="The rows that could not be used, with line and reason, as CSV",
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, bucket_id: UUID, import_id: UUID) -> StreamingHttpResponse:
        job = self.job(bucket_id, import_id)
        team = job.bucket.team_id
        record_rows(job, by=self.user, via=Via.API, page="failed-rows", rows=job.failed, team_id=team)
        lines = in_pieces(failed_lines(job))
        headers = {
            "Content-Disposition": content_disposition_header(as_attachment=True, filename="failed-rows.csv")
            or "attachment",
            "Cache-Control": "no-store",
        }
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)
