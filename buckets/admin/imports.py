"""A CSV of one's own made leads: upload, the columns, the progress, undoing. All of it is free.

The file is the team's: phones in it are masked for who may not see contacts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.http import content_disposition_header
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST

from accounts.access import Scope, access
from accounts.selectors import user_of
from buckets.admin.fills import InBucket
from buckets.admin.import_forms import LABELS, ColumnsForm, UploadForm
from buckets.imports import services
from buckets.imports.columns import FIELDS, BadMapping
from buckets.imports.preview import Preview
from buckets.imports.reading import NoSuchHeader, Unreadable
from buckets.imports.selectors import failed_lines
from buckets.imports.showing import record_shown_rows
from buckets.models import Import
from buckets.services import BucketGone
from common.admin import Empty, ask, confirmed, is_id, page
from common.admin_teams import TeamAdmin, demand, refuse
from common.contact_access import MASKED, masked, masked_text, told
from common.values.percent import percent
from leads.admin.base import may_export
from leads.fields.definitions import fields_of
from leads.selection.disclosures import Via, record_rows
from leads.selection.export import in_pieces

Status = Import.Status
OPEN = (Status.QUEUED, Status.RUNNING, Status.UNDOING)
KEPT = {  # in the words of the progress page
    "bought": "data was purchased for them",
    "inRun": "they are in an enrichment job",
    "worked": "somebody has worked on them",
    "edited": "somebody has edited them",
    "moved": "they were moved to another bucket",
    "changed": "what this file updated was changed again since",
}


@admin.register(Import)
class ImportAdmin(TeamAdmin):
    """Files that people brought: how far, and what became of their rows."""

    empty = Empty("Imports are the files you upload: each row becomes a lead.", "Import leads", "buckets_import_add")
    team = "bucket__team"
    adds = Scope.WRITE
    list_display = (
        "file_name",
        "bucket",
        "status",
        "read",
        "new",
        "already_there",
        "updated",
        "skipped",
        "failed",
        "removed",
        "created_at",
    )
    list_select_related = ("bucket",)
    list_filter = (InBucket, "status")
    search_fields: ClassVar[Any] = ("file_name", "=id")

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
        demand(request, Scope.WRITE)
        if request.method != "POST":
            return self._upload_page(request, UploadForm(by=access(request), bucket=request.GET.get("bucket", "")))
        form = UploadForm(request.POST, request.FILES, by=access(request))
        if form.is_valid():
            wishes = form.cleaned_data
            try:
                job = services.upload_once(
                    by=user_of(request),
                    team_id=access(request).team_id,
                    press=wishes["once"],
                    file=wishes["file"].file,
                    name=wishes["file"].name,
                    bucket=wishes["bucket"],
                    new_name=wishes["name"],
                    header_row=wishes["header_row"],
                )
            except NoSuchHeader as error:
                form.add_error("header_row", str(error))
            except Unreadable as error:
                form.add_error("file", str(error))
            except BucketGone:
                form.add_error("bucket", "This bucket was just deleted. Choose another.")
            else:
                return _to(job)
        return self._upload_page(request, form)

    def _upload_page(self, request: HttpRequest, form: UploadForm) -> TemplateResponse:
        latest = self.worked(request, Import.objects.all()).select_related("bucket").order_by("-pk")[:5]
        shown = {"form": form, "most": settings.IMPORT_BYTES_MAX, "latest": latest, "opts": None}
        return page(self, request, "admin/imports/upload.html", "Import leads", **shown)

    # --- Columns --------------------------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        job = self._job(request, object_id)
        may_work = self._may(request, Scope.WRITE, job)
        if job.status != Status.UPLOADED or not may_work:
            shown = {"job": job, "progress": Progress.of(job), "may_work": may_work}
            return page(self, request, "admin/imports/import.html", told(job.file_name), **shown)
        return self._columns_page(request, job)

    def _form(self, job: Import, request: HttpRequest) -> ColumnsForm:
        """Its cells are shown to who may see contacts: any column may hold a phone."""
        known = access(request).can(Scope.CONTACTS)
        examples = services.examples(job) if known else [() for _ in job.columns]
        return ColumnsForm(request.POST if request.method == "POST" else None, job=job, examples=examples)

    def _columns_page(self, request: HttpRequest, job: Import, trouble: str = "") -> HttpResponse:
        contacts, form = self._shows_rows(request, job), self._form(job, request)
        seen = {"trouble": trouble} if trouble else _seen(job, contacts=contacts)
        return page(self, request, "admin/imports/columns.html", told(job.file_name), job=job, form=form, **seen)

    def _shows_rows(self, request: HttpRequest, job: Import) -> bool:
        """Whether the answer has the file's rows in full; that is recorded."""
        if not access(request).can(Scope.CONTACTS):
            return False
        record_shown_rows(job, by=user_of(request), via=Via.ADMIN)
        return True

    def preview(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        """Keeps what the form says, and shows what the first rows become, as a piece of the page."""
        demand(request, Scope.WRITE)
        job = self._job(request, import_id)
        header = job.header_row
        try:
            job = self._choose(request, job)
            seen = _seen(job, contacts=self._shows_rows(request, job))
        except BadMapping as error:
            seen = {"trouble": error.message}
        except NoSuchHeader as error:
            seen = {"trouble": f"Header row: {error}"}
        except services.NotAtThisStage as error:
            seen = {"trouble": str(error), "over": True}
        response = TemplateResponse(request, "admin/imports/preview.html", {"job": job, **seen})
        if job.header_row != header:
            response["HX-Refresh"] = "true"  # the choices of every field are other columns now
        return response

    def _choose(self, request: HttpRequest, job: Import) -> Import:
        if job.status != Status.UPLOADED:
            raise services.NotAtThisStage("This import has started: its columns can no longer be changed.")
        form = self._form(job, request)
        if not form.is_valid():
            name, errors = next(iter(form.errors.items()))
            raise BadMapping(name, f"{form.fields[name].label}: {errors[0]}")
        update, header_row = form.cleaned_data["update"], form.cleaned_data["header_row"]
        if header_row not in (None, job.header_row):  # what the form says of columns is said of others
            return services.choose(job=job, header_row=header_row, update=update)
        mapping, constants = form.said()
        kept = form.cleaned_data["keep_others"]
        return services.choose(job=job, update=update, mapping=mapping, constants=constants, keep_others=kept)

    def start(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        """Pressed twice, it is one import: the second press finds it started. A failed one goes on."""
        demand(request, Scope.WRITE)
        job = self._job(request, import_id)
        try:
            if job.status != Status.FAILED:
                header = job.header_row
                job = self._choose(request, job)
                if job.header_row != header:
                    self.message_user(request, "The columns were read again: check them.", messages.INFO)
                    return _to(job)
            services.start_import(job=job, by=user_of(request))
        except BadMapping as error:
            return self._columns_page(request, job, error.message)
        except NoSuchHeader as error:
            return self._columns_page(request, job, f"Header row: {error}")
        except services.NotAtThisStage:
            self.message_user(request, "This import has already started.", messages.INFO)
        return _to(job)

    # --- Progress -------------------------------------------------------------------------------------------------

    def progress(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        """How far it is, as a piece of a page that asks again every two seconds until it is done."""
        job = self._job(request, import_id)
        shown = {"job": job, "progress": Progress.of(job), "may_work": self._may(request, Scope.WRITE, job)}
        return TemplateResponse(request, "admin/imports/progress.html", shown)

    def failed_rows(self, request: HttpRequest, import_id: UUID) -> StreamingHttpResponse:
        job = self._job(request, import_id)
        demand(request, Scope.EXPORT, job.bucket.team_id)  # the file's own rows, phones and e-mails too
        if not may_export(request):
            raise refuse(Scope.CONTACTS)
        team = job.bucket.team_id
        record_rows(job, by=user_of(request), via=Via.ADMIN, page="failed-rows", rows=job.failed, team_id=team)
        lines = in_pieces(failed_lines(job))
        named = content_disposition_header(as_attachment=True, filename="failed-rows.csv") or "attachment"
        headers = {"Content-Disposition": named, "Cache-Control": "no-store"}
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)

    def undo(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        job = self._job(request, import_id)
        demand(request, Scope.WRITE, job.bucket.team_id)
        if request.method == "POST" and confirmed(request):
            try:
                services.undo_import(job=job, by=user_of(request))
            except services.NotAtThisStage as refusal:
                self.message_user(request, str(refusal), messages.INFO)
            return _to(job)
        back = reverse("admin:buckets_import_change", args=[job.pk])
        if job.status == Status.UPLOADED:
            lines = ["Nothing was saved from this file yet. The file is discarded; the bucket stays."]
            title, button = f"Discard {told(job.file_name)}?", "Discard the file"
        else:
            lines = [
                f"The leads that this file added to “{job.bucket}” are deleted: {job.new:,} so far.",
                "Leads are kept that somebody has worked on or edited, that are in an enrichment job, or that have "
                "purchased data. You will see how many.",
                _of_those_there(job),
            ]
            title, button = f"Undo the import of {told(job.file_name)}?", "Undo the import"
        return ask(self, request, [], title=title, lines=lines, button=button, back=back)


def _of_those_there(job: Import) -> str:
    if not job.update:
        return "Leads that were there before this file are not touched. An import that is still running stops first."
    return (
        f"What it updated of leads that were there ({job.updated:,} rows so far) is changed back where it is still as "
        "this file left it; do-not-call marks stay. An import that is still running stops first."
    )


def _to(job: Import) -> HttpResponse:
    return redirect("admin:buckets_import_change", job.pk)


def _seen(job: Import, *, contacts: bool) -> dict[str, Any]:
    """What the preview shows: the first rows as they would be saved, and the warnings. contacts: in full."""
    try:
        preview = services.preview_of(job)
    except BadMapping as error:
        return {"trouble": error.message}
    names = {one.key: str(one) for one in fields_of(job.bucket.team_id, retired=True)}
    heads, rows = _table(preview, names, contacts=contacts)
    whole = preview.rows >= job.total
    return {
        "preview": preview,
        "heads": heads,
        "rows": rows,
        "whole": whole,
        "count": preview.usable if whole else job.total,
    }


def _table(
    preview: Preview, names: Mapping[str, str], *, contacts: bool
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    filled = {name for _, lead in preview.first for name in lead.facts}
    shown = [(column, LABELS[field]) for field, column in FIELDS.items() if column in filled]
    extras = {"tags": "tags", "status": "status", "status_label": "statusLabel", "notes": "notes"}
    shown += [(name, LABELS[field]) for name, field in extras.items() if name in filled]
    shown += [("custom", "Custom fields")] if "custom" in filled and contacts else []
    shown += [("data", "Other columns")] if "data" in filled and contacts else []
    own = {"custom": names}  # the columns of a file have names already
    rows = [
        (
            line,
            [
                _cell(lead.facts.get(str(column), ""), "" if contacts else str(column), own.get(str(column), {}))
                for column, _ in shown
            ],
        )
        for line, lead in preview.first
    ]
    return [label for _, label in shown], rows


def _cell(value: object, hidden_as: str, names: Mapping[str, str]) -> str:
    """hidden_as: the column, where phones and e-mails are masked; else empty. names: what its keys are called."""
    value = masked(hidden_as, value)
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    if isinstance(value, dict):
        value = "; ".join(f"{names.get(name, name)}: {text}" for name, text in value.items())
    text = ("Yes" if value else "No") if isinstance(value, bool) else str(value)
    return masked_text(text) if hidden_as and hidden_as not in MASKED else text


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
        kept_new = sum(count for reason, count in job.kept.items() if reason != "changed")
        done, goal = (job.removed + kept_new, job.new) if undoing else (job.read, job.total)
        return cls(job.status in OPEN, percent(done, goal), kept)
