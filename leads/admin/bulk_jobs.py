"""The team's bulk jobs: how far each is, what came of it, and the way back."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path, reverse

from accounts.access import Scope, access
from accounts.fresh import requires_fresh
from accounts.selectors import user_of
from common.admin import Empty, is_id, page, sees_all
from common.admin_extensions import Extensible
from common.admin_teams import TeamAdmin, refuse
from common.contact_access import told
from leads.admin.base import export_answer
from leads.bulk import words
from leads.bulk.kinds import BulkError, kind_of
from leads.bulk.services import can_undo, cancel_bulk, count_of, lead_ids_of, undo_bulk, why_not_undo
from leads.models import BulkJob, Lead
from leads.selection.export import Format, Layout

Status = BulkJob.Status


@admin.register(BulkJob)
class BulkJobAdmin(Extensible, TeamAdmin):
    """Nobody makes or edits one here: actions of the list of leads, the API and a command start them."""

    empty = Empty(
        "Bulk jobs are what you do to many leads at once: check them in the list and choose an action.",
        "Open leads",
        "leads_lead_changelist",
    )
    assigned = "by"  # a caller's own
    list_display = ("said", "how_far", "leads", "changed", "by", "created_at", "finished_at")
    list_select_related = ("by",)
    list_filter = ("status", "kind")

    @admin.display(description="action")
    def said(self, job: BulkJob) -> str:
        return str(told(words.said(job)))

    @admin.display(description="status")
    def how_far(self, job: BulkJob) -> str:
        return f"{job.get_status_display()}, {job.percent}%" if job.is_at_work else str(job.get_status_display())

    def get_urls(self) -> Any:
        inside: Any = self.admin_site.admin_view
        return [
            path("count/", inside(self.count), name="leads_bulkjob_count"),
            path("<uuid:job_id>/file/", inside(self.file), name="leads_bulkjob_file"),
            *super().get_urls(),
        ]

    def count(self, request: HttpRequest) -> HttpResponse:
        """How many leads the list's address finds, as the words of the button that selects them."""
        lead_admin: Any = self.admin_site.get_model_admin(Lead)
        if not lead_admin.has_write_permission(request) or request.method not in ("GET", "HEAD"):
            raise refuse(Scope.WRITE)
        try:
            found = lead_admin.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            return HttpResponse("These filters cannot be read", status=400, content_type="text/plain; charset=utf-8")
        mine = Lead.objects.worked_by(access(request))
        many = count_of(found.filter(pk__in=mine.values("pk")) if sees_all(request) else found)
        return HttpResponse(f"Select all {many:,} that match", content_type="text/plain; charset=utf-8")

    @requires_fresh
    def file(self, request: HttpRequest, job_id: Any) -> HttpResponseBase:
        return file_of(request, self._job(request, str(job_id)))

    def _job(self, request: HttpRequest, key: str) -> BulkJob:
        job = self.get_queryset(request).filter(pk=key).first() if is_id(key) else None
        if job is None:
            raise Http404("There is no such bulk job.")
        found: BulkJob = job
        return found

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Its page; `part` in the address: what moves of it. Posted: `do` says whether to stop or to undo it."""
        job = self._job(request, unquote(object_id))
        if request.method == "POST":
            self._act(request, job)
            return HttpResponseRedirect(reverse("admin:leads_bulkjob_change", args=[job.pk]))
        template = "admin/leads/bulkjob/live.html" if "part" in request.GET else "admin/leads/bulkjob/page.html"
        person = access(request)
        own = job.team_id == person.team_id
        return page(
            self, request, template, str(told(words.said(job))),
            job=job, came_of=words.came_of(job), left_out=words.left_out(job), undoing=words.undoing(job),
            why_not_undo=why_not_undo(job, person), may_undo=own and can_undo(job, person) and _may(request, job),
            may_cancel=own and job.status in (Status.QUEUED, Status.RUNNING, Status.ASKING) and _may(request, job),
            has_file=own and job.kind == BulkJob.Kind.EXPORT and job.pieces.exists() and _may(request, job),
            **self.added_context(request, job),
        )  # fmt: skip

    def _act(self, request: HttpRequest, job: BulkJob) -> None:
        if not _may(request, job):
            raise refuse(Scope.WRITE)
        do = {"cancel": cancel_bulk, "undo": undo_bulk}.get(request.POST.get("do", ""))
        if do is None:
            raise Http404("There is nothing of this name to do.")
        try:
            do(job=job, by=user_of(request))
        except BulkError as refusal:
            self.message_user(request, str(refusal), messages.ERROR)


def _may(request: HttpRequest, job: BulkJob) -> bool:
    """Stopping and undoing needs what asking for it needs."""
    return kind_of(job.kind).allows(access(request))


def file_of(request: HttpRequest, job: BulkJob) -> StreamingHttpResponse:
    """The leads of an export, as they are now; those that are gone are not in it. Raises PermissionDenied."""
    if job.kind != BulkJob.Kind.EXPORT or job.team_id != access(request).team_id:
        raise Http404("There is no such file.")
    rows: QuerySet[Lead] = Lead.objects.worked_by(access(request)).filter(pk__in=lead_ids_of(job).values("pk"))
    layout = Layout(format=Format(job.arguments["format"]), time_zone=user_of(request).time_zone)
    buckets = list(rows.order_by().values_list("bucket_id", "bucket__name").distinct()[:2])
    of_one: dict[str, Any] = {"bucket_id": buckets[0][0], "name": buckets[0][1]} if len(buckets) == 1 else {}
    return export_answer(request, rows, layout=layout, filters=job.filters, **of_one)
