"""Transaction A: which of the taken messages leave now. One commit says so: the gate's receipt, the money, the attempt,
the state. What it says goes out next, once; what it does not say does not go out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from campaigns import clock
from campaigns.gate.contact import Asked, lock_and_decide
from campaigns.locks import ids_of, lock_deliveries, lock_members
from campaigns.models import Campaign, Delivery, MailSender, Member, Sender, Step
from campaigns.rules.channels import is_of_channel
from campaigns.sending import limits, ours, payer
from campaigns.sending.forgetting import erased_of
from campaigns.sending.mailing import EMAIL, mail_of
from campaigns.sending.moving import Moves, NotRunning
from campaigns.sending.steps import changed_texts
from common.faultpoints import commit
from integrations.ledger import batches, pace
from integrations.ledger.admission import Closed, admit
from integrations.ledger.budgets import Cap
from integrations.models import Operation, VendorCall
from integrations.vendors.mail import Mail

State = Delivery.State
BATCH = 50  # messages a transaction, without a pace: the more, the more a killed worker leaves in doubt
NEAR = 0.05  # seconds: slots that are further off wait outside the transaction, so that a kill leaves few in doubt
NO_MONEY = timedelta(minutes=5)  # that a person's message waits where no cap has room for it
ASK_AGAIN = timedelta(minutes=15)  # where the gate says later, and not when
VALID_MOST = 36_000  # seconds: the longest validity period a vendor knows (Twilio)
VALID_MARGIN = 30  # seconds that handing over may take


class Changed(Exception):
    """These messages are no longer this worker's: they were cancelled, or the lease is over."""

    def __init__(self, gone: Sequence[UUID]) -> None:
        super().__init__(f"{len(gone)} are gone")
        self.gone = set(gone)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message whose sending is committed. valid_seconds: until when the vendor may hand it over. mail: what leaves of
    an e-mail; None: it is a text.
    """

    delivery: Delivery
    call: VendorCall
    valid_seconds: int | None
    mail: Mail | None = None


@dataclass(slots=True)
class Intended:
    """outgoing: to be sent now. moved: messages that moved in any way. short: the cap that stopped the rest. lacks: the
    rule that says what our company or its number lacks: nobody is refused for that, the campaign pauses.
    """

    operation: Operation
    outgoing: list[Outgoing] = field(default_factory=list)
    moved: int = 0
    short: Cap | None = None
    lacks: str = ""


def intend(operation_id: int, ids: Sequence[UUID], token: UUID, made: list[UUID] | None = None) -> Intended:
    """Decides about the first of these messages, taken with this token, of one channel and of one campaign, or one of
    none, and commits it. Messages it does not come to stay taken.

    1. The ledger admits requests (`admission.admit`): the operation's row orders all who send, so that caps and limits
       of the day are exact. Its next slot must be near.
    2. As many as may leave together: by the pace, the requests in flight, the day's limits.
    3. Expired ones, and those whose text is not the approved one, need no gate. Where the text is another because the
       person is being forgotten, that is the reason.
    4. The money of the others, before any key: budgets come first among locks.
    5. The gate: keys, then facts, then the answers with their receipts. Of an e-mail that may leave, all of it is
       written here: where our own code breaks on it, nothing is committed.
    6. Members and messages are locked. Was one of them cancelled meanwhile, all of this is undone (Changed).
    7. The calls, sent as from this commit; refused ones end, later ones go back.
    8. The campaign must have been running for the gate, and must be still, by its row (NotRunning), or all of this is
       undone.

    made: takes the calls' ids before the commit, for a caller that loses the word of it (`settling.take_back`).
    Raises Closed where nothing may be sent, Changed, NotRunning.
    """
    with commit("sms.intend"):
        operation = admit(operation_id)
        now, at = clock.both()
        if wait := wait_for_slot(operation, now):
            raise Closed(f"the pace of {operation}", wait)
        most = min(batches.room(operation, now), together(operation))
        if most <= 0:
            raise Closed(f"requests to {operation.vendor} are in flight", 0.05)
        rows = _read(ids[:most])
        found = _decide(operation, rows, token, now, at)
        if made is not None:
            made += [one.call.pk for one in found.outgoing]
    return found


def wait_for_slot(operation: Operation, now: datetime) -> float:
    """Seconds until its next slot is near enough; 0: it is."""
    ahead = ((operation.next_slot_at or now) - now).total_seconds()
    return ahead - NEAR / 2 if ahead > NEAR else 0.0


def together(operation: Operation) -> int:
    """As many messages as have their slot about now."""
    gap = pace.interval(operation.setting("pace"))
    return BATCH if not gap else max(1, min(BATCH, int(NEAR / gap)))


def _read(ids: Sequence[UUID]) -> list[Delivery]:
    """With their campaign and step: of many messages each is read once."""
    rows = list(Delivery.objects.filter(pk__in=ids).order_by("pk"))
    joined = Campaign.objects.select_related("owner", "seller", "sender")
    campaigns = joined.in_bulk({row.campaign_id for row in rows if row.campaign_id})
    steps = Step.objects.in_bulk({row.step_id for row in rows if row.step_id})
    senders = Sender.objects.in_bulk({row.sender_id for row in rows if row.sender_id})
    mailing = {row.mail_sender_id for row in rows if row.mail_sender_id}
    mail_senders = MailSender.objects.select_related("seller").in_bulk(mailing) if mailing else {}
    for row in rows:
        row.mail_sender = mail_senders.get(row.mail_sender_id) if row.mail_sender_id else None
        row.campaign = campaigns.get(row.campaign_id) if row.campaign_id else None
        row.step = steps.get(row.step_id) if row.step_id else None
        row.sender = senders.get(row.sender_id) if row.sender_id else None
    return rows


def _decide(operation: Operation, rows: list[Delivery], token: UUID, now: datetime, at: datetime) -> Intended:
    found, moves = Intended(operation), Moves(at)
    campaign = rows[0].campaign if rows else None
    later: dict[UUID, datetime] = {}
    wrong = changed_texts(rows)
    wrong |= dict.fromkeys(erased_of([row for row in rows if row.pk in wrong], at), "erased")
    expired = {row.pk for row in rows if row.send_by is not None and row.send_by < at}
    asking = [row for row in rows if row.pk not in wrong and row.pk not in expired]
    asking = _within_limits(campaign, asking, at, later)
    of = payer.of_campaign(campaign) if campaign else payer.of_message(rows[0]) if rows else None
    funds, held = None, {}
    if asking and of is not None:
        funds = batches.reserve_each(operation, [row.segments for row in asking], of)
        found.short = funds.cap if len(funds.holds) < len(asking) else None
        held = {row.pk: place for place, row in enumerate(asking[: len(funds.holds)])}
    answers = lock_and_decide(held, at=at) if held else {}
    mails = {
        row.pk: mail_of(row)
        for row in asking
        if row.channel == EMAIL and row.pk in held and answers[row.pk].decision.verdict == "yes"
    }
    locked = _lock(rows, token, now)
    chosen = [place for pk, place in held.items() if answers[pk].decision.verdict == "yes"]
    calls = batches.begin(operation, funds, chosen, of, now) if funds is not None and of is not None else {}
    for row in locked:
        if row.pk in expired:
            moves.to(row, State.EXPIRED, ended_at=at, error="expired", error_words="Its time was over.")
            moves.end_step(row)
        elif row.pk in wrong:
            _refuse(moves, row, wrong[row.pk], None)
        elif row.pk in later:
            moves.to(row, State.DUE, not_before=later[row.pk], error=row.error)
        elif row.pk in answers:
            _answered(moves, row, answers[row.pk], calls.get(held[row.pk]), found, mails.get(row.pk))
        else:  # no cap has room for it; a campaign pauses
            moves.to(row, State.DUE, not_before=None if campaign else at + NO_MONEY)
    moves.write(running=campaign.pk if campaign else None)
    found.moved = len(locked)
    return found


def _within_limits(
    campaign: Campaign | None, rows: list[Delivery], at: datetime, later: dict[UUID, datetime]
) -> list[Delivery]:
    """The first that the day's limits allow, and of e-mails each provider's minute; of the others, when they may be
    tried again, in `later`, with an e-mail's reason in its `error`.
    """
    if campaign is not None:
        room, tomorrow = limits.campaign_room(campaign, at)
        if room is not None and room < len(rows):
            later |= {row.pk: tomorrow for row in rows[room:]}
            rows = rows[:room]
    if rows and rows[0].channel == EMAIL:
        return _within_mail_limits(campaign, rows, at, later)
    if rows:
        fit, tomorrow = limits.within_segments(rows[0].sender, [row.segments for row in rows], at)
        later |= {row.pk: tomorrow for row in rows[fit:]}
        rows = rows[:fit]
    return rows


def _within_mail_limits(
    campaign: Campaign | None, rows: list[Delivery], at: datetime, later: dict[UUID, datetime]
) -> list[Delivery]:
    """Of a person's own e-mails all: they are counted, and held by nothing."""
    sender = rows[0].mail_sender
    if campaign is None or sender is None:
        return rows
    room, tomorrow = limits.mail_room(sender, at)
    fit = rows if room is None else rows[:room]
    for row in rows[len(fit) :]:
        later[row.pk], row.error = tomorrow, limits.DAY
    held = limits.held_by_provider(sender, fit, at)
    for row in fit:
        if row.pk in held:
            later[row.pk], row.error = held[row.pk], limits.PACED
    return [row for row in fit if row.pk not in held]


