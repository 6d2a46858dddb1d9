"""A pump sends for a slice of time: it makes due messages, and its threads take, decide, send and settle them.

Any number of workers on any number of hosts: the rows are the queue, and the operation's row orders who sends.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Exists, OuterRef, Q

from campaigns import clock
from campaigns.locks import claim_deliveries, leave_pump, try_pump
from campaigns.models import Campaign, Delivery
from campaigns.sending import lifecycle, ours, settling, steps
from campaigns.sending.executing import send_all
from campaigns.sending.intending import Changed, Intended, intend, together, wait_for_slot
from campaigns.sending.moving import NotRunning
from common.db.ids import uuid7
from common.faultpoints import commit
from common.logs import safe_traceback
from integrations.ledger import batches, catalogue
from integrations.ledger.admission import Closed
from integrations.ledger.persistence import persist

log = logging.getLogger(__name__)
State = Delivery.State
PLACES = 4  # pumps of the fleet: more would wait for the operation's row
THREADS = 3  # of a pump: while one waits for the vendor another decides, and a third settles
IDLE = 2.0  # seconds without work after which a pump ends
LONGEST_WAIT = 8.0  # seconds a pump waits at a closed vendor; for a longer wait it ends, and beat starts another
MAKES_EVERY = 1.0  # seconds between two looks for steps that are due
LEASE = timedelta(seconds=60)  # of a message that was taken and is not decided yet: nothing has left
TRIES = 5  # of deciding about a batch of which some were cancelled meanwhile
OPERATION = "sms"
BUSY = 0.02  # seconds until a place among the requests in flight is looked for again


@dataclass(frozen=True, slots=True)
class Stepped:
    """worked: a message moved. closed: the vendor takes none now. retry_in: seconds."""

    worked: bool
    closed: bool = False
    retry_in: float = 0.5


def work(*, threads: int = THREADS, stop: threading.Event | None = None) -> None:
    """Sends until nothing is due, `stop` is set or its time is over. Does nothing where enough pumps are at work."""
    place = try_pump(PLACES)
    if place is None:
        return
    try:
        _Pump(threads, stop or threading.Event()).run()
    finally:
        leave_pump(place)


class _Pump:
    def __init__(self, threads: int, stop: threading.Event) -> None:
        self.threads, self.stop = threads, stop
        self.until = time.monotonic() + settings.PUMP_SECONDS
        self.stopping = threading.Event()
        self.last_work = time.monotonic()
        self.busy = 0  # threads that are at a step: while one waits for the vendor the pump is not idle
        self.lock = threading.Lock()
        self.pool = ThreadPoolExecutor(max(1, settings.VENDOR_IN_FLIGHT), thread_name_prefix="send")

    def run(self) -> None:
        threads = [threading.Thread(target=self._thread, name=f"sender-{number}") for number in range(self.threads)]
        self._make()
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads) and not self._over():
                self.stop.wait(MAKES_EVERY if not self._over() else 0)
                self._make()
        finally:  # also on the task's soft time limit: the threads finish what has left
            self.stopping.set()
            for thread in threads:
                thread.join()
            self.pool.shutdown()
        self._safely(lifecycle.complete_campaigns)

    def _over(self) -> bool:
        now = time.monotonic()
        return self.stop.is_set() or now > self.until or (not self.busy and now - self.last_work > IDLE)

    def _make(self) -> None:
        if self._safely(steps.make_due):
            self.last_work = time.monotonic()

    def _safely(self, act: object) -> int:
        try:
            return int(act() or 0)  # type: ignore[operator]
        except (OperationalError, InterfaceError) as error:
            log.warning("PostgreSQL is away: %s", type(error).__name__)
            leave_pump(None)
            connection.close()
        except Exception as error:
            log.error("Making due messages broke: %s", safe_traceback(error))
        return 0

    def _thread(self) -> None:
        try:
            while not self.stopping.is_set():
                self._step()
        finally:
            connection.close()

    def _step(self) -> None:
        with self.lock:
            self.busy += 1
        try:
            done = step(self.pool)
        except (OperationalError, InterfaceError) as error:
            log.warning("PostgreSQL is away: %s", type(error).__name__)
            connection.close()
            self.stopping.wait(1.0)
            return
        except Exception as error:
            log.error("A step of sending broke: %s", safe_traceback(error))
            self.stopping.wait(1.0)
            return
        finally:
            with self.lock:
                self.busy -= 1
        if done.worked or (done.closed and done.retry_in < LONGEST_WAIT):
            self.last_work = time.monotonic()
        if not done.worked:
            self.stopping.wait(min(done.retry_in, 1.0))


def step(pool: ThreadPoolExecutor) -> Stepped:
    """Takes the next messages of whoever waits longest, decides about them, sends and settles. From any thread.

    1. As many as there seems to be room for among the requests in flight; `intend` counts exactly.
    2. What people wrote goes before campaigns; a campaign that was served goes behind the others.
    3. A closed vendor: what was taken goes back. Closed until an operator acts, its campaigns pause.
    4. An unforeseen error gives the messages back and pauses the campaign they are of.
    """
    if not settings.SMS_VENDOR:
        return Stepped(worked=False)
    operation = catalogue.operation(OPERATION)
    now, at = clock.both()
    if wait := wait_for_slot(operation, now):
        return Stepped(worked=False, closed=True, retry_in=wait)
    most = min(together(operation), batches.room(operation, now))
    if most <= 0:  # as `intend` would say, when these were taken already
        return Stepped(worked=False, closed=True, retry_in=BUSY)
    for campaign_id in _sources(operation.vendor_id, at):
        token = uuid7()
        with commit("sms.take"):
            ids = claim_deliveries(campaign_id, at, 1 if campaign_id is None else most, token, LEASE)
        if not ids:
            continue
        made: list[UUID] = []
        try:
            committed = time.monotonic()
            found = _intend(operation.pk, ids, token, made)
        except Closed as closed:
            settling.give_back(ids, token)
            if closed.retry_in is None:
                lifecycle.pause_all(operation.vendor_id, closed.reason)
                return Stepped(worked=False, retry_in=1.0)
            return Stepped(worked=False, closed=True, retry_in=closed.retry_in)
        except NotRunning:
            settling.give_back(ids, token)
            continue
        except (OperationalError, InterfaceError):
            connection.close()
            persist(partial(settling.take_back, made))
            raise
        except Exception as error:
            _broken(campaign_id, ids, token, error)
            return Stepped(worked=False, retry_in=1.0)
        if found is None or found.moved < len(ids):
            settling.give_back(ids, token)
        if found is None:
            continue
        if campaign_id is not None:
            _served[campaign_id] = time.monotonic()
        _afterwards(campaign_id, found)
        if found.outgoing:
            out = send_all(found.operation, found.outgoing, pool, committed=committed)
            if out:
                lifecycle.pause_broken_vendor(found.operation)
        return Stepped(worked=bool(found.moved))
    return Stepped(worked=False)


_served: dict[UUID, float] = {}  # when this process last served a campaign


def _sources(vendor: str, at: datetime) -> Iterator[UUID | None]:
    """Whose messages are due: None for those that people wrote, then running campaigns, the longest unserved first."""
    due = Delivery.objects.filter(Q(not_before__isnull=True) | Q(not_before__lte=at), state=State.DUE)
    if due.filter(campaign=None).exists():
        yield None
    running = Campaign.objects.filter(Exists(due.filter(campaign=OuterRef("pk"))), status=Campaign.Status.RUNNING)
    ids = running.filter(sender__vendor=vendor).order_by("pk").values_list("pk", flat=True)
    yield from sorted(ids, key=lambda pk: (_served.get(pk, 0.0), pk))


def _intend(operation_id: int, ids: list[UUID], token: UUID, made: list[UUID]) -> Intended | None:
    for _ in range(TRIES):
        if not ids:
            return None
        made.clear()
        try:
            return intend(operation_id, ids, token, made)
        except Changed as changed:
            ids = [pk for pk in ids if pk not in changed.gone]
    return None


def _afterwards(campaign_id: UUID | None, found: Intended) -> None:
    if found.lacks and campaign_id is not None:
        ours.pause_not_set_up(campaign_id, found.lacks)
    if found.short is not None and campaign_id is not None:
        label = found.short.label
        lifecycle.pause_campaign(campaign_id, Campaign.Pause.CAP, f"{label[:1].upper()}{label[1:]} is used up")


def _broken(campaign_id: UUID | None, ids: list[UUID], token: UUID, error: Exception) -> None:
    log.error("Messages of %s broke: %s", campaign_id, safe_traceback(error))
    settling.give_back(ids, token)
    if campaign_id is not None:
        words = f"System error: {type(error).__name__}. The log has more."
        lifecycle.pause_campaign(campaign_id, Campaign.Pause.FAULT, words)
