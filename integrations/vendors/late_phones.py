"""Phones that a vendor finds after its answer: read from its push, or asked for. Apollo alone sells them so."""

from __future__ import annotations

import json

from integrations.vendors.apollo import parse
from integrations.vendors.apollo.client import is_askable, reveal
from integrations.vendors.apollo.parse import Reveal

__all__ = ["Reveal", "is_askable", "read_push", "reveal"]


def read_push(raw: bytes) -> Reveal:
    """A pushed body. Whatever its content type says, it is JSON; else the Reveal is not ready."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return Reveal(ready=False)
    return parse.reveal(body) if isinstance(body, dict) else Reveal(ready=False)
