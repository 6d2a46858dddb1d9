"""How much a client may still ask for, told with every answer: `RateLimit` and `RateLimit-Policy` as
draft-ietf-httpapi-ratelimit-headers has them, and the three headers of its earlier drafts that most clients read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ATTRIBUTE = "rate_limit"  # of Django's request


@dataclass(frozen=True, slots=True)
class Quota:
    """name: of the policy. limit: requests in a window of `window` seconds. left: that may still come now; reset:
    seconds until there is room for more.
    """

    name: str
    limit: int
    window: int
    left: int
    reset: int

    def headers(self) -> dict[str, str]:
        return {
            "RateLimit": f'"{self.name}";r={self.left};t={self.reset}',
            "RateLimit-Policy": f'"{self.name}";q={self.limit};w={self.window}',
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.left),
            "RateLimit-Reset": str(self.reset),
        }


def note(request: Any, quota: Quota) -> None:
    """Of several limits the one that is nearest is told."""
    plain = getattr(request, "_request", request)
    known: Quota | None = getattr(plain, ATTRIBUTE, None)
    if known is None or quota.left < known.left:
        setattr(plain, ATTRIBUTE, quota)


def headers_of(request: Any) -> dict[str, str]:
    """For the answer to this request; none where nobody counted it."""
    known: Quota | None = getattr(getattr(request, "_request", request), ATTRIBUTE, None)
    return known.headers() if known else {}
