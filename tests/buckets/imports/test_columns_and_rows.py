"""Whose column is which, and what a row makes of a property."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buckets.imports import rows as rules
from buckets.imports.columns import BadMapping, Chosen, decide, guess
from buckets.imports.preview import preview
from buckets.imports.reading import Row
from buckets.imports.rows import Reader, Unusable
from integrations.lookups import stand_in_ids
from integrations.naming import house_numbers


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("street,city,zip,state,beds,baths,sq__ft,type", {
            "address": 0, "city": 1, "zip": 2, "state": 3, "bedrooms": 4, "bathrooms": 5, "sqft": 6,
        }),
        ("id,date,price,bedrooms,zipcode,lat,long", {"zip": 4, "bedrooms": 3, "latitude": 5, "longitude": 6}),
        (
            "APN,FIPS Code,Situs Address,Situs City,Situs State,Situs Zip Code",
            {"apn": 0, "fips": 1, "address": 2, "city": 3, "state": 4, "zip": 5},
        ),
        (
            "Owner 1 First Name,Owner 1 Last Name,Mailing Address,Mailing City,Mailing State,Mailing Zip,Property Addr",
            {
                "firstName": 0, "lastName": 1, "mailingAddress": 2, "mailingCity": 3, "mailingState": 4,
                "mailingZip": 5, "address": 6,
            },
        ),
        ("HOUSE_NUMBER,STREET_NAME,POSTAL_CODE,E-mail,Phone 1,Phone 2", {
            "house": 0, "streetName": 1, "zip": 2, "email": 3, "phone": 4, "secondaryPhone": 5,
        }),
        ("Parcel #,County,State", {"apn": 0, "county": 1, "state": 2}),
        ("Property ID,Address,Address", {"address": 1}),
        ("a,b,", {}),
    ],
)  # fmt: skip
def test_columns_are_guessed_from_their_names(names, expected):
    assert guess(names.split(",")) == expected


NAMES = ("Address", "Note", "note", "Zip")


def test_a_column_is_said_by_name_or_number():
    assert decide(NAMES, {"address": " address ", "zip": 3, "city": None}, {"state": " CA "}) == Chosen(
        {"address": 0, "zip": 3}, {"state": "CA"}
    )


@pytest.mark.parametrize(
    ("mapping", "constants", "field"),
    [
        ({"zip": 3}, {}, "mapping"),
        ({}, {}, "mapping"),
        ({"address": 4}, {}, "mapping.address"),
        ({"address": -1}, {}, "mapping.address"),
        ({"address": True}, {}, "mapping.address"),
        ({"address": "Street"}, {}, "mapping.address"),
        ({"address": 0, "ownerName": "NOTE"}, {}, "mapping.ownerName"),
        ({"address": 0, "shoeSize": 1}, {}, "mapping.shoeSize"),
        ({"address": 0}, {"address": "1 Main St"}, "constants.address"),
        ({"address": 0}, {"state": ""}, "constants.state"),
        ({"address": 0}, {"state": 5}, "constants.state"),
        ({"address": 0, "zip": 3}, {"zip": "95757"}, "constants.zip"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_field(mapping, constants, field):
    with pytest.raises(BadMapping) as refused:
        decide(NAMES, mapping, constants)
    assert refused.value.field == field


def row(constants=None, **cells):
    reader = Reader(Chosen({field: n for n, field in enumerate(cells)}, constants or {}), len(cells))
    return reader(list(cells.values()))


@pytest.mark.parametrize(
    ("cells", "name"),
    [
        ({"propertyId": "0253175355.0", "address": "1 Main St", "zip": "95757"}, "253175355"),
        ({"apn": "012-345-67A", "fips": "6067"}, "apn:06067:012-345-67A"),
        ({"apn": "012 345 67a", "county": "Sacramento County", "state": "California"}, "apn:06067:012-345-67A"),
        ({"address": "12 North Main Street, Apt. 4", "zip": "95757-1234"}, "address:12 N MAIN ST #4@95757"),
        ({"address": "12 N. Main St #4", "zip": "95757"}, "address:12 N MAIN ST #4@95757"),
        ({"address": "1 Main St", "zip": "2134"}, "address:1 MAIN ST@02134"),
        ({"address": "1 Main St", "city": "St. Paul", "state": "mn"}, "address:1 MAIN ST@SAINT PAUL,MN"),
        ({"address": "1 Main St, Elk Grove, CA 95757, USA"}, "address:1 MAIN ST@95757"),
        ({"address": "1 Main St, Elk Grove ca"}, "address:1 MAIN ST@ELK GROVE,CA"),
        ({"house": "1", "address": "Main St", "zip": "95757"}, "address:1 MAIN ST@95757"),
        ({"apn": "1.23E+11", "fips": "06067", "address": "1 Main St", "zip": "95757"}, "address:1 MAIN ST@95757"),
        ({"apn": "1-2", "address": "1 Main St", "zip": "95757"}, "address:1 MAIN ST@95757"),
        ({"propertyId": "address:x", "address": "1 Main St", "zip": "95757"}, "address:1 MAIN ST@95757"),
    ],
)
def test_a_property_is_called_by_its_id_its_apn_or_its_address(cells, name):
    assert row(**cells).property_id == name


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"address": "", "zip": "95757"}, rules.NAMES_NOTHING),
        ({"address": "1 Main St", "zip": "none", "city": "Elk"}, rules.ADDRESS_NEEDS_PLACE),
        ({"address": "Main St", "zip": "95757"}, house_numbers.NO_HOUSE_NUMBER),
        ({"apn": "1-2-3"}, rules.APN_NEEDS_COUNTY),
        ({"apn": "A", "fips": "06067"}, rules.APN_IS_NONE),
        ({"apn": "1.23E+11", "fips": "06067"}, rules.APN_DAMAGED),
        ({"apn": "---", "fips": "06067"}, rules.NAMES_NOTHING),
    ],
)
def test_a_row_that_names_no_property_says_why(cells, why):
    with pytest.raises(Unusable) as refused:
        row(**cells)
    assert str(refused.value) == why


def test_a_row_that_an_unquoted_comma_has_shifted_is_refused_but_not_for_trailing_commas():
    reader = Reader(Chosen({"address": 0, "zip": 1}, {}), 2)

    assert reader(["1 Main St", "95757", "", " "]).property_id == "address:1 MAIN ST@95757"
    with pytest.raises(Unusable, match="more cells"):
        reader(["1 Main St", "Elk", "95757"])


def test_cells_are_cleaned_and_what_cannot_be_read_is_told():
    lead = row(
        {"state": "California", "county": "Sacramento"},
        address=" 1  Main\x00 St\n", city="Elk\tGrove", zip="95757.0", ownerName="O'Brien \\ Sons",
        phone="(916) 555-0123", secondaryPhone="12", email="Ann@Example.com ", mailingState="Texas",
    )  # fmt: skip

    assert lead.facts == {
        "property_address": "1 Main St", "property_city": "Elk Grove", "property_zip": "95757", "property_state": "CA",
        "property_county": "Sacramento", "owner_name": "O'Brien \\ Sons", "phone": "+19165550123",
        "email": "ann@example.com", "mailing_state": "TX",
    }  # fmt: skip
    assert lead.unread == ("secondaryPhone",)


def test_a_do_not_mail_mark_that_cannot_be_read_is_taken_as_do_not_mail():
    lead = row(address="1 Main St", zip="95757", doNotMail="see notes")

    assert (lead.facts["do_not_mail"], lead.unread) == (True, ("doNotMail",))


@given(st.lists(st.text(max_size=80), min_size=4, max_size=4))
def test_whatever_stands_in_a_row_it_is_a_lead_that_fits_or_a_reason(cells):
    reader = Reader(decide(["a", "b", "c", "d"], {"address": 0, "city": 1, "zip": 2, "apn": 3}, {"state": "CA"}), 4)
    try:
        lead = reader(cells)
    except Unusable as error:
        assert str(error)
        return
    assert 1 < len(lead.property_id) <= stand_in_ids.ID_MAX
    assert stand_in_ids.is_stand_in(lead.property_id)
    assert all(value and value.isprintable() for value in lead.facts.values())


def test_a_long_name_is_told_apart_by_its_hash():
    street = "12345 " + "Very Long Avenue Of The " * 5
    one, other = (stand_in_ids.by_address(street + end, zip="95757", city=None, state=None) for end in ("A", "B"))

    assert one != other
    assert len(str(one)) <= stand_in_ids.ID_MAX
    assert stand_in_ids.is_stand_in(str(one))


def test_a_preview_counts_and_warns():
    names = ["address", "city", "state", "zip", "phone", "Note", "note"]
    chosen = decide(names, guess(names), {})
    cells = [
        ["1 Main St", "Elk", "CA", "95757", "9165550123", "", ""],
        ["1 MAIN STREET", "Elk", "CA", "95757", "9165550123", "", ""],
        ["2 Main St", "Elk", "CA", "", "12", "", ""],
        ["3 Main St", "", "", "95757"],
        ["", "", "", "", "", "", ""],
        ["", "Elk", "CA", "", "", "", ""],
    ]

    seen = preview([Row(n + 2, c) for n, c in enumerate(cells)], names, chosen)

    assert (seen.rows, seen.usable, seen.skipped, seen.failed) == (6, 4, 1, 1)
    assert seen.warnings == [
        "Two columns or more are called 'note': check which one is meant.",
        "Not used: note.",
        f"1 of 6 rows cannot be used: {rules.NAMES_NOTHING}.",
        "1 row has no ZIP: the city and state must do.",
        "1 row has no city and state: RealEstateAPI may not find them by street and ZIP.",
        "1 row has a phone that nobody could call.",
        "1 row has fewer cells than the header.",
        "1 row has a property that an earlier row names too: one lead is made.",
    ]
    assert [(line, lead.property_id) for line, lead in seen.first][:2] == [
        (2, "address:1 MAIN ST@95757"),
        (3, "address:1 MAIN ST@95757"),
    ]
