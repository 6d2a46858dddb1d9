"""A deleted bucket: gone for everybody at once, its leads deleted by pieces, wherever a worker dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.access import own_access
from buckets.deleting import working
from buckets.deleting.services import delete_bucket
from buckets.filling.fills import open_fills, start_fill
from buckets.models import Bucket, Fill, Import
from buckets.services import add_ids, create_bucket, recount
from common.db.clock import database_now
from enrichment.options import RunOptions
from enrichment.services import RunError, start_run
from leads.calendar.planning import plan_callback
from leads.models import Activity, BucketDeletion, Change, Event, Lead
from leads.selection.stacking import property_on
from leads.services import add_activity
from operations.reconcile import find_drift
from tests.api.client import Api, body_of, refused
from tests.leads.samples import counters, make_leads, together
from tests.support import make_user, told, until_told

pytestmark = pytest.mark.django_db(transaction=True)
PROJECT = Path(__file__).parents[2]
WORKER = """
import sys, uuid, django
django.setup()
from buckets.deleting import working
working.continue_deletion(uuid.UUID(sys.argv[1]), seconds=600)
"""


@pytest.fixture
def by_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every bucket is too large for a request; a piece is two leads."""
    monkeypatch.setattr("buckets.deleting.services.PIECE", 0)
    monkeypatch.setattr(working, "PIECE", 2)


def work_to_the_end(bucket: Bucket) -> int:
    """Piece by piece; returns how many turns it took."""
    turns = 1
    while working.continue_deletion(bucket.pk, seconds=0):
        turns += 1
    return turns


@pytest.mark.usefixtures("by_workers")
def test_nobody_sees_a_deleted_bucket_or_its_leads_while_they_still_are_there() -> None:
    bucket, leads = make_leads(3)
    other, (twin,) = make_leads(1, by=bucket.owner, name="Other")
    access, api = own_access(bucket.owner), Api(bucket.owner)
    fill = start_fill(bucket=bucket, criteria={"state": "WA"})
    at = timezone.now() + timedelta(days=1)
    plan_callback(lead=leads[0], by=bucket.owner, at=at)
    assert Lead.objects.filter(property_on(2, access.team_id)).count() == 2

    delete_bucket(bucket=bucket, by=bucket.owner)

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM leads_lead")
        assert cursor.fetchone() == (4,)
    assert list(Bucket.objects.all()) == [other]
    assert list(Lead.objects.all()) == list(Lead.every.all()) == [twin]
    assert (Fill.objects.count(), Import.objects.count(), open_fills()) == (0, 0, [])
    assert Lead.objects.filter(property_on(2, access.team_id)).count() == 0
    assert Event.objects.get().status == "cancelled"
    refused(api.get(f"/api/property/bucket/{bucket.pk}"), 404)
    refused(api.get(f"/api/property/bucket/leads?bucketId={bucket.pk}"), 404)
    assert [row["id"] for row in body_of(api.get("/api/leads"))["leads"]] == [str(twin.pk)]
    refused(api.get(f"/api/leads/{leads[0].pk}"), 404)
    refused(api.delete(f"/api/property/bucket/{bucket.pk}"), 404)
    assert counters(other) == (1, 0, 0, 0)
    assert find_drift() == []
    assert create_bucket(by=bucket.owner, name=bucket.name, property_ids=["1", "2"])[1] == 2
    assert Fill._base_manager.get().pk == fill.pk


@pytest.mark.usefixtures("by_workers")
def test_no_lead_is_added_and_no_run_started_while_the_rest_is_deleted() -> None:
    bucket, _ = make_leads(3)
    delete_bucket(bucket=bucket)

    with pytest.raises(IntegrityError, match="this bucket is deleted"):
        add_ids(bucket=bucket, property_ids=["9"])
    with pytest.raises(RunError):
        start_run(bucket=bucket, by=bucket.owner, options=RunOptions())
    assert work_to_the_end(bucket) == 2
    assert (BucketDeletion.objects.count(), Bucket._base_manager.count(), Lead._base_manager.count()) == (0, 0, 0)


