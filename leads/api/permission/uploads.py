"""Files of suppressions, consents and registry checks: uploaded, looked at, started, withdrawn."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import idempotent
from common.api.base import ApiView, CsvRenderer, Problem, invalid, not_found, ok, translates
from common.api.lists import ListOf
from common.api.renderer import JSONRenderer
from common.api.schema import answer, refusal
from common.api.serializers import CamelModelSerializer, FlagField, Nothing, StrictSerializer
from common.files.table import Unreadable
from leads.api.permission.suppressions import text
from leads.models import Consent, Suppression, Upload
from leads.permission import importing
from leads.permission.importing import BadUpload, MayNot, NotAtThisStage
from leads.permission.refusals import refused_lines, uploads_seen_by, withdrawable_by

_CONFLICT = {409: refusal("It is not at a stage at which this can be done")}


@translates(BadUpload)
def _bad_upload(error: BadUpload) -> Problem:
    return invalid(error.field, error.message)


@translates(MayNot)
def _may_not(error: MayNot) -> Problem:
    return Problem("FORBIDDEN", str(error), status=403)


@translates(NotAtThisStage)
def _not_at_this_stage(error: NotAtThisStage) -> Problem:
    return Problem("NOT_AT_THIS_STAGE", str(error), status=409)


class ListInput(StrictSerializer):
    file = serializers.FileField(max_length=1000, help_text="A CSV or a list of numbers, of any delimiter and encoding")
    column = text(200, "Which column holds the phones or e-mails; found if not said")


class SuppressionList(ListInput):
    scope = serializers.ChoiceField(choices=Suppression.Scope.choices, default="any", help_text="By which channel not")


class ConsentList(ListInput):
    sellerId = text(36, "Your team's company: a consent is one company's")
    type = serializers.ChoiceField(
        choices=[(name, name) for name in importing.IMPORTED], help_text="Which kind of consent"
    )
    channel = serializers.ChoiceField(choices=Consent.Channel.choices, required=False, help_text="Of every row")
    channelColumn = text(200, "Instead: the column that says it")
    textColumn = text(200, "The text they were shown")
    dateColumn = text(200, "When they agreed")
    sourceColumn = text(200, "Where they agreed")
    acknowledged = FlagField(help_text="Each of them agreed to hear from this company; purchased data is no consent")


class CheckList(ListInput):
    sellerId = text(36, "Your team's company: a registry's subscription cannot be shared")
    list = text(20, "federal, state:TX (of a state), litigator or reassigned")
    san = text(40, "Subscription account number; the company's own if not said")
    versionDate = text(10, "Of the registry's file: 2026-11-30")
    listed = FlagField(required=False, help_text="Whether every number of the file is on the list")
    listedColumn = text(200, "Instead: the column that says it")
    areaCodes = text(
        2000, "The file is the registry's whole list of these area codes (617, 339): who is not in it was checked too"
    )


class UploadSerializer(CamelModelSerializer[Upload]):
    examples = serializers.SerializerMethodField(help_text="Of its numbers, by their ends")
    hits = serializers.SerializerMethodField(help_text="Your team's leads that it concerns")
    share = serializers.SerializerMethodField(help_text="Of your team's leads: 0 to 1")
    needs_superuser = serializers.SerializerMethodField(
        help_text="It concerns more than 5% of all leads of the installation"
    )

    class Meta:
        model = Upload
        fields = [
            "id", "kind", "file_name", "status", "rows", "added", "known", "refused", "hits", "share",
            "needs_superuser", "examples", "error", "created_at",
        ]  # fmt: skip

    def get_examples(self, row: Any) -> list[str]:
        return list(row.options.get("examples", ()))

    def get_share(self, row: Any) -> float:
        hits, leads = importing.concerns(row)
        return round(hits / leads, 4) if leads else 0.0

    def get_hits(self, row: Any) -> int:
        return importing.concerns(row)[0]

    def get_needsSuperuser(self, row: Any) -> bool:  # its name in the API
        return importing.is_large(row)


_SEEN = {"upload": UploadSerializer()}


class ImportListView(ApiView):
    """Of one kind: its form says what must be said of it."""

    parser_classes = [MultiPartParser]
    kind: ClassVar[str] = ""
    form: ClassVar[type[ListInput]] = ListInput

    def upload(self) -> Response:
        if not importing.may_upload(self.access, self.kind):
            raise Problem("FORBIDDEN", "Only a manager of the team may bring this file.", status=403)
        said = self.body(self.form)
        file = said.pop("file")
        options = {name: value for name, value in said.items() if value not in ("", None)}
        for name, inside in (("column", "contacts"), ("sellerId", "seller")):
            if name in options:
                options[inside] = options.pop(name)
        try:
            job = importing.upload(
                kind=self.kind, team_id=self.access.team_id, by=self.user, file=file.file, name=file.name or "",
                options=options,
            )  # fmt: skip
        except Unreadable as error:
            raise invalid("file", str(error)) from error
        return ok(201, upload=UploadSerializer(job).data)


class ImportSuppressionsView(ImportListView):
    scopes = {"POST": Scope.READ}
    for_callers = ("POST",)
    kind, form = Upload.Kind.SUPPRESSIONS, SuppressionList

    @extend_schema(
        operation_id="importSuppressions",
        summary="Upload a list of contacts to suppress: a preview, nothing is written before it is started",
        request={"multipart/form-data": SuppressionList},
        responses={201: answer("SuppressionsUploaded", **_SEEN)},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        return self.upload()


class ImportConsentsView(ImportListView):
    scopes = {"POST": Scope.MANAGE}
    kind, form = Upload.Kind.CONSENTS, ConsentList

    @extend_schema(
        operation_id="importConsents",
        summary="Upload consents, each with its text, date and source; by a manager",
        request={"multipart/form-data": ConsentList},
        responses={201: answer("ConsentsUploaded", **_SEEN)},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        return self.upload()


class ImportScrubView(ImportListView):
    scopes = {"POST": Scope.MANAGE}
    kind, form = Upload.Kind.SCRUB, CheckList

    @extend_schema(
        operation_id="importScrub",
        summary="Upload a do-not-call registry's file, or the answer of a scrubbing service; by a manager",
        request={"multipart/form-data": CheckList},
        responses={201: answer("ScrubUploaded", **_SEEN)},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        return self.upload()


class OwnUploadView(ApiView):
    for_callers: tuple[str, ...] = ("GET", "POST")
    scopes = {"POST": Scope.READ}

    def job(self, upload_id: UUID) -> Upload:
        job = uploads_seen_by(self.access).filter(pk=upload_id).first()
        if job is None:
            raise not_found("file of your team")
        return job


UPLOADS = ListOf("uploads", UploadSerializer)


class UploadsView(OwnUploadView):
    for_callers = ("GET",)

    @extend_schema(
        operation_id="listUploads",
        summary="Your team's files of suppressions, consents and registry checks, newest first",
        parameters=[UPLOADS.query],
        responses=UPLOADS.answer("UploadPage"),
    )
    def get(self, request: Request) -> Response:
        query = self.query(UPLOADS.query)
        found = uploads_seen_by(self.access)
        return UPLOADS.respond(self, found, query=query)


class UploadView(OwnUploadView):
    @extend_schema(operation_id="getUpload", summary="How far a file is", responses=answer("UploadSeen", **_SEEN))
    def get(self, request: Request, upload_id: UUID) -> Response:
        return ok(upload=UploadSerializer(self.job(upload_id)).data)


class UploadStartView(OwnUploadView):
    @extend_schema(
        operation_id="startUpload",
        summary="Write the file's rows in the background; one over 5% of all leads needs a superuser",
        request=None,
        responses={202: answer("UploadStarted", **_SEEN), **_CONFLICT},
    )
    @idempotent()
    def post(self, request: Request, upload_id: UUID) -> Response:
        self.body(Nothing)
        job = self.job(upload_id)
        if not importing.may_upload(self.access, job.kind):
            raise Problem("FORBIDDEN", "Only a manager of the team may start this file.", status=403)
        return ok(202, upload=UploadSerializer(importing.start_upload(upload=job, by=self.user)).data)


class WithdrawInput(StrictSerializer):
    reason = serializers.CharField(max_length=300, help_text="Why it was a mistake")


class UploadWithdrawView(OwnUploadView):
    scopes = {"POST": Scope.MANAGE}

    @extend_schema(
        operation_id="withdrawUpload",
        summary="A list of suppressions was a mistake: within 30 days, by a manager",
        request=WithdrawInput,
        responses={200: answer("UploadWithdrawn", **_SEEN), **_CONFLICT},
    )
    @idempotent()
    def post(self, request: Request, upload_id: UUID) -> Response:
        job = self.job(upload_id)
        if not withdrawable_by(self.access, job):
            raise Problem("FORBIDDEN", "Only a manager of the team may withdraw a list.", status=403)
        importing.withdraw(upload=job, reason=self.body(WithdrawInput)["reason"], by=self.user)
        job.refresh_from_db()
        return ok(upload=UploadSerializer(job).data)


class UploadRefusedView(OwnUploadView):
    renderer_classes = [JSONRenderer, CsvRenderer]

    @extend_schema(
        operation_id="downloadRefusedRows",
        summary="The rows that were not used, by line and reason, as CSV",
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, upload_id: UUID) -> StreamingHttpResponse:
        job = self.job(upload_id)
        answer = StreamingHttpResponse(refused_lines(job), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = "attachment; filename=refused-rows.csv"
        return answer
