"""E-mails: from a message that is due to a settled row, against a bare loop of `smtplib`.

Measured: one process with one pump, from the first message that is taken to the last one settled, by the real gate,
ledger and PostgreSQL (fsync on), against the made-up mail server in a process of its own, which answers at once, with
no pace. The baseline is `smtplib`, one connection, that sends the same e-mails one after the other and stores nothing.
CPU is the one process's own, of all its threads: what a machine that others use as well says less of than the clock.
"""

from __future__ import annotations

import smtplib
import socket
import sys
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from email.message import EmailMessage
from types import SimpleNamespace
from typing import Any

from benchmarks.harness import Report
from benchmarks.place import Place
from devtools.process import end, spawn, wait_until
from devtools.servers import PROJECT
from devtools.valkey import free_port

IN_FLIGHT = 100  # e-mails under way: of one batch while the next is decided; the server answers at once
AIM = 50  # e-mails a second, per process
WORDS = "Hi Ada,\n\nAcme Homes LLC would like to buy 1 Elm St.\n\nUnsubscribe: https://app.example.com/u/token\n"


def measure(place: Place, *, mails: int, looped: int) -> Report:
    port, smtp = free_port(), free_port()
    log = place.home / "sandbox.log"
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--generate", "10"]
    process = spawn([*command, "--mail", "--smtp-port", str(smtp)], log=log, directory=PROJECT)
    try:
        wait_until(lambda: _listens(smtp), process=process, log=log, what="The sandbox", seconds=60)
        seconds, loop_cpu = _timed(lambda: _loop(smtp, looped))
        sent, cpu, due = _pump(smtp, mails)
    finally:
        end(process)
    rate, bare = mails / sent, looped / seconds
    return {
        "benchmark": "mails",
        "what": f"{mails:,} e-mails of a campaign, no pace; the loop {looped:,}",
        "baseline": "bare loop of smtplib",
        "aim": f"{AIM} e-mails a second, per process; {rate:.0f} measured",
        "results": [
            {
                "name": "bare loop of smtplib",
                "mails_per_second": round(bare),
                "ratio": 1.0,
                "cpu_ms": round(1000 * loop_cpu / looped, 2),
            },
            {
                "name": "a pump",
                "mails_per_second": round(rate),
                "ratio": round(rate / bare, 2),
                "cpu_ms": round(1000 * cpu / mails, 2),
                "due_per_second": due,
            },
        ],
    }


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
    except OSError:
        return False


def _timed(act: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the clock and of this process's processors."""
    begin, cpu = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - begin, time.process_time() - cpu


def _loop(port: int, count: int) -> None:
    with smtplib.SMTP("127.0.0.1", port) as server:
        for number in range(count):
            mail = EmailMessage()
            mail["From"], mail["To"] = "Jane Agent <jane@mail.example.com>", f"loop{number}@example.com"
            mail["Subject"], mail["Message-ID"] = "About 1 Elm St", f"<{number}@mail.example.com>"
            mail.set_content(WORDS)
            mail.add_alternative(f"<p>{WORDS}</p>", subtype="html")
            server.send_message(mail)


def _pump(port: int, count: int) -> tuple[float, float, int]:
    """Seconds of sending by the clock and of the processors, and rows made due a second beforehand."""
    from django.test import override_settings

    from campaigns.models import Delivery
    from campaigns.sending import pump, steps
    from tests.campaigns.sending import mailing

    with override_settings(PUMP_SECONDS=3600, PUBLIC_URL="https://app.example.com"):
        settings: Any = _settings()
        made = mailing.make_mails(count, settings, SimpleNamespace(port=port), name="mailer")  # type: ignore[arg-type]
        settings.OPERATIONS = settings.OPERATIONS | {"email": settings.OPERATIONS["email"] | {"pace": Decimal(0)}}
        begin = time.perf_counter()
        steps.make_due(seconds=3600)
        due = time.perf_counter() - begin
        settings.VENDOR_IN_FLIGHT = IN_FLIGHT
        worker = threading.Thread(target=pump.work)

        def send() -> None:
            worker.start()
            while Delivery.objects.filter(campaign=made.campaign, state__in=("due", "taken", "intended")).exists():
                time.sleep(0.1)

        spent, cpu = _timed(send)
        worker.join()
    if made.states() != {"accepted": count}:
        raise AssertionError(f"{made.states()} instead of {count} accepted")
    return spent, cpu, round(count / due)


def _settings() -> Any:
    from django.conf import settings

    return settings
