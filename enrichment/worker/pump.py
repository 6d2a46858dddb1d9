"""A pump works one stage for a slice of time, with threads for the waiting. Each worker host has its own."""

from __future__ import annotations

import gc
import logging
import sys
import threading
import time
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from common.logs import safe_traceback
from enrichment.worker import pump_lease, purchase, stages

log = logging.getLogger(__name__)
BEAT = 3.0  # seconds between two signs of life
# Seconds of another thread's Python that a thread waits for when PostgreSQL has answered it. By default 5 ms, which a
# thread that reserves a purchase would wait a dozen times with the vendor's row locked for all worker hosts.
SWITCH = 0.0005
COLLECT_EVERY = 50_000  # objects made and not freed; the cyclic ones among them wait until then
WAKES = 1.0  # seconds that pumps of the next stage have to start before they are woken again
IDLE = 2.0  # seconds without work after which a pump ends
LONGEST_WAIT = 8.0  # seconds a pump waits at a closed gate; for a longer wait it ends, and beat enqueues another


def work(
    stage: int, *, host: str | None = None, threads: int | None = None, stop: threading.Event | None = None
) -> None:
    """Pumps one stage until it is idle, `stop` is set or its time is over. Does nothing where the host's are at work.

    host: the worker's name; None: a process by itself. threads: by default as many as requests may be under way.
    """
    token = pump_lease.acquire(stage, host or pump_lease.here())
    if token is None:
        return
    sys.setswitchinterval(SWITCH)
    _collect_seldom()
    try:
        pump_lease.wake_if_idle(stage)  # the other worker hosts
        _Pump(stage, threads or stages.pump_threads(), stop or threading.Event()).run(token)
    finally:
        pump_lease.leave(stage, token)


def _collect_seldom() -> None:
    """What the process has loaded is no garbage, and what a request leaves is not looked through every 700 objects:
    that was a sixteenth of a lead's Python.
    """
    if gc.get_threshold()[0] != COLLECT_EVERY:
        gc.collect()
        gc.freeze()
        gc.set_threshold(COLLECT_EVERY, *gc.get_threshold()[1:])


class _Pump:
    """`turns`: of the threads that buy one operation, one at a time claims, and waits where there is nothing to claim:
    the vendor admits their requests one after the other, and a thread that asks for its turn costs no transaction.
    """

    def __init__(self, stage: int, threads: int, stop: threading.Event) -> None:
        self.stage, self.threads, self.stop = stage, threads, stop
        self.until = time.monotonic() + settings.PUMP_SECONDS
        self.stopping = threading.Event()
        self.last_work = time.monotonic()
        self.woken = float("-inf")
        self.turns = {name: threading.Lock() for name in stages.STAGES[stage].operations.values()}

    def run(self, token: UUID) -> None:
        names = list(self.turns)
        threads = [
            threading.Thread(
                target=self._thread, args=(names[number % len(names)],), name=f"pump-{self.stage}-{number}"
            )
            for number in range(self.threads)
        ]
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads):
                if not self._keep(token) or self._over():
                    self.stopping.set()
                self._pause(threads)
        finally:  # also on the task's soft time limit: the threads finish the requests under way
            self.stopping.set()
            for thread in threads:
                thread.join()

    def _pause(self, threads: list[threading.Thread]) -> None:
        deadline = time.monotonic() + BEAT
        while time.monotonic() < deadline and any(t.is_alive() for t in threads) and not self._over():
            time.sleep(0.1)
        if self._over():
            self.stopping.set()
            time.sleep(0.1)

    def _over(self) -> bool:
        now = time.monotonic()
        return self.stop.is_set() or now > self.until or now - self.last_work > IDLE

    def _keep(self, token: UUID) -> bool:
        try:
            return pump_lease.keep(self.stage, token)
        except (
            OperationalError,
            InterfaceError,
        ):  # PostgreSQL is away: the threads wait, the lease may pass
            connection.close()
            return True

    def _thread(self, name: str) -> None:
        try:
            while not self.stopping.is_set():
                try:
                    self._step(name)
                except (OperationalError, InterfaceError) as error:
                    log.warning("PostgreSQL is away: %s", type(error).__name__)
                    connection.close()
                    self.stopping.wait(1.0)
                except Exception as error:
                    log.error("A step of stage %s broke: %s", self.stage, safe_traceback(error))
                    self.stopping.wait(1.0)
        finally:
            connection.close()

    def _step(self, name: str) -> None:
        with self.turns[name]:
            if self.stopping.is_set():
                return
            step = purchase.claim(self.stage, name)
            if step.worked:
                self.last_work = time.monotonic()
            else:
                wait = min(step.retry_in, 1.0)
                if step.closed and step.retry_in < LONGEST_WAIT:  # the next slot is near: the pump is not idle
                    self.last_work = time.monotonic() + wait
                self.stopping.wait(wait)
                return
        if step.bought is not None:
            purchase.buy(self.stage, step.bought)
            self.last_work = time.monotonic()
        if step.wakes is not None:
            self._wake(step.wakes)

    def _wake(self, stage: int) -> None:
        if time.monotonic() - self.woken >= WAKES and pump_lease.wake_if_idle(stage):
            self.woken = time.monotonic()
