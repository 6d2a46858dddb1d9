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

    def run(line: str, *, stdin: str = "", head: int = 0, **environment: str) -> Ran:
        """head: lines of its output that are read before the pipe is closed; 0: all."""
        name, *words = shlex.split(line)
        assert name == "bucket"
        done = subprocess.Popen(
            [PROGRAM, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "BUCKET_URL": live_server.url, "BUCKET_TOKEN": token, "HOME": str(tmp_path),
                 "PYTHONUTF8": "1"} | environment,
        )  # fmt: skip
        if not head:
            out, err = done.communicate(stdin, timeout=120)
            return Ran(done.returncode, out, err)
        assert done.stdin and done.stdout and done.stderr
        done.stdin.close()
        out = "".join(done.stdout.readline() for _ in range(head))
        done.stdout.close()
        err = done.stderr.read()
        return Ran(done.wait(120), out, err)

    return run
