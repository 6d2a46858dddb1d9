"""Guests who ask without end, by address: counted in the cache, as the API's are. Where that is away all pass."""

from __future__ import annotations

import logging
import time

from django.core.cache import cache
from django.http import HttpRequest
from redis.exceptions import RedisError

from common.client_address import client_network

log = logging.getLogger(__name__)
# Requests of an address: an office has one, and providers fetch pictures for all their readers from a few.
A_MINUTE = {"book": 60, "feed": 120, "guess": 30, "way_out": 120, "touch": 600}


def too_fast(request: HttpRequest, what: str) -> bool:
    """Whether this address has asked for this more often than it may in this minute."""
    key = f"booking-{what}-{client_network(request)}-{int(time.time()) // 60}"
    try:
        cache.add(key, 0, timeout=120)
        return cache.incr(key) > A_MINUTE[what]
    except (RedisError, ValueError) as error:
        log.warning("The cache is away (%s): requests are not counted", type(error).__name__)
        return False
