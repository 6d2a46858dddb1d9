"""Both vendors of text messages over a socket: what is sent and what not, what they post, what is found again."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import requests
import responses
from django.db import transaction

from common.db.clock import database_now
from integrations.ledger import catalogue
from integrations.ledger.admission import admit
from integrations.ledger.execution import execute
from integrations.ledger.reservation import Payer, reserve
from integrations.ledger.settlement import fail, lock_sent, settle
from integrations.models import Operation, Vendor, VendorCall
from integrations.operating.vendors import test_connection as ask_about_the_key
from integrations.vendors import available, messaging
from integrations.vendors.errors import HeldBack, InDoubt, Misconfigured, NotSent, Rejected, VendorFailure
from integrations.vendors.messages import Kind, Message
from sandbox import Sandbox, SandboxConfig
from tests.integrations.samples import sample
from tests.receiver import Received, Receiver
from tests.support import hanging_up_soon, make_user, point_at

TWILIO, SIGNALHOUSE = "twilio", "signalhouse_messaging"
BOTH = (TWILIO, SIGNALHOUSE)
OURS = "+13125550100"
TEXT = "Hi Pat, this is Jane of Roe Homes about 12 Oak Ln. Reply STOP to end."
_AREAS = (area for area in range(201, 555) if area % 100 != 11)
_numbers = (f"+1{area}55501{line:02}" for area in _AREAS for line in range(100))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """On a clock twenty times as fast: a person who answers after three seconds does so in 0.15 s."""
    with Sandbox(SandboxConfig(generate=10, clock="2026-09-15T15:00Z/20")) as server:
        yield server


@pytest.fixture(autouse=True)
def vendors(sandbox: Sandbox, settings: Any) -> None:
    point_at(sandbox, settings)


@pytest.fixture
def receiver(sandbox: Sandbox) -> Iterator[Receiver]:
    with Receiver() as one:
        yield one


def person(sandbox: Sandbox, script: object = "") -> str:
    """A number of this test's own, whose texts end as the script says."""
    number = next(_numbers)
    requests.post(f"{sandbox.base_url}/sandbox/numbers", json={number: script}, timeout=60).raise_for_status()
    return number


def called_back(sandbox: Sandbox, receiver: Receiver, ours: str = OURS) -> str:
    """A number of ours whose posts come to the receiver."""
    requests.post(f"{sandbox.base_url}/sandbox/callbacks", json={ours: receiver.url}, timeout=60).raise_for_status()
    return ours


def message(to: str, **fields: Any) -> Message:
    given: dict[str, Any] = {"to": to, "sender": OURS, "text": TEXT, "callback_url": "", "token": uuid4()} | fields
    return Message(**given)


def read(vendor: str, post: Received | messaging.RawPost) -> list[messaging.Post]:
    """What it says; it can be read."""
    found = messaging.read_post(vendor, post.headers, post.body)
    assert isinstance(found, list)
    return found


def hits(sandbox: Sandbox, number: str) -> int:
    log = requests.get(f"{sandbox.base_url}/__log", params={"to": number}, timeout=60).json()
    return int(log["hitsByRecipient"].get(number, 0))


# --- Sending ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", BOTH)
def test_a_text_is_sent_once_and_charged_by_our_count(sandbox: Sandbox, vendor: str) -> None:
    number = person(sandbox, "silent")
    sent = messaging.send(vendor, message(number, text="é" * 161, segments=3, valid_seconds=90_000))
    assert (sent.segments, sent.units, sent.claimed, sent.state) == (2, Decimal(3), Decimal(2), "accepted")
    assert (sent.found, sent.status, sent.request_id) == (1, 201, sent.vendor_id)
    log = requests.get(f"{sandbox.base_url}/__log", params={"to": number}, timeout=60).json()
    (hit,) = log["hits"]
    assert (hit["id"], hit["to"], hit["from"], hit["text"]) == (sent.vendor_id, number, OURS, "é" * 161)
    assert hit["validity"] == (36_000 if vendor == TWILIO else None), "ten hours are the most; SignalHouse has none"


