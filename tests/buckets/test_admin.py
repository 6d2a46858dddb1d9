import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from buckets.filling.fills import start_fill
from buckets.models import Bucket, Fill
from buckets.services import create_bucket
from leads.models import Lead
from tests.admin_site import act, address, sees_contacts, staff, superuser, words

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
    assert "Theirs" in superuser()[1].get(address(Bucket, "changelist")).content.decode()


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
    assert answer["Content-Disposition"].startswith('attachment; filename="leads-')
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [row["Property ID"] for row in rows] == ["11", "12"]


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
