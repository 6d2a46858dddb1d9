"""A file becomes leads by the desk: uploaded once, its columns said, started once, followed, undone. Only one's own."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from buckets.models import Bucket, Import, ImportPiece
from common.db.ids import uuid7
from leads.models import Lead
from leads.services import add_activity
from tests.admin_site import address, sees_contacts, signed_in, staff, superuser, words
from tests.buckets.imports.files import csv_of, homes, imported, totals, undone, uploaded, work
from tests.support import contacts_told

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "/admin/buckets/import/add/"
BAD = [["No number street", "Elk Grove", "CA", "95757", "Bob", ""], ["", "", "", "", "", ""]]


@pytest.fixture
def ann() -> tuple[User, Client]:
    return staff("ann")


@pytest.fixture
def bucket(ann: tuple[User, Client]) -> Bucket:
    return Bucket.objects.create(owner=ann[0], name="My list")


def send(client: Client, content: bytes, name: str = "list.csv", **more: Any) -> Any:
    said = {"once": str(uuid7()), "bucket": "", "name": ""} | more
    return client.post(ADD, {**said, "file": SimpleUploadedFile(name, content)})


def at(job: Import, what: str) -> str:
    return address(Import, what, job.pk)


def columns(job: Import, **more: Any) -> dict[str, Any]:
    """The form of the columns as the page would send it."""
    said = {f"column_{field}": str(column) for field, column in job.mapping.items()}
    return said | more


def body(answer: Any) -> str:
    return b"".join(answer).decode() if answer.streaming else str(answer.content.decode())


def test_a_file_without_a_bucket_makes_one_of_its_name(ann):
    answer = send(ann[1], csv_of(homes(3)), "Elk Grove.csv")

    job = Import.objects.get()
    assert (answer.status_code, answer.url) == (302, at(job, "change"))
    assert (job.bucket.name, job.bucket.owner, job.total, job.status) == ("Elk Grove", ann[0], 3, "uploaded")
    assert not Lead.objects.exists()


def test_a_file_for_a_bucket_goes_there(ann, bucket):
    assert f'value="{bucket.pk}" selected' in body(ann[1].get(ADD, {"bucket": str(bucket.pk)}))

    send(ann[1], csv_of(homes(1)), bucket=str(bucket.pk))

    assert [job.bucket for job in Import.objects.all()] == [bucket]
    assert Bucket.objects.get() == bucket


def test_the_same_press_is_one_import_and_another_file_is_another(ann):
    once = str(uuid7())

    first, again, other = (
        send(ann[1], csv_of(homes(3)), once=once),
        send(ann[1], csv_of(homes(3)), once=once),
        send(ann[1], csv_of(homes(2)), once=once),
    )

    assert first.url == again.url != other.url
    assert sorted(Import.objects.values_list("total", flat=True)) == [2, 3]
    assert Bucket.objects.count() == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "It is empty."),
        (b"PK\x03\x04abc", "It is an Excel workbook or a ZIP archive: save it as CSV first."),
        (csv_of([]), "It has the names of columns and no row below them."),
        (csv_of(homes(2)) + b'"never closed', "a quote is opened there that is never closed"),
    ],
)
def test_a_bad_file_is_told_and_nothing_is_kept(ann, content, said):
    answer = send(ann[1], content)

    assert answer.status_code == 200
    assert said in " ".join(answer.context["form"].errors["file"])
    assert not Bucket.objects.exists()
    assert not Import.objects.exists()
    assert not ImportPiece.objects.exists()


def test_no_file_is_told(ann):
    answer = ann[1].post(ADD, {"once": str(uuid7()), "bucket": "", "name": "x"})

    assert answer.context["form"].errors["file"] == ["Choose a file."]
    assert not Bucket.objects.exists()


def test_a_file_too_large_is_told_in_words(ann, settings):
    settings.IMPORT_BYTES_MAX = 1024 * 1024

    answer = ann[1].post(
        ADD, b"x" * (1024 * 1024 + 1), content_type="multipart/form-data; boundary=b", HTTP_ACCEPT="text/html"
    )

    assert answer.status_code == 413
    assert "At most 1.0\xa0MB are taken." in body(answer)


def test_a_file_larger_than_other_requests_is_taken_there_and_nowhere_else(ann, settings):
    settings.REQUEST_BYTES_MAX = 2000
    content = csv_of(homes(200))

    assert send(ann[1], content).status_code == 302
    assert ann[1].post(at(Import.objects.get(), "start"), {"text": "x" * 4000}).status_code == 413
    assert Import.objects.get().status == "uploaded"


def test_a_file_is_taken_from_nobody_who_is_not_signed_in_or_has_no_token(ann):
    assert "/login/" in send(Client(), csv_of(homes(1))).url

    careful = Client(enforce_csrf_checks=True)
    careful.force_login(ann[0])
    assert send(careful, csv_of(homes(1))).status_code == 403
    assert not Import.objects.exists()


def test_the_guessed_columns_are_chosen_and_the_rows_are_shown_as_they_will_be(ann, bucket):
    sees_contacts(ann[0])
    job = uploaded(bucket, csv_of([*homes(2), *BAD]))

    page = ann[1].get(at(job, "change"))

    assert page.context["form"]["column_address"].value() == "0"
    assert "Import 2 rows" in body(page)
    assert page.context["heads"] == [
        "Address", "City", "State", "ZIP", "Owner's name", "First name", "Last name", "Phone",
    ]  # fmt: skip
    row = ["1 Main St", "Elk Grove", "CA", "95757", "Ann Lee", "Ann", "Lee", "+19165550123"]
    assert page.context["rows"][0] == (2, row)
    assert any("The address has no house number" in warning for warning in page.context["preview"].warnings)


def test_another_column_and_a_value_for_every_row_are_kept_and_shown(ann, bucket):
    sees_contacts(ann[0])
    job = uploaded(bucket, csv_of(homes(2)))

    said = columns(job, column_ownerName="", column_county="same", same_county="Sacramento", column_email="same")
    piece = ann[1].post(at(job, "preview"), said)

    assert piece.context["rows"][0][1] == ["Sacramento", "1 Main St", "Elk Grove", "CA", "95757", "+19165550123"]
    job.refresh_from_db()
    assert job.constants == {"county": "Sacramento"}
    assert "ownerName" not in job.mapping
    assert ann[1].get(at(job, "change")).context["form"]["column_county"].value() == "same"


@pytest.mark.long
def test_the_header_row_is_said_on_the_page_and_the_columns_are_read_again(ann, bucket):
    content = b"Foo,Bar\nx,y\nStreet address,Zip\n1 A St,02134\n"
    send(ann[1], content, bucket=str(bucket.pk), header_row="1")
    job = Import.objects.get()
    assert (job.header_row, ann[1].get(at(job, "change")).context["form"]["header_row"].value()) == (1, 1)

    piece = ann[1].post(at(job, "preview"), columns(job, header_row="3", update="on"))
    assert piece.headers["HX-Refresh"] == "true"
    job.refresh_from_db()
    assert (job.header_row, job.update, job.mapping) == (3, True, {"address": 0, "zip": 1})

    assert "Row 9 is empty" in body(ann[1].post(at(job, "preview"), columns(job, header_row="9")))
    again = ann[1].post(at(job, "start"), columns(job, header_row="1"))
    job.refresh_from_db()
    assert (again.status_code, job.status, job.header_row) == (302, "uploaded", 1)
    assert "Row 9 is empty" in body(send(ann[1], content, bucket=str(bucket.pk), header_row="9"))


def test_update_is_a_choice_on_the_page_and_its_progress_tells_of_it(ann, bucket):
    imported(bucket, csv_of(homes(1)))
    job = uploaded(bucket, csv_of([["1 Main St", "Elk Grove", "CA", "95757", "Bob Roe", "916-555-0123"]]))
    assert "1 row is there already: choose Update to change them." in body(ann[1].get(at(job, "change")))

    ann[1].post(at(job, "start"), columns(job, update="on"))

    job = work(job)
    assert (job.updated, Lead.objects.get().owner_name) == (1, "Bob Roe")
    assert "(1 updated)" in body(ann[1].get(at(job, "progress")))
    assert "is changed back where it is still" in body(ann[1].get(at(job, "undo")))


def test_columns_that_name_no_property_offer_no_import(ann, bucket):
    job = uploaded(bucket, csv_of(homes(1)))

    piece = ann[1].post(at(job, "preview"), columns(job, column_address=""))
    assert "nothing else names a property" in body(piece)
    assert "Import 1 row" not in body(piece)
    page = ann[1].post(at(job, "start"), columns(job, column_address=""))
    assert "nothing else names a property" in body(page)
    wrong = ann[1].post(at(job, "preview"), columns(job, column_address="77"))
    assert "Address: " in body(wrong)

    job.refresh_from_db()
    assert (job.status, job.mapping["address"]) == ("uploaded", 0)


def test_pressed_twice_it_is_one_import_whose_totals_add_up(ann, bucket):
    job = uploaded(bucket, csv_of([*homes(3), *homes(1), *BAD]))
    said = columns(job, column_phone="")

    ann[1].post(at(job, "start"), said)
    again = ann[1].post(at(job, "start"), said)
    assert words(again) == ["This import has already started."]
    assert "every 2s" in body(ann[1].get(at(job, "progress")))
    work(job)

    assert (job.status, totals(job)) == ("completed", (6, 3, 1, 1, 1))
    assert Lead.objects.filter(bucket=bucket, phone__isnull=True).count() == 3
    page = body(ann[1].get(at(job, "change")))
    assert "every 2s" not in page
    assert f"/admin/leads/lead/?bucket={bucket.pk}" in page
    assert words(ann[1].post(at(job, "start"), said)) != []
    assert "columns can no longer be changed" in body(ann[1].post(at(job, "preview"), said))


def test_the_failed_rows_are_a_csv(ann, bucket):
    sees_contacts(ann[0])
    job = imported(bucket, csv_of([*homes(1), *BAD]))

    answer = ann[1].get(at(job, "failed"))

    rows = list(csv.DictReader(io.StringIO(body(answer))))
    assert answer["Content-Disposition"] == 'attachment; filename="failed-rows.csv"'
    assert [(row["Line"], row["Reason"], row["Owner"]) for row in rows] == [
        ("3", "The address has no house number", "Bob")
    ]


def test_a_failed_import_goes_on(ann, bucket):
    job = uploaded(bucket, csv_of(homes(2)))
    Import.objects.filter(pk=job.pk).update(status="failed", error="5 workers died over the same rows")
    assert "5 workers died over the same rows" in body(ann[1].get(at(job, "change")))

    ann[1].post(at(job, "start"))

    assert work(job).new == 2


@pytest.mark.long
def test_undoing_asks_first_and_says_what_was_kept(ann, bucket):
    job = imported(bucket, csv_of(homes(3)))
    add_activity(lead=Lead.objects.earliest("pk"), by=ann[0], kind="note", text="Called")

    asked = ann[1].get(at(job, "undo"))
    assert "3 so far" in body(asked)
    job.refresh_from_db()
    assert job.status == "completed"

    ann[1].post(at(job, "undo"), {"confirmed": "Undo the import"})
    again = ann[1].post(at(job, "undo"), {"confirmed": "Undo the import"})
    assert words(again) == ["This import is undone already."]
    work(job)
    assert (job.status, job.removed, job.kept) == ("undone", 2, {"worked": 1})
    page = body(ann[1].get(at(job, "change")))
    assert "2 of the 3 leads it added were deleted; kept:" in page
    assert "1, because somebody has worked on them" in page


def test_an_upload_is_discarded(ann, bucket):
    job = uploaded(bucket, csv_of(homes(3)))

    assert "Nothing was saved from this file yet." in body(ann[1].get(at(job, "undo")))
    ann[1].post(at(job, "undo"), {"confirmed": "Discard the file"})

    work(job)
    assert (job.status, Lead.objects.count(), ImportPiece.objects.count()) == ("undone", 0, 0)


@pytest.mark.long
def test_others_imports_and_buckets_are_not_there(ann, bucket):
    job = imported(bucket, csv_of([*homes(1), *BAD]))
    waiting = uploaded(bucket, csv_of(homes(1)), "waiting.csv")
    bob = staff("bob")[1]

    for mine in (job, waiting):
        for what in ("change", "progress", "failed", "undo"):
            assert bob.get(at(mine, what)).status_code == 404
        for what in ("preview", "start", "undo"):
            assert bob.post(at(mine, what), columns(waiting, confirmed="yes")).status_code == 404
    assert ann[1].get("/admin/buckets/import/no-id/change/").status_code == 404
    refused = send(bob, csv_of(homes(1)), bucket=str(bucket.pk))
    assert refused.context["form"].errors["bucket"] == ["Choose one of your team’s buckets."]

    assert "list.csv" not in body(bob.get(ADD)) + body(bob.get(address(Import, "changelist")))
    assert "list.csv" in body(ann[1].get(address(Import, "changelist")))
    assert "list.csv" in body(superuser()[1].get(address(Import, "changelist"), {"team": "all"}))
    assert set(Import.objects.values_list("status", flat=True)) == {"completed", "uploaded"}
    assert Lead.objects.count() == 1


def test_another_may_not_take_ones_press(ann):
    once = str(uuid7())
    bob, his = staff("bob")
    send(his, csv_of(homes(1)), once=once)

    refused = send(ann[1], csv_of(homes(1)), once=once)

    assert refused.status_code == 200
    assert [job.bucket.owner for job in Import.objects.all()] == [bob]
    assert not Bucket.objects.filter(owner=ann[0]).exists()


def test_the_bucket_page_leads_there(ann, bucket):
    link = f"{ADD}?bucket={bucket.pk}"

    assert link in body(ann[1].get(address(Bucket, "change", bucket.pk)))
    assert link not in body(superuser()[1].get(address(Bucket, "change", bucket.pk)))


def test_an_import_that_was_undone_has_no_button_left(ann, bucket):
    job = undone(imported(bucket, csv_of(homes(2))))

    page = body(signed_in(ann[0]).get(at(job, "change")))
    assert "import-undo" not in page
    assert "none was kept" in page


@pytest.mark.long
def test_who_is_shown_a_files_rows_is_recorded_and_others_see_them_masked(ann):
    send(ann[1], b"Address,Zip,Notes\n1 Main St,95757,cell 206-555-0177\n")
    job = Import.objects.get()

    hidden = body(ann[1].get(at(job, "change")))
    assert ("cell •••• 0177" in hidden, "555-0177" in hidden) == (True, False)
    assert contacts_told() == []

    sees_contacts(ann[0])
    for answer in (ann[1].get(at(job, "change")), ann[1].post(at(job, "preview"), columns(job))):
        assert "cell 206-555-0177" in body(answer)
    assert contacts_told() == [("ann", "contacts.shown", "admin", 1)] * 2
