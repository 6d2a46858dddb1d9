"""Leads moved, copied, deleted and enriched, many at once."""

from typing import Any

import pytest

from buckets.deleting.services import delete_bucket
from buckets.models import Bucket
from buckets.services import create_bucket, recount
from enrichment.bulk.enriching import price_of, start_runs_of
from enrichment.models import Run, RunItem
from enrichment.options import RunOptions
from enrichment.worker import queue
from leads.bulk.kinds import BulkError
from leads.calendar.table import Event
from leads.merging.services import merge_bucket, separate
from leads.models import Activity, BulkChange, Lead, LeadKey
from leads.services import add_activity, add_tag, edit_lead, remove_tag
from tests.leads.bulk.world import hers, make_leads, member, start, told, undo
from tests.leads.test_merging import APN, HOUSE, a_bucket, add
from tests.support import make_user
from tests.support import start as start_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> Any:
    return make_user("ann")


@pytest.fixture
def worked(ann: Any) -> Any:
    """A bucket of three; the first has contacts, a tag, a note, somebody who works it and a run behind it."""
    bucket, leads = make_leads(3, by=ann, name="From")
    bob, _ = member(ann, "bob")
    first = leads[0]
    edit_lead(lead=first, by=ann, changes={"phone": "+16175550112", "email": "pat@example.com", "status": "contacted"})
    add_tag(leads=[first], name="Hot")
    add_activity(lead=first, by=ann, kind="call", text="No answer")
    Lead.objects.filter(pk=first.pk).update(
        assigned_to=bob, enriched_at="2026-11-01T00:00Z", enrichment_status="completed", property_city="Salem"
    )
    recount(bucket_ids=[bucket.pk])
    return bucket, leads


def test_moved_leads_keep_all_that_hangs_on_them_and_go_back(ann, worked):
    bucket, leads = worked
    into, _ = create_bucket(by=ann, name="Into", property_ids=["2"])
    job = start(hers(ann), "move", bucketId=str(into.pk))
    assert told(job) == ("completed", 4, 4, 2, {"were in the bucket already": 2})  # 2 is in Into; so is Into's own
    first = Lead.objects.get(pk=leads[0].pk)
    assert (first.bucket_id, first.tags.count(), first.activity_count, first.keys.count()) == (into.pk, 1, 2, 2)
    assert first.assigned_to is not None
    assert (first.phone, first.assigned_to.username) == ("+16175550112", "bob")
    assert recount(mend=False) == {}
    assert list(bucket.leads.values_list("property_id", flat=True)) == ["2"]

    Lead.objects.filter(pk=leads[2].pk).update(bucket=bucket)  # somebody's own move back
    recount()
    job = undo(job)
    assert (job.restored, job.kept, bucket.leads.count(), into.leads.count()) == (1, 1, 3, 1)
    assert recount(mend=False) == {}


@pytest.mark.parametrize("kind", ["move", "copy"])
def test_a_new_bucket_is_made_with_the_job_that_fills_it_or_not_at_all(ann, worked, kind):
    bucket, _ = worked
    for_three = Lead.objects.filter(bucket=bucket)
    with pytest.raises(BulkError, match="not the 7"):
        start(hers(ann), kind, for_three, expect=7, bucketName="Hot")
    both: dict[str, Any] = {"bucketName": "Hot", "bucketId": str(bucket.pk)}
    for wrong in ({"bucketName": " "}, {"bucketName": "x" * 201}, both):
        with pytest.raises(BulkError):
            start(hers(ann), kind, for_three, **wrong)
    assert list(Bucket.objects.values_list("name", flat=True)) == ["From"]

    job = start(hers(ann), kind, for_three, press="one", bucketName=" Hot ")
    assert start(hers(ann), kind, for_three, press="one", bucketName=" Hot ").pk == job.pk
    (into,) = Bucket.objects.exclude(pk=bucket.pk)
    assert (into.name, into.team_id, job.arguments) == (
        "Hot",
        bucket.team_id,
        {"bucketId": str(into.pk), "bucket": "Hot"},
    )
    assert (told(job), into.leads.count()) == (("completed", 3, 3, 3, {}), 3)
    undo(job)
    assert (bucket.leads.count(), into.leads.count(), recount(mend=False)) == (3, 0, {})


@pytest.mark.parametrize("first_moved", [True, False])
def test_a_lead_of_the_other_bucket_merged_with_a_moved_one_stays_there_when_moving_is_undone(ann, first_moved):
    """Whichever of the two is the older, and shown."""
    source, into = a_bucket(ann, "From"), a_bucket(ann, "Into")
    order = [(source, {**APN}), (into, {**APN, **HOUSE, "property_id": "address:12 MAIN ST|98101"})]
    made = {bucket.pk: add(bucket, **facts) for bucket, facts in (order if first_moved else reversed(order))}
    moved, own = made[source.pk], made[into.pk]
    job = start(hers(ann), "move", [moved], bucketId=str(into.pk))
    merge_bucket(into.pk)
    hidden, shown = sorted([moved.pk, own.pk], reverse=True)
    assert (job.changed, Lead.every.get(pk=hidden).merged_into_id) == (1, shown)

    job = undo(job)

    assert (job.restored, job.kept) == (0, 1)
    assert set(Lead.every.values_list("bucket", flat=True)) == {into.pk}
    assert recount(mend=False) == {}
    separate(lead=Lead.objects.get(), by=ann)
    assert Lead.objects.get(pk=own.pk).bucket_id == into.pk


