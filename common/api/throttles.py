"""Protection against a client that asks without end. Money and correctness never depend on it: PostgreSQL holds those.

Counted in the cache (Redis). `rest_framework.views` imports this module while it is itself being imported, so nothing
of that may be imported here.
"""

from __future__ import annotations

import logging
import math
from functools import cache
from typing import Any

import redis
from django.conf import settings
from redis.exceptions import RedisError
from rest_framework.throttling import UserRateThrottle

from common.api.limits import Quota, note

log = logging.getLogger(__name__)
# KEYS[1]: the times of the requests that were let through, the oldest first, in microseconds by Redis' own clock.
# ARGV: how many there may be in a window, and its seconds. Answers whether this one is let through, how many have been,
# and in how many microseconds the oldest leaves the window. As one value in the cache, read and written whole, 18,000
# requests a minute (`VendorPostThrottle`) were a third of a megabyte each time.
_COUNT = """
local most, window = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000000
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local oldest = redis.call('LINDEX', KEYS[1], 0)
while oldest and tonumber(oldest) <= now - window do
    redis.call('LPOP', KEYS[1])
    oldest = redis.call('LINDEX', KEYS[1], 0)
end
local came, passes = redis.call('LLEN', KEYS[1]), 0
if came < most then
    redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
    redis.call('EXPIRE', KEYS[1], ARGV[2])
    came, passes = came + 1, 1
end
return {passes, came, window - (now - (oldest or now))}
"""


@cache
def _count() -> Any:
    options: dict[str, Any] = settings.CACHES["default"]["OPTIONS"]  # type: ignore[assignment]
    patience = {name: options[name] for name in ("socket_connect_timeout", "socket_timeout")}
    return redis.Redis.from_url(settings.REDIS_URL, **patience).register_script(_COUNT)


class UserThrottle(UserRateThrottle):
    """THROTTLE_USER requests a user, in any minute. Where Redis is away everybody passes: the API outlives its cache.

    Counted by one command of Redis, so that no two requests at the same moment are taken for one.
    """

    num_requests: int
    duration: int  # seconds of the window
    seconds = 0.0  # until there is room again

    def allow_request(self, request: Any, view: Any) -> bool:
        if not self.num_requests:
            return True
        passes, came, left = True, 0, self.duration * 1_000_000
        try:
            key = f"asked:{self.get_cache_key(request, view)}"
            passes, came, left = _count()(keys=[key], args=[self.num_requests, self.duration])
        except RedisError as error:
            log.warning("Redis is away (%s): requests are not counted", type(error).__name__)
        self.seconds = left / 1_000_000
        reset = max(1, math.ceil(self.seconds))
        note(request, Quota(str(self.scope), self.num_requests, self.duration, self.num_requests - came, reset))
        return bool(passes)

    def wait(self) -> float:
        """Seconds until there is room for one more."""
        return self.seconds


class PushThrottle(UserThrottle):
    """Pushes of a vendor, by address: six times what our pace to Apollo can bring."""

    scope = "push"
    rate = "600/min"


class VendorPostThrottle(UserThrottle):
    """Posts of vendors of text messages, by address: 300 a second, as a campaign's statuses and answers come."""

    scope = "vendor-post"
    rate = "18000/min"
