"""What can go wrong with a vendor call, by what it means for money: the kind decides what follows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from integrations.vendors.contract import Reply

RAW_MAX = 65536  # bytes


class Category(StrEnum):
    """Why a lead or a call ended without facts. Stored in words an operator reads."""

    RATE_LIMITED = "RATE_LIMITED"
    NOT_FOUND = "NOT_FOUND"
    INVALID_DATA = "INVALID_DATA"
    NETWORK_ERROR = "NETWORK_ERROR"
    AUTH_ERROR = "AUTH_ERROR"
    SKIP_TRACE_EMPTY = "SKIP_TRACE_EMPTY"
    BUDGET_EXHAUSTED = "BUDGET_EXHAUSTED"
    IN_DOUBT = "IN_DOUBT"
    FORGOTTEN = "FORGOTTEN"


WORDS = {  # for pages: a code never stands there alone
    Category.RATE_LIMITED: "Too many requests",
    Category.NOT_FOUND: "Not known to the vendor",
    Category.INVALID_DATA: "Question or answer unusable",
    Category.NETWORK_ERROR: "No answer",
    Category.AUTH_ERROR: "Key refused",
    Category.SKIP_TRACE_EMPTY: "No phone or e-mail",
    Category.BUDGET_EXHAUSTED: "Spending limit or credit used up",
    Category.IN_DOUBT: "Needs billing check",
    Category.FORGOTTEN: "Asked to be forgotten",
}


def failure_in_words(error: str) -> str:
    """What a lead keeps of its last failure, "NETWORK_ERROR: it took too long", as a page says it."""
    code, _, reason = error.partition(": ")
    words = WORDS.get(code)  # type: ignore[call-overload]  # a StrEnum's key is found by its text
    return error if words is None else f"{words}: {reason}" if reason else words


@dataclass(frozen=True, slots=True)
class Evidence:
    """An answer that was paid for and cannot be used: what `UnreadableAnswer` keeps of it. raw None: of a trace."""

    length: int
    sha256: str
    why: str
    raw: bytes | None = field(default=None, repr=False)

    @classmethod
    def of(cls, body: bytes, why: str, *, personal: bool) -> Evidence:
        """personal: nothing of it may be kept but its length and hash; else its first 64 KiB are."""
        digest = hashlib.sha256(body).hexdigest()
        return cls(len(body), digest, why[:300], None if personal else body[:RAW_MAX])


class VendorFailure(Exception):
    """A vendor call that brought no answer.

    `reason` is safe to show and to store: no key, no header, no personal data, at most 300 characters.
    `status` is the HTTP status, or None where no answer came.
    """

    category: Category = Category.NETWORK_ERROR

    def __init__(self, reason: str, *, status: int | None = None, category: Category | None = None) -> None:
        super().__init__(reason)
        self.reason = reason[:300]
        self.status = status
        if category is not None:
            self.category = category


class NotSent(VendorFailure):
    """Certainly nothing was bought: refused, DNS, 502, 503; 500 of a free call. Try again after `retry_after` s."""

    def __init__(
        self,
        reason: str,
        *,
        status: int | None = None,
        category: Category | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(reason, status=status, category=category)
        self.retry_after = retry_after


class HeldBack(NotSent):
    """429: nothing was bought, and the operation waits for everybody; `retry_after` None: the vendor says none."""

    category = Category.RATE_LIMITED


class Deferred(NotSent):
    """The vendor works, and this one message has to come later (greylisting), after `retry_after` s. It holds up no
    other."""

    category = Category.RATE_LIMITED


class Rejected(VendorFailure):
    """The vendor answered, and no repeat of the same request will do better: 400, 422, a 404 in
    the vendor's own envelope, a record that cannot be used.

    `charged`: the answer was billed (a parsed envelope with an unusable record); then `evidence` tells what came, and
    `units` those of the price list, None where they are unknown: then all that was reserved is charged.
    """

    category = Category.INVALID_DATA

    def __init__(
        self,
        reason: str,
        *,
        status: int | None = None,
        category: Category | None = None,
        charged: bool = False,
        evidence: Evidence | None = None,
        units: Decimal | None = None,
    ) -> None:
        super().__init__(reason, status=status, category=category)
        self.charged, self.evidence, self.units = charged, evidence, units


class Misconfigured(VendorFailure):
    """401, 402, 403, a redirect, a 404 that is not the vendor's, or no key: an operator has to act first."""

    category = Category.AUTH_ERROR


class UnprovenMiss(Misconfigured):
    """A 404 that is a miss from a vendor that has answered well before from this base URL, and else a wrong base URL.

    The gate knows which: `Operation.answered_from`. miss: the Reply it stands for then.
    """

    def __init__(self, reason: str, *, miss: Reply, status: int | None = 404) -> None:
        super().__init__(reason, status=status)
        self.miss = miss


class ScopeRefused(Misconfigured):
    """403 at a batch endpoint: the key lacks the batch scope. The single endpoint may still be open."""


class BilledError(VendorFailure):
    """A server error that the vendor's `server_error_policy` counts as billed: the money is spent, nothing came."""


class InDoubt(VendorFailure):
    """It may have been bought: never repeated blind. Timeout or cut after bytes left, 408, any 5xx but 502 and 503, a
    2xx that does not parse or is not the vendor's envelope.

    server_error: the vendor answered 408 or 5xx, which its `server_error_policy` may decide. pauses: the body is no
    JSON at all (a web page): the vendor pauses at once, because its base URL may be wrong. evidence: what came, where
    a whole answer came that is none; for the operator who decides.
    """

    category = Category.IN_DOUBT

    def __init__(
        self,
        reason: str,
        *,
        status: int | None = None,
        server_error: bool = False,
        pauses: bool = False,
        evidence: Evidence | None = None,
    ) -> None:
        super().__init__(reason, status=status)
        self.server_error, self.pauses, self.evidence = server_error, pauses, evidence
