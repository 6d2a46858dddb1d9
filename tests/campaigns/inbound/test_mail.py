"""What follows from an e-mail that came in: T14's reply, T15, and what a stranger may write without any of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from campaigns import clock
from campaigns.inbound import forgetting, history, mail_posts, reading, talks
from campaigns.models import Conversation, Delivery, Inbound, IncomingMessage, Member
from campaigns.sending.mailing import message_id
from common.db.clock import database_now
from leads.keys import key_secrets
from leads.models import Activity, Suppression
from leads.privacy.places import Her
from sandbox.server import Sandbox
from tests.admin_site import signed_in
from tests.api.client import Api, body_of
from tests.campaigns.inbound.mail_posting import came, comes, letter, post_mail
from tests.campaigns.inbound.posting import by_twilio
from tests.campaigns.inbound.test_posts import at_once
from tests.campaigns.sending.mailing import make_mails, of
from tests.campaigns.sending.postbox import Postbox, words
from tests.campaigns.sending.test_mailing import reasons
from tests.campaigns.sending.world import World, move, number_of, send_all
from tests.support import mostly_long

pytestmark = pytest.mark.django_db(transaction=True)
TWO = ((0, "days", "email"), (1, "business_days", "email"))
MANY = 40  # as 200: each is a row, and nothing follows from the second
MIXED = ((0, "days", "email"), (1, "days", "sms"))


def digest_of(address: str) -> bytes:
    (secret,) = key_secrets.for_reading()
    return key_secrets.digest(secret, 2, address)


def lines(world: World, place: int = 0) -> list[str]:
    """What they did, as its page tells it: not what we sent."""
    rows = Activity.objects.filter(lead=world.leads[place], kind="email").order_by("pk")
    return list(rows.exclude(ref__in=Delivery.objects.values("pk")).values_list("text", flat=True))


def member(world: World, place: int = 0) -> Member:
    return Member.objects.get(lead=world.leads[place])


def state(world: World, place: int = 0) -> str:
    return Member.Status(member(world, place).status).name.lower()


def handled() -> list[tuple[str, bool, str]]:
    return [(row.kind, row.handled_at is not None, row.error) for row in Inbound.objects.order_by("pk")]


def write(raw: bytes | str) -> None:
    assert post_mail(raw).status_code == 200
    reading.handle_open()


def test_a_reply_from_an_alias_with_our_token_stops_and_is_answered_in_its_thread(
    postbox: Postbox, settings: Any
) -> None:
    """T14: the sequence stops, the conversation opens; a person answers by e-mail."""
    place = make_mails(2, settings, postbox, steps=TWO)
    send_all()
    sent = of(place, "p0")
    came(postbox, "alias", "p0@example.com")
    assert (state(place), member(place).why, place.now().replied) == ("stopped", "replied", 1)
    assert state(place, 1) == "active"
    talk = Conversation.objects.get()
    assert (talk.channel, talk.address, talk.state, talk.lead_id) == (
        "email", "p0+home@example.com", "open", place.leads[0].pk,
    )  # fmt: skip
    heard = IncomingMessage.objects.get()
    assert (heard.delivery_id, heard.meaning, heard.text) == (
        sent.pk, "reply", "Yes, I might sell. Call me next week."
    )  # fmt: skip
    assert lines(place) == ["They wrote: Yes, I might sell. Call me next week."]
    assert reasons() == []
    answer = Api(place.user).post(f"/api/conversations/{talk.pk}/messages", {"text": "Gladly. Tuesday?"})
    assert body_of(answer, 202)["message"]["channel"] == "email"
    send_all()
    to, mail = postbox.taken[-1]
    assert to == "p0+home@example.com"
    assert mail["Subject"] == f"Re: {sent.subject}"
    assert mail["In-Reply-To"] == heard.message_id
    assert mail["References"].split() == [message_id(sent.pk, "ann@mail.example.com"), heard.message_id]
    assert words(mail).startswith("Gladly. Tuesday?")
    said = body_of(Api(place.user).get(f"/api/conversations/{talk.pk}"))
    assert said["conversation"]["channel"] == "email"
    assert [(one["direction"], one["subject"]) for one in said["messages"]] == [
        ("out", sent.subject), ("in", f"Re: {sent.subject}"), ("out", f"Re: {sent.subject}"),
    ]  # fmt: skip
    place.user.is_staff = True
    place.user.save()
    page = signed_in(place.user)
    shown = page.get(f"/admin/campaigns/conversation/{talk.pk}/change/").content.decode()
    assert "p0+home@example.com" in shown and "Gladly. Tuesday?" in shown and "Your e-mail" in shown
    assert "E-mail" in page.get("/admin/campaigns/conversation/").content.decode()
    move(timedelta(days=3))
    send_all()
    assert sorted(postbox.to()) == ["p0+home@example.com", "p0@example.com", "p1@example.com", "p1@example.com"]


@pytest.mark.long
def test_out_of_office_holds_and_starts_nothing(postbox: Postbox, settings: Any) -> None:
    """T15: held until the business day after the day they name; 200 in a minute: all stored, one line, no answer."""
    place = make_mails(2, settings, postbox, steps=TWO)
    send_all()
    raw = comes(postbox, "away", "p0@example.com")
    for number in range(MANY):
        assert mail_posts.keep_raw(raw.replace(b"Message-ID: <", f"Message-ID: <{number}-".encode(), 1)) is not None
    reading.handle_open()
    assert handled() == [("mail", True, "")] * MANY
    held = member(place)
    assert (state(place), held.why) == ("held", "out_of_office")
    assert held.held_until == datetime(2026, 10, 6, 4, tzinfo=UTC), "midnight in Boston"
    assert lines(place) == ["Automatic answer: out of office. On hold until Oct 6."]
    assert not Conversation.objects.exists() and not IncomingMessage.objects.exists() and reasons() == []
    nameless = comes(postbox, "away", "p1@example.com", words="I am away from my desk.")
    write(nameless)
    until = member(place, 1).held_until
    assert until is not None and abs(until - clock.now() - timedelta(days=7)) < timedelta(minutes=1)
    send_all()
    assert len(postbox.taken) == 2, "nobody was answered"


def test_bounces_by_what_they_say(postbox: Postbox, settings: Any) -> None:
    """T15: delayed: nothing; 5.1.1: suppressed for e-mail, the texts go on; full and without a status: soft; of an
    e-mail that we never sent: nothing.
    """
    names = ["late", "gone", "stuffed", "unsaid", "forged", "policy"]
    place = make_mails(6, settings, postbox, names=names, steps=MIXED, texts="twilio")
    send_all()
    assert len(postbox.taken) == 6
    for name, what in (("late", "delayed"), ("stuffed", "full"), ("unsaid", "unknown-bounce"), ("policy", "blocked")):
        came(postbox, what, f"{name}@example.com")
    write(comes(postbox, "forged", "forged@example.com").replace(b"b+", b"b-"))
    assert reasons() == []
    assert of(place, "late").state == of(place, "forged").state == "accepted"
    assert {name: of(place, name).refusal for name in names[2:]} == {
        "stuffed": "soft_bounce", "unsaid": "soft_bounce", "forged": "", "policy": "blocked",
    }  # fmt: skip
    assert [note for _, _, note in handled() if note] == ["It is about no e-mail of ours: nothing was changed."]
    came(postbox, "bounce", "gone@example.com")
    came(postbox, "bounce", "gone@example.com")
    assert reasons() == [("hard_bounce", "email")]
    assert of(place, "gone").error == "5.1.1"
    assert {state(place, n) for n in range(6)} == {"active"}, "the texts go on"
    assert place.now().bounced == 4
    assert not Conversation.objects.exists()


def test_a_complaint_stops_everything(postbox: Postbox, settings: Any) -> None:
    place = make_mails(2, settings, postbox, steps=MIXED, texts="twilio")
    send_all()
    raw = comes(postbox, "complaint", "p0@example.com")
    sent = of(place, "p0")
    strangers = raw.replace(str(sent.pk).encode(), str(uuid4()).encode()).replace(
        sent.callback_token.hex.encode(), uuid4().hex.encode()
    )
    write(strangers)
    assert reasons() == []
    assert post_mail(raw).status_code == 200
    assert ("complaint", "any") in reasons(), "at once, in the request"
    assert (state(place), state(place, 1)) == ("stopped", "active")
    assert place.now().complained == 1


def test_what_strangers_write_suppresses_nobody_else(postbox: Postbox, settings: Any) -> None:
    """In-Reply-To of ours from somebody else, a token that we never gave, our own copy, somebody unknown."""
    place = make_mails(1, settings, postbox, steps=TWO)
    send_all()
    sent = of(place, "p0")
    named = f"In-Reply-To: {message_id(sent.pk, 'ann@mail.example.com')}\r\n"
    write(letter("eve@example.net", f"r+{uuid4().hex}@in.example.com", "Sure, call me", headers=named))
    write(letter("eve@example.net", f"r+{uuid4().hex}@in.example.com", "STOP"))
    assert [bytes(row.digest) for row in Suppression.objects.all()] == [digest_of("eve@example.net")], "hers alone"
    write(comes(postbox, "copy", "p0@example.com"))
    write(letter("Pat <kim@example.net>", "info@in.example.com", "Who are you?"))
    write(letter("nobody", "info@in.example.com", "Hello"))
    write(b"\x00\xff no e-mail")
    assert (state(place), place.now().replied, Conversation.objects.count()) == ("active", 0, 0)
    assert [note for _, _, note in handled()] == [
        "Written to no company here: an opt-out counts all the same.",
        "Written to no company here: an opt-out counts all the same.", "A copy of our own e-mail.",
        "Written to no company here: an opt-out counts all the same.", "It does not say who wrote it.",
        "It is no e-mail: it has no headers.",
    ]  # fmt: skip
    write(letter("kim@example.net", "Jane <Ann@Mail.example.com>", "May I ask you something?", id="k1"))
    talk = Conversation.objects.get()
    assert (talk.team_id, talk.lead_id, talk.mail_sender) == (place.now().team_id, None, place.now().mail_sender)
    assert lines(place) == []


@pytest.mark.parametrize("words", mostly_long(["Please stop e-mailing me.", "You have the wrong person."]))
def test_whoever_has_our_message_and_asks_for_no_more_does_what_its_link_does(
    postbox: Postbox, settings: Any, words: str
) -> None:
    """From an address that nobody knows here, to the company's own: the e-mails to the one that we know end."""
    place = make_mails(2, settings, postbox, steps=MIXED, texts="twilio")
    send_all()
    named = f"In-Reply-To: {message_id(of(place, 'p0').pk, 'ann@mail.example.com')}\r\n"
    assert post_mail(letter("pat@work.example", "ann@mail.example.com", words, headers=named)).status_code == 200
    assert ("one_click", "email") in reasons(), "at once, in the request"
    assert (state(place), lines(place)) == ("active", ["Unsubscribed by e-mail."]), "the texts go on"
    assert place.now().opted_out == 1 and of(place, "p0").opted_out_at is not None
    assert Conversation.objects.get().lead is None, "whose address it is, nobody knows"
    move(timedelta(days=1, hours=1))
    send_all()
    assert postbox.to().count("p0@example.com") == 1


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("Stop", "opted_out"), ("Pat has left Acme. Please remove me from your list.", "opted_out"),
        ("I am away. Please do not call me until Monday.", "out_of_office"),
        ("I am away until October 5. " + "Acme sells homes. " * 10 + "Unsubscribe", "out_of_office"),
        ("Stop e-mailing me.\n\nPat of Acme\n" + "1 Main St, Boston, MA. " * 10, "opted_out"),
        ("I am away until October 5. To unsubscribe from our newsletter click here.", "out_of_office"),
    ],
)  # fmt: skip
def test_few_words_that_ask_to_stop_count_though_a_program_says_that_it_wrote_them(
    postbox: Postbox, settings: Any, words: str, why: str
) -> None:
    place = make_mails(1, settings, postbox, steps=TWO)
    send_all()
    reply_to = f"r+{of(place, 'p0').callback_token.hex}@in.example.com"
    raw = letter("p0@example.com", reply_to, words, headers="X-Auto-Response-Suppress: All\r\n")
    assert post_mail(raw).status_code == 200
    if why == "opted_out":
        assert ("stop", "any") in reasons(), "at once, in the request"
    reading.handle_open()
    assert member(place).why == why and (reasons() == []) == (why == "out_of_office")


