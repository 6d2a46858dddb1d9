from __future__ import annotations

import time

import pytest

from buckets.models import Bucket, Fill
from leads.models import Lead
from tests.api.client import Api, body_of, refused

BUCKET = "/api/property/bucket"


def test_ids_become_a_bucket_in_the_words_of_the_requirements(api, ann):
    given = {
        "name": "King County, absentee — 國王縣 🏠",
        "description": "From a friend",
        "propertyIds": ["253175355", 253175356, "253175355"],
        "filters": {"state": "WA", "leadTypes": ["absentee"]},
        "signals": {"taxLien": 3},
    }

    made = body_of(api.post(BUCKET, given), 201)

    bucket = Bucket.objects.get()
    assert made["stats"] == {"inserted": 2, "total": 2}
    assert made["bucket"] == {
        "id": str(bucket.pk),
        "userId": str(ann.pk),
        "name": "King County, absentee — 國王縣 🏠",
        "description": "From a friend",
        "source": "real-estate",
        "filters": {"state": "WA", "leadTypes": ["absentee"]},
        "signals": {"taxLien": 3},
        "totalLeads": 2,
        "enrichedLeads": 0,
        "queuedLeads": 0,
        "contactedLeads": 0,
        "detailedLeads": 0,
        "phoneLeads": 0,
        "enrichmentStatus": "pending",
        "enrichmentProgress": {},
        "createdAt": made["bucket"]["createdAt"],
        "updatedAt": made["bucket"]["updatedAt"],
    }
    assert bucket.owner == ann
    assert list(Lead.objects.order_by("pk").values_list("property_id", flat=True)) == ["253175355", "253175356"]


@pytest.mark.long
def test_a_hundred_thousand_ids_are_taken_and_one_more_is_not(api):
    ids = [str(900_000_000 + number) for number in range(100_000)]

    started = time.monotonic()
    made = body_of(api.post(BUCKET, {"name": "Many", "propertyIds": ids}), 201)
    took = time.monotonic() - started

    assert made["stats"] == {"inserted": 100_000, "total": 100_000}
    assert took < 30, took
    message = refused(api.post(BUCKET, {"name": "Too many", "propertyIds": [*ids, "1"]}), 400, "propertyIds")
    assert message == "propertyIds: There are 100001 ids; at most 100000 are taken at a time."
    assert Bucket.objects.count() == 1


def test_an_id_is_one_however_it_is_spelled(api):
    ids = ["0123", 123, " 123 ", "123", "000123", "00000000000000000123", "0" * 90 + "123", 2**63 - 1, str(2**63 - 1)]

    made = body_of(api.post(BUCKET, {"name": "One", "propertyIds": ids}), 201)

    assert made["stats"] == {"inserted": 2, "total": 2}
    assert set(Lead.objects.values_list("property_id", flat=True)) == {"123", "9223372036854775807"}