def test_what_is_being_bought_is_not_moved_and_a_run_that_is_over_counts_what_was_moved(ann, worked):
    bucket, leads = worked
    into, _ = create_bucket(by=ann, name="Into")
    run = start_run(bucket, ann, lead_ids=[leads[1].pk])
    job = start(hers(ann), "move", leads, bucketId=str(into.pk))
    assert told(job) == ("completed", 3, 3, 2, {"are being enriched: move them when that is over": 1})
    item = RunItem.objects.get(run=run)
    run = Run.objects.get(pk=run.pk)
    queue.end(run, [queue.Ending(item.pk, item.lead_id, RunItem.Outcome.FAILED, "NOT_FOUND", "x")])
    job = start(hers(ann), "move", [leads[1]], bucketId=str(into.pk))
    assert (job.changed, Run.objects.get(pk=run.pk).resume_from) == (1, None)
    assert recount(mend=False) == {}
    delete_bucket(bucket=into, by=ann)
    run = Run.objects.get(pk=run.pk)
    assert (run.total, run.failed, run.items.count()) == (0, 0, 0)


def test_copies_have_what_the_first_has_but_its_callback_and_go_where_nobody_touched_them(ann, worked):
    _bucket, leads = worked
    into, _ = create_bucket(by=ann, name="Into", property_ids=["2"])
    from datetime import timedelta

    from django.utils import timezone

    add_activity(lead=leads[0], by=ann, kind="callback", due_at=timezone.now() + timedelta(days=1))
    job = start(hers(ann), "copy", leads, bucketId=str(into.pk))
    assert told(job) == ("completed", 3, 3, 2, {"were in the bucket already": 1})
    first, copy = Lead.objects.get(pk=leads[0].pk), into.leads.get(property_id="1")
    assert (copy.phone, copy.email, copy.property_city, copy.status) == (first.phone, first.email, "Salem", "contacted")
    assert (copy.assigned_to_id, copy.tags.get().name, copy.enriched_at) == (
        first.assigned_to_id,
        "Hot",
        first.enriched_at,
    )
    assert set(LeadKey.objects.filter(lead=copy).values_list("key", "role")) == set(
        LeadKey.objects.filter(lead=first).values_list("key", "role")
    )
    assert (copy.activities.count(), first.activities.count(), copy.callback_at) == (3, 3, None)
    assert Event.objects.filter(lead=copy).count() == 0
    assert recount(mend=False) == {}

    add_tag(leads=[into.leads.get(property_id="3")], name="Mine")
    job = undo(job)
    assert (job.restored, job.kept) == (1, 1)
    assert sorted(into.leads.values_list("property_id", flat=True)) == ["2", "3"]
    assert (Activity.objects.filter(lead=first).count(), BulkChange.objects.count()) == (3, 0)
    assert recount(mend=False) == {}


def test_a_copy_with_another_tag_in_the_place_of_one_stays_when_copying_is_undone(ann):
    _, leads = make_leads(2, by=ann)
    add_tag(leads=leads, name="Hot")
    into, _ = create_bucket(by=ann, name="Into", property_ids=[])
    job = start(hers(ann), "copy", leads, bucketId=str(into.pk))
    copy = into.leads.get(property_id=leads[0].property_id)
    remove_tag(leads=[copy], name="Hot")
    add_tag(leads=[copy], name="Mine")
    job = undo(job)
    assert (job.restored, job.kept, list(into.leads.all())) == (1, 1, [copy])


def test_many_are_deleted_by_the_rule_for_one(ann, worked):
    bucket, leads = worked
    run = start_run(bucket, ann, lead_ids=[leads[1].pk, leads[2].pk])
    RunItem.objects.filter(run=run, lead=leads[2]).update(token=run.pk, lease_until="2026-12-02T00:00Z")
    job = start(hers(ann), "delete", leads, expect=3)
    busy = "wait for a vendor’s answer or a billing check: delete them when that is over"
    assert told(job) == ("completed", 3, 3, 2, {busy: 1})
    assert list(Lead.objects.values_list("pk", flat=True)) == [leads[2].pk]
    assert Run.objects.get(pk=run.pk).total == 1
    assert recount(mend=False) == {}
    with pytest.raises(BulkError, match="No lead that you may change"):
        start(hers(ann), "delete", leads[:2])


def test_enriching_asks_its_price_first_and_buys_once_what_was_quoted(ann, worked):
    _bucket, _leads = worked
    _other, _ = create_bucket(by=ann, name="Other", property_ids=["7"])
    access = hers(ann)
    job = start(access, "enrich")
    assert (job.status, job.leads, Run.objects.count()) == ("asking", 4, 0)
    price = price_of(job, access, RunOptions())
    assert [(bucket.name, part.leads) for bucket, part in price.parts] == [("From", 3), ("Other", 1)]
    with pytest.raises(BulkError, match="Nothing is bought"):
        start_runs_of(job, access=access, options=RunOptions(skip_trace=False), mark=price.mark)
    assert Run.objects.count() == 0
    runs, made = start_runs_of(job, access=access, options=RunOptions(), mark=price.mark)
    assert made
    assert [(run.bucket_name, run.total) for run in runs] == [("From", 3), ("Other", 1)]
    job.refresh_from_db()
    again, made = start_runs_of(job, access=access, options=RunOptions(), mark=price.mark)
    assert not made
    with pytest.raises(BulkError, match="decided for another price"):
        start_runs_of(job, access=access, options=RunOptions(), mark="another")
    assert ([run.pk for run in again], Run.objects.count(), job.status) == ([run.pk for run in runs], 2, "completed")
