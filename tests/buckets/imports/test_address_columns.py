"""Whose address a column is part of, by its name and its neighbours; and the street line that parts make."""

from __future__ import annotations

import pytest

from buckets.imports.address_parts import PROPERTY, street_line
from buckets.imports.columns import decide, guess
from buckets.imports.fields import STREET
from buckets.imports.guessing import doubts


def sides(header: str) -> str:
    """P for a column that is the property's address, M for one of the mailing address, - for another, in order."""
    found = guess(header.split(","))
    places = ("address", "streetName", "house", "unit", "city", "state", "zip", "cityStateZip")
    marks = dict.fromkeys(range(header.count(",") + 1), "-")
    marks |= {index: "P" for field, index in found.items() if field in places}
    marks |= {index: "M" for field, index in found.items() if field.startswith("mailing")}
    return "".join(marks.values())


@pytest.mark.parametrize(
    ("header", "whose"),
    [
        ("Address,City,State,Zip", "PPPP"),
        ("City,State,Zip,Address", "PPPP"),
        ("Name,Address,City,State,Zip,Phone", "-PPPP-"),
        ("Situs Address,City,State,Zip,Mailing Address,City,State,Zip", "PPPPMMMM"),
        ("Name,Mailing Address,City,State,Zip,Property Address,City,State,Zip", "-MMMMPPPP"),
        ("Owner,Owner Address,Owner City,Owner State,Owner Zip,Situs Address,City,State,Zip", "-MMMMPPPP"),
        ("Owner Name,Owner Address,City,State,Zip,Site Address,Site City,Site Zip", "-MMMMPPP"),
        ("Name,Address,City,State,Zip,Address,City,State,Zip", "-MMMMPPPP"),
        ("PARCEL_ID,SITE_ADDR,OWNER,ADDRESS,CITY,STATE,ZIP", "-P-MMMM"),
        ("Site Address,Site City,State,Zip", "PPPP"),
        ("Site Address,City,State,Zip", "PPPP"),  # no person is in the file whose city it could be
        ("Situs,Owner,Mailing,City,State,Zip", "P-MMMM"),
        ("ID,FULLADDRESS,LOCCITY,LOCZIP,NAME1,CITY,STATE,ZIP", "-PPP-MMM"),
        ("Owner,Situs Address,City,State,Zip", "-P---"),
        ("House Number,Street,City,State,Zip,Owner,Address,City,State,Zip", "PPPPP-MMMM"),
    ],
)
def test_a_bare_city_belongs_to_the_address_it_stands_beside(header: str, whose: str) -> None:
    assert sides(header) == whose


def test_a_city_beside_the_property_s_street_is_presumed_its_own_and_that_is_said() -> None:
    names = ["First Name", "Last Name", "Property Address", "City", "State", "Zip"]

    assert doubts(names).presumed == (3, 4, 5)
    assert doubts(["Owner", "Situs Address", "City", "State", "Zip"]).doubted == (2, 3, 4)


