"""A file becomes leads, once, whoever works on it and however often they die; and it can be undone."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from buckets import services as bucket_services
from buckets.deleting.services import delete_bucket
from buckets.imports import services, undoing
from buckets.imports.ahead import Ahead
from buckets.imports.columns import BadMapping
from buckets.imports.reading import Unreadable
from buckets.imports.selectors import failed_lines
from buckets.imports.steps import Overtaken
from buckets.models import Bucket, Import, ImportedLead, ImportFailure, ImportPiece
from buckets.services import create_bucket
from common.db.clock import database_now
from common.files import reading
from enrichment.models import RunItem
from integrations.ledger import catalogue
from integrations.models import Lookup
from leads.counters import change_counters
from leads.models import Lead
from leads.services import add_activity, change_status, create_tag, edit_lead, set_tags
from tests.buckets.imports.files import csv_of, homes, imported, time_passes, totals, undone, uploaded, work
from tests.leads.samples import counters, together
from tests.support import PATIENCE, make_user, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bucket() -> Bucket:
    return Bucket.objects.create(owner=make_user(), name="My list")


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of ten rows."""
    monkeypatch.setattr(reading, "PIECE_ROWS", 10)


def names(bucket: Bucket) -> list[str]:
    return list(Lead.objects.filter(bucket=bucket).order_by("pk").values_list("property_id", flat=True))


def test_a_row_is_a_lead_with_what_the_file_says_of_it(bucket):
    job = imported(bucket, csv_of([["1 Main Street", "Elk Grove", "California", "95757", "Ann Lee", "(916) 555-0123"]]))

    assert (job.status, totals(job), job.error) == ("completed", (1, 1, 0, 0, 0), "")
    lead = Lead.objects.get()
    assert (lead.property_id, lead.bucket, lead.owner, lead.source) == (
        "address:1 MAIN ST@95757", bucket, bucket.owner, "import",
    )  # fmt: skip
    assert (lead.property_address, lead.property_city, lead.property_state, lead.property_zip) == (
        "1 Main Street", "Elk Grove", "CA", "95757",
    )  # fmt: skip
    assert (lead.owner_name, lead.phone, lead.email) == ("Ann Lee", "+19165550123", None)
    assert (lead.enrichment_status, lead.enriched_at, lead.status) == ("pending", None, "new")
    assert counters(bucket) == (1, 0, 0, 0)
    assert ImportPiece.objects.count() == 0


def test_the_same_file_again_adds_nothing_and_changes_nothing(bucket):
    content = csv_of(homes(30))
    imported(bucket, content)
    before = list(Lead.objects.order_by("pk").values())

    job = imported(bucket, content.replace(b"Ann Lee", b"Bob Ray"))

    assert totals(job) == (30, 0, 30, 0, 0)
    assert list(Lead.objects.order_by("pk").values()) == before
    assert ImportedLead.objects.filter(job=job).count() == 0


def test_a_lead_that_is_there_keeps_its_bought_facts(bucket):
    bucket_services.add_ids(bucket=bucket, property_ids=["253175355"])
    Lead.objects.update(owner_name="Bought Name", enriched_at=database_now())

    job = imported(bucket, csv_of([["253175355", "From File"], ["253175356", "From File"]], ("REAPI ID", "Owner")))

    assert totals(job) == (2, 1, 1, 0, 0)
    assert dict(Lead.objects.values_list("property_id", "owner_name")) == {
        "253175355": "Bought Name", "253175356": "From File",
    }  # fmt: skip


