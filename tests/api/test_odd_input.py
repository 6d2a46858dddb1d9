"""Whatever stands in a field or a parameter, the answer is a refusal or a result, never a fault of ours."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from drf_spectacular.generators import SchemaGenerator

from common.api.throttles import UserThrottle
from tests.api.client import Api
from tests.api.test_declared import may_change_vendors
from tests.api.test_tenancy import World

ODD: list[Any] = [
    None, True, 0, -1, 1.5, 1e308, 10**40, "", " ", "a\x00b", "\ud800",
    "\x1b[31mred", "\x7f\u2028", "a\tb\r\nc", "\u200b\u202e\ufffe", "x" * 200_000, "NaN", "1e999", "´`'\";--%s{}",
    [], [[]], [None, {}], {}, {"a": {"b": [1e308]}}, {"$gt": ""},
]  # fmt: skip
FINE = {
    "name": "x", "propertyIds": ["1"], "username": "x", "password": "x", "mode": "count", "search": {"state": "WA"},
    "tags": ["x"], "text": "x", "status": "new",
}  # fmt: skip


def operations() -> list[tuple[str, str, list[str], list[str]]]:
    """(method, path, body fields, query parameters) of the whole API, from its own schema."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    parts = schema["components"]["schemas"]
    found = []
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
            fields = list(parts.get(name, {}).get("properties", {}))
            query = [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"]
            if fields or query:
                found.append((method.upper(), path, fields, query))
    return found


@pytest.fixture(scope="module")
def standing(standing):
    may_change_vendors(standing.ann)
    return standing


@pytest.fixture
def world(world, sandbox, monkeypatch):
    monkeypatch.setattr(UserThrottle, "allow_request", lambda *_: True)
    return world


def wanted(fields: list[str], world: World) -> dict[str, Any]:
    ids = {"bucketId": str(world.bucket.pk), "leadIds": [str(world.lead.pk)]}
    body = {name: (FINE | ids)[name] for name in fields if name in FINE | ids}
    return {k: v for k, v in body.items() if not (k == "search" and "propertyIds" in body)}


OPERATIONS = operations()
EVERY = 12  # of the values of ODD a field is given one in so many, each value by another field; `long`: all of them


def values_for(number: int, *, all_of_them: bool) -> list[Any]:
    """What the field with this number is given: over a few fields, every odd value."""
    return [value for place, value in enumerate(ODD) if all_of_them or (place + number) % EVERY == 0]


@pytest.mark.parametrize(
    ("method", "path", "fields", "query"), OPERATIONS, ids=lambda v: v if isinstance(v, str) else ""
)
def test_odd_values_are_answered_not_crashed_on(world, ann, method, path, fields, query):
    number = next(n for n, one in enumerate(OPERATIONS) if one[:2] == (method, path))
    ask_oddly(world, ann, (method, path, fields, query), number, all_of_them=False)


@pytest.mark.long
@pytest.mark.parametrize("number", range(len(OPERATIONS)))
def test_every_odd_value_in_every_field(world, ann, number):
    ask_oddly(world, ann, OPERATIONS[number], number, all_of_them=True)


def ask_oddly(world, ann, operation, number, *, all_of_them):
    method, path, fields, query = operation
    api = Api(ann)
    address = path.format(**world.ids)
    asked = 0
    for place, name in enumerate(fields):
        for value in values_for(number + place, all_of_them=all_of_them):
            answer = api.send(method, address, {**wanted(fields, world), name: value}, Prefer="wait=0")
            assert answer.status_code < 500, (name, value, answer.content)
            asked += 1
    for place, name in enumerate(query):
        for value in values_for(number + place, all_of_them=all_of_them):
            if isinstance(value, list | dict | None | float):
                continue
            text = quote(str(value), errors="surrogatepass")
            also = "" if name == "bucketId" or "bucketId" not in query else f"&bucketId={world.bucket.pk}"
            answer = api.send(method, f"{address}?{name}={text}{also}")
            assert answer.status_code < 500, (name, value, answer)
            if answer.streaming:
                assert b"".join(answer.streaming_content)
            asked += 1
    assert asked
