"""What vendors really answer: errors after they have billed, answers that are none, counts that are not their bill."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests

from sandbox import Sandbox
from sandbox.faults import Fault, FaultError, parse_flag
from tests.sandbox.helpers import Client, ledger, running, sample

DETAIL = "/v2/PropertyDetail"
BULK = "/v2/PropertyDetailBulk"


@pytest.fixture
def server() -> Iterator[tuple[Sandbox, requests.Session]]:
    """One of the test's own: what an earlier one left under way, a push or a request given up, bills elsewhere."""
    with running(generate=3000, prices={"property_detail": Decimal("0.05"), "skip_trace": Decimal("0.10")}) as pair:
        yield pair


@pytest.fixture
def estate(server: tuple[Sandbox, requests.Session]) -> Client:
    return Client(server[0], "realestateapi", server[1])


def order(
    server: tuple[Sandbox, requests.Session], kind: str, operation: str = "property_detail", **rules: Any
) -> None:
    server[0].faults.replace([Fault(operation, kind, **rules)])


def ids(server: tuple[Sandbox, requests.Session], count: int, start: int = 0) -> list[int]:
    return [server[0].source.parcel(index).id for index in range(start, start + count)]


def detail(server: tuple[Sandbox, requests.Session], estate: Client, **kwargs: Any) -> requests.Response:
    return estate.post(DETAIL, {"id": ids(server, 1)[0]}, **kwargs)


def billed(server: tuple[Sandbox, requests.Session], operation: str = "property_detail") -> str:
    units: str = ledger(*server)["operations"][operation]["units"]
    return units


# --- Billed, and no answer -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "status"),
    [("500", 500), ("408", 408), ("502", 502), ("503", 503), ("504", 504), ("520", 520), ("html", 200), ("301", 301)],
)
@pytest.mark.parametrize("sold", [True, False], ids=["billed", "not billed"])
def test_an_error_may_come_after_the_bill(server: Any, estate: Client, kind: str, status: int, sold: bool) -> None:
    order(server, kind, billed=sold)
    assert detail(server, estate, allow_redirects=False).status_code == status
    report = ledger(*server)["operations"]["property_detail"]
    assert (report["units"], report["answered"], report["refused"]) == (str(int(sold)), 0, 1)


def test_half_of_an_outage_is_billed_by_two_orders(server: Any, estate: Client) -> None:
    server[0].faults.replace([Fault("property_detail", "500", rate=0.5, billed=True), Fault("property_detail", "500")])
    for one in ids(server, 60):
        assert estate.post(DETAIL, {"id": one}).status_code == 500
    report = ledger(server[0], server[1], "?inputs=1")
    assert 20 <= int(report["operations"]["property_detail"]["units"]) <= 40
    assert set(report["inputs"]["property_detail"].values()) == {1}


def test_a_request_nobody_could_mean_is_not_billed_before_its_error(server: Any, estate: Client) -> None:
    order(server, "500", billed=True)
    assert estate.post(DETAIL, {}).status_code == 500
    assert billed(server) == "0"


def test_signalhouse_bills_before_its_error_too_and_replays_the_answer_under_the_same_key(server: Any) -> None:
    house, body = Client(server[0], "signalhouse", server[1]), None
    order(server, "500", "signalhouse_skip_trace", billed=True, count=1)
    for number in range(20):  # the first one that is a match
        body = {
            "first_name": f"Ann{number}",
            "last_name": "Stone",
            "address": "1 Oak St",
            "city": "Kent",
            "state": "WA",
        }
        headers = {**house.key, "Idempotency-Key": f"key-{number}"}
        assert house.post("/skip-trace", body, headers=headers).status_code == 500
        if billed(server, "signalhouse_skip_trace") == "1":
            break
        order(server, "500", "signalhouse_skip_trace", billed=True, count=1)
    assert house.post("/skip-trace", body, headers=headers).json()["data"]["firstName"].startswith("Ann")
    assert billed(server, "signalhouse_skip_trace") == "1"


def test_an_answer_cut_in_its_middle_has_been_billed(server: Any, estate: Client) -> None:
    order(server, "cut_middle", count=1)
    with detail(server, estate, stream=True) as answer:
        announced = int(answer.headers["Content-Length"])
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            answer.content  # noqa: B018
    assert announced > 100
    assert billed(server) == "1"
    assert detail(server, estate).json()["data"]["id"] == ids(server, 1)[0]


# --- 200, and no answer ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "content_type", "begins"),
    [("html", "text/html", "<!DOCTYPE html>"), ("text", "text/plain", "OK"), ("json", "application/json", "{")],
)
def test_a_200_of_somebody_else_costs_nothing(
    server: Any, estate: Client, kind: str, content_type: str, begins: str
) -> None:
    order(server, kind)
    answer = detail(server, estate)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, f"{content_type}; charset=utf-8")
    assert answer.text.startswith(begins)
    assert "data" not in answer.text
    assert billed(server) == "0"


def test_an_envelope_with_unusable_records_has_been_billed(server: Any, estate: Client) -> None:
    order(server, "unusable")
    assert detail(server, estate).json()["data"] == "temporarily unavailable"
    assert estate.post(BULK, {"ids": ids(server, 3)}).json()["data"] == ["temporarily unavailable"] * 3
    assert billed(server) == "4"


