"""The price of a bulk job that enriches exactly its leads, bucket by bucket; its button buys for that price."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import path, reverse

from accounts.access import Scope, access
from common.admin import confirmed, dressed, page
from common.admin_extensions import Extension
from common.admin_teams import demand
from common.db.ids import uuid7
from common.forms import BoxField
from enrichment.admin.forms import StartForm
from enrichment.bulk.enriching import Price, price_of, start_runs_of
from enrichment.models import Run
from enrichment.options import RunOptions
from enrichment.quoting.quotes import finishes_in_words, limits_in_words
from enrichment.quoting.reach_estimate import reachable_in_words
from enrichment.services import RunError
from leads.bulk.kinds import BulkError
from leads.models import BulkJob


class BulkEnrichForm(StartForm):
    """Whose contacts, and the most each bucket's job may spend."""

    limit = None  # type: ignore[assignment]  # Django's way to leave a field out
    skip_trace = BoxField(required=False, initial=True, help_text="Phones and e-mails too")
    field_order = ("skip_trace", "max_cost")

    def options(self) -> RunOptions:
        return RunOptions(skip_trace=self.cleaned_data["skip_trace"], max_cost=self.cleaned_data["max_cost"])


def urls(model_admin: Any) -> list[Any]:
    """`model_admin` is the bulk jobs'."""

    def view(request: HttpRequest, job_id: UUID) -> HttpResponse:
        demand(request, Scope.BUY)
        return _enrich(model_admin, request, job_id)

    inside: Any = model_admin.admin_site.admin_view(view)
    return [path("<uuid:job_id>/enrich/", inside, name="leads_bulkjob_enrich")]


def _enrich(model_admin: Any, request: HttpRequest, job_id: UUID) -> HttpResponse:
    """A GET quotes what its address asks for; a POST buys what was quoted, and nothing else. Pressed twice it buys
    once: the job is decided by the first.
    """
    job = BulkJob.objects.worked_by(access(request)).filter(pk=job_id, kind=BulkJob.Kind.ENRICH).first()
    if job is None:
        raise Http404("There is no such bulk job.")
    here = reverse("admin:leads_bulkjob_enrich", args=[job.pk])
    if request.method == "POST" and confirmed(request):
        form = BulkEnrichForm(request.POST)
        if form.is_valid() and _bought(model_admin, request, job, form):
            return HttpResponseRedirect(reverse("admin:leads_bulkjob_change", args=[job.pk]))
    elif request.method == "POST":
        form = BulkEnrichForm(request.POST)
    else:
        data = request.GET.copy()
        if "look" not in data:
            data["skip_trace"] = "on"
        data["quoted"], data["once"] = "-", str(uuid7())
        form = BulkEnrichForm(data)
    if job.status != BulkJob.Status.ASKING:
        _say_decided(model_admin, request, job)
        return HttpResponseRedirect(reverse("admin:leads_bulkjob_change", args=[job.pk]))
    return _page(model_admin, request, form, _price(job, request, form), here)


def _bought(model_admin: Any, request: HttpRequest, job: BulkJob, form: BulkEnrichForm) -> bool:
    mark = form.cleaned_data["quoted"]
    try:
        _, made = start_runs_of(job, access=access(request), options=form.options(), mark=mark)
    except (BulkError, RunError) as refusal:
        if job.status == BulkJob.Status.ASKING:  # else what it was decided to is said
            model_admin.message_user(request, str(refusal), messages.WARNING)
        return False
    if not made:
        _say_decided(model_admin, request, job)
    return True


def _say_decided(model_admin: Any, request: HttpRequest, job: BulkJob) -> None:
    is_started = job.status == BulkJob.Status.COMPLETED
    words = "It was started already: nothing is bought twice." if is_started else "It was cancelled: nothing is bought."
    model_admin.message_user(request, words, messages.INFO)


def _price(job: BulkJob, request: HttpRequest, form: BulkEnrichForm) -> Price | None:
    try:
        return price_of(job, access(request), form.options()) if form.is_valid() else None
    except (BulkError, RunError, ValueError) as refusal:
        form.add_error(None, str(refusal))
        return None


def _page(model_admin: Any, request: HttpRequest, form: BulkEnrichForm, price: Price | None, here: str) -> HttpResponse:
    data = cast(QueryDict, form.data).copy()
    data["quoted"] = price.mark if price else "-"
    form.data = data
    quotes = [
        {
            "bucket": bucket,
            "price": part,
            "reachable": part.reachable and reachable_in_words(part.reachable),
            "finishes": finishes_in_words(part),
            "limits": limits_in_words(part),
        }
        for bucket, part in (price.parts if price else [])
    ]
    template = "admin/quote_price.html" if "part" in request.GET else "admin/quote.html"
    return page(
        model_admin, request, template, "Enrich these leads",
        form=dressed(form), plain=form.visible_fields(), groups=[], quotes=quotes,
        price=price.at_most if price else 0, leads=price.leads if price else 0,
        rows=[bucket for bucket, _ in (price.parts if price else [])], here=here,
        verb="Enrich", back=reverse("admin:leads_lead_changelist"),
    )  # fmt: skip


def _context(_request: HttpRequest, job: Any) -> dict[str, Any]:
    """Of such a job's page: the runs that it has started, or the way to its price."""
    if job.kind != BulkJob.Kind.ENRICH:
        return {}
    runs = Run.objects.filter(pk__in=job.arguments.get("runs", [])).order_by("pk")
    return {"runs": list(runs), "may_ask": job.status == BulkJob.Status.ASKING}


EXTENSION = Extension(urls=urls, context=_context)
