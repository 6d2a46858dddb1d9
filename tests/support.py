"""What many tests need: the clients pointed at a sandbox on a socket, buckets, and pumps in this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections

from accounts.actions import CONTACTS
from accounts.models import AuditEvent, User
from buckets import services as bucket_services
from buckets.models import Bucket
from common.values.backoff import backoff
from enrichment.models import Run
from enrichment.options import RunOptions
from enrichment.services import start_run
from enrichment.worker import pump, pump_lease, purchase, stages
from enrichment.worker.stages import STAGES
from integrations.models import VendorCall
from leads.changes import reading
from sandbox.faults import Fault
from sandbox.server import Sandbox

PATIENCE = 120.0  # seconds; what takes 5 alone takes 20 beside nine other processes on two cores
THREADS = 3  # of a stage, where production has ten: a pump test costs mostly the connections that they open
PRICES = {
    "property_search_row": Decimal("0.05"),
    "property_detail": Decimal("0.05"),
    "skip_trace": Decimal("0.05"),
    "signalhouse_skip_trace": Decimal("0.05"),
    "apollo_credit": Decimal("0.02"),
    "sms_segment": Decimal("0.0083"),
    "phone_call": Decimal("0.05"),
}


def mostly_long(values: Iterable[Any]) -> list[Any]:
    """To parametrise a test over that takes seconds each time: the first in every run, the others by `make chaos`."""
    first, *others = values
    each = (one if isinstance(one, tuple) else (one,) for one in others)
    return [first, *(pytest.param(*one, marks=pytest.mark.long) for one in each)]


def point_at(server: Sandbox, settings: Any) -> None:
    base = server.base_url
    settings.VENDORS = {
        "realestateapi": {"base_url": f"{base}/realestateapi", "key": "sandbox-realestateapi-key"},
        "signalhouse": {"base_url": f"{base}/signalhouse", "key": "sandbox-signalhouse-key"},
        "apollo": {"base_url": f"{base}/apollo/api/v1", "key": "sandbox-apollo-key"},
        "twilio": {
            "base_url": f"{base}/twilio",
            "account": server.config.twilio_account,
            "key": server.config.twilio_token,
        },
        "signalhouse_messaging": {
            "base_url": f"{base}/signalhouse-messaging",
            "key": server.config.signalhouse_messaging_key,
            "group": server.config.signalhouse_messaging_group,
        },
    }
    settings.TWILIO_SIGNING_KEYS = dict([server.config.twilio_signing_key])
    settings.SIGNALHOUSE_WEBHOOK_SECRETS = list(server.config.signalhouse_webhook_secrets)


def set_operations(settings: Any, **values: Any) -> None:
    """Overrides pace, price, batch or fresh_days of every operation."""
    settings.OPERATIONS = {
        name: operation | {k: Decimal(v) if k in ("pace", "price") else v for k, v in values.items()}
        for name, operation in settings.OPERATIONS.items()
    }


def fail_with(server: Sandbox, operation: str, kind: str, **rules: Any) -> None:
    server.faults.replace([Fault(operation, kind, **rules)])


def make_user(name: str = "ann", **limits: Any) -> User:
    return User.objects.create_user(name, **limits)


def some_ids(server: Sandbox, count: int, start: int = 0) -> list[str]:
    """Property ids that the sandbox knows."""
    return [str(server.source.parcel(index).id) for index in range(start, start + count)]


def make_bucket(server: Sandbox, by: User, count: int, *, start: int = 0, name: str = "Leads") -> Bucket:
    bucket, _ = bucket_services.create_bucket(by=by, name=name, property_ids=some_ids(server, count, start))
    bucket.refresh_from_db()
    return bucket


def start(bucket: Bucket, by: User | None = None, **options: Any) -> Run:
    run, _ = start_run(bucket=bucket, by=by or bucket.owner, options=RunOptions(**options))
    return run


class _Quick:
    """The time of a pump that looks every 20 ms whether it is over, instead of every tenth of a second."""

    monotonic = staticmethod(time.monotonic)

    @staticmethod
    def sleep(seconds: float) -> None:
        time.sleep(min(seconds, 0.02))


def _soon(failures: int) -> timedelta:
    """A tenth of the wait before a refused purchase is tried again; tests/common/test_work.py holds the whole one."""
    return backoff(failures) / 10


@contextmanager
def hanging_up_soon(settings: Any, script: str = "hang") -> Iterator[None]:
    """Where this script of a sandbox leaves requests without an answer, it is waited for a second; what is answered has
    the product's own time, because on a busy machine an answer takes as long as it takes."""
    patient = settings.VENDOR_READ_TIMEOUT, settings.VENDOR_DEADLINE
    if script.startswith(("hang", "silence")):
        settings.VENDOR_READ_TIMEOUT = settings.VENDOR_DEADLINE = 1.0
    yield
    settings.VENDOR_READ_TIMEOUT, settings.VENDOR_DEADLINE = patient


