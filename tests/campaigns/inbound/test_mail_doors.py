"""How an e-mail and what is told of one get in: posted by a provider, or fetched from a mailbox (rules 3.3, 5.7)."""

from __future__ import annotations

import base64
import itertools
import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.test import Client

from campaigns.inbound import mail_posts, mailbox, reading
from campaigns.models import DeliveryEvent, Inbound, IncomingMessage, Touch, UnsignedPost, VendorPoll
from common.values.mail_urls import ImapPlace
from integrations.vendors.mail import imap
from leads.models import Suppression
from sandbox.imap import Imap, ImapStore
from tests.admin_site import signed_in
from tests.campaigns.inbound.mail_posting import (
    INBOUND,
    SIGNING,
    TRACKING,
    basic,
    comes,
    event,
    letter,
    post_event,
    post_mail,
)
from tests.campaigns.inbound.test_mail import handled, lines, member
from tests.campaigns.sending.mailing import make_mails, of
from tests.campaigns.sending.postbox import Postbox
from tests.campaigns.sending.test_mailing import reasons
from tests.campaigns.sending.world import send_all
from tests.support import mostly_long

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_is_not_signed_too_long_or_from_nobody_known_is_refused(postbox: Postbox, settings: Any) -> None:
    raw = letter("pat@example.com", "info@in.example.com", "STOP")
    for answer in (
        Client().post(INBOUND, raw, content_type="message/rfc822"),
        post_mail(raw, secret="hooks:another"),
        Client().post(INBOUND, raw, content_type="message/rfc822", headers={"authorization": "Basic \xff"}),
        Client().post("/api/webhooks/mail/mailgun/inbound", {"body-mime": raw, "timestamp": "1", "token": "x",
                                                             "signature": "x"}),
        Client().post(TRACKING, "{}", content_type="application/json"),
    ):  # fmt: skip
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "NOT_SIGNED")
    assert dict(UnsignedPost.objects.values_list("vendor", "count")) == {"mail": 5}
    long = Client().post(TRACKING, b"x" * 262_145, content_type="application/json", headers=basic())
    assert (long.status_code, long.json()["error"]["code"]) == (413, "TOO_LARGE")
    settings.MAIL_BYTES_MAX = 300_000
    assert post_mail(raw + "x" * 300_000).status_code == 413
    for path in ("nobody/inbound", "nobody/tracking", "raw/tracking", "postmark/elsewhere"):
        asked = Client().post(f"/api/webhooks/mail/{path}", raw, content_type="message/rfc822", headers=basic())
        assert asked.status_code == 404
    assert Client().get(INBOUND).status_code == 405
    assert not Inbound.objects.exists() and not Suppression.objects.exists()
    assert dict(UnsignedPost.objects.values_list("vendor", "count")) == {"mail": 5}


def test_a_signed_post_is_kept_once_whatever_it_says(postbox: Postbox, settings: Any) -> None:
    for body in (b"no JSON", b"[]", b'{"RecordType": "Teleported"}', b"\x00"):
        for _ in range(2):
            answer = Client().post(TRACKING, body, content_type="application/json", headers=basic())
            assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert post_mail(b"").status_code == 200
    reading.handle_open()
    kinds = [(kind, done) for kind, done, _ in handled()]
    assert len(kinds) == 5 and {kind for kind, _ in kinds} <= {"unreadable", "ignored"} and all(d for _, d in kinds)


