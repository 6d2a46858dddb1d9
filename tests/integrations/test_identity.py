"""What a property is called: one name for every spelling, and never one name for two properties."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.lookups import identity, stand_in_ids
from integrations.lookups.identity import Name, names_of

OAK = {
    "apn": "123-45-678",
    "fips": "53033",
    "property_county": "King County",
    "property_address": "100 North Oak Street Apt 4",
    "property_city": "Seattle",
    "property_state": "WA",
    "property_zip": "98101",
}
OAKS_NAMES = [
    Name("apn:53033:123-45-678", "apn:53033:12345678"),
    Name("address:100 N OAK ST #4@98101", "address:100 OAK@98101"),
    Name("address:100 N OAK ST #4@SEATTLE,WA", "address:100 OAK@SEATTLE,WA", bare=True),
]


def facts(
    street: str | None = None, city: str = "", state: str = "", zip_code: str = "", **more: Any
) -> dict[str, Any]:
    place = {"property_city": city, "property_state": state, "property_zip": zip_code}
    return {"property_address": street} | place | more


def in_austin(street: str) -> dict[str, Any]:
    return facts(street, "Austin", "TX", "78701")


def texts(record: dict[str, Any]) -> set[str]:
    return {name.text for name in names_of(record)}


def test_a_record_is_known_by_parcel_and_by_address_whatever_a_file_knows_of_its_place() -> None:
    assert names_of(OAK) == OAKS_NAMES
    assert names_of(OAK | {"fips": None}) == OAKS_NAMES
    assert names_of(OAK | {"property_zip": None}) == [OAKS_NAMES[0], replace(OAKS_NAMES[2], bare=False)]
    assert names_of(OAK | {"property_city": None, "apn": ""}) == [OAKS_NAMES[1]]
    assert names_of({}) == []


def test_fips_and_county_are_one_place_and_a_fips_code_wins() -> None:
    by_county = {"apn": "123-456", "property_county": "King CO.", "property_state": "Washington"}
    by_fips = {"apn": "123 456", "fips": "53033.0"}
    assert texts(by_county) == texts(by_fips) == texts(by_fips | {"property_county": "Pierce"}) == {"apn:53033:123-456"}


def test_a_county_that_no_table_knows_is_a_place_with_its_state() -> None:
    nowhere = {"apn": "12-3", "property_county": "Nowhere County", "property_state": "wa"}
    assert names_of(nowhere) == [Name("apn:WA-NOWHERE:12-3", "apn:WA-NOWHERE:123")]
    assert names_of(nowhere | {"property_state": None}) == []
    assert names_of({"apn": "12-3"}) == []


def test_segments_are_compared_one_by_one_and_a_bare_number_may_be_any_of_them() -> None:
    king = {"fips": "53033"}
    first, second, bare = (names_of(king | {"apn": apn})[0] for apn in ("12-3", "1-23", "123"))
    assert names_of(king | {"apn": "12.3"}) == names_of(king | {"apn": "12 3"}) == [first]
    assert first == Name("apn:53033:12-3", "apn:53033:123")
    assert second == Name("apn:53033:1-23", "apn:53033:123")
    assert bare == Name("apn:53033:=123", "apn:53033:123", bare=True)
    assert len({first.exact, second.exact, bare.exact}) == 3
    assert first.possible == second.possible == bare.possible


# --- The handed files ------------------------------------------------------------------------------------------------


def test_a_parcel_by_fips_by_county_and_by_address_shares_its_names() -> None:
    house = facts("12 Oak St", "Seattle", "WA", "98101")
    by_fips, by_county = (
        house | {"apn": "123-456", "fips": "53033"},
        house | {"apn": "123-456", "property_county": "King"},
    )
    assert names_of(by_fips) == names_of(by_county)
    assert texts(house) < texts(by_fips)


def test_spellings_with_and_without_a_zip_share_the_name_by_city() -> None:
    spelled = [
        facts("1 A St", "Boston", "MA", "02134"),
        facts("1 A St", "Boston", "MA"),
        facts("1 A Street", "Boston", "Massachusetts", "02134-1234"),
        facts("1 A ST.", "boston", "ma", "2134-1234"),
    ]
    assert set.intersection(*map(texts, spelled)) == {"address:1 A ST@BOSTON,MA"}
    assert {"address:1 A ST@02134"} == texts(spelled[0]) & texts(spelled[2]) & texts(spelled[3]) - texts(spelled[1])


EIGHT_HOUSES = """
12 Oak St Ste 4|12 Oak St Suite 4
14 NW 5th St|14 N.W. 5th St
16 Saint Charles Ave|16 St Charles Ave|16 St. Charles Avenue
18 County Road 12|18 CR 12
20 Oak Cove|20 Oak Cv
22 1st St|22 First St
00024 Oak St|24 Oak St
26 Peña St|26 Pena St
"""


def test_eight_houses_in_many_spellings() -> None:
    houses = [line.split("|") for line in EIGHT_HOUSES.strip().splitlines()]
    for spellings in houses:
        assert len({tuple(names_of(in_austin(street))) for street in spellings}) == 1
    assert len({names_of(in_austin(spellings[0]))[0] for spellings in houses}) == 8


def test_no_two_of_the_houses_that_were_merged_share_a_name() -> None:
    streets = [
        "12 No Name Rd",
        "12 Name Rd",
        "14 E St",
        "14 East St",
        "16 Unit St",
        "16 St",
        "12 No. Main St",
        "12 Main St",
    ]
    for one, other in itertools.combinations(streets, 2):
        assert not texts(in_austin(one)) & texts(in_austin(other))


@pytest.mark.parametrize("apn", ["N/A", "UNKNOWN", "0", "000-000-000", "#N/A", "Multiple", "-", "12-Jan", "1.23E+11"])
def test_a_placeholder_is_no_parcel_number_and_the_address_names_the_property(apn: str) -> None:
    house = facts("12 Oak St", "Seattle", "WA", "98101") | {"property_county": "King"}
    assert names_of(house | {"apn": apn}) == names_of(house)
    assert len(names_of(house)) == 2


@pytest.mark.parametrize(
    "street",
    ["0 MAIN ST", "COUNTY ROAD 12", "US HWY 290", "PO BOX 12", "99999 UNASSIGNED", "LOT 5", "RR 2 BOX 5", "1ST ST"],
)
def test_a_line_without_a_house_number_names_no_property_and_says_why(street: str) -> None:
    assert names_of(facts(street, "Taylor", "TX", "76574")) == []
    assert identity.house_problem(street)


def test_a_unit_is_another_property_and_possibly_the_same() -> None:
    whole, first, second, north = (
        names_of(in_austin(street))[0]
        for street in ("12 Main St", "12 Main St #1", "12 Main St Unit 2", "12 N Main St")
    )
    assert len({name.text for name in (whole, first, second, north)}) == 4
    assert {name.loose for name in (whole, first, second, north)} == {"address:12 MAIN@78701"}


# --- Former names ----------------------------------------------------------------------------------------------------


def test_former_names_are_spelled_as_former_versions_did_and_none_is_a_name_of_today() -> None:
    assert stand_in_ids.names_of(OAK) == [
        "apn:53033:12345678",
        "apn:WA-KING:12345678",
        "address:100 N OAK ST 4|98101",
        "address:100 N OAK ST 4|SEATTLE,WA",
    ]
    records = [OAK, OAK | {"apn": "12345678"}, OAK | {"property_address": "100 Oak St"}, {"apn": "9", "fips": "53033"}]
    for record in records:
        assert not texts(record) & set(stand_in_ids.names_of(record))


@pytest.mark.parametrize("record", [OAK, OAK | {"apn": None}, OAK | {"apn": None, "property_zip": None}])
def test_a_name_is_a_stand_in_and_asks_the_vendor_by_the_record_as_it_is(record: dict[str, Any]) -> None:
    name = names_of(record)[0].text
    assert stand_in_ids.is_stand_in(name)
    asked = stand_in_ids.question(name, record)
    former = stand_in_ids.question(stand_in_ids.names_of(record)[0], record)
    assert (asked.params, asked.alone) == (former.params, former.alone)
    assert asked.key == stand_in_ids.key_of(name) == name


# --- Whatever a file holds -------------------------------------------------------------------------------------------


def test_hashes_are_bigints_and_the_same_in_every_process() -> None:
    assert identity.hash64("apn:53033:12-3") == -2332910387013408208
    assert all(-(2**63) <= identity.hash64(text) < 2**63 for text in ("", "a", "b"))


@pytest.mark.parametrize(
    "text", ["", "x" * 10**6, "12 " * 10**6, "\0", "1", "12", "😀", "12 😀", "\ud800", "é" * 10**6, "#", "-"]
)
@pytest.mark.parametrize("key", OAK)
def test_odd_cells_break_nothing(key: str, text: str) -> None:
    names = names_of(OAK | {key: text})
    assert all(len(name.text) <= 64 and len(name.loose) <= 64 for name in names)
    assert [name.exact for name in names]


CASES = st.sampled_from([str.lower, str.title, str.upper])
PARTS = {
    "apn": st.from_regex(r"[1-9][0-9A-Z]{0,3}[1-9](-[1-9]{1,5}){0,3}", fullmatch=True),
    "fips": st.sampled_from(["53033", "06037", "", None]),
    "property_county": st.sampled_from(["King", "St Louis", "De Kalb", "Nowhere", None]),
    "property_state": st.sampled_from(["WA", "MO", "GA", None]),
    "property_address": st.from_regex(
        r"[1-9][0-9]{0,4} (N |No )?[A-Z]{1,9}( [A-Z]{2,9})?( St| Ave)?( Apt [0-9A-Z]{1,4})?", fullmatch=True
    ),
    "property_city": st.sampled_from(["St Louis", "Seattle", "Winston Salem", None]),
    "property_zip": st.sampled_from(["98101", "2134", None]),
}  # fmt: skip


@given(st.fixed_dictionaries(PARTS), CASES, st.sampled_from(["  ", ". ", " . ", "\t"]))
def test_case_spaces_and_points_change_no_name(
    record: dict[str, str | None], case: Callable[[str], str], space: str
) -> None:
    spelled = {key: value and case(value.replace(" ", space).replace("-", ".")) for key, value in record.items()}
    assert names_of(spelled) == names_of(record)


@given(st.fixed_dictionaries({key: st.none() | st.text(max_size=250) for key in OAK}))
def test_no_record_breaks_the_naming(record: dict[str, str | None]) -> None:
    for name in names_of(record):
        assert 0 < len(name.text) <= 64
        assert 0 < len(name.loose) <= 64
        assert stand_in_ids.is_stand_in(name.text)


def test_no_two_houses_of_a_town_of_hard_names_share_a_name() -> None:
    directions, suffixes, units = ("", "N", "S"), ("St", "Ave", "Ct", "Park", ""), ("", "Apt 1", "Apt 11", "Bldg 1")
    streets = (
        "Oak",
        "1st",
        "11th",
        "E",
        "East",
        "No Name",
        "Name",
        "A",
        "Saint Charles",
        "Charles",
        "Park",
        "Lake Shore",
    )
    houses = ("1", "11", "1A", "1 1/2", "1-1", "111", "N1W11")
    seen: dict[str, str] = {}
    parts = itertools.product(houses, directions, streets, suffixes, units)
    for street in (" ".join(filter(None, whole)) for whole in parts):
        for name in names_of(in_austin(street)):
            assert seen.setdefault(name.text, street) == street
    assert len(seen) == 2 * 7 * 3 * 12 * 5 * 4
