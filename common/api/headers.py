"""Request headers that change how, not what, an endpoint does."""

from __future__ import annotations

import re

from rest_framework.request import Request

from common.api.base import invalid

WAIT_MAX = 60  # seconds an answer may be held: what proxies and clients put up with
_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,6})\"?\s*(?:[,;]|$)", re.IGNORECASE)
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?")


def preferred_wait(request: Request, *, otherwise: int = 0) -> int:
    """Seconds of `Prefer: wait=N` (RFC 7240), at most 60. What cannot be read is ignored, as the RFC asks."""
    found = _WAIT.search(request.headers.get("Prefer", ""))
    return min(int(found[1]), WAIT_MAX) if found else otherwise


def idempotency_key(request: Request) -> str | None:
    """The Idempotency-Key: 1 to 200 printable ASCII characters, or none at all."""
    key: str | None = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise invalid("Idempotency-Key", "It must be 1 to 200 printable ASCII characters.")
    return key
