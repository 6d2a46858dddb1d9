from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken
from redis.exceptions import ConnectionError as RedisAway

from accounts.services import create_api_token
from tests.api.client import Api, body_of, refused
from tests.support import make_user

TOKEN = "/api/auth/token"
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _one_and_the_same_minute(monkeypatch):
    monkeypatch.setattr("common.api.throttles.time", SimpleNamespace(time=lambda: 1_800_000_030.0))


@pytest.fixture
def carla(db):
    return make_user("carla", password=PASSWORD)


def sign_in(username="carla", password=PASSWORD):
    return Api().post(TOKEN, {"username": username, "password": password})


def test_a_password_is_worth_a_token_and_the_token_the_api(carla):
    answer = sign_in()

    given = body_of(answer)
    assert answer["Cache-Control"] == "no-store"
    assert body_of(Api(token=given["token"]).get("/api/usage"))["usage"]["spentToday"] == 0
    assert given["expiresAt"] == AuthToken.objects.get().expiry.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("username", "password"), [("carla", "wrong"), ("nobody", PASSWORD), ("carla", PASSWORD + " ")]
)
def test_nobody_is_told_whether_the_name_or_the_password_is_wrong(carla, username, password):
    assert refused(sign_in(username, password), 401) == "The user name or the password is wrong."
    assert not AuthToken.objects.exists()


def test_an_inactive_user_gets_none(carla):
    carla.is_active = False
    carla.save()

    refused(sign_in(), 401)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "username"),
        ({"username": "carla"}, "password"),
        ({"username": "car\x00la", "password": "x"}, "username"),
        ({"username": ["carla"], "password": "x"}, "username"),
        ({"username": "carla", "password": "x", "admin": True}, "admin"),
    ],
)
def test_what_is_no_sign_in_is_refused_by_name(carla, body, field):
    refused(Api().post(TOKEN, body), 400, field)


def test_guessing_stops_at_five_a_minute(carla):
    for _ in range(5):
        refused(sign_in(password="wrong"), 401)

    answer = sign_in()

    refused(answer, 429)
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert not AuthToken.objects.exists()
    refused(sign_in("CARLA"), 429)
    make_user("dora", password=PASSWORD)
    body_of(sign_in("dora"))


def test_an_address_that_tries_many_names_is_stopped_too(carla):
    for number in range(30):
        refused(sign_in(f"user-{number}", "wrong"), 401)

    refused(sign_in("one-more", "wrong"), 429)


def test_a_guess_that_cannot_be_counted_is_not_answered(carla, monkeypatch):
    def away(*_, **__):
        raise RedisAway("away")

    monkeypatch.setattr(cache, "add", away)
    monkeypatch.setattr(cache, "get", away)

    refused(sign_in(), 503)
    body_of(Api(carla).get("/api/usage"))  # a token still works: the other throttle lets everybody pass


def test_signing_out_ends_one_token_and_revoking_ends_all(carla):
    first, second = Api(carla), Api(carla)

    body_of(first.post("/api/auth/logout"))

    assert "revoked" in refused(first.get("/api/usage"), 401)
    body_of(second.get("/api/usage"))
    third = Api(carla)
    assert body_of(third.delete(TOKEN))["revoked"] == 2
    refused(second.get("/api/usage"), 401)
    refused(third.get("/api/usage"), 401)


def test_an_expired_token_says_so(carla):
    api = Api(carla)
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))

    answer = api.get("/api/usage")

    words = refused(answer, 401)
    assert words == "This token is wrong, has been revoked or has expired. POST /api/auth/token gives a new one."
    assert answer["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize("header", ["Token", "Token x", "Token a b", "Token \xff\xfe", "Token " + "a" * 5000])
def test_what_is_no_token_is_refused(carla, header):
    answer = Client().get("/api/usage", headers={"Authorization": header})

    refused(answer, 401)


def test_a_session_is_as_good_but_must_prove_where_it_comes_from(carla):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(carla)

    body_of(browser.get("/api/usage"))
    refused(browser.post("/api/tags", {"name": "x"}, content_type="application/json"), 403)
    refused(browser.post("/api/auth/logout"), 403)


def test_a_user_who_asks_without_end_is_slowed_down(carla, monkeypatch):
    monkeypatch.setattr("common.api.throttles.UserThrottle.rate", "2/min", raising=False)
    api = Api(carla)
    body_of(api.get("/api/usage"))
    body_of(api.get("/api/usage"))

    answer = api.get("/api/usage")

    refused(answer, 429)
    assert 1 <= int(answer["Retry-After"]) <= 60


def test_an_old_token_does_not_hinder_signing_in(carla):
    api = Api(token="0" * 64)

    body_of(api.post(TOKEN, {"username": "carla", "password": PASSWORD}))


def test_a_token_of_the_command_works(db):
    body_of(Api(token=create_api_token(username="erik")[1]).get("/api/runs"))
