"""`manage.py` in a development place and elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.local import place, servers

MANAGE = [sys.executable, str(servers.PROJECT / "manage.py")]


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    names = ("PATH", "HOME", "LANG")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return subprocess.run(
        [*MANAGE, *arguments], env={**kept, **environment}, capture_output=True, text=True, timeout=60
    )


def test_where_debug_is_off_nothing_is_provided_and_one_line_says_what_is_missing() -> None:
    ended = manage("check", DEBUG="0")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("SECRET_KEY is not set. It is needed for")


def test_a_bad_value_is_one_line_too() -> None:
    ended = manage("check", DEBUG="1", SECRET_KEY="x", DATABASE_URL="mysql://x/y", REDIS_URL="redis://x")
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "DATABASE_URL must be a PostgreSQL address" in ended.stderr


def test_an_environment_that_is_complete_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "ensure", lambda: pytest.fail("no server is needed"))
    before = dict(os.environ)
    place.provide("check")
    assert dict(os.environ) == before


def test_what_is_missing_is_provided(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    database = os.environ["DATABASE_URL"]
    monkeypatch.setattr(servers, "LOCAL", tmp_path)
    monkeypatch.setattr(servers, "ensure", lambda: os.environ.update(DATABASE_URL=database))
    for name in ("SECRET_KEY", "DATABASE_URL", "DEBUG"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(servers, "read_env", lambda: None)
    place.provide("migrate")  # which needs no tables beforehand
    assert os.environ["DEBUG"] == "1" and os.environ["DATABASE_URL"] == database
    key = os.environ["SECRET_KEY"]
    assert len(key) >= 50 and (tmp_path / "secret").stat().st_mode & 0o077 == 0
    monkeypatch.delenv("SECRET_KEY")
    place.provide("migrate")
    assert os.environ["SECRET_KEY"] == key, "sessions must outlive a restart"
