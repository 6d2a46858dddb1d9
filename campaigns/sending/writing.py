"""The messages of steps that are due, before they are saved: to which address, with which text, by each channel."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings

from campaigns.gate.addresses import best_emails
from campaigns.models import Campaign, Delivery, Member, PreviewLine, Step, Variant
from campaigns.rules.segments import segments
from campaigns.rules.templates import Missing
from campaigns.sending.people import Ending
from campaigns.texts.rendering import PERSON_COLUMNS, Writer, Written, company_of, digest_of, digest_of_mail
from common.db.ids import uuid7
from leads.keys import key_secrets
from leads.keys.owner_keys import PHONE, READ, keys_of
from leads.models import ContactKey, Lead, LeadKey

EMAIL, SMS = "email", "sms"
ADDRESS_MISSING, NOT_APPROVED = "address_missing", "not_approved"


class Writing:
    """Of one campaign, for members at steps that are due now. passed: those whom their step does not reach: they have
    no address for it, or it was not in the dry run that was approved.
    """

    def __init__(self, campaign: Campaign, steps: Sequence[Step], members: Sequence[Member], at: datetime) -> None:
        self.campaign, self.at, self.passed = campaign, at, list[Ending]()
        self.steps = {step.position: step for step in steps}
        self.members = [one for one in members if one.step in self.steps]
        self.writer = Writer(steps, company_of(campaign.seller, campaign.owner))
        self.leads = _leads_of({one.lead_id for one in self.members if one.lead_id})
        behind = {row["merged_into_id"] for row in self.leads.values() if row["merged_into_id"]}
        self.shown = self.leads | _leads_of(behind)
        self.keys = _keys(self.members)
        self.approved = _approved(campaign, self.members)
        self.secrets = key_secrets.for_reading()

    def deliveries(self) -> list[Delivery]:
        """Unsaved. A member at a step that the campaign does not have gets none."""
        mails = self._mails()
        rows = []
        for member in self.members:
            step = self.steps[member.step]
            lead = self.leads.get(member.lead_id) if member.lead_id else None
            if lead is None:
                continue
            shown = lead["merged_into_id"] or lead["pk"]
            if step.channel == EMAIL:
                to = mails.get(shown)
            elif self.keys[member.key_id][0] == PHONE:
                to = member.key_id, _number(self.shown[shown], self.keys[member.key_id][1], self.secrets)
            else:
                to = None
            line = self.approved.get((lead["pk"], member.step)) or self.approved.get((lead["pk"], 0))
            if to is None or (self.campaign.preview_id is not None and (line is None or line.verdict != "yes")):
                why = ADDRESS_MISSING if to is None else (line.reason if line is not None else NOT_APPROVED)
                self.passed.append(Ending(member.pk, member.step, self.at, why, step.channel))
                continue
            rows.append(self._delivery(member, step, lead, line, *to))
        return rows

    def _mails(self) -> dict[UUID, tuple[int, str | None]]:
        """By lead that is shown: key and address of the first e-mail that can be used."""
        asked = {
            lead["merged_into_id"] or lead["pk"]
            for member in self.members
            if self.steps[member.step].channel == EMAIL
            and (lead := self.leads.get(member.lead_id) if member.lead_id else None)
        }
        if not asked:
            return {}
        leads = {lead_id: self.shown[lead_id] for lead_id in asked}
        best = best_emails(leads, seller_id=self.campaign.seller_id, at=self.at)
        rows = LeadKey.objects.filter(lead__in=best, role=LeadKey.Role.EMAIL)
        keys = {(lead, place): key for lead, place, key in rows.values_list("lead_id", "position", "key_id")}
        return {
            lead_id: (keys[lead_id, one.position], one.value)
            for lead_id, one in best.items()
            if (lead_id, one.position) in keys
        }

    def _delivery(
        self, member: Member, step: Step, lead: dict[str, Any], line: PreviewLine | None, key_id: int,
        address: str | None,
    ) -> Delivery:  # fmt: skip
        """As it was approved: a text's words, and of an e-mail the digest, to which sending compares what is written
        anew.
        """
        campaign = self.campaign
        variant = self.writer.variant(member.step, self.keys[member.owner_key_id or member.key_id][1])
        if line is not None:
            variant = self.writer.variants[member.step].get(line.variant, variant)
        is_mail, subject, html = step.channel == EMAIL, None, None
        written = write(self.writer, variant, step.channel, lead)
        if isinstance(written, Missing):
            written = Written("", "", "") if is_mail else ""
        if isinstance(written, Written):
            subject, text, html = written.subject, written.text, written.html
        else:
            text = line.text if line is not None else written
        told = (
            digest_of(text) if isinstance(written, str) else line.body_digest if line is not None else digest(written)
        )
        sender, mail_sender = (None, campaign.mail_sender) if is_mail else (campaign.sender, None)
        vendor = settings.MAIL_VENDOR if is_mail else sender.vendor if sender else ""
        return Delivery(
            id=uuid7(),
            team_id=campaign.team_id,
            campaign=campaign,
            member=member,
            step=step,
            variant=variant,
            purpose=Delivery.Purpose.CAMPAIGN,
            channel=step.channel,
            lead_id=member.lead_id,
            key_id=key_id,
            sender=sender,
            mail_sender=mail_sender,
            vendor=vendor,
            address=address,
            subject=subject,
            body=text,
            html=html,
            body_digest=told,
            segments=1 if is_mail else segments(text).count,
            callback_token=uuid4(),
            not_before=self.at,
        )


def write(writer: Writer, variant: Variant, channel: str, lead: Mapping[str, Any]) -> str | Written | Missing:
    """What this lead (PERSON_COLUMNS) gets by this channel."""
    return writer.write_mail(variant, lead) if channel == EMAIL else writer.write(variant, lead)


def digest(written: str | Written) -> str:
    return digest_of_mail(written) if isinstance(written, Written) else digest_of(written)


def _leads_of(lead_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """Hidden ones too: their texts are their own, their addresses those of the lead that is shown."""
    if not lead_ids:
        return {}
    columns = ("pk", "merged_into_id", *sorted({*PERSON_COLUMNS, *READ}))
    return {row["pk"]: row for row in Lead.every.filter(pk__in=lead_ids).order_by().values(*columns)}


def _keys(members: Sequence[Member]) -> dict[int, tuple[int, bytes]]:
    """Kind and digest of the members' own keys."""
    ids = {key for one in members for key in (one.key_id, one.owner_key_id) if key is not None}
    rows = ContactKey.objects.filter(pk__in=ids).values_list("pk", "kind", "digest")
    return {pk: (kind, bytes(digest)) for pk, kind, digest in rows}


def _approved(campaign: Campaign, members: Sequence[Member]) -> dict[tuple[UUID, int], PreviewLine]:
    """The lines of the dry run that was approved, by lead and step; empty where there is none."""
    if campaign.preview_id is None:
        return {}
    rows = PreviewLine.objects.filter(preview=campaign.preview_id, lead_id__in=[one.lead_id for one in members])
    rows = rows.filter(step__in={0, *(one.step for one in members)})  # 0: of who is left out, as of an edit's text
    wanted = rows.only("lead_id", "step", "verdict", "reason", "variant", "text", "body_digest")
    return {(row.lead_id, row.step): row for row in wanted}


def _number(lead: dict[str, Any], digest: bytes, secrets: Sequence[str]) -> str | None:
    """Which of the lead's numbers this key is; None: the lead has it no more."""
    for key in keys_of(lead):
        if key.kind == PHONE and any(key_secrets.digest(secret, PHONE, key.value) == digest for secret in secrets):
            return key.value
    return None