@pytest.mark.parametrize("vendor", BOTH)
@pytest.mark.parametrize(
    ("script", "failure", "taken"),
    [
        ("hang_before", InDoubt, 0),
        ("hang_after", InDoubt, 1),
        ("500", InDoubt, 0),
        ("500_after", InDoubt, 1),
        ("504", InDoubt, 0),
        ("garbage", InDoubt, 1),
        ("429", HeldBack, 0),
        ("502", NotSent, 0),
        ("503", NotSent, 0),
    ],
)
def test_what_is_not_known_to_be_sent_is_in_doubt_and_what_is_not_sent_says_so(
    sandbox: Sandbox, settings: Any, vendor: str, script: str, failure: type[VendorFailure], taken: int
) -> None:
    number = person(sandbox, script)
    with hanging_up_soon(settings, script), pytest.raises(failure) as raised:
        messaging.send(vendor, message(number))
    assert type(raised.value) is failure
    assert not getattr(raised.value, "server_error", False), "no policy about bills may make it a second message"
    assert hits(sandbox, number) == taken
    if failure is HeldBack:
        assert isinstance(raised.value, HeldBack) and raised.value.retry_after == 1.0
    if failure in (HeldBack, NotSent):
        assert messaging.send(vendor, message(number)).vendor_id, "it may go later"


@pytest.mark.parametrize("vendor", BOTH)
@pytest.mark.parametrize(
    ("script", "kind", "codes"),
    [
        ("opted_out", Kind.OPTED_OUT, ("21610", "OUT")),
        ("dnc", Kind.OPTED_OUT, ("21610", "DNC")),
        ("bad_number", Kind.BAD_NUMBER, ("21211", "400")),
        ("landline", Kind.LANDLINE, ("21614", "FILTERED")),
        ("unregistered", Kind.UNREGISTERED, ("30034", "FAILED")),
        ("failed", Kind.INVALID, ("21999", "FAILED")),
        ("paused", None, ("21606", "400")),
        ("401", Kind.CONFIGURATION, ("20003", "401")),
        ("402", Kind.BALANCE, ("30002", "402")),
        ("403", Kind.CONFIGURATION, ("20003", "403")),
    ],
)
def test_a_refusal_has_a_kind_a_code_and_words_without_the_person(
    sandbox: Sandbox, vendor: str, script: str, kind: Kind | None, codes: tuple[str, str]
) -> None:
    number = person(sandbox, script)
    with pytest.raises(messaging.MessageRefused) as raised:
        messaging.send(vendor, message(number))
    refused = raised.value
    expected = kind or (Kind.CONFIGURATION if vendor == TWILIO else Kind.PAUSED)
    assert (refused.kind, refused.code) == (expected, codes[BOTH.index(vendor)])
    of_the_account = script in ("401", "402", "403")
    assert isinstance(refused, Misconfigured if of_the_account else Rejected)
    assert refused.words and number[2:] not in refused.words and TEXT not in refused.words
    assert hits(sandbox, number) == 0


def test_a_repeat_with_the_same_token_is_answered_and_not_sent_again(sandbox: Sandbox, settings: Any) -> None:
    asked = message(person(sandbox, "hang_after"))
    with hanging_up_soon(settings), pytest.raises(InDoubt):
        messaging.send(SIGNALHOUSE, asked)
    again = messaging.send(SIGNALHOUSE, asked)
    assert hits(sandbox, asked.to) == 1
    found = messaging.find(SIGNALHOUSE, asked, sandbox.messaging.clock.now() - timedelta(minutes=5))
    assert found is not None and found.vendor_id == again.vendor_id
    other_text = Message(asked.to, OURS, "Another text", "", asked.token)
    with pytest.raises(InDoubt, match="409"):
        messaging.send(SIGNALHOUSE, other_text)
    assert (messaging.may_repeat(SIGNALHOUSE), messaging.may_repeat(TWILIO)) == (True, False)


@pytest.mark.parametrize("vendor", BOTH)
def test_a_message_in_doubt_is_found_by_number_text_and_time(sandbox: Sandbox, vendor: str) -> None:
    number, began = person(sandbox, "silent"), sandbox.messaging.clock.now()
    ids = [messaging.send(vendor, message(number)).vendor_id for _ in range(2)]
    other = messaging.send(vendor, message(number, text="Another text"))

    found = messaging.find(vendor, message(number), began)
    assert found is not None and (found.vendor_id, found.kind, found.segments) == (ids[0], "accepted", 1)
    assert found.at is not None and abs(found.at - began) < timedelta(minutes=5)
    second = messaging.find(vendor, message(number), began, known=[ids[0]])
    assert second is not None and second.vendor_id == ids[1]
    assert messaging.find(vendor, message(number), began, known=[*ids, other.vendor_id]) is None
    assert messaging.find(vendor, message(number), began + timedelta(hours=1)) is None
    assert messaging.find(vendor, message(number, text="Not sent"), began) is None
    assert messaging.find(vendor, message(person(sandbox)), began) is None


