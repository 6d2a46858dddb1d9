"""E-mail over a socket: where SMTP breaks and how that counts, providers, what they post, who has posted it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.policy import default as policy
from typing import Any
from uuid import uuid4

import pytest
import requests

from common.values.mail_urls import MailPlace, read_mail_url
from integrations.models import Vendor
from integrations.operating.vendors import test_connection as ask_about_the_key
from integrations.vendors import available, mail
from integrations.vendors.errors import Deferred, HeldBack, InDoubt, Misconfigured, NotSent, VendorFailure
from integrations.vendors.mail import Mail, TrackingKind
from integrations.vendors.messages import AccountRefused, Kind, RecipientRefused, Unreadable
from sandbox import Sandbox, SandboxConfig
from tests.receiver import Receiver
from tests.support import hanging_up_soon, mostly_long

PROVIDERS = ("postmark", "sendgrid", "mailgun")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """On a clock twenty times as fast: what comes back after three seconds does so in 0.15 s."""
    with Sandbox(SandboxConfig(generate=10, mail=True, clock="2026-09-15T15:00Z/20")) as server:
        yield server


@pytest.fixture(autouse=True)
def mail_server(sandbox: Sandbox, settings: Any) -> Iterator[None]:
    settings.CAMPAIGN_MAIL = read_mail_url(sandbox.mail_urls["smtp"])
    settings.INBOUND_MAIL_DOMAIN = "in.example.com"
    settings.MAIL_WEBHOOK_SECRET = sandbox.mail_secrets
    yield
    mail.close()


def letter(to: str, **fields: Any) -> Mail:
    token = fields.pop("token", None) or uuid4()
    whole = Mail(
        message_id=f"<{token}@mail.example.com>",
        sender_name="Jane Agent",
        sender="jane@mail.example.com",
        to=to,
        reply_to=f"r+{token.hex}@in.example.com",
        subject="Your house",
        text="Hi Pat,\n.a line with a dot\n",
        html="<p>Hi Pat</p>",
        headers={"List-Unsubscribe": f"<https://app.example.com/u/{'a' * 120}>"},
        token=token,
    )
    return replace(whole, **fields)


def somebody(sandbox: Sandbox, script: str, **more: Any) -> str:
    """An address of this test's own, with this script."""
    address = f"p{uuid4().hex[:12]}@example.com"
    order = {address: {"do": script, **more}}
    requests.post(f"{sandbox.base_url}/sandbox/mailboxes", json=order, timeout=60).raise_for_status()
    return address


def hits(sandbox: Sandbox, to: str) -> list[dict[str, Any]]:
    log = requests.get(f"{sandbox.base_url}/__mail", params={"to": to, "raw": "1"}, timeout=60).json()
    found: list[dict[str, Any]] = log["hits"]
    return found


def failure_of(sandbox: Sandbox, script: str, **fields: Any) -> VendorFailure:
    with pytest.raises(VendorFailure) as failed:
        mail.send(letter(**{"to": somebody(sandbox, script), **fields}))
    return failed.value


# --- SMTP: the nine breaks of the reference, and their neighbors ------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "kind", "hit"),
    [
        ("cut-at-rcpt", NotSent, 0),
        ("cut-at-data", NotSent, 0),
        ("greylist", Deferred, 0),
        ("throttle", HeldBack, 0),
        ("421", HeldBack, 0),
        ("451-after-dot", Deferred, 0),
        ("cut-after-dot", InDoubt, 1),
        ("silence", InDoubt, 1),
    ],
)
def test_a_break_of_the_server_ends_as_not_sent_or_in_doubt(
    sandbox: Sandbox, settings: Any, script: str, kind: type[VendorFailure], hit: int
) -> None:
    to = somebody(sandbox, script)
    with hanging_up_soon(settings, script), pytest.raises(VendorFailure) as failed:
        mail.send(letter(to))
    assert type(failed.value) is kind
    assert len(hits(sandbox, to)) == hit
    assert "@" not in failed.value.reason


