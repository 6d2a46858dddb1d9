"""Call lists: campaigns of one step, a call, worked by callers: made, assigned, opened, paused, closed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.access import Access, Scope
from accounts.audit import record
from accounts.models import Membership, Role
from campaigns import clock
from campaigns.dialing import filling
from campaigns.dialing.filling import priority_of
from campaigns.locks import hold_campaign, lock_campaign
from campaigns.models import CallAttempt, Campaign, CampaignCaller, ListFill, Member, Step
from campaigns.planning.audience import LEADS_MOST, Audience
from campaigns.planning.campaigns import NAME_MAX, read_window
from campaigns.planning.refusals import CampaignError
from campaigns.sending.stopping import stop_all
from campaigns.texts.scripts import checked_script
from leads.permission.selling import active_seller

Status, Channel = Campaign.Status, Campaign.Channel
OVER = (Status.COMPLETED, Status.CANCELLED)
CALLED = (Channel.CALL, Channel.MIXED)  # of these callers get people
LISTS_MOST = 500  # open ones of a team
CALLERS_MOST = 200
_ROLES = (Role.CALLER, Role.BUYER, Role.MANAGER)


@dataclass(frozen=True, slots=True)
class ListPlan:
    """What a call list is made from. callers: who works it, users of the team; (): everybody. window: as a campaign's
    ({open, close: "09:00", weekdays: 1 to 7}); {}: the law's hours. priority: equity, value, oldest; '': equity for the
    preset highValue, else oldest. script: what callers read out, with {{variables}}.
    """

    name: str
    audience: Audience
    callers: Sequence[int] = ()
    window: Mapping[str, Any] | None = None
    priority: str = ""
    script: str = ""


def call_lists(access: Access) -> QuerySet[Campaign]:
    """Those of her team; a caller's: those she works."""
    rows = Campaign.objects.seen_by(access).filter(channel=Channel.CALL)
    return rows.filter(_hers(access.user.pk)) if access.only_assigned else rows


def worked_by(access: Access, campaign_ids: Sequence[UUID] | None = None) -> QuerySet[Campaign]:
    """Running lists and mixed campaigns whose people she may call; campaign_ids: of these alone."""
    rows = Campaign.objects.seen_by(access).filter(status=Status.RUNNING, channel__in=CALLED)
    rows = rows.filter(_hers(access.user.pk))
    return rows if campaign_ids is None else rows.filter(pk__in=list(campaign_ids))


# `worked_by`, written once: the dialer asks it before each lead, and Django took three times as long to build it.
_WORKED = """
SELECT c.* FROM campaigns_campaign c
 WHERE c.team_id = %(team)s AND c.status = 'running' AND c.channel IN ('call', 'mixed')
   AND (%(ids)s::uuid[] IS NULL OR c.id = ANY(%(ids)s::uuid[]))
   AND (NOT EXISTS (SELECT FROM campaigns_campaigncaller n WHERE n.campaign_id = c.id)
        OR EXISTS (SELECT FROM campaigns_campaigncaller n WHERE n.campaign_id = c.id AND n.user_id = %(me)s))
"""


def read_worked_by(access: Access, campaign_ids: Sequence[UUID] | None = None) -> list[Campaign]:
    """The rows of `worked_by`."""
    ids = None if campaign_ids is None else list(campaign_ids)
    return list(Campaign.objects.raw(_WORKED, {"team": access.team_id, "me": access.user.pk, "ids": ids}))


def _hers(user_id: int) -> Q:
    named = CampaignCaller.objects.filter(campaign=OuterRef("pk"))
    return Q(~Exists(named)) | Q(Exists(named.filter(user=user_id)))


def find(access: Access, list_id: UUID) -> Campaign:
    """Raises CampaignError NOT_FOUND."""
    found = call_lists(access).filter(pk=list_id).first()
    if found is None:
        raise CampaignError("NOT_FOUND", "There is no such call list.")
    return found


# --- Making -----------------------------------------------------------------------------------------------------------


