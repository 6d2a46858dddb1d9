"""A lead that a person types, by API, page and command: found again rather than doubled."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from accounts.models import AuditEvent, User
from buckets.imports.by_hand import BadLead, add_lead
from buckets.models import Bucket
from buckets.services import create_bucket
from leads.models import Lead, LeadKey
from tests.admin_site import address, member, sees_contacts, staff, words
from tests.api.client import Api, refused
from tests.command_line import assert_refused, run
from tests.support import make_user

pytestmark = pytest.mark.django_db
PAGE = "/admin/buckets/bucket/by-hand/"
HOUSE = {"address": "12 Main St", "city": "Seattle", "state": "wa", "zip": "98101"}


def bucket_of(user: User) -> Bucket:
    return create_bucket(by=user, name=f"{user}'s", property_ids=[])[0]


def test_what_is_typed_is_a_lead_with_who_typed_it():
    ann = make_user("ann")
    bucket = bucket_of(ann)

    added = add_lead(
        bucket=bucket,
        by=ann,
        said=HOUSE | {"ownerName": "Jo Smith", "phone": "(206) 555-0142", "email": "jo@example.com"},
    )

    lead, bucket = Lead.objects.get(), Bucket.objects.get()
    assert (added.is_new, added.lead) == (True, lead)
    assert (lead.property_address, lead.property_state, lead.source) == ("12 Main St", "WA", "typed")
    assert (lead.phone, lead.phone_do_not_call, lead.owner_name) == ("+12065550142", None, "Jo Smith")
    assert {name: (e["source"], e["by"]) for name, e in (lead.fact_sources or {}).items()} == dict.fromkeys(
        ("owner_name", "phone", "email"), ("typed", "ann")
    )
    assert (bucket.total_leads, bucket.phone_leads) == (1, 1)
    assert LeadKey.objects.filter(lead=lead).count() >= 2
    event = AuditEvent.objects.get(action="lead.added")
    assert (event.after or {})["fields"] == sorted([*HOUSE, "email", "ownerName", "phone"])


def test_the_same_property_is_found_again_however_it_is_spelled_and_stays_as_it_was():
    ann = make_user("ann")
    bucket = bucket_of(ann)
    first = add_lead(bucket=bucket, by=ann, said=HOUSE).lead
    by_apn = add_lead(bucket=bucket, by=ann, said={"apn": "123-45", "county": "King", "state": "WA"}).lead

    again = add_lead(
        bucket=bucket, by=ann, said={"address": "12 MAIN STREET", "zip": "98101-1234", "phone": "206 555 0142"}
    )
    same = add_lead(bucket=bucket, by=ann, said={"apn": "12345", "fips": "53033"})

    assert (again.is_new, again.lead.pk, same.is_new, same.lead.pk) == (False, first.pk, False, by_apn.pk)
    assert Lead.objects.get(pk=first.pk).phone is None
    assert Bucket.objects.get().total_leads == 2


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "address"),
        ({"address": "12 Main St"}, "address"),
        ({"apn": "123"}, "apn"),
        (HOUSE | {"phone": "12"}, "phone"),
        (HOUSE | {"email": "jo..x@example.com"}, "email"),
        (HOUSE | {"zip": "1"}, "zip"),
    ],
)
def test_what_names_no_property_or_cannot_be_read_is_said_at_its_field(said, field):
    ann = make_user("ann")

    with pytest.raises(BadLead) as refusal:
        add_lead(bucket=bucket_of(ann), by=ann, said=said)

    assert field in refusal.value.errors
    assert Lead.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_typed_by_two_at_once_it_is_one_lead():
    ann = make_user("ann")
    bucket = bucket_of(ann)

    def press(_: int) -> bool:
        try:
            return add_lead(bucket=bucket, by=ann, said=HOUSE).is_new
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(press, range(4))) == [False, False, False, True]
    assert Lead.objects.count() == Bucket.objects.get().total_leads == 1


def test_by_the_api():
    ann = make_user("ann")
    api, bucket = Api(ann), bucket_of(ann)
    said = HOUSE | {"bucketId": str(bucket.pk), "phone": "(206) 555-0142", "ownerName": "Jo Smith"}

    made = api.post("/api/leads", said)
    assert (made.status_code, made.json()["isNew"]) == (201, True)
    assert made.json()["lead"]["factSources"]["phone"]["by"] == "ann"
    again = api.post("/api/leads", said)
    assert (again.status_code, again.json()["lead"]["id"]) == (200, made.json()["lead"]["id"])
    assert api.get("/api/leads").json()["leads"][0]["id"] == made.json()["lead"]["id"]

    assert refused(api.post("/api/leads", said | {"phone": "12"}), 400, "phone")
    assert refused(api.post("/api/leads", said | {"nothing": "x"}), 400, "nothing")
    assert refused(api.post("/api/leads", said | {"address": ["x"]}), 400, "address")
    assert refused(api.post("/api/leads", said | {"bucketId": "x"}), 400, "bucketId")
    for stranger in (make_user("eve"),):
        assert refused(Api(stranger).post("/api/leads", said), 404, "bucketId")
    _, reader = member(bucket.team, "reader", "rita"), User.objects.get(username="rita")
    assert Api(reader).post("/api/leads", said).status_code == 403
    _, caller = member(bucket.team, "caller", "carl"), User.objects.get(username="carl")
    assert Api(caller).post("/api/leads", said).status_code == 403
    assert Lead.objects.count() == 1


def test_a_caller_edits_what_an_owner_tells_her_by_the_api_and_no_more():
    ann = make_user("ann")
    bucket = bucket_of(ann)
    lead = add_lead(bucket=bucket, by=ann, said=HOUSE).lead
    carl = member(bucket.team, "caller", "carl")[0]
    Lead.objects.update(assigned_to=carl)

    told = Api(carl).patch(f"/api/leads/{lead.pk}", {"phone": "(206) 555-0142", "ownerName": "Jo Smith"})
    assert (told.status_code, told.json()["lead"]["phone"]) == (200, "+12065550142")
    assert Api(carl).patch(f"/api/leads/{lead.pk}", {"bedrooms": 3}).status_code == 403


@pytest.mark.long
def test_by_a_page():
    ann, client = staff("ann")
    assert "your team has none yet" in client.get(PAGE).content.decode()
    bucket = bucket_of(ann)
    assert 'name="phone"' not in client.get(PAGE).content.decode()  # who sees no contacts types none
    sees_contacts(ann)

    wrong = client.post(PAGE, HOUSE | {"bucket": str(bucket.pk), "phone": "12"})
    assert (wrong.status_code, "This is no phone number that could be called." in wrong.content.decode()) == (200, True)
    made = client.post(PAGE, HOUSE | {"bucket": str(bucket.pk), "phone": "(206) 555-0142"})
    lead = Lead.objects.get()
    assert (made.headers["Location"], words(made)) == (address(Lead, "change", lead.pk), ["Added: 12 Main St"])
    client.cookies.pop("messages", None)
    again = client.post(PAGE, HOUSE | {"bucket": str(bucket.pk)})
    assert "is in the bucket already" in words(again)[0]
    theirs = bucket_of(make_user("bob"))
    assert "Choose one of your team" in client.post(PAGE, HOUSE | {"bucket": str(theirs.pk)}).content.decode()
    assert client.post(PAGE, HOUSE | {"bucket": "x"}).status_code == 200
    for role in ("reader", "caller"):
        assert member(bucket.team, role)[1].get(PAGE).status_code in (403, 404)
    assert Lead.objects.count() == 1


def test_by_a_command():
    ann = make_user("ann")
    bucket = bucket_of(ann)
    arguments: list[Any] = ["add_lead", str(bucket.pk), "--user", "ann", "--address", "12 Main St", "--zip", "98101"]

    assert run(*arguments, "--json").json["lead"]["isNew"] is True
    assert "The bucket has it already: 12 Main St" in run(*arguments).out
    assert_refused(run(*arguments, "--phone", "12"), "--phone: This is no phone number that could be called.")
    assert Lead.objects.count() == 1
