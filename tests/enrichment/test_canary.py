"""A run that buys a sample first, and what it does where the sample disappoints."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from buckets.models import Bucket
from buckets.services import recount
from config.local.sandbox.server import Sandbox
from enrichment import services
from enrichment.canary import Canary, judge_when_done
from enrichment.services import RunError, RunOptions
from tests.support import billed, finish, make_bucket, make_user, requests_of, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def few_threads(settings: Any) -> None:
    settings.VENDOR_IN_FLIGHT = 3


@pytest.fixture
def bucket(sandbox: Sandbox) -> Bucket:
    return make_bucket(sandbox, make_user(), 60)


def test_a_sample_that_satisfies_is_followed_by_the_rest(sandbox: Sandbox, bucket: Bucket) -> None:
    run = finish(start(bucket, canary=Canary(leads=20)))
    assert (run.status, run.done, run.sample_until) == ("completed", 60, None)
    assert (run.canary["leads"], run.canary["passed"]) == (20, True)
    assert requests_of(sandbox) == {"property_detail": 2, "skip_trace": 2}
    assert run.spent == billed(sandbox)
    assert run.resume_from == bucket.leads.latest("pk").pk


def test_a_sample_with_too_few_phones_pauses_the_run_and_no_more_is_bought(sandbox: Sandbox, bucket: Bucket) -> None:
    run = finish(start(bucket, canary=Canary(leads=20, min_hit_rate=Decimal("0.99"))))
    assert (run.status, run.paused_by, run.done) == ("paused", "canary", 20)
    phones = bucket.leads.filter(phone__isnull=False).count()
    assert run.reason.startswith(f"Its sample: {phones} of 20 have a phone, fewer than 99%")
    assert run.canary["hitRate"] == phones / 20
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


def test_details_alone_are_judged_by_their_price_only(sandbox: Sandbox, bucket: Bucket) -> None:
    run = finish(start(bucket, skip_trace=False, canary=Canary(leads=10, min_hit_rate=Decimal(1))))
    assert (run.status, run.canary) == (
        "completed",
        {"leads": 10, "hitRate": None, "costPerLead": "0.0500", "passed": True},
    )


def test_a_sample_as_large_as_the_run_completes_it(sandbox: Sandbox, bucket: Bucket) -> None:
    run = finish(start(bucket, canary=Canary(leads=500, min_hit_rate=Decimal(1))))
    assert (run.status, run.done, run.canary["passed"]) == ("completed", 60, False)


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


def test_leads_that_the_guard_leaves_out_are_not_without_a_phone(sandbox: Sandbox, bucket: Bucket) -> None:
    run = finish(start(bucket, guard={"absenteeOwner": True}, canary=Canary(leads=30, min_hit_rate=Decimal("0.99"))))
    sample = bucket.leads.filter(enriched_at__isnull=False)
    traced = run.enriched + run.partial
    phones = sample.filter(absentee_owner=True, phone__isnull=False).count()
    assert 0 < traced < run.done == 30
    assert run.skipped == run.done - traced
    assert run.canary["hitRate"] == round(phones / traced, 4)
    assert run.canary["passed"] == (phones / traced >= 0.99)
    if run.status == "paused":
        assert run.reason.startswith(f"Its sample: {phones} of {traced} have a phone, fewer than 99%")


def test_a_sample_that_the_guard_left_out_whole_says_nothing_against_the_list(sandbox: Sandbox, bucket: Bucket) -> None:
    nobody = {"yearBuiltMax": 1601}
    run = finish(start(bucket, guard=nobody, canary=Canary(leads=10, min_hit_rate=Decimal(1))))
    assert (run.status, run.skipped, run.canary["hitRate"], run.canary["passed"]) == ("completed", 60, None, True)


def test_leads_that_need_a_billing_check_keep_no_sample_waiting(bucket: Bucket) -> None:
    run = start(bucket, skip_trace=False, canary=Canary(leads=10))
    run.partial, run.in_doubt = 9, 1
    judge_when_done(run)
    assert (run.sample_until, run.canary["leads"], run.canary["passed"]) == (None, 10, True)
