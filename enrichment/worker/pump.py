"""A pump works one stage for a slice of time, with threads for the waiting. One pump a stage, for the whole fleet."""

from __future__ import annotations

import logging
import threading
import time
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from common.logs import safe_traceback
from enrichment.worker import pump_lease, purchase, stages

log = logging.getLogger(__name__)
BEAT = 3.0  # seconds between two signs of life
IDLE = 2.0  # seconds without work after which a pump ends
LONGEST_WAIT = 8.0  # seconds a pump waits at a closed gate; for a longer wait it ends, and beat enqueues another


def work(stage: int, *, threads: int | None = None, stop: threading.Event | None = None) -> None:
    """Pumps one stage until it is idle, `stop` is set or its time is over. Does nothing where a pump is at work.

    threads: by default as many as requests may be under way.
    """
    token = pump_lease.acquire(stage)
    if token is None:
        return
    try:
        _Pump(stage, threads or stages.pump_threads(), stop or threading.Event()).run(token)
    finally:
        pump_lease.leave(stage, token)


class _Pump:
    def __init__(self, stage: int, threads: int, stop: threading.Event) -> None:
        self.stage, self.threads, self.stop = stage, threads, stop
        self.until = time.monotonic() + settings.PUMP_SECONDS
        self.stopping = threading.Event()
        self.last_work = time.monotonic()

    def run(self, token: UUID) -> None:
        names = list(stages.STAGES[self.stage].operations.values())
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
                self._step(name)
        finally:
            connection.close()

    def _step(self, name: str) -> None:
        try:
            step = purchase.step(self.stage, name)
        except (OperationalError, InterfaceError) as error:
            log.warning("PostgreSQL is away: %s", type(error).__name__)
            connection.close()
            self.stopping.wait(1.0)
            return
        except Exception as error:
            log.error("A step of stage %s broke: %s", self.stage, safe_traceback(error))
            self.stopping.wait(1.0)
            return
        if step.worked:
            self.last_work = time.monotonic()
            if step.wakes is not None:
                pump_lease.wake_if_idle(step.wakes)
            return
        if step.closed and step.retry_in < LONGEST_WAIT:  # the next slot is near: the pump is not idle
            self.last_work = time.monotonic()
        self.stopping.wait(min(step.retry_in, 1.0))
