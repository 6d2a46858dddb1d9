"""How a call ended: one transaction for the call, the note, what is planned, the lead, its place in the list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.access import Access
from accounts.models import User
from campaigns import clock
from campaigns.dialing import events
from campaigns.dialing.before import never_rang
from campaigns.dialing.calling import finish
from campaigns.dialing.dispositions import of_code, status_after
from campaigns.dialing.locks import LEASE
from campaigns.dialing.modes import hang_up_with
from campaigns.dialing.numbers import values_of
from campaigns.dialing.offering import lead_by_id, may_call, shown
from campaigns.locks import lock_attempt, lock_keys, lock_members
from campaigns.models import CallAttempt, Disposition, Member
from campaigns.planning.refusals import CampaignError
from campaigns.rules.checks import GAP_MINUTES
from campaigns.sending.people import Ending, end_steps
from common.db.clock import database_now
from leads.calendar import clock as calendar_clock
from leads.calendar import planning
from leads.keys import key_secrets
from leads.keys.owner_keys import PHONE
from leads.locks import lock_leads
from leads.models import Activity, ContactKey, Lead, LeadKey
from leads.privacy.filtering import kept_in
from leads.rules import BadTime, moment_of
from leads.services import add_activity, move_status

TAKE_BACK = timedelta(seconds=10)  # in which a suppressing key may be taken back
NOTE_MOST = 2_000
MINUTES_MOST = 24 * 60
SINCE_MOST = 10  # activities in which a press that comes twice is looked for
Outcome, State, Status = Disposition.Outcome, CallAttempt.State, Member.Status
# Spoken to: who has said so much gets no further message of a campaign that ends on a reply.
SPOKE = (Outcome.CONTACT,)
OVER = (Outcome.APPOINTMENT, Outcome.LOST, Outcome.WON)


@dataclass(frozen=True, slots=True)
class Said:
    """What she says of a call. at: of the callback or appointment. minutes: how long the appointment is."""

    outcome: Disposition
    note: str
    at: datetime | None
    anyone: bool
    minutes: int | None

    @property
    def text(self) -> str:
        """Of the line in the lead's history."""
        return f"{self.outcome.label}: {self.note}" if self.note else self.outcome.label


def dispose(
    access: Access,
    attempt_id: UUID,
    *,
    code: str,
    note: str = "",
    at: datetime | None = None,
    anyone: bool = False,
    minutes: int | None = None,
) -> CallAttempt:
    """Says how her call ended. at: of the callback or appointment, by her own clock where it has no zone; anyone: any
    caller may make that callback; minutes: the appointment's length. What the outcome suppresses is written ten seconds
    later, with the status that it sets, and holds for the gate at once.

    1. Keys, the member, the call are locked, in this order. The same outcome again changes nothing; a do-not-call may
       follow another outcome of the same call, and none follows it.
    2. The call ends; the member goes on, waits or stops; nobody has her any more.
    3. The lead: a line in its history, the callback or appointment, its status with the bucket's counters.

    Raises CampaignError NOT_FOUND, INVALID (`code`, `at`, `note`, `minutes`), DISPOSED: another outcome was said
    already, and a do-not-call stays; NEVER_RANG: a vendor's call that rang nobody, of which only that may be said.
    """
    team_id = may_call(access)
    outcome = of_code(team_id, code)
    said = _checked(outcome, note, _time(outcome, at, access.user), anyone=anyone, minutes=minutes)
    with transaction.atomic():
        attempt, member = _locked(access, attempt_id)
        before = attempt.disposition
        if before is not None:
            if before.pk == outcome.pk:
                return attempt
            if before.outcome == Outcome.DNC or outcome.outcome != Outcome.DNC:
                words = f"You said already how this call ended: {before.label}."
                raise CampaignError("DISPOSED", words, more={"outcome": before.code})
        if never_rang(attempt) and outcome.outcome != Outcome.DNC:
            raise CampaignError("NEVER_RANG", "Nobody was called: this call has no outcome. Call again.")
        was_open = attempt.ended_at is None
        _end(attempt, said)
        if member is not None:
            _place(attempt, member, said)
        _tell_lead(attempt, said, access.user)
        events.tell_ended(attempt)
    if was_open:
        hang_up_with(attempt.mode, attempt.pk)
    return attempt


