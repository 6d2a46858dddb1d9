"""The states of a message: which outranks which, and which counters of its campaign it counts in. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from campaigns.models import Delivery

State = Delivery.State

# The state that each kind of event says. A later event of a lower or equal rank changes nothing.
SAYS = {
    "accepted": State.ACCEPTED,
    "sent": State.ACCEPTED,
    "delivered": State.DELIVERED,
    "failed": State.FAILED,
    "undelivered": State.FAILED,
}
TAKES = ("accepted", "sent", "delivered", "undelivered")  # kinds that say the vendor has taken it

# Which counters count a message in each state; `due` counts every message. Their sum says so on the page:
# sent = accepted + failed + in doubt + those under way; due = the sum over all states.
COUNTED: Mapping[str, tuple[str, ...]] = {
    State.DUE: (),
    State.TAKEN: (),
    State.INTENDED: ("sent",),
    State.ACCEPTED: ("sent", "accepted"),
    State.DELIVERED: ("sent", "accepted", "delivered"),
    State.FAILED: ("sent", "failed"),
    State.IN_DOUBT: ("sent", "in_doubt"),
    State.REFUSED: ("refused",),
    State.EXPIRED: ("expired",),
    State.CANCELLED: ("cancelled",),
}


def outranks(kind: str, state: str, rank: int) -> bool:
    """Whether an event of this kind changes a message in this state. One that waits, was refused, cancelled or has
    expired was never handed over: no event is about it.
    """
    if state not in Delivery.LEFT:
        return False
    return Delivery.RANKS[SAYS[kind]] > rank


def deltas(before: str, after: str) -> dict[str, int]:
    """By how much each counter changes."""
    found: dict[str, int] = {}
    for names, step in ((COUNTED[before], -1), (COUNTED[after], 1)):
        for name in names:
            found[name] = found.get(name, 0) + step
    return {name: step for name, step in found.items() if step}
