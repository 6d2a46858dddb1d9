"""Two worker hosts at one run, each with its own pumps and connections: nothing is bought twice, no cap is passed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import NoticeKind, Notification, User
from common.db.clock import database_now
from enrichment import services
from enrichment.locks import lock_run, share_run
from enrichment.models import FOR_EVER, PumpLease, Run, RunItem
from enrichment.worker import pump, pump_lease, purchase, queue
from integrations.ledger.budgets import take_in_left
from integrations.models import Balance, Budget, BudgetChange, Operation, VendorCall
from leads.models import Lead
from operations.reconcile import find_drift
from sandbox.server import Sandbox
from tests.support import (
    PATIENCE,
    apart,
    billed,
    finish,
    make_bucket,
    make_user,
    pump_until_still,
    set_operations,
    start,
)

pytestmark = pytest.mark.django_db(transaction=True)
HOSTS = ("one@host", "two@host")
WHO = (("ann", 0), ("bob", 5))


@pytest.fixture(autouse=True)
def small_requests(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump, "IDLE", 1.0)
    settings.VENDOR_IN_FLIGHT = 6
    set_operations(settings, batch=7)


def work(until: Callable[[], bool] = lambda: True) -> None:
    """Both hosts pump until they are idle, and again until it is so."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        pumps = [threading.Thread(target=_pump, args=(stage, host)) for host in HOSTS for stage in (1, 2)]
        for one in pumps:
            one.start()
        for one in pumps:
            one.join()
        if until():
            return
    raise AssertionError(f"not after {PATIENCE:.0f} s")


def _pump(stage: int, host: str) -> None:
    try:
        pump.work(stage, host=host, threads=3)
    finally:
        connection.close()


def impatient(work: Callable[[], Any]) -> Callable[[], Any]:
    """Gives up at a lock that another transaction holds."""

    def tried() -> Any:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '300ms'")
            return work()

    return tried


def counted(run: Run) -> dict[str, int]:
    items = list(run.items.values_list("outcome", flat=True))
    return {outcome.name.lower(): items.count(outcome) for outcome in RunItem.Outcome if outcome.value}


def billed_twice(sandbox: Sandbox) -> int:
    return sum(sandbox.ledger.report()["billed_twice"].values())


# --- Whole runs -------------------------------------------------------------------------------------------------------


def test_two_hosts_buy_nothing_twice_and_the_run_counts_its_items(sandbox: Sandbox) -> None:
    bucket = make_bucket(sandbox, make_user(), 150)
    run = start(bucket)
    work()
    run = finish(run)
    assert (run.status, run.total, run.done) == ("completed", 150, 150)
    assert {name: getattr(run, name) for name in counted(run)} == counted(run)
    assert run.spent == billed(sandbox) == Balance.objects.get(scope=run.budget_scope).spent
    assert (run.reserved, billed_twice(sandbox), find_drift()) == (0, 0, [])
    assert Notification.objects.filter(kind=NoticeKind.RUN_DONE).count() == 1  # completed once


@pytest.mark.long
def test_two_hosts_at_two_runs_pass_no_cap_of_either_nor_of_the_month(sandbox: Sandbox) -> None:
    ann = make_user(monthly_budget=Decimal(6))
    buckets = [make_bucket(sandbox, ann, 60, start=60 * number) for number in range(2)]
    runs = [start(bucket, max_cost=Decimal(4)) for bucket in buckets]
    work()
    pump_until_still()
    for run in Run.objects.with_money().filter(pk__in=[run.pk for run in runs]):
        assert run.spent + run.reserved <= 4
        assert (run.status, run.paused_by) == ("paused", "cap")
    assert Decimal(5) <= billed(sandbox) <= 6
    assert (billed_twice(sandbox), find_drift()) == (0, [])


