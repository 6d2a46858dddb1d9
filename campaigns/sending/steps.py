"""Steps that fall due become messages: a row each, unique by member and step, with its whole text."""

from __future__ import annotations

import time as clocks
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Greatest

from campaigns import clock
from campaigns.locks import claim_due_members, hold_campaign, lock_campaign
from campaigns.models import Campaign, Delivery, Member, Step
from campaigns.rules.templates import Missing
from campaigns.sending import conditions
from campaigns.sending.moving import Moves
from campaigns.sending.people import Ending, end_steps
from campaigns.sending.writing import Writing, digest, write
from campaigns.texts.rendering import PERSON_COLUMNS, Writer, company_of
from common.faultpoints import commit
from leads.models import Lead

PIECE = 500  # members a transaction
TICK = 3.0  # seconds that one look may take: what is left is made in the next, a second later
State, Status = Delivery.State, Member.Status
TEXT_CHANGED, MERGED = "text_changed", "merged"


def make_due(*, seconds: float = TICK) -> int:
    """Makes the messages of running campaigns whose time has come, for so long at most: the campaigns take turns, a
    piece each, so that none waits for a large one. Returns how many. Any number of workers.
    """
    at, until = clock.now(), clocks.monotonic() + seconds
    due = Member.objects.filter(campaign=OuterRef("pk"), status=Status.ACTIVE, calls=False, next_at__lte=at)
    running = Campaign.objects.filter(Exists(due), status=Campaign.Status.RUNNING)
    waiting = list(running.order_by("pk").values_list("pk", flat=True))
    made = 0
    while waiting:
        left = []
        for campaign_id in waiting:
            if made and clocks.monotonic() > until:
                return made
            piece = make_piece(campaign_id, at)
            made += piece
            if piece == PIECE:
                left.append(campaign_id)
        waiting = left
    return made


def make_piece(campaign_id: UUID, at: datetime) -> int:
    """The next messages of one campaign, at most PIECE. Returns how many members moved.

    1. Nobody pauses or cancels the campaign meanwhile (`hold_campaign`); what is not running makes nothing.
    2. The members whose next step is due. Whose lead is gone stops; for whom a step's condition does not hold, that
       step is over (`conditions`).
    3. Of the others each message with its variant, text and address, by the step's channel. Whom it does not reach is
       passed over by that channel (`writing`).
    4. Their rows; one that was made before is left as it is. The members wait for their message.
    """
    with commit("sms.take"):
        hold_campaign(campaign_id)
        campaign = (
            Campaign.objects.select_related("seller", "sender", "mail_sender", "owner").filter(pk=campaign_id).first()
        )
        if campaign is None or campaign.status != Campaign.Status.RUNNING:
            return 0
        members = claim_due_members(campaign_id, at, PIECE)
        if not members:
            return 0
        steps = {step.position: step for step in _steps(campaign)}
        gone = [Ending(one.pk, one.step, at, "deleted") for one in members if one.lead_id is None]
        living = [one for one in members if one.lead_id is not None]
        unmet = conditions.endings(campaign, steps, living, at)
        ended = {ending.member_id for ending in unmet}
        writing = Writing(campaign, list(steps.values()), [one for one in living if one.pk not in ended], at)
        rows = writing.deliveries()
        waiting = {row.member_id for row in rows}
        end_steps([*gone, *unmet, *writing.passed])
        stays = [one.pk for one in living if one.pk in waiting or one.step not in steps]
        Member.objects.filter(pk__in=stays).update(status=Status.WAITING, next_at=None)
        known = set(
            Delivery.objects.filter(member__in=[row.member_id for row in rows], step__in={row.step_id for row in rows})
            .values_list("member_id", "step_id")
        )  # fmt: skip
        new = [row for row in rows if (row.member_id, row.step_id) not in known]
        Delivery.objects.bulk_create(new)
        if new:
            lock_campaign(campaign_id)
            Campaign.objects.filter(pk=campaign_id).update(due=F("due") + len(new))
    return len(members)


def _steps(campaign: Campaign) -> list[Step]:
    return _steps_of(campaign.pk, campaign.approved_digest, campaign.revision)


@lru_cache(64)
def _steps_of(campaign_id: UUID, _approved: str, _revision: int) -> list[Step]:
    """With their texts of all revisions, which are frozen from approval on: read once by each process."""
    return list(Step.objects.filter(campaign=campaign_id).prefetch_related("variants__version"))


def changed_texts(deliveries: Sequence[Delivery]) -> dict[UUID, str]:
    """Of the messages of one campaign: those that may not leave as they were approved, by why: `text_changed`,
    `missing_value:firstName`, or `merged`: its lead is one with another one of the campaign. A lead that is gone has no
    text to compare; the gate answers for it.
    """
    of = [one for one in deliveries if one.campaign is not None and one.step is not None]
    if not of or of[0].campaign is None:
        return {}
    campaign = of[0].campaign
    steps = _steps(campaign)
    writer = Writer(steps, company_of(campaign.seller, campaign.owner))
    variants = {variant.pk: variant for step in steps for variant in step.variants.all()}
    columns = (
        Lead.every.filter(pk__in=[one.lead_id for one in of]).order_by().values("pk", "merged_into_id", *PERSON_COLUMNS)
    )
    leads = {row["pk"]: row for row in columns}
    twins = _twins({pk: row["merged_into_id"] for pk, row in leads.items() if row["merged_into_id"]}, of)
    wrong: dict[UUID, str] = dict.fromkeys(twins, MERGED)
    for one in of:
        lead = leads.get(one.lead_id)
        if one.pk in wrong or lead is None or one.variant_id is None:
            continue
        variant = variants.get(one.variant_id)
        written = write(writer, variant, one.channel, lead) if variant is not None else None
        if isinstance(written, Missing):
            wrong[one.pk] = f"missing_value:{written.names[0]}"
        elif written is None or digest(written) != one.body_digest:
            wrong[one.pk] = TEXT_CHANGED
    return wrong


def _twins(shown: Mapping[UUID, UUID], deliveries: Sequence[Delivery]) -> list[UUID]:
    """Messages to leads that were merged with another one in the campaign or in another part of its split: that one
    alone goes on, the lead that is shown before a hidden one. shown: by hidden lead.
    """
    if not shown:
        return []
    family = Q(lead__in=shown.values()) | Q(lead__merged_into__in=shown.values())
    groups = Member.objects.filter(pk__in=[one.member_id for one in deliveries]).values("split_group")
    first: dict[UUID, UUID] = {}
    rows = Member.objects.filter(family, split_group__in=groups).order_by("lead_id")
    for lead_id, into in rows.values_list("lead_id", "lead__merged_into_id"):
        if into is None:
            first[lead_id] = lead_id
        else:
            first.setdefault(into, lead_id)
    hidden = [one for one in deliveries if one.lead_id is not None and one.lead_id in shown]
    return [one.pk for one in hidden if first.get(shown[one.lead_id]) != one.lead_id]  # type: ignore[index]


def release_held(at: datetime) -> int:
    """Members whose hold is over go on: with the step they were at, when it was planned, or now. Returns how many."""
    with transaction.atomic():
        over = Member.objects.filter(status=Status.HELD, held_until__lte=at)
        return over.update(
            status=Status.ACTIVE, next_at=Greatest(F("planned_at"), at), planned_at=None, held_until=None, why=""
        )


__all__ = ["TEXT_CHANGED", "Moves", "changed_texts", "make_due", "make_piece", "release_held"]
