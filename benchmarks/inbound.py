"""Posts of a vendor of text messages: how long each waits for its answer, at a steady rate.

Measured: 200 a second over HTTP, signed as Twilio signs, against the web server with two processes of 16 threads, and
PostgreSQL with fsync on; from the moment a post was due, so that a server that falls behind is seen. Three in four are
statuses, one in twenty is a STOP, which is suppressed before it is answered. The baseline is /healthz, asked the same
way.
"""

from __future__ import annotations

import http.client
import os
import sys
import threading
import time
from subprocess import Popen
from urllib.parse import urlencode
from uuid import uuid4

from benchmarks.harness import Report, by_latency
from benchmarks.place import WEB_THREADS, Place
from devtools.process import LocalError, end, spawn, wait_until
from devtools.servers import PROJECT
from devtools.valkey import free_port
from sandbox.twilio import signature

RATE = 200  # a second
SENDERS = 32  # connections
AIM = 50  # ms, p95
OWN, PATH, TOKEN = "https://bench.example.com", "/api/webhooks/twilio/message", "bench-token"
FORM = "application/x-www-form-urlencoded"
Request = tuple[str, bytes, dict[str, str]]  # path, body, headers


def measure(place: Place, *, seconds: int) -> Report:
    port = free_port()
    web = _web(place, port)
    try:
        count = RATE * seconds
        _steadily(port, [("/healthz", b"", {})] * RATE)  # warm
        times = {
            "/healthz": _steadily(port, [("/healthz", b"", {})] * count),
            "posts of a vendor": _steadily(port, [_post(n) for n in range(count)]),
        }
    finally:
        end(web)
    kept = place.connect().execute("SELECT count(*), count(handled_at) FROM campaigns_inbound").fetchone()
    if kept is None or kept[0] != count:
        raise LocalError(f"{count} posts were sent, {kept} are kept")
    rows = by_latency(times, {"posts of a vendor": "/healthz"})
    return {
        "benchmark": "inbound",
        "what": f"{count:,} posts at {RATE} a second; {kept[1]:,} opt-outs were handled before they were answered",
        "baseline": "/healthz",
        "aim": f"p95 under {AIM} ms",
        "results": rows,
    }


def _web(place: Place, port: int) -> Popen[bytes]:
    command = [sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn", "config.wsgi"]
    command += ["--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", str(WEB_THREADS)]
    log = place.home / "inbound-web.log"
    more = {
        "SMS_VENDOR": "twilio", "TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": TOKEN, "PUBLIC_URL": OWN,
        "TWILIO_BASE_URL": "https://twilio.invalid",
    }  # fmt: skip
    process = spawn(command, log=log, environment=os.environ | more, directory=PROJECT)

    def answers() -> bool:
        try:
            return _ask(http.client.HTTPConnection("127.0.0.1", port, timeout=5), ("/healthz", b"", {})) == 200
        except OSError:
            return False

    wait_until(answers, process=process, log=log, what="The web server", seconds=60)
    return process


def _post(number: int) -> Request:
    fields = {"MessageSid": f"SM{uuid4().hex}", "From": f"+1212555{number % 10_000:04}", "To": "+16175550100"}
    if number % 20 == 0:
        fields |= {"SmsStatus": "received", "Body": "STOP"}
    elif number % 5 == 1:
        fields |= {"SmsStatus": "received", "Body": "Who is this?"}
    else:
        fields |= {"MessageStatus": "delivered"}
    mark = signature(TOKEN, f"{OWN}{PATH}", list(fields.items()))
    return PATH, urlencode(fields).encode(), {"Content-Type": FORM, "X-Twilio-Signature": mark}


def _steadily(port: int, requests: list[Request]) -> list[float]:
    """Seconds of each, from the moment it was due: the n-th n/RATE seconds after the beginning."""
    times = [0.0] * len(requests)
    begin, lock, following = time.perf_counter() + 0.2, threading.Lock(), iter(range(len(requests)))

    def send() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while True:
            with lock:
                place = next(following, None)
            if place is None:
                return
            due = begin + place / RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            status = _again(connection, requests[place])
            times[place] = time.perf_counter() - due
            if status != 200:
                raise LocalError(f"{requests[place][0]} answered {status}")

    threads = [threading.Thread(target=send) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def _again(connection: http.client.HTTPConnection, request: Request) -> int:
    """The server drops a connection that was silent for 2 s."""
    try:
        return _ask(connection, request)
    except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
        connection.close()
        return _ask(connection, request)


def _ask(connection: http.client.HTTPConnection, request: Request) -> int:
    path, body, headers = request
    connection.request("POST" if body else "GET", path, body=body or None, headers={"Host": "127.0.0.1", **headers})
    answer = connection.getresponse()
    answer.read()
    return answer.status
