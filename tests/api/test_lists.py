"""Every list goes through one door: limit, cursor, sort, fields, include and total mean the same everywhere."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from drf_spectacular.generators import SchemaGenerator

from buckets.services import create_bucket
from common.api.lists import EVERYWHERE
from common.api.throttles import UserThrottle
from leads.models import Lead
from leads.services import add_activity, set_tags
from tests.api.client import Api, body_of, refused
from tests.api.test_tenancy import SAMPLES, World
from tests.support import make_user

pytestmark = pytest.mark.django_db

# Arrays that are no collection: parts of one answer, said whole.
PARTS = {
    "getConversation",
    "getHours",
    "getContactability",
    "getImport",
    "listRules",
    "getBoard",
    "search",
    "quoteBulkJob",
    "mapLeads",
}
BESIDE = {"gone", "presets"}  # arrays that a list says whole, beside its rows
# A stream in an order of its own, and a computed report: neither is sorted or counted.
NO_ORDER = {"listLeadChanges", "listLeftOut"}


@cache
def schema() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(SchemaGenerator().get_schema(public=True)))
    return made


def meant(part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        part = schema()["components"]["schemas"][part["$ref"].rsplit("/", 1)[1]]
    return part


def lists() -> dict[str, tuple[str, dict[str, Any], str]]:
    """{operation: (path, its description, the name of its rows)}."""
    found = {}
    for path, operations in schema()["paths"].items():
        operation = operations.get("get", {})
        answer = operation.get("responses", {}).get("200", {}).get("content", {}).get("application/json")
        if not answer or operation["operationId"] in PARTS:
            continue
        told = meant(answer["schema"]).get("properties", {})
        arrays = [name for name, part in told.items() if meant(part).get("type") == "array" and name not in BESIDE]
        if arrays:
            found[operation["operationId"]] = (path, operation, arrays[0])
    return found


def parameters(operation: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one for one in operation["parameters"] if one["in"] == "query"}


def test_every_list_takes_what_every_list_takes() -> None:
    assert len(lists()) > 45
    for name, (_, operation, rows) in lists().items():
        taken, told = (
            parameters(operation),
            meant(operation["responses"]["200"]["content"]["application/json"]["schema"]),
        )
        wanted = {"limit", "cursor", "fields"} | (set() if name in NO_ORDER else {"sort", "total"})
        assert wanted <= set(taken), name
        assert {"count", "nextCursor", rows} <= set(told["properties"]), name
        assert name in NO_ORDER or {"total", "totalIsExact"} <= set(told["properties"]), name
        assert not {"total", "totalIsExact"} & set(told["required"]), name
        row = meant(meant(told["properties"][rows])["items"])
        assert "required" not in row, name  # `fields` may cut any


def address(world: World, operation: str, path: str) -> str:
    ids = {**world.ids, "suppression_id": world.ids["suppression_id"]}
    query = {
        "listLeads": f"?bucketId={world.bucket.pk}",
        "listLeftOut": f"?allOf={world.bucket.pk}&noneOf={world.ids['other']}",
    }
    return re.sub(r"{(\w+)}", lambda found: str(ids[found[1]]), path) + query.get(operation, "?limit=50")


@pytest.mark.long
def test_every_list_cuts_sorts_counts_and_refuses_by_name(world: World, ann: Any, monkeypatch: Any) -> None:
    """In one world, since that is dearer than a request."""
    monkeypatch.setattr(UserThrottle, "allow_request", lambda *_: True)
    ann.is_superuser = True
    ann.save()
    world.prepare("owner")
    world.ids["other"] = create_bucket(by=ann, name="Another", property_ids=["7"])[0].pk
    api, seen = Api(ann), 0
    for name, (path, operation, rows) in lists().items():
        here, taken = address(world, name, path), parameters(operation)
        whole = body_of(api.get(here))[rows]
        refused(api.get(f"{here}&fields=nonsense"), 400, "fields")
        for query, field in (("sort=nonsense", "sort"), ("cursor=no.cursor", "cursor"), ("total=perhaps", "total")):
            refused(api.get(f"{here}&{query}"), 400, field)
        if "include" in taken:
            refused(api.get(f"{here}&include=nonsense"), 400, "include")
            said = taken["include"]["description"].split(": ")[1].partition(", with commas")[0]
            told = body_of(api.get(f"{here}&fields=id&include={said.replace(' ', '')}"))[rows]
            assert all(set(row) == {"id", *said.split(", ")} for row in told), name
        if name in NO_ORDER:
            continue
        counted = body_of(api.get(f"{here}&total=true"))
        assert (counted["total"], counted["totalIsExact"]) == (len(whole), True), name
        if not whole:
            continue
        seen += 1
        one, *_, last = names = list(whole[0])
        cut = body_of(api.get(f"{here}&fields={last},{one}"))[rows]
        assert [set(row) for row in cut] == [{one, last}] * len(whole), name
        assert cut[0] == {key: whole[0][key] for key in (last, one)} or name in {"listVendors"}, (name, names)
        orders = taken["sort"]["schema"]
        for order in orders.get("enum") or orders["anyOf"][0]["enum"]:
            assert paged(api, here, rows, order) == sorted(map(str, whole)), (name, order)
    assert seen > 30


def paged(api: Api, here: str, rows: str, order: str) -> list[str]:
    """All rows, two a page."""
    found: list[str] = []
    cursor = ""
    while True:
        page = body_of(api.get(re.sub(r"limit=50", "limit=2", here) + f"&sort={order}{cursor}"))
        found += map(str, page[rows])
        assert len(found) < 1000
        if page["nextCursor"] is None:
            return sorted(found)
        cursor = f"&cursor={page['nextCursor']}"


def test_an_order_by_a_column_pages_through_equal_and_missing_values() -> None:
    ann = make_user("cleo")
    api = Api(ann)
    for number in range(7):
        create_bucket(by=ann, name=f"B{number % 3}", property_ids=["1"] * (number % 2))

    def asked(order: str) -> list[tuple[str, str]]:
        names: list[tuple[str, str]] = []
        cursor = ""
        while True:
            page = body_of(api.get(f"/api/property/bucket?limit=2&fields=name,id&sort={order}{cursor}"))
            names += [(row["name"], row["id"]) for row in page["buckets"]]
            if page["nextCursor"] is None:
                return names
            cursor = f"&cursor={page['nextCursor']}"

    up, down = asked("name"), asked("-name")
    assert up == sorted(up)
    assert down == up[::-1]
    assert len(set(up)) == 7
    cursor = body_of(api.get("/api/property/bucket?limit=2&sort=name"))["nextCursor"]
    assert "in this order" in refused(api.get(f"/api/property/bucket?sort=-name&cursor={cursor}"), 400, "cursor")
    assert body_of(api.get("/api/property/bucket?total=true&limit=1"))["total"] == 7


@pytest.mark.long
def test_what_goes_with_leads_is_read_for_a_page_at_once_and_a_total_only_where_it_is_asked_for() -> None:
    ann = make_user("cleo")
    api = Api(ann)
    create_bucket(by=ann, name="Few", property_ids=[str(n) for n in range(12)])
    for lead in Lead.objects.filter(owner=ann):
        set_tags(lead=lead, names=["hot", "far"])
        for text in range(12):
            add_activity(lead=lead, by=ann, kind="note", text=str(text))
    everything = "bucket,assignee,tagDetails,activities,contacts,suppressions"
    counts: dict[int, int] = {}
    body_of(api.get("/api/leads"))  # what is read once and kept
    for limit in (2, 12):
        with CaptureQueriesContext(connection) as asked:
            page = body_of(api.get(f"/api/leads?limit={limit}&include={everything}"))
        counts[limit] = len(asked)
        assert len(page["leads"]) == limit
    assert counts[2] == counts[12]
    lead = page["leads"][0]
    assert [one["text"] for one in lead["activities"]] == [str(n) for n in range(11, 1, -1)]
    assert [tag["name"] for tag in lead["tagDetails"]] == ["far", "hot"]
    assert (lead["bucket"]["name"], lead["assignee"], lead["contacts"]) == ("Few", None, [])
    plain = "/api/leads?limit=2"
    with CaptureQueriesContext(connection) as without:
        assert "total" not in body_of(api.get(plain))
    with CaptureQueriesContext(connection) as with_total:
        assert body_of(api.get(f"{plain}&total=true"))["total"] == 12
    assert len(with_total) == len(without) + 1


def test_every_list_has_a_sample_of_a_stranger() -> None:
    """What tenancy walks: a list that is new here must be there too."""
    assert ("lead-changes", "GET") in SAMPLES
    assert {"limit", "cursor", "sort", "fields", "include", "total"} == EVERYWHERE
