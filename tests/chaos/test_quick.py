"""The quick scenarios of `make chaos`, each group on a stack of its own: real processes, real damage, exact books."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
GROUPS = {
    "people and Valkey": ["fifty-at-once", "stop-and-go", "flushall"],
    "what vendors answer": ["bills-then-500", "credits-0", "left-out-at-rebuy"],
    "workers": ["kill:gate.intend.after_commit", "kill:gate.settle.before_commit", "kills"],
}


@pytest.mark.slow
@pytest.mark.parametrize("names", GROUPS.values(), ids=GROUPS)
def test_nothing_is_lost_bought_twice_or_stalled(names: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *names],
        cwd=PROJECT,
        env={**os.environ, "QUICK": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert sorted(line.split(" ")[0] for line in lines) == sorted(names)
    assert all(" | lost 0 | " in line for line in lines)
