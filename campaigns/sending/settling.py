"""After the answers: each message's end, its money and its lead, in one transaction for all that left together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from campaigns import clock
from campaigns.models import Delivery
from campaigns.sending import states, statuses
from campaigns.sending.intending import Outgoing
from campaigns.sending.moving import EMAIL, Moves, lock_with_members
from campaigns.sending.ours import OF_SENDER
from common.db.clock import database_now
from common.faultpoints import commit
from common.values.backoff import backoff
from integrations.ledger import batches, settlement
from integrations.ledger.batches import Ended
from integrations.ledger.sending import StaleSlot
from integrations.vendors.errors import BilledError, HeldBack, InDoubt, Misconfigured, NotSent, VendorFailure
from integrations.vendors.messaging import AccountRefused, Kind, MessageRefused, Sent

State = Delivery.State
MOST_TRIES = 3  # times a message is certainly not sent, then it has failed
AGAIN_AT_MOST = timedelta(minutes=10)
# What a vendor's no says of the person: she stops at once, and is suppressed (`suppressing`).
OF_THE_PERSON = (Kind.OPTED_OUT, Kind.BAD_NUMBER, Kind.LANDLINE, Kind.BAD_ADDRESS, Kind.CARRIER)
# An e-mail that was not sent is tried for about three days, as mail servers do among themselves (RFC 5321, 4.5.4.1).
MAIL_TRIES, FIRST_WAIT, LONGEST_WAIT = 76, timedelta(minutes=1), timedelta(hours=1)
HELD_BACK = timedelta(seconds=30)  # of an e-mail whose server wants fewer of all: the pace of all drops besides
BOUNCES = {Kind.BAD_ADDRESS: states.HARD, Kind.CARRIER: states.SOFT, Kind.CONTENT: states.BLOCKED}
MOST_FAULTS = 3  # times our own code breaks on a message, then it has failed
FAULT_WAIT = timedelta(minutes=1)
ID_MOST = 80  # characters of a provider's id, as the row keeps it


@dataclass(frozen=True, slots=True)
class Result:
    """How sending one message ended: an answer or a failure. out_of_order: the vendor fails for everybody."""

    outgoing: Outgoing
    sent: Sent | None
    failure: VendorFailure | None
    latency_ms: int | None
    out_of_order: bool = False


def settle(results: Sequence[Result]) -> list[Result]:
    """Ends the calls of these messages and moves them. Returns those whose call was taken from this worker: a sweep had
    given it up, and put the message in doubt.

    1. Calls, budgets, members, messages are locked, in this order.
    2. Failures end one by one; answers together.
    3. Taken by the vendor: its id, the lead is contacted, the next step is planned. What the vendor has said of this id
       before is heard now.
    4. Certainly not sent: due again, three times at most; what is no fault of the message costs no try. An e-mail is
       tried for three days.
    5. Refused: failed; where our number is refused and not the person, due again, and its campaign pauses
       (`ours`). In doubt: nothing here, `doubts` hears of it from the ledger.
    """
    with commit("sms.settle"):
        now, at = clock.both()
        calls = batches.lock_sent(one.outgoing.call.pk for one in results)
        mine = [one for one in results if one.outgoing.call.pk in calls]
        rows = {row.pk: row for row in lock_with_members([one.outgoing.delivery.pk for one in mine])}
        moves = Moves(at)
        answered = [one for one in mine if one.sent is not None]
        for one in mine:
            if one.failure is not None:
                settlement.fail(calls[one.outgoing.call.pk], one.failure, now, one.latency_ms)
        batches.settle_each(
            [Ended(calls[one.outgoing.call.pk], one.sent, one.latency_ms) for one in answered if one.sent], now
        )
        taken = _free_ids([one for one in answered if one.outgoing.delivery.pk in rows])
        for one in mine:
            row = rows.get(one.outgoing.delivery.pk)
            if row is None:
                continue
            if one.sent is not None:
                _accepted(moves, row, one.sent, is_free=not one.sent.vendor_id or one.sent.vendor_id in taken)
            elif one.failure is not None:
                _failed(moves, row, one.failure, out_of_order=one.out_of_order)
        statuses.join(moves, {row.vendor_id: row for row in rows.values() if row.vendor_id})
        moves.write()
    return [one for one in results if one.outgoing.call.pk not in calls]


def _free_ids(answered: Sequence[Result]) -> set[str]:
    """The vendor's ids that no other message has: a vendor that gives one twice breaks no settlement."""
    ids = [one.sent.vendor_id for one in answered if one.sent is not None and one.sent.vendor_id]
    own = {one.outgoing.delivery.pk for one in answered}
    used = Delivery.objects.filter(vendor_id__in=ids).exclude(pk__in=own).values_list("vendor_id", flat=True)
    return {one for one in ids if ids.count(one) == 1} - set(used)


def _accepted(moves: Moves, row: Delivery, sent: Sent, *, is_free: bool) -> None:
    if row.vendor_id is None and not is_free:
        moves.to(row, State.IN_DOUBT, error="same_id", error_words="The vendor gave its id to another message, too.")
        moves.end_step(row)
        return
    if row.channel == EMAIL and row.vendor_id is None and sent.vendor_id:
        moves.change(row, vendor_id=sent.vendor_id[:ID_MOST])
    said = {"kind": sent.state, "vendor_id": sent.vendor_id, "vendor": row.vendor}
    statuses.apply(moves, row, said)


