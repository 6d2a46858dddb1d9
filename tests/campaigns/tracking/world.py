"""An e-mail that has left, and those who follow what is in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.test import Client

from campaigns import clock
from campaigns.models import Campaign, Delivery, MailSender, Member, Step, Touch, Variant
from campaigns.rules.templates import Missing
from campaigns.texts.rendering import Writer, Written, company_of, digest_of_mail
from campaigns.texts.templates import create_template
from campaigns.tracking.outgoing import Outgoing, finish
from leads.facts.saving import CONTACT, FactRow, save_facts
from leads.models import ContactKey, LeadKey
from tests.campaigns.samples import SIGNED, World, world

PUBLIC = "https://app.example.com"
TEXT = (
    "Hi {{firstName|there}}, about {{address}}: https://acme.example/offer?a=1&b=2.\nOr https://acme.example/faq\n"
    "{{companyAddress}}\nUnsubscribe: {{unsubscribeUrl}}"
)
HTML = (
    '<p>Hi {{firstName|there}}</p><a href="https://acme.example/offer?a=1&amp;b=2">Offer</a> '
    '<a href="https://acme.example/faq">FAQ</a> <a href="https://acme.example/us">Us</a> '
    '<a href="mailto:jane@acme.example">Write</a> {{companyAddress}} <a href="{{unsubscribeUrl}}">Unsubscribe</a>'
)
SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6"


@dataclass
class Mailed:
    """A campaign of one e-mail step that counts opens and clicks; the e-mail was accepted five minutes ago."""

    made: World
    campaign: Campaign
    sender: MailSender
    delivery: Delivery

    @property
    def member(self) -> Member:
        assert self.delivery.member_id is not None
        return Member.objects.get(pk=self.delivery.member_id)

    def finished(self) -> Outgoing:
        return finish(
            Delivery.objects.select_related("campaign", "step", "variant").get(pk=self.delivery.pk), self.sender
        )

    def links(self) -> list[str]:
        """Paths of the links in its HTML, in their order; the last is the one that no person sees."""
        return re.findall(rf'href="{PUBLIC}(/l/[^"]+)"', self.finished().html)

    def way_out(self) -> str:
        found = re.search(rf'href="{PUBLIC}(/u/[^"]+)"', self.finished().html)
        assert found
        return found[1]

    def picture(self) -> str:
        found = re.search(rf'src="{PUBLIC}(/o/[^"]+)"', self.finished().html)
        assert found
        return found[1]

    def kinds(self) -> list[str]:
        rows = Touch.objects.filter(delivery=self.delivery).order_by("at", "pk").values_list("kind", "why")
        return [f"{kind} {why}".strip() for kind, why in rows]


def browser(address: str = "203.0.113.9", agent: str = SAFARI) -> Client:
    """Nobody who is signed in."""
    return Client(REMOTE_ADDR=address, HTTP_USER_AGENT=agent)


def mailed(settings: Any, *, channels: tuple[str, ...] = ("email",), **more: Any) -> Mailed:
    """channels: of the campaign's steps; the first is the e-mail that has left, the next is to come."""
    settings.PUBLIC_URL = PUBLIC
    made = world(1)
    lead = made.leads[0]
    with transaction.atomic():
        save_facts(CONTACT, [FactRow(lead.pk, {"email": "Pat@Example.com"}, SIGNED + timedelta(days=1))])
    lead.refresh_from_db()
    sender = MailSender.objects.create(seller=made.seller, name="Jane Agent", address="jane@mail.acme.example")
    _, version = create_template(
        by=made.ann, team_id=made.seller.team_id, name="Mail", channel="email", subject="Hi {{firstName|there}}",
        text=TEXT, html=HTML,
    )  # fmt: skip
    at = clock.now()
    campaign = Campaign.objects.create(
        owner=made.ann, team_id=made.seller.team_id, name="Mail",
        channel=channels[0] if len(channels) == 1 else "mixed", status="running", seller=made.seller,
        mail_sender=sender, sender=made.sender, approved_digest="x" * 64,
        approved_by_id=made.ann.pk, started_at=at, members=1, stop_on=["reply"],
        **{"track_opens": True, "track_clicks": True, **more},
    )  # fmt: skip
    steps = [
        Step.objects.create(campaign=campaign, position=n + 1, channel=channel, delay_amount=2 * bool(n))
        for n, channel in enumerate(channels)
    ]
    variants = [Variant.objects.create(step=step, version=version, seed="0" * 16) for step in steps]
    keys = {one.key.kind: one.key for one in LeadKey.objects.filter(lead=lead).select_related("key")}
    email, phone = keys[ContactKey.Kind.EMAIL], keys[ContactKey.Kind.PHONE]
    member = Member.objects.create(
        campaign=campaign, lead=lead, split_group=campaign.pk, mail_key=email, status=2,
        key=email if set(channels) == {"email"} else phone, step=(len(channels) > 1 and 2) or 1,
        next_at=at + timedelta(days=2),
    )  # fmt: skip
    written = Writer([steps[0]], company_of(made.seller, made.ann)).write_mail(variants[0], vars(lead))
    assert not isinstance(written, Missing) and isinstance(written, Written)
    delivery = Delivery.objects.create(
        team_id=made.seller.team_id, campaign=campaign, member=member, step=steps[0], variant=variants[0],
        channel="email", state="accepted", rank=3, lead_id=lead.pk, key=email, mail_sender=sender,
        address="pat@example.com", subject=written.subject, body=written.text, html=written.html,
        body_digest=digest_of_mail(written), callback_token=uuid4(), intended_at=at - timedelta(minutes=5),
        accepted_at=at - timedelta(minutes=5),
    )  # fmt: skip
    Campaign.objects.filter(pk=campaign.pk).update(due=1, sent=1, accepted=1)
    return Mailed(made, campaign, sender, delivery)
