"""Places for answers that take long by their nature: STREAMS_PER_USER of them a user, over all processes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.exceptions import Throttled

from common.server.threads import NoRoom, aside

log = logging.getLogger(__name__)
COME_BACK = 5  # seconds
WAIT = 90  # seconds a wait's place lasts at most: longer than any wait


@dataclass(frozen=True, slots=True)
class Place:
    """One of a user's places, until it is left or its time is over."""

    key: str

    def leave(self) -> None:
        try:
            cache.delete(self.key)
        except RedisError:
            return  # it ends by its time


def take_place(user_id: int, *, lasts: int) -> Place | None:
    """None: all are taken. Where Redis is away nobody is counted, as with the throttle: the web server holds out."""
    try:
        for number in range(settings.STREAMS_PER_USER):
            key = f"held:{user_id}:{number}"
            if cache.add(key, 1, timeout=lasts):
                return Place(key)
    except RedisError as error:
        log.warning("Redis is away (%s): streams and waits are not counted", type(error).__name__)
        return Place("held:nobody")
    return None


@contextmanager
def waiting(user_id: int, seconds: float) -> Iterator[None]:
    """Around what may be held for so long; nothing for 0. Raises Throttled (429) before anything is done."""
    if seconds <= 0:
        yield
        return
    place = take_place(user_id, lasts=WAIT)
    if place is None:
        raise Throttled(wait=COME_BACK)
    try:
        with _standing_aside():
            yield
    finally:
        place.leave()


@contextmanager
def _standing_aside() -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(aside())
        except NoRoom as error:
            raise Throttled(wait=COME_BACK) from error
        yield
