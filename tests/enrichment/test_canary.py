"""A run that buys a sample first, and what it does where the sample disappoints."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from buckets.models import Bucket
from buckets.services import create_bucket, recount
from enrichment import services
from enrichment.models import RunItem
from enrichment.options import Canary, RunOptions
from enrichment.services import RunError
from enrichment.worker import purchase
from integrations.models import Lookup
from sandbox.server import Sandbox
from tests.buckets.imports.files import csv_of, imported
from tests.support import (
    billed,
    fail_with,
    finish,
    make_bucket,
    make_user,
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


@pytest.mark.long
def test_a_sample_that_satisfies_is_followed_by_the_rest(sandbox: Sandbox, bucket: Bucket) -> None:
    run = finish(start(bucket, canary=Canary(leads=20)))
    assert (run.status, run.done, run.sample_until) == ("completed", 60, None)
    assert (run.canary["leads"], run.canary["passed"]) == (20, True)
    assert requests_of(sandbox) == {"property_detail": 2, "skip_trace": 2}
    assert run.spent == billed(sandbox)
    assert run.resume_from == bucket.leads.latest("pk").pk


def test_a_sample_with_too_few_phones_pauses_the_run_and_no_more_is_bought(sandbox: Sandbox, bucket: Bucket) -> None:
    # All but one, so that whichever are drawn, some of them have no phone to be found.
    run = finish(start(bucket, canary=Canary(leads=59, min_hit_rate=Decimal("0.99"))))
    assert (run.status, run.paused_by, run.done) == ("paused", "canary", 59)
    phones = bucket.leads.filter(phone__isnull=False).count()
    assert run.reason.startswith(f"Its sample: {phones} of 59 have a phone, fewer than 99%")
    assert run.canary["hitRate"] == round(phones / 59, 4)
    assert requests_of(sandbox) == {"property_detail": 1, "skip_trace": 1}
    assert run.spent == billed(sandbox)
    assert recount(mend=False) == {}

    services.resume_run(run=run, by=run.owner)
    run = finish(run)
    assert (run.status, run.done, run.spent) == ("completed", 60, billed(sandbox))


def test_a_sample_that_costs_more_than_was_said_pauses_the_run(sandbox: Sandbox, bucket: Bucket) -> None:
    run = finish(start(bucket, canary=Canary(leads=10, max_cost_per_lead=Decimal("0.06"))))
    assert (run.status, run.paused_by, run.done) == ("paused", "canary", 10)
    assert f"a lead cost ${run.spent / 10:.4f}, more than $0.0600" in run.reason


@pytest.mark.long
def test_details_alone_are_judged_by_their_price_only(sandbox: Sandbox, bucket: Bucket) -> None:
    run = finish(start(bucket, skip_trace=False, canary=Canary(leads=10, min_hit_rate=Decimal(1))))
    assert (run.status, run.canary) == (
        "completed",
        {"leads": 10, "hitRate": None, "costPerLead": "0.0500", "passed": True},
    )


@pytest.mark.long
def test_a_sample_as_large_as_the_run_completes_it(sandbox: Sandbox, bucket: Bucket) -> None:
    run = finish(start(bucket, canary=Canary(leads=500, min_hit_rate=Decimal(1))))
    assert (run.status, run.done, run.canary["passed"]) == ("completed", 60, False)


@pytest.mark.long
def test_a_sample_is_drawn_by_lot(sandbox: Sandbox, bucket: Bucket) -> None:
    drawn = set()
    for _ in range(5):
        run = start(bucket, canary=Canary(leads=5))
        items = run.items.filter(pk__lte=run.sample_until)
        assert items.count() == 5
        drawn.add(tuple(sorted(items.values_list("lead_id", flat=True))))
        rest = list(run.items.filter(pk__gt=run.sample_until).order_by("pk").values_list("lead_id", flat=True))
        assert rest == sorted(rest)
        services.cancel_run(run=run)
    assert len(drawn) > 1


def test_a_cancelled_sample_leaves_no_item_behind(sandbox: Sandbox, bucket: Bucket) -> None:
    run = start(bucket, canary=Canary(leads=5))
    services.cancel_run(run=run)
    run = finish(run)
    assert (run.status, run.skipped, run.items.exclude(stage=0).count()) == ("cancelled", 60, 0)


@pytest.mark.parametrize(
    "canary", [Canary(leads=0), Canary(min_hit_rate=Decimal("1.01")), Canary(max_cost_per_lead=Decimal(0))]
)
def test_a_band_that_cannot_be_meant_is_refused(bucket: Bucket, canary: Canary) -> None:
    with pytest.raises(RunError) as refused:
        services.check_options(bucket=bucket, options=RunOptions(canary=canary))
    assert refused.value.field == "canary"


@pytest.mark.long
def test_leads_that_the_guard_leaves_out_are_not_without_a_phone(sandbox: Sandbox, bucket: Bucket) -> None:
    run = finish(start(bucket, guard={"absenteeOwner": True}, canary=Canary(leads=30, min_hit_rate=Decimal("0.99"))))
    sample = bucket.leads.filter(enriched_at__isnull=False)
    traced = run.enriched + run.partial
    phones = sample.filter(absentee_owner=True, phone__isnull=False).count()
    assert 0 < traced < run.done
    if run.canary["passed"]:  # by lot: every one of the sample had a phone, and the rest was bought
        assert run.done == 60
        return
    assert run.done == 30
    assert run.skipped == run.done - traced
    assert run.canary["hitRate"] == round(phones / traced, 4)
    assert run.canary["passed"] == (phones / traced >= 0.99)
    if run.status == "paused":
        assert run.reason.startswith(f"Its sample: {phones} of {traced} have a phone, fewer than 99%")


@pytest.mark.long
def test_a_sample_that_the_guard_left_out_whole_has_judged_nothing_and_pauses(sandbox: Sandbox, bucket: Bucket) -> None:
    nobody = {"yearBuiltMax": 1601}
    run = finish(start(bucket, guard=nobody, canary=Canary(leads=10, min_hit_rate=Decimal(0))))
    assert (run.status, run.paused_by, run.skipped, run.spent) == ("paused", "canary", 10, Decimal("0.50"))
    assert run.reason == (
        "Its sample: none of 10 leads passed the guard, so nothing was tried. Resume it to buy the rest all the same."
    )
    assert (run.canary["hitRate"], run.canary["passed"]) == (None, False)
    assert requests_of(sandbox) == {"property_detail": 1}

    services.resume_run(run=run, by=run.owner)
    run = finish(run)
    assert (run.status, run.skipped, run.spent) == ("completed", 60, billed(sandbox))


def test_a_sample_in_which_nobody_was_traced_pauses(sandbox: Sandbox) -> None:
    bucket, _ = create_bucket(by=make_user(), name="Gone", property_ids=[str(9 * 10**11 + n) for n in range(20)])
    run = finish(start(bucket, canary=Canary(leads=10, min_hit_rate=Decimal(0))))
    assert (run.status, run.paused_by, run.failed) == ("paused", "canary", 10)
    assert "none of 10 leads was traced, so nothing is known of the rest" in run.reason


def test_details_alone_need_nobody_traced(sandbox: Sandbox, bucket: Bucket) -> None:
    run = finish(start(bucket, skip_trace=False, guard={"yearBuiltMax": 1601}, canary=Canary(leads=10)))
    assert (run.status, run.done, run.canary["passed"]) == ("completed", 60, True)


def with_own_phones(sandbox: Sandbox, count: int) -> Bucket:
    bucket = Bucket.objects.create(owner=make_user(), name="My list")
    parcels = [sandbox.source.parcel(n) for n in range(count)]
    rows = [[str(p.street), p.city, p.state, p.zip, "(206) 555-0199", "(206) 555-0198"] for p in parcels]
    imported(bucket, csv_of(rows, ("Address", "City", "State", "Zip", "Phone", "Second Phone")))
    return bucket


@pytest.mark.long
@pytest.mark.parametrize("update_db", [True, False])
def test_phones_that_the_leads_had_before_are_no_hits(sandbox: Sandbox, update_db: bool) -> None:
    bucket = with_own_phones(sandbox, 40)
    canary = Canary(leads=39, min_hit_rate=Decimal(1))  # so many that some of them have no phone to be found
    run = finish(start(bucket, canary=canary, update_db=update_db))
    answers = Lookup.objects.filter(operation__name="skip_trace", state="answered", call__isnull=False)
    found = sum(bool((facts or {}).get("phone")) for facts in answers.values_list("facts", flat=True))
    assert (answers.count(), run.enriched, run.failed) == (39, 39, 0)
    assert 0 < found < 39
    assert (run.status, run.paused_by, run.canary["hitRate"]) == ("paused", "canary", round(found / 39, 4))
    assert run.reason.startswith(f"Its sample: {found} of 39 have a phone, fewer than 100%")
    assert (run.done, run.spent) == (39, billed(sandbox))


@pytest.mark.long
def test_answers_that_are_owned_already_count_with_the_phones_they_brought(sandbox: Sandbox, bucket: Bucket) -> None:
    first = finish(start(bucket))
    again = make_bucket(sandbox, bucket.owner, 60, name="Again")
    run = finish(start(again, canary=Canary(leads=60, min_hit_rate=Decimal(0))))
    assert (run.status, run.spent) == ("completed", 0)
    assert run.canary["hitRate"] == round(first.enriched / (first.enriched + first.partial), 4)


@pytest.mark.long
def test_leads_that_need_a_billing_check_keep_no_sample_waiting(
    sandbox: Sandbox, bucket: Bucket, settings: Any
) -> None:
    set_operations(settings, batch=1)
    fail_with(sandbox, "property_detail", "cut", count=1)
    run = finish(start(bucket, skip_trace=False, canary=Canary(leads=10)))
    assert (run.in_doubt, run.sample_until) == (1, None)
    assert (run.canary["leads"], run.canary["passed"]) == (10, True)


# --- Short of money ---------------------------------------------------------------------------------------------------


def owned_half(sandbox: Sandbox, **options: Any) -> Bucket:
    """20 leads of which the last ten are owned."""
    bucket = make_bucket(sandbox, make_user(), 20)
    finish(start(bucket, lead_ids=tuple(bucket.leads.order_by("pk").values_list("pk", flat=True)[10:]), **options))
    sandbox.ledger.reset()
    return make_bucket(sandbox, bucket.owner, 20, name="Again")


@pytest.mark.long
def test_owned_leads_beyond_the_sample_are_served_where_there_is_no_money(sandbox: Sandbox) -> None:
    bucket = owned_half(sandbox)
    User.objects.update(monthly_budget=0)
    run = start(bucket, canary=Canary(leads=5, min_hit_rate=Decimal(0)))
    for _ in range(2):  # it looks for money once more, and then pauses
        pump_until_still(2)
        purchase.reap()
    run = finish(run)
    assert (run.status, run.paused_by, run.enriched + run.partial, run.spent) == ("paused", "cap", 10, 0)
    assert requests_of(sandbox) == {}
    sample = run.items.filter(pk__lte=run.sample_until)
    assert sample.count() == 5 and run.canary == {}

    User.objects.update(monthly_budget=100)
    services.resume_run(run=run, by=run.owner)
    run = finish(run)
    assert (run.status, run.done, run.canary["leads"], run.canary["passed"]) == ("completed", 20, 5, True)
    assert run.spent == billed(sandbox) > 0


@pytest.mark.long
def test_nothing_is_bought_beyond_the_sample_though_a_trace_would_still_fit(sandbox: Sandbox) -> None:
    bucket = owned_half(sandbox, skip_trace=False)
    sample_of = []
    for _ in range(200):  # until one is drawn of which no lead is owned: one in eight
        run = start(bucket, max_cost=Decimal("0.08"), canary=Canary(leads=3, min_hit_rate=Decimal(0)))
        sample_of = list(run.items.filter(pk__lte=run.sample_until).values_list("lead__property_id", flat=True))
        if not Lookup.objects.filter(key__in=sample_of).exists():
            break
        services.cancel_run(run=run)
    for _ in range(2):  # it looks for money once more, and then pauses
        pump_until_still(2)
        purchase.reap()
    run = finish(run)
    assert (run.status, run.paused_by, run.done, run.spent) == ("paused", "cap", 0, 0)
    assert requests_of(sandbox) == {}
    assert run.items.filter(stage=2, pk__gt=run.sample_until).count() == 10


@pytest.mark.long
def test_a_retry_buys_a_sample_first_as_the_run_did(sandbox: Sandbox, bucket: Bucket) -> None:
    asked: dict[str, Any] = {"canary": Canary(leads=10, max_cost_per_lead=Decimal("0.06")), "max_cost": Decimal(9)}
    first = start(bucket, limit=40, start_from=bucket.leads.order_by("pk")[9].pk, **asked)
    services.cancel_run(run=first)
    first.items.update(outcome=RunItem.Outcome.FAILED)
    failed = set(first.items.values_list("lead_id", flat=True))
    options = services.retry_options(first)
    assert options == RunOptions(lead_ids=options.lead_ids, **asked)  # no limit and no start: these leads, all of them
    assert (len(failed), set(options.lead_ids or ())) == (40, failed)
    again = finish(services.retry_failed(run=first, by=first.owner))
    assert (again.status, again.paused_by, again.done, again.total) == ("paused", "canary", 10, 40)
    assert again.canary["leads"] == 10
    assert requests_of(sandbox) == {"property_detail": 1, "skip_trace": 1}
