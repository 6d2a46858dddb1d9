"""Counties, parcel numbers, ZIPs and cities in one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.naming import counties, parcel_numbers, places, states

COUNTIES = """
53033 WA King|King CO.|King Co|KING COUNTY|County of King|king county|King, WA|King County, Washington|King Cnty
13089 GA De Kalb|DeKalb|Dekalb|DEKALB COUNTY|De Kalb Co.
12086 FL Dade|Miami-Dade|MIAMI DADE|Dade County|Miami-Dade County
29510 MO St. Louis City|Saint Louis City|City of St. Louis|ST LOUIS CITY
29189 MO St. Louis County|Saint Louis County|St Louis|Saint Louis
17099 IL LaSalle|La Salle|LASALLE COUNTY
22059 LA LaSalle Parish|La Salle|La Salle Parish
24033 MD Prince Georges|Prince George's|Prince George’s County|PRINCE GEORGES
22071 LA Orleans|Orleans Parish|Parish of Orleans
22033 LA East Baton Rouge|E Baton Rouge Parish|E. Baton Rouge
02170 AK Matanuska-Susitna Borough|Matanuska Susitna
02110 AK Juneau|Juneau City and Borough|City and Borough of Juneau
51510 VA Alexandria|Alexandria City|City of Alexandria
51600 VA Fairfax City|City of Fairfax|Fairfax (Independent City)
51059 VA Fairfax|Fairfax County
51095 VA James City|James City County
51036 VA Charles City|Charles City County
32510 NV Carson City
09001 CT Fairfield|Fairfield County
09110 CT Capitol|Capitol Planning Region
09190 CT Western Connecticut Planning Region
35013 NM Doña Ana|Dona Ana|DOÑA ANA COUNTY|Don\u0303a Ana
06075 CA San Francisco|City and County of San Francisco|San Francisco City and County
36061 NY New York|Manhattan
36047 NY Kings|Brooklyn
11001 DC District of Columbia|Washington
30049 MT Lewis & Clark|Lewis and Clark
17111 IL McHenry|Mc Henry
19141 IA O'Brien|OBrien
46102 SD Oglala Lakota
72113 PR Ponce|Ponce Municipio
"""
NO_NUMBER = [
    "N/A", "n/a", "UNKNOWN", "0", "000-000-000", "00000", "Multiple", "MULTIPLE PARCELS", "NONE", "NULL", "#N/A", "TBD",
    "PENDING", "SEE MAP", "See map 12", "-", "", "   ", "99999", "999-999-999", "Various", "Not available",
    "1.23E+11", "1,23E+11", "6.51205E+16", "12-Jan", "Jan-12", "3-Apr", "1/2/2003", "2003-01-02 00:00:00",
    "\0", "😀", "٣٤", "1" * 101,
]  # fmt: skip


@pytest.mark.parametrize("row", COUNTIES.strip().splitlines(), ids=lambda row: row[:20])
def test_a_county_and_its_state_are_one_fips_code(row: str) -> None:
    fips, state, names = row.split(" ", 2)
    assert {counties.fips(None, name, state) for name in names.split("|")} == {fips}


def test_every_county_of_the_table_is_found_by_its_name() -> None:
    assert len(counties._codes()) > 3200
    assert counties.fips(None, "King", "Washington") == counties.fips(None, "KING", "wa") == "53033"
    assert counties.fips(None, "Nowhere", "WA") is None
    assert counties.fips(None, "220", "TX") is None  # an appraisal district's number
    assert counties.fips(None, "CO", "CO") is None


@pytest.mark.parametrize(
    ("code", "county", "state", "fips"),
    [
        ("53033", None, None, "53033"),
        ("53033.0", None, None, "53033"),
        ("6037", None, None, "06037"),
        ("53033", "Pierce", "WA", "53033"),
        ("53033", "Los Angeles", "CA", "53033"),
        ("33", None, "WA", "53033"),
        ("033", None, "Washington", "53033"),
        ("33", "Pierce", "WA", "53053"),
        ("53", None, "WA", None),  # the state's own number, or Pierce's
        ("220", None, "TX", None),
        ("99999", "King", "WA", "53033"),
        ("00000", "King", "WA", "53033"),
        ("53000", "King", "WA", "53033"),
        ("King", "King", "WA", "53033"),
        ("٥٣٠٣٣", None, None, None),
        ("", "", "", None),
        (None, None, None, None),
    ],
)
def test_a_whole_fips_code_wins_over_county_and_state(
    code: str | None, county: str | None, state: str | None, fips: str | None
) -> None:
    assert counties.fips(code, county, state) == fips


@pytest.mark.parametrize(
    ("apn", "parcel"),
    [
        ("12-3", ("12-3", "123", False)),
        ("12.3", ("12-3", "123", False)),
        (" 12 3 ", ("12-3", "123", False)),
        ("1-23", ("1-23", "123", False)),
        ("123", ("123", "123", True)),
        ("123456789.0", ("123456789", "123456789", True)),
        ("r-0001a", ("R-0001A", "R0001A", False)),
        ("A-01-28-17-000-1.0", ("A-01-28-17-000-1-0", "A01281700010", False)),
        ('="0123450000"', ("0123450000", "0123450000", True)),
        ("'0123450000", ("0123450000", "0123450000", True)),
        ("APN: 123-456", ("123-456", "123456", False)),
        ("Parcel No. 123-456", ("123-456", "123456", False)),
        ("5E10A", ("5E10A", "5E10A", True)),
        ("P12345", ("P12345", "P12345", True)),
        ("4842 06 10 0120", ("4842-06-10-0120", "484206100120", False)),
        ("02–4203–100", ("02-4203-100", "024203100", False)),
    ],
)
def test_a_parcel_number_by_its_segments(apn: str, parcel: tuple[str, str, bool]) -> None:
    assert parcel_numbers.read(apn) == parcel


@pytest.mark.parametrize("apn", [*NO_NUMBER, None, 12], ids=repr)
def test_what_stands_for_no_number_and_what_a_spreadsheet_has_damaged_is_none(apn: object) -> None:
    assert parcel_numbers.read(apn) is None


@pytest.mark.parametrize(
    "zip_code",
    ["02134", "2134", "02134-1234", "2134-1234", "021341234", "21341234", "02134-", "2134.0", "02134 - 1234",
     "02134–1234", "02134 1234", " 02134 "],
)  # fmt: skip
def test_a_zip_in_the_spellings_of_spreadsheets(zip_code: str) -> None:
    assert places.zip5(zip_code) == "02134"


@pytest.mark.parametrize("zip_code", ["", "00000", "abc", "12", "1234567", "٠٢١٣٤", "x" * 10**6])
def test_what_is_no_zip(zip_code: str) -> None:
    assert places.zip5(zip_code) is None


@pytest.mark.parametrize(
    ("spellings", "town"),
    [
        ("St. Louis|Saint Louis|ST LOUIS|st louis", "SAINT LOUIS"),
        ("Ft Worth|Ft. Worth|Fort Worth", "FORT WORTH"),
        ("MT. VERNON|Mt Vernon|Mount Vernon", "MOUNT VERNON"),
        ("N Miami Beach|N. Miami Beach|North Miami Bch", "NORTH MIAMI BEACH"),
        ("Austin|City of Austin|AUSTIN", "AUSTIN"),
        ("Cañon City|Canon City", "CANON CITY"),
        ("Winston-Salem|Winston Salem", "WINSTON SALEM"),
        ("Coeur d'Alene|Coeur d’Alene", "COEUR DALENE"),
        ("La Jolla", "LA JOLLA"),
        ("", ""),
    ],
)
def test_a_city_in_one_spelling(spellings: str, town: str) -> None:
    assert {places.town(city) for city in spellings.split("|")} == {town}


def test_a_state_by_its_code_and_its_name() -> None:
    assert {states.code(state) for state in ("WA", "wa", "Washington", " washington ", "Wash.")} == {"WA"}
    assert (states.code("Zz"), states.code("Texaas")) == ("ZZ", "")
    assert states.code("D.C.") == states.code("District of Columbia") == "DC"


TEXT = st.none() | st.text(max_size=200)


@given(TEXT, TEXT, TEXT)
def test_no_text_breaks_the_table_of_counties(code: str | None, county: str | None, state: str | None) -> None:
    found = counties.fips(code, county, state)
    assert found is None or (len(found) == 5 and found.isdigit())


@given(st.text(max_size=200))
def test_no_text_breaks_a_parcel_number_a_zip_or_a_city(text: str) -> None:
    parcel = parcel_numbers.read(text)
    if parcel is not None:
        assert parcel_numbers.read(parcel.segments) == parcel
        assert parcel.segments.replace("-", "") == parcel.squeezed
    assert places.town(places.town(text)) == places.town(text)
    found = places.zip5(text)
    assert found is None or len(found) == 5
