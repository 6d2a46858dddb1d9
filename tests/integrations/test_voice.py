"""Both vendors of calls over a socket: what is placed and what not, what is posted, what is found again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import requests

from integrations.vendors import voice
from integrations.vendors.errors import HeldBack, InDoubt, Misconfigured, NotSent, Rejected, VendorFailure
from integrations.vendors.messages import Kind
from integrations.vendors.twilio import call_posts, twiml
from integrations.vendors.voice import AnsweredBy, Dial, DialEnd, LegEvent, Unreadable
from sandbox import Sandbox, SandboxConfig
from tests.integrations.samples import sample
from tests.receiver import Receiver
from tests.support import PATIENCE, hanging_up_soon, point_at

TWILIO, SIGNALHOUSE = "twilio", "signalhouse_messaging"
BOTH = (TWILIO, SIGNALHOUSE)
OURS = "+13125550100"
_numbers = (f"+1{area}55501{line:02}" for area in range(201, 555) if area % 100 != 11 for line in range(100))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """On a clock twenty times as fast."""
    with Sandbox(SandboxConfig(generate=10, clock="2026-09-15T15:00Z/20")) as server:
        yield server


@pytest.fixture(autouse=True)
def vendors(sandbox: Sandbox, settings: Any) -> None:
    point_at(sandbox, settings)


def phone(sandbox: Sandbox, script: object = "") -> str:
    number = next(_numbers)
    requests.post(f"{sandbox.base_url}/sandbox/calls", json={number: script}, timeout=60).raise_for_status()
    return number


def dial(vendor: str, sandbox: Sandbox, script: object = "", **fields: Any) -> Dial:
    """By Twilio the script is of the caller's own phone, which is the one it is asked to call."""
    numbers = (phone(sandbox, script), phone(sandbox)) if vendor == TWILIO else ("agent-7", phone(sandbox, script))
    given: dict[str, Any] = {"agent": numbers[0], "to": numbers[1], "sender": OURS, "token": uuid4()}
    return Dial(**given | {"answer_url": "http://127.0.0.1:9/bridge"} | fields)


def rung(one: Dial, vendor: str) -> str:
    return one.agent if vendor == TWILIO else one.to


def log(sandbox: Sandbox, number: str) -> Any:
    return requests.get(f"{sandbox.base_url}/__log", params={"to": number}, timeout=60).json()


