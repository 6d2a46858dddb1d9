"""The operator of a scenario: decides billing checks by what the sandbox has billed, and resumes what was stopped."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User
from enrichment.models import Run
from enrichment.worker.questions import owner_query
from integrations.ledger import calls, catalogue
from integrations.ledger.persistence import persist
from integrations.models import Lookup, Operation, Vendor, VendorCall
from integrations.operating import doubts, vendors
from sandbox.skiptrace import input_of
from tests.chaos.people import Person

if TYPE_CHECKING:
    from tests.chaos.place import Place

ZERO = Decimal(0)
PAID = ("property_detail", "skip_trace")
SHORTENED = 1.0  # seconds of a breaker's 30 and more that a scenario waits for
# Nothing of it can move before somebody decides: it is paused for that, or all that is left of it waits for that.
WAITS_FOR_DECISION = Q(paused_by=Run.Pause.DOUBT) | Q(
    in_doubt__gt=0, total__lte=F("enriched") + F("partial") + F("failed") + F("skipped") + F("in_doubt")
)


class Broken(AssertionError):
    """A promise that was not kept."""


class Truth:
    """What the sandbox has billed for a request in doubt, by the request's inputs.

    An input is billed anew only after a decision (or where a scenario buys again on purpose, and says so), so what was
    billed since the last decision is this request's. lost: billed, and no answer ever came of it, by operation.
    """

    def __init__(self) -> None:
        self.known: dict[str, Counter[str]] = {name: Counter() for name in PAID}
        self.lost: dict[str, Counter[str]] = {name: Counter() for name in PAID}

    def note(self, billed: Mapping[str, Any]) -> None:
        """All that was billed until now has been explained: it was answered, or decided."""
        self.known = {name: Counter(billed["inputs"][name]) for name in PAID}

    def of(self, call: VendorCall, billed: Mapping[str, Any]) -> Counter[str]:
        """The inputs of this request that were billed, and how often (once)."""
        name = call.operation.name
        keys = persist(lambda: list(call.lookups.values_list("key", flat=True)))
        asked = keys if name == "property_detail" else [inputs_of_traces()[key] for key in keys]
        fresh = Counter({one: billed["inputs"][name].get(one, 0) - self.known[name][one] for one in asked})
        return +fresh

    def decided(self, call: VendorCall, inputs: Counter[str]) -> None:
        self.lost[call.operation.name].update(inputs)
        self.known[call.operation.name].update(inputs)


def inputs_of_traces() -> dict[str, str]:
    """What the sandbox calls the question of each owner whose detail is owned, by our key of it."""
    details = Lookup.objects.filter(operation=catalogue.operation("property_detail"), facts__isnull=False)
    asked = {}
    for facts in persist(lambda: list(details.values_list("facts", flat=True))):
        try:
            query = owner_query(facts or {})
        except ValueError:
            continue
        asked[query.key] = input_of(query.params)
    return asked


class Operator:
    """Does what an operator would, and counts it for the scenario's line."""

    def __init__(self, place: Place) -> None:
        self.place, self.truth = place, Truth()
        self.checks = self.sittings = self.resumes = self.hurried = 0
        self.held = self.billed = ZERO
        self._opened: dict[int, tuple[Any, float]] = {}

    @property
    def user(self) -> User:
        def get() -> User:
            return User.objects.filter(username="operator").first() or User.objects.create_superuser("operator")

        return persist(get)

    # --- Billing checks -----------------------------------------------------------------------------------------------

    def decide(self) -> int:
        """Decides everything in doubt, a request at a time, by the sandbox's truth. Returns how many requests."""
        billed, doubtful = self.place.ledger("?inputs=1"), persist(_doubtful)
        for call in doubtful:
            inputs = self.truth.of(call, billed)
            cost = call.price * inputs.total()
            if cost > call.reserved:
                raise Broken(f"${cost} was billed for the request {call.pk}, ${call.reserved} are held for it")
            self.answer(call, inputs, cost)
        self.sittings += bool(doubtful)
        return len(doubtful)

    def answer(self, call: VendorCall, inputs: Counter[str], cost: Decimal) -> None:
        user = self.user

        def say() -> bool:
            with transaction.atomic():
                if cost:
                    return calls.write_off(call.pk, cost=cost, by=user, reason="on the sandbox's ledger")
                return calls.release_doubt(call.pk, by=user, reason="not on the sandbox's ledger")

        if not persist(say) and persist(lambda: VendorCall.objects.get(pk=call.pk).state) == VendorCall.State.IN_DOUBT:
            raise Broken(f"the operator's answer about the request {call.pk} was not taken")
        self._count(call, inputs)

    def decide_outage(self, since: datetime) -> int:
        """Decides what an outage has left, as an operator does who has only the bill's total: all of it is counted on
        one request, with the reason, and the rest of the outage is marked as not billed. Returns how many presses.
        """
        billed, doubtful = self.place.ledger("?inputs=1"), persist(_doubtful)
        inputs = [self.truth.of(call, billed) for call in doubtful]
        total = sum((call.price * found.total() for call, found in zip(doubtful, inputs, strict=True)), ZERO)
        user, one = self.user, doubtful[0].pk

        def count_all_on_one() -> None:
            with transaction.atomic():
                calls.write_off(one, cost=total, by=user, reason="the bill of the whole outage")

        presses = 0
        if total:
            persist(count_all_on_one)
            presses += 1
        outage = doubts.Outage("realestateapi", since)
        presses += bool(doubts.decide(outage=outage, billed=False, by=user, reason="the outage's others").requests)
        for call, found in zip(doubtful, inputs, strict=True):
            self._count(call, found)
        self.sittings += 1
        return presses

    def _count(self, call: VendorCall, inputs: Counter[str]) -> None:
        self.checks += 1
        self.held += call.reserved
        self.billed += call.price * inputs.total()
        self.truth.decided(call, inputs)

    # --- Vendors and runs ---------------------------------------------------------------------------------------------

    def resume(self, vendor: str = "realestateapi") -> None:
        """The cause is gone: the vendor sells again, its price list is right, and each run it stopped is resumed."""
        row = persist(lambda: Vendor.objects.get(pk=vendor))
        if row.billing_check:
            persist(lambda: vendors.confirm_price_list(row, self.user))
        else:
            persist(lambda: vendors.resume_vendor(vendor=row))
        stopped = persist(lambda: list(Run.objects.filter(status=Run.Status.PAUSED, paused_by=Run.Pause.VENDOR)))
        for run in stopped:
            self.owner_of(run).done("POST", f"/runs/{run.pk}/resume", {})
        self.resumes += 1

    def owner_of(self, run: Run) -> Person:
        return next(person for person in self.place.people if person.user.pk == run.owner_id)

    # --- Watching -----------------------------------------------------------------------------------------------------

    def attend(self, run_ids: Sequence[Any]) -> None:
        """Decides where a run can go no further without that, and cuts a breaker's pauses short."""
        self._hurry()
        waiting = Run.objects.filter(WAITS_FOR_DECISION, pk__in=run_ids, status__in=Run.OPEN)
        if persist(waiting.exists):
            self.decide()

    def end_pauses(self) -> None:
        """The breaker's pauses are over at once."""
        for row in persist(lambda: list(Operation.objects.filter(breaker_open_until__gt=timezone.now()))):
            self._end_pause(row)

    def _hurry(self) -> None:
        """The breaker's 30 s and more by a shortened clock: each opening lasts a second."""
        now = timezone.now()
        for row in persist(lambda: list(Operation.objects.filter(breaker_open_until__gt=now))):
            opening, since = self._opened.get(row.pk, (None, 0.0))
            if opening != row.breaker_open_until:
                self._opened[row.pk] = row.breaker_open_until, time.monotonic()
            elif time.monotonic() - since > SHORTENED:
                self._end_pause(row)

    def _end_pause(self, row: Operation) -> None:
        same = Operation.objects.filter(pk=row.pk, breaker_open_until=row.breaker_open_until)
        self.hurried += persist(lambda: same.update(breaker_open_until=timezone.now()))

    # --- The line -----------------------------------------------------------------------------------------------------

    def notes(self) -> list[str]:
        lost = sum(counter.total() for counter in self.truth.lost.values())
        said = []
        if self.checks:
            said.append(
                f"{self.checks} billing checks in {self.sittings} sittings: ${self.billed:.2f} of ${self.held:.2f} had "
                f"been billed, {lost} facts paid and lost"
            )
        if self.resumes:
            said.append(f"resumed {self.resumes} times")
        if self.hurried:
            said.append(f"the breaker's pause cut short {self.hurried} times")
        return said


def _doubtful() -> list[VendorCall]:
    rows = VendorCall.objects.filter(state=VendorCall.State.IN_DOUBT).select_related("operation")
    return list(rows.order_by("pk"))
