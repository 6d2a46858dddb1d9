"""What many tests need: the clients pointed at a sandbox on a socket, buckets, and pumps in this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import connection

from accounts.models import User
from buckets import services as bucket_services
from buckets.models import Bucket
from enrichment.models import Run
from enrichment.options import RunOptions
from enrichment.services import start_run
from enrichment.worker import pump, pump_lease
from enrichment.worker.stages import STAGES
from sandbox.faults import Fault
from sandbox.server import Sandbox

PRICES = {
    "property_search_row": Decimal("0.05"),
    "property_detail": Decimal("0.05"),
    "skip_trace": Decimal("0.05"),
    "signalhouse_skip_trace": Decimal("0.05"),
    "apollo_credit": Decimal("0.02"),
}


def point_at(server: Sandbox, settings: Any) -> None:
    base = server.base_url
    settings.VENDORS = {
        "realestateapi": {"base_url": f"{base}/realestateapi", "key": "sandbox-realestateapi-key"},
        "signalhouse": {"base_url": f"{base}/signalhouse", "key": "sandbox-signalhouse-key"},
        "apollo": {"base_url": f"{base}/apollo/api/v1", "key": "sandbox-apollo-key"},
    }


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


def pump_until_still(seconds: float = 30.0) -> None:
    """Works all stages in this process, as a worker would, until there is nothing to do or nothing moves."""
    pump.IDLE = 0.1  # the tests' vendor answers at once
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


def _work(stage: int) -> None:
    try:
        pump.work(stage)
    finally:
        connection.close()


def _marks() -> list[Any]:
    return list(Run.objects.order_by("pk").values_list("status", "enriched", "partial", "failed", "skipped", "beat_at"))


def finish(run: Run | None, seconds: float = 30.0) -> Run:
    """Pumps until still and gives the run with its money."""
    assert run is not None
    pump_until_still(seconds)
    return Run.objects.with_money().get(pk=run.pk)


def billed(server: Sandbox) -> Decimal:
    return Decimal(str(server.ledger.report()["billed"]))


def requests_of(server: Sandbox) -> Mapping[str, int]:
    return {name: op["requests"] for name, op in server.ledger.report()["operations"].items() if op["requests"]}
