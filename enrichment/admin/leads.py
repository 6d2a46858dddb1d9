"""A lead's page shows the runs it was in."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from common.admin_extensions import Extension
from enrichment.admin import lead_enrich
from enrichment.models import RunItem
from integrations.models import Budget
from integrations.vendors.errors import failure_in_words
from leads.models import Lead
from leads.selectors import rows_of

RUNS = 10  # latest


def context(request: HttpRequest, lead: Lead) -> dict[str, Any]:
    """The latest runs the lead was in, or one that is merged into it, with what each has spent."""
    items = list(RunItem.objects.filter(lead__in=rows_of(lead)).select_related("run").order_by("-pk")[:RUNS])
    scopes = [item.run.budget_scope for item in items]
    spent = dict(Budget.objects.filter(scope__in=scopes).values_list("scope", "spent"))
    runs = [
        {
            "item": item,
            "run": item.run,
            "spent": spent.get(item.run.budget_scope),
            "why": failure_in_words(item.category),
        }
        for item in items
    ]
    return {"runs": runs, **lead_enrich.context(request, lead)}


EXTENSION = Extension(context=context, urls=lead_enrich.urls, acts=lead_enrich.ACTS)
