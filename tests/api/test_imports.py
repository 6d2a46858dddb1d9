"""A file of one's own over the API: uploaded, its columns said, started, followed, its failed rows fetched, undone."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from buckets.imports import services
from buckets.models import Bucket, Import, ImportPiece
from buckets.services import create_bucket
from leads.models import Lead
from tests.api.client import Api, body_of, refused
from tests.support import contacts_told

pytestmark = pytest.mark.django_db(transaction=True)

LIST = (
    "Site Addr;Stadt;ST;PLZ;Owner\r\n"
    "1 Main St;Elk Grove;CA;95757;=Müller\r\n"
    "1 MAIN STREET;Elk Grove;CA;95757;Müller\r\n"
    "Main St;Elk Grove;CA;95757;=Müller\r\n"
    ";;;;\r\n"
).encode("cp1252")


@pytest.fixture
def bucket(ann) -> Bucket:
    return create_bucket(by=ann, name="My list")[0]


def work() -> None:
    """What a worker does at its bell."""
    for import_id in services.open_imports():
        while services.continue_import(import_id):
            pass


def test_from_upload_to_undo(api, bucket):
    path = f"/api/property/bucket/{bucket.pk}/import"

    seen = body_of(api.upload(path, LIST, "Liste März.csv"), 201)
    job = seen["import"]
    assert (job["fileName"], job["encoding"], job["delimiter"], job["total"], job["status"]) == (
        "Liste März.csv", "cp1252", ";", 4, "uploaded",
    )  # fmt: skip
    assert job["mapping"] == {"address": 0, "ownerName": 4}  # ST may be the owner's
    assert seen["columns"][3] == {"index": 3, "name": "PLZ", "examples": ["95757"] * 3}
    assert (seen["preview"]["usable"], seen["preview"]["failed"], seen["preview"]["skipped"]) == (0, 3, 1)
    one = f"{path}/{job['id']}"

    mapping = {"address": "Site Addr", "zip": "plz", "ownerName": 4}
    seen = body_of(api.patch(one, {"mapping": mapping, "constants": {"city": "Elk Grove", "state": "CA"}}))
    assert seen["import"]["mapping"] == {"address": 0, "zip": 3, "ownerName": 4}
    assert (seen["preview"]["rows"], seen["preview"]["usable"], seen["preview"]["failed"]) == (4, 2, 1)
    assert seen["preview"]["first"][0] == {
        "line": 2,
        "propertyId": "address:1 MAIN ST@95757",
        "facts": {
            "property_address": "1 Main St", "property_city": "Elk Grove", "property_state": "CA",
            "property_zip": "95757", "owner_name": "=Müller",
        },
    }  # fmt: skip
    assert seen["preview"]["warnings"][0] == "Not used: Stadt, ST."
    assert Lead.objects.count() == 0

    assert body_of(api.post(f"{one}/start"), 202)["import"]["status"] == "queued"
    assert refused(api.post(f"{one}/start"), 409) == "This import has already started."
    refused(api.patch(one, {"mapping": mapping}), 409)
    work()
    job = body_of(api.get(one))["import"]
    assert {name: job[name] for name in ("status", "read", "new", "alreadyThere", "skipped", "failed")} == {
        "status": "completed", "read": 4, "new": 1, "alreadyThere": 1, "skipped": 1, "failed": 1,
    }  # fmt: skip
    assert body_of(api.get(path))["imports"] == [job]

    failed = api.get(f"{one}/failed")
    assert (failed.status_code, failed.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert b"".join(failed).decode() == (
        "Line,Reason,Site Addr,Stadt,ST,PLZ,Owner\n"
        "4,The address has no house number,Main St,Elk Grove,CA,95757,'=Müller\n"
    )

    assert body_of(api.post(f"{one}/undo"), 202)["import"]["status"] == "undoing"
    work()
    job = body_of(api.get(one))["import"]
    assert (job["status"], job["removed"], job["kept"], Lead.objects.count()) == ("undone", 1, {}, 0)
    refused(api.post(f"{one}/undo"), 409)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"Address,Zip\n", "no row below"),
        (b"PK\x03\x04workbook", "Excel"),
        (b"1,2\n3,4\n", "names of its columns"),
        (b'Address,Zip\n1 A St,"95757\n', "never closed"),
    ],
)
def test_a_file_that_is_no_table_is_refused_by_field_and_leaves_nothing(api, bucket, content, words):
    assert words in refused(api.upload(f"/api/property/bucket/{bucket.pk}/import", content), 400, "file")
    assert [Import.objects.count(), ImportPiece.objects.count()] == [0, 0]


def test_a_form_without_a_file_or_no_form_at_all_is_refused(api, bucket):
    path = f"/api/property/bucket/{bucket.pk}/import"

    refused(api.client.post(path, {"datei": "x"}, headers=api.headers), 400, "datei")
    refused(api.client.post(path, {}, headers=api.headers), 400, "file")
    refused(api.client.post(path, {"file": "x"}, headers=api.headers), 400, "file")
    assert api.post(path, {"file": "x"}).status_code == 415
    broken = api.client.generic("POST", path, b"--x", content_type="multipart/form-data", headers=api.headers)
    assert broken.status_code == 400
    assert Import.objects.count() == 0


def test_the_header_row_and_update_are_said_with_the_file_or_later(api, bucket):
    path = f"/api/property/bucket/{bucket.pk}/import"
    report = b"Foo,Bar\nrun on 11/29/2026,\nStreet address,Zip\n1 A St,02134\n"
    more = {"headerRow": "1", "update": "true"}
    file = SimpleUploadedFile("list.csv", report)

    job = body_of(api.client.post(path, {"file": file, **more}, headers=api.headers), 201)["import"]
    assert (job["headerRow"], job["update"], job["columns"], job["total"]) == (1, True, ["Foo", "Bar"], 3)
    one = f"{path}/{job['id']}"

    seen = body_of(api.patch(one, {"headerRow": 3, "update": False}))
    assert {name: seen["import"][name] for name in ("headerRow", "update", "total", "mapping")} == {
        "headerRow": 3, "update": False, "total": 1, "mapping": {"address": 0, "zip": 1},
    }  # fmt: skip
    assert [row["line"] for row in seen["preview"]["first"]] == [4]

    for row in (0, 4, 9, 101, "x", None, 1.5):
        refused(api.patch(one, {"headerRow": row}), 400, "headerRow")
    refused(api.patch(one, {"headerRow": 1, "mapping": {"address": "Street address"}}), 400, "mapping.address")
    assert body_of(api.get(one))["import"]["headerRow"] == 3
    for row in ("0", "9", "x"):
        file = SimpleUploadedFile("list.csv", report)
        refused(api.client.post(path, {"file": file, "headerRow": row}, headers=api.headers), 400, "headerRow")
    assert Import.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "mapping"),
        ({"mapping": []}, "mapping"),
        ({"mapping": {}}, "mapping"),
        ({"mapping": {"city": 0}}, "mapping"),
        ({"mapping": {"address": 99}}, "mapping.address"),
        ({"mapping": {"address": "Nope"}}, "mapping.address"),
        ({"mapping": {"adress": 0}}, "mapping.adress"),
        ({"mapping": {"address": 0}, "constants": {"apn": "1"}}, "constants.apn"),
        ({"mapping": {"address": 0}, "constants": {"state": "x" * 300}}, "constants.state"),
        ({"mapping": {"address": 0}, "constant": {}}, "constant"),
    ],
)
def test_columns_that_cannot_be_meant_are_refused_by_field(api, bucket, body, field):
    path = f"/api/property/bucket/{bucket.pk}/import"
    one = f"{path}/{body_of(api.upload(path, LIST), 201)['import']['id']}"
    before = Import.objects.values().get()

    refused(api.patch(one, body), 400, field)

    assert Import.objects.values().get() == before


def test_a_file_without_a_usable_column_is_kept_but_not_started(api, bucket):
    path = f"/api/property/bucket/{bucket.pk}/import"
    seen = body_of(api.upload(path, b"Foo,Bar\na,b\n"), 201)

    assert (seen["import"]["mapping"], seen["preview"]) == ({}, None)
    refused(api.post(f"{path}/{seen['import']['id']}/start"), 400, "mapping")
    assert Import.objects.get().status == "uploaded"


def test_an_import_is_found_in_its_own_bucket_only(api, ann, bucket, bob):
    path = f"/api/property/bucket/{bucket.pk}/import"
    one = body_of(api.upload(path, LIST), 201)["import"]["id"]
    other, _ = create_bucket(by=ann, name="Other")
    bobs, _ = create_bucket(by=bob, name="Bob's")

    refused(api.get(f"/api/property/bucket/{other.pk}/import/{one}"), 404)
    refused(Api(bob).get(f"{path}/{one}"), 404)
    refused(Api(bob).get(f"/api/property/bucket/{bobs.pk}/import/{one}"), 404)
    refused(Api(bob).upload(path, LIST), 404)
    assert Import.objects.count() == 1


def test_a_file_may_be_larger_than_a_body_and_only_here(api, bucket, settings):
    settings.REQUEST_BYTES_MAX, settings.IMPORT_BYTES_MAX = 500, 5_000
    path = f"/api/property/bucket/{bucket.pk}/import"

    assert api.upload(path, LIST + b"2 Main St;;;95757;\r\n" * 100).status_code == 201
    refused(api.upload(path, LIST + b"2 Main St;;;95757;\r\n" * 1000), 413)
    refused(api.upload(f"/api/property/bucket/{bucket.pk}/ids", LIST * 20), 413)


def test_an_import_makes_its_own_bucket(api, ann):
    def send(content: bytes, **fields: str):
        file = SimpleUploadedFile("King County.csv", content, "text/csv")
        return api.client.post("/api/property/bucket/import", {"file": file, **fields}, headers=api.headers)

    made = body_of(send(b"Address,Zip\n1 Main St,95757\n", name="Mine"), 201)
    named = body_of(send(b"Address,Zip\n1 Main St,95757\n"), 201)

    assert (made["bucket"]["name"], named["bucket"]["name"]) == ("Mine", "King County")
    assert (made["import"]["status"], made["preview"]["usable"]) == ("uploaded", 1)
    path = f"/api/property/bucket/{made['bucket']['id']}/import/{made['import']['id']}"
    body_of(api.post(f"{path}/start"), 202)
    work()
    assert body_of(api.get(path))["import"]["new"] == 1
    assert Bucket.objects.get(name="Mine").total_leads == 1

    refused(send(b"", name="x"), 400, "file")
    refused(send(b"1,2\n3,4\n", name="x"), 400, "file")
    refused(send(b"Address,Zip\n1 Main St,95757\n", name="x" * 201), 400, "name")
    refused(send(b"Address,Zip\n1 Main St,95757\n", bucket="x"), 400, "bucket")
    assert Bucket.objects.filter(owner=ann).count() == 2


def test_a_file_may_be_larger_than_other_bodies_wherever_one_is_taken(api, bucket, settings):
    settings.REQUEST_BYTES_MAX = 20

    body_of(api.upload("/api/property/bucket/import", LIST), 201)
    body_of(api.upload(f"/api/property/bucket/{bucket.pk}/import", LIST), 201)
    refused(api.upload("/api/property/bucket/importx", LIST), 413, "body")


def test_who_is_shown_a_files_rows_is_recorded_and_who_may_not_see_contacts_sees_none(api, ann, bucket):
    path = f"/api/property/bucket/{bucket.pk}/import"
    content = b"Address,Zip,Alt\n1 Main St,95757,cell 206-555-0177\n"

    one = f"{path}/{body_of(api.upload(path, content), 201)['import']['id']}"
    for answer in (api.get(one), api.patch(one, {"keepOtherColumns": True})):
        assert b"206-555-0177" in answer.content

    assert contacts_told() == [("ann", "contacts.shown", "api", 1)] * 3
    ann.memberships.update(is_masked=True)
    masked = api.get(one).content
    assert b"555-0177" not in masked and b"5550177" not in masked
    assert len(contacts_told()) == 3
