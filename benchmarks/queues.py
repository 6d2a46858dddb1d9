"""Two job queues beside ours on the same work: jobs a second, the pace kept, and what a kill -9 costs.

The work: the details of parcels from the sandbox by HTTP, one parcel a request, each answer a row in PostgreSQL. Two
workers each, ten requests in flight between them, what the peers run and how they are set up in `peers.py`. Ours is a
run of a bucket that buys details alone, with BATCH_PROPERTY_DETAIL=1, and once more with the batch it has by default.

speed: from the first job handed over (`start_run`; a message a job; one `batch_defer`) to the last row, workers ready.
The baseline is the peers' job in a loop. pace: requests as the sandbox has seen them come. Its own pace is off: who
exceeds it is counted, not refused. kill: the sandbox takes SLOW seconds for an answer it has billed; at half of the
jobs one worker and its children get SIGKILL, and start again two seconds later. All three notice a death within 30 s.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from subprocess import Popen
from types import TracebackType
from typing import Any, Self

import requests

from benchmarks import fleet
from benchmarks.harness import Report
from benchmarks.hosts import OTHER
from benchmarks.namespaces import WORKERS
from benchmarks.pace import worst_window
from benchmarks.place import Place
from devtools.process import LocalError, kill_session, spawn
from devtools.servers import PROJECT
from devtools.stack import Stack

PACE = 600  # requests a minute
WARM_UP = 5.0  # seconds after the first request; not counted
SLOW = 0.5  # seconds
AWAY = 2.0  # seconds until the killed worker is started again
PATIENCE = 120.0  # seconds after the kill until a job counts as never done
DEEP = 25  # times the jobs where a request has 250: some requests are done when the others are under way
READY = 60.0  # seconds
LOOK = 0.1  # seconds
OPERATION = "property_detail"
ONE_EACH = {"BATCH_PROPERTY_DETAIL": "1"}
# A request's lease is twice the longest request and this grace: 30 s, as long as the peers take.
LEASE = {"VENDOR_CONNECT_TIMEOUT": "3", "VENDOR_DEADLINE": "10", "VENDOR_READ_TIMEOUT": "10", "CALL_GRACE_SECONDS": "4"}


def measure(place: Place, *, jobs: int, killed: int, seconds: int, window: int) -> list[Report]:
    """killed: jobs of the kill. seconds, window: how long the pace is watched, and the window of its worst count."""
    with fleet.stack(place, fleet.NO_PACE, environment=LEASE) as stack:
        stack.leave("worker")
        os.environ["PEERS_VENDOR"] = stack.sandbox_url
        os.environ["PEERS_BROKER"] = place.servers.valkey.url_of(9)
        try:
            return [
                _speed(place, stack, jobs),
                _pace(place, stack, seconds, window),
                _kill(place, stack, killed),
            ]
        finally:
            with place.connect() as database:
                database.execute("DROP SCHEMA IF EXISTS peers CASCADE")


# --- Contestants ------------------------------------------------------------------------------------------------------


class _Ours:
    def __init__(self, place: Place, stack: Stack, environment: dict[str, str]) -> None:
        self._place, self._stack, self._environment = place, stack, environment
        self._run: Any = None

    def __enter__(self) -> Self:
        with self._place.connect() as database:  # nothing that those before have taught or held
            database.execute(
                "UPDATE integrations_operation SET failures = 0, doubts = 0, breaker_openings = 0, "
                "breaker_open_until = NULL, held_back = 0"
            )
            database.execute("UPDATE enrichment_pumplease SET token = NULL, lease_until = NULL")
        for name in WORKERS:
            self._stack.begin(name, self._environment)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        from enrichment.services import cancel_run

        if self._run is not None and self._now().is_open:
            cancel_run(run=self._run, by=self._place.user)
        for name in WORKERS:
            self._stack.kill(name)
            del self._stack.processes[name]

    def prepare(self, ids: list[str]) -> None:
        self._bucket, self._leads = fleet.saved(self._place, ids), len(ids)

    def start(self) -> None:
        from enrichment.options import RunOptions
        from enrichment.services import start_run

        options = RunOptions(limit=self._leads, skip_trace=False)
        self._run = start_run(bucket=self._bucket, by=self._place.user, options=options)[0]

    def done(self) -> int:
        return int(self._now().done)

    def in_doubt(self) -> int:
        return int(self._now().in_doubt)

    def workers(self) -> list[int]:
        return [self._stack.processes[name].pid for name in WORKERS]

    def kill(self) -> None:
        self._stack.kill(OTHER)

    def revive(self) -> None:
        self._stack.begin(OTHER, self._environment)

    def _now(self) -> Any:
        from enrichment.models import Run

        return Run.objects.get(pk=self._run.pk)


class _Peer:
    """rate: Celery's `rate_limit`, of each worker."""

    def __init__(self, place: Place, stack: Stack, rate: str | None = None) -> None:
        self._place, self._workers = place, list[Popen[bytes]]()
        self._environment = {**os.environ, **({"PEERS_RATE": rate} if rate else {})}

    def __enter__(self) -> Self:
        _fresh(self._place)
        self._set_up()
        self._workers = [self._spawn(number) for number in range(2)]
        _wait(lambda: self._ready() >= 2, READY, "the peers' workers are ready")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for worker in self._workers:
            kill_session(worker)
        self._put_away()

    def prepare(self, ids: list[str]) -> None:
        self._ids = ids
        with self._place.connect() as database:
            database.execute("TRUNCATE peers.answer")

    def done(self) -> int:
        with self._place.connect() as database:
            return int(database.execute("SELECT count(*) FROM peers.answer").fetchone()[0])  # type: ignore[index]

    def in_doubt(self) -> int:
        return 0

    def workers(self) -> list[int]:
        return [worker.pid for worker in self._workers]

    def kill(self) -> None:
        kill_session(self._workers[1])

    def revive(self) -> None:
        self._workers[1] = self._spawn(1)

    def _spawn(self, number: int) -> Popen[bytes]:
        log = self._place.home / f"{type(self).__name__}-{number}.log"
        command = [sys.executable, "-m", *self._command(number)]
        return spawn(command, log=log, environment=self._environment, directory=PROJECT)

    def start(self) -> None:
        raise NotImplementedError

    def _set_up(self) -> None:
        raise NotImplementedError

    def _ready(self) -> int:
        raise NotImplementedError

    def _put_away(self) -> None:
        raise NotImplementedError

    def _command(self, number: int) -> list[str]:
        raise NotImplementedError


