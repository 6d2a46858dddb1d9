"""What the scenarios have found in the core, each as a small test."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from celery import current_app
from django.db import InternalError, OperationalError, connection, connections, transaction
from django.utils import timezone
from django_celery_beat.schedulers import ModelEntry
from psycopg.errors import IdleInTransactionSessionTimeout

from common import faultpoints
from enrichment import services
from enrichment.models import Run, RunItem
from enrichment.worker import purchase
from integrations.ledger import catalogue, pace, sending
from integrations.ledger.outcomes import report_outcome
from integrations.ledger.persistence import persist
from integrations.lookups import gate
from integrations.models import Operation, Vendor, VendorCall
from integrations.vendors import adapters
from integrations.vendors.errors import InDoubt, NotSent
from operations.reconcile import find_drift
from sandbox.server import Sandbox
from tests.support import billed, finish, make_bucket, make_user, requests_of, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(sandbox: Sandbox) -> Run:
    return start(make_bucket(sandbox, make_user(), 10))


def claimed(stage: int = 1, name: str = "property_detail") -> Any:
    return purchase.claim(stage, name).bought


def spent(run: Run) -> Decimal:
    return Run.objects.with_money().get(pk=run.pk).spent


def expire() -> None:
    VendorCall.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_worker_that_dies_between_the_release_and_its_items_loses_no_lead(sandbox: Sandbox, run: Run) -> None:
    bought = claimed()
    with transaction.atomic():  # the slot has passed, or the run is stopped: the call is released, and the worker dies
        assert sending.intend(bought.plan.call_id, wanted=lambda: False) is None
    assert RunItem.objects.filter(token__isnull=False).count() == 10
    purchase.reap()
    run = finish(run)
    assert (run.status, run.done, run.failed) == ("completed", 10, 0)
    assert spent(run) == billed(sandbox)
    assert find_drift() == []


def test_a_worker_that_dies_with_a_cancelled_run_leaves_no_lead_behind(sandbox: Sandbox, run: Run) -> None:
    claimed()
    services.cancel_run(run=run)
    assert Run.objects.get(pk=run.pk).done == 0
    expire()
    purchase.reap()
    run = Run.objects.get(pk=run.pk)
    assert (run.status, run.skipped, run.done) == ("cancelled", 10, 10)
    assert find_drift() == []
    assert run.bucket is not None
    assert start(run.bucket).total == 10  # they are free for the next run


def test_retry_after_is_obeyed_once_the_call_has_ended_and_locks_nothing_before(run: Run) -> None:
    """A claim locks the operation and then the run; whoever ends a call holds the run, so it must not ask for the
    operation."""
    bought = claimed()
    VendorCall.objects.update(state="sent", sent_at=timezone.now())
    with transaction.atomic():
        gate.fail(bought.plan.call_id, NotSent("too often", status=429, retry_after=30), 5)
        held = Operation.objects.get(pk=catalogue.operation("property_detail").pk).next_slot_at
        assert held is None or held < timezone.now() + timedelta(seconds=20)
    after = Operation.objects.get(pk=catalogue.operation("property_detail").pk).next_slot_at
    assert after is not None
    assert after > pace.database_now() + timedelta(seconds=25)


def test_what_a_zombie_says_of_the_vendor_is_not_heard(run: Run) -> None:
    bought = claimed()
    VendorCall.objects.update(state="sent", sent_at=timezone.now())
    failure = InDoubt("no answer within 30 s")
    details = catalogue.operation("property_detail")
    assert report_outcome(details, failure, bought.plan.call_id) is False
    assert Vendor.objects.get(pk="realestateapi").failures == 1
    expire()
    purchase.reap()
    report_outcome(details, failure, bought.plan.call_id)
    assert Vendor.objects.get(pk="realestateapi").failures == 1


def once(error: Exception, then: Callable[..., Any]) -> Callable[..., Any]:
    """Fails the first time, as a PostgreSQL that goes away does."""
    errors = iter([error])

    def call(*args: Any, **kwargs: Any) -> Any:
        for one in errors:
            raise one
        return then(*args, **kwargs)

    return call


@pytest.mark.long
def test_postgresql_away_at_the_intent_strands_nothing(
    sandbox: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "intend", once(OperationalError("gone"), sending.intend))
    run = finish(run)
    assert (run.status, run.done, run.failed) == ("completed", 10, 0)
    assert spent(run) == billed(sandbox)


@pytest.mark.long
def test_an_intent_whose_word_was_lost_sends_nothing_and_is_released(
    sandbox: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought = claimed()
    with_commit = faultpoints.commit

    def lost(name: str) -> Any:
        monkeypatch.setattr("integrations.ledger.sending.commit", with_commit)
        return _CommitsAndFails()

    monkeypatch.setattr("integrations.ledger.sending.commit", lost)
    adapter = adapters.adapter_for("property_detail")
    outcome = sending.carry_out(
        bought.plan.call_id, lambda: adapter.call(bought.plan.buying, call_id="1"), wanted=lambda: True
    )
    assert isinstance(outcome.failure, sending.StaleSlot)
    assert requests_of(sandbox) == {}
    with transaction.atomic():
        purchase._conclude(1, bought.plan.call_id, bought, outcome, out_of_order=True)
    assert VendorCall.objects.get(pk=bought.plan.call_id).state == "released"
    assert finish(run).done == 10


class _CommitsAndFails:
    def __enter__(self) -> None:
        self.transaction = transaction.atomic()
        self.transaction.__enter__()

    def __exit__(self, *error: object) -> None:
        self.transaction.__exit__(None, None, None)
        raise OperationalError("the connection was lost before the commit's answer")


def test_the_first_request_after_a_restart_of_postgresql_finds_every_broken_connection() -> None:
    """Its idle connections are all broken then. Found one at a time, each costs a request its wait for a new one."""
    together = threading.Barrier(6)

    def ask_together() -> None:
        _ask()
        together.wait(10)

    in_threads(6, ask_together)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity "  # and waits for their end
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        ended = cursor.fetchone()[0]
    default: Any = connections["default"]
    pool = default.pool
    lost, idle = pool.get_stats().get("connections_lost", 0), pool.get_stats()["pool_available"]

    in_threads(1, _ask)

    assert min(ended, idle) >= 5  # of six: one is this test's own now
    assert pool.get_stats()["connections_lost"] - lost >= idle - 1  # one is the one that was tried


def _ask() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def in_threads(times: int, act: Callable[[], Any]) -> None:
    failed: list[Exception] = []

    def run() -> None:
        try:
            act()
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.long
def test_rings_expire_and_not_before_a_clock_that_is_a_minute_fast(settings: Any) -> None:
    """django-celery-beat knows `expire_seconds` and forgets an `expires` without a word."""
    for name, entry in settings.CELERY_BEAT_SCHEDULE.items():
        row = ModelEntry.from_entry(name, app=current_app, **entry).model
        assert row.expire_seconds is not None
        assert row.expire_seconds > 60


def test_a_transaction_that_postgresql_ended_for_idling_is_repeated() -> None:
    error = InternalError("terminating connection due to idle-in-transaction timeout")
    error.__cause__ = IdleInTransactionSessionTimeout()
    assert persist(once(error, lambda: "written")) == "written"
    with pytest.raises(InternalError):
        persist(once(InternalError("a bug"), lambda: "written"))
