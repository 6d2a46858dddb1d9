"""Whole runs through the real clients and the sandbox: what comes out, what it costs, and what stops it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from buckets.deleting.services import delete_bucket
from buckets.models import Bucket
from buckets.services import recount
from enrichment import services
from enrichment.locks import lock_run
from enrichment.models import Run, RunItem
from enrichment.options import RunOptions
from enrichment.services import IdempotencyConflict, RunError, start_run
from enrichment.worker import purchase, queue, stages
from integrations.ledger import breaker, calls, catalogue
from integrations.ledger.sending import carry_out
from integrations.models import Balance, Lookup, Operation, Vendor, VendorCall
from integrations.vendors.adapters import adapter_for
from leads.models import Lead
from leads.selection.filters import BadFilter
from sandbox.server import Sandbox
from tests.support import (
    billed,
    fail_with,
    finish,
    make_bucket,
    make_user,
    mostly_long,
    pump_until_still,
    requests_of,
    set_operations,
    start,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def few_threads(settings: Any) -> None:
    settings.VENDOR_IN_FLIGHT = 3


@pytest.fixture
def bucket(sandbox: Sandbox) -> Bucket:
    return make_bucket(sandbox, make_user(), 60)


def outcomes(run: Run) -> dict[str, int]:
    labels = [RunItem.Outcome(n).name for n in run.items.values_list("outcome", flat=True)]
    return {label: labels.count(label) for label in sorted(set(labels))}


def settled(run: Run) -> tuple[int, int, int, int]:
    return run.enriched, run.partial, run.failed, run.skipped


def test_a_run_makes_its_leads_contactable_for_what_the_vendor_billed(sandbox: Sandbox, bucket: Bucket) -> None:
    run = finish(start(bucket))
    bucket.refresh_from_db()
    assert run.status == "completed"
    assert run.total == run.done == 60
    assert (run.failed, run.skipped) == (0, 0)
    assert run.spent == billed(sandbox) == Balance.objects.get(scope=run.budget_scope).spent
    assert run.reserved == 0
    with_phone = Lead.objects.filter(bucket=bucket, phone__isnull=False)
    assert run.enriched == bucket.enriched_leads == with_phone.count() > 30
    assert set(with_phone.values_list("enrichment_status", flat=True)) == {"completed"}
    assert bucket.leads.filter(phone__isnull=True, enrichment_status="partial").count() == run.partial
    assert (bucket.queued_leads, bucket.enrichment_status) == (0, "completed")
    assert bucket.enrichment_progress == {"total": 60, "processed": 60, "successful": 60}
    assert requests_of(sandbox) == {"property_detail": 1, "skip_trace": 1}
    assert recount(mend=False) == {}


def test_a_step_writes_its_leads_once(bucket: Bucket) -> None:
    start(bucket)
    for stage, name in ((RunItem.Stage.DETAIL, "property_detail"), (RunItem.Stage.SKIP_TRACE, "skip_trace")):
        with CaptureQueriesContext(connection) as asked:
            assert purchase.step(stage, name).worked
        statements = [one["sql"].strip().removeprefix("WITH changed AS (").strip() for one in asked]
        written = [sql for sql in statements if sql.startswith(("UPDATE leads_lead", 'UPDATE "leads_lead"'))]
        assert len(written) == 1, written
    assert set(bucket.leads.values_list("enrichment_status", flat=True)) == {"completed", "partial"}


def test_the_same_leads_again_cost_nothing_and_change_nothing(sandbox: Sandbox, bucket: Bucket) -> None:
    finish(start(bucket))
    before = list(Lead.objects.order_by("pk").values())
    paid = billed(sandbox)
    chosen = list(Lead.objects.order_by("pk").values_list("pk", flat=True))
    again = finish(start(bucket, lead_ids=chosen))
    assert (again.status, again.total, again.spent) == ("completed", 60, 0)
    assert list(Lead.objects.order_by("pk").values()) == before
    assert billed(sandbox) == paid


@pytest.mark.long
def test_another_users_bucket_of_the_same_parcels_costs_nothing(sandbox: Sandbox, bucket: Bucket) -> None:
    first = finish(start(bucket))
    second = finish(start(make_bucket(sandbox, make_user("bob"), 60)))
    assert settled(second) == settled(first)
    assert (second.spent, billed(sandbox)) == (0, first.spent)


def test_without_skip_trace_only_details_are_bought(sandbox: Sandbox, bucket: Bucket) -> None:
    run = finish(start(bucket, skip_trace=False))
    assert settled(run) == (0, 60, 0, 0)
    assert requests_of(sandbox) == {"property_detail": 1}
    assert run.spent == Decimal(3)


@pytest.mark.long
def test_a_run_takes_the_oldest_pending_leads_and_the_next_run_goes_on_from_there(bucket: Bucket) -> None:
    ids = list(bucket.leads.order_by("pk").values_list("pk", flat=True))
    first = finish(start(bucket, limit=20))
    assert list(first.items.order_by("pk").values_list("lead_id", flat=True)) == ids[:20]
    assert first.resume_from == ids[19]
    second = finish(start(bucket, limit=20, start_from=first.resume_from))
    assert list(second.items.order_by("pk").values_list("lead_id", flat=True)) == ids[20:40]


def test_a_lead_waiting_in_one_run_is_not_taken_by_another(bucket: Bucket) -> None:
    start(bucket, limit=40)
    second = start(bucket, limit=40)
    bucket.refresh_from_db()
    assert (second.total, bucket.queued_leads) == (20, 60)


def test_an_unknown_property_fails_alone(sandbox: Sandbox, bucket: Bucket) -> None:
    Lead.objects.filter(pk=bucket.leads.order_by("pk")[0].pk).update(property_id="7")
    run = finish(start(bucket))
    lead = Lead.objects.get(property_id="7")
    assert (run.failed, run.done) == (1, 60)
    assert lead.enrichment_status == "failed"
    assert lead.enrichment_error == "NOT_FOUND: the vendor does not know this property"


def test_only_failed_leads_are_tried_again(sandbox: Sandbox, bucket: Bucket) -> None:
    fail_with(sandbox, "property_detail", "503", count=3)
    first = finish(start(bucket, limit=10))
    assert settled(first) == (0, 0, 10, 0)
    assert first.spent == 0
    again = finish(start(bucket, only_failed=True))
    assert (again.total, again.failed, again.done) == (10, 0, 10)
    assert bucket.leads.filter(enrichment_status="failed").count() == 0


@pytest.mark.long
def test_retry_failed_takes_exactly_the_leads_that_failed(sandbox: Sandbox, bucket: Bucket) -> None:
    fail_with(sandbox, "property_detail", "503", count=3)
    first = finish(start(bucket, limit=10))
    again = finish(services.retry_failed(run=first, by=first.owner))
    assert set(again.items.values_list("lead_id")) == set(first.items.values_list("lead_id"))
    assert again.failed == 0
    with pytest.raises(RunError, match="No lead of this enrichment job failed"):
        services.retry_failed(run=again, by=first.owner)


@pytest.mark.long
def test_a_refusal_is_tried_three_times_and_then_fails_for_nothing(sandbox: Sandbox, bucket: Bucket) -> None:
    fail_with(sandbox, "property_detail", "503", count=3)
    run = finish(start(bucket))
    assert settled(run) == (0, 0, 60, 0)
    assert requests_of(sandbox) == {"property_detail": 3}
    assert run.spent == billed(sandbox) == 0
    assert set(bucket.leads.values_list("enrichment_status", flat=True)) == {"failed"}


def test_two_refusals_are_overcome(sandbox: Sandbox, bucket: Bucket) -> None:
    fail_with(sandbox, "property_detail", "503", count=2)
    run = finish(start(bucket))
    assert (run.failed, run.done) == (0, 60)
    assert run.spent == billed(sandbox)


@pytest.mark.parametrize("billed_at_all", mostly_long([False, True]))
def test_leads_in_doubt_wait_keep_their_money_and_go_on_once_decided(
    billed_at_all: bool, sandbox: Sandbox, bucket: Bucket
) -> None:
    fail_with(sandbox, "skip_trace", "cut", count=1)
    run = finish(start(bucket), 6)
    assert (settled(run), run.status, run.in_doubt) == ((0, 0, 0, 0), "running", 60)
    assert run.reserved == Decimal(3)
    other = make_bucket(sandbox, bucket.owner, 10)
    waits = finish(start(other), 6)
    assert (settled(waits), waits.in_doubt, waits.spent) == ((0, 0, 0, 0), 10, 0)
    assert requests_of(sandbox)["skip_trace"] == 1
    call = VendorCall.objects.get(state="in_doubt")
    with transaction.atomic():
        assert calls.write_off(call.pk) if billed_at_all else calls.release_doubt(call.pk)
    purchase.reap()
    purchase.reap()
    run, waits = finish(run), finish(waits)
    assert (run.status, run.in_doubt, run.failed, run.done) == ("completed", 0, 0, 60)
    assert (waits.status, waits.in_doubt, waits.failed, waits.done) == ("completed", 0, 0, 10)
    assert set(run.items.values_list("losses", flat=True)) == {0}
    assert run.reserved == waits.reserved == 0


@pytest.mark.long
def test_a_run_of_which_too_many_leads_are_in_doubt_pauses_and_goes_on_by_itself(
    sandbox: Sandbox, bucket: Bucket, settings: Any
) -> None:
    set_operations(settings, batch=2)
    fail_with(sandbox, "property_detail", "500")
    run = start(bucket)
    for _ in range(3):
        pump_until_still(4)
        Operation.objects.exclude(breaker_open_until=None).update(breaker_open_until=timezone.now())
    run.refresh_from_db()
    assert (run.status, run.paused_by, run.in_doubt, run.done) == ("paused", "doubt", 4, 0)
    assert run.reason == "4 leads need a billing check: decide whether their requests were billed."
    assert requests_of(sandbox) == {"property_detail": 3}  # two leads, then one a request
    sandbox.faults.replace([])
    for call in VendorCall.objects.filter(state="in_doubt"):
        with transaction.atomic():
            calls.release_doubt(call.pk)
    purchase.reap()
    Operation.objects.exclude(breaker_open_until=None).update(breaker_open_until=timezone.now())
    run = finish(run)
    assert (run.status, run.failed, run.done, run.spent) == ("completed", 0, 60, billed(sandbox))


@pytest.mark.long
def test_a_refusal_without_retry_after_fails_no_lead(sandbox: Sandbox, bucket: Bucket) -> None:
    fail_with(sandbox, "property_detail", "429", count=3)
    run = finish(start(bucket), 20)
    assert (run.status, run.failed, run.done, run.spent) == ("completed", 0, 60, billed(sandbox))
    assert requests_of(sandbox)["property_detail"] == 4
    assert set(run.items.values_list("attempts", flat=True)) == {0}


@pytest.mark.long
def test_a_capped_run_finishes_leads_instead_of_buying_details_alone(sandbox: Sandbox, bucket: Bucket) -> None:
    run = finish(start(bucket, max_cost=Decimal("1.00")))
    assert (run.status, run.paused_by) == ("paused", "cap")
    assert run.done >= 10
    assert bucket.leads.filter(enriched_at__isnull=False).count() == run.done
    assert run.spent == billed(sandbox) <= 1
    plain = finish(start(make_bucket(sandbox, bucket.owner, 60, start=100), max_cost=Decimal("1.00"), skip_trace=False))
    assert plain.done == 20


@pytest.mark.long
def test_what_is_owned_is_served_whatever_the_caps_are(sandbox: Sandbox, settings: Any) -> None:
    rich, poor = make_user("rich"), make_user("poor", monthly_budget=Decimal(0))
    finish(start(make_bucket(sandbox, rich, 10, start=50)))
    paid = billed(sandbox)
    set_operations(settings, batch=4)
    bucket = make_bucket(sandbox, poor, 60)
    run = finish(start(bucket))
    assert (run.status, run.paused_by, run.spent) == ("paused", "cap", 0)
    assert (run.done, billed(sandbox)) == (10, paid)
    assert run.items.filter(stage=1, not_before__isnull=True).count() == 50
    User.objects.filter(pk=poor.pk).update(monthly_budget=100)
    services.resume_run(run=run, by=poor)
    run = finish(run)
    assert (run.status, run.done) == ("completed", 60)


def test_cancelling_ends_leads_in_doubt_and_leaves_the_decision_open(sandbox: Sandbox, bucket: Bucket) -> None:
    fail_with(sandbox, "property_detail", "cut", count=1)
    run = finish(start(bucket), 6)
    services.cancel_run(run=run)
    run.refresh_from_db()
    assert (run.status, run.skipped, run.in_doubt) == ("cancelled", 60, 0)
    assert VendorCall.objects.get(state="in_doubt").reserved == Decimal(3)
    assert recount(mend=False) == {}


@pytest.mark.long
def test_a_key_without_the_batch_scope_falls_back_to_the_single_door(sandbox: Sandbox) -> None:
    bucket = make_bucket(sandbox, make_user(), 4)
    fail_with(sandbox, "*", "403_batch")
    run = finish(start(bucket))
    assert (run.status, run.done, run.failed) == ("completed", 4, 0)
    asked = requests_of(sandbox)
    assert asked["property_detail"] == 5  # a batch that is refused, and one each
    assert asked["skip_trace"] in (4, 5)  # no batch where the first detail's lead was there alone
    assert run.spent == billed(sandbox)


@pytest.mark.parametrize(("kind", "words"), [("401", "401"), ("402", "402"), ("403", "403")])
def test_a_refused_key_pauses_the_run_with_words_and_spends_nothing(
    kind: str, words: str, sandbox: Sandbox, bucket: Bucket
) -> None:
    fail_with(sandbox, "property_detail", kind)
    run = finish(start(bucket, limit=1))
    assert (run.status, run.paused_by, run.spent, run.done) == ("paused", "vendor", 0, 0)
    assert words in run.reason
    assert requests_of(sandbox) == {"property_detail": 1}
    sandbox.faults.replace([])
    with pytest.raises(RunError, match="RealEstateAPI is paused: an operator"):
        services.resume_run(run=run, by=run.owner)
    assert requests_of(sandbox) == {"property_detail": 1}
    services.resume_run(run=run, by=User.objects.create_superuser("operator"))
    assert finish(run).status == "completed"


def test_whoever_resumes_a_run_does_not_close_another_vendors_breaker(sandbox: Sandbox, bucket: Bucket) -> None:
    fail_with(sandbox, "property_detail", "401")
    run = finish(start(bucket, limit=1))
    sandbox.faults.replace([])
    breaker.reset("realestateapi")
    Operation.objects.filter(vendor="realestateapi").update(failures=3)
    services.resume_run(run=run, by=run.owner)
    assert Vendor.objects.get(pk="realestateapi").failures == 3
    assert finish(run).status == "completed"


def test_a_missing_key_pauses_the_run_and_names_the_variable(sandbox: Sandbox, bucket: Bucket, settings: Any) -> None:
    settings.VENDORS = settings.VENDORS | {"realestateapi": settings.VENDORS["realestateapi"] | {"key": ""}}
    run = finish(start(bucket))
    assert (run.status, run.paused_by, run.spent) == ("paused", "vendor", 0)
    assert "REALESTATEAPI_KEY" in run.reason
    assert requests_of(sandbox) == {}


def test_a_cap_is_used_up_to_the_last_lead_and_then_pauses_the_run(sandbox: Sandbox, bucket: Bucket) -> None:
    run = finish(start(bucket, max_cost=Decimal("2.07")))
    assert (run.status, run.paused_by) == ("paused", "cap")
    assert (run.reason, run.cap_scope) == ("Reached its $2.07 spending limit.", run.budget_scope)
    assert Decimal("1.97") < run.spent <= Decimal("2.07")  # no lead is begun that $0.10 would not finish
    assert run.spent == billed(sandbox)
    services.resume_run(run=run, by=run.owner, max_cost=Decimal(10))
    run = finish(run)
    assert (run.status, run.done) == ("completed", 60)
    assert run.spent == billed(sandbox)


def test_a_months_budget_stops_all_runs_of_the_user(sandbox: Sandbox) -> None:
    poor = make_user("poor", monthly_budget=Decimal("1.00"))
    run = finish(start(make_bucket(sandbox, poor, 60)))
    assert (run.status, run.paused_by) == ("paused", "cap")
    assert run.spent == billed(sandbox) <= 1
    assert run.reason == "Reached the month's $1.00 budget. Resume it once there is room in the budget."


@pytest.mark.long
def test_a_paused_run_buys_nothing_until_it_is_resumed(sandbox: Sandbox, bucket: Bucket) -> None:
    run = start(bucket)
    services.pause_run(run=run)
    assert (finish(run).status, requests_of(sandbox)) == ("paused", {})
    services.resume_run(run=run, by=run.owner)
    assert finish(run).status == "completed"


def test_a_cancelled_run_skips_what_waits_and_cannot_be_resumed(sandbox: Sandbox, bucket: Bucket) -> None:
    run = start(bucket)
    services.cancel_run(run=run)
    run = finish(run)
    bucket.refresh_from_db()
    assert (run.status, settled(run), bucket.queued_leads) == ("cancelled", (0, 0, 0, 60), 0)
    assert set(bucket.leads.values_list("enrichment_status", flat=True)) == {"pending"}
    assert requests_of(sandbox) == {}
    for verb in (services.pause_run, services.cancel_run):
        with pytest.raises(RunError, match="The enrichment job is cancelled"):
            verb(run=run)
    with pytest.raises(RunError, match="The enrichment job is cancelled"):
        services.resume_run(run=run, by=run.owner)


def test_a_cancel_that_dies_half_way_is_finished_by_the_reaper(
    sandbox: Sandbox, bucket: Bucket, monkeypatch: Any
) -> None:
    run = start(bucket)
    monkeypatch.setattr(queue, "PART", 25)
    ended = queue.end

    def dies(run: Run, endings: Any) -> None:
        if run.skipped:
            raise SystemExit
        ended(run, endings)

    monkeypatch.setattr(queue, "end", dies)
    with pytest.raises(SystemExit):
        services.cancel_run(run=run)
    run.refresh_from_db()
    assert (run.status, run.skipped) == ("cancelled", 25)
    monkeypatch.setattr(queue, "end", ended)
    assert recount(mend=False) == {}
    purchase.reap()
    bucket.refresh_from_db()
    run = finish(run)
    assert (settled(run), bucket.queued_leads, requests_of(sandbox)) == ((0, 0, 0, 60), 0, {})
    assert queue.unfinished_cancels() == []


def test_cancelling_while_a_request_is_in_flight_keeps_what_was_bought(sandbox: Sandbox, bucket: Bucket) -> None:
    run = start(bucket, limit=10)
    bought = purchase.claim(1, "property_detail").bought
    assert bought is not None and bought.plan.call_id is not None
    adapter = adapter_for("property_detail")
    outcome = carry_out(bought.plan.call_id, lambda: adapter.call(bought.plan.buying, call_id="1"), wanted=lambda: True)
    services.cancel_run(run=run)
    with transaction.atomic():
        purchase._conclude(1, bought.plan.call_id, bought, outcome, out_of_order=False)
    run = Run.objects.with_money().get(pk=run.pk)
    assert (run.status, run.done, run.spent) == ("cancelled", 10, Decimal("0.50"))
    assert bucket.leads.filter(enriched_at__isnull=False).count() == 10
    assert recount(mend=False) == {}


@pytest.mark.long
def test_deleting_the_bucket_stops_its_run_and_keeps_what_was_bought(sandbox: Sandbox, bucket: Bucket) -> None:
    finish(start(bucket, limit=10))
    run = start(bucket)
    delete_bucket(bucket=bucket)
    run = finish(run)
    assert (run.status, run.bucket_id, run.reason) == ("cancelled", None, "Its bucket was deleted")
    assert Lead.objects.count() == RunItem.objects.count() == 0
    assert Lookup.objects.filter(state="answered").count() >= 10
    assert requests_of(sandbox) == {"property_detail": 1, "skip_trace": 1}


def test_the_guard_leaves_leads_out_before_their_contacts_are_bought(sandbox: Sandbox, bucket: Bucket) -> None:
    run = finish(start(bucket, guard={"absenteeOwner": True}))
    absentee = bucket.leads.filter(absentee_owner=True).count()
    assert 0 < absentee < 60
    assert (run.skipped, run.enriched + run.partial) == (60 - absentee, absentee)
    assert bucket.leads.filter(skip_traced_at__isnull=False, absentee_owner=False).count() == 0


def test_an_item_missing_from_a_batch_answer_fails_and_an_extra_one_is_ignored(
    sandbox: Sandbox, bucket: Bucket
) -> None:
    fail_with(sandbox, "property_detail", "missing", count=1)
    run = finish(start(bucket))
    assert run.failed > 0
    assert run.done == 60
    assert set(run.items.filter(outcome=3).values_list("category", flat=True)) == {"NOT_FOUND"}


def test_the_same_idempotency_key_is_the_same_run_and_another_request_a_conflict(bucket: Bucket) -> None:
    options = RunOptions(limit=5)
    first, made = start_run(bucket=bucket, by=bucket.owner, options=options, idempotency_key="k1")
    same, made_again = start_run(bucket=bucket, by=bucket.owner, options=options, idempotency_key="k1")
    assert (same.pk, made, made_again) == (first.pk, True, False)
    with pytest.raises(IdempotencyConflict):
        start_run(bucket=bucket, by=bucket.owner, options=RunOptions(limit=6), idempotency_key="k1")
    assert Run.objects.count() == 1


def test_a_run_without_leads_is_over_at_once(bucket: Bucket) -> None:
    run = start(bucket, only_failed=True)
    assert (run.status, run.total) == ("completed", 0)


@pytest.mark.long
def test_nothing_bought_says_who_somebody_is(sandbox: Sandbox, bucket: Bucket) -> None:
    finish(start(bucket))
    text = str([*Lookup.objects.values_list("facts", flat=True)]).lower()
    for word in ("ethnic", "marital", "gender", "occupation"):
        assert word not in text
    assert VendorCall.objects.filter(reason__contains="@").count() == 0


@pytest.mark.long
def test_apollo_adds_business_facts_and_leaves_the_rest(sandbox: Sandbox, bucket: Bucket) -> None:
    finish(start(bucket))
    statuses = dict(Lead.objects.values_list("pk", "enrichment_status"))
    run = finish(start(bucket, kind="apollo"))
    assert run.status == "completed"
    assert run.done == 60
    found = Lead.objects.exclude(apollo_person_id=None)
    assert found.count() > 0
    assert dict(Lead.objects.values_list("pk", "enrichment_status")) == statuses
    assert Vendor.objects.get(pk="apollo").failures == 0
    assert run.spent > 0


@pytest.mark.long
def test_apollo_is_not_asked_again_about_a_lead_that_its_answer_changed(sandbox: Sandbox, bucket: Bucket) -> None:
    finish(start(bucket))
    chosen = list(bucket.leads.values_list("pk", flat=True))
    first = finish(start(bucket, kind="apollo", lead_ids=chosen))
    assert first.spent > 0
    asked = requests_of(sandbox)
    again = finish(start(bucket, kind="apollo", lead_ids=chosen))
    assert (again.status, again.done, again.spent) == ("completed", 60, 0)
    assert requests_of(sandbox) == asked
    assert billed(sandbox) == sum(run.spent for run in Run.objects.with_money())


@pytest.mark.long
def test_a_fault_of_ours_while_settling_keeps_the_paid_answers_and_pauses_the_run(
    sandbox: Sandbox, bucket: Bucket
) -> None:
    run = start(bucket)
    Bucket.objects.update(queued_leads=0)  # counters that have drifted: the first delta breaks a constraint
    run = finish(run)
    assert (run.status, run.paused_by) == ("paused", "fault")
    assert run.reason == "System error: IntegrityError. The log has more."
    assert run.spent == billed(sandbox) > 0
    assert VendorCall.objects.filter(state="sent").count() == 0
    recount()
    services.resume_run(run=run, by=run.owner)
    run = finish(run)
    assert (run.status, run.done) == ("completed", 60)
    assert run.spent == billed(sandbox)


def test_a_run_that_breaks_does_not_hold_up_another_users(
    sandbox: Sandbox, bucket: Bucket, monkeypatch: Any, caplog: Any
) -> None:
    broken = start(bucket)
    row = stages.STAGES[RunItem.Stage.DETAIL]
    words = "Ann Owner, 206-555-0100"

    def questions(options: RunOptions, items: Any) -> Any:
        if RunItem.objects.filter(run=broken, pk__in=[item.id for item in items]).exists():
            raise TypeError(words)
        return row.questions(options, items)

    monkeypatch.setitem(stages.STAGES, RunItem.Stage.DETAIL, replace(row, questions=questions))
    other = finish(start(make_bucket(sandbox, make_user("bob"), 10, start=500)))
    broken.refresh_from_db()
    assert (other.status, other.done) == ("completed", 10)
    assert (broken.status, broken.reason) == ("paused", "System error: TypeError. The log has more.")
    assert "TypeError" in caplog.text
    assert words not in caplog.text


@pytest.mark.parametrize(
    "guard", [{"absenteeOwner": ""}, {"absenteeOwner": []}, {"estimatedValueMin": None}, {"status": [""]}]
)
def test_a_guard_that_would_let_everybody_through_is_refused(guard: dict[str, Any], bucket: Bucket) -> None:
    with pytest.raises(BadFilter, match="would let every lead through"):
        services.check_options(bucket=bucket, options=RunOptions(guard=guard))


def test_the_runs_of_a_user_who_was_switched_off_buy_nothing(sandbox: Sandbox, bucket: Bucket) -> None:
    run = start(bucket)
    User.objects.update(is_active=False)
    assert purchase.step(1, "property_detail").worked is False
    assert (requests_of(sandbox), run.items.filter(stage=1).count()) == ({}, 60)


@pytest.mark.long
def test_runs_that_share_a_budget_finish_leads_together(sandbox: Sandbox, settings: Any) -> None:
    set_operations(settings, batch=10)
    ann = make_user("sharing", monthly_budget=Decimal("2.00"))
    buckets = [make_bucket(sandbox, ann, 40, start=n, name=str(n)) for n in (200, 300)]
    for bucket in buckets:
        start(bucket)
    pump_until_still()
    details = Lead.objects.filter(bucket__in=buckets, enriched_at__isnull=False)
    assert details.count() >= 20
    assert not details.filter(skip_traced_at=None).exists()
    assert billed(sandbox) <= 2


@pytest.mark.long
def test_the_trace_vendors_own_cap_stops_details_too(sandbox: Sandbox, bucket: Bucket, settings: Any) -> None:
    trace = settings.OPERATIONS["skip_trace"] | {"vendor": "signalhouse"}
    settings.OPERATIONS = settings.OPERATIONS | {"skip_trace": trace}
    settings.SKIP_TRACE_VENDOR = "signalhouse"
    Vendor.objects.update_or_create(name="signalhouse", defaults={"daily_cap": Decimal("0.50")})
    run = finish(start(bucket))
    assert (run.status, run.paused_by) == ("paused", "cap")
    assert bucket.leads.filter(enriched_at__isnull=False).count() == run.done >= 10


def test_whoever_raises_the_limit_brings_forward_what_was_set_aside(sandbox: Sandbox, bucket: Bucket) -> None:
    run = start(bucket, max_cost=Decimal("0.10"))
    with transaction.atomic():
        locked = lock_run(run.pk)
        assert locked is not None
        queue.park(locked, list(run.items.order_by("pk").values_list("pk", flat=True)[:30]), run.budget_scope)
    services.resume_run(run=run, by=run.owner, max_cost=Decimal(10))
    run = finish(run)
    assert (run.status, run.done) == ("completed", 60)


@pytest.mark.long
def test_a_run_short_of_money_goes_on_once_its_doubt_is_decided(sandbox: Sandbox, settings: Any) -> None:
    set_operations(settings, batch=10)
    bucket = make_bucket(sandbox, make_user(), 40)
    fail_with(sandbox, "skip_trace", "cut", count=1)
    run = finish(start(bucket, max_cost=Decimal(1)), 8)
    assert (run.status, run.paused_by, run.in_doubt) == ("paused", "cap", 10)
    sandbox.faults.replace([])
    for call in VendorCall.objects.filter(state="in_doubt"):
        with transaction.atomic():
            calls.release_doubt(call.pk)
    purchase.reap()
    run = finish(run)
    assert (run.in_doubt, run.paused_by) == (0, "cap")
    assert run.done >= 10


def test_a_request_given_up_before_it_left_says_nothing_of_the_vendor(sandbox: Sandbox, bucket: Bucket) -> None:
    run = start(bucket)
    operation = catalogue.operation("property_detail")
    bought = purchase.claim(1, "property_detail").bought
    assert bought is not None
    Operation.objects.filter(vendor="realestateapi").update(failures=9)
    operation.refresh_from_db()
    type(operation).objects.filter(pk=operation.pk).update(doubts=2)
    purchase.buy(1, bought)
    operation.refresh_from_db()
    assert (operation.doubts, operation.answered_from) == (2, "")
    assert Vendor.objects.get(pk="realestateapi").failures == 9
    assert (requests_of(sandbox), run.items.filter(token=None).count()) == ({}, 60)
