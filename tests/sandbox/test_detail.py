"""PropertyDetail and PropertyDetailBulk of the sandbox, its keys and its refusals."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.helpers import PARCELS, Client, differences, running, sample


@pytest.fixture(scope="module", params=["capture"])
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    file = tmp_path_factory.mktemp("parcels") / "parcels.csv"
    file.write_text(PARCELS)
    with running(parcels=(file,)) as (sandbox, session):
        yield Client(sandbox, "realestateapi", session)


@pytest.fixture(scope="module")
def modern(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    file = tmp_path_factory.mktemp("parcels") / "parcels.csv"
    file.write_text(PARCELS)
    with running(parcels=(file,), envelope="2026") as (sandbox, session):
        yield Client(sandbox, "realestateapi", session)


def ids_of(client: Client, **body: Any) -> list[int]:
    ids: list[int] = client.post("/v2/PropertySearch", {"ids_only": True, **body}).json()["data"]
    return ids


def test_a_detail_has_every_key_of_the_vendors_sample(estate: Client) -> None:
    wanted = sample("reapi_propertydetail_data_composed")
    optional = frozenset({".ownerInfo.owner1FirstName", *(f".auctionInfo.{key}" for key in wanted["auctionInfo"])})
    for one in ids_of(estate, state="WA") + ids_of(estate, state="CA"):
        detail = estate.post("/v2/PropertyDetail", {"id": str(one)}).json()["data"]
        assert differences(wanted, detail, optional) == []
        assert (detail["id"], type(detail["lastSalePrice"]), detail["equity"]) == (one, str, None)


def test_every_generated_detail_has_every_key_of_the_vendors_sample() -> None:
    wanted = sample("reapi_propertydetail_data_composed")
    optional = frozenset({".ownerInfo.owner1FirstName", *(f".auctionInfo.{key}" for key in wanted["auctionInfo"])})
    with running(generate=3000) as (sandbox, session):
        client = Client(sandbox, "realestateapi", session)
        details = client.post("/v2/PropertyDetailBulk", {"ids": ids_of(client, auction=True)}).json()["data"]
        details += client.post("/v2/PropertyDetailBulk", {"ids": ids_of(client, state="TX")}).json()["data"]
        assert len(details) > 100
        for detail in details:
            assert differences(wanted, detail, optional if not detail["auction"] else frozenset(optional)) == []


def test_a_details_envelope_is_the_captured_one(estate: Client) -> None:
    answer = estate.post("/v2/PropertyDetail", {"id": ids_of(estate, state="WA")[0]})
    wanted = sample("reapi_propertydetail_resp_200_envelope")
    assert differences({**wanted, "data": {}}, answer.json()) == []
    assert (answer.json()["statusCode"], answer.json()["statusMessage"]) == (200, "Success")


@pytest.mark.parametrize(
    "body",
    [
        {"address": "10 Alder St, Seattle, WA 98103"},
        {"address": "10 ALDER ST, SEATTLE WA"},
        {"house": "10", "street": "Alder St", "city": "Seattle", "state": "WA", "zip": "98103"},
        {"apn": "1000000001", "fips": "53033"},
        {"apn": "1000000001", "county": "King County", "state": "WA"},
    ],
)
def test_a_property_can_be_named_in_each_way(estate: Client, body: dict[str, str]) -> None:
    detail = estate.post("/v2/PropertyDetail", body).json()["data"]
    assert (detail["lotInfo"]["apn"], detail["propertyInfo"]["bathrooms"]) == ("1000000001", 2.25)
    address = detail["propertyInfo"]["address"]
    assert (address["house"], address["street"], address["streetType"]) == ("10", "ALDER", "ST")
    assert (address["county"], address["fips"], address["label"]) == ("King", "53033", "10 ALDER ST, SEATTLE, Wa 98103")


def test_a_parcel_without_a_street_has_none_but_its_owner_has_an_address(estate: Client) -> None:
    (one,) = ids_of(estate, zip="98030")
    detail = estate.post("/v2/PropertyDetail", {"id": one}).json()["data"]
    address = detail["propertyInfo"]["address"]
    assert [address[key] for key in ("address", "house", "street", "label")] == [None] * 4
    assert (address["city"], address["zip"]) == ("KENT", "98030")
    assert detail["ownerInfo"]["mailAddress"]["address"]


def test_a_parcel_without_an_apn_has_null(estate: Client) -> None:
    detail = estate.post("/v2/PropertyDetail", {"address": "51 Omaha Ct, Sacramento, CA 95823"}).json()["data"]
    assert (detail["lotInfo"]["apn"], detail["propertyInfo"]["address"]["fips"]) == (None, "06067")


@pytest.mark.parametrize(
    "body",
    [{"id": 5}, {"address": "1 Nowhere St, Seattle, WA 98103"}, {"apn": "77", "fips": "53033"}, {"address": "x"}],
)
def test_no_match_is_404_with_empty_data(estate: Client, body: dict[str, Any]) -> None:
    answer = estate.post("/v2/PropertyDetail", body)
    assert answer.status_code == 404
    assert differences(sample("reapi_propertydetail_err_404_not_found_address"), answer.json()) == []
    assert (answer.json()["data"], answer.json()["statusMessage"]) == ({}, "Not Found")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({}, "empty"),
        ({"house": "1", "street": "A St", "city": "B", "state": "WA"}, "zip_missing"),
        ({"house": "1", "street": "A St", "city": "B", "zip": "98103"}, "state_missing"),
        ({"house": "1", "street": "A St", "city": "B", "state": "Wash", "zip": "98103"}, "state_abbrev"),
        ({"house": "1", "street": "A St", "city": "B", "state": "WA", "zip": "9810"}, "invalid_zip"),
    ],
)
def test_a_bad_detail_request_is_refused_exactly_as_the_vendor_does(
    estate: Client, body: dict[str, Any], name: str
) -> None:
    wanted = sample(f"reapi_propertydetail_err_400_{name}")
    answer = estate.post("/v2/PropertyDetail", body)
    assert answer.status_code == 400
    assert answer.json() == wanted.get("_response", wanted)


def test_bulk_answers_known_ids_once_and_in_another_order(estate: Client) -> None:
    ids = ids_of(estate, state="WA")
    answer = estate.post("/v2/PropertyDetailBulk", {"ids": [*ids, 5, ids[0], str(ids[1])]}).json()
    order = [detail["id"] for detail in answer["data"]]
    assert sorted(order) == sorted(ids)
    assert order != ids
    assert (answer["credits"], answer["input"]["ids"][6]) == (6, 5)


def test_bulk_and_single_tell_the_same(estate: Client) -> None:
    ids = ids_of(estate, state="WA")
    for detail in estate.post("/v2/PropertyDetailBulk", {"ids": ids}).json()["data"]:
        assert estate.post("/v2/PropertyDetail", {"id": detail["id"]}).json()["data"] == detail


def test_a_prior_owner_comes_when_asked_for(estate: Client) -> None:
    one = ids_of(estate, state="WA")[0]
    detail = estate.post("/v2/PropertyDetailBulk", {"ids": [one], "prior_owner": True}).json()["data"][0]
    assert detail["priorOwner"]["ownerInfo"]["owner1LastName"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, '"ids" is required'),
        ({"ids": []}, '"ids" must contain at least 1 items'),
        ({"ids": list(range(1001))}, '"ids" must contain less than or equal to 1000 items'),
        ({"ids": [1, "abc"]}, '"ids[1]" must be a number'),
        ({"ids": [True]}, '"ids[0]" must be a number'),
        ({"ids": "1"}, '"ids" must be an array'),
        ({"ids": [1], "foo": 1}, '"foo" is not allowed'),
    ],
)
def test_a_bad_bulk_request_is_refused(estate: Client, body: dict[str, Any], message: str) -> None:
    answer = estate.post("/v2/PropertyDetailBulk", body)
    assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_a_body_that_is_not_json_is_refused(estate: Client) -> None:
    answer = estate.session.post(estate.url + "/v2/PropertyDetail", data="{", headers=estate.key, timeout=60)
    assert (answer.status_code, answer.json()["error"]) == (400, "Bad Request")


@pytest.mark.parametrize("headers", [{"x-api-key": "wrong"}, {}])
def test_a_wrong_or_missing_key_is_401(estate: Client, headers: dict[str, str]) -> None:
    answer = estate.post("/v2/PropertyDetail", {"id": 1}, headers=headers)
    assert answer.status_code == 401
    assert answer.json() == sample("reapi_propertydetail_openapi_err_401")


def test_a_test_key_opens_only_detail_and_skip_trace(estate: Client) -> None:
    headers = {"x-api-key": "sandbox-realestateapi-key-test"}
    one = ids_of(estate, state="WA")[0]
    person = {"last_name": "Stone", "zip": "98103"}
    assert estate.post("/v2/PropertyDetail", {"id": one}, headers=headers).status_code == 200
    assert estate.post("/v2/SkipTrace", person, headers=headers).status_code in (200, 404)
    for path, body in (("PropertySearch", {"state": "WA"}), ("PropertyDetailBulk", {"ids": [one]})):
        assert estate.post(f"/v2/{path}", body, headers=headers).json()["statusCode"] == 403
    assert estate.post("/v2/SkipTraceBatchAwait", {"skips": [person]}, headers=headers).status_code == 403
    info = estate.get("/v2/key/info", headers=headers).json()["data"]
    assert (info["keyType"], info["scopes"]) == ("test", ["PropertyDetail", "SkipTrace"])


def test_key_info_has_the_keys_of_the_sample(estate: Client) -> None:
    answer = estate.get("/v2/key/info")
    assert differences(sample("reapi_key_info_resp_200"), answer.json()) == []
    assert answer.json()["data"]["keyType"] == "live"


def test_an_unknown_path_is_404_without_data(estate: Client) -> None:
    answer = estate.post("/v2/PropertyWish", {})
    assert answer.status_code == 404
    assert answer.json() == sample("reapi_propertydetail_openapi_err_404")


def test_the_2026_bulk_has_the_keys_of_its_sample(modern: Client) -> None:
    answer = modern.post("/v2/PropertyDetailBulk", {"ids": ids_of(modern, state="WA"), "prior_owner": True}).json()
    wanted = sample("reapi_propertydetailbulk_resp_200_2026docs")
    names = {f".data[].{where}ownerInfo.owner1FirstName" for where in ("", "priorOwner.")}
    assert differences(wanted, answer, frozenset(names)) == []
    assert (answer["resultCount"], answer["statusMessage"], "input" in answer) == (6, "OK", False)


@pytest.mark.parametrize(
    ("headers", "body", "name"),
    [({"x-api-key": "wrong"}, {"id": 1}, "reapi_err_401_2026docs"), (None, {"id": 5}, "reapi_envelope_404_2026docs")],
)
def test_the_2026_refusals_are_those_of_its_pages(
    modern: Client, headers: dict[str, str] | None, body: dict[str, Any], name: str
) -> None:
    assert modern.post("/v2/PropertyDetail", body, headers=headers).json() == sample(name)
