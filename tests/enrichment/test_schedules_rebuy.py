"""Buying again: only facts that are old, and only where the vendor says something has changed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from buckets.models import Bucket
from common.db.clock import database_now
from enrichment.models import Run, Schedule
from enrichment.scheduling import changed_leads
from enrichment.scheduling.services import create_schedule
from enrichment.scheduling.tick import MAX_FAILURES, run_due_schedules
from enrichment.selectors import schedule_result
from enrichment.services import retry_options
from integrations.models import Lookup, Vendor
from leads.models import Lead
from sandbox.server import Sandbox
from tests.enrichment.test_schedules import at_once, do, due
from tests.support import billed, fail_with, finish, make_bucket, make_user, requests_of, set_operations, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def few_threads(settings: Any) -> None:
    settings.VENDOR_IN_FLIGHT = 3


@pytest.fixture
def bucket(sandbox: Sandbox) -> Bucket:
    """60 leads whose details were bought 40 days ago, and which the vendor has not changed since."""
    bucket = make_bucket(sandbox, make_user(), 60)
    finish(start(bucket, skip_trace=False))
    age(timedelta(days=40))
    changed_at_vendor(sandbox, list(bucket.leads.all()), 100)
    sandbox.ledger.reset()
    return bucket


def age(by: timedelta) -> None:
    """As if everything had been bought that much earlier."""
    for lead in Lead.objects.exclude(enriched_at=None):
        assert lead.enriched_at is not None
        Lead.objects.filter(pk=lead.pk).update(enriched_at=lead.enriched_at - by)
    for row in Lookup.objects.exclude(fetched_at=None):
        assert row.fetched_at is not None
        Lookup.objects.filter(pk=row.pk).update(fetched_at=row.fetched_at - by)


def changed_at_vendor(sandbox: Sandbox, leads: list[Lead], days_ago: int) -> None:
    """The vendor's own news, told to the sandbox over HTTP."""
    day = (database_now() - timedelta(days=days_ago)).date().isoformat()
    order = {"ids": [int(lead.property_id) for lead in leads], "date": day}
    answer = requests.post(f"{sandbox.base_url}/sandbox/updates", json=order, timeout=60)
    assert answer.json() == {"updated": len(leads)}


def rebuy(bucket: Bucket, **options: Any) -> Schedule:
    return create_schedule(
        by=bucket.owner,
        bucket=bucket,
        kind="rebuy",
        cadence="0 3 * * *",
        options={"olderThanDays": 30, "skipTrace": False} | options,
        max_cost=Decimal(20),
    )


@pytest.mark.long
def test_only_what_changed_is_bought_again_though_it_was_still_fresh(sandbox: Sandbox, bucket: Bucket) -> None:
    leads = list(bucket.leads.order_by("pk"))
    changed_at_vendor(sandbox, leads[10:17], 5)
    before = database_now()
    schedule = do(rebuy(bucket))
    assert schedule.last_result == "7 of 60 leads with data older than 30 days have changed at the vendor."
    run = finish(schedule.last_run)
    assert (run.total, run.partial, run.spent, billed(sandbox)) == (7, 7, Decimal("0.35"), Decimal("0.35"))
    assert set(bucket.leads.filter(enriched_at__gt=before)) == set(leads[10:17])
    assert requests_of(sandbox) == {"property_search": 1, "property_detail": 1}
    assert "Last enrichment job: completed, 7 of 7 leads done" in schedule_result(Schedule.objects.get())


@pytest.mark.long
def test_the_next_tick_finds_nothing_and_buys_nothing(sandbox: Sandbox, bucket: Bucket) -> None:
    changed_at_vendor(sandbox, list(bucket.leads.order_by("pk")[:7]), 5)
    schedule = rebuy(bucket)
    finish(do(schedule).last_run)
    do(schedule)
    assert schedule.last_result == "0 of 53 leads with data older than 30 days have changed at the vendor."
    assert (Run.objects.count(), billed(sandbox)) == (2, Decimal("0.35"))  # the first run is the fixture's


def test_facts_that_are_young_enough_are_not_asked_about(sandbox: Sandbox, bucket: Bucket) -> None:
    changed_at_vendor(sandbox, list(bucket.leads.all()), 1)
    schedule = do(rebuy(bucket, olderThanDays=41))
    assert schedule.last_result == "Nothing to do: no lead has data older than 41 days."
    assert (schedule.failures, requests_of(sandbox)) == (0, {})


@pytest.mark.long
def test_what_somebody_else_bought_meanwhile_is_served_for_nothing(sandbox: Sandbox, bucket: Bucket) -> None:
    changed_at_vendor(sandbox, list(bucket.leads.all()), 25)
    Lookup.objects.update(fetched_at=database_now() - timedelta(days=20))
    run = finish(do(rebuy(bucket)).last_run)
    assert (run.total, run.done, run.spent, billed(sandbox)) == (60, 60, 0, 0)


def test_an_ordinary_run_over_the_same_leads_still_costs_nothing(sandbox: Sandbox, bucket: Bucket) -> None:
    run = finish(start(bucket, lead_ids=list(bucket.leads.values_list("pk", flat=True)), skip_trace=False))
    assert (run.total, run.spent, billed(sandbox)) == (60, 0, 0)


