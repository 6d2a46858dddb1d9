"""Header rows of counties and tools, as people have them: what a file's first row becomes, and how many rows fail.

The files are `../shared/cases/imports`: made-up people under real headers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from buckets.imports import services
from buckets.imports.columns import decide
from buckets.imports.preview import Preview
from buckets.imports.reading import layout_of

FILES = Path(__file__).parent / "files"
pytestmark = pytest.mark.django_db
STREET_ONLY = "An address needs a ZIP, or a city and a state"


class Case(NamedTuple):
    """house, mailing: street, city, state and ZIP of the first usable row; "-": none."""

    name: str
    house: str
    post: str
    usable: int
    failed: int = 0
    constants: dict[str, str] = {}  # never written to


CASES = (
    Case("real_sarasota.csv", "120 BROADWAY/SARASOTA/FL/34236", "44 W 10TH ST/NEW YORK/NY/10011", 2),
    Case("real_hillsborough.csv", "1001 N MAIN ST/TAMPA/FL/33602", "44 W 10TH ST/NEW YORK/NY/10011", 2, 0,
         {"state": "FL"}),
    Case("real_buncombe.csv", "12 N MAIN ST/ASHEVILLE/NC/-", "77 PEACHTREE ST/ATLANTA/GA/30303", 2, 0,
         {"city": "ASHEVILLE", "state": "NC"}),
    Case("real_buncombe.csv", "-", "-", 0, 2),
    Case("header_owner_then_city.csv", "-", "-", 0, 1),
    Case("header_owner_then_city.csv", "120 BROADWAY/-/FL/34236", "44 W 10TH ST/NEW YORK/NY/10011", 1, 0,
         {"zip": "34236"}),
    Case("real_situs_only_street_with_contact_city.csv", "-", "-", 0, 1),
    Case("real_contact_template_two_addresses.csv", "456 Oak Avenue/Austin/TX/78701",
         "123 Main St/Anytown/CA/90210", 1),
    Case("real_title_company_mixed.csv", "INDEPENDENCE PKWY/FRISCO/TX/75035", "10 GRIND MNR/FRISCO/TX/75035", 4),
    Case("real_bexar.csv", "1001 MAIN ST/SAN ANTONIO/TX/78205", "PO BOX 1/RENO/NV/89501", 1),
    Case("real_fl_dor_nal.csv", "1388 WILLOW CT/CAPE CORAL/FL/33909", "PO BOX 123/CAPE CORAL/FL/33915", 2),
    Case("real_hcad_real_acct.txt", "1001 MAIN ST/HOUSTON/TX/77002", "PO BOX 1/RENO/NV/89501", 2),
    Case("real_manatee.csv", "1001 MAIN ST/BRADENTON/FL/34205", "44 W 10TH ST/NEW YORK/-/10011", 1),
    Case("real_pasco.csv", "1001 MAIN ST/DADE CITY/FL/33523", "44 W 10TH ST APT 3/NEW YORK/NY/10011", 1),
    Case("real_philly_opa.csv", "00123 N 2ND ST/-/PA/19106", "44 W 10TH ST/NEW YORK/NY/10011", 2),
    Case("real_skagit.csv", "1001 MAIN ST/MOUNT VERNON/WA/98273", "PO BOX 1/RENO/NV/89501", 2),
    Case("real_tad_propertydata.txt", "-", "-", 0, 2),
    Case("real_tad_propertydata.txt", "1001 MAIN ST/FORT WORTH/TX/-", "PO BOX 1/RENO/NV/89501", 2, 0,
         {"city": "FORT WORTH", "state": "TX"}),
    Case("real_texas_pacs.csv", "12 N MAIN ST/TAYLOR/TX/76574", "PO BOX 1/RENO/NV/89501", 4),
    Case("real_lincoln_nc.csv", "12 1ST ST/LINCOLNTON/NC/28092", "-", 3),
    Case("real_parts_named_as_we_guess.csv", "1 1ST ST/Taylor/TX/76574", "-", 8),
    Case("real_parts_same_house_streets.csv", "1 1ST ST/Taylor/TX/76574", "-", 8),
    Case("real_propstream.csv", "500 Ocean Dr #101/Miami Beach/FL/33139", "PO Box 9/Reno/NV/89501", 3),
    Case("real_propstream_county_apn.csv", "500 Ocean Dr #101/Miami Beach/FL/33139", "1 Park Ave #4B/New York/NY/10016",
         2),
    Case("real_dealmachine.csv", "519 Ne 8th Ave Apt 5/Deerfield Beach/FL/33441", "-", 2),
    Case("real_dealmachine_guide.csv", "519 Ne 8th Ave Apt 5/Deerfield Beach/FL/33441", "-", 2),
    Case("header_address_line_1.csv", "12 Oak St Apt 4/Austin/TX/78701", "-", 1),
    Case("header_duplicate.csv", "12 Oak St/Austin/TX/78701", "PO BOX 5/Reno/NV/89501", 2),
    Case("one_column_full.csv", "12 Oak St/Austin/TX/78701", "-", 2),
    Case("spreadsheet_house_float.csv", "12 Oak St/Seattle/WA/98101", "-", 2),
    Case("spreadsheet_house_float_streetname.csv", "12 Oak St/Seattle/WA/98101", "-", 2),
    Case("sandbox_parcels.csv", "12 OAK ST/SEATTLE/WA/98101", "-", 9),
)  # fmt: skip


def look(name: str, constants: dict[str, str] | None = None) -> Preview:
    """What a person sees of a file before it is imported, without a word of hers but for these constants."""
    with (FILES / name).open("rb") as file:
        layout = layout_of(file)
        guessed = services.guess_columns(file, layout)
        chosen = decide(layout.columns, guessed, constants or {})
        return services.preview_file(file, layout, chosen)


def facts_of(name: str, constants: dict[str, str] | None = None) -> list[dict[str, Any]]:
    return [dict(lead.facts) for _, lead in look(name, constants).first]


def address(facts: dict[str, Any], of: str) -> str:
    parts = [facts.get(f"{of}_{part}", "-") for part in ("address", "city", "state", "zip")]
    return "-" if parts == ["-"] * 4 else "/".join(parts)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}{'+' if case.constants else ''}")
def test_the_property_s_and_the_owner_s_address_of_the_first_row(case: Case) -> None:
    seen = look(case.name, case.constants)

    assert (seen.usable, seen.failed) == (case.usable, case.failed), seen.reasons
    facts = dict(seen.first[0][1].facts) if seen.first else {}
    assert (address(facts, "property"), address(facts, "mailing")) == (case.house, case.post)


@pytest.mark.parametrize(
    "name",
    ["header_owner_then_city.csv", "real_situs_only_street_with_contact_city.csv", "real_buncombe.csv",
     "real_tad_propertydata.txt"],
)  # fmt: skip
def test_where_the_property_has_a_street_only_it_is_said(name: str) -> None:
    seen = look(name)

    assert set(seen.reasons) == {STREET_ONLY}
    assert any(said.startswith("The property has a street only (") for said in seen.warnings)


def test_a_city_that_may_be_the_owner_s_is_not_taken_and_named() -> None:
    seen = look("real_situs_only_street_with_contact_city.csv")

    assert (
        "City, State, Zip may be the owner's or somebody else's, not the property's: not used. Choose them if they "
        "are the property's." in seen.warnings
    )


@pytest.mark.parametrize(
    ("name", "streets"),
    [
        ("real_texas_pacs.csv", ["12 N MAIN ST", "12 S MAIN ST", "1 1ST ST #A", "1 1ST ST #B"]),
        ("real_lincoln_nc.csv", ["12 1ST ST", "14 1ST ST", "16 MAIN ST"]),
        ("real_philly_opa.csv", ["00123 N 2ND ST", "01201-05 SPRUCE ST #4"]),
        ("real_parts_same_house_streets.csv", [
            "1 1ST ST", "10 10TH AVE", "100 100TH AVE", "10 100TH AVE", "1 100TH AVE", "5 5TH ST", "2 2ND ST N",
            "2 2ND ST S",
        ]),
        ("real_propstream.csv", ["500 Ocean Dr #101", "500 Ocean Dr #102", "500 Ocean Dr #103"]),
        ("real_dealmachine.csv", ["519 Ne 8th Ave Apt 5", "519 Ne 8th Ave Apt 6"]),
    ],
)  # fmt: skip
def test_street_lines_are_joined_with_their_units(name: str, streets: list[str]) -> None:
    seen = look(name)

    assert [lead.facts["property_address"] for _, lead in seen.first] == streets
    assert len({lead.property_id for _, lead in seen.first}) == len(streets)


@pytest.mark.parametrize("name", ["real_dealmachine.csv", "real_dealmachine_guide.csv", "real_texas_pacs.csv"])
def test_another_tool_s_property_id_is_no_property_id_of_ours(name: str) -> None:
    seen = look(name)

    assert not any(lead.property_id.isdigit() for _, lead in seen.first)
    assert any("is not used: the numbers are another tool's" in said for said in seen.warnings)


def test_propstream_s_row_has_every_field() -> None:
    first, second, third = facts_of("real_propstream.csv")

    assert first == {
        "property_address": "500 Ocean Dr #101", "property_city": "Miami Beach", "property_state": "FL",
        "property_zip": "33139", "first_name": "ANN", "last_name": "DOE", "mailing_address": "PO Box 9",
        "mailing_city": "Reno", "mailing_state": "NV", "mailing_zip": "89501", "phone": "+13055550101",
        "phone_type": "mobile", "phone_do_not_call": True, "secondary_phone": "+13055550102",
        "secondary_phone_type": "landline", "secondary_phone_do_not_call": False, "email": "ann@example.com",
        "litigator": False, "do_not_mail": False, "property_type": "CONDO", "bedrooms": "1", "bathrooms": "1",
        "sqft": "700", "year_built": "1985", "estimated_value": "300000", "estimated_equity": "300000",
        "last_sale_date": "2020-01-01", "last_sale_price": "150000", "owner_occupied": False, "tags": ["Absentee"],
    }  # fmt: skip
    assert (second["litigator"], second["phone_do_not_call"], third["do_not_mail"]) == (True, True, True)


def test_an_owner_in_one_cell_is_kept_whole_and_told_apart_only_where_it_is_sure() -> None:
    found = [(f["owner_name"], f.get("first_name"), f.get("last_name")) for f in facts_of("owner_merged.csv")]

    assert found[:4] == [
        ("DOE, ANN", "ANN", "DOE"),
        ("DOE ANN & ROE BOB", "ANN", "DOE"),
        ("DOE ANN ETAL", "ANN", "DOE"),
        ("DOE ANN JR", "ANN", "DOE"),
    ]


def test_codes_are_no_names_of_a_city_or_a_county() -> None:
    facts = facts_of("real_tad_propertydata.txt", {"city": "FORT WORTH", "state": "TX"})

    assert [(one["property_city"], one.get("property_county"), one["apn"]) for one in facts] == [
        ("FORT WORTH", None, "00000019"), ("FORT WORTH", None, "00000027"),
    ]  # fmt: skip
