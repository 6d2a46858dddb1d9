"""A company that may text, and leads who allowed it: Tue, Sep 15, 2026, 11:00 AM in Boston."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from accounts.access import Access, own_access
from accounts.models import User
from buckets.models import Bucket
from buckets.services import add_ids
from campaigns.models import Campaign, Preview, Sender, Template
from campaigns.planning.audience import Audience
from campaigns.planning.campaigns import Plan, create_campaign
from campaigns.planning.steps import StepPlan, VariantPlan
from campaigns.previews.asking import start_preview
from campaigns.previews.making import make_preview
from campaigns.running.approval import approve
from campaigns.setup.senders import add_sender
from campaigns.setup.state_answers import Given, answer_states
from campaigns.texts.templates import create_template
from leads.counters import count_facts
from leads.facts.saving import CONTACT, PROPERTY, FactRow, save_facts
from leads.models import Lead, Seller
from leads.permission.consenting import give
from leads.permission.selling import save_seller
from tests.leads.samples import make_leads
from tests.support import make_user

NOON = datetime(2026, 9, 15, 15, tzinfo=UTC)
SIGNED = datetime(2026, 9, 1, tzinfo=UTC)
TEXT = "Hi {{firstName|there}}, this is {{companyName}} about {{address}}. Reply STOP to end."
PROFILE = {
    "legal_name": "Acme Homes LLC", "trade_name": "Acme Homes", "postal_address": "1 Main St, Boston, MA 02108",
    "callback_phone": "617-555-0100", "policy_text": "We do not contact who asked us not to.",
}  # fmt: skip
AGREED = "I agree to get texts about my house from Acme Homes."


@dataclass
class World:
    """ann: the team's manager, with a company, a number and a template."""

    ann: User
    seller: Seller
    sender: Sender
    template: Template
    bucket: Bucket
    leads: list[Lead] = field(default_factory=list)

    @property
    def access(self) -> Access:
        return own_access(self.ann)

    def plan(self, name: str = "Spring", steps: int | Sequence[StepPlan] = 1, **more: Any) -> Plan:
        if isinstance(steps, int):
            text = [VariantPlan(template_id=self.template.pk)]
            steps = [StepPlan(text, delay_amount=2 * bool(n)) for n in range(steps)]
        return Plan(**{"name": name, "audience": Audience(bucket_id=self.bucket.pk), "steps": steps, **more})

    def one_more(self, number: int, **facts: Any) -> Lead:
        """Another lead of the bucket, as `owner` makes it."""
        add_ids(bucket=self.bucket, property_ids=[f"more-{number}"])
        return owner(self.bucket.leads.order_by("-pk")[0], number, **facts)

    def draft(self, name: str = "Spring", **more: Any) -> Campaign:
        return create_campaign(access=self.access, plan=self.plan(name, **more))[0]

    def previewed(self, campaign: Campaign) -> Preview:
        """With a dry run, made in this process."""
        preview = start_preview(campaign=campaign, access=self.access)
        assert make_preview(preview.pk) is not None
        preview.refresh_from_db()
        campaign.refresh_from_db()
        return preview

    def approved(self, name: str = "Spring", **more: Any) -> Campaign:
        campaign = self.draft(name, **more)
        preview = self.previewed(campaign)
        return approve(campaign=campaign, access=self.access, digest=preview.digest, acknowledgements=preview.needs)


def world(leads: int = 3, *, ann: User | None = None, consented: bool = True) -> World:
    """Its leads are of different owners in Boston, each with a mobile."""
    user = ann or make_user("ann")
    team_id = own_access(user).team_id
    assert team_id is not None
    company = save_seller(team_id=team_id, by=user, values=PROFILE, attest=True)
    sender = add_sender(by=user, seller=company, number="617-555-0199", vendor="twilio", registration_id="C1")
    answer_states(by=user, seller=company, answers=[Given("MA", "exempt", "broker"), Given("OH", "not_needed")])
    template, _ = create_template(by=user, team_id=company.team_id, name="First", text=TEXT)
    bucket, rows = make_leads(leads, by=user)
    made = World(user, company, sender, template, bucket)
    for number, lead in enumerate(rows):
        made.leads.append(owner(lead, number))
        if consented:
            allow(made, made.leads[-1])
    return made


def owner(lead: Lead, number: int, phone: str = "", **more: Any) -> Lead:
    """A person of her own in Boston."""
    facts = {
        "first_name": f"Maria{chr(97 + number % 26)}", "last_name": f"Alvarez{chr(97 + number // 26)}",
        "owner_type": "individual", "property_address": f"{number + 1} Oak St", "property_city": "Boston",
        "property_state": "MA", "property_zip": "02108", "mailing_address": f"{number + 1} Oak St",
        "mailing_city": "Boston", "mailing_state": "MA", "mailing_zip": "02108",
    }  # fmt: skip
    told = {name: value for name, value in more.items() if name in ("email", "phone_type")}
    facts |= {name: value for name, value in more.items() if name not in told}
    found = {"phone": phone or f"+1617555{2000 + number:04d}", "phone_type": "mobile", **told}
    for kind, row in ((PROPERTY, facts), (CONTACT, found)):
        with transaction.atomic():
            count_facts(save_facts(kind, [FactRow(lead.pk, row, SIGNED)]).grown)
    Lead.objects.filter(pk=lead.pk).update(enrichment_status="completed")
    lead.refresh_from_db()
    return lead


def allow(made: World, lead: Lead) -> None:
    """She signed that the company may text her."""
    assert lead.phone
    give(
        (1, lead.phone), channel="sms", kind="written", seller=made.seller, given_at=SIGNED, how="paper", text=AGREED,
        by=made.ann,
    )  # fmt: skip
