"""What webhooks are told of calls: ids and how it ended, in the transaction that says so."""

from __future__ import annotations

from accounts.webhooks import emit
from campaigns.models import CallAttempt

ENDED = "call.ended"
EVENTS = {ENDED: "A call has ended: once when it is over, and again when its caller has said how."}


def tell_ended(attempt: CallAttempt) -> None:
    """Once for each outcome of a call: a repeat is the same event."""
    outcome = attempt.disposition
    data = {
        "callId": str(attempt.pk),
        "leadId": str(attempt.lead_id) if attempt.lead_id else None,
        "campaignId": str(attempt.campaign_id) if attempt.campaign_id else None,
        "by": str(attempt.by_id),
        "mode": str(attempt.mode),
        "state": str(attempt.state),
        "seconds": attempt.seconds,
        "outcome": outcome.code if outcome else None,
        "result": str(outcome.outcome) if outcome else None,
    }
    once = f"call {attempt.pk} {attempt.state} {outcome.code if outcome else ''}"
    emit(ENDED, team_id=attempt.team_id, object_id=attempt.pk, data=data, once=once)
