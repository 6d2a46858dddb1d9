"""Deleting leads. `leads` stands below and knows nothing of the runs that count them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from common.admin import ask, chosen, confirmed, for_each
from enrichment.services import RunError
from enrichment.worker.lead_deletion import delete_lead
from leads.admin import LeadAdmin
from leads.models import Lead

admin.site.unregister(Lead)


@admin.register(Lead)
class DeletableLeadAdmin(LeadAdmin):
    """Leads, and deleting them."""

    actions: Any = (*LeadAdmin.actions, "delete")

    @admin.action(description="Delete …")
    def delete(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        leads = chosen(self, request, queryset)
        if not leads:
            return None
        if not confirmed(request):
            count = f"{len(leads)} {'lead' if len(leads) == 1 else 'leads'}"
            lines = [
                f"{count}, with their activity and tags.",
                "Enrichment jobs continue without them. Purchased data is kept: other buckets get it for $0.",
            ]
            return ask(self, request, leads, title="Delete leads?", lines=lines, button="Delete", is_free=True)
        self.log_deletions(request, queryset.filter(pk__in=[lead.pk for lead in leads]))
        for_each(self, request, leads, lambda lead: delete_lead(lead=lead), done="Deleted", refusals=(RunError,))
        return None
