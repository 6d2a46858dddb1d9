"""What the ledger says of a call's request: it may have been placed, or was not. Never repeated.

Registered in `integrations.ledger.dependents`. What ends a doubt: anything the vendor tells with the call's token or
id, finding it there (`reconciling`), an operator's decision.
"""

from __future__ import annotations

from uuid import UUID

from campaigns import clock
from campaigns.dialing import events
from campaigns.locks import lock_attempts
from campaigns.models import CallAttempt
from campaigns.voice import moving
from integrations.models import VendorCall

State = CallAttempt.State


def doubted(call: VendorCall) -> None:
    """Her phone may ring: the call stays hers until that is known or she says how it ended."""
    if not CallAttempt.objects.filter(call=call).exists():  # a text's: nothing is locked, as its campaign is to be yet
        return
    for attempt in lock_attempts(CallAttempt.objects.filter(call=call, state=State.INTENDED)):
        attempt.state = State.IN_DOUBT
        attempt.error, attempt.error_words = "in_doubt", (call.reason or "No answer came.")[:300]
        attempt.save()


def freed(call: VendorCall) -> None:
    """The request ended without an answer: not placed; by an operator's word: placed, or not; or billed by policy."""
    if not CallAttempt.objects.filter(call=call).exists():
        return
    was_billed = call.state == VendorCall.State.WRITTEN_OFF
    if was_billed and call.decided_at is None:
        doubted(call)
        return
    for attempt in lock_attempts(CallAttempt.objects.filter(call=call, state__in=[State.INTENDED, State.IN_DOUBT])):
        if was_billed:
            attempt.state, attempt.ended_at = State.ENDED, attempt.ended_at or clock.now()
            attempt.error, attempt.error_words = "", ""
        else:
            moving.not_placed(attempt, call.reason or "It was not placed.", clock.now())
        attempt.save()
        events.tell_ended(attempt)


def waiting_for(call_id: UUID) -> int:
    """For the page of billing checks: calls that wait for a decision."""
    return CallAttempt.objects.filter(call=call_id, state=State.IN_DOUBT).count()
