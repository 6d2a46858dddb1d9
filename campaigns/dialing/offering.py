"""What is before a caller: one lead at a time, hers until she is done with it or her page is gone for 15 minutes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from accounts.access import Access, Scope
from campaigns import clock
from campaigns.dialing import lists, nobody
from campaigns.dialing.before import OWED, check_disposed, standing_of
from campaigns.dialing.locks import LEASE, Claimed, OpenPlace, claim, upcoming
from campaigns.dialing.nobody import Nobody
from campaigns.dialing.numbers import Answer, Number, answers_of, answers_of_many, choose, is_lasting
from campaigns.dialing.places import open_places
from campaigns.dialing.suppressing import write_due
from campaigns.gate import receipts
from campaigns.gate.rule_rows import load_rules
from campaigns.locks import lock_members
from campaigns.models import CallAttempt, Campaign, Member
from campaigns.planning.refusals import CampaignError
from campaigns.rules.rule_set import RuleSet
from common.dates import moment
from common.db.clock import database_now
from leads.calendar import clock as calendar_clock
from leads.calendar.table import Event
from leads.models import Activity, Lead
from leads.services import add_activity

__all__ = ["Nobody", "Number", "Offer", "hand_back", "next_lead", "offered", "renew", "skip"]

REFUSED_MOST = 50  # people a request whom the gate refuses: then the caller is told how it stands
ASK_AGAIN = timedelta(days=1)  # of a no that is not the person's: a check that is too old, a state not answered
SKIPPED_FOR, SKIPS = timedelta(hours=1), 3  # the third time she comes last
LAST = 1_000  # attempts of who was skipped three times: after everybody else
Status = Member.Status


@dataclass(frozen=True, slots=True)
class Offer:
    """A lead that is before her. chosen: the position of the number to call. why: why this one now, in words. attempt:
    her call of it that is open, or whose outcome she has not said: she must first.
    """

    member: Member
    lead: Lead
    campaign: Campaign
    numbers: tuple[Number, ...]
    chosen: int
    why: str
    lease_until: datetime
    attempt: CallAttempt | None


def may_call(access: Access) -> int:
    """The team of who may work the dialer. Raises CampaignError FORBIDDEN."""
    if access.team_id is None or not (access.can(Scope.WRITE) and access.can(Scope.CONTACTS)):
        raise CampaignError("FORBIDDEN", "Your role does not call owners.")
    return access.team_id


def offered(access: Access, campaign_ids: Sequence[UUID] | None = None) -> Offer | None:  # noqa: ARG001  # as `next_lead`
    """What is before her now, of whichever list: one lead at a time. None: nothing."""
    may_call(access)
    member = _hers(access)
    return None if member is None else _offer(access, member)


def next_lead(access: Access, campaign_ids: Sequence[UUID] | None = None) -> Offer | Nobody:
    """What is before her, else the next she may call of these lists (None: of all that are hers).

    1. Who is before her stays, also after a break in which nobody has given her back yet; a call by hand whose outcome
       she has not said comes first (CampaignError CALL_OPEN).
    2. The next person whose hours are open is taken (`locks.claim`), and the gate is asked, with a receipt.
    3. A refusal moves the person to when she may be called, or ends her there where the no stays; then the next. After
       the first, those that would come next are asked together; after REFUSED_MOST the caller is told how it stands.
    """
    team_id = may_call(access)
    stands = standing_of(access.user.pk)
    if stands.has_lead:
        lapsed = Member.objects.filter(taken_by=access.user, campaign__team=team_id, lease_until__lte=stands.real)
        lapsed.update(lease_until=stands.real + LEASE)
        if (found := offered(access)) is not None:
            return found
    if stands.has_unsaid:
        check_disposed(access)
    if stands.has_lead and (words := _of_another_team(access)):
        return Nobody(words, 0, None)
    if stands.has_due:
        write_due(access.user.pk)
    campaigns = lists.read_worked_by(access, campaign_ids)
    if not campaigns:
        return Nobody("You have no open call list.", 0, None)
    by_id = {one.pk: one for one in campaigns}
    rules, real = load_rules(stands.rules), database_now() if stands.has_due else stands.real
    refused, fresh = 0, False
    while refused < REFUSED_MOST:
        at = clock.shown_at(real)
        places = open_places(campaigns, rules, at, fresh=fresh)
        taken = claim(places, user_id=access.user.pk, team_id=team_id, at=at) if places else None
        if taken is None:
            if (found := offered(access)) is not None:  # her other tab was faster
                return found
            if fresh:
                break
            fresh, real = True, database_now()
            continue
        offer, why = _judge(access, taken, by_id, at, rules)
        if offer is not None:
            return offer
        if why:
            return Nobody(why, 0, None)
        refused += 1
        if refused == 1:
            refused += _sift(access, places, by_id, at, rules)
        real = database_now()
    return nobody.told(campaigns, rules, clock.now())


def _hers(access: Access) -> Member | None:
    """Taken by her, with a lease that has not ended. One whose lease is over goes back with the reaper."""
    rows = Member.objects.filter(taken_by=access.user, campaign__team=access.team_id, lease_until__gt=database_now())
    return rows.select_related("campaign__seller", "lead").first()


def _of_another_team(access: Access) -> str:
    """That a lead of another team of hers is before her, in words; "": none is."""
    rows = Member.objects.filter(taken_by=access.user, lease_until__gt=database_now())
    other = rows.exclude(campaign__team=access.team_id).select_related("campaign__team").first()
    if other is None:
        return ""
    return (
        f"A lead of {other.campaign.team.name} is before you: switch to that team and give it back, or wait 15 minutes."
    )


# --- The gate at the offer --------------------------------------------------------------------------------------------


def _judge(
    access: Access, taken: Claimed, by_id: dict[UUID, Campaign], at: datetime, rules: RuleSet
) -> tuple[Offer | None, str]:
    """The offer; or None and, where nobody could be called for a reason of the company's, that reason."""
    member = taken.member
    member.campaign = by_id[member.campaign_id]
    lead = lead_of(member)
    if lead is None:
        end(member.pk, "deleted")
        return None, ""
    if lead.pk != member.lead_id and _is_twin(member, lead):
        end(member.pk, "merged")
        return None, ""
    answers = _answers(access, member, lead, at, rules)
    chosen = choose(answers, member.number)
    if chosen is None:
        end(member.pk, "address_missing")
        return None, ""
    decision = chosen.asked.decision
    write_receipt(access, member.campaign, chosen, at)
    if decision.verdict == "yes":
        if member.number != chosen.number.position:
            Member.objects.filter(pk=member.pk, taken_by=access.user).update(number=chosen.number.position)
            member.number = chosen.number.position
        return _made(member, lead, answers, chosen, _why(access, member, lead, taken.rank)), ""
    if _is_companys(chosen):
        give_back(member.pk)
        return None, chosen.number.words
    refuse(member.pk, chosen, at)
    return None, ""


