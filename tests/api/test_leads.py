from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from buckets.models import Bucket
from buckets.services import recount
from common.db.clock import database_now
from leads.facts.saving import CONTACT, PROPERTY, FactRow, save_facts
from leads.models import Activity, Lead, Tag
from tests.api.client import Api, body_of, refused

LEADS = "/api/property/bucket/leads"
# docs/requirements.md 1, name by name
BRIEF = frozenset(
    """
    id bucketId userId source status propertyId apn fips firstName lastName email phone secondaryPhone
    propertyAddress propertyCity propertyState propertyZip propertyType bedrooms bathrooms sqft yearBuilt
    estimatedValue estimatedEquity equityPercent owner1FirstName owner1LastName ownerType ownerOccupied
    absenteeOwner preForeclosure foreclosure taxLien bankruptcy vacant highEquity freeClear apolloPersonId
    apolloOrgId apolloTitle apolloCompany apolloIndustry apolloLinkedinUrl apolloEmployeeCount apolloEnrichedAt
    apolloData enrichmentStatus enrichedAt skipTracedAt enrichmentError createdAt updatedAt
    """.split()  # noqa: SIM905
)


@pytest.fixture
def bucket(api, ann):
    """Ten leads: 0..3 with a phone, 4..5 without, in WA; the rest are ids."""
    bucket_id = body_of(
        api.post("/api/property/bucket", {"name": "L", "propertyIds": [str(n) for n in range(100, 110)]}), 201
    )["bucket"]["id"]
    for number, lead in enumerate(Lead.objects.order_by("pk")):
        if number < 6:
            lead.property_state, lead.estimated_value = "WA", 100_000 * (number + 1)
            lead.phone = f"+1206555010{number}" if number < 4 else None
            lead.enrichment_status = "completed" if number < 4 else "partial"
            lead.absentee_owner = number % 2 == 0
            lead.save()
    Bucket.objects.update(enriched_leads=4)
    return Bucket.objects.get(pk=bucket_id)


def page(api, bucket, query=""):
    return body_of(api.get(f"{LEADS}?bucketId={bucket.pk}{query}"))


def ids_of(answer):
    return [int(lead["propertyId"]) for lead in answer["leads"]]


def test_a_lead_has_every_field_that_was_asked_for_under_its_name(api, bucket):
    lead = Lead.objects.order_by("pk")[0]
    lead.first_name, lead.bathrooms, lead.equity_percent = "Zoë", Decimal("2.25"), Decimal("61.50")
    lead.save()

    shown = page(api, bucket, "&limit=1")["leads"][0]

    assert set(shown) >= BRIEF
    assert (shown["id"], shown["bucketId"], shown["userId"]) == (str(lead.pk), str(bucket.pk), str(bucket.owner_id))
    assert (shown["propertyId"], shown["propertyState"], shown["phone"]) == ("100", "WA", "+12065550100")
    assert (shown["firstName"], shown["owner1FirstName"]) == ("Zoë", "Zoë")
    assert (shown["bathrooms"], shown["equityPercent"], shown["estimatedValue"]) == (2.25, 61.5, 100_000)
    assert (shown["enrichmentStatus"], shown["absenteeOwner"], shown["taxLien"], shown["tags"]) == (
        "completed",
        True,
        None,
        [],
    )


@pytest.mark.parametrize(
    ("query", "found", "told"),
    [
        ("", range(100, 110), {}),
        ("&enrichedOnly=true", range(100, 104), {"enrichedOnly": True}),
        ("&needsSkipTrace=true", range(104, 110), {"needsSkipTrace": True}),
        ("&needsApollo=true", range(100, 110), {"needsApollo": True}),
        ("&enrichedOnly=false", range(104, 110), {"enrichedOnly": False}),
        ("&propertyState=wa&absenteeOwner=true", [100, 102, 104], {"propertyState": "wa", "absenteeOwner": True}),
        ("&estimatedValueMin=300000&estimatedValueMax=400000", [102, 103],
         {"estimatedValueMin": 300000, "estimatedValueMax": 400000}),
        ("&enrichmentStatus=partial&enrichmentStatus=pending", range(104, 110),
         {"enrichmentStatus": ["partial", "pending"]}),
        ("&propertyState=CA", [], {"propertyState": "CA"}),
    ],
)  # fmt: skip
def test_filters_choose_and_are_told_back(api, bucket, query, found, told):
    answer = page(api, bucket, query)

    assert ids_of(answer) == list(found)
    assert (answer["count"], answer["totalMatching"]) == (len(found), len(found))
    assert answer["filters"] == {"bucketId": str(bucket.pk), "limit": 50, **told}


