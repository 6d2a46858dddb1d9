"""What people call a vendor, and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping

TITLES: Mapping[str, str] = {
    "realestateapi": "RealEstateAPI",
    "signalhouse": "SignalHouse",
    "apollo": "Apollo",
    "twilio": "Twilio",
    "signalhouse_messaging": "SignalHouse messaging",
    "mail": "E-mail",
}


def title(vendor: str) -> str:
    """The vendor's name for people."""
    return TITLES.get(vendor, vendor)


def operation_title(vendor: str, operation: str) -> str:
    """RealEstateAPI: property detail"""
    return f"{title(vendor)}: {operation.removeprefix(f'{vendor}_').replace('_', ' ')}"
