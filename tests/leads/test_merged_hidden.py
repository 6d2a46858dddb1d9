"""A lead that is merged into another is nowhere but on that other's page; separating by page, API and command."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.access import own_access
from enrichment.options import RunOptions
from enrichment.quoting.quotes import quote
from enrichment.services import RunError, enrich_leads, start_run
from integrations.models import PropertyName
from leads.merging.services import merge_bucket
from leads.models import Activity, Lead
from leads.selection.search import sought
from leads.selectors import callbacks_due
from leads.services import add_activity
from tests.admin_site import address, staff
from tests.api.client import Api, body_of, refused
from tests.command_line import run
from tests.leads.test_merging import APN, HOUSE, a_bucket, add
from tests.support import make_user

pytestmark = pytest.mark.django_db


def merged(by: Any) -> tuple[Lead, Lead]:
    """The lead that is shown and the one that is hidden."""
    bucket = a_bucket(by)
    add(bucket, **APN, owner_name="Ann Doe")
    younger = add(bucket, property_id="address:12 MAIN ST|98101", **APN, **HOUSE, owner_name="Bob Roe")
    add_activity(lead=younger, by=by, kind="callback", due_at=timezone.now() + timedelta(days=1))
    assert merge_bucket(bucket.pk) == 1
    bucket.refresh_from_db()
    return Lead.objects.get(), Lead.every.get(pk=younger.pk)


def test_it_is_in_no_run_quote_list_search_export_count_or_callback_list():
    ann = make_user()
    older, younger = merged(ann)
    bucket, api = older.bucket, Api(ann)

    listed = body_of(api.get(f"/api/property/bucket/leads?bucketId={bucket.pk}"))["leads"]
    assert [lead["id"] for lead in listed] == [str(older.pk)]
    refused(api.get(f"/api/leads/{younger.pk}"), 404)
    assert [c["leadId"] for c in body_of(api.get("/api/callbacks"))["callbacks"]] == [str(older.pk)]
    found = Lead.objects.seen_by(own_access(ann)).filter(sought("12 main", by=own_access(ann), contacts=True).matches)
    assert [lead.pk for lead in found] == [older.pk]
    Lead.every.update(callback_at=timezone.now() - timedelta(days=1))
    assert [need.title for need in callbacks_due(own_access(ann), timezone.now())] == ["1 callback due"]
    assert bucket.leads.count() == 1
    assert quote(by=ann, bucket=bucket, options=RunOptions()).leads == 1
    started, _ = start_run(bucket=bucket, by=ann, options=RunOptions())
    assert list(started.items.values_list("lead", flat=True)) == [older.pk]
    with pytest.raises(RunError, match="1 of these leads do not exist"):
        enrich_leads(by=ann, options=RunOptions(lead_ids=[younger.pk]))


@pytest.mark.long
def test_the_page_says_what_is_merged_and_separates_it():
    ann, client = staff("ann")
    older, younger = merged(ann)
    page = client.get(address(Lead, "change", older.pk)).content.decode()

    assert "Merged leads" in page and "Same parcel number in the same county" in page and "Bob Roe" in page
    moved = client.get(address(Lead, "change", younger.pk))
    assert (moved.status_code, moved["Location"]) == (302, address(Lead, "change", older.pk))

    for words in ("is a lead of its own again", "These leads were already separated."):
        answer = client.post(address(Lead, "change", older.pk), {"do": "separate", "lead": younger.pk}, follow=True)
        assert words in answer.content.decode()
    assert Lead.objects.count() == 2
    assert "Merged leads" not in client.get(address(Lead, "change", older.pk)).content.decode()


@pytest.mark.long
def test_what_was_typed_on_the_page_of_a_lead_before_it_was_merged_is_saved_with_the_one():
    ann, client = staff("ann")
    older, younger = merged(ann)
    page = address(Lead, "change", younger.pk)

    note = {"do": "work", "status": "qualified", "was": "new", "seen": "0", "kind": "note", "text": "Sells in May"}
    said = client.post(page, note, follow=True)

    assert "Activity saved." in said.content.decode()
    assert said.redirect_chain[-1][0] == address(Lead, "change", older.pk)
    assert Activity.objects.filter(lead=older, text="Sells in May").count() == 1
    assert (Lead.objects.get().status, Lead.every.get(pk=younger.pk).status) == ("qualified", "new")
    assert staff("eve")[1].post(page, note).status_code == 404


def test_nobody_separates_another_users_leads():
    older, younger = merged(make_user("bob"))
    bucket = older.bucket
    api = Api(make_user("ann"))

    for one in (older, younger):
        refused(api.post(f"/api/leads/{one.pk}/separate", {}), 404)
    assert bucket.leads.count() == 1


def test_the_api_says_what_is_merged_and_separates_it():
    ann = make_user()
    older, younger = merged(ann)
    api = Api(ann)

    (told,) = body_of(api.get(f"/api/leads/{older.pk}/merged"))["merged"]
    assert (told["leadId"], told["why"], told["ownerName"]) == (str(younger.pk), "apn", "Bob Roe")
    assert [a["kind"] for a in body_of(api.get(f"/api/leads/{older.pk}/activities"))["activities"]] == ["callback"]
    refused(api.post(f"/api/leads/{older.pk}/separate", {"leadId": str(older.pk)}), 404, "leadId")
    assert body_of(api.post(f"/api/leads/{older.pk}/separate", {}))["leadIds"] == [str(younger.pk)]
    assert refused(api.post(f"/api/leads/{older.pk}/separate", {}), 409) == "No lead is merged into this one."


def test_the_command_separates_by_either_id():
    ann = make_user()
    _, younger = merged(ann)

    assert run("separate_leads", younger.pk, "--json").json == {"leadIds": [str(younger.pk)]}
    assert "No lead is merged into this one." in run("separate_leads", younger.pk).err


def test_the_page_of_what_a_combination_leaves_out_shows_it_and_what_it_may_be():
    ann, client = staff("ann")
    api = Api(ann)
    a, c = a_bucket(ann, "A"), a_bucket(ann, "C")
    ours, theirs = add(a, **HOUSE), add(c, **APN)
    PropertyName.objects.all().delete()
    ours.names.update(loose=4)
    theirs.names.update(loose=4)
    place = f"{reverse('admin:buckets_bucket_left_out')}?allOf={a.pk}&noneOf={c.pk}"

    page = client.get(place).content.decode()

    assert "12 Main St" in page and str(address(Lead, "change", theirs.pk)) in page
    (row,) = body_of(api.get(f"/api/property/bucket/left-out?allOf={a.pk}&noneOf={c.pk}"))["leads"]
    assert (row["lead"]["leadId"], [one["leadId"] for one in row["maybe"]]) == (str(ours.pk), [str(theirs.pk)])
    assert client.get(f"{reverse('admin:buckets_bucket_left_out')}?allOf={a.pk}&noneOf={ours.pk}").status_code == 302
    for wrong in ("x", f"{a.pk},"):
        refused(api.get(f"/api/property/bucket/left-out?allOf={a.pk}&noneOf={wrong}"), 400, "noneOf")