@pytest.mark.parametrize(
    ("script", "kind", "code"),
    [
        ("550", Kind.BAD_ADDRESS, "5.1.1"),
        ("554-at-rcpt", Kind.BAD_ADDRESS, "554"),
        ("full-at-rcpt", Kind.CARRIER, "5.2.2"),
        ("blocked-at-rcpt", Kind.CONTENT, "5.7.1"),
        ("554", Kind.CONTENT, "5.7.1"),
        ("550-after-dot", Kind.BAD_ADDRESS, "5.1.1"),
    ],
)
def test_a_no_of_the_server_says_whose_fault_it_is(sandbox: Sandbox, script: str, kind: Kind, code: str) -> None:
    refused = failure_of(sandbox, script)
    assert isinstance(refused, RecipientRefused)
    assert (refused.kind, refused.code) == (kind, code)


def test_a_connection_cut_at_mail_or_at_the_greeting_has_sent_nothing(sandbox: Sandbox) -> None:
    order = f"{sandbox.base_url}/sandbox/mail"
    fields: dict[str, Any] = {"token": uuid4()}
    to = somebody(sandbox, "")
    mail.close()
    try:
        for greeting in ("421", "cut"):
            requests.post(order, json={"greeting": greeting}, timeout=60).raise_for_status()
            with pytest.raises(NotSent) as failed:
                mail.send(letter(to, **fields))
            assert not isinstance(failed.value, HeldBack | Deferred)
    finally:
        requests.post(order, json={"greeting": ""}, timeout=60).raise_for_status()
    mail.send(letter(to, **fields))
    assert [one["messageId"] for one in hits(sandbox, to)] == [f"<{fields['token']}@mail.example.com>"]


def test_a_connection_cut_at_mail_has_sent_nothing(sandbox: Sandbox, settings: Any) -> None:
    settings.INBOUND_MAIL_DOMAIN = ""  # then the sender is whom bounces go to
    assert type(failure_of(sandbox, "", sender="cut-at-mail@mail.example.com")) is NotSent


def test_a_server_that_is_not_there_has_been_sent_nothing(sandbox: Sandbox, settings: Any) -> None:
    settings.CAMPAIGN_MAIL = read_mail_url("smtp://127.0.0.1:1")
    assert "connection refused" in failure_of(sandbox, "").reason


def test_a_connection_cut_at_quit_has_sent_the_mail(sandbox: Sandbox) -> None:
    to = somebody(sandbox, "cut-at-quit")
    assert mail.send(letter(to)).vendor_id == ""
    mail.close()
    assert len(hits(sandbox, to)) == 1


def test_a_connection_is_used_again_and_one_that_the_server_has_closed_is_opened_anew(sandbox: Sandbox) -> None:
    to, sink = somebody(sandbox, ""), sandbox.messaging.sink
    mail.close()
    before = sink.connections
    mail.send(letter(to))
    with pytest.raises(RecipientRefused):
        mail.send(letter(somebody(sandbox, "550")))
    mail.send(letter(to))
    assert sink.connections == before + 1
    sink.hang_up()
    mail.send(letter(to))
    assert (sink.connections, len(hits(sandbox, to))) == (before + 2, 3)


def test_a_password_that_is_refused_pauses_the_vendor_and_tls_that_is_missing_too(
    sandbox: Sandbox, settings: Any
) -> None:
    place = settings.CAMPAIGN_MAIL
    settings.CAMPAIGN_MAIL = replace(place, user="bad", password="secret-word")
    refused = failure_of(sandbox, "")
    assert isinstance(refused, AccountRefused)
    assert refused.kind == Kind.CONFIGURATION
    assert "secret-word" not in refused.reason
    settings.CAMPAIGN_MAIL = replace(place, tls="starttls")
    assert isinstance(failure_of(sandbox, ""), Misconfigured)


# --- What leaves ------------------------------------------------------------------------------------------------------