def mailgun(raw: str, to: str) -> dict[str, str]:
    """The fields of its post, signed."""
    import hashlib
    import hmac
    import time

    stamp, token = str(int(time.time())), uuid4().hex
    mark = hmac.new(SIGNING.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
    return {"recipient": to, "sender": "p0@example.com", "body-mime": raw, "timestamp": stamp, "token": token,
            "signature": mark}  # fmt: skip


@pytest.mark.long
def test_an_e_mail_with_a_large_attachment_is_read_without_it(postbox: Postbox, settings: Any) -> None:
    """Up to 25 MB is taken; a row keeps its words. By the door for the e-mail itself, and as forms of providers."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 400_000
    place = make_mails(3, settings, postbox)
    send_all()
    picture = base64.encodebytes(b"\x89PNG" + b"0" * 600_000).decode()

    def heavy(name: str, words: str) -> str:
        to = f"r+{of(place, name).callback_token.hex}@in.example.com"
        said = f"--b\r\nContent-Type: text/plain\r\n\r\n{words}\r\n"
        shown = "--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=a.png\r\n"
        coded = f"Content-Transfer-Encoding: base64\r\n\r\n{picture}\r\n--b--"
        kind = "Content-Type: multipart/mixed; boundary=b\r\n"
        return letter(f"{name}@example.com", to, said + shown + coded, headers=kind)

    assert post_mail(heavy("p0", "Yes, call me.")).status_code == 200
    hidden = f"r+{of(place, 'p1').callback_token.hex}@in.example.com"
    fields = mailgun(heavy("p1", "Please stop").replace(hidden, "undisclosed@example.com"), hidden)
    for form in (fields, mailgun(fields["body-mime"], hidden)):  # each try is signed anew
        assert Client().post("/api/webhooks/mail/mailgun/inbound", form).status_code == 200
    sendgrid = {"email": heavy("p2", "Who is this?"), "envelope": json.dumps({"to": ["x@in.example.com"], "from": "y"})}
    answer = Client().post(
        "/api/webhooks/mail/sendgrid/inbound", urlencode(sendgrid), headers=basic(),
        content_type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert answer.status_code == 200
    reading.handle_open()
    assert [(kind, note) for kind, _, note in handled()] == [("mail", ""), ("opt_out", ""), ("mail", "")]
    assert all(len(bytes(row.body or b"")) <= 262_144 for row in Inbound.objects.all())
    assert [row.text for row in IncomingMessage.objects.order_by("received_at")] == [
        "Please stop", "Yes, call me.", "Who is this?",
    ]  # fmt: skip
    assert lines(place, 1) == ["They wrote: Please stop"]
    assert [member(place, n).why for n in range(3)] == ["replied", "opted_out", "replied"]


def test_of_a_post_that_says_much_what_breaks_keeps_nothing_behind_it_from_being_heard(
    postbox: Postbox, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = make_mails(3, settings, postbox)
    send_all()
    told = [
        {"event": "spamreport", "email": f"p{n}@example.com", "timestamp": 1789488000, "sg_event_id": f"e{n}",
         "anymail_id": str(of(place, f"p{n}").pk), "delivery": of(place, f"p{n}").callback_token.hex}
        for n in range(3)
    ]  # fmt: skip
    apply = mail_posts.apply

    def breaks(said: Any, *rest: Any) -> str:
        if said.recipient == "p1@example.com":
            raise RuntimeError("p1")
        return apply(said, *rest)

    monkeypatch.setattr(mail_posts, "apply", breaks)
    door = "/api/webhooks/mail/sendgrid/tracking"
    assert Client().post(door, json.dumps(told), "application/json", headers=basic()).status_code == 200
    reading.handle_open()
    assert reasons() == [("complaint", "any")] * 4, "two people, by address and by owner"
    assert Inbound.objects.values_list("handled_at", "tries", "error").get() == (None, 1, "RuntimeError")

    monkeypatch.setattr(mail_posts, "apply", apply)
    Inbound.objects.update(lease_until=None)
    assert reading.handle_open() == 1
    assert reasons() == [("complaint", "any")] * 6


@pytest.mark.long
def test_what_a_provider_tells_becomes_of_its_e_mail(postbox: Postbox, settings: Any) -> None:
    names = ["fine", "gone", "spam", "left", "slow", "stuffed"]
    place = make_mails(
        6, settings, postbox, names=names, steps=((0, "days", "email"), (1, "days", "sms")), texts="twilio"
    )
    send_all()
    rows = {name: of(place, name) for name in names}
    bounce = {"ID": 1, "Email": "x@example.com", "Name": "x", "Description": ""}
    hard = event(rows["gone"], "Bounce", Type="HardBounce", Details="550 5.1.1 No such user", **bounce)
    told = [
        event(rows["fine"], "Delivery", Recipient="fine@example.com", DeliveredAt="2026-09-15T16:00:05Z"),
        event(rows["fine"], "Open", Recipient="fine@example.com", ReceivedAt="2026-09-15T16:05:00Z"),
        hard, hard, hard | {"ID": 2, "BouncedAt": "2026-09-15T16:00:07Z"},
        event(rows["spam"], "SpamComplaint", Type="SpamComplaint", Details="", **bounce),
        event(rows["left"], "SubscriptionChange", SuppressSending=True, SuppressionReason="ManualSuppression",
              Recipient="left@example.com", ChangedAt="2026-09-15T16:10:00Z"),
        event(rows["slow"], "Bounce", Type="Transient", Details="451 4.4.1 timed out", **bounce),
        event(rows["stuffed"], "Bounce", Type="SoftBounce", Details="552 5.2.2 Mailbox full", **bounce),
        {**hard, "ID": 9, "MessageID": "", "Metadata": {}},
        {**hard, "ID": 10, "MessageID": str(uuid4()), "Metadata": {"delivery": uuid4().hex}},
    ]  # fmt: skip
    for one in told:
        assert post_event(one).status_code == 200
    reading.handle_open()
    for row in rows.values():
        row.refresh_from_db()
    assert {name: (row.state, row.refusal) for name, row in rows.items()} == {
        "fine": ("delivered", ""), "gone": ("failed", "hard_bounce"), "spam": ("accepted", ""),
        "left": ("accepted", ""), "slow": ("accepted", ""), "stuffed": ("failed", "soft_bounce"),
    }  # fmt: skip
    assert {("hard_bounce", "email"), ("one_click", "email"), ("complaint", "any")} <= set(reasons())
    now = place.now()
    assert (now.bounced, now.complained, now.opted_out) == (2, 1, 1 + 1)
    assert not Touch.objects.exists() and not IncomingMessage.objects.exists()
    assert [kind for kind, _, _ in handled()].count("opt_out") == 2
    assert DeliveryEvent.objects.filter(delivery=None).count() <= 1
    place.user.is_staff = place.user.is_superuser = True
    place.user.save()
    assert "E-mail: what became of it" in signed_in(place.user).get("/admin/campaigns/inbound/").content.decode()


# --- The mailbox ------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[ImapStore]:
    monkeypatch.setattr(imap, "_cut_at", set())  # of a mailbox of another test
    held = ImapStore()
    server = Imap(held, user="replies", password="pass word")
    settings.IMAP = ImapPlace("127.0.0.1", server.port, "replies", "pass word", ssl=False)
    yield held
    server.stop()


@pytest.mark.parametrize("at", mostly_long([0, 1]))
def test_what_the_mailbox_does_not_give_out_now_is_asked_for_again(
    postbox: Postbox, store: ImapStore, settings: Any, caplog: Any, at: int
) -> None:
    """Unread, it may hold an opt-out. What comes behind it is not held up."""
    make_mails(2, settings, postbox)
    send_all()
    store.add(comes(postbox, "stop", "p0@example.com"))
    store.add(comes(postbox, "reply", "p1@example.com"))
    store.refuses = [("FETCH", at)]
    with caplog.at_level(logging.WARNING):
        assert mailbox.fetch() == 1
    assert "does not give out, or mark, 1 of its e-mails" in caplog.text
    assert [flags == {"BucketStored"} for flags in store.flags.values()] == [False, True]
    assert mailbox.fetch() == 1
    reading.handle_open()
    assert ("stop", "any") in reasons()


@pytest.mark.parametrize("broken", mostly_long([7, 30]))
def test_what_a_mailbox_refuses_for_good_keeps_no_later_mail_from_being_read(
    postbox: Postbox, store: ImapStore, settings: Any, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    make_mails(1, settings, postbox)
    send_all()
    store.broken = {store.add(letter("a@example.net", "info@in.example.com", "x").encode()) for _ in range(broken)}
    store.add(comes(postbox, "stop", "p0@example.com"))
    store.broken |= {store.add(letter("b@example.net", "info@in.example.com", "x").encode()) for _ in range(broken)}
    monkeypatch.setattr(imap.each_new, "__kwdefaults__", {"most": 4})  # 200
    looks = itertools.count(1_000)
    monkeypatch.setattr(imap, "time", SimpleNamespace(time=lambda: next(looks) * imap.LOOK_S))
    assert any(mailbox.fetch() for _ in range(broken)), "within as many looks as there are pieces"
    reading.handle_open()
    assert ("stop", "any") in reasons()


@pytest.mark.parametrize("how", mostly_long(["STORE NO", "STORE BAD", "FETCH BAD", "FETCH cut", "FETCH NIL"]))
def test_what_goes_wrong_with_some_mails_holds_up_none_behind_them(
    postbox: Postbox, store: ImapStore, settings: Any, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    make_mails(1, settings, postbox)
    send_all()
    store.bad = {store.add(letter("a@example.net", "info@in.example.com", f"{n}").encode()): how for n in range(5)}
    store.add(comes(postbox, "stop", "p0@example.com"))
    monkeypatch.setattr(imap.each_new, "__kwdefaults__", {"most": 4})  # 200
    monkeypatch.setattr(imap, "_cut_at", set())
    looks = 6 if how == "FETCH cut" else 1
    for _ in range(looks):
        mailbox.fetch()
    reading.handle_open()
    assert ("stop", "any") in reasons()
    assert [bool(store.flags[uid]) for uid in store.flags] == [False] * 5 + [True]


@pytest.mark.long
def test_a_mailbox_that_does_not_search_now_is_asked_again(
    postbox: Postbox, store: ImapStore, settings: Any, caplog: Any
) -> None:
    make_mails(1, settings, postbox)
    send_all()
    store.add(comes(postbox, "stop", "p0@example.com"))
    store.refuses = [("SEARCH", 0)]
    with caplog.at_level(logging.WARNING):
        assert mailbox.fetch() == 0
    assert "does not search" in caplog.text
    assert mailbox.fetch() == 1


def test_the_mailbox_is_read_once_each_through_cuts_and_absence(
    postbox: Postbox, store: ImapStore, settings: Any, caplog: Any
) -> None:
    place = make_mails(2, settings, postbox)
    send_all()
    store.add(comes(postbox, "reply", "p0@example.com"))
    store.add(comes(postbox, "stop", "p1@example.com"))
    store.add(letter("a@example.net", "info@in.example.com", "x" * 300_000).encode())
    store.cuts = ["STORE"]  # as if killed after the first was stored, before it is marked
    with caplog.at_level(logging.WARNING):
        assert mailbox.fetch() == 1
    assert "went away" in caplog.text and not VendorPoll.objects.filter(vendor="mailbox").exists()
    assert store.flags[1] == set()
    assert mailbox.fetch() == 2
    assert mailbox.fetch() == 0
    assert set(map(frozenset, store.flags.values())) == {frozenset({"BucketStored"})}, "not taken for read"
    assert VendorPoll.objects.filter(vendor="mailbox").exists()
    reading.handle_open()
    assert sorted(kind for kind, _, _ in handled()) == ["mail", "mail", "opt_out"]
    assert (member(place).why, member(place, 1).why) == ("replied", "opted_out")
    store.keeps_keywords = False
    assert mailbox.fetch() == 0, "all are known"
    assert set(map(frozenset, store.flags.values())) == {frozenset({"BucketStored", "\\Seen"})}
    own = settings.IMAP
    for away, said in (
        (ImapPlace("127.0.0.1", 9, "replies", "x", ssl=False), "cannot be reached"),
        (ImapPlace("127.0.0.1", own.port, "replies", "wrong", ssl=False), "user or password"),
        (ImapPlace("127.0.0.1", own.port, "replies", "pass word", ssl=False, mailbox="Elsewhere"), "no such mailbox"),
        (ImapPlace("127.0.0.1", own.port, "replies", "pass word", ssl=True), "cannot be reached"),
    ):
        settings.IMAP = away
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert mailbox.fetch() == 0
        assert said in caplog.text
    settings.IMAP = None
    assert mailbox.fetch() == 0
    assert mail_posts.keep_raw(comes(postbox, "reply", "p0@example.com")) is not None, "another Message-ID"
