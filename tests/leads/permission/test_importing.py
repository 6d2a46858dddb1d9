"""Lists of a million numbers: every row in one place, whatever dies, and a slip is seen before and mended after."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.models import User
from common.files import reading
from common.files.table import Unreadable
from leads import registries, tasks
from leads.models import Consent, ContactKey, EvidenceText, RefusedRow, Scrub, Suppression, Upload, UploadPiece
from leads.permission import importing
from leads.permission.consenting import consents_of
from leads.permission.importing import BadUpload, MayNot, NotAtThisStage, withdraw
from leads.permission.scrubbing import scrubs_of
from leads.permission.suppressing import in_force, suppress
from tests.leads.permission.samples import PHONE, contact, counts, digest, list_of, seller, written
from tests.leads.privacy.samples import forget
from tests.leads.samples import make_leads, together
from tests.support import PATIENCE, told

pytestmark = pytest.mark.django_db(transaction=True)


def number(n: int) -> str:
    return f"+1617{2_000_000 + n:07}"


def numbers(first: int, last: int) -> str:
    return "Phone\n" + "".join(f"{number(n)}\n" for n in range(first, last))


def in_table() -> int:
    return Suppression.objects.count()


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", is_superuser=True)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PIECE_ROWS", 100)


def test_rows_of_every_spelling_are_added_known_or_refused(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[set[int], str]] = []
    monkeypatch.setattr(registries, "_on_suppressed", [lambda ids, reason: heard.append((set(ids), reason))])
    _, (lead, _) = make_leads(2, by=ann)
    contact(lead)
    text = (
        "\ufeffName;Phone;E-mail\r\n"
        "Pat;(617) 555-0112;\r\n"  # a lead's
        "Sam;+1 617.555.0113;SAM@Example.com\r\n"
        "Kim;;sam@example.com\r\n"  # known by the row above
        "Lee;6175550114 / 617-555-0115;\r\n"
        "Bad;12345;\r\n"
        "None;;\r\n"
        "\r\n"
        "Half;617-555-0116;not an address\r\n"
        "Pat;1-617-555-0112;\r\n"
    )
    job = list_of(ann, text, scope="call")
    assert counts(job) == ("previewed", 8, 0, 0, 2)
    assert (job.hits, job.leads, job.options["examples"]) == (
        1,
        2,
        ["…0112", "…0113", "s…@example.com", "…0114", "…0116"],
    )
    assert in_table() == ContactKey.objects.exclude(leads=None).count() - 1 == 0  # nothing is written yet

    job = written(job, ann)
    assert counts(job) == ("completed", 8, 4, 2, 2)
    assert list(RefusedRow.objects.values_list("line", "reason")) == [
        (6, "Its phone or e-mail cannot be read"),
        (7, "It has no phone and no e-mail"),
        (9, "One phone or e-mail of it cannot be read; the others were taken"),
    ]
    assert in_table() == 6
    assert set(Suppression.objects.values_list("scope", "reason", "source", "by_id")) == {
        ("call", "upload", f"upload:{job.pk.hex}", ann.pk)
    }
    assert heard == [({ContactKey.objects.get(digest=digest(PHONE)[1]).pk}, "upload")]
    assert UploadPiece.objects.count() == 0
    assert told("upload.started") == [("ann", "upload.started", {"kind": "suppressions", "rows": 8, "leads": 1})]
    with pytest.raises(NotAtThisStage):
        importing.start_upload(upload=job, by=ann)


@pytest.mark.parametrize(
    ("text", "options", "field"),
    [
        ("", {}, "file"),
        ("Name\nPat\n", {}, "column"),
        ("Phone\n6175550112\n", {"contacts": "Mobile"}, "column"),
        ("Phone\n6175550112\n", {"contacts": 7}, "column"),
        ("Phone\n6175550112\n", {"scope": "fax"}, "scope"),
        ("PK\x03\x04", {}, "file"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_and_not_kept(
    ann: User, text: str, options: dict[str, Any], field: str
) -> None:
    with pytest.raises((BadUpload, Unreadable)) as refusal:
        list_of(ann, text, **options)
    assert getattr(refusal.value, "field", "file") == field
    assert Upload.objects.count() == UploadPiece.objects.count() == 0


def test_a_list_that_hits_many_leads_needs_a_superuser(ann: User) -> None:
    bob = User.objects.create_user("bob")
    _, leads = make_leads(21, by=bob)
    contact(leads[0])
    contact(leads[1], number(2), secondary_phone=number(3))
    small = list_of(bob, f"{PHONE}\n")  # no row of names
    assert (small.hits, small.leads, importing.is_large(small)) == (1, 21, False)
    written(small, bob)
    large = list_of(bob, f"Number\n{PHONE}\n{number(2)}\n{number(3)}\n")
    assert (large.hits, importing.is_large(large)) == (2, True)
    assert importing.concerns(large) == (2, 21)
    ours = list_of(ann, f"Number\n{PHONE}\n")
    assert (ours.hits, importing.concerns(ours)) == (1, (0, 0)), "whose it is, nobody else is told"
    for by in (bob, None):
        with pytest.raises(MayNot, match="more than 5%"):
            importing.start_upload(upload=large, by=by)
    assert counts(written(large, ann)) == ("completed", 3, 2, 1, 0)


def test_a_list_is_withdrawn_within_thirty_days_and_nothing_else_is(ann: User) -> None:
    make_leads(1, by=ann)
    first = written(list_of(ann, numbers(0, 3)), ann)
    second = written(list_of(ann, numbers(2, 4)), ann)
    assert (counts(first), counts(second)) == (("completed", 3, 3, 0, 0), ("completed", 2, 1, 1, 0))
    with transaction.atomic():
        suppress([(1, number(0))], reason="stop", source="user:1")
    with pytest.raises(BadUpload, match="why"):
        withdraw(upload=first, reason=" ", by=ann)
    withdraw(upload=first, reason="The wrong list", by=ann)
    left = {
        n: [one.reason for one in in_force([digest(number(n))], "sms").get(digest(number(n)), [])] for n in range(4)
    }
    assert left == {0: ["stop"], 1: [], 2: ["upload"], 3: ["upload"]}  # 2 stands on the second list too
    with pytest.raises(NotAtThisStage, match="already"):
        withdraw(upload=first, reason="again", by=ann)
    Upload.objects.filter(pk=second.pk).update(created_at=timezone.now() - timedelta(days=31))
    second.refresh_from_db()
    with pytest.raises(NotAtThisStage, match="30 days"):
        withdraw(upload=second, reason="late", by=ann)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM leads_withdrawal")


def test_a_list_whose_numbers_can_no_longer_cease_to_count_is_not_written_twice(ann: User) -> None:
    make_leads(1, by=ann)
    with transaction.atomic():
        suppress([(1, number(0))], reason="litigator", source="user:1")
        suppress([(1, number(1))], reason="stop", source="user:1")  # she may lift it
        suppress([(1, number(2))], reason="operator", source="user:1", scope="sms")  # the list says: any channel
    assert counts(written(list_of(ann, numbers(0, 3)), ann)) == ("completed", 3, 1, 2, 0)
    assert in_table() == 5


def test_two_files_of_the_same_numbers_at_once_count_each_as_new_once(ann: User, small_pieces: None) -> None:
    make_leads(1, by=ann)
    jobs = [list_of(ann, numbers(0, 500)) for _ in range(2)]
    for job in jobs:
        importing.start_upload(upload=job, by=ann)

    def work(job: Upload) -> Any:
        def run() -> None:
            while importing.continue_upload(job.pk):
                pass

        return run

    together(*[work(job) for job in jobs for _ in range(2)])  # and two workers each
    for job in jobs:
        job.refresh_from_db()
        assert (job.status, job.rows, job.added + job.known, job.refused) == ("completed", 500, 500, 0)
    assert sum(job.added for job in jobs) == 500
    assert Suppression.objects.values("kind", "digest").distinct().count() == 500


def test_stops_while_a_list_is_written_stand_and_nobody_waits_in_a_circle(ann: User, small_pieces: None) -> None:
    _, leads = make_leads(30, by=ann)
    for n, lead in enumerate(leads):
        contact(lead, number(n * 30), secondary_phone=number(899 - n * 30))
    job = list_of(ann, numbers(0, 900))
    importing.start_upload(upload=job, by=ann)

    def stops() -> None:
        for n in reversed(range(30)):
            with transaction.atomic():
                suppress([(1, number(n * 30))], reason="stop", source=f"user:{n}", spread=True)

    def work() -> None:
        while importing.continue_upload(job.pk):
            pass

    assert together(work, stops) == [None, None]
    job.refresh_from_db()
    assert (job.rows, job.added + job.known) == (900, 900)
    assert Suppression.objects.filter(reason="upload").count() == 900
    assert Suppression.objects.filter(reason="stop").count() == 60


@pytest.mark.long
def test_a_worker_that_is_killed_in_the_middle_loses_and_doubles_nothing(ann: User, small_pieces: None) -> None:
    """Real processes, killed by SIGKILL as they write; the sweep has another go on."""
    make_leads(1, by=ann)
    job = list_of(ann, numbers(0, 3000) + "nothing\n")
    importing.start_upload(upload=job, by=ann)
    for kills in (1, 2, 3):
        before = Upload.objects.get(pk=job.pk).after
        worker = start_worker(job)
        deadline = time.monotonic() + PATIENCE
        while Upload.objects.get(pk=job.pk).after < before + 300:
            assert time.monotonic() < deadline, "the worker writes nothing"
        worker.send_signal(signal.SIGKILL)
        assert worker.wait() == -signal.SIGKILL
        worker.stdout.close()  # type: ignore[union-attr]
        job.refresh_from_db()
        assert (job.status, job.after) == ("running", in_table() + RefusedRow.objects.count())
        assert importing.continue_upload(job.pk) is False  # until its lease is over
        assert job.attempts <= kills
        Upload.objects.update(lease_until=None)
    assert importing.open_uploads() == [job.pk]
    while importing.continue_upload(job.pk):
        pass
    job.refresh_from_db()
    assert counts(job) == ("completed", 3001, 3000, 0, 1)
    assert in_table() == 3000 and RefusedRow.objects.count() == 1


WORKER = """
import sys, uuid, django
django.setup()
from leads.permission import importing
print("ready", flush=True)
while importing.continue_upload(uuid.UUID(sys.argv[1])):
    pass
