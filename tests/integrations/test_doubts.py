"""Billing checks as services: what a decision counts, who may count more, a whole outage in one go."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import User
from integrations.ledger import calls
from integrations.lookups.answers import forget_unreadable
from integrations.models import Lookup, PhoneReveal, VendorCall
from integrations.operating import doubts
from integrations.operating.doubts import Outage
from tests.integrations.doubtful import doubtful, money

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def minutes(count: int) -> datetime:
    return NOON + timedelta(minutes=count)


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann")


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that were asked for."""
    tasks: list[str] = []
    for module in (calls, doubts):
        monkeypatch.setattr(module, "enqueue_on_commit", lambda task, **_: tasks.append(task))
    return tasks


@pytest.mark.parametrize(
    ("cost", "reason", "spent"),
    [(None, "", "0.10"), ("0.0321", "", "0.0321"), ("0", "", "0"), ("0.96", "invoice 118", "0.96")],
)
def test_a_billed_request_counts_what_the_bill_says_with_who_when_and_why(
    cost: str | None, reason: str, spent: str, ann: User, rung: list[str]
) -> None:
    call = doubtful(ann)

    assert calls.write_off(call.pk, cost=None if cost is None else Decimal(cost), by=ann, reason=reason)

    call.refresh_from_db()
    assert (call.state, call.cost, call.decided_by) == ("written_off", Decimal(spent), ann)
    assert call.units == Decimal(spent) / Decimal("0.05")
    assert (call.decision, call.decided_at is not None) == (reason or "On the vendor's bill", True)
    assert call.reason == "It timed out."
    assert money() == (Decimal(spent), 0)
    assert Lookup.objects.get().state == "free"
    assert rung == ["enrichment.reap"]


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        ("-0.01", "The cost must be from $0.00"),
        ("NaN", "The cost must be from $0.00"),
        ("Infinity", "The cost must be from $0.00"),
        ("100000000", "The cost must be from $0.00"),
        ("0.00001", "at most four decimals"),
        ("0.11", "$0.11 is more than the $0.10 held for it: give the reason."),
    ],
)
def test_a_senseless_cost_is_refused_and_nothing_changes(cost: str, words: str, ann: User, rung: list[str]) -> None:
    call = doubtful(ann)

    with pytest.raises(calls.BadDecision) as refusal:
        calls.write_off(call.pk, cost=Decimal(cost), by=ann, reason="" if cost == "0.11" else "bill")

    call.refresh_from_db()
    assert words in str(refusal.value)
    assert (call.state, call.decided_at, money(), rung) == ("in_doubt", None, (0, Decimal("0.10")), [])
    assert Lookup.objects.get().state == "in_doubt"


def test_a_request_that_was_not_billed_gives_its_money_back_and_says_who_decided(ann: User, rung: list[str]) -> None:
    call = doubtful(ann)

    assert calls.release_doubt(call.pk, by=ann, reason="not on the bill of Nov 24")
    assert not calls.release_doubt(call.pk, by=ann)

    call.refresh_from_db()
    assert (call.state, call.cost, money()) == ("released", 0, (0, 0))
    assert (call.decided_by, call.decision) == (ann, "not on the bill of Nov 24")
    assert rung == ["enrichment.reap"]


def test_an_unreadable_answer_serves_nobody_after_an_operators_word_and_stays_paid(ann: User) -> None:
    call = doubtful(ann, state="settled", category="INVALID_DATA", cost=Decimal("0.10"))
    Lookup.objects.update(state="garbage", category="INVALID_DATA", fetched_at=NOON)
    other = doubtful(ann, "run:y")
    Lookup.objects.filter(call=other).update(state="garbage", fetched_at=NOON)

    assert forget_unreadable(call.pk, by=ann) == 1
    assert forget_unreadable(call.pk, by=ann) == 0

    call.refresh_from_db()
    row = Lookup.objects.get(call=call)
    assert (row.state, row.category, row.fetched_at) == ("free", "", None)
    assert (call.cost, call.decided_by, call.state) == (Decimal("0.10"), ann, "settled")
    assert Lookup.objects.get(call=other).state == "garbage"


# --- An outage --------------------------------------------------------------------------------------------------------


@pytest.fixture
def outage(ann: User) -> list[VendorCall]:
    """Six requests ten minutes apart, from noon on; the fourth is another vendor's."""
    names = {3: "apollo_people"}
    return [doubtful(ann, f"run:{n}", at=minutes(10 * n), operation=names.get(n, "property_detail")) for n in range(6)]


