"""A lead's page shows the runs it was in; deleting leads, which those runs count."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.selectors import user_of
from common.admin import ask, chosen, confirmed, for_each
from common.admin_extensions import Extension
from common.asking import asks
from enrichment.admin import lead_enrich
from enrichment.models import RunItem
from enrichment.services import RunError
from enrichment.worker.billing_check import waits_for_check
from enrichment.worker.lead_deletion import delete_lead
from integrations.models import Budget, VendorCall
from integrations.vendors.errors import failure_in_words
from leads.models import Lead
from leads.selectors import rows_of

RUNS = 10  # latest
CHECK = "needs a billing check: nothing is bought again before it is decided"


@admin.action(description="Delete …", permissions=["manage"])
@asks
def delete(model_admin: admin.ModelAdmin[Lead], request: HttpRequest, queryset: QuerySet[Lead]) -> HttpResponse | None:
    leads = chosen(model_admin, request, queryset)
    if not leads:
        return None
    if not confirmed(request):
        count = f"{len(leads)} {'lead' if len(leads) == 1 else 'leads'}"
        lines = [
            f"{count}, with their activity and tags.",
            "Enrichment jobs continue without them. Purchased data is kept: other buckets get it for $0.",
        ]
        return ask(model_admin, request, leads, title="Delete leads?", lines=lines, button="Delete", is_free=True)
    model_admin.log_deletions(request, queryset.filter(pk__in=[lead.pk for lead in leads]))
    by = user_of(request)
    for_each(
        model_admin, request, leads, lambda lead: delete_lead(lead=lead, by=by), done="Deleted", refusals=(RunError,)
    )
    return None


def context(request: HttpRequest, lead: Lead) -> dict[str, Any]:
    """The latest runs the lead was in, or one that is merged into it, with what each has spent."""
    items = list(RunItem.objects.filter(lead__in=rows_of(lead)).select_related("run").order_by("-pk")[:RUNS])
    scopes = [item.run.budget_scope for item in items]
    spent = dict(Budget.objects.filter(scope__in=scopes).values_list("scope", "spent"))
    tokens = [item.token for item in items if item.token]
    calls = VendorCall.objects.filter(pk__in=tokens, state=VendorCall.State.IN_DOUBT)
    doubtful = set(calls.values_list("pk", flat=True))
    runs = [
        {
            "item": item,
            "run": item.run,
            "spent": spent.get(item.run.budget_scope),
            "why": CHECK if item.token in doubtful else failure_in_words(item.category),
        }
        for item in items
    ]
    return {"runs": runs, **lead_enrich.context(request, lead)}


def with_check(rows: QuerySet[Any]) -> QuerySet[Any]:
    """What `Lead.data_label` says of a lead whose purchase needs a billing check."""
    return rows.annotate(needs_check=waits_for_check())


EXTENSION = Extension(last=(delete,), context=context, rows=with_check, urls=lead_enrich.urls, acts=lead_enrich.ACTS)
