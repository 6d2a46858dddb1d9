"""The sandbox failing on purpose, each way it can."""

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests

from sandbox import Sandbox, SandboxConfig
from sandbox.faults import Fault, FaultBox, FaultError, parse_flag
from tests.sandbox.helpers import KEYS, Client, ledger, running, sample


@pytest.fixture
def server() -> Iterator[tuple[Sandbox, requests.Session]]:
    """One of the test's own: what an earlier one left under way, a push or a request given up, bills elsewhere."""
    with running(generate=3000, prices={"property_detail": Decimal("0.05")}) as pair:
        yield pair


@pytest.fixture
def estate(server: tuple[Sandbox, requests.Session]) -> Client:
    return Client(server[0], "realestateapi", server[1])


def order(server: tuple[Sandbox, requests.Session], *faults: dict[str, Any]) -> requests.Response:
    return server[1].post(f"{server[0].base_url}/sandbox/faults", json=list(faults), timeout=60)


def some_ids(server: tuple[Sandbox, requests.Session], count: int) -> list[int]:
    source = server[0].source
    return [source.parcel(index).id for index in range(count)]


def billed(server: tuple[Sandbox, requests.Session]) -> str:
    units: str = ledger(*server)["operations"]["property_detail"]["units"]
    return units


def detail(server: tuple[Sandbox, requests.Session], estate: Client, **kwargs: Any) -> requests.Response:
    return estate.post("/v2/PropertyDetail", {"id": some_ids(server, 1)[0]}, **kwargs)


@pytest.mark.parametrize("kind", ["timeout", "cut"])
def test_a_lost_answer_has_been_billed(server: Any, estate: Client, kind: str) -> None:
    order(server, {"operation": "property_detail", "kind": kind, "count": 1, "seconds": 0.1})
    with pytest.raises(requests.ConnectionError):
        detail(server, estate)
    assert billed(server) == "1"
    assert detail(server, estate).status_code == 200


def test_a_timeout_hangs_as_long_as_asked(server: Any, estate: Client) -> None:
    order(server, {"operation": "property_detail", "kind": "timeout", "seconds": 30})
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{estate.url}/v2/PropertyDetail", json={"id": 5}, headers=estate.key, timeout=0.2)


def test_a_connection_cut_before_the_vendor_read_it_costs_nothing(server: Any, estate: Client) -> None:
    order(server, {"operation": "property_detail", "kind": "cut_before", "count": 1})
    with pytest.raises(requests.ConnectionError):
        detail(server, estate)
    assert billed(server) == "0"
    assert ledger(*server)["operations"]["property_detail"]["refused"] == 1


def test_garbage_is_broken_json_that_was_paid_for(server: Any, estate: Client) -> None:
    order(server, {"operation": "property_detail", "kind": "garbage"})
    answer = detail(server, estate)
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert billed(server) == "1"


def test_slowness_is_only_slow(server: Any, estate: Client) -> None:
    order(server, {"operation": "property_detail", "kind": "slow", "seconds": 0.2})
    start = time.monotonic()
    assert detail(server, estate).status_code == 200
    assert time.monotonic() - start >= 0.2
    assert billed(server) == "1"


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [
        ("500", 500, "Server Error, Please Contact Support (dev@realestateapi.com)"),
        ("502", 502, "Bad Gateway"),
        ("503", 503, "Service Temporarily Unavailable"),
        ("504", 504, "Gateway Time-out"),
        ("html", 200, "<!DOCTYPE html>"),
        ("429", 429, "Rate Limit Exceeded"),
        ("429_retry_after", 429, "Rate Limit Exceeded"),
        ("429_daily", 429, "Daily usage limit exceeded for [PropertyDetail] scopes"),
        ("401", 401, "x-api-key must be valid"),
        ("402", 402, "Insufficient credits"),
        ("403", 403, "Forbidden"),
    ],
)
def test_an_error_costs_nothing(server: Any, estate: Client, kind: str, status: int, text: str) -> None:
    order(server, {"operation": "property_detail", "kind": kind, "seconds": 3})
    answer = detail(server, estate)
    assert answer.status_code == status
    assert text in answer.text
    assert answer.headers.get("Retry-After") == ("3" if kind == "429_retry_after" else None)
    report = ledger(*server)
    assert report["operations"]["property_detail"]["refused"] == 1
    assert (report["billed"], report["rejected_429"]) == ("0", int(status == 429))