def test_a_whole_line_beside_its_parts_is_the_property_s_where_the_rows_agree() -> None:
    names = ["House", "Street Name", "Address", "City", "Zip"]
    same = [["1", "2"], ["OAK ST", "ELM ST"], ["1 OAK ST", "2 ELM ST"], ["RENO", "RENO"], ["89501", "89501"]]
    other = [*same[:2], ["1 OAK ST", "77 PEACHTREE ST"], *same[3:]]

    assert guess(names, same) == {"address": 2, "city": 3, "zip": 4}
    assert guess(names, other) == {
        "house": 0, "streetName": 1, "mailingAddress": 2, "mailingCity": 3, "mailingZip": 4,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ({"house": "1", "streetName": "1ST ST"}, "1 1ST ST"),
        ({"house": "12.0", "streetName": "Oak St"}, "12 Oak St"),
        ({"house": "12", "address": "12 Oak St"}, "12 Oak St"),
        ({"house": "00012", "address": "0012 Oak St"}, "0012 Oak St"),
        ({"house": "12", "address": "12th St"}, "12 12th St"),
        ({"house": "12", "address": "12-14 Oak St"}, "12-14 Oak St"),
        ({"house": "12", "address": "12A Oak St"}, "12A Oak St"),
        ({"house": "12", "houseSuffix": "1/2", "streetName": "OAK", "streetSuffix": "ST"}, "12 1/2 OAK ST"),
        ({"house": "12", "preDirection": "N", "streetName": "MAIN", "streetSuffix": "ST", "postDirection": "SW"},
         "12 N MAIN ST SW"),
        ({"house": "12", "preDirection": "N", "streetName": "North Main Street", "streetSuffix": "ST"},
         "12 North Main Street"),
        ({"house": "5", "streetName": "OAK ST", "streetSuffix": "ST", "postDirection": "NE"}, "5 OAK ST NE"),
        ({"address": "12 Oak St", "unit": "4"}, "12 Oak St #4"),
        ({"address": "12 Oak St", "unit": "101.0"}, "12 Oak St #101"),
        ({"address": "12 Oak St Apt 4", "unit": "4"}, "12 Oak St Apt 4"),
        ({"address": "12 Oak St #4", "unit": "Apt 4"}, "12 Oak St #4"),
        ({"address": "12 Oak St 4", "unit": "4"}, "12 Oak St 4"),
        ({"address": "12 Highway 4", "unit": "4"}, "12 Highway 4 #4"),
        ({"address": "12 Oak St", "unit": "N/A"}, "12 Oak St"),
        ({"address": "12 Oak St", "address2": "Apt 5"}, "12 Oak St Apt 5"),
        ({"address": "12 Oak St", "address2": "C/O Jane Roe"}, "12 Oak St"),
        ({"address": "12 Oak St", "address2": "Austin"}, "12 Oak St"),
        ({"address": "12 Oak St", "unit": "5", "address2": "Apt 5"}, "12 Oak St #5"),
        ({"house": "12"}, None),
    ],
)  # fmt: skip
def test_the_parts_of_a_street_line_are_joined_and_nothing_is_said_twice(
    parts: dict[str, str], line: str | None
) -> None:
    assert street_line({part: parts.get(part) for part in STREET}) == line


@pytest.mark.parametrize(
    ("cell", "place"),
    [
        ("MOUNT VERNON, WA 98273", ("MOUNT VERNON", "WA", "98273")),
        ("NEW YORK NY", ("NEW YORK", "NY", None)),
        ("Reno nv 89501-1234", ("Reno", "NV", "89501")),
        ("Austin", ("Austin", None, None)),
    ],
)
def test_city_state_and_zip_of_one_cell(cell: str, place: tuple[str | None, ...]) -> None:
    said = {"address": "1 Main St", "cityStateZip": cell}
    PROPERTY.join(said)

    assert tuple(said.get(part) for part in ("city", "state", "zip")) == place


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("geoid,parcelnumb,owner,mailadd,saddno,saddstr,sunit,scity,szip5,yearbuilt", [
            "fips", "apn", "ownerName", "mailingAddress", "house", "streetName", "unit", "city", "zip", "yearBuilt",
        ]),
        ("SITUS HOUSE NUMBER,SITUS DIRECTION,SITUS STREET NAME,SITUS MODE,SITUS QUADRANT,SITUS UNIT NUMBER", [
            "house", "preDirection", "streetName", "streetSuffix", "postDirection", "unit",
        ]),
        ("pin,prop_address_full,prop_address_city_name,mail_address_name,mail_address_full,mail_address_city_name", [
            "apn", "address", "city", "ownerName", "mailingAddress", "mailingCity",
        ]),
        ("ParcelNumberRaw,PropertyAddressFull,PropertyAddressCity,PropertyAddressZIP,PartyOwner1NameFull", [
            "apn", "address", "city", "zip", "ownerName",
        ]),
        ("PIN,SITUS_ADDR,PROP_ZIP5,OWNER_NM1,OWNER_NM2,OWN_ADDR_FULL,OWN_ST,OWN_ZIP5", [
            "apn", "address", "zip", "ownerName", "secondOwnerName", "mailingAddress", "mailingState", "mailingZip",
        ]),
        ("Lists,Tags,Property Address,Property Zip Code,Is Vacant,Is Owner Occupied,Bedroom Count,Equity Percent", [
            "lists", "tags", "address", "zip", "vacant", "ownerOccupied", "bedrooms", "equityPercent",
        ]),
        ("Prop Addr,Loc City,Parcel ID,Email 2,Email,Last Sale Amount,Est. Value,Owner 2 First Name", [
            "address", "city", "apn", "email2", "email", "lastSalePrice", "estimatedValue", "secondFirstName",
        ]),
    ],
)  # fmt: skip
def test_headers_of_many_tools_are_guessed(header: str, fields: list[str]) -> None:
    names = header.split(",")
    assert {field: names[index] for field, index in guess(names).items()} == dict(zip(fields, names, strict=True))


