"""The events that code writes, those that pages put in words and those that docs/audit.md lists are the same."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

from accounts.actions import ACTIONS, CONTACTS, MONEY

ROOT = Path(__file__).resolve().parents[2]
ROOMS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
LITERAL = re.compile(r'"([a-z_]+\.[a-z_]+)"')
ROW = re.compile(r"^\| `([a-z_]+\.[a-z_]+)` \|", re.MULTILINE)


def written() -> set[str]:
    """Names of events in the rooms' code, but for the list itself."""
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py") if "migrations" not in file.parts]
    texts = [file.read_text() for file in files if file != ROOT / "accounts" / "actions.py"]
    return {name for text in texts for name in LITERAL.findall(text)} & set(ACTIONS)


def unknown() -> set[str]:
    """Names that are given to `record` and are no event."""
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
    given = {n for file in files for n in re.findall(r'\brecord\(\s*"([a-z_.]+)"', file.read_text())}
    return given - set(ACTIONS)


def test_the_documented_events_are_those_of_the_code():
    documented = ROW.findall((ROOT / "docs" / "audit.md").read_text())
    assert len(documented) == len(set(documented))
    assert set(documented) == set(ACTIONS)
    assert unknown() == set()
    assert set(ACTIONS) - written() == set()
    assert set(CONTACTS) | set(MONEY) <= set(ACTIONS)


def functions_by_whom() -> set[str]:
    """Services that say who did it, and may be called by a worker, for whom nobody did."""
    return {
        node.name
        for tree in trees(lambda file: True)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        if argument.arg == "by" and default is not None
    }


def trees(wanted: Callable[[Path], bool]) -> Iterator[ast.Module]:
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            if wanted(file.relative_to(ROOT)):
                yield ast.parse(file.read_text(), str(file.relative_to(ROOT)))


def is_a_persons(file: Path) -> bool:
    """A page, the API or a command."""
    return bool({"admin", "api", "management", "profile", "sign_in"} & {*file.parts}) or "page" in file.stem


def _suppresses_errors(call: ast.Call) -> bool:
    """contextlib's `suppress(KeyError)`, which has the name of a service of ours."""
    return not call.keywords and all(isinstance(one, ast.Name) and one.id[:1].isupper() for one in call.args)


def test_what_a_person_asks_for_is_written_down_as_hers() -> None:
    names = functions_by_whom()
    assert {"cancel_run", "delete_bucket", "duplicate"} <= names
    calls = [node for tree in trees(is_a_persons) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    called = [(getattr(call.func, "attr", getattr(call.func, "id", "")), call) for call in calls]
    asked = [call for name, call in called if name in names and not _suppresses_errors(call)]
    assert [ast.unparse(call) for call in asked if "by" not in {one.arg for one in call.keywords}] == []
