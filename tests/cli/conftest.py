"""`bucket` as a shell runs it, over a socket, as Ann."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from accounts.services import create_api_token
from tests.support import make_user

PROGRAM = Path(__file__).parents[2] / "bin" / "bucket"


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str


Shell = Callable[..., Ran]


@pytest.fixture
def ann(transactional_db: Any) -> Any:
    return make_user("ann", monthly_budget=50)


@pytest.fixture
def shell(live_server: Any, ann: Any, tmp_path: Path) -> Shell:
    """`shell("bucket leads …", stdin="…", BUCKET_TOKEN="")`; the words are split as a shell does."""
    token = create_api_token(username="ann")[1]

    def run(line: str, *, stdin: str = "", **environment: str) -> Ran:
        name, *words = shlex.split(line)
        assert name == "bucket"
        done = subprocess.run(
            [PROGRAM, *words], input=stdin, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "BUCKET_URL": live_server.url, "BUCKET_TOKEN": token, "HOME": str(tmp_path),
                 "PYTHONUTF8": "1"} | environment,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)

    return run