def test_the_whole_mail_arrives_as_it_was_written(sandbox: Sandbox) -> None:
    to, subject = somebody(sandbox, ""), "Größere Häuser am Flüßchen " * 6
    sent = letter(to, sender_name="Jané Ägent", subject=subject.strip(), text="é\n.dot\n..two\n" + "x" * 2000 + "\n")
    mail.send(sent)
    (hit,) = hits(sandbox, to)
    assert max(len(line) for line in hit["raw"].split("\r\n")) < 998
    came: Any = message_from_bytes(hit["raw"].encode(), policy=policy)
    assert (came["Subject"], str(came["From"])) == (sent.subject, "Jané Ägent <jane@mail.example.com>")
    assert came["List-Unsubscribe"] == sent.headers["List-Unsubscribe"]
    assert (came["Message-ID"], came["Reply-To"]) == (sent.message_id, sent.reply_to)
    assert came["Date"].datetime
    assert came.get_body(("plain",)).get_content().replace("\r\n", "\n") == sent.text
    assert came.get_body(("html",)).get_content().strip() == sent.html
    assert hit["envelope"] == f"b+{sent.token.hex}@in.example.com"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject", "Hi\r\nBcc: all@example.com"),
        ("sender_name", "Jane\nBcc: all@example.com"),
        ("reply_to", "r@in.example.com\r\nBcc: all@example.com"),
        ("message_id", "<a@b>\r\nBcc: all@example.com"),
        ("to", "pat@example.com\r\nRCPT TO:<all@example.com>"),
        ("to", "pat@example.com, all@example.com"),
        ("to", "pät@example.com"),
        ("sender", "jane@mail.example.com>\r\nDATA"),
        ("headers", {"List-Id": "a\r\nBcc: all@example.com"}),
    ],
)
@pytest.mark.parametrize("carrier", ["smtp", "postmark"])
def test_no_field_can_bring_a_header_or_a_recipient_along(
    sandbox: Sandbox, settings: Any, carrier: str, field: str, value: Any
) -> None:
    settings.CAMPAIGN_MAIL = read_mail_url(sandbox.mail_urls[carrier])
    refused = failure_of(sandbox, "", **{field: value})
    assert isinstance(refused, RecipientRefused)
    assert refused.kind in (Kind.INVALID, Kind.BAD_ADDRESS)
    assert not hits(sandbox, "all@example.com")


def test_development_writes_files_and_a_repeat_writes_over_its_own(settings: Any, tmp_path: Any, capsys: Any) -> None:
    settings.CAMPAIGN_MAIL = MailPlace("file", directory=str(tmp_path / "mail"))
    one = letter("pat@example.com")
    mail.send(one)
    mail.send(one)
    (file,) = (tmp_path / "mail").iterdir()
    assert message_from_bytes(file.read_bytes())["Message-ID"] == one.message_id
    settings.CAMPAIGN_MAIL = MailPlace("console")
    mail.send(one)
    assert one.message_id in capsys.readouterr().out
    (tmp_path / "file").touch()
    settings.CAMPAIGN_MAIL = MailPlace("file", directory=str(tmp_path / "file"))
    with pytest.raises(NotSent):
        mail.send(one)


# --- Providers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_takes_a_mail_with_its_headers_once(sandbox: Sandbox, settings: Any, provider: str) -> None:
    settings.CAMPAIGN_MAIL = read_mail_url(sandbox.mail_urls[provider])
    to = somebody(sandbox, "")
    sent = letter(to, subject="Ihr Häuschen")
    answer = mail.send(sent)
    (hit,) = hits(sandbox, to)
    assert hit["id"] == answer.vendor_id.strip("<>")
    assert (hit["provider"], hit["messageId"], hit["subject"]) == (provider, sent.message_id, sent.subject)
    came: Any = message_from_bytes(hit["raw"].encode(), policy=policy)
    assert came["List-Unsubscribe"] == sent.headers["List-Unsubscribe"]
    assert came["Reply-To"] == sent.reply_to
    assert came.get_body(("plain",)).get_content().splitlines() == sent.text.splitlines()


@pytest.mark.parametrize("provider", mostly_long(PROVIDERS))
def test_what_a_provider_answers_is_not_sent_refused_or_in_doubt(
    sandbox: Sandbox, settings: Any, provider: str
) -> None:
    settings.CAMPAIGN_MAIL = read_mail_url(sandbox.mail_urls[provider])
    expected: dict[str, type[VendorFailure]] = {
        "429": HeldBack, "502": NotSent, "503": NotSent, "500": InDoubt, "504": InDoubt, "500-after": InDoubt,
        "hang-before": InDoubt, "hang-after": InDoubt, "400": RecipientRefused, "422": RecipientRefused,
        "401": AccountRefused, "403": AccountRefused,
    }  # fmt: skip
    if provider != "sendgrid":  # whose yes has no body
        expected["garbage"] = InDoubt
    found: dict[str, type[VendorFailure]] = {}
    for script in expected:
        with hanging_up_soon(settings, script):
            found[script] = type(failure_of(sandbox, script))
    assert found == expected
    settings.CAMPAIGN_MAIL = replace(settings.CAMPAIGN_MAIL, user="wrong-key-of-somebody")
    refused = failure_of(sandbox, "")
    assert isinstance(refused, AccountRefused)
    assert "wrong-key" not in refused.reason
    settings.CAMPAIGN_MAIL = replace(settings.CAMPAIGN_MAIL, api_url="http://127.0.0.1:1/x")
    assert type(failure_of(sandbox, "")) is NotSent


