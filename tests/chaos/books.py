"""The two sets of books, ours and the sandbox's, held against each other to the cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from enrichment.models import Run, RunItem
from integrations.ledger import catalogue
from integrations.ledger.persistence import persist
from integrations.models import Lookup, VendorCall
from operations.reconcile import find_drift
from tests.chaos.operators import PAID, WAITS_FOR_DECISION, ZERO
from tests.chaos.place import Broken, Place


@dataclass(kw_only=True)
class Line:
    """What a scenario came to."""

    name: str
    asked: int
    enriched: int
    partial: int
    failed: int
    skipped: int
    lost: int
    billed: Decimal
    paid: Decimal
    in_doubt: Decimal
    doubtful_calls: int
    seconds: float
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [
            f"{self.name:<30} asked {self.asked:>5}",
            f"enriched/partial/failed/skipped {self.enriched}/{self.partial}/{self.failed}/{self.skipped}",
            f"lost {self.lost}",
            f"billed ${self.billed:.2f}",
            f"paid ${self.paid:.2f}",
            f"in doubt {self.doubtful_calls} calls ${self.in_doubt:.2f}",
            f"{self.seconds:.0f} s",
            *self.notes,
        ]
        return " | ".join(parts)


def close(place: Place, name: str, seconds: float, notes: Sequence[str] = ()) -> Line:
    """Checks every promise, with an operator who decides what is still in doubt. Raises Broken.

    1. Before anything is decided: what was billed is what was paid, and what the sandbox billed of what is in doubt.
    2. The operator decides; runs that waited for that alone go on by themselves and finish.
    3. What was billed is what was paid, no lead is lost, and nothing was billed twice but what was lost or the scenario
       bought again on purpose.
    """
    if place.is_calm():
        compare(place)
    waiting = persist(lambda: list(Run.objects.filter(WAITS_FOR_DECISION, status__in=Run.OPEN)))
    place.settled([run.pk for run in waiting])
    place.operator.decide()  # what cancelled runs left
    place.until(lambda: not RunItem.objects.filter(token__isnull=False).exists(), "every lead is given back", 30)
    billed, runs = place.ledger("?inputs=1"), persist(lambda: list(Run.objects.all()))
    operator = place.operator
    line = Line(
        name=name,
        asked=sum(run.total for run in runs),
        enriched=sum(run.enriched for run in runs),
        partial=sum(run.partial for run in runs),
        failed=sum(run.failed for run in runs),
        skipped=sum(run.skipped for run in runs),
        lost=sum(run.total - run.done for run in runs if run.bucket_id is not None),
        billed=billed_by(billed),
        paid=spent(),
        in_doubt=operator.held,
        doubtful_calls=operator.checks,
        seconds=seconds,
        notes=[*notes, *operator.notes()],
    )
    _check(place, line, billed, runs)
    return line


def compare(place: Place) -> None:
    """What was billed is what was paid, and what the sandbox billed of what is in doubt; each within what is held."""
    billed = place.ledger("?inputs=1")
    rows = VendorCall.objects.filter(state=VendorCall.State.IN_DOUBT).select_related("operation")
    doubted = ZERO
    for call in persist(lambda: list(rows)):
        bought = call.price * place.operator.truth.of(call, billed).total()
        if bought > call.reserved:
            raise Broken(f"${bought} was billed for the request {call.pk}, ${call.reserved} are held for it")
        doubted += bought
    _equal("billed, and paid + in doubt by the sandbox", billed_by(billed), spent() + doubted)


def _check(place: Place, line: Line, billed: Mapping[str, Any], runs: Sequence[Run]) -> None:
    if line.lost:
        raise Broken(f"{line.lost} leads are lost: {line}")
    still = [f"{run} {run.reason}" for run in runs if run.is_open]
    if still:
        raise Broken(f"still open: {', '.join(still)}")
    if waiting := sum(run.in_doubt for run in runs):
        raise Broken(f"{waiting} leads are said to wait for decisions that have been made: {line}")
    _equal("billed, and paid once the operator has decided", line.billed, line.paid)
    _check_twice(place, line, billed)
    assert place.setting is not None
    for operation, pace in zip(PAID, (place.setting.details, place.setting.traces), strict=True):
        worst = billed["worst_minute"][operation]
        if pace and worst > pace:
            raise Broken(f"{operation}: {worst} requests in a minute, at a pace of {pace}")
    drift = persist(find_drift)
    if drift:
        raise Broken("; ".join(map(str, drift[:5])))


def _check_twice(place: Place, line: Line, billed: Mapping[str, Any]) -> None:
    """Each input was billed once, once more for each time its answer was lost, and as often as the scenario says."""
    lost, again, twice = place.operator.truth.lost, 0, 0
    for name in PAID:
        inputs = billed["inputs"][name]
        again += sum(min(lost[name][one], times - 1) for one, times in inputs.items())
        twice += sum(max(0, times - 1 - lost[name][one]) for one, times in inputs.items())
        kept = sum(min(1, times - lost[name][one]) for one, times in inputs.items())
        if (owned := persist(lambda name=name: _owned(name))) != kept:  # type: ignore[misc]
            raise Broken(f"{name}: {kept} facts were billed and not lost, {owned} are owned: {line}")
    if twice != place.rebought:
        raise Broken(f"{twice} inputs were billed twice, {place.rebought} of them on purpose: {line}")
    if again:
        line.notes.append(f"{again} of them bought again")


def _owned(name: str) -> int:
    """Facts of this operation that were paid for and are kept."""
    rows = Lookup.objects.filter(operation=catalogue.operation(name), cost__gt=0, fetched_at__isnull=False)
    return rows.filter(facts__isnull=False, category="").count()


def billed_by(report: Mapping[str, Any]) -> Decimal:
    """What the sandbox has billed, US dollars."""
    return Decimal(report["billed"])


def spent() -> Decimal:
    """What our calls have cost, US dollars."""
    return persist(lambda: VendorCall.objects.aggregate(cost=Sum("cost"))["cost"]) or ZERO


def _equal(what: str, one: Decimal, other: Decimal) -> None:
    if one != other:
        raise Broken(f"{what}: ${one} is not ${other}")
