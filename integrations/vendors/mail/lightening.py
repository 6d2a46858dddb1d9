"""An e-mail without what is attached to it: its headers, its words and what a report says. Pure."""

from __future__ import annotations

import re
from email.errors import MessageError
from email.message import Message
from typing import Final

from integrations.vendors.mail.parsing import parsed

_KEPT: Final = frozenset({"message/delivery-status", "message/feedback-report", "message/rfc822-headers"})
_ODD = (ValueError, LookupError, TypeError, AttributeError, MessageError, RecursionError)  # what the parser may raise
_HEADERS_MOST: Final = 128 * 1024  # bytes of all headers
_END: Final = re.compile(rb"\r?\n\r?\n")
_TEXT_MOST: Final = 64 * 1024  # bytes of one part of words


def lightened(raw: bytes, *, most: int) -> bytes:
    """At most so many bytes. One that fits is left as it is."""
    if len(raw) <= most:
        return raw
    try:
        message = parsed(_with_less_above(raw))
        for part in message.walk():
            if not part.is_multipart() and part.get_content_type() not in _KEPT:
                _empty(part)
        return message.as_bytes(unixfrom=False)[:most]
    except _ODD:
        return raw[:most]


def _with_less_above(raw: bytes) -> bytes:
    """Of very many headers the first stay."""
    if len(raw) <= _HEADERS_MOST or _END.search(raw, 0, _HEADERS_MOST):
        return raw
    last = raw.rfind(b"\n", 0, _HEADERS_MOST) + 1
    end = _END.search(raw, _HEADERS_MOST)
    return raw[: last or _HEADERS_MOST] + (raw[end.start() :] if end else b"")


def _empty(part: Message) -> None:
    """What is no words loses its content; of very long words the beginning stays."""
    is_words = part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment"
    content = part.get_payload()
    if not is_words:
        part.set_payload("")
    elif isinstance(content, str) and len(content) > _TEXT_MOST:
        part.set_payload(content[:_TEXT_MOST])