@pytest.mark.usefixtures("by_workers")
def test_it_is_told_once_and_everything_that_hangs_on_the_leads_goes() -> None:
    bucket, leads = make_leads(5)
    for lead in leads:
        add_activity(lead=lead, by=bucket.owner, kind="call")
    assert together(*[partial(delete_bucket, bucket=bucket, by=bucket.owner)] * 2) == [None, None]

    assert working.open_deletions() == [bucket.pk]
    assert working.continue_deletion(bucket.pk, seconds=0) is True
    job = BucketDeletion.objects.get()
    assert (job.leads, job.done, job.after, Activity.objects.count()) == (5, 2, leads[1].pk, 3)
    assert together(*[partial(working.continue_deletion, bucket.pk)] * 3).count(False) == 3
    while working.continue_deletion(bucket.pk):
        pass
    assert (BucketDeletion.objects.count(), Bucket._base_manager.count(), Activity.objects.count()) == (0, 0, 0)
    assert working.continue_deletion(bucket.pk) is False
    assert [after for _, _, after in told("bucket.deleted")] == [{"leads": 5}]


@pytest.mark.usefixtures("by_workers")
def test_a_worker_that_has_it_is_left_alone_until_its_lease_is_over() -> None:
    bucket, _ = make_leads(3)
    delete_bucket(bucket=bucket)
    BucketDeletion.objects.update(lease_until=database_now() + timedelta(seconds=60))
    assert (working.open_deletions(), working.continue_deletion(bucket.pk)) == ([], False)
    BucketDeletion.objects.update(lease_until=database_now())
    assert work_to_the_end(bucket) == 2


@pytest.mark.usefixtures("by_workers")
def test_nothing_is_deleted_while_a_request_of_its_runs_is_out(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket, _ = make_leads(3)
    run, _ = start_run(bucket=bucket, by=bucket.owner, options=RunOptions())
    delete_bucket(bucket=bucket)
    out = {run.pk}
    monkeypatch.setattr("integrations.services.in_flight", lambda run_ids: bool(out & set(run_ids)))

    assert working.continue_deletion(bucket.pk) is False
    assert BucketDeletion.objects.get().done == 0
    BucketDeletion.objects.update(at=database_now() - working.SEEN_THROUGH)
    assert working.continue_deletion(bucket.pk, seconds=0) is True
    out.clear()
    assert work_to_the_end(bucket) == 1
    run.refresh_from_db()
    assert (run.bucket, run.status, run.total, run.items.count()) == (None, "cancelled", 3, 0)


@pytest.mark.usefixtures("by_workers")
def test_a_copy_elsewhere_hears_of_each_lead_that_goes() -> None:
    bucket, leads = make_leads(3)
    delete_bucket(bucket=bucket)
    work_to_the_end(bucket)
    until_told()
    assert {pk for change in Change.objects.all() for pk in change.ids or ()} >= {one.pk for one in leads}


@pytest.mark.long
def test_fifty_thousand_leads_go_though_the_worker_is_killed_twice(tmp_path: Path) -> None:
    owner = make_user()
    other, _ = make_leads(10, by=owner, name="Other")
    bucket, many = create_bucket(by=owner, name="Many", property_ids=[str(n) for n in range(50_000)])
    delete_bucket(bucket=bucket, by=owner)
    assert (many, Lead.objects.count(), Lead._base_manager.count()) == (50_000, 10, 50_010)

    for place, left in (("before_commit:3", 40_010), ("after_commit:2", 30_010)):
        assert worker(bucket, f"bucket.delete.{place}", tmp_path / place) == -signal.SIGKILL
        assert (Lead._base_manager.count(), Lead.objects.count()) == (left, 10)
        assert working.continue_deletion(bucket.pk) is False  # until its lease is over
        BucketDeletion.objects.update(lease_until=database_now())  # time passes
    assert worker(bucket) == 0

    assert (BucketDeletion.objects.count(), Bucket._base_manager.count(), Lead._base_manager.count()) == (0, 1, 10)
    assert (counters(other), recount(mend=False)) == ((10, 0, 0, 0), {})
    assert [after for _, _, after in told("bucket.deleted")] == [{"leads": 50_000}]


def worker(bucket: Bucket, point: str = "", once: Path | None = None) -> int:
    """Deletes in a process of its own, which dies at a place; returns how it ended."""
    database = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}"))
    environment: dict[str, Any] = {**os.environ, "DATABASE_URL": database, "DEBUG": "1"}
    if once is not None:
        environment |= {"FAULT_POINT": point, "FAULT_POINT_ONCE": str(once)}
    return subprocess.run(
        [sys.executable, "-c", WORKER, str(bucket.pk)], env=environment, cwd=PROJECT, check=False, timeout=300
    ).returncode


def test_a_lead_in_a_deleted_bucket_is_refused_by_the_database(by_workers: None) -> None:
    bucket, _ = make_leads(1)
    delete_bucket(bucket=bucket)
    with pytest.raises(IntegrityError, match="this bucket is deleted"), transaction.atomic():
        Lead.objects.create(bucket=bucket, owner=bucket.owner, team=bucket.team, property_id="7")