def test_an_address_that_postmark_has_stopped_is_a_bad_one(sandbox: Sandbox, settings: Any) -> None:
    settings.CAMPAIGN_MAIL = read_mail_url(sandbox.mail_urls["postmark"])
    refused = failure_of(sandbox, "406")
    assert isinstance(refused, RecipientRefused)
    assert (refused.kind, refused.code) == (Kind.BAD_ADDRESS, "406")


# --- What providers post ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_becomes_of_a_mail_is_posted_signed_and_read(sandbox: Sandbox, settings: Any, provider: str) -> None:
    settings.CAMPAIGN_MAIL = read_mail_url(sandbox.mail_urls[provider])
    with Receiver() as receiver:
        sent = letter(somebody(sandbox, "bounce+twice", callback=receiver.url))
        vendor_id = mail.send(sent).vendor_id
        posts = receiver.wait(4)
    events = []
    for post in posts:
        assert mail.is_signed(provider, headers=post.headers, body=post.body)
        assert not mail.is_signed(provider, headers={"Content-Type": "application/json"}, body=b"{}")
        read = mail.tracking(provider, headers=post.headers, body=post.body)
        assert not isinstance(read, Unreadable)
        events += read
    assert {one.token for one in events} == {sent.token}
    assert {one.message_id.strip("<>") for one in events} == {vendor_id.strip("<>")}
    bounces = [one for one in events if one.kind == TrackingKind.BOUNCED]
    assert [(one.is_hard, one.code) for one in bounces] == [(True, "5.1.1")] * 2
    assert "@" not in bounces[0].words
    assert len({mail.dedupe_of(provider, headers=p.headers, body=p.body) for p in posts}) == 2
    settings.MAIL_WEBHOOK_SECRET = ["sandbox:another-password-0000", "another-signing-key-00000000"]
    assert not any(mail.is_signed(provider, headers=post.headers, body=post.body) for post in posts)


# Bodies as in anymail's own tests of these providers, shortened: what a real one has posted
POSTMARK_SOFT = {
    "RecordType": "Bounce", "ID": 901542550, "Type": "SoftBounce", "TypeCode": 4096, "Name": "Soft bounce",
    "MessageID": "2706ee8a-737c-4285-b032-ccd317af53ed", "Description": "The recipient's mailbox is full",
    "Details": "smtp;552 5.2.2 over quota bounce@example.com", "Email": "bounce@example.com",
    "BouncedAt": "2016-04-27T16:28:50.3963933-04:00", "Inactive": False, "CanActivate": True,
}  # fmt: skip
SENDGRID_BLOCKED = [{
    "email": "x@example.com", "timestamp": 1461095250, "event": "bounce", "sg_event_id": "fs8j", "status": "5.0.0",
    "sg_message_id": "filter0425", "reason": "550 blocked by policy", "type": "blocked", "tls": 0,
}]  # fmt: skip
MAILGUN_TEMPORARY = {
    "signature": {"timestamp": "1534108637", "token": "651869375b9df3c98fc15c4889b102119add1235c38fc92824",
                  "signature": "a"},
    "event-data": {
        "event": "failed", "id": "G9Bn5sl1TC6nu79C8C0bwg", "timestamp": 1534108637.153125, "severity": "temporary",
        "reason": "generic", "recipient": "alice@example.com", "tags": [], "user-variables": {"delivery": "no-uuid"},
        "delivery-status": {"code": 498, "message": "No MX for [example.com]", "attempt-no": 1},
        "message": {"headers": {"message-id": "20130503192659.13651.20287@example.com"}},
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "body", "kind", "hard", "code"),
    [
        ("postmark", POSTMARK_SOFT, TrackingKind.BOUNCED, False, "5.2.2"),
        ("sendgrid", SENDGRID_BLOCKED, TrackingKind.BOUNCED, False, "5.0.0"),
        ("mailgun", MAILGUN_TEMPORARY, TrackingKind.DEFERRED, False, "498"),
    ],
)
def test_recorded_posts_are_read(provider: str, body: Any, kind: TrackingKind, hard: bool, code: str) -> None:
    read = mail.tracking(provider, headers={"content-type": "application/json"}, body=json.dumps(body).encode())
    assert not isinstance(read, Unreadable)
    assert [(one.kind, one.is_hard, one.code, one.token) for one in read] == [(kind, hard, code, None)]


