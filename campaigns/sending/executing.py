"""From committed intent to settlement: each message is one request, outside any transaction, at its slot."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from datetime import datetime
from uuid import UUID

from django.conf import settings

from campaigns.models import Delivery
from campaigns.sending import lifecycle, ours, settling, suppressing
from campaigns.sending.intending import Outgoing
from campaigns.sending.settling import Result
from common.db.clock import database_now
from common.logs import safe_traceback
from integrations.ledger import breaker
from integrations.ledger.outcomes import report_outcome, stops_vendor
from integrations.ledger.persistence import persist
from integrations.ledger.sending import StaleSlot, judged
from integrations.models import Operation
from integrations.vendors import mail, messaging
from integrations.vendors.errors import InDoubt, VendorFailure
from integrations.vendors.messages import only_in_doubt
from integrations.vendors.messaging import Kind, Message, RecipientRefused, Sent

log = logging.getLogger(__name__)
LATE = 10.0  # seconds after its commit that a message may still leave: later the gate's answer is no longer of now


def send_all(operation: Operation, outgoing: Sequence[Outgoing], pool: Executor, *, committed: float) -> bool:
    """Sends these messages and settles them. Never inside a transaction. committed: the monotonic clock before the
    intent was committed. Returns whether the vendor is out of order, so that its campaigns pause.

    1. Each leaves at its slot, side by side; one that comes too late after its commit does not leave.
    2. A failure that may mean several things is judged by the operation's record and the operator's policy.
    3. The breaker and the pace learn the outcomes; a failure that no later message can escape pauses the vendor.
    4. The settlement, repeated until PostgreSQL takes it.
    5. Refused for the person's sake: she is suppressed. For our number's sake, or as the third e-mail in a row for what
       it says: the campaign pauses.
    """
    now = persist(database_now)
    jobs = [pool.submit(_send_one, one, now, committed) for one in outgoing]
    results = [job.result() for job in jobs]
    results = [_judge(one) for one in results]
    reported = _report(operation, results)
    late = persist(lambda: settling.settle(reported))
    settling.as_events(late)
    for one in reported:
        if one.outgoing.delivery.pk and getattr(one.failure, "kind", None) in settling.OF_THE_PERSON:
            suppressing.after_no(one.outgoing.delivery.pk)
    lifecycle.pause_blocked(
        {one.outgoing.delivery.campaign_id for one in reported if getattr(one.failure, "kind", None) == Kind.CONTENT}
    )
    ours.pause_refused(
        (one.outgoing.delivery, one.failure.code, one.failure.words)
        for one in reported
        if isinstance(one.failure, RecipientRefused) and one.failure.kind in ours.OF_SENDER
    )
    return any(one.out_of_order for one in reported)


def _send_one(one: Outgoing, now: datetime, committed: float) -> Result:
    """In a thread of its own, without a database."""
    ahead = (one.call.slot_at - now).total_seconds()
    if ahead > 0:
        time.sleep(ahead)
    if time.monotonic() - committed > LATE + max(0.0, ahead):
        return Result(one, None, StaleSlot("the database was slow; it did not leave"), None)
    started = time.monotonic()
    sent: Sent | None = None
    failure: VendorFailure | None = None
    try:
        if one.mail is not None:
            sent = mail.send(one.mail)
        else:
            sent = messaging.send(one.delivery.vendor, message_of(one.delivery, one.valid_seconds))
    except InDoubt as error:
        failure = error if one.mail is None else only_in_doubt(error)  # no policy for bills makes a second e-mail
    except VendorFailure as error:
        failure = error
    except Exception as error:
        log.error("Sending message %s broke: %s", one.delivery.pk, safe_traceback(error))
        failure = InDoubt(f"our own fault: {type(error).__name__}")
    return Result(one, sent, failure, int((time.monotonic() - started) * 1000))


def _judge(one: Result) -> Result:
    if not isinstance(one.failure, InDoubt) or not one.failure.server_error:
        return one
    failure, call_id, latency_ms = one.failure, one.outgoing.call.pk, one.latency_ms
    outcome = persist(lambda: judged(call_id, failure, latency_ms))
    return Result(one.outgoing, one.sent, outcome.failure, latency_ms)


def _report(operation: Operation, results: Sequence[Result]) -> list[Result]:
    """To breaker and pace: one answer speaks for all of them, each failure for itself."""
    if any(one.sent is not None for one in results):
        persist(lambda: report_outcome(operation, None))
    found = []
    for one in results:
        failure, call_id = one.failure, one.outgoing.call.pk
        if failure is None:
            found.append(one)
            continue
        stops = stops_vendor(failure)
        if stops is not None:
            persist(lambda stops=stops: breaker.pause(operation.vendor_id, stops))  # type: ignore[misc]
        out = persist(lambda f=failure, c=call_id: report_outcome(operation, f, c))  # type: ignore[misc]
        found.append(Result(one.outgoing, None, failure, one.latency_ms, bool(out)))
    return found


def message_of(row: Delivery, valid_seconds: int | None) -> Message:
    """What the vendor is given, the same at every repeat."""
    return Message(
        to=row.address or "",
        sender=row.sender.number if row.sender else "",
        text=row.body or "",
        callback_url=callback_url(row.vendor, row.callback_token),
        token=row.callback_token,
        valid_seconds=valid_seconds,
        segments=row.segments,
    )


def callback_url(vendor: str, token: UUID) -> str:
    """Where the vendor says what became of the message; '' where we have no address that it could call."""
    if not settings.PUBLIC_URL:
        return ""
    if vendor == "twilio":
        return f"{settings.PUBLIC_URL}/api/webhooks/twilio/status/{token}"
    return f"{settings.PUBLIC_URL}/api/webhooks/signalhouse"
