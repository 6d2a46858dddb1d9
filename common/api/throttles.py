"""Protection against a client that asks without end. Money and correctness never depend on it: PostgreSQL holds those.

Counted in the cache (Redis). `rest_framework.views` imports this module while it is itself being imported, so nothing
of that may be imported here.
"""

from __future__ import annotations

import logging
from typing import Any

from redis.exceptions import RedisError
from rest_framework.throttling import UserRateThrottle

from common.api.limits import note, quota_of

log = logging.getLogger(__name__)


class UserThrottle(UserRateThrottle):
    """THROTTLE_USER requests a user. Where Redis is away everybody passes: the API outlives its cache."""

    def allow_request(self, request: Any, view: Any) -> bool:
        try:
            allowed = bool(super().allow_request(request, view))
        except RedisError as error:
            log.warning("Redis is away (%s): requests are not counted", type(error).__name__)
            self._tell(request, counted=False)
            return True
        self._tell(request, counted=getattr(self, "key", None) is not None)
        return allowed

    def _tell(self, request: Any, *, counted: bool) -> None:
        quota = quota_of(self, counted=counted)
        if quota is not None:
            note(request, quota)


class PushThrottle(UserThrottle):
    """Pushes of a vendor, by address: six times what our pace to Apollo can bring."""

    scope = "push"
    rate = "600/min"


class VendorPostThrottle(UserThrottle):
    """Posts of vendors of text messages, by address: 300 a second, as a campaign's statuses and answers come."""

    scope = "vendor-post"
    rate = "18000/min"