def test_pages_follow_the_cursor_and_count_all_that_match(api, bucket):
    first = page(api, bucket, "&needsSkipTrace=true&limit=4")
    second = page(api, bucket, f"&needsSkipTrace=true&limit=4&cursor={first['nextCursor']}")

    assert (ids_of(first), first["count"], first["totalMatching"]) == ([104, 105, 106, 107], 4, 6)
    assert (ids_of(second), second["count"], second["totalMatching"]) == ([108, 109], 2, 6)
    assert second["nextCursor"] is None


def test_the_total_without_a_filter_comes_from_the_stored_counter(api, bucket):
    Bucket.objects.update(total_leads=77, enriched_leads=66)

    assert page(api, bucket)["totalMatching"] == 77
    assert page(api, bucket, "&enrichedOnly=true")["totalMatching"] == 66
    assert page(api, bucket, "&needsSkipTrace=true")["totalMatching"] == 6


def test_a_client_that_needs_no_total_pays_for_none(api, bucket):
    with CaptureQueriesContext(connection) as counted:
        assert page(api, bucket, "&needsSkipTrace=true&limit=4")["totalMatching"] == 6
    with CaptureQueriesContext(connection) as uncounted:
        answer = page(api, bucket, "&needsSkipTrace=true&limit=4&total=false")

    assert (len(answer["leads"]), answer["totalMatching"], "total" in answer) == (4, None, False)
    assert answer["nextCursor"] is not None
    assert len(uncounted) == len(counted) - 1
    assert not any("COUNT(" in one["sql"].upper() for one in uncounted)
    assert page(api, bucket, "&q=nobody&total=false")["totalMatching"] is None
    both = page(api, bucket, "&needsSkipTrace=true&total=true")
    assert (both["total"], both["totalIsExact"], both["totalMatching"]) == (6, True, 6)


def test_a_page_of_leads_costs_the_same_queries_whatever_is_on_it(api, bucket, django_assert_num_queries):
    tag = Tag.objects.create(owner=bucket.owner, name="hot")
    for lead in Lead.objects.all():
        lead.tags.add(tag)

    page(api, bucket)  # that the token is used is noted once a minute
    for limit in (1, 10):
        with django_assert_num_queries(6):  # token with roles, bucket, leads, what goes with them, the record, count
            answer = page(api, bucket, f"&limit={limit}&tag=HOT")
        assert answer["leads"][0]["tags"] == ["hot"]
        assert answer["totalMatching"] == 10


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=501", "limit"),
        ("limit=0", "limit"),
        ("limit=1e3", "limit"),
        ("limit=1e2", "limit"),
        ("needsApollo=maybe", "needsApollo"),
        ("enrichedOnly=2", "enrichedOnly"),
        ("estimatedValueMin=NaN", "estimatedValueMin"),
        ("estimatedValueMin=Infinity", "estimatedValueMin"),
        ("estimatedValueMin=lots", "estimatedValueMin"),
        ("status=sleeping", "status"),
        ("propertyCity=%00", "propertyCity"),
        ("propertyState=Washington", "propertyState"),
        ("cursor=%25%25", "cursor"),
        ("colour=red", "colour"),
        ("bucketId=7", "bucketId"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(api, bucket, query, field):
    refused(api.get(f"{LEADS}?bucketId={bucket.pk}&{query}"), 400, field)


def test_a_very_large_number_is_a_number(api, bucket):
    assert page(api, bucket, "&estimatedValueMin=1e30")["totalMatching"] == 0


def test_the_bucket_must_be_named_and_mine(api, bucket, bob):
    refused(api.get(LEADS), 400, "bucketId")
    refused(api.get(f"{LEADS}?bucketId={uuid.uuid4()}"), 404)
    refused(Api(bob).get(f"{LEADS}?bucketId={bucket.pk}"), 404)


# --- One lead ---------------------------------------------------------------------------------------------------------


def test_a_lead_is_moved_on_and_its_history_says_so(api, bucket):
    lead = Lead.objects.order_by("pk")[0]

    shown = body_of(api.patch(f"/api/leads/{lead.pk}", {"status": "contacted", "firstName": "Renée"}))["lead"]

    assert (shown["status"], shown["firstName"], shown["activityCount"]) == ("contacted", "Renée", 1)
    assert Bucket.objects.get().contacted_leads == 1
    activities = body_of(api.get(f"/api/leads/{lead.pk}/activities"))["activities"]
    assert [(a["kind"], a["text"], a["by"]) for a in activities] == [("status", "new → contacted", "ann")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"status": "asleep"}, "status"),
        ({"phone": "call me"}, "phone"),
        ({"email": "nobody"}, "email"),
        ({"mailingState": "Washington"}, "mailingState"),
        ({"phone": None}, "phone"),
        ({"secondaryPhoneDoNotCall": True}, "secondaryPhone"),
        ({"bedrooms": -1}, "bedrooms"),
        ({"enrichmentStatus": "completed"}, "enrichmentStatus"),
        ({"firstName": "x" * 201}, "firstName"),
        ({"firstName": "a\x00"}, "firstName"),
        ({"ownerId": 1}, "ownerId"),
        ({}, ""),
    ],
)
def test_what_cannot_be_typed_is_refused_and_changes_nothing(api, bucket, change, field):
    lead = Lead.objects.order_by("pk")[0]
    lead.skip_traced_at = lead.created_at
    lead.save()

    refused(api.patch(f"/api/leads/{lead.pk}", change), 400, field)

    assert Lead.objects.get(pk=lead.pk).updated_at == lead.updated_at


