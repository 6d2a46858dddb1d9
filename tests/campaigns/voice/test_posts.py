"""Twilio's doors: signed or refused, kept, heard; and the bridge, which asks the gate before the owner is dialed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from accounts.models import AuditEvent, WebhookEndpoint
from campaigns.dialing.before import undisposed
from campaigns.gate.contact import may_contact
from campaigns.inbound import posts
from campaigns.inbound.reading import handle_open
from campaigns.models import CallAttempt, Inbound, Receipt, UnsignedPost
from campaigns.voice import hearing, moving
from integrations.ledger import catalogue
from integrations.models import VendorCall
from leads.permission.suppressing import suppress
from operations import retention
from tests.admin_site import signed_in
from tests.campaigns.sending.world import NOON, move
from tests.campaigns.voice.world import (
    CHILD,
    OWN,
    PARENT,
    World,
    amd,
    dial_end,
    leg,
    make_world,
    post,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings: Any) -> World:
    settings.PUBLIC_URL = OWN
    return make_world(settings)


def ringing(world: World, **more: Any) -> CallAttempt:
    """A call whose caller's phone rings."""
    return world.attempt(agent_vendor_id=PARENT, sender=world.sender, **more)


def ask_bridge(attempt: CallAttempt) -> ET.Element:
    """What Twilio is told once her phone was picked up."""
    answer = post("bridge", attempt.token, leg(2, "in-progress", child=False))
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/xml")
    return ET.fromstring(answer.content)


def press_key(attempt: CallAttempt, digits: str = "1") -> ET.Element:
    """With VOICE_CONFIRM: what it is told once a key was pressed."""
    answer = post("press", attempt.token, leg(2, "in-progress", child=False, Digits=digits))
    return ET.fromstring(answer.content)


def dialed(answer: ET.Element) -> str | None:
    return answer.findtext("Dial/Number")


@pytest.mark.parametrize("door", ["call", "caller", "dial", "amd", "bridge", "press"])
def test_an_unsigned_post_is_refused_and_an_unknown_call_changes_nothing(world: World, door: str) -> None:
    attempt = ringing(world)
    assert post(door, attempt.token, leg(3, "completed"), secret="somebody-else").status_code == 403
    assert not Inbound.objects.exists() and UnsignedPost.objects.get().count == 1
    answer = post(door, uuid4(), leg(3, "completed"))
    assert answer.status_code == 200
    assert ET.fromstring(answer.content).find("Dial") is None
    row = Inbound.objects.get()
    assert row.handled_at is not None and row.error == "No call of ours has this address."
    attempt.refresh_from_db()
    assert attempt.state == "intended"
    assert Client().get(f"/api/webhooks/twilio/{door}/{attempt.token}").status_code == 405


@pytest.mark.parametrize("name", ["CallStatus", "DialCallStatus", "AnsweredBy", "SequenceNumber", "ErrorCode"])
@pytest.mark.parametrize("door", ["call", "caller", "dial", "amd", "press"])
def test_a_post_that_holds_what_no_row_can_is_kept_all_the_same(world: World, door: str, name: str) -> None:
    fields = {**leg(3, "completed"), "DialCallStatus": "busy", "AnsweredBy": "human", name: "a\x00b"}
    assert post(door, ringing(world).token, fields).status_code == 200
    assert Inbound.objects.get().handled_at is not None


def test_a_call_is_heard_at_once_from_ringing_to_its_end(world: World) -> None:
    WebhookEndpoint.objects.create(
        team_id=world.team_id, url="https://hooks.example.com/", events=["call.ended"], secret="x"
    )
    attempt = ringing(world)
    assert dialed(ask_bridge(attempt)) == world.number()
    steps = []
    for door, fields in (
        ("call", leg(1, "ringing")),
        ("call", leg(2, "in-progress")),
        ("amd", amd("machine_start")),
        ("call", leg(3, "completed", CallDuration="31")),
        ("call", leg(1, "ringing")),  # again
        ("dial", dial_end("completed", DialCallDuration="31")),
        ("caller", leg(3, "completed", child=False, CallDuration="40")),
    ):
        assert post(door, attempt.token, fields).content.endswith(b"<Response/>")
        attempt.refresh_from_db()
        steps.append(attempt.state)
    assert steps == ["ringing", "talking", "talking", "ended", "ended", "ended", "ended"]
    assert (attempt.vendor_id, attempt.seconds, attempt.answered_by) == (CHILD, 31, "machine_start")
    assert (attempt.dial_status, moving.suggested(attempt), attempt.disposition_id) == ("completed", "voicemail", None)
    assert Inbound.objects.filter(handled_at__isnull=False, error="").count() == 7  # with the bridge; one was known
    assert {row.kind for row in Inbound.objects.all()} == {"bridge", "lead", "amd", "dial", "caller"}


