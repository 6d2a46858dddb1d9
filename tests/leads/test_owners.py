"""An owner's other properties: by shared keys, one hop, one's own alone; and one lead an owner."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.access import own_access
from accounts.models import User
from buckets.models import Bucket
from enrichment.models import Run
from enrichment.options import RunOptions
from enrichment.quoting import quotes
from enrichment.services import check_options
from leads.facts.saving import CONTACT, PROPERTY, FactRow, save_facts
from leads.keys import owners
from leads.models import ContactKey, Lead, LeadName
from leads.selection.filters import BadFilter, matching
from tests.admin_site import sees_contacts, staff
from tests.api.client import Api, body_of, refused
from tests.leads.samples import make_leads
from tests.support import start

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
POST = {"mailing_address": "9 Elm St", "mailing_city": "Waco", "mailing_state": "TX", "mailing_zip": "76701"}
HERS = {"owner_name": "DOE ANN", **POST}


def land(lead: Lead, facts: dict[str, Any]) -> Lead:
    source = CONTACT if "phone" in facts or "email" in facts else PROPERTY
    with transaction.atomic():
        save_facts(source, [FactRow(lead.pk, facts, NOON)])
    lead.refresh_from_db()
    return lead


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann")


@pytest.fixture
def family(ann: User) -> tuple[Bucket, list[Lead]]:
    """1 and 2 share name and address, 2 and 3 a phone, 4 an e-mail with 1; 5 is another's of the same address."""
    bucket, leads = make_leads(5, by=ann)
    land(leads[0], HERS)
    land(leads[0], {"email": "jo@example.com"})
    land(leads[1], {**HERS, "owner_name": "Ann Doe", "property_address": "2 Main St", "property_city": "Waco"})
    land(leads[1], {"phone": "+12065550143"})
    land(leads[2], {"phone": "+12065550143"})
    land(leads[3], {"email": "jo@example.com"})
    land(leads[4], {**HERS, "owner_name": "ROE BEA"})
    return bucket, leads


def test_they_are_those_that_share_a_key_and_no_chains(ann: User, family: tuple[Bucket, list[Lead]]) -> None:
    _, (one, two, three, four, five) = family
    assert set(owners.others_of(one, Lead.objects.seen_by(own_access(ann)), contacts=True)) == {two, four}
    assert set(owners.others_of(two, Lead.objects.seen_by(own_access(ann)), contacts=True)) == {one, three}
    assert set(owners.others_of(three, Lead.objects.seen_by(own_access(ann)), contacts=True)) == {two}
    assert set(owners.others_of(five, Lead.objects.seen_by(own_access(ann)), contacts=True)) == set()


def test_the_reasons_are_told_in_words_the_surest_first(ann: User, family: tuple[Bucket, list[Lead]]) -> None:
    _, (one, two, three, four, _) = family
    land(four, {"phone": "+12065550143"})
    assert owners.reasons(two, [one, three, four], contacts=True) == {
        one.pk: ["same mailing address and name"],
        three.pk: ["same phone …0143"],
        four.pk: ["same phone …0143"],
    }
    assert owners.reasons(one, [four], contacts=True) == {four.pk: ["same e-mail j…@example.com"]}
    assert owners.reasons(one, [two, four], contacts=False) == {two.pk: ["same mailing address and name"]}


def test_who_may_not_see_contacts_is_told_nothing_that_follows_from_them() -> None:
    user, client = staff()
    bucket, (theirs, guess, neighbor) = make_leads(3, by=user)
    land(theirs, HERS)
    land(theirs, {"phone": "+12065551003", "email": "jo@example.com"})
    land(guess, {"phone": "+12065551003", "email": "jo@example.com"})
    land(neighbor, HERS)
    for asked in (client, Api(user)):
        answer = body_of(asked.get(f"/api/leads/{theirs.pk}/owner"))
        assert ([row["leadId"] for row in answer["properties"]], answer["total"]) == ([str(neighbor.pk)], 1)
        assert answer["properties"][0]["reasons"] == ["same mailing address and name"]
        assert body_of(asked.get(f"/api/leads/{guess.pk}/owner"))["total"] == 0
        found = asked.get(f"/api/property/bucket/leads?bucketId={bucket.pk}&oneLeadPerOwner=true")
        assert [row["propertyId"] for row in body_of(found)["leads"]] == ["1", "2"]
        found = asked.get("/api/leads?oneLeadPerOwner=true")
        assert [row["propertyId"] for row in body_of(found)["leads"]] == ["2", "1"]
    shown = client.get(f"/admin/leads/lead/{theirs.pk}/change/").content.decode()
    assert "Owner’s other properties (1)" in shown and "same phone" not in shown
    listed = client.get("/admin/leads/lead/?oneLeadPerOwner=false").context["cl"].result_list
    assert [lead.property_id for lead in listed] == ["3"]
    quote = quotes.quote(bucket=bucket, by=user, options=RunOptions(one_per_owner=True))
    assert "1 left out: same owner" in quote.limits
    told = body_of(Api(sees_contacts(user)).get(f"/api/leads/{theirs.pk}/owner"))
    assert told["total"] == 2


