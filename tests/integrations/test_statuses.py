"""What an HTTP answer means for money, and what is said of it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.vendors import statuses
from integrations.vendors.errors import (
    Category,
    Evidence,
    HeldBack,
    InDoubt,
    Misconfigured,
    NotSent,
    Rejected,
    ScopeRefused,
    VendorFailure,
)
from integrations.vendors.http import HttpRequest, HttpResponse
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
        ("Tue, 24 Nov 2026 21:29:00 GMT", None),
        ("Tue, 24 Nov 2026 21:30:00 GMT", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
        ("0", None),
        ("0.000", None),
        ("999999999", 86_400.0),
        ("-3", None),
        ("soon", None),
        ("nan", None),
        ("", None),
    ],
)
def test_429_is_not_sent_and_says_when_to_come_back(header: str, seconds: float | None) -> None:
    error = failure(answer(429, {"message": "Too many"}, retry_after=header))
    assert type(error) is HeldBack
    assert (error.category, error.status, error.retry_after) == (Category.RATE_LIMITED, 429, seconds)
    assert error.reason == "Acme is asked too often (429): Too many."


@pytest.mark.parametrize("name", ["reapi_err_429_daily_2026docs.json", "reapi_err_429_daily_newer_crawl.json"])
def test_a_daily_cap_lasts_until_midnight_utc(name: str) -> None:
    error = failure(answer(429, sample(name)))
    assert isinstance(error, HeldBack)
    assert error.retry_after == 2.5 * 3600


def test_a_daily_cap_is_heard_wherever_the_answer_says_it_and_not_where_nothing_does() -> None:
    elsewhere = failure(answer(429, {"message": "Rate limit exceeded", "error": "Your daily credit limit is reached"}))
    plain = failure(answer(429, b"You have reached your DAILY limit"))
    documented = failure(answer(429, {"statusCode": 429, "error": "Rate Limit Exceeded", "message": ""}))
    at_once = failure(answer(429, {"message": "Daily limit reached"}, retry_after="0"))
    waits = [error.retry_after for error in (elsewhere, plain, documented, at_once) if isinstance(error, HeldBack)]
    assert waits == [2.5 * 3600, 2.5 * 3600, None, 2.5 * 3600]


@pytest.mark.parametrize("status", [502, 503])
@pytest.mark.parametrize("paid", [True, False])
def test_a_proxy_without_a_vendor_behind_it_has_bought_nothing(status: int, paid: bool) -> None:
    error = failure(answer(status, b"<html>oops</html>", retry_after="3"), paid=paid)
    assert type(error) is NotSent
    assert (error.category, error.retry_after) == (Category.NETWORK_ERROR, 3.0)
    assert error.reason == f"Acme is not working ({status})."


@pytest.mark.parametrize("status", [408, 500, 501, 504, 505, 520, 524, 599])
def test_a_server_error_leaves_a_purchase_in_doubt_and_a_free_call_only_failed(status: int) -> None:
    paid = failure(answer(status, {"message": "oops"}))
    assert (type(paid), paid.category, paid.status) == (InDoubt, Category.IN_DOUBT, status)
    assert isinstance(paid, InDoubt)
    assert (paid.server_error, paid.pauses, paid.evidence) == (True, False, None)
    assert paid.reason == f"Acme did not finish its answer ({status}): oops."
    free = failure(answer(status, {"message": "oops"}), paid=False)
    assert (type(free), free.category, free.status) == (NotSent, Category.NETWORK_ERROR, status)


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


def test_403_at_a_batch_endpoint_is_only_a_missing_scope_unless_it_is_about_credits() -> None:
    assert type(failure(answer(403, {"error": "scope"}), batch=True)) is ScopeRefused
    assert type(failure(answer(403, {"error": "no credit left"}), batch=True)) is Misconfigured
    assert type(failure(answer(401), batch=True)) is Misconfigured


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"message": "bad"}),
        (400, b"invalid request, missing domains"),
        (406, None),
        (409, None),
        (413, b"<html>nginx</html>"),
        (422, {"error": "what"}),
    ],
)
def test_other_refusals_end_the_request_and_cost_nothing(status: int, body: Any) -> None:
    error = failure(answer(status, body))
    assert isinstance(error, Rejected)
    assert (type(error), error.category, error.status) == (Rejected, Category.INVALID_DATA, status)
    assert (error.charged, error.evidence) == (False, None)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (301, b"<html>moved</html>", "Acme points elsewhere (301), not followed: check its base URL."),
        (302, None, "Acme points elsewhere (302), not followed: check its base URL."),
        (308, {"location": "x"}, "Acme points elsewhere (308), not followed: check its base URL."),
        (404, b"<html>nginx</html>", "Acme has nothing at this address (404), check its base URL."),
        (
            404,
            {"statusCode": 404, "error": "Not Found", "message": "Route POST:/v3/x not found"},
            "Acme has nothing at this address (404), check its base URL: Route POST:/v3/x not found.",
        ),
        (404, None, "Acme has nothing at this address (404), check its base URL."),
        (404, b"404 page not found", "Acme has nothing at this address (404), check its base URL: 404 page not found."),
        (405, b"<html>static</html>", "Acme takes no request at this address (405), check its base URL."),
        (410, None, "Acme has nothing at this address (410), check its base URL."),
        (421, None, "Acme takes no request at this address (421), check its base URL."),
        (400, b" <html>plain HTTP to HTTPS port", "Acme answered 400 with a web page: check its base URL."),
    ],
)
@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("paid", [True, False])
def test_an_answer_from_elsewhere_needs_an_operator_and_is_no_leads_fault(
    status: int, body: Any, reason: str, batch: bool, paid: bool
) -> None:
    error = failure(answer(status, body), batch=batch, paid=paid)
    assert (type(error), error.category, error.status) == (Misconfigured, Category.AUTH_ERROR, status)
    assert error.reason == reason


# --- A 2xx that is no answer ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<!DOCTYPE html><html>Just a moment</html>", "a web page"),
        (b"\xef\xbb\xbf\r\n <html>", "a web page"),
        (b"<?xml version='1.0'?><Error/>", "a web page"),
        (b"OK", "plain text"),
        (b"503 Service Unavailable", "plain text"),
        (b"[notice] we are closed", "plain text"),
        (b"{{ template }}", "plain text"),
        (b"\x1f\x8b\x08\x00", "plain text"),
    ],
)
def test_a_success_that_does_not_even_begin_as_json_is_in_doubt_and_pauses(body: bytes, kind: str) -> None:
    error = statuses.no_answer(answer(200, body), vendor="Acme", paid=True)
    assert isinstance(error, InDoubt)
    assert (error.pauses, error.server_error, error.status) == (True, False, 200)
    assert error.reason == f"Acme answered 200 with {kind} instead of data: check its base URL."
    assert error.evidence == Evidence.of(body, f"is {kind} and no JSON", personal=False)


@pytest.mark.parametrize(
    ("body", "at"),
    [
        (b"", 0),
        (b"  ", 2),
        (b"{", 1),
        (b'{"data":[{"id":1},', 18),
        (b'[{"id":1', 8),
        (b'\xef\xbb\xbf{"data": {"id"', 14),
        (b'{"data": "Jane Roe', 9),
        (b"[" * 100_000, 0),
    ],
)
def test_json_that_was_cut_is_in_doubt_and_only_said_where(body: bytes, at: int) -> None:
    error = statuses.no_answer(answer(200, body), vendor="Acme", paid=True, personal=True)
    assert isinstance(error, InDoubt)
    assert (error.pauses, error.server_error) == (False, False)
    why = f"breaks off as JSON at character {at} ({len(body)} bytes)"
    assert error.reason == f"Acme answered 200, and the answer {why}."
    digest = hashlib.sha256(body).hexdigest()
    assert error.evidence == Evidence(length=len(body), sha256=digest, why=why, raw=None)


@pytest.mark.parametrize("body", [b"<html>", b"{", b""])
def test_a_free_call_that_brings_no_answer_has_only_failed(body: bytes) -> None:
    error = statuses.no_answer(answer(200, body), vendor="Acme", paid=False)
    assert isinstance(error, Rejected)
    assert (error.charged, error.evidence, error.status) == (False, None, 200)


def test_an_envelope_that_cannot_be_used_is_paid_for_and_says_its_units_where_somebody_knows() -> None:
    known = statuses.unusable(answer(200, b"{}"), vendor="Acme", why="is odd", units=Decimal(3))
    unknown = statuses.unusable(answer(200, b"{}"), vendor="Acme", why="is odd")
    assert [(error.charged, error.units) for error in (known, unknown)] == [(True, Decimal(3)), (True, None)]
    assert Rejected("no").units is None


@pytest.mark.parametrize(("status", "said"), [(401, "who are you"), (403, "not this one")])
def test_a_key_may_buy_and_not_be_allowed_a_question_on_the_side(status: int, said: str) -> None:
    response = answer(status, {"error": said})
    shown = statuses.may_not_ask(failure(response, paid=False), response, request=REQUEST, vendor="Acme")
    assert shown.reason == f"Acme: this key may not ask ({status}): {said}."
    other = failure(answer(404))
    assert statuses.may_not_ask(other, response, request=REQUEST, vendor="Acme") is other


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
@given(st.integers(300, 599), json_values | st.binary(max_size=80), st.text(max_size=20), st.booleans(), st.booleans())
def test_any_answer_that_is_no_success_is_one_of_the_failures(
    status: int, body: Any, after: str, batch: bool, paid: bool
) -> None:
    error = failure(answer(status, body, retry_after=after), batch=batch, paid=paid)
    assert paid or not isinstance(error, InDoubt)
    assert len(error.reason) <= 300
    assert "sesame" not in error.reason
