"""What stops a message: a reply, an opt-out, a pause, a deadline, a lead that is gone; and what does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from buckets.deleting.services import delete_bucket
from campaigns import clock
from campaigns.locks import claim_deliveries, lock_keys
from campaigns.models import Campaign, Delivery, Member
from campaigns.sending import intending, lifecycle, pump, queue, settling, steps, stopping, sweeps
from campaigns.sending.intending import Changed
from campaigns.sending.moving import NotRunning
from common.db.ids import uuid7
from enrichment.worker.lead_deletion import delete_lead
from integrations.ledger import catalogue
from integrations.models import Budget, VendorCall
from leads.models import Lead, Suppression
from leads.permission.suppressing import suppress
from sandbox.server import Sandbox
from tests.campaigns.sending import world
from tests.campaigns.sending.world import World, hits, key_of, make_world, move, number_of, send_all

pytestmark = pytest.mark.django_db(transaction=True)
LEASE = timedelta(seconds=60)


def take(place: World, count: int = 10) -> tuple[list[Any], Any]:
    """As a pump takes messages, and is then slow."""
    token = uuid7()
    steps.make_due()
    return claim_deliveries(place.campaign.pk, clock.now(), count, token, LEASE), token


def reply(number: str) -> int:
    with transaction.atomic():
        lock_keys([key_of(number).pk])
        return stopping.on_reply([key_of(number).pk])


def intend(ids: list[Any], token: Any) -> intending.Intended:
    return intending.intend(catalogue.operation("sms").pk, ids, token)


@pytest.mark.long
def test_a_reply_between_taken_and_intended_stops_the_message(vendor: Sandbox, settings: Any) -> None:
    """T14."""
    place = make_world(2, settings, steps=((0, "days"), (1, "business_days")))
    ids, token = take(place)
    assert reply(number_of(0)) == 1
    with pytest.raises(Changed) as gone:
        intend(ids, token)
    assert len(gone.value.gone) == 1
    assert not VendorCall.objects.exists()
    settling.give_back(ids, token)
    send_all()
    assert hits(vendor) == [number_of(1)]
    assert place.counters() == {"accepted": 1, "cancelled": 1, "sent": 1}
    first = place.members[0]
    assert (first.status, first.why) == (Member.Status.STOPPED, "replied")
    assert place.now().replied == 0  # nothing had been sent to her


def test_after_the_intent_this_one_leaves_and_the_next_does_not(vendor: Sandbox, settings: Any) -> None:
    """T14. The second step leaves a business day after the first, by her clock."""
    friday = datetime(2026, 9, 18, 21, tzinfo=UTC)  # 5 PM in Boston
    place = make_world(2, settings, steps=((0, "days"), (1, "business_days"), (1, "days")), moment=friday)
    send_all()
    assert len(hits(vendor)) == 2
    monday = datetime(2026, 9, 21, 21, tzinfo=UTC)
    for one in place.members:
        assert one.status == Member.Status.ACTIVE
        assert one.next_at is not None
        assert monday <= one.next_at <= monday + timedelta(minutes=21)  # jitter
    assert place.now().status == "running"
    move(monday + timedelta(minutes=22) - clock.now())
    assert reply(number_of(0)) == 1
    assert place.now().replied == 1
    assert reply(number_of(0)) == 0
    send_all()
    assert hits(vendor) == sorted([number_of(0), number_of(1), number_of(1)])
    assert [one.status for one in place.members] == [Member.Status.STOPPED, Member.Status.ACTIVE]


@pytest.mark.long
def test_an_opt_out_stops_all_and_cancels_what_waits_but_its_confirmation(vendor: Sandbox, settings: Any) -> None:
    place = make_world(3, settings, steps=((0, "days"), (2, "days")))
    other = world.make_campaign(place.user, place.seller, place.sender, place.bucket, place.leads, name="Other")
    ids, token = take(place)
    mine = world.manual(place, number_of(0))
    confirm = world.manual(place, number_of(0), purpose="confirm", by_id=None)
    with transaction.atomic():
        suppress([(1, number_of(0))], reason="stop", source="inbound:1", spread=True)
    assert Delivery.objects.get(pk=mine.pk).state == "cancelled"
    assert Delivery.objects.get(pk=confirm.pk).state == "due"
    stopped = Member.objects.filter(status=Member.Status.STOPPED)
    assert set(stopped.values_list("campaign", "why")) == {(place.campaign.pk, "opted_out"), (other.pk, "opted_out")}
    with pytest.raises(Changed):
        intend(ids, token)
    settling.give_back(ids, token)
    send_all()
    assert hits(vendor) == sorted([number_of(0), number_of(1), number_of(2)])  # the first is the confirmation alone
    assert Delivery.objects.get(pk=confirm.pk).state == "accepted"
    lead = Lead.objects.get(pk=place.leads[0].pk)
    assert (lead.status, place.now().opted_out) == ("new", 0)


@pytest.mark.long
def test_an_opt_out_after_the_message_is_counted_once(vendor: Sandbox, settings: Any) -> None:
    place = make_world(2, settings)
    send_all()
    assert place.now().status == "completed"
    reply(number_of(0))
    for source in ("inbound:1", "inbound:2"):
        with transaction.atomic():
            suppress([(1, number_of(0))], reason="stop", source=source, spread=True)
    row = place.now()
    assert (row.replied, row.opted_out) == (1, 1)
    assert [(one.status, one.why) for one in place.members] == [(5, "opted_out"), (4, "")]


def test_a_wrong_number_stops_who_is_texted_at_it_alone(vendor: Sandbox, settings: Any) -> None:
    place = make_world(2, settings)
    with transaction.atomic():
        suppress([(1, number_of(1))], reason="wrong_number", source="user:1", scope="sms")
    assert [(one.status, one.why) for one in place.members] == [(2, ""), (5, "wrong_number")]
    assert place.now().opted_out == 0


@pytest.mark.long
def test_a_pause_comes_before_the_intent_or_after_it(vendor: Sandbox, settings: Any) -> None:
    place = make_world(3, settings)
    ids, token = take(place)
    assert lifecycle.pause_campaign(place.campaign.pk, Campaign.Pause.PERSON, "Paused")
    with pytest.raises(NotRunning):
        intend(ids, token)
    assert not VendorCall.objects.exists()
    assert not Delivery.objects.exclude(state="taken").exists()
    settling.give_back(ids, token)
    send_all()
    assert hits(vendor) == []
    assert place.states() == {"due": 3}
    Campaign.objects.filter(pk=place.campaign.pk).update(status="running", paused_by="")
    send_all()
    assert len(hits(vendor)) == 3
    assert place.now().status == "completed"


@pytest.mark.long
def test_a_campaign_that_is_resumed_while_its_messages_are_judged_loses_nobody(
    vendor: Sandbox, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = make_world(3, settings)
    judge, hers = vars(intending)["lock_and_decide"], connection.copy()

    def paused_meanwhile(rows: Any, **how: Any) -> Any:
        """She pauses it before it is asked of, and resumes it before anything is written."""
        with hers.cursor() as cursor:
            cursor.execute("UPDATE campaigns_campaign SET status = 'paused', paused_by = 'person'")
            answers = judge(rows, **how)
            cursor.execute("UPDATE campaigns_campaign SET status = 'running', paused_by = ''")
        hers.close()
        return answers

    monkeypatch.setattr(intending, "lock_and_decide", paused_meanwhile)
    ids, token = take(place)
    with pytest.raises(NotRunning):
        intend(ids, token)
    settling.give_back(ids, token)
    monkeypatch.undo()
    send_all()
    assert len(hits(vendor)) == 3
    assert place.counters() == {"accepted": 3, "sent": 3}


def test_a_cancel_takes_back_what_waits(vendor: Sandbox, settings: Any) -> None:
    place = make_world(4, settings)
    ids, token = take(place, 2)
    intend(ids[:1], token)  # one request at a time, until the first is answered
    with transaction.atomic():
        assert lifecycle.cancel_waiting(place.campaign.pk) == 3
        Campaign.objects.filter(pk=place.campaign.pk).update(status="cancelled")
    assert place.counters() == {"cancelled": 3, "sent": 1}
    assert {one.status for one in place.members} == {Member.Status.STOPPED}
    Delivery.objects.filter(state="cancelled").update(state="due")  # as if made in the moment of the cancel
    Campaign.objects.update(cancelled=0)
    assert lifecycle.cancel_leftovers() == 3
    send_all()
    assert hits(vendor) == []


@pytest.mark.long
def test_what_was_taken_by_a_dead_worker_is_due_again(vendor: Sandbox, settings: Any) -> None:
    place = make_world(2, settings)
    take(place)
    Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert sweeps.free_taken() == 2
    send_all()
    assert place.counters() == {"accepted": 2, "sent": 2}


@pytest.mark.long
def test_a_reply_that_comes_too_late_expires_and_outside_hours_it_waits_for_nothing(
    vendor: Sandbox, settings: Any
) -> None:
    place = make_world(1, settings)
    lifecycle.pause_campaign(place.campaign.pk, Campaign.Pause.PERSON, "Paused")
    late = world.manual(place, number_of(0), purpose="reply", send_by=clock.now() - timedelta(seconds=1))
    send_all()
    row = Delivery.objects.get(pk=late.pk)
    assert (row.state, row.error) == ("expired", "expired")
    move(timedelta(hours=12))  # midnight in Boston
    night = world.manual(place, number_of(0), send_by=clock.now() + timedelta(minutes=15), lead_id=place.leads[0].pk)
    send_all()
    row = Delivery.objects.get(pk=night.pk)
    assert (row.state, row.error) == ("expired", "hours")
    assert hits(vendor) == []


def test_a_persons_own_message_goes_before_campaigns_and_closes_a_callback(vendor: Sandbox, settings: Any) -> None:
    place = make_world(2, settings)
    lead = place.leads[0]
    Lead.objects.filter(pk=lead.pk).update(callback_at=clock.now() - timedelta(hours=1))
    lifecycle.pause_campaign(place.campaign.pk, Campaign.Pause.PERSON, "Paused")
    team = place.seller.team
    with transaction.atomic():
        row = queue.queue_message(
            team=team, lead_id=lead.pk, key=key_of(number_of(0)), address=number_of(0), text=" Hi there ",
            purpose="manual", by=place.user,
        )  # fmt: skip
    assert (row.state, row.body, row.segments, row.sender) == ("due", "Hi there", 1, place.sender)
    send_all()
    assert hits(vendor) == [number_of(0)]
    lead.refresh_from_db()
    assert (lead.status, lead.callback_at, lead.activity_count) == ("contacted", None, 1)
    assert lead.last_contact_at is not None
    call = VendorCall.objects.get()
    assert (call.purpose, call.user_id) == ("message", place.user.pk)


def test_what_cannot_be_queued_says_why_and_once_is_once(vendor: Sandbox, settings: Any) -> None:
    place = make_world(1, settings)
    about: dict[str, Any] = {
        "team": place.seller.team, "lead_id": None, "key": key_of(number_of(0)), "address": number_of(0),
        "purpose": "confirm", "by": None,
    }  # fmt: skip
    once = uuid7()
    rows = {queue.queue_message(text="You are out.", once=once, **about).pk for _ in range(2)}
    assert len(rows) == 1
    row = Delivery.objects.get(purpose="confirm")
    assert row.send_by is not None
    assert timedelta(minutes=4) < row.send_by - clock.now() <= timedelta(minutes=5)
    for text, field in ((" \0 ", "text"), ("x" * 1601, "text"), ("\N{PILE OF POO}" * 300, "text")):
        with pytest.raises(queue.CannotQueue) as refused:
            queue.queue_message(text=text, **about)
        assert refused.value.field == field
    settings.SMS_VENDOR = ""
    with pytest.raises(queue.CannotQueue) as refused:
        queue.queue_message(text="Hi", **about)
    assert refused.value.code == "NO_VENDOR"


def test_a_lead_that_goes_takes_its_messages_along(vendor: Sandbox, settings: Any) -> None:
    place = make_world(3, settings, steps=((0, "days"), (1, "days")))
    steps.make_due()
    delete_lead(lead=place.leads[0], by=place.user)
    member = Member.objects.get(lead=None)
    assert (member.status, member.why) == (Member.Status.STOPPED, "deleted")
    assert place.counters() == {"cancelled": 1}
    send_all()
    assert len(hits(vendor)) == 2
    delete_bucket(bucket=place.bucket, by=place.user)
    assert set(Member.objects.values_list("status", "why")) == {(5, "deleted")}
    assert lifecycle.complete_campaigns() == 1
    assert place.counters() == {"accepted": 2, "cancelled": 1, "sent": 2}


def test_a_campaign_of_bad_numbers_pauses_itself(vendor: Sandbox, settings: Any) -> None:
    place = make_world(1, settings)
    lifecycle.pause_campaign(place.campaign.pk, Campaign.Pause.PERSON, "Paused")
    steps_of = place.campaign.steps.get()
    rows = []
    for n in range(60):
        row = world.manual(place, number_of(0), state="failed" if n < 7 else "accepted", vendor_id=f"SM{n}",
                           intended_at=clock.now())  # fmt: skip
        rows.append(row.pk)
    assert steps_of
    Delivery.objects.filter(pk__in=rows).update(campaign=place.campaign)
    Campaign.objects.filter(pk=place.campaign.pk).update(status="running", paused_by="", sent=60, failed=7, accepted=53)
    assert lifecycle.watch_thresholds() == 1
    campaign = place.now()
    assert (campaign.status, campaign.paused_by) == ("paused", "errors")
    assert campaign.reason == "7 of 60 messages failed. Look at why before you resume it."
    campaign.status, campaign.paused_by, campaign.reason = Campaign.Status.RUNNING, "", ""
    campaign.save()  # a person resumes: what was before counts no more
    assert lifecycle.watch_thresholds() == 0


def test_a_warning_of_the_carrier_pauses_who_sends_from_that_number(vendor: Sandbox, settings: Any) -> None:
    place = make_world(1, settings)
    assert lifecycle.pause_by_health("twilio", "+16175550199", "Not ours") == 0
    assert lifecycle.pause_by_health("twilio", place.sender.number, "Health below 5") == 1
    row = place.now()
    assert (row.paused_by, row.reason) == ("health", "Health below 5")


def test_a_campaign_of_another_vendor_says_that_it_is_not_set_up(vendor: Sandbox, settings: Any) -> None:
    place = make_world(1, settings)
    settings.SMS_VENDOR = "signalhouse_messaging"
    assert sweeps.sweep() >= 1
    assert place.now().paused_by == "gate"


def test_pumps_have_a_few_places(vendor: Sandbox, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    place = make_world(1, settings)
    monkeypatch.setattr(pump, "PLACES", 0)
    send_all()
    assert hits(vendor) == []
    monkeypatch.undo()
    send_all()
    assert place.counters() == {"accepted": 1, "sent": 1}
    assert User.objects.count() == 1
    assert not Suppression.objects.exists()


@pytest.mark.long
def test_an_intent_whose_word_was_lost_is_undone(vendor: Sandbox, settings: Any) -> None:
    place = make_world(1, settings)
    ids, token = take(place)
    made: list[Any] = []
    intending.intend(catalogue.operation("sms").pk, ids, token, made)
    assert settling.take_back(made) == 1
    row = Delivery.objects.get()
    assert (row.state, row.intended_at, row.call_id) == ("due", None, None)
    assert VendorCall.objects.get().state == "released"
    assert not Budget.objects.filter(reserved__gt=0).exists()
    assert settling.take_back(made) == 0
    send_all()
    assert hits(vendor) == [number_of(0)]
    assert place.counters() == {"accepted": 1, "sent": 1}