def wait_for(sandbox: Sandbox, number: str, status: str) -> Any:
    """The call to this number, once it is so."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        calls = log(sandbox, number)["calls"]
        if calls and calls[-1]["status"] == status:
            return calls[-1]
        time.sleep(0.02)
    raise AssertionError(f"{number} is not {status}: {log(sandbox, number)['calls']}")


@pytest.mark.parametrize("vendor", BOTH)
def test_a_call_is_placed_once_and_is_one_unit(sandbox: Sandbox, vendor: str) -> None:
    one = dial(vendor, sandbox)
    placed = voice.place(vendor, one)
    assert (placed.units, placed.claimed, placed.found, placed.status) == (Decimal(1), None, 1, 201)
    (call,) = log(sandbox, rung(one, vendor))["calls"]
    assert (call["id"], call["from"]) == (placed.vendor_id, OURS) and placed.request_id == placed.vendor_id


@pytest.mark.parametrize("vendor", BOTH)
@pytest.mark.parametrize(
    ("script", "failure", "taken"),
    [
        ("hang_before", InDoubt, 0),
        ("hang_after", InDoubt, 1),
        ("500_after", InDoubt, 1),
        ("garbage", InDoubt, 1),
        ("429", HeldBack, 0),
        ("503", NotSent, 0),
        ("bad_number", Rejected, 0),
        ("401", Misconfigured, 0),
    ],
)
def test_what_is_not_known_to_be_placed_is_in_doubt(
    sandbox: Sandbox, settings: Any, vendor: str, script: str, failure: type[VendorFailure], taken: int
) -> None:
    one = dial(vendor, sandbox, script)
    began = sandbox.messaging.clock.now()
    with hanging_up_soon(settings, script), pytest.raises(failure) as raised:
        voice.place(vendor, one)
    assert not getattr(raised.value, "server_error", False)
    assert rung(one, vendor)[2:] not in raised.value.reason
    assert log(sandbox, rung(one, vendor))["callsByRecipient"].get(rung(one, vendor), 0) == taken
    found = voice.find(vendor, one, began - timedelta(seconds=5))
    assert (found is not None) == bool(taken)
    if found is not None:
        assert voice.find(vendor, one, began - timedelta(seconds=5), known=[found.vendor_id]) is None
        assert voice.find(vendor, one, began + timedelta(hours=1)) is None
    if script == "bad_number":
        assert isinstance(raised.value, voice.MessageRefused) and raised.value.kind in (Kind.BAD_NUMBER, Kind.INVALID)


@pytest.mark.parametrize("vendor", BOTH)
def test_a_call_is_fetched_and_hung_up(sandbox: Sandbox, vendor: str) -> None:
    one = dial(vendor, sandbox, "no_answer", say="Your code is 1 2 3 4." if vendor == TWILIO else "")
    ended = voice.place(vendor, one).vendor_id
    wait_for(sandbox, rung(one, vendor), "no-answer")
    assert voice.fetch(vendor, ended).kind == "no_answer"
    two = dial(vendor, sandbox, {"rings": 60.0})
    rings = voice.place(vendor, two).vendor_id
    voice.hang_up(vendor, rings)
    wait_for(sandbox, rung(two, vendor), "canceled")
    assert voice.fetch(vendor, rings).kind == "canceled"
    with pytest.raises(ValueError, match="is no call"):
        voice.hang_up(vendor, "../Messages")


def test_words_are_spoken_three_times_and_the_line_ends(sandbox: Sandbox) -> None:
    one = dial(TWILIO, sandbox, "human", say="Your code is 1 2 & 3.")
    voice.place(TWILIO, one)
    call = wait_for(sandbox, one.agent, "completed")
    assert call["said"] == ["Your code is 1 2 & 3."] * 3
    assert (voice.can_speak(TWILIO), voice.can_speak(SIGNALHOUSE), voice.can_play(SIGNALHOUSE)) == (True, False, False)


@pytest.mark.parametrize(
    ("ends", "kinds", "told"),
    [
        ({"talks": 1.0}, ["queued", "ringing", "answered", "completed"], "completed"),
        ({"ends": "answered", "talks": 1.0}, ["queued", "ringing", "answered", "completed"], "completed"),
        ("busy", ["queued", "ringing", "busy"], "busy"),
        ("no_answer", ["queued", "ringing", "no_answer"], "no_answer"),
        ("failed", ["queued", "ringing", "failed"], "failed"),
        ("canceled", ["queued", "ringing", "canceled"], "canceled"),
    ],
)
def test_each_leg_is_posted_in_order_and_how_dialing_ended(
    sandbox: Sandbox, ends: object, kinds: list[str], told: str
) -> None:
    lead = phone(sandbox, ends)
    with Receiver() as receiver:
        receiver.said["/bridge"] = twiml.bridge(
            to=lead, caller_id=OURS, call_url=f"{receiver.url}/call", dial_url=f"{receiver.url}/dial",
            amd_url=f"{receiver.url}/amd",
        )  # fmt: skip
        one = dial(TWILIO, sandbox, "human", answer_url=f"{receiver.url}/bridge", status_url=f"{receiver.url}/agent")
        parent = voice.place(TWILIO, one).vendor_id
        wait_for(sandbox, one.agent, "completed")
        leg = wait_for(sandbox, lead, "completed" if told == "completed" else told.replace("_", "-"))
        posts = receiver.wait(4 + 1 + len(kinds) + 1 + ("answered" in kinds))

    def said(path: str) -> list[Any]:
        return [voice.read_post(post.headers, post.body) for post in posts if post.url.endswith(path)]

    of_lead = said("/call")
    assert all(isinstance(event, LegEvent) for event in of_lead)
    assert [event.kind for event in of_lead] == kinds
    assert [event.sequence for event in of_lead] == list(range(len(kinds)))
    assert {(event.vendor_id, event.parent_id) for event in of_lead} == {(leg["id"], parent)}
    (ended,) = said("/dial")
    assert isinstance(ended, DialEnd) and (ended.kind, ended.agent_id, ended.vendor_id) == (told, parent, leg["id"])
    assert said("/amd") == ([AnsweredBy(TWILIO, leg["id"], "human")] if "answered" in kinds else [])
    keys = [voice.dedupe_of(post.headers, post.body) for post in posts if not post.url.endswith("/bridge")]
    assert len(set(keys)) == len(keys)


FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"CallSid=CA00000000000000000001&CallStatus=ringing", "ringing 1"),
        (b"CallSid=CA00000000000000000001&CallStatus=ringing&SequenceNumber=7", "ringing 7"),
        (b"CallSid=CA00000000000000000001&CallStatus=completed&CallDuration=x", "completed 3"),
        (b"CallSid=CA00000000000000000001&CallStatus=new-word", "None"),
        (b"CallSid=CA00000000000000000001", "None"),
        (b"CallSid=CA00000000000000000001&DialCallStatus=odd", "None"),
        (b"CallStatus=ringing", "Unreadable"),
        (b"CallSid=../../x&CallStatus=ringing", "Unreadable"),
        (b"", "Unreadable"),
        (b"[1]", "Unreadable"),
        (b"CallSid=CA00000000000000000001&AnsweredBy=Robert'); DROP", "None"),
        (b"CallSid=CA00000000000000000001&AnsweredBy=machine_start", "machine_start"),
    ],
)
def test_a_post_of_a_call_is_read_or_refused_and_never_breaks(body: bytes, found: str) -> None:
    said = voice.read_post(FORM, body)
    if isinstance(said, LegEvent):
        assert f"{said.kind} {said.sequence}" == found
    elif isinstance(said, AnsweredBy):
        assert said.answered_by == found
    else:
        assert ("Unreadable" if isinstance(said, Unreadable) else str(said)) == found
    assert 0 < len(voice.dedupe_of(FORM, body)) <= 128


@pytest.mark.parametrize(
    ("body", "pressed"),
    [(b"Digits=1", True), (b"Digits=%23", True), (b"Digits=", False), (b"", False), (b"[1]", False)],
)
def test_a_key_is_pressed_or_it_is_not(body: bytes, pressed: bool) -> None:
    assert voice.has_pressed(FORM, body) == pressed


def test_what_people_could_write_into_twiml_stays_text() -> None:
    document = twiml.bridge(
        to='+1<Say>"', caller_id='"&', call_url="https://a.example/?a=1&b=2", dial_url="https://a.example", amd_url=""
    )
    root = call_posts_root(document)
    assert root.find("Dial/Number").text == '+1<Say>"' and root.find("Dial").get("callerId") == '"&'
    assert root.find("Dial/Number").get("machineDetection") is None, "nobody listens for a machine unless asked"
    assert "record" not in document.lower(), "nothing asks for a recording"


def call_posts_root(document: str) -> Any:
    import xml.etree.ElementTree as ET

    return ET.fromstring(document)


def test_the_recorded_sample_is_read() -> None:
    """As Twilio's own description shows a call."""
    assert call_posts.KINDS[sample("twilio_call_201_create")["status"]] == "completed"
