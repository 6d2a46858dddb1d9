"""A copy of this checkout in another directory, with a `.env` and servers of its own: what a newcomer would have."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from config.local.servers import PROJECT

LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".local", ".env", "__pycache__", "screenshots", "static.old")


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


def python(tree: Path, *arguments: str, environment: Mapping[str, str], seconds: float = 120) -> str:
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
