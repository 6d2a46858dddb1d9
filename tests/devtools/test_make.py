"""The Makefile as a newcomer meets it, with a Python that only pretends to install."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from devtools.servers import PROJECT
from tests.devtools.copies import bare

PRETENDS = """#!/bin/sh
case "$*" in
"-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
*"pip install"*) test -z "$BROKEN" ;;
"manage.py up "*) echo "up with:$*" ;;
esac
"""


def make(place: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", f"PYTHON={place / 'python'}", *arguments],
        cwd=place,
        env=bare(**environment),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_installing_says_what_it_does_and_how_long_it_takes_and_is_done_once(tmp_path: Path) -> None:
    shutil.copy(PROJECT / "Makefile", tmp_path)
    (tmp_path / "requirements-dev.lock").write_text("# made by hand\none==1.0 \\\n    --hash=sha256:0\ntwo==2.0\n")
    (tmp_path / "python").write_text(PRETENDS)
    (tmp_path / "python").chmod(0o755)

    broken = make(tmp_path, "up", BROKEN="1")
    assert (broken.returncode, broken.stdout) == (2, "")
    assert "Installing 2 Python packages into .venv (about a minute, once) …" in broken.stderr
    assert "Installed." not in broken.stderr

    first = make(tmp_path, "up", "ARGS=--sandbox")
    assert (first.returncode, first.stdout) == (0, "up with:manage.py up --sandbox\n")
    assert first.stderr == "Installing 2 Python packages into .venv (about a minute, once) …\nInstalled.\n"

    second = make(tmp_path, "up", "ARGS=--sandbox")
    assert (second.returncode, second.stdout, second.stderr) == (0, "up with:manage.py up --sandbox\n", "")