def _is_twin(member: Member, lead: Lead) -> bool:
    """Whether somebody else on the list stands for the same owner, as their leads were merged: the lead that is shown
    goes before hidden ones, as with messages (`sending.steps`).
    """
    family = Q(lead=lead.pk) | Q(lead__merged_into=lead.pk)
    rows = Member.objects.filter(family, split_group=member.split_group)
    first = rows.order_by(F("lead__merged_into").asc(nulls_first=True), "lead_id").values_list("pk", flat=True).first()
    return first not in (None, member.pk)


def _sift(
    access: Access,
    places: Sequence[OpenPlace],
    by_id: dict[UUID, Campaign],
    at: datetime,
    rules: RuleSet,
) -> int:
    """Asks of those who would come next, together, without taking them; who is refused goes. Returns how many. They are
    asked again when they are taken: this only clears the way, up to the first of whom the answer is yes.
    """
    ids = upcoming(places, user_id=access.user.pk, team_id=access.team_id or 0, at=at, most=REFUSED_MOST - 1)
    rows = Member.objects.select_related("lead").in_bulk(ids)
    leads = {pk: lead_of(rows[pk]) for pk in ids if pk in rows}
    answers: dict[UUID, list[Answer]] = {}
    for campaign_id, campaign in by_id.items():
        some = [lead for pk, lead in leads.items() if lead is not None and rows[pk].campaign_id == campaign_id]
        if some:
            answers |= answers_of_many(
                some, by=access.user, purpose="campaign", at=at, campaign=campaign, team_id=campaign.team_id,
                rules=rules,
            )  # fmt: skip
    count = 0
    for pk, lead in leads.items():
        chosen = choose(answers.get(lead.pk, []), rows[pk].number) if lead is not None else None
        if chosen is not None and (chosen.asked.decision.verdict == "yes" or _is_companys(chosen)):
            break
        if chosen is None:
            count += end(pk, "deleted" if lead is None else "address_missing", untaken=True)
            continue
        write_receipt(access, by_id[rows[pk].campaign_id], chosen, at)
        count += refuse(pk, chosen, at, untaken=True)
    return count