@pytest.mark.parametrize(
    "name",
    ["Total Assessed Value", "MLS Status", "Number of Units", "County Code", "STCD", "Buyer Name", "Company Name",
     "Property Name", "Contact 2 Email", "Owner Zip4", "Mailing County", "Building Number", "Lot Size Sqft",
     "Legal Description", "id", "Property Status", ""],
)  # fmt: skip
def test_a_column_that_is_not_understood_stays_unused(name: str) -> None:
    assert guess(["Address", name]) == {"address": 0}


@pytest.mark.parametrize(
    ("name", "cells", "is_taken"),
    [
        ("City", ["026", "031"], False),
        ("City", ["Reno", "29 Palms"], True),
        ("County", ["220"], False),
        ("FIPS", ["033"], False),
        ("FIPS", ["53033", ""], True),
        ("State", ["12"], False),
        ("Email", ["yes"], False),
        ("Owner", ["4711"], False),
    ],
)
def test_what_stands_in_a_column_must_be_what_its_name_says(name: str, cells: list[str], *, is_taken: bool) -> None:
    found = guess(["Address", name], [["1 Main St"] * len(cells), cells])

    assert (1 in found.values()) is is_taken


def test_columns_that_no_field_holds_are_kept_by_names_of_their_own() -> None:
    chosen = decide(["Address", "Pool", "Pool", "", "Zip"], {"address": 0, "zip": 4}, {}, keep_others=True)

    assert dict(chosen.others) == {"Pool": 1, "Pool (2)": 2}
    many = decide(["Address", *(f"X{n}" for n in range(150))], {"address": 0}, {}, keep_others=True)
    assert len(many.others) == 100


