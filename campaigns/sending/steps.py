"""Steps that fall due become messages: a row each, unique by member and step, with its whole text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from campaigns import clock
from campaigns.locks import claim_due_members, hold_campaign, lock_campaign
from campaigns.models import Campaign, Delivery, Member, PreviewLine, Step
from campaigns.rules.segments import segments
from campaigns.rules.templates import Missing
from campaigns.sending.moving import Moves
from campaigns.sending.people import Ending, end_steps
from campaigns.texts.rendering import PERSON_COLUMNS, Writer, company_of, digest_of
from common.db.ids import uuid7
from common.faultpoints import commit
from leads.keys import key_secrets
from leads.keys.owner_keys import PHONE, READ, keys_of
from leads.models import ContactKey, Lead

PIECE = 500  # members a transaction
State, Status = Delivery.State, Member.Status
TEXT_CHANGED, MERGED = "text_changed", "merged"


def make_due() -> int:
    """Makes the messages of every running campaign whose time has come. Returns how many. Any number of workers."""
    at = clock.now()
    due = Member.objects.filter(campaign=OuterRef("pk"), status=Status.ACTIVE, calls=False, next_at__lte=at)
    running = Campaign.objects.filter(Exists(due), status=Campaign.Status.RUNNING)
    made = 0
    for campaign_id in list(running.order_by("pk").values_list("pk", flat=True)):
        while piece := make_piece(campaign_id, at):
            made += piece
    return made


def make_piece(campaign_id: UUID, at: datetime) -> int:
    """The next messages of one campaign, at most PIECE. Returns how many members moved.

    1. Nobody pauses or cancels the campaign meanwhile (`hold_campaign`); what is not running makes nothing.
    2. The members whose next step is due, each with its variant, text and number. A member whose lead is gone stops.
    3. Their rows; one that was made before is left as it is. The members wait for their message.
    """
    with commit("sms.take"):
        hold_campaign(campaign_id)
        campaign = Campaign.objects.select_related("seller", "sender", "owner").filter(pk=campaign_id).first()
        if campaign is None or campaign.status != Campaign.Status.RUNNING:
            return 0
        members = claim_due_members(campaign_id, at, PIECE)
        if not members:
            return 0
        end_steps([Ending(one.pk, one.step, at, "deleted") for one in members if one.lead_id is None])
        living = [one for one in members if one.lead_id is not None]
        rows = _deliveries(campaign, living, at)
        Member.objects.filter(pk__in=[one.pk for one in living]).update(status=Status.WAITING, next_at=None)
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


def _deliveries(campaign: Campaign, members: Sequence[Member], at: datetime) -> list[Delivery]:
    """Unsaved. A member at a step that the campaign does not have gets none."""
    steps = {step.position: step for step in _steps(campaign)}
    writer = Writer(list(steps.values()), company_of(campaign.seller, campaign.owner))
    leads = _leads(members)
    numbers = leads | _leads_of({row["merged_into_id"] for row in leads.values() if row["merged_into_id"]})
    digests = dict(
        ContactKey.objects.filter(
            pk__in={key for one in members for key in (one.key_id, one.owner_key_id) if key is not None}
        ).values_list("pk", "digest")
    )
    approved = _approved(campaign, members)
    secrets = key_secrets.for_reading()
    rows = []
    for member in members:
        step = steps.get(member.step)
        lead = leads.get(member.lead_id) if member.lead_id else None
        if step is None or lead is None:
            continue
        line = approved.get((lead["pk"], member.step))
        variant = writer.variant(member.step, bytes(digests[member.owner_key_id or member.key_id]))
        if line is not None:
            variant = writer.variants[member.step].get(line.variant, variant)
            text = line.text
        else:
            written = writer.write(variant, lead)
            text = "" if isinstance(written, Missing) else written
        rows.append(
            Delivery(
                id=uuid7(),
                team_id=campaign.team_id,
                campaign=campaign,
                member=member,
                step=step,
                variant=variant,
                purpose=Delivery.Purpose.CAMPAIGN,
                channel=step.channel,
                lead_id=member.lead_id,
                key_id=member.key_id,
                sender=campaign.sender,
                vendor=campaign.sender.vendor if campaign.sender else "",
                address=_address(numbers[lead["merged_into_id"] or lead["pk"]], bytes(digests[member.key_id]), secrets),
                body=text,
                body_digest=digest_of(text),
                segments=segments(text).count,
                callback_token=uuid4(),
                not_before=at,
            )
        )
    return rows


def _steps(campaign: Campaign) -> list[Step]:
    return _steps_of(campaign.pk, campaign.approved_digest)


@lru_cache(64)
def _steps_of(campaign_id: UUID, _approved: str) -> list[Step]:
    """With their texts, which are frozen from approval on: read once by each process."""
    return list(Step.objects.filter(campaign=campaign_id).prefetch_related("variants__version"))


def _leads(members: Sequence[Member]) -> dict[UUID, dict[str, Any]]:
    return _leads_of({one.lead_id for one in members if one.lead_id})


def _leads_of(lead_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """Hidden ones too: their texts are their own, their numbers those of the lead that is shown."""
    if not lead_ids:
        return {}
    columns = ("pk", "merged_into_id", *sorted({*PERSON_COLUMNS, *READ}))
    return {row["pk"]: row for row in Lead.every.filter(pk__in=lead_ids).order_by().values(*columns)}


def _approved(campaign: Campaign, members: Sequence[Member]) -> dict[tuple[UUID, int], PreviewLine]:
    """The lines of the dry run that was approved, by lead and step; empty where there is none."""
    if campaign.preview_id is None:
        return {}
    rows = PreviewLine.objects.filter(preview=campaign.preview_id, lead_id__in=[one.lead_id for one in members])
    return {(row.lead_id, row.step): row for row in rows.only("lead_id", "step", "variant", "text")}


def _address(lead: dict[str, Any], digest: bytes, secrets: Sequence[str]) -> str | None:
    """Which of the lead's numbers this key is; None: the lead has it no more."""
    for key in keys_of(lead):
        if key.kind == PHONE and any(key_secrets.digest(secret, PHONE, key.value) == digest for secret in secrets):
            return key.value
    return None


