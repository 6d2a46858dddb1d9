"""By which phones calls are made: each vendor's registers itself (`campaigns.voice`); `tel` needs none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

Place = Callable[[UUID], None]

_modes: dict[str, Place] = {}


def place_with(mode: str, place: Place) -> None:
    """Registers how a call of this mode is handed to its vendor: after the commit, outside any transaction, with the
    attempt's id. It settles its own failures on the attempt.
    """
    _modes[mode] = place


def placed_with() -> Mapping[str, Place]:
    return _modes
