"""What people ask for, in the vendor's names. The names are held against the vendor's own list, not against ours."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.http import QueryDict

from buckets.admin.search_form import SearchForm
from buckets.filling.criteria import FLAGS, RANGES, TYPES, criteria, in_words, place
from buckets.filling.places import spot_of
from common.values.geo import read_area
from integrations.vendors.queries import filters, search_query
from sandbox.search_fields import KNOWN, PROPERTY_TYPES

NO_PLACE = "Write a city or county with its state (Seattle, WA · King County, WA), a state, or ZIP codes."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Seattle, WA", {"city": "Seattle", "state": "WA"}),
        ("seattle wa", {"city": "seattle", "state": "WA"}),
        ("  New   York,NY ", {"city": "New York", "state": "NY"}),
        ("King County, WA", {"county": "King", "state": "WA"}),
        ("Orleans Parish, LA", {"county": "Orleans Parish", "state": "LA"}),
        ("98103", {"zip": "98103"}),
        ("98103-1234", {"zip": "98103"}),
        ("98103, 98105 98103", {"zip": ["98103", "98105"]}),
        ("98103, WA", {"zip": "98103"}),
        ("Seattle, WA 98103", {"city": "Seattle", "state": "WA", "zip": "98103"}),
        ("wa", {"state": "WA"}),
        ("Washington, USA", {"state": "WA"}),
        ("Washington, DC", {"city": "Washington", "state": "DC"}),
        ("North Carolina", {"state": "NC"}),
        ("", {}),
        (" , ", {}),
    ],
)
def test_a_place_is_read_as_people_write_it(text: str, found: dict[str, Any]) -> None:
    assert place(text) == found


@pytest.mark.parametrize(
    "text", ["Seattle", "Seattle, ZZ", "1234", "12 Main St, Seattle, WA", "King County", 400 * "x"]
)
def test_what_is_no_place_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError) as refusal:
        place(text)
    assert str(refusal.value) == NO_PLACE


def test_every_filter_has_a_name_that_the_vendor_knows() -> None:
    names = {f"{name}_{end}" for name in RANGES for end in ("min", "max")} | set(FLAGS)

    assert names - KNOWN == {"equity_percent_min", "equity_percent_max"}  # a number with an operator there
    assert set(TYPES) == set(PROPERTY_TYPES)


@pytest.mark.parametrize("name", [name for name in RANGES if name not in ("equity_percent", "last_sale_date")])
def test_each_range_keeps_its_ends(name: str) -> None:
    assert criteria({f"{name}_min": 1700, f"{name}_max": 2000}) == {f"{name}_min": 1700, f"{name}_max": 2000}
    assert criteria({f"{name}_max": 0}) == {f"{name}_max": 0}


@pytest.mark.parametrize("name", FLAGS)
def test_each_flag_is_asked_only_where_it_is_set(name: str) -> None:
    assert criteria({name: True, "place": "WA"}) == {name: True, "state": "WA"}
    assert criteria({name: False}) == {name: False}
    assert criteria({name: None}) == {}


def test_dates_are_written_as_the_vendor_reads_them() -> None:
    asked = {"last_sale_date_min": date(2020, 1, 31), "last_sale_date_max": date(2021, 2, 1)}

    assert criteria(asked) == {"last_sale_date_min": "2020-01-31", "last_sale_date_max": "2021-02-01"}


def test_equity_is_a_number_with_an_operator_and_two_of_them_stand_side_by_side() -> None:
    least = {"equity_percent": 50, "equity_percent_operator": "gte"}
    most = {"equity_percent": 90, "equity_percent_operator": "lte"}

    assert criteria({"equity_percent_min": 50}) == least
    assert criteria({"equity_percent_max": 90}) == most
    assert criteria({"equity_percent_min": 50, "equity_percent_max": 90}) == {"and": [least, most]}


def test_one_type_is_the_vendors_filter_and_more_are_alternatives() -> None:
    assert criteria({"property_type": ["SFR"]}) == {"property_type": "SFR"}
    assert criteria({"property_type": ["SFR", "CONDO"]}) == {
        "or": [{"property_type": "SFR"}, {"property_type": "CONDO"}]
    }


def test_a_circle_needs_all_its_numbers() -> None:
    whole = {"latitude": 47.6, "longitude": -122.3, "radius": 1.5}

    assert criteria(whole) == whole
    assert criteria({"latitude": 47.6, "longitude": -122.3}) == {}


def test_a_search_is_said_in_one_line() -> None:
    asked = {
        "place": "Seattle,  WA",
        "property_type": ["SFR", "CONDO"],
        "beds_min": 3,
        "value_min": 100000,
        "value_max": 500000,
        "equity_percent_min": 40,
        "year_built_max": 1990,
        "building_size_max": 2500,
        "absentee_owner": True,
    }

    assert in_words(asked) == (
        "Seattle, WA · Single family, Condo · Beds from 3 · Building size to 2,500 sq ft · Year built to 1990"
        " · Value $100,000–$500,000 · Equity from 40% · Absentee owner"
    )


def errors(query: str) -> dict[str, list[str]]:
    form = SearchForm(QueryDict(query))
    assert not form.is_valid()
    assert form.criteria == {}
    return {name: [str(word) for word in words] for name, words in form.errors.items()}


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("place=Atlantis", "place", NO_PLACE),
        ("beds_min=many", "beds_min", "Enter a whole number."),
        ("beds_min=-1", "beds_min", "Ensure this value is greater than or equal to 0."),
        ("value_max=99999999999", "value_max", "Ensure this value is less than or equal to 2147483647."),
        ("year_built_min=12", "year_built_min", "Ensure this value is greater than or equal to 1600."),
        ("beds_min=3&beds_max=1", "beds_max", "Beds to 1 is less than from 3."),
        ("last_sale_date_min=yesterday", "last_sale_date_min", "Enter a valid date."),
        (
            "property_type=CASTLE",
            "property_type",
            "Select a valid choice. CASTLE is not one of the available choices.",
        ),
        ("latitude=1&longitude=2&radius=11", "radius", "Ensure this value is less than or equal to 10.0."),
        ("latitude=nan&longitude=2&radius=1", "latitude", "Enter a number."),
        ("latitude=47&radius=1", "longitude", "A circle needs latitude, longitude and radius."),
        ("place=%00", "place", "Null characters are not allowed."),
    ],
)
def test_what_cannot_be_asked_is_the_fields_error(query: str, field: str, words: str) -> None:
    assert errors(query) == {field: [words]}


def test_a_search_stands_in_its_address_as_it_was_asked() -> None:
    query = "place=Seattle%2C+WA&property_type=SFR&property_type=LAND&beds_min=3&absentee_owner=on"

    form = SearchForm(QueryDict(f"{query}&beds_max=&fill=abc"))

    assert form.is_valid()
    assert form.query() == query
    assert form.criteria == {
        "city": "Seattle",
        "state": "WA",
        "or": [{"property_type": "SFR"}, {"property_type": "LAND"}],
        "beds_min": 3,
        "absentee_owner": True,
    }


def test_nothing_asked_is_no_search_and_no_mistake() -> None:
    form = SearchForm(QueryDict("place=&beds_min="))

    assert form.is_valid()
    assert (form.criteria, form.words, form.query()) == ({}, "", "")


@pytest.mark.parametrize("value", [True, 1, "1", "TRUE", " yes "])
def test_a_flag_of_a_search_is_true_in_every_spelling(value: Any) -> None:
    asked = {"state": "WA", "absentee_owner": value, "and": [{"vacant": value}, {"exclude": [{"tax_lien": value}]}]}

    read = filters(asked)

    assert read["absentee_owner"] is read["and"][0]["vacant"] is read["and"][1]["exclude"][0]["tax_lien"] is True
    assert search_query(asked).key == search_query(read).key


@pytest.mark.parametrize("value", ["maybe", 2, 1.0, "", None, [], [True], {}])
@pytest.mark.parametrize("inside", [False, True])
def test_a_flag_of_a_search_that_says_neither_is_refused_by_name(value: Any, inside: bool) -> None:
    flag = {"absentee_owner": value}

    with pytest.raises(ValueError, match=r"absentee_owner: Write a boolean"):
        filters({"state": "WA", **({"or": [flag]} if inside else flag)})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("absentee_owner=0", {"absentee_owner": False}),
        ("absentee_owner=yes&vacant=on", {"absentee_owner": True, "vacant": True}),
    ],
)
def test_a_box_of_the_address_says_what_stands_there(query: str, found: dict[str, bool]) -> None:
    form = SearchForm(QueryDict(f"place=WA&{query}"))

    assert form.is_valid(), form.errors
    assert form.criteria == {"state": "WA", **found}


@pytest.mark.parametrize("query", ["vacant=2", "vacant=on&vacant=off", "beds_min=1&beds_min=3"])
def test_a_field_of_the_address_that_cannot_be_meant_is_refused_by_name(query: str) -> None:
    form = SearchForm(QueryDict(f"place=WA&{query}"))

    assert not form.is_valid()
    assert list(form.errors) == [query.partition("=")[0]]
    assert form.criteria == {}


AREA_TEXT = "47.61,-122.35 47.62,-122.30 47.58,-122.30"


def test_an_area_is_the_vendors_polygon_and_has_words() -> None:
    corners = read_area(AREA_TEXT)
    assert criteria({"area": corners, "beds_min": 3}) == {
        "polygon": [{"lat": 47.61, "lon": -122.35}, {"lat": 47.62, "lon": -122.3}, {"lat": 47.58, "lon": -122.3}],
        "beds_min": 3,
    }
    assert in_words({"area": corners}) == "Area with 3 corners around 47.6033, -122.3167"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("area=47.61,-122.35+47.62,-122.30", "area"),
        ("area=0,0+0,1+1,1", "area"),
        (f"area={AREA_TEXT.replace(' ', '+')}&latitude=47.6&longitude=-122.3&radius=2", "area"),
        ("area=%00", "area"),
    ],
)
def test_an_area_that_cannot_be_searched_is_refused_at_its_field(query: str, field: str) -> None:
    search = SearchForm(QueryDict(query))
    assert (search.is_valid(), field in search.errors, search.criteria) == (False, True, {})


@pytest.mark.parametrize(
    ("place", "spot"),
    [
        ("King County, WA", {"fips": "53033", "kind": "county"}),
        ("Seattle, WA", {"fips": "53", "kind": "city"}),
        ("Washington", {"fips": "53", "kind": "state"}),
        ("98103", {"fips": None, "kind": "zip"}),
        ("Nowhere", None),
        ("", None),
    ],
)
def test_a_places_outline_goes_by_its_fips_code(place: str, spot: dict[str, Any] | None) -> None:
    assert spot_of(SearchForm(QueryDict(f"place={place.replace(' ', '+')}"))) == spot
