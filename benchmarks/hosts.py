"""Two worker hosts against one: leads a second of the same work, and how long their transactions wait for each other.

Measured: from `start_run` to the last lead done, without a pace, by real workers (Celery, four children), each held to
the same share of a core by a cgroup, one and two alike: PostgreSQL and the sandbox share the cores with them, and two
workers that were not held would only take the processor from these. Two workers get twice the leads, of people who
share no phone with each other (`fleet.strangers`). They alternate, round by round. Lock waits: `pg_stat_activity` is
read every 20 ms, on a connection of its own.

After each run the books are closed: what the sandbox has billed is what the calls cost and what the budgets say, and no
record was billed twice.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import requests

from benchmarks import fleet
from benchmarks.harness import Report
from benchmarks.place import Place
from devtools.process import LocalError
from devtools.stack import Stack

SHARE = 0.20  # of a core, each worker host
RATIO_AIM, WAIT_AIM = 1.7, 0.05
CGROUPS = Path("/sys/fs/cgroup")
PERIOD = 10_000  # microseconds: a slower processor, rather than one that stands still for 80 ms of every 100
PREFERRED = 20  # times any other process: it is its own share that holds a worker, not what else the machine does
LOOK = 0.02  # seconds between two looks for waiting transactions
OTHER = "worker-2"


def measure(place: Place, *, leads: int, rounds: int) -> list[Report]:
    with fleet.stack(place, fleet.NO_PACE) as stack:
        ids = fleet.strangers(place, stack, 2 * leads)  # and imports, connections, plans
        found: dict[str, list[_Round]] = {"one worker host": [], "two worker hosts": []}
        for _ in range(rounds):
            with _held(stack, "worker"), served(place, stack):
                found["one worker host"].append(_round(place, stack, ids[:leads]))
            stack.begin(OTHER)
            try:
                with _held(stack, "worker"), _held(stack, OTHER), served(place, stack):
                    found["two worker hosts"].append(_round(place, stack, ids))
            finally:
                stack.leave(OTHER)
    return [_report(found, leads)]


class _Round:
    def __init__(self, ran: fleet.Ran, waits: _Waits) -> None:
        self.rate = ran.leads / ran.seconds
        self.waited, self.waiting, self.whom = waits.share, waits.mean, waits.seen
        workers = [used for name, used in ran.cpu.items() if name.startswith("worker")]
        self.cpu = [round(used / ran.seconds, 3) for used in workers]
        each = {"worker": sum(workers), "postgres": ran.cpu["postgres"], "sandbox": ran.cpu["sandbox"]}
        self.by_lead = {name: round(1000 * used / ran.leads, 3) for name, used in each.items()}


def _round(place: Place, stack: Stack, ids: list[str]) -> _Round:
    fleet.forget_bill(stack)
    with _Waits(place) as waits:
        ran = fleet.run(place, stack, ids)
    close_books(stack)
    return _Round(ran, waits)


def close_books(stack: Stack) -> Decimal:
    """What was billed, US dollars. Raises AssertionError where books differ or a record was billed twice."""
    from django.db.models import Sum

    from integrations.models import VendorCall
    from operations.reconcile import find_drift

    ledger = requests.get(f"{stack.sandbox_url}/sandbox/ledger?inputs=1", timeout=fleet.TIMEOUT).json()
    billed, paid = Decimal(ledger["billed"]), VendorCall.objects.aggregate(cost=Sum("cost"))["cost"] or Decimal(0)
    if billed != paid:
        raise AssertionError(f"${billed} were billed, ${paid} are in the books")
    # The leads that the place was filled with, and those of runs before this one, have no ledger.
    if drift := [one for one in find_drift() if one.check != "lead without ledger"]:
        raise AssertionError("; ".join(map(str, drift[:5])))
    twice = {name: sum(times > 1 for times in asked.values()) for name, asked in ledger["inputs"].items()}
    if any(twice.values()):
        raise AssertionError(f"billed twice: {twice}")
    return billed


def _report(found: dict[str, list[_Round]], leads: int) -> Report:
    rows: list[Report] = []
    for name, rounds in found.items():
        middle = sorted(rounds, key=lambda one: one.rate)[len(rounds) // 2]
        rows.append(
            {
                "name": name,
                "leads_a_second": round(statistics.median(one.rate for one in rounds)),
                "ratio": 0.0,
                "lock_waits": round(statistics.median(one.waited for one in rounds), 4),
                "waiting": round(statistics.median(one.waiting for one in rounds), 4),
                "cores": middle.cpu,
                **{f"{part}_ms": used for part, used in middle.by_lead.items()},
                "seconds": [round(one.rate, 1) for one in rounds],
            }
        )
    for row in rows:
        row["ratio"] = round(row["leads_a_second"] / rows[0]["leads_a_second"], 2)
    whom = sum((one.whom for rounds in found.values() for one in rounds), Counter[str]())
    return {
        "benchmark": "fleet",
        "what": f"{leads:,} leads by one, {2 * leads:,} by two worker hosts, each held to {SHARE:.0%} of a core",
        "baseline": rows[0]["name"],
        "aim": f"{RATIO_AIM} × the leads a second, a transaction waiting for another in under {WAIT_AIM:.0%} of looks; "
        f"{rows[1]['ratio']} and {rows[1]['lock_waits']:.1%} measured",
        "held_by": _kind(),
        "waits_for": dict(whom.most_common(8)),
        "results": rows,
    }


# --- Held to a share of a core ----------------------------------------------------------------------------------------


def _kind() -> str:
    return "cgroup v2, cpu.max" if (CGROUPS / "cgroup.controllers").exists() else "cgroup v1, cpu.cfs_quota_us"


@contextmanager
def _held(stack: Stack, name: str) -> Iterator[None]:
    """This worker with its children gets no more than SHARE of a core."""
    with group(name, [stack.processes[name].pid], SHARE):
        yield


@contextmanager
def served(place: Place, stack: Stack) -> Iterator[None]:
    """PostgreSQL and the sandbox are not held, and are preferred to what else the machine does."""
    postgres = place.servers.postgres.process
    assert postgres is not None
    with group("served", [postgres.pid, stack.processes["sandbox"].pid], None):
        yield


@contextmanager
def group(name: str, roots: list[int], share: float | None) -> Iterator[None]:
    second = (CGROUPS / "cgroup.controllers").exists()
    parent = CGROUPS if second else CGROUPS / "cpu"
    group = parent / f"bench-{os.getpid()}-{name}"
    quota = "max" if second else "-1"
    quota = str(int(share * PERIOD)) if share is not None else quota
    try:
        group.mkdir(exist_ok=True)
        if second:
            (parent / "cgroup.subtree_control").write_text("+cpu")
            (group / "cpu.max").write_text(f"{quota} {PERIOD}")
            (group / "cpu.weight").write_text(str(PREFERRED * 100))
        else:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD))
            (group / "cpu.cfs_quota_us").write_text(quota)
            (group / "cpu.shares").write_text(str(PREFERRED * 1024))
    except OSError as error:
        raise LocalError(f"a worker cannot be held to a share of a core here: {error}") from None
    try:
        _move(roots, group)
        yield
    finally:
        for _ in range(5):  # PostgreSQL begins and ends processes meanwhile
            _move(roots, parent)
            with contextlib.suppress(OSError):
                group.rmdir()
                break
            time.sleep(LOOK)


def _move(roots: list[int], group: Path) -> None:
    for pid in roots:
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(pid)
            for one in [root, *root.children(recursive=True)]:
                with contextlib.suppress(OSError):  # it has just ended
                    (group / "cgroup.procs").write_text(str(one.pid))


# --- Waiting for each other -------------------------------------------------------------------------------------------


class _Waits:
    """share: of the looks in which some transaction waited for a lock. mean: how many did. seen: for what."""

    def __init__(self, place: Place) -> None:
        self._place, self._stop = place, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.looks = self.looks_with = self.waiting = 0
        self.seen: Counter[str] = Counter()

    @property
    def share(self) -> float:
        return self.looks_with / max(1, self.looks)

    @property
    def mean(self) -> float:
        return self.waiting / max(1, self.looks)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        with self._place.connect() as database:
            while not self._stop.is_set():
                rows = database.execute(
                    "SELECT wait_event || ': ' || left(regexp_replace(query, '\\s+', ' ', 'g'), 70) "
                    "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND backend_type = 'client backend'"
                ).fetchall()
                self.looks += 1
                self.looks_with += bool(rows)
                self.waiting += len(rows)
                self.seen.update(row[0] for row in rows)
                time.sleep(LOOK)
