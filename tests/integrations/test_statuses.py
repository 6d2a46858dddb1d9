"""What an HTTP answer means for money, and what is said of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations import statuses
from integrations.errors import Category, InDoubt, Misconfigured, NotSent, Rejected, ScopeRefused, VendorFailure
from integrations.http import HttpRequest, HttpResponse
from tests.integrations.samples import a_few, json_values, sample

NOW = datetime(2026, 11, 24, 21, 30, tzinfo=UTC)
REQUEST = HttpRequest("POST", "http://vendor/", headers={"x-api-key": "sesame-42"}, json={"last_name": "Roe"})


def answer(status: int, body: Any = None, **headers: str) -> HttpResponse:
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status, headers=named, body=raw)


def failure(response: HttpResponse, *, request: HttpRequest = REQUEST, **options: Any) -> VendorFailure:
    with pytest.raises(VendorFailure) as caught:
        statuses.raise_for_failure(response, request=request, vendor="Acme", now=NOW, **options)
    return caught.value


def test_a_success_is_no_failure() -> None:
    statuses.raise_for_failure(answer(200), request=REQUEST, vendor="Acme")
    statuses.raise_for_failure(answer(201), request=REQUEST, vendor="Acme")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("Tue, 24 Nov 2026 21:31:00 GMT", 60.0),
        ("Tue, 24 Nov 2026 21:29:00 GMT", 0.0),
        ("999999999", 86_400.0),
        ("-3", None),
        ("soon", None),
        ("nan", None),
        ("", None),
    ],
)
def test_429_is_not_sent_and_says_when_to_come_back(header: str, seconds: float | None) -> None:
    error = failure(answer(429, {"message": "Too many"}, retry_after=header))
    assert type(error) is NotSent
    assert (error.category, error.status, error.retry_after) == (Category.RATE_LIMITED, 429, seconds)
    assert error.reason == "Acme is asked too often (429): Too many."


@pytest.mark.parametrize("name", ["reapi_err_429_daily_2026docs.json", "reapi_err_429_daily_newer_crawl.json"])
def test_a_daily_cap_lasts_until_midnight_utc(name: str) -> None:
    error = failure(answer(429, sample(name)))
    assert isinstance(error, NotSent)
    assert error.retry_after == 2.5 * 3600


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_vendor_that_does_not_work_has_bought_nothing(status: int) -> None:
    error = failure(answer(status, b"<html>oops</html>", retry_after="3"))
    assert type(error) is NotSent
    assert (error.category, error.retry_after) == (Category.NETWORK_ERROR, 3.0)
    assert error.reason == f"Acme is not working ({status})."


@pytest.mark.parametrize("status", [408, 501, 504, 520, 524])
def test_an_unfinished_answer_is_in_doubt(status: int) -> None:
    assert type(failure(answer(status))) is InDoubt


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (
            401,
            {"statusMessage": "Unauthorized", "error": "Invalid API key"},
            "Acme refused the key (401): Invalid API key.",
        ),
        (401, b"Invalid API key. See docs.", "Acme refused the key (401): Invalid API key. See docs."),
        (402, None, "Acme wants to be paid first (402)."),
        (403, {"error": "No scope"}, "Acme does not allow this to the key (403): No scope."),
        (403, {"error": "Out of credits"}, "Acme wants to be paid first (403): Out of credits."),
        (422, {"error": "Insufficient credits"}, "Acme wants to be paid first (422): Insufficient credits."),
    ],
)
def test_a_refused_key_or_an_empty_account_needs_an_operator(status: int, body: Any, reason: str) -> None:
    error = failure(answer(status, body))
    assert type(error) is Misconfigured
    assert (error.category, error.status, error.reason) == (Category.AUTH_ERROR, status, reason)


def test_403_at_a_batch_door_is_only_a_missing_scope_unless_it_is_about_credits() -> None:
    assert type(failure(answer(403, {"error": "scope"}), batch=True)) is ScopeRefused
    assert type(failure(answer(403, {"error": "no credit left"}), batch=True)) is Misconfigured
    assert type(failure(answer(401), batch=True)) is Misconfigured


@pytest.mark.parametrize(
    ("status", "body", "category"),
    [
        (400, {"message": "bad"}, Category.INVALID_DATA),
        (404, {"statusCode": 404, "error": "Not Found", "message": ""}, Category.NOT_FOUND),
        (404, b"<html>nginx</html>", Category.INVALID_DATA),
        (405, None, Category.INVALID_DATA),
        (409, None, Category.INVALID_DATA),
        (422, {"error": "what"}, Category.INVALID_DATA),
        (301, None, Category.INVALID_DATA),
    ],
)
def test_other_refusals_end_the_request_and_cost_nothing(status: int, body: Any, category: Category) -> None:
    error = failure(answer(status, body))
    assert type(error) is Rejected
    assert (error.category, error.status, error.charged, error.raw) == (category, status, False, b"")


def test_404_at_a_batch_door_is_no_leads_fault() -> None:
    error = failure(answer(404, {"error": "Not Found"}), batch=True)
    assert (type(error), error.category) == (Rejected, Category.INVALID_DATA)
    assert error.reason == "Acme has nothing at this address (404), check its base URL: Not Found."


def test_a_reason_holds_neither_the_key_nor_what_was_asked_nor_anything_personal() -> None:
    request = HttpRequest(
        "POST",
        "http://vendor/",
        headers={"Authorization": "Bearer sesame-42"},
        params={"webhook_url": "https://us/secret-token"},
        json={"skips": [{"first_name": "Jane", "last_name": "Roe", "key": 17, "zip": "20171"}]},
    )
    words = "Key sesame-42: ROE, jane at jane@example.com (703) 555-0164 in 20171 via https://us/secret-token is bad"
    error = failure(answer(400, {"message": words}), request=request)
    assert error.reason == "Acme does not accept the request (400): Key …: …, … at … (… in … via … is bad."


def test_a_long_message_is_cut() -> None:
    error = failure(answer(400, {"message": "ab " * 500}))
    assert len(error.reason) < 220
    assert error.reason.endswith("….")


@a_few
@given(st.integers(300, 599), json_values | st.binary(max_size=80), st.text(max_size=20), st.booleans())
def test_any_answer_that_is_no_success_is_one_of_the_failures(status: int, body: Any, after: str, batch: bool) -> None:
    error = failure(answer(status, body, retry_after=after), batch=batch)
    assert len(error.reason) <= 300
    assert "sesame" not in error.reason
