"""Free calls whose vendor finds nothing: an empty answer for the user, and nothing learned about its base URL."""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import responses
from django.db import connection, transaction

from common.db.clock import database_now
from integrations import services
from integrations.ledger import breaker, catalogue
from integrations.ledger.admission import admit
from integrations.locks import hold_free_call
from integrations.models import Operation, Vendor, VendorCall
from integrations.vendors.errors import Category, NotSent
from integrations.vendors.realestateapi.client import IdPage
from integrations.vendors.realestateapi.queries import filters
from tests.api.client import Api
from tests.support import make_user, set_operations

pytestmark = pytest.mark.django_db(transaction=True)
BASE = "http://realestateapi.test"
NOTHING = {"statusCode": 404, "error": "Not Found", "message": "No results", "validation": {}}
ASKS: list[tuple[str, str, Callable[[int], Any], Any]] = [
    ("PropertySearch", "property_search", lambda user: services.count_properties({"zip": "20171"}, user_id=user), 0),
    (
        "PropertySearch",
        "property_search",
        lambda user: services.property_ids({"zip": "20171"}, user_id=user),
        IdPage(ids=(), total=0),
    ),
    ("AutoComplete", "autocomplete", lambda user: services.autocomplete("Nowhere", None, user_id=user), []),
]


SEARCH = {"mode": "count", "search": {"zip": "20171"}}


