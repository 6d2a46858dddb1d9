"""Sequences over channels: who cannot be reached by one goes on by another; what people write themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from campaigns import clock
from campaigns.gate.contact import may_contact
from campaigns.inbound import manual
from campaigns.models import Conversation, ConversationKey, Delivery, IncomingMessage, MailSender, Member
from campaigns.sending import marks
from campaigns.sending.mailing import message_id
from campaigns.sending.queue import CannotQueue, queue_mail, reply_subject
from common.db.ids import uuid7
from leads.models import ContactKey, Suppression
from sandbox.server import Sandbox
from tests.campaigns.sending import world
from tests.campaigns.sending.mailing import make_mails, of
from tests.campaigns.sending.postbox import Postbox, words
from tests.campaigns.sending.world import move, number_of, send_all

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1, hours=1)
MAILS_AND_TEXT = ((0, "days", "email"), (1, "days", "email"), (1, "days", "sms"))


def people(place: world.World) -> list[tuple[str, str, int]]:
    return [(str(Member.Status(one.status).label), one.why, one.step) for one in place.members]


@pytest.mark.long
def test_whose_mailbox_is_not_there_is_texted_instead(vendor: Sandbox, postbox: Postbox, settings: Any) -> None:
    """At RCPT, and by a bounce after it was taken: e-mail steps are passed over, the text leaves."""
    place = make_mails(3, settings, postbox, names=["550"], steps=MAILS_AND_TEXT, texts="twilio")
    send_all()
    assert postbox.to() == ["p1@example.com", "p2@example.com"]
    assert people(place)[0][2] == 3 and people(place)[1][2] == 2
    assert marks.bounced(of(place, "p1").pk, "5.1.1", "No such user", "hard")
    assert people(place)[1][2] == 3
    assert sorted(Suppression.objects.values_list("reason", "scope")) == [("hard_bounce", "email")] * 2
    for _ in range(3):
        move(DAY)
        send_all()
    assert world.hits(vendor) == [number_of(n) for n in range(3)]
    assert postbox.to() == ["p1@example.com", "p2@example.com", "p2@example.com"]
    assert {status for status, _, _ in people(place)} == {"Done"}
    assert place.counters() == {"accepted": 5, "failed": 2, "sent": 7}
    assert place.now().bounced == 2


@pytest.mark.long
def test_who_gave_no_consent_to_texts_gets_the_mail(vendor: Sandbox, postbox: Postbox, settings: Any) -> None:
    steps = ((0, "days", "sms"), (1, "days", "email"))
    place = make_mails(2, settings, postbox, steps=steps, texts="twilio", consent=False)
    send_all()
    assert [(row.state, row.error) for row in Delivery.objects.all()] == [("refused", "no_consent")] * 2
    assert people(place) == [("Next step planned", "", 2)] * 2
    move(DAY)
    send_all()
    assert postbox.to() == ["p0@example.com", "p1@example.com"] and world.hits(vendor) == []
    assert place.now().status == "completed"


def test_nobody_is_contacted_over_the_cap_whatever_the_channel(
    vendor: Sandbox, postbox: Postbox, settings: Any
) -> None:
    """T13: a text at noon, an e-mail an hour later; a call after that waits for the next noon."""
    steps = ((0, "days", "sms"), (61, "minutes", "email"))
    place = make_mails(1, settings, postbox, steps=steps, texts="twilio")
    send_all()
    move(timedelta(minutes=90))
    send_all()
    assert len(postbox.taken) == 1 and len(world.hits(vendor)) == 1
    move(timedelta(minutes=61))
    other = User.objects.create_user("zoe")
    asked = may_contact(place.leads[0].pk, "call", by=other, purpose="manual", team_id=place.campaign.team_id)
    (cap,) = [answer for answer in asked.decision.answers if answer.code == "cap_24h"]
    assert (asked.decision.verdict, cap.verdict) == ("later", "later")
    assert [channel for _, channel in cap.input["counted"]] == ["email", "sms"]
    text = Delivery.objects.get(channel="sms")
    assert text.intended_at is not None and cap.again_at == text.intended_at + timedelta(days=1)


def test_three_soft_bounces_over_two_campaigns_rest_an_address(postbox: Postbox, settings: Any) -> None:
    first = make_mails(1, settings, postbox, name="eve")
    send_all()
    sent = of(first, "p0")
    assert marks.bounced(sent.pk, "5.2.2", "Full", "soft")
    copies = []
    for _ in range(2):  # of another campaign
        copy = Delivery.objects.get(pk=sent.pk)
        copy.pk, copy.callback_token, copy.state, copy.rank = uuid7(), uuid4(), "accepted", 3
        copy.member = copy.step = copy.campaign = copy.call = copy.bounced_at = None
        copy.purpose, copy.refusal, copy.by_id = "manual", "", first.user.pk
        copy.save(force_insert=True)
        copies.append(copy)
    assert marks.bounced(copies[0].pk, "4.2.2", "Full", "soft") and not Suppression.objects.exists()
    assert marks.bounced(copies[1].pk, "4.2.2", "Full", "soft")
    row = Suppression.objects.get()
    assert (row.reason, row.scope) == ("soft_bounces", "email")
    assert row.expires_at is not None and timedelta(days=89) < row.expires_at - clock.now() < timedelta(days=91)


@pytest.mark.long
def test_a_persons_answer_leaves_in_their_thread(postbox: Postbox, settings: Any) -> None:
    place = make_mails(1, settings, postbox, name="fay")
    send_all()
    sent = of(place, "p0")
    key = ContactKey.objects.get(pk=sent.key_id)
    talk = Conversation.objects.create(
        team_id=place.campaign.team_id, lead=place.leads[0], channel="email", mail_sender=sent.mail_sender, key=key,
        address=sent.address, opened_at=clock.now(), last_in_at=clock.now(), state="open",
    )  # fmt: skip
    ConversationKey.objects.create(conversation=talk, key=key)
    IncomingMessage.objects.create(
        conversation=talk, inbound_id=uuid4(), key=key, channel="email", delivery_id=sent.pk, text="How much?",
        message_id="<their.1@example.com>", subject="About 1 Elm St", meaning="reply", received_at=clock.now(),
    )  # fmt: skip
    whom: dict[str, Any] = {
        "team": place.campaign.team,
        "lead_id": place.leads[0].pk,
        "key": key,
        "address": sent.address or "",
    }
    queued = queue_mail(
        **whom, subject=reply_subject("About 1 Elm St"), text="$250,000.", purpose="reply", by=place.user,
        conversation=talk,
    )  # fmt: skip
    send_all()
    queued.refresh_from_db()
    _, mail = postbox.taken[1]
    assert (queued.state, mail["Subject"]) == ("accepted", "Re: About 1 Elm St")
    assert mail["In-Reply-To"] == "<their.1@example.com>"
    assert mail["References"] == f"{message_id(sent.pk, 'fay@mail.example.com')} <their.1@example.com>"
    body = words(mail)
    assert body.startswith("$250,000.") and "Acme Homes LLC, 1 Main St" in body and "/u/" in body
    talk.refresh_from_db()
    assert talk.last_out_at is not None


@pytest.mark.long
def test_a_person_writes_to_a_lead_by_its_page(postbox: Postbox, settings: Any) -> None:
    place = make_mails(1, settings, postbox, name="gus", status="paused", paused_by="person")
    lead = place.leads[0]
    with pytest.raises(CannotQueue, match="subject"):
        manual.mail(lead=lead, by=place.user, subject=" ", text="Hello")
    queued = manual.mail(lead=lead, by=place.user, subject="Your\nhouse", text="Hello, Owner0.")
    MailSender.objects.update(daily_limit=0)  # counted, and held by nothing
    send_all()
    (_, mail) = postbox.taken[0]
    queued.refresh_from_db()
    assert (mail["Subject"], mail["In-Reply-To"], queued.state) == ("Your house", None, "accepted")
    talk = Conversation.objects.get()
    assert (talk.channel, talk.state, talk.pk) == ("email", "waiting", queued.conversation_id)
    lead.refresh_from_db()
    assert lead.status == "contacted" and lead.last_contact_at is not None
    settings.MAIL_VENDOR = ""
    with pytest.raises(CannotQueue, match="Nobody carries"):
        manual.mail(lead=lead, by=place.user, subject="Again", text="Hello")