@pytest.mark.parametrize("kind", ["301", "302", "307", "308"])
def test_a_redirect_leads_to_a_stranger(server: Any, estate: Client, kind: str) -> None:
    order(server, kind)
    answer = detail(server, estate, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (int(kind), "/moved/realestateapi/v2/PropertyDetail")
    assert detail(server, estate).json() == {"message": "no such vendor"}
    assert billed(server) == "0"


def test_a_404_of_another_web_server_is_a_page(server: Any, estate: Client) -> None:
    order(server, "404_html")
    answer = detail(server, estate)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "404 Not Found" in answer.text


def test_the_documented_404_has_no_data(server: Any, estate: Client) -> None:
    order(server, "404")
    answer = detail(server, estate)
    wanted = sample("reapi_propertydetail_openapi_err_404")
    assert (answer.status_code, answer.json()) == (404, wanted)
    order(server, "404", "skip_trace")
    assert estate.post("/v2/SkipTrace", {"last_name": "Stone", "zip": "98103"}).json() == wanted
    server[0].faults.replace([])
    assert estate.post("/v9/PropertyDetail", {"id": 5}).json() == wanted  # a base URL with a wrong path


# --- What it says it charged -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "single", "three"), [("credits_0", 0, 0), ("credits_10", 10, 30)])
def test_credits_may_be_another_number_than_the_bill(
    server: Any, estate: Client, kind: str, single: int, three: int
) -> None:
    order(server, kind)
    assert detail(server, estate).json()["credits"] == single
    assert estate.post(BULK, {"ids": ids(server, 3)}).json()["credits"] == three
    assert ledger(*server)["operations"]["property_detail"]["billed"] == "0.2"


def test_a_trace_and_a_page_of_rows_may_claim_credits_too(server: Any, estate: Client) -> None:
    skips = [{"key": str(n), "first_name": f"Ann{n}", "last_name": "Stone", "zip": "98103"} for n in range(9)]
    order(server, "credits_10", "*")
    traced = estate.post("/v2/SkipTraceBatchAwait", {"skips": skips}).json()
    matches = sum(item["match"] for item in traced["data"])
    assert traced["credits"] == 10 * matches > 0
    assert billed(server, "skip_trace") == str(matches)
    assert estate.post("/v2/PropertySearch", {"state": "WA", "size": 4}).json()["credits"] == 40
    assert billed(server, "property_search") == "4"


def test_the_published_answers_claim_0_credits_for_one_and_10_a_record_in_bulk() -> None:
    with running(generate=3000, envelope="published") as (sandbox, session):
        estate, wanted = Client(sandbox, "realestateapi", session), ids((sandbox, session), 40)
        assert estate.post(DETAIL, {"id": wanted[0]}).json()["credits"] == 0
        answer = estate.post(BULK, {"ids": wanted}).json()
        assert answer["credits"] == 400
        assert billed((sandbox, session)) == "41"
        parcels = {sandbox.source.parcel(index).id: sandbox.source.parcel(index) for index in range(40)}
        for record in answer["data"]:
            assert "propertyType" not in record
            assert type(record["equity"]) is int
            assert record["equity"] == record["ownerInfo"]["equity"] == record["estimatedEquity"]
            houses = parcels[record["id"]].property_type == "SFR"
            assert (record["propertyInfo"]["propertyType"] == "SINGLE FAMILY RESIDENCE") == houses
        assert any(parcel.property_type == "SFR" for parcel in parcels.values())


# --- Left out --------------------------------------------------------------------------------------------------------


def test_only_what_was_sold_before_is_left_out_at_a_rebuy_and_not_billed_again(server: Any, estate: Client) -> None:
    old, new = ids(server, 6), ids(server, 3, start=6)
    order(server, "missing_rebuy")
    assert len(estate.post(BULK, {"ids": old}).json()["data"]) == 6
    found = {record["id"] for record in estate.post(BULK, {"ids": [*old, *new]}).json()["data"]}
    assert set(new) < found
    assert len(found) == 7
    report = ledger(server[0], server[1], "?inputs=1")
    assert {one for one, times in report["inputs"]["property_detail"].items() if times == 2} == {
        str(one) for one in found & set(old)
    }
    assert report["operations"]["property_detail"]["units"] == "13"


def test_a_vendor_may_bill_what_it_leaves_out(server: Any, estate: Client) -> None:
    order(server, "missing", billed=True)
    answer = estate.post(BULK, {"ids": ids(server, 9)}).json()
    assert (len(answer["data"]), answer["credits"], billed(server)) == (6, 9, "9")


# --- Orders ----------------------------------------------------------------------------------------------------------


def test_billed_is_said_by_flag_and_by_object_and_refused_where_it_means_nothing(server: Any, estate: Client) -> None:
    assert parse_flag("skip_trace:500:rate=0.5:billed=1") == Fault("skip_trace", "500", rate=0.5, billed=True)
    assert parse_flag("skip_trace:500:billed=false") == Fault("skip_trace", "500")
    for wrong in ("skip_trace:500:billed=maybe", "skip_trace:timeout:billed=1"):
        with pytest.raises(FaultError):
            parse_flag(wrong)
    url = f"{server[0].base_url}/sandbox/faults"
    given = [{"operation": "skip_trace", "kind": "500", "billed": True}]
    assert server[1].post(url, data=json.dumps(given), timeout=60).json()[0]["billed"] is True


def test_a_slow_answer_may_be_made_and_billed_before_the_wait(server: Any, estate: Client) -> None:
    order(server, "slow", billed=True, seconds=30)
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{estate.url}{DETAIL}", json={"id": ids(server, 1)[0]}, headers=estate.key, timeout=0.3)
    assert billed(server) == "1"
