"""A lead's page shows the runs it was in."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from common.admin_extensions import Extension
from enrichment.admin import lead_enrich
from enrichment.models import RunItem
from enrichment.worker.billing_check import waits_for_check
from integrations.models import Balance, VendorCall
from integrations.vendors.errors import failure_in_words
from leads.models import Lead
from leads.selectors import rows_of

RUNS = 10  # latest
CHECK = "needs a billing check: nothing is bought again before it is decided"


def context(request: HttpRequest, lead: Lead) -> dict[str, Any]:
    """The latest runs the lead was in, or one that is merged into it, with what each has spent."""
    items = list(RunItem.objects.filter(lead__in=rows_of(lead)).select_related("run").order_by("-pk")[:RUNS])
    scopes = [item.run.budget_scope for item in items]
    spent = dict(Balance.objects.filter(scope__in=scopes).values_list("scope", "spent"))
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
    checked: QuerySet[Any] = rows.annotate(needs_check=waits_for_check())
    return checked


EXTENSION = Extension(context=context, rows=with_check, urls=lead_enrich.urls, acts=lead_enrich.ACTS)
