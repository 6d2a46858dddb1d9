"""The addresses that Twilio asks and tells in a call, each with the call's own token."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

BRIDGE, PRESS, LEAD, CALLER, DIAL, AMD = "bridge", "press", "lead", "caller", "dial", "amd"
# What a post to each address is called in `Inbound.kind`.
KINDS = {"bridge": BRIDGE, "press": PRESS, "call": LEAD, "caller": CALLER, "dial": DIAL, "amd": AMD}


def address(door: str, token: UUID) -> str:
    """door: of KINDS."""
    return f"{settings.PUBLIC_URL}/api/webhooks/twilio/{door}/{token}"
