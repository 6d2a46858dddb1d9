"""From a due step to a message that the vendor has, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Notification
from campaigns import clock
from campaigns.models import Campaign, Delivery, Member, Receipt, Sender
from campaigns.sending import statuses, steps, suppressing
from integrations.ledger import breaker
from integrations.models import Budget, VendorCall
from leads.models import Activity, ContactKey, Lead, Seller, Suppression
from leads.permission.suppressing import suppress
from leads.selection.filters import matching
from sandbox.server import Sandbox
from tests.campaigns.sending import world
from tests.campaigns.sending.world import hits, make_world, number_of, send_all
from tests.leads.samples import together
from tests.support import mostly_long

pytestmark = pytest.mark.django_db(transaction=True)


def test_five_people_get_one_text_each_and_everything_counts_it(vendor: Sandbox, settings: Any) -> None:
    place = make_world(5, settings)
    send_all()
    assert hits(vendor) == [number_of(n) for n in range(5)]
    assert place.counters() == {"accepted": 5, "sent": 5}
    assert place.now().status == Campaign.Status.COMPLETED
    row = world.delivery(place, 0)
    assert row.body == "Hi Owner0, Acme Homes LLC here about 1 Elm St. Reply STOP to end."
    assert (row.rank, row.segments, row.vendor, row.token) == (3, 1, "twilio", None)
    assert row.vendor_id and row.intended_at and row.accepted_at and row.receipt_id
    assert Receipt.objects.get(pk=row.receipt_id).verdict == "yes"
    assert {one.status for one in place.members} == {Member.Status.DONE}
    lead = place.leads[0]
    lead.refresh_from_db()
    assert (lead.status, lead.activity_count, lead.last_contact_at) == ("contacted", 1, None)
    assert lead.last_activity_at is not None
    assert not matching(Lead.objects.all(), {"neverContacted": True}).exists()
    assert Activity.objects.get(lead=lead).ref == row.pk
    place.bucket.refresh_from_db()
    assert place.bucket.contacted_leads == 5
    assert ContactKey.objects.get(pk=row.key_id).last_attempt_at == row.intended_at
    calls = VendorCall.objects.filter(purpose=f"campaign:{place.campaign.pk}")
    assert {(c.state, c.inputs, str(c.cost)) for c in calls} == {("settled", 1, "0.0083")}
    assert str(Budget.objects.get(scope=f"campaign:{place.campaign.pk}").spent) == "0.0415"
    assert not Budget.objects.filter(reserved__gt=0).exists()


def test_whom_the_gate_refuses_gets_nothing_and_the_campaign_still_ends(vendor: Sandbox, settings: Any) -> None:
    """T6 (a): the first ones in order were suppressed after the approval."""
    place = make_world(3, settings, name="bob")
    bucket, leads = world.make_people(place.user, place.seller, 24, name="More", first=10)
    with transaction.atomic():
        suppress([(1, number_of(n)) for n in range(10, 24)], reason="stop", source="user:1")
    campaign = world.make_campaign(place.user, place.seller, place.sender, bucket, leads, name="Second")
    send_all()
    of = world.World(place.user, bucket, place.seller, place.sender, campaign, leads)
    assert of.counters() == {"accepted": 10, "refused": 14, "sent": 10}
    assert of.now().status == "completed"
    assert set(Delivery.objects.filter(campaign=campaign, state="refused").values_list("error", flat=True)) == {
        "suppressed"
    }
    assert {(one.status, one.why) for one in of.members} == {(4, ""), (5, "suppressed")}
    assert len(hits(vendor)) == 13


def test_two_pumps_at_once_send_nothing_twice(vendor: Sandbox, settings: Any) -> None:
    place = make_world(24, settings)
    send_all(pumps=2)
    assert hits(vendor) == sorted(number_of(n) for n in range(24))
    assert place.counters() == {"accepted": 24, "sent": 24}


@pytest.mark.long
def test_a_batch_takes_as_many_statements_whatever_its_size(vendor: Sandbox, settings: Any) -> None:
    place = make_world(14, settings)
    steps.make_due()
    world.step()  # one alone: whether the vendor answers, and what a process reads once
    counts = []
    for size in (3, 10):
        settings.VENDOR_IN_FLIGHT = size
        with CaptureQueriesContext(connection) as asked:
            world.step()
        counts.append(len(asked))
    assert place.counters() == {"accepted": 14, "sent": 14}
    assert counts[0] == counts[1] < 100


@pytest.mark.long
def test_a_vendor_that_fails_pauses_the_campaign_and_a_resume_sends_each_once(vendor: Sandbox, settings: Any) -> None:
    """T5, without its kills: those are the scenario `sms-kills`."""
    place = make_world(12, settings)
    vendor.messaging.numbers.order({number_of(n): {"at_send": "503", "times": 2} for n in range(12)})
    send_all()
    row = place.now()
    assert (row.status, row.paused_by) == ("paused", "vendor")
    assert "failed" not in place.counters()
    assert not Delivery.objects.filter(state__in=["intended", "in_doubt"]).exists()
    for _ in range(6):
        breaker.reset("twilio")
        Campaign.objects.filter(pk=row.pk).update(status="running", paused_by="")
        Delivery.objects.filter(state="due").update(not_before=None, tries=0)
        send_all()
    assert hits(vendor) == sorted(number_of(n) for n in range(12))
    assert place.counters() == {"accepted": 12, "sent": 12}
    assert place.now().status == "completed"


@pytest.mark.long
def test_not_sent_three_times_is_failed(vendor: Sandbox, settings: Any) -> None:
    place = make_world(1, settings)
    vendor.messaging.numbers.order({number_of(0): {"at_send": "503"}})
    steps.make_due()
    for tries in (1, 2, 3):
        breaker.reset("twilio")
        world.step()
        row = Delivery.objects.get()
        assert row.tries == tries
        assert (row.state, row.intended_at is None) == (("due", True) if tries < 3 else ("failed", False))
        world.move(timedelta(minutes=1))
    assert place.counters() == {"failed": 1, "sent": 1}
    assert hits(vendor) == []


# --- Money and limits -------------------------------------------------------------------------------------------------


def test_a_campaign_stops_at_its_limit_to_the_cent(vendor: Sandbox, settings: Any) -> None:
    place = make_world(12, settings, max_cost="0.0420")  # five at 0.0083
    send_all(pumps=2)
    row = place.now()
    assert place.counters() == {"accepted": 5, "sent": 5}
    assert (row.status, row.paused_by) == ("paused", "cap")
    assert row.reason == "This campaign's spending limit is used up"
    told = Notification.objects.get()
    assert (told.user_id, told.kind, told.about_id) == (row.owner_id, "capHit", str(row.pk))
    assert told.words == f"Campaign {row.name} paused: This campaign's spending limit is used up."
    assert place.states() == {"accepted": 5, "due": 7}
    assert str(Budget.objects.get(scope=f"campaign:{row.pk}").spent) == "0.0415"
    assert Campaign.objects.filter(pk=row.pk).update(status="running", paused_by="", max_cost=None)
    send_all()
    assert hits(vendor) == sorted(number_of(n) for n in range(12))


@pytest.mark.long
def test_a_daily_limit_lets_the_others_leave_tomorrow(vendor: Sandbox, settings: Any) -> None:
    place = make_world(7, settings, daily_limit=4)
    send_all(pumps=2)
    assert place.states() == {"accepted": 4, "due": 3}
    assert place.now().status == "running"
    due = Delivery.objects.filter(state="due").values_list("not_before", flat=True)
    assert {at.isoformat() for at in due if at} == {"2026-09-16T00:00:00+00:00"}
    world.move(timedelta(days=1))
    send_all()
    assert place.counters() == {"accepted": 7, "sent": 7}


@pytest.mark.long
def test_a_number_sends_no_more_segments_than_the_carriers_allow(vendor: Sandbox, settings: Any) -> None:
    place = make_world(5, settings)
    Sender.objects.update(daily_segments=2)
    send_all()
    assert place.states() == {"accepted": 2, "due": 3}


# --- What the vendor says at once -------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_no_about_the_person_suppresses_her_everywhere(vendor: Sandbox, settings: Any) -> None:
    place = make_world(3, settings, steps=((0, "days"), (2, "days")))
    vendor.messaging.numbers.order({number_of(0): "opted_out", number_of(1): "landline"})
    send_all()
    assert place.counters() == {"accepted": 1, "failed": 2, "sent": 3}
    first, second, third = place.members
    assert (first.status, second.status, third.status) == (5, 5, 2)
    rows = Suppression.objects.order_by("reason").values_list("reason", "scope", "source")
    assert [(reason, scope) for reason, scope, _ in rows] == [("vendor_opt_out", "any"), ("wrong_number", "sms")]
    assert suppressing.sweep() == 0  # it is done, and done once
    row = world.delivery(place, 0)
    assert (row.state, row.error, row.refusal) == ("failed", "21610", "opted_out")
    assert VendorCall.objects.get(pk=str(row.call_id)).state == "released"


@pytest.mark.long
def test_a_worker_that_died_before_it_suppressed_leaves_that_to_the_sweep(vendor: Sandbox, settings: Any) -> None:
    place = make_world(1, settings)
    vendor.messaging.numbers.order({number_of(0): "opted_out"})
    send_all()
    row = world.delivery(place, 0)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica; DELETE FROM leads_suppression; RESET ALL")
    assert suppressing.sweep() == 1
    assert Suppression.objects.get().source == f"delivery:{row.pk.hex}"


@pytest.mark.long
def test_an_account_that_is_refused_pauses_vendor_and_campaign_and_costs_no_try(vendor: Sandbox, settings: Any) -> None:
    place = make_world(2, settings)
    vendor.messaging.numbers.order({number_of(n): "401" for n in range(2)})
    send_all()
    row = place.now()
    assert (row.status, row.paused_by) == ("paused", "vendor")
    assert place.states() == {"due": 2}
    assert set(Delivery.objects.values_list("tries", flat=True)) == {0}


# --- Texts ------------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_text_that_is_not_the_approved_one_is_refused(vendor: Sandbox, settings: Any) -> None:
    place = make_world(3, settings, text="Hi {{firstName}}, about {{address}}. STOP to end.")
    assert steps.make_due() == 3
    first, second, _ = place.leads
    Lead.objects.filter(pk=first.pk).update(property_address="9 Oak St")
    Lead.objects.filter(pk=second.pk).update(first_name=None, owner_name=None)
    send_all()
    assert place.counters() == {"accepted": 1, "refused": 2, "sent": 1}
    assert world.delivery(place, 0).error == "text_changed"
    assert world.delivery(place, 1).error == "missing_value:firstName"
    assert {(one.status, one.why) for one in place.members[:2]} == {(5, "text_changed"), (5, "missing_value:firstName")}


def test_a_step_is_made_once_whoever_looks(vendor: Sandbox, settings: Any) -> None:
    place = make_world(4, settings)
    together(*[steps.make_due] * 3)
    assert place.counters() == {}
    assert place.now().due == 4
    Member.objects.update(status=2, next_at=clock.now())  # as if a worker had been lost before it moved them
    assert steps.make_due() == 4
    assert place.now().due == Delivery.objects.count() == 4


@pytest.mark.parametrize(("script", "code"), mostly_long([("unregistered", "30034"), ("paused", "21606")]))
def test_a_number_of_ours_that_is_refused_pauses_the_campaign_and_costs_nobody_her_text(
    vendor: Sandbox, settings: Any, script: str, code: str
) -> None:
    place = make_world(12, settings)
    everybody = [number_of(n) for n in range(12)]
    vendor.messaging.numbers.order(dict.fromkeys(everybody, script))
    send_all()
    row = place.now()
    assert (row.status, row.paused_by) == ("paused", "health")
    assert row.reason.startswith(
        f"Twilio refuses the number it sends from ({'30034' if script[0] == 'u' else '21606'})"
    )
    assert place.states() == {"due": 12}
    assert place.counters() == {}
    assert not Budget.objects.filter(reserved__gt=0).exists()
    vendor.messaging.numbers.order(dict.fromkeys(everybody, ""))
    Campaign.objects.update(status="running", paused_by="")
    send_all()
    assert hits(vendor) == sorted(everybody)
    assert place.counters() == {"accepted": 12, "sent": 12}


@pytest.mark.long
def test_a_registration_that_is_taken_away_later_pauses_the_campaign_too(vendor: Sandbox, settings: Any) -> None:
    place = make_world(2, settings, steps=((0, "days"), (1, "days")))
    send_all()
    row = world.delivery(place, 0)
    statuses.apply_event(
        vendor="twilio", vendor_id=str(row.vendor_id), token=None, kind="failed", error="30034", refusal="unregistered"
    )
    assert (place.now().status, place.now().paused_by) == ("paused", "health")
    assert place.counters() == {"accepted": 1, "failed": 1, "sent": 2}


@pytest.mark.parametrize("missing", mostly_long(["registration", "profile"]))
def test_a_company_that_may_not_text_any_more_pauses_its_campaign_and_nobody_is_refused(
    vendor: Sandbox, settings: Any, missing: str
) -> None:
    place = make_world(4, settings)
    steps.make_due()
    values: dict[str, Any] = {"registration_id": ""} if missing == "registration" else {"policy_text": ""}
    rows: Any = Sender.objects if missing == "registration" else Seller.objects
    before = rows.values(*values).get()
    if missing == "profile":
        values["attested_at"] = None
        before = rows.values(*values).get()
    rows.update(**values)
    send_all()
    row = place.now()
    assert (row.status, row.paused_by, place.states()) == ("paused", "gate", {"due": 4})
    assert "Set up texting" in row.reason
    rows.update(**before)
    Campaign.objects.update(status="running", paused_by="")
    send_all()
    assert place.counters() == {"accepted": 4, "sent": 4}
    assert hits(vendor) == [number_of(n) for n in range(4)]
