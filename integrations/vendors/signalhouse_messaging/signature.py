"""Whether a post is SignalHouse's (docs/vendors/signalhouse.md 2.4), on the raw bytes. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=5)
_MILLISECONDS = re.compile(r"\d{12,14}", re.ASCII)


def is_signed(*, headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now: datetime) -> bool:
    """headers: lower-cased names. secrets: every one that counts, the new and the old one. now: the real clock.

    The V1 header counts where there is one, because during a rotation it holds a signature by either secret.
    """
    timestamp, given = _given(headers)
    if not _MILLISECONDS.fullmatch(timestamp) or not given:
        return False
    if abs(now.timestamp() - int(timestamp) / 1000) > TOLERANCE.total_seconds():
        return False
    signed = f"{timestamp}.".encode() + body
    ours = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode() for secret in secrets if secret]
    return any(hmac.compare_digest(one, theirs.lower().encode()) for one in ours for theirs in given)


def _given(headers: Mapping[str, str]) -> tuple[str, list[str]]:
    """The time stamp and the signatures of a post."""
    newer = headers.get("x-signalhouse-signature-v1", "")
    if newer:
        pairs = [(name.strip(), value.strip()) for name, _, value in (part.partition("=") for part in newer.split(","))]
        stamps = [value for name, value in pairs if name == "t"]
        return (stamps[0] if len(stamps) == 1 else ""), [value for name, value in pairs if name == "v1" and value]
    older = headers.get("x-signalhouse-signature", "").strip()
    return headers.get("x-signalhouse-timestamp", "").strip(), [older] if older else []
