"""Failing on purpose: which request fails, how, and how often."""

import copy
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from config.local.sandbox.billing import OPERATIONS
from config.local.sandbox.wire import HTML_TYPE, TEXT_TYPE, Answer, Json

STATUS_KINDS = {"401": 401, "402": 402, "403": 403, "403_batch": 403, "429": 429, "429_daily": 429} | {
    "429_retry_after": 429,
    "500": 500,
}
GATEWAY_KINDS = {"502": "Bad Gateway", "503": "Service Temporarily Unavailable", "504": "Gateway Time-out"}
BATCH_KINDS = {"missing", "extra", "duplicate", "reorder"}
SPOILING_KINDS = {"garbage", "empty"} | BATCH_KINDS
AFTER_KINDS = {"timeout", "cut"} | SPOILING_KINDS
WEBHOOK_KINDS = {"webhook_twice", "webhook_lost", "webhook_late", "webhook_garbage"}
KINDS = {"slow", "html", "cut_before"} | set(STATUS_KINDS) | set(GATEWAY_KINDS) | AFTER_KINDS | WEBHOOK_KINDS
DEFAULT_SECONDS = {"slow": 2.0, "webhook_late": 5.0, "timeout": 60.0, "429_retry_after": 1.0}
MAINTENANCE = "<!DOCTYPE html><html><head><title>Just a moment</title></head><body><h1>Checking</h1></body></html>"


class FaultError(Exception):
    """A fault nobody could mean; the text says what is wrong."""


@dataclass(slots=True)
class Fault:
    """One standing order to fail. `after` requests pass first, then at most `count` fail, each with odds `rate`."""

    operation: str
    kind: str
    rate: float = 1.0
    count: int | None = None
    seconds: float | None = None
    after: int = 0
    seen: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        if self.operation not in (*OPERATIONS, "*", "probe"):
            raise FaultError(f"unknown operation {self.operation!r}; known: *, probe, {', '.join(OPERATIONS)}")
        if self.kind not in KINDS:
            raise FaultError(f"unknown kind {self.kind!r}; known: {', '.join(sorted(KINDS))}")
        if not 0 <= self.rate <= 1:
            raise FaultError(f"rate {self.rate} is not between 0 and 1")
        if self.after < 0 or (self.count is not None and self.count < 0) or (self.seconds or 0) < 0:
            raise FaultError("count, seconds and after cannot be negative")

    @property
    def pause_s(self) -> float:
        """Seconds to wait, hang or send as Retry-After."""
        return DEFAULT_SECONDS.get(self.kind, 0.0) if self.seconds is None else self.seconds

    def concerns(self, operation: str, batch: bool) -> bool:
        """Whether a request of this operation can meet this fault; "*" does not reach the free probe doors."""
        if self.operation != operation and (self.operation != "*" or operation == "probe"):
            return False
        return batch or self.kind not in BATCH_KINDS | {"403_batch"}

    def report(self) -> Json:
        """The fault as JSON, with what it has done so far."""
        return {name: getattr(self, name) for name in self.__slots__}


_FIELDS = {"rate": float, "count": int, "seconds": float, "after": int}


def parse(order: Any) -> Fault:
    """A fault from its JSON object. Raises FaultError."""
    known = {"operation", "kind", "seen", "fired", *_FIELDS}  # seen and fired as `report` writes them: ignored
    if not isinstance(order, dict) or not {"operation", "kind"} <= set(order) <= known:
        raise FaultError(f"a fault is an object with operation, kind and any of {', '.join(_FIELDS)}")
    try:
        extras: dict[str, Any] = {
            name: convert(order[name]) for name, convert in _FIELDS.items() if order.get(name) is not None
        }
    except (TypeError, ValueError):
        raise FaultError("rate, count, seconds and after are numbers") from None
    return Fault(str(order["operation"]), str(order["kind"]), **extras)


def parse_flag(text: str) -> Fault:
    """A fault from a flag: operation:kind[:rate=0.1][:count=3][:seconds=2][:after=10]. Raises FaultError."""
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

    def pick(self, operation: str, batch: bool, webhook: bool = False) -> Fault | None:
        """The first fault that strikes this request (or this webhook push), if any."""
        with self._lock:
            for number, fault in enumerate(self._faults):
                if (fault.kind in WEBHOOK_KINDS) == webhook and fault.concerns(operation, batch):
                    fault.seen += 1
                    spent = fault.count is not None and fault.fired >= fault.count
                    if fault.seen > fault.after and not spent and self._strikes(number, fault):
                        fault.fired += 1
                        return fault
        return None

    def _strikes(self, number: int, fault: Fault) -> bool:
        draw = hashlib.blake2b(f"{self._seed}|{number}|{fault.seen}".encode(), digest_size=4).digest()
        return int.from_bytes(draw, "big") / 2**32 < fault.rate


def gateway(kind: str) -> Answer:
    """What a proxy in front of the vendor says when the vendor is away; the vendor has seen nothing."""
    if kind == "html":
        return Answer(200, text=MAINTENANCE, content_type=HTML_TYPE, answered=False)
    text = f"<html><head><title>{kind} {GATEWAY_KINDS[kind]}</title></head></html>"
    return Answer(int(kind), text=text, content_type=HTML_TYPE, answered=False)


def spoil(answer: Answer, kind: str) -> Answer:
    """A good answer spoiled: broken, emptied, or its batch disturbed. Refusals stay as they are.

    It was billed as it was made; but an item that is missing is not billed: a client could not tell that it was sold.
    """
    if answer.status != 200 or not isinstance(answer.payload, dict):
        return answer
    if kind == "garbage":
        text = answer.body().decode()
        return Answer(200, text=text[: len(text) * 2 // 3], charges=answer.charges, content_type=TEXT_TYPE)
    payload, found, charges = dict(answer.payload), answer.payload.get(answer.items), answer.charges
    if kind == "empty":
        payload[answer.items] = [] if isinstance(found, list) else {} if isinstance(found, dict) else None
    elif isinstance(found, list) and found:
        payload[answer.items] = _disturb(kind, found)
        if kind == "missing":
            charges = [charge for charge in charges if charge.item is None or charge.item % 3]
            if "credits" in payload:
                payload["credits"] = len(charges)
    return Answer(200, payload, headers=answer.headers, charges=charges, items=answer.items)


def _disturb(kind: str, items: list[Any]) -> list[Any]:
    if kind == "missing":  # every third, the first one included
        return [item for position, item in enumerate(items) if position % 3]
    if kind == "duplicate":
        return [*items, items[0]]
    if kind == "reorder":
        return items[::-1]
    stranger = copy.deepcopy(items[0])  # "extra": one nobody asked for
    if isinstance(stranger, dict) and "id" in stranger:
        stranger["id"] = type(stranger["id"])(99_999_999)
    if isinstance(stranger, dict) and isinstance(stranger.get("input"), dict):
        stranger["input"]["key"] = "nobody-asked"
    return [*items, stranger]
