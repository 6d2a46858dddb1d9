"""Where vendors post to. `slug`: what a vendor is called there; the addresses of messages: `sending.executing`."""

from __future__ import annotations

from django.conf import settings

VENDORS = {"twilio": "twilio", "signalhouse": "signalhouse_messaging"}  # slug -> vendor


def called_url(path: str, own_address: str) -> str:
    """The address as the vendor called it, which is what it has signed."""
    return f"{settings.PUBLIC_URL or own_address}{path}"
