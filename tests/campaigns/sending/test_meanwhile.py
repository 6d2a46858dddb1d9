"""What happens beside a campaign that runs: leads are merged, people are forgotten, it is cancelled at an intent."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.access import own_access
from accounts.models import User
from campaigns.gate.facts import Contact, facts_of
from campaigns.models import Delivery, Member
from campaigns.running.lifecycle import cancel
from campaigns.sending import steps
from campaigns.sending.intending import Changed, Intended
from campaigns.sending.moving import NotRunning
from integrations.lookups.identity import names_of
from leads.merging.services import merge_bucket
from leads.models import Lead, LeadName
from leads.privacy.finding import Asked
from leads.privacy.forgetting import continue_job, forget_person
from leads.services import change_status
from sandbox.server import Sandbox
from tests.campaigns.sending.test_stopping import intend, take
from tests.campaigns.sending.world import NOON, World, hits, key_of, make_campaign, make_world, number_of, send_all
from tests.leads.samples import together

pytestmark = pytest.mark.django_db(transaction=True)


def merge(place: World, older: int, younger: int) -> None:
    """As the sweep does once files have told that they are one parcel."""
    told = {"apn": "12-345", "fips": "25025", "property_address": "1 Elm St"}
    leads = [place.leads[older], place.leads[younger]]
    Lead.objects.filter(pk__in=[lead.pk for lead in leads]).update(**told)
    Lead.objects.filter(pk=leads[0].pk).update(property_id="77")
    Lead.objects.filter(pk=leads[1].pk).update(property_id="address:1 ELM ST|02108")
    LeadName.objects.filter(lead__in=leads).delete()
    LeadName.objects.bulk_create(
        LeadName(lead=lead, bucket_id=place.bucket.pk, exact=n.exact, loose=n.possible, bare=n.bare, source="file")
        for lead in leads
        for n in names_of({"apn": told["apn"], "fips": told["fips"]})
    )
    assert merge_bucket(place.bucket.pk) == 1
    assert Lead.every.get(pk=leads[1].pk).merged_into_id == leads[0].pk


def test_of_two_leads_that_are_merged_before_their_texts_leave_the_shown_one_gets_its_text(
    vendor: Sandbox, settings: Any
) -> None:
    place = make_world(3, settings, steps=((0, "days"), (1, "days")))
    steps.make_due()
    merge(place, 0, 1)
    send_all()
    assert hits(vendor) == [number_of(0), number_of(2)]
    assert place.counters() == {"accepted": 2, "refused": 1, "sent": 2}
    second = Member.objects.get(lead=place.leads[1])
    assert (second.status, second.why) == (Member.Status.STOPPED, "merged")
    assert Member.objects.get(lead=place.leads[0]).status == Member.Status.ACTIVE


@pytest.mark.long
def test_a_merged_lead_alone_in_the_campaign_goes_on_and_the_shown_lead_is_contacted(
    vendor: Sandbox, settings: Any
) -> None:
    place = make_world(2, settings)
    Member.objects.filter(lead=place.leads[0]).delete()
    merge(place, 0, 1)
    send_all()
    assert hits(vendor) == [number_of(1)]
    assert Lead.every.get(pk=place.leads[0].pk).status == "contacted"


@pytest.mark.long
@pytest.mark.parametrize("what", ["lost", "number gone"])
def test_what_is_done_to_the_shown_lead_holds_for_the_one_behind_it(vendor: Sandbox, settings: Any, what: str) -> None:
    place = make_world(2, settings)
    Member.objects.filter(lead=place.leads[0]).delete()
    merge(place, 0, 1)
    if what == "lost":
        change_status(lead=Lead.objects.get(pk=place.leads[0].pk), status="lost", by=place.user)
    else:
        Lead.every.filter(pk=place.leads[0].pk).update(other_facts=None, secondary_phone=None)
    send_all()
    assert hits(vendor) == []
    row = Delivery.objects.get()
    assert (row.state, row.error) == ("refused", "lead_status" if what == "lost" else "address_missing")


@pytest.mark.long
def test_a_merged_lead_is_known_by_the_keys_of_the_shown_one(vendor: Sandbox, settings: Any) -> None:
    place = make_world(2, settings)
    merge(place, 0, 1)
    contact = Contact(place.leads[1].pk, key_of(number_of(1)).pk, number_of(1), "sms")
    send_all()
    facts = facts_of([contact], team_id=place.campaign.team_id, by=None, seller=place.seller, at=NOON)[contact]
    assert len(facts.attempts) == 1  # of the other number


@pytest.mark.long
@pytest.mark.parametrize("blanked", [True, False])
def test_a_person_forgotten_meanwhile_is_refused_for_that_and_not_for_her_text(
    vendor: Sandbox, settings: Any, blanked: bool
) -> None:
    place = make_world(2, settings)
    ids, token = take(place)
    number = number_of(0)
    job = forget_person(by=User.objects.create_superuser("boss"), asked=Asked(phone=number), typed=number)
    if blanked:
        Lead.objects.filter(pk=place.leads[0].pk).update(first_name=None, owner_name=None)
    intend(ids, token)
    row = Delivery.objects.get(lead_id=place.leads[0].pk)
    assert (row.state, row.error) == ("refused", "erased")
    continue_job(job.pk)
    row.refresh_from_db()
    assert (row.address, row.body, row.error) == (None, None, "erased")
    assert Member.objects.get(lead=place.leads[0]).why == "erased"


@pytest.mark.long
def test_cancelled_beside_the_intent_each_message_is_cancelled_or_leaves(vendor: Sandbox, settings: Any) -> None:
    """Of who cancels and who sends one comes first: afterwards nothing waits, and what was committed is what left."""
    place = make_world(4, settings)
    for turn in range(6):
        place = again(place, turn) if turn else place
        ids, token = take(place)

        def sends(ids: Any = ids, token: Any = token) -> Any:
            return intend(ids, token)

        def cancels(place: World = place) -> Any:
            return cancel(campaign=place.campaign, access=own_access(place.user))

        sent, ended = together(sends, cancels)
        assert not isinstance(ended, Exception), ended
        assert isinstance(sent, Changed | NotRunning | Intended), sent
        left = len(sent.outgoing) if isinstance(sent, Intended) else 0
        assert place.now().status == "cancelled"
        assert place.states() == {name: many for name, many in (("intended", left), ("cancelled", 4 - left)) if many}
        assert Delivery.objects.filter(campaign=place.campaign, call__isnull=False).count() == left
        place.counters()
        assert not Member.objects.filter(campaign=place.campaign, status__in=Member.OPEN).exists()


def again(place: World, turn: int) -> World:
    """The same people in another campaign that runs."""
    Delivery.objects.update(intended_at=None, state="cancelled", call=None)  # as if long ago
    campaign = make_campaign(place.user, place.seller, place.sender, place.bucket, place.leads, name=f"Fall {turn}")
    campaign.refresh_from_db()
    return World(place.user, place.bucket, place.seller, place.sender, campaign, place.leads)
