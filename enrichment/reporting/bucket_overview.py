"""What a bucket's page shows: the way of its leads, its money, its signals, its pins. Reads only.

Every number is a stored counter, or found through an index and bounded: a page over a million leads costs what one over
a thousand does.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from buckets.models import Bucket, Fill
from buckets.selectors import progress
from common.values.percent import percent
from enrichment.models import Run
from enrichment.quoting.reach_estimate import latest_with_facts
from enrichment.selectors import billing_check, bucket_money, eta_seconds, moves, stands_in_words
from enrichment.worker.failed_leads import may_be_retried
from integrations.ledger import catalogue
from integrations.ledger.budgets import ZERO
from leads.facts.columns import SIGNALS
from leads.models import Lead
from leads.querysets import NOT_CONTACTED

RUNS_SHOWN = 8
FILLS_SHOWN = 3
PINS_MOST = 500  # more than that hides the map
READY_MOST = 10_000  # leads that are judged, whether they are ready to call
SIGNALS_FROM = 5000  # latest leads whose facts are known; 20 ms


@dataclass(frozen=True, slots=True)
class Part:
    """A count with its share of a whole, in whole percent. at_least: nobody counted further."""

    name: str
    count: int
    percent: int
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Money:
    """US dollars. all_of_it: what buying the detail and contacts of every saved id costs at today's prices."""

    spent: Decimal
    promised: Decimal
    all_of_it: Decimal

    @property
    def saved(self) -> Decimal:
        return max(self.all_of_it - self.spent, ZERO)


@dataclass(frozen=True, slots=True)
class Live:
    """What moves while runs and searches are at work. runs: `with_money`, with `stands`, `eta` and `parts`."""

    funnel: list[Part]
    money: Money
    runs: list[Any]
    fills: list[Any]
    failed: int

    @property
    def moves(self) -> bool:
        """Whether it is worth looking again in a moment."""
        return any(moves(run) for run in self.runs) or any(fill.open for fill in self.fills)


def live(bucket: Bucket) -> Live:
    runs: list[Any] = list(Run.objects.with_money().filter(bucket=bucket).order_by("-pk")[:RUNS_SHOWN])
    for run in runs:
        run.stands, run.eta = stands_in_words(run), eta_seconds(run)
        run.eta_minutes = -(-run.eta // 60) if run.eta else 0
        run.check = billing_check(run).words if run.in_doubt else ""
        run.may_retry = may_be_retried(run)
        rate = run.canary.get("hitRate")
        run.sample_percent = None if rate is None else round(100 * rate)
        run.parts = [
            Part(name, count, percent(count, run.total))
            for name, count in (
                ("with a phone", run.enriched),
                ("without a phone", run.partial),
                ("failed", run.failed),
                ("skipped", run.skipped),
            )
        ]
    fills = Fill.objects.select_related("bucket").filter(bucket=bucket).order_by("-pk")[:FILLS_SHOWN]
    failed = bucket.leads.filter(enrichment_status=Lead.Enrichment.FAILED).count()
    return Live(funnel(bucket), money(bucket), runs, [progress(fill) for fill in fills], failed)


def funnel(bucket: Bucket) -> list[Part]:
    """What the leads have now, from any source: counters, and those ready to call among the first READY_MOST that may
    be by what the lead itself says.
    """
    may_be = bucket.leads.filter(NOT_CONTACTED).order_by().values_list("pk", flat=True)[: READY_MOST + 1]
    candidates = list(may_be) if bucket.phone_leads else []
    ready = Lead.objects.filter(pk__among=candidates[:READY_MOST]).contactable().count() if candidates else 0
    steps = (
        ("Saved", bucket.total_leads),
        ("Property data", bucket.detailed_leads),
        ("With a phone", bucket.phone_leads),
        ("Ready to call", ready),
        ("Contacted", bucket.contacted_leads),
    )
    return [
        Part(name, count, percent(count, bucket.total_leads), name == "Ready to call" and len(candidates) > READY_MOST)
        for name, count in steps
    ]


def money(bucket: Bucket) -> Money:
    each = sum((catalogue.operation(name).setting("price") for name in ("property_detail", "skip_trace")), ZERO)
    open_runs: Any = Run.objects.with_money().filter(bucket=bucket, status__in=Run.OPEN)
    promised = sum((run.reserved for run in open_runs), ZERO)
    return Money(bucket_money(bucket), promised, each * bucket.total_leads)


def signals(bucket: Bucket) -> tuple[list[Part], int]:
    """How many of the latest leads whose facts are known show each signal, and how many leads that is told from."""
    ids = latest_with_facts(bucket.pk, SIGNALS_FROM)
    counts = {name: Count("pk", filter=Q(**{name: True})) for name in SIGNALS}
    found = Lead.objects.filter(pk__among=ids).aggregate(**counts) if ids else {}
    parts = [Part(words, found.get(name, 0), percent(found.get(name, 0), len(ids))) for name, words in SIGNALS.items()]
    return [part for part in parts if part.count], len(ids)


def signals_then(bucket: Bucket) -> list[tuple[str, int]]:
    """The counts that came with the search, named as the bucket's maker named them."""
    return [(str(name), n) for name, n in bucket.signals.items() if isinstance(n, int) and not isinstance(n, bool)]


def pins(bucket_id: UUID) -> list[dict[str, Any]]:
    """Where the latest leads with facts are: {id, at: [degrees north, degrees east], words}."""
    leads = Lead.objects.filter(pk__among=latest_with_facts(bucket_id, PINS_MOST), latitude__isnull=False)
    rows = leads.filter(longitude__isnull=False).only("pk", "latitude", "longitude", "property_address", "property_id")
    return [
        {"id": lead.pk, "at": [float(lead.latitude or 0), float(lead.longitude or 0)], "words": str(lead)}
        for lead in rows.order_by("-pk")
    ]
