"""What is known of do-not-call for leads that a page shows: as the filter `doNotCall` and the file's column say it."""

from __future__ import annotations

from typing import Any

from django.db.models import BooleanField, Case, Q, Value, When

from leads import registries
from leads.models import Lead
from leads.querysets import dnc


def with_dnc(leads: list[Any]) -> list[Any]:
    """These leads, each with `dnc` (of `querysets.dnc`) and `is_suppressed`: one query."""
    judge = registries.judge()
    suppressed = judge.suppressed() if judge else Q(pk__in=[])
    told = Lead.every.filter(pk__in=[lead.pk for lead in leads]).annotate(
        dnc=dnc(),
        is_suppressed=Case(When(suppressed, then=True), default=Value(value=False), output_field=BooleanField()),
    )
    found = {pk: said for pk, *said in told.values_list("pk", "dnc", "is_suppressed")} if leads else {}
    for lead in leads:
        lead.dnc, lead.is_suppressed = found.get(lead.pk, (None, False))
    return leads
