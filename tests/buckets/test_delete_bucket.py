"""Deleting a bucket: its leads and all that hangs on them go, in the database; runs and what was bought stay."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from buckets.deleting.services import delete_bucket
from buckets.filling.fills import _store, start_fill
from buckets.models import Bucket, BucketShare, Fill
from buckets.services import add_ids, create_bucket, share_bucket
from enrichment.locks import lock_run
from enrichment.models import FairShare, Run, RunItem
from enrichment.options import RunOptions
from enrichment.services import cancel_run, start_run
from integrations.ledger import catalogue
from integrations.models import Lookup
from leads.models import Activity, Lead, Tag
from leads.services import add_activity, change_status, set_tags
from tests.leads.samples import counters, make_leads, together
from tests.support import PATIENCE, make_user

TABLES = (Bucket, Fill, Lead, Activity, Lead.tags.through, RunItem)
# owning table and column of every key that PostgreSQL itself carries out, and what it does
RULES = {
    ("campaigns_callattempt", "lead_id"): "set null",
    ("campaigns_campaign", "bucket_id"): "set null",
    ("campaigns_conversation", "lead_id"): "set null",
    ("campaigns_member", "lead_id"): "set null",
    ("accounts_noticechoice", "user_id"): "cascade",
    ("accounts_noticemailbox", "user_id"): "cascade",
    ("accounts_notification", "team_id"): "cascade",
    ("accounts_notification", "user_id"): "cascade",
    ("leads_bulkchange", "job_id"): "cascade",
    ("leads_bulkpiece", "job_id"): "cascade",
    ("leads_columnchoice", "user_id"): "cascade",
    ("leads_event", "lead_id"): "set null",
    ("leads_lead", "bucket_id"): "cascade",
    ("leads_lead_tags", "lead_id"): "cascade",
    ("leads_lead_tags", "tag_id"): "cascade",
    ("leads_activity", "lead_id"): "cascade",
    ("leads_leadkey", "lead_id"): "cascade",
    ("leads_leadname", "lead_id"): "cascade",
    ("leads_lead", "merged_into_id"): "set null",
    ("leads_lead", "status_label_id"): "set null",
    ("leads_merge", "older_id"): "cascade",
    ("leads_merge", "younger_id"): "cascade",
    ("buckets_importedchange", "job_id"): "cascade",
    ("buckets_importedchange", "lead_id"): "cascade",
    ("buckets_fill", "bucket_id"): "cascade",
    ("buckets_bucketshare", "bucket_id"): "cascade",
    ("accounts_webhookdelivery", "endpoint_id"): "cascade",
    ("enrichment_run", "bucket_id"): "set null",
    ("enrichment_runitem", "run_id"): "cascade",
    ("enrichment_runitem", "lead_id"): "cascade",
    ("enrichment_fairshare", "run_id"): "cascade",
    ("buckets_import", "bucket_id"): "cascade",
    ("buckets_importpiece", "job_id"): "cascade",
    ("buckets_importfailure", "job_id"): "cascade",
    ("buckets_importedlead", "job_id"): "cascade",
    ("buckets_importedlead", "lead_id"): "cascade",
    ("enrichment_schedule", "bucket_id"): "set null",
    ("enrichment_schedule", "last_run_id"): "set null",
    ("enrichment_schedule", "last_fill_id"): "set null",
}


def worked_bucket(by: Any = None, first: int = 1) -> Bucket:
    """A bucket of three leads with everything that can hang on them."""
    bucket, leads = make_leads(3, by=by, first=first)
    for lead in leads:
        add_activity(lead=lead, by=lead.owner, kind="call")
        set_tags(lead=lead, names=["Vacant"])
    start_fill(bucket=bucket, criteria={"state": "WA"})
    start_run(bucket=bucket, by=bucket.owner, options=RunOptions())
    return bucket


@pytest.mark.django_db
def test_everything_of_the_bucket_goes_and_nothing_of_another() -> None:
    bucket = worked_bucket()
    other = worked_bucket(by=bucket.owner, first=10)
    assert [table.objects.count() for table in TABLES] == [2, 2, 6, 6, 6, 6]
    delete_bucket(bucket=bucket)
    assert [table.objects.count() for table in TABLES] == [1, 1, 3, 3, 3, 3]
    assert set(Lead.objects.values_list("bucket", flat=True)) == {other.pk}
    assert counters(other) == (3, 0, 3, 0)
    assert [tag.name for tag in Tag.objects.all()] == ["Vacant"]


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["queued", "running", "paused"])
def test_an_open_run_is_cancelled_and_stays_as_history(status: str) -> None:
    bucket = worked_bucket()
    Run.objects.update(status=status, paused_by="person" if status == "paused" else "")
    delete_bucket(bucket=bucket)
    run = Run.objects.get()
    assert (run.bucket, run.bucket_name, run.owner, run.total) == (None, "Leads", bucket.owner, 3)
    assert (run.status, run.paused_by, run.reason) == ("cancelled", "", "Its bucket was deleted")
    assert run.finished_at is not None
    assert FairShare.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_a_run_that_is_over_is_left_as_it_ended(status: str) -> None:
    bucket = worked_bucket()
    Run.objects.update(status=status, reason="as it was")
    delete_bucket(bucket=bucket)
    run = Run.objects.get()
    assert (run.bucket, run.status, run.reason) == (None, status, "as it was")


@pytest.mark.django_db
def test_what_was_bought_stays_owned() -> None:
    bucket = worked_bucket()
    Lookup.objects.create(operation=catalogue.operation("property_detail"), key="1", state="free")
    delete_bucket(bucket=bucket)
    assert Lookup.objects.get().key == "1"


@pytest.mark.django_db
def test_a_bucket_that_another_team_looks_into_goes_too() -> None:
    bucket = worked_bucket()
    share_bucket(bucket=bucket, team=make_user("bob").memberships.get().team, by=bucket.owner)
    delete_bucket(bucket=bucket)
    assert (Bucket.objects.count(), BucketShare.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_deleting_takes_as_many_statements_for_a_thousand_leads_as_for_one(django_assert_max_num_queries: Any) -> None:
    bucket, _ = make_leads(1000)
    with django_assert_max_num_queries(36):
        delete_bucket(bucket=bucket)
    assert Lead.objects.count() == 0


@pytest.mark.django_db
def test_postgresql_itself_carries_out_the_deletions() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT conrelid::regclass::text, attname, confdeltype FROM pg_constraint
              JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
             WHERE contype = 'f' AND confdeltype::text <> 'a'
            """
        )
        found = {(table, column): rule for table, column, rule in cursor.fetchall()}
    words = {"c": "cascade", "n": "set null"}
    assert {key: words[str(rule)] for key, rule in found.items()} == RULES