@pytest.mark.parametrize("many", [6_000, pytest.param(100_000, marks=pytest.mark.long)])  # 2 transactions, and 20
def test_many_rows_with_duplicates_add_up(bucket, many):
    dice = random.Random(7)
    rows = homes(many)
    for row in rows:
        fate = dice.random()
        if fate < 0.2:
            row[0] = f"{dice.randrange(1, 100)} Main Street"
        elif fate < 0.25:
            row[:] = [""] * 6
        elif fate < 0.3:
            row[0] = "Main St"
    blank = sum(not any(row) for row in rows)
    bad = sum(row[0] == "Main St" for row in rows)
    good = [row[0].replace("Street", "St") for row in rows if row[0] not in ("", "Main St")]

    job = imported(bucket, csv_of(rows))

    assert totals(job) == (many, len(set(good)), len(good) - len(set(good)), blank, bad)
    assert counters(bucket) == (len(set(good)), 0, 0, 0)
    assert Lead.objects.count() == ImportedLead.objects.count() == len(set(good))
    assert [ImportFailure.objects.count(), ImportPiece.objects.count()] == [bad, 0]
    assert bucket_services.recount(mend=False) == {}


def test_rows_that_name_nothing_come_back_with_line_and_reason_and_without_formulas(bucket):
    rows = [
        ["1 Main St", "Elk", "CA", "95757", "Ann", ""],
        ["Main St", "=cmd|' /C calc'!A1", "CA", "95757", "@SUM(1)", "+15125550100"],
        ["", "", "", "", "", ""],
        ["3 Main St", "two\nlines", "", "", "-1+1", "-122.3"],
        ["4 Main St", "Elk", "CA", "95757", "Ann", "", "shifted"],
    ]
    job = imported(bucket, csv_of(rows, ("Address", "City", "State", "Zip", "=Owner", "Phone")))

    assert totals(job) == (5, 1, 0, 1, 3)
    assert b"".join(failed_lines(job)).decode() == (
        "Line,Reason,Address,City,State,Zip,'=Owner,Phone\n"
        "3,The address has no house number,Main St,'=cmd|' /C calc'!A1,CA,95757,'@SUM(1),+15125550100\n"
        '5,"An address needs a ZIP, or a city and a state",3 Main St,"two\nlines",,,\'-1+1,-122.3\n'
        "7,It has more cells than the header: an unquoted delimiter has shifted them,"
        "4 Main St,Elk,CA,95757,Ann,,shifted\n"
    )


def test_failed_rows_corrected_and_brought_again_fill_the_gap(bucket):
    job = imported(bucket, csv_of([*homes(2), ["Main St", "Elk", "CA", "95757", "Ann", ""]]))
    corrected = b"".join(failed_lines(job)).replace(b",Main St", b",9 Main St")

    again = imported(bucket, corrected)

    assert totals(again) == (1, 1, 0, 0, 0)
    assert names(bucket)[-1] == "address:9 MAIN ST@95757"


@pytest.mark.long
def test_nul_and_backslashes_and_quotes_come_through_copy(bucket):
    imported(bucket, csv_of([["1 Main St", "Elk", "CA", "95757", 'O\\N "x" \\t', ""]]))
    job = imported(bucket, csv_of([*homes(3000, 5), ["Main St", "a\0b\\", "", "", "\\N", ""]]))

    assert Lead.objects.order_by("pk").values_list("owner_name", flat=True)[0] == 'O\\N "x" \\t'
    assert ImportFailure.objects.get(job=job).cells == ["Main St", "ab\\", "", "", "\\N", ""]


@pytest.mark.parametrize(
    "content", [b"", b"Address,Zip\n", b"PK\x03\x04", b'Address,Zip\n1 A St,"95757\n2 B St,95757\n']
)
def test_a_file_that_cannot_be_read_leaves_nothing(bucket, content):
    with pytest.raises(Unreadable):
        uploaded(bucket, content)
    assert [Import.objects.count(), ImportPiece.objects.count()] == [0, 0]


def test_a_file_whose_columns_name_no_property_is_not_started(bucket):
    job = uploaded(bucket, csv_of([["a7", "b"]], ("Foo", "Bar")))
    with pytest.raises(BadMapping, match="mapping: Say which column"):
        services.start_import(job=job)
    job.refresh_from_db()
    assert job.status == "uploaded"

    job = services.choose_columns(job=job, mapping={"apn": "Foo"}, constants={"fips": "53033"})
    assert totals(work(services.start_import(job=job))) == (1, 1, 0, 0, 0)
    assert names(bucket) == ["apn:53033:=A7"]


