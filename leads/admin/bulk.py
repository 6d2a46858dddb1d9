"""What is done to many leads of the list: those checked, or all that its filters and search find."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html

from accounts.access import access
from accounts.fresh import confirm_first, is_fresh
from accounts.services import KeyConflict
from common.admin import Base, ask, confirmed
from common.asking import OURS, asked_at, asks, is_across, is_again, is_question, may_ask
from common.db.ids import uuid7
from leads.admin.base import may_export
from leads.admin.bulk_forms import (
    AssignForm,
    BucketForm,
    BulkForm,
    DeleteForm,
    DoNotContactForm,
    FieldForm,
    FinalForm,
    NoteForm,
    StatusForm,
    TagForm,
)
from leads.admin.bulk_jobs import file_of
from leads.admin.filters import fields_of_list
from leads.bulk import words
from leads.bulk.kinds import BulkError, kind_of
from leads.bulk.services import can_undo, count_of, job_of_press, start_bulk
from leads.models import BulkJob

ACTIONS = (
    "status", "tag", "untag", "field", "assign", "note", "enrich", "move", "copy", "export", "export_xlsx",
    "do_not_contact", "delete",
)  # fmt: skip
NONE = "No lead that you may change is among these: nothing was done."
PLACES = ("after", "before", "sort", "view", "size", *OURS)  # of the list's address: no filters


class BulkActions(Base):
    """The actions of the list of leads, beside its admin: each is a job (`leads.bulk`)."""

    @admin.action(description="Change status …", permissions=["write"])
    @asks
    def status(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return _asked(self, request, queryset, "status", StatusForm, "Change status", "Change status")

    @admin.action(description="Add a tag …", permissions=["write"])
    @asks
    def tag(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return _asked(self, request, queryset, "tag", TagForm, "Add a tag", "Add tag")

    @admin.action(description="Remove a tag …", permissions=["write"])
    @asks
    def untag(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return _asked(self, request, queryset, "untag", TagForm, "Remove a tag", "Remove tag")

    @admin.action(description="Set a custom field …", permissions=["field"])
    @asks
    def field(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return _asked(self, request, queryset, "field", FieldForm, "Set a custom field", "Set the field")

    @admin.action(description="Assign …", permissions=["assign"])
    @asks
    def assign(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return _asked(self, request, queryset, "assign", AssignForm, "Assign leads", "Assign")

    @admin.action(description="Log activity …", permissions=["write"])
    @asks
    def note(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return _asked(self, request, queryset, "activity", NoteForm, "Log activity", "Log activity")

    @admin.action(description="Enrich …", permissions=["buy"])
    def enrich(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Nothing is bought here: the leads are written down, and the next page has their price."""
        job = _started(self, request, queryset, "enrich", {}, expect=None, press=str(uuid7()))
        return HttpResponseRedirect(reverse("admin:leads_bulkjob_enrich", args=[job.pk])) if job else None

    @admin.action(description="Move to a bucket …", permissions=["assign"])
    @asks
    def move(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return _asked(self, request, queryset, "move", BucketForm, "Move to a bucket", "Move")

    @admin.action(description="Copy to a bucket …", permissions=["assign"])
    @asks
    def copy(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return _asked(self, request, queryset, "copy", BucketForm, "Copy to a bucket", "Copy")

    @admin.action(description="Export selected (CSV)", permissions=["export"])
    @may_ask
    def export(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase | None:
        return self._export(request, queryset, "csv")

    @admin.action(description="Export selected (Excel)", permissions=["export"])
    @may_ask
    def export_xlsx(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase | None:
        return self._export(request, queryset, "xlsx")

    def _export(self, request: HttpRequest, queryset: QuerySet[Any], of_format: str) -> HttpResponseBase | None:
        """With a fresh proof of who she is; who has to give it first comes back to the leads that she had chosen."""
        if not is_fresh(request):
            asked = asked_at(self, request, queryset)
            return confirm_first(request, back=asked["Location"]) if asked is not None else None
        if is_question(request):
            count, across = count_of(queryset), is_across(request)
            form = BulkForm(access=access(request), count=count, across=across)
            return _page(self, request, queryset, "export", form, "Export leads", "Export", count)
        said = {"format": of_format}
        job = _started(self, request, queryset, "export", said, expect=None, press=str(uuid7()))
        return file_of(request, job) if job else None

    @admin.action(description="Do not contact …", permissions=["write"])
    @asks
    def do_not_contact(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return _asked(self, request, queryset, "doNotContact", DoNotContactForm, "Do not contact", "Do not contact")

    @admin.action(description="Delete …", permissions=["manage"])
    @asks
    def delete(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return _asked(self, request, queryset, "delete", DeleteForm, "Delete leads?", "Delete")

    def has_field_permission(self, request: HttpRequest) -> bool:
        """Where her team has any."""
        of_list: Any = self
        return of_list.has_write_permission(request) and bool(fields_of_list(request))

    def has_export_permission(self, request: HttpRequest) -> bool:
        return may_export(request)


def _asked(
    model_admin: Any,
    request: HttpRequest,
    queryset: QuerySet[Any],
    kind: str,
    form_class: type[BulkForm],
    title: str,
    button: str,
) -> HttpResponse | None:
    """The pages in between, until all is said; then the job. Its page comes next where it is still at work.

    The count that the page shows goes along: where other leads match by the time of the press, it is asked anew.
    """
    count, across = count_of(queryset), is_across(request)
    others = confirmed(request) and request.POST.get("expect") != str(count)
    if others and (done := job_of_press(access(request), request.POST.get("once", ""))):
        return _told(model_admin, request, done)  # a second press, whose leads the first has moved off the list
    if not count:
        model_admin.message_user(request, NONE, messages.ERROR)
        return None
    options: dict[str, Any] = {"access": access(request), "count": count, "across": across}
    again = is_again(request)
    if issubclass(form_class, FinalForm):
        options["again"] = again
        button = f"{button} for good" if again else "Continue"
    form = form_class(request.POST if confirmed(request) else None, **options)
    if not form.is_valid():
        return _page(model_admin, request, queryset, kind, form, title, button, count)
    data = form.cleaned_data
    if data["expect"] not in (None, count):
        words_ = f"{_leads(data['expect'])} were shown, and these are {count:,} now: nothing was done. Confirm again."
        model_admin.message_user(request, words_, messages.WARNING)
        return asked_at(model_admin, request, queryset)
    if isinstance(form, FinalForm) and not again:
        return asked_at(model_admin, request, queryset, again=True)
    job = _started(
        model_admin, request, queryset, kind, form.arguments(), expect=count, press=str(data["once"] or uuid7())
    )
    return _told(model_admin, request, job) if job else None


def _told(model_admin: Any, request: HttpRequest, job: BulkJob) -> HttpResponse | None:
    if job.is_at_work:
        return HttpResponseRedirect(reverse("admin:leads_bulkjob_change", args=[job.pk]))
    model_admin.message_user(request, _said(job), messages.SUCCESS if not job.error else messages.ERROR)
    return None


def _page(
    model_admin: Any,
    request: HttpRequest,
    queryset: QuerySet[Any],
    kind: str,
    form: BulkForm,
    title: str,
    button: str,
    count: int,
) -> HttpResponse:
    """Of all that match one lead is named: Django takes an action for none where no box is checked."""
    lines = [f"All {_leads(count)} that match the list’s filters" if is_across(request) else _leads(count)]
    final = kind_of(kind).final
    rows: Sequence[Any] = list(queryset[:1] if is_across(request) else queryset)
    lines += [final] if final else []
    return ask(model_admin, request, rows, title=title, lines=lines, button=button, form=form, is_free=True)


def _started(
    model_admin: Any,
    request: HttpRequest,
    queryset: QuerySet[Any],
    kind: str,
    arguments: dict[str, Any],
    *,
    expect: int | None,
    press: str,
) -> BulkJob | None:
    """None, with words to the person: it was refused."""
    filters = [name for name in request.GET if name not in PLACES] or ["view"] if is_across(request) else []
    try:
        return start_bulk(
            access=access(request), kind=kind, leads=lambda: queryset, arguments=arguments, filters=filters,
            expect=expect, press=press,
        )[0]  # fmt: skip
    except BulkError as refusal:
        model_admin.message_user(request, str(refusal), messages.ERROR)
    except KeyConflict:
        model_admin.message_user(request, "This page was sent before, with other words.", messages.ERROR)
    return None


def _said(job: BulkJob) -> Any:
    """What came of it, with the way to its page."""
    address = reverse("admin:leads_bulkjob_change", args=[job.pk])
    rest = "; ".join(words.left_out(job))
    told = " ".join([words.came_of(job), *([f"{rest}."] if rest else []), *([job.error] if job.error else [])])
    return format_html('{} <a href="{}">{}</a>', told, address, "Undo …" if can_undo(job) else "Details")


def _leads(count: int) -> str:
    return f"{count:,} {'lead' if count == 1 else 'leads'}"
