"""The gate against a model of its ledger: whatever happens in whatever order, nothing is bought twice or over a cap."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from common.db.clock import database_now
from common.db.ids import uuid7
from integrations.ledger import calls, catalogue
from integrations.ledger.budgets import money_cap
from integrations.ledger.reservation import Payer
from integrations.ledger.sending import intend
from integrations.lookups import gate
from integrations.lookups.lead_limit import lead_caps
from integrations.models import Budget, Lookup, Operation, VendorCall
from integrations.vendors.contract import Answer, Query, Reply
from integrations.vendors.errors import Category, InDoubt, Misconfigured, NotSent, Rejected, VendorFailure
from tests.integrations.gate_books import KEYS, PRICE, VENDOR_CAP, Books, Call

State = VendorCall.State
BUYING = [State.RESERVED, State.SENT]
FAILURES: Mapping[str, VendorFailure] = {
    "refused": NotSent("the vendor is not working", status=503),
    "rejected": Rejected("the vendor does not accept this", status=400),
    "garbage": Rejected("unreadable", status=200, charged=True),
    "misconfigured": Misconfigured("the vendor refused the key", status=401),
    "doubt": InDoubt("no answer within 30 s"),
}


class Gate(RuleBasedStateMachine):
    """Two users, a run each, caps that bind, and a vendor that does as it is told."""

    in_hand = Bundle("in_hand")  # calls that begin made, whatever has become of them

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.operation_id = catalogue.operation("property_detail").pk
        Operation.objects.filter(pk=self.operation_id).update(pace=0, price=PRICE, answered_at=timezone.now())
        users = [
            User.objects.create(username="ann", monthly_budget=Decimal("0.40"), daily_lead_limit=7),
            User.objects.create(username="bob", monthly_budget=Decimal(100), daily_lead_limit=100),
        ]
        Operation.objects.get(pk=self.operation_id).vendor.__class__.objects.update(daily_cap=VENDOR_CAP)
        self.books = Books(users, [uuid7(), uuid7()])

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    # --- What happens -------------------------------------------------------------------------------------------------

    @rule(
        target=in_hand,
        who=st.integers(0, 1),
        keys=st.lists(st.sampled_from(KEYS), min_size=1, max_size=5),
        weight=st.integers(1, 2),
        run_cap=st.sampled_from([None, Decimal("0.15"), Decimal("0.50")]),
    )
    def begin(self, who: int, keys: list[str], weight: int, run_cap: Decimal | None) -> Any:
        run = self.books.runs[who]
        user, own = self.books.users[who].pk, money_cap(f"run:{run}", run_cap, "this run's cap")
        caps = (own, *lead_caps("property_detail", user, database_now()))
        payer = Payer(user, f"run:{run}", run, caps)
        queries = [Query(key, {}, weight) for key in keys]
        room = self.books.room(who, run_cap)
        with transaction.atomic():
            plan = gate.begin(catalogue.operation("property_detail"), queries, payer)
        wanted = [key for key in dict.fromkeys(keys) if self.books.is_for_sale(key)]
        fit = min(len(wanted), *(int(left // amount) for left, amount in room(weight)))
        assert [query.key for query in plan.buying] == wanted[:fit]
        assert plan.unaffordable == set(wanted[fit:])
        assert (plan.cap is not None) == (fit < len(wanted))
        facts = self.books.facts
        assert set(plan.owned) == {k for k in keys if self.books.is_owned(k)}
        assert plan.busy == {k for k in keys if facts[k].state == "buying"}
        assert plan.doubtful == {k: facts[k].call for k in keys if facts[k].state == "in_doubt"}
        if plan.call_id is None:
            assert not fit
            return multiple()
        for key in wanted[:fit]:
            facts[key].state, facts[key].call = "buying", plan.call_id
            facts[key].allowed += facts[key].sold == facts[key].allowed
        holds = {scope: fit * amount for scope, amount in self.books.amounts(who, weight).items()}
        self.books.calls[plan.call_id] = Call(plan.call_id, plan.buying, holds)
        return plan.call_id

    @rule(call_id=in_hand, wanted=st.sampled_from([True, True, True, False]))
    def intend(self, call_id: UUID, wanted: bool) -> None:
        call = self.books.calls[call_id]
        with transaction.atomic():
            answer = intend(call_id, wanted=lambda: wanted)
        if call.state != State.RESERVED:
            assert answer is None
        elif wanted and answer == 0:
            call.state = State.SENT
        else:  # not wanted; or this machine was so slow that the slot had passed
            assert answer is None
            self.books.end(call, State.RELEASED)

    @rule(call_id=in_hand, found=st.integers(0, 5), dear=st.integers(0, 3))
    def settle(self, call_id: UUID, found: int, dear: int) -> None:
        """The vendor knows the first `found`, and claims what they cost or more, or nothing."""
        call = self.books.calls[call_id]
        answers = {
            query.key: Answer({"apn": query.key}) if number < found else Answer(category=Category.NOT_FOUND)
            for number, query in enumerate(call.queries)
        }
        units = Decimal(min(found, call.inputs))
        with transaction.atomic():
            settled = gate.settle(call_id, Reply(answers, units, units * (0, 1, 1, 100)[dear]), 12)
        assert (settled is not None) == (call.state == State.SENT)
        if settled is None:
            return
        self.books.sell(call)
        self.books.end(call, State.SETTLED, cost=units * PRICE)
        for number, query in enumerate(call.queries):
            fact = self.books.facts[query.key]
            fact.stale = fact.stale and fact.good and number >= found
            fact.state, fact.answered, fact.good = "answered", True, fact.good or number < found

    @rule(call_id=in_hand, kind=st.sampled_from(sorted(FAILURES)))
    def fail(self, call_id: UUID, kind: str) -> None:
        call = self.books.calls[call_id]
        with transaction.atomic():
            assert gate.fail(call_id, FAILURES[kind], 12) == (call.state == State.SENT)
        if call.state != State.SENT:
            return
        if kind == "doubt":
            self.books.doubt(call)
        elif kind == "garbage":
            self.books.sell(call)
            self.books.end(call, State.SETTLED, cost=call.money)
            for query in call.queries:
                fact = self.books.facts[query.key]
                if not fact.good:
                    fact.state, fact.stale = "garbage", False
        else:
            self.books.end(call, State.RELEASED)

    @rule(call_id=in_hand, dead=st.booleans())
    def expire_call(self, call_id: UUID, dead: bool) -> None:
        call = self.books.calls[call_id]
        if dead:
            VendorCall.objects.filter(pk=call_id).update(lease_until=timezone.now() - timedelta(seconds=1))
        with transaction.atomic():
            state = calls.expire_call(call_id)
        if not dead or call.state not in (State.RESERVED, State.SENT):
            assert state is None
        elif call.state == State.SENT:
            assert state == State.IN_DOUBT
            self.books.doubt(call)
        else:
            assert state == State.RELEASED
            self.books.end(call, State.RELEASED)

    @rule(call_id=in_hand)
    def release_doubt(self, call_id: UUID) -> None:
        call = self.books.calls[call_id]
        with transaction.atomic():
            assert calls.release_doubt(call_id) == (call.state == State.IN_DOUBT)
        if call.state == State.IN_DOUBT:
            self.books.end(call, State.RELEASED)

    @rule(call_id=in_hand, part=st.sampled_from([None, Decimal("0.05")]))
    def write_off(self, call_id: UUID, part: Decimal | None) -> None:
        call = self.books.calls[call_id]
        with transaction.atomic():
            assert calls.write_off(call_id, cost=part) == (call.state == State.IN_DOUBT)
        if call.state == State.IN_DOUBT:
            self.books.sell(call)
            self.books.end(call, State.WRITTEN_OFF, cost=call.money if part is None else part)

    @rule(call_id=in_hand)
    def write_off_too_much(self, call_id: UUID) -> None:
        """More than was reserved is refused without a reason (with one it may exceed a cap, and counts against it)."""
        if self.books.calls[call_id].state != State.IN_DOUBT:
            return
        with pytest.raises(calls.BadDecision), transaction.atomic():
            calls.write_off(call_id, cost=Decimal(1000))

    @precondition(lambda self: any(fact.state == "answered" for fact in self.books.facts.values()))
    @rule(key=st.sampled_from(KEYS))
    def grow_stale(self, key: str) -> None:
        fact = self.books.facts[key]
        if fact.answered:
            Lookup.objects.filter(key=key).update(fetched_at=timezone.now() - timedelta(days=365))
            fact.stale = True

    # --- What must always hold ----------------------------------------------------------------------------------------

    @invariant()
    def every_budget_says_what_the_calls_say(self) -> None:
        reserved, spent = self.books.budgets()
        for budget in Budget.objects.all():
            assert budget.reserved == reserved.pop(budget.scope, 0), budget.scope
            assert budget.spent == spent.pop(budget.scope, 0), budget.scope
        assert not any(reserved.values())
        assert not any(spent.values())

    @invariant()
    def no_cap_is_exceeded(self) -> None:
        for budget in Budget.objects.exclude(scope__startswith="run:"):
            assert budget.spent + budget.reserved <= self.books.limit(budget.scope), budget.scope

    @invariant()
    def calls_and_lookups_are_as_the_model_has_them(self) -> None:
        rows = {call.pk: call for call in VendorCall.objects.all()}
        assert {pk: (row.state, row.cost) for pk, row in rows.items()} == {
            call.id: (call.state, call.cost) for call in self.books.calls.values()
        }
        known = {row.key: row for row in Lookup.objects.all()}
        for key, fact in self.books.facts.items():
            row = known.get(key)
            assert (row.state if row else "free") == fact.state
            if row is not None and row.state in ("buying", "in_doubt"):
                assert row.call_id is not None
                assert rows[row.call_id].state in (BUYING if row.state == "buying" else [State.IN_DOUBT])
            if row is not None and fact.answered:
                assert row.facts is not None
                assert (row.facts == {"apn": key}) == fact.good

    @invariant()
    def nothing_is_bought_twice_while_it_is_owned(self) -> None:
        for key, fact in self.books.facts.items():
            assert fact.sold <= fact.allowed, key

    @invariant()
    def the_vendors_budget_is_the_sum_of_its_calls(self) -> None:
        cost = VendorCall.objects.aggregate(cost=Sum("cost"))["cost"] or 0
        assert cost == (Budget.objects.filter(scope__startswith="vendor:").aggregate(s=Sum("spent"))["s"] or 0)


@pytest.mark.django_db
@pytest.mark.parametrize("examples", [20, pytest.param(60, marks=pytest.mark.long)])
def test_the_gate_keeps_its_promises_in_any_order(examples: int) -> None:
    run_state_machine_as_test(
        Gate,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
