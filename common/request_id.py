"""What a request is called: in its answer (`X-Request-Id`), in a refusal, in every line of the log, in the audit.

A client may name it, so that its own log and ours can be laid beside each other.
"""

from __future__ import annotations

import re
import uuid
from contextvars import ContextVar

from common.contact_access import holds_contact

HEADER = "X-Request-Id"
LENGTH = 64  # characters, as the audit keeps it
request_id: ContextVar[str] = ContextVar("request_id", default="")  # "": a command or a worker
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


def named(said: str | None) -> str:
    """The client's own name of its request, where that can stand in a log and is nobody's phone; else a new one."""
    if said is not None and _SANE.fullmatch(said) and (_UUID.fullmatch(said) or not holds_contact(said)):
        return said
    return uuid.uuid4().hex
