"""The ledger sells a thing that is no look-up: text messages, made up here. No `Lookup` row exists in any of this."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from common.db.clock import database_now
from integrations.ledger import calls, catalogue, dependents, scopes
from integrations.ledger.admission import admit
from integrations.ledger.budgets import Cap, money_cap
from integrations.ledger.execution import Executed, execute
from integrations.ledger.reservation import Payer, Reservation, reserve
from integrations.ledger.sending import Outcome
from integrations.ledger.settlement import fail, lock_sent, settle
from integrations.models import Budget, Lookup, Operation, Vendor, VendorCall
from integrations.vendors.errors import (
    BilledError,
    Evidence,
    InDoubt,
    Misconfigured,
    NotSent,
    Rejected,
    ScopeRefused,
)
from tests.support import make_user

pytestmark = pytest.mark.django_db(transaction=True)
State = VendorCall.State
PURPOSE = "campaign:7"
PRICE = Decimal("0.02")


@dataclass(frozen=True)
class Delivered:
    """What the carrier answers: `contract.Receipt`."""

    units: Decimal
    found: int
    claimed: Decimal | None = None
    status: int = 202
    request_id: str = "c-1"
    evidence: Evidence | None = None


@dataclass
class Messages:
    """The rows of a payer that hang on its calls."""

    freed: list[VendorCall]
    doubted: list[VendorCall]


@pytest.fixture
def ann(db: None) -> User:
    return make_user(monthly_budget=Decimal("1.00"))


@pytest.fixture
def operation(db: None, settings: Any) -> Operation:
    text = {"vendor": "signalhouse", "pace": 0, "price": PRICE, "batch": 10, "fresh_days": 0}
    settings.OPERATIONS = settings.OPERATIONS | {"text_message": text}
    settings.VENDORS = settings.VENDORS | {"signalhouse": {"base_url": "http://carrier.test", "key": "sesame"}}
    settings.VENDOR_DAILY_CAP = settings.VENDOR_DAILY_CAP | {"signalhouse": Decimal("0.50")}
    row = catalogue.operation("text_message")
    Operation.objects.filter(pk=row.pk).update(answered_at=timezone.now())
    return row


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Messages]:
    seen = Messages([], [])
    monkeypatch.setattr(dependents, "_registered", list(dependents._registered))
    dependents.register(freed=seen.freed.append, doubted=seen.doubted.append)
    yield seen
    assert Lookup.objects.count() == 0


def begin(operation: Operation, user: User, *weights: int, cap: Cap | None = None) -> Reservation:
    payer = Payer(user.pk, PURPOSE, caps=(cap or money_cap(PURPOSE, None, "the campaign's limit"),))
    with transaction.atomic():
        return reserve(admit(operation.pk), weights, payer)


def write_end(reserved: Reservation, outcome: Outcome[Delivered]) -> str:
    assert reserved.call is not None
    call = lock_sent(reserved.call.pk)
    if call is None:
        return "no longer ours"
    if outcome.reply is not None:
        settle(call, outcome.reply, database_now(), outcome.latency_ms)
    elif outcome.failure is not None:
        fail(call, outcome.failure, database_now(), outcome.latency_ms)
    return "ended"


def send(
    operation: Operation, reserved: Reservation, answer: Delivered | Exception, *, wanted: bool = True
) -> Executed[str]:
    def carrier() -> Delivered:
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert reserved.call is not None
    return execute(
        operation,
        reserved.call.pk,
        carrier,
        wanted=lambda: wanted,
        conclude=lambda outcome, _: write_end(reserved, outcome),
    )


def books(user: User) -> set[tuple[Decimal, Decimal]]:
    """Reserved and spent in each of the three budgets: the campaign's, the user's month, the vendor's day."""
    now = database_now()
    names = [PURPOSE, scopes.user_month(user.pk, now), scopes.vendor_day("signalhouse", now)]
    rows = Budget.objects.filter(scope__in=names).values_list("reserved", "spent")
    assert len(rows) == 3 == Budget.objects.count()
    return set(rows)


def call_of(reserved: Reservation) -> VendorCall:
    assert reserved.call is not None
    return VendorCall.objects.get(pk=reserved.call.pk)


