import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEvent
from buckets.filling.fills import start_fill
from buckets.models import Bucket, Fill
from buckets.services import create_bucket
from leads.models import Lead
from tests.admin_site import act, address, boxes, sees_contacts, staff, superuser, words
from tests.support import contacts_told

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> Any:
    return staff("ann")


@pytest.fixture
def bob() -> Any:
    return staff("bob")


def bucket_of(user: Any, name: str = "Leads", ids: tuple[str, ...] = ("11", "12")) -> Bucket:
    bucket, _ = create_bucket(by=user, name=name, property_ids=ids)
    bucket.refresh_from_db()
    return bucket


def test_staff_see_their_own_buckets_and_searches_only(ann, bob):
    mine, theirs = bucket_of(ann[0], "Mine"), bucket_of(bob[0], "Theirs")
    mine_fill, theirs_fill = (
        start_fill(bucket=mine, criteria={"zip": "1"}),
        start_fill(bucket=theirs, criteria={"zip": "2"}),
    )

    for model, own, other in ((Bucket, mine, theirs), (Fill, mine_fill, theirs_fill)):
        page = ann[1].get(address(model, "changelist")).content.decode()
        assert ("Mine" in page, "Theirs" in page) == (True, False)
        assert ann[1].get(address(model, "change", own.pk)).status_code == 200
        gone = ann[1].get(address(model, "change", other.pk))
        assert (gone.status_code, gone.url) == (302, "/admin/")
    assert "Theirs" in superuser()[1].get(address(Bucket, "changelist"), {"team": "all"}).content.decode()


def test_a_bucket_is_renamed_and_its_counters_stay_as_they_are_by_then(ann):
    bucket = bucket_of(ann[0])
    page = ann[1].get(address(Bucket, "change", bucket.pk))
    Bucket.objects.filter(pk=bucket.pk).update(contacted_leads=1)  # meanwhile

    saved = ann[1].post(
        address(Bucket, "change", bucket.pk), {"name": "Renamed", "description": "", "total_leads": "99", "owner": "1"}
    )

    assert page.status_code == 200
    assert saved.status_code == 302
    bucket.refresh_from_db()
    assert (bucket.name, bucket.total_leads, bucket.contacted_leads, bucket.owner) == ("Renamed", 2, 1, ann[0])


def test_what_another_tab_has_saved_stays_where_a_page_of_before_changes_something_else(ann):
    bucket = bucket_of(ann[0])
    place = address(Bucket, "change", bucket.pk)
    first, second = boxes(ann[1].get(place)), boxes(ann[1].get(place))

    ann[1].post(place, first | {"name": "Renamed"})
    ann[1].post(place, second | {"description": "Probate, spring"})

    bucket.refresh_from_db()
    assert (bucket.name, bucket.description) == ("Renamed", "Probate, spring")
    ann[1].post(place, boxes(ann[1].get(place)) | {"description": ""})
    bucket.refresh_from_db()
    assert bucket.description == ""


def test_a_bucket_of_somebody_else_cannot_be_renamed(ann, bob):
    theirs = bucket_of(bob[0], "Theirs")

    saved = ann[1].post(address(Bucket, "change", theirs.pk), {"name": "Mine now", "description": ""})

    theirs.refresh_from_db()
    assert (saved.status_code, theirs.name) == (302, "Theirs")


def test_a_bucket_without_a_name_is_refused(ann):
    bucket = bucket_of(ann[0])

    page = ann[1].post(address(Bucket, "change", bucket.pk), {"name": "", "description": ""})

    bucket.refresh_from_db()
    assert (page.status_code, bucket.name) == (200, "Leads")
    assert "This field is required." in page.content.decode()


def test_export_is_a_csv_of_the_chosen_buckets_and_of_nobody_elses(ann, bob):
    mine, theirs = bucket_of(ann[0]), bucket_of(bob[0], ids=("21",))

    sees_contacts(ann[0])
    answer = act(ann[1], Bucket, "export", [mine, theirs])

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="leads-2')
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert [row["Property ID"] for row in rows] == ["11", "12"]


def export_page(bucket: Bucket) -> str:
    return reverse("admin:buckets_bucket_export", args=[bucket.pk])