def _lock(rows: Sequence[Delivery], token: UUID, now: datetime) -> list[Delivery]:
    """The messages, locked after their members. Raises Changed unless all are still this worker's."""
    members = [row.member_id for row in rows if row.member_id is not None]
    ids_of(lock_members(Member.objects.filter(pk__in=members)))
    still = Delivery.objects.filter(pk__in=[row.pk for row in rows], state=State.TAKEN, token=token)
    locked = set(ids_of(lock_deliveries(still.filter(lease_until__gt=now))))
    if len(locked) < len(rows):
        raise Changed([row.pk for row in rows if row.pk not in locked])
    return list(rows)  # as they were read: what is taken changes only by who has the token


def _answered(
    moves: Moves, row: Delivery, asked: Asked, call: VendorCall | None, found: Intended, mail: Mail | None
) -> None:
    decision = asked.decision
    if call is not None:
        moves.to(
            row, State.INTENDED, intended_at=moves.at, call_id=call.pk, receipt_id=asked.receipt_id, not_before=None,
            vendor=found.operation.vendor_id, error="", error_words="",
        )  # fmt: skip
        found.outgoing.append(Outgoing(row, call, _valid_seconds(row, asked, moves.at), mail))
    elif decision.verdict == "later":
        again = decision.again_at or moves.at + ASK_AGAIN
        if row.send_by is not None and again > row.send_by:
            moves.to(row, State.EXPIRED, ended_at=moves.at, receipt_id=asked.receipt_id, error=decision.first[:60])
            moves.end_step(row)
        else:
            moves.to(row, State.DUE, not_before=again, receipt_id=asked.receipt_id, error=decision.first[:60])
    elif row.campaign is not None and (lacks := ours.lacks(decision)):
        moves.to(row, State.DUE, receipt_id=asked.receipt_id, error=lacks)
        found.lacks = lacks
    elif row.campaign is not None and any(
        one.code == "campaign_state" and one.verdict == "no" for one in decision.answers
    ):
        raise NotRunning  # when it was asked of: it may have been resumed by now
    else:
        passes = row.channel if is_of_channel(decision) else ""
        _refuse(moves, row, decision.first, asked.receipt_id, passes=passes)


def _refuse(moves: Moves, row: Delivery, code: str, receipt_id: UUID | None, *, passes: str = "") -> None:
    moves.to(row, State.REFUSED, ended_at=moves.at, error=code[:60], receipt_id=receipt_id)
    moves.end_step(row, stop=code, passes=passes)


def _valid_seconds(row: Delivery, asked: Asked, at: datetime) -> int | None:
    """Until the hours close, or the message's own time is over: nothing arrives after that."""
    left = [
        float(answer.input["minutes_left"]) * 60
        for answer in asked.decision.answers
        if answer.code == "send_by" and answer.input.get("minutes_left")
    ]
    if row.send_by is not None:
        left.append((row.send_by - at).total_seconds())
    return None if not left else max(1, min(VALID_MOST, int(min(left)) - VALID_MARGIN))