@pytest.mark.long
def test_contacts_of_the_same_owner_are_not_bought_again(sandbox: Sandbox, bucket: Bucket) -> None:
    finish(start(bucket, lead_ids=list(bucket.leads.values_list("pk", flat=True))))
    sandbox.ledger.reset()
    changed_at_vendor(sandbox, list(bucket.leads.order_by("pk")[:5]), 5)
    run = finish(do(rebuy(bucket, skipTrace=True)).last_run)
    assert (run.done, run.spent, billed(sandbox)) == (5, Decimal("0.25"), Decimal("0.25"))
    assert "skip_trace" not in requests_of(sandbox)


def test_many_workers_at_once_buy_once(sandbox: Sandbox, bucket: Bucket) -> None:
    changed_at_vendor(sandbox, list(bucket.leads.order_by("pk")[:7]), 5)
    schedule = due(rebuy(bucket))
    at_once(5, run_due_schedules)
    schedule.refresh_from_db()
    run = finish(schedule.last_run)
    assert (Run.objects.count(), run.total, billed(sandbox)) == (2, 7, Decimal("0.35"))
    assert requests_of(sandbox)["property_search"] == 1


@pytest.mark.long
def test_a_limit_takes_those_owned_longest_and_the_next_tick_the_others(
    sandbox: Sandbox, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changed_leads, "IDS", 10)  # so that few leads make many questions
    leads = list(bucket.leads.order_by("pk"))
    old = leads[30:42]
    Lead.objects.filter(pk__in=[lead.pk for lead in old]).update(enriched_at=database_now() - timedelta(days=80))
    changed_at_vendor(sandbox, leads, 5)
    schedule = rebuy(bucket, limit=12)
    first = finish(do(schedule).last_run)
    assert set(first.items.values_list("lead_id", flat=True)) == {lead.pk for lead in old}
    assert requests_of(sandbox)["property_search"] == 2
    second = finish(do(schedule).last_run)
    assert second.total == 12
    assert billed(sandbox) == Decimal("1.20")


@pytest.mark.long
def test_a_change_before_the_purchase_is_none_after_it(sandbox: Sandbox, bucket: Bucket) -> None:
    """Each lead is asked about from its own day on: a lead bought later does not count the news of an earlier day."""
    leads = list(bucket.leads.order_by("pk"))
    Lead.objects.filter(pk__in=[lead.pk for lead in leads[:30]]).update(enriched_at=database_now() - timedelta(days=90))
    changed_at_vendor(sandbox, leads, 60)
    schedule = do(rebuy(bucket))
    assert schedule.last_result.startswith("30 of 60 leads")
    assert schedule.last_run is not None
    assert set(schedule.last_run.items.values_list("lead_id", flat=True)) == {lead.pk for lead in leads[:30]}


def test_a_vendor_that_does_not_answer_is_told_and_nothing_is_bought(sandbox: Sandbox, bucket: Bucket) -> None:
    fail_with(sandbox, "property_search", "401")
    schedule = do(rebuy(bucket))
    assert (schedule.failures, schedule.lease_until, billed(sandbox)) == (1, None, 0)
    assert schedule.last_run is None
    assert "RealEstateAPI" in schedule.last_result


@pytest.mark.long
def test_a_vendor_that_does_not_answer_for_long_switches_nothing_off(sandbox: Sandbox, bucket: Bucket) -> None:
    schedule = rebuy(bucket)
    for n in range(1, MAX_FAILURES + 2):
        fail_with(sandbox, "property_search", "401")
        Vendor.objects.update(paused_reason="")
        do(schedule)
        assert (schedule.failures, schedule.enabled) == (n, True)
    assert schedule.last_result.startswith("Waits for its vendor: ")
    sandbox.faults.replace([])
    Vendor.objects.update(paused_reason="")
    do(schedule)
    assert (schedule.failures, billed(sandbox)) == (0, 0)


@pytest.mark.long
def test_failed_leads_of_a_rebuy_are_tried_again_as_such(sandbox: Sandbox, bucket: Bucket) -> None:
    changed_at_vendor(sandbox, list(bucket.leads.order_by("pk")[:5]), 5)
    fail_with(sandbox, "property_detail", "503", count=3)
    run = finish(do(rebuy(bucket)).last_run)
    assert (run.failed, billed(sandbox)) == (5, 0)
    again = finish(start(bucket, **vars_of(retry_options(run))))
    assert (again.done, again.failed, again.spent) == (5, 0, Decimal("0.25"))


def vars_of(options: Any) -> dict[str, Any]:
    return {name: getattr(options, name) for name in options.__slots__}


@pytest.mark.long
def test_a_short_freshness_is_not_made_longer(sandbox: Sandbox, bucket: Bucket, settings: Any) -> None:
    set_operations(settings, fresh_days=10)
    run = finish(start(bucket, lead_ids=list(bucket.leads.values_list("pk", flat=True)), skip_trace=False))
    assert run.spent == Decimal("3.00")
