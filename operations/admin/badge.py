"""The side bar's number: how many things need this person. It is on every page, and to count it asks every room.

So it is kept for KEPT seconds: what others and workers do may show that late. Home, and whatever she sends herself,
count anew.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError
from rest_framework.permissions import SAFE_METHODS

from accounts.access import access
from common.needs import Need
from operations import home

log = logging.getLogger(__name__)
KEPT = 15


def needs(request: HttpRequest) -> list[Need]:
    """What waits for her, read once a page."""
    read: dict[str, list[Need]] = vars(request)
    if "desk_needs" not in read:
        read["desk_needs"] = home.needs(access(request))
    return read["desk_needs"]


def badge(request: HttpRequest) -> str:
    """How many; empty where there are none. Counted at every page while Redis is away."""
    who = access(request)
    sent_key, key = _sent_key(who.user.pk), f"needs:{who.user.pk}:{who.team_id}"
    try:
        known = cache.get_many([sent_key, key])
        sent, kept = known.get(sent_key), known.get(key)
        if "desk_needs" in vars(request) or kept is None or kept[0] != sent:
            kept = [sent, len(needs(request))]  # of before it was counted: what she sends meanwhile makes it void
            cache.set(key, kept, timeout=KEPT)
        return str(kept[1] or "")
    except RedisError as error:
        log.warning("Redis is away (%s): the side bar counts at every page", type(error).__name__)
        return str(len(needs(request)) or "")


class CountedAnew:
    """After whatever a signed-in person sends, her next page counts what needs her."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if request.method not in SAFE_METHODS and settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.pk:
            try:
                cache.set(_sent_key(request.user.pk), time.time_ns(), timeout=KEPT)
            except RedisError:
                return answer  # it is counted at every page
        return answer


def _sent_key(user_id: int) -> str:
    return f"needs:{user_id}:sent"