@pytest.mark.parametrize(
    ("header", "whose"),
    [
        ("Owner's Name,Owner's Address,City,State,Zip,Property Address", "-MMMMP"),
        ("Tax Payer Name,Tax Payer Address,Tax Payer City,State,Zip,Property Class,House #,Street", "-MMMM-PP"),
        ("Block,Lot,Qual,Property Location,City,Owner's Name,Owner's Mailing Address,City/State/Zip", "---PP-MM"),
        ("Property Address,PR Name,PR Address,City,State,Zip", "P-----"),
        ("Property Address,Customer Name,Customer Address,City,State,Zip", "P-----"),
        ("Address,Attorney,Attorney Address,City,State,Zip", "P-----"),
        ("Address,Trustee,Trustee Address,Trustee City,State,Zip", "P-----"),
        ("Address,Lender Name,Lender City,State,Zip", "P----"),
        ("Address,LENDERCITY,State,Zip", "P---"),
        ("Grantor,Grantee,Grantee Address,City,State,Zip,Property Address", "------P"),
        ("Deceased,PR Name,PR Address,PR City,PR State,PR Zip,Property Address,City,State,Zip", "------PPPP"),
        ("Situs Address,Owner 2 Address,City,State,Zip", "P----"),
        ("Address,City Council District,City,State,Zip", "P-PPP"),  # no city of anybody's
        ("Address,Real Estate,City,State,Zip", "P-PPP"),
        ("APN,County,State,Owner,Mailing Address,Mailing City,Mailing State", "--P-MMM"),
        ("APN,County,State,Owner,Mailing Address,Mailing City", "--P-MM"),
        ("County,State,APN,Owner Name,Owner Street", "-P--M"),
        ("APN,County,City,State,Zip,Owner,Owner Address,Owner City,Owner State,Owner Zip", "--PPP-MMMM"),
        ("Owner,Owner Address,Owner City,State,County,APN", "-MMM--"),
        ("Property Address,Address 2,City,State,Zip", "P-PPP"),
        ("SITUS_ADDR,OWNER,M_ADDR,M_CITY,M_STATE,M_ZIP", "P-MMMM"),
    ],
)
def test_a_bare_city_beside_somebody_else_s_address_is_nobody_s(header: str, whose: str) -> None:
    assert sides(header) == whose


def test_what_stands_beside_somebody_else_s_address_is_doubted() -> None:
    assert doubts(["Address", "Attorney", "Attorney Address", "City", "State", "Zip"]).doubted == (3, 4, 5)


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("OWN1,ADRNO,ADRDIR,ADRSTR,ADRSUF,UNITNO,CITYNAME,STATE,ZIP1,MADDR1,MCITYNAME,MSTATECODE,MZIP1", {
            "house": 1, "preDirection": 2, "streetName": 3, "streetSuffix": 4, "unit": 5, "city": 6, "state": 7,
            "zip": 8, "ownerName": 0, "mailingAddress": 9, "mailingCity": 10, "mailingState": 11, "mailingZip": 12,
        }),
        ("property_address_full,property_address_line_1,property_address_line_2,property_address_city", {
            "address": 1, "address2": 2, "city": 3,
        }),
        ("Full Address,Unit,City,State,Zip", {"address": 0, "unit": 1, "city": 2, "state": 3, "zip": 4}),
        ("Property Address,Address 2,City,State,Zip", {"address": 0, "address2": 1, "city": 2, "state": 3, "zip": 4}),
    ],
)  # fmt: skip
def test_lines_and_parts_of_an_address(header: str, fields: dict[str, int]) -> None:
    assert guess(header.split(",")) == fields


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("12 Oak St, Austin, TX 78701, USA", ("12 Oak St", "Austin", "TX", "78701")),
        ("12 Oak St Austin TX 78701", ("12 Oak St", "Austin", "TX", "78701")),
        ("12 Oak St Apt 4 Austin TX 78701", ("12 Oak St Apt 4", "Austin", "TX", "78701")),
        ("12 Oak St, Apt 4 Austin TX 78701", ("12 Oak St, Apt 4", "Austin", "TX", "78701")),
        ("12 Oak St, Austin, Texas 78701", ("12 Oak St", "Austin", "TX", "78701")),
        ("12 Oak St, Port Washington, NY 11050", ("12 Oak St", "Port Washington", "NY", "11050")),
        # not sure where the street ends
        ("12 N St Marys Rd Austin TX 78701", ("12 N St Marys Rd Austin TX 78701", None, None, None)),
        ("12 Park Ave St Louis MO 63101", ("12 Park Ave St Louis MO 63101", None, None, None)),
    ],
)
def test_a_whole_address_in_one_cell(cell: str, expected: tuple[str | None, ...]) -> None:
    said = {"address": cell}
    PROPERTY.join(said)

    assert tuple(said.get(part) for part in ("address", "city", "state", "zip")) == expected


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("12 Oak St, Austin, TX 78701, United States", "12 Oak St"),
        ("12 Oak St Austin TX 78701", "12 Oak St"),
        ("12 Oak St, Austin, Texas, 78701-1234", "12 Oak St"),
        ("12 Oak St, Austin", "12 Oak St"),
        ("12 Austin", "12 Austin"),
        ("12 Oak Austin", "12 Oak Austin"),
        ("12 Port Austin Ave", "12 Port Austin Ave"),
    ],
)
def test_a_whole_address_beside_its_parts_is_cut_to_its_street(address: str, line: str) -> None:
    said = {"address": address, "city": "Austin", "state": "TX", "zip": "78701"}
    PROPERTY.join(said)

    assert said["address"] == line


