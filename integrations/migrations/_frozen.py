"""How values were read when these migrations were written: frozen, so that what they do to old rows stays the same."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

TEXT_MAX = 200
# What `fold` does to ASCII, at half the price: apostrophes go, what is no letter or digit is a space.
_PLAIN = {code: None if chr(code) == "'" else " " for code in range(128) if not chr(code).isalnum()}
# USPS Publication 28, appendices B and C1: the words that two spellings of one street line differ in most.
_SHORT = {
    "STREET": "ST", "AVENUE": "AVE", "AV": "AVE", "ROAD": "RD", "DRIVE": "DR", "LANE": "LN", "COURT": "CT",
    "PLACE": "PL", "BOULEVARD": "BLVD", "CIRCLE": "CIR", "TERRACE": "TER", "TRAIL": "TRL", "PARKWAY": "PKWY",
    "HIGHWAY": "HWY", "SQUARE": "SQ", "NORTH": "N", "SOUTH": "S", "EAST": "E", "WEST": "W", "NORTHEAST": "NE",
    "NORTHWEST": "NW", "SOUTHEAST": "SE", "SOUTHWEST": "SW",
    "APARTMENT": "", "APT": "", "UNIT": "", "NO": "",
}  # fmt: skip
_TOWN = {"SAINT": "ST", "SAINTE": "STE", "FORT": "FT", "MOUNT": "MT"}
APN, ADDRESS = "apn:", "address:"
ID_MAX = 64  # of a lead's property id; what is longer is told apart by its hash
_COUNTY = re.compile(r" (COUNTY|PARISH|BOROUGH)$")
_PUNCTUATION = re.compile(r"[^0-9A-Za-z]")
_HOUSE = re.compile(r"\w*[1-9]")  # "0 Main St" is what many vacant lots of a street are called


def text(value: object, *, limit: int = TEXT_MAX) -> str | None:
    """One clean line of at most `limit` characters, or None: no control character, no unpaired surrogate."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    line = str(value)
    if line.isascii() and line.isprintable():
        return " ".join(line.split())[:limit].strip() or None
    line = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in line[: limit * 4])
    line = "".join(c for c in line if unicodedata.category(c) not in ("Cs", "Cf", "Cn", "Co"))
    return " ".join(line.split())[:limit].strip() or None


def state(value: object) -> str | None:
    """A two-letter state code in capitals, or None."""
    code = (text(value) or "").upper()
    return code if re.fullmatch(r"[A-Z]{2}", code) else None


def zip5(value: object) -> str | None:
    """The first five digits of a ZIP code; a number loses its leading zeros on the way ("8046") and gets them back."""
    raw = text(value) or ""
    if isinstance(value, int):
        raw = raw.zfill(5)
    found = re.match(r"(\d{5})(?:\D?\d{4})?$", raw, re.ASCII)
    return found.group(1) if found else None


def fold(value: object) -> str:
    """What two spellings of one name or address share: NFKC, capitals, single spaces, no punctuation."""
    line = text(value) or ""
    if line.isascii():
        return " ".join(line.upper().translate(_PLAIN).split())
    folded = unicodedata.normalize("NFKC", line).upper()
    return " ".join("".join(c if c.isalnum() else " " for c in folded.replace("'", "").replace("’", "")).split())


def short_line(street: object) -> str:
    """A street line in capitals with USPS's short words; the unit's number stays, the word before it does not."""
    return " ".join(short for word in fold(street).split() if (short := _SHORT.get(word, word)))


def short_town(city: object) -> str:
    """A city's name in capitals: Saint Louis and St. Louis are one."""
    return " ".join(_TOWN.get(word, word) for word in fold(city).split())


def is_stand_in(property_id: str) -> bool:
    return property_id.startswith((APN, ADDRESS))


def names_of(facts: Mapping[str, Any]) -> list[str]:
    """Every stand-in that this record's parcel number and address make: of whatever a file may know of them.

    `facts` has the keys of a bought detail. A street line without a house number names no property.
    """
    apn, street, state = facts.get("apn"), facts.get("property_address"), facts.get("property_state")
    fips, county = facts.get("fips"), facts.get("property_county")
    zip, city = facts.get("property_zip"), facts.get("property_city")
    names = []
    if apn and (plain := _plain(apn)):
        if fips:
            names.append(_fitting(APN, f"{fips}:{plain}"))
        if county and state:
            names.append(_fitting(APN, f"{state}-{bare_county(county)}:{plain}"))
    if street and _HOUSE.match(street) and (line := short_line(street)):
        if zip:
            names.append(_fitting(ADDRESS, f"{line}|{zip}"))
        if city and state:
            names.append(_fitting(ADDRESS, f"{line}|{fold(city)},{state}"))
    return names


def _plain(apn: str) -> str:
    return _PUNCTUATION.sub("", apn).upper()


def bare_county(county: str) -> str:
    return _COUNTY.sub("", fold(county))


def _fitting(kind: str, rest: str) -> str:
    whole = kind + rest
    return whole if len(whole) <= ID_MAX else f"{kind}~{hashlib.sha256(rest.encode()).hexdigest()[:40]}"
