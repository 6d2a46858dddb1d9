"""Budget scopes: one module spells them, everything else asks it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest
from django.db.models import CharField, F, Value

from integrations.ledger import scopes
from integrations.ledger.scopes import Scope
from integrations.models import Budget, Vendor

ROOT = Path(scopes.__file__).parents[2]
ROOMS = ("accounts", "benchmarks", "buckets", "common", "config", "devtools", "enrichment", "integrations", "leads")
NOW = datetime(2026, 11, 4, 23, 59, tzinfo=UTC)
RUN = UUID("0190f3c2-0000-7000-8000-000000000001")
SOURCES = ROOT / "leads" / "permission"  # of suppressions: spelled alike, and no scopes of budgets
SPELLED = re.compile(r"^(run|user|vendor|leads|campaign):|'(run|user|vendor|leads|campaign):")


@pytest.mark.parametrize(
    ("scope", "text", "parts"),
    [
        (scopes.run(RUN), f"run:{RUN}", Scope("run", str(RUN), "")),
        (scopes.user_month(7, NOW), "user:7:2026-11", Scope("user", "7", "2026-11")),
        (scopes.vendor_day("apollo", NOW), "vendor:apollo:2026-11-04", Scope("vendor", "apollo", "2026-11-04")),
        (scopes.leads_day(7, NOW), "leads:7:2026-11-04", Scope("leads", "7", "2026-11-04")),
    ],
)
def test_a_scope_is_made_and_read_again(scope: str, text: str, parts: Scope) -> None:
    assert scope == text
    assert scopes.parse(scope) == parts
    assert scopes.counts_inputs(scope) == (parts.kind == "leads")


def test_the_period_of_a_scope_is_a_day_a_month_or_none() -> None:
    assert scopes.parse("vendor:apollo:2026-11-04").day == date(2026, 11, 4)
    assert scopes.parse("leads:7:2026-11-04").day == date(2026, 11, 4)
    assert scopes.parse("user:7:2026-11").month == "2026-11"
    none = ("", "run:1", "vendor:x:soon", "user:7:2026-11-04", "leads:7")
    assert [(scopes.parse(text).day, scopes.parse(text).month) for text in none] == [(None, None)] * 5


def test_a_scope_begins_with_its_kind_and_whose_it_is() -> None:
    assert scopes.vendor_day("apollo", NOW).startswith(scopes.beginning(scopes.VENDOR))
    assert scopes.user_month(7, NOW).startswith(scopes.beginning(scopes.USER, 7))
    assert not scopes.user_month(71, NOW).startswith(scopes.beginning(scopes.USER, 7))
    assert scopes.vendor_day("apollo", NOW).endswith(scopes.day(NOW))


@pytest.mark.django_db
def test_sql_spells_scopes_as_python_does() -> None:
    Vendor.objects.get_or_create(name="apollo")
    rows = Vendor.objects.filter(name="apollo").annotate(
        day=scopes.in_sql(lambda name: scopes.vendor_day(name, NOW), F("name")),
        run=scopes.in_sql(scopes.run, Value(str(RUN), CharField())),
    )
    assert rows.values_list("day", "run").get() == (scopes.vendor_day("apollo", NOW), scopes.run(RUN))
    for scope in (scopes.leads_day(7, NOW), scopes.user_month(7, NOW)):
        Budget.objects.create(scope=scope)
    counted = Budget.objects.extra(where=[scopes.counts_in_sql("scope")])  # a constant
    assert list(counted.values_list("scope", flat=True)) == [scopes.leads_day(7, NOW)]


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """Every text of a file that is no docstring, with its line."""
    tree = ast.parse(path.read_text())
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body
        if isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.lineno, node.value


@pytest.mark.long
def test_no_other_file_spells_a_scope() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for room in (*ROOMS, "operations")
        for path in sorted((ROOT / room).rglob("*.py"))
        if "migrations" not in path.parts and path != Path(scopes.__file__) and path.parent != SOURCES
        for line, text in _texts(path)
        if SPELLED.search(text)
    ]
    assert found == []


@pytest.mark.parametrize("text", ['f"user:{pk}:{now:%Y-%m}"', '"vendor:"', "\"WHERE key LIKE 'leads:%'\""])
def test_a_file_that_spells_one_is_found(tmp_path: Path, text: str) -> None:
    path = tmp_path / "elsewhere.py"
    path.write_text(f'"""user:1 in a docstring is none."""\nscope = {text}\n')
    assert [line for line, found in _texts(path) if SPELLED.search(found)] == [2]
