"""Rooms reach down only, in data too: no SQL names a table of a room above, and no query goes back along its keys."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import Model

ROOT = Path(__file__).resolve().parent.parent
LAYERS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
ROOMS = [room for room in reversed(LAYERS) if (ROOT / room / "__init__.py").exists()]  # the lowest first
MODELS = [model for model in apps.get_models(include_auto_created=True) if model._meta.app_label in ROOMS]
# A lead lies in a bucket, which stands above it: the one key upwards (docs/architecture.md).
KEYS_UPWARDS = {"leads.Lead.bucket"}


def height(room: str) -> int:
    return ROOMS.index(room)


TABLES = {model._meta.db_table: model._meta.app_label for model in MODELS}
# The names by which a row finds those that refer to it from a room above, and the lowest such room.
ACCESSORS: dict[str, str] = {}
for one in MODELS:
    for relation in one._meta.related_objects:
        name, above = relation.get_accessor_name(), relation.related_model._meta.app_label
        if name and above in ROOMS and height(above) > height(one._meta.app_label):
            ACCESSORS[name] = min(above, ACCESSORS.get(name, above), key=height)


def reaches(room: str, source: str) -> Iterator[str]:
    """What this source of a room names of the rooms above it."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.expr | ast.keyword):
            continue
        names: list[str] = []
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for table in set(re.findall(r"\w+", node.value)) & TABLES.keys():
                if height(TABLES[table]) > height(room):
                    yield f"{node.lineno}: the table {table}"
            if re.fullmatch(r"-?\w+__\w+", node.value):
                names = [node.value.lstrip("-").split("__")[0]]
        elif isinstance(node, ast.keyword) and node.arg:
            names = node.arg.split("__")[:1] if "__" in node.arg else []
        elif isinstance(node, ast.Attribute):
            names = [node.attr]
            # `common` imports no model (a contract), so a key that it asks is whichever it was handed.
            if node.attr == "related_model" and room != "common":
                yield f"{node.lineno}: a model behind a key, `related_model`"
        for name in names:
            if name in ACCESSORS and height(ACCESSORS[name]) > height(room):
                yield f"{node.lineno}: back along a key of {ACCESSORS[name]}, `{name}`"


def sources(room: str) -> list[Path]:
    return [file for file in sorted((ROOT / room).rglob("*.py")) if "migrations" not in file.parts]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_names_no_table_above_it_and_follows_no_key_back_from_there(room: str) -> None:
    found = [f"{file.relative_to(ROOT)}:{words}" for file in sources(room) for words in reaches(room, file.read_text())]
    assert found == []


def test_one_key_alone_leads_upwards() -> None:
    found = set()
    for model in MODELS:
        for field in model._meta.concrete_fields:
            target = field.related_model
            room = target._meta.app_label if isinstance(target, type) and issubclass(target, Model) else ""
            if room in ROOMS and height(room) > height(model._meta.app_label):
                found.add(f"{model._meta.label}.{field.name}")
    assert found == KEYS_UPWARDS


def test_the_rooms_and_their_tables_are_known() -> None:
    assert ROOMS == [
        "common",
        "accounts",
        "integrations",
        "leads",
        "buckets",
        "enrichment",
        "campaigns",
        "operations",
        "devtools",
    ]
    assert TABLES["enrichment_runitem"] == "enrichment"
    assert (ACCESSORS["runs"], ACCESSORS["run_items"]) == ("enrichment", "enrichment")


@pytest.mark.parametrize(
    ("room", "line", "found"),
    [
        ("leads", "cursor.execute('UPDATE buckets_bucket SET total_leads = 1')", ["1: the table buckets_bucket"]),
        ("buckets", "f'SELECT {x} FROM enrichment_runitem i'", ["1: the table enrichment_runitem"]),
        ("buckets", "bucket.runs.update(status='cancelled')", ["1: back along a key of enrichment, `runs`"]),
        ("leads", "leads.filter(run_items__run=run)", ["1: back along a key of enrichment, `run_items`"]),
        ("leads", "leads.values('run_items__run')", ["1: back along a key of enrichment, `run_items`"]),
        ("leads", "Lead._meta.get_field('bucket').related_model", ["1: a model behind a key, `related_model`"]),
        ("common", "self.opts.get_field(name).related_model", []),
        ("enrichment", "'SELECT 1 FROM leads_lead l JOIN enrichment_run r'", []),
        ("leads", "reverse('admin:buckets_bucket_change')", []),
    ],
)
def test_a_reach_upwards_is_found(room: str, line: str, found: list[str]) -> None:
    assert list(reaches(room, line)) == found
