"""Fault points: unarmed they are nothing, in production they cannot be armed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from common import faultpoints

PROJECT = Path(__file__).resolve().parents[2]
REACH = "import django; django.setup(); from common.faultpoints import reach; [reach({!r}) for _ in range(3)]"
PRODUCTION = {"DEBUG": "0", "HTTPS": "1", "ALLOWED_HOSTS": "buckets.example"}


def reach(point: str, **environment: str) -> int:
    """Reaches a place three times in a process of its own; returns how it ended."""
    return subprocess.run(
        [sys.executable, "-c", REACH.format(point)],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **environment},
        cwd=PROJECT,
        check=False,
        capture_output=True,
        timeout=60,
    ).returncode


@pytest.mark.long
def test_an_armed_place_kills_and_only_once_a_run(tmp_path: Path) -> None:
    order = {"FAULT_POINT": "gate.settle.before_commit:3", "FAULT_POINT_ONCE": str(tmp_path / "once")}
    assert reach("gate.settle.after_commit", **order) == 0
    assert reach("gate.settle.before_commit", **order) == -signal.SIGKILL
    assert (tmp_path / "once").read_text() == "gate.settle.before_commit"
    assert reach("gate.settle.before_commit", **order) == 0


@pytest.mark.long
def test_production_never_arms_a_place() -> None:
    assert reach("gate.settle.before_commit", FAULT_POINT="gate.settle.before_commit", **PRODUCTION) == 0


def test_a_place_nobody_knows_is_refused(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.DEBUG = True
    monkeypatch.setenv("FAULT_POINT", "gate.wish")
    with pytest.raises(ValueError, match="there is no such place"):
        faultpoints._armed()


def test_nothing_is_armed_here_and_a_rolled_back_transaction_reaches_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    assert faultpoints._trap is None
    seen: list[str] = []
    monkeypatch.setattr(faultpoints, "reach", seen.append)
    monkeypatch.setattr("django.db.transaction.atomic", lambda: memoryview(b""))  # a context that does nothing
    with faultpoints.commit("gate.begin"):
        pass
    with pytest.raises(RuntimeError), faultpoints.commit("gate.settle"):
        raise RuntimeError
    assert seen == ["gate.begin.before_commit", "gate.begin.after_commit"]
