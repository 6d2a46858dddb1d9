"""Runs that go on by themselves: the next day after a daily limit, and with the switch of their user."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from accounts.access import own_access
from accounts.models import User
from buckets.models import Bucket
from buckets.services import create_bucket
from common.db.clock import database_now
from enrichment import services
from enrichment.models import FairShare, Run, RunItem
from enrichment.rules import cap_reason, day_of_cap, month_of_cap
from enrichment.services import RunError
from enrichment.worker import pump_lease, purchase, sweeps
from integrations.lookups import gate
from integrations.models import Budget, Operation, VendorCall
from operations import home
from sandbox.server import Sandbox
from tests.admin_site import superuser
from tests.support import finish, make_bucket, make_user, requests_of, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def few_threads(settings: Any) -> None:
    settings.VENDOR_IN_FLIGHT = 3


@pytest.fixture
def bucket() -> Bucket:
    return bucket_of(make_user())


def bucket_of(user: User, name: str = "Leads") -> Bucket:
    bucket, _ = create_bucket(by=user, name=name, property_ids=["1", "2", "3", "4"])
    return bucket


def capped(bucket: Bucket, scope: str, *, created: timedelta = timedelta(hours=20), **values: Any) -> Run:
    """A run that the cap of this budget has stopped, started so long ago."""
    run = start(bucket)
    reason = cap_reason(scope, Decimal(5))
    values = {"status": "paused", "paused_by": "cap", "cap_scope": scope, "reason": reason} | values
    Run.objects.filter(pk=run.pk).update(created_at=database_now() - created, **values)
    run.refresh_from_db()
    return run


def day(now: datetime, ago: int) -> str:
    return f"{now - timedelta(days=ago):%Y-%m-%d}"


def state(run: Run) -> tuple[str, str, str]:
    run.refresh_from_db()
    return run.status, run.paused_by, run.reason


def at_once(count: int, act: Callable[[], Any]) -> list[Any]:
    barrier, results = threading.Barrier(count), []

    def body() -> None:
        barrier.wait()
        try:
            results.append(act())
        finally:
            connection.close()

    threads = [threading.Thread(target=body) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


# --- In words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("run:0190", "Reached its $5.00 spending limit."),
        ("vendor:realestateapi:2026-11-29", "Reached the $5.00 daily spending limit of RealEstateAPI."),
        ("leads:7:2026-11-29", "Reached the daily limit of 5 leads."),
        ("user:7:2026-11", "Reached the month's $5.00 budget."),
        ("something:else", "Reached a spending limit."),
    ],
)
def test_a_cap_is_told_in_words_with_two_decimals(scope: str, words: str) -> None:
    assert cap_reason(scope, Decimal("5.0000")).startswith(words)


def test_which_day_and_which_month_a_cap_is_of() -> None:
    assert str(day_of_cap("vendor:apollo:2026-11-29")) == "2026-11-29"
    assert str(day_of_cap("leads:7:2026-11-29")) == "2026-11-29"
    assert [day_of_cap(scope) for scope in ("run:1", "user:7:2026-11", "vendor:x:soon", "")] == [None] * 4
    assert month_of_cap("user:7:2026-11") == "2026-11"
    assert [month_of_cap(scope) for scope in ("run:1", "leads:7:2026-11-29", "user:7:2026-11-29", "")] == [None] * 4


# --- The day is over --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["vendor:realestateapi:", "leads:7:"])
def test_a_run_that_the_day_stopped_goes_on_the_next_day_once(bucket: Bucket, scope: str) -> None:
    now = database_now()
    run = capped(bucket, scope + day(now, 1))

    assert sum(at_once(4, lambda: sweeps.continue_capped_runs(now))) == 1

    assert state(run) == ("running", "", "")
    assert run.cap_scope == ""
    assert sweeps.continue_capped_runs(now) == 0


@pytest.mark.parametrize(
    ("scope", "values"),
    [
        ("vendor:realestateapi:{today}", {}),
        ("leads:7:{today}", {}),
        ("run:{today}", {}),
        ("user:7:1999-12", {}),
        ("vendor:realestateapi:{yesterday}", {"paused_by": "person"}),
        ("vendor:realestateapi:{yesterday}", {"paused_by": "vendor"}),
        ("vendor:realestateapi:{yesterday}", {"status": "cancelled", "paused_by": ""}),
        ("vendor:realestateapi:{yesterday}", {"created": timedelta(days=3, minutes=1)}),
        ("vendor:realestateapi:{yesterday}", {"prices": {}}),
    ],
)
def test_nothing_else_goes_on_by_itself(bucket: Bucket, scope: str, values: dict[str, Any]) -> None:
    now = database_now()
    run = capped(bucket, scope.format(today=day(now, 0), yesterday=day(now, 1)), **values)
    before = state(run)[:2]
    assert sweeps.continue_capped_runs(now) == 0
    assert state(run)[:2] == before


def test_a_run_under_three_days_old_still_goes_on(bucket: Bucket) -> None:
    now = database_now()
    run = capped(bucket, f"vendor:realestateapi:{day(now, 2)}", created=timedelta(days=2, hours=23))
    assert sweeps.continue_capped_runs(now) == 1
    assert set(run.prices) == {"property_detail", "skip_trace"}


@pytest.mark.parametrize(("price", "goes_on"), [("9", False), ("0.0001", True)])
def test_it_does_not_go_on_at_a_higher_price_and_says_so(bucket: Bucket, price: str, goes_on: bool) -> None:
    now = database_now()
    run = capped(bucket, f"leads:7:{day(now, 1)}")
    Operation.objects.filter(name="skip_trace").update(price=Decimal(price))
    assert sweeps.continue_capped_runs(now) == int(goes_on)
    assert state(run)[0] == ("running" if goes_on else "paused")
    assert (run.reason == sweeps.DEARER) is not goes_on
    if not goes_on:
        Operation.objects.filter(name="skip_trace").update(price=None)
        assert sweeps.continue_capped_runs(now) == 1


def test_a_person_who_pauses_it_meanwhile_is_listened_to(bucket: Bucket) -> None:
    now = database_now()
    run = capped(bucket, f"leads:7:{day(now, 1)}")
    services.pause_run(run=run)
    assert state(run) == ("paused", "person", "Paused by a person")
    assert sweeps.sweep(now=now) == 0

    own = capped(bucket_of(bucket.owner, "Others"), "run:1")
    services.pause_run(run=own)
    assert state(own)[1] == "cap"  # it waits for a person already, who is asked for another limit


def test_the_sweep_of_beat_carries_a_run_over_midnight_to_its_end(sandbox: Sandbox) -> None:
    bucket = make_bucket(sandbox, make_user(), 6)
    now = database_now()
    run = capped(bucket, f"leads:7:{day(now, 1)}")
    assert sweeps.sweep() == 1
    assert finish(run).status == "completed"


# --- The month asks on Home -------------------------------------------------------------------------------------------


def test_a_month_that_is_over_is_resumed_from_home_with_one_press(bucket: Bucket, client: Any) -> None:
    run = capped(bucket, "user:7:1999-12")
    user = bucket.owner
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client.force_login(user)
    need = next(need for need in home.needs(own_access(user)) if need.title == "Paused: Leads")
    assert (need.resume, need.words) == (True, cap_reason("user:7:1999-12", Decimal(5)))
    where = reverse("admin:buckets_bucket_run_resume", args=[bucket.pk, run.pk])
    page = client.get("/admin/").content.decode()
    assert f'<form method="post" action="{where}">' in page

    client.post(where, {"confirmed": "yes"})

    assert state(run) == ("running", "", "")


def test_home_offers_no_button_that_would_do_nothing(bucket: Bucket) -> None:
    now, user = database_now(), bucket.owner
    Budget.objects.create(scope=f"user:{user.pk}:{now:%Y-%m}", spent=user.monthly_budget)
    run = capped(bucket, f"user:{user.pk}:{now:%Y-%m}")
    offers = {}
    for scope in (run.cap_scope, "run:1", f"leads:7:{day(now, 0)}", f"leads:7:{day(now, 1)}"):
        Run.objects.filter(pk=run.pk).update(cap_scope=scope)
        offers[scope.split(":")[0]] = [
            need.resume for need in home.needs(own_access(user)) if need.title.startswith("Paused")
        ]
    assert offers == {"user": [False], "run": [False], "leads": [True]}


# --- A user is switched off -------------------------------------------------------------------------------------------


def test_the_runs_of_a_user_who_is_switched_off_pause_and_go_on_with_the_user(bucket: Bucket) -> None:
    run = start(bucket)
    User.objects.filter(username="ann").update(is_active=False)
    assert not pump_lease.has_work(1)  # nothing rings, even before the sweep comes
    theirs = start(bucket_of(make_user("bob")))

    assert sum(at_once(3, sweeps.hold_runs_of_inactive_users)) == 1

    assert state(run) == ("paused", "inactive", sweeps.SWITCHED_OFF)
    assert state(theirs)[1] == ""
    with pytest.raises(RunError, match="ann is turned off"):
        services.resume_run(run=run, by=superuser()[0])
    assert state(run)[1] == "inactive"

    User.objects.filter(username="ann").update(is_active=True)
    assert sum(at_once(3, sweeps.hold_runs_of_inactive_users)) == 1
    assert state(run) == ("running", "", "")
    assert sweeps.hold_runs_of_inactive_users() == 0


@pytest.mark.parametrize("lose", [
    pytest.param(lambda mine: mine.update(role="reader"), id="lowered"),
    pytest.param(lambda mine: mine.delete(), id="removed"),
])  # fmt: skip
def test_a_role_lost_between_claim_and_request_sends_no_request(
    sandbox: Sandbox, lose: Callable[[Any], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = make_bucket(sandbox, make_user(), 5)
    run = start(bucket)
    reserve = gate.reserve

    def then_loses_it(*args: Any, **kwargs: Any) -> Any:
        plan = reserve(*args, **kwargs)
        lose(bucket.owner.memberships.all())
        return plan

    monkeypatch.setattr(gate, "reserve", then_loses_it)
    purchase.step(1, "property_detail")

    assert requests_of(sandbox) == {}
    assert [*VendorCall.objects.values_list("state", flat=True)] == [VendorCall.State.RELEASED]
    assert run.items.filter(stage=1, token=None).count() == 5


def test_only_what_the_switch_stopped_goes_on_with_it(bucket: Bucket) -> None:
    run = start(bucket)
    services.pause_run(run=run)
    User.objects.update(is_active=False)
    sweeps.hold_runs_of_inactive_users()
    User.objects.update(is_active=True)
    assert sweeps.hold_runs_of_inactive_users() == 0
    assert state(run) == ("paused", "person", "Paused by a person")


def test_nobody_starts_a_run_for_a_user_who_is_switched_off(bucket: Bucket) -> None:
    bucket.owner.is_active = False
    with pytest.raises(RunError, match="ann is turned off"):
        start(bucket)
    assert (Run.objects.count(), RunItem.objects.count(), FairShare.objects.count()) == (0, 0, 0)


def test_the_switch_on_the_users_page_takes_effect_at_once(bucket: Bucket) -> None:
    run = start(bucket)
    client = superuser()[1]
    where = reverse("admin:accounts_user_change", args=[bucket.owner.pk])
    form = client.get(where).context["adminform"].form
    values = {name: form.initial.get(name) for name in form.fields}
    fields = {
        "username": "ann",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
        "daily_lead_limit": values["daily_lead_limit"],
        "monthly_budget": values["monthly_budget"],
        "time_zone": "UTC",
        "memberships-TOTAL_FORMS": 0,
        "memberships-INITIAL_FORMS": 0,
    }
    assert client.post(where, fields).status_code == 302
    assert state(run)[:2] == ("paused", "inactive")
    assert client.post(where, fields | {"is_active": "on"}).status_code == 302
    assert state(run)[:2] == ("running", "")