# --- Posts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vendor", "script", "signed", "kinds"),
    [
        (TWILIO, "", True, ["sent", "delivered"]),
        (TWILIO, "new_scheme", True, ["sent", "delivered"]),
        (TWILIO, "other_port", True, ["sent", "delivered"]),
        (TWILIO, "doubled_key", True, ["sent", "delivered"]),
        (TWILIO, "json", True, ["sent", "delivered"]),
        (TWILIO, "unsigned", False, ["sent", "delivered"]),
        (TWILIO, "wrong_secret", False, ["sent", "delivered"]),
        (TWILIO, "twice", True, ["sent", "sent", "delivered", "delivered"]),
        (TWILIO, "reversed", True, ["delivered", "sent"]),
        (TWILIO, "late", True, ["sent", "delivered"]),
        (TWILIO, "every_order", True, ["delivered", "sent", "delivered", "failed"]),
        (TWILIO, "no_texts", True, ["sent", "undelivered"]),
        (SIGNALHOUSE, "", True, ["delivered"]),
        (SIGNALHOUSE, "old_secret", True, ["delivered"]),
        (SIGNALHOUSE, "both_secrets", True, ["delivered"]),
        (SIGNALHOUSE, "unsigned", False, ["delivered"]),
        (SIGNALHOUSE, "wrong_secret", False, ["delivered"]),
        (SIGNALHOUSE, "twice", True, ["delivered", "delivered"]),
        (SIGNALHOUSE, "opted_out_later", True, ["failed"]),
    ],
)
def test_a_status_is_signed_and_read(
    sandbox: Sandbox,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    vendor: str,
    script: str,
    signed: bool,
    kinds: list[str],
) -> None:
    monkeypatch.setattr("sandbox.texting.LATE_S", 2.0)
    callback = f"{receiver.url}/api/webhooks/twilio/status/7?x=1"
    sent = messaging.send(
        vendor, message(person(sandbox, script), sender=called_back(sandbox, receiver), callback_url=callback)
    )
    events = []
    for post in receiver.wait(len(kinds)):
        assert messaging.is_signed(vendor, url=post.url, headers=post.headers, body=post.body) is signed
        assert not messaging.is_signed(vendor, url=post.url, headers=post.headers, body=post.body + b" ")
        (event,) = read(vendor, post)
        assert isinstance(event, messaging.StatusEvent) and event.vendor_id == sent.vendor_id
        events.append(event)
    assert [event.kind for event in events] == kinds
    refusals = {"undelivered": ("30006", Kind.LANDLINE), "failed": ("30008", Kind.CARRIER)}
    if vendor == SIGNALHOUSE:
        refusals = {"failed": ("OUT", Kind.OPTED_OUT)}
    for event in events:
        assert (event.error, event.refusal) == refusals.get(event.kind, ("", None))
    if script == "twice":
        keys = [messaging.dedupe_of(vendor, post.headers, post.body) for post in receiver.posts]
        assert len(set(keys)) == len(keys) / 2


@pytest.mark.parametrize("vendor", BOTH)
def test_a_status_may_come_before_the_answer(sandbox: Sandbox, receiver: Receiver, vendor: str) -> None:
    ours = called_back(sandbox, receiver)
    sent = messaging.send(vendor, message(person(sandbox, "early"), sender=ours, callback_url=receiver.url + "/s"))
    events = [read(vendor, post) for post in receiver.posts]
    assert events and all(getattr(event, "vendor_id", "") == sent.vendor_id for found in events for event in found)


def test_what_the_carrier_holds_past_its_validity_is_not_delivered(sandbox: Sandbox, receiver: Receiver) -> None:
    number = person(sandbox, {"deliver_after": 3600})
    messaging.send(TWILIO, message(number, callback_url=f"{receiver.url}/s", valid_seconds=2))
    (post,) = receiver.wait(1)
    (event,) = read(TWILIO, post)
    assert isinstance(event, messaging.StatusEvent)
    assert (event.kind, event.error, event.refusal) == ("undelivered", "30036", Kind.CARRIER)


