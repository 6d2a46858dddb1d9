"""For those who watch: whether this place can do its work, and how it is doing."""

from __future__ import annotations

import redis
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from psycopg_pool import PoolTimeout
from rest_framework.decorators import api_view, permission_classes, throttle_classes
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request

from enrichment.selectors import workers_alive
from operations.metrics import exposition

TIMEOUT = 1.0  # seconds to wait for Redis


@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """Alive: the web process answers. Asks neither PostgreSQL nor Redis."""
    return JsonResponse({"success": True, "status": "ok"})


def database_state() -> str:
    """What PostgreSQL is: "ok" or "away"."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (Error, PoolTimeout):
        return "away"
    return "ok"


def broker_state() -> str:
    """What Redis is: "ok" or "away"."""
    client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=TIMEOUT, socket_timeout=TIMEOUT)
    try:
        client.ping()
    except redis.RedisError:
        return "away"
    finally:
        client.close()
    return "ok"


@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """Ready: 200 while PostgreSQL answers and a worker gave a sign of life within a minute, else 503.

    Without Redis requests are taken and stored, and their work begins when it is back: that is said, not refused.
    """
    database, broker = database_state(), broker_state()
    worker = "ok" if database == "ok" and workers_alive() else "away"
    ready = database == worker == "ok"
    return JsonResponse(
        {
            "success": ready,
            "status": "ready" if ready else "not ready",
            "database": database,
            "redis": broker,
            "worker": worker,
        },
        status=200 if ready else 503,
    )


@extend_schema(exclude=True)
@api_view(["GET"])
@permission_classes([IsAdminUser])
@throttle_classes([])
def metrics(_request: Request) -> HttpResponse:
    """Prometheus's text format, for staff: let the scraper send `Authorization: Token …`."""
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)
