"""Files of suppressions, consents and registry checks: upload, preview, start, withdraw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST

from accounts.access import access
from accounts.selectors import user_of
from common.admin import Empty, ask, confirmed, is_id, page, sees_all
from common.files.table import Unreadable
from common.values.percent import percent
from leads.admin.permission.base import OpenToTeams, refuse_in
from leads.models import Consent, Suppression, Upload
from leads.permission import importing
from leads.permission.importing import BadUpload, MayNot, NotAtThisStage
from leads.permission.refusals import refused_lines, uploads_seen_by, withdrawable_by
from leads.permission.selling import active_seller

_NAMES = {  # of the form, as the service has them
    "column": "contacts", "type": "type", "channel": "channel", "channel_column": "channelColumn", "scope": "scope",
    "text_column": "textColumn", "date_column": "dateColumn", "source_column": "sourceColumn", "list": "list",
    "san": "san", "version_date": "versionDate", "listed_column": "listedColumn", "acknowledged": "acknowledged",
    "area_codes": "areaCodes",
}  # fmt: skip
_BACK = {inside: name for name, inside in _NAMES.items()} | {"column": "column", "sellerId": "kind", "listed": "listed"}


class UploadForm(forms.Form):
    """What is needed depends on the kind; the service says what is missing."""

    kind = forms.ChoiceField(choices=Upload.Kind.choices, label="What is in it")
    file = forms.FileField(label="File", help_text="A CSV or a list of numbers, of any delimiter and encoding")
    column = forms.CharField(required=False, label="Column of phones or e-mails", help_text="Found if left empty")
    scope = forms.ChoiceField(
        choices=Suppression.Scope.choices, required=False, label="Suppressions: by which channel not"
    )
    type = forms.ChoiceField(
        choices=[("", "–"), *((name, Consent.Type(name).label) for name in importing.IMPORTED)],
        required=False,
        label="Consents: which kind",
    )
    channel = forms.ChoiceField(
        choices=[("", "–"), *Consent.Channel.choices], required=False, label="Consents: channel"
    )
    acknowledged = forms.BooleanField(
        required=False,
        label="Consents: each of these people agreed to hear from this company. Purchased data is no consent.",
    )
    list = forms.CharField(
        required=False, label="Registry check: list", help_text="federal, state:TX, litigator, reassigned"
    )
    version_date = forms.DateField(
        required=False,
        label="Registry check: day of the registry’s file",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    san = forms.CharField(required=False, label="Registry check: subscription account number (SAN)")
    listed = forms.ChoiceField(
        choices=[("", "A column says it"), ("yes", "Every number is on it"), ("no", "No number is on it")],
        required=False,
        label="Registry check: which are listed",
    )
    listed_column = forms.CharField(required=False, label="Registry check: column that says it")
    area_codes = forms.CharField(
        required=False,
        max_length=2000,
        label="Registry check: area codes of which this is the whole list",
        help_text="617, 339: of the national registry’s own file. Your numbers that are not in it count as checked",
    )

    def options(self) -> dict[str, Any]:
        said = {_NAMES[name]: value for name, value in self.cleaned_data.items() if name in _NAMES and value}
        listed = self.cleaned_data["listed"]
        return said | ({"listed": listed == "yes"} if listed else {})


class WithdrawForm(forms.Form):
    reason = forms.CharField(max_length=300, label="Why it was a mistake")


def _count(name: str) -> Callable[[Any], str]:
    @admin.display(description=name, ordering=name)
    def column(job: Upload) -> str:
        return f"{getattr(job, name):,}"

    column.__name__ = name
    return column


@admin.register(Upload)
class UploadAdmin(OpenToTeams):
    """How far each is, and what became of its rows."""

    empty = Empty(
        "Lists are files of phones and e-mails: to suppress, with consents, or from a do-not-call registry.",
        "Upload a list",
        "leads_upload_add",
    )
    list_display = ("file_name", "kind", "status", *map(_count, ("rows", "added", "known", "refused")), "created_at")
    list_filter = ("kind", "status")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Upload.objects.all() if sees_all(request) else uploads_seen_by(access(request))

    def get_urls(self) -> Any:
        inside: Any = self.admin_site.admin_view
        return [
            # The token stands in the body: a file is taken to the disk only after the person's session was looked at.
            path("add/", inside(csrf_exempt(csrf_protect(self.upload))), name="leads_upload_add"),
            path("<uuid:upload_id>/start/", inside(require_POST(self.start)), name="leads_upload_start"),
            path("<uuid:upload_id>/withdraw/", inside(self.withdraw), name="leads_upload_withdraw"),
            path("<uuid:upload_id>/refused/", inside(require_GET(self.refused_rows)), name="leads_upload_refused"),
            *super().get_urls(),
        ]

    def _job(self, request: HttpRequest, upload_id: UUID | str) -> Upload:
        job = self.get_queryset(request).filter(pk=upload_id).first() if is_id(str(upload_id)) else None
        if job is None:
            raise Http404("There is no such list.")
        found: Upload = job
        return found

    def upload(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied("This is for people of a team.")
        form = UploadForm(request.POST, request.FILES) if confirmed(request) else UploadForm()
        if confirmed(request) and form.is_valid():
            job = self._uploaded(request, form)
            if job is not None:
                return redirect("admin:leads_upload_change", job.pk)
        seller = active_seller(access(request).team_id)
        lines = [
            f"At most {filesizeformat(settings.IMPORT_BYTES_MAX)}. Next you see what it concerns; nothing is written "
            "before that.",
            f"Consents and registry checks are of your company, {seller}." if seller else
            "Consents and registry checks need your company: fill in the seller profile first.",
        ]  # fmt: skip
        return ask(self, request, [], title="Upload a list", lines=lines, button="Upload", form=form, is_free=True)

    def _uploaded(self, request: HttpRequest, form: UploadForm) -> Upload | None:
        given, asks = form.cleaned_data, access(request)
        if asks.team_id is None or not importing.may_upload(asks, given["kind"]):
            form.add_error("kind", "Only a manager of the team may bring this file.")
            return None
        seller = active_seller(asks.team_id)
        try:
            return importing.upload(
                kind=given["kind"], team_id=asks.team_id, by=user_of(request), file=given["file"].file,
                name=given["file"].name, options={**form.options(), "seller": seller.pk if seller else None},
            )  # fmt: skip
        except Unreadable as error:
            form.add_error("file", str(error))
        except BadUpload as error:
            error.field = _BACK.get(error.field, error.field)
            refuse_in(form, error)
        return None

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        job = self._job(request, object_id)
        hits, leads = (job.hits, job.leads) if request.user.is_superuser else importing.concerns(job)
        share = percent(hits, leads) if leads else 0
        return page(
            self, request, "admin/lists/list.html", job.file_name, job=job, hits=hits, leads=leads, share=share,
            opts=self.opts,
            examples=job.options.get("examples", ()), is_large=importing.is_large(job),
            may_start=job.status in ("previewed", "failed") and job.pieces.exists()
            and importing.may_upload(access(request), job.kind),
            may_withdraw=self._may_withdraw(request, job), withdrawal=getattr(job, "withdrawal", None),
            is_open=job.status in importing.OPEN,
        )  # fmt: skip

    def _may_withdraw(self, request: HttpRequest, job: Upload) -> bool:
        begun = job.kind == Upload.Kind.SUPPRESSIONS and job.status in ("running", "completed", "failed")
        return begun and not hasattr(job, "withdrawal") and withdrawable_by(access(request), job)

    def start(self, request: HttpRequest, upload_id: UUID) -> HttpResponse:
        job = self._job(request, upload_id)
        if not importing.may_upload(access(request), job.kind):
            raise PermissionDenied("Only a manager of the team may start this file.")
        try:
            importing.start_upload(upload=job, by=user_of(request))
        except (NotAtThisStage, MayNot) as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return redirect("admin:leads_upload_change", job.pk)

    def withdraw(self, request: HttpRequest, upload_id: UUID) -> HttpResponse:
        job = self._job(request, upload_id)
        if not withdrawable_by(access(request), job):
            raise PermissionDenied("Only a manager of the team may withdraw a list.")
        form = WithdrawForm(request.POST if confirmed(request) else None)
        if confirmed(request) and form.is_valid():
            try:
                importing.withdraw(upload=job, reason=form.cleaned_data["reason"], by=user_of(request))
            except (NotAtThisStage, BadUpload) as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            else:
                self.message_user(request, "Withdrawn: its numbers count no longer.", messages.SUCCESS)
            return redirect("admin:leads_upload_change", job.pk)
        lines = ["Its numbers count no longer, unless something else suppresses them. This cannot be undone."]
        back = reverse("admin:leads_upload_change", args=[job.pk])
        return ask(
            self, request, [], title=f"Withdraw {job.file_name}?", lines=lines, button="Withdraw", form=form, back=back,
            is_free=True,
        )  # fmt: skip

    def refused_rows(self, request: HttpRequest, upload_id: UUID) -> StreamingHttpResponse:
        job = self._job(request, upload_id)
        answer = StreamingHttpResponse(refused_lines(job), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = "attachment; filename=refused-rows.csv"
        return answer
