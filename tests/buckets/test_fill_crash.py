"""A worker process killed in the middle of a fill: nothing lost, nothing doubled, and nobody waits for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from buckets.filling import fills
from buckets.models import Bucket, Fill
from common.db.clock import database_now
from leads.models import Lead
from sandbox.server import Sandbox
from tests.support import PATIENCE, fail_with, make_user, requests_of

pytestmark = pytest.mark.django_db(transaction=True)

FEW = 20
WORKER = f"""
import sys, uuid, django
django.setup()
from buckets.filling import fills
fills.IDS_PER_REQUEST = {FEW}
print("ready", flush=True)
fills.continue_fill(uuid.UUID(sys.argv[1]))
"""


def start_worker(sandbox: Sandbox, fill: Fill) -> subprocess.Popen[bytes]:
    """A process of its own with its own connections; returns when its settings are loaded."""
    database = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}"))
    environment = os.environ | {
        "DATABASE_URL": database,
        "REALESTATEAPI_BASE_URL": sandbox.vendor_urls["realestateapi"],
        "REALESTATEAPI_KEY": "sandbox-realestateapi-key",
        "PACE_PROPERTY_SEARCH": "0",
    }
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(fill.pk)],
        env=environment,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"ready\n"
    return worker


def wait_for_requests(sandbox: Sandbox, count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while requests_of(sandbox).get("property_search", 0) < count:
        assert time.monotonic() < deadline, "the worker asks nothing"
        time.sleep(0.005)


@pytest.mark.long
def test_a_fill_goes_on_where_a_killed_worker_stopped(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fills, "IDS_PER_REQUEST", FEW)
    monkeypatch.setattr("sandbox.realestateapi.MAX_IDS", FEW)
    source = sandbox.source
    there = {str(source.parcel(i).id) for group in source.groups if group.state == "VT" for i in group.indices}
    bucket = Bucket.objects.create(owner=make_user(), name="Vermont")
    fill = fills.start_fill(bucket=bucket, criteria={"state": "VT"})
    fail_with(sandbox, "property_search", "slow", seconds=0.02)

    so_far = []
    for more in (14, 5):
        worker = start_worker(sandbox, fill)
        wait_for_requests(sandbox, requests_of(sandbox).get("property_search", 0) + more)
        worker.send_signal(signal.SIGKILL)
        assert worker.wait() == -signal.SIGKILL
        assert worker.stdout is not None
        worker.stdout.close()
        fill.refresh_from_db()
        bucket.refresh_from_db()
        assert fill.status == "running"
        assert fill.saved == fill.fetched == bucket.total_leads == Lead.objects.count()
        assert fills.open_fills() == []  # until its lease is over
        assert fills.continue_fill(fill.pk) is False
        Fill.objects.update(lease_until=database_now())  # time passes
        assert fills.open_fills() == [fill.pk]
        so_far.append(fill.saved)

    assert fills.continue_fill(fill.pk) is False
    fill.refresh_from_db()
    bucket.refresh_from_db()
    assert 0 < so_far[0] < so_far[1] < len(there)
    assert (fill.status, fill.fetched, fill.saved, bucket.total_leads) == ("completed", *[len(there)] * 3)
    assert set(Lead.objects.values_list("property_id", flat=True)) == there
