"""Who says stop is stopped, at once and everywhere: T3 and T4."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from campaigns.inbound import polling, reading, talks
from campaigns.locks import lock_conversation
from campaigns.models import Conversation, Delivery, Inbound, IncomingMessage, Member, Receipt, VendorPoll
from leads.models import Activity, Consent, EvidenceText, Seller, Suppression
from leads.permission.suppressing import in_force, suppress
from sandbox.server import Sandbox
from tests.campaigns.inbound.posting import by_signalhouse, by_twilio, sid
from tests.campaigns.sending.world import (
    OURS,
    World,
    at_time,
    digest,
    hits,
    make_campaign,
    make_company,
    make_people,
    make_world,
    manual,
    move,
    number_of,
    send_all,
)
from tests.command_line import run as run_command
from tests.support import make_user

pytestmark = pytest.mark.django_db(transaction=True)
NIGHT = datetime(2026, 9, 15, 6, 10, tzinfo=UTC)  # 2:10 AM in Boston
OTHERS = "+16175550101"  # another team's number


def second_team(settings: Any, name: str = "bob") -> World:
    """Another team, with a campaign of its own over the same person."""
    user = make_user(name)
    seller, sender = make_company(user, number=OTHERS)
    bucket, leads = make_people(user, seller, 1, name=name)
    return World(user, bucket, seller, sender, make_campaign(user, seller, sender, bucket, leads, name=name), leads)


def told(number: str) -> list[tuple[str, str, str]]:
    """What keeps this number, in order."""
    rows = Suppression.objects.filter(digest=digest(number)).order_by("pk")
    return [(row.reason, row.scope, row.source.partition(":")[0]) for row in rows]


def holds(number: str, seller: Seller) -> list[str]:
    return [
        row.reason for row in in_force([(1, digest(number))], "sms", seller_id=seller.pk).get((1, digest(number)), [])
    ]


def order(vendor: Sandbox, number: str, script: Any) -> None:
    requests.post(f"{vendor.base_url}/sandbox/numbers", json={number: script}, timeout=60).raise_for_status()


def test_a_stop_at_night_that_the_vendor_answered_stops_both_teams_and_sends_nothing(
    vendor: Sandbox, settings: Any
) -> None:
    """T3, first half."""
    ann = make_world(1, settings, moment=NIGHT)
    bob = second_team(settings)
    who = number_of(0)
    waiting = [manual(one, who, team_id=one.now().team_id) for one in (ann, bob)]
    assert by_twilio(who, "STOP", opt_out="STOP").status_code == 200
    assert Inbound.objects.get().handled_at is not None, "in that request"
    assert told(who) == [("stop", "any", "inbound")]
    row = Suppression.objects.get(digest=digest(who))
    assert EvidenceText.objects.get(parent=row.pk).text == "STOP"
    for one in (ann, bob):
        assert [(m.status, m.why) for m in one.members] == [(Member.Status.STOPPED, "opted_out")]
    assert {Delivery.objects.get(pk=one.pk).state for one in waiting} == {"cancelled"}
    send_all()
    assert hits(vendor) == []
    message = IncomingMessage.objects.get()
    assert (message.meaning, message.is_answered) == ("opt_out", True)
    assert message.conversation is not None
    assert (message.conversation.team_id, message.conversation.state) == (ann.now().team_id, "closed")
    assert Activity.objects.filter(kind="sms", lead=ann.leads[0]).count() == 1
    assert not Activity.objects.filter(kind="sms", lead=bob.leads[0]).exists(), "they wrote to Ann's number"


@pytest.mark.long
def test_a_stop_that_nobody_answered_is_confirmed_once_although_it_is_night(vendor: Sandbox, settings: Any) -> None:
    """T3, second half; a START lifts it, and only it."""
    world = make_world(2, settings, moment=NIGHT)
    who, other = number_of(0), number_of(1)
    order(vendor, other, "opted_out")
    for number in (who, other):
        assert by_twilio(number, "STOP").status_code == 200
    send_all()
    assert hits(vendor) == [who]
    sent, refused = (Delivery.objects.get(address=number, purpose="confirm") for number in (who, other))
    assert sent.receipt_id is not None
    assert sent.body == "Acme Homes LLC: You are unsubscribed. You will get no more messages from us."
    receipt = Receipt.objects.get(pk=sent.receipt_id)
    rules = {code: (verdict, told.get("waived")) for code, _, verdict, told in receipt.rules}
    assert (receipt.purpose, receipt.verdict) == ("confirm", "yes")
    assert (rules["suppressed"], rules["hours"]) == (("yes", "confirm"), ("yes", "confirm"))
    assert (refused.state, refused.error, refused.tries) == ("failed", "21610", 0)
    move(timedelta(minutes=1))
    assert by_twilio(who, "Stop. Thank you").status_code == 200
    send_all()
    assert hits(vendor) == [who]
    assert told(who) == [("stop", "any", "inbound")] * 2
    suppress([(1, who)], reason="litigator", source="user:1")
    assert by_twilio(who, "START").status_code == 200
    reading.handle_open()
    message = IncomingMessage.objects.get(meaning="start")
    consent = Consent.objects.get(kind="start")
    assert (consent.how, consent.reference) == ("inbound", f"inbound:{message.inbound_id.hex}")
    assert holds(who, world.seller) == ["litigator"]
    assert holds(other, world.seller) == ["stop", "vendor_opt_out"]
    assert by_twilio(who, "STOP").status_code == 200
    assert holds(who, world.seller) == ["litigator", "stop"]
    send_all()
    assert hits(vendor) == [who], "one confirmation a day"


STOPS = [
    "Stop. Thank you", "STOP!!!", "  stop ", "\uff33\uff54\uff4f\uff50", "sto\u200bp", "please stop, thanks",
    "STOPALL", "opt-out", "No m\u00e1s", "take me off your list", "never text me again", "don\u2019t contact me",
]  # fmt: skip


def test_every_way_to_say_stop_is_one_by_either_vendor(vendor: Sandbox, settings: Any) -> None:
    """T4: the words, through the webhook."""
    world = make_world(len(STOPS) + 1, settings)
    for place, words in enumerate(STOPS):
        write = by_twilio if place % 2 else by_signalhouse
        assert write(number_of(place), words).status_code == 200
        assert told(number_of(place)) == [("stop", "any", "inbound")], words
    assert Inbound.objects.filter(kind="opt_out", handled_at__isnull=False).count() == len(STOPS)
    who = number_of(len(STOPS))
    assert by_twilio(who, "don't call me before 5").status_code == 200
    reading.handle_open()
    assert told(who) == []
    talk = Conversation.objects.get(state="open")
    assert (talk.address, talk.received.get().meaning) == (who, "reply")
    assert (world.members[-1].status, world.members[-1].why) == (Member.Status.STOPPED, "replied")


@pytest.mark.long
def test_help_is_answered_once_a_day(vendor: Sandbox, settings: Any) -> None:
    """T4: HELP."""
    make_world(1, settings)
    who = number_of(0)
    for _ in range(2):
        assert by_twilio(who, "HELP").status_code == 200
        reading.handle_open()
        send_all()
        move(timedelta(hours=3))
    (answer,) = Delivery.objects.filter(purpose="reply")
    assert (answer.state, answer.by_id) == ("accepted", None)
    assert answer.body == "Acme Homes LLC writes about your property. Questions: (617) 555-0100. Reply STOP to end."
    assert hits(vendor) == [who]
    move(timedelta(hours=22))
    assert by_twilio(who, "info").status_code == 200
    reading.handle_open()
    assert Delivery.objects.filter(purpose="reply").count() == 2


@pytest.mark.long
def test_a_wrong_number_is_not_used_for_that_owner(vendor: Sandbox, settings: Any) -> None:
    world = make_world(1, settings)
    who = number_of(0)
    assert by_twilio(who, "Sorry, wrong number").status_code == 200
    assert told(who) == [("wrong_number", "sms", "inbound"), ("wrong_number", "call", "inbound")]
    assert {row.owner_key_id for row in Suppression.objects.filter(digest=digest(who))} == {
        world.members[0].owner_key_id
    }
    assert (world.members[0].status, world.members[0].why) == (Member.Status.STOPPED, "wrong_number")
    assert Conversation.objects.get().state == "closed"
    send_all()
    assert hits(vendor) == []


def test_a_stop_from_nobody_we_know_to_a_number_that_is_not_ours_suppresses_all_the_same(
    vendor: Sandbox, settings: Any
) -> None:
    world = make_world(1, settings)
    stranger = "+12125550177"
    assert by_twilio(stranger, "STOP", ours="+13125550199").status_code == 200
    assert told(stranger) == [("stop", "any", "inbound")]
    message = IncomingMessage.objects.get()
    assert (message.conversation, message.sender) == (None, None)
    assert Inbound.objects.get().error == "Written to a number that no company here texts from."
    assert by_twilio(stranger, "Who is this?").status_code == 200
    reading.handle_open()
    talk = Conversation.objects.get()
    assert (talk.team_id, talk.lead, talk.address) == (world.now().team_id, None, stranger)


def test_yes_opts_nobody_in_that_has_asked_nothing(vendor: Sandbox, settings: Any) -> None:
    """Twilio takes YES for START; to us it is an answer, and lifts nothing."""
    make_world(1, settings)
    assert by_twilio(number_of(0), "Yes", opt_out="START").status_code == 200
    reading.handle_open()
    assert (Conversation.objects.get().state, IncomingMessage.objects.get().meaning) == ("open", "reply")
    assert not Consent.objects.filter(kind="start").exists()


# --- What may be one --------------------------------------------------------------------------------------------------


def test_what_may_be_an_opt_out_is_held_and_after_a_day_is_one(vendor: Sandbox, settings: Any) -> None:
    world = make_world(3, settings)
    yes, no, late = (number_of(place) for place in range(3))
    for number in (yes, no, late):
        assert by_twilio(number, "We have got to STOP this bill").status_code == 200
    reading.handle_open()
    held = {talk.address: talk for talk in Conversation.objects.all()}
    assert {talk.state for talk in held.values()} == {"held"}
    with pytest.raises(talks.BadTalk) as raised:
        talks.reply(talk=held[no], by=world.user, text="Which bill?")
    assert raised.value.code == "HELD"
    talks.decide(talk=held[yes], by=world.user, is_opt_out=True)
    assert told(yes) == [("stop", "any", "inbound")]
    talks.decide(talk=held[no], by=world.user, is_opt_out=False)
    assert told(no) == []
    for number in (yes, no):
        with pytest.raises(talks.BadTalk) as raised:
            talks.decide(talk=held[number], by=world.user, is_opt_out=True)
        assert raised.value.code == "NOT_HELD"
    assert talks.decide_overdue() == 0
    move(timedelta(hours=25))
    assert talks.decide_overdue() == 1
    assert told(late) == [("undecided", "any", "inbound")]
    assert {n: Conversation.objects.get(pk=talk.pk).state for n, talk in held.items()} == {
        yes: "closed", no: "open", late: "closed",
    }  # fmt: skip
    assert told(no) == []
    send_all()
    assert hits(vendor) == [], "a person's decision is not their text: nothing is confirmed"


def test_words_that_come_while_one_decides_are_asked_anew(vendor: Sandbox, settings: Any, monkeypatch: Any) -> None:
    world = make_world(1, settings)
    who = number_of(0)
    assert by_twilio(who, "We have got to STOP this bill").status_code == 200
    reading.handle_open()
    talk, lock = Conversation.objects.get(), lock_conversation

    def meanwhile(talk_id: Any) -> Any:
        monkeypatch.setattr(talks, "lock_conversation", lock)
        message = IncomingMessage.objects.get()
        message.pk, message.inbound_id = None, talk_id
        message.pk = IncomingMessage._meta.pk.get_default()
        message._state.adding = True
        message.save()
        return lock(talk_id)

    monkeypatch.setattr(talks, "lock_conversation", meanwhile)
    assert talks.decide(talk=talk, by=world.user, is_opt_out=False).state == "held"
    assert talks.decide(talk=talk, by=world.user, is_opt_out=False).state == "open"


# --- What the vendor knows --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["twilio", "signalhouse_messaging"])
def test_what_an_outage_kept_from_us_is_fetched_once(vendor: Sandbox, settings: Any, name: str) -> None:
    """Our address was away: the vendor's posts are lost. One that comes again after it does not hide the others."""
    world = make_world(2, settings, vendor=name)
    assert world.sender.vendor == name
    at_time(settings, datetime.now(UTC))
    assert polling.fetch(name) == 0
    for place, words in enumerate(("STOP", "Who is this?")):
        asked = {"vendor": name, "from": number_of(place), "to": OURS, "text": words}
        requests.post(f"{vendor.base_url}/sandbox/texts", json=asked, timeout=60).raise_for_status()
    by_twilio("+12125550178", "Hello", id=sid())
    assert polling.fetch(name) == 2
    assert polling.fetch(name) == 0
    reading.handle_open()
    assert told(number_of(0)) == [("stop", "any", "inbound")]
    assert {row.meaning for row in IncomingMessage.objects.all()} == {"opt_out", "reply"}
    before = VendorPoll.objects.get(vendor=name).heard_until
    settings.VENDORS = settings.VENDORS | {name: settings.VENDORS[name] | {"key": "wrong"}}
    assert polling.fetch(name) == 0
    assert VendorPoll.objects.get(vendor=name).heard_until == before, "nothing was heard"


def test_who_has_opted_out_at_the_vendor_is_suppressed_once(vendor: Sandbox, settings: Any) -> None:
    name = "signalhouse_messaging"
    world = make_world(1, settings, vendor=name)
    at_time(settings, datetime.now(UTC))
    asked = {"vendor": name, "from": number_of(0), "to": OURS, "text": "STOP"}
    requests.post(f"{vendor.base_url}/sandbox/texts", json=asked, timeout=60).raise_for_status()
    assert run_command("sync_vendor_opt_outs").out == "SignalHouse messaging: new opt-outs 1, new posts 1\n"
    assert told(number_of(0)) == [("vendor_opt_out", "any", "vendor")]
    assert (world.members[0].status, world.members[0].why) == (Member.Status.STOPPED, "opted_out")
    assert run_command("sync_vendor_opt_outs").out == "SignalHouse messaging: new opt-outs 0, new posts 0\n"
    assert by_signalhouse(number_of(0), "START").status_code == 200
    reading.handle_open()
    assert holds(number_of(0), world.seller) == []
    assert polling.fetch_opt_outs(name) == 0
    assert holds(number_of(0), world.seller) == [], "what she said before her START does not come back"
