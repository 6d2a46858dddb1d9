"""Street lines in one spelling: what is one house, and what never is."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scourgify.address_constants import STREET_TYPE_ABBREVIATIONS

from integrations.lookups.agreement import addresses_differ, contradict, houses_differ
from integrations.lookups.identity import names_of
from integrations.naming import house_numbers, street_lines
from integrations.naming.street_words import SUFFIXES

ONE_HOUSE = """
12 Oak St Ste 4|12 Oak St Suite 4|12 Oak St #4|12 Oak St # 4|12 Oak St Apt 4|12 Oak St Unit 4|12 Oak St, Apt. 4
12 Oak St 4|12 OAK STREET APT #4|12 Oak St Apt No. 4|12 Oak St, 4|12 Oak St APT4|12 Oak St Number 4|12 Oak St Apt 04
14 NW 5th St|14 N.W. 5th St|14 Northwest 5th St|14 N W 5th St|14 NW Fifth Street|14 N. W. 5th St.|14 NW 5 St
18 County Road 12|18 CR 12|18 Co Rd 12|18 C.R. 12|18 Co. Rd. 12|18 CR-12|18 County Rd 12|18 Cnty Rd 12
16 Saint Charles Ave|16 St Charles Ave|16 St. Charles Avenue|16 St.Charles Av
20 Oak Cove|20 Oak Cv
22 1st St|22 First St|22 First Street|22 1ST STREET
12 12th Ave|12 Twelfth Avenue
12 21st St|12 Twenty First St|12 Twenty-First Street
1 A St|1 A Street|1 A ST.
12 US-1|12 US 1|12 US Hwy 1|12 U.S. Highway 1|12 U.S. Route 1|12 U S Hwy 1
12 SR 5|12 State Road 5|12 State Rd 5|12 S.R. 5|12 St Rd 5|12 State Route 5|12 State Hwy 5|12 SR-5
12 FM 1460|12 Farm to Market Road 1460|12 Farm to Market 1460|12 FM-1460|12 FM RD 1460|12 Farm-to-Market Rd 1460
12 Hwy 5|12 Highway 5|12 HWY-5
12 N Hwy 5 Apt 2|12 North Highway 5 #2
12 Ranch Road 620|12 RR 620|12 RM 620
12 JFK Blvd|12 J.F.K. Blvd|12 J F K Boulevard
12 I-35|12 Interstate 35|12 IH 35|12 IH-35
12 County Hwy KK|12 CTH KK
12 NC Hwy 5|12 NC 5|12 N.C. Highway 5|12 North Carolina Highway 5
N6W23001 Bluemound Rd|N6 W23001 Bluemound Road|n6w23001 BLUEMOUND RD
W142 N8700 Merrimac Dr|W142N8700 Merrimac Drive|W142-N8700 Merrimac Dr
112-10 71st Rd|112–10 71st Road
12 1/2 Main St|12½ Main Street|12-1/2 Main St
12A Oak St|12-A Oak St
0012 Oak St|12.0 Oak St|12 Oak Street|# 12 Oak St|１２ Oak St
100 Main St Bldg 2 Apt 5|100 Main St Building 2 Unit 5|100 Main St Apt 5 Bldg 2|100 Main St, Bldg 2, #5
12 Main St 2nd Floor|12 Main St FL 2|12 Main St 2nd Fl
12 Main St Rear|12 Main St # Rear|12 Main St, Rear
12 Main St Apt 4-B|12 Main St #4B|12 Main St Apt 4 B|12 Main St 4B|12 Main St 4 B
12 Main St Penthouse 2|12 Main St PH 2|12 Main St Apt PH2
120 Broadway Apt 5|120 Broadway #5|120 Broadway 5
14 E St NW|14 E Street N.W.
12 E St 5|12 E St #5
1 Ave A|1 Avenue A
12 Old Saint Augustine Rd|12 Old St. Augustine Road
12 Main St Ext|12 Main Street Extension
12 Martin Luther King Jr Blvd|12 MLK Blvd|12 Dr. Martin Luther King Jr. Boulevard|12 Dr M L King Jr Blvd
12 No. Main St|12 N Main St|12 North Main Street|12 NO MAIN ST
12 So. Main St|12 S Main St
12 Main St N|12 Main Street North|12 Main St. N.
123 E 400 S|123 East 400 South
12 Mt Vernon Ave|12 Mount Vernon Avenue|12 Mt. Vernon Ave
12 Ft Worth Dr|12 Fort Worth Drive
519 NE 8 Ave Apt 5|519 Ne 8th Ave #5
12 Main St, Austin, TX 78701|12 Main St
12 Oak St Apt 3, Austin, TX 78701-1234|12 Oak St Apt 3 Austin TX 78701|12 Oak St #3|Apt 3, 12 Oak St
12 NW Hwy|12 Northwest Highway
12 W County Rd B2|12 W County Road B2|12 West CR B2
12 Main St Apt|12 Main St Unit|12 Main St #|12 Main St
1,234 Oak St|1234 Oak St
112 - 10 71st Rd|112-10 71st Rd
26 Pena St|26 Peña St.
1201-05 SPRUCE ST 4|1201-05 Spruce Street Unit 4
12 O'Neil Ct|12 ONeil Court|12 O’Neil Ct
12 Oak-Hill Rd|12 Oak Hill Road
12 Oak & Elm St|12 Oak and Elm St
12A Oak St|12 A Oak St|12-A Oak St
12 SE Oak St|12 South East Oak St|12 S.E. Oak St
12 Oak St SE|12 Oak St South East
12 Oak Blvd|12 Oak Bl
12 NE Loop 410|12 N.E. Loop 410|12 Northeast Loop 410
12 Martin Luther King Jr Blvd|12 Martin Luther King Junior Blvd|12 MLK Jr Blvd|12 M.L. King Blvd|12 Dr MLK Blvd
12 County Rd 4 #4|12 CR 4 4|12 County Road 4 Apt 4
12 Main St #4|#4 12 Main St|# 4, 12 Main Street|Apt 4 12 Main St
12 O Neil Ct|12 ONeil Ct|12 O'Neil Court
12 Mc Donald Ave|12 McDonald Ave
1 Martin Luther King Jr Way|1 MLK Jr Way|1 M.L. King Jr Way|1 MLK Way
W156N8480 Pilgrim Rd|W156 N8480 Pilgrim Road|W156-N8480 Pilgrim Rd
"""
OTHER_HOUSES = """
12 No Name Rd|12 Name Rd|12 N Name Rd
14 E St|14 East St
14 E Ave N|14 East Ave N
16 Unit St|16 St
12 No. Main St|12 Main St|12 So. Main St
12 Oak Ave|12 Oak St|12 Oak
100 Main St Unit 1|100 Main St Unit 2|100 Main St
1 Ave A|1 A Ave
1 1ST ST|11 ST|11 1st St|1 11th St
12 Ave E|12 Avenue East
12 Ranch Rd Unit 620|12 Ranch Rd 620
100 Main St Bldg 2|100 Main St Unit 2|100 Main St FL 2|100 Main St Lot 2
12 Main St #1-23|12 Main St #12-3|12 Main St #123
12 Main St|12 1/2 Main St|12A Main St|12-14 Main St
112-10 71st Rd|112 10th 71st Rd|11210 71st Rd
12 St Charles Ave|12 Charles Ave|12 Street Charles Ave
12 CR 12|12 Oak CR|12 CR 12A
12 Main St Extension|12 Main St
12 Park Pl|12 Park Ave|12 Park
2 2ND ST N|2 2ND ST S
12 County Road 12|12 County Road 13|12 State Road 12|12 US 12
12 Main St Apt N|12 Main St N
12 N A St|12 A St
12 Farm Rd 12|12 Farm Rd Unit 12|12 FM 12
12 N Ave|12 North Ave
12 Main St No|12 Main St|12 No Main St
12 Center St|12 Centre St
12 A St|12A St|12 A Oak St
12 South East St|12 SE St
12 NE Loop 410|12 NE Loop #410|12 Loop 410
12 County Rd 4|12 County Rd 4 #4
"""


def spellings(table: str) -> list[list[str]]:
    return [line.split("|") for line in table.strip().splitlines()]


def exact(street: str) -> str:
    line = street_lines.read(street)
    assert line is not None, street
    return line.exact


@pytest.mark.parametrize("streets", spellings(ONE_HOUSE), ids=lambda streets: streets[0])
def test_spellings_of_one_house_are_one_line(streets: list[str]) -> None:
    assert {exact(street) for street in streets} == {exact(streets[0])}


@pytest.mark.parametrize("streets", spellings(OTHER_HOUSES), ids=lambda streets: streets[0])
def test_other_houses_are_other_lines(streets: list[str]) -> None:
    assert len({exact(street) for street in streets}) == len(streets)


@pytest.mark.parametrize(
    ("street", "line"),
    [
        ("100 north oak street apt 4", ("100 N OAK ST #4", "100 OAK")),
        ("18 County Road 12", ("18 CR 12", "18 CR_12")),
        ("12 No Name Rd", ("12 NO NAME RD", "12 NONAME")),
        ("1 1ST ST", ("1 1ST ST", "1 1ST")),
        ("12 Main St Upstairs Left", ("12 MAIN ST UPSTAIRS LEFT", "12 MAINSTUPSTAIRSLEFT")),
        ("1234 S Avenue 3 E", ("1234 S AVE 3 E", "1234 AVE3")),
    ],
)
def test_a_line_in_one_spelling(street: str, line: tuple[str, str]) -> None:
    assert street_lines.read(street) == line


@pytest.mark.parametrize(
    "streets",
    [
        ["12 N Main St", "12 Main St", "12 Main St # 4", "12 S. Main Street Apt 5", "12 Main Ave"],
        ["12 US Hwy 5", "12 State Road 5", "12 Hwy 5", "12 Route 5"],
        ["12 County Road 5", "12 County Hwy 5"],
        ["12 RR 5", "12 Rural Route 5"],
        ["12 La Salle St", "12 LaSalle St"],
        ["12 East St", "12 E St"],
        ["12 Center St", "12 Centre St"],
        ["12-14 Oak St", "12 Oak St"],
    ],
)
def test_a_house_on_a_street_of_one_core_is_possibly_the_same(streets: list[str]) -> None:
    lines = [street_lines.read(street) for street in streets]
    assert len({line and line.possible for line in lines}) == 1
    assert len({line and line.exact for line in lines}) == len(streets)


PUBLICATION_28_ERRS = {"CR", "VIA", "VIADUCT", "VDCT", "VIADCT"}


def test_every_suffix_of_publication_28_is_read_in_all_its_variants() -> None:
    variants = {word: short for word, short in STREET_TYPE_ABBREVIATIONS.items() if " " not in word}
    for word, short in variants.items():
        if word not in PUBLICATION_28_ERRS:
            assert exact(f"12 Zebra {word.title()}") == f"12 ZEBRA {short}"
    assert len(SUFFIXES) > 560
    assert {SUFFIXES[word] for word in SUFFIXES} == {SUFFIXES[short] for short in SUFFIXES.values()}


@pytest.mark.parametrize(
    ("street", "why"),
    [
        ("12 Oak St", None),
        ("N6W23001 Bluemound Rd", None),
        ("38W123 Main St", None),
        ("12 N A St", None),
        ("16 St", None),
        ("0 MAIN ST", house_numbers.ZERO),
        ("00000 MAIN ST", house_numbers.ZERO),
        ("0 COUNTY ROAD 12", house_numbers.ZERO),
        ("0.0 Main St", house_numbers.ZERO),
        ("COUNTY ROAD 12", house_numbers.NO_HOUSE_NUMBER),
        ("US HWY 290", house_numbers.NO_HOUSE_NUMBER),
        ("UNKNOWN 12", house_numbers.NO_HOUSE_NUMBER),
        ("1ST ST", house_numbers.NO_HOUSE_NUMBER),
        ("TBD MAIN ST", house_numbers.NO_HOUSE_NUMBER),
        ("VACANT LAND", house_numbers.NO_HOUSE_NUMBER),
        ("", house_numbers.NO_HOUSE_NUMBER),
        ("😀", house_numbers.NO_HOUSE_NUMBER),
        ("PO BOX 12", house_numbers.PO_BOX),
        ("P.O. Box 12", house_numbers.PO_BOX),
        ("P O Box 12", house_numbers.PO_BOX),
        ("Post Office Box 12", house_numbers.PO_BOX),
        ("POB 12", house_numbers.PO_BOX),
        ("BOX 12", house_numbers.PO_BOX),
        ("RR 2 BOX 5", house_numbers.RURAL_BOX),
        ("R.R. 2 Box 5", house_numbers.RURAL_BOX),
        ("HC 33 BOX 4", house_numbers.RURAL_BOX),
        ("Rural Route 2 Box 5", house_numbers.RURAL_BOX),
        ("LOT 5 BLK 2 SUNSET", house_numbers.A_LOT),
        ("LOT 5", house_numbers.A_LOT),
        ("99999 UNASSIGNED", house_numbers.NOT_ASSIGNED),
        ("12", house_numbers.NO_STREET),
        ("12 # 5", house_numbers.NO_STREET),
        ("1" * 20 + " Main St", house_numbers.NO_HOUSE_NUMBER),
        ("12 " + "x" * 10**6, house_numbers.TOO_LONG),
    ],
)
def test_why_a_line_names_no_house(street: str, why: str | None) -> None:
    assert house_numbers.problem(street) == why
    assert (street_lines.read(street) is None) == (why is not None)


# --- Whatever a file holds -------------------------------------------------------------------------------------------

HARD_WORDS = """
    OAK MAIN ELM SAINT CHARLES NO NAME UNIT APT STE E EAST N NORTH NW ST STREET AVE AVENUE RD PARK CR COUNTY ROAD HWY US
    FM STATE 5 12 A B 1ST FIRST 21ST LOT KEY REAR FL FLOOR # BOX TWENTY THE OF MLK KING 1-23 1/2 BROADWAY
