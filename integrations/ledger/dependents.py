"""Rows of upper rooms that hang on a call besides its money. Those rooms register what a call's end does to them.

Both functions are called inside the transaction that ends the call, under the call's lock; `free` after its budgets'.
"""

from __future__ import annotations

from collections.abc import Callable

from integrations.models import VendorCall

_Act = Callable[[VendorCall], None]
_registered: list[tuple[_Act, _Act]] = []


def register(*, freed: _Act, doubted: _Act) -> None:
    """Registers an upper room's functions, once: from `AppConfig.ready`.

    freed: the call ended and delivered nothing, so its inputs may be bought again. doubted: it may have been bought.
    """
    if (freed, doubted) not in _registered:
        _registered.append((freed, doubted))


def free(call: VendorCall) -> None:
    """The call ends and has delivered nothing."""
    for freed, _ in _registered:
        freed(call)


def doubt(call: VendorCall) -> None:
    """The call may have been bought: an operator decides."""
    for _, doubted in _registered:
        doubted(call)
