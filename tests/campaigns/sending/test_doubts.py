"""What the vendor says, in whatever order; and messages of which nobody knows whether they left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.models import User
from campaigns import clock
from campaigns.locks import claim_deliveries
from campaigns.models import Campaign, Delivery, DeliveryEvent, Member
from campaigns.sending import doubts, intending, reconciling, settling, statuses, steps, sweeps
from campaigns.sending.doubts import NotInDoubt, resolve
from campaigns.sending.intending import Outgoing
from campaigns.sending.settling import Result
from common.db.ids import uuid7
from integrations.ledger import catalogue
from integrations.models import Budget, VendorCall
from integrations.vendors.errors import InDoubt
from integrations.vendors.messaging import Sent
from leads.models import Activity, Lead, Suppression
from sandbox.server import Sandbox
from tests.api.client import Api
from tests.campaigns.sending import world
from tests.campaigns.sending.world import World, hits, make_world, number_of, requests, send_all
from tests.support import hanging_up_soon

pytestmark = pytest.mark.django_db(transaction=True)


def intended(place: World, number: int = 0) -> Outgoing:
    """A message whose sending is committed, by a worker that goes no further."""
    steps.make_due()
    token, operation = uuid7(), catalogue.operation("sms")
    type(operation).objects.filter(pk=operation.pk).update(doubts=0, answered_at=timezone.now())
    ids = claim_deliveries(place.campaign.pk, clock.now(), 1, token, timedelta(seconds=60))
    (outgoing,) = intending.intend(operation.pk, ids, token).outgoing
    return outgoing


def lose_worker() -> None:
    """Its lease is over, and a worker sweeps."""
    VendorCall.objects.filter(state="sent").update(lease_until=timezone.now() - timedelta(seconds=1))
    sweeps.sweep()


def said(row: Delivery, kind: str, error: str = "", *, by_token: bool = True, vendor_id: str = "SM1") -> UUID | None:
    return statuses.apply_event(
        vendor="twilio", vendor_id=vendor_id, token=row.callback_token if by_token else None, kind=kind, error=error
    )


# --- T12 --------------------------------------------------------------------------------------------------------------


def back_to_the_start(place: World, row: Delivery) -> None:
    """The message as it stands when its answer is on the wire."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM campaigns_deliveryevent; DELETE FROM leads_activity")
    VendorCall.objects.update(
        state="sent", lease_until=timezone.now() + timedelta(minutes=5), cost=0, ended_at=None, decided_at=None
    )
    for budget in Budget.objects.all():
        Budget.objects.filter(pk=budget.pk).update(reserved="0.0083", spent=0)
    Delivery.objects.filter(pk=row.pk).update(
        state="intended", rank=1, vendor_id=None, accepted_at=None, delivered_at=None, ended_at=None, error="",
        resolved_by_id=None,
    )  # fmt: skip
    Campaign.objects.update(sent=1, accepted=0, delivered=0, failed=0, in_doubt=0)
    Lead.objects.update(status="new", activity_count=0)
    place.bucket.__class__.objects.update(contacted_leads=0)
    Member.objects.update(status=Member.Status.WAITING, next_at=None, step=1)


@pytest.mark.parametrize("by_token", [True, pytest.param(False, marks=pytest.mark.long)])
def test_all_orders_of_what_the_vendor_says_give_the_same_end(
    vendor: Sandbox, settings: Any, *, by_token: bool
) -> None:
    """T12: by Twilio's own address of the message each event joins at once, by the vendor's id it waits for our 201."""
    place = make_world(1, settings)
    outgoing = intended(place)
    row = outgoing.delivery
    acts: dict[str, Callable[[], Any]] = {
        "delivered": lambda: said(row, "delivered", by_token=by_token),
        "201": lambda: settling.settle([Result(outgoing, Sent("SM1", 1, "accepted"), None, 5)]),
        "sent": lambda: said(row, "sent", by_token=by_token),
        "failed": lambda: said(row, "failed", "30008", by_token=by_token),
    }
    ends = set()
    orders = sorted(set(permutations([*acts, "delivered"])))  # of the 120 those that differ
    assert len(orders) == 60
    for order in orders:
        back_to_the_start(place, row)
        for act in order:
            acts[act]()
        now = Delivery.objects.get(pk=row.pk)
        lead = Lead.objects.get(pk=str(row.lead_id))
        ends.add(
            (
                now.state, now.rank, now.vendor_id, now.error, tuple(sorted(place.counters().items())),
                DeliveryEvent.objects.filter(delivery=row).count(), DeliveryEvent.objects.count(), lead.status,
                lead.activity_count, Activity.objects.count(), VendorCall.objects.get().state,
                str(Budget.objects.get(scope=f"campaign:{place.campaign.pk}").spent),
                Member.objects.get().status,
            )
        )  # fmt: skip
    counters = (("accepted", 1), ("delivered", 1), ("sent", 1))
    assert ends == {("delivered", 5, "SM1", "", counters, 3, 3, "contacted", 1, 1, "settled", "0.0083", 4)}


