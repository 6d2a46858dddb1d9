"""A CSV of one's own made leads: upload, the columns, the progress, undoing. All of it is free.

The file and what is shown of it are the person's own, and only theirs: phones in it are not masked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.http import content_disposition_header
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST

from accounts.selectors import user_of
from buckets.admin.fills import InBucket
from buckets.admin.import_forms import LABELS, ColumnsForm, UploadForm
from buckets.imports import services
from buckets.imports.columns import FIELDS, BadMapping
from buckets.imports.preview import Preview
from buckets.imports.reading import Unreadable
from buckets.imports.selectors import failed_lines
from buckets.models import Import
from buckets.services import BucketGone
from common.admin import Empty, OwnedAdmin, ask, confirmed, is_id, page
from common.values.percent import percent
from leads.selection.export import in_pieces

Status = Import.Status
OPEN = (Status.QUEUED, Status.RUNNING, Status.UNDOING)
KEPT = {  # in the words of the progress page
    "bought": "data was purchased for them",
    "inRun": "they are in an enrichment job",
    "worked": "somebody has worked on them",
    "edited": "somebody has edited them",
}


@admin.register(Import)
class ImportAdmin(OwnedAdmin):
    """Files that people brought: how far, and what became of their rows."""

    empty = Empty("Imports are the files you upload: each row becomes a lead.", "Import leads", "buckets_import_add")
    owner = "bucket__owner"
    list_display = (
        "file_name",
        "bucket",
        "status",
        "read",
        "new",
        "already_there",
        "skipped",
        "failed",
        "removed",
        "created_at",
    )
    list_select_related = ("bucket",)
    list_filter = (InBucket, "status")
    search_fields: ClassVar[Any] = ("file_name", "=id")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._works_here(request)

    def get_urls(self) -> Any:
        def view(route: str, name: str, of: Callable[..., HttpResponseBase]) -> Any:
            inside: Any = self.admin_site.admin_view(of)
            return path(route, inside, name=f"buckets_import_{name}")

        return [
            # The token stands in the body: a file is taken to the disk only after the person's session was looked at.
            view("add/", "add", csrf_exempt(csrf_protect(self.upload))),
            view("<uuid:import_id>/preview/", "preview", require_POST(self.preview)),
            view("<uuid:import_id>/start/", "start", require_POST(self.start)),
            view("<uuid:import_id>/progress/", "progress", require_GET(self.progress)),
            view("<uuid:import_id>/failed/", "failed", require_GET(self.failed_rows)),
            view("<uuid:import_id>/undo/", "undo", self.undo),
            *super().get_urls(),
        ]

    def _job(self, request: HttpRequest, import_id: UUID | str) -> Import:
        seen = self.get_queryset(request).select_related("bucket")
        job = seen.filter(pk=import_id).first() if is_id(str(import_id)) else None
        if job is None:
            raise Http404("There is no such import.")
        found: Import = job
        return found

    # --- Upload ---------------------------------------------------------------------------------------------------

    def upload(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return self._upload_page(request, UploadForm(by=user_of(request), bucket=request.GET.get("bucket", "")))
        form = UploadForm(request.POST, request.FILES, by=user_of(request))
        if form.is_valid():
            wishes = form.cleaned_data
            try:
                job = services.upload_once(
                    by=user_of(request),
                    press=wishes["once"],
                    file=wishes["file"].file,
                    name=wishes["file"].name,
                    bucket=wishes["bucket"],
                    new_name=wishes["name"],
                )
            except Unreadable as error:
                form.add_error("file", str(error))
            except BucketGone:
                form.add_error("bucket", "This bucket was just deleted. Choose another.")
            else:
                return _to(job)
        return self._upload_page(request, form)

    def _upload_page(self, request: HttpRequest, form: UploadForm) -> TemplateResponse:
        latest = self.get_queryset(request).select_related("bucket").order_by("-pk")[:5]
        shown = {"form": form, "most": settings.IMPORT_BYTES_MAX, "latest": latest, "opts": None}
        return page(self, request, "admin/imports/upload.html", "Import leads", **shown)

    # --- Columns --------------------------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        job = self._job(request, object_id)
        if job.status != Status.UPLOADED:
            return page(self, request, "admin/imports/import.html", job.file_name, job=job, progress=Progress.of(job))
        return self._columns_page(request, job, self._form(job))

    def _form(self, job: Import, request: HttpRequest | None = None) -> ColumnsForm:
        return ColumnsForm(request.POST if request else None, job=job, examples=services.examples(job))

    def _columns_page(self, request: HttpRequest, job: Import, form: ColumnsForm, trouble: str = "") -> HttpResponse:
        seen = {"trouble": trouble} if trouble else _seen(job)
        return page(self, request, "admin/imports/columns.html", job.file_name, job=job, form=form, **seen)

    def preview(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        """Keeps what the form says, and shows what the first rows become, as a piece of the page."""
        job = self._job(request, import_id)
        try:
            seen = _seen(self._choose(request, job))
        except BadMapping as error:
            seen = {"trouble": error.message}
        except services.NotAtThisStage as error:
            seen = {"trouble": str(error), "over": True}
        return TemplateResponse(request, "admin/imports/preview.html", {"job": job, **seen})

    def _choose(self, request: HttpRequest, job: Import) -> Import:
        if job.status != Status.UPLOADED:
            raise services.NotAtThisStage("This import has started: its columns can no longer be changed.")
        form = self._form(job, request)
        if not form.is_valid():
            name, errors = next(iter(form.errors.items()))
            raise BadMapping(name, f"{form.fields[name].label}: {errors[0]}")
        mapping, constants = form.said()
        return services.choose_columns(job=job, mapping=mapping, constants=constants)

    def start(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        """Pressed twice, it is one import: the second press finds it started. A failed one goes on."""
        job = self._job(request, import_id)
        try:
            if job.status != Status.FAILED:
                job = self._choose(request, job)
            services.start_import(job=job)
        except BadMapping as error:
            return self._columns_page(request, job, self._form(job, request), error.message)
        except services.NotAtThisStage:
            self.message_user(request, "This import has already started.", messages.INFO)
        return _to(job)

    # --- Progress -------------------------------------------------------------------------------------------------

    def progress(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        """How far it is, as a piece of a page that asks again every two seconds until it is done."""
        job = self._job(request, import_id)
        return TemplateResponse(request, "admin/imports/progress.html", {"job": job, "progress": Progress.of(job)})

    def failed_rows(self, request: HttpRequest, import_id: UUID) -> StreamingHttpResponse:
        lines = in_pieces(failed_lines(self._job(request, import_id)))
        named = content_disposition_header(as_attachment=True, filename="failed-rows.csv") or "attachment"
        headers = {"Content-Disposition": named, "Cache-Control": "no-store"}
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)

    def undo(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        job = self._job(request, import_id)
        if request.method == "POST" and confirmed(request):
            try:
                services.undo_import(job=job)
            except services.NotAtThisStage as refusal:
                self.message_user(request, str(refusal), messages.INFO)
            return _to(job)
        back = reverse("admin:buckets_import_change", args=[job.pk])
        if job.status == Status.UPLOADED:
            lines = ["Nothing was saved from this file yet. The file is discarded; the bucket stays."]
            title, button = f"Discard {job.file_name}?", "Discard the file"
        else:
            lines = [
                f"The leads that this file added to “{job.bucket}” are deleted: {job.new:,} so far.",
                "Leads are kept that somebody has worked on or edited, that are in an enrichment job, or that have "
                "purchased data. You will see how many.",
                "Leads that were there before this file are not touched. An import that is still running stops first.",
            ]
            title, button = f"Undo the import of {job.file_name}?", "Undo the import"
        return ask(self, request, [], title=title, lines=lines, button=button, back=back)


def _to(job: Import) -> HttpResponse:
    return redirect("admin:buckets_import_change", job.pk)


def _seen(job: Import) -> dict[str, Any]:
    """What the preview shows: the first rows as they would be saved, and the warnings."""
    try:
        preview = services.preview_of(job)
    except BadMapping as error:
        return {"trouble": error.message}
    heads, rows = _table(preview)
    whole = preview.rows >= job.total
    return {
        "preview": preview,
        "heads": heads,
        "rows": rows,
        "whole": whole,
        "count": preview.usable if whole else job.total,
    }


def _table(preview: Preview) -> tuple[list[str], list[tuple[int, list[str]]]]:
    filled = {name for _, lead in preview.first for name in lead.facts}
    shown = [(column, LABELS[field]) for field, column in FIELDS.items() if column in filled]
    rows = [(line, [_cell(lead.facts.get(str(column), "")) for column, _ in shown]) for line, lead in preview.first]
    return [label for _, label in shown], rows


def _cell(value: object) -> str:
    return ("Yes" if value else "No") if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True)
class Progress:
    """What the progress page shows. percent: 0 to 100. kept: (leads, why undoing left them)."""

    open: bool
    percent: int
    kept: list[tuple[int, str]]

    @classmethod
    def of(cls, job: Import) -> Progress:
        kept = [(count, KEPT.get(reason, reason)) for reason, count in sorted(job.kept.items()) if count]
        undoing = job.status in (Status.UNDOING, Status.UNDONE)
        done, goal = (job.removed + sum(job.kept.values()), job.new) if undoing else (job.read, job.total)
        return cls(job.status in OPEN, percent(done, goal), kept)
