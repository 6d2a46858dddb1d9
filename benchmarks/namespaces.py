"""Two worker hosts in network namespaces of their own: one pace, one cap and one set of books between them.

Each worker sees a loopback and one cable (a veth pair) and nothing else of this machine: what it says to PostgreSQL,
the broker and the vendor goes over that cable, by a relay at either end (`relay.py`), because all three listen on the
machine's own loopback alone. Needs root, and `ip`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests

from benchmarks import fleet
from benchmarks.harness import Report
from benchmarks.hosts import OTHER, close_books, group, served
from benchmarks.place import Place
from devtools.postgres import DATABASE, PORT
from devtools.process import LocalError, end, spawn
from devtools.servers import PROJECT
from devtools.stack import Stack
from devtools.valkey import free_port

PACES = {"property_detail": Decimal(30), "skip_trace": Decimal(60)}  # requests a minute
SMALL = {"BATCH_PROPERTY_DETAIL": "10", "BATCH_SKIP_TRACE": "5"}  # so that it is the pace that holds them
WORKERS = ("worker", OTHER)
COMES_UP = 2.0  # seconds


def measure(place: Place, *, leads: int) -> Report:
    ids = fleet.parcels(2 * leads)
    prefix: dict[str, tuple[str, ...]] = {}
    with fleet.stack(place, PACES, environment=SMALL, prefix=prefix) as stack, ExitStack() as cables:
        stack.leave("worker")
        for number, name in enumerate(WORKERS):
            namespace, database = cables.enter_context(_namespace(place, stack, number))
            prefix[name] = ("ip", "netns", "exec", namespace)
            stack.begin(name, {"DATABASE_URL": database})
        workers = [stack.processes[name].pid for name in WORKERS]
        with served(place, stack), group("workers", workers, None):  # a slot that passes unsent is lost to the pace
            rows = [_paced(place, stack, ids[:leads]), _capped(place, stack, ids[leads:])]
        stack.leave(OTHER)
        stack.leave("worker")
    return {
        "benchmark": "fleet in namespaces",
        "what": f"two worker hosts, {leads:,} leads; {' and '.join(map(str, PACES.values()))} requests a minute",
        "baseline": "the pace, the cap, the sandbox's bill",
        "aim": "no minute above the pace, nothing above the cap, books equal to the cent, nothing billed twice",
        "results": rows,
    }


def _paced(place: Place, stack: Stack, ids: list[str]) -> Report:
    """A whole run at the pace."""
    fleet.forget_bill(stack)
    ran = fleet.run(place, stack, ids)
    return {"name": "a run at the pace", **_books(stack, ran.seconds), "cores": _cores(ran)}


def _capped(place: Place, stack: Stack, ids: list[str]) -> Report:
    """A run whose cap is half of what its leads cost."""
    from enrichment.models import Run

    fleet.forget_bill(stack)
    each = sum((_price(name) for name in PACES), Decimal(0))
    cap = len(ids) * each / 2
    ran = fleet.run(place, stack, ids, max_cost=cap)
    row = {"name": f"a run under a cap of ${cap:,.2f}", **_books(stack, ran.seconds), "cores": _cores(ran)}
    run = Run.objects.with_money().latest("pk")
    if run.spent + run.reserved > cap or run.paused_by != Run.Pause.CAP or cap - run.spent > each:
        raise AssertionError(f"${run.spent} of ${cap} are spent, ${run.reserved} reserved, paused by {run.paused_by!r}")
    return row


def _price(name: str) -> Decimal:
    from django.conf import settings

    return Decimal(settings.OPERATIONS[name]["price"])


def _books(stack: Stack, seconds: float) -> Report:
    billed = close_books(stack)
    ledger = requests.get(f"{stack.sandbox_url}/sandbox/ledger", timeout=fleet.TIMEOUT).json()
    worst = {name: ledger["worst_minute"][name] for name in PACES}
    for name, pace in PACES.items():
        if worst[name] > pace or ledger["rejected_429"]:
            raise AssertionError(f"{name}: {worst[name]} requests in a minute, {ledger['rejected_429']} refused")
    asked = {name: ledger["operations"][name]["requests"] for name in PACES}
    used = max(asked[name] / float(PACES[name]) for name in PACES) * 60 / seconds
    return {
        "seconds_taken": round(seconds, 1),
        "requests": "/".join(map(str, asked.values())),
        "worst_minute": "/".join(map(str, worst.values())),
        "pace_used": round(used, 2),
        "billed": f"${billed:,.2f}",
        "books": "equal",
    }


def _cores(ran: fleet.Ran) -> str:
    return "/".join(f"{ran.cpu[name] / ran.seconds:.2f}" for name in WORKERS)


# --- Cables -----------------------------------------------------------------------------------------------------------


@contextmanager
def _namespace(place: Place, stack: Stack, number: int) -> Iterator[tuple[str, str]]:
    """A namespace with a cable to this machine. Yields its name, and DATABASE_URL as a worker in it has to spell it."""
    name = f"bench{os.getpid()}-{number}"
    cable, here, there = f"b{os.getpid()}h{number}", f"10.231.{number}.1", f"10.231.{number}.2"
    valkey, sandbox, postgres = urlsplit(place.servers.redis_url).port, urlsplit(stack.sandbox_url).port, free_port()
    socket = unquote(urlsplit(place.servers.database_url).query.partition("host=")[2].partition("&")[0])
    near = [f"{here}:{port}=127.0.0.1:{port}" for port in (valkey, sandbox)]
    near.append(f"{here}:{postgres}={Path(socket) / f'.s.PGSQL.{PORT}'}")
    far = [f"127.0.0.1:{port}={here}:{port}" for port in (valkey, sandbox, postgres)]
    relays = []
    _ip("netns", "add", name)
    try:
        _ip("link", "add", cable, "type", "veth", "peer", "name", "cable", "netns", name)
        _ip("address", "add", f"{here}/30", "dev", cable)
        _ip("link", "set", cable, "up")
        for words in (f"address add {there}/30 dev cable", "link set cable up", "link set lo up"):
            _ip("-n", name, *words.split())
        python = [sys.executable, "-m", "benchmarks.relay"]
        for where, command in (("near", [*python, *near]), ("far", ["ip", "netns", "exec", name, *python, *far])):
            log = place.home / f"relay-{number}-{where}.log"
            relays.append(spawn(command, log=log, environment=os.environ, directory=PROJECT))
        time.sleep(COMES_UP)
        yield name, f"postgresql://postgres@127.0.0.1:{postgres}/{DATABASE}"
    finally:
        for relay in relays:
            end(relay)
        _ip("netns", "delete", name)  # and the cable with it


def _ip(*words: str) -> None:
    try:
        subprocess.run(["ip", *words], check=True, capture_output=True, timeout=fleet.TIMEOUT)
    except (OSError, subprocess.CalledProcessError) as error:
        why = error.stderr.decode().strip() if isinstance(error, subprocess.CalledProcessError) else error
        raise LocalError(f"no network namespace can be made here: {why}") from None