@pytest.mark.long
def test_an_opt_out_that_may_be_quoted_waits_for_a_person(postbox: Postbox, settings: Any) -> None:
    """Written below a quotation without marks: nothing tells her words from ours."""
    place = make_mails(1, settings, postbox, steps=TWO)
    send_all()
    reply_to = f"r+{of(place, 'p0').callback_token.hex}@in.example.com"
    write(letter("p0@example.com", reply_to, "On Tue, Ann wrote:\nMay I ask you something?\n\nTake me off your list"))
    heard = IncomingMessage.objects.get()
    assert heard.meaning == "ask" and str(heard.text).endswith("Take me off your list")
    assert reasons() == [] and state(place) != "active"


@pytest.mark.long
def test_a_wrong_person_by_an_alias_is_written_to_no_more(postbox: Postbox, settings: Any) -> None:
    place = make_mails(1, settings, postbox, steps=TWO)
    send_all()
    reply_to = f"r+{of(place, 'p0').callback_token.hex}@in.example.com"
    assert post_mail(letter("p0+home@example.net", reply_to, "Wrong person, I am not Maria.")).status_code == 200
    assert {bytes(row.digest) for row in Suppression.objects.filter(reason="wrong_number")} == {
        digest_of("p0@example.com"), digest_of("p0+home@example.net"),
    }  # fmt: skip
    assert (state(place), member(place).why) == ("stopped", "wrong_number")