def test_a_message_is_reserved_sent_and_charged_in_every_budget(
    operation: Operation, ann: User, messages: Messages
) -> None:
    reserved = begin(operation, ann, 1, 1, 2)
    assert books(ann) == {(Decimal("0.08"), Decimal(0))}
    assert call_of(reserved).state == State.RESERVED
    assert send(operation, reserved, Delivered(Decimal(3), 2, claimed=Decimal(4))) == Executed("ended", None)
    call = call_of(reserved)
    assert (call.state, call.purpose, call.run_id, call.user_id) == (State.SETTLED, PURPOSE, None, ann.pk)
    assert (call.inputs, call.found, call.units, call.cost, call.claimed) == (3, 2, 3, Decimal("0.06"), 4)
    assert (call.excess, call.status, call.request_id) == (Decimal("0.02"), 202, "c-1")
    assert books(ann) == {(Decimal(0), Decimal("0.06"))}
    assert (messages.freed, messages.doubted) == ([], [])


@pytest.mark.parametrize(
    ("campaign", "month", "day", "fit", "label"),
    [
        (None, "1.00", "0.50", 3, None),
        ("0.05", "1.00", "0.50", 2, "the campaign's limit"),
        ("0.05", "0.03", "0.50", 1, "this month's budget ($0.03)"),
        ("0.05", "0.03", "0.01", 0, "the daily spending limit of SignalHouse ($0.01)"),
        ("0.04", "0.04", "0.04", 2, "the campaign's limit"),
    ],
)
def test_only_the_inputs_that_fit_under_every_cap_are_reserved(
    operation: Operation, ann: User, campaign: str | None, month: str, day: str, fit: int, label: str | None
) -> None:
    User.objects.filter(pk=ann.pk).update(monthly_budget=Decimal(month))
    Vendor.objects.filter(pk="signalhouse").update(daily_cap=Decimal(day))
    cap = money_cap(PURPOSE, Decimal(campaign) if campaign else None, "the campaign's limit")
    reserved = begin(operation, ann, 1, 1, 1, cap=cap)
    assert (reserved.inputs, reserved.cap and reserved.cap.label) == (fit, label)
    assert (reserved.call is None) == (fit == 0) == (VendorCall.objects.count() == 0)
    assert books(ann) == {(fit * PRICE, Decimal(0))}


@pytest.mark.parametrize(
    ("failure", "state", "reserved", "spent", "heard"),
    [
        (NotSent("refused"), State.RELEASED, "0", "0", "freed"),
        (Rejected("no such number", status=422), State.RELEASED, "0", "0", "freed"),
        (Misconfigured("the key is refused", status=401), State.RELEASED, "0", "0", "freed"),
        (ScopeRefused("no batches for this key", status=403), State.RELEASED, "0", "0", "freed"),
        (Rejected("unreadable", charged=True, units=Decimal(1)), State.SETTLED, "0", "0.02", ""),
        (Rejected("unreadable", charged=True), State.SETTLED, "0", "0.04", ""),
        (BilledError("500"), State.WRITTEN_OFF, "0", "0.04", "freed"),
        (InDoubt("no answer"), State.IN_DOUBT, "0.04", "0", "doubted"),
        (ZeroDivisionError(), State.IN_DOUBT, "0.04", "0", "doubted"),
    ],
)
def test_each_failure_leaves_the_money_as_its_kind_says(
    operation: Operation,
    ann: User,
    messages: Messages,
    failure: Exception,
    state: State,
    reserved: str,
    spent: str,
    heard: str,
) -> None:
    begun = begin(operation, ann, 1, 1)
    stops = failure.reason if type(failure) is Misconfigured else None
    assert send(operation, begun, failure) == Executed("ended", stops)
    assert call_of(begun).state == state
    assert books(ann) == {(Decimal(reserved), Decimal(spent))}
    assert [len(messages.freed), len(messages.doubted)] == [heard == "freed", heard == "doubted"]
    assert Vendor.objects.get(pk="signalhouse").paused_reason == (stops or "")
    refused = Operation.objects.get(pk=operation.pk).batch_refused_at
    assert (refused is not None) == isinstance(failure, ScopeRefused)


def test_a_payer_that_stops_in_time_sends_nothing(operation: Operation, ann: User, messages: Messages) -> None:
    reserved = begin(operation, ann, 1)
    assert send(operation, reserved, AssertionError("it was sent"), wanted=False).result == "no longer ours"
    assert call_of(reserved).state == State.RELEASED
    assert books(ann) == {(Decimal(0), Decimal(0))}
    assert len(messages.freed) == 1


def decide_released(call: VendorCall) -> bool:
    return calls.release_doubt(call.pk, reason="not on the bill")


def decide_billed(call: VendorCall) -> bool:
    return calls.write_off(call.pk)