@pytest.mark.long
def test_an_operator_who_was_wrong_loses_against_the_vendor_in_any_order(vendor: Sandbox, settings: Any) -> None:
    """T12, with "was not sent" among them: heard where the message is in doubt, refused where it is known."""
    place = make_world(1, settings)
    row = intended(place).delivery

    def decide() -> None:
        try:
            resolve(delivery_id=row.pk, was_sent=False, by=place.user)
        except NotInDoubt:
            assert Delivery.objects.get(pk=row.pk).state != "in_doubt"

    acts: dict[str, Callable[[], Any]] = {
        "delivered": lambda: said(row, "delivered"),
        "sent": lambda: said(row, "sent"),
        "failed": lambda: said(row, "failed", "30008"),
        "decided": decide,
    }
    ends = set()
    for order in permutations(acts):
        back_to_the_start(place, row)
        lose_worker()
        for act in order:
            acts[act]()
        now = Delivery.objects.get(pk=row.pk)
        ends.add((now.state, now.vendor_id, tuple(sorted(place.counters().items())), Activity.objects.count()))
    assert ends == {("delivered", "SM1", (("accepted", 1), ("delivered", 1), ("sent", 1)), 1)}


@pytest.mark.long
def test_an_event_that_crosses_the_landing_of_its_id_is_found_by_the_sweep(vendor: Sandbox, settings: Any) -> None:
    place = make_world(1, settings)
    send_all()
    row = world.delivery(place)
    waiting = DeliveryEvent.objects.create(
        vendor="twilio", vendor_id=str(row.vendor_id), kind="undelivered", error="30005", refusal="bad_number",
        received_at=timezone.now(),
    )  # fmt: skip
    assert statuses.join_waiting() == 1
    waiting.refresh_from_db()
    row.refresh_from_db()
    assert (waiting.delivery_id, row.state, row.error) == (row.pk, "failed", "30005")
    assert place.counters() == {"failed": 1, "sent": 1}
    assert Suppression.objects.get().reason == "wrong_number"
    assert statuses.join_waiting() == 0


def test_an_event_of_nobodys_message_waits_and_of_one_that_never_left_changes_nothing(
    vendor: Sandbox, settings: Any
) -> None:
    place = make_world(1, settings)
    steps.make_due()
    row = world.delivery(place)
    assert said(row, "delivered", by_token=False, vendor_id="SM9") is None
    assert DeliveryEvent.objects.get().delivery_id is None
    assert said(row, "delivered") == row.pk
    assert world.delivery(place).state == "due"


# --- T10 --------------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_twilio_accepted_and_never_answered_is_sent_once_and_its_callback_ends_the_doubt(
    vendor: Sandbox, settings: Any
) -> None:
    """T10, Twilio."""
    place = make_world(1, settings)
    vendor.messaging.numbers.order({number_of(0): {"at_send": "hang_after", "statuses": []}})
    with hanging_up_soon(settings):
        send_all()
    row = world.delivery(place)
    assert (row.state, row.vendor_id) == ("in_doubt", None)
    assert VendorCall.objects.get().state == "in_doubt"
    assert place.now().status == "completed"  # a doubt keeps no campaign open
    assert place.counters() == {"in_doubt": 1, "sent": 1}
    for _ in range(3):
        world.move(timedelta(hours=8))
        sweeps.sweep()
        send_all()
    assert (hits(vendor), requests(vendor)) == ([number_of(0)], 1)
    assert said(row, "delivered", vendor_id="SM7") == row.pk
    row.refresh_from_db()
    assert (row.state, row.vendor_id) == ("delivered", "SM7")
    call = VendorCall.objects.get()
    assert (call.state, str(call.cost)) == ("settled", "0.0083")
    assert Lead.objects.get(pk=str(row.lead_id)).status == "contacted"
    assert not Budget.objects.filter(reserved__gt=0).exists()