def test_opt_outs_by_words_and_by_the_address_that_unsubscribes(postbox: Postbox, settings: Any) -> None:
    place = make_mails(3, settings, postbox, steps=MIXED, texts="twilio")
    send_all()
    assert post_mail(comes(postbox, "stop", "p0@example.com")).status_code == 200
    assert ("stop", "any") in reasons(), "at once, in the request"
    assert (state(place), member(place).why) == ("stopped", "opted_out")
    assert Conversation.objects.get().state == "closed"
    sent = of(place, "p1")
    mailto = f"u+{sent.callback_token.hex}@in.example.com".upper()
    for _ in range(2):
        assert post_mail(letter("p1@example.com", mailto, "", subject="unsubscribe")).status_code == 200
    assert ("one_click", "email") in reasons()
    assert (state(place, 1), lines(place, 1)) == ("active", ["Unsubscribed by e-mail."])
    sent.refresh_from_db()
    assert sent.opted_out_at is not None and place.now().opted_out == 2
    came(postbox, "reply", "p2@example.com", words="Maybe.\r\n\r\n> unsubscribe here")
    assert member(place, 2).why == "replied"
    for subject, meaning in (("Re: Stop texting me", "reply"), ("Unsubscribe", "opt_out")):
        write(letter("p2@example.com", "ann@mail.example.com", "Sent from my phone", subject=subject))
        assert IncomingMessage.objects.latest("received_at").meaning == meaning


