"""Failing on purpose: which request fails, how, and how often."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sandbox.billing import OPERATIONS
from sandbox.wire import Json

# What the vendor itself answers, in its own shape; "404" is the documented one, without `data`.
STATUS_KINDS = {"401": 401, "402": 402, "403": 403, "403_batch": 403, "404": 404, "429": 429, "429_daily": 429} | {
    "429_retry_after": 429,
    "500": 500,
}
# What a proxy, a CDN or another web server answers in the vendor's place.
GATEWAY_KINDS = {
    "404_html": "Not Found",
    "408": "Request Time-out",
    "502": "Bad Gateway",
    "503": "Service Temporarily Unavailable",
    "504": "Gateway Time-out",
    "520": "Web server is returning an unknown error",
}
REDIRECT_KINDS = {"301", "302", "307", "308"}
PAGE_KINDS = {"html", "text", "json"}  # 200 with a web page, a plain word, or JSON that is not the vendor's
BEFORE_KINDS = {"slow", "cut_before"} | set(STATUS_KINDS) | set(GATEWAY_KINDS) | REDIRECT_KINDS | PAGE_KINDS
BATCH_KINDS = {"missing", "missing_rebuy", "extra", "duplicate", "reorder"}
# The answer says that a unit costs so many credits. The ledger bills by the price list.
CLAIM_KINDS = {"credits_0": 0, "credits_10": 10}
REQUEST_ID_KINDS = {"request_id_text", "request_id_missing"}  # of Apollo
SPOILING_KINDS = {"garbage", "empty", "unusable"} | BATCH_KINDS | set(CLAIM_KINDS) | REQUEST_ID_KINDS
AFTER_KINDS = {"timeout", "cut", "cut_middle"} | SPOILING_KINDS
WEBHOOK_KINDS = {"webhook_twice", "webhook_lost", "webhook_late", "webhook_early", "webhook_garbage"} | {
    "webhook_credits_0",
    "webhook_credits_10",
    "phones_in_answer",
}
KINDS = BEFORE_KINDS | AFTER_KINDS | WEBHOOK_KINDS
DEFAULT_SECONDS = {"slow": 2.0, "webhook_late": 5.0, "timeout": 60.0, "429_retry_after": 1.0}
FREE = ("probe", "usage")
RECEIVER = "webhook"  # events that the product sends us: no vendor's, and "*" does not mean it


class FaultError(Exception):
    """A fault nobody could mean; the text names the mistake."""


@dataclass(slots=True)
class Fault:
    """One standing order to fail. `after` requests pass first, then at most `count` fail, each with odds `rate`.

    billed: of what strikes before the vendor has seen the request: it had seen it, done its work and billed it. "slow"
    waits with the made answer then; "missing" bills what it leaves out, too.
    """

    operation: str
    kind: str
    rate: float = 1.0
    count: int | None = None
    seconds: float | None = None
    after: int = 0
    billed: bool = False
    seen: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        if self.operation not in (*OPERATIONS, "*", *FREE, RECEIVER):
            raise FaultError(f"unknown operation {self.operation!r}; known: *, {', '.join((*FREE, *OPERATIONS))}")
        if self.kind not in KINDS:
            raise FaultError(f"unknown kind {self.kind!r}; known: {', '.join(sorted(KINDS))}")
        if not 0 <= self.rate <= 1:
            raise FaultError(f"rate {self.rate} is not between 0 and 1")
        if self.after < 0 or (self.count is not None and self.count < 0) or (self.seconds or 0) < 0:
            raise FaultError("count, seconds and after cannot be negative")
        if self.billed and self.kind not in BEFORE_KINDS | BATCH_KINDS:
            raise FaultError(f"{self.kind!r} is billed as it is; billed goes with: {', '.join(sorted(BEFORE_KINDS))}")

    @property
    def pause_s(self) -> float:
        """Seconds to wait, hang or send as Retry-After."""
        return DEFAULT_SECONDS.get(self.kind, 0.0) if self.seconds is None else self.seconds

    def concerns(self, operation: str, *, batch: bool) -> bool:
        """Whether a request of this operation can meet this fault.

        "*" does not reach the free side endpoints; "probe" reaches all of them, "usage" Apollo's credit usage alone.
        """
        if RECEIVER in (operation, self.operation):
            return operation == self.operation
        if operation in FREE:
            return self.operation in ("probe", operation)
        if self.operation not in (operation, "*"):
            return False
        return batch or self.kind not in BATCH_KINDS | {"403_batch"}

    def report(self) -> Json:
        """The fault as JSON, with what it has done so far."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "billed" or self.billed}


def _boolean(value: object) -> bool:
    if str(value).lower() not in ("1", "true", "0", "false"):
        raise ValueError(value)
    return str(value).lower() in ("1", "true")


_FIELDS: dict[str, Callable[[Any], Any]] = {
    "rate": float,
    "count": int,
    "seconds": float,
    "after": int,
    "billed": _boolean,
}


def parse(order: object) -> Fault:
    """A fault from its JSON object. Raises FaultError."""
    known = {"operation", "kind", "seen", "fired", *_FIELDS}  # seen and fired as `report` writes them: ignored
    if not isinstance(order, dict) or not {"operation", "kind"} <= set(order) <= known:
        raise FaultError(f"a fault is an object with operation, kind and any of {', '.join(_FIELDS)}")
    try:
        extras: dict[str, Any] = {
            name: convert(order[name]) for name, convert in _FIELDS.items() if order.get(name) is not None
        }
    except (TypeError, ValueError):
        raise FaultError("rate, count, seconds and after are numbers, billed is 1 or 0") from None
    return Fault(str(order["operation"]), str(order["kind"]), **extras)


def parse_flag(text: str) -> Fault:
    """A fault from a flag: operation:kind[:rate=0.1][:count=3][:seconds=2][:after=10][:billed=1]. Raises FaultError."""
    operation, _, rest = text.partition(":")
    kind, *extras = rest.split(":")
    order: Json = {"operation": operation, "kind": kind}
    for extra in extras:
        name, _, value = extra.partition("=")
        order[name] = value
    return parse(order)


class FaultBox:
    """The standing faults. Thread-safe; the same requests in the same order meet the same faults."""

    def __init__(self, faults: Iterable[Fault] = (), seed: int = 1) -> None:
        self._seed, self._lock = seed, Lock()
        self._faults = list(faults)

    def replace(self, faults: list[Fault]) -> None:
        """These faults and no others."""
        with self._lock:
            self._faults = faults

    def report(self) -> list[Json]:
        """The standing faults as JSON."""
        with self._lock:
            return [fault.report() for fault in self._faults]

    def pick(self, operation: str, *, batch: bool, webhook: bool = False) -> Fault | None:
        """The first fault that strikes this request (or this webhook push), if any."""
        with self._lock:
            for number, fault in enumerate(self._faults):
                if (fault.kind in WEBHOOK_KINDS) == webhook and fault.concerns(operation, batch=batch):
                    fault.seen += 1
                    spent = fault.count is not None and fault.fired >= fault.count
                    if fault.seen > fault.after and not spent and self._strikes(number, fault):
                        fault.fired += 1
                        return fault
        return None

    def _strikes(self, number: int, fault: Fault) -> bool:
        draw = hashlib.blake2b(f"{self._seed}|{number}|{fault.seen}".encode(), digest_size=4).digest()
        return int.from_bytes(draw, "big") / 2**32 < fault.rate