class _Celery(_Peer):
    def start(self) -> None:
        from benchmarks.peers import by_celery

        for one in self._ids:
            by_celery.delay(one)

    def _set_up(self) -> None:
        self._put_away()

    def _ready(self) -> int:
        from benchmarks.peers import celery

        return len(celery.control.ping(timeout=0.5) or [])

    def _put_away(self) -> None:
        import redis

        with redis.Redis.from_url(os.environ["PEERS_BROKER"]) as client:
            client.flushdb()

    def _command(self, number: int) -> list[str]:
        from benchmarks.peers import CONCURRENCY

        return ["celery", "-A", "benchmarks.peers", "worker", "-c", str(CONCURRENCY), "-n", f"peer-{number}@localhost"]


class _Procrastinate(_Peer):
    def start(self) -> None:
        from procrastinate.types import JSONDict

        from benchmarks.peers import by_procrastinate, queue

        jobs: list[JSONDict] = [{"parcel": one} for one in self._ids]
        with queue.open():
            by_procrastinate.batch_defer(*jobs)

    def _set_up(self) -> None:
        from benchmarks.peers import queue

        with queue.open():
            queue.schema_manager.apply_schema()

    def _ready(self) -> int:
        with self._place.connect() as database:
            rows = database.execute("SELECT count(*) FROM peers.procrastinate_workers").fetchone()
        return int(rows[0])  # type: ignore[index]

    def _put_away(self) -> None:
        """Its tables go with the schema."""

    def _command(self, number: int) -> list[str]:
        from benchmarks.peers import CONCURRENCY

        return ["procrastinate", "--app=benchmarks.peers.queue", "worker", f"--concurrency={CONCURRENCY}"]