def test_the_daily_cap_is_worded_as_the_vendor_words_it(server: Any, estate: Client) -> None:
    order(server, {"operation": "*", "kind": "429_daily"})
    answer = estate.post("/v2/PropertySearch", {"state": "WA"}).json()
    wanted = sample("reapi_err_429_daily_newer_crawl")
    assert answer == {**wanted, "message": wanted["message"].replace(", SkipTrace", "")}


def test_403_batch_closes_only_the_batch_doors(server: Any, estate: Client) -> None:
    order(server, {"operation": "*", "kind": "403_batch"})
    skip = {"last_name": "Stone", "zip": "98103"}
    apollo = Client(server[0], "apollo", server[1])
    assert estate.post("/v2/PropertyDetailBulk", {"ids": [5]}).status_code == 403
    assert estate.post("/v2/SkipTraceBatchAwait", {"skips": [skip]}).status_code == 403
    assert apollo.post("/people/bulk_match", {"details": [{}]}).json()["error_code"] == "API_INACCESSIBLE"
    assert detail(server, estate).status_code == 200
    assert estate.post("/v2/SkipTrace", skip).status_code in (200, 404)


def bulk(server: Any, estate: Client, kind: str, units: str = "18") -> tuple[list[int], list[int]]:
    """The ids of a bulk answer without and with the fault."""
    body = {"ids": some_ids(server, 9)}
    order(server)
    good = [one["id"] for one in estate.post("/v2/PropertyDetailBulk", body).json()["data"]]
    order(server, {"operation": "property_detail", "kind": kind})
    spoilt = [one["id"] for one in estate.post("/v2/PropertyDetailBulk", body).json()["data"]]
    assert billed(server) == units
    return good, spoilt


def test_missing_drops_items_of_a_batch_and_bills_what_is_left(server: Any, estate: Client) -> None:
    good, spoilt = bulk(server, estate, "missing", units="15")
    assert spoilt == [one for position, one in enumerate(good) if position % 3]


def test_a_missing_trace_is_not_billed(server: Any, estate: Client) -> None:
    sandbox, session = server
    skips = [{"key": str(n), "first_name": f"Ann{n}", "last_name": "Stone", "zip": "98103"} for n in range(9)]
    order(server, {"operation": "skip_trace", "kind": "missing"})
    items = estate.post("/v2/SkipTraceBatchAwait", {"skips": skips}).json()["data"]
    assert [item["input"]["key"] for item in items] == ["1", "2", "4", "5", "7", "8"]
    matches = sum(item["match"] for item in items)
    assert ledger(sandbox, session)["operations"]["skip_trace"]["units"] == str(matches)


def test_extra_adds_an_item_nobody_asked_for(server: Any, estate: Client) -> None:
    good, spoilt = bulk(server, estate, "extra")
    assert spoilt == [*good, 99_999_999]


def test_duplicate_repeats_an_item(server: Any, estate: Client) -> None:
    good, spoilt = bulk(server, estate, "duplicate")
    assert spoilt == [*good, good[0]]


def test_reorder_turns_a_batch_round(server: Any, estate: Client) -> None:
    good, spoilt = bulk(server, estate, "reorder")
    assert spoilt == good[::-1]


def test_empty_empties_any_answer(server: Any, estate: Client) -> None:
    assert bulk(server, estate, "empty")[1] == []
    assert detail(server, estate).json()["data"] == {}


def test_a_batch_fault_leaves_a_single_door_alone(server: Any, estate: Client) -> None:
    order(server, {"operation": "property_detail", "kind": "reorder"})
    assert detail(server, estate).status_code == 200
    assert server[1].get(f"{server[0].base_url}/sandbox/faults", timeout=60).json()[0]["seen"] == 0


