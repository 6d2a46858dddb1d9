"""A pump sends for a slice of time: it makes due messages, and its threads take, decide, send and settle them.

Any number of workers on any number of hosts: the rows are the queue, and the operation's row orders who sends. Texts
and e-mails have places, threads and requests of their own: a vendor that is stopped or silent holds up the other's not.
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
from campaigns.sending.mailing import EMAIL
from campaigns.sending.moving import NotRunning
from common.db.ids import uuid7
from common.faultpoints import commit
from common.logs import safe_traceback
from integrations.ledger import batches, catalogue
from integrations.ledger.admission import Closed
from integrations.ledger.persistence import persist
from integrations.models import Operation
from integrations.vendors.errors import Misconfigured

log = logging.getLogger(__name__)
State = Delivery.State
PLACES = 4  # pumps of the fleet and channel: more would wait for the operation's row
THREADS = 3  # of a pump: while one waits for the vendor another decides, and a third settles
IDLE = 2.0  # seconds without work after which a pump ends
LONGEST_WAIT = 8.0  # seconds a pump waits at a closed vendor; for a longer wait it ends, and beat starts another
MAKES_EVERY = 1.0  # seconds between two looks for steps that are due
LEASE = timedelta(seconds=60)  # of a message that was taken and is not decided yet: nothing has left
TRIES = 5  # of deciding about a batch of which some were cancelled meanwhile
SMS = "sms"  # a channel, and the operation of its messages
BROKEN_MOST = 3  # messages of a campaign on which our own code broke: it pauses
BUSY = 0.02  # seconds until a place among the requests in flight is looked for again


@dataclass(frozen=True, slots=True)
class Stepped:
    """worked: a message moved. closed: the vendor takes none now. retry_in: seconds."""

    worked: bool
    closed: bool = False
    retry_in: float = 0.5


def work(*, threads: int = THREADS, stop: threading.Event | None = None) -> None:
    """Sends until nothing is due, `stop` is set or its time is over: by each channel that somebody carries, side by
    side. Does nothing for a channel where enough pumps are at work.
    """
    stop = stop or threading.Event()
    mails = None
    if settings.MAIL_VENDOR and _has_mails():
        mails = threading.Thread(target=_work_apart, args=(EMAIL, threads, stop), name="mails")
        mails.start()
    try:
        if mails is None or settings.SMS_VENDOR:
            _work(SMS, threads, stop)
    except BaseException:  # the task's soft time limit
        stop.set()
        raise
    finally:
        if mails is not None:
            mails.join()


def _has_mails() -> bool:
    """Whether e-mails may be due: a pump of their own costs nothing where there are none."""
    running = Campaign.objects.filter(lifecycle.has_steps(EMAIL), status=Campaign.Status.RUNNING)
    return running.exists() or Delivery.objects.filter(campaign=None, state=State.DUE, channel=EMAIL).exists()


def _work_apart(channel: str, threads: int, stop: threading.Event) -> None:
    """In a thread of its own, with a connection of its own."""
    try:
        _work(channel, threads, stop)
    except (OperationalError, InterfaceError) as error:
        log.warning("PostgreSQL is away: %s", type(error).__name__)
    except Exception as error:
        log.error("A pump of %s broke: %s", channel, safe_traceback(error))
    finally:
        connection.close()


def _work(channel: str, threads: int, stop: threading.Event) -> None:
    place = try_pump(PLACES, channel)
    if place is None:
        return
    try:
        _Pump(channel, threads, stop).run()
    finally:
        leave_pump(place, channel)


class _Pump:
    def __init__(self, channel: str, threads: int, stop: threading.Event) -> None:
        self.channel, self.threads, self.stop = channel, threads, stop
        self.until = time.monotonic() + settings.PUMP_SECONDS
        self.stopping = threading.Event()
        self.last_work = time.monotonic()
        self.busy = 0  # threads that are at a step: while one waits for the vendor the pump is not idle
        self.lock = threading.Lock()
        self.pool = ThreadPoolExecutor(max(1, settings.VENDOR_IN_FLIGHT), thread_name_prefix="send")

    def run(self) -> None:
        threads = [threading.Thread(target=self._thread, name=f"sender-{number}") for number in range(self.threads)]
        self._make()
        self.last_work = time.monotonic()  # another pump may have made what is due, and taken long: look at it first
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
            done = step(self.pool, self.channel)
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


def step(pool: ThreadPoolExecutor, channel: str = SMS) -> Stepped:
    """Takes the next messages of a channel of whoever waits longest, decides about them, sends and settles. From any
    thread.

    1. As many as there seems to be room for among the requests in flight; `intend` counts exactly.
    2. What people wrote goes before campaigns; a campaign that was served goes behind the others.
    3. A closed vendor: what was taken goes back. Closed until an operator acts, its campaigns pause.
    4. An unforeseen error gives texts back and pauses the campaign they are of. E-mails are then decided one by one
       (`_one_by_one`): one of them breaks, the others leave.
    """
    if not (settings.MAIL_VENDOR if channel == EMAIL else settings.SMS_VENDOR):
        return Stepped(worked=False)
    operation = catalogue.operation(channel)
    now, at = clock.both()
    if wait := wait_for_slot(operation, now):
        return Stepped(worked=False, closed=True, retry_in=wait)
    most = min(together(operation), batches.room(operation, now))
    if most <= 0:  # as `intend` would say, when these were taken already
        return Stepped(worked=False, closed=True, retry_in=BUSY)
    for campaign_id in _sources(channel, operation.vendor_id, at):
        token = uuid7()
        with commit("sms.take"):
            ids = claim_deliveries(campaign_id, at, 1 if campaign_id is None else most, token, LEASE, channel)
        if not ids:
            continue
        made: list[UUID] = []
        try:
            committed = time.monotonic()
            found = _intend(operation.pk, ids, token, made)
        except Closed as closed:
            settling.give_back(ids, token)
            return _closed(operation, closed)
        except NotRunning:
            settling.give_back(ids, token)
            continue
        except (OperationalError, InterfaceError):
            connection.close()
            persist(partial(settling.take_back, made))
            raise
        except Misconfigured as lacking:  # an e-mail cannot be written here: no PUBLIC_URL
            settling.give_back(ids, token)
            return _closed(operation, Closed(lacking.reason, None))
        except Exception as error:
            if channel == EMAIL:
                return _one_by_one(operation, campaign_id, ids, token, pool, error)
            _broken(campaign_id, ids, token, error)
            return Stepped(worked=False, retry_in=1.0)
        if found is None or found.moved < len(ids):
            settling.give_back(ids, token)
        if found is None:
            continue
        _send(campaign_id, found, pool, committed)
        return Stepped(worked=bool(found.moved))
    return Stepped(worked=False)


_served: dict[UUID, float] = {}  # when this process last served a campaign


def _sources(channel: str, vendor: str, at: datetime) -> Iterator[UUID | None]:
    """Whose messages are due: None for those that people wrote, then running campaigns, the longest unserved first."""
    due = Delivery.objects.filter(Q(not_before__isnull=True) | Q(not_before__lte=at), state=State.DUE, channel=channel)
    if due.filter(campaign=None).exists():
        yield None
    running = Campaign.objects.filter(Exists(due.filter(campaign=OuterRef("pk"))), status=Campaign.Status.RUNNING)
    if channel == EMAIL:  # from an address that is in use
        running = running.filter(mail_sender__retired_at__isnull=True, mail_sender__isnull=False)
    else:
        running = running.filter(sender__vendor=vendor)
    ids = running.order_by("pk").values_list("pk", flat=True)
    yield from sorted(ids, key=lambda pk: (_served.get(pk, 0.0), pk))


def _closed(operation: Operation, closed: Closed) -> Stepped:
    if closed.retry_in is None:
        lifecycle.pause_all(operation.vendor_id, closed.reason)
        return Stepped(worked=False, retry_in=1.0)
    return Stepped(worked=False, closed=True, retry_in=closed.retry_in)


def _send(campaign_id: UUID | None, found: Intended, pool: ThreadPoolExecutor, committed: float) -> None:
    """What was decided goes out. committed: the monotonic clock before the commit."""
    if campaign_id is not None:
        _served[campaign_id] = time.monotonic()
    _afterwards(campaign_id, found)
    if found.outgoing and send_all(found.operation, found.outgoing, pool, committed=committed):
        lifecycle.pause_broken_vendor(found.operation)


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


def _one_by_one(
    operation: Operation,
    campaign_id: UUID | None,
    ids: list[UUID],
    token: UUID,
    pool: ThreadPoolExecutor,
    error: Exception,
) -> Stepped:
    """Our own code broke on one of these messages, which this worker has taken: each is decided and sent by itself, and
    the one that breaks again is due later, or has failed (`settling.note_fault`). None that has left is tried again.

    Where it breaks on message after message of a campaign, it is the code and not the message: the campaign pauses.
    """
    log.error("Messages of %s broke, and go one by one: %s", campaign_id, safe_traceback(error))
    moved = 0
    for place, pk in enumerate(ids):
        made: list[UUID] = []
        try:
            committed = time.monotonic()
            found = _intend(operation.pk, [pk], token, made)
        except Closed as closed:
            settling.give_back(ids[place:], token)
            return Stepped(worked=True) if moved else _closed(operation, closed)
        except NotRunning:
            settling.give_back(ids[place:], token)
            break
        except (OperationalError, InterfaceError):
            connection.close()
            persist(partial(settling.take_back, made))
            raise
        except Exception as fault:
            has_failed = settling.note_fault(pk, token, fault)
            log.error("Message %s broke%s: %s", pk, " for good" if has_failed else "", safe_traceback(fault))
            if campaign_id is not None and _broken_of(campaign_id) >= BROKEN_MOST:
                settling.give_back(ids[place + 1 :], token)
                words = f"System error: {type(fault).__name__}. The log has more."
                lifecycle.pause_campaign(campaign_id, Campaign.Pause.FAULT, words)
                break
            continue
        if found is None or not found.moved:
            settling.give_back([pk], token)
            continue
        moved += found.moved
        _send(campaign_id, found, pool, committed)
    return Stepped(worked=bool(moved), retry_in=1.0)


def _broken_of(campaign_id: UUID) -> int:
    return Delivery.objects.filter(campaign=campaign_id, faults__gt=0).count()


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
