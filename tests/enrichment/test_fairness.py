"""Whose turn it is: users share a scarce pace equally, then their runs do, and a newcomer is next."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from django.db import connection, transaction

from enrichment.models import Run, RunItem
from enrichment.options import RunOptions
from enrichment.services import start_run
from enrichment.worker import purchase, queue
from integrations.models import Lookup, VendorCall
from sandbox.server import Sandbox
from tests.support import billed, finish, make_bucket, make_user, requests_of, set_operations, start

pytestmark = pytest.mark.django_db(transaction=True)


def turns(count: int) -> list[str]:
    """Who would be served, one slot after the other."""
    order = []
    for _ in range(count):
        with transaction.atomic():
            run = queue.next_run(1, "property_detail")
            assert run is not None
            queue.served(run, 1)
        order.append(f"{run.owner.username}:{run.bucket_name}")
    return order


@pytest.mark.long
def test_ten_runs_of_one_user_count_once_against_one_run_of_another(sandbox: Sandbox) -> None:
    many, one = make_user("many"), make_user("one")
    for number in range(10):
        start(make_bucket(sandbox, many, 3, name=str(number)))
    start(make_bucket(sandbox, one, 3, name="only"))
    served = turns(40)
    assert Counter(name.split(":")[0] for name in served) == {"many": 20, "one": 20}
    assert set(Counter(name for name in served if name.startswith("many")).values()) == {2}


def test_a_newcomer_is_served_next_and_does_not_catch_up(sandbox: Sandbox) -> None:
    old, new = make_user("old"), make_user("new")
    start(make_bucket(sandbox, old, 3, name="a"))
    turns(20)
    start(make_bucket(sandbox, new, 3, name="b"))
    assert turns(6) == ["new:b", "old:a"] * 3


def test_a_user_who_starts_run_after_run_is_not_served_before_the_others(sandbox: Sandbox) -> None:
    hasty, calm = make_user("hasty"), make_user("calm")
    start(make_bucket(sandbox, calm, 3, name="c"))
    order = []
    for number in range(4):
        start(make_bucket(sandbox, hasty, 3, name=str(number)))
        order += turns(1)
    assert order == ["calm:c", "hasty:0", "calm:c", "hasty:1"]


def test_paused_runs_and_items_that_wait_have_no_turn(sandbox: Sandbox) -> None:
    run = start(make_bucket(sandbox, make_user(), 3))
    Run.objects.update(status="paused", paused_by="person")
    with transaction.atomic():
        assert queue.next_run(1, "property_detail") is None
    Run.objects.update(status="running")
    queue.give_back(list(run.items.values_list("pk", flat=True)), delay=60)
    with transaction.atomic():
        assert queue.next_run(1, "property_detail") is None


def together(count: int, job: Any) -> list[Any]:
    results: list[Any] = []
    gate = threading.Barrier(count)

    def work() -> None:
        try:
            gate.wait()
            results.append(job())
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_fifty_identical_starts_at_once_make_one_run(sandbox: Sandbox, settings: Any) -> None:
    bucket = make_bucket(sandbox, make_user(), 5)
    options = RunOptions(limit=5)

    def one() -> tuple[Any, bool]:
        run, made = start_run(bucket=bucket, by=bucket.owner, options=options, idempotency_key="same")
        return run.pk, made

    results = together(50, one)
    assert len({pk for pk, _ in results}) == 1
    assert [made for _, made in results].count(True) == 1
    assert (Run.objects.count(), RunItem.objects.count()) == (1, 5)


def test_many_workers_on_the_same_leads_buy_each_once(sandbox: Sandbox, settings: Any) -> None:
    set_operations(settings, pace=0, batch=3)
    ann, bob = make_user("ann"), make_user("bob")
    runs = [start(make_bucket(sandbox, user, 12)) for user in (ann, bob)]

    def steps() -> int:
        return sum(purchase.step(1, "property_detail").worked for _ in range(6))

    together(8, steps)
    for run in runs:
        assert finish(run).done == 12
    report = sandbox.ledger.report()
    assert report["billed_twice"] == dict.fromkeys(report["billed_twice"], 0)
    assert sum(run.spent for run in Run.objects.with_money()) == billed(sandbox)
    assert Lookup.objects.filter(operation__name="property_detail", state="answered").count() == 12


def test_a_small_run_behind_a_large_one_does_not_wait_for_it(sandbox: Sandbox, settings: Any) -> None:
    set_operations(settings, pace=0, batch=10)
    large = start(make_bucket(sandbox, make_user("large"), 200, name="large"))
    for _ in range(2):
        purchase.step(1, "property_detail")
    small = start(make_bucket(sandbox, make_user("small"), 5, start=1000, name="small"))
    for _ in range(2):
        purchase.step(1, "property_detail")
    assert small.items.filter(stage=2).count() == 5
    assert large.items.filter(stage=2).count() == 30


@pytest.mark.long
def test_a_step_that_finds_everything_owned_sends_nothing_and_takes_no_slot(sandbox: Sandbox) -> None:
    finish(start(make_bucket(sandbox, make_user("ann"), 10)))
    sent = requests_of(sandbox)
    calls = VendorCall.objects.count()
    finish(start(make_bucket(sandbox, make_user("bob"), 10)))
    assert requests_of(sandbox) == sent
    assert VendorCall.objects.count() == calls
