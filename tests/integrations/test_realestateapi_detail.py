"""PropertyDetail and PropertyDetailBulk: records made facts, and the money they cost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests
import responses
from hypothesis import given
from hypothesis import strategies as st
from responses.matchers import header_matcher, json_params_matcher

from integrations.vendors.contract import Answer, Reply
from integrations.vendors.errors import (
    Category,
    Evidence,
    InDoubt,
    Misconfigured,
    Rejected,
    ScopeRefused,
    UnprovenMiss,
    VendorFailure,
)
from integrations.vendors.facts import DETAIL_KEYS
from integrations.vendors.realestateapi import client, parse
from integrations.vendors.realestateapi.adapters import PropertyDetail
from integrations.vendors.realestateapi.queries import detail_query
from integrations.vendors.skip_trace import skip_trace_query
from tests.integrations.samples import a_few, assert_keeps_no_trait, json_values, nested, sample, sample_text

BASE = "http://realestateapi.test"
SINGLE, BULK = f"{BASE}/v2/PropertyDetail", f"{BASE}/v2/PropertyDetailBulk"
NO_MATCH = Answer(category=Category.NOT_FOUND)


@pytest.fixture(autouse=True)
def vendor(settings: Any) -> None:
    settings.VENDORS = {"realestateapi": {"base_url": BASE + "/", "key": "sesame"}}


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as simulated:
        yield simulated


def buy(*numbers: str) -> Reply:
    return PropertyDetail(client.config()).call([detail_query(number) for number in numbers], call_id="c1")


def facts(**known: Any) -> dict[str, Any]:
    return {**dict.fromkeys(DETAIL_KEYS), **known}


def test_the_composed_record_of_the_vendors_page_parses_exactly() -> None:
    assert parse.detail(sample("reapi_propertydetail_data_composed.json")) == {
        "apn": "011279232",
        "fips": "35049",
        "property_address": "1433 Canyon Rd",
        "property_city": "Santa Fe",
        "property_state": "NM",
        "property_zip": "87501",
        "property_county": "Santa Fe",
        "property_type": "SFR",
        "bedrooms": 3,
        "bathrooms": "2",
        "sqft": 3385,
        "year_built": 1950,
        "estimated_value": 697581,
        "estimated_equity": 697581,
        "equity_percent": "100",
        "last_sale_date": "2012-10-12",
        "last_sale_price": 200000,
        "latitude": "35.68142",
        "longitude": "-105.906501",
        "first_name": "First2",
        "last_name": "Last3",
        "owner_name": "Redacted Person 8",
        "owner_type": "individual",
        "owner_occupied": True,
        "absentee_owner": False,
        "pre_foreclosure": False,
        "foreclosure": True,
        "tax_lien": False,
        "bankruptcy": None,
        "vacant": False,
        "high_equity": True,
        "free_clear": True,
        "mailing_address": "1433 Canyon Rd",
        "mailing_city": "Santa Fe",
        "mailing_state": "NM",
        "mailing_zip": "87501",
    }


def test_the_captured_envelope_parses_and_its_0_credits_are_no_charge(
    wire: responses.RequestsMock,
) -> None:
    wire.post(
        SINGLE,
        body=sample_text("reapi_propertydetail_resp_200_envelope.json"),
        content_type="text/plain",
        match=[json_params_matcher({"id": "190787647"}), header_matcher({"x-api-key": "sesame"})],
    )
    reply = buy("190787647")
    assert (reply.units, reply.claimed, reply.status) == (Decimal(1), Decimal(0), 200)
    assert reply.answers["190787647"] == Answer(
        facts=facts(
            property_type="SFR",
            estimated_value=349267,
            estimated_equity=349267,
            equity_percent="100",
            last_sale_date="2021-12-16",
            last_sale_price=350000,
            owner_occupied=True,
            absentee_owner=False,
            pre_foreclosure=False,
            foreclosure=False,
            tax_lien=False,
            vacant=False,
            high_equity=True,
        )
    )


def test_the_bulk_page_of_2026_parses_and_what_is_missing_is_not_found(wire: responses.RequestsMock) -> None:
    wire.post(
        BULK,
        json=sample("reapi_propertydetailbulk_resp_200_2026docs.json"),
        match=[json_params_matcher({"ids": [7, 487291023]})],
    )
    reply = buy("7", "487291023")
    assert (reply.units, reply.claimed) == (Decimal(1), None)
    assert reply.answers["7"] == NO_MATCH
    assert reply.answers["487291023"] == Answer(
        facts=facts(
            apn="0123-4567-890A",
            fips="48453",
            property_address="123 Main St",
            property_city="Austin",
            property_state="TX",
            property_zip="78701",
            property_county="Travis",
            bedrooms=3,
            bathrooms="2",
            sqft=1850,
            year_built=1998,
            first_name="John",
            last_name="Smith",
            owner_name="John Smith",
            owner_type="individual",
            owner_occupied=True,
            absentee_owner=False,
        )
    )


def test_bulk_records_are_told_apart_by_id_in_any_order_and_as_string_or_number(wire: responses.RequestsMock) -> None:
    records = [
        {"id": "3", "apn": "C"},
        {"id": 99, "apn": "X"},
        {"id": 1, "apn": "A"},
        {"propertyId": 2, "apn": "B"},
        {"id": 1, "apn": "again"},
    ]
    wire.post(BULK, json={"data": records, "credits": 2.5})
    reply = buy("1", "2", "3", "4")
    assert {key: answer.facts.get("apn") for key, answer in reply.answers.items()} == {
        "1": "A",
        "2": "B",
        "3": "C",
        "4": None,
    }
    assert reply.answers["4"] == NO_MATCH
    assert (reply.units, reply.claimed) == (Decimal(3), Decimal("2.5"))


def test_an_id_asked_twice_is_bought_once(wire: responses.RequestsMock) -> None:
    wire.post(BULK, json={"data": [{"id": 1}, {"id": 2}]}, match=[json_params_matcher({"ids": [1, 2]})])
    assert buy("1", "2", "01").units == Decimal(2)


NO_CREDITS: tuple[Any, ...] = (-1, 1e9, "free", None, True, [], {})


@pytest.mark.parametrize(
    ("credits", "claimed"),
    [(0, 0), (10, 10), ("7", 7), (0.25, Decimal("0.25")), (9_999_999, 9_999_999)]
    + [(wrong, None) for wrong in NO_CREDITS],
)
@pytest.mark.parametrize("asked", [("1",), ("1", "2", "3")])
def test_the_price_list_counts_the_records_whatever_the_answer_claims(
    wire: responses.RequestsMock, credits: Any, claimed: Any, asked: tuple[str, ...]
) -> None:
    wire.post(SINGLE if len(asked) == 1 else BULK, json={"data": [{"id": 1}], "credits": credits})
    reply = buy(*asked)
    assert (reply.units, reply.claimed) == (Decimal(1), None if claimed is None else Decimal(claimed))


def test_a_miss_that_claims_credits_is_free_by_the_list_and_its_claim_is_told(wire: responses.RequestsMock) -> None:
    wire.post(SINGLE, status=404, json={"data": {}, "credits": 1})
    reply = buy("5")
    assert (reply.units, reply.claimed) == (Decimal(0), Decimal(1))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, "reapi_propertydetail_err_404_not_found_address.json"),
        (200, "reapi_propertydetail_err_404_not_found_address.json"),
        (404, "reapi_envelope_404_2026docs.json"),
        (200, "reapi_envelope_200_empty_2026docs.json"),
    ],
)
def test_a_404_with_data_is_an_answer_and_costs_nothing(wire: responses.RequestsMock, status: int, body: str) -> None:
    wire.post(SINGLE, status=status, json=sample(body))
    assert buy("5") == Reply(answers={"5": NO_MATCH}, units=Decimal(0), status=status)


@pytest.mark.parametrize("data", [{"error": True, "errorMessage": "none"}, None, {}, []])
def test_a_200_that_has_nothing_is_no_match(wire: responses.RequestsMock, data: Any) -> None:
    wire.post(SINGLE, json={"statusCode": 200, "data": data})
    assert buy("5").answers == {"5": NO_MATCH}


def test_an_empty_bulk_answer_is_no_match_for_everybody(wire: responses.RequestsMock) -> None:
    wire.post(BULK, json=sample("reapi_envelope_200_empty_2026docs.json"))
    assert buy("5", "6") == Reply(answers={"5": NO_MATCH, "6": NO_MATCH}, units=Decimal(0))


@pytest.mark.parametrize("data", ["text", 7, True, [1, 2], {"id": 6, "propertyType": "SFR"}])
def test_a_record_that_is_none_or_anothers_is_paid_for_and_kept(wire: responses.RequestsMock, data: Any) -> None:
    body = json.dumps({"data": data}).encode()
    wire.post(SINGLE, body=body)
    with pytest.raises(Rejected) as caught:
        buy("5")
    assert (caught.value.charged, caught.value.category) == (True, Category.INVALID_DATA)
    assert caught.value.evidence is not None
    assert (caught.value.evidence.raw, caught.value.evidence.length) == (body, len(body))


def test_an_unreadable_bulk_record_makes_the_missing_ids_invalid_and_not_unknown(wire: responses.RequestsMock) -> None:
    body = json.dumps({"data": ["garbage", {"id": 1}]}).encode()
    wire.post(BULK, body=body)
    reply = buy("1", "2")
    assert reply.answers["1"].found
    assert reply.answers["2"] == Answer(category=Category.INVALID_DATA)
    assert reply.units == Decimal(2)
    assert reply.evidence == Evidence.of(body, "has 1 records without an id", personal=False)


def test_what_is_unreadable_beside_every_asked_record_is_no_evidence(wire: responses.RequestsMock) -> None:
    wire.post(BULK, json={"data": ["garbage", {"id": 1}, {"id": 2}, {"id": 9}]})
    reply = buy("1", "2")
    assert [answer.found for answer in reply.answers.values()] == [True, True]
    assert (reply.units, reply.evidence) == (Decimal(2), None)


@pytest.mark.parametrize(
    ("records", "units"),
    [
        ([{"id": 7}], 1),
        ([{"propertyId": "7"}, {"id": 7}, None], 1),
        ([{"id": 7}, {"id": 8}], 2),
        ([{"id": 7}, "garbage", {"noId": True}], 3),
        ([{"id": number} for number in range(10, 20)], 3),
    ],
)
def test_a_bulk_answer_about_other_properties_alone_is_paid_for_and_kept(
    wire: responses.RequestsMock, records: list[Any], units: int
) -> None:
    body = json.dumps({"data": records}).encode()
    wire.post(BULK, body=body)
    with pytest.raises(Rejected) as caught:
        buy("1", "2", "3")
    assert (caught.value.charged, caught.value.category, caught.value.units) == (
        True,
        Category.INVALID_DATA,
        Decimal(units),
    )
    assert caught.value.evidence == Evidence.of(body, "is about other properties", personal=False)


def test_another_property_beside_an_asked_one_is_left_out(wire: responses.RequestsMock) -> None:
    wire.post(BULK, json={"data": [{"id": 7}, {"id": 2}]})
    reply = buy("1", "2")
    assert (reply.answers["1"], reply.answers["2"].found) == (NO_MATCH, True)
    assert (set(reply.answers), reply.units, reply.evidence) == ({"1", "2"}, Decimal(1), None)


@pytest.mark.parametrize(
    ("status", "name", "kind", "category", "reason"),
    [
        (
            400,
            "reapi_propertydetail_err_400_empty.json",
            Rejected,
            Category.INVALID_DATA,
            'RealEstateAPI does not accept the request (400): "PropertyDetailRequest" must contain at least one of '
            "[id, address, house, apn].",
        ),
        (
            400,
            "reapi_propertydetail_err_400_invalid_zip.json",
            Rejected,
            Category.INVALID_DATA,
            'RealEstateAPI does not accept the request (400): "zip" length must be 5 characters long.',
        ),
        (
            400,
            "reapi_propertydetail_err_400_state_abbrev.json",
            Rejected,
            Category.INVALID_DATA,
            'RealEstateAPI does not accept the request (400): "state" length must be 2 characters long.',
        ),
        (
            400,
            "reapi_propertydetail_err_400_state_missing.json",
            Rejected,
            Category.INVALID_DATA,
            'RealEstateAPI does not accept the request (400): "house" missing required peer "state".',
        ),
        (
            400,
            "reapi_propertydetail_openapi_err_400.json",
            Rejected,
            Category.INVALID_DATA,
            'RealEstateAPI does not accept the request (400): "value" must be of type object.',
        ),
        (
            400,
            "reapi_envelope_400_2026docs.json",
            Rejected,
            Category.INVALID_DATA,
            "RealEstateAPI does not accept the request (400): Validation error message here.",
        ),
        (
            401,
            "reapi_propertydetail_openapi_err_401.json",
            Misconfigured,
            Category.AUTH_ERROR,
            "RealEstateAPI refused the key (401): x-api-key must be valid.",
        ),
        (
            401,
            "reapi_err_401_2026docs.json",
            Misconfigured,
            Category.AUTH_ERROR,
            "RealEstateAPI refused the key (401): Invalid API key.",
        ),
        (
            401,
            "reapi_envelope_401_2026docs.json",
            Misconfigured,
            Category.AUTH_ERROR,
            "RealEstateAPI refused the key (401): Invalid API key.",
        ),
        (
            404,
            "reapi_propertydetail_openapi_err_404.json",
            UnprovenMiss,
            Category.AUTH_ERROR,
            "RealEstateAPI answered 404 before it has answered anything from this address: check its base URL.",
        ),
        (
            500,
            "reapi_propertydetail_openapi_err_500.json",
            InDoubt,
            Category.IN_DOUBT,
            "RealEstateAPI did not finish its answer (500): Server Error, Please Contact Support (…).",
        ),
    ],
)
@pytest.mark.parametrize("in_body_only", [False, True])
def test_each_error_of_the_vendors_pages_is_one_of_the_four_kinds(
    wire: responses.RequestsMock,
    status: int,
    name: str,
    kind: type[VendorFailure],
    category: Category,
    reason: str,
    in_body_only: bool,
) -> None:
    wire.post(SINGLE, status=200 if in_body_only else status, body=sample_text(name), content_type="text/plain")
    with pytest.raises(VendorFailure) as caught:
        buy("5")
    assert (type(caught.value), caught.value.category, caught.value.status) == (kind, category, status)
    assert caught.value.reason == reason


def test_a_request_split_in_two_is_a_400() -> None:
    body = sample("reapi_propertydetail_err_400_zip_missing.json")["_response"]
    with responses.RequestsMock() as wire, pytest.raises(Rejected, match='missing required peer "zip"'):
        wire.post(SINGLE, status=400, json=body)
        buy("5")


@pytest.mark.parametrize(
    ("body", "pauses"),
    [("<html>", True), ("maintenance", True)]
    + [(cut, False) for cut in ("", '{"data":', "[]", '"text"', "7", "null", '{"statusCode":200}', '{"message":"ok"}')],
)
@pytest.mark.parametrize("asked", [("5",), ("5", "6")])
def test_a_success_that_is_not_the_vendors_answer_is_in_doubt_and_not_charged(
    wire: responses.RequestsMock, body: str, pauses: bool, asked: tuple[str, ...]
) -> None:
    wire.post(SINGLE if len(asked) == 1 else BULK, body=body)
    with pytest.raises(InDoubt) as caught:
        buy(*asked)
    assert (caught.value.pauses, caught.value.server_error, caught.value.status) == (pauses, False, 200)
    assert caught.value.evidence is not None
    assert caught.value.evidence.raw == body.encode()


def test_a_bulk_answer_without_a_list_is_charged_and_kept(wire: responses.RequestsMock) -> None:
    wire.post(BULK, json={"data": {"id": 1}})
    with pytest.raises(Rejected) as caught:
        buy("1", "2")
    assert caught.value.charged
    assert caught.value.evidence is not None
    assert json.loads(caught.value.evidence.raw or b"") == {"data": {"id": 1}}


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("asked", [("5",), ("5", "6")])
def test_the_documented_404_without_an_envelope_says_what_it_is_where_the_vendor_is_known(
    wire: responses.RequestsMock, status: int, asked: tuple[str, ...]
) -> None:
    body = {**sample("reapi_propertydetail_openapi_err_404.json"), "credits": 2}
    wire.post(SINGLE if len(asked) == 1 else BULK, status=status, json=body)
    with pytest.raises(UnprovenMiss) as caught:
        buy(*asked)
    miss = dict.fromkeys(asked, NO_MATCH)
    assert caught.value.miss == Reply(answers=miss, units=Decimal(0), claimed=Decimal(2), status=status)


@pytest.mark.parametrize(
    "body",
    [
        {"statusCode": 404, "error": "Not Found", "message": "Not Found"},  # any server made with hapi
        {"error": "Not Found", "message": "", "validation": {}},
        {"detail": "Not Found"},
        [],
    ],
)
@pytest.mark.parametrize("asked", [("5",), ("5", "6")])
def test_any_other_404_without_an_envelope_is_a_wrong_address(
    wire: responses.RequestsMock, body: Any, asked: tuple[str, ...]
) -> None:
    wire.post(SINGLE if len(asked) == 1 else BULK, status=404, json=body)
    with pytest.raises(Misconfigured) as caught:
        buy(*asked)
    assert type(caught.value) is Misconfigured
    assert "check its base URL" in caught.value.reason


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_wrong_address_and_is_not_followed(wire: responses.RequestsMock, status: int) -> None:
    wire.post(SINGLE, status=status, headers={"Location": f"{BASE}/elsewhere"})
    with pytest.raises(Misconfigured, match="not followed: check its base URL"):
        buy("5")
    assert len(wire.calls) == 1


def test_403_is_a_missing_scope_at_the_bulk_endpoint_and_a_refused_key_at_the_single_one(
    wire: responses.RequestsMock,
) -> None:
    wire.post(BULK, status=403, json={"error": "Forbidden"})
    wire.post(SINGLE, status=403, json={"error": "Forbidden"})
    with pytest.raises(ScopeRefused):
        buy("1", "2")
    with pytest.raises(Misconfigured) as caught:
        buy("1")
    assert type(caught.value) is Misconfigured


def test_a_cut_answer_is_in_doubt(wire: responses.RequestsMock) -> None:
    wire.post(SINGLE, body=requests.ConnectionError("reset"))
    with pytest.raises(InDoubt):
        buy("1")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"base_url": BASE, "key": ""}, "REALESTATEAPI_KEY is not set: RealEstateAPI cannot be asked."),
        ({"base_url": "", "key": "k"}, "REALESTATEAPI_BASE_URL is not set: RealEstateAPI cannot be asked."),
    ],
)
def test_without_key_or_address_nothing_is_sent(settings: Any, place: Any, said: str) -> None:
    settings.VENDORS = {"realestateapi": place}
    with responses.RequestsMock() as wire, pytest.raises(Misconfigured) as caught:
        buy("1")
    assert (caught.value.reason, len(wire.calls)) == (said, 0)


def test_a_request_holds_1_to_1000_ids() -> None:
    adapter = PropertyDetail(client.config())
    for many in (0, 1001):
        with pytest.raises(ValueError, match=f"1 to 1000 inputs, not {many}"):
            adapter.call([detail_query(number) for number in range(1, many + 1)], call_id="c1")


def test_the_key_is_not_in_an_adapters_repr() -> None:
    assert "sesame" not in repr(PropertyDetail(client.config()))


def test_values_out_of_range_are_unknown_and_never_break_a_record() -> None:
    record = {
        "id": 1,
        "estimatedValue": 10**12,
        "estimatedEquity": "-3000000000.4",
        "equityPercent": "NaN",
        "highEquity": "N",
        "taxLien": "Y",
        "propertyType": "S" * 400,
        "propertyInfo": {
            "address": {"address": "1 A\x00 St", "state": "Virginia", "zip": 8046, "fips": 6037},
            "bedrooms": -1,
            "bathrooms": "2.25",
            "yearBuilt": 99999,
            "livingSquareFeet": 0,
            "squareFeet": "1780",
            "latitude": "38.889334000",
            "longitude": 500,
        },
    }
    assert parse.detail(record) == facts(
        estimated_equity=-3_000_000_000,
        high_equity=False,
        tax_lien=True,
        property_type="S" * 60,
        property_address="1 A St",
        property_zip="08046",
        fips="06037",
        bathrooms="2.25",
        sqft=1780,
    )


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ({"address": "1433 Canyon Rd", "street": "Canyon", "city": "Santa Fe"}, "1433 Canyon Rd"),
        (
            {"address": "9 A Ave Unit 308, Herndon, Va 20171", "street": "9 A Ave Unit 308", "city": "Herndon"},
            "9 A Ave Unit 308",
        ),
        ({"address": "12 Main St, Apt 4, Austin, TX 78701", "city": "Austin"}, "12 Main St, Apt 4"),
        ({"address": "5 Austin St", "city": "Austin"}, "5 Austin St"),
        ({"address": ", Austin, TX 78701", "city": "Austin"}, None),
        ({"address": "Austin, TX 78701", "city": "Austin"}, None),
        (
            {"address": "", "house": "7", "preDirection": "SE", "street": "Oak", "streetType": "Ln", "unit": 4},
            "7 SE Oak Ln 4",
        ),
        ({"address": None, "house": "7"}, None),
        ({}, None),
    ],
)
def test_the_street_line_stands_without_city_state_and_zip(address: dict[str, Any], line: str | None) -> None:
    assert parse.street_line(address) == line


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            {"ownerInfo": {"companyName": "19th Road Llc", "owner1LastName": "19th Road Llc", "owner1Type": "Company"}},
            (None, None, "19th Road Llc", "llc"),
        ),
        (
            {"ownerInfo": {"owner1LastName": "Doe Family Trust", "owner1FullName": "Doe Family Trust"}},
            (None, None, "Doe Family Trust", "trust"),
        ),
        ({"owner1LastName": "Acme Inc", "corporateOwned": True}, (None, None, "Acme Inc", "corporation")),
        ({"owner1LastName": "Willow Grove", "corporateOwned": True}, (None, None, "Willow Grove", "corporation")),
        (
            {"ownerInfo": {"owner1FullName": "City of Austin", "owner1Type": "Other"}},
            (None, None, "City of Austin", "other"),
        ),
        ({"owner1FirstName": "Ann", "owner1LastName": "Trust"}, ("Ann", "Trust", "Ann Trust", "trust")),
        (
            {"ownerInfo": {"owner1FirstName": "Ann", "owner1LastName": "Trust", "owner1Type": "Individual"}},
            ("Ann", "Trust", "Ann Trust", "individual"),
        ),
        ({"owner1FirstName": "Ann", "owner1LastName": "Lee"}, ("Ann", "Lee", "Ann Lee", "individual")),
        ({"owner1FullName": "CO MARIA"}, ("MARIA", "CO", "CO MARIA", "individual")),
        ({"owner1FullName": "Co, Maria"}, ("Maria", "Co", "Co, Maria", "individual")),
        ({"owner1FirstName": "Maria", "owner1LastName": "Co"}, ("Maria", "Co", "Maria Co", "individual")),
        ({"owner1FirstName": "Tim", "owner1LastName": "Bank"}, ("Tim", "Bank", "Tim Bank", "individual")),
        ({"owner1FirstName": "John", "owner1LastName": "Smith & Co"}, (None, None, "John Smith & Co", "corporation")),
        ({"owner1FullName": "First Bank"}, (None, None, "First Bank", "corporation")),
        ({"owner1LastName": "Acme Co"}, (None, None, "Acme Co", "corporation")),
        ({}, (None, None, None, None)),
    ],
)
def test_owners_are_people_trusts_and_companies(record: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = parse.detail(record)
    assert tuple(found[name] for name in ("first_name", "last_name", "owner_name", "owner_type")) == expected


@pytest.mark.parametrize(
    ("line", "first", "last"),
    [
        ("DOE, ANN", "ANN", "DOE"),
        ("DOE ANN ETAL", "ANN", "DOE"),
        ("DOE ANN TRS", "ANN", "DOE"),
        ("SMITH JOHN & MARY", "JOHN", "SMITH"),
        ("Quixote Zelda Et Ux", "Zelda", "Quixote"),
        ("Ann Quixote", "Ann", "Quixote"),
        ("Zelda Quixote", None, None),
        ("QUIXOTE ZELDA", None, None),
        ("Acme Holdings Llc", None, None),
    ],
)
@pytest.mark.parametrize("field", ["owner1FullName", "owner1LastName"])
def test_a_whole_name_alone_is_told_apart_rightly_or_not_at_all(
    line: str, first: str | None, last: str | None, field: str
) -> None:
    found = parse.detail({"ownerInfo": {field: line}})
    told = found["first_name"], found["last_name"]
    assert told == (first, last) or (told == (None, line) and first is None and field == "owner1LastName")
    assert found["owner_name"] == line


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        ("ANN ETAL", "DOE", ("ANN", "DOE")),
        ("ANN", "DOE TRS", ("ANN", "DOE")),
        ("JOHN & MARY", "DOE", ("JOHN", "DOE")),
        ("JOHN AND MARY", "DOE ETAL", ("JOHN", "DOE")),
        ("DOE, ANN", "DOE", ("ANN", "DOE")),
        ("DOE, ANN", None, ("ANN", "DOE")),
        ("ROE, ANN", "DOE", (None, None)),
        ("ETAL", "DOE TR", (None, None)),
        ("Md", "Rahman Jr", ("Md", "Rahman Jr")),
        (None, "DOE TRS", (None, None)),
        (None, "JOHN QUIXOTE TRS", (None, None)),
    ],
)
def test_what_a_county_writes_behind_a_name_is_in_neither_field_nor_in_the_question(
    first: str | None, last: str | None, told: tuple[str | None, str | None]
) -> None:
    found = parse.detail({"ownerInfo": {"owner1FirstName": first, "owner1LastName": last}})
    assert (found["first_name"], found["last_name"]) == told
    query = skip_trace_query(
        first_name=found["first_name"], last_name=found["last_name"], owner_name=found["owner_name"],
        address="1 A St", city="B", state="TX",
    )  # fmt: skip
    asked = query.params.get("first_name", ""), query.params.get("last_name", "")
    assert not re.search(r"[&,]|\b(ETAL|TRS?|AND)\b", " ".join(asked))
    assert asked == told or None in told


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"propertyType": "Ranch house"}, "SFR"),
        ({"propertyType": "RANCH STYLE HOME"}, "SFR"),
        ({"propertyType": "Ranch"}, "LAND"),
        ({"propertyType": "Lot with structure"}, "Lot with structure"),
        ({"propertyType": "Improved land"}, "Improved land"),
        ({"propertyType": "Lot with no structure"}, "LAND"),
        ({"propertyType": "SFR", "propertyInfo": {"propertyType": "CONDOMINIUM"}}, "SFR"),
        ({"propertyInfo": {"propertyType": "SINGLE FAMILY RESIDENCE"}}, "SFR"),
        ({"lotInfo": {"propertyType": "SINGLE FAMILY RESIDENCE"}}, "SFR"),
        ({"propertyType": "Townhouse"}, "SFR"),
        ({"propertyType": "duplex (2 units, any combination)"}, "MFR"),
        ({"propertyType": "APARTMENT HOUSE (5+ UNITS)"}, "MFR"),
        ({"propertyType": "RESIDENTIAL VACANT LAND"}, "LAND"),
        ({"propertyType": "CONDOMINIUM UNIT"}, "CONDO"),
        ({"propertyType": "MANUFACTURED HOME"}, "MOBILE"),
        ({"propertyType": "mobile"}, "MOBILE"),
        ({"propertyType": "Industrial (General)"}, "OTHER"),
        ({"propertyInfo": {"propertyUse": "Single Family Residence"}}, "SFR"),
        ({"propertyInfo": {"propertyUseCode": 385}}, "SFR"),
        ({"propertyInfo": {"propertyUseCode": "366"}}, "CONDO"),
        ({"propertyInfo": {"propertyUseCode": 169}}, "OTHER"),
        ({"propertyType": "Lighthouse", "propertyInfo": {"propertyUseCode": 385}}, "SFR"),
        ({"propertyType": "LIGHTHOUSE ON A ROCK IN THE SEA"}, "LIGHTHOUSE ON A ROCK IN THE SEA"),
        ({"propertyType": 7}, "7"),
        ({}, None),
    ],
)
def test_a_kind_of_property_is_one_of_the_vendors_six_or_its_own_words(
    record: dict[str, Any], expected: str | None
) -> None:
    assert parse.detail(record)["property_type"] == expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"equity": 274800}, 274800),
        ({"equity": "-1200"}, -1200),
        ({"estimatedEquity": 1, "equity": 2}, 1),
        ({"equity": True}, None),
        ({"equity": False, "ownerInfo": {"equity": 300}}, 300),
        ({"equity": None, "ownerInfo": {"equity": None}}, None),
    ],
)
def test_equity_is_a_number_where_it_is_one_and_no_flag(record: dict[str, Any], expected: int | None) -> None:
    assert parse.detail(record)["estimated_equity"] == expected


@pytest.mark.parametrize(
    ("latitude", "longitude", "there"),
    [
        ("38.889334000", "-77.0", True),
        (61.2, -149.9, True),
        (21.3, -157.8, True),
        (18.4, -66.1, True),
        (13.4, 144.8, True),
        (0, 0, False),
        ("0.0", "0.000", False),
        (38.9, None, False),
        (None, -77.0, False),
        (-77.0, 38.9, False),
        (38.9, 77.0, False),
        (91, -77, False),
        (38.9, -181, False),
        (48.85, 2.35, False),
    ],
)
def test_coordinates_are_a_place_in_the_united_states_or_null(latitude: Any, longitude: Any, there: bool) -> None:
    found = parse.detail({"propertyInfo": {"latitude": latitude, "longitude": longitude}})
    flat = parse.detail({"latitude": latitude, "longitude": longitude})
    assert (found["latitude"], found["longitude"]) == (flat["latitude"], flat["longitude"])
    assert (found["latitude"] is not None, found["longitude"] is not None) == (there, there)


@pytest.mark.parametrize(
    "nested", [{"latitude": None, "longitude": None}, {"latitude": 0, "longitude": 0}, {"latitude": 38.9}, {}]
)
def test_a_good_pair_beside_a_useless_one_is_taken_whole(nested: dict[str, Any]) -> None:
    found = parse.detail({"propertyInfo": {"bedrooms": 3, **nested}, "latitude": 30.25, "longitude": -97.75})
    assert (found["latitude"], found["longitude"]) == ("30.25", "-97.75")


@pytest.mark.parametrize(
    ("percent", "flag", "expected"),
    [(50, False, True), (49.9, True, False), ("75", None, True), (None, True, True), (None, None, None)],
)
def test_high_equity_is_half_when_the_percentage_is_known(percent: Any, flag: Any, expected: Any) -> None:
    assert parse.detail({"equityPercent": percent, "highEquity": flag})["high_equity"] is expected


@a_few
@given(
    nested(
        *[
            "id",
            "propertyId",
            "propertyInfo",
            "address",
            "ownerInfo",
            "mailAddress",
            "lotInfo",
            "foreclosureInfo",
            "active",
            "city",
            "street",
            "zip",
        ],
        *["estimatedValue", "equityPercent", "bathrooms", "latitude", "owner1FirstName", "companyName", "owner1Type"],
    )
)
def test_any_record_gives_the_same_keys_and_only_plain_values(record: Any) -> None:
    found = parse.detail(record if isinstance(record, dict) else {})
    assert tuple(found) == DETAIL_KEYS
    assert json.dumps(found).encode()
    assert_keeps_no_trait(found)


@a_few
@given(json_values | st.fixed_dictionaries({"data": nested("id", "data")}), st.booleans())
def test_any_answer_gives_a_reply_or_a_vendor_failure(body: Any, bulk: bool) -> None:
    asked = ("1", "2") if bulk else ("1",)
    with responses.RequestsMock() as wire:
        wire.post(BULK if bulk else SINGLE, body=json.dumps(body))
        try:
            reply = buy(*asked)
        except VendorFailure:
            return
    assert set(reply.answers) == set(asked)
    assert all(set(answer.facts) <= set(DETAIL_KEYS) for answer in reply.answers.values())
    assert reply.units >= 0
