"""Drafts: made, changed (back to a draft), split, deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import time
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.access import Access
from accounts.audit import record
from campaigns.locks import hold_campaign, lock_campaign
from campaigns.models import Campaign, Delivery, MailSender, Preview, Sender
from campaigns.planning.audience import MOST, Audience, check, parts_of
from campaigns.planning.refusals import CampaignError
from campaigns.planning.steps import Checked, StepPlan, check_steps, plans_of, write_steps
from campaigns.texts.scripts import checked_script
from common.db.ids import uuid7
from leads.models import Lead, Seller
from leads.permission.selling import active_seller

NAME_MAX = 100
STOPS = ("reply", "click")  # a lead that is closed or lost is left alone anyway (rule lead_status)
_Sends = TypeVar("_Sends", Sender, MailSender)
CHANGED_MEANWHILE = "The campaign was changed meanwhile."


@dataclass(frozen=True, slots=True)
class Plan:
    """What a campaign is made from. window: {open, close: "09:00", weekdays: 1 to 7, Monday is 1}; {}: the law's hours.
    sender_id, mail_sender_id None: the company's only number, and address. track_opens, track_clicks: of e-mails.
    stop_on: reply, click (a person's). script: what callers read out, with {{variables}}.
    """

    name: str
    audience: Audience
    steps: Sequence[StepPlan]
    sender_id: UUID | None = None
    mail_sender_id: UUID | None = None
    track_opens: bool = False
    track_clicks: bool = False
    window: Mapping[str, Any] | None = None
    max_cost: Decimal | None = None
    daily_limit: int | None = None
    stop_on: Sequence[str] = ("reply",)
    script: str = ""


FIELDS = frozenset(Plan.__dataclass_fields__)


def create_campaign(*, access: Access, plan: Plan, split: bool = False) -> list[Campaign]:
    """A draft; with `split` as many as the audience takes, `part` 1, 2, … of one `split_group`.

    Raises CampaignError: INVALID with the field (`audience`: more than 2,000 people, whose `more` offers the split),
    TOO_MANY_CAMPAIGNS.
    """
    team_id = may_draft(access)
    seller = active_seller(team_id)
    steps = check_steps(plan.steps, team_id=team_id, seller=seller)
    sizes = check(plan.audience, team_id=team_id, owner=access.user)
    if sizes.people > MOST and not split:
        words = (
            f"{sizes.people:,} people, and a campaign has {MOST:,} at most: send it again with split true, "
            f"and it becomes {sizes.parts} campaigns."
        )
        more = {"leads": sizes.leads, "people": sizes.people, "parts": sizes.parts}
        raise CampaignError("INVALID", words, "audience", more=more)
    _check_room(team_id, sizes.parts if split else 1)
    audiences = [plan.audience]
    if split and sizes.parts > 1:
        parts = parts_of(plan.audience, team_id=team_id, owner=access.user)
        audiences = [_part(plan.audience, ids) for ids in parts]
    group = uuid7() if len(audiences) > 1 else None
    first = Campaign(owner=access.user, team_id=team_id, channel=Campaign.Channel.SMS, seller=seller)
    _fill(first, plan, seller)
    first.channel = channel_of(steps)
    with _once_per_team():
        return [_made(first, audience, part, group, steps, access) for part, audience in enumerate(audiences, start=1)]


def _part(audience: Audience, ids: Sequence[UUID]) -> Audience:
    """The leads alone: whom it holds is fixed when it is split."""
    return Audience(lead_ids=tuple(ids), preset="", bucket_id=None, view_name=audience.view_name)


def _made(
    like: Campaign, audience: Audience, part: int, group: UUID | None, steps: Sequence[Checked], access: Access
) -> Campaign:
    campaign = Campaign(
        **{
            field.attname: getattr(like, field.attname)
            for field in Campaign._meta.concrete_fields
            if field.name not in ("id", "created_at", "updated_at")
        }
    )
    campaign.audience, campaign.part, campaign.split_group = audience.as_json(), part, group
    campaign.save(force_insert=True)
    write_steps(campaign, steps)
    after = {"steps": len(steps), "part": part, "max_cost": campaign.max_cost}
    record(
        "campaign.created", by=access.user, team_id=campaign.team_id, about=campaign, name=campaign.name, after=after
    )
    return campaign


def change_campaign(*, campaign: Campaign, access: Access, changes: Mapping[str, Any]) -> Campaign:
    """changes: any fields of Plan. A dry run or an approval there was counts no longer: it is a draft again.

    Raises CampaignError: NOT_EDITABLE once it was launched, INVALID.
    """
    team_id = may_draft(access, campaign)
    assert set(changes) <= FIELDS
    seller = active_seller(team_id)
    if "audience" in changes:
        sizes = check(changes["audience"], team_id=team_id, owner=campaign.owner)
        if sizes.people > MOST:
            words = (
                f"{sizes.people:,} people; a campaign has {MOST:,} at most: narrow it, or make a new one and split it."
            )
            raise CampaignError("INVALID", words, "audience")
    with _once_per_team():
        hold_campaign(campaign.pk)
        locked = lock_campaign(campaign.pk)
        if locked is None:
            raise CampaignError("NOT_FOUND", "The campaign is gone.")
        if locked.status not in Campaign.EDITABLE:
            words = f"The campaign is {locked.is_now}: only one that was not launched can be changed."
            raise CampaignError("NOT_EDITABLE", words)
        plans = changes.get("steps") if "steps" in changes else plans_of(locked)
        steps = check_steps(plans or [], team_id=team_id, seller=seller)
        _fill(locked, _plan_of(locked, changes), seller)
        if "audience" in changes:
            locked.audience = changes["audience"].as_json()
        locked.seller = seller
        back_to_draft(locked)
        locked.save()
        if "steps" in changes:
            write_steps(locked, steps)
            Campaign.objects.filter(pk=locked.pk).update(channel=channel_of(steps))
            locked.channel = channel_of(steps)
        after = {"fields": sorted(changes)}
        record("campaign.changed", by=access.user, team_id=team_id, about=locked, name=locked.name, after=after)
    return locked


def back_to_draft(campaign: Campaign) -> None:
    """Its dry run and its approval count no longer. The campaign is held and locked; the caller saves it."""
    Preview.objects.filter(Preview.AT_WORK, campaign=campaign).update(error=CHANGED_MEANWHILE, lease_until=None)
    campaign.status, campaign.preview = Campaign.Status.DRAFT, None
    campaign.approved_digest, campaign.approved_by_id, campaign.approved_at = "", None, None
    campaign.acknowledgements = []


def delete_campaign(*, campaign: Campaign, access: Access) -> None:
    """Raises CampaignError NOT_DRAFT: cancel it instead."""
    may_draft(access, campaign)
    pk = campaign.pk
    with transaction.atomic():
        hold_campaign(pk)
        locked = lock_campaign(pk)
        if locked is None:
            raise CampaignError("NOT_FOUND", "The campaign is gone.")
        if locked.status != Campaign.Status.DRAFT:
            words = f"The campaign is {locked.is_now}: only a draft can be deleted. Cancel it instead."
            raise CampaignError("NOT_DRAFT", words)
        name, team_id = locked.name, locked.team_id
        Campaign.objects.filter(pk=pk).update(preview=None)
        locked.delete()
        record("campaign.deleted", by=access.user, team_id=team_id, about=("campaign", pk), name=name)


def send_to_failed(*, campaign: Campaign, access: Access) -> Campaign:
    """A new draft over the leads whose message failed, with the same steps. Raises CampaignError NOTHING_FAILED."""
    may_draft(access, campaign)
    State = Delivery.State
    mine = Delivery.objects.filter(campaign=campaign, lead_id__isnull=False)
    arrived = mine.filter(
        state__in=(State.ACCEPTED, State.DELIVERED, State.INTENDED, State.IN_DOUBT, *Delivery.WAITING)
    )
    failed = mine.filter(state=State.FAILED).exclude(lead_id__in=arrived.values("lead_id"))
    ids = list(dict.fromkeys(failed.order_by("pk").values_list("lead_id", flat=True)))
    still = set(
        Lead.objects.filter(team_id=campaign.team_id, pk__in=failed.values("lead_id")).values_list("pk", flat=True)
    )
    ids = [lead_id for lead_id in ids if lead_id in still]
    if not ids:
        raise CampaignError("NOTHING_FAILED", "No message of this campaign failed, or those were sent since.")
    plan = Plan(
        name=_free_name(campaign),
        audience=Audience(lead_ids=tuple(one for one in ids if one)),
        steps=plans_of(campaign),
        sender_id=_still(campaign.sender),
        mail_sender_id=_still(campaign.mail_sender),
        track_opens=campaign.track_opens,
        track_clicks=campaign.track_clicks,
        window=window_told(campaign.window),
        max_cost=campaign.max_cost,
        daily_limit=campaign.daily_limit,
        stop_on=campaign.stop_on,
        script=campaign.script,
    )
    return create_campaign(access=access, plan=plan)[0]


def _still(sender: Sender | MailSender | None) -> UUID | None:
    """One that is in use."""
    return sender.pk if sender is not None and sender.retired_at is None else None


def _free_name(campaign: Campaign) -> str:
    """“Spring: failed ones”, “Spring: failed ones 2”."""
    taken = {name.lower() for name in Campaign.objects.filter(team_id=campaign.team_id).values_list("name", flat=True)}
    stem = f"{campaign.name[: NAME_MAX - 20]}: failed ones"
    return next(
        name for n in range(1, len(taken) + 2) if (name := stem if n == 1 else f"{stem} {n}").lower() not in taken
    )


# --- Checks -----------------------------------------------------------------------------------------------------------


def may_draft(access: Access, campaign: Campaign | None = None) -> int:
    """The team she may draft campaigns in. A dry run tells which leads share a number: that needs sight of contacts.

    Raises CampaignError FORBIDDEN; NOT_FOUND for a campaign of another team.
    """
    if campaign is not None and campaign.team_id != access.team_id:
        raise CampaignError("NOT_FOUND", "There is no such campaign.")
    if access.team_id is None or not access.can("write") or not access.can("contacts") or access.only_assigned:
        raise CampaignError("FORBIDDEN", "This needs a buyer or manager who may see phones and e-mails.")
    return access.team_id


def _check_room(team_id: int, new: int) -> None:
    most = settings.TEAM_CAMPAIGNS_MAX
    if Campaign.objects.filter(team_id=team_id, status__in=Campaign.OPEN).count() + new > most:
        words = f"Your team has room for {most:,} campaigns that are not over: cancel or delete some first."
        raise CampaignError("TOO_MANY_CAMPAIGNS", words)


def channel_of(steps: Sequence[Checked]) -> Campaign.Channel:
    """That of its steps, or mixed."""
    channels = {one.plan.channel for one in steps}
    return Campaign.Channel(channels.pop()) if len(channels) == 1 else Campaign.Channel.MIXED


def _plan_of(campaign: Campaign, changes: Mapping[str, Any]) -> Plan:
    """As it stands, with the changes. Steps are not read."""
    stands = Plan(
        name=campaign.name,
        audience=Audience.from_json(campaign.audience),
        steps=(),
        sender_id=campaign.sender_id,
        mail_sender_id=campaign.mail_sender_id,
        track_opens=campaign.track_opens,
        track_clicks=campaign.track_clicks,
        window=window_told(campaign.window),
        max_cost=campaign.max_cost,
        daily_limit=campaign.daily_limit,
        stop_on=campaign.stop_on,
        script=campaign.script,
    )
    return replace(stands, **dict(changes))


def _fill(campaign: Campaign, plan: Plan, seller: Seller | None) -> None:
    """Everything but audience and steps. Raises CampaignError naming the field."""
    campaign.name = " ".join(plan.name.split())
    if not 1 <= len(campaign.name) <= NAME_MAX or "\x00" in campaign.name:
        raise CampaignError("INVALID", f"A name has 1 to {NAME_MAX} characters.", "name")
    if plan.max_cost is not None and plan.max_cost <= 0:
        raise CampaignError("INVALID", "Enter a spending limit of more than $0.00.", "maxCost")
    if plan.daily_limit is not None and not 1 <= plan.daily_limit <= 1_000_000:
        raise CampaignError("INVALID", "Messages a day are 1 or more; leave it out for no limit.", "dailyLimit")
    unknown = [one for one in plan.stop_on if one not in STOPS]
    if "click" in plan.stop_on and not plan.track_clicks:
        words = "Clicks end it only where they are counted: turn on trackClicks."
        raise CampaignError("INVALID", words, "stopOn")
    if unknown:
        raise CampaignError("INVALID", f"What ends it is one of {', '.join(STOPS)}.", "stopOn")
    campaign.max_cost, campaign.daily_limit = plan.max_cost, plan.daily_limit
    campaign.stop_on = sorted(set(plan.stop_on))
    campaign.window, campaign.script = read_window(plan.window or {}), checked_script(plan.script)
    campaign.sender = _one_of(Sender, plan.sender_id, seller, "There is no such number of your company.", "senderId")
    campaign.mail_sender = _one_of(
        MailSender, plan.mail_sender_id, seller, "There is no such e-mail address of your company.", "mailSenderId"
    )
    campaign.track_opens, campaign.track_clicks = plan.track_opens, plan.track_clicks
    bucket_id = plan.audience.bucket_id
    if campaign.bucket_id != bucket_id or not campaign.bucket_name:
        campaign.bucket_id = bucket_id
        campaign.bucket_name = campaign.bucket.name if campaign.bucket else ""


def _one_of(
    model: type[_Sends], sender_id: UUID | None, seller: Seller | None, words: str, field: str
) -> _Sends | None:
    """The one that is named, else the company's only one; None where it has none or several yet."""
    active = model.objects.filter(seller=seller, retired_at__isnull=True) if seller else model.objects.none()
    if sender_id is None:
        rows = list(active[:2])
        return rows[0] if len(rows) == 1 else None
    found = active.filter(pk=sender_id).first()
    if found is None:
        raise CampaignError("NOT_FOUND", words, field)
    return found


def read_window(window: Mapping[str, Any]) -> dict[str, Any]:
    """As the column keeps it: weekdays from 0, Monday. Raises CampaignError: nothing that makes no sense is mended."""
    if not window:
        return {}
    if unknown := sorted(set(window) - {"open", "close", "weekdays"}):
        raise CampaignError("INVALID", f"Hours have no {unknown[0][:40]}: only open, close and weekdays.", "window")
    try:
        opens, closes = time.fromisoformat(str(window["open"])), time.fromisoformat(str(window["close"]))
    except (KeyError, ValueError):
        words = 'Hours are {"open": "09:00", "close": "18:00", "weekdays": [1, 2, 3, 4, 5]}.'
        raise CampaignError("INVALID", words, "window") from None
    if opens.tzinfo or closes.tzinfo or opens.second or closes.second:
        raise CampaignError("INVALID", "Hours are the recipient's, in hours and minutes: 09:00.", "window")
    if opens >= closes:
        words = f"It must close after it opens, on the same day: {opens:%H:%M} to {closes:%H:%M} is never open."
        raise CampaignError("INVALID", words, "window")
    weekdays = window.get("weekdays", [1, 2, 3, 4, 5, 6, 7])
    right = (
        isinstance(weekdays, list) and bool(weekdays) and all(type(day) is int and 1 <= day <= 7 for day in weekdays)
    )
    if not right:
        raise CampaignError("INVALID", "Weekdays are numbers from 1, Monday, to 7, Sunday.", "window")
    days = sorted({day - 1 for day in weekdays})
    return {"open": f"{opens:%H:%M}", "close": f"{closes:%H:%M}", "weekdays": days}


def window_told(window: Mapping[str, Any]) -> dict[str, Any]:
    """As `read_window` takes it."""
    return {**window, "weekdays": [day + 1 for day in window["weekdays"]]} if window else {}


@contextmanager
def _once_per_team() -> Iterator[None]:
    """A transaction; that the team has a campaign of this name already is said in words."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "campaign_once_per_team" not in str(error):
            raise
        raise CampaignError("INVALID", "Your team has a campaign of this name.", "name") from error