def test_what_cannot_be_heard_at_once_a_worker_hears(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from campaigns.api import vendor_posts

    attempt = ringing(world)
    monkeypatch.setattr(vendor_posts, "handle_at_once", lambda _: False)
    assert post("call", attempt.token, leg(1, "ringing")).status_code == 200
    assert Inbound.objects.get().handled_at is None
    assert handle_open() == 1
    attempt.refresh_from_db()
    assert attempt.state == "ringing"


def test_the_bridge_dials_the_owner_with_this_calls_own_addresses_and_records_nothing(
    world: World, settings: Any
) -> None:
    attempt = ringing(world)
    answer = ask_bridge(attempt)
    dial, number = answer.find("Dial"), answer.find("Dial/Number")
    assert dial is not None and number is not None
    assert dial.attrib == {
        "answerOnBridge": "true", "timeout": "25", "callerId": world.sender.number,
        "action": f"{OWN}/api/webhooks/twilio/dial/{attempt.token}",
    }  # fmt: skip
    assert number.attrib == {
        "statusCallbackEvent": "initiated ringing answered completed",
        "statusCallback": f"{OWN}/api/webhooks/twilio/call/{attempt.token}",
    }
    settings.VOICE_AMD = True  # its answer was lost: the same question again
    number = ask_bridge(attempt).find("Dial/Number")
    assert number is not None and number.get("machineDetection") == "Enable"
    assert number.get("amdStatusCallback") == f"{OWN}/api/webhooks/twilio/amd/{attempt.token}"
    receipt = Receipt.objects.order_by("-pk")[0]
    assert (receipt.verdict, receipt.channel, receipt.lead_id) == ("yes", "call", attempt.lead_id)


def test_a_voicemail_of_hers_that_picks_up_calls_nobody_where_a_key_is_asked_for(world: World, settings: Any) -> None:
    settings.VOICE_CONFIRM = True
    attempt = ringing(world)
    asked = post("bridge", attempt.token, leg(2, "in-progress", child=False))
    answer = ET.fromstring(asked.content)
    gather = answer.find("Gather")
    assert gather is not None and gather.attrib == {
        "action": f"{OWN}/api/webhooks/twilio/press/{attempt.token}", "numDigits": "1", "finishOnKey": "",
        "timeout": "10",
    }  # fmt: skip
    assert (gather.findtext("Say"), answer[-1].tag) == ("Press any key to call the owner.", "Hangup")
    assert dialed(answer) is None and dialed(press_key(attempt, digits="")) is None
    post("caller", attempt.token, leg(3, "completed", child=False, CallDuration="12"))
    attempt.refresh_from_db()
    assert (attempt.state, attempt.error, attempt.pressed_at) == ("ended", "caller_completed", None)
    assert attempt.error_words == "No key was pressed on your phone."
    assert dialed(press_key(attempt)) is None, "its voicemail is played back later"
    assert undisposed(world.access) is None
    again = may_contact(world.leads[0].pk, "call", by=None, purpose="manual", record=False)
    assert again.decision.verdict == "yes", "no attempt on the owner"


def test_a_question_that_comes_late_after_her_key_changes_nothing(world: World, settings: Any) -> None:
    settings.VOICE_CONFIRM = True
    attempt = ringing(world)
    assert dialed(press_key(attempt, digits="#")) == world.number()
    post("bridge", attempt.token, leg(2, "in-progress", child=False))
    post("caller", attempt.token, leg(3, "completed", child=False))  # the posts of the owner's leg are lost
    attempt.refresh_from_db()
    assert (attempt.state, attempt.error, bool(attempt.pressed_at)) == ("ended", "", True), "the owner may have rung"
    assert undisposed(world.access) == attempt


def test_the_gate_is_asked_again_while_her_phone_rang_the_window_closed(world: World) -> None:
    attempt = ringing(world)
    move(timedelta(hours=9))  # 9 PM in Boston
    answer = ask_bridge(attempt)
    assert (answer.findtext("Say"), answer.find("Hangup") is not None, dialed(answer)) == ("Not now.", True, None)
    attempt.refresh_from_db()
    assert (attempt.state, attempt.error) == ("ended", "refused") and attempt.error_words.startswith("Not now")
    assert Receipt.objects.order_by("-pk")[0].verdict == "later"
    at_time_again = ask_bridge(attempt)
    assert dialed(at_time_again) is None, "it has ended"


def test_an_owner_who_opts_out_while_her_phone_rings_is_not_dialed(world: World) -> None:
    attempt = ringing(world)
    suppress([(1, world.number())], reason="stop", source="inbound:1", spread=True)
    assert dialed(ask_bridge(attempt)) is None
    attempt.refresh_from_db()
    assert attempt.error_words.startswith("No: ") and attempt.error in moving.NEVER_RANG


def test_the_bridge_dials_for_one_leg_once_and_not_after_its_end(world: World) -> None:
    attempt = ringing(world)
    other = leg(2, "in-progress", child=False) | {"CallSid": f"CA{'9' * 32}"}
    assert b"<Dial" not in post("bridge", attempt.token, other).content, "another leg asks in its name"
    assert dialed(ask_bridge(attempt)) == world.number()
    post("call", attempt.token, leg(1, "ringing"))
    assert dialed(ask_bridge(attempt)) is None, "the owner's phone has rung"
    for changes in ({"ended_at": NOON, "state": "ended"}, {"mode": "tel"}, {"number": None}):
        CallAttempt.objects.all().delete()
        again = ringing(world)
        CallAttempt.objects.filter(pk=again.pk).update(**changes)
        assert dialed(ask_bridge(again)) is None


def test_a_leg_that_two_calls_claim_is_said_to_be_undecidable_and_an_operator_closes_it(world: World) -> None:
    first = ringing(world, state="ended", ended_at=NOON)
    CallAttempt.objects.filter(pk=first.pk).update(vendor_id=CHILD)
    second = world.attempt(sender=world.sender)
    assert dialed(ask_bridge(second)) is None
    assert b"<Dial" not in post("bridge", second.token, leg(2, "in-progress", child=False)).content
    for door, fields in (("call", leg(1, "ringing")), ("caller", leg(3, "completed", child=False))):
        assert post(door, second.token, fields).status_code == 200
    rows = Inbound.objects.order_by("pk")
    assert {(row.error, row.handled_at is not None, row.tries) for row in rows} == {(hearing.TWO_CALLS, True, 0)}
    second.refresh_from_db()
    assert (second.state, second.agent_vendor_id, second.vendor_id) == ("intended", None, None)
    world.user.is_staff = True
    world.user.save()
    client, page = signed_in(world.user), "/admin/campaigns/inbound/?state=told"
    row = Inbound.objects.earliest("pk")
    pressed = {"action": "close", "_selected_action": [str(row.pk)]}
    assert client.post(page, pressed).status_code == 403
    world.user.is_operator = True
    world.user.save()
    assert "Posts closed: 1." in client.post(page, pressed, follow=True).content.decode()
    assert str(row.pk) not in client.get(page).content.decode()
    assert AuditEvent.objects.get(action="vendor_post.closed").object_id == str(row.pk)


def test_a_post_that_breaks_may_be_closed_unless_it_may_be_an_opt_out(world: World) -> None:
    broken = {"vendor": "twilio", "received_at": NOON, "error": "DataError", "tries": 3}
    kinds = ("status", "caller", "message", "opt_out", "mail")
    ids = [Inbound.objects.create(kind=kind, dedupe=kind, **broken).pk for kind in kinds]
    assert posts.close(ids, by=world.user) == 2 and posts.close(ids, by=world.user) == 0
    waits = Inbound.objects.filter(handled_at__isnull=True, closed_at__isnull=True)
    assert set(waits.values_list("kind", flat=True)) == {"message", "opt_out", "mail"}


def test_an_old_request_is_dropped_and_its_call_stays(world: World, settings: Any) -> None:
    settings.KEEP_CALLS_DAYS = 30
    before = NOON - timedelta(days=365)
    call = VendorCall.objects.create(
        operation=catalogue.operation("call"), user=world.user, state="settled", inputs=1, price="0.05",
        reserved="0.05", cost="0.05", holds={}, created_at=before, slot_at=before, sent_at=before, ended_at=before,
        lease_until=before,
    )  # fmt: skip
    attempt = world.attempt(state="ended", ended_at=NOON, call=call)
    retention.apply()
    attempt.refresh_from_db()
    assert (attempt.state, attempt.call_id, VendorCall.objects.count()) == ("ended", None, 0)


def test_a_call_in_doubt_is_known_by_the_bridges_question_and_its_money_is_spent(world: World, settings: Any) -> None:
    operation = catalogue.operation("call")
    call = VendorCall.objects.create(
        operation=operation, user=world.user, state="in_doubt", inputs=1, price="0.05", reserved="0.05", holds={},
        created_at=NOON, slot_at=NOON, sent_at=NOON, lease_until=NOON,
    )  # fmt: skip
    attempt = world.attempt(state="in_doubt", call=call, sender=world.sender, error="in_doubt")
    assert dialed(ask_bridge(attempt)) == world.number()
    attempt.refresh_from_db()
    call.refresh_from_db()
    assert (attempt.state, attempt.agent_vendor_id, call.state, str(call.cost)) == (
        "intended", PARENT, "settled", "0.0500",
    )  # fmt: skip
