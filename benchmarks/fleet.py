"""The stack as processes around the benchmark's database, a bucket of real parcels, and who used how much CPU."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from benchmarks.place import Place
from devtools.process import LocalError
from devtools.stack import Options, Stack

TICKS = os.sysconf("SC_CLK_TCK")
APART = 7919  # parcels from one of `strangers` to the next: a prime, so that none comes twice
POLL = 0.05  # seconds
TIMEOUT = 30  # seconds of a request to the sandbox
PATIENCE = 900.0  # seconds until a run is given up
PLENTY = {  # nothing here is about money
    "DEBUG": "0",
    "ALLOWED_HOSTS": "127.0.0.1",
    "LOG_LEVEL": "INFO",  # a stack reads in the log that its worker is ready
    "PUMP_SECONDS": "30",
    "DAILY_CAP_REALESTATEAPI": "10000000",
}
NO_PACE = {"property_detail": Decimal(0), "skip_trace": Decimal(0)}


def stack(place: Place, paces: Mapping[str, Decimal], **options: Any) -> Stack:
    """Web, worker, beat and sandbox, with production's settings. options: more of `devtools.stack.Options`."""
    environment = PLENTY | options.pop("environment", {})
    home = place.home / "stack"
    return Stack(
        Options(
            home=home, port=0, paces=paces, environment=environment, servers=place.servers, concurrency=4, **options
        )
    )


def parcels(number: int) -> list[str]:
    """Property ids the sandbox knows."""
    from sandbox.generator import GeneratedParcels

    source = GeneratedParcels()
    return [str(source.parcel(index).id) for index in range(number)]


def strangers(place: Place, stack: Stack, number: int) -> list[str]:
    """Property ids from all over the country, whose people share no phone, e-mail or owner's name with each other, as
    nearly all of a real list: the sandbox has a hundred phones an area code, so that of its neighbours each batch has
    some of any other's. Four times as many are bought, and of each only the first with its phone is taken.
    """
    from sandbox.generator import GeneratedParcels

    source = GeneratedParcels()
    run(place, stack, [str(source.parcel(index * APART % len(source)).id) for index in range(4 * number)])
    with place.connect() as database:
        rows = database.execute(
            "SELECT l.property_id, array_agg(k.key_id) FROM leads_lead l JOIN leads_leadkey k ON k.lead_id = l.id "
            "WHERE l.bucket_id = (SELECT id FROM buckets_bucket ORDER BY id DESC LIMIT 1) GROUP BY l.id ORDER BY l.id"
        ).fetchall()
    taken: set[int] = set()
    found: list[str] = []
    for property_id, keys in rows:
        if taken.isdisjoint(keys):
            taken.update(keys)
            found.append(property_id)
    if len(found) < number:
        raise LocalError(f"{number:,} people who share nothing are wanted, of {4 * number:,} there are {len(found):,}")
    return found[:number]


@dataclass(frozen=True)
class Ran:
    """A run that is over. `marks`: seconds since its start at which that many leads were done."""

    leads: int
    seconds: float
    marks: tuple[tuple[float, int], ...]
    cpu: Mapping[str, float]  # seconds, by process

    def between(self, begin: float, end: float) -> float:
        """Seconds a lead from this share of the leads to that one."""
        start, stop = (next(m for m in self.marks if m[1] >= share * self.leads) for share in (begin, end))
        return (stop[0] - start[0]) / max(1, stop[1] - start[1])


def saved(place: Place, ids: list[str]) -> Any:
    """A new bucket of these ids. What was bought and spent before is forgotten."""
    from buckets.services import add_ids, create_bucket

    with place.connect() as database:
        tables = ("lookup", "vendorcall", "budget", "budgetchange")
        database.execute(f"TRUNCATE {', '.join(f'integrations_{table}' for table in tables)} CASCADE")
        database.execute(
            "UPDATE accounts_user SET daily_lead_limit = 10000000, monthly_budget = 10000000 WHERE id = %s",
            [place.user.pk],
        )
        bucket = create_bucket(by=place.user, name=f"Run of {len(ids)}")[0]
        add_ids(bucket=bucket, property_ids=ids)
        database.execute("VACUUM ANALYZE")  # as autovacuum does within its minute, which is off here
        database.execute("CHECKPOINT")
    return bucket


def run(place: Place, stack: Stack, ids: list[str], *, max_cost: Decimal | None = None) -> Ran:
    """Saves the ids to a bucket of its own and buys detail and contacts of all of them; what is owned is forgotten.

    max_cost: US dollars, too few for all: it is over once its cap has paused it.
    """
    from enrichment.models import Run
    from enrichment.options import RunOptions
    from enrichment.services import start_run

    bucket = saved(place, ids)
    before = cpu(place, stack)
    begin = time.monotonic()
    started: Any = start_run(bucket=bucket, by=place.user, options=RunOptions(limit=len(ids), max_cost=max_cost))[0]
    marks: list[tuple[float, int]] = [(0.0, 0)]
    while True:
        now = Run.objects.get(pk=started.pk)
        if now.done > marks[-1][1]:
            marks.append((time.monotonic() - begin, now.done))
        if not now.is_open:
            break
        if max_cost is not None and now.paused_by == Run.Pause.CAP:
            break
        if now.status == Run.Status.PAUSED or time.monotonic() - begin > PATIENCE:
            raise LocalError(f"the run of {len(ids)} is {now.status} at {now.done}: {now.reason}")
        stack.check()
        time.sleep(POLL)
    if now.failed or (now.done != len(ids) and max_cost is None):
        raise AssertionError(f"{now.failed} of {len(ids)} leads failed, {now.done} are done")
    spent = {name: used - before[name] for name, used in cpu(place, stack).items()}
    return Ran(len(ids), marks[-1][0], tuple(marks), spent)


def forget_bill(stack: Stack) -> None:
    """The sandbox's ledger begins anew."""
    requests.post(f"{stack.sandbox_url}/sandbox/ledger/reset", timeout=TIMEOUT).raise_for_status()


def cpu(place: Place, stack: Stack) -> dict[str, float]:
    """CPU seconds so far of each part, with all its children."""
    roots = {process.pid: name for name, process in stack.processes.items()}
    if (postgres := place.servers.postgres.process) is not None:
        roots[postgres.pid] = "postgres"
    return cpu_of(roots)


def cpu_of(roots: Mapping[int, str]) -> dict[str, float]:
    """From /proc/PID/stat (proc(5)): user and system time of every process and of the children it has waited for."""
    stats: dict[int, list[str]] = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # it has just ended
            if entry.name.isdigit():
                stats[int(entry.name)] = (entry / "stat").read_text().rpartition(")")[2].split()
    found = dict.fromkeys(roots.values(), 0.0)
    for pid, fields in stats.items():
        root = pid
        while root not in roots and root in stats:
            root = int(stats[root][1])  # its parent
        if root in roots:
            found[roots[root]] += sum(map(int, fields[11:15])) / TICKS
    return found
