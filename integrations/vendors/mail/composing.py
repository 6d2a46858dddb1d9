"""From a Mail to the bytes that leave. No header can hold a line break: `email.policy` refuses it."""

from __future__ import annotations

from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from typing import Any

from django.conf import settings

from integrations.vendors.mail.messages import Mail
from integrations.vendors.messages import Kind, RecipientRefused

_WIDE: EmailPolicy = SMTP.clone(max_line_length=990)  # RFC 5322 2.1.1: 998 and CRLF


class _Policy(EmailPolicy):
    """As SMTP; but an ASCII header stays on one line: of a long address in <…> the standard fold makes encoded words,
    which no mail program reads there."""

    def fold(self, name: str, value: Any) -> str:
        folded: str = (_WIDE if str(value).isascii() else SMTP).fold(name, value)
        return folded

    def fold_binary(self, name: str, value: Any) -> bytes:
        return (_WIDE if str(value).isascii() else SMTP).fold_binary(name, value)


_POLICY = _Policy(linesep="\r\n")


def compose(mail: Mail) -> EmailMessage:
    """The whole e-mail, 7 bits. Raises RecipientRefused: INVALID for a header, BAD_ADDRESS for a recipient, that cannot
    be written."""
    message = EmailMessage(policy=SMTP)
    try:
        to = Address(addr_spec=mail.to)
    except (ValueError, IndexError, MessageError):
        to = Address()
    if not mail.to.isascii() or "@" not in to.addr_spec or to.addr_spec != mail.to:
        raise RecipientRefused(code="address", words="No e-mail can be sent to this address.", kind=Kind.BAD_ADDRESS)
    wrong = ""
    try:
        message["From"] = Address(mail.sender_name, addr_spec=mail.sender)
        message["To"] = to
        message["Subject"] = mail.subject
        message["Message-ID"] = mail.message_id
        if mail.reply_to:
            message["Reply-To"] = Address(addr_spec=mail.reply_to)
        for name, value in mail.headers.items():
            message[name] = value
        message.set_content(mail.text, cte="quoted-printable")
        if mail.html:
            message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
        message.as_bytes(policy=_POLICY)
    except (ValueError, IndexError, LookupError, MessageError):
        wrong = "A header of this e-mail cannot be written."
    if wrong:
        raise RecipientRefused(code="header", words=wrong, kind=Kind.INVALID)
    return message


def as_bytes(message: EmailMessage) -> bytes:
    """RFC 5322, with CRLF."""
    return message.as_bytes(policy=_POLICY)


def envelope_sender(mail: Mail) -> str:
    """Where a bounce goes: to an address of this e-mail alone, where there is a domain for it; else to the sender."""
    domain = settings.INBOUND_MAIL_DOMAIN
    return f"b+{mail.token.hex}@{domain}" if domain else mail.sender