def test_another_users_lead_and_a_merged_one_are_not_among_them(ann: User, family: tuple[Bucket, list[Lead]]) -> None:
    _, (one, two, _, four, _) = family
    _, (theirs,) = make_leads(1, by=User.objects.create_user("bob"))
    land(theirs, HERS)
    Lead.objects.filter(pk=four.pk).update(merged_into=one)
    assert set(owners.others_of(one, Lead.objects.seen_by(own_access(ann)), contacts=True)) == {two}


def test_a_crowded_key_joins_nobody(ann: User, family: tuple[Bucket, list[Lead]]) -> None:
    _, (_, two, _, _, _) = family
    ContactKey.objects.filter(kind=1).update(crowded=True)
    assert [
        lead.property_id for lead in owners.others_of(two, Lead.objects.seen_by(own_access(ann)), contacts=True)
    ] == ["1"]


def test_the_api_pages_them_with_reasons_and_without_contacts(ann: User, family: tuple[Bucket, list[Lead]]) -> None:
    bucket, (one, two, _, four, _) = family
    api = Api(ann)
    answer = body_of(api.get(f"/api/leads/{one.pk}/owner?limit=1"))
    assert (answer["total"], answer["count"]) == (2, 1)
    assert answer["properties"] == [
        {
            "leadId": str(two.pk), "bucketId": str(bucket.pk), "bucketName": "Leads", "status": "new",
            "ownerName": "Ann Doe", "propertyId": "2", "propertyAddress": "2 Main St", "propertyCity": "Waco",
            "propertyState": None, "propertyZip": None, "estimatedValue": None,
            "reasons": ["same mailing address and name"],
        }
    ]  # fmt: skip
    rest = body_of(api.get(f"/api/leads/{one.pk}/owner?cursor={answer['nextCursor']}"))
    assert [row["leadId"] for row in rest["properties"]] == [str(four.pk)]
    assert rest["nextCursor"] is None
    assert "+12065550143" not in str(answer) + str(rest)


def test_another_users_lead_is_not_found(family: tuple[Bucket, list[Lead]]) -> None:
    _, (one, *_) = family
    refused(Api(User.objects.create_user("bob")).get(f"/api/leads/{one.pk}/owner"), 404)


@pytest.mark.long
def test_the_page_lists_them_with_the_reason() -> None:
    user, client = staff()
    _, (one, two) = make_leads(2, by=user)
    land(one, HERS)
    assert "other properties" not in client.get(f"/admin/leads/lead/{one.pk}/change/").content.decode()
    land(two, {**HERS, "property_address": "2 Main St"})
    shown = client.get(f"/admin/leads/lead/{one.pk}/change/").content.decode()
    assert "Owner’s other properties (1)" in shown
    assert "2 Main St" in shown and "same mailing address and name" in shown


# --- One lead an owner ------------------------------------------------------------------------------------------------


def chosen(bucket: Bucket, **params: Any) -> list[str]:
    rows = matching(Lead.objects.filter(bucket=bucket), {"oneLeadPerOwner": True, **params}, contacts=True)
    return sorted(rows.values_list("property_id", flat=True))


def test_the_oldest_of_each_owner_is_taken_and_who_has_no_key_too(family: tuple[Bucket, list[Lead]]) -> None:
    bucket, _ = family
    assert chosen(bucket) == ["1", "3", "5"], "3 shares a phone with 2 alone, which is left out itself"
    assert chosen(bucket, oneLeadPerOwner=False) == ["2", "4"]


def test_it_is_the_oldest_of_those_that_pass_the_other_filters(family: tuple[Bucket, list[Lead]]) -> None:
    bucket, _ = family
    assert chosen(bucket, hasPhone=True) == ["2"]


