from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken

from accounts.fresh import SIGNED_IN_AT
from accounts.services import create_api_token
from tests.api.client import Api, body_of, refused
from tests.leads.samples import make_leads
from tests.support import make_user

TOKEN = "/api/auth/token"
PASSWORD = "correct horse battery"


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


def test_guessing_stops_at_five_an_hour(carla):
    for _ in range(5):
        refused(sign_in(password="wrong"), 401)

    answer = sign_in()

    refused(answer, 429)
    assert 3590 <= int(answer["Retry-After"]) <= 3600
    assert not AuthToken.objects.exists()
    refused(sign_in("CARLA"), 429)
    make_user("dora", password=PASSWORD)
    body_of(sign_in("dora"))


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


def test_another_sites_link_spends_nothing_by_a_session(carla):
    browser, address = Client(), "/api/property/detail?id="  # asked well, it would buy
    browser.force_login(carla)

    for site in ("cross-site", "same-site"):
        assert "Another site" in refused(browser.get(address, headers={"Sec-Fetch-Site": site}), 403)
    refused(browser.get(address, secure=True), 403)  # there browsers say it
    for site in ("same-origin", "none"):
        refused(browser.get(address, headers={"Sec-Fetch-Site": site}), 400, "id")
    refused(Api(carla).get(address, Sec_Fetch_Site="cross-site"), 400, "id")


def test_a_refusal_is_logged_with_who_asked_and_for_what(carla, caplog):
    api = Api(carla)

    answers = [api.get("/api/vendors"), api.post("/api/tags", {}), Api().get("/api/leads?q=2065550177")]

    asked = [("GET /api/vendors", carla.pk), ("POST /api/tags", carla.pk), ("GET /api/leads", "nobody")]
    for answer, (what, who) in zip(answers, asked, strict=True):
        ending = f"{what} by user {who} from 127.0.0.1 (request {answer['X-Request-Id']})"
        assert f"Refused with {answer.status_code}: {ending}" in caplog.text
    assert [answer.status_code for answer in answers] == [403, 400, 401]
    assert "2065550177" not in caplog.text


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


def test_a_session_left_open_on_a_desk_makes_no_tokens_takes_no_leads_and_changes_no_people(carla):
    bucket, _ = make_leads(1, by=carla)
    team = f"/api/team/members/{carla.pk}"
    browser = Client()
    browser.force_login(carla)
    body_of(browser.get("/api/usage"))
    held = browser.session
    held[SIGNED_IN_AT] -= 11 * 60
    held.save()
    asks = [
        ("post", "/api/tokens", {"name": "x"}),
        ("delete", "/api/auth/token", None),
        ("get", f"/api/property/bucket/{bucket.pk}/export", None),
        ("patch", "/api/team", {"monthlyBudget": "1"}),
        ("patch", team, {"role": "reader"}),
        ("delete", team, None),
        ("post", "/api/team/invitations", {"email": "x@example.com", "role": "manager"}),
        ("post", "/api/webhooks", {"url": "https://example.com/", "events": ["run.completed"]}),
        ("post", "/api/persons/report", {"email": "x@example.com"}),
        ("post", f"/api/campaigns/{bucket.pk}/launch", None),  # of whichever campaign
        ("get", f"/api/campaigns/{bucket.pk}/preview.csv", None),
    ]

    answers = [getattr(browser, verb)(path, body, content_type="application/json") for verb, path, body in asks]

    assert [answer.json()["error"]["code"] for answer in answers] == ["FRESH_PROOF_REQUIRED"] * len(asks)
    assert "/admin/account/confirm/" in refused(answers[0], 403)
    assert body_of(browser.get("/api/team"))["team"]["monthlyBudget"] is None
    assert body_of(Api(carla).post("/api/tokens", {"name": "a token proves itself"}), 201)["token"]
