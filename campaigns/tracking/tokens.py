"""The tokens in an e-mail's addresses: signed, with a salt for each purpose, 39 to 60 characters that need no escaping.

A token says all that its page needs: a way out works when the message, its campaign and its lead are gone. They are
signed with SECRET_KEY: a new one needs the old one in SECRET_KEY_FALLBACKS for as long as links of sent e-mails shall
work.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.core.signing import BadSignature, Signer

SIGNED: Final = 16  # characters of the signature: 96 bits
LEAST, MOST = 22, 60  # characters of a token


class _Signer(Signer):
    def signature(self, value: str | bytes, key: str | bytes | None = None) -> str:
        return super().signature(value, key)[:SIGNED]


@dataclass(frozen=True, slots=True)
class WayOut:
    """Of which message, to which address (id of a ContactKey)."""

    delivery_id: UUID
    key_id: int


@dataclass(frozen=True, slots=True)
class Click:
    """Which link (id of a Link), in which message."""

    delivery_id: UUID
    link_id: UUID


def unsubscribe(delivery_id: UUID, key_id: int) -> str:
    """49 characters."""
    return _signed("unsubscribe", delivery_id.bytes + key_id.to_bytes(8))


def click(delivery_id: UUID, link_id: UUID) -> str:
    """60 characters."""
    return _signed("click", delivery_id.bytes + link_id.bytes)


def opened(delivery_id: UUID) -> str:
    """39 characters."""
    return _signed("open", delivery_id.bytes)


def read_unsubscribe(token: str) -> WayOut | None:
    """None: nobody has signed it, or for something else."""
    said = _said("unsubscribe", token, 24)
    return WayOut(UUID(bytes=said[:16]), int.from_bytes(said[16:])) if said else None


def read_click(token: str) -> Click | None:
    """As `read_unsubscribe`."""
    said = _said("click", token, 32)
    return Click(UUID(bytes=said[:16]), UUID(bytes=said[16:])) if said else None


def read_opened(token: str) -> UUID | None:
    """As `read_unsubscribe`: the message's id."""
    said = _said("open", token, 16)
    return UUID(bytes=said) if said else None


def _signer(purpose: str) -> _Signer:
    return _Signer(salt=f"campaigns.tracking.{purpose}", sep=".")


def _signed(purpose: str, said: bytes) -> str:
    return _signer(purpose).sign(urlsafe_b64encode(said).rstrip(b"=").decode())


def _said(purpose: str, token: str, size: int) -> bytes:
    """size: bytes. b'': no such token."""
    if not (LEAST <= len(token) <= MOST and token.isascii()):
        return b""
    try:
        text = _signer(purpose).unsign(token)
        said = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (BadSignature, ValueError):
        return b""
    return said if len(said) == size else b""