@pytest.mark.long
def test_twilio_is_asked_for_what_is_in_doubt_and_tells(vendor: Sandbox, settings: Any) -> None:
    place = make_world(1, settings)
    vendor.messaging.clock.set(f"{world.NOON:%Y-%m-%dT%H:%MZ}/1")
    vendor.messaging.numbers.order({number_of(0): {"at_send": "hang_after"}})
    with hanging_up_soon(settings):
        send_all()
    assert reconciling.reconcile() == 1
    row = world.delivery(place)
    assert row.state in ("accepted", "delivered")
    assert row.vendor_id
    assert (hits(vendor), requests(vendor)) == ([number_of(0)], 1)
    assert reconciling.reconcile() == 0


def test_signalhouse_is_asked_again_once_with_the_same_key(vendor: Sandbox, settings: Any) -> None:
    """T10, SignalHouse: it replays its answer."""
    place = make_world(2, settings, vendor="signalhouse_messaging")
    vendor.messaging.numbers.order({number_of(n): {"at_send": "hang_after", "times": 1} for n in (0, 1)})
    with hanging_up_soon(settings):
        send_all()
    VendorCall.objects.update(sent_at=timezone.now() - timedelta(minutes=1))
    first, second = world.delivery(place, 0), world.delivery(place, 1)
    assert first.state == "in_doubt"
    before = requests(vendor)
    assert reconciling.repeat_fresh() >= 1
    first.refresh_from_db()
    assert first.state in ("accepted", "delivered")
    assert first.repeated_at is not None
    assert requests(vendor) == before + (2 if second.state == "in_doubt" else 1)
    assert len(hits(vendor)) == len(set(hits(vendor)))
    assert reconciling.repeat_fresh() == 0


@pytest.mark.parametrize(("knob", "cause"), [("paused", "health"), ("opted_out", "")])
def test_a_no_to_the_repeat_means_what_any_no_of_the_vendor_does(
    vendor: Sandbox, settings: Any, knob: str, cause: str
) -> None:
    """For our number's sake: the campaign pauses. For the person's: she is suppressed."""
    place = make_world(1, settings, vendor="signalhouse_messaging", steps=((0, "days"), (1, "days")))
    row = intended(place).delivery
    lose_worker()
    VendorCall.objects.update(sent_at=timezone.now() - timedelta(minutes=1))
    vendor.messaging.numbers.order({number_of(0): knob})
    assert reconciling.repeat_fresh() == 1
    row.refresh_from_db()
    assert row.state == "failed"
    assert (place.now().status, place.now().paused_by) == (("paused", cause) if cause else ("running", ""))
    assert Suppression.objects.filter(reason="vendor_opt_out").exists() is not bool(cause)


def test_nothing_is_repeated_to_who_has_opted_out_since(vendor: Sandbox, settings: Any) -> None:
    place = make_world(1, settings, vendor="signalhouse_messaging")
    row = intended(place).delivery
    lose_worker()
    VendorCall.objects.update(sent_at=timezone.now() - timedelta(minutes=1))
    Suppression.objects.create(
        kind=1, digest=world.digest(number_of(0)), scope="any", reason="stop", source="inbound:1",
        created_at=world.NOON,
    )  # fmt: skip
    assert reconciling.repeat_fresh() == 0
    assert Delivery.objects.get(pk=row.pk).repeated_at is None
    assert (hits(vendor), requests(vendor)) == ([], 0)


def test_a_worker_that_dies_after_the_intent_leaves_one_doubt_and_her_next_step(vendor: Sandbox, settings: Any) -> None:
    place = make_world(2, settings, steps=((0, "days"), (1, "days")))
    outgoing = intended(place)
    lose_worker()
    row = Delivery.objects.get(pk=outgoing.delivery.pk)
    assert (row.state, row.error_words) == ("in_doubt", "its worker died after sending")
    member = Member.objects.get(pk=str(row.member_id))
    assert (member.status, member.step) == (Member.Status.ACTIVE, 2)
    assert hits(vendor) == []
    late = settling.settle([Result(outgoing, Sent("SM5", 1, "accepted"), None, 5)])  # it was only slow
    assert [one.outgoing for one in late] == [outgoing]
    settling.as_events(late)
    row.refresh_from_db()
    assert (row.state, row.vendor_id) == ("accepted", "SM5")
    assert place.counters() == {"accepted": 1, "sent": 1}
    assert VendorCall.objects.get().state == "settled"


