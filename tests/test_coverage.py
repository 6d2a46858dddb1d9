"""The measure of `make test ALL=1`, tried on a small project with two workers: what it counts, and when it fails."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.coverage import FLOOR, SOURCES

ROOT = Path(__file__).resolve().parent.parent
SIGN = """
def sign(number):
    if number < 0:
        return -1
    return 1
"""
HALF = "import accounts.signs\ndef test_it(): accounts.signs.sign(1)\n"
WHOLE = HALF + "def test_the_other(): accounts.signs.sign(-1)\n"
KILLED = WHOLE + "def test_killed(): import os; os.kill(os.getpid(), 9)\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in SOURCES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "accounts" / "signs.py").write_text(SIGN)
    return tmp_path


def run(project: Path, test: str) -> tuple[int, list[str]]:
    """Exit code of the run, and what it says of coverage."""
    (project / "test_signs.py").write_text(test)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DJANGO_"))}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # or each of three processes imports what it has no use for
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "xdist", "-n", "2", "-p", "no:cacheprovider"],
        cwd=project,
        env=environment | {"PYTEST_PLUGINS": "tests.coverage", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = re.search(r"=+ coverage =+\n(.*?)\n=", done.stdout, re.DOTALL)
    assert said, done.stdout + done.stderr
    return done.returncode, said[1].splitlines()


@pytest.mark.long
def test_the_workers_counts_are_added_up(project: Path) -> None:
    total = "100.0 %  of all lines and branches; what is missed: .local/coverage.txt"
    assert run(project, WHOLE) == (0, [total])


@pytest.mark.long
def test_a_branch_that_no_test_takes_is_missed_and_the_file_is_listed(project: Path) -> None:
    code, said = run(project, HALF)
    assert (code, said[0]) == (1, " 66.7 %  accounts/signs.py")  # 3 lines of 4, 1 branch of 2: under the floor
    row = re.search(r"^accounts/signs\.py(.*)$", (project / ".local" / "coverage.txt").read_text(), re.MULTILINE)
    assert row and row[1].split()[-1] == "4"  # the line that was not reached


@pytest.mark.long
def test_a_file_that_nobody_imports_is_missed_and_the_run_fails_under_the_floor(project: Path) -> None:
    code, said = run(project, "def test_it(): pass\n")
    assert code == 1
    assert said == [
        "  0.0 %  accounts/signs.py",
        "  0.0 %  of all lines and branches; what is missed: .local/coverage.txt",
        f"Under the floor of {FLOOR} % (tests/coverage.py)",
    ]


def test_a_worker_that_died_is_named_and_fails_the_run(project: Path) -> None:
    code, said = run(project, KILLED)
    assert code == 1
    assert re.fullmatch(r"Not counted, because they died: gw\d", said[-1])
