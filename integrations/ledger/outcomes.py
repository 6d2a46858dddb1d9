"""What a request's outcome says of the vendor: to its breaker, its pace, and whether anything may be bought from it."""

from __future__ import annotations

from uuid import UUID

from integrations.ledger import breaker, pace
from integrations.ledger.sending import StaleSlot, base_url, calls_sent
from integrations.models import Operation
from integrations.vendors.errors import (
    BilledError,
    Deferred,
    HeldBack,
    InDoubt,
    Misconfigured,
    Rejected,
    ScopeRefused,
    VendorFailure,
)


def report_outcome(
    operation: Operation, failure: VendorFailure | None, call_id: UUID | None = None, *, paid: bool = True
) -> bool:
    """Reports to the breaker and the pace how a call went, before it is ended and outside its transaction.

    paid: False for a person's free call, whose success proves nothing about purchases in doubt, and whose failure is
    counted against her free calls alone (`breaker.open_for_free`).

    Returns whether the vendor is out of order, so that its payers should wait rather than lose a try.

    1. Ignored if the call was taken from this worker: it had paused, and the vendor did not fail.
    2. An answer, a refusal of this question, or this one later: the vendor works.
    3. Misconfigured, or a slot that had passed: neither breaker nor pace learns anything.
    4. Asked too often (429): every worker waits before it asks this operation again.
    5. A person's free call: shown to the operator, and counted for her alone.
    6. In doubt, or billed without an answer: the second in a row opens the breaker.
    7. Any other failure: the fifth in a row opens it.
    """
    sent_at = None
    if failure is not None and call_id is not None:
        sent_at = calls_sent(call_id).values_list("sent_at", flat=True).first()
        if sent_at is None:
            return False
    if failure is None or isinstance(failure, Rejected | Deferred):
        breaker.note_success(operation, base_url(operation) if failure is None else "", paid=paid)
        return False
    if isinstance(failure, Misconfigured | StaleSlot):
        return True
    if isinstance(failure, HeldBack):
        breaker.note_error(operation.vendor_id, failure)
        pace.refused(operation.pk, failure.retry_after, sent_at or pace.database_now())
        return True
    if not paid:
        breaker.note_error(operation.vendor_id, failure)
        return False
    if isinstance(failure, InDoubt | BilledError):
        return breaker.note_doubt(operation, failure)
    return breaker.note_failure(operation, failure)


def stops_vendor(failure: VendorFailure | None, *, paid: bool = True) -> str | None:
    """Why nothing more may be bought from this vendor until an operator acts; None where it may.

    paid: whether the request was for something paid. A 401 or 403 to a free question stops nothing, because the key may
    still buy; a wrong address stops the vendor in both cases.
    """
    if isinstance(failure, ScopeRefused) or (failure and not paid and failure.status in (401, 402, 403)):
        return None
    if isinstance(failure, Misconfigured) or (isinstance(failure, InDoubt) and failure.pauses):
        return failure.reason
    return None
