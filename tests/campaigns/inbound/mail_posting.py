"""E-mails that come in, as mail programs and servers write them, posted as their provider posts them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any

from django.test import Client

from campaigns.inbound import reading
from campaigns.models import Delivery
from sandbox.mail_bodies import answer
from tests.campaigns.sending.postbox import Postbox

SECRET, SIGNING = "hooks:a-password-of-the-posts", "a-signing-key-of-the-provider"
INBOUND, TRACKING = "/api/webhooks/mail/raw/inbound", "/api/webhooks/mail/postmark/tracking"
SOMEDAY = datetime(2026, 9, 15, 17, tzinfo=UTC)


def basic(secret: str = SECRET) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}


def post_mail(raw: bytes | str, *, secret: str = SECRET) -> Any:
    """A mail server posts the e-mail itself."""
    raw = raw.encode() if isinstance(raw, str) else raw
    return Client().post(INBOUND, raw, content_type="message/rfc822", headers=basic(secret))


def post_event(told: Mapping[str, Any]) -> Any:
    """Postmark tells what became of an e-mail."""
    return Client().post(TRACKING, json.dumps(told), content_type="application/json", headers=basic())


def event(sent: Delivery, kind: str, **more: Any) -> dict[str, Any]:
    """As Postmark has it."""
    return {"RecordType": kind, "MessageID": str(sent.pk), "Metadata": {"delivery": sent.callback_token.hex}, **more}


def ours(postbox: Postbox, to: str) -> Message:
    """The last e-mail that this address got from us."""
    taken = [mail for address, mail in postbox.taken if address == to]
    return message_from_bytes(taken[-1].as_bytes(), policy=default)


def comes(postbox: Postbox, what: str, to: str, *, words: str = "") -> bytes:
    """What follows from it: bounce, full, reply, alias, away, … of `sandbox.mail_bodies`."""
    mail = ours(postbox, to)
    token = str(mail["Reply-To"]).partition("@")[0].removeprefix("r+")
    return answer(what, mail, to=to, envelope=f"b+{token}@in.example.com", now=SOMEDAY, words=words)


def came(postbox: Postbox, what: str, to: str, *, words: str = "") -> None:
    """It came, and was handled."""
    assert post_mail(comes(postbox, what, to, words=words)).status_code == 200
    reading.handle_open()


def letter(sender: str, to: str, words: str, *, subject: str = "Hello", headers: str = "", id: str = "") -> str:
    named = f"Message-ID: <{id}@example.net>\r\n" if id else ""
    return f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n{named}{headers}\r\n{words}\r\n"
