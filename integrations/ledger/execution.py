"""The one way from a reserved call to its end, for every payer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from common.db.clock import database_now
from common.faultpoints import commit
from integrations.ledger import breaker
from integrations.ledger.outcomes import report_outcome, stops_vendor
from integrations.ledger.persistence import persist
from integrations.ledger.sending import Outcome, R, carry_out
from integrations.models import Operation
from integrations.vendors.errors import ScopeRefused

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Executed(Generic[T]):
    """result: of `conclude`; None where that broke. stops: why the vendor is paused now, if this call paused it."""

    result: T | None
    stops: str | None


def execute(
    operation: Operation,
    call_id: UUID,
    send: Callable[[], R],
    *,
    wanted: Callable[[], bool],
    conclude: Callable[[Outcome[R], bool], T],
    rescue: Callable[[Outcome[R], Exception], None] | None = None,
) -> Executed[T]:
    """Sends a reserved call and ends it. Never inside a transaction; each step is repeated until PostgreSQL takes it.

    send, wanted: as for `carry_out`. conclude: settles or fails the call and writes the payer's rows, inside one
    transaction; it is given the outcome, and whether the vendor is out of order. rescue: called where `conclude` raised
    an error and its transaction was lost; without it that error is raised.

    1. Intends and sends the request (`carry_out`).
    2. A key that was refused at the batch endpoint: the operation turns to its single endpoint.
    3. A failure that no later request can escape pauses the vendor until an operator acts.
    4. The breaker and the pace learn the outcome.
    5. `conclude`.
    """
    outcome = carry_out(call_id, send, wanted=wanted)
    failure = outcome.failure
    if isinstance(failure, ScopeRefused):
        persist(lambda: Operation.objects.filter(pk=operation.pk).update(batch_refused_at=database_now()))
    stops = stops_vendor(failure)
    if stops is not None:
        persist(lambda: breaker.pause(operation.vendor_id, stops))
    out_of_order = outcome.answered and persist(lambda: report_outcome(operation, failure, call_id))

    def end() -> T:
        with commit("gate.settle" if outcome.reply is not None else "gate.fail"):
            return conclude(outcome, out_of_order)

    try:
        return Executed(persist(end), stops)
    except Exception as error:
        if rescue is None:
            raise
        rescue(outcome, error)
    return Executed(None, stops)