@pytest.mark.parametrize(
    ("name", "field"),
    [
        *((name, "unit") for name in (
            "Secondary Unit", "Sec Unit", "Secondary Number", "Unit_Designator", "SubAddressUnit", "Bldg", "Building",
            "Space", "Room", "Floor", "Flat",
        )),
        *((name, "address2") for name in (
            "Street 2", "Property Street 2", "Addl Address", "Secondary Address", "Address 2",
        )),
    ],
)  # fmt: skip
def test_a_unit_has_many_names(name: str, field: str) -> None:
    names = ["Property Address", name, "City", "State", "Zip"]
    assert guess(names) == {"address": 0, field: 1, "city": 2, "state": 3, "zip": 4}


def test_a_building_beside_a_unit_is_not_lost() -> None:
    assert guess(["Address", "Bldg", "Unit", "Zip"]) == {"address": 0, "address2": 1, "unit": 2, "zip": 3}
    assert guess(["Address", "Lot", "Floors", "Rooms", "Unit Type"]) == {"address": 0}


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("APN (Parcel Number Unformatted),Zip", {"apn": 0, "zip": 1}),
        ("APN (Parcel Number Unformatted),ORIGINAL APN", {"apn": 1}),
        ("AIN", {"apn": 0}),
        ("BBL", {"apn": 0}),
        ("SITE_NUM,SITE_NAME,Zip", {"house": 0, "streetName": 1, "zip": 2}),
        ("LOCNUM,LOCNAME,Zip", {"house": 0, "streetName": 1, "zip": 2}),
        ("SITE_NAME,Address", {"address": 1}),
        ("Contact,Address", {"address": 1, "ownerName": 0}),
    ],
)
def test_more_headers_are_guessed(header: str, fields: dict[str, int]) -> None:
    assert guess(header.split(",")) == fields


def test_the_last_of_three_lines_may_be_city_state_and_zip() -> None:
    names = ["Situs Address", "Owner Address 1", "Owner Address 2", "Owner Address 3"]
    cells = [
        ["1 A St"] * 3,
        ["C/O BOB", "9 ELM", "7 ELM"],
        ["9 ELM", "", ""],
        ["RENO, NV 89501", "RENO NV 89501-1234", ""],
    ]

    assert guess(names, cells) == {"address": 0, "mailingAddress": 1, "mailingAddress2": 2, "mailingCityStateZip": 3}


def test_a_second_line_may_be_city_state_and_zip() -> None:
    said = {"address": "9 Elm", "address2": "RENO, NV 89501"}
    PROPERTY.join(said)

    assert said["address"] == "9 Elm"
    assert (said["city"], said["state"], said["zip"]) == ("RENO", "NV", "89501")


@pytest.mark.parametrize("city", ["St. Louis", "Lee(s Summit", "A+B", "[Troy", "Reno\\"])
def test_a_citys_signs_are_no_pattern(city: str) -> None:
    row = {"address": f"12 Oak St, {city}, MO 64063", "city": city, "state": "MO", "zip": "64063"}

    PROPERTY.join(row)

    assert row == {"address": "12 Oak St", "city": city, "state": "MO", "zip": "64063"}