def test_only_what_was_sent_in_that_time_to_that_vendor_is_decided(
    outage: list[VendorCall], ann: User, rung: list[str]
) -> None:
    chosen = Outage("realestateapi", minutes(10), minutes(40))
    assert (doubts.tally(chosen).requests, doubts.tally(chosen).leads, doubts.tally(chosen).held) == (
        2,
        4,
        Decimal("0.20"),
    )

    decided = doubts.decide(outage=chosen, billed=False, by=ann, reason="their status page")

    assert (decided.requests, decided.leads, decided.dollars, decided.meanwhile) == (2, 4, Decimal("0.20"), 0)
    assert decided.left.requests == 0
    states = [VendorCall.objects.get(pk=call.pk).state for call in outage]
    assert states == ["in_doubt", "released", "released", "in_doubt", "in_doubt", "in_doubt"]
    assert set(VendorCall.objects.filter(state="released").values_list("decision", "decided_by")) == {
        ("their status page", ann.pk)
    }
    assert rung == ["enrichment.reap"]  # once, not once a request


def test_an_interrupted_decision_goes_on_with_what_is_left(
    outage: list[VendorCall], ann: User, rung: list[str]
) -> None:
    chosen = Outage("realestateapi")
    first = doubts.decide(outage=chosen, billed=True, by=ann, seconds=-1)
    assert (first.requests, first.left.requests) == (0, 5)

    second = doubts.decide(outage=chosen, billed=True, by=ann)
    assert (second.requests, second.dollars, second.left.requests) == (5, Decimal("0.50"), 0)
    assert doubts.decide(outage=chosen, billed=True, by=ann).requests == 0
    assert VendorCall.objects.filter(state="written_off").count() == 5


def test_one_that_fails_undoes_no_other(
    outage: list[VendorCall], ann: User, rung: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., bool] = calls.write_off

    def breaks(call_id: Any, **more: Any) -> bool:
        if call_id == outage[2].pk:
            raise RuntimeError("killed here")
        return real(call_id, **more)

    monkeypatch.setattr(calls, "write_off", breaks)
    with pytest.raises(RuntimeError):
        doubts.decide(outage=Outage("realestateapi"), billed=True, by=ann)
    monkeypatch.setattr(calls, "write_off", real)

    assert VendorCall.objects.filter(state="written_off").count() == 2
    assert doubts.decide(outage=Outage("realestateapi"), billed=True, by=ann).requests == 3


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_two_who_decide_at_once_decide_each_request_once() -> None:
    ann = User.objects.create_user("ann")
    rows = [doubtful(ann, "run:x", at=minutes(n)) for n in range(20)]
    results: list[doubts.Decided] = []

    def decide(billed: bool) -> None:
        try:
            results.append(doubts.decide(outage=Outage("realestateapi"), billed=billed, by=ann))
        finally:
            connection.close()

    with transaction.atomic():  # both have read their list before the first may decide
        VendorCall.objects.select_for_update().get(pk=rows[0].pk)
        threads = [threading.Thread(target=decide, args=(billed,)) for billed in (True, False)]
        for thread in threads:
            thread.start()
        threads[0].join(0.5)
    for thread in threads:
        thread.join(20)

    assert sum(result.requests for result in results) == 20
    billed = VendorCall.objects.filter(state="written_off").count()
    assert billed + VendorCall.objects.filter(state="released").count() == 20
    assert money() == (billed * Decimal("0.10"), 0)


def test_phones_that_never_came_are_decided_as_an_outage_too(ann: User, rung: list[str]) -> None:
    call = doubtful(ann, at=NOON, operation="apollo_people", state="settled", category="", cost=Decimal("0.02"))
    PhoneReveal.objects.create(
        call=call,
        state="in_doubt",
        people={"a": [f"{call.pk}"]},
        reserved=Decimal("0.08"),
        holds={"run:x": "0.0800"},
        created_at=NOON,
    )
    chosen = Outage("apollo", NOON, minutes(1), phones=True)
    assert (doubts.tally(chosen).requests, doubts.tally(chosen).held) == (1, Decimal("0.08"))
    assert [(one.vendor, one.phones) for one in doubts.waiting()] == [("apollo", True)]

    assert doubts.decide(outage=chosen, billed=False, by=ann, reason="no mobile on the bill").requests == 1

    call.refresh_from_db()
    assert (PhoneReveal.objects.get().state, call.decided_by, call.decision) == (
        "released",
        ann,
        "no mobile on the bill",
    )
