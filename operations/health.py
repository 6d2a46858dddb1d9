"""For those who watch: whether this place can do its work, and how it is doing."""

from __future__ import annotations

import ipaddress
import secrets

import redis
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from psycopg_pool import PoolTimeout

from common.client_address import client_address
from common.refusals import error_body
from enrichment.selectors import workers_alive
from leads.keys import key_secrets
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


def may_watch(request: HttpRequest) -> bool:
    """Whoever sends METRICS_TOKEN; with DEBUG also this machine."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if settings.METRICS_TOKEN and kind.lower() == "bearer":
        return secrets.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    address = client_address(request)
    return bool(settings.DEBUG and address and ipaddress.ip_address(address).is_loopback)


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Ready: 200 while PostgreSQL answers and a worker gave a sign of life within a minute, and CONTACT_KEY_SECRETS
    lists every secret that has written keys; else 503. Which of them it is, only who may watch is told.

    Without Redis requests are taken and stored, and their work begins when it is back: that is said, not refused.
    """
    database = database_state()
    keys = key_secrets.state() if database == "ok" else "away"
    worker = "ok" if database == "ok" and workers_alive() else "away"
    ready = database == worker == keys == "ok"
    said = {"success": ready, "status": "ready" if ready else "not ready"}
    if may_watch(request):
        said |= {"database": database, "redis": broker_state(), "worker": worker, "contactKeys": keys}
    return JsonResponse(said, status=200 if ready else 503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus's text format: let the scraper send `Authorization: Bearer METRICS_TOKEN`."""
    if not may_watch(request):
        words = "Send `Authorization: Bearer …` with METRICS_TOKEN."
        return JsonResponse(error_body("NOT_AUTHENTICATED", words), status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)