@pytest.mark.long
def test_a_dead_workers_items_are_taken_by_the_other_host(sandbox: Sandbox) -> None:
    run = start(make_bucket(sandbox, make_user(), 40))
    died_with = apart(lambda: purchase.claim(1, "property_detail")).bought  # and never buys
    assert died_with is not None
    work(until=lambda: not run.items.filter(stage__gt=0, token=None).exists())
    assert (
        RunItem.objects.filter(run=run, stage=1).count() == 7 == run.items.filter(token=died_with.plan.call_id).count()
    )
    VendorCall.objects.filter(pk=died_with.plan.call_id).update(lease_until=F("lease_until") - timedelta(hours=1))
    assert purchase.reap() == 1
    work()
    run = finish(run)
    assert (run.status, run.done, run.spent) == ("completed", 40, billed(sandbox))
    assert (billed_twice(sandbox), find_drift()) == (0, [])


@pytest.mark.long
def test_a_pause_stops_both_hosts_and_loses_nothing(sandbox: Sandbox) -> None:
    run = start(make_bucket(sandbox, make_user(), 120))
    both = threading.Thread(target=work)
    both.start()
    while not RunItem.objects.filter(run=run, stage=2).exists():
        pass
    services.pause_run(run=run, by=run.owner)
    sent = VendorCall.objects.filter(sent_at__isnull=False).count()
    both.join()
    assert VendorCall.objects.filter(sent_at__isnull=False).count() == sent
    run.refresh_from_db()
    assert run.status == "paused"
    services.resume_run(run=run, by=run.owner)
    work()
    run = finish(run)
    assert (run.status, run.done, run.spent) == ("completed", 120, billed(sandbox))
    assert (billed_twice(sandbox), find_drift()) == (0, [])


# --- Who waits for whom -----------------------------------------------------------------------------------------------


def test_workers_share_a_run_and_a_person_has_it_alone(sandbox: Sandbox) -> None:
    run = start(make_bucket(sandbox, make_user(), 5))
    with transaction.atomic():
        share_run(run.pk)
        assert apart(impatient(lambda: share_run(run.pk))) is not None
        with pytest.raises(OperationalError):
            apart(impatient(lambda: lock_run(run.pk)))
    with transaction.atomic():
        lock_run(run.pk)
        with pytest.raises(OperationalError):
            apart(impatient(lambda: share_run(run.pk)))


def test_workers_that_go_on_sharing_do_not_keep_a_pause_waiting(sandbox: Sandbox) -> None:
    run = start(make_bucket(sandbox, make_user(), 5))
    pausing = threading.Thread(target=lambda: apart(lambda: services.pause_run(run=run, by=run.owner)))
    with transaction.atomic():
        share_run(run.pk)
        pausing.start()
        while not _waiting():
            pass
        with pytest.raises(OperationalError):  # the newcomer waits behind the person
            apart(impatient(lambda: share_run(run.pk)))
    pausing.join(30)
    run.refresh_from_db()
    assert run.status == "paused"


def _waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return int(cursor.fetchone()[0])


def test_a_settlement_does_not_wait_for_a_budget_and_its_amount_is_seen_at_once(sandbox: Sandbox) -> None:
    run = start(make_bucket(sandbox, make_user(), 7), skip_trace=False)
    bought = purchase.claim(1, "property_detail").bought
    assert bought is not None
    with transaction.atomic():
        list(Budget.objects.select_for_update())
        apart(lambda: purchase.buy(1, bought))
        row = Budget.objects.get(scope=run.budget_scope)
        assert (row.reserved, row.spent) == (Decimal("0.35"), 0)
        now = Balance.objects.get(scope=run.budget_scope)
        assert (now.reserved, now.spent) == (0, Decimal("0.35"))
        assert Run.objects.with_money().get(pk=run.pk).spent == Decimal("0.35")
        assert apart(find_drift) == []
    assert purchase.reap() == 0
    assert BudgetChange.objects.exists()
    make_more(sandbox, run)  # a reservation takes in what it needs
    assert not BudgetChange.objects.filter(scope__startswith="user:").exists()
    assert take_in_left() == 1  # of the run, which reserves no more
    assert Budget.objects.get(scope=run.budget_scope).spent == Decimal("0.35")
    assert (BudgetChange.objects.count(), find_drift()) == (0, [])


