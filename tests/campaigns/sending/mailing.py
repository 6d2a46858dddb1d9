"""Campaigns that write e-mails, or texts and e-mails."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts.access import team_of
from accounts.models import Membership, User
from campaigns import clock
from campaigns.models import Campaign, Delivery, MailSender, Member, Step, Template, TemplateVersion, Variant
from common.db.ids import uuid7
from common.values.mail_urls import MailPlace
from leads.facts.saving import CONTACT, FactRow, save_facts
from leads.models import LeadKey
from tests.campaigns.sending.postbox import Postbox
from tests.campaigns.sending.world import NOON, TEXT, World, at_time, make_company, make_people

FROM = "ann@mail.example.com"
SUBJECT = "About {{address|your house}}"
WORDS = "Hi {{firstName}},\n\n{{companyName}} would like to buy {{address|your house}}.\n\n{{unsubscribeUrl}}"
HTML = '<p>Hi {{firstName}}, {{companyName}} here.</p><p><a href="{{unsubscribeUrl}}">No more</a></p>'
ONE = ((0, "days", "email"),)


def carry(settings: Any, postbox: Postbox, *, texts: str = "") -> None:
    """E-mails leave by this server; texts: by this vendor."""
    settings.CAMPAIGN_MAIL = MailPlace("smtp", host="127.0.0.1", port=postbox.port)
    settings.MAIL_VENDOR, settings.SMS_VENDOR, settings.INBOUND_MAIL_DOMAIN = "mail", texts, "in.example.com"
    settings.VENDORS = settings.VENDORS | {"mail": {"base_url": "smtp://127.0.0.1", "key": "none"}}
    settings.MAIL_DOMAIN_PACE = {}
    settings.OPERATIONS = settings.OPERATIONS | {"email": settings.OPERATIONS["email"] | {"pace": Decimal(0)}}


def make_mails(
    count: int, settings: Any, postbox: Postbox, *, names: Sequence[str] = (),
    steps: Sequence[tuple[int, str, str]] = ONE, texts: str = "", name: str = "ann",
    moment: datetime = NOON, domain: str = "example.com", first: int = 0, consent: bool = True, **more: Any,
) -> World:  # fmt: skip
    """A campaign that runs, its people due now. names: local parts of their addresses, p0, p1, … by default. steps:
    delay, unit, channel. first: place of its first person; those of another world are others.
    """
    carry(settings, postbox, texts=texts)
    if texts:
        settings.OPERATIONS = settings.OPERATIONS | {"sms": settings.OPERATIONS["sms"] | {"vendor": texts}}
    at_time(settings, moment)
    user = User.objects.create_user(name)
    Membership.objects.filter(user=user).update(role="manager")
    seller, sender = make_company(user, texts or "twilio", f"+16175550{100 + first // 100}")
    bucket, leads = make_people(user, seller, count, first=first, consent=consent)
    known = [*names, *(f"p{n}" for n in range(len(names), count))]
    with transaction.atomic():
        emails = [f"{local}@{domain}" for local in known]
        pairs = zip(leads, emails, strict=True)
        save_facts(CONTACT, [FactRow(lead.pk, {"email": email}, NOON - timedelta(days=4)) for lead, email in pairs])
    from_, _ = MailSender.objects.get_or_create(seller=seller, name="Jane Agent", address=f"{name}@mail.example.com")
    campaign = _campaign(user, seller, sender if texts else None, from_, bucket, leads, steps, name=name, **more)
    for lead in leads:
        lead.refresh_from_db()
    return World(user, bucket, seller, sender, campaign, leads)


def _campaign(
    user: Any, seller: Any, sender: Any, from_: Any, bucket: Any, leads: Any, steps: Any, *, name: str, **more: Any
) -> Campaign:
    at, team_id = clock.now(), team_of(user)
    channels = {channel for _, _, channel in steps}
    values: dict[str, Any] = {
        "owner": user, "team_id": team_id, "name": name, "status": "running", "bucket": bucket, "seller": seller,
        "sender": sender, "mail_sender": from_, "approved_digest": "x" * 64, "approved_by_id": user.pk,
        "started_at": at, "stop_on": ["reply"], "members": len(leads),
        "channel": channels.pop() if len(channels) == 1 else "mixed",
    }  # fmt: skip
    campaign = Campaign.objects.create(**(values | more))
    versions = {}
    for channel, parts in (("email", {"subject": SUBJECT, "text": WORDS, "html": HTML}), ("sms", {"text": TEXT})):
        template = Template.objects.create(owner=user, team_id=team_id, name=f"{name} {channel}", channel=channel)
        versions[channel] = TemplateVersion.objects.create(template=template, number=1, digest="x" * 64, **parts)
    for position, (amount, unit, channel) in enumerate(steps, start=1):
        step = Step.objects.create(
            campaign=campaign, position=position, delay_amount=amount, delay_unit=unit, channel=channel
        )
        Variant.objects.create(step=step, version=versions[channel], seed=f"seed{position}")
    rows = LeadKey.objects.filter(lead__in=[lead.pk for lead in leads])
    mails = dict(rows.filter(role=LeadKey.Role.EMAIL).values_list("lead_id", "key_id"))
    phones = dict(rows.filter(role=LeadKey.Role.PHONE).values_list("lead_id", "key_id"))
    owners = dict(rows.filter(role=LeadKey.Role.OWNER).order_by("-position").values_list("lead_id", "key_id"))
    by_phone = any(channel == "sms" for _, _, channel in steps)
    Member.objects.bulk_create(
        Member(
            id=uuid7(), campaign=campaign, lead=lead, split_group=campaign.pk, mail_key_id=mails.get(lead.pk),
            key_id=phones[lead.pk] if by_phone else mails[lead.pk], owner_key_id=owners.get(lead.pk),
            status=Member.Status.ACTIVE, next_at=at, zones=["America/New_York"], states=["MA"],
        )
        for lead in leads
    )  # fmt: skip
    campaign.refresh_from_db()
    return campaign


def of(world: World, local: str) -> Delivery:
    """The latest message to this local part."""
    return Delivery.objects.filter(address__startswith=f"{local}@").latest("pk")