def _time(outcome: Disposition, at: datetime | None, by: User) -> datetime | None:
    """The moment that is meant; of what is planned, one ahead. Raises CampaignError INVALID `at`."""
    try:
        moment = moment_of(at, by.time_zone) if at is not None else None
        if moment is not None and outcome.outcome in (Outcome.CALLBACK, Outcome.APPOINTMENT):
            planning.check_ahead(moment, calendar_clock.now())
    except BadTime as error:
        raise CampaignError("INVALID", str(error), "at") from error
    return moment


def _checked(outcome: Disposition, note: str, at: datetime | None, *, anyone: bool, minutes: int | None) -> Said:
    note = note.replace("\0", "").strip()
    if len(note) > NOTE_MOST:
        raise CampaignError("INVALID", f"A note has {NOTE_MOST:,} characters at most.", "note")
    if outcome.needs == "note" and not note:
        raise CampaignError("INVALID", f"“{outcome.label}” needs a note.", "note")
    if outcome.needs == "time" and at is None:
        raise CampaignError("INVALID", f"“{outcome.label}” needs a time.", "at")
    if minutes is not None and not 1 <= minutes <= MINUTES_MOST:
        raise CampaignError("INVALID", "An appointment takes 1 minute to a day.", "minutes")
    return Said(outcome, note, at, anyone, minutes)


def _locked(access: Access, attempt_id: UUID) -> tuple[CallAttempt, Member | None]:
    """Her call and, where it is of a list, its member; keys before both. The keys: another caller's press, or a text,
    comes before this outcome, or knows it.
    """
    mine = CallAttempt.objects.filter(pk=attempt_id, by=access.user, team=access.team_id)
    seen = next(iter(mine.only("key", "lead", "member")), None)
    if seen is None:
        raise CampaignError("NOT_FOUND", "There is no such call of yours.")
    joining = LeadKey.objects.filter(lead=seen.lead_id, key__crowded=False).values_list("key_id", flat=True)
    lock_keys({seen.key_id, *(joining if seen.lead_id else ())})
    member = None
    if seen.member_id is not None:
        rows = Member.objects.filter(pk=seen.member_id).select_related("campaign")
        member = next(iter(lock_members(rows)), None)
    attempt = lock_attempt(attempt_id)
    if attempt is None:
        raise CampaignError("NOT_FOUND", "There is no such call of yours.")
    return attempt, member


def _end(attempt: CallAttempt, said: Said) -> None:
    now = database_now()
    if attempt.ended_at is None or attempt.state == State.IN_DOUBT:
        ended = attempt.ended_at
        finish(attempt, attempt.seconds if ended else None, real=now)
        attempt.ended_at = ended or attempt.ended_at
    attempt.disposition, attempt.disposed_at = said.outcome, now
    attempt.suppress_at = now + TAKE_BACK if said.outcome.suppress else None
    attempt.suppressed_at = None  # what an earlier outcome suppresses may be written already: this one's is not
    attempt.note = kept_in(attempt, "note", said.note)
    attempt.save(update_fields=_SAID)


_SAID = ("state", "ended_at", "seconds", "disposition", "disposed_at", "suppress_at", "suppressed_at", "note",
         "updated_at")  # fmt: skip


# --- Her place in the list --------------------------------------------------------------------------------------------


def _place(attempt: CallAttempt, member: Member, said: Said) -> None:
    """Where the member goes. One that stopped meanwhile, is at another step by now, or before another caller, stays."""
    position = attempt.step.position if attempt.step else member.step
    if member.status != Status.ACTIVE or member.step != position or member.taken_by_id not in (None, attempt.by_id):
        return
    outcome, ended = said.outcome, attempt.ended_at or clock.now()
    if outcome.outcome == Outcome.DNC:
        _save(member, status=Status.STOPPED, why="opted_out", next_at=None)
    elif outcome.outcome == Outcome.BAD_NUMBER:
        _bad_number(attempt, member, ended)
    elif said.at is not None and outcome.outcome == Outcome.CALLBACK:
        _save(member, next_at=_moment(said.at, attempt), why="callback")
    elif outcome.outcome in OVER or (outcome.outcome in SPOKE and "reply" in member.campaign.stop_on):
        _save(member, status=Status.DONE, why=outcome.code[:30], next_at=None)
    elif outcome.recycle_minutes is None or _times(member, outcome) >= outcome.max_attempts:
        end_steps([Ending(member.pk, member.step, clock.now())])
    else:
        wait = timedelta(minutes=max(outcome.recycle_minutes, GAP_MINUTES))
        number = _next_number(attempt, member) if outcome.next_number else member.number
        _save(member, next_at=ended + wait, number=number, why="")


