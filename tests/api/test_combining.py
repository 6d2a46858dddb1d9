from uuid import uuid4

import pytest

from buckets.filling import fills
from buckets.models import Bucket
from buckets.services import create_bucket
from leads.models import Lead
from tests.api.client import Api, body_of, refused

COMBINE = "/api/property/bucket/combine"


def bucket_of(by, name, *ids):
    return create_bucket(by=by, name=name, property_ids=[str(one) for one in ids])[0]


@pytest.fixture
def abc(ann):
    return [str(bucket_of(ann, name, *ids).pk) for name, ids in {"A": (1, 2, 3), "B": (2, 3, 4), "C": (3,)}.items()]


def test_a_combination_is_seen_and_priced_before_it_is_made(api, abc):
    a, b, c = abc

    seen = body_of(api.post(COMBINE, {"allOf": [a, b], "noneOf": [c], "preview": True}))["preview"]

    assert seen == {
        "total": 1,
        "owned": 0,
        "stale": 0,
        "leftOut": 0,
        "new": 1,
        "price": 0.1,
        "stalePrice": 0,
        "byVendor": [
            {"vendor": "realestateapi", "operation": "property_detail", "owned": 0, "toBuy": 1, "unitPrice": 0.05,
             "price": 0.05},
            {"vendor": "realestateapi", "operation": "skip_trace", "owned": 0, "toBuy": 1, "unitPrice": 0.05,
             "price": 0.05},
        ],
    }  # fmt: skip
    assert Bucket.objects.count() == 3


def test_a_combination_becomes_a_bucket(api, ann, abc):
    made = body_of(api.post(COMBINE, {"anyOf": abc, "name": "All of it"}), 201)

    bucket = Bucket.objects.get(pk=made["bucket"]["id"])
    assert made["stats"] == {"inserted": 4, "total": 4}
    assert (bucket.owner, bucket.name, made["bucket"]["totalLeads"]) == (ann, "All of it", 4)
    assert made["bucket"]["description"] == "On any of “A”, “B”, “C”."
    assert list(bucket.leads.order_by("pk").values_list("property_id", flat=True)) == ["1", "2", "3", "4"]
    assert made["fill"]["sets"] == {"allOf": [], "anyOf": abc, "noneOf": []}
    assert [made["fill"][name] for name in ("status", "found", "saved")] == ["completed", 4, 4]


def test_what_is_large_is_accepted_and_told_how_far_it_is(api, abc, monkeypatch):
    monkeypatch.setattr(fills, "AT_ONCE", 2)

    made = body_of(api.post(COMBINE, {"anyOf": abc, "name": "All of it"}), 202)

    assert (made["stats"], made["fill"]["status"]) == ({"inserted": 2, "total": 2}, "running")
    while fills.continue_fill(made["fill"]["id"]):
        pass
    bucket = body_of(api.get(f"/api/property/bucket/{made['bucket']['id']}"))["bucket"]
    assert (bucket["totalLeads"], bucket["fill"]["status"], bucket["fill"]["found"]) == (4, "completed", 4)


def test_one_key_makes_one_bucket_of_one_wish(api, abc, bob):
    wish, again = {"anyOf": abc, "name": "All of it"}, {"Idempotency-Key": "k"}

    ids = [body_of(api.post(COMBINE, wish, **again), 201)["bucket"]["id"] for _ in range(2)]
    other = {"Idempotency-Key": "another k"}
    copies = [body_of(api.post(f"/api/property/bucket/{abc[0]}/duplicate", **other), 201) for _ in range(2)]

    assert (len(set(ids)), len({made["bucket"]["id"] for made in copies})) == (1, 1)
    refused(api.post(COMBINE, wish, **{"Idempotency-Key": "k" * 201}), 400, "Idempotency-Key")
    refused(api.post(COMBINE, {**wish, "name": "Another"}, **again), 409, "Idempotency-Key")
    assert Bucket.objects.count() == 5


@pytest.mark.parametrize(
    ("change", "status", "field", "words"),
    [
        ({"name": None}, 400, "name", "null"),
        ({"name": ""}, 400, "name", "blank"),
        ({"name": "x" * 201}, 400, "name", "200"),
        ({"allOf": None}, 400, "allOf", "null"),
        ({"allOf": []}, 400, "allOf", "The list is empty."),
        ({"allOf": ["x"]}, 400, "allOf", "These are no UUIDs"),
        ({"allOf": "x"}, 400, "allOf", "A list of UUIDs is needed."),
        ({"allOf": [str(uuid4()) for _ in range(21)]}, 400, "allOf", "at most 20"),
        ({"noneOf": [str(uuid4()) for _ in range(20)]}, 400, "allOf", "At most 20 buckets."),
        ({"allOf": [str(uuid4())]}, 404, "allOf", "There is no such bucket."),
        ({"noneOf": [str(uuid4())]}, 404, "noneOf", "There is no such bucket."),
        ({"preview": "perhaps"}, 400, "preview", "boolean"),
        ({"some": 1}, 400, "some", "There is no such field here."),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name_and_makes_nothing(api, abc, change, status, field, words):
    message = refused(api.post(COMBINE, {"allOf": [abc[0]], "name": "New"} | change), status, field)

    assert words in message
    assert Bucket.objects.count() == 3


def test_a_combination_without_a_beginning_or_a_name_is_refused(api, abc):
    refused(api.post(COMBINE, {"noneOf": [abc[0]], "name": "New"}), 400, "allOf")
    refused(api.post(COMBINE, {"preview": True}), 400, "allOf")
    refused(api.post(COMBINE, {"allOf": [abc[0]]}), 400, "name")
    assert Bucket.objects.count() == 3


def test_a_combination_of_nothing_is_told_so(api, abc):
    message = refused(api.post(COMBINE, {"allOf": [abc[2]], "noneOf": [abc[0]], "name": "New"}), 409)

    assert message == "No property is in this combination: no bucket was made."
    assert Bucket.objects.count() == 3


def test_a_bucket_of_somebody_else_is_not_there_in_any_part(api, abc, bob):
    theirs = str(bucket_of(bob, "Theirs", 1).pk)

    for part in ("allOf", "anyOf", "noneOf"):
        for preview in (True, False):
            body = {"allOf": [abc[0]], part: [theirs], "name": "New", "preview": preview}
            assert "Theirs" not in refused(api.post(COMBINE, body), 404, part)
    assert Bucket.objects.count() == 4


def test_a_bucket_is_duplicated_under_a_name_or_its_own(api, ann, abc):
    where = f"/api/property/bucket/{abc[0]}/duplicate"

    named = body_of(api.post(where, {"name": "Mine again"}), 201)
    plain = body_of(api.post(where), 201)

    assert [made["bucket"]["name"] for made in (named, plain)] == ["Mine again", "Copy of A"]
    assert named["stats"] == {"inserted": 3, "total": 3}
    assert Lead.objects.filter(bucket=plain["bucket"]["id"], owner=ann).count() == 3
    refused(api.post(where, {"name": ""}), 400, "name")
    refused(api.post(where, {"title": "x"}), 400, "title")
    refused(Api(None).post(where), 401)
    assert Bucket.objects.count() == 5
