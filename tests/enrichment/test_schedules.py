"""Schedules: each time makes one run at most, under its cap, and whatever goes wrong is told on the row."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from accounts.access import own_access
from accounts.models import User
from buckets.deleting.services import delete_bucket
from buckets.filling.fills import continue_fill, duplicate, start_fill
from buckets.models import Bucket, Fill
from common.db.clock import database_now
from enrichment.models import Run, Schedule
from enrichment.scheduling.services import change_schedule, create_schedule, run_now
from enrichment.scheduling.tick import MAX_FAILURES, run_due_schedules
from enrichment.selectors import schedule_result
from enrichment.services import RunError, cancel_run, pause_run
from integrations.models import Balance, Vendor
from leads.models import Lead
from operations import home
from sandbox.server import Sandbox
from tests.support import billed, finish, make_bucket, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def few_threads(settings: Any) -> None:
    settings.VENDOR_IN_FLIGHT = 3


@pytest.fixture
def bucket(sandbox: Sandbox) -> Bucket:
    return make_bucket(sandbox, make_user(), 60)


def make(bucket: Bucket, kind: str = "enrich", **options: Any) -> Schedule:
    cap = options.pop("max_cost", None if kind == "refresh" else Decimal(50))
    return create_schedule(
        by=bucket.owner, bucket=bucket, kind=kind, cadence="30 2 * * *", options=options, max_cost=cap
    )


def due(schedule: Schedule, ago: timedelta = timedelta(minutes=1)) -> Schedule:
    """As if its time came so long ago."""
    Schedule.objects.filter(pk=schedule.pk).update(next_at=database_now() - ago)
    schedule.refresh_from_db()
    return schedule


def do(schedule: Schedule) -> Schedule:
    due(schedule)
    assert run_due_schedules() == 1
    schedule.refresh_from_db()
    return schedule


def at_once(count: int, act: Callable[[], Any]) -> None:
    """In so many threads with connections of their own."""
    barrier = threading.Barrier(count)

    def body() -> None:
        barrier.wait()
        try:
            act()
        finally:
            connection.close()

    threads = [threading.Thread(target=body) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- Time -------------------------------------------------------------------------------------------------------------


def test_a_new_schedule_goes_by_its_owners_clock(sandbox: Sandbox) -> None:
    bucket = make_bucket(sandbox, make_user(time_zone="America/Phoenix"), 1)
    schedule = make(bucket)
    assert schedule.next_at is not None
    assert schedule.time_zone == "America/Phoenix"
    local = schedule.next_at.astimezone(ZoneInfo("America/Phoenix"))
    assert (local.hour, local.minute) == (2, 30)
    assert timedelta() < schedule.next_at - database_now() <= timedelta(days=1)


def test_nothing_happens_before_its_time(bucket: Bucket) -> None:
    make(bucket)
    assert run_due_schedules() == 0
    assert Run.objects.count() == 0


def test_what_was_missed_for_three_days_is_done_once(bucket: Bucket) -> None:
    schedule = due(make(bucket, limit=10), timedelta(days=3))
    assert (run_due_schedules(), run_due_schedules()) == (1, 0)
    schedule.refresh_from_db()
    assert Run.objects.count() == 1
    assert schedule.next_at is not None and schedule.next_at > database_now()


def test_across_the_leap_of_the_clock_it_is_done_once_each_day(bucket: Bucket) -> None:
    """Beat rings every half hour from Saturday to Monday; the clock leaps over 02:30 on Sunday."""
    schedule = create_schedule(
        by=bucket.owner,
        bucket=bucket,
        kind="enrich",
        cadence="30 2 * * *",
        time_zone="America/New_York",
        options={"limit": 1},
        max_cost=Decimal(1),
    )
    Schedule.objects.filter(pk=schedule.pk).update(next_at=datetime(2027, 3, 13, 7, 30, tzinfo=UTC))
    done = []
    for half_hour in range(120):
        now = datetime(2027, 3, 13, 6, tzinfo=UTC) + timedelta(minutes=30 * half_hour)
        if run_due_schedules(now=now):
            done.append(now.astimezone(ZoneInfo("America/New_York")).strftime("%d %H:%M"))
            cancel_run(run=Run.objects.latest("pk"))
    assert done == ["13 02:30", "14 03:00", "15 02:30"]


# --- Once -------------------------------------------------------------------------------------------------------------


def test_many_workers_at_once_make_one_run(bucket: Bucket) -> None:
    schedule = due(make(bucket, limit=10))
    at_once(6, run_due_schedules)
    run = Run.objects.get()
    assert schedule.next_at is not None
    assert (run.total, run.idempotency_key) == (10, f"schedule:{schedule.pk}:{schedule.next_at.isoformat()}")
    schedule.refresh_from_db()
    assert (schedule.last_run, schedule.failures) == (run, 0)


def test_a_run_that_is_still_open_leaves_the_next_time_out(bucket: Bucket) -> None:
    schedule = do(make(bucket, limit=10))
    pause_run(run=Run.objects.get())
    schedule = do(schedule)
    assert Run.objects.count() == 1
    assert schedule.last_result == "Skipped: its last enrichment job is still paused (Paused by a person)."
    assert (schedule.failures, schedule.enabled) == (0, True)


def paused_by(run: Run, cause: str, reason: str = "") -> Run:
    Run.objects.filter(pk=run.pk).update(status="paused", paused_by=cause, reason=reason)
    run.refresh_from_db()
    return run


@pytest.mark.long
def test_a_run_that_its_vendor_paused_goes_on_at_the_next_time_once_the_vendor_sells_again(
    sandbox: Sandbox, bucket: Bucket
) -> None:
    schedule = do(make(bucket, limit=10))
    run = paused_by(Run.objects.get(), "vendor", "The key was refused.")
    Vendor.objects.get_or_create(name="realestateapi")
    Vendor.objects.filter(name="realestateapi").update(paused_reason="The key was refused.")

    for night in (1, 2):
        schedule = do(schedule)
        assert (schedule.last_result, schedule.failures) == ("Waits for its vendor: The key was refused.", night)
    needs = {need.title: need.words for need in home.needs(own_access(bucket.owner))}
    assert needs["Schedule failed: Leads"] == "Waits for its vendor: The key was refused. 2 times in a row."

    Vendor.objects.update(paused_reason="")
    due(schedule)
    at_once(4, run_due_schedules)
    schedule.refresh_from_db()
    assert schedule.last_result == "Its last enrichment job resumed: the vendor that had paused it is available again."
    assert (schedule.failures, schedule.last_run) == (0, run)
    assert "Schedule failed: Leads" not in {need.title for need in home.needs(own_access(bucket.owner))}
    assert finish(run).status == "completed"
    assert Run.objects.count() == 1
    do(schedule)
    assert Run.objects.count() == 2


@pytest.mark.parametrize(("cause", "failures"), [("fault", 1), ("doubt", 1), ("inactive", 1), ("person", 0)])
def test_a_time_left_out_is_a_failure_unless_a_person_paused_the_run(bucket: Bucket, cause: str, failures: int) -> None:
    schedule = do(make(bucket, limit=10))
    paused_by(Run.objects.get(), cause, "Why.")
    schedule = do(schedule)
    assert (schedule.last_result, schedule.failures) == (
        "Skipped: its last enrichment job is still paused (Why).",
        failures,
    )
    assert Run.objects.count() == 1
    titles = {need.title for need in home.needs(own_access(bucket.owner))}
    assert ("Schedule failed: Leads" in titles) is bool(failures)


def test_the_newest_run_replaces_every_older_one_that_is_still_paused(bucket: Bucket) -> None:
    schedule = do(make(bucket, limit=10))
    oldest = paused_by(Run.objects.get(), "cap", "Reached the month's $5.00 budget.")
    Schedule.objects.filter(pk=schedule.pk).update(last_run=None)  # as if another had come between
    other = do(make(bucket, limit=5)).last_run
    assert other is not None
    paused_by(other, "cap", "Reached the month's $5.00 budget.")

    schedule = do(schedule)

    oldest.refresh_from_db()
    other.refresh_from_db()
    assert (oldest.status, other.status) == ("cancelled", "paused")  # the other is another schedule's
    newest = schedule.last_run
    assert newest is not None and (newest.status, newest.total) == ("queued", 10)


def test_run_now_is_once_and_leaves_the_cadence_alone(bucket: Bucket) -> None:
    schedule = make(bucket, limit=10)
    regular = schedule.next_at
    at_once(3, lambda: run_now(schedule=schedule))
    at_once(3, run_due_schedules)
    schedule.refresh_from_db()
    assert Run.objects.count() == 1
    assert schedule.next_at == regular


# --- Enrich -----------------------------------------------------------------------------------------------------------


def test_each_tick_buys_the_next_leads_until_none_is_left(sandbox: Sandbox, bucket: Bucket) -> None:
    schedule = make(bucket, limit=25)
    assert [finish(do(schedule).last_run).total for _ in range(3)] == [25, 25, 10]
    assert billed(sandbox) == sum(Balance.objects.filter(scope__startswith="run:").values_list("spent", flat=True))
    schedule = do(schedule)
    assert schedule.last_result == "Nothing to do: no lead is pending."
    assert Run.objects.count() == 3
    assert "Last enrichment job: completed, 10 of 10 leads done" in schedule_result(schedule)


@pytest.mark.long
def test_a_tick_spends_no_more_than_its_cap_and_the_next_one_goes_on(sandbox: Sandbox, bucket: Bucket) -> None:
    schedule = make(bucket, skipTrace=False, max_cost=Decimal("0.50"))
    first = finish(do(schedule).last_run)
    assert (first.status, first.paused_by, first.spent, first.enriched + first.partial) == (
        "paused",
        "cap",
        Decimal("0.50"),
        10,
    )
    second = finish(do(schedule).last_run)
    first.refresh_from_db()
    assert (first.status, second.spent, billed(sandbox)) == ("cancelled", Decimal("0.50"), Decimal("1.00"))
    assert bucket.leads.pending().count() == 40


@pytest.mark.long
def test_what_a_guard_left_out_does_not_stand_in_the_way_and_comes_round_again(
    sandbox: Sandbox, bucket: Bucket
) -> None:
    schedule = make(bucket, limit=20, guard={"estimatedValueMin": 10**9})
    ids = list(bucket.leads.order_by("pk").values_list("pk", flat=True))
    firsts = []
    for _ in range(4):
        run = finish(do(schedule).last_run)
        assert run.skipped == 20
        firsts.append(ids.index(run.items.order_by("pk")[0].lead_id))
    assert firsts == [0, 20, 40, 0]
    assert billed(sandbox) == Decimal("3.00")  # 60 details, once


# --- Refresh ----------------------------------------------------------------------------------------------------------


def test_a_repeated_search_adds_only_what_is_new_for_nothing(sandbox: Sandbox) -> None:
    place = sandbox.source.parcel(0)
    criteria = {"state": place.state, "county": place.county}
    bucket = make_bucket(sandbox, make_user(), 1)
    Bucket.objects.filter(pk=bucket.pk).update(filters=criteria)
    bucket.refresh_from_db()
    schedule = make(bucket, "refresh")
    assert schedule.options == {"search": criteria}

    fill = do(schedule).last_fill
    assert fill is not None
    continue_fill(fill.pk)
    fill.refresh_from_db()
    assert fill.found is not None
    assert (fill.status, fill.saved) == ("completed", fill.found - 1)
    assert fill.found > 10
    Lead.objects.filter(pk__in=bucket.leads.order_by("-pk").values("pk")[:3]).delete()

    again = do(schedule).last_fill
    assert again is not None and again.pk != fill.pk
    continue_fill(again.pk)
    schedule.refresh_from_db()
    assert f"Last search: completed, 3 new of {fill.found:,} found." in schedule_result(schedule)
    assert bucket.leads.count() == fill.found
    assert (billed(sandbox), Run.objects.count()) == (0, 0)


def test_a_bucket_that_a_search_was_saved_to_later_repeats_that_search(bucket: Bucket) -> None:
    start_fill(bucket=bucket, criteria={"state": "WA"})
    duplicate(bucket=bucket)

    assert make(bucket, "refresh").options == {"search": {"state": "WA"}}


def test_a_search_that_is_still_under_way_is_not_repeated(sandbox: Sandbox, bucket: Bucket) -> None:
    schedule = do(make(bucket, "refresh", search={"state": "WA"}))
    schedule = do(schedule)
    assert Fill.objects.count() == 1
    assert schedule.last_result == "Left out: its last search is still queued."


def test_a_search_that_fails_again_and_again_switches_it_off(sandbox: Sandbox, bucket: Bucket) -> None:
    schedule = make(bucket, "refresh", search={"state": "WA"})
    for _ in range(MAX_FAILURES + 1):
        fill = do(schedule).last_fill
        assert fill is not None
        Fill.objects.filter(pk=fill.pk).update(status="failed", error="INVALID_DATA: no such filter")
    schedule.refresh_from_db()
    assert (schedule.enabled, schedule.next_at) == (False, None)


# --- What goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("closed", "words"),
    [
        ({"paused_reason": "The key was refused."}, "Waits for its vendor: The key was refused."),
        ({"enabled": False}, "Waits for its vendor: RealEstateAPI is turned off."),
        ("no key", "Waits for its vendor: RealEstateAPI is not available: no key (REALESTATEAPI_KEY is not set)."),
    ],
)
def test_a_closed_vendor_is_told_as_a_failure_and_switches_nothing_off(
    bucket: Bucket, settings: Any, closed: Any, words: str
) -> None:
    schedule, vendors = make(bucket), settings.VENDORS
    run_due_schedules()
    Vendor.objects.get_or_create(name="realestateapi")
    if closed == "no key":
        settings.VENDORS = vendors | {"realestateapi": vendors["realestateapi"] | {"key": ""}}
    else:
        Vendor.objects.filter(name="realestateapi").update(**closed)
    for n in range(1, MAX_FAILURES + 3):
        do(schedule)
        assert (schedule.last_result, schedule.failures, schedule.enabled) == (words, n, True)
    assert schedule.next_at is not None and Run.objects.count() == 0
    needs = {need.title: need.words for need in home.needs(own_access(bucket.owner))}
    assert needs["Schedule failed: Leads"] == f"{words} {MAX_FAILURES + 2} times in a row."

    settings.VENDORS = vendors
    Vendor.objects.update(paused_reason="", enabled=True)
    do(schedule)
    assert (schedule.failures, Run.objects.count()) == (0, 1)


def test_its_own_failures_switch_it_off_after_five_and_are_counted_anew_after_a_closed_vendor(bucket: Bucket) -> None:
    schedule = make(bucket)
    Vendor.objects.get_or_create(name="realestateapi")
    Vendor.objects.filter(name="realestateapi").update(paused_reason="The key was refused.")
    for _ in range(MAX_FAILURES + 1):
        do(schedule)
    Vendor.objects.update(paused_reason="")
    Schedule.objects.filter(pk=schedule.pk).update(options={"limit": 0})
    for n in range(1, MAX_FAILURES):
        do(schedule)
        assert (schedule.failures, schedule.enabled) == (n, True)
    do(schedule)
    assert schedule.last_result == "The limit must be from 1 to 100000. It has switched itself off."
    assert (schedule.enabled, schedule.next_at) == (False, None)
    assert (run_due_schedules(), Run.objects.count()) == (0, 0)

    change_schedule(schedule=schedule, changes={"enabled": True, "options": {"limit": 10}})
    do(schedule)
    assert (schedule.failures, Run.objects.count()) == (0, 1)


def test_a_deleted_bucket_switches_it_off_at_once(bucket: Bucket) -> None:
    schedule = make(bucket)
    delete_bucket(bucket=bucket)
    do(schedule)
    assert schedule.last_result == "Its bucket was deleted. It has switched itself off."
    assert (schedule.bucket_id, schedule.bucket_name, schedule.enabled) == (None, "Leads", False)


def test_an_inactive_user_buys_nothing(bucket: Bucket) -> None:
    schedule = make(bucket)
    User.objects.update(is_active=False)
    do(schedule)
    assert (schedule.last_result, schedule.failures, Run.objects.count()) == ("ann is turned off.", 1, 0)


@pytest.mark.parametrize(
    ("broken", "words", "stays"),
    [
        ({"options": {"guard": {"nonsense": 1}}}, "nonsense: There is no such filter.", True),
        ({"options": {"limit": 0}}, "The limit must be from 1 to 100000.", True),
        ({"options": {"limit": "many"}}, "System error: TypeError. The log has more.", True),
        ({"cadence": "whenever"}, "Five cron fields are needed", False),
        ({"time_zone": "Mars/Olympus"}, "'Mars/Olympus' is no time zone", False),
    ],
)
def test_a_broken_row_says_so_and_keeps_nobody_from_their_turn(
    bucket: Bucket, broken: dict[str, Any], words: str, stays: bool
) -> None:
    bad, good = make(bucket), make(bucket, limit=10)
    Schedule.objects.filter(pk=bad.pk).update(**broken)
    due(bad, timedelta(hours=2)), due(good)
    assert run_due_schedules() == 2
    bad.refresh_from_db()
    assert bad.last_result.startswith(words)
    assert (bad.enabled, bad.failures) == (stays, 1)
    assert Run.objects.get().total == 10


def test_two_schedules_of_a_bucket_share_its_leads(bucket: Bucket) -> None:
    for _ in range(2):
        due(make(bucket, limit=40))
    at_once(2, run_due_schedules)
    assert sorted(Run.objects.values_list("total", flat=True)) == [20, 40]


# --- Changing ---------------------------------------------------------------------------------------------------------


def test_a_change_of_the_limit_leaves_a_time_that_is_due_and_another_cadence_counts_from_now(bucket: Bucket) -> None:
    schedule = due(make(bucket, limit=5))
    was = schedule.next_at
    schedule = change_schedule(schedule=schedule, changes={"options": {"limit": 7}})
    assert (schedule.next_at, schedule.options) == (was, {"limit": 7})
    schedule = change_schedule(schedule=schedule, changes={"cadence": "0 5 * * *", "time_zone": "UTC"})
    assert schedule.next_at is not None and schedule.next_at > database_now()
    assert (schedule.next_at.hour, schedule.next_at.minute) == (5, 0)


@pytest.mark.parametrize(
    ("kind", "options", "cap", "field"),
    [
        ("enrich", {}, None, "maxCost"),
        ("enrich", {}, Decimal(-1), "maxCost"),
        ("enrich", {"limit": 0}, Decimal(1), "limit"),
        ("enrich", {"olderThanDays": 3}, Decimal(1), "olderThanDays"),
        ("rebuy", {}, Decimal(1), "olderThanDays"),
        ("rebuy", {"olderThanDays": 0}, Decimal(1), "olderThanDays"),
        ("rebuy", {"olderThanDays": 30}, None, "maxCost"),
        ("refresh", {}, None, "search"),
        ("refresh", {"search": {"city": "Kent"}}, None, "search"),
        ("refresh", {"search": {"state": "WA"}, "limit": 5}, None, "limit"),
        ("refresh", {"search": {"state": "WA"}}, Decimal(1), "maxCost"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_made(
    bucket: Bucket, kind: str, options: dict[str, Any], cap: Decimal | None, field: str
) -> None:
    with pytest.raises(RunError) as refused:
        make(bucket, kind, max_cost=cap, **options)
    assert (refused.value.code, refused.value.field) == ("INVALID", field)
    assert Schedule.objects.count() == 0


def test_switched_off_it_is_not_due_and_cannot_be_run_now(bucket: Bucket) -> None:
    schedule = change_schedule(schedule=make(bucket), changes={"enabled": False})
    assert schedule.next_at is None
    with pytest.raises(RunError, match="turned off"):
        run_now(schedule=schedule)
    assert run_due_schedules() == 0
