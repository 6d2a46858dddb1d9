"""A call is placed once, pays once, and what is not known of it is found out or decided by a person."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from campaigns.dialing import calling
from campaigns.dialing.before import undisposed
from campaigns.dialing.calling import hang_up
from campaigns.dialing.disposing import dispose
from campaigns.gate.contact import may_contact
from campaigns.models import CallAttempt
from campaigns.planning.refusals import CampaignError
from campaigns.voice import phones, placing, reconciling, registering
from campaigns.voice.moving import NEVER_RANG
from integrations.ledger import calls
from integrations.models import Operation, Vendor, VendorCall
from sandbox.server import Sandbox
from tests.campaigns.voice.world import AGENT, make_world
from tests.support import hanging_up_soon

pytestmark = pytest.mark.django_db(transaction=True)


def script(server: Sandbox, number: str, words: object) -> None:
    server.messaging.call_numbers.order({number: words})


def placed(server: Sandbox) -> list[Any]:
    return list(server.messaging.phones.log({})["calls"])


def test_her_phone_rings_once_and_the_money_is_one_call(vendor: Sandbox, settings: Any) -> None:
    world = make_world(settings)
    attempt = world.attempt()
    registering.place(attempt.pk)
    registering.place(attempt.pk)  # a second press, tab or worker
    attempt.refresh_from_db()
    (call,) = placed(vendor)
    assert (call["to"], call["from"]) == (AGENT, world.sender.number)
    assert (attempt.agent_vendor_id, attempt.state, attempt.error) == (call["id"], "intended", "")
    paid = VendorCall.objects.get()
    assert (paid.state, paid.cost, paid.units, paid.purpose) == ("settled", Decimal("0.05"), 1, "call")
    assert (attempt.sender_id, paid.user_id) == (world.sender.pk, world.user.pk)


def test_of_two_at_the_same_moment_one_places_it(vendor: Sandbox, settings: Any) -> None:
    world = make_world(settings)
    attempt = world.attempt()

    def press() -> None:
        registering.place(attempt.pk)
        connection.close()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(placed(vendor)) == 1 and VendorCall.objects.count() == 1


@pytest.mark.parametrize(
    ("words", "error", "counts"),
    [("bad_number", "not_placed", 0), ("503", "not_placed", 0), ("401", "not_placed", 0), ("429", "not_placed", 0)],
)
def test_what_was_certainly_not_placed_ends_with_words_and_its_money_comes_back(
    vendor: Sandbox, settings: Any, words: str, error: str, counts: int
) -> None:
    world = make_world(settings)
    script(vendor, AGENT, words)
    attempt = world.attempt()
    registering.place(attempt.pk)
    attempt.refresh_from_db()
    assert (attempt.state, attempt.error, len(placed(vendor))) == ("ended", error, counts)
    with pytest.raises(CampaignError, match="Nobody was called"):
        dispose(world.access, attempt.pk, code="no_answer")
    assert attempt.error_words and AGENT[2:] not in attempt.error_words and attempt.error in NEVER_RANG
    assert attempt.call is not None and (attempt.call.state, attempt.call.cost) == ("released", 0)
    assert bool(Vendor.objects.get(name="twilio").paused_reason) == (words == "401")


def test_a_hang_is_in_doubt_never_placed_again_and_found_at_the_vendor(vendor: Sandbox, settings: Any) -> None:
    world = make_world(settings)
    script(vendor, AGENT, {"do": "hang_after", "rings": 3600.0})
    attempt = world.attempt()
    with hanging_up_soon(settings):
        registering.place(attempt.pk)
    attempt.refresh_from_db()
    assert (attempt.state, attempt.ended_at, attempt.agent_vendor_id) == ("in_doubt", None, None)
    assert attempt.call is not None and attempt.call.state == "in_doubt"
    registering.place(attempt.pk)
    assert len(placed(vendor)) == 1, "never placed twice"
    with transaction.atomic():  # she hangs up: it may have rung all the same
        hang_up(world.access, attempt.pk)
        asked = may_contact(world.leads[0].pk, "call", by=None, purpose="manual", record=False)
        assert "gap" in {one.code for one in asked.decision.answers if one.verdict == "later"}
        assert undisposed(world.access) == attempt
        transaction.set_rollback(True)

    assert reconciling.reconcile() == 1
    attempt.refresh_from_db()
    paid = VendorCall.objects.get()
    assert (attempt.state, attempt.agent_vendor_id) == ("intended", placed(vendor)[0]["id"])
    assert (paid.state, paid.cost) == ("settled", Decimal("0.05"))
    assert reconciling.reconcile() == 0


@pytest.mark.long
@pytest.mark.parametrize("was_placed", [True, False])
def test_an_operator_decides_where_nobody_knows(vendor: Sandbox, settings: Any, was_placed: bool) -> None:
    world = make_world(settings)
    script(vendor, AGENT, "hang_before")
    attempt = world.attempt()
    with hanging_up_soon(settings):
        registering.place(attempt.pk)
    assert reconciling.reconcile() == 0, "a vendor that does not know it yet is no proof"
    attempt.refresh_from_db()
    assert attempt.state == "in_doubt"
    assert attempt.call_id is not None
    decide = calls.write_off if was_placed else calls.release_doubt
    with transaction.atomic():
        decide(attempt.call_id, by=world.user)
    attempt.refresh_from_db()
    assert (attempt.state, attempt.error) == ("ended", "" if was_placed else "not_placed")
    assert VendorCall.objects.get(pk=attempt.call_id).cost == (Decimal("0.05") if was_placed else 0)


def test_a_limit_a_switch_and_the_breaker_hold_calls_as_they_hold_texts(vendor: Sandbox, settings: Any) -> None:
    world = make_world(settings)
    placing.PATIENCE = 0.2
    Vendor.objects.filter(name="twilio").update(daily_cap=Decimal("0.07"))
    ended = []
    for _ in range(2):
        attempt = world.attempt()
        registering.place(attempt.pk)
        attempt.refresh_from_db()
        ended.append(attempt)
        CallAttempt.objects.filter(pk=attempt.pk, ended_at__isnull=True).update(
            state="ended", ended_at="2026-09-15T17Z"
        )
    assert [one.error for one in ended] == ["", "not_placed"]
    assert "used up" in ended[1].error_words and len(placed(vendor)) == 1
    Vendor.objects.filter(name="twilio").update(daily_cap=None, enabled=False)
    attempt = world.attempt()
    registering.place(attempt.pk)
    attempt.refresh_from_db()
    assert (attempt.error, attempt.call_id) == ("not_placed", None) and "turned off" in attempt.error_words
    assert Operation.objects.filter(name="call", vendor="twilio").count() == 1


def test_why_she_may_not_click_to_call_is_said_before_anything_is_written(vendor: Sandbox, settings: Any) -> None:
    world = make_world(settings)
    assert (registering.mode(), registering.why_not(world.access)) == ("twilio", "")
    number = world.number()

    def refused() -> str:
        with pytest.raises(CampaignError) as raised:
            calling.place_call(world.access, lead_id=world.leads[0].pk, number=number, mode="twilio")
        assert raised.value.code == "NO_VENDOR"
        return str(raised.value)

    world.user.agent_phone_verified_at = None
    assert "Confirm your own phone first" in refused()
    world.user.refresh_from_db()
    type(world.sender).objects.filter(pk=world.sender.pk).update(voice=False)
    assert "no number to call from" in refused()
    settings.PUBLIC_URL = ""
    assert "PUBLIC_URL" in refused()
    settings.VOICE_VENDOR = ""
    assert "VOICE_VENDOR" in refused()
    assert registering.mode() == "tel" and not CallAttempt.objects.exists() and not placed(vendor)


def test_the_press_rings_and_hanging_up_ends_the_vendors_call(vendor: Sandbox, settings: Any) -> None:
    world = make_world(settings)
    script(vendor, AGENT, {"rings": 3600.0})
    attempt = calling.place_call(world.access, lead_id=world.leads[0].pk, number=world.number(), mode="twilio")
    assert (attempt.state, attempt.agent_vendor_id is not None) == ("intended", True)
    ended = calling.hang_up(world.access, attempt.pk)
    assert ended.ended_at is not None
    until = threading.Event()
    for _ in range(100):
        if placed(vendor)[0]["status"] == "canceled":
            break
        until.wait(0.02)
    assert placed(vendor)[0]["status"] == "canceled"


def test_signalhouse_rings_her_softphone_and_is_asked_how_far_it_is(vendor: Sandbox, settings: Any) -> None:
    world = make_world(settings, vendor="signalhouse_messaging")
    world.user.agent_phone_verified_at = None  # her softphone rings, no phone of hers
    world.user.save()
    script(vendor, world.number(), {"do": "busy", "rings": 0.5})
    attempt = world.attempt(mode="signalhouse")
    registering.place(attempt.pk)
    attempt.refresh_from_db()
    (call,) = placed(vendor)
    assert (call["to"], attempt.agent_vendor_id, attempt.state) == (world.number(), call["id"], "intended")
    until = threading.Event()
    for _ in range(100):
        if reconciling.refresh(attempt.pk):
            break
        until.wait(0.02)
    attempt.refresh_from_db()
    assert attempt.state in ("ringing", "ended")
    until.wait(0.2)
    reconciling.refresh(attempt.pk)
    attempt.refresh_from_db()
    assert (attempt.state, attempt.dial_status, registering.suggested(attempt)) == ("ended", "busy", "busy")
    assert "plays no recordings" in registering.why_no_voicemail(attempt)
    registering.hang_up(attempt.pk)  # over: said by the vendor, and nothing is raised


def test_a_mistake_of_ours_ends_the_call_in_words(
    vendor: Sandbox, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(settings)
    monkeypatch.setattr(phones, "sender_of", lambda *_: 1 / 0)
    attempt = world.attempt()
    registering.place(attempt.pk)
    attempt.refresh_from_db()
    assert (attempt.state, attempt.error) == ("ended", "not_placed") and "could not be placed" in attempt.error_words