def make_more(sandbox: Sandbox, run: Run) -> None:
    finish(start(make_bucket(sandbox, run.owner, 7, start=7), skip_trace=False))


# --- Pumps of a host --------------------------------------------------------------------------------------------------


def test_a_settlement_that_waits_for_a_lead_holds_up_no_other_run(sandbox: Sandbox) -> None:
    finish(start(make_bucket(sandbox, make_user("zoe"), 2, start=100), skip_trace=False))
    runs = [start(make_bucket(sandbox, make_user(name), 5, start=at), skip_trace=False) for name, at in WHO]
    claimed = [purchase.claim(1, "property_detail").bought for _ in runs]
    bought = {one.run_id: one for one in claimed if one is not None}
    assert {*bought} == {run.pk for run in runs}

    def buy(run: Run) -> threading.Thread:
        def work() -> None:
            try:
                purchase.buy(1, bought[run.pk])
            finally:
                connection.close()

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    with transaction.atomic():
        list(Lead.objects.filter(bucket=runs[0].bucket).select_for_update()[:1])
        first = buy(runs[0])
        deadline = time.monotonic() + PATIENCE
        while not purchase.SETTLING.locked():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        second = buy(runs[1])
        second.join(PATIENCE)
        assert not second.is_alive()
        assert first.is_alive()
    first.join(PATIENCE)
    assert {Run.objects.get(pk=run.pk).done for run in runs} == {5}


def test_what_is_to_follow_is_counted_at_one_moment(sandbox: Sandbox) -> None:
    """A settlement moves items from one of the two to the other: between two statements they would be in neither."""
    run = start(make_bucket(sandbox, make_user(), 9))
    Operation.objects.update(answered_at=timezone.now())
    first, second = (purchase.claim(1, "property_detail").bought for _ in range(2))
    assert first is not None and second is not None
    run.items.filter(token=first.plan.call_id).update(stage=2, token=None, lease_until=None)
    with CaptureQueriesContext(connection) as asked:
        assert queue.to_follow(1, 2, [run.pk], besides=None) == 9
    assert len(asked) == 1
    assert queue.to_follow(1, 2, [run.pk], besides=second.plan.call_id) == 9 - len(second.plan.buying)


def test_a_gate_that_is_closed_throws_no_plans_away(sandbox: Sandbox) -> None:
    run = start(make_bucket(sandbox, make_user(), 5), skip_trace=False)
    Operation.objects.update(next_slot_at=timezone.now() + timedelta(minutes=1))
    assert purchase.claim(1, "property_detail").closed
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        (plans,) = cursor.fetchone()
        assert purchase.claim(1, "property_detail").closed
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        assert cursor.fetchone() == (plans,)
    assert plans >= 2
    assert Run.objects.get(pk=run.pk).status == Run.Status.QUEUED


def test_a_host_has_as_many_pumps_of_a_stage_as_the_setting_says(settings: Any) -> None:
    assert pump_lease.acquire(1, HOSTS[0]) is not None
    assert pump_lease.acquire(1, HOSTS[0]) is None
    assert pump_lease.acquire(1, HOSTS[1]) is not None
    settings.PUMPS_PER_STAGE = 2
    assert pump_lease.acquire(1, HOSTS[0]) is not None
    assert pump_lease.acquire(1, HOSTS[0]) is None
    assert pump_lease.acquire(2, HOSTS[0]) is not None


