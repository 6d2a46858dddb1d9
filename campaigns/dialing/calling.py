"""A call: at the press the gate is asked again, under the locks of her numbers; the call stands before it begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import F, OuterRef, Q, Subquery

from accounts.access import Access
from campaigns import clock
from campaigns.dialing import events
from campaigns.dialing.before import check_disposed, standing_of
from campaigns.dialing.modes import hang_up_with, placed_with, why_not
from campaigns.dialing.numbers import Answer, answers_of, choose
from campaigns.dialing.offering import lead_by_id, may_call, not_hers, refuse, shown_id, write_receipt
from campaigns.dialing.origins import origin_in
from campaigns.gate.rule_rows import load_rules
from campaigns.locks import lock_attempt, lock_keys_of, lock_members, note_attempts
from campaigns.models import CallAttempt, Member, Step
from campaigns.planning.refusals import CampaignError
from campaigns.rules.rule_set import RuleSet
from common.db.clock import CLOCK, database_now
from common.db.ids import uuid7
from leads.keys.owner_keys import PHONE
from leads.models import Lead, LeadKey

SECONDS_MOST = 86_400
State, Mode = CallAttempt.State, CallAttempt.Mode
_ONCE = {
    "attempt_one_a_caller": "Say how your last call ended first.",
    "attempt_one_a_number": "A colleague is on a call with this number.",
}


class Refused(CampaignError):
    """The gate says no, or not now. code: NOT_ALLOWED. receipt_id: of its answer. again_at: None: never."""

    def __init__(self, words: str, receipt_id: UUID | None, again_at: datetime | None) -> None:
        super().__init__("NOT_ALLOWED", words, more={"receiptId": receipt_id, "againAt": again_at})
        self.words, self.receipt_id, self.again_at = words, receipt_id, again_at


@dataclass(frozen=True, slots=True)
class _Pressed:
    """What the press led to: a call, or the answer that refused it, with its receipt."""

    attempt: CallAttempt | None
    refused: Answer | None
    receipt_id: UUID


def place_call(
    access: Access, *, lead_id: UUID, member_id: UUID | None = None, number: str, mode: str = Mode.TEL
) -> CallAttempt:
    """Her call to one of the lead's numbers. member_id: the lead is before her in the dialer; None: by hand, under the
    same rules. mode: tel (she dials it herself), or a vendor's, which rings her phone first.

    1. She may see the lead, has said how her last call ended, and the number is the lead's.
    2. One transaction: the keys of the number and of the lead are locked, in a statement of their own; then facts are
       read and decided, as a message that leaves (`gate.contact.lock_and_decide`). The call and the receipt stand with
       its commit; a refusal is kept, too, and a member who was refused goes back.
    3. A vendor's mode is asked to ring after the commit.

    Raises Refused; CampaignError NOT_FOUND, NOT_YOURS, CALL_OPEN (she has not said how her last call ended), NO_VENDOR,
    INVALID `number`, `mode`.
    """
    team_id = may_call(access)
    if mode not in Mode.values:
        raise CampaignError("INVALID", f"One of {', '.join(Mode.values)}.", "mode")
    if mode != Mode.TEL and mode not in placed_with():
        raise CampaignError("NO_VENDOR", "No vendor makes calls here: dial by your own phone.", "mode")
    if words := why_not(mode, access):
        raise CampaignError("NO_VENDOR", words, "mode")
    stands = standing_of(access.user.pk)
    if stands.has_unsaid:
        check_disposed(access)
    rules = load_rules(stands.rules)
    try:
        with transaction.atomic():
            pressed = _press(access, team_id, lead_id, member_id, number, mode, rules)
    except IntegrityError as error:
        for name, words in _ONCE.items():
            if name in str(error):
                raise CampaignError("CALL_OPEN", words) from error
        raise
    if pressed.attempt is None or pressed.refused is not None:
        answer = pressed.refused
        assert answer is not None
        raise Refused(answer.number.words, pressed.receipt_id, answer.asked.decision.again_at)
    if mode != Mode.TEL:
        placed_with()[mode](pressed.attempt.pk)
        pressed.attempt.refresh_from_db()
    return pressed.attempt


def _press(
    access: Access, team_id: int, lead_id: UUID, member_id: UUID | None, number: str, mode: str, rules: RuleSet
) -> _Pressed:
    """In a transaction. Keys, then the member; then the answer."""
    seen = _member(access, member_id) if member_id else None
    shown = _lead_id(access, seen, lead_id)
    lock_keys_of(partial(_keys_of, shown))  # as an opt-out and every other call or text do
    lead = lead_by_id(shown)
    if lead is None or lead.merged_into_id is not None:
        raise CampaignError("NOT_FOUND", "There is no such lead.")
    member = _locked(access, seen) if seen is not None else None
    campaign = member.campaign if member is not None else None
    at = clock.now()
    answers = answers_of(
        lead, by=access.user, purpose="campaign" if campaign else "manual", at=at, campaign=campaign, team_id=team_id,
        rules=rules, last=False,
    )  # fmt: skip
    answer = next((one for one in answers if one.number.number == number), None)
    if answer is None:
        raise CampaignError("INVALID", "This is none of the lead's numbers.", "number")
    receipt_id = write_receipt(access, campaign, answer, at)
    if answer.asked.decision.verdict != "yes":
        check_disposed(access)  # a double press: the call that is in the way is her own, and nobody loses the lead
        best = choose(answers, answer.number.position)
        if member is not None and best is not None and best.asked.decision.verdict != "yes":
            refuse(member.pk, best, at)
        return _Pressed(None, answer, receipt_id)
    if member is not None:
        Member.objects.filter(pk=member.pk).update(attempts=F("attempts") + 1, number=answer.number.position, why="")
    attempt = CallAttempt.objects.create(
        id=uuid7(), team_id=team_id, campaign=campaign, member=member, step_id=getattr(seen, "step_id", None),
        lead=lead, key_id=answer.number.key_id, number=number, by=access.user, mode=mode, token=uuid4(),
        receipt_id=receipt_id, started_at=at, **origin_in(lead, number).columns(),
    )  # fmt: skip
    note_attempts([answer.number.key_id], at)
    return _Pressed(attempt, None, receipt_id)


def _member(access: Access, member_id: UUID) -> Member:
    """Before her, says the row as it is read; with the id of its step."""
    step = Step.objects.filter(campaign=OuterRef("campaign"), position=OuterRef("step")).values("pk")
    rows = Member.objects.filter(pk=member_id, taken_by=access.user, campaign__team=access.team_id)
    rows = rows.filter(lease_until__gt=CLOCK).select_related("campaign").annotate(step_id=Subquery(step[:1]))
    member = next(iter(rows), None)
    if member is None:
        raise not_hers(member_id, access)
    return member


def _lead_id(access: Access, member: Member | None, lead_id: UUID) -> UUID:
    """Of who is called: one that was merged into another is called as that one."""
    if member is None:
        if not Lead.objects.worked_by(access).filter(pk=lead_id).exists():
            raise CampaignError("NOT_FOUND", "There is no such lead.")
        return lead_id
    shown = shown_id(member.lead_id)
    if shown is None or lead_id not in (shown, member.lead_id):
        raise CampaignError("INVALID", "Another lead is before you.", "leadId")
    return shown


def _locked(access: Access, seen: Member) -> Member:
    """Still before her, under its lock; its list may be paused meanwhile, and is called to its end all the same."""
    rows = Member.objects.filter(pk=seen.pk, taken_by=access.user, status=Member.Status.ACTIVE)
    member = next(iter(lock_members(rows)), None)
    if member is None:
        raise not_hers(seen.pk, access)
    member.campaign = seen.campaign
    return member


def _keys_of(lead_id: UUID) -> set[int]:
    """Its numbers, crowded or not, and every other key that is not: half a county would wait."""
    rows = LeadKey.objects.filter(Q(key__kind=PHONE) | Q(key__crowded=False), lead=lead_id)
    return set(rows.order_by().values_list("key_id", flat=True))


def hang_up(access: Access, attempt_id: UUID, *, seconds: int | None = None) -> CallAttempt:
    """The call is over; how it ended is to be said yet. seconds: what the page saw. The same twice is one."""
    may_call(access)
    if seconds is not None and not 0 <= seconds <= SECONDS_MOST:
        raise CampaignError("INVALID", "A call takes 0 to 86,400 seconds.", "seconds")
    was_open = False
    with transaction.atomic():
        attempt = lock_attempt(attempt_id)
        if attempt is None or attempt.by_id != access.user.pk or attempt.team_id != access.team_id:
            raise CampaignError("NOT_FOUND", "There is no such call of yours.")
        if attempt.ended_at is None:
            was_open = True
            finish(attempt, seconds)
            attempt.save()
            events.tell_ended(attempt)
    if was_open:
        hang_up_with(attempt.mode, attempt.pk)
    return attempt


def finish(
    attempt: CallAttempt, seconds: int | None, state: str = State.ENDED, *, real: datetime | None = None
) -> None:
    """Not saved. A call by one's own phone was as long as its page saw it, or as the clock did. real: the database's
    clock, for who has just read it.
    """
    real = real or database_now()
    attempt.state = State(state)
    attempt.ended_at = clock.shown_at(real)
    if seconds is None and state == State.ENDED:
        seconds = max(0, int((real - attempt.created_at).total_seconds()))
    attempt.seconds = seconds if seconds is not None else attempt.seconds
