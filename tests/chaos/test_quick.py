"""One scenario of `make chaos` on a stack of real processes: real damage, exact books."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases import another

PROJECT = Path(__file__).resolve().parents[2]
# A purchase that dies with its worker. All others are `make chaos` alone, before whatever touches the gate, the queue
# or a sweep lands: nine of them on five stacks took four minutes of every run, three on one stack a minute and a half.
NAMES = ["kill:gate.settle.before_commit"]


@pytest.mark.slow
def test_nothing_is_lost_bought_twice_or_stalled(transactional_db: None) -> None:
    with another("chaos") as lent:
        done = subprocess.run(
            [sys.executable, "-m", "tests.chaos", *NAMES],
            cwd=PROJECT,
            env={**os.environ, "QUICK": "1", "ONE_STACK": "1", "LENT": " ".join(lent.values())},
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert sorted(line.split(" ")[0] for line in lines) == NAMES
    assert all(" | lost 0 | " in line for line in lines)
