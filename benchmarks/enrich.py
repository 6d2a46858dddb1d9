"""Buying the facts of leads: how fast without a pace, whether a long run is slower, and how few requests a pace needs.

Measured: from `start_run` to the last lead done, by the real worker (four children), beat, PostgreSQL and sandbox as
processes. The sandbox makes its answers in Python on the same cores; its CPU time is told apart (/proc/PID/stat).

speed: the baseline is a bare loop of `requests`, one session, that makes one detail and one skip-trace call a lead,
one after the other, and stores nothing. growth: seconds a lead of a long run against a short one; since starting up
weighs on the short one, the long one's last tenth stands beside its second. paced: one request a lead at the same pace,
by arithmetic.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from decimal import Decimal

import requests

from benchmarks import fleet
from benchmarks.harness import Report
from benchmarks.place import Place
from devtools.stack import Stack
from sandbox.server import SandboxConfig

SPEED_AIM, GROWTH_AIM, PACED_AIM = 2.5, 1.2, 45.0  # times, times, seconds for 2,000 leads
PACES = {"property_detail": Decimal(100), "skip_trace": Decimal(50)}
TIMEOUT = 30  # seconds


def measure(place: Place, *, leads: int, looped: int, short: int, long: int, paced: int) -> list[Report]:
    ids = fleet.parcels(max(leads, looped, short, long, paced))
    with fleet.stack(place, fleet.NO_PACE) as stack:
        fleet.run(place, stack, ids[:short])  # imports, connections, plans
        reports = [_speed(place, stack, ids[:leads], ids[:looped]), _growth(place, stack, ids, short, long)]
    with fleet.stack(place, PACES) as stack:
        return [*reports, _paced(place, stack, ids[:paced])]


def _speed(place: Place, stack: Stack, ids: list[str], few: list[str]) -> Report:
    seconds, sandbox, ours = _loop(stack, few)
    ran = fleet.run(place, stack, ids)
    rows = [
        _by_lead("bare loop of requests", len(few), seconds, sandbox, ours, 0.0),
        _by_lead("a run", ran.leads, ran.seconds, ran.cpu["sandbox"], ran.cpu["worker"], ran.cpu["postgres"]),
    ]
    for row in rows:
        row["ratio"] = round(rows[0]["ms_a_lead"] / row["ms_a_lead"], 2)
    return {
        "benchmark": "enrich speed",
        "what": f"{ran.leads:,} leads, no pace; the loop {len(few):,}",
        "baseline": "bare loop of requests",
        "aim": f"{SPEED_AIM} × the loop's leads a second; {rows[1]['ratio']} measured",
        "results": rows,
    }


def _by_lead(name: str, leads: int, seconds: float, sandbox: float, python: float, postgres: float) -> Report:
    return {
        "name": name,
        "leads_a_second": round(leads / seconds),
        "ms_a_lead": round(1000 * seconds / leads, 3),
        "sandbox_cpu_ms": round(1000 * sandbox / leads, 3),
        "python_cpu_ms": round(1000 * python / leads, 3),
        "postgres_cpu_ms": round(1000 * postgres / leads, 3),
    }


def _loop(stack: Stack, ids: Sequence[str]) -> tuple[float, float, float]:
    """Wall seconds, the sandbox's CPU seconds, and ours."""
    address = f"{stack.sandbox_url}/realestateapi/v2"
    process = {stack.processes["sandbox"].pid: "sandbox"}
    before, own, begin = fleet.cpu_of(process)["sandbox"], time.process_time(), time.perf_counter()
    with requests.Session() as session:
        session.headers["x-api-key"] = SandboxConfig.realestateapi_key
        for one in ids:
            detail = session.post(f"{address}/PropertyDetail", json={"id": one}, timeout=TIMEOUT)
            detail.raise_for_status()
            trace = session.post(f"{address}/SkipTrace", json=_owner(detail.json()["data"]), timeout=TIMEOUT)
            if trace.status_code != 404:  # nobody found
                trace.raise_for_status()
                trace.json()
    wall = time.perf_counter() - begin
    return wall, fleet.cpu_of(process)["sandbox"] - before, time.process_time() - own


def _owner(data: dict[str, object]) -> dict[str, object]:
    """The skip-trace question that the product asks after the same detail."""
    from enrichment.worker.questions import owner_query
    from integrations.vendors.realestateapi import parse

    return dict(owner_query(parse.detail(data)).params)


def _growth(place: Place, stack: Stack, ids: list[str], short: int, long: int) -> Report:
    shorts = [fleet.run(place, stack, ids[:short]) for _ in range(3)]
    ran = fleet.run(place, stack, ids[:long])
    low = statistics.median(one.seconds / short for one in shorts)
    parts = {
        f"run of {short:,}, whole, median of 3": low,
        f"run of {long:,}, whole": ran.seconds / long,
        f"run of {long:,}, its second tenth": ran.between(0.1, 0.2),
        f"run of {long:,}, its last tenth": ran.between(0.9, 1.0),
    }
    rows = [{"name": n, "ms_a_lead": round(1000 * s, 3), "ratio": round(s / low, 2)} for n, s in parts.items()]
    return {
        "benchmark": "enrich growth",
        "what": f"time a lead, {long:,} leads against {short:,}, no pace",
        "baseline": rows[0]["name"],
        "aim": f"at most {GROWTH_AIM} ×; {rows[1]['ratio']} measured",
        "results": rows,
    }


def _paced(place: Place, stack: Stack, ids: list[str]) -> Report:
    ran = fleet.run(place, stack, ids)
    ledger = requests.get(f"{stack.sandbox_url}/sandbox/ledger", timeout=TIMEOUT).json()
    alone = len(ids) * 60 / float(min(PACES.values()))
    rows = [
        {"name": "one request a lead, by arithmetic", "seconds_taken": alone, "requests": 2 * len(ids), "ratio": 1.0},
        {
            "name": "a run",
            "seconds_taken": round(ran.seconds, 1),
            "requests": sum(ledger["operations"][name]["requests"] for name in PACES),
            "ratio": round(alone / ran.seconds, 1),
        },
    ]
    return {
        "benchmark": "enrich paced",
        "what": f"{len(ids):,} leads at 100 and 50 requests a minute; refused with 429: {ledger['rejected_429']}",
        "baseline": rows[0]["name"],
        "aim": f"{PACED_AIM:.0f} s for 2,000 leads",
        "results": rows,
    }
