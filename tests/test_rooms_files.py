"""An app's root holds the file names that every app shares, so that a rule is looked for in one place in each."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
APPS = [room for room in ROOMS if (ROOT / room / "apps.py").exists()]
# docs/architecture.md has each one's job. `registries`: what an upper room registers with this one; `options`: a typed
# object that a row keeps as JSON, which models and all above them read.
NAMES = {
    "__init__", "models", "querysets", "selectors", "rules", "normalise", "services", "locks", "tasks", "apps", "admin",
    "api", "management", "migrations", "registries", "options",
}  # fmt: skip
# What else a root holds, and why it is no folder's.
OTHERS = {
    "accounts/sealing": "how sign-in and webhooks keep a secret that must be readable again",
    "accounts/fresh": "every room's pages ask by it for a fresh proof",
    "accounts/invitations": "one service of its own, for page, API and command",
    "accounts/tokens": "as invitations",
    "accounts/actions": "the audit's names: its writer, its page and the services of all rooms agree on them",
    "accounts/access": "who may do what in which team: every room above begins its queries with it",
    "accounts/audit": "the audit's one writer, for the services of all rooms",
    "accounts/middleware": "Django's name for what stands before every view",
    "accounts/origin": "where a request came from: set by middleware, read by the audit",
    "accounts/team_triggers": "what models of the rooms above declare",
    "accounts/backends": "Django's name for what it asks for permissions",
    "leads/counters": "changed with the leads they count, by facts, services and the rooms above: below all of them",
    "campaigns/clock": "what time it is for campaigns: gate, steps, hours and caps of every folder ask it",
    "operations/health": "this room has no rows of its own: each file is one thing that an operator looks at",
    "operations/metrics": "as health",
    "operations/reconcile": "as health",
    "operations/retention": "as health",
}


def modules(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.glob("*.py") if file.stem != "__init__")


def misplaced(app: Path) -> Iterator[str]:
    """What an app's root should not hold: a file of another name, a subject's folder of one file or none."""
    for entry in sorted(app.iterdir()):
        if entry.suffix == ".py" and entry.stem not in NAMES and f"{app.name}/{entry.stem}" not in OTHERS:
            yield f"{entry.name}: no file name of every app; name a folder after its subject, or merge it"
        if (entry / "__init__.py").exists() and entry.name not in NAMES and len(modules(entry)) < 2:
            yield f"{entry.name}/: a folder needs two modules, or its one belongs elsewhere"


@pytest.mark.parametrize("app", APPS)
def test_an_app_has_the_files_of_every_app(app: str) -> None:
    assert list(misplaced(ROOT / app)) == []


def test_every_exception_is_still_there() -> None:
    assert [name for name in OTHERS if not (ROOT / f"{name}.py").exists()] == []


def test_a_file_of_another_name_and_a_folder_of_one_are_found(tmp_path: Path) -> None:
    for name in (
        "models.py",
        "utils.py",
        "alone/__init__.py",
        "alone/one.py",
        "pair/__init__.py",
        "pair/a.py",
        "pair/b.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = list(misplaced(tmp_path))
    assert [words.split(":")[0] for words in found] == ["alone/", "utils.py"]
