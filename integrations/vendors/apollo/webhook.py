"""The address Apollo pushes phones to. Its pushes are unsigned, so the address itself is the secret."""

from __future__ import annotations

import logging
import re
from uuid import UUID

from django.core.signing import BadSignature, Signer

_SALT = "integrations.apollo.webhook"
_TOKEN = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?::|%3A)[\w-]{20,}", re.ASCII)


def address(base: str, call_id: str) -> str:
    """Where the phones of this call are to be pushed. The token in it names the call and is signed with SECRET_KEY.

    Nothing has to be stored before the request leaves, and what the database holds gives no token away.
    """
    return f"{base.rstrip('/')}/{Signer(salt=_SALT).sign(UUID(call_id).hex)}"


def call_of(token: str) -> UUID | None:
    """The call a token was made for; None where we made none such. SECRET_KEY_FALLBACKS count too."""
    try:
        return UUID(Signer(salt=_SALT).unsign(token))
    except (BadSignature, ValueError):
        return None


class HideTokens(logging.Filter):
    """Takes our tokens out of a line before anybody writes it."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            line = record.getMessage()
        except (TypeError, ValueError, KeyError):  # the handler will say what is wrong with it
            return True
        if _TOKEN.search(line):
            record.msg, record.args = _TOKEN.sub("…", line), ()
        return True
