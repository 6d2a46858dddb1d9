"""What travels between the HTTP server, the engine and the vendors' endpoints."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol, TypeGuard

Json = dict[str, Any]

JSON_TYPE = "application/json; charset=utf-8"
TEXT_TYPE = "text/plain; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; header names are lower case, `query` keeps repeated values."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; an empty body is an empty object. Raises ValueError."""
        return json.loads(self.body) if self.body.strip() else {}


@dataclass(frozen=True, slots=True)
class Charge:
    """`units` sold for one input; the input's text is how the ledger sees the same thing bought twice.

    `item`: its position in the answer's batch, where the vendor sells by the item delivered.
    """

    input: str
    units: Decimal = Decimal(1)
    item: int | None = None


@dataclass(slots=True)
class Answer:
    """A vendor's answer before it is bytes. `items` names the payload key a batch fault may disturb.

    cut_at: bytes of the body that are sent before the connection is cut; None: all of it, and it stays open.
    wait_s: seconds before it is sent. silent: it never is; the connection is closed after that time.
    """

    status: int = 200
    payload: Any = None
    text: str | None = None
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    charges: list[Charge] = field(default_factory=list)
    items: str = "data"
    answered: bool = True
    cut_at: int | None = None
    wait_s: float = 0.0
    silent: bool = False

    def body(self) -> bytes:
        """The bytes of the body, UTF-8."""
        if self.text is not None:
            return self.text.encode()
        return json.dumps(self.payload, separators=(",", ":")).encode()


class Refusal(Exception):
    """A request the vendor turns down; `keys` are the offending fields (Joi's `validation.keys`)."""

    def __init__(self, status: int, message: str = "", keys: list[str] | None = None, code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code
        self.keys = [""] if keys is None else keys


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint. A path ending in "/" takes the rest of the path as its argument.

    `operation` is what pace, ledger and faults call it ("probe" endpoints are free and outside all three).
    """

    method: str
    path: str
    operation: str
    handle: Callable[[Request], Answer]
    scope: str = ""
    batch: bool = False


class Vendor(Protocol):
    """What the engine needs of a vendor."""

    def endpoints(self) -> list[Endpoint]:
        """Its endpoints."""

    def authorise(self, request: Request, endpoint: Endpoint, /) -> None:
        """Raises Refusal 401 or 403."""

    def refuse(self, refusal: Refusal, endpoint: Endpoint | None, /) -> Answer:
        """The refusal in the vendor's own shape."""

    def pace_headers(self, limit: int | None, used: int, wait_s: float | None, /) -> dict[str, str]:
        """Headers about the pace: `limit` a minute, `used` of it, `wait_s` set when refused."""


def is_number(value: object) -> TypeGuard[float | str]:
    """A finite JSON number, or a string Joi would convert into one; booleans are not numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    try:
        return math.isfinite(float(value))
    except (ValueError, OverflowError):
        return False
