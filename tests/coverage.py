"""Which lines and branches of the product the whole suite reaches: a pytest plugin that `make test ALL=1` alone loads.

It comes in by PYTEST_PLUGINS, because each worker of pytest-xdist must be measured from before pytest-django loads the
settings, which is before any conftest.py. Stacks that tests start are processes of their own, and are not measured.

1. A worker counts from here on, by instrumented bytecode, and sends its counts with its last message.
2. The controller adds them up over every file of SOURCES, so that a file nobody imports counts as missed.
3. The run fails under FLOOR, and when a worker died with its counts.
"""

from __future__ import annotations

import gc
import json
import os
from pathlib import Path
from typing import Any

import pytest
from slipcover import FileMatcher, ImportManager, Slipcover, merge_coverage, print_coverage

# A percent under what a whole run reaches (97.1 on 2026-11-30). Raised when the total rises.
FLOOR = 96
LOW = 80  # percent; the files under it are listed
SOURCES = ["accounts", "buckets", "campaigns", "common", "config", "enrichment", "integrations", "leads", "operations"]
OMITTED = ["*/migrations/*", "common/server/*"]  # the second runs in web servers alone: tests ask it over sockets
MISSED = Path(".local/coverage.txt")  # the lines and branches of every file that misses one


def _slipcover(sources: list[str] | None) -> Slipcover:
    # -1: a probe that was reached stays and does nothing. Taking them out while threads run is not safe (Slipcover
    # walks the modules' dictionaries), and an exception there would surface in the line that is measured.
    return Slipcover(branch=True, d_miss_threshold=-1, source=sources, omit=OMITTED, exclude_also=[r"\.\.\.$"])


gc.disable()  # as tests/conftest.py, which comes later, and lets it work again
worker = _slipcover(None) if os.environ.get("PYTEST_XDIST_WORKER") else None
if worker is not None:
    ImportManager(worker, FileMatcher(sources=SOURCES, omit=OMITTED)).__enter__()

_counts: list[dict[str, Any]] = []
_lost: list[str] = []
_report: list[str] = []


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """The controller hears of a worker's end: with its counts, or without when it was killed."""
    sent = getattr(node, "workeroutput", {}).get("coverage")
    if sent is None:
        _lost.append(node.gateway.id)
    else:
        _counts.append(json.loads(sent))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if worker is not None:
        session.config.workeroutput["coverage"] = json.dumps(worker.get_coverage())  # type: ignore[attr-defined]
        return
    rest = _slipcover(SOURCES)
    for counts in _counts:  # what a worker imported need not be read again, at the end, when nobody else works
        rest.code_lines.update({str(Path(name).absolute()): set() for name in counts["files"]})
    total = rest.get_coverage()
    for counts in _counts:
        merge_coverage(total, counts)
    MISSED.parent.mkdir(exist_ok=True)
    with MISSED.open("w") as file:
        print_coverage(total, outfile=file, skip_covered=True)
    report, failed = judged(total, _lost)
    _report.extend(report)
    if failed and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def judged(total: dict[str, Any], lost: list[str]) -> tuple[list[str], bool]:
    """The lines to print, and whether the run fails."""
    shares = {name: counts["summary"]["percent_covered"] for name, counts in total["files"].items()}
    lines = [f"{share:5.1f} %  {name}" for name, share in sorted(shares.items()) if share < LOW]
    share = total["summary"]["percent_covered"]
    lines.append(f"{share:5.1f} %  of all lines and branches; what is missed: {MISSED}")
    if share < FLOOR:
        lines.append(f"Under the floor of {FLOOR} % (tests/coverage.py)")
    if lost:
        lines.append(f"Not counted, because they died: {', '.join(lost)}")
    return lines, share < FLOOR or bool(lost)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _report:
        terminalreporter.section("coverage")
        for line in _report:
            terminalreporter.line(line)