@pytest.mark.django_db(transaction=True)
def test_deleting_a_bucket_twice_at_once_is_nobodys_error() -> None:
    bucket = worked_bucket()
    assert together(*[partial(delete_bucket, bucket=bucket)] * 2) == [None, None]
    assert (Bucket.objects.count(), Lead.objects.count(), Run.objects.get().status) == (0, 0, "cancelled")


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_run_started_while_its_bucket_is_deleted_does_not_stay_open_for_ever() -> None:
    bucket, _ = make_leads(500)
    for round_ in range(8):
        deleted, started = together(
            partial(delete_bucket, bucket=bucket),
            partial(start_run, bucket=bucket, by=bucket.owner, options=RunOptions()),
        )
        assert deleted is None
        assert not Run.objects.filter(bucket=None, status__in=["queued", "running", "paused"]).exists(), started
        bucket, _ = create_bucket(by=bucket.owner, name="Next", property_ids=[str(n) for n in range(500 + round_)])


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_people_at_work_on_a_bucket_while_it_is_deleted_never_wait_in_a_circle() -> None:
    user = make_user()
    for _ in range(4):
        bucket, leads = make_leads(200, by=user)
        fill = start_fill(bucket=bucket, criteria={"state": "WA"})
        works = [partial(change_status, lead=lead, by=user, status="contacted") for lead in leads[::40]]
        adding = partial(add_ids, bucket=bucket, property_ids=[str(n) for n in range(2000)])
        storing = partial(_store, fill, stack=[], ids=["x", "y"], found=2)
        results = together(partial(delete_bucket, bucket=bucket), adding, storing, *works)
        assert results[0] is None
        assert not [error for error in results if "deadlock" in str(error)]
        assert (Bucket.objects.count(), Lead.objects.count(), Fill.objects.count()) == (0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_run_committed_just_before_the_bucket_goes_is_cancelled() -> None:
    """The narrow place of the race above, held open: the deletion has read the runs when one more appears."""
    bucket, _ = make_leads(3)
    with transaction.atomic():
        start_run(bucket=bucket, by=bucket.owner, options=RunOptions())
        deleting = _in_background(partial(delete_bucket, bucket=bucket))
        _wait_until_somebody_waits_for_a_lock()
    deleting()
    run = Run.objects.get()
    assert (run.bucket, run.status, run.items.count()) == (None, "cancelled", 0)


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_run_that_settles_while_its_bucket_goes_never_waits_in_a_circle() -> None:
    """A settlement locks run, items, leads; the deletion's cascade goes from leads to items."""
    bucket = worked_bucket()
    run = Run.objects.get()
    cancel_run(run=run)
    with transaction.atomic():
        assert lock_run(run.pk) is not None
        run.items.update(attempts=1)
        deleting = _in_background(partial(delete_bucket, bucket=bucket))
        _wait_until_somebody_waits_for_a_lock()
        assert Lead.objects.update(phone="+12065550100") == 3
    deleting()
    assert (Lead.objects.count(), Run.objects.get().bucket) == (0, None)


def _in_background(work: Any) -> Any:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.extend(together(work)))
    thread.start()

    def join() -> None:
        thread.join(30)
        assert results == [None]

    return join


def _wait_until_somebody_waits_for_a_lock() -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone() != (0,):
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")
