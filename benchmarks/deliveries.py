"""Text messages: from a step that is due to a settled row, against a bare loop of POSTs.

Measured: one process with one pump, from `steps.make_due` to the last message settled, by the real gate, ledger and
PostgreSQL (fsync on), against a sandbox in a process of its own that answers at once, without a pace. Every message is
durable at each of its stages: its row, its receipt, its money, its lead's history. The baseline is a loop of
`requests`, one session, that posts the same texts one after the other and stores nothing.
"""

from __future__ import annotations

import sys
import threading
import time
from decimal import Decimal
from typing import Any

import requests

from benchmarks.harness import Report
from benchmarks.place import Place
from devtools.process import end, spawn, wait_until
from devtools.servers import PROJECT
from devtools.valkey import free_port
from sandbox.server import SandboxConfig

AIM = 0.5  # of the loop, per process
IN_FLIGHT = 100  # requests under way: of one batch while the next is decided; the sandbox answers at once
TIMEOUT = 30  # seconds


def measure(place: Place, *, messages: int, looped: int) -> Report:
    port = free_port()
    process = _sandbox(place, port)
    try:
        base = f"http://127.0.0.1:{port}"
        seconds = _loop(base, looped)
        sent, stages = _pump(base, messages)
    finally:
        end(process)
    rows: list[Report] = [
        {"name": "bare loop of POSTs", "messages_per_second": round(looped / seconds), "ratio": 1.0},
        {
            "name": "a pump",
            "messages_per_second": round(messages / sent),
            "ratio": round(messages / sent / (looped / seconds), 2),
            **stages,
        },
    ]
    return {
        "benchmark": "deliveries",
        "what": f"{messages:,} messages of a campaign, no pace; the loop {looped:,}",
        "baseline": "bare loop of POSTs",
        "aim": f"{AIM} × the loop's messages a second, per process; {rows[1]['ratio']} measured",
        "results": rows,
    }


def _sandbox(place: Place, port: int) -> Any:
    log = place.home / "sandbox.log"
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--generate", "10"]
    process = spawn(command, log=log, directory=PROJECT)

    def answers() -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{port}/__log", timeout=5).ok
        except requests.RequestException:
            return False

    wait_until(answers, process=process, log=log, what="The sandbox", seconds=60)
    return process


def _loop(base: str, count: int) -> float:
    config = SandboxConfig()
    address = f"{base}/twilio/2010-04-01/Accounts/{config.twilio_account}/Messages.json"
    begin = time.perf_counter()
    with requests.Session() as session:
        session.auth = (config.twilio_account, config.twilio_token)
        for n in range(count):
            form = {"To": f"+1212555{n % 10_000:04}", "From": "+16175550100", "Body": "Hi Ada. Reply STOP to end."}
            session.post(address, data=form, timeout=TIMEOUT).raise_for_status()
    return time.perf_counter() - begin


def _pump(base: str, count: int) -> tuple[float, Report]:
    """Wall seconds of sending, and of making the rows due beforehand."""
    from django.test import override_settings

    from campaigns.models import Delivery
    from campaigns.sending import pump, steps
    from tests.campaigns.sending import world

    config = SandboxConfig()
    with override_settings() as _:
        from django.conf import settings

        settings.VENDORS = settings.VENDORS | {
            "twilio": {"base_url": f"{base}/twilio", "account": config.twilio_account, "key": config.twilio_token}
        }
        settings.OPERATIONS = settings.OPERATIONS | {"sms": settings.OPERATIONS["sms"] | {"pace": Decimal(0)}}
        settings.VENDOR_IN_FLIGHT, settings.PUMP_SECONDS = IN_FLIGHT, 3600
        made = world.make_world(count, settings, name="texter", places=world.PLACES[:1])
        begin = time.perf_counter()
        steps.make_due(seconds=3600)
        due = time.perf_counter() - begin
        begin = time.perf_counter()
        worker = threading.Thread(target=pump.work)
        worker.start()
        while Delivery.objects.filter(campaign=made.campaign, state__in=("due", "taken", "intended")).exists():
            time.sleep(0.1)
        spent = time.perf_counter() - begin
        worker.join()
    if made.states() != {"accepted": count}:
        raise AssertionError(f"{made.states()} instead of {count} accepted")
    return spent, {"due_per_second": round(count / due)}