def _save(member: Member, **changes: object) -> None:
    """And nobody has her any more."""
    Member.objects.filter(pk=member.pk).update(taken_by=None, taken_at=None, lease_until=None, **changes)


def _times(member: Member, outcome: Disposition) -> int:
    """How often calls of this step ended so, this one among them."""
    rows = CallAttempt.objects.filter(member=member, disposition=outcome, step__position=member.step)
    return rows.count()


def _moment(at: datetime, attempt: CallAttempt) -> datetime:
    """The callback's time, and not before the pause after this call is over."""
    return max(at, attempt.started_at + timedelta(minutes=GAP_MINUTES))


def _next_number(attempt: CallAttempt, member: Member) -> int:
    """The position after the one that was called, round."""
    values = _values(attempt)
    if not values:
        return member.number
    place = values.index(attempt.number) if attempt.number in values else member.number
    return (place + 1) % len(values)


def _values(attempt: CallAttempt) -> list[str]:
    lead = lead_by_id(attempt.lead_id) if attempt.lead_id else None
    return values_of(lead) if lead is not None else []


def _bad_number(attempt: CallAttempt, member: Member, ended: datetime) -> None:
    """The lead's next number that was not bad is called next, and is what the member stands for from now on; where
    there is none, or it stands for another person of the list, she stops.
    """
    values = _values(attempt)
    bad = set(
        CallAttempt.objects.filter(lead=attempt.lead_id, disposition__outcome=Outcome.BAD_NUMBER).values_list(
            "number", flat=True
        )
    )
    left = [place for place, value in enumerate(values) if value not in bad and value != attempt.number]
    if not left:
        _save(member, status=Status.STOPPED, why="wrong_number", next_at=None)
        return
    key_id = _key_of(values[left[0]]) if member.key_id == attempt.key_id else member.key_id
    try:
        with transaction.atomic():
            _save(member, number=left[0], key=key_id, why="", next_at=ended + timedelta(minutes=GAP_MINUTES))
    except IntegrityError as error:
        if "member_key_once" not in str(error):
            raise
        _save(member, status=Status.STOPPED, why="wrong_number", next_at=None)


def _key_of(value: str) -> int | None:
    digests = [key_secrets.digest(secret, PHONE, value) for secret in key_secrets.for_reading()]
    return ContactKey.objects.filter(kind=PHONE, digest__in=digests).values_list("pk", flat=True).first()


# --- The lead ---------------------------------------------------------------------------------------------------------


def note_call(attempt: CallAttempt, by: User, text: str) -> None:
    """A call that was lost with its page: the lead was called. In the caller's transaction, as `_tell_lead`."""
    lead = _noted(attempt, by, text)
    if lead is not None:
        _move(lead, "", by)


def _noted(attempt: CallAttempt, by: User, text: str) -> Lead | None:
    """The line in the history of the lead, which is locked with it; of one that was merged into another, that one's. A
    second word about the same call, whose lock the caller has, is a note. None: the lead is gone.
    """
    lead = shown(lead_by_id(attempt.lead_id)) if attempt.lead_id else None
    if lead is None:
        return None
    known = Activity.objects.filter(lead=lead, ref=attempt.pk).exists()
    kind = Activity.Kind.NOTE if known else Activity.Kind.CALL
    try:
        add_activity(lead=lead, by=by, kind=kind, text=text[:NOTE_MOST], ref=None if known else attempt.pk)
    except Lead.DoesNotExist:
        return None
    return lead


def _tell_lead(attempt: CallAttempt, said: Said, by: User) -> None:
    """The line, the plan, the status."""
    lead = _noted(attempt, by, said.text)
    if lead is not None:
        _plan_and_move(lead, said, by)


def _plan_and_move(lead: Lead, said: Said, by: User) -> None:
    try:
        if said.at is not None and said.outcome.outcome == Outcome.CALLBACK:
            planning.plan_callback(
                lead=lead, by=by, at=said.at, note=said.note, anyone=said.anyone, source="dialer", owner=by
            )
        elif said.at is not None and said.outcome.outcome == Outcome.APPOINTMENT:
            planning.plan(
                by=by, team_id=lead.team_id, owner=by, kind="appointment", starts_at=said.at, minutes=said.minutes,
                lead=lead, title="Appointment", note=said.note, source="dialer",
            )  # fmt: skip
    except BadTime as error:
        raise CampaignError("INVALID", str(error), "at") from error
    except planning.SlotTaken as error:
        raise CampaignError("SLOT_TAKEN", str(error), "at") from error
    _move(lead, "" if said.outcome.suppress else status_after(said.outcome), by)  # it may be taken back


