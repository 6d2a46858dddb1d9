"""What came of campaigns: each line's people and money, and that every list sums to the whole."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from campaigns import clock
from campaigns.models import Campaign, Delivery, Member
from campaigns.running.breakdown import GONE, breakdown_of
from campaigns.running.lifecycle import launch
from enrichment.models import Run, RunItem
from integrations.ledger import catalogue
from integrations.models import VendorCall
from leads.models import Event, Lead
from tests.admin_site import signed_in
from tests.api.client import Api, body_of, refused
from tests.campaigns.samples import World, world
from tests.support import make_user

pytestmark = pytest.mark.django_db


def _charged(made: World, operation: str, inputs: int, cost: str, **more: Any) -> VendorCall:
    now = clock.now()
    return VendorCall.objects.create(
        operation=catalogue.operation(operation), user=made.ann, state="settled", inputs=inputs, reserved=0, cost=cost,
        created_at=now, slot_at=now, sent_at=now, ended_at=now, lease_until=now, **more,
    )  # fmt: skip


def _sent(made: World, campaign: Campaign, cost: str, *, replied: int) -> None:
    """One message to each, a charge each; the first ones replied."""
    step = campaign.steps.get()
    for number, member in enumerate(Member.objects.filter(campaign=campaign).order_by("lead")):
        call = _charged(made, "sms", 1, cost)
        Delivery.objects.create(
            team_id=campaign.team_id, campaign=campaign, member=member, step=step, variant=step.variants.get(),
            state="delivered", lead_id=member.lead_id, key_id=member.key_id, body_digest="x", callback_token=uuid4(),
            vendor_id=f"v{number}", intended_at=clock.now(), call=call,
            replied_at=clock.now() if number < replied else None,
        )  # fmt: skip


def _bought(made: World, leads: list[Lead], cost: str, *, skipped: int = 0) -> None:
    """An enrichment job over these leads; the last ones were owned already."""
    asked = len(leads) - skipped
    run = Run.objects.create(
        owner=made.ann, team_id=made.seller.team_id, bucket=made.bucket, bucket_name=made.bucket.name, kind="property",
        status="completed", total=len(leads), enriched=asked, skipped=skipped, idempotency_key=str(uuid4()),
    )  # fmt: skip
    for number, lead in enumerate(leads):
        outcome = RunItem.Outcome.ENRICHED if number < asked else RunItem.Outcome.SKIPPED
        RunItem.objects.create(run=run, lead=lead, stage=0, outcome=outcome)
    _charged(made, "skip_trace", asked, cost, run_id=run.pk)


def test_people_and_money_by_where_they_are_from() -> None:
    made = world(4)
    made.bucket.filters = {"state": "MA", "absentee_owner": True}
    made.bucket.save()
    campaign = launch(campaign=made.approved(), access=made.access)
    _sent(made, campaign, "0.01", replied=2)
    leads = sorted(made.leads, key=lambda lead: lead.pk)
    _bought(made, leads[:3], "0.30", skipped=1)  # two asked for: 0.15 each
    Lead.objects.filter(pk=leads[0].pk).update(status="closed")
    Lead.objects.filter(pk=leads[1].pk).update(property_state="OH")
    at = clock.now()
    Event.objects.create(
        team_id=campaign.team_id, owner=made.ann, lead=leads[1], kind="appointment", starts_at=at,
        ends_at=at + timedelta(hours=1), changed_at=at,
    )  # fmt: skip
    Lead.objects.filter(pk=leads[3].pk).delete()

    found = breakdown_of(campaign)

    total = found.total
    assert (total.people, total.contacted, total.replied, total.conversations) == (4, 4, 2, 2)
    assert (total.appointments, total.deals, total.clicked) == (1, 1, 0)
    Delivery.objects.filter(campaign=campaign, replied_at__isnull=True).update(clicked_at=clock.now())
    assert breakdown_of(campaign).total.clicked == 2
    assert (total.contact_cost, total.facts_cost) == (Decimal("0.04"), Decimal("0.30"))
    assert (total.cost_per_reply, total.cost_per_conversation) == (Decimal("0.17"), Decimal("0.17"))
    states = {line.name: (line.people, line.replied, line.facts_cost) for line in found.lists["state"]}
    assert states == {"MA": (2, 1, Decimal("0.15")), "OH": (1, 1, Decimal("0.15")), GONE: (1, 0, Decimal(0))}
    assert {line.name for line in found.lists["search"]} == {"absentee owner: yes, state: MA", GONE}
    assert {line.name for line in found.lists["bucket"]} == {made.bucket.name, GONE}
    for lines in found.lists.values():
        assert sum(line.people for line in lines) == 4 and sum(line.cost for line in lines) == total.cost
    assert found.lists["state"][0].cost_per_conversation == Decimal("0.17")


@pytest.mark.long
def test_page_api_and_file_tell_the_same_and_a_stranger_gets_none() -> None:
    made = world(3)
    campaign = launch(campaign=made.approved(), access=made.access)
    _sent(made, campaign, "0.01", replied=1)
    path = f"/api/campaigns/{campaign.pk}/results"
    told = body_of(Api(made.ann).get(path))["breakdown"]
    assert told["total"]["costPerReply"] == 0.03 and told["state"][0] | {"name": "All"} == told["total"]
    file = Api(made.ann).get(f"{path}.csv")
    rows = b"".join(file.streaming_content).decode("utf-8-sig").splitlines()
    assert rows[1].startswith("All,All,3,3,1,1,0,0,0.0300,0.0000,0.03,0.03") and len(rows) == 2 + 4
    for place in (path, f"{path}.csv"):
        refused(Api(make_user(f"bob{len(place)}")).get(place), 404)

    made.ann.is_staff = True
    made.ann.save()
    client: Client = signed_in(made.ann)
    shown = client.get(reverse("admin:campaigns_campaign_change", args=[campaign.pk])).content.decode()
    assert "What came of it" in shown and "$0.03" in shown and 'class="chart"' in shown
    home = client.get(reverse("admin:index")).content.decode()
    assert "What came of it" not in home  # nobody answered the company yet
    Lead.objects.filter(pk=made.leads[0].pk).update(status="closed")
    home = client.get(reverse("admin:index")).content.decode()
    assert "What came of it" in home and "Deals" in home


def test_before_the_launch_nothing_came_of_it() -> None:
    made = world(2)
    assert breakdown_of(made.draft()).total.people == 0