def lead_of(member: Member) -> Lead | None:
    """Who is to be called; of one that was merged into another, that one. None: deleted."""
    if member.lead_id is None:
        return None
    return shown(member.lead if Member.lead.is_cached(member) else lead_by_id(member.lead_id))


def lead_by_id(lead_id: UUID) -> Lead | None:
    """Its hundred columns, and no time spent on naming each; hidden ones too."""
    return next(iter(Lead.every.raw("SELECT * FROM leads_lead WHERE id = %s", [lead_id])), None)


def shown_id(lead_id: UUID | None) -> UUID | None:
    """The lead's id, or of the one that it was merged into. None: deleted."""
    while lead_id is not None:
        row = Lead.every.filter(pk=lead_id).order_by().values_list("merged_into_id", flat=True)[:1]
        into = list(row)
        if not into:
            return None
        if into[0] is None:
            return lead_id
        lead_id = into[0]
    return None


def shown(lead: Lead | None) -> Lead | None:
    """The lead, or the one that it was merged into. None: deleted."""
    while lead is not None and lead.merged_into_id is not None:
        lead = Lead.every.filter(pk=lead.merged_into_id).first()
    return lead


def _answers(access: Access, member: Member, lead: Lead, at: datetime, rules: RuleSet | None = None) -> list[Answer]:
    campaign = member.campaign
    return answers_of(
        lead, by=access.user, purpose="campaign", at=at, campaign=campaign, team_id=campaign.team_id, rules=rules
    )  # fmt: skip


def write_receipt(access: Access, campaign: Campaign | None, chosen: Answer, at: datetime) -> UUID:
    """Of one number's answer."""
    answer = receipts.Answered(chosen.asked.contact, chosen.asked.decision, chosen.person.digest)
    (receipt_id,) = receipts.write(
        [answer], team_id=access.team_id or 0, purpose="campaign" if campaign else "manual", at=at, by=access.user,
        campaign_id=campaign.pk if campaign else None,
    )  # fmt: skip
    return receipt_id


def _is_companys(answer: Answer) -> bool:
    """Whether nobody of this team could be called: the company's profile is not complete."""
    return any(one.code == "seller" and one.verdict == "no" for one in answer.asked.decision.answers)


def refuse(member_id: UUID, answer: Answer, at: datetime, *, untaken: bool = False) -> int:
    """Gives the person back: to be called when the answer says so, or never where the no stays. Returns 1 if it did."""
    decision = answer.asked.decision
    if decision.verdict == "no" and is_lasting(answer.asked):
        return end(member_id, decision.first, untaken=untaken)
    again = decision.again_at if decision.verdict == "later" else None
    return give_back(member_id, next_at=again or at + ASK_AGAIN, why=decision.first, untaken=untaken)


def give_back(
    member_id: UUID, *, next_at: datetime | None = None, why: str | None = None, untaken: bool = False
) -> int:
    """Nobody has it any more; next_at: when it may be offered again. untaken: only if nobody has taken it meanwhile."""
    changes: dict[str, object] = {"taken_by": None, "taken_at": None, "lease_until": None}
    if next_at is not None:
        changes |= {"next_at": next_at, "why": (why or "")[:30]}
    with transaction.atomic():
        rows = Member.objects.filter(pk=member_id, status=Status.ACTIVE)
        if untaken:
            rows = rows.filter(taken_by__isnull=True)
        return int(rows.update(**changes))


def end(member_id: UUID, why: str, *, untaken: bool = False) -> int:
    """The person is never called from this list."""
    rows = Member.objects.filter(pk=member_id, status__in=Member.OPEN)
    if untaken:
        rows = rows.filter(taken_by__isnull=True)
    return int(
        rows.update(
            status=Status.STOPPED, why=why[:30], next_at=None, held_until=None, taken_by=None, taken_at=None,
            lease_until=None,
        )
    )  # fmt: skip


# --- What she sees ----------------------------------------------------------------------------------------------------


def _offer(access: Access, member: Member) -> Offer | None:
    """As it stands; None: the lead is gone, and so is the member."""
    lead = lead_of(member)
    if lead is None:
        end(member.pk, "deleted")
        return None
    answers = _answers(access, member, lead, clock.now())
    chosen = choose(answers, member.number)
    attempt = _attempt_of(access, member)
    if chosen is None:
        if attempt is None:
            end(member.pk, "address_missing")
            return None
        return Offer(member, lead, member.campaign, (), 0, "", member.lease_until or database_now(), attempt)
    return replace(_made(member, lead, answers, chosen, _why(access, member, lead, None)), attempt=attempt)


