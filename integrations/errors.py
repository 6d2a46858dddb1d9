"""What can go wrong with a vendor call, by what it means for money: four kinds, which decide what follows."""

from __future__ import annotations

from enum import StrEnum


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
    """Certainly nothing was bought: refused, DNS, 429, 500, 502, 503. Try again after `retry_after` s."""

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


class Rejected(VendorFailure):
    """The vendor answered, and no repeat of the same request will do better: 400, 404 without a body, 422, garbage.

    `charged` says that the answer has probably been billed (a 200 that cannot be read); `raw` is its first 64 KiB.
    """

    category = Category.INVALID_DATA

    def __init__(
        self,
        reason: str,
        *,
        status: int | None = None,
        category: Category | None = None,
        charged: bool = False,
        raw: bytes = b"",
    ) -> None:
        super().__init__(reason, status=status, category=category)
        self.charged = charged
        self.raw = raw[:65536]


class Misconfigured(VendorFailure):
    """401, 402, 403, or no key in the environment: nobody can buy from this vendor until an operator acts."""

    category = Category.AUTH_ERROR


class ScopeRefused(Misconfigured):
    """403 at a batch door: the key lacks the batch scope. The single door may still be open."""


class InDoubt(VendorFailure):
    """Timeout, cut or over-long answer after bytes left, or 504: it may have been bought. Never repeated blind."""

    category = Category.IN_DOUBT
