"""E-mails, whoever carries them: what is handed over, what is told of it afterwards, what comes in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Mail:
    """One e-mail to one person.

    message_id: `<…@…>`, of this message for good: a repeat has the same. sender_name, sender: From. to, reply_to: bare
    addresses; reply_to "": none. text, html: both parts; html "": text alone. calendar: an iCalendar text with its
    METHOD, which goes along; "": none. headers: further ones, by name; From,
    To, Subject and what this class has are not among them. token: of this message; tracking tells it back, and with
    INBOUND_MAIL_DOMAIN a bounce comes to b+{token.hex}@ that domain.
    """

    message_id: str
    sender_name: str
    sender: str
    to: str = field(repr=False)
    reply_to: str
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    calendar: str = field(default="", kw_only=True, repr=False)
    token: UUID = field(kw_only=True)

    @property
    def calendar_type(self) -> str:
        """text/calendar; method=REQUEST"""
        method = re.search(r"^METHOD:([A-Z]+)\r?$", self.calendar, re.MULTILINE)
        return f"text/calendar; method={method[1]}" if method else "text/calendar"


class TrackingKind(StrEnum):
    """What a provider tells of an e-mail. BOUNCED is for good; DEFERRED: it tries again."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    DEFERRED = "deferred"
    COMPLAINED = "complained"
    OPENED = "opened"
    CLICKED = "clicked"
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, slots=True)
class TrackingEvent:
    """What became of an e-mail, by its provider.

    message_id: the provider's own id of it (`Sent.vendor_id`), "" where it names none. token: `Mail.token`, None where
    the provider gives none back. code: the status, such as 5.1.1, or the reply's three digits; "" unknown. words: the
    provider's, without a person in them. recipient: whom it is about, "" where it does not say. is_hard: of BOUNCED,
    whether the address is bad for good. event_id: unique for the event; "" where it has none. url, user_agent: of
    CLICKED and OPENED.
    """

    kind: TrackingKind
    message_id: str
    token: UUID | None
    code: str = ""
    words: str = ""
    at: datetime | None = None
    event_id: str = ""
    recipient: str = field(default="", repr=False)
    is_hard: bool = False
    url: str = field(default="", repr=False)
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class RawMail:
    """A whole e-mail that came in, as RFC 5322 bytes. envelope_to, envelope_from: of SMTP, "" where not told."""

    raw: bytes = field(repr=False)
    envelope_to: str = field(default="", repr=False)
    envelope_from: str = field(default="", repr=False)
