"""A county's FIPS code from its name and state. Pure; the table is addfips's, with the spellings it has not."""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import lru_cache

from addfips import AddFIPS
from addfips.addfips import COUNTY_FILES

from integrations.naming import states

LONGEST = 100  # characters of a county's name that are read

_KIND = re.compile(
    r" (?:COUNTY|PARISH|CITY BOROUGH|CITY COUNTY|BOROUGH|CENSUS AREA|MUNICIPALITY|MUNICIPIO|PLANNING REGION|DISTRICT"
    r"|CNTY|CTY|CO)$"
)
_KIND_BEFORE = re.compile(r"^(?:COUNTY|PARISH|CITY BOROUGH|BOROUGH|CITY COUNTY|MUNICIPALITY|CNTY|CO) (?:OF )?(?=\w)")
_CITY_BEFORE = re.compile(r"^(?:INDEPENDENT )?CITY OF (?P<name>.+)$")
_WORDS = {
    "ST": "SAINT", "STE": "SAINTE", "FT": "FORT", "MT": "MOUNT", "AND": "", "INDEPENDENT": "",
}  # fmt: skip
_FIRST_WORDS = {"E": "EAST", "W": "WEST", "N": "NORTH", "S": "SOUTH", "PR": "PRINCE"}

# What people and vendors write and the table has not, without spaces as the keys of the table
_ALSO = {
    ("FL", "DADE"): "12086", ("NY", "MANHATTAN"): "36061", ("NY", "BROOKLYN"): "36047", ("NY", "STATENISLAND"): "36085",
    ("NY", "THEBRONX"): "36005", ("DC", "WASHINGTON"): "11001", ("DC", "WASHINGTONDC"): "11001", ("DC", "DC"): "11001",
    ("TN", "NASHVILLEDAVIDSON"): "47037", ("KY", "LOUISVILLEJEFFERSON"): "21111", ("KY", "LEXINGTONFAYETTE"): "21067",
    ("GA", "COLUMBUSMUSCOGEE"): "13215", ("GA", "AUGUSTARICHMOND"): "13245", ("GA", "MACONBIBB"): "13021",
    ("MT", "BUTTESILVERBOW"): "30093", ("HI", "OAHU"): "15003", ("VA", "COVINGTON"): "51580",
    # Connecticut's planning regions, since 2022; assessors and vendors use the old counties as well
    ("CT", "CAPITOL"): "09110", ("CT", "GREATERBRIDGEPORT"): "09120", ("CT", "LOWERCONNECTICUTRIVERVALLEY"): "09130",
    ("CT", "NAUGATUCKVALLEY"): "09140", ("CT", "NORTHEASTERNCONNECTICUT"): "09150", ("CT", "NORTHWESTHILLS"): "09160",
    ("CT", "SOUTHCENTRALCONNECTICUT"): "09170", ("CT", "SOUTHEASTERNCONNECTICUT"): "09180",
    ("CT", "WESTERNCONNECTICUT"): "09190",
}  # fmt: skip


def _folded(name: str) -> str:
    if not name.isascii():
        name = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    line = name.upper().replace("'", "").replace("’", "").replace(".", "")
    words = "".join(c if c.isalnum() else " " for c in line).split()
    if words and words[0] in _FIRST_WORDS:
        words[0] = _FIRST_WORDS[words[0]]
    return " ".join(short for word in words if (short := _WORDS.get(word, word)))


def _keys(name: str) -> list[str]:
    """What a county's name may stand under, the surest first: with its kind, then without. Spaces do not count, so that
    De Kalb is DeKalb.
    """
    city = _CITY_BEFORE.match(name)
    forms = [f"{city['name']} CITY", city["name"]] if city else [name]
    forms.append(_KIND.sub("", _KIND_BEFORE.sub("", forms[-1])))
    return [form.replace(" ", "") for form in forms]


@lru_cache(maxsize=1)
def _table() -> dict[tuple[str, str], str]:
    """FIPS by state and name. A county before the city of its name (Baltimore is the county, Baltimore City the city);
    what is a county now before what was one in 2000.
    """
    rows: list[dict[str, str]] = []
    for year in sorted(COUNTY_FILES, reverse=True):
        with AddFIPS.data.joinpath(COUNTY_FILES[year]).open("rt", encoding="utf-8") as file:
            rows += sorted(csv.DictReader(file), key=lambda row: row["name"].endswith(" city"))
    table: dict[tuple[str, str], str] = {}
    for row in rows:
        state, whole = states.CODE_OF_FIPS.get(row["statefp"]), _folded(row["name"])
        if state:
            bare = [whole.removesuffix(kind).replace(" ", "") for kind in (" COUNTY", " CITY")]
            for key in (*_keys(whole), *bare):
                table.setdefault((state, key), row["statefp"] + row["countyfp"])
    return table | _ALSO


@lru_cache(maxsize=1)
def _codes() -> frozenset[str]:
    return frozenset(_table().values())


@lru_cache(maxsize=4096)  # a file is of few counties
def fips(code: str | None, county: str | None, state: str | None) -> str | None:
    """Five digits, or None where no county is told. A whole code wins over a county and state that contradict it.

    1. Five digits, or four whose zero a spreadsheet has cut off.
    2. The county's name with its state.
    3. The three digits of a county within its state.
    """
    digits = (code or "")[:20].strip().removesuffix(".0")
    digits = digits if digits.isascii() and digits.isdigit() else ""
    if len(digits) in (4, 5) and (whole := digits.zfill(5))[:2] in states.CODE_OF_FIPS and whole[2:] != "000":
        return whole
    region = states.code(state or "")
    named = _named(county, region) if county else None
    if named or not 0 < len(digits) < 4:
        return named
    built = states.FIPS.get(region, "") + digits.zfill(3)
    return built if built in _codes() and digits != states.FIPS[region] else None


def _named(county: str, region: str) -> str | None:
    name = _folded(county[:LONGEST])
    table = _table()
    for tail in ("", f" {region}", f" {states.NAME_OF.get(region, region)}"):
        if name.endswith(tail):
            for key in _keys(name.removesuffix(tail)):
                if found := table.get((region, key)):
                    return found
    return None


@lru_cache(maxsize=4096)
def name(county: str) -> str:
    """A county's name in one spelling without its kind, for a county that is in no table."""
    return _KIND.sub("", _KIND_BEFORE.sub("", _folded(county[:LONGEST])))
