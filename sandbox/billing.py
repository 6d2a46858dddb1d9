"""The ledger: what the vendors would charge, how fast they were asked, and what was bought twice; and the pace."""

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Lock

from sandbox.wire import Charge, Json

OPERATIONS = (
    "property_search",
    "property_detail",
    "skip_trace",
    "signalhouse_skip_trace",
    "apollo_people",
    "apollo_organizations",
    "autocomplete",
    "sms",
    "call",
)
# The price each operation's units are sold at; AutoComplete is free.
PRICE_OF = {
    "property_search": "property_search_row",
    "property_detail": "property_detail",
    "skip_trace": "skip_trace",
    "signalhouse_skip_trace": "signalhouse_skip_trace",
    "apollo_people": "apollo_credit",
    "apollo_organizations": "apollo_credit",
    "sms": "sms_segment",
    "call": "phone_call",
}
PRICES = tuple(dict.fromkeys(PRICE_OF.values()))
WINDOW_S = 60.0
Clock = Callable[[], float]


def plain(value: Decimal) -> str:
    """A Decimal without exponent or idle zeros: "12.35", "3", "0"."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(slots=True)
class _Tally:
    requests: int = 0
    answered: int = 0
    refused: int = 0
    units: Decimal = Decimal(0)
    billed: Decimal = Decimal(0)
    inputs: Counter[str] = field(default_factory=Counter)
    minute: deque[float] = field(default_factory=deque)
    worst_minute: int = 0
    arrivals: list[float] = field(default_factory=list)


class Ledger:
    """Counts every request of an operation. Thread-safe.

    `worst_minute` is the most requests that arrived within any 60 s, those refused for their pace included: what the
    client did, not what it was allowed.
    """

    def __init__(self, prices: Mapping[str, Decimal], clock: Clock = time.monotonic) -> None:
        self._prices, self._clock, self._lock = dict(prices), clock, Lock()
        self._in_flight = 0
        self._clear()

    def _clear(self) -> None:
        self._tallies = {operation: _Tally() for operation in OPERATIONS}
        self._rejected = 0
        self._in_flight_max = self._in_flight

    def arrive(self, operation: str) -> None:
        """A request has been read."""
        with self._lock:
            self._in_flight += 1
            self._in_flight_max = max(self._in_flight_max, self._in_flight)
            if tally := self._tallies.get(operation):
                now = self._clock()
                tally.requests += 1
                tally.arrivals.append(time.time())
                tally.minute.append(now)
                while tally.minute[0] <= now - WINDOW_S:
                    tally.minute.popleft()
                tally.worst_minute = max(tally.worst_minute, len(tally.minute))

    def leave(self) -> None:
        """A request is over."""
        with self._lock:
            self._in_flight -= 1

    def settle(self, operation: str, *, answered: bool, status: int, charges: Sequence[Charge] = ()) -> None:
        """The outcome of a request, and what it costs."""
        with self._lock:
            self._rejected += status == 429
            if tally := self._tallies.get(operation):
                tally.answered += answered
                tally.refused += not answered
                self._bill(tally, operation, charges)

    def charge_later(self, operation: str, charges: Sequence[Charge]) -> None:
        """A charge that comes after its request was answered (Apollo's phones)."""
        with self._lock:
            self._bill(self._tallies[operation], operation, charges)

    def _bill(self, tally: _Tally, operation: str, charges: Sequence[Charge]) -> None:
        price = self._prices.get(PRICE_OF.get(operation, ""), Decimal(0))
        for charge in charges:
            tally.units += charge.units
            tally.billed += charge.units * price
            tally.inputs[charge.input] += 1

    def sold(self, operation: str, input: str) -> int:
        """How often this input has been billed; one that ends in "|" stands for all that begin so."""
        with self._lock:
            inputs = self._tallies[operation].inputs
            if input.endswith("|"):
                return sum(times for name, times in inputs.items() if name.startswith(input))
            return inputs[input]

    def units(self, *operations: str) -> tuple[Decimal, ...]:
        """The units billed so far, by operation."""
        with self._lock:
            return tuple(self._tallies[operation].units for operation in operations)

    def reset(self) -> None:
        """Everything back to nothing."""
        with self._lock:
            self._clear()

    def report(self, *, inputs: bool = False, arrivals: bool = False) -> Json:
        """The ledger as JSON; money in US dollars as text.

        With `inputs`, how often each input was billed; with `arrivals`, when each request came (Unix time).
        """
        with self._lock:
            report: Json = {
                "billed": plain(sum((tally.billed for tally in self._tallies.values()), Decimal(0))),
                "operations": {
                    operation: {
                        "requests": tally.requests,
                        "answered": tally.answered,
                        "refused": tally.refused,
                        "units": plain(tally.units),
                        "billed": plain(tally.billed),
                    }
                    for operation, tally in self._tallies.items()
                },
                "billed_twice": {
                    operation: sum(times > 1 for times in tally.inputs.values())
                    for operation, tally in self._tallies.items()
                },
                "worst_minute": {operation: tally.worst_minute for operation, tally in self._tallies.items()},
                "rejected_429": self._rejected,
                "in_flight_max": self._in_flight_max,
            }
            if inputs:
                report["inputs"] = {operation: dict(tally.inputs) for operation, tally in self._tallies.items()}
            if arrivals:
                report["arrivals"] = {operation: list(tally.arrivals) for operation, tally in self._tallies.items()}
            return report


class Pace:
    """So many requests a minute and operation, over a sliding window. A refused request takes no room in it."""

    def __init__(self, limits: Mapping[str, int], clock: Clock = time.monotonic) -> None:
        self._limits, self._clock, self._lock = dict(limits), clock, Lock()
        self._admitted: dict[str, deque[float]] = {operation: deque() for operation in limits}

    def limit(self, operation: str) -> int | None:
        """Requests a minute, or None where there is no limit."""
        return self._limits.get(operation)

    def admit(self, operation: str) -> tuple[int, float | None]:
        """How many of the window's requests are used, and the seconds to wait where this one is refused."""
        limit = self._limits.get(operation)
        if limit is None:
            return 0, None
        with self._lock:
            now, admitted = self._clock(), self._admitted[operation]
            while admitted and admitted[0] <= now - WINDOW_S:
                admitted.popleft()
            if len(admitted) >= limit:
                return len(admitted), admitted[0] + WINDOW_S - now if admitted else WINDOW_S
            admitted.append(now)
            return len(admitted), None
