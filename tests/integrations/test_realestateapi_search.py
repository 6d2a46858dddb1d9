"""PropertySearch: counts and ids for nothing, full rows by the row; AutoComplete and the key's own page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests
import responses
from hypothesis import given
from hypothesis import strategies as st
from responses.matchers import json_params_matcher

from integrations.vendors.contract import Answer, Reply
from integrations.vendors.errors import (
    Category,
    HeldBack,
    Misconfigured,
    NotSent,
    Rejected,
    UnprovenMiss,
    VendorFailure,
)
from integrations.vendors.facts import ROW_KEYS
from integrations.vendors.realestateapi import client, parse
from integrations.vendors.realestateapi.adapters import PropertySearchPage
from integrations.vendors.realestateapi.client import IdPage
from integrations.vendors.realestateapi.places import KeyInfo, Place
from integrations.vendors.realestateapi.queries import PAGE_MAX, detail_query, search_query
from tests.integrations.samples import SAMPLES, a_few, assert_keeps_no_trait, json_values, nested, sample

BASE = "http://realestateapi.test"
SEARCH, COMPLETE = f"{BASE}/v2/PropertySearch", f"{BASE}/v2/AutoComplete"
HERNDON = {"city": "Herndon", "state": "VA", "mls_active": True}
CONDO = {
    "property_id": "253175355",
    "apn": None,
    "fips": None,
    "property_address": "13723 Neil Armstrong Ave Unit 308",
    "property_city": "Herndon",
    "property_state": "VA",
    "property_zip": "20171",
    "property_county": "Fairfax",
    "property_type": "CONDO",
    "bedrooms": 2,
    "bathrooms": "2",
    "sqft": 1323,
    "year_built": 2015,
    "last_sale_date": "2020-07-23",
    "last_sale_price": 418000,
    "estimated_value": 490308,
    "estimated_equity": 189084,
    "equity_percent": "38",
    "latitude": "38.920743",
    "longitude": "-77.421772",
    "first_name": "First1",
    "last_name": "Last1",
    "owner_name": "First1 Last1",
    "owner_type": "individual",
    "owner_occupied": True,
    "absentee_owner": False,
    "pre_foreclosure": False,
    "foreclosure": False,
    "tax_lien": None,
    "bankruptcy": None,
    "vacant": False,
    "high_equity": False,
    "free_clear": False,
    "mailing_address": "13723 Neil Armstrong Ave Unit 308",
    "mailing_city": "Herndon",
    "mailing_state": "VA",
    "mailing_zip": "20171",
}


@pytest.fixture(autouse=True)
def vendor(settings: Any) -> None:
    settings.VENDORS = {"realestateapi": {"base_url": BASE, "key": "sesame"}}


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as simulated:
        yield simulated


def page(*, size: int = PAGE_MAX, result_index: int = 0) -> tuple[dict[str, Any], Reply]:
    query = search_query(HERNDON, size=size, result_index=result_index)
    reply = PropertySearchPage(client.config()).call([query], call_id="c1")
    return dict(reply.answers[query.key].facts), reply


# --- Free -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["basic", "preforeclosure", "property_type"])
def test_a_count_is_the_vendors_total(wire: responses.RequestsMock, name: str) -> None:
    asked = sample(f"reapi_propertysearch_req_count_{name}.json")
    wire.post(SEARCH, json={"resultCount": "1156", "statusCode": 200}, match=[json_params_matcher(asked)])
    assert client.count({**asked, "size": 250, "ids_only": True, "zip": None}) == 1156


def test_a_count_of_nothing_is_0(wire: responses.RequestsMock) -> None:
    wire.post(SEARCH, status=404, json={"statusCode": 404, "data": []})
    assert client.count(HERNDON) == 0


def test_a_count_without_a_number_is_rejected_and_free(wire: responses.RequestsMock) -> None:
    wire.post(SEARCH, json={"statusCode": 200, "data": []})
    with pytest.raises(Rejected) as caught:
        client.count(HERNDON)
    assert (caught.value.charged, caught.value.reason) == (False, "RealEstateAPI answered a count without a number.")


def test_ids_come_each_once_in_order_as_strings(wire: responses.RequestsMock) -> None:
    wire.post(
        SEARCH,
        json={"data": [253175355, "7", 7, "007", {"id": 8}, None, "<int>", -1, 2**70, 1.5], "resultCount": 12000},
        match=[json_params_matcher({**HERNDON, "ids_only": True})],
    )
    assert client.ids(HERNDON) == IdPage(ids=("253175355", "7", "8"), total=12000)


def test_the_ids_placeholder_of_the_vendors_page_has_no_ids(wire: responses.RequestsMock) -> None:
    wire.post(SEARCH, json=sample("reapi_propertysearch_resp_200_ids_only.json"))
    assert client.ids(HERNDON) == IdPage(ids=(), total=None)


def test_ids_nested_once_are_read_and_ids_of_nothing_are_none(wire: responses.RequestsMock) -> None:
    wire.post(SEARCH, json={"data": [[1], [2]]})
    wire.post(SEARCH, status=404, json={"statusCode": 404, "data": []})
    wire.post(SEARCH, json={"data": {"a": 1}})
    assert client.ids(HERNDON) == IdPage(ids=("1", "2"), total=None)
    assert client.ids(HERNDON) == IdPage(ids=(), total=0)
    with pytest.raises(Rejected, match="without a list"):
        client.ids(HERNDON)


def test_free_calls_fail_like_paid_ones(wire: responses.RequestsMock, settings: Any) -> None:
    wire.post(SEARCH, status=429, json={"message": "Rate Limit Exceeded"}, headers={"Retry-After": "2"})
    with pytest.raises(NotSent) as caught:
        client.count(HERNDON)
    assert (caught.value.category, caught.value.retry_after) == (Category.RATE_LIMITED, 2.0)
    settings.VENDORS = {"realestateapi": {"base_url": BASE, "key": ""}}
    with pytest.raises(Misconfigured, match="REALESTATEAPI_KEY is not set"):
        client.ids(HERNDON)


@pytest.mark.parametrize(
    ("name", "many", "first"),
    [
        (
            "address",
            3,
            Place(
                title="9 Topeka Pass, Willingboro, NJ, 08046",
                search_type="A",
                property_id="196537292",
                apn="38 01121-0000-00002",
                address="9 Topeka Pass, Willingboro, NJ, 08046",
                street="Topeka Pass",
                city="Willingboro",
                county="Burlington",
                state="NJ",
                zip="08046",
                fips="34005",
                state_id="34",
                county_id="005",
                latitude="40.00792",
                longitude="-74.875969",
            ),
        ),
        (
            "city",
            3,
            Place(
                title="Herndon Pkwy, Herndon, VA",
                search_type="S",
                street="Herndon Pkwy",
                city="Herndon",
                county="Fairfax",
                state="VA",
                zip="20170",
                fips="51059",
                state_id="51",
                county_id="059",
            ),
        ),
        ("neighborhood", 10, Place(title="Cherry Grove, NY", search_type="C", city="Cherry Grove", state="NY")),
        ("state", 10, Place(title="Virginia, USA", search_type="T", state="VA")),
        ("zip", 10, Place(title="22205, VA", search_type="Z", state="VA", state_id="51", zip="22205")),
    ],
)
def test_the_autocomplete_samples_parse_exactly(
    wire: responses.RequestsMock, name: str, many: int, first: Place
) -> None:
    body = sample(f"reapi_autocomplete_resp_200_{name}.json")
    wire.post(COMPLETE, json=body, match=[json_params_matcher(body["input"])])
    places = client.autocomplete(body["input"]["search"], body["input"].get("search_types"))
    assert (len(places), places[0]) == (many, first)


def test_autocomplete_of_nothing_is_an_empty_list_and_two_letters_are_not_asked(wire: responses.RequestsMock) -> None:
    wire.post(COMPLETE, status=404, json={"statusCode": 404, "data": []})
    assert client.autocomplete("zzz") == []
    with pytest.raises(ValueError, match="at least 3 characters"):
        client.autocomplete(" ab ")
    assert len(wire.calls) == 1


def test_the_key_page_parses_exactly(wire: responses.RequestsMock) -> None:
    wire.get(f"{BASE}/v2/key/info", json=sample("reapi_key_info_resp_200.json"))
    info = client.key_info()
    assert info == KeyInfo(kind="live", version="v2", scopes=info.scopes, requests_per_second=60)
    assert (len(info.scopes), info.scopes[0], info.scopes[-1]) == (18, "PropertySearch", "CSVBuilder")


# --- Paid -----------------------------------------------------------------------------------------------------------


def test_the_page_sample_parses_exactly(wire: responses.RequestsMock) -> None:
    wire.post(
        SEARCH,
        json=sample("reapi_propertysearch_resp_200_list.json"),
        match=[json_params_matcher({**HERNDON, "size": 250, "resultIndex": 0})],
    )
    facts, reply = page()
    assert facts == {"rows": [CONDO], "total": 156, "next_index": 1}
    assert reply.units == Decimal(1)


def test_the_row_sample_parses_to_the_same_keys() -> None:
    row = parse.row(sample("reapi_propertysearch_row_object.json"))
    assert row is not None
    assert tuple(row) == ROW_KEYS
    assert_keeps_no_trait(row)


def test_pages_follow_the_vendors_own_recipe_to_the_end(wire: responses.RequestsMock) -> None:
    rows = [{"id": str(number)} for number in range(1, 6)]
    wire.post(SEARCH, json={"data": rows[:2], "recordCount": 2, "resultIndex": 2, "resultCount": 5})
    wire.post(SEARCH, json={"data": rows[2:4], "recordCount": 2, "resultIndex": 4, "resultCount": 5})
    wire.post(SEARCH, json={"data": rows[4:], "recordCount": 1, "resultIndex": 5, "resultCount": 5})
    index: int | None = 0
    found = []
    while index is not None:
        facts, reply = page(size=2, result_index=index)
        found += [row["property_id"] for row in facts["rows"]]
        index = facts["next_index"]
        assert reply.units == Decimal(len(facts["rows"]))
    assert found == ["1", "2", "3", "4", "5"]
    assert [json.loads(call.request.body or "")["resultIndex"] for call in wire.calls] == [0, 2, 4]


@pytest.mark.parametrize(
    "body", [{"data": [], "recordCount": 0, "resultCount": 9, "statusCode": 200}, {"data": [], "statusCode": 404}]
)
def test_an_empty_page_is_an_answer_that_ends_the_search(wire: responses.RequestsMock, body: Any) -> None:
    wire.post(SEARCH, json=body)
    facts, reply = page()
    assert (facts["rows"], facts["next_index"], reply.units) == ([], None, Decimal(0))
    assert all(answer.found for answer in reply.answers.values())


def test_rows_without_an_id_are_paid_for_and_left_out(wire: responses.RequestsMock) -> None:
    wire.post(SEARCH, json={"data": [{"id": 1}, {"propertyType": "SFR"}, "x"], "resultCount": 3})
    facts, reply = page()
    assert ([row["property_id"] for row in facts["rows"]], reply.units) == (["1"], Decimal(3))


def test_a_page_without_a_list_is_charged_and_kept(wire: responses.RequestsMock) -> None:
    wire.post(SEARCH, json={"statusCode": 200, "data": "x"})
    with pytest.raises(Rejected) as caught:
        page()
    assert caught.value.charged
    assert caught.value.evidence is not None
    assert caught.value.evidence.raw


@pytest.mark.parametrize(("counted", "credits"), [(0, 0), (1, 10), (250, 250), (None, None)])
def test_the_price_list_counts_the_rows_that_came_whatever_the_answer_says(
    wire: responses.RequestsMock, counted: Any, credits: Any
) -> None:
    body = {"data": [{"id": 1}, {"id": 2}], "resultCount": 5, "recordCount": counted, "credits": credits}
    wire.post(SEARCH, json=body)
    facts, reply = page(size=2)
    assert (reply.units, facts["next_index"]) == (Decimal(2), 2)
    assert reply.claimed == (None if credits is None else Decimal(credits))


def test_the_documented_404_is_an_empty_page_where_the_vendor_is_known(wire: responses.RequestsMock) -> None:
    wire.post(SEARCH, status=404, json={"statusCode": 404, "error": "Not Found", "message": "", "validation": {}})
    with pytest.raises(UnprovenMiss) as caught:
        page(result_index=4)
    (answer,) = caught.value.miss.answers.values()
    assert answer == Answer(facts={"rows": [], "total": 4, "next_index": None})
    assert caught.value.miss.units == 0


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, {"error": "oops"}, NotSent),
        (504, None, NotSent),
        (408, None, NotSent),
        (429, {"message": ""}, HeldBack),
        (301, None, Misconfigured),
        (404, {"statusCode": 404, "error": "Not Found", "message": "", "validation": {}}, Rejected),
        (404, {"statusCode": 404, "error": "Not Found", "message": ""}, Misconfigured),
        (404, "<html>", Misconfigured),
        (200, "<html>", Rejected),
        (200, '{"data": [', Rejected),
    ],
)
def test_a_free_call_is_never_in_doubt(
    wire: responses.RequestsMock, status: int, body: Any, kind: type[VendorFailure]
) -> None:
    raw = body if isinstance(body, str) else json.dumps(body)
    wire.post(SEARCH, status=status, body=raw)
    wire.post(COMPLETE, status=status, body=raw)
    wire.get(f"{BASE}/v2/key/info", status=status, body=raw)
    for ask in (
        lambda: client.count(HERNDON),
        lambda: client.ids(HERNDON),
        lambda: client.autocomplete("Austin"),
        client.key_info,
    ):
        with pytest.raises(VendorFailure) as caught:
            ask()
        assert type(caught.value) is kind
        assert not getattr(caught.value, "charged", False)


def test_the_documented_404_of_a_free_call_says_that_nothing_was_found(wire: responses.RequestsMock) -> None:
    wire.post(COMPLETE, status=404, json={"statusCode": 404, "error": "Not Found", "message": "", "validation": {}})
    with pytest.raises(Rejected) as caught:
        client.autocomplete("Nowhere")
    assert (caught.value.category, caught.value.status, caught.value.charged) == (Category.NOT_FOUND, 404, False)
    assert caught.value.reason == "RealEstateAPI finds nothing (404)."


def test_a_free_call_without_an_answer_has_failed_and_is_not_in_doubt(wire: responses.RequestsMock) -> None:
    wire.post(SEARCH, body=requests.ConnectionError("reset"))
    with pytest.raises(VendorFailure) as caught:
        client.count(HERNDON)
    assert (type(caught.value), caught.value.category) == (VendorFailure, Category.NETWORK_ERROR)


# --- The question ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["253175355", " 253175355 ", 253175355, "0253175355"])
def test_a_property_id_is_one_however_written(value: Any) -> None:
    query = detail_query(value)
    assert (query.key, query.params, query.weight) == ("253175355", {"id": "253175355"}, 1)


@pytest.mark.parametrize("value", ["", "12a", "-1", "0", "1.5", "１２", True, None, "9" * 20, str(2**63)])
def test_what_is_no_property_id_is_said_so(value: Any) -> None:
    with pytest.raises(ValueError, match="is a whole number, such as 253175355"):
        detail_query(value)


def test_a_page_question_weighs_its_size_and_is_the_same_in_any_order_of_filters() -> None:
    query = search_query(HERNDON, size=10)
    assert query.weight == 10
    assert query.key == search_query(dict(reversed(HERNDON.items())), size=10).key
    assert (
        len({query.key, search_query(HERNDON, size=11).key, search_query(HERNDON, size=10, result_index=10).key}) == 3
    )


@pytest.mark.parametrize(
    ("criteria", "said"),
    [
        ({}, "at least one filter"),
        ({"count": True, "size": 5}, "at least one filter"),
        ({"sort": {"year_built": "asc"}}, "at least one filter"),
        ({"city": "Herndon"}, "by city also needs a state or zip"),
        ({"and": [{"county": "Fairfax"}]}, "by county also needs a state or zip"),
        ({"state": "VA", "x": {1, 2}}, "plain JSON"),
        ({"state": "VA", "x": float("nan")}, "plain JSON"),
        ({"state": "V" * 300_000}, "shorter than 256 KB"),
        ([1], "are an object of filters"),
    ],
)
def test_criteria_the_vendor_would_refuse_are_not_sent(criteria: Any, said: str) -> None:
    with responses.RequestsMock() as wire, pytest.raises(ValueError, match=said):
        client.count(criteria)
    assert len(wire.calls) == 0


def test_every_request_sample_of_the_vendor_is_accepted() -> None:
    if not SAMPLES.exists():
        pytest.skip("the vendor's samples are not beside this tree")
    for path in sorted(SAMPLES.glob("reapi_propertysearch_req_*.json")):
        asked = json.loads(path.read_text(encoding="utf-8"))
        if set(asked) != {"sort"}:
            assert search_query(asked).params["criteria"].items() <= asked.items()


@pytest.mark.parametrize(("size", "index"), [(0, 0), (251, 0), (1, -1)])
def test_a_page_has_1_to_250_rows(size: int, index: int) -> None:
    with pytest.raises(ValueError, match="page"):
        search_query(HERNDON, size=size, result_index=index)


# --- Whatever comes -------------------------------------------------------------------------------------------------

_NAMES = (
    "data",
    "id",
    "propertyId",
    "resultCount",
    "recordCount",
    "statusCode",
    "address",
    "title",
    "scopes",
    "rateLimits",
)


@pytest.mark.long
@a_few
@given(json_values | nested(*_NAMES) | st.fixed_dictionaries({"data": st.lists(nested(*_NAMES), max_size=4)}))
def test_any_answer_gives_a_result_or_a_vendor_failure(body: Any) -> None:
    def free_calls() -> Iterator[Any]:
        yield lambda: client.count(HERNDON)
        yield lambda: client.ids(HERNDON)
        yield lambda: client.autocomplete("abc")
        yield client.key_info

    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        wire.post(SEARCH, body=json.dumps(body))
        wire.post(COMPLETE, body=json.dumps(body))
        wire.get(f"{BASE}/v2/key/info", body=json.dumps(body))
        for call in free_calls():
            try:
                call()
            except VendorFailure as failure:
                assert not getattr(failure, "charged", False)
        try:
            facts, reply = page()
        except VendorFailure:
            return
    assert set(facts) == {"rows", "total", "next_index"}
    assert all(tuple(row) == ROW_KEYS for row in facts["rows"])
    assert 0 <= reply.units <= PAGE_MAX
    assert isinstance(next(iter(reply.answers.values())), Answer)
