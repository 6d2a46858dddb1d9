"""What Twilio has posted of a call is heard under the call's lock, by the request that brought it or by a worker."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, transaction

from campaigns import clock
from campaigns.dialing import events
from campaigns.locks import lock_attempt
from campaigns.models import CallAttempt, Inbound
from campaigns.voice import addresses, moving
from integrations.ledger import calls
from integrations.locks import lock_call
from integrations.models import VendorCall
from integrations.vendors import voice
from integrations.vendors.voice import AnsweredBy, DialEnd, LegEvent, Unreadable

NOBODYS = "No call of ours has this address."
TWO_CALLS = "Two calls claim the vendor's id of this leg: whose it is cannot be told, and nothing was changed."
ONE_CALLS = ("attempt_vendor_id_once", "attempt_agent_vendor_id_once")  # constraints
KINDS = frozenset(addresses.KINDS.values())


class TwoCalls(Exception):
    """A leg is told of that another call has: one of two is not true, and nobody knows which."""


def hear(row: Inbound) -> str:
    """In the caller's transaction, which has locked the post and nothing else. The same twice changes nothing. Returns
    what an operator should know of it.
    """
    said = voice.read_post(row.headers, bytes(row.body or b""))
    if isinstance(said, Unreadable):
        return said.why
    rows = CallAttempt.objects.filter(token=row.token_in_url) if row.token_in_url else CallAttempt.objects.none()
    found = rows.values_list("pk", flat=True).first()
    if found is None:
        return NOBODYS
    if said is None:
        return ""
    try:
        move(found, lambda attempt: _hear(attempt, row.kind, said))
    except TwoCalls:
        return TWO_CALLS
    return ""


def move(attempt_id: UUID, change: Callable[[CallAttempt], None]) -> CallAttempt | None:
    """Changes a call by what its vendor says, in the caller's transaction: its money, where that was in doubt, then the
    call's lock, its row, and who is told that it has ended. None: it is gone. Raises TwoCalls, and then its row has not
    changed.
    """
    settle_doubt(attempt_id)
    attempt = lock_attempt(attempt_id)
    if attempt is None:
        return None
    before = (attempt.state, attempt.ended_at)
    change(attempt)
    try:
        with transaction.atomic():
            attempt.save()
    except IntegrityError as error:
        if any(name in str(error) for name in ONE_CALLS):
            raise TwoCalls from error
        raise
    if attempt.state == CallAttempt.State.ENDED and before != (attempt.state, attempt.ended_at):
        events.tell_ended(attempt)
    return attempt


def settle_doubt(attempt_id: UUID) -> None:
    """The vendor tells of a call whose request was in doubt: it was placed, and is billed. Before the call's lock."""
    doubted = VendorCall.objects.filter(state=VendorCall.State.IN_DOUBT)
    call_id = CallAttempt.objects.filter(pk=attempt_id, call__in=doubted).values_list("call_id", flat=True).first()
    call = lock_call(doubted.filter(pk=call_id)) if call_id else None
    if call is not None:
        calls.settle_doubt(call, Decimal(1), billed=True)


def _hear(attempt: CallAttempt, kind: str, said: voice.CallPost) -> None:
    at = clock.now()
    if isinstance(said, DialEnd):
        moving.hear_dial(attempt, said, at)
    elif isinstance(said, AnsweredBy):
        moving.hear_machine(attempt, said)
    elif isinstance(said, LegEvent) and kind == addresses.LEAD:
        moving.hear_lead(attempt, said, at)
    elif isinstance(said, LegEvent):
        moving.hear_caller(attempt, said, at)
