"""From a Mail to the bytes that leave. No header can hold a line break: `email.policy` refuses it."""

from __future__ import annotations

from datetime import UTC, datetime
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from typing import Any

from django.conf import settings

from integrations.vendors.mail.messages import Mail
from integrations.vendors.messages import Kind, RecipientRefused

_WIDE: Any = SMTP.clone(max_line_length=990)  # RFC 5322 2.1.1: 998 and CRLF


class _Policy(EmailPolicy):
    """As SMTP, but for two headers that its fold spoils: of a long address in <…> it makes encoded words, which no mail
    program reads there, and in a long subject with an accent it loses spaces. The first stays on one line, the second
    is left to `email.header`.
    """

    def fold(self, name: str, value: Any) -> str:
        if str(value).isascii():
            return str(_WIDE.fold(name, value))
        if name.lower() == "subject":
            return f"{name}: {Header(str(value), 'utf-8', header_name=name).encode(linesep=self.linesep)}{self.linesep}"
        return str(SMTP.fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode("ascii")


_POLICY = _Policy(linesep="\r\n")


def compose(mail: Mail) -> bytes:
    """The whole e-mail, RFC 5322 with CRLF, 7 bits. Raises RecipientRefused: INVALID for a header, BAD_ADDRESS for a
    recipient, that cannot be written."""
    message = EmailMessage(policy=SMTP)
    try:
        to = Address(addr_spec=mail.to)
    except (ValueError, IndexError, MessageError):
        to = Address()
    if not mail.to.isascii() or "@" not in to.addr_spec or to.addr_spec != mail.to:
        raise RecipientRefused(code="address", words="No e-mail can be sent to this address.", kind=Kind.BAD_ADDRESS)
    try:
        message["From"] = Address(mail.sender_name, addr_spec=mail.sender)
        message["To"] = to
        message["Subject"] = mail.subject
        message["Message-ID"] = mail.message_id
        message["Date"] = format_datetime(datetime.now(UTC))
        if mail.reply_to:
            message["Reply-To"] = Address(addr_spec=mail.reply_to)
        for name, value in mail.headers.items():
            message[name] = value
        message.set_content(mail.text, cte="quoted-printable")
        if mail.html:
            message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
        if mail.calendar:
            message.add_alternative(mail.calendar, subtype="calendar", cte="quoted-printable")
            part: EmailMessage = message.get_payload()[-1]  # type: ignore[index, assignment]
            part.set_param("method", mail.calendar_type.partition("method=")[2] or "PUBLISH")
        return message.as_bytes(policy=_POLICY)
    except (ValueError, IndexError, LookupError, MessageError):
        pass
    raise RecipientRefused(code="header", words="A header of this e-mail cannot be written.", kind=Kind.INVALID)


def envelope_sender(mail: Mail) -> str:
    """Where a bounce goes: to an address of this e-mail alone, where there is a domain for it; else to the sender."""
    domain = settings.INBOUND_MAIL_DOMAIN
    return f"b+{mail.token.hex}@{domain}" if domain else mail.sender