def decide_billed_less(call: VendorCall) -> bool:
    return calls.write_off(call.pk, cost=Decimal("0.03"))


@pytest.mark.parametrize(
    ("decide", "state", "spent"),
    [
        (decide_released, State.RELEASED, "0"),
        (decide_billed, State.WRITTEN_OFF, "0.04"),
        (decide_billed_less, State.WRITTEN_OFF, "0.03"),
    ],
)
def test_a_message_in_doubt_is_decided_by_an_operator(
    operation: Operation,
    ann: User,
    messages: Messages,
    decide: Callable[[VendorCall], bool],
    state: State,
    spent: str,
) -> None:
    reserved = begin(operation, ann, 1, 1)
    send(operation, reserved, InDoubt("no answer"))
    with transaction.atomic():
        assert decide(call_of(reserved)) is True
        assert decide(call_of(reserved)) is False
    assert (call_of(reserved).state, call_of(reserved).cost) == (state, Decimal(spent))
    assert books(ann) == {(Decimal(0), Decimal(spent))}
    assert len(messages.freed) == 1


@pytest.mark.parametrize(("sent", "state", "held"), [(False, State.RELEASED, "0"), (True, State.IN_DOUBT, "0.02")])
def test_a_dead_workers_message_goes_back_or_into_doubt(
    operation: Operation, ann: User, messages: Messages, sent: bool, state: State, held: str
) -> None:
    reserved = begin(operation, ann, 1)
    row = VendorCall.objects.filter(pk=call_of(reserved).pk)
    if sent:
        row.update(state=State.SENT, sent_at=timezone.now())
    assert calls.dead_calls() == []
    row.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert calls.dead_calls() == [(call_of(reserved).pk, None)]
    with transaction.atomic():
        assert calls.expire_call(call_of(reserved).pk) == state
    assert books(ann) == {(Decimal(held), Decimal(0))}
    assert [len(messages.freed), len(messages.doubted)] == [not sent, sent]
    with transaction.atomic():  # the worker was only slow: it may not end the call any more
        assert write_end(reserved, Outcome(reply=Delivered(Decimal(1), 1))) == "no longer ours"


def test_a_payer_that_breaks_at_the_end_may_rescue_the_answer(
    operation: Operation, ann: User, messages: Messages
) -> None:
    reserved = begin(operation, ann, 1)
    rescued: list[tuple[object, str]] = []

    def broken(outcome: Outcome[Delivered], _: bool) -> str:
        write_end(reserved, outcome)
        raise LookupError("a bug of the payer")

    def rescue(outcome: Outcome[Delivered], error: Exception) -> None:
        with transaction.atomic():
            rescued.append((write_end(reserved, outcome), str(error)))

    answer = Delivered(Decimal(1), 1)
    assert reserved.call is not None
    done = execute(operation, reserved.call.pk, lambda: answer, wanted=lambda: True, conclude=broken, rescue=rescue)
    assert (done, rescued) == (Executed(None, None), [("ended", "a bug of the payer")])
    assert books(ann) == {(Decimal(0), PRICE)}


def test_without_a_rescue_the_error_is_raised_and_the_call_stays_sent(
    operation: Operation, ann: User, messages: Messages
) -> None:
    reserved = begin(operation, ann, 1)

    def broken(outcome: Outcome[Delivered], _: bool) -> str:
        raise LookupError("a bug of the payer")

    assert reserved.call is not None
    with pytest.raises(LookupError):
        execute(operation, reserved.call.pk, lambda: Delivered(Decimal(1), 1), wanted=lambda: True, conclude=broken)
    assert call_of(reserved).state == State.SENT
    assert books(ann) == {(PRICE, Decimal(0))}


def test_the_ledger_names_nothing_of_look_ups() -> None:
    """By import no contract lets it; the models they share a file with are seen here."""
    ledger = Path(calls.__file__).parent
    named = {
        (path.name, name)
        for path in ledger.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom | ast.Name | ast.Constant)
        for name in ("integrations.lookups", "Lookup", "PhoneReveal", "PropertyName", "integrations_lookup")
        if name in _texts(node)
    }
    assert named == set()


def _texts(node: ast.ImportFrom | ast.Name | ast.Constant) -> set[str]:
    match node:
        case ast.ImportFrom(module=module, names=names):
            return {".".join((module or "").split(".")[:2]), *(alias.name for alias in names)}
        case ast.Name(id=name):
            return {name}
        case ast.Constant(value=str(text)):
            return set(text.split())
    return set()
