"""One row of a person's file made a lead: cleaned cells, and what the property is called. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from buckets.imports.columns import FIELDS, Chosen
from integrations import normalise
from integrations.realestateapi import naming, parse

# Reasons are what a person reads beside the row, and what rows are counted by.
NAMES_NOTHING = "It has no property id, no APN and no address"
APN_NEEDS_COUNTY = "An APN needs a FIPS code, or a county and a state"
APN_DAMAGED = "A spreadsheet has turned the APN into a number such as 1.23E+11: format the column as text"
ADDRESS_NEEDS_PLACE = "An address needs a ZIP, or a city and a state"
NO_HOUSE_NUMBER = "The address has no house number"
TOO_WIDE = "It has more cells than the header: an unquoted delimiter has shifted them"

_DAMAGED = re.compile(r"\d(\.\d+)?E\+?\d+", re.IGNORECASE)
_WHOLE = re.compile(
    r"(?P<street>.+?),\s*(?P<city>[^,]+?),?\s+(?P<state>[A-Za-z]{2})\.?,?(?:\s+(?P<zip>\d{5})(?:-\d{4})?)?"
)
_COUNTRY = re.compile(r",?\s*(USA|U\.S\.A\.|US|United States)\s*$", re.IGNORECASE)
_STATE_NAMES = """
    ALABAMA|AL ALASKA|AK ARIZONA|AZ ARKANSAS|AR CALIFORNIA|CA COLORADO|CO CONNECTICUT|CT DELAWARE|DE FLORIDA|FL
    GEORGIA|GA HAWAII|HI IDAHO|ID ILLINOIS|IL INDIANA|IN IOWA|IA KANSAS|KS KENTUCKY|KY LOUISIANA|LA MAINE|ME
    MARYLAND|MD MASSACHUSETTS|MA MICHIGAN|MI MINNESOTA|MN MISSISSIPPI|MS MISSOURI|MO MONTANA|MT NEBRASKA|NE NEVADA|NV
    NEW_HAMPSHIRE|NH NEW_JERSEY|NJ NEW_MEXICO|NM NEW_YORK|NY NORTH_CAROLINA|NC NORTH_DAKOTA|ND OHIO|OH OKLAHOMA|OK
    OREGON|OR PENNSYLVANIA|PA PUERTO_RICO|PR RHODE_ISLAND|RI SOUTH_CAROLINA|SC SOUTH_DAKOTA|SD TENNESSEE|TN TEXAS|TX
    UTAH|UT VERMONT|VT VIRGINIA|VA WASHINGTON|WA WEST_VIRGINIA|WV WISCONSIN|WI WYOMING|WY DISTRICT_OF_COLUMBIA|DC
"""
_STATES = {name.replace("_", " "): code for name, _, code in (p.partition("|") for p in _STATE_NAMES.split())}


class Unusable(ValueError):
    """The row names no property; the words say why."""


@dataclass(frozen=True, slots=True)
class Lead:
    """A usable row. facts: by the lead's column names. unread: fields whose cell had text that could not be read."""

    property_id: str
    facts: Mapping[str, str]
    unread: tuple[str, ...]


def is_blank(cells: Sequence[str]) -> bool:
    return not "".join(cells).strip()


def state(value: str) -> str | None:
    """A state's code from its code or its name."""
    return normalise.state(value) or _STATES.get(normalise.fold(value))


def zip5(value: str) -> str | None:
    """A ZIP; a spreadsheet has cut the zero off "02134" and perhaps written "2134.0"."""
    digits = value.removesuffix(".0")
    return normalise.zip5(digits.zfill(5) if digits.isdigit() and 3 <= len(digits) <= 4 else digits)


def fips(value: str) -> str | None:
    digits = value.removesuffix(".0")
    return digits.zfill(5) if digits.isascii() and digits.isdigit() and 4 <= len(digits) <= 5 else None


def apn(value: str) -> str | None:
    clean = normalise.text(value, limit=64)
    return None if clean is None or _DAMAGED.fullmatch(clean) else clean


def property_id(value: str) -> str | None:
    return parse.property_id(value.removesuffix(".0"))


_CLEAN: dict[str, Callable[[str], str | None]] = {
    "propertyId": property_id,
    "apn": apn,
    "fips": fips,
    "state": state,
    "zip": zip5,
    "mailingState": state,
    "mailingZip": zip5,
    "phone": normalise.phone,
    "secondaryPhone": normalise.phone,
    "email": normalise.email,
}


class Reader:
    """Reads rows by one mapping: called with a row's cells it gives the lead, or raises Unusable."""

    def __init__(self, mapping: Chosen, width: int) -> None:
        self._width = width
        self._cells = [(field, column, _CLEAN.get(field, normalise.text)) for field, column in mapping.columns.items()]
        self._same = {
            field: clean
            for field, value in mapping.constants.items()
            if (clean := _CLEAN.get(field, normalise.text)(value))
        }

    def __call__(self, cells: Sequence[str]) -> Lead:
        if len(cells) > self._width and not is_blank(cells[self._width :]):
            raise Unusable(TOO_WIDE)
        said, unread = dict(self._same), []
        for field, column, clean in self._cells:
            raw = cells[column].strip() if column < len(cells) else ""
            if not raw:
                continue
            value = clean(raw)
            if value is None:
                unread.append(field)
            else:
                said[field] = value
        _join_address(said)
        name = _named(said, unread)
        facts = {column: said[field] for field, column in FIELDS.items() if column and field in said}
        return Lead(name, facts, tuple(unread))


def _join_address(said: dict[str, str]) -> None:
    """House number and street from two columns; street, city, state and ZIP from one."""
    street = said.get("address")
    if street is None:
        return
    house = said.get("house")
    if house and not street.startswith(house):
        said["address"] = street = f"{house} {street}"
    if "," in street and "city" not in said:
        whole = _WHOLE.fullmatch(_COUNTRY.sub("", street))
        if whole is not None:
            parts = {name: part for name, part in whole.groupdict().items() if part}
            parts["state"] = parts["state"].upper()
            said["address"] = parts.pop("street")
            for name, part in parts.items():
                said.setdefault(name, part)


def _named(said: Mapping[str, str], unread: Sequence[str]) -> str:
    """What the property is called: the vendor's id, else by APN, else by address. Raises Unusable."""
    if "propertyId" in said:
        return said["propertyId"]
    number, street, region = said.get("apn"), said.get("address"), said.get("state")
    if number:
        name = naming.by_apn(number, fips=said.get("fips"), county=said.get("county"), state=region)
        if name is not None:
            return name
    if street:
        if not any(map(str.isdigit, street)):
            raise Unusable(NO_HOUSE_NUMBER)
        name = naming.by_address(street, zip=said.get("zip"), city=said.get("city"), state=region)
        if name is not None:
            return name
        raise Unusable(ADDRESS_NEEDS_PLACE)
    if number:
        raise Unusable(APN_NEEDS_COUNTY)
    raise Unusable(APN_DAMAGED if "apn" in unread else NAMES_NOTHING)
