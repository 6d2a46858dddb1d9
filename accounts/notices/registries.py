"""Where a notification leads: an admin page of its row, but for what a room registers here in its `apps.ready()`."""

from __future__ import annotations

from collections.abc import Callable

from django.urls import NoReverseMatch, reverse

Address = Callable[[str], str]
_addresses: dict[str, Address] = {}


def leads_to(about: str, address: Address) -> None:
    """Registers the address of rows by their id. about: as a notification has it, such as leads.event."""
    _addresses[about] = address


def address_of(about: str, about_id: str) -> str:
    """Empty where there is no such page any more."""
    try:
        if about in _addresses:
            return _addresses[about](about_id)
        return reverse(f"admin:{about.replace('.', '_')}_change", args=[about_id])
    except NoReverseMatch:
        return ""
