"""The forgetting job beside others: killed anywhere it goes on, and it waits for nobody while somebody waits for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import IdempotentRequest
from buckets.models import Bucket, Fill, Import, ImportFailure, ImportPiece
from common.db.clock import database_now
from enrichment.models import Run
from integrations.ledger import catalogue
from integrations.models import Lookup, PhoneReveal, UnreadableAnswer, VendorCall
from leads.keys import key_secrets
from leads.keys.owner_keys import PHONE
from leads.models import Activity, EvidenceText, Forgetting, SavedView, Upload, UploadPiece
from leads.privacy.finding import Asked
from leads.privacy.forgetting import continue_job, forget_person, open_jobs
from leads.privacy.places import Her, Piece, places
from tests.leads.privacy.samples import NOON, TRACE, contacts, forget, land, operator
from tests.leads.samples import make_lead, together

pytestmark = pytest.mark.django_db(transaction=True)

# Dies by SIGKILL at every place, when its first piece has changed its rows and is about to be committed.
WORKER = """
import os, signal, sys, uuid, django
django.setup()
from leads.models import Forgetting
from leads.privacy import forgetting
from leads.privacy.places import places
move = forgetting._move

def work(until):
    def dies(job, names, place, piece):
        move(job, names, place, piece)
        if place == until:
            os.kill(os.getpid(), signal.SIGKILL)
    forgetting._move = dies
    Forgetting.objects.update(lease_until=None)  # that of the one before is over
    forgetting.continue_job(uuid.UUID(sys.argv[1]))
    os._exit(0)

for place in places():
    child = os.fork()
    if child == 0:
        work(place)
    print(-os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def trace_of(key: str) -> Lookup:
    return Lookup.objects.create(
        operation=catalogue.operation("skip_trace"), key=key, facts=TRACE, state="answered", fetched_at=NOON
    )


@pytest.mark.long
def test_killed_before_the_commit_of_every_place_it_goes_on_and_counts_nothing_twice(forgotten_file: Path) -> None:
    lead = land(make_lead())
    note = Activity.objects.create(lead=lead, text="Ann Doe, 206 555 0143")
    SavedView.objects.create(owner=lead.owner, name="Her", query="q=2065550143")
    traces = [trace_of("a"), trace_of("b")]
    asked = Asked.of(phone="2065550143")
    job = forget_person(by=operator(), asked=asked, typed=asked.to_type)
    database = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}"))
    told = subprocess.run(
        [sys.executable, "-c", WORKER, str(job.pk)],
        env=os.environ | {"DATABASE_URL": database, "FORGOTTEN_FILE": str(forgotten_file)},
        cwd=Path(__file__).parents[3],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert told.stdout.split() == ["9"] * len(places())
    job.refresh_from_db()
    assert (job.status, job.place) == ("running", [*places()][-1])

    assert open_jobs() == []  # until the lease of the last that died is over
    assert not continue_job(job.pk)
    Forgetting.objects.update(lease_until=database_now())  # time passes
    assert open_jobs() == [job.pk]
    assert not continue_job(job.pk)

    job.refresh_from_db()
    note.refresh_from_db()
    assert job.status == "completed"
    assert {place: rows for place, rows in job.changed.items() if rows} == {"leads": 1, "purchased data": 2, "keys": 4}
    assert contacts(lead) == {}
    assert note.text == "[forgotten], [forgotten]"
    assert not any((row.facts or {}).get("phone") for row in Lookup.objects.filter(pk__in=[one.pk for one in traces]))


def her() -> Her:
    digest = key_secrets.digest(key_secrets.listed()[0], PHONE, "+12065550143")
    return Her([(PHONE, digest)], since=timezone.now())


def piece_of(place: str) -> Piece:
    with transaction.atomic():
        return places()[place]("", her())


def test_a_piece_that_has_changed_a_row_waits_for_no_second() -> None:
    """Else it and a purchase that settles both answers, in another order, waited for each other."""
    first, second = trace_of("a"), trace_of("b")
    with transaction.atomic():
        Lookup.objects.filter(pk=second.pk).update(cost=1)  # as a purchase does that is about to change the first
        pieces = together(lambda: piece_of("purchased data"))
    assert pieces == [Piece(str(first.pk), 1, 1)]


def test_a_place_of_many_rows_is_searched_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [trace_of(key) for key in "abcd"]
    Lookup.objects.filter(pk__in=[rows[0].pk, rows[2].pk]).update(facts={})
    for room in ("places", "blanking"):
        monkeypatch.setattr(f"leads.privacy.{room}.PIECE", 2)
    assert forget(phone="2065550143").changed["purchased data"] == 2


@pytest.mark.long
def test_of_every_table_it_takes_the_locks_in_order() -> None:
    """`lock_record` watches this file."""
    lead = land(make_lead())
    said = '{"phone": "206 555 0143"}'
    trace = trace_of("a")
    call = VendorCall.objects.create(
        operation=trace.operation,
        user=lead.owner,
        inputs=1,
        reserved=1,
        created_at=NOON,
        slot_at=NOON,
        lease_until=NOON,
    )
    PhoneReveal.objects.create(call=call, raw=said.encode(), created_at=NOON)
    UnreadableAnswer.objects.create(call=call, raw=said.encode(), length=len(said), created_at=NOON)
    Activity.objects.create(lead=lead, text=said)
    SavedView.objects.create(owner=lead.owner, name="Her", query=said)
    IdempotentRequest.objects.create(user=lead.owner, key="k", fingerprint="f", body=said, created_at=NOON)
    Bucket.objects.update(description=said)
    Fill.objects.create(bucket=lead.bucket, criteria=json.loads(said), pending_slices=[])
    Run.objects.create(bucket=lead.bucket, bucket_name=said, owner=lead.owner, idempotency_key="k", total=1)
    job = Import.objects.create(
        bucket=lead.bucket, file_name=said, size=1, encoding="utf-8", delimiter=",", columns=["a"], total=9
    )
    ImportFailure.objects.create(job=job, line=2, reason="no", cells=["206-555-0143"])
    ImportPiece.objects.create(job=job, number=1, first_line=2, content=zlib.compress(b"206-555-0143\n"))
    named = Upload.objects.create(team=lead.team, kind="suppressions", file_name=said, options={"delimiter": ","})
    UploadPiece.objects.create(upload=named, number=0, first_line=1, content=zlib.compress(b"206-555-0143\n"))
    EvidenceText.objects.create(parent=named.pk, text=said, created_at=NOON)
    changed = forget(phone="2065550143").changed
    campaigns = {"text messages", "campaigns", "templates", "template texts", "vendors' posts", "received texts",
                 "conversations", "dry runs", "calls", "calendars", "recordings", "snippets"}  # fmt: skip
    assert {place for place, rows in changed.items() if not rows} - campaigns == {
        "leads again", "activities", "saved views", "tags", "status labels", "custom fields", "merges",
        "import changes", "schedules", "notifications", "bulk jobs", "bulk changes",
    }  # fmt: skip
    assert set(changed.values()) == {0, 1, 4}
