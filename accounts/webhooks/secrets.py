"""The secrets that sign: receivers are given them, we must read them again."""

from __future__ import annotations

import base64
import secrets

from accounts import sealing
from accounts.sealing import Unreadable

__all__ = ["PREFIX", "Unreadable", "encrypted", "new_secret", "readable"]
PREFIX = "whsec_"  # Standard Webhooks
BYTES = 32  # the standard asks for 24 to 64
USE = "accounts.webhooks.secrets"


def new_secret() -> str:
    """As receivers are given it: `whsec_` and base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode()


def encrypted(secret: str) -> str:
    return sealing.encrypted(secret, use=USE)


def readable(stored: str) -> str:
    """The secret again. Raises Unreadable: it has to be rotated."""
    return sealing.readable(stored, use=USE)