def create_list(access: Access, plan: ListPlan) -> tuple[Campaign, ListFill]:
    """A draft with its people; those of a large one come by a worker (`filling.start`).

    Raises CampaignError FORBIDDEN, INVALID naming the field, TOO_MANY_CAMPAIGNS.
    """
    team_id = _manages(access)
    limit = plan.audience.limit
    if limit is not None and not 1 <= limit <= 2 * LEADS_MOST:
        raise CampaignError("INVALID", f"A limit is from 1 to {2 * LEADS_MOST:,} leads.", "limit")
    if Campaign.objects.filter(team_id=team_id, channel=Channel.CALL).exclude(status__in=OVER).count() >= LISTS_MOST:
        raise CampaignError("TOO_MANY_CAMPAIGNS", f"Your team has {LISTS_MOST} open call lists: close some first.")
    made = Campaign(owner=access.user, team_id=team_id, channel=Channel.CALL, seller=active_seller(team_id))
    made.name, made.window = _name(plan.name), read_window(plan.window or {})
    made.script = checked_script(plan.script)
    priority = priority_of(plan.audience, plan.priority)
    made.audience = {**plan.audience.as_json(), "priority": priority}
    made.bucket_id = plan.audience.bucket_id
    with _named_once():
        if made.bucket_id is not None:
            made.bucket_name = made.bucket.name if made.bucket and made.bucket.team_id == team_id else ""
        made.save(force_insert=True)
        hold_campaign(made.pk)
        Step.objects.create(campaign=made, position=1, channel="call")
        _assign(made, plan.callers)
        added = filling.start(made, plan.audience, priority, access.user)
        after = {"people": added.people, "leads": added.leads, "callers": len(plan.callers)}
        record("call_list.created", by=access.user, team_id=team_id, about=made, name=made.name, after=after)
    made.refresh_from_db()
    return made, added


def change_list(access: Access, list_id: UUID, changes: Mapping[str, Any]) -> Campaign:
    """name, callers, window, script. Raises CampaignError FORBIDDEN, NOT_FOUND, INVALID, OVER."""
    team_id = _manages(access)
    found = find(access, list_id)
    with _named_once(), _held(found) as row:
        if "name" in changes:
            row.name = _name(changes["name"])
        if "window" in changes:
            row.window = read_window(changes["window"] or {})
        if "script" in changes:
            row.script = checked_script(changes["script"])
        if "callers" in changes:
            _assign(row, changes["callers"])
        row.save(update_fields=["name", "window", "script", "updated_at"])
        after = {"fields": sorted(changes)}
        record("call_list.changed", by=access.user, team_id=team_id, about=row, name=row.name, after=after)
    return row


def add_leads(access: Access, list_id: UUID, audience: Audience | None = None) -> ListFill:
    """Those who match by now; audience: others. Who is in it stays as she is. Raises as `change_list`; FILLING."""
    team_id = _manages(access)
    found = find(access, list_id)
    with transaction.atomic():
        hold_campaign(found.pk)
        row = _open(Campaign.objects.filter(pk=found.pk).first())
        whom = audience or Audience.from_json(row.audience)
        priority = priority_of(whom, str(row.audience.get("priority", "")))
        added = filling.start(row, whom, priority, access.user)
        if not added.is_at_work:
            after = {"people": added.people, "leads": added.leads}
            record("call_list.filled", by=access.user, team_id=team_id, about=row, name=row.name, after=after)
    return added


def _assign(campaign: Campaign, callers: Sequence[int]) -> None:
    """These and no others work it. Raises CampaignError INVALID `callers`."""
    wanted = sorted(set(callers))
    there = Membership.objects.filter(team_id=campaign.team_id, user__in=wanted, role__in=_ROLES, user__is_active=True)
    if len(wanted) > CALLERS_MOST or there.count() < len(wanted):
        raise CampaignError("INVALID", "Callers are members of your team who may contact owners.", "callers")
    CampaignCaller.objects.filter(campaign=campaign).exclude(user__in=wanted).delete()
    new = [CampaignCaller(campaign=campaign, user_id=user_id) for user_id in wanted]
    CampaignCaller.objects.bulk_create(new, ignore_conflicts=True)


# --- Its life ---------------------------------------------------------------------------------------------------------