def test_each_host_that_lacks_a_pump_is_woken(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two a host: its own of the step, and that of a step without work."""
    start(make_bucket(sandbox, make_user(), 5))
    sent: list[str] = []
    monkeypatch.setattr(pump_lease, "enqueue_to_worker", lambda host, task, **_: sent.append(f"{task} of {host}"))
    here, there = (f"enrichment.pump of {host}" for host in HOSTS)
    for host in HOSTS:
        pump_lease.beat(host)
    token = pump_lease.acquire(1, HOSTS[0])
    assert token is not None
    assert pump_lease.wake_if_idle(1)
    assert sorted(sent) == [here, there, there]
    PumpLease.objects.filter(token=token).update(lease_until=database_now())  # it died
    sent.clear()
    assert pump_lease.wake_if_idle(1)
    assert sorted(sent) == [here, here, there, there]
    PumpLease.objects.filter(host=HOSTS[1]).update(beat_at=database_now() - pump_lease.ALIVE)
    sent.clear()
    assert pump_lease.wake_if_idle(1)
    assert sent == [here, here]  # the other is gone
    assert not pump_lease.wake_if_idle(2)  # no work there


def test_a_step_without_work_lends_its_pumps_to_the_latest_that_has_some(sandbox: Sandbox, settings: Any) -> None:
    detail, trace, apollo = pump_lease.STAGES
    run = start(make_bucket(sandbox, make_user(), 3))
    first, second = (pump_lease.acquire(detail, HOSTS[0]) for _ in range(2))
    assert first is not None and second is not None
    assert pump_lease.acquire(detail, HOSTS[0]) is None  # as many again as its own, and no more
    assert pump_lease.keep(detail, first) and pump_lease.keep(detail, second)

    run.items.filter(pk=run.items.earliest("pk").pk).update(stage=trace)
    assert pump_lease.keep(detail, first)
    assert not pump_lease.keep(detail, second)  # the one that was lent goes to the later step
    assert [pump_lease.acquire(trace, HOSTS[0]) is not None for _ in range(3)] == [True, True, False]
    pump_lease.leave(detail, second)
    assert pump_lease.acquire(detail, HOSTS[0]) is None

    run.items.filter(pk=run.items.latest("pk").pk).update(stage=apollo)  # all have work: each has its own alone
    lent = PumpLease.objects.get(stage=trace, number=2)
    assert not pump_lease.keep(trace, lent.token or uuid4())
    settings.PUMPS_PER_STAGE = 2
    assert pump_lease.keep(trace, lent.token or uuid4())


def test_which_steps_have_work(sandbox: Sandbox) -> None:
    detail, trace, _ = pump_lease.STAGES
    ann = make_user()
    run = start(make_bucket(sandbox, ann, 3))
    assert pump_lease.stages_with_work() == [detail]
    one, two, three = run.items.order_by("pk")
    one.delete()
    RunItem.objects.filter(pk=two.pk).update(stage=0, outcome=RunItem.Outcome.ENRICHED)
    taken = RunItem.objects.filter(pk=three.pk)
    taken.update(stage=trace, token=uuid4(), lease_until=timezone.now() + timedelta(minutes=5))
    assert pump_lease.stages_with_work() == [trace]  # its worker may have died
    taken.update(lease_until=timezone.now() + FOR_EVER)
    assert pump_lease.stages_with_work() == []  # it waits for a person's decision
    taken.update(token=None, lease_until=None)
    for changed, found in (
        ({"status": Run.Status.PAUSED, "paused_by": Run.Pause.PERSON}, []),
        ({"status": Run.Status.QUEUED, "paused_by": ""}, [trace]),
    ):
        Run.objects.filter(pk=run.pk).update(**changed)
        assert pump_lease.stages_with_work() == found
    User.objects.filter(pk=ann.pk).update(is_active=False)
    assert pump_lease.stages_with_work() == []


def test_a_host_that_was_silent_for_long_is_forgotten() -> None:
    for host in (*HOSTS, "three@host"):
        pump_lease.beat(host)
    PumpLease.objects.filter(host=HOSTS[1]).update(beat_at=database_now() - pump_lease.KNOWN)
    pump_lease.ask_other_workers(HOSTS[0])
    assert sorted(PumpLease.objects.values_list("host", flat=True)) == [HOSTS[0], "three@host"]
