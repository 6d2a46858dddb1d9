from __future__ import annotations

import uuid
from decimal import Decimal

import pytest

from buckets.models import Bucket
from leads.models import Activity, Lead, Tag
from tests.api.client import Api, body_of, refused

LEADS = "/api/property/bucket/leads"
# The brief's LEADS table, name by name.
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


def test_a_lead_has_every_field_of_the_brief_under_its_name(api, bucket):
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


def test_a_page_of_leads_costs_the_same_queries_whatever_is_on_it(api, bucket, django_assert_num_queries):
    tag = Tag.objects.create(owner=bucket.owner, name="hot")
    for lead in Lead.objects.all():
        lead.tags.add(tag)

    for limit in (1, 10):
        with django_assert_num_queries(6):  # token, the user's other tokens, bucket, leads, tags, count
            answer = page(api, bucket, f"&limit={limit}&tag=HOT")
        assert answer["leads"][0]["tags"] == ["hot"]
        assert answer["totalMatching"] == 10


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=501", "limit"),
        ("limit=0", "limit"),
        ("limit=1e3", "limit"),
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
        ({"phone": "+12065550100"}, "phone"),
        ({"enrichmentStatus": "completed"}, "enrichmentStatus"),
        ({"firstName": "x" * 201}, "firstName"),
        ({"firstName": "a\x00"}, "firstName"),
        ({"ownerId": 1}, "ownerId"),
        ({}, ""),
    ],
)
def test_bought_facts_are_not_edited(api, bucket, change, field):
    lead = Lead.objects.order_by("pk")[0]

    refused(api.patch(f"/api/leads/{lead.pk}", change), 400, field)

    assert Lead.objects.get(pk=lead.pk).updated_at == lead.updated_at


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
