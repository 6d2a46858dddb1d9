"""A run's canary: a sample of its leads is bought first, and the run stops itself where the sample disappoints.

The sample is drawn by lot and stands first in the queue; nothing beyond `Run.sample_until` is taken before it is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from enrichment.models import Run, RunItem
from enrichment.worker import stages
from integrations.ledger import catalogue
from integrations.ledger.pace import database_now
from integrations.lookups import owned as owned_answers
from integrations.models import Budget, VendorCall
from integrations.vendors.errors import Category
from leads.facts.sources import SLOTS
from leads.models import Lead

SAMPLE = 50  # leads
HIT_RATE = Decimal("0.25")
PART = 2000  # leads whose answers are looked up at once


@dataclass(frozen=True, slots=True)
class Canary:
    """leads: size of the sample. min_hit_rate: the least share of them (0 to 1) that must turn out to have a phone.

    It is of those traced, and a phone that a lead had before is not counted.
    max_cost_per_lead: the most one may have cost on average, US dollars; None: what the vendors' prices add up to.
    """

    leads: int = SAMPLE
    min_hit_rate: Decimal = HIT_RATE
    max_cost_per_lead: Decimal | None = None

    def as_json(self) -> dict[str, Any]:
        most = self.max_cost_per_lead
        return {
            "leads": self.leads,
            "minHitRate": str(self.min_hit_rate),
            "maxCostPerLead": None if most is None else str(most),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Canary:
        most = stored["maxCostPerLead"]
        return cls(stored["leads"], Decimal(stored["minHitRate"]), None if most is None else Decimal(most))


def judge_when_done(run: Run) -> None:
    """Lets the run go on or pauses it, once its whole sample has ended. `run` must be locked; the caller saves it."""
    if run.sample_until is None:
        return
    asked = Canary.from_json(run.options["canary"])
    if run.done + run.in_doubt < min(asked.leads, run.total):  # what needs a billing check may wait for days
        return
    sample = run.items.filter(pk__lte=run.sample_until)
    doubtful = Exists(VendorCall.objects.filter(pk=OuterRef("token"), state=VendorCall.State.IN_DOUBT))
    if sample.exclude(stage=RunItem.Stage.DONE).exclude(Q(doubtful), token__isnull=False).exists():
        return  # those beyond it have ended: short of money, a run serves what is owned
    ended = sample.count()
    budget = Budget.objects.filter(scope=run.budget_scope).first()
    cost = (budget.spent + budget.reserved if budget else Decimal(0)) / ended  # what is in doubt may have been bought
    wrong = []
    hit_rate = None
    if run.options.get("skipTrace", True):
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


def _reached(run: Run, sample: QuerySet[RunItem], ended: int, least: Decimal) -> tuple[Decimal | None, list[str]]:
    """The share of those traced for whom that brought a phone, None where nobody was; and what is wrong with it."""
    traced = _traced(sample)
    if not traced:
        nobody = "none of {:,} leads passed the guard, so nothing was tried"
        if sample.exclude(outcome=RunItem.Outcome.SKIPPED).exists():
            nobody = "none of {:,} leads was traced, so nothing is known of the rest"
        return None, [nobody.format(ended)]
    hits = run.with_phones if run.kind == Run.Kind.APOLLO else _brought_a_phone(traced)
    rate = Decimal(hits) / len(traced)
    return rate, [f"{hits:,} of {len(traced):,} have a phone, fewer than {least:.0%}"] if rate < least else []


def _traced(sample: QuerySet[RunItem]) -> list[UUID]:
    """The leads whose owner was asked about: not those a guard left out, that failed, or whose owner nobody can ask."""
    ended = sample.filter(outcome__in=[RunItem.Outcome.ENRICHED, RunItem.Outcome.PARTIAL])
    asked = ended.exclude(outcome=RunItem.Outcome.PARTIAL, category=Category.INVALID_DATA)
    return list(asked.values_list("lead_id", flat=True))


def _brought_a_phone(lead_ids: Sequence[UUID]) -> int:
    """For how many of these leads the answer to the trace has a phone. What the lead shows may be a person's own."""
    operation, now = catalogue.operation("skip_trace"), database_now()
    hits = 0
    for first in range(0, len(lead_ids), PART):
        leads = Lead.objects.filter(pk__in=lead_ids[first : first + PART])
        questions = []
        for detail in stages.bought_details(dict(leads.values_list("pk", "property_id"))).values():
            with suppress(ValueError):  # its owner is another by now, whom nobody can ask about
                questions.append(stages.owner_query(detail))
        answers = owned_answers.fresh_answers(operation, questions, now=now)
        having = {key for key, row in answers.items() if any((row.facts or {}).get(slot) for slot in SLOTS)}
        hits += sum(query.key in having for query in questions)
    return hits


def _listed(run: Run) -> Decimal:
    """What a lead costs at most by the prices of its stages, US dollars."""
    names = [stages.operation_name(stage, run.options) for stage in stages.stages_of(run.kind)]
    bought = names if run.options.get("skipTrace", True) else names[:1]
    return sum((Decimal(catalogue.operation(name).setting("price")) for name in bought), Decimal(0))
