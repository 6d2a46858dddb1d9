"""An e-mail without what is attached to it: its headers, its words and what a report says. Pure."""

from __future__ import annotations

from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from typing import Final

_KEPT: Final = frozenset({"message/delivery-status", "message/feedback-report", "message/rfc822-headers"})
_ODD = (ValueError, LookupError, TypeError, AttributeError, RecursionError)  # what the parser may raise
_TEXT_MOST: Final = 64 * 1024  # bytes of one part of words


def lightened(raw: bytes, *, most: int) -> bytes:
    """At most so many bytes. One that fits is left as it is."""
    if len(raw) <= most:
        return raw
    try:
        message = message_from_bytes(raw, policy=compat32)
        for part in message.walk():
            if not part.is_multipart() and part.get_content_type() not in _KEPT:
                _empty(part)
        return message.as_bytes(unixfrom=False)[:most]
    except _ODD:
        return raw[:most]


def _empty(part: Message) -> None:
    """What is no words loses its content; of very long words the beginning stays."""
    is_words = part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment"
    content = part.get_payload()
    if not is_words:
        part.set_payload("")
    elif isinstance(content, str) and len(content) > _TEXT_MOST:
        part.set_payload(content[:_TEXT_MOST])