@pytest.mark.long
def test_a_stop_by_text_ends_the_e_mails(vendor: Sandbox, postbox: Postbox, settings: Any) -> None:
    place = make_mails(2, settings, postbox, steps=TWO)
    send_all()
    assert by_twilio(number_of(0), "STOP").status_code == 200
    assert (state(place), member(place).why, state(place, 1)) == ("stopped", "opted_out", "active")
    move(timedelta(days=1, hours=1))
    send_all()
    assert postbox.to() == ["p0@example.com", "p1@example.com", "p1@example.com"]


@pytest.mark.long
def test_an_answer_ends_a_doubt(postbox: Postbox, settings: Any) -> None:
    """By a machine: the message left; by a person: she stops as well. It is never sent again."""
    place = make_mails(1, settings, postbox, names=["cut"])
    send_all()
    assert place.states() == {"in_doubt": 1}
    came(postbox, "away", "cut@example.com")
    assert place.counters() == {"accepted": 1, "sent": 1}
    came(postbox, "reply", "cut@example.com")
    assert place.counters() == {"accepted": 1, "sent": 1}
    assert place.now().replied == 1 and len(postbox.taken) == 1


def test_twenty_posts_of_one_reply_at_once_are_one(postbox: Postbox, settings: Any) -> None:
    place = make_mails(1, settings, postbox)
    send_all()
    raw = comes(postbox, "stop", "p0@example.com")
    assert {one.status_code for one in at_once(20, lambda: post_mail(raw))} == {200}
    write(raw.replace(b"Date:", b"X-Fetched: again\r\nDate:", 1))  # as it lies in the mailbox, too
    assert [note for _, _, note in handled()] == ["", "It had come before."]
    assert IncomingMessage.objects.count() == len(lines(place)) == Conversation.objects.count() == 1
    assert Suppression.objects.filter(reason="stop", kind=2).count() == 1


def test_a_forgotten_persons_e_mails_are_emptied(postbox: Postbox, settings: Any) -> None:
    place = make_mails(1, settings, postbox)
    send_all()
    came(postbox, "reply", "p0@example.com")
    talk = Conversation.objects.get()
    assert [word.subject for word in history.words(talk)][-1]
    her = Her([(2, digest_of("p0@example.com"))], since=database_now())
    for place_of in (forgetting.in_conversations, forgetting.in_received, forgetting.in_posts):
        place_of("", her)
    talk.refresh_from_db()
    heard = IncomingMessage.objects.get()
    assert (talk.address, heard.text, heard.subject) == (None, None, None)
    assert [row.body for row in Inbound.objects.all()] == [None]
    with pytest.raises(talks.BadTalk, match="not known"):
        talks.reply(talk=talk, by=place.user, text="Hello?")
