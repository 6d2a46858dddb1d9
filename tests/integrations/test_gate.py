"""The paid-lookup gate against the sandbox: bought once for everybody, and every way a purchase can end."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.db.ids import uuid7
from integrations.ledger import admission, breaker, calls, catalogue, pace, scopes, sending
from integrations.ledger.admission import Closed, is_fragile
from integrations.ledger.budgets import Afterwards, Cap, money_cap
from integrations.ledger.outcomes import report_outcome, stops_vendor
from integrations.ledger.reservation import Payer
from integrations.ledger.sending import Outcome, base_url
from integrations.lookups import answers, gate, reveals
from integrations.lookups.answers import forget_unreadable
from integrations.lookups.gate import Plan
from integrations.lookups.lead_limit import lead_caps
from integrations.models import Budget, Lookup, Operation, PhoneReveal, UnreadableAnswer, Vendor, VendorCall
from integrations.vendors import adapters
from integrations.vendors.contract import Answer, Query, Reply
from integrations.vendors.errors import Category, Evidence, InDoubt, NotSent, Rejected, UnprovenMiss, VendorFailure
from integrations.vendors.realestateapi.queries import detail_query
from sandbox.server import Sandbox
from tests.support import apart, billed, fail_with, make_user, requests_of, some_ids

pytestmark = pytest.mark.django_db(transaction=True)
State = VendorCall.State


def paying(user_id: int, run_id: UUID | None = None, *caps: Cap) -> Payer:
    """A payer of property details, whose leads count."""
    purpose = scopes.run(run_id) if run_id else "lookup"
    return Payer(user_id, purpose, run_id, (*caps, *lead_caps("property_detail", user_id, pace.database_now())))


def begin(queries: list[Query], payer: Payer, fresh_after: datetime | None = None) -> Plan:
    with transaction.atomic():
        operation = catalogue.operation("property_detail")
        return gate.begin(operation, queries, payer, fresh_after=fresh_after)


def carry_out(plan: Plan, wanted: bool = True) -> Outcome[Reply]:
    return send(plan, adapters.adapter_for("property_detail"), wanted)


def send(plan: Plan, adapter: Any, wanted: bool = True) -> Outcome[Reply]:
    call_id = plan.call_id
    assert call_id is not None
    return sending.carry_out(call_id, lambda: adapter.call(plan.buying, call_id=str(call_id)), wanted=lambda: wanted)


def conclude(plan: Plan, outcome: Outcome[Reply]) -> Any:
    assert plan.call_id is not None
    with transaction.atomic():
        if outcome.reply is not None:
            return gate.settle(plan.call_id, outcome.reply, outcome.latency_ms)
        assert outcome.failure is not None
        return gate.fail(plan.call_id, outcome.failure, outcome.latency_ms)


def buy(queries: list[Query], payer: Payer) -> tuple[Plan, Any]:
    plan = begin(queries, payer)
    return plan, conclude(plan, carry_out(plan))


def call_of(plan: Plan) -> VendorCall:
    assert plan.call_id is not None
    return VendorCall.objects.get(pk=plan.call_id)


def budget(scope: str) -> tuple[Decimal, Decimal]:
    row = Budget.objects.get(scope=scope)
    return row.reserved, row.spent


def expire(call_id: UUID | None) -> None:
    assert call_id is not None
    VendorCall.objects.filter(pk=call_id).update(lease_until=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def payer(db: None) -> Payer:
    run_id = uuid7()
    return paying(make_user().pk, run_id, money_cap(f"run:{run_id}", None, "the run"))


@pytest.fixture(autouse=True)
def _proven(db: None) -> None:
    """The operation has answered of late, so that several requests may be in flight."""
    works(catalogue.operation("property_detail"))


def works(operation: Operation) -> None:
    Operation.objects.filter(pk=operation.pk).update(answered_at=timezone.now())


@pytest.fixture
def five(sandbox: Sandbox) -> list[Query]:
    return [detail_query(property_id) for property_id in some_ids(sandbox, 5)]


def test_what_is_bought_is_paid_once_and_counted_in_every_budget(
    sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    plan, settled = buy(five, payer)
    assert len(settled.answers) == 5
    assert billed(sandbox) == Decimal("0.25") == call_of(plan).cost
    assert call_of(plan).state == State.SETTLED
    today, user = pace.database_now(), payer.user_id
    for scope in (f"run:{payer.run_id}", f"user:{user}:{today:%Y-%m}", f"vendor:realestateapi:{today:%Y-%m-%d}"):
        assert budget(scope) == (0, Decimal("0.25"))
    assert budget(f"leads:{user}:{today:%Y-%m-%d}") == (0, 5)


@pytest.fixture
def grown(five: list[Query], payer: Payer) -> VendorCall:
    """A settled request, of whose operation PostgreSQL counted one look-up; since then 5,000 have come."""
    buy(five[:1], payer)
    call = VendorCall.objects.get()
    values = {field.attname: getattr(call, field.attname) for field in VendorCall._meta.concrete_fields}
    other = Operation.objects.exclude(pk=call.operation_id)[0]
    others = [VendorCall(**values | {"id": uuid7(), "operation_id": other.pk}) for _ in range(150)]
    VendorCall.objects.bulk_create(others)
    owned = {"state": Lookup.State.ANSWERED, "facts": {}, "fetched_at": call.created_at}
    Lookup.objects.bulk_create(
        Lookup(operation=other, call=one, key=f"{one.pk} {n}", **owned) for one in others for n in range(40)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE integrations_lookup")
    Lookup.objects.bulk_create(Lookup(operation=call.operation, key=f"after {n}", **owned) for n in range(5_000))
    return call


def _take_mark_back(call: VendorCall, _five: list[Query], _payer: Payer) -> None:
    answers.unmark(call.operation_id, [answers.Marked("after 1", ("answered", call.created_at), None)])


def _put_phone_in(call: VendorCall, _five: list[Query], _payer: Payer) -> None:
    reveals._answer(call, PhoneReveal(people={"p": ["after 1"]}), {"p": {"phone": "+16025550100"}}, Decimal(0))


@pytest.mark.parametrize("write", [lambda _call, five, payer: buy(five[1:], payer), _take_mark_back, _put_phone_in])
def test_what_is_written_to_look_ups_reads_these_alone_however_many_came_since_they_were_counted(
    write: Callable[[VendorCall, list[Query], Payer], object], grown: VendorCall, five: list[Query], payer: Payer
) -> None:
    """By the statistics of a young operation PostgreSQL would read all its look-ups, and sort out the ones meant."""
    with CaptureQueriesContext(connection) as asked:
        write(grown, five, payer)
    (update,) = (one["sql"] for one in asked if one["sql"].lstrip().startswith("UPDATE integrations_lookup"))
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + update)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Cond" in plan and "Index Cond: (operation_id" not in plan, plan  # without its key


def test_an_owned_answer_costs_another_user_nothing(sandbox: Sandbox, five: list[Query], payer: Payer) -> None:
    _, settled = buy(five, payer)
    other = begin(five, paying(make_user("bob").pk))
    assert (other.call_id, other.buying) == (None, ())
    assert {k: v.answer for k, v in other.owned.items()} == {k: v.answer for k, v in settled.answers.items()}
    assert requests_of(sandbox) == {"property_detail": 1}


def test_an_answer_past_its_freshness_is_bought_again_and_its_cost_added(
    sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    buy(five, payer)
    Lookup.objects.filter(key=five[0].key).update(fetched_at=timezone.now() - timedelta(days=91))
    plan, _ = buy(five, payer)
    assert [query.key for query in plan.buying] == [five[0].key]
    assert Lookup.objects.get(key=five[0].key).cost == Decimal("0.10")
    assert billed(sandbox) == Decimal("0.30")


def test_a_key_named_twice_is_bought_once(sandbox: Sandbox, five: list[Query], payer: Payer) -> None:
    plan, _ = buy([five[0], five[0], five[1]], payer)
    assert len(plan.buying) == 2
    assert billed(sandbox) == Decimal("0.10")


def test_what_somebody_is_buying_this_moment_is_waited_for(five: list[Query], payer: Payer) -> None:
    begin(five[:3], payer)
    second = begin(five, paying(make_user("bob").pk))
    assert second.busy == {query.key for query in five[:3]}
    assert [query.key for query in second.buying] == [query.key for query in five[3:]]


def test_an_unknown_property_is_an_answer_and_not_charged(sandbox: Sandbox, five: list[Query], payer: Payer) -> None:
    ghost = detail_query("99")
    plan, settled = buy([five[0], ghost], payer)
    assert settled.answers[ghost.key].answer.category == Category.NOT_FOUND
    assert call_of(plan).cost == Decimal("0.05") == billed(sandbox)
    assert Lookup.objects.get(key="99").cost == 0
    assert begin([ghost], payer).owned[ghost.key].answer.category == Category.NOT_FOUND


def test_only_what_fits_under_the_cap_is_bought(sandbox: Sandbox, five: list[Query], payer: Payer) -> None:
    cap = money_cap(f"run:{payer.run_id}", Decimal("0.12"), "this run's cap")
    capped = paying(payer.user_id, payer.run_id, cap)
    plan, _ = buy(five, capped)
    assert len(plan.buying) == 2
    assert plan.unaffordable == {query.key for query in five[2:]}
    assert plan.cap is not None
    assert plan.cap.label == "this run's cap"
    assert billed(sandbox) == Decimal("0.10")


def test_the_daily_lead_limit_counts_leads_and_not_dollars(sandbox: Sandbox, five: list[Query]) -> None:
    few = make_user("few", daily_lead_limit=2)
    plan = begin(five, paying(few.pk))
    assert len(plan.buying) == 2
    assert plan.cap is not None
    assert plan.cap.label == "today's limit of 2 leads"


def test_a_stop_before_sending_releases_everything(sandbox: Sandbox, five: list[Query], payer: Payer) -> None:
    plan = begin(five, payer)
    assert carry_out(plan, wanted=False) == Outcome()
    assert call_of(plan).state == State.RELEASED
    assert set(Lookup.objects.values_list("state", flat=True)) == {"free"}
    assert budget(f"run:{payer.run_id}") == (0, 0)
    assert requests_of(sandbox) == {}


@pytest.mark.parametrize("kind", ["502", "503", "429"])
def test_a_refusal_costs_nothing_and_may_be_tried_again(
    kind: str, sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    fail_with(sandbox, "property_detail", kind, count=1)
    plan, ended = buy(five, payer)
    assert ended is True
    assert call_of(plan).state == State.RELEASED
    assert call_of(plan).category == ("RATE_LIMITED" if kind == "429" else "NETWORK_ERROR")
    assert budget(f"run:{payer.run_id}") == (0, 0)
    _, settled = buy(five, payer)
    assert len(settled.answers) == 5
    assert billed(sandbox) == Decimal("0.25")


def test_a_vendor_that_cannot_be_reached_costs_nothing(five: list[Query], payer: Payer, settings: Any) -> None:
    settings.VENDORS = settings.VENDORS | {"realestateapi": {"base_url": "http://127.0.0.1:9", "key": "k"}}
    plan, _ = buy(five, payer)
    assert (call_of(plan).state, call_of(plan).category) == (State.RELEASED, "NETWORK_ERROR")
    assert budget(f"run:{payer.run_id}") == (0, 0)


def test_retry_after_holds_back_everybody(sandbox: Sandbox, five: list[Query], payer: Payer) -> None:
    fail_with(sandbox, "property_detail", "429_retry_after", seconds=30, count=1)
    plan = begin(five, payer)
    outcome = carry_out(plan)
    assert report_outcome(catalogue.operation("property_detail"), outcome.failure, plan.call_id) is True
    conclude(plan, outcome)
    with pytest.raises(Closed) as closed:
        begin(five, payer)
    assert closed.value.retry_in == pytest.approx(29.5, abs=1)


@pytest.mark.parametrize("kind", ["cut", "timeout", "500", "504", "garbage"])
def test_what_may_have_been_bought_stays_reserved_and_is_never_repeated_blind(
    kind: str, sandbox: Sandbox, five: list[Query], payer: Payer, settings: Any
) -> None:
    settings.VENDOR_READ_TIMEOUT = 1.0 if kind == "timeout" else settings.VENDOR_READ_TIMEOUT
    fail_with(sandbox, "property_detail", kind, count=1, seconds=4)
    plan, _ = buy(five, payer)
    assert call_of(plan).state == State.IN_DOUBT
    assert budget(f"run:{payer.run_id}") == (Decimal("0.25"), 0)
    again = begin(five, payer)
    assert (again.call_id, again.doubtful) == (None, {query.key: plan.call_id for query in five})
    assert requests_of(sandbox) == {"property_detail": 1}


def test_the_operator_says_it_was_not_bought(sandbox: Sandbox, five: list[Query], payer: Payer) -> None:
    fail_with(sandbox, "property_detail", "504", count=1)
    plan, _ = buy(five, payer)
    with transaction.atomic():
        assert plan.call_id is not None
        assert calls.release_doubt(plan.call_id) is True
        assert calls.write_off(plan.call_id) is False
    assert call_of(plan).state == State.RELEASED
    assert budget(f"run:{payer.run_id}") == (0, 0)
    assert len(begin(five, payer).buying) == 5


def test_the_operator_writes_it_off(sandbox: Sandbox, five: list[Query], payer: Payer) -> None:
    fail_with(sandbox, "property_detail", "cut", count=1)
    plan, _ = buy(five, payer)
    with transaction.atomic():
        assert plan.call_id is not None
        assert calls.write_off(plan.call_id) is True
    assert call_of(plan).cost == Decimal("0.25") == billed(sandbox)
    assert budget(f"run:{payer.run_id}") == (0, Decimal("0.25"))
    assert len(begin(five, payer).buying) == 5


def test_an_unusable_answer_that_was_billed_is_paid_kept_once_and_not_bought_again_for_a_while(
    sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    plan = begin(five, payer)
    carry_out(plan)
    failure = Rejected("no list", charged=True, evidence=Evidence.of(b'{"data": 1}', "has no list", personal=False))
    conclude(plan, Outcome(failure=failure))
    assert call_of(plan).cost == Decimal("0.25") == billed(sandbox)
    assert set(Lookup.objects.values_list("state", flat=True)) == {"garbage"}
    kept = UnreadableAnswer.objects.get()
    assert (kept.call_id, bytes(kept.raw or b""), kept.length) == (plan.call_id, b'{"data": 1}', 11)
    again = begin(five, payer)
    assert again.call_id is None
    assert again.owned[five[0].key].answer.category == Category.INVALID_DATA
    Lookup.objects.update(fetched_at=timezone.now() - timedelta(days=91))
    assert len(begin(five, payer).buying) == 5


@pytest.mark.parametrize("kind", ["401", "402", "403"])
def test_a_refused_key_costs_nothing(kind: str, sandbox: Sandbox, five: list[Query], payer: Payer) -> None:
    fail_with(sandbox, "property_detail", kind)
    plan, _ = buy(five, payer)
    assert (call_of(plan).state, call_of(plan).category) == (State.RELEASED, "AUTH_ERROR")
    assert billed(sandbox) == 0 == sum(budget(f"run:{payer.run_id}"))


def test_a_missing_key_sends_nothing(sandbox: Sandbox, five: list[Query], payer: Payer, settings: Any) -> None:
    settings.VENDORS = settings.VENDORS | {"realestateapi": settings.VENDORS["realestateapi"] | {"key": ""}}
    with pytest.raises(Closed) as closed:
        buy(five, payer)
    assert closed.value.reason == "RealEstateAPI is not available: no key (REALESTATEAPI_KEY is not set)"
    assert closed.value.retry_in is None
    assert (requests_of(sandbox), VendorCall.objects.count(), Lookup.objects.count()) == ({}, 0, 0)
    assert not Vendor.objects.exclude(paused_reason="").exists()


def test_nobody_is_taken_for_dead_while_postgresql_has_only_just_started(
    five: list[Query], payer: Payer, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = begin(five, payer)
    expire(plan.call_id)
    monkeypatch.setattr(calls, "RECOVERY", timedelta(days=1))
    assert calls.dead_calls() == []


def test_a_worker_that_died_before_sending_frees_everything(five: list[Query], payer: Payer) -> None:
    plan = begin(five, payer)
    assert calls.dead_calls() == []
    expire(plan.call_id)
    assert calls.dead_calls() == [(plan.call_id, payer.run_id)]
    with transaction.atomic():
        assert plan.call_id is not None
        assert calls.expire_call(plan.call_id) == State.RELEASED
    assert budget(f"run:{payer.run_id}") == (0, 0)
    assert len(begin(five, payer).buying) == 5


def test_a_worker_that_died_after_sending_leaves_a_doubt_and_its_zombie_writes_nothing(
    sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    plan = begin(five, payer)
    outcome = carry_out(plan)
    expire(plan.call_id)
    with transaction.atomic():
        assert plan.call_id is not None
        assert calls.expire_call(plan.call_id) == State.IN_DOUBT
    assert conclude(plan, outcome) is None
    assert call_of(plan).state == State.IN_DOUBT
    assert set(Lookup.objects.values_list("state", flat=True)) == {"in_doubt"}


def test_settling_twice_changes_nothing(sandbox: Sandbox, five: list[Query], payer: Payer) -> None:
    plan = begin(five, payer)
    outcome = carry_out(plan)
    assert len(conclude(plan, outcome).answers) == 5
    assert conclude(plan, outcome) is None
    assert budget(f"run:{payer.run_id}") == (0, Decimal("0.25"))


@pytest.mark.parametrize(("claims", "excess"), [(0, "0"), (5, "0"), (50, "2.25"), (10**9, "499999.70")])
def test_the_price_list_decides_whatever_the_vendor_claims(
    claims: int, excess: str, sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    plan = begin(five, payer)
    outcome = carry_out(plan)
    assert outcome.reply is not None
    conclude(plan, Outcome(reply=replace(outcome.reply, claimed=Decimal(claims)), latency_ms=1))
    call = call_of(plan)
    assert (call.cost, call.excess) == (Decimal("0.25"), Decimal(excess))
    assert budget(f"run:{payer.run_id}") == (0, Decimal("0.25"))


def test_a_vendor_that_claims_too_much_in_a_day_pauses_until_the_list_is_confirmed(
    sandbox: Sandbox, payer: Payer
) -> None:
    ids, operation = some_ids(sandbox, 20), catalogue.operation("property_detail")
    for start, paused in ((0, False), (10, True)):  # $4.50 and $9.00 over, of which max($5, 10 %) is looked over
        plan = begin([detail_query(one) for one in ids[start : start + 10]], payer)
        outcome = carry_out(plan)
        assert outcome.reply is not None
        conclude(plan, Outcome(reply=replace(outcome.reply, claimed=Decimal(100)), latency_ms=1))
        vendor = Vendor.objects.get(pk="realestateapi")
        assert (vendor.billing_check, bool(vendor.paused_reason)) == (paused, paused)
    assert "claims $9.00 more today than the price list says ($1.00)" in vendor.paused_reason
    Vendor.objects.update(billing_check=False, paused_reason="")
    Operation.objects.filter(pk=operation.pk).update(list_confirmed_at=timezone.now())
    plan = begin([detail_query(one) for one in some_ids(sandbox, 10, 20)], payer)
    outcome = carry_out(plan)
    assert outcome.reply is not None
    conclude(plan, Outcome(reply=replace(outcome.reply, claimed=Decimal(100)), latency_ms=1))
    assert not Vendor.objects.get(pk="realestateapi").billing_check
    assert call_of(plan).excess == Decimal("4.50")


def test_a_request_is_charged_at_the_price_it_was_reserved_at(
    sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    plan = begin(five, payer)
    Operation.objects.update(price=Decimal("0.50"))
    conclude(plan, carry_out(plan))
    assert (call_of(plan).price, call_of(plan).cost) == (Decimal("0.05"), Decimal("0.25"))
    assert budget(f"run:{payer.run_id}") == (0, Decimal("0.25"))


def test_a_price_of_many_decimals_leaves_nothing_reserved(
    sandbox: Sandbox, five: list[Query], payer: Payer, settings: Any
) -> None:
    detail = settings.OPERATIONS["property_detail"] | {"price": Decimal("0.0333333")}
    settings.OPERATIONS = settings.OPERATIONS | {"property_detail": detail}
    plan, _ = buy(five, payer)
    assert budget(f"run:{payer.run_id}") == (0, Decimal("0.1670")) == (0, call_of(plan).cost)


def test_an_answer_stays_owned_while_it_is_bought_again_in_doubt_or_left_out(
    sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    buy(five, payer)
    facts = dict(Lookup.objects.values_list("key", "facts"))
    anew, bob = timezone.now(), paying(make_user("bob").pk)
    plan = begin(five, payer, anew)
    assert len(plan.buying) == 5
    assert len(begin(five, bob).owned) == 5
    carry_out(plan)
    conclude(plan, Outcome(failure=InDoubt("no answer")))
    assert len(begin(five, bob).owned) == 5
    assert set(begin(five, payer, anew).doubtful) == {query.key for query in five}
    with transaction.atomic():
        assert plan.call_id is not None
        calls.release_doubt(plan.call_id)
    plan = begin(five, payer, anew)
    carry_out(plan)
    left_out = Reply({query.key: Answer(category=Category.NOT_FOUND) for query in five}, Decimal(0))
    settled = conclude(plan, Outcome(reply=left_out))
    assert all(owned.answer.found for owned in settled.answers.values())
    assert dict(Lookup.objects.values_list("key", "facts")) == facts
    assert len(begin(five, bob).owned) == 5


@pytest.mark.parametrize(
    "failure",
    [
        Rejected("unusable", charged=True, evidence=Evidence.of(b"{}", "is empty", personal=False)),
        InDoubt("cut"),
        NotSent("away"),
        Rejected("refused", status=400),
    ],
)
def test_no_failure_takes_away_what_is_owned(
    failure: VendorFailure, sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    buy(five, payer)
    facts = dict(Lookup.objects.values_list("key", "facts"))
    plan = begin(five, payer, timezone.now())
    carry_out(plan)
    conclude(plan, Outcome(failure=failure))
    assert len(begin(five, paying(make_user("bob").pk)).owned) == 5
    assert dict(Lookup.objects.values_list("key", "facts")) == facts


def test_after_a_doubt_one_input_a_request_and_after_two_the_breaker_opens(
    sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    operation = catalogue.operation("property_detail")
    for number, is_open in ((1, False), (2, True)):
        plan = begin([five[number]], payer)
        outcome: Outcome[Reply] = Outcome(failure=InDoubt("500", server_error=True))
        carry_out(plan)
        assert report_outcome(operation, outcome.failure, plan.call_id) is is_open
        conclude(plan, outcome)
        operation.refresh_from_db()
        assert is_fragile(operation)
    breaker.note_success(operation, "http://somewhere")
    operation = catalogue.operation("property_detail")
    assert not is_fragile(operation)
    assert (operation.doubts, operation.answered_from) == (0, "http://somewhere")


def test_a_batch_that_was_reserved_before_a_doubt_is_not_sent_after_it(
    sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    operation = catalogue.operation("property_detail")
    batch, single = begin(five[:4], payer), begin(five[4:], payer)
    breaker.note_doubt(operation, InDoubt("500", server_error=True))
    assert carry_out(batch) == Outcome()
    assert call_of(batch).state == State.RELEASED
    assert carry_out(single).reply is not None
    assert requests_of(sandbox) == {"property_detail": 1}


@pytest.mark.parametrize(
    ("policy", "state", "cost"),
    [("doubt", "in_doubt", "0"), ("not_billed", "released", "0"), ("billed", "written_off", "0.25")],
)
def test_the_vendors_policy_says_what_a_server_error_means(
    policy: str, state: str, cost: str, sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    Vendor.objects.filter(pk="realestateapi").update(server_error_policy=policy)
    fail_with(sandbox, "property_detail", "500", count=1)
    plan, _ = buy(five, payer)
    assert (call_of(plan).state, call_of(plan).cost) == (state, Decimal(cost))
    assert budget(f"run:{payer.run_id}") == (Decimal("0.25") if state == "in_doubt" else 0, Decimal(cost))


def test_refusals_without_a_word_hold_back_longer_each_time_and_a_success_forgets_them(
    sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    operation = catalogue.operation("property_detail")
    waits = []
    for _ in range(8):
        pace.refused(operation.pk, None, timezone.now() + timedelta(seconds=1))
        operation.refresh_from_db()
        assert operation.next_slot_at is not None
        waits.append(round((operation.next_slot_at - timezone.now()).total_seconds()))
        Operation.objects.filter(pk=operation.pk).update(next_slot_at=None)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    pace.refused(operation.pk, None, timezone.now() - timedelta(seconds=1))  # was in flight with the last one
    operation.refresh_from_db()
    assert operation.held_back == 8
    breaker.note_success(operation, "")
    operation.refresh_from_db()
    assert operation.held_back == 0


def test_a_miss_that_may_be_a_wrong_address_is_believed_where_the_operation_has_answered_before(
    sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    class Missing:
        operation = "property_detail"

        def call(self, queries: list[Query], *, call_id: str) -> Reply:
            miss = Reply({q.key: Answer(category=Category.NOT_FOUND) for q in queries}, Decimal(0), status=404)
            raise UnprovenMiss("nothing here (404)", miss=miss)

    for proven in (False, True):
        operation = catalogue.operation("property_detail")
        Operation.objects.filter(pk=operation.pk).update(answered_from=base_url(operation) if proven else "")
        plan = begin(five, payer)
        assert plan.call_id is not None
        outcome = send(plan, Missing())
        assert (outcome.reply is not None, stops_vendor(outcome.failure) is None) == (proven, proven)
        conclude(plan, outcome)


def test_an_answer_of_another_vendor_serves_where_it_found_somebody(
    sandbox: Sandbox, payer: Payer, settings: Any
) -> None:
    here = catalogue.operation("skip_trace")
    there, _ = Operation.objects.get_or_create(vendor=catalogue.vendor("signalhouse"), name="skip_trace")
    now = timezone.now()
    Lookup.objects.create(operation=there, key="hit", state="answered", facts={"phone": "+12065550100"}, fetched_at=now)
    Lookup.objects.create(
        operation=there, key="miss", state="answered", facts={}, category="SKIP_TRACE_EMPTY", fetched_at=now
    )
    works(here)
    with transaction.atomic():
        plan = gate.begin(here, [Query("hit", {}), Query("miss", {}), Query("new", {}, names=("hit",))], payer)
    assert (set(plan.owned), [query.key for query in plan.buying]) == ({"hit", "new"}, ["miss"])


@pytest.mark.parametrize(("state", "place"), [("buying", "busy"), ("in_doubt", "doubtful")])
def test_what_another_vendor_is_asked_is_not_bought_here_too(
    sandbox: Sandbox, payer: Payer, settings: Any, state: str, place: str
) -> None:
    """A new SKIP_TRACE_VENDOR, which workers take one after the other."""
    works(catalogue.operation("skip_trace"))
    with transaction.atomic():
        before = gate.begin(catalogue.operation("skip_trace"), [Query("ann", {})], payer)
    Lookup.objects.update(state=state)
    settings.OPERATIONS |= {"skip_trace": settings.OPERATIONS["skip_trace"] | {"vendor": "signalhouse"}}
    here = catalogue.operation("skip_trace")
    works(here)
    with transaction.atomic():
        plan = gate.begin(here, [Query("ann", {}), Query("bob", {}, names=("ann",))], payer)
    assert len(before.buying) == 1
    assert here.vendor_id == "signalhouse"
    assert not plan.buying
    assert {*getattr(plan, place)} == {"ann", "bob"}


def test_an_operation_that_has_not_answered_of_late_sends_one_request_at_a_time(
    sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    Operation.objects.update(answered_at=None)
    begin(five[:2], payer)
    with pytest.raises(Closed, match="the first answer of RealEstateAPI: property detail is awaited"):
        begin(five[2:], payer)
    with transaction.atomic():  # a single look-up need not wait
        single = catalogue.operation("property_detail")
        assert gate.begin(single, five[4:], payer, single=True).call_id is not None


def test_nothing_is_bought_that_a_cap_could_not_finish(sandbox: Sandbox, five: list[Query], payer: Payer) -> None:
    cap = money_cap(f"run:{payer.run_id}", Decimal("0.30"), "this run's cap")
    asked: list[str] = []

    def begun(scope: str) -> Decimal:
        asked.append(scope)
        return Decimal("0.05")

    finishing = Afterwards(Decimal("0.05"), "realestateapi", begun, lambda scope: Decimal("0.25"))
    plan = begin(five, replace(payer, caps=(cap,), afterwards=finishing))
    assert len(plan.buying) == 2  # two details and their traces, and one trace begun before
    assert asked == [cap.scope]
    wide = money_cap(f"run:{payer.run_id}", Decimal(10), "this run's cap")
    asked.clear()
    assert len(begin(five[2:], replace(payer, caps=(wide,), afterwards=finishing)).buying) == 3
    assert asked == []


def test_no_more_than_ten_requests_are_in_flight_per_vendor(sandbox: Sandbox, payer: Payer) -> None:
    ids = some_ids(sandbox, 11)
    for property_id in ids[:10]:
        begin([detail_query(property_id)], payer)
    with pytest.raises(Closed, match="10 requests to RealEstateAPI are in flight"):
        begin([detail_query(ids[10])], payer)


def test_as_many_workers_choose_as_there_are_free_places_in_flight(sandbox: Sandbox, payer: Payer) -> None:
    operation = catalogue.operation("property_detail")
    ids = some_ids(sandbox, 10)
    for property_id in ids[:9]:
        begin([detail_query(property_id)], payer)
    with transaction.atomic():
        admission.look(operation)
        with pytest.raises(Closed, match="other workers are choosing for RealEstateAPI"):
            apart(lambda: look_apart(operation))
        begin([detail_query(ids[9])], payer)
        with pytest.raises(Closed, match="other workers are choosing"):  # until the commit
            apart(lambda: look_apart(operation))
    with pytest.raises(Closed, match="10 requests to RealEstateAPI are in flight"):
        apart(lambda: look_apart(operation))
    VendorCall.objects.update(state="released")
    apart(lambda: look_apart(operation))


def look_apart(operation: Operation) -> None:
    with transaction.atomic():
        admission.look(operation)


def test_five_failures_open_the_breaker_and_a_probe_that_succeeds_closes_it(
    sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    fail_with(sandbox, "property_detail", "503", count=5)
    for _ in range(5):
        plan = begin(five, payer)
        outcome = carry_out(plan)
        conclude(plan, outcome)
        open_now = report_outcome(catalogue.operation("property_detail"), outcome.failure)
    assert open_now is True
    with pytest.raises(Closed, match="failed repeatedly"):
        begin(five, payer)
    Operation.objects.filter(name="property_detail").update(breaker_open_until=timezone.now())
    probe = begin(five[:1], payer)
    with pytest.raises(Closed, match="in flight"):
        begin(five[1:], payer)
    outcome = carry_out(probe)
    conclude(probe, outcome)
    report_outcome(catalogue.operation("property_detail"), outcome.failure)
    operation = Operation.objects.get(name="property_detail")
    assert (operation.failures, operation.breaker_openings, operation.breaker_open_until) == (0, 0, None)


def test_a_probe_that_fails_opens_the_breaker_for_twice_as_long(
    sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    catalogue.operation("property_detail")
    over = timezone.now() - timedelta(seconds=1)
    Operation.objects.update(failures=5, breaker_openings=1, breaker_open_until=over)
    fail_with(sandbox, "property_detail", "503", count=1)
    plan = begin(five[:1], payer)
    outcome = carry_out(plan)
    conclude(plan, outcome)
    report_outcome(catalogue.operation("property_detail"), outcome.failure)
    operation = Operation.objects.get(name="property_detail")
    assert operation.breaker_open_until is not None
    assert operation.breaker_openings == 2
    assert 55 < (operation.breaker_open_until - timezone.now()).total_seconds() <= 60


def test_a_switched_off_and_a_paused_vendor_sell_nothing_and_say_why(five: list[Query], payer: Payer) -> None:
    breaker.pause(catalogue.vendor("realestateapi").pk, "RealEstateAPI refused the key (401)")
    with pytest.raises(Closed, match="refused the key") as closed:
        begin(five, payer)
    assert closed.value.retry_in is None
    breaker.reset("realestateapi")
    Vendor.objects.update(enabled=False)
    with pytest.raises(Closed, match="turned off"):
        begin(five, payer)


def test_the_operators_own_price_outranks_the_environments(sandbox: Sandbox, five: list[Query], payer: Payer) -> None:
    Operation.objects.filter(pk=catalogue.operation("property_detail").pk).update(price=Decimal("0.02"))
    plan, _ = buy(five, payer)
    assert call_of(plan).cost == Decimal("0.10")


def test_one_unreadable_record_is_kept_and_may_be_asked_for_again_on_an_operators_word(
    sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    plan = begin(five, payer)
    carry_out(plan)
    answers = {query.key: Answer(facts={"apn": "1"}) for query in five[1:]}
    answers[five[0].key] = Answer(category=Category.INVALID_DATA)
    evidence = Evidence.of(b"{}", "one record cannot be read", personal=False)
    conclude(plan, Outcome(reply=Reply(answers, Decimal(5), evidence=evidence)))
    assert Lookup.objects.get(key=five[0].key).state == "garbage"
    assert UnreadableAnswer.objects.get().why == "one record cannot be read"
    assert plan.call_id is not None
    with transaction.atomic():
        forget_unreadable(plan.call_id)
    assert [query.key for query in begin(five, payer).buying] == [five[0].key]


def test_what_a_newer_answer_leaves_out_stays_but_not_of_another_owner(
    sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    def answer(**facts: Any) -> Any:
        plan = begin(five[:1], payer, timezone.now())
        carry_out(plan)
        facts = dict.fromkeys(("owner_name", "mailing_city", "apn", "sqft")) | facts
        conclude(plan, Outcome(reply=Reply({five[0].key: Answer(facts=facts)}, Decimal(1))))
        kept = Lookup.objects.get(key=five[0].key).facts
        assert kept is not None
        return {k: v for k, v in kept.items() if v is not None}

    first = answer(owner_name="DOE ANN", mailing_city="Austin", apn="1", sqft=900)
    assert answer(sqft=950) == first | {"sqft": 950}
    assert answer(owner_name="ROE JANE") == {"owner_name": "ROE JANE", "apn": "1", "sqft": 950}


def until_one_waits() -> None:
    deadline = time.monotonic() + 20
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted")
            if cursor.fetchone()[0]:
                return
            assert time.monotonic() < deadline, "nobody waits"
            time.sleep(0.01)


def test_nobody_waits_for_a_worker_that_chooses(sandbox: Sandbox, five: list[Query], payer: Payer) -> None:
    operation = catalogue.operation("property_detail")
    with transaction.atomic():
        chosen = gate.choose(operation, five[:2])
        other = apart(lambda: begin(five[2:4], payer))
        plan = gate.reserve(operation, chosen, payer)
    assert len(plan.buying) == len(other.buying) == 2
    assert budget(payer.caps[0].scope)[0] == Decimal("0.20")
    assert begin(five, payer).busy == {query.key for query in five[:4]}


def test_where_a_day_begins_meanwhile_nothing_is_counted_in_the_last_one(
    sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    operation = catalogue.operation("property_detail")
    with pytest.raises(Closed, match="a new day"), transaction.atomic():
        chosen = gate.choose(operation, five)
        operation.seen_at -= timedelta(days=1)
        gate.reserve(operation, chosen, payer)
    assert (Budget.objects.exclude(reserved=0).count(), VendorCall.objects.count()) == (0, 0)
    assert len(begin(five, payer).buying) == 5


def test_of_two_workers_that_choose_the_same_one_buys_it(sandbox: Sandbox, five: list[Query], payer: Payer) -> None:
    operation = catalogue.operation("property_detail")
    with ThreadPoolExecutor(1) as pool, pytest.raises(Closed, match="another worker was faster"):
        with transaction.atomic():
            plan = gate.reserve(operation, gate.choose(operation, five[:3]), payer)
            late = pool.submit(apart, lambda: begin(five[1:], payer))
            until_one_waits()
        late.result(timeout=30)
    assert len(plan.buying) == 3
    assert VendorCall.objects.count() == 1
    assert Lookup.objects.filter(state="buying").count() == 3
    assert len(begin(five[1:], payer).buying) == 2


def test_of_two_workers_that_choose_one_property_by_two_names_one_buys_it(
    sandbox: Sandbox, five: list[Query], payer: Payer
) -> None:
    operation = catalogue.operation("property_detail")
    one, two = five[0], replace(five[1], names=(five[0].key,))
    with pytest.raises(Closed, match="another worker was faster"), transaction.atomic():
        chosen = gate.choose(operation, [two])
        assert len(apart(lambda: begin([one], payer)).buying) == 1
        gate.reserve(operation, chosen, payer)
    assert [*Lookup.objects.values_list("key", "state")] == [(one.key, "buying")]
    assert begin([two], payer).busy == {two.key}


def test_an_answer_that_came_since_it_was_chosen_is_not_bought_again(
    sandbox: Sandbox, five: list[Query], payer: Payer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = answers.mark_buying

    def later(operation_id: int, call_id: UUID, keys: list[str]) -> Any:
        apart(lambda: answers.store_copies(operation, [answers.Copy(five[0].key, {"apn": "1"}, timezone.now())]))
        return mark(operation_id, call_id, keys)

    operation = catalogue.operation("property_detail")
    monkeypatch.setattr(answers, "mark_buying", later)
    with pytest.raises(Closed, match="another worker was faster"):
        begin(five[:2], payer)
    monkeypatch.setattr(answers, "mark_buying", mark)
    plan = begin(five[:2], payer)
    assert (set(plan.owned), [query.key for query in plan.buying]) == ({five[0].key}, [five[1].key])


def test_what_no_cap_has_room_for_is_as_it_was_before(sandbox: Sandbox, five: list[Query], payer: Payer) -> None:
    buy(five[:3], payer)
    Lookup.objects.update(fetched_at=timezone.now() - timedelta(days=400))
    before = {row["key"]: row for row in Lookup.objects.values()}
    poor = replace(payer, caps=(money_cap("run:poor", Decimal("0.10"), "a small limit"),))
    again = begin([five[4], *five[:4]], poor)
    assert [query.key for query in again.buying] == [five[4].key, five[0].key]
    after = {row["key"]: row for row in Lookup.objects.values()}
    assert {key: after[key] for key in (five[1].key, five[2].key)} == {
        key: before[key] for key in (five[1].key, five[2].key)
    }
    assert five[3].key not in after
    assert {after[key]["call_id"] for key in (five[4].key, five[0].key)} == {again.call_id}
    nothing = begin(five[1:4], poor)
    assert (nothing.call_id, nothing.buying, len(nothing.unaffordable)) == (None, (), 3)
    assert {row["key"]: row for row in Lookup.objects.values()} == after


def test_marks_without_a_call_are_refused(sandbox: Sandbox, five: list[Query]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        gate.choose(catalogue.operation("property_detail"), five)
    assert not Lookup.objects.exists()
