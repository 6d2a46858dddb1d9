"""E-mails that strangers write, parsed in a time that grows with their length alone. Pure.

The standard library's `email.policy.default` takes the square of a header's length (a To of 240 KB keeps a worker for
minutes), and each part of an e-mail costs it a millisecond.
"""

from __future__ import annotations

from email.errors import MessageError
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32, default
from itertools import islice
from typing import Any, Final

HALF: Final = 3_000  # characters of a header's beginning, and of its end: of References the last one is answered
MANY: Final = 20  # headers of one name
PARTS: Final = 500  # with the blocks of a report


class TooManyParts(MessageError):
    """Nobody writes such an e-mail."""


class _Bounded(Compat32):
    """Of a long header its beginning and its end are read."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        return super().header_fetch_parse(name, _short(value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        return super().fold_binary(name, _short(value) if isinstance(value, str) else value)


_POLICY: Final = _Bounded()


def parsed(raw: bytes) -> Message:
    """Raises what the parser may raise, TooManyParts with it."""
    made = 0

    def part(policy: Any = _POLICY) -> Message:
        nonlocal made
        made += 1
        if made > PARTS:
            raise TooManyParts
        return Message(policy=policy)

    return BytesParser(part, policy=_POLICY).parsebytes(raw)


def said_by(message: Message, name: str) -> list[str]:
    """What the first headers of this name say, on one line each; a Subject decoded. Raises what a parser may."""
    raw = (_short(str(value)) for known, value in message.raw_items() if known.lower() == name.lower())
    found = islice(raw, MANY)
    if name.lower() == "subject":
        return [str(default.header_fetch_parse(name, value)) for value in found]
    return [" ".join(value.encode(errors="surrogateescape").decode(errors="replace").split()) for value in found]


def _short(value: str) -> str:
    return value if len(value) <= 2 * HALF else f"{value[:HALF]} {value[-HALF:]}"