def test_a_persons_own_contacts_are_typed_shown_first_and_taken_back(api, bucket):
    lead = Lead.objects.get(property_id="107")
    address = f"/api/leads/{lead.pk}"
    bought = {"phone": "+15125550101", "phone_do_not_call": True, "email": "b@example.com"}
    save_facts(CONTACT, [FactRow(lead.pk, bought, lead.created_at)])

    said = {
        "phone": "(206) 555-0199",
        "phoneType": "mobile",
        "email": "Own@Example.com",
        "mailingAddress": "1 Own Rd",
        "mailingCity": "Reno",
        "mailingState": "nv",
        "mailingZip": "89501",
        "ownerName": "Ann Own",
        "bedrooms": 4,
    }
    shown = body_of(api.patch(address, said))["lead"]

    assert (shown["phone"], shown["phoneType"], shown["email"]) == ("+12065550199", "mobile", "own@example.com")
    assert (shown["secondaryPhone"], shown["secondaryPhoneDoNotCall"]) == ("+15125550101", True)
    assert (shown["ownerName"], shown["mailingState"], shown["bedrooms"]) == ("Ann Own", "NV", 4)
    assert {name: entry["source"] for name, entry in shown["factSources"].items()} == dict.fromkeys(
        ("phone", "email", "mailingAddress", "ownerName", "bedrooms"), "typed"
    )
    assert (shown["factSources"]["phone"]["by"], [e["value"] for e in shown["otherFacts"]["email"]]) == (
        "ann", ["b@example.com"],
    )  # fmt: skip
    save_facts(CONTACT, [FactRow(lead.pk, {"phone": "+15125550105", "email": "c@example.com"}, database_now())])
    save_facts(PROPERTY, [FactRow(lead.pk, {"owner_name": "ROE LLC", "bedrooms": 3}, database_now())])
    shown = body_of(api.get(address))["lead"]
    assert (shown["phone"], shown["email"], shown["ownerName"], shown["bedrooms"]) == (
        "+12065550199", "own@example.com", "Ann Own", 4,
    )  # fmt: skip
    assert [e["value"] for e in shown["otherFacts"]["ownerName"]] == ["ROE LLC"]

    shown = body_of(api.patch(address, {"phone": None, "email": None}))["lead"]
    assert (shown["phone"], shown["secondaryPhone"]) == ("+15125550105", "+15125550101")
    assert (shown["secondaryPhoneDoNotCall"], shown["email"]) == (True, "c@example.com")
    assert "phone" not in shown["otherFacts"]


@pytest.mark.long
def test_a_typed_phone_is_counted_and_completes_a_lead_that_lacked_nothing_else(api, bucket):
    pending, partial = (Lead.objects.get(property_id=number) for number in ("106", "104"))
    recount()

    for lead in (pending, partial):
        body_of(api.patch(f"/api/leads/{lead.pk}", {"phone": "2065550199", "phoneDoNotCall": True}))
    bucket.refresh_from_db()
    assert (bucket.phone_leads, bucket.enriched_leads, recount(mend=False)) == (6, 5, {})
    assert Lead.objects.get(pk=pending.pk).enrichment_status == "pending"

    refused(api.patch(f"/api/leads/{partial.pk}", {"phoneDoNotCall": False}), 400, "phoneDoNotCall")
    assert Lead.objects.get(pk=partial.pk).phone_do_not_call is True
    for lead in (pending, partial):
        body_of(api.patch(f"/api/leads/{lead.pk}", {"phone": None}))
    bucket.refresh_from_db()
    assert (bucket.phone_leads, bucket.enriched_leads, recount(mend=False)) == (4, 4, {})
    assert Lead.objects.get(pk=partial.pk).enrichment_status == "partial"