def test_once_started_its_columns_stand_and_it_starts_once(bucket):
    job = services.start_import(job=uploaded(bucket, csv_of(homes(1))))

    with pytest.raises(services.NotAtThisStage):
        services.choose_columns(job=job, mapping={"address": 1}, constants={})
    with pytest.raises(services.NotAtThisStage):
        services.start_import(job=job)
    assert work(job).mapping["address"] == 0


# --- Killed, doubled, overtaken --------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["insert_leads", "_note_leads", "_note_failures", "_moved"])
def test_a_worker_that_dies_within_a_piece_has_written_nothing_of_it(bucket, few_rows, monkeypatch, place):
    rows = homes(25)
    rows[12][0] = "Main St"
    job = services.start_import(job=uploaded(bucket, csv_of(rows)))
    calls, real = [], getattr(services, place)

    def dies(*arguments, **options):
        calls.append(1)
        result = real(*arguments, **options)
        if len(calls) == 2:
            raise ZeroDivisionError
        return result

    monkeypatch.setattr(services, place, dies)
    with pytest.raises(ZeroDivisionError):
        services.continue_import(job.pk)
    job.refresh_from_db()
    assert (job.status, totals(job)) == ("running", (10, 10, 0, 0, 0))
    assert counters(bucket) == (10, 0, 0, 0)
    assert [Lead.objects.count(), ImportedLead.objects.count(), ImportFailure.objects.count()] == [10, 10, 0]
    assert (services.open_imports(), services.continue_import(job.pk)) == ([], False)  # until its lease is over

    time_passes()
    assert services.open_imports() == [job.pk]
    assert (work(job).status, totals(job)) == ("completed", (25, 24, 0, 0, 1))
    assert names(bucket) == [f"address:{n} MAIN ST@95757" for n in range(1, 26) if n != 13]


WORKER = """
import sys, uuid, django
django.setup()
from buckets.imports import services
print("ready", flush=True)
services.continue_import(uuid.UUID(sys.argv[1]))
"""


@pytest.mark.long
def test_a_killed_process_loses_and_doubles_nothing(bucket, monkeypatch):
    monkeypatch.setattr(reading, "PIECE_ROWS", 100)
    job = services.start_import(job=uploaded(bucket, csv_of(homes(4_000))))
    database = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}"))
    read = 0
    for _ in range(2):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(job.pk)],
            env=os.environ | {"DATABASE_URL": database},
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
        )
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
        deadline = time.monotonic() + PATIENCE
        while Import.objects.get().read <= read:
            assert time.monotonic() < deadline, "the worker saves nothing"
            time.sleep(0.005)
        worker.send_signal(signal.SIGKILL)
        assert worker.wait() == -signal.SIGKILL
        worker.stdout.close()
        job.refresh_from_db()
        read = job.read
        assert 0 < read < 4_000
        assert job.new == read == Lead.objects.count() == ImportedLead.objects.count() == counters(bucket)[0]
        time_passes()

    assert (work(job).status, totals(job)) == ("completed", (4_000, 4_000, 0, 0, 0))
    assert counters(bucket) == (4_000, 0, 0, 0)


def test_two_workers_that_both_believe_it_is_theirs_double_nothing(bucket, few_rows, monkeypatch):
    monkeypatch.setattr(services, "LEASE", timedelta(0))
    job = services.start_import(job=uploaded(bucket, csv_of([*homes(200), *homes(100)])))
    for _ in range(200):
        together(*[partial(services.continue_import, job.pk)] * 2)
        job.refresh_from_db()
        if job.status != "running":
            break
    assert (job.status, totals(job)) == ("completed", (300, 200, 100, 0, 0))
    assert counters(bucket) == (200, 0, 0, 0)


@pytest.mark.long
def test_two_files_with_the_same_rows_at_once_wait_for_each_other_and_add_each_once(bucket, few_rows):
    rows = homes(100)
    jobs = [services.start_import(job=uploaded(bucket, csv_of(r))) for r in (rows, rows[::-1])]

    together(*(partial(services.continue_import, job.pk) for job in jobs))

    first, second = (work(job) for job in jobs)
    assert (first.read, second.read, first.new + second.new) == (100, 100, 100)
    assert counters(bucket) == (100, 0, 0, 0)


