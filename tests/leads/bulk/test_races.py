"""Two at once, killed in the middle, and others at the same leads meanwhile: over real connections."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from buckets.models import Bucket
from enrichment.bulk.enriching import price_of, start_runs_of
from enrichment.models import Run
from enrichment.options import RunOptions
from enrichment.worker.lead_deletion import delete_lead
from leads.bulk import kinds, services
from leads.bulk.services import can_undo, cancel_bulk
from leads.bulk.working import continue_job
from leads.fields.definitions import make_field
from leads.models import Activity, BulkChange, BulkJob, BulkPiece, Lead
from leads.services import add_tag, change_status, edit_lead
from tests.leads.bulk.world import hers, make_leads, start, told, undo, work
from tests.leads.samples import counters, together
from tests.support import make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann() -> Any:
    return make_user("ann")


@pytest.fixture
def in_pieces(monkeypatch: Any) -> None:
    """Two leads a piece, and none is done by the request."""
    for name in ("status", "tag"):
        monkeypatch.setitem(kinds._kinds, name, replace(kinds.kind_of(name), piece=2))
    monkeypatch.setattr(services, "SOON", 0)


def test_two_presses_at_once_make_one_job(ann):
    bucket, _ = make_leads(4, by=ann)
    press = lambda: start(hers(ann), "status", press="the same", status="lost")  # noqa: E731
    one, other = together(press, press)
    assert (one.pk, BulkJob.objects.count(), Activity.objects.count()) == (other.pk, 1, 4)
    assert counters(bucket) == (4, 0, 0, 4)


def test_two_presses_at_once_make_one_new_bucket(ann):
    make_leads(4, by=ann)
    press = lambda: start(hers(ann), "copy", press="the same", bucketName="New")  # noqa: E731
    one, other = together(press, press)
    assert (one.pk, BulkJob.objects.get().changed) == (other.pk, 4)
    assert list(Bucket.objects.filter(name="New").values_list("total_leads", flat=True)) == [4]


def test_two_workers_at_once_do_nothing_twice(ann, in_pieces):
    bucket, _ = make_leads(9, by=ann)
    job = start(hers(ann), "status", status="lost")
    together(*[lambda: work(BulkJob.objects.get(pk=job.pk))] * 3)
    job = work(job)
    assert told(job) == ("completed", 9, 9, 9, {})
    assert (Activity.objects.count(), counters(bucket), BulkPiece.objects.count()) == (9, (9, 0, 0, 9), 0)


KILLED = """
import sys, django
django.setup()
from leads.bulk.working import continue_job
continue_job(sys.argv[1])
"""


@pytest.mark.long
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_worker_killed_at_a_piece_loses_that_piece_alone_and_the_next_goes_on(ann, in_pieces, side, tmp_path):
    bucket, _ = make_leads(6, by=ann)
    job = start(hers(ann), "status", status="lost")
    environment = {**os.environ, "FAULT_POINT": f"bulk.piece.{side}_commit:2", "DEBUG": "1"}
    environment |= {"DATABASE_URL": _url(), "FAULT_POINT_ONCE": str(tmp_path / "once")}
    died = subprocess.run(
        [sys.executable, "-c", KILLED, str(job.pk)],
        env=environment,
        cwd=Path(__file__).parents[3],
        check=False,
        timeout=120,
    )
    assert died.returncode == -signal.SIGKILL
    job.refresh_from_db()
    assert (job.status, job.done) == ("running", 2 if side == "before" else 4)
    assert continue_job(job.pk) is False  # the dead worker's lease
    BulkJob.objects.update(lease_until=None)
    assert told(work(job)) == ("completed", 6, 6, 6, {})
    assert (Activity.objects.count(), counters(bucket)) == (6, (6, 0, 0, 6))


def _url() -> str:
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}"))


def test_undoing_while_others_change_the_same_leads_takes_back_nobodys_work(ann):
    bucket, leads = make_leads(30, by=ann)
    job = start(hers(ann), "status", status="contacted")

    def others() -> None:
        for lead in leads[::2]:
            change_status(lead=lead, by=ann, status="qualified")

    together(others, lambda: undo(job), lambda: undo(job))
    job.refresh_from_db()
    assert (job.status, job.restored + job.kept, BulkChange.objects.count()) == ("undone", 30, 0)
    statuses = list(Lead.objects.order_by("pk").values_list("status", flat=True))
    assert statuses == ["qualified", "new"] * 15  # who came after the undoing changed it anew
    assert counters(bucket) == (30, 0, 0, 15)


def test_leads_deleted_and_merged_between_two_pieces_are_left_out_and_undone_without(ann, in_pieces):
    _bucket, leads = make_leads(6, by=ann)
    job = start(hers(ann), "tag", tag="Hot")
    assert continue_job(job.pk, seconds=0.0001) is True
    delete_lead(lead=leads[2])
    delete_lead(lead=leads[0])
    Lead.objects.filter(pk=leads[5].pk).update(merged_into=leads[4])
    job = work(job)
    assert told(job) == ("completed", 6, 6, 4, {"deleted or not yours any more": 2})
    job = undo(job)
    assert (job.restored, job.kept) == (3, 1)
    assert Lead.tags.through.objects.count() == 0


def test_a_stop_and_a_worker_at_once_end_with_whole_pieces(ann, in_pieces):
    bucket, _ = make_leads(12, by=ann)
    job = start(hers(ann), "status", status="lost")
    together(lambda: work(job), lambda: cancel_bulk(job=BulkJob.objects.get(pk=job.pk), by=ann))
    job = BulkJob.objects.get(pk=job.pk)
    assert job.status in ("cancelled", "completed")
    assert (job.done % 2, Lead.objects.filter(status="lost").count()) == (0, job.changed)
    assert counters(bucket)[3] == job.changed


def test_moves_there_and_back_at_once_lose_no_lead(ann):
    one, leads = make_leads(20, by=ann, name="One")
    other, theirs = make_leads(20, by=ann, name="Other", first=101)
    together(
        lambda: start(hers(ann), "move", leads, bucketId=str(other.pk)),
        lambda: start(hers(ann), "move", theirs, bucketId=str(one.pk)),
        lambda: add_tag(leads=leads, name="Hot"),
    )
    assert (counters(one)[0], counters(other)[0], Lead.objects.count()) == (20, 20, 40)
    assert set(Lead.objects.filter(pk__in=[lead.pk for lead in leads]).values_list("bucket", flat=True)) == {other.pk}


def test_three_at_once_that_say_yes_to_one_price_get_the_same_enrichment_jobs(ann):
    make_leads(3, by=ann)
    make_leads(2, by=ann, name="Other", first=50)
    job = start(hers(ann), "enrich")
    mark = price_of(job, hers(ann), RunOptions()).mark

    def press() -> Any:
        asked = BulkJob.objects.get(pk=job.pk)
        return start_runs_of(asked, access=hers(ann), options=RunOptions(), mark=mark)

    said = together(press, press, press)
    assert sorted(made for _, made in said) == [False, False, True]
    assert {tuple(run.pk for run in runs) for runs, _ in said} == {
        tuple(Run.objects.order_by("pk").values_list("pk", flat=True))
    }
    assert Run.objects.count() == 2


def test_every_kind_of_job_takes_its_locks_in_the_one_order(ann):
    """What is asserted is the record of this file's statements (`tests/lock_record.py`)."""
    access = hers(ann)
    one, leads = make_leads(4, by=ann, name="One")
    other, _ = make_leads(1, by=ann, name="Other", first=50)
    edit_lead(lead=leads[0], by=ann, changes={"phone": "+16175550112", "owner_name": "Pat Poe"})
    make_field(access, {"name": "Roof age", "kind": "number"})
    jobs: list[tuple[str, dict[str, Any]]] = [
        ("tag", {"tag": "Hot"}),
        ("untag", {"tag": "Hot"}),
        ("assign", {"to": "ann"}),
        ("status", {"status": "contacted"}),
        ("activity", {"kind": "call"}),
        ("field", {"field": "roofAge", "value": "12"}),
        ("copy", {"bucketId": str(other.pk)}),
        ("move", {"bucketId": str(other.pk)}),
        ("doNotContact", {}),
    ]
    for kind, said in jobs:
        job = start(access, kind, leads, **said)
        assert job.status == "completed"
        if can_undo(job):
            assert undo(job).status == "undone"
    asked = start(access, "enrich", leads)
    price = price_of(asked, access, RunOptions())
    start_runs_of(asked, access=access, options=RunOptions(), mark=price.mark)
    assert start(access, "delete", leads).changed == 4
    assert (counters(one)[0], counters(other)[0]) == (0, 1)