def open_list(access: Access, list_id: UUID) -> Campaign:
    """Callers get its people from now on; the same again changes nothing. Raises CampaignError NOBODY, OVER, FILLING:
    not all of its people are on it yet.
    """
    found = find(access, list_id)
    _manages(access)
    with _held(found) as row:
        if row.status == Status.RUNNING:
            return row
        if row.status == Status.DRAFT and (fill := filling.at_work_on(row.pk)) is not None:
            raise filling.still_filling(fill)
        if not row.members:
            raise CampaignError("NOBODY", "Nobody is on this list: none of its leads has a phone.")
        action = "call_list.opened" if row.status != Status.PAUSED else "call_list.resumed"
        row.status, row.paused_by, row.reason = Status.RUNNING, "", ""
        row.started_at = row.started_at or clock.now()
        row.save(update_fields=["status", "paused_by", "reason", "started_at", "updated_at"])
        _tell(action, row, access)
    return row


def pause_list(access: Access, list_id: UUID) -> Campaign:
    """Nobody gets its next lead; who is before a caller stays there. Raises CampaignError NOT_RUNNING."""
    found = find(access, list_id)
    _manages(access)
    with _held(found) as row:
        if row.status not in (Status.RUNNING, Status.PAUSED):
            raise CampaignError("NOT_RUNNING", f"The list is {str(row.get_status_display()).lower()}.")
        if row.status == Status.RUNNING:
            row.status, row.paused_by, row.reason = Status.PAUSED, Campaign.Pause.PERSON, "Paused by a person"
            row.save(update_fields=["status", "paused_by", "reason", "updated_at"])
            _tell("call_list.paused", row, access)
    return row


def close_list(access: Access, list_id: UUID) -> Campaign:
    """For good: its people stop, who is before a caller too. The same again changes nothing."""
    found = find(access, list_id)
    _manages(access)
    with transaction.atomic():
        hold_campaign(found.pk)
        if Campaign.objects.filter(pk=found.pk, status__in=OVER).exists():
            return found
        filling.end_fills(found.pk, "The list was closed.")
        stop_all(found.pk, "closed")
        row = lock_campaign(found.pk)
        if row is None:
            raise CampaignError("NOT_FOUND", "There is no such call list.")
        row.status, row.paused_by, row.reason, row.finished_at = Status.CANCELLED, "", "", clock.now()
        row.save(update_fields=["status", "paused_by", "reason", "finished_at", "updated_at"])
        _tell("call_list.closed", row, access)
    return row


def delete_list(access: Access, list_id: UUID) -> None:
    """A draft. Raises CampaignError NOT_DRAFT: what was called from stays."""
    found = find(access, list_id)
    team_id = _manages(access)
    with transaction.atomic():
        hold_campaign(found.pk)
        ListFill.objects.filter(campaign=found.pk).delete()
        row = lock_campaign(found.pk)
        if row is None:
            return
        if row.status != Status.DRAFT or CallAttempt.objects.filter(campaign=row).exists():
            raise CampaignError("NOT_DRAFT", "Only a list that was never opened can be deleted: close it.")
        about, name = ("campaign", row.pk), row.name
        Member.objects.filter(campaign=row).delete()
        row.delete()
        record("call_list.deleted", by=access.user, team_id=team_id, about=about, name=name)


def _manages(access: Access) -> int:
    if access.team_id is None or not (access.can(Scope.CAMPAIGN) and access.can(Scope.CONTACTS)):
        raise CampaignError("FORBIDDEN", "This needs a manager who may see phones and e-mails.")
    return access.team_id


def _name(name: object) -> str:
    text = str(name).replace("\0", "").strip()
    if not 1 <= len(text) <= NAME_MAX:
        raise CampaignError("INVALID", f"A name is 1 to {NAME_MAX} characters.", "name")
    return text


@contextmanager
def _held(campaign: Campaign) -> Iterator[Campaign]:
    """The list, held and locked, in a transaction of its own. Raises CampaignError OVER, NOT_FOUND."""
    with transaction.atomic():
        hold_campaign(campaign.pk)
        yield _open(lock_campaign(campaign.pk))


def _open(row: Campaign | None) -> Campaign:
    """The list, which is not over. Raises CampaignError OVER, NOT_FOUND."""
    if row is None:
        raise CampaignError("NOT_FOUND", "There is no such call list.")
    if row.status in OVER:
        raise CampaignError("OVER", "The list is closed: make a new one.")
    return row


@contextmanager
def _named_once() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "campaign_once_per_team" not in str(error):
            raise
        raise CampaignError("INVALID", "Your team has a list or campaign of this name.", "name") from error


def _tell(action: str, row: Campaign, access: Access) -> None:
    record(action, by=access.user, team_id=row.team_id, about=row, name=row.name, after={"people": row.members})
