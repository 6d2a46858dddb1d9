"""What cells say: null words, what a spreadsheet did to codes, phones, money, dates, marks, by field."""

from __future__ import annotations

import pytest

from buckets.imports.cells import CLEAN, forbids, text_of
from buckets.imports.damage import iso_date, looks_like_date
from buckets.imports.phone_cells import phones
from buckets.imports.value_cells import emails


@pytest.mark.parametrize(
    ("field", "cells"),
    [
        ("apn", ["N/A", "na", "UNKNOWN", "0", "000-000-000", "#N/A", "#REF!", "Multiple", "TBD", "-", "--", ".", "nan",
                 "None", "<Null>", "\\N", "not available", '="N/A"', "'0", "999-999-999", "0.0"]),
        ("house", ["0", "00", "N/A"]),
        ("ownerName", ["None", "NULL", "Unknown Owner", "<null>", "0"]),
        ("address", ["UNKNOWN", "No Situs Address", "n/a", "0"]),
        ("zip", ["0", "00000", "N/A", "nan"]),
        ("phone", ["0", "000-000-0000", "999-999-9999", "no phone", "None", "n/a"]),
        ("yearBuilt", ["0", "N/A", "nan"]),
        ("doNotCall", ["N/A", "unknown", "#N/A", "-", "<Null>"]),
        ("notes", ["N/A", "null", "-"]),
    ],
)  # fmt: skip
def test_a_null_word_is_empty(field, cells):
    assert {cell: text_of(field, cell) for cell in cells} == dict.fromkeys(cells, "")


@pytest.mark.parametrize(
    ("field", "cell", "text"),
    [
        ("apn", "0123450000", "0123450000"),
        ("lastName", "Nullmeyer", "Nullmeyer"),
        ("lastName", "O'Neil", "O'Neil"),
        ("ownerName", "'Aina Trust", "'Aina Trust"),
        ("bedrooms", "0", "0"),
        ("estimatedEquity", "0", "0"),
        ("doNotCall", "none", "none"),
        ("doNotCall", "0", "0"),
        ("status", "Pending", "Pending"),
        ("address", "14 Oak St", "14 Oak St"),
        ("zip", '="02134"', "02134"),
        ("zip", "'02134", "02134"),
        ("address", "'14 Oak St", "14 Oak St"),
        ("address", "'14 Oak St'", "14 Oak St"),
        ("ownerName", '="A ""B"" C"', 'A "B" C'),
    ],
)
def test_what_says_something_stays_without_a_spreadsheets_guards(field, cell, text):
    assert text_of(field, cell) == text


@pytest.mark.parametrize(
    ("field", "cell", "value"),
    [
        ("apn", "123456789.0", "123456789"),
        ("apn", "012-345-67A", "012-345-67A"),
        ("apn", "12-3", "12-3"),
        ("apn", "1-2-3", "1-2-3"),
        ("apn", "2104-016-015", "2104-016-015"),
        ("apn", "123,456,789", "123456789"),
        *(("apn", damaged, None) for damaged in (
            "12-Jan", "Jan-12", "1-Dec-45", "1/2/2003", "01-02-03", "2003-01-02 00:00:00", "2003-01-02", "1.23E+11",
            "1,23E+11", "January 12, 2003", "123456789012345678.0")),
        ("house", "12.0", "12"),
        ("house", "12-Jan", None),
        ("address", "12.0 Oak St", "12 Oak St"),
        ("unit", "5.0", "5"),
        ("unit", "#5", "#5"),
        ("fips", "4013.0", "04013"),
        ("fips", "06-037", "06037"),
        ("fips", "33", None),
        ("city", "026", None),
        ("county", "220", None),
        ("state", "D.C.", "DC"),
        ("state", "Tex.", "TX"),
        ("state", "new york", "NY"),
        ("state", "XX", None),
        ("state", "ON", None),
        ("mailingState", "ON", "ON"),
        *(("zip", cell, "02134") for cell in (
            "02134", "2134", "2134.0", "02134.0", "2134-1234", "21341234", "021341234", "02134-", "02134 - 1234",
            "2,134", "02134–1234", "MA 02134")),
        ("zip", "K1A 0B6", None),
        ("zip", "21", None),
    ],
)  # fmt: skip
def test_codes_are_repaired_where_it_is_sure(field, cell, value):
    assert CLEAN[field](cell) == value


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("617-555-0103 x12", [("+16175550103", "12")]),
        ("617-555-0104 #12", [("+16175550104", "12")]),
        ("617-555-0104, ext. 12", [("+16175550104", "12")]),
        ("tel:+16175550101;ext=12", [("+16175550101", "12")]),
        ("617-555-0112\n617-555-0113", [("+16175550112", ""), ("+16175550113", "")]),
        ("617-555-0112 and 617-555-0113", [("+16175550112", ""), ("+16175550113", "")]),
        ("617 555 0101 617 555 0102", [("+16175550101", ""), ("+16175550102", "")]),
        ("011 1 617 555 0114", [("+16175550114", "")]),
        ("617\u2011555\u20100101", [("+16175550101", "")]),
        ("617\u00a0555\u00a00101", [("+16175550101", "")]),
        ("６１７-５５５-０１０１", [("+16175550101", "")]),
        ("\u202a(617) 555-0101\u202c", [("+16175550101", "")]),
        ("16175550101.0", [("+16175550101", "")]),
        ("C: 617-555-0101 (home)", [("+16175550101", "")]),
        ("617-555-HOME", [("+16175554663", "")]),
        ("1-800-FLOWERS", [("+18003569377", "")]),
        ("+44 20 7946 0958 / 617-555-0101", [("+442079460958", ""), ("+16175550101", "")]),
        ("5550101 (home)", None),
        ("512 UNKNOWN", None),
        ("6.17555E+09", None),
    ],
)
def test_every_phone_a_person_could_call_is_kept(cell, numbers):
    assert phones(cell) == numbers