def test_undoing_that_fails_by_our_fault_says_so_and_goes_on(bucket, monkeypatch):
    job = services.start_import(job=uploaded(bucket, csv_of(homes(3))))
    assert work(job).status == "completed"
    services.undo_import(job=job)

    def fails(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(services, "undo_batch", fails)
        for _ in range(services.MAX_ATTEMPTS):
            with pytest.raises(ZeroDivisionError):
                services.continue_import(job.pk)
            time_passes()
    job.refresh_from_db()
    words = "5 tries ended at the same rows by a fault of ours (ZeroDivisionError)"
    assert (job.status, job.error) == ("undoing", words)
    done = work(job)
    assert (done.status, done.error, done.removed) == ("undone", "", 3)


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (SystemExit, "5 workers died over the same rows"),
        (ZeroDivisionError, "5 tries ended at the same rows by a fault of ours (ZeroDivisionError)"),
    ],
)
def test_rows_that_end_every_try_end_the_import_in_words(bucket, few_rows, monkeypatch, end, words):
    job = services.start_import(job=uploaded(bucket, csv_of(homes(13))))
    monkeypatch.setattr(settings, "PUMP_SECONDS", 0)
    assert services.continue_import(job.pk)

    def dies(*_: object) -> None:
        raise end

    with monkeypatch.context() as patch:
        patch.setattr(services, "_sort", dies)
        for _ in range(services.MAX_ATTEMPTS):
            with pytest.raises(end):
                services.continue_import(job.pk)
            time_passes()
        assert services.continue_import(job.pk) is False
    job.refresh_from_db()
    assert (job.status, job.error) == ("failed", words)
    assert services.open_imports() == []

    assert totals(work(services.start_import(job=job))) == (13, 13, 0, 0, 0)


