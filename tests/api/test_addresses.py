"""Wrong addresses, wrong methods, and the description of the right ones."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
from django.test import Client

from common.api import schema
from tests.api.client import body_of, refused

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]
NOWHERE = ["/api", "/api/", "/api/nope", "/api/leads/", "/api/leads/7", "/api/property/bucket/x/export", "/api/%ff%00"]


@pytest.mark.django_db
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("address", NOWHERE)
def test_a_wrong_address_is_a_404_in_json_for_every_method_and_everybody(api, address, method):
    strict = Client(enforce_csrf_checks=True)  # as a browser's request is checked; Django's test client is not

    for headers in ({}, api.headers, {"Authorization": "Token wrong"}, {"Accept": "text/html"}):
        answer = strict.generic(method, address, "{}", content_type="application/json", headers=headers)

        assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")
        if method != "HEAD":
            assert answer.json()["error"]["code"] == "NOT_FOUND"


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_wrong_address_elsewhere_is_a_page(client, method):
    answer = client.generic(method, "/nope")

    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "address", "allowed"),
    [
        ("DELETE", "/api/property/search", "POST"),
        ("PROPFIND", "/api/property/search", "POST"),
        ("OPTIONS", "/api/usage", "GET, HEAD"),
        ("POST", "/api/schema", "GET, HEAD"),
        ("PATCH", "/api/docs", "GET, HEAD"),
        ("OPTIONS", "/api/docs", "GET, HEAD"),
        ("PUT", "/api/property/bucket", "GET, HEAD, POST"),
    ],
)
def test_a_wrong_method_is_a_405_in_json(api, method, address, allowed):
    answer = api.send(method, address, {}, Accept="text/html, */*;q=0.1")

    assert "not allowed" in refused(answer, 405)
    assert (answer["Content-Type"], answer["Allow"]) == ("application/json", allowed)


@pytest.mark.django_db
@pytest.mark.parametrize("accept", ["*/*", "application/yaml", "application/vnd.oai.openapi+json"])
def test_whoever_may_not_read_the_schema_is_told_so_in_json(client, accept):
    answer = client.get("/api/schema", headers={"Accept": accept})

    assert answer["Content-Type"] == "application/json"
    refused(answer, 401)


def test_a_request_that_django_refuses_unread_is_a_400_in_json(client, settings):
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["buckets.example"]

    refused(client.post("/api/property/bucket", headers={"Host": "elsewhere.example"}), 400)
    assert client.get("/admin/", headers={"Host": "elsewhere.example"})["Content-Type"].startswith("text/html")


def references(part: object) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*map(references, part.values()))
    return set().union(*map(references, part)) if isinstance(part, list) else set()


@pytest.mark.long
@pytest.mark.django_db
def test_the_schema_is_the_same_every_time_and_every_reference_in_it_leads_somewhere(api):
    before = deepcopy((schema.ERROR, schema.REFUSALS))

    answers = [api.client.get("/api/schema?format=json", headers=api.headers) for _ in range(3)]

    assert {answer.status_code for answer in answers} == {200}
    first, second, third = (json.loads(answer.content) for answer in answers)
    assert first == second == third
    assert before == (schema.ERROR, schema.REFUSALS)
    parts = {f"#/components/schemas/{name}" for name in first["components"]["schemas"]}
    assert references(first) <= parts
    assert "#/components/schemas/Error" in references(first["paths"])


@pytest.mark.django_db
@pytest.mark.parametrize(
    "character", ["\x00", "\x01", "\x08", "\x0b", "\x0c", "\x1b", "\x1f", "\x7f", "\x85", "\x9f", "\ud800", "\udfff"]
)
def test_control_characters_in_a_text_are_refused_by_field(api, character):
    for address, body, field in (
        ("/api/property/autocomplete", {"search": f"sea{character}ttle"}, "search"),
        ("/api/property/autocomplete", {"search": character * 3}, "search"),
        ("/api/property/bucket", {"name": f"a{character}", "propertyIds": ["1"]}, "name"),
        ("/api/property/bucket", {"name": "a", "propertyIds": ["1"], "filters": {"x": [character]}}, "filters"),
        ("/api/tags", {"name": f"a{character}b"}, "name"),
        ("/api/skip-trace", {"address": f"1{character}2 Main St", "city": "Kent", "state": "WA"}, "address"),
        ("/api/property/search", {"mode": "count", "search": {"city": f"K{character}", "state": "WA"}}, "search"),
    ):
        refused(api.post(address, body), 400, field)
        if "\x7f" <= character < "\ud800":  # the others are JSON only as escapes
            refused(api.post(address, json.dumps(body, ensure_ascii=False).encode()), 400, field)
    assert body_of(api.get("/api/property/bucket"))["buckets"] == []


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["\u200b\u200b\u200b", "a\u200b\u202eb", "\ufeff\ufffe\U0010ffff", "a\r\n"])
def test_three_characters_that_are_no_text_are_no_beginning_of_a_place(api, sandbox, text):
    refused(api.post("/api/property/autocomplete", {"search": text}), 400, "search")


@pytest.mark.django_db
def test_a_message_does_not_repeat_a_megabyte(api):
    answer = api.post("/api/property/search", {"mode": "x" * 1_000_000, "search": {"state": "WA"}})

    assert len(refused(answer, 400, "mode")) < 600


@pytest.mark.django_db
def test_lines_and_tabs_are_text(api):
    body = {"name": "a", "propertyIds": ["1"], "description": "one\ttwo\r\nthree é °"}

    assert body_of(api.post("/api/property/bucket", body), 201)["bucket"]["description"] == body["description"]
