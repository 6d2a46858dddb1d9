"""One search over leads, owners, buckets, jobs and campaigns: as people type, and only what each may see."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.access import access_of
from accounts.models import Role
from buckets.services import create_bucket
from campaigns.models import Campaign
from enrichment.models import Run
from leads.keys import contact_keys
from leads.models import Lead
from operations.search.finding import find
from tests.admin_site import member, sees_contacts, staff
from tests.api.client import Api, body_of, refused
from tests.leads.samples import make_leads
from tests.support import make_user

pytestmark = pytest.mark.django_db
HOUSE = {
    "property_address": "1204 N Elm St", "property_city": "Coeur d'Alene", "property_state": "ID",
    "property_zip": "83814", "apn": "0012-003-04", "owner_name": "Maria O'Brien-García", "first_name": "Maria",
    "last_name": "O'Brien-García", "phone": "+12085550143", "email": "maria@example.com",
}  # fmt: skip
OTHER = {
    "property_address": "9 Oak Ave", "property_city": "Boise", "property_state": "ID", "property_zip": "83702",
    "apn": "R77", "owner_name": "Oak Holdings LLC",
}  # fmt: skip


@pytest.fixture
def ann(db: Any) -> Any:
    user = make_user("ann")
    _, (house, other) = make_leads(2, by=user, name="North Idaho")
    Lead.objects.filter(pk=house.pk).update(**HOUSE)
    Lead.objects.filter(pk=other.pk).update(**OTHER)
    return user


# as people type: case, ZIP, APN with and without dashes, the owner's name either way round, phones as written
TYPED = [
    "1204 n elm", "1204 N ELM ST", "1204 North Elm Street", "elm st coeur d'alene", "coeur dalene", "83814",
    "83814-1234", "0012-003-04", "001200304", "0012 003 04", "apn 0012-003-04", "APN: 001200304",
    "maria obrien garcia", "O'Brien-Garcia, Maria", "OBRIEN-GARCÍA MARIA", "garcia", "Garci",
]  # fmt: skip
CONTACTS = [
    "(208) 555-0143", "208-555-0143", "2085550143", "+1 208 555 0143", "208.555.0143", "555-0143", "0143",
    "MARIA@EXAMPLE.COM", "maria@",
]  # fmt: skip


@pytest.mark.parametrize("text", [*TYPED, *CONTACTS])
def test_a_lead_is_found_as_people_type(ann, text):
    found = find(access_of(ann), text)
    assert [one.property_address for one in found.leads] == [HOUSE["property_address"]], text


def test_an_owner_is_told_with_how_many_leads_and_a_street_is_no_owner(ann):
    _, more = make_leads(2, by=ann, name="Second", first=10)
    Lead.objects.filter(pk__in=[one.pk for one in more]).update(owner_name="MARIA OBRIEN GARCIA")
    (owner, *rest) = find(access_of(ann), "Garcia, Maria").owners
    assert (owner.leads + sum(one.leads for one in rest), owner.lead.owner_name is not None) == (3, True)
    assert find(access_of(ann), "1204").owners == []
    assert [one.name for one in find(access_of(ann), "oak").owners] == ["Oak Holdings LLC"]


def test_buckets_jobs_and_campaigns_are_found_by_name_or_id(ann):
    bucket = Lead.objects.order_by("pk")[0].bucket
    run = Run.objects.create(bucket=bucket, bucket_name=bucket.name, owner=ann, total=1)
    Campaign.objects.create(owner=ann, name="Idaho spring", channel="call")
    found = find(access_of(ann), "idaho NORTH")
    assert [one.pk for one in found.buckets] == [bucket.pk] and [one.pk for one in found.runs] == [run.pk]
    assert [one.name for one in find(access_of(ann), "spring").campaigns] == ["Idaho spring"]
    assert [one.pk for one in find(access_of(ann), str(run.pk)).runs] == [run.pk]
    assert find(access_of(ann), "idaho south").buckets == []


@pytest.mark.long
def test_who_sees_no_contacts_finds_none_by_them(ann):
    create_bucket(by=ann, name="Call 208-555-0199")
    ann.memberships.update(is_masked=True)
    access = access_of(ann)
    for text in CONTACTS:
        assert find(access, text).leads == [], text
    assert len(find(access, "elm").leads) == 1
    api = Api(ann)
    assert body_of(api.get("/api/search?q=208-555-0199"))["buckets"] == []
    assert "0199" in body_of(api.get("/api/search?q=call"))["buckets"][0]["name"]
    assert "208" not in body_of(api.get("/api/search?q=call"))["buckets"][0]["name"]


def test_a_caller_finds_leads_assigned_to_her_and_nothing_else_a_stranger_nothing(ann):
    house, other = Lead.objects.order_by("pk")
    caller, client = member(house.team, Role.CALLER)
    Lead.objects.filter(pk=house.pk).update(assigned_to=caller)
    found = find(access_of(caller), "Idaho")
    assert ([one.pk for one in found.leads], found.buckets) == ([house.pk], ())  # ID is Idaho; a bucket is called so
    assert [one.pk for one in find(access_of(caller), "ID").leads] == [house.pk]
    assert find(access_of(make_user("bob")), "elm").is_empty
    page = client.get("/admin/search/", {"q": "oak"}).content.decode()
    assert "Nothing is found" in page and str(other.pk) not in page


def test_the_api_answers_in_groups_and_refuses_what_is_no_search(ann):
    api = Api(ann)
    told = body_of(api.get("/api/search?q=garcia&limit=3"))
    assert told["leads"][0]["ownerName"] == HOUSE["owner_name"] and told["leads"][0]["bucketName"] == "North Idaho"
    assert told["owners"] == [
        {"ownerName": HOUSE["owner_name"], "leadId": told["leads"][0]["leadId"], "leads": 1}]  # fmt: skip
    assert (told["buckets"], told["runs"], told["campaigns"]) == ([], [], [])
    for query, field in (("", "q"), ("q=", "q"), ("q=a", "q"), (f"q={'x' * 201}", "q"), ("q=elm&limit=0", "limit"),
                         ("q=elm&limit=21", "limit"), ("q=elm&kind=lead", "kind"), ("q=elm&q=oak", "q")):  # fmt: skip
        refused(api.get(f"/api/search?{query}"), 400, field)
    assert Api().get("/api/search?q=elm").status_code == 401


def test_the_page_and_the_dialog_s_part(db):
    user, client = staff("ann")
    _, (lead,) = make_leads(1, by=user, name="Elm bucket")
    Lead.objects.filter(pk=lead.pk).update(**HOUSE)
    part = client.get("/admin/search/", {"q": "elm", "part": "1"}).content.decode()
    assert part.lstrip().startswith("<section") and f"/admin/leads/lead/{lead.pk}/change/" in part
    assert "Leads" in part and "Buckets" in part and "Elm bucket" in part
    page = client.get("/admin/search/", {"q": "elm"}).content.decode()
    assert 'id="desk-search"' in page and "1204 N Elm St" in page
    assert "Nothing is found" in client.get("/admin/search/", {"q": "<b>zzz"}).content.decode()
    assert "<b>zzz" not in client.get("/admin/search/", {"q": "<b>zzz"}).content.decode()
    assert client.post("/admin/search/", {"q": "elm"}).status_code == 405
    assert client.get("/admin/search/", {"q": "\x00" * 10}).status_code == 200
    user = sees_contacts(user)
    contact_keys.relink([lead.pk], contact_keys.prepare({lead.pk: {"phone": HOUSE["phone"]}}))
    assert f"{lead.pk}" in client.get("/admin/search/", {"q": "208 555 0143", "part": "1"}).content.decode()
