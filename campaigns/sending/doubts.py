"""Messages of which nobody knows whether they left. Never repeated blind.

The ledger says so of their call (`doubted`): a worker died between intent and settlement, or no answer came. What ends
it: any event with the message's token or id, the same request once more where the vendor replays its answer, finding it
at the vendor, a person's decision (`resolve`). An e-mail has neither of the two in the middle: a bounce or a reply ends
it as well.
"""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.db import transaction

from accounts.audit import record
from accounts.models import User
from campaigns import clock
from campaigns.models import Delivery, DeliveryEvent
from campaigns.sending import states
from campaigns.sending.moving import Moves, lock_with_members
from common.db.clock import database_now
from integrations.ledger import calls
from integrations.locks import lock_call
from integrations.models import VendorCall

State = Delivery.State
DECIDED = "decided"


class NotInDoubt(Exception):
    """Nobody has to decide about this message: it is known what became of it."""


# --- What the ledger says: registered in `integrations.ledger.dependents` ------------------------------------------


def doubted(call: VendorCall) -> None:
    """The call may have been billed: its message may have left. Its person goes on, as if it had."""
    for row in lock_with_members(_of(call), state=State.INTENDED):
        moves = Moves(clock.now())
        moves.to(row, State.IN_DOUBT, error="in_doubt", error_words=(call.reason or "No answer came")[:300])
        moves.end_step(row)
        moves.write()


def freed(call: VendorCall) -> None:
    """The call ended without an answer. By a person's decision: what she said of the bill is said of the message."""
    if call.decided_at is None:
        return
    was_sent = call.state == VendorCall.State.WRITTEN_OFF
    for row in lock_with_members(_of(call), state=State.IN_DOUBT):
        moves = Moves(clock.now())
        _decide(moves, row, was_sent=was_sent, by_id=call.decided_by_id)
        moves.write()


def _of(call: VendorCall) -> list[UUID]:
    return list(Delivery.objects.filter(call=call).values_list("pk", flat=True))


def _decide(moves: Moves, row: Delivery, *, was_sent: bool, by_id: int | None) -> None:
    decided_by = by_id or 0  # nobody known: a command, an automatic decision
    if was_sent:
        moves.taken_by_vendor(row)
        moves.to(row, State.ACCEPTED, resolved_by_id=decided_by, error="", error_words="")
    else:
        words = "An operator said that it was not sent."
        moves.to(
            row, State.FAILED, resolved_by_id=decided_by, ended_at=moves.at, error="not_sent", error_words=words
        )  # fmt: skip
    DeliveryEvent.objects.bulk_create(
        [
            DeliveryEvent(
                delivery=row, vendor=row.vendor, vendor_id=row.callback_token.hex, kind=DECIDED,
                error="sent" if was_sent else "not_sent", received_at=database_now(),
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip


# --- What the vendor says ---------------------------------------------------------------------------------------------


def settle_call(delivery_id: UUID, kind: str) -> None:
    """Ends the call of a message in doubt of which the vendor tells: first in the transaction, before the message is
    locked. A message that failed and was never taken is not billed.
    """
    row = Delivery.objects.filter(pk=delivery_id, call__state=VendorCall.State.IN_DOUBT).first()
    if row is None or row.call_id is None:
        return
    call = lock_call(VendorCall.objects.filter(pk=row.call_id, state=VendorCall.State.IN_DOUBT))
    if call is not None:
        calls.settle_doubt(call, Decimal(row.segments), billed=kind in states.TAKES)


def settle_known() -> int:
    """Calls in doubt whose message the vendor had told of before its worker was lost. Returns how many."""
    known = Delivery.objects.filter(call__state=VendorCall.State.IN_DOUBT).exclude(state=State.IN_DOUBT)
    ended = 0
    for pk, accepted_at in known.order_by("pk").values_list("pk", "accepted_at")[:100]:
        with transaction.atomic():
            settle_call(pk, "accepted" if accepted_at is not None else "failed")
        ended += 1
    return ended


# --- What a person says -----------------------------------------------------------------------------------------------


def resolve(*, delivery_id: UUID, was_sent: bool, by: User | None, reason: str = "") -> Delivery:
    """A person says of a message in doubt that it was sent, or that it was not. It is not sent again in either case.

    The money follows: it was billed, or not. Raises NotInDoubt, Delivery.DoesNotExist.
    """
    with transaction.atomic():
        row = Delivery.objects.get(pk=delivery_id)
        if row.state != State.IN_DOUBT:
            raise NotInDoubt
        in_doubt = row.call_id is not None and VendorCall.objects.filter(
            pk=row.call_id, state=VendorCall.State.IN_DOUBT
        ).exists()  # fmt: skip
        if in_doubt and row.call_id is not None:
            words = reason or ("The message was sent" if was_sent else "The message was not sent")
            decide = calls.write_off if was_sent else calls.release_doubt
            decide(row.call_id, by=by, reason=words)
        for left in lock_with_members([delivery_id], state=State.IN_DOUBT):  # its call had ended by itself
            moves = Moves(clock.now())
            _decide(moves, left, was_sent=was_sent, by_id=by.pk if by else None)
            moves.write()
            told = {"outcome": "sent" if was_sent else "notSent"}
            record(
                "doubt.decided",
                by=by,
                team_id=left.team_id,
                about=left,
                name="e-mail" if left.channel == "email" else "text message",
                after=told,
            )
        row.refresh_from_db()
        if row.state == State.IN_DOUBT:
            raise NotInDoubt
    return row