def search(user: Any) -> Any:
    return Api(user).post("/api/property/search", SEARCH)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No second try, no wait for a place."""
    monkeypatch.setattr(services, "TRIES", 1)
    monkeypatch.setattr(services, "FREE_PATIENCE", 0)


@pytest.fixture
def wire(settings: Any) -> Iterator[responses.RequestsMock]:
    settings.VENDORS = settings.VENDORS | {"realestateapi": {"base_url": BASE, "key": "sesame"}}
    set_operations(settings, pace=0)
    with responses.RequestsMock() as simulated:
        yield simulated


@pytest.mark.parametrize(("path", "name", "ask", "nothing"), ASKS)
@pytest.mark.parametrize("proven", [False, True])
def test_the_documented_404_finds_nothing_and_neither_pauses_the_vendor_nor_proves_its_base_url(
    wire: responses.RequestsMock, path: str, name: str, ask: Callable[[int], Any], nothing: Any, proven: bool
) -> None:
    catalogue.operation(name)
    known = BASE if proven else ""
    Operation.objects.filter(name=name).update(answered_from=known)
    wire.post(f"{BASE}/v2/{path}", status=404, json=NOTHING)
    assert ask(make_user().pk) == nothing
    vendor = Vendor.objects.get(pk="realestateapi")
    assert (vendor.paused_reason, vendor.failures, vendor.breaker_open_until) == ("", 0, None)
    assert Operation.objects.get(name=name).answered_from == known
    call = VendorCall.objects.get()
    assert (call.state, call.status, call.category, call.cost) == ("released", 404, Category.NOT_FOUND, 0)


@pytest.mark.parametrize(("path", "name", "ask", "nothing"), ASKS)
def test_a_404_of_anybody_else_pauses_the_vendor(
    wire: responses.RequestsMock, path: str, name: str, ask: Callable[[int], Any], nothing: Any
) -> None:
    wire.post(f"{BASE}/v2/{path}", status=404, body="<html>nginx</html>")
    with pytest.raises(services.NotNow) as caught:
        ask(make_user().pk)
    reason = "RealEstateAPI has nothing at this address (404), check its base URL."
    assert (caught.value.category, caught.value.reason) == (Category.AUTH_ERROR, reason)
    assert Vendor.objects.get(pk="realestateapi").paused_reason == reason


# --- One person's questions are hers ----------------------------------------------------------------------------------


def test_one_persons_slow_searches_stop_her_free_searches_and_nobody_elses_nor_a_purchase(
    wire: responses.RequestsMock, at_once: None
) -> None:
    ann, bob = make_user("ann"), make_user("bob")
    operation = catalogue.operation("property_search")
    failing = wire.post(f"{BASE}/v2/PropertySearch", status=503, body="busy")
    for _ in range(breaker.THRESHOLD):
        with pytest.raises(services.NotNow) as caught:
            services.count_properties({"zip": "20171"}, user_id=ann.pk)
        assert caught.value.category == Category.NETWORK_ERROR
    with pytest.raises(services.NotNow) as caught:
        services.count_properties({"zip": "20171"}, user_id=ann.pk)
    assert (caught.value.category, caught.value.reason) == (
        Category.RATE_LIMITED,
        "your last searches brought no answer; next try soon",
    )
    assert 25 < (caught.value.retry_in or 0) <= 30
    assert failing.call_count == breaker.THRESHOLD
    wire.replace("POST", f"{BASE}/v2/PropertySearch", json={"statusCode": 200, "data": [], "resultCount": 7})
    assert services.count_properties({"zip": "20171"}, user_id=bob.pk) == 7
    operation.refresh_from_db()
    assert (operation.failures, operation.breaker_open_until) == (0, None)
    for name in ("property_search", "property_detail"):
        with transaction.atomic():
            assert admit(catalogue.operation(name).pk).name == name
    VendorCall.objects.filter(user=ann).update(ended_at=database_now() - timedelta(seconds=31))
    assert services.count_properties({"zip": "20171"}, user_id=ann.pk) == 7
    assert breaker.open_for_free(operation, ann.pk, database_now()) == timedelta(0)


@pytest.mark.parametrize(("failures", "seconds"), [(4, 0), (5, 30), (6, 60), (7, 120), (16, 600), (30, 600)])
def test_each_further_failure_of_hers_waits_twice_as_long(
    wire: responses.RequestsMock, failures: int, seconds: int
) -> None:
    ann, operation, now = make_user("ann"), catalogue.operation("property_search"), database_now()
    for _ in range(failures):
        VendorCall.objects.create(
            operation=operation, user=ann, state="released", inputs=1, reserved=0, category=Category.NETWORK_ERROR,
            created_at=now, slot_at=now, ended_at=now, lease_until=now,
        )  # fmt: skip
    assert breaker.open_for_free(operation, ann.pk, now) == timedelta(seconds=seconds)


def test_an_operation_that_fails_leaves_the_others_of_its_vendor_alone(wire: responses.RequestsMock) -> None:
    detail = catalogue.operation("property_detail")
    for _ in range(breaker.THRESHOLD):
        breaker.note_failure(detail, NotSent("away"))
    detail.refresh_from_db()
    assert breaker.is_open(detail, database_now())
    trace = catalogue.operation("skip_trace")
    assert not breaker.is_open(trace, database_now())
    with transaction.atomic():
        assert admit(trace.pk) == trace


def test_a_third_free_question_at_a_time_is_429_with_words(wire: responses.RequestsMock, at_once: None) -> None:
    ann = make_user("ann")
    wire.post(f"{BASE}/v2/PropertySearch", json={"statusCode": 200, "data": [], "resultCount": 7})
    release, held = threading.Event(), threading.Barrier(3)

    def hold() -> None:
        try:
            with hold_free_call(ann.pk, patience=0) as place:
                held.wait(60)
                release.wait(60)
                assert place
        finally:
            connection.close()

    threads = [threading.Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
    held.wait(60)
    refused = search(ann)
    assert refused.status_code == 429
    assert refused.json()["error"] == {
        "code": "TOO_MANY_REQUESTS",
        "message": "2 searches of yours are still under way. Try again when one of them is done",
        "fields": {},
        "requestId": refused.headers["X-Request-Id"],
    }
    assert refused["Retry-After"] == "1"
    assert services.count_properties({"zip": "20171"}, user_id=make_user("bob").pk) == 7
    assert services.count_properties({"zip": "20171"}, user_id=ann.pk, by_worker=True) == 7
    release.set()
    for thread in threads:
        thread.join()
    assert search(ann).json()["count"] == 7


def test_the_places_of_a_process_that_dies_are_free_again(wire: responses.RequestsMock) -> None:
    ann = make_user("ann")
    wire.assert_all_requests_are_fired = False
    dying = [psycopg.connect(**_address()) for _ in range(2)]
    for place, its in enumerate(dying):
        its.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"free call {ann.pk} {place}"])
    with hold_free_call(ann.pk, patience=0) as place:
        assert not place
    socket.socket(fileno=os.dup(dying[0].fileno())).shutdown(socket.SHUT_RDWR)  # as the kernel does for a killed one
    with hold_free_call(ann.pk, patience=10) as place:
        assert place
    for its in dying:
        its.close()


def _address() -> dict[str, Any]:
    params = connection.get_connection_params()
    return {name: params[name] for name in ("host", "port", "user", "password", "dbname") if params.get(name)}


# --- No question is larger than any that makes sense ------------------------------------------------------------------


def nested(depth: int) -> dict[str, Any]:
    return {"and": [nested(depth - 1)]} if depth else {"state": "WA"}


@pytest.mark.parametrize(
    ("criteria", "words"),
    [
        ({"zip": ["98103"] * 1001}, "zip: 1,000 alternatives at most, not 1,001."),
        ({"state": "WA", "or": [{"beds_min": 1}] * 101}, "or: 100 alternatives at most, not 101."),
        ({"ids": [1] * 10_001}, "ids: 10,000 alternatives at most, not 10,001."),
        (nested(6), "and: filters are nested 5 deep at most."),
        ({"state": "WA", "polygon": [[[[[[[1]]]]]]]}, "polygon: filters are nested 5 deep at most."),
        (
            {"or": [{"and": [{"beds_min": 1, "state": "WA"}] * 10}] * 30},
            "and: a search has 500 filters at most.",
        ),
    ],
)
def test_a_search_that_is_too_large_is_400_and_names_its_filter(
    wire: responses.RequestsMock, criteria: dict[str, Any], words: str
) -> None:
    wire.assert_all_requests_are_fired = False
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        filters(criteria)


def test_searches_at_the_bounds_are_asked(wire: responses.RequestsMock) -> None:
    wire.assert_all_requests_are_fired = False
    for criteria in ({"zip": ["98103"] * 1000}, {"ids": [1] * 10_000}, nested(5), {"or": [{"state": "WA"}] * 100}):
        assert filters(criteria) == criteria


def test_the_api_names_the_field_and_the_filter(wire: responses.RequestsMock) -> None:
    wire.assert_all_requests_are_fired = False
    api, large = Api(make_user("ann")), {"zip": ["98103"] * 1001}
    for path, body in (
        ("/api/property/search", {"mode": "count", "search": large}),
        ("/api/property/bucket", {"name": "Many", "search": large}),
    ):
        answer = api.post(path, body)
        assert answer.status_code == 400
        assert answer.json()["error"]["fields"] == {"search": ["zip: 1,000 alternatives at most, not 1,001."]}