"""


def start_worker(job: Upload) -> subprocess.Popen[bytes]:
    """A process of its own with its own connections; returns when its settings are loaded."""
    url = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}"))
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(job.pk)], env=os.environ | {"DATABASE_URL": url},
        cwd=Path(__file__).parents[3], stdout=subprocess.PIPE,
    )  # fmt: skip
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"ready\n"
    return worker


def test_the_sweep_wakes_what_nobody_works_and_lets_go_of_what_nobody_starts(ann: User, small_pieces: None) -> None:
    woken: list[str] = []
    make_leads(1, by=ann)
    waiting = list_of(ann, numbers(0, 150))
    running = list_of(ann, numbers(0, 150))
    importing.start_upload(upload=running, by=ann)
    Upload.objects.filter(pk=waiting.pk).update(updated_at=timezone.now() - timedelta(days=8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "enqueue_on_commit", lambda task, **how: woken.append(how["upload_id"]))
        tasks.continue_uploads()
    assert woken == [str(running.pk)]
    assert not waiting.pieces.exists() and running.pieces.count() == 2
    tasks.import_upload(str(running.pk))
    Upload.objects.filter(pk=running.pk).update(status="running", attempts=5)
    assert importing.continue_upload(running.pk) is False
    running.refresh_from_db()
    assert (running.status, running.error) == ("failed", "5 workers died over the same rows")


CONSENTS = (
    "phone,consent_text,date,source,channel\n"
    "617-555-0112,I agree to texts from Acme Homes,11/1/2026,https://acme.example.com/offer,sms\n"
    "617-555-0112,I agree to texts from Acme Homes,11/1/2026,https://acme.example.com/offer,sms\n"
    "617-555-0113,,11/1/2026,https://acme.example.com/offer,sms\n"
    "617-555-0114,I agree,,https://acme.example.com/offer,sms\n"
    "617-555-0115,I agree,11/1/2026,,sms\n"
    "617-555-0116,I agree,11/1/2126,form,sms\n"
    "617-555-0117,I agree,the other day,form,sms\n"
    "617-555-0118,I agree,2026-11-01T12:00:00Z,form,telex\n"
    "617-555-0119,I agree,2026-11-01,form,SMS\n"
    "pat@example.com,I agree,2026-11-01,form,email\n"
    "pat@example.com,I agree,2026-11-01,form,sms\n"
)


@pytest.mark.long
def test_a_consent_needs_text_date_and_source_and_lifts_nothing(ann: User) -> None:
    ours = seller(ann)
    with transaction.atomic():
        suppress([(1, "+16175550119")], reason="stop", source="user:1", at=timezone.now() - timedelta(days=90))
    how = {"kind": "consents", "seller": ours.pk, "type": "written", "channelColumn": "channel", "acknowledged": True}
    for field, wrong in (
        ("sellerId", {"seller": None}), ("type", {"type": "start"}), ("acknowledged", {"acknowledged": "yes"}),
        ("channel", {"channelColumn": None}), ("sourceColumn", {"sourceColumn": "where"}),
    ):  # fmt: skip
        with pytest.raises(BadUpload) as refusal:
            list_of(ann, CONSENTS, **{**how, **wrong})  # type: ignore[arg-type]
        assert refusal.value.field == field
    job = written(list_of(ann, CONSENTS, **how), ann)  # type: ignore[arg-type]
    assert counts(job) == ("completed", 11, 2, 1, 8)
    assert dict(RefusedRow.objects.values_list("line", "reason")) == {
        4: "It has no text: what a consent was given for, and where, is never taken for granted",
        5: "It has no date",
        6: "It has no source: what a consent was given for, and where, is never taken for granted",
        7: "Its date lies in the future",
        8: "Its date cannot be read: write 2026-11-30",
        9: "Its channel is none of sms, prerecorded, call, email",
        10: "It is suppressed, and a file lifts no suppression: they have to say so themselves",
        12: "It has no phone, and is for sms",
    }
    (given,) = consents_of(ours.pk, [digest(PHONE)], "sms")[digest(PHONE)]
    assert (given.kind, given.how, str(given.expires_at)[:10]) == ("written", "import", "2028-11-01")
    assert consents_of(ours.pk, [digest(PHONE)], "call") == {}
    row = Consent.objects.get(pk=given.id)
    assert (row.hint, row.reference, row.by_id) == ("…0112", f"upload:{job.pk.hex}", ann.pk)
    assert EvidenceText.objects.get(pk=row.pk).text == "I agree to texts from Acme Homes"
    assert counts(written(list_of(ann, CONSENTS, **how), ann)) == ("completed", 11, 0, 3, 8)  # type: ignore[arg-type]

    forget(phone=PHONE)
    evidence = EvidenceText.objects.get(pk=row.pk)
    assert (evidence.text, Consent.objects.filter(pk=row.pk, text_hash=row.text_hash).exists()) == (None, True)
    assert EvidenceText.objects.exclude(pk=row.pk).get().text == "I agree"
    again = written(list_of(ann, CONSENTS, **how), ann)  # type: ignore[arg-type]
    assert counts(again) == ("completed", 11, 0, 1, 10)


def test_a_registrys_file_is_a_check_and_no_suppression(ann: User) -> None:
    ours = seller(ann)
    how = {"kind": "scrub", "seller": ours.pk, "list": "federal", "san": "12345678", "versionDate": "2026-11-20"}
    for field, wrong in (
        ("sellerId", {"seller": "x"}), ("list", {"list": "mine"}), ("san", {"san": ""}), ("listed", {}),
        ("versionDate", {"versionDate": "2126-01-01"}), ("versionDate", {"versionDate": "soon"}),
    ):  # fmt: skip
        with pytest.raises(BadUpload) as refusal:
            list_of(ann, "617,5550112\n", **{**how, **wrong})  # type: ignore[arg-type]
        assert refusal.value.field == field
    ftc = list_of(ann, "617,5550112\n617,5550113\n617,1\n", **how, listed=True)  # type: ignore[arg-type]
    assert counts(written(ftc, ann)) == ("completed", 3, 2, 0, 1)
    vendor = "Phone,Result\n6175550112,Clean\n6175550114,clean\n6175550115,maybe\na@example.com,DNC\n"
    own = list_of(ann, vendor, **how, listedColumn="Result")  # type: ignore[arg-type]
    assert counts(written(own, ann)) == ("completed", 4, 2, 0, 2)
    assert counts(written(list_of(ann, vendor, **how, listedColumn="Result"), ann))[2:] == (0, 2, 2)  # type: ignore[arg-type]
    keys = [digest(f"+1617555011{n}")[1] for n in (2, 3, 4, 5)]
    found = {key: [(one.list, one.listed) for one in rows] for key, rows in scrubs_of(ours.pk, keys).items()}
    assert found == {keys[0]: [("federal", True)], keys[1]: [("federal", True)], keys[2]: [("federal", False)]}
    assert Scrub.objects.filter(san="12345678", version_date="2026-11-20", upload__in=[ftc, own]).count() == 4
    assert scrubs_of(seller(User.objects.create_user("bob")).pk, keys) == {}
    assert in_table() == 0
