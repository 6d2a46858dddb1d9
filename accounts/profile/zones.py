"""Time zones as people call them."""

from __future__ import annotations

from accounts.models import time_zones

US = {
    "America/New_York": "Eastern time (New York)",
    "America/Chicago": "Central time (Chicago)",
    "America/Denver": "Mountain time (Denver)",
    "America/Phoenix": "Arizona time (Phoenix)",
    "America/Los_Angeles": "Pacific time (Los Angeles)",
    "America/Anchorage": "Alaska time (Anchorage)",
    "Pacific/Honolulu": "Hawaii time (Honolulu)",
}


def zone_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every zone once: those of the United States first."""
    others = [(name, name.replace("_", " ")) for name in sorted(time_zones() - set(US))]
    return [("United States", list(US.items())), ("All others", others)]


def zone_in_words(name: str) -> str:
    """Mountain time (Denver); other zones by their names."""
    return US.get(name, name.replace("_", " "))
