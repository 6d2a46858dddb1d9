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
    "deferred": State.ACCEPTED,
    "bounced": State.FAILED,
    "complained": State.ACCEPTED,
    "clicked": State.ACCEPTED,
    "replied": State.ACCEPTED,
}
# Kinds that say the vendor has taken it: whoever answers a message, or sends it back, was sent it.
TAKES = frozenset(
    {"accepted", "sent", "delivered", "undelivered", "deferred", "bounced", "complained", "clicked", "replied"}
)
HARD, SOFT, BLOCKED = "hard_bounce", "soft_bounce", "blocked"  # `Delivery.refusal` of an e-mail that came back

# What is noted of a message beside its state, with the campaign's counter of it, and by which kind of event. Replies
# and opt-outs are counted by people (`stopping`).
MARKS: Mapping[str, str] = {
    "bounced_at": "bounced", "complained_at": "complained", "clicked_at": "human_clicks", "replied_at": "",
    "opted_out_at": "",
}  # fmt: skip
MARKED_BY: Mapping[str, str] = {
    "bounced": "bounced_at", "complained": "complained_at", "clicked": "clicked_at", "replied": "replied_at"
}  # fmt: skip

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
