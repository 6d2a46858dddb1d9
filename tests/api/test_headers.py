"""What every answer says of itself: what it is called, and how much may still be asked for."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from datetime import date
from typing import Any

import pytest
from drf_spectacular.utils import extend_schema
from redis.exceptions import ConnectionError as RedisAway

from accounts.models import User
from common.api.base import ApiView, Problem, exception_handler, ok
from common.api.deprecation import deprecated
from common.api.limits import Quota
from common.api.throttles import UserThrottle
from common.request_id import named
from tests.api.client import Api, body_of, refused

pytestmark = pytest.mark.django_db
NAMES = ("RateLimit", "RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def limits(answer: Any) -> list[str | None]:
    return [answer.headers.get(name) for name in NAMES]


def test_a_client_names_its_request_and_finds_the_name_in_the_answer_the_refusal_and_the_log(
    api: Api, caplog: Any
) -> None:
    name = "crm-sync.2026-12-01_7"
    with caplog.at_level(logging.WARNING):
        answer = api.send("GET", "/api/tags?limit=none", **{"X-Request-Id": name})

    refused(answer, 400, "limit")
    assert answer.headers["X-Request-Id"] == answer.json()["error"]["requestId"] == name
    assert any(name in record.getMessage() for record in caplog.records)
    assert body_of(api.get("/api/tags"))["success"]


@pytest.mark.parametrize(
    "said", ["", "short", "a b c d e f", "x" * 65, "line\nbreak-00", "206-555-0100", "jo@example.com", "é" * 12]
)
def test_a_name_that_could_not_stand_in_a_log_is_replaced(said: str) -> None:
    assert named(said) != said
    assert len(named(said)) == 32


def test_a_uuid_is_a_name() -> None:
    for said in ("0190f2c8-1d2e-7a3b-9c4d-5e6f70819203", "12345678901234567890123456789012"):
        assert named(said) == said


def test_every_answer_says_how_much_may_still_be_asked_for(api: Api, monkeypatch: Any) -> None:
    monkeypatch.setattr("common.api.throttles.UserThrottle.rate", "3/min", raising=False)

    first, second, third, fourth = (api.get("/api/tags") for _ in range(4))

    assert limits(first) == ['"user";r=2;t=60', '"user";q=3;w=60', "3", "2", "60"]
    assert [one.headers["RateLimit-Remaining"] for one in (second, third, fourth)] == ["1", "0", "0"]
    assert fourth.status_code == 429
    assert 1 <= int(fourth.headers["Retry-After"]) <= 60
    assert "Retry-After" not in third.headers


def test_requests_of_the_same_moment_are_each_counted(ann: User, rf: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(UserThrottle, "rate", "10/min", raising=False)
    request = rf.get("/api/tags")
    request.user = ann

    with ThreadPoolExecutor(20) as threads:
        passed = list(threads.map(lambda _: UserThrottle().allow_request(copy(request), None), range(40)))

    assert sum(passed) == 10
    refused_one = UserThrottle()
    assert not refused_one.allow_request(request, None)
    assert 0 < refused_one.wait() <= 60


def test_a_request_is_forgotten_when_its_window_is_over(ann: User, rf: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(UserThrottle, "rate", "2/s", raising=False)
    request = rf.get("/api/tags")
    request.user = ann
    throttle, left = UserThrottle(), 0.0
    for _ in range(3):
        if not throttle.allow_request(request, None):
            left = throttle.wait()

    time.sleep(left + 0.05)
    assert throttle.allow_request(request, None)


def test_a_refusal_says_it_too_and_so_does_every_answer_while_redis_is_away(api: Api, monkeypatch: Any) -> None:
    assert None not in limits(api.get("/api/tags?limit=none"))

    def away(*_: Any, **__: Any) -> None:
        raise RedisAway

    monkeypatch.setattr("redis.commands.core.Script.__call__", away)
    answer = api.get("/api/tags")

    assert (answer.status_code, limits(answer)) == (200, ['"user";r=600;t=60', '"user";q=600;w=60', "600", "600", "60"])


def test_what_will_go_says_so_in_its_answers(rf: Any) -> None:
    class Old(ApiView):
        authentication_classes = ()
        permission_classes = ()
        throttle_classes = ()

        @deprecated(date(2026, 12, 1), sunset=date(2027, 3, 1), instead="/api/leads")
        @extend_schema(operation_id="old")
        def get(self, request: Any) -> Any:
            return ok()

        @extend_schema(operation_id="stays")
        def post(self, request: Any) -> Any:
            return ok()

    answer, stays = Old.as_view()(rf.get("/api/old")), Old.as_view()(rf.post("/api/old"))

    assert answer.headers["Deprecation"] == "@1796083200"
    assert answer.headers["Sunset"] == "Mon, 01 Mar 2027 00:00:00 GMT"
    assert answer.headers["Link"] == '</api/leads>; rel="successor-version"'
    assert "Deprecation" not in stays.headers
    with pytest.raises(ValueError, match="sunset"):
        deprecated(date(2026, 12, 1), sunset=date(2026, 12, 1))


def test_who_is_nobody_is_refused_with_a_name(client: Any) -> None:
    answer = client.get("/api/tags")

    assert answer.status_code == 401
    assert answer.json()["error"]["requestId"] == answer.headers["X-Request-Id"]
    assert Quota("user", 1, 60, 0, 9).headers()["RateLimit"] == '"user";r=0;t=9'


def test_too_many_of_anything_says_when_to_ask_again() -> None:
    waits = {
        (status, known): exception_handler(Problem("X", "Words.", status=status, retry_after=known), {})
        for status, known in ((429, None), (429, 3.0), (503, None), (503, 60.0))
    }
    said = {asked: answer.headers.get("Retry-After") for asked, answer in waits.items() if answer is not None}
    assert said == {(429, None): "10", (429, 3.0): "3", (503, None): None, (503, 60.0): "60"}
