"""By which phones calls are made: each vendor's registers itself (`campaigns.voice`); `tel` needs none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

Place = Callable[[UUID], None]

_modes: dict[str, Place] = {}
_ends: dict[str, Place] = {}


def place_with(mode: str, place: Place, hang_up: Place | None = None) -> None:
    """Registers how a call of this mode is handed to its vendor, and ended there: after the commit, outside any
    transaction, with the attempt's id. Each settles its own failures on the attempt.
    """
    _modes[mode] = place
    if hang_up is not None:
        _ends[mode] = hang_up


def placed_with() -> Mapping[str, Place]:
    """By mode: who rings the caller's phone."""
    return _modes


def hang_up_with() -> Mapping[str, Place]:
    """By mode: who ends the vendor's call."""
    return _ends