@pytest.mark.parametrize("vendor", BOTH)
@pytest.mark.parametrize(
    ("script", "texts"),
    [
        ("stop", ["STOP"]),
        ("bill", ["We have got to STOP this bill"]),
        ("wrong", ["wrong number"]),
        ("start", ["STOP", "START"]),
        ("help", ["HELP"]),
        ("emoji", ["\N{THUMBS UP SIGN}"]),
        ("three", ["Hi", "who is this", "and how do you know my house?"]),
    ],
)
def test_people_answer_by_number(
    sandbox: Sandbox, receiver: Receiver, vendor: str, script: str, texts: list[str]
) -> None:
    number, ours = person(sandbox, {"do": script, "statuses": []}), called_back(sandbox, receiver)
    messaging.send(vendor, message(number, sender=ours))
    found = []
    for post in receiver.wait(len(texts)):
        assert messaging.is_signed(vendor, url=post.url, headers=post.headers, body=post.body)
        (text,) = read(vendor, post)
        assert isinstance(text, messaging.IncomingText)
        assert (text.number, text.ours, text.media) == (number, ours, 0)
        found.append(text)
    assert [text.text for text in found] == texts
    answered = [text.opt_out for text in found if text.is_answered]
    by_itself = {"stop": ["STOP"], "start": ["STOP"], "help": ["HELP"]} if vendor == SIGNALHOUSE else {}
    assert answered == by_itself.get(script, [])
    if script == "stop" and vendor == TWILIO:
        with pytest.raises(messaging.RecipientRefused) as refused:
            messaging.send(vendor, message(number, sender=ours))
        assert refused.value.kind == Kind.OPTED_OUT


def test_twilio_says_where_it_has_answered_by_itself(sandbox: Sandbox, receiver: Receiver) -> None:
    number, ours = person(sandbox, "stop+silent+opt_out_type"), called_back(sandbox, receiver)
    messaging.send(TWILIO, message(number, sender=ours))
    (post,) = receiver.wait(1)
    (text,) = read(TWILIO, post)
    assert isinstance(text, messaging.IncomingText) and (text.opt_out, text.is_answered) == ("STOP", True)


# --- After an outage --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", BOTH)
def test_what_was_posted_while_nobody_listened_is_fetched_and_is_the_same_post(
    sandbox: Sandbox, receiver: Receiver, vendor: str
) -> None:
    began, ours = sandbox.messaging.clock.now(), f"+1312555{'0151' if vendor == TWILIO else '0152'}"
    called_back(sandbox, receiver, ours)
    number = person(sandbox, "stop+twice")
    sent = messaging.send(vendor, message(number, sender=ours, callback_url=f"{receiver.url}/s"))
    posts = receiver.wait(6 if vendor == TWILIO else 4)
    pushed = {messaging.dedupe_of(vendor, post.headers, post.body) for post in posts}
    fetched = {post.dedupe: post for post in messaging.notifications(vendor, began)}
    assert len(pushed) == (3 if vendor == TWILIO else 2)
    assert {key for key in pushed if "sent" not in key} <= set(fetched), "Twilio lists only the last status"
    events = [event for post in fetched.values() for event in read(vendor, post)]
    mine = [e for e in events if getattr(e, "number", "") == number or getattr(e, "vendor_id", "") == sent.vendor_id]
    assert {type(one) for one in mine} == {messaging.StatusEvent, messaging.IncomingText}

    opt_outs = [one for one in messaging.vendor_opt_outs(vendor, began) if one.number == number]
    assert [(one.ours, one.words) for one in opt_outs] == ([(ours, "stop")] if vendor == SIGNALHOUSE else [])


def test_a_group_is_needed_to_ask_what_signalhouse_knows(settings: Any) -> None:
    settings.VENDORS = settings.VENDORS | {SIGNALHOUSE: settings.VENDORS[SIGNALHOUSE] | {"group": ""}}
    with pytest.raises(Misconfigured, match="SIGNALHOUSE_MESSAGING_GROUP is not set"):
        list(messaging.notifications(SIGNALHOUSE, datetime.now(UTC)))


