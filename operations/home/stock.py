"""Leads by how far they are, from the buckets' counters; what came of the money; jobs at work. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from accounts.access import Access
from buckets.models import Bucket
from common.needs import of_team
from common.values.percent import percent
from enrichment.models import Run
from enrichment.selectors import billing_check, stands_in_words
from integrations.ledger import catalogue, scopes
from integrations.ledger.budgets import ZERO
from integrations.models import Balance
from leads.models import Lead
from operations.home.talks import COUNTED_AT_MOST, talks

RUNS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Stock:
    """Leads, from the buckets' counters, and what buying all of them would have cost. US dollars."""

    buckets: int
    leads: int
    detailed: int
    with_phone: int
    waiting: int
    contacted: int
    all_of_it: Decimal
    spent: Decimal

    @property
    def kept(self) -> Decimal:
        return max(self.all_of_it - self.spent, ZERO)

    def states(self) -> list[tuple[str, int, int]]:
        """(words, leads, whole percent of all)."""
        rows = (
            ("Saved", self.leads),
            ("Property data", self.detailed),
            ("With a phone", self.with_phone),
            ("Waiting in a job", self.waiting),
            ("Contacted", self.contacted),
        )
        return [(words, count, percent(count, self.leads)) for words, count in rows]


def stock(access: Access) -> Stock:
    """Of the team she acts in. spent: by its enrichment jobs."""
    own = of_team(Bucket.objects.all(), access)
    counted = own.aggregate(
        leads=Sum("total_leads"),
        detailed=Sum("detailed_leads"),
        with_phone=Sum("phone_leads"),
        waiting=Sum("queued_leads"),
        contacted=Sum("contacted_leads"),
    )
    each = sum((catalogue.operation(name).setting("price") for name in ("property_detail", "skip_trace")), ZERO)
    runs = of_team(Run.objects.with_money(), access)
    spent = runs.aggregate(s=Sum("spent"))["s"] or ZERO
    counts = {name: value or 0 for name, value in counted.items()}
    return Stock(buckets=own[:1].count(), all_of_it=each * counts["leads"], spent=spent, **counts)


# --- What came of it --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CameOf:
    """From money to deals, since the beginning. spent: on anything, as the team's months count it, US dollars. stages,
    in order: (words, leads, US dollars each; None: there is none).
    """

    spent: Decimal
    stages: Sequence[tuple[str, int, Decimal | None]]


def came_of(access: Access, stock: Stock) -> CameOf | None:
    """Of the team she acts in; None: nobody answered yet. Conversations: leads that wrote, or whom a call reached."""
    deals = of_team(Lead.objects.filter(status=Lead.Status.CLOSED), access)
    counts = [
        ("With a phone", stock.with_phone),
        ("Contacted", stock.contacted),
        ("Conversations", talks(access)),
        ("Deals", deals[: COUNTED_AT_MOST + 1].count()),
    ]
    if not any(many for _, many in counts[1:]):
        return None
    months = Balance.objects.filter(scope__startswith=scopes.beginning(scopes.TEAM, access.team_id))
    spent = months.aggregate(s=Sum("spent"))["s"] or ZERO
    return CameOf(spent, [(words, many, spent / many if many else None) for words, many in counts])


# --- Jobs at work -----------------------------------------------------------------------------------------------------


def open_runs(access: Access) -> Sequence[Any]:
    """The team's latest open runs, with `spent`, `stands` and `parts`: percents of its leads by outcome."""
    rows = of_team(Run.objects.with_money().filter(status__in=Run.OPEN), access).select_related("owner")
    runs: list[Any] = list(rows.order_by("-pk")[:RUNS_SHOWN])
    for run in runs:
        run.stands = stands_in_words(run)
        run.check = billing_check(run).words if run.in_doubt else ""
        run.parts = [
            (kind, 100 * count / run.total if run.total else 0)
            for kind, count in (("", run.enriched), ("partial", run.partial + run.skipped), ("failed", run.failed))
        ]
    return runs