def _failed(moves: Moves, row: Delivery, failure: VendorFailure, *, out_of_order: bool) -> None:
    if row.state != State.INTENDED:  # the vendor has told of it by now, or the ledger has put it in doubt
        return
    if isinstance(failure, InDoubt):  # `doubts.doubted` has moved it
        return
    if isinstance(failure, BilledError):
        moves.to(row, State.IN_DOUBT, error="in_doubt", error_words=failure.reason)
        moves.end_step(row)
    elif row.channel == EMAIL and isinstance(failure, NotSent) and not isinstance(failure, StaleSlot):
        _mail_not_sent(moves, row, failure)
    elif isinstance(failure, NotSent | Misconfigured):
        blameless = out_of_order or isinstance(failure, HeldBack | StaleSlot | Misconfigured)
        tries = row.tries + (not blameless)
        if tries >= MOST_TRIES:
            moves.to(row, State.FAILED, tries=tries, ended_at=moves.at, error="not_sent", error_words=failure.reason)
            moves.end_step(row)
            return
        wait = timedelta(seconds=(failure.retry_after or 0) if isinstance(failure, NotSent) else 0)
        wait = min(AGAIN_AT_MOST, max(wait, backoff(max(1, tries)) if not blameless else wait))
        moves.to(
            row, State.DUE, tries=tries, intended_at=None, call_id=None, not_before=moves.at + wait,
            error="account" if isinstance(failure, AccountRefused) else "", error_words=failure.reason,
        )  # fmt: skip
    else:
        code, kind = "", ""
        if isinstance(failure, MessageRefused):
            code, kind = failure.code, str(failure.kind)
            if row.campaign is not None and failure.kind in OF_SENDER and row.tries + 1 < MOST_TRIES:
                moves.to(
                    row, State.DUE, tries=row.tries + 1, intended_at=None, call_id=None, not_before=None, error=code,
                    error_words=failure.reason,
                )  # fmt: skip
                return
        if row.channel == EMAIL:
            kind = BOUNCES.get(Kind(kind), kind) if kind else ""
        moves.to(
            row, State.FAILED, ended_at=moves.at, error=code or str(failure.category), error_words=failure.reason,
            refusal=kind,
        )  # fmt: skip
        if kind in (states.HARD, states.SOFT):
            moves.mark(row, "bounced_at")
        if kind in (states.SOFT, states.BLOCKED):  # the address is good: her next e-mail may arrive
            moves.end_step(row)
        else:
            stop = states.HARD if kind == states.HARD else "failed"
            moves.end_step(row, stop=stop, passes="" if kind == Kind.OPTED_OUT else row.channel)


def _mail_not_sent(moves: Moves, row: Delivery, failure: NotSent) -> None:
    """Due again. Where its server wants fewer of all, it costs no try."""
    asked = timedelta(seconds=failure.retry_after or 0)
    if isinstance(failure, HeldBack):
        tries, wait = row.tries, max(asked, HELD_BACK)
    else:
        tries = row.tries + 1
        wait = max(asked, backoff(tries, first=FIRST_WAIT, most=LONGEST_WAIT))
    if tries >= MAIL_TRIES:
        moves.to(row, State.FAILED, tries=tries, ended_at=moves.at, error="not_sent", error_words=failure.reason)
        moves.end_step(row)
        return
    moves.to(
        row, State.DUE, tries=tries, intended_at=None, call_id=None, not_before=moves.at + wait, error="",
        error_words=failure.reason,
    )  # fmt: skip


def as_events(late: Sequence[Result]) -> None:
    """Answers that came after their call was given up: what they say of the message counts all the same."""
    for one in late:
        if one.sent is not None:
            row = one.outgoing.delivery
            statuses.apply_event(
                vendor=row.vendor, vendor_id=one.sent.vendor_id, token=row.callback_token, kind=one.sent.state
            )


def take_back(call_ids: Sequence[UUID]) -> int:
    """The word of an intent's commit was lost, and nothing was sent: where it was committed, it is undone. The calls
    are this worker's alone, and it sends them no more. Returns how many messages are due again.
    """
    with commit("sms.settle"):
        calls = batches.lock_sent(call_ids)
        ids = Delivery.objects.filter(call__in=list(calls)).values_list("pk", flat=True)
        moves = Moves(clock.now())
        rows = lock_with_members(list(ids), state=State.INTENDED)
        for row in rows:
            settlement.fail(calls[row.call_id], StaleSlot("the word of its intent was lost"), database_now(), None)  # type: ignore[index]
            moves.to(row, State.DUE, intended_at=None, call_id=None)
        moves.write()
    return len(rows)


def give_back(ids: Sequence[UUID], token: UUID) -> int:
    """Messages that this worker has taken and does not send now are due again. Returns how many."""
    with commit("sms.take"):
        rows = lock_with_members(ids, state=State.TAKEN, token=token)
        moves = Moves(clock.now())
        for row in rows:
            moves.to(row, State.DUE)
        moves.write()
    return len(rows)


def note_fault(delivery_id: UUID, token: UUID, error: Exception) -> bool:
    """Our own code broke on a message that this worker has taken: it is due again in a while, and has failed the third
    time. Returns whether it has.
    """
    faults = 0
    with commit("sms.take"):
        moves = Moves(clock.now())
        for row in lock_with_members([delivery_id], state=State.TAKEN, token=token):
            faults, code = row.faults + 1, type(error).__name__[:60]
            if faults < MOST_FAULTS:
                moves.to(row, State.DUE, faults=faults, error=code, not_before=moves.at + FAULT_WAIT)
                continue
            words = "System error. The log has more."
            moves.to(row, State.FAILED, faults=faults, ended_at=moves.at, error=code, error_words=words)
            moves.end_step(row, stop="failed", passes=row.channel)
        moves.write()
    return faults >= MOST_FAULTS
