"""The end of a call whose request was sent: its charge or its failure. Inside the caller's transaction.

call = lock_sent(call_id)    None: the call is no longer this worker's, and nothing may be written
settle(call, …) or fail(call, …)
…                            the payer's own rows: look-ups come after budgets in the order of locks (docs/locks.md)
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from integrations.ledger import calls, excess, pace
from integrations.ledger.budgets import MOST_UNITS, ZERO
from integrations.locks import lock_own_call
from integrations.models import MONEY, VendorCall
from integrations.vendors.contract import Receipt
from integrations.vendors.errors import BilledError, Deferred, HeldBack, InDoubt, NotSent, Rejected, VendorFailure


def lock_sent(call_id: UUID) -> VendorCall | None:
    """Locks the call while it is sent and not ended; None where it has been taken from the worker that sent it."""
    return lock_own_call(call_id, VendorCall.State.SENT)


def charge(call: VendorCall, receipt: Receipt) -> Decimal:
    """The charge of an answer by the price list, US dollars."""
    return (min(receipt.units, MOST_UNITS) * call.price).quantize(MONEY)


def settle(call: VendorCall, receipt: Receipt, now: datetime, latency_ms: int | None) -> None:
    """Ends an answered call: counts its charge and the vendor's own count of units, and keeps unusable records."""
    if receipt.evidence is not None:
        calls.keep_evidence(call, receipt.evidence, now)
    units = min(receipt.units, MOST_UNITS)
    call.found, call.units, call.request_id = receipt.found, units, receipt.request_id[:64]
    if receipt.claimed is not None:
        call.claimed = min(receipt.claimed, MOST_UNITS)
        call.excess = max(ZERO, (call.claimed - units) * call.price).quantize(MONEY)
    cost = charge(call, receipt)
    calls.end(call, VendorCall.State.SETTLED, now, cost=cost, status=receipt.status, latency_ms=latency_ms)
    excess.note(call)


def charge_of_unusable(call: VendorCall, failure: Rejected) -> Decimal:
    """The charge of an unusable answer, US dollars: all that was reserved where its units are unknown."""
    if failure.units is None:
        return call.reserved
    return min(call.reserved, (failure.units * call.price).quantize(MONEY))


def fail(call: VendorCall, failure: VendorFailure, now: datetime, latency_ms: int | None) -> None:
    """Ends a call that brought no answer, as its kind of failure asks.

    1. In doubt: the money stays reserved until an operator decides.
    2. Billed by the vendor's policy: all that was reserved is spent.
    3. An unusable answer that was billed: its charge is spent.
    4. Else the money comes back; where the vendor named a time to wait, the operation waits for everybody.
    """
    call.category, call.reason = failure.category, failure.reason
    if isinstance(failure, InDoubt):
        calls.mark_in_doubt(call, now, status=failure.status, latency_ms=latency_ms)
        if failure.evidence is not None:
            calls.keep_evidence(call, failure.evidence, now)
    elif isinstance(failure, BilledError):
        calls.count_as_billed(call, now, status=failure.status, latency_ms=latency_ms)
    elif isinstance(failure, Rejected) and failure.charged:
        cost = charge_of_unusable(call, failure)
        call.units = cost / call.price if call.price else ZERO
        if failure.evidence is not None:
            calls.keep_evidence(call, failure.evidence, now)
        calls.end(call, VendorCall.State.SETTLED, now, cost=cost, status=failure.status, latency_ms=latency_ms)
    else:
        calls.release(call, failure.reason, status=failure.status, latency_ms=latency_ms)
        if (
            isinstance(failure, NotSent)
            and not isinstance(failure, HeldBack | Deferred)
            and (wait := failure.retry_after)
        ):
            transaction.on_commit(lambda: pace.hold_back(call.operation_id, wait))  # the first of all locks
