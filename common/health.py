"""Is this process alive, and can it do its work?"""

from __future__ import annotations

import redis
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from psycopg_pool import PoolTimeout

TIMEOUT = 1.0  # seconds to wait for Redis


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Alive. Asks nobody."""
    return JsonResponse({"success": True, "status": "ok"})


def database() -> str:
    """What PostgreSQL is: "ok" or "away"."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (Error, PoolTimeout):
        return "away"
    return "ok"


def broker() -> str:
    """What Redis is: "ok" or "away"."""
    client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=TIMEOUT, socket_timeout=TIMEOUT)
    try:
        client.ping()
    except redis.RedisError:
        return "away"
    finally:
        client.close()
    return "ok"