def _move(lead: Lead, status: str, by: User) -> None:
    """The lead's status, and its bucket's counters, last of all locks. Called is contacted, and never backwards."""
    move_status(lead.pk, by=by, status=status or Lead.Status.CONTACTED, never_back=True)


# --- A call that was dialed elsewhere ---------------------------------------------------------------------------------


def log_call(
    access: Access, lead: Lead, *, code: str, note: str = "", at: datetime | None = None, seen: int | None = None
) -> Disposition:
    """Says how a call ended that this person made on a phone of her own, without pressing Call: a line in the lead's
    history, what is planned, the lead's status. No call stands for it, so it counts for no pause and no list.

    lead: one that she may work. seen: how many activities it had on her page: the same press twice is one. Raises
    CampaignError INVALID (`code`, `at`, `note`), NOT_CALLED: an outcome that stops contact, which needs a call that can
    be taken back, or the form that suppresses.
    """
    outcome = of_code(may_call(access), code)
    said = _checked(outcome, note, _time(outcome, at, access.user), anyone=False, minutes=None)
    if outcome.suppress:
        words = f"“{outcome.label}” stops contact for good: press Call first, or use Suppress below."
        raise CampaignError("NOT_CALLED", words, "code")
    with transaction.atomic():
        locked = lock_leads([lead.pk]).only("pk", "activity_count").get()
        if seen is not None and _was_said(locked, access.user, said.text, since=seen):
            return outcome
        add_activity(lead=lead, by=access.user, kind=Activity.Kind.CALL, text=said.text[:NOTE_MOST])
        _plan_and_move(lead, said, access.user)
    return outcome


def _was_said(lead: Lead, by: User, text: str, *, since: int) -> bool:
    """Whether she has said this of a call since her page came: by the lead's latest activities, a few of them."""
    new = min(lead.activity_count - since, SINCE_MOST)
    if new <= 0:
        return False
    text = kept_in(Activity(), "text", text[:NOTE_MOST])
    latest = Activity.objects.filter(lead=lead).order_by("-pk").values_list("by", "kind", "text")[:new]
    return (by.pk, Activity.Kind.CALL.value, text) in list(latest)


# --- Taking a key back ------------------------------------------------------------------------------------------------


def take_back(access: Access, attempt_id: UUID) -> CallAttempt:
    """The key was a slip: within ten seconds a suppressing outcome is taken back, and the lead is before her again,
    unless another is by now. How the call ended is to be said anew.

    Raises CampaignError TOO_LATE: it was written, or suppresses nothing.
    """
    may_call(access)
    with transaction.atomic():
        attempt, member = _locked(access, attempt_id)
        if attempt.suppress_at is None or attempt.suppressed_at is not None or attempt.suppress_at <= database_now():
            raise CampaignError("TOO_LATE", "It is too late to take this back.")
        code = attempt.disposition.code if attempt.disposition else ""
        attempt.disposition = attempt.disposed_at = attempt.suppress_at = None
        attempt.save()
        if member is not None and attempt.step is not None and member.step == attempt.step.position:
            _restore(attempt, member, access.user, code)
    return attempt


def _restore(attempt: CallAttempt, member: Member, by: User, code: str) -> None:
    """code: of the outcome that was taken back. Who was stopped by something else meanwhile stays so. The number that
    was called is the one to call again.
    """
    ours = {Status.STOPPED: ("opted_out", "wrong_number"), Status.DONE: ("", code)}
    if member.taken_by_id not in (None, by.pk) or member.status in (Status.WAITING, Status.HELD):
        return
    if member.status != Status.ACTIVE and member.why not in ours[Status(member.status)]:
        return
    values = _values(attempt)
    number = values.index(attempt.number) if attempt.number in values else member.number
    back = {"status": Status.ACTIVE, "next_at": clock.now(), "why": "", "number": number}
    now = database_now()
    try:
        with transaction.atomic():
            Member.objects.filter(pk=member.pk).update(**back, taken_by=by, taken_at=now, lease_until=now + LEASE)
    except IntegrityError:  # she has the next lead before her, or a colleague has this person
        Member.objects.filter(pk=member.pk).update(**back)