def test_after_a_fault_of_ours_it_is_tried_again_soon_and_one_that_failed_can_be_undone(bucket, few_rows, monkeypatch):
    job = services.start_import(job=uploaded(bucket, csv_of(homes(13))))
    monkeypatch.setattr(services, "_note_failures", lambda _job, _rows: 1 // (Lead.objects.count() < 13))
    waits: list[Any] = []
    for _ in range(services.MAX_ATTEMPTS + 1):  # the first saves the first piece
        with pytest.raises(ZeroDivisionError):
            services.continue_import(job.pk)
        job.refresh_from_db()
        waits.append(job.lease_until and job.lease_until < database_now() + 2 ** len(waits) * services.FIRST_WAIT)
        time_passes()
    assert (job.status, waits) == ("failed", [True] * services.MAX_ATTEMPTS + [None])
    assert (undone(job).status, job.removed, Lead.objects.count()) == ("undone", 10, 0)


def test_a_bucket_deleted_meanwhile_takes_the_import_with_it(bucket, few_rows):
    job = services.start_import(job=uploaded(bucket, csv_of(homes(500))))

    def delete_soon() -> None:
        time.sleep(0.1)
        delete_bucket(bucket=bucket)

    together(partial(services.continue_import, job.pk), delete_soon)

    assert services.continue_import(job.pk) is False
    for model in (Bucket, Import, ImportPiece, ImportedLead, ImportFailure, Lead):
        assert model.objects.count() == 0


# --- Undone ----------------------------------------------------------------------------------------------------------


def test_undo_deletes_what_the_import_added_and_nothing_else(bucket, monkeypatch):
    monkeypatch.setattr(undoing, "UNDO_BATCH", 7)
    imported(bucket, csv_of(homes(10)))
    job = imported(bucket, csv_of(homes(30, first=6)))
    assert totals(job) == (30, 25, 5, 0, 0)

    undone(job)

    assert (job.status, job.removed, job.kept, totals(job)) == ("undone", 25, {}, (30, 25, 5, 0, 0))
    assert names(bucket) == [f"address:{n} MAIN ST@95757" for n in range(1, 11)]
    assert counters(bucket) == (10, 0, 0, 0)
    assert bucket_services.recount(mend=False) == {}
    with pytest.raises(services.NotAtThisStage):
        services.undo_import(job=job)


def test_undo_keeps_what_somebody_has_touched_and_says_why(bucket):
    ann = bucket.owner
    job = imported(bucket, csv_of(homes(9)))
    leads = list(Lead.objects.order_by("pk"))
    Lead.objects.filter(pk=leads[0].pk).update(enriched_at=database_now())
    change_counters(bucket.pk, detailed_leads=1)
    add_activity(lead=leads[1], by=ann, kind="note", text="called")
    change_status(lead=leads[2], by=ann, status="contacted")
    create_tag(by=ann, name="hot", color="#ff0000")
    set_tags(lead=leads[3], names=["hot"])
    edit_lead(lead=leads[4], by=ann, changes={"first_name": "Anne"})
    start(bucket, lead_ids=(leads[5].pk,))

    undone(job)

    assert (job.removed, job.kept) == (3, {"bought": 1, "worked": 3, "edited": 1, "inRun": 1})
    assert list(Lead.objects.order_by("pk").values_list("pk", flat=True)) == [lead.pk for lead in leads[:6]]
    assert RunItem.objects.count() == 1
    assert counters(bucket) == (6, 0, 1, 1)
    assert bucket_services.recount(mend=False) == {}


def test_undoing_an_import_at_work_stops_it(bucket, few_rows, monkeypatch):
    monkeypatch.setattr(settings, "PUMP_SECONDS", 0)
    job = services.start_import(job=uploaded(bucket, csv_of(homes(100))))
    assert services.continue_import(job.pk) is True
    asleep = Import.objects.select_related("bucket").get(pk=job.pk)

    services.undo_import(job=job)
    with pytest.raises(Overtaken):  # the worker that has not heard of it
        services._save_piece(asleep, ahead=Ahead(partial(services._sort, asleep, services._chosen(asleep)), far=False))
    work(job)

    assert (job.status, job.removed) == ("undone", 10)
    assert [Lead.objects.count(), ImportPiece.objects.count(), counters(bucket)[0]] == [0, 0, 0]


def test_a_killed_undo_goes_on(bucket, monkeypatch):
    monkeypatch.setattr(undoing, "UNDO_BATCH", 10)
    job = services.undo_import(job=imported(bucket, csv_of(homes(25))))
    real, calls = change_counters, []

    def dies(*arguments, **options):
        calls.append(1)
        real(*arguments, **options)
        if len(calls) == 2:
            raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(undoing, "change_counters", dies)
        with pytest.raises(ZeroDivisionError):
            services.continue_import(job.pk)
    assert (Lead.objects.count(), counters(bucket)[0]) == (15, 15)

    time_passes()
    assert (work(job).status, job.removed) == ("undone", 25)
    assert (Lead.objects.count(), counters(bucket)[0]) == (0, 0)


def test_an_upload_nobody_starts_is_forgotten_after_a_week(bucket):
    old, new = uploaded(bucket, csv_of(homes(1))), uploaded(bucket, csv_of(homes(1)))
    Import.objects.filter(pk=old.pk).update(updated_at=database_now() - services.ABANDONED_AFTER)

    services.forget_abandoned()

    assert list(Import.objects.values_list("pk", flat=True)) == [new.pk]
    assert ImportPiece.objects.count() == 1


def test_a_property_that_was_asked_for_by_address_before_is_called_by_its_id_at_once(bucket):
    Lookup.objects.create(
        operation=catalogue.operation("property_detail"), key="address:1 MAIN ST@95757", state="answered",
        facts={"property_id": "253175355"}, fetched_at=database_now(),
    )  # fmt: skip
    create_bucket(by=bucket.owner, name="Other")

    job = imported(bucket, csv_of([*homes(2), *homes(1)]))

    assert totals(job) == (3, 2, 1, 0, 0)
    assert names(bucket) == ["253175355", "address:2 MAIN ST@95757"]