"""
WORDS = st.sampled_from(HARD_WORDS.split())
SPACES = st.sampled_from([" ", "  ", ". ", " . ", "\t", "\xa0"])
CASES = st.sampled_from([str.lower, str.title, str.upper])


@given(st.lists(st.tuples(WORDS, SPACES), max_size=9), CASES)
def test_case_spaces_and_points_change_nothing(words: list[tuple[str, str]], case: Callable[[str], str]) -> None:
    plain = " ".join(["12", *(word for word, _ in words)])
    spelled = "12 " + "".join(word + space for word, space in words)
    assert street_lines.read(case(spelled)) == street_lines.read(plain)


@pytest.mark.long
@given(st.text(max_size=300) | st.from_regex(re.compile(r"\d{1,5} [\w#.,/'& -]{0,80}"), fullmatch=True))
def test_no_text_breaks_the_reading(street: str) -> None:
    line = street_lines.read(street)
    assert (line is None) == (house_numbers.problem(street) is not None)
    if line is not None:
        assert line.exact.startswith(line.possible.split()[0])


@given(st.lists(WORDS, min_size=1, max_size=6))
def test_a_line_in_its_one_spelling_stays_so(words: list[str]) -> None:
    """After a few readings: 12 COUNTY HWY STREET takes two, 12 A UNIT EAST # NO four. Of 12 LOT APT 5, which names no
    street, the first reading leaves a unit alone, which the next refuses.
    """
    line = street_lines.read(" ".join(["12", *words]))
    if line is None or re.fullmatch(r"12 (APT|FLOOR|LOT|STE|UNIT)+", line.possible):
        return
    for _ in range(4):
        last, line = line, street_lines.read(line.exact)
        assert line is not None
    assert line.exact == last.exact


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("12 Main St Apt 4-B", "12 MAIN STREET #4B", False),
        ("12 Main St, Bldg 2, Apt 5", "12 Main St Apt 5 Bldg 2", False),
        ("012 Main St", "12 Main St", False),
        ("12 Main St", "12 Main St Unit 4", False),
        ("12 Main St Ste 4", "12 Main St Unit 5", True),
        ("12 Main St 4", "12 Main St Apt 5", True),
        ("12 1/2 Main St", "12 Main St", True),
        ("12 Main St", "14 Main St", True),
        ("County Road 12", "14 Main St", False),
        (None, "14 Main St", False),
    ],
)
def test_two_lines_differ_by_another_house_or_unit_however_these_are_spelled(
    one: str | None, other: str, differ: bool
) -> None:
    assert houses_differ(one, other) is houses_differ(other, one) is differ


def test_houses_of_queens_are_no_ranges() -> None:
    lines = [street_lines.read(street) for street in ("112-10 Bronx Rd", "112-12 Bronx Rd", "112 Bronx Rd")]
    assert len({line and line.possible for line in lines}) == 3


@pytest.mark.parametrize("streets", spellings(ONE_HOUSE), ids=lambda streets: streets[0])
def test_lines_of_one_name_contradict_each_other_in_nothing(streets: list[str]) -> None:
    facts = [{"property_address": street, "property_zip": "53051"} for street in streets]
    for one in facts:
        for other in facts:
            first, second = str(one["property_address"]), str(other["property_address"])
            assert not houses_differ(first, second) and not addresses_differ(first, second)
            assert not contradict(names_of(one), [name.text for name in names_of(other)])


@given(
    st.sampled_from(["12", "W156N8480", "W156 N8480", "112-10", "12 1/2", "12A", "#4 12", "1N123", "0012"]),
    st.sampled_from(["", "N ", "North ", "NW "]),
    st.sampled_from(["Oak", "O Neil", "ONeil", "MLK Jr", "County Road 5", "CR 5", "1st", "First", "E", "St Charles"]),
    st.sampled_from([" St", " Street", " Rd", ""]),
    st.sampled_from(["", " Apt 4", " #4", " Bldg 2 Unit 5", " Rear"]),
    st.sampled_from(["", " S"]),
)
def test_a_line_never_contradicts_its_own_name(
    house: str, before: str, name: str, suffix: str, unit: str, after: str
) -> None:
    street = f"{house} {before}{name}{suffix}{after}{unit}"
    shouted = f"  {street.upper().replace(' ', '  ')}."
    one, other = ({"property_address": line, "property_zip": "53051"} for line in (street, shouted))
    assert {name.text for name in names_of(one)} == {name.text for name in names_of(other)} != set()
    assert not houses_differ(street, shouted) and not addresses_differ(street, shouted)
    assert not contradict(names_of(one), [name.text for name in names_of(other)])


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("12 Oak St", "12 Elm St", True),
        ("12 N Oak St", "12 S Oak St", True),
        ("12 N Oak St", "12 Oak St", False),
        ("12 Oak St", "12 Oak Ave", False),
        ("12 Oak St", "14 Oak St", True),
        ("12 Oak St Apt 1", "12 Oak St Apt 2", True),
        ("100 Willow Court, Ashby", "100 Willow Ct", False),
        ("Oak St", "12 Elm St", False),
    ],
)
def test_which_addresses_are_two(one: str, other: str, differ: bool) -> None:
    assert addresses_differ(one, other) is differ
    assert addresses_differ(other, one) is differ


@pytest.mark.parametrize(
    "street",
    ["100 Willow Court, Ashby", "100 Willow Ct Ashby", "100 Willow Ct, Ashby, MA 01431", "100 Willow Ct Ashby MA",
     "100 Willow Ct, Ashby, Massachusetts"],
)  # fmt: skip
def test_a_record_s_own_city_is_no_part_of_its_street(street: str) -> None:
    place = {"property_city": "Ashby", "property_state": "MA", "property_zip": "01431"}
    assert names_of({"property_address": street, **place}) == names_of({"property_address": "100 Willow Ct", **place})
    assert names_of({"property_address": "12 Ashby Rd", **place})[0].text == "address:12 ASHBY RD@01431"
