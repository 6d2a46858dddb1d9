"""Secrets that must be readable again are kept encrypted: a copy of the tables alone signs nothing and makes no codes.

By AES-256-GCM. The key is derived from SECRET_KEY; those of SECRET_KEY_FALLBACKS still read what they wrote.
"""

from __future__ import annotations

import base64
import hashlib
import os
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_GCM = "gcm."  # what is stored begins with it; without: Fernet's, of before 2026-12
_NONCE = 12  # bytes


class Unreadable(Exception):
    """SECRET_KEY was changed without the old one in SECRET_KEY_FALLBACKS."""


def encrypted(secret: str, *, use: str) -> str:
    """use: what it is kept for; what was encrypted for one use is not readable as another's."""
    nonce = os.urandom(_NONCE)
    sealed = AESGCM(_keys(use)[0]).encrypt(nonce, secret.encode(), use.encode())
    return _GCM + base64.urlsafe_b64encode(nonce + sealed).decode()


def readable(stored: str, *, use: str) -> str:
    """The secret again. Raises Unreadable."""
    keys = _keys(use)
    with suppress(InvalidToken, ValueError):
        if not stored.startswith(_GCM):
            box = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
            return box.decrypt(stored.encode()).decode()
        whole = base64.urlsafe_b64decode(stored.removeprefix(_GCM))
        for key in keys:
            with suppress(InvalidTag):
                return AESGCM(key).decrypt(whole[:_NONCE], whole[_NONCE:], use.encode()).decode()
    raise Unreadable


def _keys(use: str) -> list[bytes]:
    """256 bits each, the one that writes first."""
    keys = [str(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    return [hashlib.sha256(f"{use} {key}".encode()).digest() for key in keys]
