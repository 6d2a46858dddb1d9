"""A migration does to old rows tomorrow what it did when it was written: it imports nothing that lives on."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from knox.models import AuthToken

from accounts.models import User

ROOT = Path(__file__).resolve().parent.parent
ROOMS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
FILES = sorted(file for room in ROOMS for file in (ROOT / room / "migrations").glob("*.py"))
# What of ours migrations may name, and why it cannot be copied into them.
ALLOWED = {
    "common.db.ids": "Django names the default of a column by where it stands: another copy would be another default",
    "common.db.migrations": "operations that migrations alone use, and that change with Django, not with the product",
    "accounts.models": "Django names defaults and validators of a column by where they stand",
}


def imported(source: str) -> Iterator[str]:
    """The modules of ours that a file imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [str(node.module)]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in ROOMS)


def lives_on(source: str, room: str) -> set[str]:
    """What a room's migration imports that may change under it. Files beside it, such as `_frozen.py`, never do."""
    return {
        name for name in imported(source) if name not in ALLOWED and not f"{name}.".startswith(f"{room}.migrations.")
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parts[-3]}/{file.name}")
def test_a_migration_imports_no_live_code(file: Path) -> None:
    found = lives_on(file.read_text(), file.parts[-3])
    assert not found, (
        f"{file.relative_to(ROOT)} imports {found}: copy what it needs into the migration or a file beside it"
    )


def test_every_exception_is_still_needed() -> None:
    assert {name for file in FILES for name in imported(file.read_text())} >= set(ALLOWED)


def test_an_import_of_live_code_is_found() -> None:
    source = "from integrations.vendors import normalise\nimport leads.models\nfrom leads.migrations import _frozen\n"
    assert lives_on(source, "leads") == {"integrations.vendors", "leads.models"}


@pytest.mark.django_db
def test_a_new_installation_has_no_user_and_no_token() -> None:
    assert not User.objects.exists()
    assert not AuthToken.objects.exists()