def test_values_that_are_not_shown_are_masked_like_those_that_are(api, bucket, ann):
    lead = Lead.objects.order_by("pk")[0]
    Lead.objects.filter(pk=lead.pk).update(
        other_facts={"phone": [{"value": "+15125550101", "source": "trace", "at": "2026-11-20T09:00:00+00:00"}],
                     "email": [{"value": "jo@example.com", "source": "trace", "at": "2026-11-20T09:00:00+00:00"}],
                     "owner_name": [{"value": "Jo Roe", "source": "detail", "at": "2026-11-20T09:00:00+00:00"}]}
    )  # fmt: skip
    assert body_of(api.get(f"/api/leads/{lead.pk}"))["lead"]["otherFacts"]["phone"][0]["value"] == "+15125550101"
    ann.memberships.update(is_masked=True)

    for shown in (body_of(api.get(f"/api/leads/{lead.pk}"))["lead"], page(api, bucket)["leads"][0]):
        values = {name: entries[0]["value"] for name, entries in shown["otherFacts"].items()}
        assert values == {"phone": "•••• 0101", "email": "j••••@example.com", "ownerName": "Jo Roe"}


def test_activities_are_noted_and_listed_newest_first(api, bucket):
    lead = Lead.objects.order_by("pk")[0]
    address = f"/api/leads/{lead.pk}/activities"

    body_of(api.post(address, {"kind": "call", "text": "Nobody home"}), 201)
    added = body_of(api.post(address, {"text": "Ring again — 電話"}), 201)["activity"]

    assert (added["kind"], added["by"]) == ("note", "ann")
    assert [a["text"] for a in body_of(api.get(address))["activities"]] == ["Ring again — 電話", "Nobody home"]
    first = body_of(api.get(f"{address}?limit=1"))
    second = body_of(api.get(f"{address}?limit=1&cursor={first['nextCursor']}"))
    assert [a["text"] for a in second["activities"]] == ["Nobody home"]
    refused(api.post(address, {"kind": "status"}), 400, "kind")
    refused(api.post(address, {"text": "x" * 2001}), 400, "text")
    assert Activity.objects.count() == Lead.objects.get(pk=lead.pk).activity_count == 2


def test_tags_are_made_set_and_deleted(api, bucket, bob):
    lead = Lead.objects.order_by("pk")[0]
    tag = body_of(api.post("/api/tags", {"name": "Hot", "color": "#ff0000"}), 201)["tag"]

    tags = body_of(api.put(f"/api/leads/{lead.pk}/tags", {"tags": ["hot", "Probate"]}))["tags"]

    assert [(t["name"], t["color"]) for t in tags] == [("Hot", "#ff0000"), ("Probate", "#6b7280")]
    assert body_of(api.get(f"/api/leads/{lead.pk}/tags"))["tags"] == tags
    assert body_of(api.get(f"/api/leads/{lead.pk}"))["lead"]["tags"] == ["Hot", "Probate"]
    assert [t["name"] for t in body_of(api.get("/api/tags"))["tags"]] == ["Probate", "Hot"]
    assert body_of(Api(bob).get("/api/tags"))["tags"] == []
    body_of(api.delete(f"/api/tags/{tag['id']}"))
    assert body_of(api.get(f"/api/leads/{lead.pk}"))["lead"]["tags"] == ["Probate"]


def test_a_tag_that_cannot_be_is_refused(api, bucket):
    lead = Lead.objects.order_by("pk")[0]
    body_of(api.post("/api/tags", {"name": "Hot"}), 201)

    refused(api.post("/api/tags", {"name": "hOT"}), 409, "name")
    refused(api.post("/api/tags", {"name": " "}), 400, "name")
    refused(api.post("/api/tags", {"name": "x", "color": "red"}), 400, "color")
    refused(api.put(f"/api/leads/{lead.pk}/tags", {"tags": ["a" * 51]}), 400, "tags.0")
    refused(api.put(f"/api/leads/{lead.pk}/tags", {"tags": "hot"}), 400, "tags")
    refused(api.put(f"/api/leads/{lead.pk}/tags", {}), 400, "tags")
    assert list(Tag.objects.values_list("name", flat=True)) == ["Hot"]


def test_a_number_that_would_take_minutes_to_read_is_refused(api, bucket):
    for number in ("-1e9999999", "1e9999999"):
        answer = api.get(f"/api/property/bucket/leads?bucketId={bucket.pk}&bedroomsMin={number}")
        refused(answer, 400, "bedroomsMin")