@pytest.mark.parametrize(
    ("field", "cell", "value"),
    [
        ("estimatedValue", "$1,234.50", "1234"),
        ("estimatedValue", "1.2M", "1200000"),
        ("estimatedValue", "450K", "450000"),
        ("estimatedValue", "450.000,00", None),
        ("estimatedValue", "-5", None),
        ("estimatedEquity", "($1,234)", "-1234"),
        ("bedrooms", "3.0", "3"),
        ("bedrooms", "3 BR", "3"),
        ("bedrooms", "2.5", None),
        ("bathrooms", "2.5", "2.5"),
        ("bathrooms", "2 1/2", "2.5"),
        ("sqft", "1,840 sq ft", "1840"),
        ("yearBuilt", "1985.0", "1985"),
        ("yearBuilt", "1/1/1985", "1985"),
        ("yearBuilt", "85", None),
        ("equityPercent", "45%", "45"),
        ("equityPercent", "0.45", "45"),
        ("equityPercent", "-12.5", "-12.5"),
        ("lastSaleDate", "1/2/2003", "2003-01-02"),
        ("lastSaleDate", "1/2/03", "2003-01-02"),
        ("lastSaleDate", "2003-01-02 00:00:00", "2003-01-02"),
        ("lastSaleDate", "Jan 2, 2003", "2003-01-02"),
        ("lastSaleDate", "2-Jan-03", "2003-01-02"),
        ("lastSaleDate", "20030102", "2003-01-02"),
        ("lastSaleDate", "37623", "2003-01-02"),
        ("lastSaleDate", "12-Jan", None),
        ("ownerOccupied", "Owner Occupied", True),
        ("ownerOccupied", "absentee", False),
        ("absenteeOwner", "Out of State Absentee", True),
        ("vacant", "occupied", False),
        ("latitude", "91", None),
        ("longitude", "-122.3", "-122.3"),
        ("propertyType", "Single Family Residential", "SFR"),
        ("propertyType", "Duplex (2 units)", "MFR"),
        ("propertyType", "Vacant Land", "LAND"),
        ("propertyType", "R-1", None),
        ("status", "Contacted", "contacted"),
        ("status", "Dead Lead", "lost"),
        ("status", "Hot lead", None),
        ("tags", "Probate; Vacant, probate | Tired landlord", ["Probate", "Vacant", "Tired landlord"]),
        ("notes", "one\r\ntwo\t3", "one\ntwo 3"),
        ("email", "Ann <Ann@Example.com>; bob@example.com", "ann@example.com"),
    ],
)
def test_values_are_read_where_it_is_sure(field, cell, value):
    assert CLEAN[field](cell) == value


def test_long_notes_end_visibly_and_a_cell_of_two_addresses_has_both():
    assert CLEAN["notes"]("x" * 3000) == "x" * 1999 + "…"
    assert emails("ann@example.com, bob@example.com") == ["ann@example.com", "bob@example.com"]


def test_words_in_another_cell_forbid_a_call_and_a_denial_does_not():
    assert forbids("phone", "617-555-0101 (DNC)") == "phoneOtherDoNotCall"
    assert forbids("tags", "Probate, Do Not Call") == "doNotCall"
    assert [forbids("phone", "617-555-0101 not on DNC"), forbids("notes", "do not call")] == [None, None]


def test_a_date_is_one_in_a_column_of_dates_and_none_in_a_parcel_number():
    assert [looks_like_date(cell) for cell in ("01-02-03", "12-3", "120-45-3", "37623")] == [True, False, False, False]
    assert iso_date("31/12/2003") == "2003-12-31"


@pytest.mark.parametrize(
    ("field", "cell", "expected"),
    [
        ("address", "12-Jan Main St", None),
        ("address", "1.2E3 Main St", None),
        ("address", "12 Oak St Apt N/A", "12 Oak St"),
        ("address", "12 Oak St # 5", "12 Oak St # 5"),
        ("streetName", "14.0", None),  # 14 or 14TH
        ("streetName", "1-Mar", None),
        ("streetName", "14TH", "14TH"),
        ("streetName", "14", "14"),
    ],
)
def test_a_street_that_a_spreadsheet_has_damaged_is_not_guessed(field: str, cell: str, expected: str | None) -> None:
    assert CLEAN[field](cell) == expected


@pytest.mark.parametrize(
    ("field", "cell"),
    [("unit", "UNIT N/A"), ("unit", "APT NULL"), ("unit", "# 0"), ("apn", "NaT"), ("apn", "None."), ("apn", "pd.NA"),
     ("ownerName", "NONE KNOWN")],
)  # fmt: skip
def test_more_words_that_say_nothing(field: str, cell: str) -> None:
    assert text_of(field, cell) == ""
