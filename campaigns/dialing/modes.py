"""By which phones calls are made: each vendor's registers itself (`campaigns.voice`); `tel` needs none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from accounts.access import Access

Place = Callable[[UUID], None]

_modes: dict[str, Place] = {}
_refusals: dict[str, Callable[[Access], str]] = {}
_hang_ups: dict[str, Place] = {}


def place_with(
    mode: str, place: Place, *, why_not: Callable[[Access], str] | None = None, hang_up: Place | None = None
) -> None:
    """Registers how a call of this mode is handed to its vendor: after the commit, outside any transaction, with the
    attempt's id. It settles its own failures on the attempt.

    why_not: why she may not call so, in words, asked before anything is written. hang_up: ends the vendor's call,
    outside any transaction, and never raises.
    """
    _modes[mode] = place
    if why_not is not None:
        _refusals[mode] = why_not
    if hang_up is not None:
        _hang_ups[mode] = hang_up


def placed_with() -> Mapping[str, Place]:
    """By mode: who rings the caller's phone."""
    return _modes


def why_not(mode: str, access: Access) -> str:
    """Why she may not call by this mode, in words; "": she may."""
    refusal = _refusals.get(mode)
    return refusal(access) if refusal is not None else ""


def hang_up_with(mode: str, attempt_id: UUID) -> None:
    """Ends the vendor's call, where a vendor placed it."""
    if mode in _hang_ups:
        _hang_ups[mode](attempt_id)
