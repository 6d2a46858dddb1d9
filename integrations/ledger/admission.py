"""Whether a request to a vendor may be begun at this moment. Called inside the transaction that reserves its money."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from common.db.direct import Asked, kept
from integrations.ledger import breaker, pace
from integrations.locks import lock_operation_and_vendor, try_place
from integrations.models import Operation
from integrations.vendors import available

PROVEN_FOR = timedelta(minutes=5)  # since an operation's last good answer
LEAVES_WITHIN = timedelta(seconds=5)  # of its slot, a reserved request has left or has been given up
BUSY = 0.05  # seconds until a request in flight may have ended


class Closed(Exception):
    """Nothing may be bought right now. `retry_in` seconds, or None: not until an operator acts."""

    def __init__(self, reason: str, retry_in: float | None) -> None:
        super().__init__(reason)
        self.reason, self.retry_in = reason, retry_in


def look(operation: Operation) -> None:
    """Raises Closed where `admit` would at this moment, or where other workers choose for all the places in flight that
    are free: a worker that chooses its inputs before it is admitted looks first. No row is locked. operation: as
    `catalogue` has just read it.
    """
    flying = _check(operation, kept(*_in_flight(operation.pk)), single=False)
    if not try_place(operation.vendor_id, settings.VENDOR_IN_FLIGHT - flying):
        raise Closed(f"other workers are choosing for {operation.vendor}", BUSY)


def admit(operation_id: int, *, single: bool = False, inputs: int = 1) -> Operation:
    """Locks the operation and its vendor for this transaction, if a request could leave soon; else raises Closed.

    single: the request will hold one input, so it need not wait until the operation has shown that it works. inputs: so
    many were chosen for the request; closed for a moment where it may hold one alone by now.

    1. Closed until an operator acts: the vendor is switched off, paused, or has no key or address.
    2. Closed for the breaker's time, or until the next slot is near.
    3. Closed for a moment while as many requests to the vendor are in flight as it may have, or one of the operation
       where that probes.
    4. Closed for a moment while an operation that has not answered well of late has a request in flight.
    """
    return admit_and(operation_id, single=single, inputs=inputs)[0]


def admit_and(
    operation_id: int, *then: Asked, single: bool = False, inputs: int = 1
) -> tuple[Operation, list[list[tuple[Any, ...]]]]:
    """`admit`, and what each of `then` finds with the operation locked: of one message with it."""
    operation, (flying, *more) = lock_operation_and_vendor(operation_id, _in_flight(operation_id), *then)
    _check(operation, flying, single=single)
    if inputs > 1 and (is_fragile(operation) or operation.batch_refused_at is not None):
        raise Closed(f"{operation} takes one record a request now", BUSY)
    return operation, more


def _check(operation: Operation, found: Sequence[tuple[Any, ...]], *, single: bool) -> int:
    """Raises Closed. Returns how many requests to the vendor are in flight. found: by `_in_flight`."""
    vendor = operation.vendor
    ((now, flying, probes, leaving),) = found
    operation.seen_at = now
    if not vendor.enabled:
        raise Closed(f"{vendor} is turned off", None)
    if vendor.paused_reason:
        raise Closed(vendor.paused_reason, None)
    if lacking := available.lack(vendor.name):
        raise Closed(lacking, None)
    if breaker.is_open(operation, now) and operation.breaker_open_until:
        raise Closed(f"{vendor} failed repeatedly; next try soon", (operation.breaker_open_until - now).total_seconds())
    if wait := pace.wait_for_slot(operation.next_slot_at, now):
        raise Closed(f"the pace of {operation}", wait)
    if (breaker.is_probing(operation, now) and probes) or flying >= settings.VENDOR_IN_FLIGHT:
        raise Closed(f"{flying} requests to {vendor} are in flight", BUSY)
    if leaving and not single and not is_proven(operation, now):
        raise Closed(f"the first answer of {operation} is awaited", 0.1)
    return int(flying)


def _in_flight(operation_id: int) -> Asked:
    """Finds the database's time; requests in flight to the vendor, those of the operation, and of these the ones that
    leave soon or have left: not those whose worker is dead. One statement: idle workers ask twenty times a second.
    """
    return (
        """
            SELECT clock_timestamp(), count(c.id), count(c.id) FILTER (WHERE c.operation_id = %(operation)s),
                   count(c.id) FILTER (WHERE c.operation_id = %(operation)s AND (
                       c.state = 'sent' OR c.slot_at > clock_timestamp() - make_interval(secs => %(within)s)))
              FROM integrations_vendorcall c JOIN integrations_operation o ON o.id = c.operation_id
             WHERE o.vendor_id = (SELECT vendor_id FROM integrations_operation WHERE id = %(operation)s)
               AND c.state IN ('reserved', 'sent') AND c.lease_until > clock_timestamp()
            """,
        {"operation": operation_id, "within": LEAVES_WITHIN.total_seconds()},
    )


def is_proven(operation: Operation, now: datetime) -> bool:
    """Whether the operation has answered well of late. Until it has, it may have one request in flight: an outage that
    no worker has seen yet then leaves one request in doubt, not `VENDOR_IN_FLIGHT` of them.
    """
    return not operation.doubts and operation.answered_at is not None and operation.answered_at > now - PROVEN_FOR


def is_fragile(operation: Operation) -> bool:
    """Whether the next request should hold one input: the last is in doubt, or it finds out if the vendor is back."""
    return bool(operation.doubts) or operation.breaker_open_until is not None
