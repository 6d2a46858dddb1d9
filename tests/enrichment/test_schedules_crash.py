"""A worker killed in the middle of a tick: nothing half done, nothing lost, nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.db import connection

from buckets.models import Bucket
from common.db.clock import database_now
from enrichment.models import Run, RunItem, Schedule
from enrichment.scheduling.tick import run_due_schedules
from leads.models import Lead
from sandbox.server import Sandbox
from tests.enrichment.test_schedules import due, make
from tests.support import PATIENCE, fail_with, make_bucket, make_user, requests_of

pytestmark = pytest.mark.django_db(transaction=True)

WORKER = """
import django
django.setup()
from enrichment.scheduling.tick import run_due_schedules
print("ready", flush=True)
run_due_schedules()
"""


def database_url() -> str:
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}"))


def start_worker(sandbox: Sandbox) -> subprocess.Popen[bytes]:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER],
        env=os.environ
        | {
            "DATABASE_URL": database_url(),
            "REALESTATEAPI_BASE_URL": sandbox.vendor_urls["realestateapi"],
            "REALESTATEAPI_KEY": "sandbox-realestateapi-key",
            "PACE_PROPERTY_SEARCH": "0",
        },
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"ready\n"
    return worker


def kill(worker: subprocess.Popen[bytes]) -> None:
    worker.send_signal(signal.SIGKILL)
    assert worker.wait(60) == -signal.SIGKILL
    if worker.stdout is not None:
        worker.stdout.close()


def wait_until(true: Callable[[], object], words: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, words
        time.sleep(0.02)


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


@pytest.fixture
def bucket(sandbox: Sandbox) -> Bucket:
    return make_bucket(sandbox, make_user(), 20)


def test_killed_after_its_run_was_made_and_before_the_commit_there_is_neither(sandbox: Sandbox, bucket: Bucket) -> None:
    """The worker has made the run and its items and waits for the bucket's counters, which somebody holds."""
    schedule = due(make(bucket, limit=5))
    with psycopg.connect(database_url()) as other:
        other.execute("SELECT 1 FROM buckets_bucket WHERE id = %s FOR NO KEY UPDATE", [bucket.pk])
        worker = start_worker(sandbox)
        wait_until(waits_for_a_lock, "the worker does not come to the counters")
        kill(worker)
    wait_until(lambda: not waits_for_a_lock(), "the worker's session lives on")
    assert (Run.objects.count(), RunItem.objects.count()) == (0, 0)
    was, schedule = schedule.next_at, Schedule.objects.get()
    assert (schedule.next_at, schedule.last_run, schedule.last_at) == (was, None, None)

    assert (run_due_schedules(), run_due_schedules()) == (1, 0)
    assert Run.objects.get().total == 5


def test_a_row_in_somebody_elses_hands_is_left_to_them(sandbox: Sandbox, bucket: Bucket) -> None:
    schedule = due(make(bucket, limit=5))
    with psycopg.connect(database_url()) as other:
        other.execute("SELECT 1 FROM enrichment_schedule WHERE id = %s FOR UPDATE", [schedule.pk])
        assert run_due_schedules() == 0
    assert (run_due_schedules(), Run.objects.count()) == (1, 1)


@pytest.mark.long
def test_killed_while_it_asks_what_has_changed_another_asks_when_the_lease_is_over(
    sandbox: Sandbox, bucket: Bucket
) -> None:
    Lead.objects.update(enriched_at=database_now() - timedelta(days=40))
    sandbox.search.note_update(map(int, bucket.leads.values_list("property_id", flat=True)), "2026-01-10")
    schedule = due(make(bucket, "rebuy", olderThanDays=30, max_cost=Decimal(5)))
    fail_with(sandbox, "property_search", "slow", seconds=30.0)
    worker = start_worker(sandbox)
    wait_until(lambda: Schedule.objects.get().lease_until is not None, "the worker takes no lease")
    wait_until(lambda: requests_of(sandbox).get("property_search"), "it asks nothing")
    kill(worker)
    sandbox.faults.replace([])

    assert run_due_schedules() == 0  # somebody may still be asking
    Schedule.objects.update(lease_until=database_now() - timedelta(seconds=1))
    assert run_due_schedules() == 1
    schedule.refresh_from_db()
    assert schedule.last_result == "0 of 20 leads with data older than 30 days have changed at the vendor."
    assert (schedule.lease_until, Run.objects.count()) == (None, 0)