def _attempt_of(access: Access, member: Member) -> CallAttempt | None:
    """Her call of this turn, which is not said the end of."""
    rows = CallAttempt.objects.filter(OWED, member=member, by=access.user, disposition__isnull=True)
    return rows.order_by("-started_at").first()


def _made(member: Member, lead: Lead, answers: Sequence[Answer], chosen: Answer, why: str) -> Offer:
    return Offer(
        member=member,
        lead=lead,
        campaign=member.campaign,
        numbers=tuple(one.number for one in answers),
        chosen=chosen.number.position,
        why=why,
        lease_until=member.lease_until or database_now() + LEASE,
        attempt=None,
    )


def _why(access: Access, member: Member, lead: Lead, rank: int | None) -> str:
    """Why this one now."""
    if rank == 2 and member.why != "callback":
        return _turn(member)
    event = Event.objects.filter(lead=lead, kind="callback", status="planned").first()
    if event is None or event.starts_at > calendar_clock.now():
        return _turn(member)
    whose = "Your callback" if event.owner_id == access.user.pk else "A callback for anyone"
    return f"{whose}, due {moment(event.starts_at)}"


def _turn(member: Member) -> str:
    if member.attempts:
        return f"Called {member.attempts} time{'s' if member.attempts != 1 else ''} before from this list"
    return "New on this list"


# --- Keeping and giving back ------------------------------------------------------------------------------------------


def renew(access: Access, member_id: UUID) -> Offer:
    """Her page is still there. Raises CampaignError NOT_YOURS where the lead is not before her any more."""
    may_call(access)
    until = database_now() + LEASE
    rows = Member.objects.filter(pk=member_id, taken_by=access.user, campaign__team=access.team_id)
    if not rows.filter(lease_until__gt=database_now()).update(lease_until=until):
        raise not_hers(member_id, access)
    found = offered(access)
    if found is None:
        raise not_hers(member_id, access)
    return found


def not_hers(member_id: UUID, access: Access) -> CampaignError:
    """Why it is not before her any more, in words."""
    row = Member.objects.filter(pk=member_id, campaign__team=access.team_id).first()
    if row is None:
        return CampaignError("NOT_FOUND", "There is no such person on your lists.")
    if row.status == Status.STOPPED:
        why = WORDS.get(row.why, row.why.replace("_", " "))
        return CampaignError("NOT_YOURS", f"This person was taken off the list: {why}.", more={"why": row.why})
    return CampaignError("NOT_YOURS", "This lead is not before you any more.")


WORDS = {
    "opted_out": "opted out", "replied": "has written back", "deleted": "the lead was deleted",
    "closed": "the list was closed", "cancelled": "the campaign was cancelled", "erased": "asked to be forgotten",
    "wrong_number": "wrong number",
}  # fmt: skip


def hand_back(access: Access, member_id: UUID) -> None:
    """Gives the lead back: she, or anybody, may get it again. Raises CampaignError NOT_YOURS, CALL_OPEN."""
    with transaction.atomic():
        member = _held(access, member_id)
        Member.objects.filter(pk=member.pk).update(taken_by=None, taken_at=None, lease_until=None)


def skip(access: Access, member_id: UUID, reason: str) -> None:
    """Gives it back for an hour; the third time to the end of the list. Why stands in the lead's history. Raises as
    `hand_back`; INVALID `reason`.
    """
    reason = reason.replace("\0", "").strip()
    if len(reason) > 200:
        raise CampaignError("INVALID", "200 characters at most.", "reason")
    with transaction.atomic():
        member = _held(access, member_id)
        skips = member.skips + 1
        last = {"priority": -(2**40), "attempts": max(member.attempts, LAST)} if skips >= SKIPS else {}
        Member.objects.filter(pk=member.pk).update(
            taken_by=None, taken_at=None, lease_until=None, skips=min(skips, 30_000), why="skipped",
            next_at=clock.now() + SKIPPED_FOR, **last,
        )  # fmt: skip
        if reason and (lead := lead_of(member)) is not None:
            with suppress(Lead.DoesNotExist):  # deleted in this moment
                add_activity(lead=lead, by=access.user, kind=Activity.Kind.NOTE, text=f"Skipped: {reason}")


def _held(access: Access, member_id: UUID) -> Member:
    """Hers, locked, without a call whose end is not said."""
    may_call(access)
    rows = Member.objects.filter(pk=member_id, taken_by=access.user, campaign__team=access.team_id)
    member = next(iter(lock_members(rows)), None)
    if member is None:
        raise not_hers(member_id, access)
    if _attempt_of(access, member) is not None:
        raise CampaignError("CALL_OPEN", "Say how this call ended first.")
    return member