@pytest.mark.parametrize(
    "item",
    ["1e3", "1E3", "12.0", "1,000", "abc", "0x1F", "1_000", "١٢٣", "0", 0, "-1", "+1", " ", "\t", "1 2", 12.0, 2**63,
     str(2**63), 10**30, "9" * 40, False, None, [], [1], {}],
)  # fmt: skip
def test_what_is_no_id_is_refused_with_its_index(api, item):
    message = refused(api.post(BUCKET, {"name": "x", "propertyIds": ["7", item, "8"]}), 400, "propertyIds")

    assert message.endswith(" (at 1).") and message.count("(at ") == 1
    refused(api.post(BUCKET, b'{"name": "x", "propertyIds": [7, 1e3]}'), 400, "propertyIds")
    assert not Bucket.objects.exists()


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"name": "x"}, "propertyIds", "Give either propertyIds or search."),
        ({"name": "x", "propertyIds": []}, "propertyIds", "There are no ids in it."),
        ({"name": "x", "propertyIds": None}, "propertyIds", "This field may not be null."),
        ({"name": "x", "propertyIds": "253175355"}, "propertyIds", "A list of property ids is needed."),
        (
            {"name": "x", "propertyIds": ["1", "2 3", "", None, True, 1.5, {"id": 1}, -4]},
            "propertyIds",
            'counted from 0: "2 3" (at 1), "" (at 2), null (at 3), true (at 4), 1.5 (at 5) and 2 more.',
        ),
        ({"name": "x", "propertyIds": ["1"], "search": {"state": "WA"}}, "propertyIds", "not both"),
        ({"name": "x", "propertyIds": ["1"], "limit": 5}, "limit", "Only a search has a limit."),
        ({"name": "x", "search": {}}, "search", "at least one filter"),
        ({"name": "x", "search": [1]}, "search", "A JSON object is needed."),
        ({"name": "x", "search": {"city": "Kent"}}, "search", "needs a state or zip"),
        ({"name": "x", "search": {"state": "WA"}, "limit": 0}, "limit", "greater than or equal to 1"),
        ({"name": "x", "search": {"state": "WA"}, "limit": True}, "limit", "integer"),
        ({"propertyIds": ["1"]}, "name", "required"),
        ({"name": "", "propertyIds": ["1"]}, "name", "blank"),
        ({"name": "x" * 201, "propertyIds": ["1"]}, "name", "200"),
        ({"name": "a\x00b", "propertyIds": ["1"]}, "name", "Control characters"),
        ({"name": "x", "propertyIds": ["1\x00"]}, "propertyIds", "Control characters"),
        ({"name": "x", "propertyIds": ["1"], "filters": {"a": "\ud800"}}, "filters", "halves of characters"),
        ({"name": "x", "propertyIds": ["1"], "filters": {"a\x00": 1}}, "filters", "Control characters"),
        ({"name": "x", "propertyIds": ["1"], "signals": [1]}, "signals", "A JSON object is needed."),
        ({"name": "x", "propertyIds": ["1"], "filters": {"a": "b" * 70_000}}, "filters", "shorter than 64 KB"),
        ({"name": "x", "propertyIds": ["1"], "source": "zillow"}, "source", "not a valid choice"),
        ({"name": "x", "propertyIds": ["1"], "colour": "red"}, "colour", "There is no such field here."),
        ({"name": "x", "propertyIds": ["1"], "filters": eval("[" * 25 + "1" + "]" * 25)}, "filters", "nested"),
    ],
)
def test_what_cannot_be_a_bucket_is_refused_by_name_and_makes_none(api, body, field, words):
    message = refused(api.post(BUCKET, body), 400, field)

    assert words in message
    assert not Bucket.objects.exists()
    assert not Lead.objects.exists()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{"name": "x", ', "The body is not JSON"),
        (b'{"name": NaN}', "NaN is not a JSON number"),
        (b'{"name": -Infinity}', "-Infinity is not a JSON number"),
        (b'{"name": 1e999}', "1e999 is too large a number"),
        (b'{"name": ' + b"9" * 5001 + b"}", "The body is not JSON: a number in it has thousands of digits."),
        (b'["name"]', "The body must be a JSON object"),
        (b'"name"', "The body must be a JSON object"),
        (b"null", "The body must be a JSON object"),
        (b'{"name": "\xff"}', "The body is not UTF-8"),
        (b'{"name": "a\x00b"}', "The body is not JSON"),
        (b'{"name": ' + b"[" * 200_000, "nested too deeply"),
        (b'{"na\\u0000me": 1}', "Control characters"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(api, raw, words):
    message = refused(api.post(BUCKET, raw), 400)

    assert words in message
    assert not Bucket.objects.exists()


def test_a_body_of_20_megabytes_is_refused_before_it_is_read(api):
    answer = api.post(BUCKET, b'{"name": "' + b"x" * 20_000_000 + b'"}')

    assert refused(answer, 413, "body") == "The body is 20000012 bytes; at most 8,388,608 bytes are taken."
    assert not Bucket.objects.exists()


def test_another_media_type_is_refused(api):
    answer = api.client.post(BUCKET, {"name": "x"}, headers=api.headers)

    assert refused(answer, 415)
    assert not Bucket.objects.exists()


def test_a_search_fills_a_bucket_in_the_background(api, ann, sandbox):
    made = body_of(api.post(BUCKET, {"name": "All of WA", "search": {"state": "WA"}, "limit": 5}), 202)

    fill = Fill.objects.get()
    assert made["stats"] == {"inserted": 0, "total": 0}
    assert made["bucket"]["filters"] == {"state": "WA"}
    assert made["fill"] == {
        "id": str(fill.pk),
        "status": "queued",
        "criteria": {"state": "WA"},
        "sets": None,
        "limit": 5,
        "found": None,
        "fetched": 0,
        "saved": 0,
        "leftOut": 0,
        "error": "",
        "createdAt": made["fill"]["createdAt"],
        "updatedAt": made["fill"]["updatedAt"],
    }
    assert body_of(api.get(f"{BUCKET}/{made['bucket']['id']}"))["bucket"]["fill"] == made["fill"]


def test_the_same_ids_again_are_free_and_change_nothing(api):
    bucket = body_of(api.post(BUCKET, {"name": "x", "propertyIds": ["1", "2"]}), 201)["bucket"]

    again = body_of(api.post(f"{BUCKET}/{bucket['id']}/ids", {"propertyIds": [2, "3", "1"]}))

    assert again["stats"] == {"inserted": 1, "total": 3}
    assert again["bucket"]["totalLeads"] == 3
    assert refused(api.post(f"{BUCKET}/{bucket['id']}/ids", {}), 400, "propertyIds")
    assert refused(api.post(f"{BUCKET}/{bucket['id']}/ids", {"propertyIds": ["1"], "name": "y"}), 400, "name")


def test_only_a_failed_search_is_gone_on_with(api, ann):
    bucket = body_of(api.post(BUCKET, {"name": "x", "search": {"state": "WA"}}), 202)["bucket"]
    address = f"{BUCKET}/{bucket['id']}/fill"

    assert refused(api.post(address), 409) == "No search of this bucket has failed."
    Fill.objects.update(status="failed", error="AUTH_ERROR: no key")
    assert body_of(api.get(f"{BUCKET}/{bucket['id']}"))["bucket"]["fill"]["error"] == "AUTH_ERROR: no key"
    retried = body_of(api.post(address), 202)["fill"]

    assert (retried["status"], retried["error"]) == ("queued", "")


def test_buckets_are_listed_newest_first_a_page_at_a_time(api, bob, django_assert_max_num_queries):
    for number in range(5):
        body_of(api.post(BUCKET, {"name": f"List {number}", "propertyIds": ["1"]}), 201)
    body_of(Api(bob).post(BUCKET, {"name": "Bob's", "propertyIds": ["1"]}), 201)

    with django_assert_max_num_queries(6):
        first = body_of(api.get(f"{BUCKET}?limit=3"))
    second = body_of(api.get(f"{BUCKET}?limit=3&cursor={first['nextCursor']}"))

    assert [b["name"] for b in first["buckets"]] == ["List 4", "List 3", "List 2"]
    assert (first["count"], first["buckets"][0]["fill"]) == (3, None)
    assert [b["name"] for b in second["buckets"]] == ["List 1", "List 0"]
    assert second["nextCursor"] is None
    assert [b["name"] for b in body_of(api.get(f"{BUCKET}?name=List 2"))["buckets"]] == ["List 2"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=501", "limit"),
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=AAAAAAAA", "cursor"),
        ("name=%00", "name"),
        ("colour=red", "colour"),
    ],
)
def test_a_page_that_cannot_be_meant_is_refused_by_name(api, query, field):
    refused(api.get(f"{BUCKET}?{query}"), 400, field)


def test_a_bucket_is_renamed_and_nothing_else_can_be_changed(api):
    bucket = body_of(api.post(BUCKET, {"name": "Old", "propertyIds": ["1"]}), 201)["bucket"]
    address = f"{BUCKET}/{bucket['id']}"

    changed = body_of(api.patch(address, {"name": "New", "description": "d"}))["bucket"]

    assert (changed["name"], changed["description"], changed["totalLeads"]) == ("New", "d", 1)
    refused(api.patch(address, {"totalLeads": 5}), 400, "totalLeads")
    refused(api.patch(address, {"name": None}), 400, "name")
    refused(api.patch(address, {}), 400)
    assert (Bucket.objects.get().name, Bucket.objects.get().total_leads) == ("New", 1)


def test_a_deleted_bucket_is_gone_with_its_leads(api):
    bucket = body_of(api.post(BUCKET, {"name": "x", "propertyIds": ["1"]}), 201)["bucket"]
    address = f"{BUCKET}/{bucket['id']}"

    assert body_of(api.delete(address)) == {"success": True, "id": bucket["id"]}

    refused(api.get(address), 404)
    assert not Lead.objects.exists()


def test_addresses_of_nothing_are_told_so_in_json(api):
    assert "end without a slash" in refused(api.get(f"{BUCKET}/"), 404)
    refused(api.get(f"{BUCKET}/not-a-uuid"), 404)
    refused(api.get("/api/nothing"), 404)
    refused(api.put(BUCKET, {}), 405)
