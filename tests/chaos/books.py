"""The two sets of books, ours and the sandbox's, held against each other to the cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import requests
from django.db import transaction
from django.db.models import Sum

from config.local.sandbox.skiptrace import input_of
from enrichment.models import Run
from enrichment.reconcile import find_drift
from enrichment.stages import owner_query
from integrations import calls, catalogue
from integrations.gate import persist
from integrations.models import Lookup, VendorCall
from tests.chaos.place import Broken, Place

ZERO = Decimal(0)
PAID = ("property_detail", "skip_trace")


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


def ledger(place: Place, query: str = "") -> Mapping[str, Any]:
    answer = requests.get(f"{place.running.sandbox_url}/sandbox/ledger{query}", timeout=30)
    answer.raise_for_status()
    found: Mapping[str, Any] = answer.json()
    return found


def close(place: Place, name: str, seconds: float, notes: Sequence[str] = (), *, bought_again: int = 0) -> Line:
    """Checks every promise, lets the operator answer what is in doubt, checks again. Raises Broken.

    bought_again: inputs a scenario had bought twice on purpose, as after a write-off.
    """
    billed = ledger(place, "?inputs=1")
    runs = persist(lambda: list(Run.objects.all()))
    doubtful = persist(lambda: list(VendorCall.objects.filter(state=VendorCall.State.IN_DOUBT).order_by("pk")))
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
        in_doubt=sum((call.reserved for call in doubtful), ZERO),
        doubtful_calls=len(doubtful),
        seconds=seconds,
        notes=list(notes),
    )
    _check(place, line, billed, runs, bought_again)
    truth = _Truth(billed)
    garbage = VendorCall.objects.filter(state=VendorCall.State.SETTLED, category="INVALID_DATA")
    over = sum((call.cost - truth.of(call) for call in persist(lambda: list(garbage))), ZERO)
    if over:
        line.notes.append(f"unreadable answers are held to be fully billed: ${over:.2f} too much")
    doubted = {call.pk: truth.of(call) for call in doubtful}
    _equal("billed, and paid + in doubt by the sandbox", line.billed, line.paid - over + sum(doubted.values(), ZERO))
    for call_id, bought in doubted.items():
        persist(lambda call_id=call_id, bought=bought: _answer(call_id, bought))  # type: ignore[misc]
    _equal("billed, and paid once the operator has answered", line.billed, spent() - over)
    drift = persist(find_drift)
    if drift:
        raise Broken("; ".join(map(str, drift[:5])))
    return line


def _check(place: Place, line: Line, billed: Mapping[str, Any], runs: Sequence[Run], bought_again: int) -> None:
    if line.lost:
        raise Broken(f"{line.lost} leads are lost: {line}")
    still = [str(run) for run in runs if run.is_open]
    if still:
        raise Broken(f"still open: {', '.join(still)}")
    twice = sum(billed["billed_twice"].values())
    if twice != bought_again:
        raise Broken(f"{twice} inputs were billed twice, {bought_again} of them on purpose: {line}")
    assert place.setting is not None
    for operation, pace in zip(PAID, (place.setting.details, place.setting.traces), strict=True):
        worst = billed["worst_minute"][operation]
        if pace and worst > pace:
            raise Broken(f"{operation}: {worst} requests in a minute, at a pace of {pace}")
    drift = persist(find_drift)
    if drift:
        raise Broken("; ".join(map(str, drift[:5])))


def billed_by(report: Mapping[str, Any]) -> Decimal:
    """What the sandbox has billed for a run's operations, US dollars."""
    return sum((Decimal(report["operations"][name]["billed"]) for name in PAID), ZERO)


def spent() -> Decimal:
    """What our calls have cost, US dollars."""
    return persist(lambda: VendorCall.objects.aggregate(cost=Sum("cost"))["cost"]) or ZERO


def _equal(what: str, one: Decimal, other: Decimal) -> None:
    if one != other:
        raise Broken(f"{what}: ${one} is not ${other}")


def _answer(call_id: Any, bought: Decimal) -> None:
    with transaction.atomic():
        done = calls.write_off(call_id, cost=bought) if bought else calls.release_doubt(call_id)
    if not done and VendorCall.objects.get(pk=call_id).state == VendorCall.State.IN_DOUBT:
        raise Broken(f"the operator's answer about call {call_id} was not taken")


class _Truth:
    """What the sandbox billed for a call, by its inputs: each is billed once at most, so they tell whose it was."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        self.inputs = report["inputs"]
        details = catalogue.operation("property_detail")
        self.prices = {details.pk: details.setting("price")}
        traces = catalogue.operation("skip_trace")
        self.prices[traces.pk] = traces.setting("price")
        self.details = details.pk
        self.asked: dict[str, str] = {}
        for facts in persist(lambda: list(Lookup.objects.filter(operation=details).values_list("facts", flat=True))):
            try:
                query = owner_query(facts or {})
            except ValueError:
                continue
            self.asked[query.key] = input_of(query.params)

    def of(self, call: VendorCall) -> Decimal:
        """US dollars."""
        keys = persist(lambda: list(call.lookups.values_list("key", flat=True)))
        if call.operation_id == self.details:
            units = sum(self.inputs["property_detail"].get(key, 0) for key in keys)
        else:
            units = sum(self.inputs["skip_trace"].get(self.asked[key], 0) for key in keys)
        return Decimal(units) * Decimal(self.prices[call.operation_id])
