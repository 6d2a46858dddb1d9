"""Calls of the made-up vendors: each leg with its state, and what was asked for, said and played: `GET /__log`."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock

from sandbox.call_numbers import CallNumbers, CallScript
from sandbox.clock import Clock
from sandbox.outbox import Outbox
from sandbox.wire import Json

OVER = ("completed", "busy", "no-answer", "failed", "canceled")


@dataclass(slots=True)
class Leg:
    """One leg, by Twilio's words for its state. parent: the caller's leg, where this is the lead's."""

    id: str
    vendor: str
    to: str
    ours: str
    created: datetime
    script: CallScript
    parent: str = ""
    status: str = "queued"
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    answered_by: str = ""
    sequence: int = 0
    callback: str = ""
    action: str = ""
    said: list[str] = field(default_factory=list)
    played: list[Json] = field(default_factory=list)

    @property
    def seconds(self) -> int:
        if self.answered_at is None or self.ended_at is None:
            return 0
        return max(1, round((self.ended_at - self.answered_at).total_seconds()))


class Phones:
    """All calls of all vendors. Thread-safe: whoever changes a leg holds `lock`."""

    def __init__(self, clock: Clock, numbers: CallNumbers, outbox: Outbox, delay_s: float = 0.03) -> None:
        self.clock, self.numbers, self.outbox, self.delay_s = clock, numbers, outbox, delay_s
        self.lock = RLock()
        self._legs: dict[str, Leg] = {}
        self._requests: list[Json] = []

    def add(self, leg: Leg) -> None:
        with self.lock:
            self._legs[leg.id] = leg

    def get(self, leg_id: str) -> Leg | None:
        with self.lock:
            return self._legs.get(leg_id)

    def of(self, vendor: str) -> list[Leg]:
        """The oldest first."""
        with self.lock:
            return [leg for leg in self._legs.values() if leg.vendor == vendor]

    def children(self, parent: str) -> list[Leg]:
        with self.lock:
            return [leg for leg in self._legs.values() if leg.parent == parent]

    def note(self, vendor: str, *, to: str, ours: str, outcome: str, status: int) -> None:
        """A request to place a call, and what it was answered with (status 0: nothing)."""
        at = self.clock.now().isoformat()
        with self.lock:
            self._requests.append(
                {"at": at, "vendor": vendor, "to": to, "from": ours, "outcome": outcome, "status": status}
            )

    def log(self, query: Mapping[str, list[str]]) -> Json:
        """Every request to place a call, every leg; `to`: of this number."""
        wanted = {f"+{value.strip().removeprefix('+')}" for value in query.get("to", []) if value.strip()}
        with self.lock:
            requests = [one for one in self._requests if not wanted or one["to"] in wanted]
            legs = [leg for leg in self._legs.values() if not wanted or leg.to in wanted]
        return {
            "callRequests": requests,
            "calls": [_shown(leg) for leg in legs],
            "callsByRecipient": dict(Counter(leg.to for leg in legs)),
        }


def _shown(leg: Leg) -> Json:
    return {
        "id": leg.id, "vendor": leg.vendor, "to": leg.to, "from": leg.ours, "parent": leg.parent, "status": leg.status,
        "answeredBy": leg.answered_by, "seconds": leg.seconds, "said": leg.said, "played": leg.played,
    }  # fmt: skip
