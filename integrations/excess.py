"""What a vendor claims above the price list: summed by vendor and day, and a reason to stop past a limit."""

from __future__ import annotations

from integrations.models import VendorCall


def note(call: VendorCall) -> None:
    """A call was settled, or its phones came: its excess is set. In the caller's transaction."""
