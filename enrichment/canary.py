"""A run's canary: a sample of its leads is bought first, and the run stops itself where the sample disappoints.

The sample is drawn by lot and stands first in the queue; nothing beyond `Run.sample_until` is taken before it is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from enrichment import stages
from enrichment.models import Run, RunItem
from integrations import catalogue
from integrations.errors import Category
from integrations.models import Purse

SAMPLE = 50  # leads
HIT_RATE = Decimal("0.25")


@dataclass(frozen=True, slots=True)
class Canary:
    """leads: size of the sample. min_hit_rate: the least share of them (0 to 1) that must turn out to have a phone.

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
    ended = run.done + run.in_doubt  # what needs a billing check may wait for days
    if ended < min(asked.leads, run.total):
        return
    purse = Purse.objects.filter(scope=run.purse_scope).first()
    cost = (purse.spent + purse.reserved if purse else Decimal(0)) / ended  # what is in doubt may have been bought
    traced = _traced(run) if run.options.get("skipTrace", True) else 0
    hit_rate = Decimal(run.with_phones) / traced if traced else None
    at_most = asked.max_cost_per_lead if asked.max_cost_per_lead is not None else _listed(run)
    wrong = []
    if hit_rate is not None and hit_rate < asked.min_hit_rate:
        wrong.append(f"{run.with_phones} of {traced} have a phone, fewer than {asked.min_hit_rate:.0%}")
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


def _traced(run: Run) -> int:
    """The leads whose owner was asked about: not those a guard left out, that failed, or whose owner nobody can ask."""
    ended = run.items.filter(outcome__in=[RunItem.Outcome.ENRICHED, RunItem.Outcome.PARTIAL])
    return ended.exclude(outcome=RunItem.Outcome.PARTIAL, category=Category.INVALID_DATA).count()


def _listed(run: Run) -> Decimal:
    """What a lead costs at most by the prices of its stages, US dollars."""
    names = [stages.operation_name(stage, run.options) for stage in stages.stages_of(run.kind)]
    bought = names if run.options.get("skipTrace", True) else names[:1]
    return sum((Decimal(catalogue.operation(name).setting("price")) for name in bought), Decimal(0))
