"""Redis holds JSON: what somebody else writes there is data and never code."""

from __future__ import annotations

import os
import pickle
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.cache import cache

from config.celery import app


class Code:
    def __reduce__(self) -> Any:
        return os.putenv, ("RAN", "1")


def test_what_is_cached_comes_back_and_redis_counts() -> None:
    for value in ([1.5, 2.25], {"a": None}, True, "7", 7):
        cache.set("json", value, 5)
        assert cache.get("json") == value and type(cache.get("json")) is type(value)
    assert cache.incr("json") == 8
    assert cache.get("json") == 8


def test_a_pickle_that_somebody_writes_to_redis_is_not_run() -> None:
    cache.set("planted", 1, 5)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.set(cache.make_key("planted"), pickle.dumps(Code()), ex=5)
    ran: list[Any] = []
    with pytest.MonkeyPatch.context() as patch, pytest.raises(ValueError):
        patch.setattr(os, "putenv", lambda *told: ran.append(told))
        cache.get("planted")
    assert ran == []


def test_what_json_cannot_hold_is_not_cached() -> None:
    with pytest.raises(TypeError):
        cache.set("odd", object(), 5)


def test_messages_to_workers_are_json_alone() -> None:
    assert app.conf.accept_content == ["json"]
    assert app.conf.result_accept_content == ["json"]
    assert (app.conf.task_serializer, app.conf.result_serializer, app.conf.event_serializer) == ("json", "json", "json")
