"""Nothing is null but where the description says that it may be: every answer that can be read is walked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from common.api.throttles import UserThrottle
from tests.api.client import Api
from tests.api.test_lists import address, meant, schema
from tests.api.test_tenancy import World

ROOT = Path(__file__).parents[2]


def undescribed(value: Any, part: dict[str, Any], place: str) -> list[str]:
    """Where in a value there is a null, or a name, of which its description does not know."""
    whole = meant(part)
    if value is None:
        return [] if may_be_null(part) else [f"{place} is null"]
    options = [one for name in ("oneOf", "anyOf", "allOf") for one in whole.get(name, ())]
    if options:
        found = [undescribed(value, one, place) for one in options if fits(value, meant(one))]
        return min(found, key=len, default=[])
    if isinstance(value, list):
        return [word for row in value[:20] for word in undescribed(row, whole.get("items", {}), f"{place}[]")]
    if isinstance(value, dict):
        named, others = whole.get("properties", {}), whole.get("additionalProperties", not whole.get("properties"))
        words = [f"{place} lacks {name}" for name in whole.get("required", ()) if name not in value]
        for name, inner in value.items():
            if name in named:
                words += undescribed(inner, named[name], f"{place}.{name}")
            elif others is False:  # {}: anything
                words.append(f"{place}.{name} is not described")
            elif isinstance(others, dict) and others:
                words += undescribed(inner, others, f"{place}.{name}")
        return words
    return []


def may_be_null(part: dict[str, Any]) -> bool:
    if part.get("nullable") or not part:
        return True
    whole = meant(part)
    several = [one for name in ("oneOf", "anyOf") for one in whole.get(name, ())]
    return bool(whole.get("nullable")) or None in whole.get("enum", ()) or any(map(may_be_null, several))


def fits(value: Any, part: dict[str, Any]) -> bool:
    kinds: dict[str, Any] = {
        "object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
    }  # fmt: skip
    return "type" not in part or isinstance(value, kinds[part["type"]])


@pytest.mark.long
@pytest.mark.django_db
def test_every_answer_that_can_be_read_is_as_described_to_its_nulls(world: World, ann: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(UserThrottle, "allow_request", lambda *_: True)
    ann.is_superuser = True
    ann.save()
    world.prepare("owner")
    world.ids["other"] = world.bucket.pk
    api, wrong, read = Api(ann), [], 0
    for path, operations in schema()["paths"].items():
        answer = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        if "application/json" not in answer or any(f"{{{name}}}" in path for name in unknown(path, world)):
            continue
        got = api.get(address(world, operations["get"]["operationId"], path).replace("?limit=50", ""))
        if got.status_code != 200:
            continue
        read += 1
        wrong += undescribed(got.json(), answer["application/json"]["schema"], operations["get"]["operationId"])

    assert wrong == []
    assert read > 60


def unknown(path: str, world: World) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{") and part[1:-1] not in world.ids]


@pytest.mark.long
def test_the_schema_is_the_same_to_its_order_in_another_process(tmp_path: Path) -> None:
    """However Python's hashes fall, there another way: a client that is made anew changes where the API does."""
    file = tmp_path / "schema.json"
    command = [sys.executable, "manage.py", "spectacular", "--format", "openapi-json", "--file", str(file)]
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    environment = {**os.environ, "PYTHONHASHSEED": seed, "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    assert json.dumps(json.loads(file.read_bytes())) == json.dumps(schema())
