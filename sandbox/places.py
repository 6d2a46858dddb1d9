"""Real US places: ZIP codes (package `zipcodes`), states and the county FIPS codes the sandbox needs."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import zipcodes

# FIPS state codes and names (US Census, ANSI INCITS 38).
STATES = {
    code: (fips, name)
    for code, fips, name in (
        line.split("|")
        for line in str.split(
            "AL|01|Alabama;AK|02|Alaska;AZ|04|Arizona;AR|05|Arkansas;CA|06|California;CO|08|Colorado;CT|09|Connecticut;"
            "DE|10|Delaware;DC|11|District of Columbia;FL|12|Florida;GA|13|Georgia;HI|15|Hawaii;ID|16|Idaho;"
            "IL|17|Illinois;IN|18|Indiana;IA|19|Iowa;KS|20|Kansas;KY|21|Kentucky;LA|22|Louisiana;ME|23|Maine;"
            "MD|24|Maryland;MA|25|Massachusetts;MI|26|Michigan;MN|27|Minnesota;MS|28|Mississippi;MO|29|Missouri;"
            "MT|30|Montana;NE|31|Nebraska;NV|32|Nevada;NH|33|New Hampshire;NJ|34|New Jersey;NM|35|New Mexico;"
            "NY|36|New York;NC|37|North Carolina;ND|38|North Dakota;OH|39|Ohio;OK|40|Oklahoma;OR|41|Oregon;"
            "PA|42|Pennsylvania;RI|44|Rhode Island;SC|45|South Carolina;SD|46|South Dakota;TN|47|Tennessee;"
            "TX|48|Texas;UT|49|Utah;VT|50|Vermont;VA|51|Virginia;WA|53|Washington;WV|54|West Virginia;"
            "WI|55|Wisconsin;WY|56|Wyoming",
            ";",
        )
    )
}

# County FIPS codes (US Census, ANSI INCITS 31) of the counties the public parcel files lie in and of the most
# populous ones. Elsewhere `fips` and `countyId` are null: better none than an invented code.
_COUNTIES = {
    "AL": "Jefferson 073",
    "AZ": "Maricopa 013,Pima 019",
    "CA": "Alameda 001,Contra Costa 013,El Dorado 017,Fresno 019,Kern 029,Los Angeles 037,Orange 059,Placer 061,"
    "Riverside 065,Sacramento 067,San Bernardino 071,San Diego 073,San Francisco 075,San Joaquin 077,San Mateo 081,"
    "Santa Clara 085,Solano 095,Sonoma 097,Stanislaus 099,Sutter 101,Ventura 111,Yolo 113",
    "CO": "Denver 031,El Paso 041",
    "FL": "Broward 011,Duval 031,Hillsborough 057,Miami-Dade 086,Orange 095,Palm Beach 099,Pinellas 103",
    "GA": "Cobb 067,DeKalb 089,Fulton 121,Gwinnett 135",
    "HI": "Honolulu 003",
    "IL": "Cook 031,DuPage 043,Lake 097",
    "IN": "Marion 097",
    "MA": "Middlesex 017,Suffolk 025",
    "MD": "Montgomery 031",
    "MI": "Macomb 099,Oakland 125,Wayne 163",
    "MN": "Hennepin 053",
    "NC": "Mecklenburg 119,Wake 183",
    "NJ": "Bergen 003,Burlington 005,Essex 013,Hudson 017,Middlesex 023",
    "NM": "Bernalillo 001,Santa Fe 049",
    "NV": "Clark 003",
    "NY": "Bronx 005,Erie 029,Kings 047,Nassau 059,New York 061,Queens 081,Suffolk 103,Westchester 119",
    "OH": "Cuyahoga 035,Franklin 049,Hamilton 061",
    "OK": "Oklahoma 109",
    "OR": "Multnomah 051",
    "PA": "Allegheny 003,Philadelphia 101",
    "TN": "Davidson 037,Shelby 157",
    "TX": "Bexar 029,Collin 085,Dallas 113,Denton 121,Fort Bend 157,Harris 201,Tarrant 439,Travis 453",
    "UT": "Salt Lake 035",
    "VA": "Fairfax 059",
    "WA": "Clark 011,King 033,Pierce 053,Snohomish 061,Spokane 063",
    "WI": "Milwaukee 079",
}
COUNTY_IDS = {
    (state, name.rpartition(" ")[0].casefold()): name.rpartition(" ")[2]
    for state, names in _COUNTIES.items()
    for name in names.split(",")
}
_COUNTY_SUFFIX = re.compile(r" (county|parish|borough|census area|municipality)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """One ZIP code. `county` is without the word County, as the vendor writes it; null where unknown."""

    zip: str
    city: str
    state: str
    county: str | None
    latitude: float
    longitude: float
    area_codes: tuple[str, ...]


def bare_county(name: str) -> str:
    """The county's name without its kind: "King County" and "king" are the same county."""
    return _COUNTY_SUFFIX.sub("", name.strip())


def county_id(state: str, county: str | None) -> str | None:
    """The three digits of the county's FIPS code, or null where the built-in table has none."""
    return COUNTY_IDS.get((state, county.casefold())) if county else None


def county_fips(state: str, county: str | None) -> str | None:
    """The county's five-digit FIPS code, or null."""
    number = county_id(state, county)
    return STATES[state][0] + number if number and state in STATES else None


def _rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = zipcodes.list_all()  # type: ignore[no-untyped-call]
    return rows


@cache
def places() -> dict[str, Place]:
    """Every active ZIP of the fifty states and DC, by ZIP."""
    return {
        row["zip_code"]: Place(
            row["zip_code"],
            row["city"],
            row["state"],
            bare_county(row["county"]) or None,
            float(row["lat"]),
            float(row["long"]),
            tuple(row["area_codes"]),
        )
        for row in _rows()
        if row["active"] and row["state"] in STATES and row["lat"] and row["zip_code_type"] != "MILITARY"
    }


@cache
def residential() -> tuple[Place, ...]:
    """The ZIPs people live in (type STANDARD), by ZIP: what the generator spreads its parcels over."""
    standard = {row["zip_code"] for row in _rows() if row["zip_code_type"] == "STANDARD"}
    return tuple(place for code, place in sorted(places().items()) if code in standard and place.county)


@cache
def residential_of(state: str) -> tuple[Place, ...]:
    """The residential ZIPs of one state."""
    return tuple(place for place in residential() if place.state == state)


@cache
def area_codes_of(state: str) -> tuple[str, ...]:
    """The telephone area codes of one state."""
    return tuple(sorted({code for place in residential_of(state) for code in place.area_codes})) or ("202",)
