"""From a reserved call to a vendor's answer: the worker waits for the slot, commits the intent, sends one request."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from common.db.direct import save
from common.faultpoints import commit
from common.logs import safe_traceback
from integrations.ledger import breaker, calls, pace
from integrations.ledger.persistence import persist
from integrations.ledger.reservation import lease
from integrations.locks import lock_own_call
from integrations.models import Operation, Vendor, VendorCall
from integrations.vendors.contract import Receipt
from integrations.vendors.errors import BilledError, InDoubt, NotSent, UnprovenMiss, VendorFailure

log = logging.getLogger(__name__)
R = TypeVar("R", bound=Receipt)


class StaleSlot(NotSent):
    """Committing the intent took so long that the slot has passed. Nothing was sent, and the vendor did not fail."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[R]):
    """How sending a call ended: a reply, a failure, or neither (no longer wanted, or no longer this worker's)."""

    reply: R | None = None
    failure: VendorFailure | None = None
    latency_ms: int | None = None

    @property
    def answered(self) -> bool:
        """Whether a request was sent and ended. One that was given up before it left says nothing about the vendor."""
        return self.reply is not None or self.failure is not None


def carry_out(call_id: UUID, send: Callable[[], R], *, wanted: Callable[[], bool]) -> Outcome[R]:
    """Waits for the slot, commits the intent, sends one request. Never inside a transaction; stores no answer.

    send: sends the request and returns the answer, or raises a VendorFailure. wanted: as for `intend`.

    1. Repeats `intend` until it says to send, waiting for the slot in between; without an intent nothing is sent.
    2. Sends nothing where committing the intent took longer than a slot may be late.
    3. Sends. A failure that may mean several things is judged by the operation's record and the operator's policy.
    4. Any other error leaves the call in doubt: bytes may have left.
    """
    while True:
        asked = time.monotonic()
        try:
            wait = _intend_surely(call_id, wanted)
        except StaleSlot as failure:
            return Outcome(failure=failure)
        if wait is None:
            return Outcome()
        if wait == 0:
            break
        time.sleep(wait)
    late = time.monotonic() - asked
    if late > pace.STALE and late > persist(lambda: _late_after(call_id)):
        return Outcome(failure=StaleSlot("the database was slow; its slot has passed"))
    started = time.monotonic()
    try:
        reply = send()
    except (InDoubt, UnprovenMiss) as failure:
        unclear, latency_ms = failure, _since(started)
        return persist(lambda: judged(call_id, unclear, latency_ms))
    except VendorFailure as failure:
        return Outcome(failure=failure, latency_ms=_since(started))
    except Exception as error:
        log.error("Sending request %s broke: %s", call_id, safe_traceback(error))
        return Outcome(failure=InDoubt(f"our own fault: {type(error).__name__}"), latency_ms=_since(started))
    return Outcome(reply=reply, latency_ms=_since(started))


def intend(call_id: UUID, *, wanted: Callable[[], bool]) -> float | None:
    """Commits (with the caller's transaction) that the call is being sent. Returns the seconds to wait and ask again.

    0.0: send now. None: do not send. `wanted` runs first and must lock the rows it reads, so that a stop answered to a
    person comes before the intent or after it, never between.

    1. The call is no longer reserved, or its lease has run out: it is no longer this worker's, and stays as it is.
    2. Its payer does not want it any more, or the vendor was stopped: it is released.
    3. The breaker has opened or the operation has fallen in doubt since the money was reserved: it is released.
    4. Its slot is still to come: the seconds until then. Its slot has passed: it is released.
    5. Else it is marked as sent.
    """
    still_wanted = wanted()
    call = lock_own_call(call_id, VendorCall.State.RESERVED)
    now = pace.database_now()
    if call is None or call.lease_until <= now:
        return None
    vendor = call.operation.vendor
    if not still_wanted or not vendor.enabled or vendor.paused_reason:
        calls.release(call, "stopped before it was sent")
        return None
    if breaker.is_open(call.operation, now) or (call.operation.doubts and call.inputs > 1):
        calls.release(call, "another request needs a billing check: it waits, or goes one record at a time")
        return None
    ahead = (call.slot_at - now).total_seconds()
    if ahead > 0:
        return ahead
    if -ahead > pace.late_after(call.operation.setting("pace")):  # sent now it would bunch up with those after it
        calls.release(call, "its slot had passed before it was sent")
        return None
    call.state, call.sent_at, call.lease_until = VendorCall.State.SENT, now, now + lease()
    save(call, "state", "sent_at", "lease_until")
    return 0.0


def calls_sent(call_id: UUID) -> QuerySet[VendorCall]:
    """This call while it is sent and not ended: empty once it has been taken from the worker that sent it."""
    return VendorCall.objects.filter(pk=call_id, state=VendorCall.State.SENT)


def base_url(operation: Operation) -> str:
    """The address this operation is asked at, by the settings of this moment."""
    return str(settings.VENDORS[operation.vendor_id]["base_url"])[:300]


def _intend_surely(call_id: UUID, wanted: Callable[[], bool]) -> float | None:
    """`intend` in its own transaction, until PostgreSQL takes it. Raises StaleSlot where the commit's answer was lost:
    no other worker intends this call, so one that is marked as sent at a repeat was marked by this worker, unsent.
    """
    tries = itertools.count()

    def ask() -> float | None:
        with commit("gate.intend"):
            if next(tries) and calls_sent(call_id).exists():
                raise StaleSlot("the intent was committed, but the word of it was lost; nothing was sent")
            return intend(call_id, wanted=wanted)

    return persist(ask)


def judged(call_id: UUID, failure: InDoubt | UnprovenMiss, latency_ms: int | None) -> Outcome[Any]:
    """The meaning of a failure that only the operation's record, or the operator's policy, can tell.

    1. A 404 that may be a miss is one where the operation has answered well from this base URL before.
    2. A server error means what the vendor's policy says: not billed, billed, or in doubt.
    """
    operation = Operation.objects.select_related("vendor").get(calls=call_id)
    if isinstance(failure, UnprovenMiss):
        if operation.answered_from and operation.answered_from == base_url(operation):
            return Outcome(reply=failure.miss, latency_ms=latency_ms)
        return Outcome(failure=failure, latency_ms=latency_ms)
    policy = operation.vendor.server_error_policy
    if failure.server_error and policy == Vendor.ServerErrors.NOT_BILLED:
        return Outcome(failure=NotSent(failure.reason, status=failure.status), latency_ms=latency_ms)
    if failure.server_error and policy == Vendor.ServerErrors.BILLED:
        return Outcome(failure=BilledError(failure.reason, status=failure.status), latency_ms=latency_ms)
    return Outcome(failure=failure, latency_ms=latency_ms)


def _late_after(call_id: UUID) -> float:
    return pace.late_after(Operation.objects.get(calls=call_id).setting("pace"))


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