def test_list_and_export_take_it(ann: User, family: tuple[Bucket, list[Lead]]) -> None:
    bucket, _ = family
    answer = body_of(Api(ann).get(f"/api/property/bucket/leads?bucketId={bucket.pk}&oneLeadPerOwner=true"))
    assert ([lead["propertyId"] for lead in answer["leads"]], answer["totalMatching"]) == (["1", "3", "5"], 3)
    exported = Api(ann).get(f"/api/property/bucket/{bucket.pk}/export?oneLeadPerOwner=true")
    assert b"".join(exported.streaming_content).count(b"\n") == 4


def test_a_run_takes_one_an_owner_and_its_quote_counts_the_others(ann: User, family: tuple[Bucket, list[Lead]]) -> None:
    bucket, (one, _, three, _, five) = family
    options = RunOptions(one_per_owner=True)
    quote = quotes.quote(bucket=bucket, by=ann, options=options)
    assert (quote.leads, "2 left out: same owner" in quote.limits) == (3, True)
    run = start(bucket, one_per_owner=True)
    assert set(run.items.values_list("lead_id", flat=True)) == {one.pk, three.pk, five.pk}
    assert Run.objects.get(pk=run.pk).asked.one_per_owner is True


def test_the_api_starts_such_a_run(ann: User, family: tuple[Bucket, list[Lead]]) -> None:
    bucket, _ = family
    body = {"bucketId": str(bucket.pk), "oneLeadPerOwner": True}
    answer = Api(ann).post("/api/property/bucket/process", body)
    assert answer.status_code in (200, 202), answer.content
    assert Run.objects.get().total == 3


def test_it_is_no_guard(family: tuple[Bucket, list[Lead]]) -> None:
    bucket, _ = family
    with pytest.raises(BadFilter, match="option of the enrichment job"):
        check_options(bucket=bucket, options=RunOptions(guard={"oneLeadPerOwner": True}))


def test_it_is_two_statements_however_many_leads_there_are(ann: User, family: tuple[Bucket, list[Lead]]) -> None:
    bucket, _ = family
    with CaptureQueriesContext(connection) as sent:
        chosen(bucket)
    assert len(sent) == 2


def test_the_same_property_in_another_bucket_is_no_other_property(ann: User) -> None:
    _, (one, other) = make_leads(2, by=ann)
    _, (again, other_again) = make_leads(2, by=ann, name="Second")
    _, (by_name,) = make_leads(1, by=ann, name="Third", first=9)
    for lead in (one, other, again, other_again, by_name):
        land(lead, HERS)
    for lead in (one, by_name):
        LeadName.objects.create(lead=lead, bucket_id=lead.bucket_id, exact=5, loose=5, source="file")
    assert list(owners.others_of(one, Lead.objects.seen_by(own_access(ann)), contacts=True)) == [other]
    answer = body_of(Api(ann).get(f"/api/leads/{one.pk}/owner?limit=1"))
    assert (answer["total"], answer["count"], answer["nextCursor"]) == (1, 1, None)


def named(leads: list[Lead], *names: str) -> None:
    for lead, name in zip(leads, names, strict=True):
        land(lead, {**HERS, "owner_name": name})


def test_nobody_is_left_out_because_of_a_lead_that_is_left_out_itself(ann: User) -> None:
    bucket, leads = make_leads(3, by=ann)
    named(leads, "John Smith", "SMITH JOHN & MARY", "Mary Smith")
    assert chosen(bucket) == ["1", "3"]
    assert chosen(bucket, oneLeadPerOwner=False) == ["2"]
    assert quotes.quote(bucket=bucket, by=ann, options=RunOptions(one_per_owner=True)).leads == 2
    assert start(bucket, one_per_owner=True).total == 2
    exported = Api(ann).get(f"/api/property/bucket/{bucket.pk}/export?oneLeadPerOwner=true")
    assert b"".join(exported.streaming_content).count(b"\n") == 3


@pytest.mark.parametrize(
    ("names", "left"),
    [
        (["SMITH JOHN JR", "SMITH JOHN SR"], ["1", "2"]),
        (["SMITH JOHN A", "SMITH JOHN B"], ["1", "2"]),
        (["SMITH JOHN JR", "John Smith, Jr."], ["1"]),
        (["SMITH JOHN A & MARY", "Mary Smith"], ["1"]),
    ],
)
def test_father_and_son_are_two_owners(ann: User, names: list[str], left: list[str]) -> None:
    bucket, leads = make_leads(2, by=ann)
    named(leads, *names)
    assert chosen(bucket) == left