def test_a_warning_of_a_number_or_a_campaign_is_told(sandbox: Sandbox, receiver: Receiver) -> None:
    ours = called_back(sandbox, receiver)
    events = {
        "NUMBER_HEALTH_BELOW_THRESHOLD": ({"Number": {"phoneNumber": ours[1:]}}, ("number", ours)),
        "CAMPAIGN_HEALTH_BELOW_THRESHOLD": ({"campaignId": "C1234567"}, ("campaign", "C1234567")),
    }
    for count, (event, (data, told)) in enumerate(events.items(), 1):
        order = {"event": event, "metaData": data, "to": ours}
        requests.post(f"{sandbox.base_url}/sandbox/health", json=order, timeout=60).raise_for_status()
        post = receiver.wait(count)[-1]
        (health,) = read(SIGNALHOUSE, post)
        assert isinstance(health, messaging.HealthEvent) and (health.about, health.ours) == told


def told_by(wire: responses.RequestsMock, path: str, pages: Callable[[int], object], settings: Any) -> None:
    """SignalHouse answers a list with what `pages` has of the page that is asked for."""
    place = {"base_url": "http://signalhouse.test", "key": "sesame", "group": "G1"}
    settings.VENDORS = settings.VENDORS | {SIGNALHOUSE: place}

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        return 200, {}, json.dumps(pages(int(request.params["page"])))

    wire.add_callback(responses.GET, f"http://signalhouse.test{path}", callback=answer)


@pytest.mark.parametrize("newest_first", [True, False])
def test_notifications_are_read_to_the_end_whatever_their_order(settings: Any, newest_first: bool) -> None:
    began = datetime(2026, 11, 29, tzinfo=UTC)
    records = [
        {
            "timestamp": (began + timedelta(minutes=minute)).isoformat(),
            "event": "MESSAGE_DELIVERED",
            "identifier": f"m{minute}",
            "metaData": {"_id": f"m{minute}"},
        }
        for minute in range(-400, 150)
    ]
    rows = records[::-1] if newest_first else records
    with responses.RequestsMock() as wire:
        told_by(wire, "/notification", lambda page: {"docs": rows[(page - 1) * 100 : page * 100]}, settings)
        keys = [post.dedupe for post in messaging.notifications(SIGNALHOUSE, began)]
        asked = len(wire.calls)
    assert sorted(keys) == sorted(f"MESSAGE_DELIVERED:m{minute}" for minute in range(150))
    assert asked == (3 if newest_first else 6), "a page of old ones is the last, where the newest come first"


def test_an_opt_out_that_cannot_be_read_is_an_error_after_all_others(settings: Any) -> None:
    known = {"recipientPhoneNumber": "12025550143", "senderPhoneNumber": OURS[1:], "optOutKeyword": "stop"}
    with responses.RequestsMock() as wire:
        told_by(wire, "/message/dnc", lambda _: [{"who": "x"}, known], settings)
        found = messaging.vendor_opt_outs(SIGNALHOUSE, datetime.now(UTC))
        assert next(found).number == "+12025550143"
        with pytest.raises(Rejected, match="lists 1 opt-outs"):
            next(found)


# --- The account ------------------------------------------------------------------------------------------------------


def test_what_is_missing_is_named(settings: Any) -> None:
    settings.PUBLIC_URL = "https://app.example.com"
    assert [messaging.lack(vendor) for vendor in BOTH] == ["", ""]
    for changes, told in (
        ({"PUBLIC_URL": ""}, "Twilio cannot reach us: PUBLIC_URL is not set"),
        (
            {"VENDORS": {TWILIO: {"base_url": "http://x", "key": "k", "account": ""}}},
            "Twilio is not available: no account (TWILIO_ACCOUNT_SID is not set)",
        ),
    ):
        for name, value in changes.items():
            setattr(settings, name, value)
        assert messaging.lack(TWILIO) == told
        settings.PUBLIC_URL = "https://app.example.com"
    settings.VENDORS = {SIGNALHOUSE: {"base_url": "", "key": "k"}}
    told = "SignalHouse messaging is not available: no address (SIGNALHOUSE_MESSAGING_URL is not set)"
    assert available.lack(SIGNALHOUSE) == told
    with pytest.raises(Misconfigured, match="SIGNALHOUSE_MESSAGING_URL is not set"):
        messaging.send(SIGNALHOUSE, message("+12025550143"))
    settings.VENDORS = {SIGNALHOUSE: {"base_url": "http://x", "key": "k"}}
    settings.SIGNALHOUSE_WEBHOOK_SECRETS = []
    assert "SIGNALHOUSE_WEBHOOK_SECRETS" in messaging.lack(SIGNALHOUSE)
    with pytest.raises(KeyError):
        messaging.send("apollo", message("+12025550143"))


