"""A call is placed: her phone rings, then the vendor asks us (`bridging`) or dials the owner by itself.

Only a person's press leads here, through `campaigns.dialing.calling`: no task, timer or command imports this module
(tests/campaigns/voice/test_nobody_dials.py).
"""

from __future__ import annotations

import logging
import time
from datetime import datetime
from uuid import UUID

from django.db import transaction

from campaigns import clock
from campaigns.dialing import events
from campaigns.locks import lock_attempt
from campaigns.models import CallAttempt, Sender
from campaigns.voice import hanging_up, hearing, moving, phones
from campaigns.voice.addresses import address
from campaigns.voice.bridging import RING_SECONDS
from common.db.clock import database_now
from common.logs import safe_traceback
from integrations.ledger import catalogue, scopes, settlement
from integrations.ledger.admission import Closed, admit
from integrations.ledger.budgets import money_cap
from integrations.ledger.execution import execute
from integrations.ledger.reservation import Payer, reserve
from integrations.ledger.sending import Outcome
from integrations.models import Operation, VendorCall
from integrations.vendors import voice
from integrations.vendors.errors import InDoubt
from integrations.vendors.voice import Dial, MessageRefused, Placed

log = logging.getLogger(__name__)
PURPOSE = "call"  # `VendorCall.purpose` of one that no call list makes
PATIENCE = 10.0  # seconds that she waits for the vendor's pace
State = CallAttempt.State


class _Gone(Exception):
    """It is no longer to be placed: it was placed, or has ended."""


def place(attempt_id: UUID) -> None:
    """Places the call of an attempt that is intended, once, outside any transaction. See `registering.place`.

    1. She may call this way, and the company has a number to call from; else the call ends with the words.
    2. One transaction: the ledger admits the request and reserves its money, and the attempt takes the request: one
       for good, so that a second press, tab or worker finds it taken.
    3. The request, once, by the ledger: intent, sending, settlement. What is not known to be placed is in doubt.
    4. It has ended meanwhile (hung up, a lost page): the vendor's call is ended too.
    """
    attempt = CallAttempt.objects.select_related("by", "campaign").get(pk=attempt_id)
    vendor = phones.VENDORS[attempt.mode]
    words = phones.why_not_for(attempt.by, attempt.team_id, attempt.mode)
    sender = phones.sender_of(attempt.team_id, vendor)
    if words or sender is None:
        _give_up(attempt_id, words or "There is no number to call from.")
        return
    begun = _begin(attempt, sender)
    if isinstance(begun, str):
        _give_up(attempt_id, begun)
        return
    if begun is None:
        return
    operation, call = begun
    dial = dial_of(attempt, sender)
    execute(
        operation,
        call.pk,
        lambda: voice.place(vendor, dial),
        wanted=lambda: _is_wanted(attempt_id),
        conclude=lambda outcome, _: _conclude(attempt_id, call.pk, outcome),
    )
    after = CallAttempt.objects.get(pk=attempt_id)
    if after.ended_at is not None and after.agent_vendor_id:
        hanging_up.hang_up(attempt_id)


def dial_of(attempt: CallAttempt, sender: Sender) -> Dial:
    """What the vendor is asked."""
    return Dial(
        agent=phones.agent_of(attempt.by, attempt.mode),
        to=attempt.number or "",
        sender=sender.number,
        answer_url=address("bridge", attempt.token),
        status_url=address("caller", attempt.token),
        token=attempt.token,
        ring_seconds=RING_SECONDS,
    )


def _begin(attempt: CallAttempt, sender: Sender) -> tuple[Operation, VendorCall] | str | None:
    """The operation and the reserved request; words: why there is none; None: the call is no longer to be placed."""
    operation_id, deadline = catalogue.operation("call").pk, time.monotonic() + PATIENCE
    while True:
        try:
            with transaction.atomic():
                operation = admit(operation_id, single=True)
                reserved = reserve(operation, [1], _payer(attempt))
                if reserved.call is None:
                    return f"{reserved.cap.label if reserved.cap else 'A spending limit'} is used up.".capitalize()
                mine = CallAttempt.objects.filter(
                    pk=attempt.pk, call__isnull=True, state=State.INTENDED, ended_at__isnull=True
                )
                if not mine.update(call=reserved.call, sender=sender):
                    raise _Gone
                return operation, reserved.call
        except _Gone:
            return None
        except Closed as closed:
            if closed.retry_in is None or time.monotonic() + closed.retry_in > deadline:
                return f"No call can be placed now: {closed.reason.rstrip('.')}."
            time.sleep(min(max(closed.retry_in, 0.01), 1.0))


def _payer(attempt: CallAttempt) -> Payer:
    """The caller, under the list's own limit; the ledger adds her month, her team's and the vendor's day."""
    campaign = attempt.campaign
    if campaign is None:
        return Payer(attempt.by_id, PURPOSE, team_id=attempt.team_id)
    cap = money_cap(scopes.campaign(campaign.pk), campaign.max_cost, "this call list's spending limit")
    return Payer(attempt.by_id, scopes.campaign(campaign.pk), caps=(cap,), team_id=attempt.team_id)


def _is_wanted(attempt_id: UUID) -> bool:
    """Read without a lock: what ends it after this is seen by the bridge, and hangs the vendor's call up."""
    return CallAttempt.objects.filter(pk=attempt_id, state=State.INTENDED, ended_at__isnull=True).exists()


def _conclude(attempt_id: UUID, call_id: UUID, outcome: Outcome[Placed]) -> None:
    """In one transaction: the request's money, then the call.

    A request that was taken from this worker (its lease ran out) is in doubt by now: an answer that came all the same
    ends the doubt.
    """
    now, call = database_now(), settlement.lock_sent(call_id)
    reply, failure = outcome.reply, outcome.failure
    if reply is not None:
        if call is not None:
            settlement.settle(call, reply, now, outcome.latency_ms)
        hearing.move(attempt_id, lambda attempt: _placed(attempt, reply))
        return
    if call is None or failure is None:
        return
    settlement.fail(call, failure, now, outcome.latency_ms)  # `doubts` hears of it
    if not isinstance(failure, InDoubt) and isinstance(failure, MessageRefused):
        attempt = lock_attempt(attempt_id)
        if attempt is not None and attempt.error == moving.NOT_PLACED:
            attempt.error_words = f"{failure.words} ({failure.code})"[:300]
            attempt.save(update_fields=["error_words", "updated_at"])


def _placed(attempt: CallAttempt, reply: Placed) -> None:
    attempt.agent_vendor_id = attempt.agent_vendor_id or reply.vendor_id
    if attempt.state == State.IN_DOUBT and attempt.ended_at is None:
        attempt.state = State.INTENDED
        attempt.error, attempt.error_words = "", ""


def _give_up(attempt_id: UUID, words: str, at: datetime | None = None) -> None:
    """It ends before anything was asked of the vendor."""
    with transaction.atomic():
        attempt = lock_attempt(attempt_id)
        if attempt is None or attempt.ended_at is not None or attempt.call_id is not None:
            return
        moving.not_placed(attempt, words, at or clock.now())
        attempt.save()
        events.tell_ended(attempt)


def place_surely(attempt_id: UUID) -> None:
    """As `place`, for the press: a mistake of ours ends the call with words, and raises nothing into the page."""
    try:
        place(attempt_id)
    except Exception as error:
        log.error("Placing call %s broke: %s", attempt_id, safe_traceback(error))
        _give_up(attempt_id, "The call could not be placed. Try again, or dial by your own phone.")
