"""A run's canary: the worker buys a sample of its leads first, and pauses the run where the sample disappoints.

The sample is drawn by lot and its items come first. No worker claims an item beyond `Run.sample_until` before all of
the sample have ended, unless the run is short of money: then answers that are owned are served.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from common.db.clock import database_now
from enrichment.models import Run, RunItem
from enrichment.worker import questions, stages
from enrichment.worker.events import tell_paused
from integrations.ledger import budgets, catalogue
from integrations.lookups import owned as owned_answers
from integrations.models import VendorCall
from integrations.vendors.errors import Category
from leads.facts.sources import SLOTS
from leads.models import Lead

PART = 2000  # leads whose answers are looked up at once


def judge_when_done(run: Run) -> None:
    """Lets the run go on or pauses it, once its whole sample has ended. `run` must be locked; the caller saves it.

    1. Nothing happens while an item of the sample is open, unless it waits for a billing check, which may take days.
    2. Where contacts are bought, the share of the traced leads with a phone must reach the least hit rate.
    3. A lead must not have cost more than was said, or than the vendors' prices add up to.
    4. The run notes the result and, if it disappoints, pauses.
    """
    if run.sample_until is None:
        return
    options = run.asked
    asked = options.canary
    assert asked is not None  # `sample_until` is set with it
    if run.done + run.in_doubt < min(asked.leads, run.total):
        return
    sample = run.items.filter(pk__lte=run.sample_until)
    doubtful = Exists(VendorCall.objects.filter(pk=OuterRef("token"), state=VendorCall.State.IN_DOUBT))
    if sample.exclude(stage=RunItem.Stage.DONE).exclude(Q(doubtful), token__isnull=False).exists():
        return  # leads beyond the sample have ended: the run was short of money
    ended = sample.count()
    cost = budgets.taken(run.budget_scope) / ended  # a request in doubt may have been billed
    wrong = []
    hit_rate = None
    if options.skip_trace:
        hit_rate, disappoints = _reached(run, sample, ended, asked.min_hit_rate)
        wrong += disappoints
    at_most = asked.max_cost_per_lead if asked.max_cost_per_lead is not None else _listed(run)
    if cost > at_most:
        wrong.append(f"a lead cost ${cost:.4f}, more than ${at_most:.4f}")
    run.sample_until = None
    run.canary = {
        "leads": ended,
        "hitRate": None if hit_rate is None else round(float(hit_rate), 4),
        "costPerLead": f"{cost:.4f}",
        "passed": not wrong,
    }
    if wrong and run.is_open:
        run.status, run.paused_by = Run.Status.PAUSED, Run.Pause.CANARY
        run.reason = f"Its sample: {'; '.join(wrong)}. Resume it to buy the rest all the same."[:300]
        tell_paused(run)


def _reached(run: Run, sample: QuerySet[RunItem], ended: int, least: Decimal) -> tuple[Decimal | None, list[str]]:
    """The share of the traced leads whose trace brought a phone, None where no lead was; and why it disappoints."""
    traced = _traced(sample)
    if not traced:
        nobody = "none of {:,} leads passed the guard, so nothing was tried"
        if sample.exclude(outcome=RunItem.Outcome.SKIPPED).exists():
            nobody = "none of {:,} leads was traced, so nothing is known of the rest"
        return None, [nobody.format(ended)]
    hits = run.enriched if run.kind == Run.Kind.APOLLO else _brought_a_phone(traced)
    rate = Decimal(hits) / len(traced)
    return rate, [f"{hits:,} of {len(traced):,} have a phone, fewer than {least:.0%}"] if rate < least else []


def _traced(sample: QuerySet[RunItem]) -> list[UUID]:
    """The leads whose owner was asked about: without those that a guard left out, that failed, or have no owner."""
    ended = sample.filter(outcome__in=[RunItem.Outcome.ENRICHED, RunItem.Outcome.PARTIAL])
    asked = ended.exclude(outcome=RunItem.Outcome.PARTIAL, category=Category.INVALID_DATA)
    return list(asked.values_list("lead_id", flat=True))


def _brought_a_phone(lead_ids: Sequence[UUID]) -> int:
    """How many of these leads have a phone in the answer to their trace. The lead's own phone may be older than it."""
    operation, now = catalogue.operation("skip_trace"), database_now()
    hits = 0
    for first in range(0, len(lead_ids), PART):
        leads = Lead.objects.filter(pk__in=lead_ids[first : first + PART])
        traces = []
        for detail in questions.bought_details(dict(leads.values_list("pk", "property_id"))).values():
            with suppress(ValueError):  # a newer detail names an owner that cannot be asked about
                traces.append(questions.owner_query(detail))
        answers = owned_answers.fresh_answers(operation, traces, now=now)
        having = {key for key, row in answers.items() if any((row.facts or {}).get(slot) for slot in SLOTS)}
        hits += sum(query.key in having for query in traces)
    return hits


def _listed(run: Run) -> Decimal:
    """What a lead costs at most by the prices of its stages, US dollars."""
    options = run.asked
    names = [row.operation_name(options) for row in stages.stages_of(run.kind) if row.asked_for(options)]
    return sum((Decimal(catalogue.operation(name).setting("price")) for name in names), Decimal(0))
