"""Protection against a client that asks without end. Money and correctness never depend on it: PostgreSQL holds those.

Counted in the cache (Redis). `rest_framework.views` imports this module while it is itself being imported, so nothing
of that may be imported here.
"""

from __future__ import annotations

import hashlib
import logging
import time
from typing import Any

from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.exceptions import APIException, Throttled
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle, UserRateThrottle

log = logging.getLogger(__name__)
WINDOW = 60  # seconds


class UserThrottle(UserRateThrottle):
    """THROTTLE_USER requests a user. Where Redis is away everybody passes: the API outlives its cache."""

    def allow_request(self, request: Any, view: Any) -> bool:
        try:
            return bool(super().allow_request(request, view))
        except RedisError as error:
            log.warning("Redis is away (%s): requests are not counted", type(error).__name__)
            return True


class PushThrottle(UserThrottle):
    """Pushes of a vendor, by address: six times what our pace to Apollo can bring."""

    scope = "push"
    rate = "600/min"


class CannotCount(APIException):
    status_code = 503
    default_detail = "Sign-in is not possible at this moment. Try again."


def _name(request: Request) -> str:
    given: Any = request.data  # a dict: the parser takes nothing else
    return str(given.get("username"))[:200].lower()


class GuessingThrottle(BaseThrottle):
    """Sign-in attempts: 5 a minute for a name from an address, 30 for an address. Counted in one atomic step.

    Not by name alone: a stranger could lock people out. Where Redis is away nobody signs in: a guess that is not
    counted must not be answered, and tokens that exist still work.
    """

    BY_NAME, BY_ADDRESS = 5, 30

    def allow_request(self, request: Request, _view: object) -> bool:
        address = self._address(request)
        try:
            allowed = [
                self._count(f"{address}|{_name(request)}", self.BY_NAME),
                self._count(address, self.BY_ADDRESS),
            ]
        except RedisError as error:
            raise CannotCount from error
        if not all(allowed):
            raise Throttled(wait=WINDOW - time.time() % WINDOW)
        return True

    def _address(self, request: Request) -> str:
        """The client's address. `X-Forwarded-For` counts only where NUM_PROXIES says who wrote it."""
        if api_settings.NUM_PROXIES is not None:
            return str(self.get_ident(request))
        return str(request.META.get("REMOTE_ADDR"))

    @staticmethod
    def _count(who: str, most: int) -> bool:
        digest = hashlib.sha256(who.encode(errors="replace")).hexdigest()
        key = f"guess:{digest}:{int(time.time() // WINDOW)}"
        cache.add(key, 0, timeout=2 * WINDOW)
        try:
            return cache.incr(key) <= most
        except ValueError:  # it was dropped between the two
            return False