@pytest.mark.parametrize("vendor", BOTH)
def test_the_connection_test_asks_for_nothing_that_costs(sandbox: Sandbox, settings: Any, vendor: str) -> None:
    assert ask_about_the_key(Vendor(name=vendor)).ok is True
    settings.VENDORS = settings.VENDORS | {vendor: settings.VENDORS[vendor] | {"key": "a-wrong-key"}}
    answer = ask_about_the_key(Vendor(name=vendor))
    assert answer.ok is False and "401" in answer.words and "a-wrong-key" not in answer.words


def test_nothing_of_a_person_is_shown_or_logged(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    number = person(sandbox, "garbage")
    with pytest.raises(InDoubt) as raised:
        messaging.send(TWILIO, message(number))
    shown = [repr(message(number)), repr(raised.value), repr(raised.value.evidence), caplog.text]
    assert not [text for text in shown if number in text or "Roe Homes" in text]
    assert raised.value.evidence is not None and raised.value.evidence.raw is None


# --- Published bodies -------------------------------------------------------------------------------------------------


def test_the_published_posts_of_signalhouse_are_read() -> None:
    received = json.dumps(sample("signalhouse_webhook_event_message_received.json")).encode()
    (text,) = read(SIGNALHOUSE, messaging.RawPost(received, {}, ""))
    assert isinstance(text, messaging.IncomingText)
    assert (text.vendor_id, text.number, text.ours) == ("66a3f0c2e4b0a1b2c3d4e5f6", "+15555550199", "+15555550100")
    assert (text.text, text.opt_out, text.is_answered) == ("STOP", "STOP", True)
    assert text.at is not None and text.at.isoformat() == "2026-07-26T12:00:00+00:00"
    delivered = json.dumps(sample("signalhouse_webhook_event_message_delivered.json")).encode()
    (event,) = read(SIGNALHOUSE, messaging.RawPost(delivered, {}, ""))
    assert isinstance(event, messaging.StatusEvent)
    assert (event.vendor_id, event.kind) == ("66a3f0c2e4b0a1b2c3d4e5f7", "delivered")
    assert messaging.dedupe_of(SIGNALHOUSE, {}, delivered) == "MESSAGE_DELIVERED:66a3f0c2e4b0a1b2c3d4e5f7"


# --- The ledger -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("script", "state", "cost", "paused"),
    [
        ("silent", VendorCall.State.SETTLED, "0.0166", False),
        ("opted_out", VendorCall.State.RELEASED, "0", False),
        ("hang_after", VendorCall.State.IN_DOUBT, "0", False),
        ("503", VendorCall.State.RELEASED, "0", False),
        ("429", VendorCall.State.RELEASED, "0", False),
        ("402", VendorCall.State.RELEASED, "0", True),
    ],
)
def test_the_ledger_pays_for_it_as_for_any_purchase(
    sandbox: Sandbox, settings: Any, script: str, state: str, cost: str, paused: bool
) -> None:
    settings.OPERATIONS = {"sms": {**settings.OPERATIONS["sms"], "vendor": TWILIO, "pace": Decimal(0)}}
    operation, payer = catalogue.operation("sms"), Payer(make_user().pk, "campaign:1")
    with transaction.atomic():
        call = reserve(admit(operation.pk), [2], payer).call
    assert call is not None
    asked = message(person(sandbox, script), segments=2)

    def conclude(outcome: Any, _out_of_order: bool) -> Any:
        locked = lock_sent(call.pk)
        assert locked is not None
        if outcome.reply is None:
            fail(locked, outcome.failure, database_now(), outcome.latency_ms)
        else:
            settle(locked, outcome.reply, database_now(), outcome.latency_ms)
        return outcome

    with hanging_up_soon(settings, script):
        done = execute(
            operation, call.pk, lambda: messaging.send(TWILIO, asked), wanted=lambda: True, conclude=conclude
        )
    call.refresh_from_db()
    assert (call.state, call.cost) == (state, Decimal(cost))
    assert bool(done.stops) is paused is bool(Vendor.objects.get(pk=TWILIO).paused_reason)
    held = Operation.objects.get(pk=operation.pk).next_slot_at
    assert (script == "429") is (held is not None and held > database_now() + timedelta(seconds=0.2))
