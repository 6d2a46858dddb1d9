"""What the vendor says of a call, in whatever order and how often: the same row in the end. Changes in place, no I/O.

The caller's leg rings first; what is told of the lead's leg counts for the state. Of each fact one post is the source,
so that no order matters: the lead's leg for seconds and for who answered, the end of dialing for how it ended.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from campaigns.models import CallAttempt
from integrations.vendors.voice import ENDS, AnsweredBy, DialEnd, LegEvent

State = CallAttempt.State
NOT_PLACED, REFUSED = "not_placed", "refused"
# The lead's phone never rang: the vendor did not take the call, the caller did not pick up, or the gate said no to it.
NEVER_RANG = frozenset(
    {NOT_PLACED, REFUSED, "caller_busy", "caller_no_answer", "caller_failed", "caller_canceled", "caller_completed"}
)  # fmt: skip
_ON_THE_WAY = {"ringing": State.RINGING, "answered": State.TALKING}
_RANK = {State.IN_DOUBT: -1, State.INTENDED: 0, State.RINGING: 1, State.TALKING: 2, State.ENDED: 3}
_CALLER = {
    "busy": "Your phone was busy.",
    "no_answer": "You did not pick up your phone.",
    "failed": "Your phone could not be reached.",
    "canceled": "The call was hung up before you picked up.",
    "completed": "No key was pressed on your phone.",
}
# What the page offers first; the caller decides.
SUGGESTED = {"busy": "busy", "no_answer": "no_answer", "failed": "disconnected"}


def hear_lead(attempt: CallAttempt, event: LegEvent, at: datetime) -> None:
    """A post of the lead's leg. One of another leg of the vendor's than ours changes nothing."""
    if attempt.vendor_id not in (None, event.vendor_id):
        return
    attempt.vendor_id = event.vendor_id
    _known(attempt, event.parent_id)
    attempt.sequence = max(attempt.sequence, event.sequence)
    if event.kind in _ON_THE_WAY:
        _rise(attempt, _ON_THE_WAY[event.kind])
        if event.kind == "answered" and attempt.answered_at is None:
            attempt.answered_at = at
    elif event.kind in ENDS:
        attempt.dial_status = attempt.dial_status or event.kind
        attempt.seconds = event.seconds or 0
        if event.kind == "completed" and attempt.answered_at is None:
            attempt.answered_at = at - timedelta(seconds=attempt.seconds)
        if event.kind == "failed" and event.code:
            attempt.error = f"failed_{event.code}"[:60]
        _end(attempt, at)
    elif attempt.state == State.IN_DOUBT:
        _rise(attempt, State.INTENDED)


def hear_caller(attempt: CallAttempt, event: LegEvent, at: datetime) -> None:
    """A post of the caller's own leg. Its end is the call's, and why, where the lead was never dialed: one that was
    picked up (completed) dials nobody before a key is pressed.
    """
    if not _known(attempt, event.vendor_id):
        return
    if event.kind not in ENDS:
        _rise(attempt, State.INTENDED)
        return
    if event.kind in _CALLER and attempt.vendor_id is None and attempt.pressed_at is None:
        attempt.error, attempt.error_words = f"caller_{event.kind}", _CALLER[event.kind]
    _end(attempt, at)


def hear_dial(attempt: CallAttempt, end: DialEnd, at: datetime) -> None:
    """How dialing the lead ended."""
    if not _known(attempt, end.agent_id):
        return
    if end.vendor_id and attempt.vendor_id is None:
        attempt.vendor_id = end.vendor_id
    attempt.dial_status = end.kind
    if attempt.seconds is None:
        attempt.seconds = end.seconds or 0
    if end.kind == "completed" and attempt.answered_at is None:
        attempt.answered_at = at - timedelta(seconds=attempt.seconds)
    _end(attempt, at)


def hear_machine(attempt: CallAttempt, said: AnsweredBy) -> None:
    """Who picked up the lead's phone."""
    if attempt.vendor_id in (None, said.vendor_id):
        attempt.vendor_id = said.vendor_id
        attempt.answered_by = attempt.answered_by or said.answered_by


def suggested(attempt: CallAttempt) -> str:
    """The code of the outcome that the vendor's word suggests, or a recording that was played; "": none. Nothing is
    chosen by it.
    """
    left = attempt.recording_id is not None or attempt.answered_by.startswith("machine")
    if left and attempt.dial_status == "completed":
        return "voicemail"
    return SUGGESTED.get(attempt.dial_status, "")


def not_placed(attempt: CallAttempt, words: str, at: datetime, *, code: str = NOT_PLACED) -> None:
    """It ended before anybody's phone rang."""
    attempt.error, attempt.error_words = code[:60], words[:300]
    _end(attempt, at)


def _known(attempt: CallAttempt, agent_id: str) -> bool:
    """Whether this is the caller's leg of this call; the first that is told is."""
    if agent_id and attempt.agent_vendor_id is None:
        attempt.agent_vendor_id = agent_id
    return not agent_id or attempt.agent_vendor_id == agent_id


def _rise(attempt: CallAttempt, state: CallAttempt.State) -> None:
    """A page that was lost has ended the call for its caller: the state waits for its real end."""
    if attempt.ended_at is None and _RANK[state] > _RANK[State(attempt.state)]:
        attempt.state = state


def _end(attempt: CallAttempt, at: datetime) -> None:
    attempt.state = State.ENDED
    attempt.ended_at = attempt.ended_at or at