def test_a_refused_request_stays_refused_under_a_fault(server: Any, estate: Client) -> None:
    order(server, {"operation": "property_detail", "kind": "garbage"})
    assert estate.post("/v2/PropertyDetail", {}).json()["statusCode"] == 400


def test_count_and_after_bound_a_fault(server: Any, estate: Client) -> None:
    order(server, {"operation": "property_detail", "kind": "500", "after": 2, "count": 2})
    assert [detail(server, estate).status_code for _ in range(6)] == [200, 200, 500, 500, 200, 200]


def test_faults_are_read_and_withdrawn(server: Any, estate: Client) -> None:
    url = f"{server[0].base_url}/sandbox/faults"
    posted = order(server, {"operation": "*", "kind": "500", "rate": 0.5, "count": 3}).json()
    wanted = {
        "operation": "*",
        "kind": "500",
        "rate": 0.5,
        "count": 3,
        "seconds": None,
        "after": 0,
        "seen": 0,
        "fired": 0,
    }
    assert posted == [wanted]
    assert order(server, *posted).json() == [wanted]  # what was read can be given back
    assert server[1].delete(url, timeout=60).json() == []
    assert server[1].get(url, timeout=60).json() == []


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "JSON list"),
        ([{"kind": "500"}], "an object with operation, kind"),
        ([{"operation": "wishes", "kind": "500"}], "unknown operation 'wishes'"),
        ([{"operation": "*", "kind": "flood"}], "unknown kind 'flood'"),
        ([{"operation": "*", "kind": "500", "rate": 2}], "rate 2.0 is not between 0 and 1"),
        ([{"operation": "*", "kind": "500", "count": "x"}], "are numbers"),
        ([{"operation": "*", "kind": "500", "colour": 1}], "an object with operation, kind"),
    ],
)
def test_an_order_nobody_could_mean_is_refused_and_changes_nothing(
    server: Any, estate: Client, body: Any, text: str
) -> None:
    order(server, {"operation": "*", "kind": "500"})
    answer = server[1].post(f"{server[0].base_url}/sandbox/faults", json=body, timeout=60)
    assert answer.status_code == 400
    assert text in answer.json()["message"]
    assert len(server[1].get(f"{server[0].base_url}/sandbox/faults", timeout=60).json()) == 1


def test_the_free_probes_fail_only_by_name(server: Any, estate: Client) -> None:
    order(server, {"operation": "*", "kind": "500"})
    assert estate.get("/v2/key/info").status_code == 200
    order(server, {"operation": "probe", "kind": "401"})
    assert estate.get("/v2/key/info").status_code == 401


def test_a_rate_strikes_about_as_often_and_the_same_requests_every_time() -> None:
    def strikes(seed: int) -> list[bool]:
        box = FaultBox([Fault("skip_trace", "500", rate=0.2)], seed)
        return [box.pick("skip_trace", batch=False) is not None for _ in range(1000)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert 160 <= sum(strikes(1)) <= 240


def test_a_flag_says_the_same_as_an_object() -> None:
    fault = parse_flag("skip_trace:timeout:rate=0.5:count=3:seconds=7:after=2")
    assert fault == Fault("skip_trace", "timeout", rate=0.5, count=3, seconds=7.0, after=2)
    for wrong in ("skip_trace", "skip_trace:timeout:rate", "skip_trace:timeout:often=1"):
        with pytest.raises(FaultError):
            parse_flag(wrong)


def test_stop_waits_for_no_hanging_request() -> None:
    sandbox = Sandbox(SandboxConfig(generate=100, faults=(Fault("property_detail", "timeout", seconds=60),))).start()
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            f"{sandbox.vendor_urls['realestateapi']}/v2/PropertyDetail",
            json={"id": 5},
            headers=KEYS["realestateapi"],
            timeout=0.1,
        )
    start = time.monotonic()
    sandbox.stop()
    sandbox.stop()
    assert time.monotonic() - start < 30  # of sixty
