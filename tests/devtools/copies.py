"""A copy of this checkout in another directory, with a `.env` and servers of its own: what a newcomer would have."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devtools.servers import PROJECT

LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".local", ".env", "screenshots", "static.old")  # bytecode is kept


def copy_of_the_tree(to: Path) -> Path:
    """The files of the checkout, with `.venv` leading to the one that runs us."""
    shutil.copytree(PROJECT, to, ignore=LEFT_OUT)
    (to / ".venv" / "bin").mkdir(parents=True)
    python = to / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return to


def bare(**more: str) -> dict[str, str]:
    """An environment with nothing in it but where programs are."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **more}


def manage(tree: Path, *arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """`manage.py` in the copy, whatever comes of it."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=tree,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@contextmanager
def up(tree: Path, environment: Mapping[str, str]) -> Iterator[list[str]]:
    """`manage.py up` in the copy, until it says that it is ready. Yields what it has said, and ends it with Ctrl-C."""
    command = [sys.executable, "manage.py", "up"]
    stack = subprocess.Popen(
        command, cwd=tree, env=dict(environment), stdout=subprocess.PIPE, text=True, preexec_fn=_hear_ctrl_c
    )
    said: list[str] = []
    try:
        assert stack.stdout is not None
        for line in stack.stdout:
            said.append(line.rstrip())
            if line.startswith("Ready:"):
                break
        yield said
    finally:
        stack.send_signal(signal.SIGINT)
        stack.communicate(timeout=240)
    assert stack.returncode == 0


def _hear_ctrl_c() -> None:
    """Also where the tests run in the background, whose children would ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def python(tree: Path, *arguments: str, environment: Mapping[str, str], seconds: float = 240) -> str:
    """What a Python process in the copy prints; it must end well."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