def test_the_export_page_offers_purchased_leads_first_where_there_are_any(ann, bob):
    bucket, theirs = bucket_of(ann[0], "King County"), bucket_of(bob[0])
    assert ann[1].get(export_page(bucket)).status_code == 403
    sees_contacts(ann[0])
    assert ann[1].get(export_page(theirs)).status_code == 404
    assert [name for name, _ in ann[1].get(export_page(bucket)).context["form"].fields["rows"].choices] == [
        "all", "phone", "ready",
    ]  # fmt: skip
    Lead.objects.filter(bucket=bucket, property_id="12").update(enriched_at="2026-11-24T15:00:00Z", apn="0123")
    Bucket.objects.filter(pk=bucket.pk).update(detailed_leads=1)

    form = ann[1].get(export_page(bucket)).context["form"]

    assert form.fields["rows"].choices[:2] == [("bought", "Leads with purchased data (1)"), ("all", "All leads (2)")]
    assert form["rows"].initial == "bought"
    wishes = {"rows": "bought", "format": "csv", "preset": "chosen", "only": ["apn", "propertyId"]}
    file = ann[1].post(export_page(bucket), wishes)
    assert file["Content-Disposition"].startswith('attachment; filename="king-county-2')
    assert b"".join(file.streaming_content).decode() == "\ufeffAPN,Property ID\n0123,12\n"
    assert contacts_told() == [("ann", "export.taken", "admin", None), ("ann", "export.finished", "admin", 1)]
    assert set(AuditEvent.objects.filter(action="export.taken").values_list("kind", "object_id")) == {
        ("bucket", str(bucket.pk))
    }


def test_the_export_page_makes_a_workbook_and_refuses_what_it_does_not_offer(ann):
    bucket = bucket_of(ann[0])
    sees_contacts(ann[0])
    wishes = {"rows": "all", "format": "xlsx", "preset": "dialer"}

    file = ann[1].post(export_page(bucket), wishes)

    assert file["Content-Disposition"].endswith('.xlsx"')
    assert b"".join(file.streaming_content).startswith(b"PK")
    for name, value in (("rows", "bought"), ("format", "pdf"), ("preset", ""), ("preset", "chosen"), ("only", "x")):
        assert ann[1].post(export_page(bucket), {**wishes, name: value}).context["form"].errors
    assert len(contacts_told()) == 2


def test_chosen_buckets_and_leads_are_exported_as_a_workbook_too(ann):
    bucket = bucket_of(ann[0], "Kings")
    for model, row in ((Bucket, bucket), (Lead, bucket.leads.first())):
        assert act(ann[1], model, "export_xlsx", [row]).status_code == 403
    sees_contacts(ann[0])

    for model, row in ((Bucket, bucket), (Lead, bucket.leads.first())):
        file = act(ann[1], model, "export_xlsx", [row])
        assert file["Content-Disposition"].startswith('attachment; filename="kings-2')
        assert b"".join(file.streaming_content).startswith(b"PK")


def test_recounting_mends_a_counter_and_says_so(ann):
    bucket = bucket_of(ann[0])
    Bucket.objects.filter(pk=bucket.pk).update(total_leads=7)

    answer = act(ann[1], Bucket, "recount", [bucket])

    bucket.refresh_from_db()
    assert (bucket.total_leads, words(answer)) == (2, ["Leads: total_leads was 7, is 2"])


def test_deleting_asks_first(ann):
    bucket = bucket_of(ann[0])

    page = act(ann[1], Bucket, "delete", [bucket])

    assert "Leads: 2 leads" in page.content.decode()
    assert Bucket.objects.count() == 1


def test_a_confirmed_deletion_takes_the_leads_with_it(ann, bob):
    mine, theirs = bucket_of(ann[0], "Mine"), bucket_of(bob[0])

    answer = act(ann[1], Bucket, "delete", [mine, theirs], confirmed="yes")

    assert words(answer) == ["Deleted: Mine"]
    assert list(Bucket.objects.all()) == [theirs]
    assert set(Lead.objects.values_list("bucket", flat=True)) == {theirs.pk}


def test_deleting_loads_no_lead(ann):
    bucket = bucket_of(ann[0], ids=tuple(str(n) for n in range(1, 200)))

    with CaptureQueriesContext(connection) as seen:
        act(ann[1], Bucket, "delete", [bucket], confirmed="yes")

    assert not [q["sql"] for q in seen if q["sql"].startswith("SELECT") and 'FROM "leads_lead"' in q["sql"]]
    assert not Lead.objects.exists()


def test_the_built_in_deletion_is_not_there_even_for_superusers():
    boss, client = superuser()
    bucket = bucket_of(boss)

    assert "delete_selected" not in client.get(address(Bucket, "changelist")).content.decode()
    assert client.post(address(Bucket, "delete", bucket.pk), {"post": "yes"}).status_code == 403
    assert Bucket.objects.count() == 1


def test_buckets_are_not_made_here(ann):
    assert ann[1].get(address(Bucket, "add")).status_code == 403


def test_a_failed_search_goes_on_and_another_is_left_alone(ann):
    bucket = bucket_of(ann[0])
    failed, running = (start_fill(bucket=bucket, criteria={"zip": z}) for z in ("1", "2"))
    Fill.objects.filter(pk=failed.pk).update(status="failed", error="gone", attempts=8)

    answer = act(ann[1], Fill, "go_on", [failed, running])

    failed.refresh_from_db()
    assert (failed.status, failed.attempts, words(answer)) == ("queued", 0, ["Resumed: Leads"])
    assert words(act(ann[1], Fill, "go_on", [running])) == ["None of these sources has failed."]
