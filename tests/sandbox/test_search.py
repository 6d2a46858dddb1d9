"""PropertySearch, PropertyMapping and AutoComplete of the sandbox."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox
from tests.sandbox.helpers import PARCELS, Client, differences, ledger, running, sample

WA: dict[str, Any] = {"state": "WA"}


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    file = tmp_path_factory.mktemp("parcels") / "parcels.csv"
    file.write_text(PARCELS)
    with running(parcels=(file,)) as (sandbox, session):
        client = Client(sandbox, "realestateapi", session)
        client.sandbox = sandbox  # type: ignore[attr-defined]
        yield client


@pytest.fixture(scope="module")
def generated() -> Iterator[Client]:
    with running(generate=20_000) as (sandbox, session):
        yield Client(sandbox, "realestateapi", session)


def search(client: Client, **body: Any) -> Any:
    answer = client.post("/v2/PropertySearch", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def apns(client: Client, **body: Any) -> list[str]:
    """The last digits of the APNs found, a dash for a parcel without one."""
    ids = search(client, ids_only=True, **body)["data"]
    details = client.post("/v2/PropertyDetailBulk", {"ids": ids}).json()["data"] if ids else []
    return sorted((detail["lotInfo"]["apn"] or "-")[-1] for detail in details)


def test_a_count_returns_the_number_and_no_rows(estate: Client) -> None:
    answer = search(estate, count=True, county="King", **WA)
    assert answer == {
        "live": True,
        "input": {"count": True, "county": "King", "state": "WA"},
        "data": [],
        "resultCount": 6,
        "resultIndex": 0,
        "recordCount": 0,
        "statusCode": 200,
        "statusMessage": "success",
        "requestExecutionTimeMS": "40ms",
    }


def test_ids_only_returns_bare_numbers_and_ignores_size_and_result_index(estate: Client) -> None:
    answer = search(estate, ids_only=True, size=2, resultIndex=3, **WA)
    assert len(answer["data"]) == answer["resultCount"] == 6
    assert all(type(one) is int and 100_000_000 <= one < 2**31 for one in answer["data"])
    assert len(set(answer["data"])) == 6


def test_rows_come_in_pages_and_result_index_is_the_offset_after_the_last_row(estate: Client) -> None:
    seen, index = [], 0
    for records, after in ((4, 4), (2, 6), (0, 6)):
        page = search(estate, size=4, resultIndex=index, **WA)
        assert (page["recordCount"], page["resultIndex"], page["resultCount"]) == (records, after, 6)
        seen += [row["id"] for row in page["data"]]
        index += page["recordCount"]
    assert sorted(seen) == sorted(str(one) for one in search(estate, ids_only=True, **WA)["data"])


def test_a_row_has_the_keys_and_types_of_the_vendors_sample(estate: Client) -> None:
    wanted = sample("reapi_propertysearch_row_object")
    sometimes = {"owner1FirstName", "owner2FirstName", "owner2LastName", "lenderName", "yearBuilt", "yearsOwned"}
    never = {"roomsCount", *(key for key in wanted if key.startswith("mls"))}
    optional = frozenset(f".{key}" for key in sometimes | never)
    for row in search(estate, **WA)["data"]:
        assert differences(wanted, row, optional) == []
        assert (type(row["id"]), type(row["lastSaleAmount"]), type(row["equity"])) == (str, str, bool)


def test_an_envelope_of_rows_has_the_keys_and_types_of_the_vendors_sample(estate: Client) -> None:
    wanted = sample("reapi_propertysearch_resp_200_list")
    assert differences({**wanted, "data": [], "input": {}}, search(estate, **WA)) == []


def test_facts_of_the_file_are_passed_through_and_unknown_ones_are_missing_keys(estate: Client) -> None:
    (row,) = search(estate, house="10", street="alder", **WA)["data"]
    assert (row["bedrooms"], row["bathrooms"], row["squareFeet"], row["yearBuilt"]) == (3, 2.25, 1800, 1950)
    assert row["address"]["address"] == "10 ALDER ST, SEATTLE, Wa 98103"
    (land,) = search(estate, house="7", zip="98117")["data"]
    assert (land["bedrooms"], land["squareFeet"], "yearBuilt" in land) == (0, 0, False)
    (streetless,) = search(estate, zip="98030")["data"]
    assert (streetless["address"]["address"], streetless["address"]["street"]) == (None, None)
    assert streetless["mailAddress"]["street"]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"county": "king county", "state": "WA"}, "123456"),
        ({"county": "KING", "zip": "98103"}, "123"),
        ({"city": "Seattle", "state": "WA"}, "12345"),
        ({"zip": ["98117", "98030"]}, "456"),
        ({"fips": "53033"}, "123456"),
        ({"stateId": "53", "countyId": "033"}, "123456"),
        ({"stateId": "06"}, "--"),
        ({"address": "12 Alder St, Seattle, WA 98103"}, "2"),
        ({"apn": "100-000-0005", "state": "WA"}, "5"),
        ({"beds_min": 3, "beds_max": 4, "state": "WA"}, "136"),
        ({"baths_min": 2.25, "state": "WA"}, "135"),
        ({"building_size_max": 1500, "state": "WA"}, "246"),
        ({"lot_size_min": "7000", "state": "WA"}, "456"),
        ({"year_built_min": 1980, "state": "WA"}, "356"),
        ({"last_sale_price_min": 400000, "last_sale_price_max": 800000, "state": "WA"}, "13"),
        ({"last_sale_date_max": "2014-12-31", "state": "WA"}, "16"),
        ({"property_type": "MFR"}, "5"),
        ({"property_type": "LAND", "state": "WA"}, "4"),
        ({"latitude": 47.67, "longitude": -122.34, "radius": 0.1}, "12"),
        ({"latitude": "47.67", "longitude": "-122.34", "radius": 5}, "12345"),
        ({"or": [{"zip": "98030"}, {"beds_min": 6}]}, "56"),
        ({"and": [{"zip": "98103"}, {"or": [{"beds_max": 2}, {"beds_min": 4}]}]}, "23"),
        ({"zip": ["98103", "98117"], "exclude": [{"zip": "98117"}, {"beds_min": 4}]}, "12"),
        ({"state": "WA", "exists": {"street": True}}, "12345"),
        ({"state": "WA", "exists": [{"year_built": False}]}, "4"),
        ({"state": "WA", "pool": True}, ""),
        ({"state": "WA", "pool": False}, "123456"),
        ({"state": "WA", "units_min": 1}, ""),
        ({"state": "WA", "beds_min": 6, "search_range": "1_YEAR", "notice_type": "NOD"}, "5"),
        ({"state": "AK"}, ""),
    ],
)
def test_a_filter_finds_the_parcels_it_names(estate: Client, body: dict[str, Any], found: str) -> None:
    assert "".join(apns(estate, **body)) == found


def test_a_polygon_finds_what_lies_inside(estate: Client) -> None:
    corners = [{"lat": 47.66, "lon": "-122.35"}, {"lat": 47.66, "lon": -122.33}, {"lat": 47.68, "lon": -122.33}]
    corners += [{"lat": 47.68, "lon": -122.35}]
    assert apns(estate, polygon=corners) == ["1", "2", "3"]
    assert apns(estate, multi_polygon=[{"boundaries": corners}]) == ["1", "2", "3"]


def test_ids_restrict_a_search_and_unknown_ones_find_nothing(estate: Client) -> None:
    first, second, *_ = search(estate, ids_only=True, **WA)["data"]
    assert [row["id"] for row in search(estate, ids=[second, first, 5])["data"]] == [str(second), str(first)]
    assert search(estate, id=str(first), count=True)["resultCount"] == 1
    assert search(estate, ids=[first], state="CA")["data"] == []


FLAGS = {
    "absentee_owner": "absenteeOwner",
    "out_of_state_owner": "outOfStateAbsenteeOwner",
    "in_state_owner": "inStateAbsenteeOwner",
    "corporate_owned": "corporateOwned",
    "vacant": "vacant",
    "pre_foreclosure": "preForeclosure",
    "foreclosure": "foreclosure",
    "auction": "auction",
    "high_equity": "highEquity",
    "free_clear": "freeClear",
    "death": "death",
    "inherited": "inherited",
    "cash_buyer": "cashBuyer",
    "investor_buyer": "investorBuyer",
    "negative_equity": "negativeEquity",
}


@pytest.mark.parametrize(("flag", "key"), FLAGS.items())
def test_a_flag_and_its_opposite_divide_the_parcels(generated: Client, flag: str, key: str) -> None:
    everything = search(generated, count=True, state="CA")["resultCount"]
    with_it, without = (search(generated, state="CA", size=20, **{flag: wanted}) for wanted in (True, False))
    assert with_it["resultCount"] + without["resultCount"] == everything
    assert 0 < with_it["resultCount"] < everything
    assert {row[key] for row in with_it["data"]} == {True}
    assert {row[key] for row in without["data"]} == {False}


@pytest.mark.parametrize("flag", ["tax_lien", "judgment"])
def test_a_flag_rows_do_not_carry_is_on_the_detail(generated: Client, flag: str) -> None:
    ids = search(generated, state="CA", ids_only=True, **{flag: True})["data"]
    key = {"tax_lien": "taxLien", "judgment": "judgment"}[flag]
    details = generated.post("/v2/PropertyDetailBulk", {"ids": ids}).json()["data"]
    assert len(ids) > 5
    assert {detail[key] for detail in details} == {True}
    assert "taxLien" not in search(generated, state="CA", size=1)["data"][0]


def test_each_owner_is_a_person_a_trust_or_a_company(generated: Client) -> None:
    kinds = [
        search(generated, count=True, state="CA", **{f"{kind}_owned": True})["resultCount"]
        for kind in ("individual", "trust", "corporate")
    ]
    assert sum(kinds) == search(generated, count=True, state="CA")["resultCount"]
    assert kinds[0] > kinds[1] > 0 < kinds[2]


@pytest.mark.parametrize(
    ("operator", "holds"),
    [("gt", lambda p: p > 50), ("gte", lambda p: p >= 50), ("lt", lambda p: p < 50), ("lte", lambda p: p <= 50)],
)
def test_equity_percent_is_compared_as_its_operator_says(generated: Client, operator: str, holds: Any) -> None:
    rows = search(generated, state="NV", size=250, equity_percent=50, equity_percent_operator=operator)["data"]
    assert rows
    assert all(holds(row["equityPercent"]) for row in rows)


def test_value_and_equity_ranges_hold_for_every_row(generated: Client) -> None:
    rows = search(generated, state="CA", value_min=300000, value_max=500000, estimated_equity_min=100000, size=250)[
        "data"
    ]
    assert rows
    assert all(300000 <= row["estimatedValue"] <= 500000 and row["estimatedEquity"] >= 100000 for row in rows)


def test_rows_are_sorted_by_the_keys_asked_for(generated: Client) -> None:
    rows = search(generated, state="NV", size=250, sort={"year_built": "asc", "estimated_value": "desc"})["data"]
    order = [(row.get("yearBuilt", 9999), -row["estimatedValue"]) for row in rows]
    assert order == sorted(order)


def test_an_obfuscated_row_names_nobody_and_no_place(estate: Client) -> None:
    row = search(estate, obfuscate=True, size=1, **WA)["data"][0]
    assert not {"address", "mailAddress", "owner1FirstName", "owner1LastName", "owner2FirstName"} & set(row)
    assert row["id"]


@pytest.mark.parametrize(
    ("body", "message", "keys"),
    [
        ({"foo": 1}, '"foo" is not allowed', ["foo"]),
        ({"state": "WA", "or": [{"foo": 1}]}, '"or[0].foo" is not allowed', ["or[0].foo"]),
        ({"state": "WA", "size": 251}, '"size" must be less than or equal to 250', ["size"]),
        ({"county": "King"}, '"county" missing required peer "state"', [""]),
        ({"city": "Seattle"}, '"city" missing required peer "state"', [""]),
        ({"street": "Alder St"}, '"street" missing required peer "state"', [""]),
        ({"state": "Washington"}, '"state" length must be 2 characters long', ["state"]),
        ({"zip": ["98103", "981"]}, '"zip" length must be 5 characters long', ["zip"]),
        ({"zip": 98103}, '"zip" must be a string', ["zip"]),
        ({"state": "WA", "beds_min": "many"}, '"beds_min" must be a number', ["beds_min"]),
        ({"state": "WA", "vacant": "maybe"}, '"vacant" must be a boolean', ["vacant"]),
        ({"latitude": 47, "longitude": -122, "radius": 11}, '"radius" must be less than or equal to 10', ["radius"]),
        ({"radius": 1}, '"radius" missing required peer "latitude"', [""]),
        (
            {"state": "WA", "property_type": "HUT"},
            '"property_type" must be one of [SFR, MFR, LAND, CONDO, MOBILE, OTHER]',
            ["property_type"],
        ),
        ({"state": "WA", "sort": {"id": "asc"}}, '"sort.id" is not allowed', ["sort.id"]),
        ([], '"value" must be of type object', [""]),
    ],
)
def test_a_bad_search_is_refused_in_jois_words(estate: Client, body: Any, message: str, keys: list[str]) -> None:
    answer = estate.post("/v2/PropertySearch", body)
    assert answer.status_code == 400
    assert answer.json() == {
        "statusCode": 400,
        "error": "Bad Request",
        "message": message,
        "validation": {"source": "payload", "keys": keys},
    }


def test_pins_have_numbers_for_ids_and_the_keys_of_the_sample(estate: Client) -> None:
    answer = estate.post("/v2/PropertyMapping", {"size": 5, **WA}).json()
    assert differences(sample("reapi_pins_resp_200"), answer) == []
    assert (answer["resultCount"], answer["resultIndex"], answer["credits"]) == (6, 5, 5)
    assert all(type(pin["id"]) is int for pin in answer["data"])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"ids_only": True}, '"ids_only" parameter is not supported on this endpoint.'),
        ({"count": True}, '"count" parameter is not supported on this endpoint.'),
        ({"size": 10001}, '"size" parameter must be less than or equal to 10000.'),
    ],
)
def test_pins_refuse_what_the_page_says(estate: Client, body: dict[str, Any], message: str) -> None:
    assert estate.post("/v2/PropertyMapping", {**body, **WA}).json()["message"] == message


@pytest.mark.parametrize(
    ("text", "kinds", "title", "kind"),
    [
        ("Washin", ["T"], "Washington, USA", "T"),
        ("King Co", [], "King, WA", "N"),
        ("seatt", ["C"], "SEATTLE, WA", "C"),
        ("9810", [], "98103, WA", "Z"),
        ("3526 high", ["A"], "3526 HIGH ST, SACRAMENTO, CA, 95838", "A"),
        ("1000000006", ["P"], "1000000006", "P"),
    ],
)
def test_autocomplete_suggests(estate: Client, text: str, kinds: list[str], title: str, kind: str) -> None:
    answer = estate.post("/v2/AutoComplete", {"search": text, "search_types": kinds}).json()
    assert [(one["title"], one["searchType"]) for one in answer["data"]] == [(title, kind)]
    assert (answer["totalResults"], answer["returnedResults"], answer["credits"]) == (1, 1, 0)


def test_an_address_suggestion_has_the_keys_of_the_sample_and_can_be_searched_with(estate: Client) -> None:
    answer = estate.post("/v2/AutoComplete", {"search": "10 ald"}).json()
    assert differences(sample("reapi_autocomplete_resp_200_address"), answer) == []
    found = search(estate, id=answer["data"][0]["id"], searchType="A")
    assert found["resultCount"] == 1


def test_autocomplete_without_a_result_is_404_with_an_empty_list(estate: Client) -> None:
    answer = estate.post("/v2/AutoComplete", {"search": "nowhere"})
    assert (answer.status_code, answer.json()["data"], answer.json()["statusCode"]) == (404, [], 404)
    assert estate.post("/v2/AutoComplete", {"search": "ab"}).status_code == 400


def test_counts_ids_and_suggestions_are_free_and_rows_are_not(tmp_path: Path) -> None:
    file = tmp_path / "parcels.csv"
    file.write_text(PARCELS)
    with running(parcels=(file,)) as (sandbox, session):
        client = Client(sandbox, "realestateapi", session)
        search(client, count=True, **WA)
        search(client, ids_only=True, **WA)
        client.post("/v2/AutoComplete", {"search": "seattle"})
        assert _units(sandbox, session) == "0"
        search(client, size=3, **WA)
        assert _units(sandbox, session) == "3"


def _units(sandbox: Sandbox, session: Any) -> str:
    operations = ledger(sandbox, session)["operations"]
    assert operations["autocomplete"]["units"] == "0"
    units: str = operations["property_search"]["units"]
    return units


def test_the_pages_of_2026_frame_a_search_their_own_way(tmp_path: Path) -> None:
    file = tmp_path / "parcels.csv"
    file.write_text(PARCELS)
    with running(parcels=(file,), envelope="2026") as (sandbox, session):
        client = Client(sandbox, "realestateapi", session)
        page = search(client, size=4, resultIndex=4, **WA)
        assert set(page) == {"statusCode", "statusMessage", "resultCount", "resultIndex", "data"}
        assert (page["statusMessage"], page["resultIndex"], len(page["data"])) == ("OK", 4, 2)
        bad = client.post("/v2/PropertySearch", {"foo": 1}).json()
        assert bad == {"statusCode": 400, "statusMessage": "Bad Request", "error": '"foo" is not allowed'}


def test_an_update_is_told_to_the_sandbox_and_found_by_its_day(generated: Client) -> None:
    ids = search(generated, ids_only=True, state="WA")["data"][:3]
    endpoint = generated.url.replace("/realestateapi", "/sandbox/updates")
    told = generated.session.post(endpoint, json={"ids": ids[:2], "date": "2026-11-20"}, timeout=60)
    assert told.json() == {"updated": 2}
    assert search(generated, ids_only=True, ids=ids, last_update_date_min="2026-11-20")["data"] == ids[:2]
    assert search(generated, ids_only=True, ids=ids, last_update_date_min="2026-11-21")["data"] == []
    assert search(generated, ids_only=True, ids=ids, last_update_date_max="2026-01-10")["data"] == ids[2:]
    wrong: list[Any] = [{"ids": ids}, {"ids": 5, "date": "2026-11-20"}, {"ids": ids, "date": "soon"}, []]
    for order in wrong:
        assert generated.session.post(endpoint, json=order, timeout=60).status_code == 400