def test_a_doubt_of_what_the_vendor_had_told_of_ends_by_itself(vendor: Sandbox, settings: Any) -> None:
    place = make_world(1, settings)
    outgoing = intended(place)
    said(outgoing.delivery, "delivered")
    settling.settle([Result(outgoing, None, InDoubt("no answer"), 5)])
    assert world.delivery(place).state == "delivered"
    assert VendorCall.objects.get().state == "in_doubt"
    assert doubts.settle_known() == 1
    assert VendorCall.objects.get().state == "settled"


def test_an_id_that_the_vendor_gives_twice_is_no_proof(vendor: Sandbox, settings: Any) -> None:
    place = make_world(2, settings)
    first = intended(place)
    settling.settle([Result(first, Sent("SM1", 1, "accepted"), None, 5)])
    settling.settle([Result(intended(place), Sent("SM1", 1, "accepted"), None, 5)])
    assert place.counters() == {"accepted": 1, "in_doubt": 1, "sent": 2}


# --- What a person says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "state", "call"), [("sent", "accepted", "written_off"), ("notSent", "failed", "released")]
)
def test_an_operator_decides_and_the_money_follows(
    vendor: Sandbox, settings: Any, outcome: str, state: str, call: str
) -> None:
    """T6 (c): the campaign was over, and shows what became of it."""
    place = make_world(1, settings)
    row = intended(place).delivery
    lose_worker()
    assert place.now().status == "completed"
    path = f"/api/deliveries/{row.pk}/resolve"
    assert Api(place.user).post(path, {"outcome": outcome}).status_code == 403
    root = Api(User.objects.create_superuser("root"))
    assert root.post(path, {"outcome": "perhaps"}).json()["error"]["fields"].keys() == {"outcome"}
    assert root.post(f"/api/deliveries/{uuid7()}/resolve", {"outcome": outcome}).status_code == 404
    answer = root.post(path, {"outcome": outcome, "reason": "asked the carrier"})
    assert answer.status_code == 200, answer.content
    assert answer.json()["delivery"]["state"] == state
    row.refresh_from_db()
    assert (row.state, row.resolved_by_id) == (state, User.objects.get(username="root").pk)
    made = VendorCall.objects.get()
    assert (made.state, made.decision) == (call, "asked the carrier")
    assert place.counters() == {"sent": 1, "accepted" if state == "accepted" else "failed": 1}
    assert DeliveryEvent.objects.get(kind="decided").delivery_id == row.pk
    again = root.post(path, {"outcome": outcome})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "NOT_IN_DOUBT")
    assert not Budget.objects.filter(reserved__gt=0).exists()


def test_the_command_lists_asks_and_decides(vendor: Sandbox, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    place = make_world(1, settings)
    row = intended(place).delivery
    lose_worker()
    call_command("reconcile_messages")
    out = capsys.readouterr().out
    assert str(row.pk) in out
    assert "0 are known now, 1 need a check." in out
    with pytest.raises(CommandError, match="--sent or --not-sent"):
        call_command("reconcile_messages", str(row.pk))
    call_command("reconcile_messages", str(row.pk), "--not-sent")
    assert world.delivery(place).state == "failed"
    with pytest.raises(CommandError, match="needs no check"):
        call_command("reconcile_messages", str(row.pk), "--sent")


def test_the_address_of_one_message_with_the_id_of_another_makes_no_third(vendor: Sandbox, settings: Any) -> None:
    """A vendor that mixes them up breaks no reader: the id says which message it is of."""
    place = make_world(2, settings)
    lost = intended(place).delivery
    lose_worker()
    outgoing = intended(place)
    known = outgoing.delivery
    settling.settle([Result(outgoing, Sent("SM1", 1, "accepted"), None, 5)])
    for row in (lost, known):
        row.refresh_from_db()
    assert (lost.state, known.state) == ("in_doubt", "accepted")
    assert said(lost, "delivered", vendor_id=str(known.vendor_id)) == known.pk
    for row in (lost, known):
        row.refresh_from_db()
    assert (lost.state, lost.vendor_id, known.state) == ("in_doubt", None, "delivered")
    assert said(known, "failed", "30008", vendor_id="SM404") is None  # nobody's: it waits
    known.refresh_from_db()
    assert known.state == "delivered"
    assert said(lost, "delivered", vendor_id="SM405") == lost.pk
    assert place.counters() == {"accepted": 2, "delivered": 2, "sent": 2}