_Contestant = _Ours | _Peer


def _fresh(place: Place) -> None:
    with place.connect() as database:
        database.execute("DROP SCHEMA IF EXISTS peers CASCADE")
        database.execute("CREATE SCHEMA peers")
        database.execute("CREATE TABLE peers.answer (parcel text PRIMARY KEY, detail jsonb NOT NULL)")
        database.execute("CHECKPOINT")


def _contestants(place: Place, stack: Stack) -> dict[str, _Contestant]:
    return {
        "ours, one parcel a request": _Ours(place, stack, ONE_EACH),
        "ours, 250 a request (default)": _Ours(place, stack, {}),
        "procrastinate": _Procrastinate(place, stack),
        "Celery": _Celery(place, stack),
    }


# --- Speed ------------------------------------------------------------------------------------------------------------


def _speed(place: Place, stack: Stack, jobs: int) -> Report:
    from benchmarks.peers import buy

    ids = fleet.parcels(jobs)
    _fresh(place)
    buy(ids[-1])
    own, before, begin = time.process_time(), _cpu(place), time.monotonic()
    for one in ids[: jobs // 4]:
        buy(one)
    seconds = time.monotonic() - begin
    spent = {"workers": time.process_time() - own, "servers": _cpu(place)["servers"] - before["servers"]}
    rows = [_by_job("the job in a loop", jobs // 4, seconds, spent)]
    for name, contestant in _contestants(place, stack).items():
        with contestant:
            contestant.prepare(ids[:20])  # imports, connections, plans
            contestant.start()
            _until(contestant, 20)
            contestant.prepare(ids[20:])
            before, begin = _cpu(place, contestant), time.monotonic()
            contestant.start()
            _until(contestant, jobs - 20)
            seconds = time.monotonic() - begin
            spent = {part: used - before[part] for part, used in _cpu(place, contestant).items()}
        rows.append(_by_job(name, jobs - 20, seconds, spent))
    for row in rows:
        row["ratio"] = round(row["jobs_a_second"] / rows[0]["jobs_a_second"], 2)
    return {
        "benchmark": "queues: speed",
        "what": f"{jobs - 20:,} jobs, no pace; the loop {jobs // 4:,}",
        "baseline": "the job in a loop, one process",
        "results": rows,
    }


def _by_job(name: str, jobs: int, seconds: float, cpu: Mapping[str, float]) -> Report:
    used = {f"{part}_cpu_ms": round(1000 * seconds / jobs, 2) for part, seconds in cpu.items()}
    return {"name": name, "jobs_a_second": round(jobs / seconds, 1), "ratio": 1.0, **used}


def _cpu(place: Place, contestant: _Contestant | None = None) -> dict[str, float]:
    """CPU seconds so far of the workers, and of PostgreSQL and the broker."""
    servers = [place.servers.postgres.process, place.servers.valkey.process]
    groups = {"workers": contestant.workers() if contestant else [], "servers": [one.pid for one in servers if one]}
    return {part: sum(fleet.cpu_of({pid: str(pid) for pid in pids}).values()) for part, pids in groups.items()}


# --- Pace -------------------------------------------------------------------------------------------------------------


def _pace(place: Place, stack: Stack, seconds: int, window: int) -> Report:
    paced: dict[str, tuple[str, _Contestant]] = {
        "ours": ("of the fleet", _Ours(place, stack, ONE_EACH | {f"PACE_{OPERATION.upper()}": str(PACE)})),
        "Celery, rate_limit 600/m": ("of each worker", _Celery(place, stack, f"{PACE}/m")),
        "Celery, rate_limit 300/m": ("of each worker", _Celery(place, stack, f"{PACE // 2}/m")),
    }
    most = round(PACE * window / 60)
    rows: list[Report] = []
    for name, (whose, contestant) in paced.items():
        with contestant:
            fleet.forget_bill(stack)
            contestant.prepare(fleet.parcels(round(2.5 * PACE * (seconds + WARM_UP) / 60)))
            contestant.start()
            _wait(lambda: bool(_arrivals(stack)), PATIENCE, f"{name} has asked")
            begin = _arrivals(stack)[0] + WARM_UP
            time.sleep(max(0.0, begin + seconds - time.time()))
            came = _arrivals(stack)
        used = sum(begin <= at < begin + seconds for at in came) * 60 / seconds / PACE
        worst = worst_window(came, window)
        rows.append(
            {
                "name": name,
                "promised": whose,
                "used": round(used, 3),
                f"worst_{window}_s": worst,
                "ratio": round(worst / most, 2),
                "kept": "yes" if worst <= most + 1 else "no",
            }
        )
    rows.append({**dict.fromkeys(rows[0], "–"), "name": "procrastinate", "promised": "has none"})
    return {
        "benchmark": "queues: pace",
        "what": f"{PACE} requests a minute meant, {seconds} s",
        "baseline": f"the pace: {most} in {window} s",
        "results": rows,
    }


def _arrivals(stack: Stack) -> list[float]:
    ledger = requests.get(f"{stack.sandbox_url}/sandbox/ledger?arrivals=1", timeout=fleet.TIMEOUT).json()
    return sorted(ledger["arrivals"][OPERATION])


# --- Kill -9 ----------------------------------------------------------------------------------------------------------


def _kill(place: Place, stack: Stack, jobs: int) -> Report:
    rows: list[Report] = []
    for name, contestant in _contestants(place, stack).items():
        many = jobs * DEEP if "default" in name else jobs
        with contestant:
            contestant.prepare(fleet.parcels(many))
            fleet.forget_bill(stack)
            with _slow(stack):
                contestant.start()
                _until(contestant, many // 2)
                contestant.kill()
                killed = time.monotonic()
                time.sleep(AWAY)
                contestant.revive()
                over = _over(contestant, many, killed + PATIENCE)
            done, in_doubt = contestant.done(), contestant.in_doubt()
            times = requests.get(f"{stack.sandbox_url}/sandbox/ledger?inputs=1", timeout=fleet.TIMEOUT).json()["inputs"]
        rows.append(
            {
                "name": name,
                "jobs": many,
                "seconds_after": round(over - killed, 1),
                "lost": many - done - in_doubt,
                "waiting_for_a_person": in_doubt,
                "billed_twice": sum(number - 1 for number in times[OPERATION].values()),
                "ratio": round((many - done) / many, 4),
            }
        )
    return {
        "benchmark": "queues: kill -9",
        "what": f"one of two workers at half of the jobs, back after {AWAY:.0f} s; an answer takes {SLOW} s",
        "baseline": f"the jobs handed over; the ratio is of those not done {PATIENCE:.0f} s after the kill",
        "results": rows,
    }


def _over(contestant: _Contestant, jobs: int, deadline: float) -> float:
    """When the last job was done or known to be in doubt."""
    settled, at = -1, time.monotonic()
    while time.monotonic() < deadline:
        now = contestant.done() + contestant.in_doubt()
        if now > settled:
            settled, at = now, time.monotonic()
        if now >= jobs:
            break
        time.sleep(LOOK)
    return at


@contextmanager
def _slow(stack: Stack) -> Any:
    order = {"operation": OPERATION, "kind": "slow", "seconds": SLOW, "billed": True}
    address = f"{stack.sandbox_url}/sandbox/faults"
    requests.post(address, json=[order], timeout=fleet.TIMEOUT).raise_for_status()
    try:
        yield
    finally:
        requests.post(address, json=[], timeout=fleet.TIMEOUT).raise_for_status()


def _until(contestant: _Contestant, jobs: int) -> None:
    _wait(lambda: contestant.done() >= jobs, fleet.PATIENCE, f"{jobs:,} jobs are done")


def _wait(happened: Callable[[], bool], patience: float, what: str) -> None:
    """Raises LocalError when it has not happened after so many seconds."""
    deadline = time.monotonic() + patience
    while not happened():
        if time.monotonic() > deadline:
            raise LocalError(f"after {patience:.0f} s it is not so that {what}")
        time.sleep(LOOK)