def changed_texts(deliveries: Sequence[Delivery]) -> dict[UUID, str]:
    """Of the messages of one campaign: those that may not leave as they were approved, by why: `text_changed`,
    `missing_value:firstName`, or `merged`: its lead is one with another one of the campaign. A lead that is gone has no
    text to compare; the gate answers for it.
    """
    of = [one for one in deliveries if one.campaign is not None and one.step is not None]
    if not of or of[0].campaign is None:
        return {}
    campaign = of[0].campaign
    writer = Writer(_steps(campaign), company_of(campaign.seller, campaign.owner))
    columns = (
        Lead.every.filter(pk__in=[one.lead_id for one in of]).order_by().values("pk", "merged_into_id", *PERSON_COLUMNS)
    )
    leads = {row["pk"]: row for row in columns}
    twins = _twins({pk: row["merged_into_id"] for pk, row in leads.items() if row["merged_into_id"]}, of)
    wrong: dict[UUID, str] = dict.fromkeys(twins, MERGED)
    for one in of:
        lead = leads.get(one.lead_id)
        if one.pk in wrong or lead is None or one.step is None or one.variant_id is None:
            continue
        variant = next((v for v in writer.variants[one.step.position].values() if v.pk == one.variant_id), None)
        text = writer.write(variant, lead) if variant is not None else ""
        if isinstance(text, Missing):
            wrong[one.pk] = f"missing_value:{text.names[0]}"
        elif digest_of(text) != one.body_digest:
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
    """Members whose hold is over go on. Returns how many."""
    with transaction.atomic():
        over = Member.objects.filter(status=Status.HELD, held_until__lte=at)
        return over.update(status=Status.ACTIVE, next_at=at, held_until=None, why="")


__all__ = ["TEXT_CHANGED", "Moves", "changed_texts", "make_due", "make_piece", "release_held"]
