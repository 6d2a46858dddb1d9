"""Measuring fairly, and saying what was measured where."""

from __future__ import annotations

import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

Report = dict[str, Any]


@dataclass(frozen=True)
class Contestant:
    """One way of doing the same work. Only `work` is timed; it takes what `prepare` gives and returns how many rows.

    `restore` puts everything back as it was before `prepare`, and leaves no debt (dead rows, dirty pages) to the next.
    """

    name: str
    work: Callable[[Any], int]
    prepare: Callable[[], Any] = lambda: None
    restore: Callable[[], None] = lambda: None


def race(contestants: Sequence[Contestant], *, rounds: int, rows: int) -> dict[str, list[float]]:
    """Seconds of each contestant, a round at a time: A B C, B C A, C A B, … so that no one always comes after the same.

    The first round is not counted: it warms caches for whoever runs later.
    """
    seconds: dict[str, list[float]] = {one.name: [] for one in contestants}
    for number in range(rounds + 1):
        turn = number % len(contestants)
        for one in [*contestants[turn:], *contestants[:turn]]:
            given = one.prepare()
            begin = time.perf_counter()
            done = one.work(given)
            spent = time.perf_counter() - begin
            one.restore()
            if done != rows:
                raise AssertionError(f"{one.name} did {done} rows instead of {rows}")
            if number:
                seconds[one.name].append(spent)
    return seconds


def by_rate(seconds: dict[str, list[float]], *, rows: int, baseline: str) -> list[Report]:
    """Rows a second by the median time, and its ratio to the baseline's: above 1 is faster."""
    reference = statistics.median(seconds[baseline])
    return [
        {
            "name": name,
            "rows_per_second": round(rows / statistics.median(times)),
            "ratio": round(reference / statistics.median(times), 3),
            "seconds": [round(t, 3) for t in times],
        }
        for name, times in seconds.items()
    ]


def by_latency(seconds: dict[str, list[float]], baselines: dict[str, str]) -> list[Report]:
    """p50 and p95 in milliseconds; the ratio is of p50 to that of its baseline: above 1 is slower."""
    return [
        {
            "name": name,
            "p50_ms": round(1000 * statistics.median(times), 2),
            "p95_ms": round(1000 * sorted(times)[math.ceil(0.95 * len(times)) - 1], 2),
            "ratio": round(statistics.median(times) / statistics.median(seconds[baselines.get(name, name)]), 2),
            "against": baselines.get(name, ""),
            "samples": len(times),
        }
        for name, times in seconds.items()
    ]


def circumstances(database: psycopg.Connection[Any]) -> Report:
    """The machine, the versions, PostgreSQL's promises and the day."""
    names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")
    settings = {name: database.execute(f"SHOW {name}").fetchone()[0] for name in names}  # type: ignore[index]
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": {
            "cpu": _cpu(),
            "cores": os.cpu_count(),
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
            "system": f"{platform.system()} {platform.release()}",
            "load_before": round(os.getloadavg()[0], 1),
        },
        "versions": {"python": platform.python_version(), "postgresql": settings.pop("server_version")}
        | {name: version(name) for name in ("Django", "djangorestframework", "psycopg", "gunicorn")},
        "postgresql": settings,
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def show(report: Report) -> None:
    """The report as a table for a person."""
    rows: list[Report] = report["results"]
    columns = [name for name in rows[0] if name not in ("seconds", "samples")]
    table = Table(title=f"{report['benchmark']}: {report['what']}", title_justify="left")
    for name in columns:
        table.add_column(name.replace("_", " "), justify="left" if name in ("name", "against") else "right")
    for row in rows:
        table.add_row(*(f"{row[n]:,}" if isinstance(row[n], int | float) else str(row[n]) for n in columns))
    Console(width=120).print(table)
    if report.get("aim"):
        print(f"aim: {report['aim']}")