@pytest.mark.parametrize("provider", sorted(mail.providers() - {"raw"}))
@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"a":1}', b"[1]", b"\xff\x00", b'{"event-data": []}', b"null"])
def test_no_body_makes_the_readers_raise(provider: str, body: bytes) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        headers = {"Content-Type": kind}
        assert isinstance(mail.tracking(provider, headers=headers, body=body), list | Unreadable)
        assert not mail.is_signed(provider, headers=headers, body=body)
        assert mail.dedupe_of(provider, headers=headers, body=body)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert isinstance(mail.inbound(provider, headers=headers, body=body), mail.RawMail | Unreadable)


@pytest.mark.parametrize("shape", ["mailgun", "postmark", "sendgrid", "raw"])
def test_a_bounce_comes_in_whole_by_every_way(sandbox: Sandbox, shape: str) -> None:
    with Receiver() as receiver:
        to = somebody(sandbox, "", callback=receiver.url)
        sent = letter(to)
        mail.send(sent)
        sandbox.messaging.mail_posts.inbound = shape
        order = {"to": to, "what": "bounce"}
        requests.post(f"{sandbox.base_url}/sandbox/mail/answer", json=order, timeout=60).raise_for_status()
        (post,) = receiver.wait(1)
    assert mail.is_signed(shape, headers=post.headers, body=post.body)
    came = mail.inbound(shape, headers=post.headers, body=post.body)
    assert not isinstance(came, Unreadable)
    message = message_from_bytes(came.raw)
    assert message.get_content_type() == "multipart/report"
    parts: Any = message.get_payload()
    assert parts[1].get_content_type() == "message/delivery-status"
    assert sent.message_id in came.raw.decode()
    if shape != "raw":
        assert came.envelope_to == f"b+{sent.token.hex}@in.example.com"


def test_a_mail_that_is_posted_twice_is_known_though_it_is_signed_anew(sandbox: Sandbox) -> None:
    with Receiver() as receiver:
        to = somebody(sandbox, "reply+twice", callback=receiver.url)
        sandbox.messaging.mail_posts.inbound = "mailgun"
        mail.send(letter(to))
        posts = receiver.wait(2)
    assert posts[0].body != posts[1].body
    assert len({mail.dedupe_of("mailgun", headers=p.headers, body=p.body) for p in posts}) == 1


# --- The vendor -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_operator_sees_what_is_missing_and_tests_the_connection(sandbox: Sandbox, settings: Any) -> None:
    vendor = Vendor.objects.get(pk="mail")
    assert ask_about_the_key(vendor).ok is True
    settings.CAMPAIGN_MAIL = read_mail_url("smtp://127.0.0.1:1")
    assert ask_about_the_key(vendor).ok is False
    settings.CAMPAIGN_MAIL = read_mail_url(sandbox.mail_urls["postmark"])
    assert ask_about_the_key(vendor).ok is None
    settings.CAMPAIGN_MAIL = None
    assert "CAMPAIGN_EMAIL_URL" in available.lack("mail")


def test_no_campaign_begins_where_replies_would_be_lost(settings: Any) -> None:
    settings.PUBLIC_URL = "https://app.example.com"
    settings.CAMPAIGN_MAIL = read_mail_url("postmark://TOKEN@")
    settings.IMAP = None
    assert mail.lack() == ""
    for name, nothing in (("MAIL_WEBHOOK_SECRET", []), ("INBOUND_MAIL_DOMAIN", ""), ("PUBLIC_URL", "")):
        setattr(settings, name, nothing)
        assert name in mail.lack()
    settings.CAMPAIGN_MAIL = None
    assert "CAMPAIGN_EMAIL_URL" in mail.lack()