def until_told(seconds: float = PATIENCE) -> None:
    """Waits until each change of leads so far may be told: transactions of this database's other users hold it up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(max(xid), 0) FROM leads_change")
            (last,) = cursor.fetchone() or (0,)
        if last < reading.cluster_now()[1]:
            return
        time.sleep(0.1)
    raise AssertionError("Another transaction does not end.")


def pump_until_still(seconds: float = PATIENCE) -> None:
    """Works all stages in this process, as a worker would, until there is nothing to do or nothing moves."""
    pump.IDLE = 0.1  # the tests' vendor answers at once
    vars(pump).update(time=_Quick)
    vars(purchase).update(backoff=_soon)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        threads = [threading.Thread(target=_work, args=(stage,)) for stage in STAGES]
        before = _marks()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        at_work = Run.objects.at_work().exists()
        if not at_work and (_marks() == before or not any(map(pump_lease.has_work, STAGES))):
            return
    if seconds >= PATIENCE:  # less: a test that wants to see a run in the middle of its work
        raise AssertionError(f"Still at work after {seconds:.0f} s: {_marks()}; {_requests()}")


@contextmanager
def worker_of(runs: int = 1) -> Iterator[None]:
    """A worker beside what is asked meanwhile: it works once so many runs have begun, and is done when this is left."""

    def work() -> None:
        try:
            deadline = time.monotonic() + PATIENCE
            while Run.objects.count() < runs and time.monotonic() < deadline:
                time.sleep(0.05)
            pump_until_still()
        finally:
            connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        worker.join()


def _work(stage: int) -> None:
    try:
        pump.work(stage, threads=min(THREADS, stages.pump_threads()))
    finally:
        connection.close()


def _marks() -> list[Any]:
    return list(Run.objects.order_by("pk").values_list("status", "enriched", "partial", "failed", "skipped", "beat_at"))


def _requests() -> list[Any]:
    """How the latest requests stand, for who reads why a test failed."""
    return list(VendorCall.objects.order_by("-pk").values_list("operation__name", "state", "inputs", "reason")[:5])


def finish(run: Run | None, seconds: float = PATIENCE) -> Run:
    """Pumps until still and gives the run with its money."""
    assert run is not None
    pump_until_still(seconds)
    return Run.objects.with_money().get(pk=run.pk)


def billed(server: Sandbox) -> Decimal:
    return Decimal(str(server.ledger.report()["billed"]))


def told(*actions: str) -> list[tuple[Any, ...]]:
    """What the audit tells of these events, the oldest first: by whom, what, and what is said of it."""
    rows = AuditEvent.objects.filter(action__in=actions).order_by("pk")
    return [(row.user_name, row.action, row.after) for row in rows]


def contacts_told() -> list[tuple[Any, ...]]:
    """Who saw or took contacts: by whom, what, by which way, of how many leads."""
    return [(who, what, after.get("via"), after.get("leads")) for who, what, after in told(*CONTACTS)]


def requests_of(server: Sandbox) -> Mapping[str, int]:
    return {name: op["requests"] for name, op in server.ledger.report()["operations"].items() if op["requests"]}


def apollo_has_told() -> None:
    """Waits until Apollo has its phones, billed them, and pushed them where it was given an address.

    A push that is under way when a test ends would be billed and pushed in the middle of the next one.
    """
    for thread in threading.enumerate():
        if thread.name.endswith("(_deliver)"):  # of sandbox.apollo
            thread.join(60)
            assert not thread.is_alive()


def apart(work: Callable[[], Any]) -> Any:
    """The result of this work in a thread with a connection of its own."""

    def closed() -> Any:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(closed).result(timeout=60)
