"""One thing done to many leads: a job, small ones done when the answer comes, larger ones by a worker."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import REPLAYED, How, idempotent
from common.api.base import ApiView, CsvRenderer, Problem, WorkbookRenderer, not_found, ok, translates
from common.api.headers import idempotency_key
from common.api.lists import ListOf
from common.api.renderer import JSONRenderer
from common.api.schema import answer, refusal
from common.api.serializers import (
    CamelModelSerializer,
    IdField,
    IdListField,
    Nothing,
    ObjectField,
    StrictSerializer,
    WholeField,
)
from common.contact_access import sees_contacts
from common.downloads import file_answer
from leads.bulk import words
from leads.bulk.kinds import BulkError, kind_of
from leads.bulk.services import can_undo, cancel_bulk, lead_ids_of, leads_found, start_bulk, undo_bulk
from leads.models import BulkJob, Lead
from leads.registries import buckets_of
from leads.selection.disclosures import Via, export_pieces
from leads.selection.export import Format, Layout
from leads.selection.search import LONGEST

IDS_MAX = 10_000
_STATUS = {"FORBIDDEN": 403, "NOT_FOUND": 404, "TOO_MANY_JOBS": 429, "COUNT_CHANGED": 409, "NOT_UNDOABLE": 409,
           "NOT_AT_WORK": 409, "NOT_ASKING": 409, "PRICE_CHANGED": 409, "NO_FILE": 409}  # fmt: skip


@translates(BulkError)
def _bulk_error(error: BulkError) -> Problem:
    words_ = f"{error.field}: {error}" if error.field else str(error)
    fields = {error.field: [str(error)]} if error.field else {}
    return Problem(error.code, words_, status=_STATUS.get(error.code, 400), fields=fields)


class BulkInput(StrictSerializer):
    """Which leads, and what is done to each."""

    action = serializers.ChoiceField(choices=BulkJob.Kind.choices, help_text="What is done to each lead")
    arguments = ObjectField(
        required=False,
        help_text="tag, untag: {tag}; status: {status} or {statusLabel}; field: {field: its key, value: null empties "
        "it}; assign: {to: a member, several in turn, or null}; activity: {kind, text}; move, copy: {bucketId}, or "
        "{bucketName} for a new bucket; export: {format: csv or xlsx}; "
        "doNotContact: {reason, words}",
    )
    leadIds = IdListField(most=IDS_MAX, required=False, help_text="Exactly these leads")
    filters = ObjectField(
        required=False, help_text="Instead of leadIds: all that pass these filters of the list; {}: all of them"
    )
    bucketId = IdField(required=False, help_text="With filters: of this bucket alone")
    q = serializers.CharField(required=False, max_length=LONGEST, help_text="With filters: that this search finds")
    expect = WholeField(
        required=False,
        min_value=1,
        help_text="How many leads you mean: another number is a 409. Needed for what cannot be undone: delete, "
        "doNotContact",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("leadIds" in attrs) == ("filters" in attrs):
            raise serializers.ValidationError({"leadIds": ["Give leadIds, or filters."]})
        for name in ("bucketId", "q"):
            if name in attrs and "filters" not in attrs:
                raise serializers.ValidationError({name: ["This goes with filters."]})
        if kind_of(attrs["action"]).final and "expect" not in attrs:
            words_ = "This cannot be undone: say how many leads you mean."
            raise serializers.ValidationError({"expect": [words_]})
        return attrs


class BulkSerializer(CamelModelSerializer[BulkJob]):
    action = serializers.CharField(source="kind", help_text="What is done to each lead")
    arguments = ObjectField(help_text="As they were understood")
    leftOut = ObjectField(source="left_out", help_text="Leads left as they were, by reason")
    canUndo = serializers.SerializerMethodField(help_text="Whether POST …/undo would change something back")
    words = serializers.SerializerMethodField(help_text="What came of it, as pages say it")
    error = serializers.CharField(allow_null=True, help_text="Why it stopped; null: nothing stopped it")

    class Meta:
        model = BulkJob
        fields = [
            "id", "action", "arguments", "filters", "status", "leads", "done", "changed", "leftOut", "restored", "kept",
            "canUndo", "words", "error", "created_at", "finished_at",
        ]  # fmt: skip

    def get_canUndo(self, job: BulkJob) -> bool:
        return can_undo(job, self.context["access"])

    def get_words(self, job: BulkJob) -> str:
        return words.came_of(job)

    def to_representation(self, instance: BulkJob) -> Any:
        shown = super().to_representation(instance)
        return {**shown, "error": shown["error"] or None}


class BulkView(ApiView):
    """Jobs of one's team; a caller's: her own. What a role may do, the kind of job says."""

    def job(self, job_id: UUID) -> BulkJob:
        job: BulkJob | None = BulkJob.objects.worked_by(self.access).filter(pk=job_id).first()
        if job is None:
            raise not_found("bulk job")
        return job

    def shown(self, job: BulkJob) -> Any:
        return BulkSerializer(job, context={"access": self.access}).data

    def job_to_change(self, job_id: UUID) -> BulkJob:
        job = self.job(job_id)
        if not kind_of(job.kind).allows(self.access):
            raise Problem("FORBIDDEN", "Your role does not let you do this: ask a manager of the team.", status=403)
        return job


ONE = answer("BulkAnswer", job=BulkSerializer())


JOBS = ListOf("jobs", BulkSerializer)


class BulkJobsView(BulkView):
    for_callers = ("GET", "POST")

    @extend_schema(
        operation_id="listBulkJobs",
        summary="My team's bulk jobs, newest first",
        parameters=[JOBS.query],
        responses=JOBS.answer("BulkPage"),
    )
    def get(self, request: Request) -> Response:
        seen = BulkJob.objects.seen_by(self.access)
        return JOBS.respond(self, seen, context=lambda _jobs: {"access": self.access})

    @extend_schema(
        operation_id="startBulkJob",
        summary="Do one thing to up to 10,000 leads by id, or to all that filters find",
        description="The leads are those of this moment. Small jobs are done when the answer comes (`status`: "
        "completed), larger ones continue: GET /api/leads/bulk/{id}. enrich only writes the leads down: "
        "GET …/quote has the price, POST …/start buys.",
        request=BulkInput,
        responses={202: ONE, 409: refusal("COUNT_CHANGED: these are not as many leads as `expect` says")},
    )
    @idempotent(How.BY_WORK)
    def post(self, request: Request) -> Response:
        given = self.body(BulkInput)
        key = idempotency_key(request)
        job, made = start_bulk(
            access=self.access,
            kind=given["action"],
            leads=lambda: self._leads(request, given),
            arguments=given.get("arguments", {}),
            filters=[*given.get("filters", {}), *(name for name in ("bucketId", "q") if name in given)],
            expect=given.get("expect"),
            press=f"api {key}" if key else "",
            request={name: given.get(name) for name in ("leadIds", "filters", "bucketId", "q", "expect")},
        )
        return ok(202, headers={} if made else REPLAYED, job=self.shown(job))

    def _leads(self, request: Request, given: dict[str, Any]) -> QuerySet[Lead]:
        """Raises a Problem for a lead that is not hers: nothing is done to the others either."""
        if "leadIds" in given:
            leads = Lead.objects.worked_by(self.access).filter(pk__in=given["leadIds"])
            if missing := len(given["leadIds"]) - leads.count():
                raise not_found(f"lead: {missing} of these", "leadIds")
            return leads
        bucket = None
        if "bucketId" in given:
            bucket = buckets_of(self.access).filter(pk=given["bucketId"], team=self.access.team_id).first()
            if bucket is None:
                raise not_found("bucket", "bucketId")
        return leads_found(
            self.access, filters=given["filters"], q=given.get("q", ""), bucket=bucket, contacts=sees_contacts(request)
        )


class BulkJobView(BulkView):
    for_callers = ("GET",)

    @extend_schema(operation_id="getBulkJob", summary="A bulk job: how far it is", responses=ONE)
    def get(self, request: Request, job_id: UUID) -> Response:
        return ok(job=self.shown(self.job(job_id)))


class BulkCancelView(BulkView):
    for_callers = ("POST",)

    @extend_schema(
        operation_id="cancelBulkJob",
        summary="Stop a bulk job before its next piece; what is done stays",
        request=Nothing,
        responses={200: ONE, 409: refusal("It is over, or is being undone")},
    )
    @idempotent()
    def post(self, request: Request, job_id: UUID) -> Response:
        self.body(Nothing)
        return ok(job=self.shown(cancel_bulk(job=self.job_to_change(job_id), by=self.user)))


class BulkUndoView(BulkView):
    for_callers = ("POST",)

    @extend_schema(
        operation_id="undoBulkJob",
        summary="Change back what a bulk job changed and nobody has changed since",
        request=Nothing,
        responses={202: ONE, 409: refusal("It cannot be undone: the message says why")},
    )
    @idempotent(How.BESIDE_WORK)
    def post(self, request: Request, job_id: UUID) -> Response:
        self.body(Nothing)
        return ok(202, job=self.shown(undo_bulk(job=self.job_to_change(job_id), by=self.user)))


class BulkFileView(BulkView):
    scopes = {"GET": Scope.EXPORT}
    needs_proof = ("GET", "HEAD")
    renderer_classes = [JSONRenderer, CsvRenderer, WorkbookRenderer]

    @extend_schema(
        operation_id="getBulkFile",
        summary="The leads of an export, as they are now, for a week",
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, WorkbookRenderer.media_type): OpenApiTypes.BINARY,
            409: refusal("NO_FILE: only an export has one, for a week"),
        },
    )
    def get(self, request: Request, job_id: UUID) -> StreamingHttpResponse:
        job = self.job_to_change(job_id)
        if job.kind != BulkJob.Kind.EXPORT or not job.pieces.exists():
            raise BulkError("NO_FILE", "Only an export has a file, for a week.")
        leads = Lead.objects.worked_by(self.access).filter(pk__in=lead_ids_of(job).values("pk"))
        layout = Layout(format=Format(job.arguments["format"]), time_zone=self.user.time_zone)
        pieces = export_pieces(
            leads, by=self.user, via=Via.API, layout=layout, filters=job.filters, team_id=job.team_id
        )
        return file_answer(pieces, name=layout.file_name("leads"), content_type=layout.format.content_type)
