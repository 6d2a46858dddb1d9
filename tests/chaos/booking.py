"""Two hundred guests from two hundred addresses want the same hour, and web workers are killed among them: one holds
the slot, the others are told that it is taken, and nobody waits a second for a lock.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

import psutil
import requests
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from integrations.ledger.persistence import persist
from leads.models import Event as CalendarEvent
from tests.campaigns.booking.samples import make_host
from tests.chaos.place import Broken, Place, Setting

# As deployed: two web processes behind one proxy, whose header says which address a guest has.
BOOKED = Setting(environment={"NUM_PROXIES": "1", "WEB_CONCURRENCY": "2"})
AT_A_TIME = 40  # guests: more than the web server's threads
LONGEST = 1.0  # seconds that a lock may be waited for
WAITING = "SELECT max(extract(epoch FROM clock_timestamp() - waitstart)) FROM pg_locks WHERE NOT granted"


@dataclass(slots=True)
class Seen:
    """seconds: of each answered request. lost: requests whose worker was killed; they are sent again, as people do."""

    answers: Counter[tuple[int, str]] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    lost: int = 0
    lock_wait: float = 0.0
    looks: int = 0


def guests(place: Place) -> Sequence[str]:
    count, kills = place.size(200, 60), place.size(3, 1)
    settings.PUBLIC_URL, before = place.running.web_url, settings.PUBLIC_URL  # this process has none
    try:
        page = persist(make_host)
    finally:
        settings.PUBLIC_URL = before
    address = f"{place.running.web_url}/book/{page.slug}"
    told = requests.get(address, headers={"Accept": "application/json", "X-Forwarded-For": "192.0.2.1"}, timeout=30)
    slot = told.json()["slots"][0]
    seen = Seen()
    with _watched(seen), ThreadPoolExecutor(AT_A_TIME) as pool:
        asked = [pool.submit(_ask, address, slot, number, seen) for number in range(count)]
        for number in range(kills):
            goal = count * (number + 1) // (kills + 2)
            place.until(lambda goal=goal: len(seen.seconds) >= goal, "guests are answered")  # type: ignore[misc]
            _kill_worker(place)
        for one in asked:
            one.result()
    return _check(seen, count, kills)


def _ask(address: str, slot: str, number: int, seen: Seen) -> None:
    """Until there is an answer."""
    body = {"at": slot, "name": "Pat Owner", "email": f"g{number}@example.com"}
    headers = {"X-Forwarded-For": f"10.0.{number // 20}.{number % 20 + 1}"}
    until = time.monotonic() + 120
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            answer = requests.post(address, json=body, headers=headers, timeout=60)
        except requests.ConnectionError:
            seen.lost += 1
            time.sleep(0.1)
            continue
        seen.seconds.append(time.monotonic() - began)
        code = "" if answer.ok else answer.json()["error"]["code"]
        seen.answers[answer.status_code, code] += 1
        return
    raise Broken(f"guest {number} got no answer")


def _kill_worker(place: Place) -> None:
    """SIGKILL to one of the web server's two processes; gunicorn starts another."""
    parent = psutil.Process(place.running.processes["web"].pid)
    place.dice.choice(parent.children()).kill()


@contextmanager
def _watched(seen: Seen) -> Iterator[None]:
    """Looks, a hundred times a second, how long somebody has waited for a lock."""
    over = Event()

    def look() -> None:
        while not over.wait(0.01):
            try:
                with connection.cursor() as cursor:
                    cursor.execute(WAITING)
                    row: Any = cursor.fetchone()
                seen.lock_wait = max(seen.lock_wait, float(row[0] or 0))
                seen.looks += 1
            except (OperationalError, InterfaceError):
                connection.close()
        connection.close()

    thread = Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _check(seen: Seen, count: int, kills: int) -> list[str]:
    if seen.answers != {(201, ""): 1, (409, "SLOT_TAKEN"): count - 1}:
        raise Broken(f"{count} guests were told {dict(seen.answers)}")
    held = persist(lambda: list(CalendarEvent.objects.values_list("status", flat=True)))
    if held != ["held"]:
        raise Broken(f"the calendar has {held}")
    if not seen.looks or seen.lock_wait > LONGEST:
        raise Broken(f"somebody waited {seen.lock_wait:.2f} s for a lock ({seen.looks} looks)")
    return [
        f"{count} guests, {kills} web workers killed, {seen.lost} requests lost and sent again",
        f"longest wait for a lock {1000 * seen.lock_wait:.0f} ms, for an answer {max(seen.seconds):.2f} s, "
        f"median {sorted(seen.seconds)[count // 2]:.2f} s",
    ]
