"""The Makefile as a newcomer meets it, with a Python that only pretends to install."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from devtools.servers import PROJECT
from tests.devtools.copies import bare

STARTING = "Starting servers, web and worker on port 8000 …\n"
PRETENDS = """#!/bin/sh
case "$*" in
"-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
*"pip install"*)
  for n in $(seq 25); do echo "Collecting package-$n==1"; done
  echo "Installing collected packages: package-1"
  test -z "$BROKEN" || { echo "ERROR: no space left"; exit 1; } ;;
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
    assert "ERROR: no space left" in broken.stderr
    assert "Installed." not in broken.stderr

    first = make(tmp_path, "up", "ARGS=--sandbox")
    assert (first.returncode, first.stdout) == (0, "up with:manage.py up --sandbox\n")
    assert re.sub(r"\[ +\d+ s\]", "[time]", first.stderr).splitlines() == [
        "Installing 2 Python packages into .venv (about a minute, once) …",
        "[time] 25 of 2 packages found and fetched …",
        "[time] Writing 2 packages …",
        "Installed.",
        "Starting servers, web and worker on port 8000 …",
    ]

    second = make(tmp_path, "up", "ARGS=--sandbox")
    assert (second.returncode, second.stdout, second.stderr) == (0, "up with:manage.py up --sandbox\n", STARTING)
