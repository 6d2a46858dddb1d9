"""RealEstateAPI's property records made facts: one allow-list for details and search rows.

Two generations of bodies are read (docs/vendors/realestateapi.md 1.0): captures nest the address in `propertyInfo`,
pages of 2026 do not; rows of PropertySearch are flat (1.2). Ids and numbers come as strings or numbers (1.3).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from integrations.vendors import normalise, owners
from integrations.vendors.facts import DETAIL_KEYS
from integrations.vendors.owners import is_company
from integrations.vendors.realestateapi import usecodes

# docs/requirements.md 1; the vendor says 39 % in one place and 70 % in another (docs/vendors/realestateapi.md 1.2).
HIGH_EQUITY_PERCENT = 50
# Beyond these a number is a vendor's mistake: nothing is worth a trillion dollars, or a million per cent under water.
_MONEY_MAX = 10**12 - 1
_PERCENT_MAX = 999_999
# The digits after the point that a lead keeps: a centimetre.
_DEGREE_PLACES = 7
# South, north, west and east of the states and territories; the Aleutians reach past the date line.
_UNITED_STATES = (
    (24.3, 49.5, -125.1, -66.8),  # 48 states
    (51.0, 71.6, -180.0, -129.9),  # Alaska
    (51.0, 53.5, 172.0, 180.0),  # its westernmost islands
    (18.5, 28.6, -178.5, -154.5),  # Hawaii
    (17.5, 18.7, -68.0, -64.4),  # Puerto Rico, Virgin Islands
    (13.1, 20.7, 144.5, 146.2),  # Guam, Northern Marianas
    (-14.7, -10.9, -171.3, -168.0),  # American Samoa
)
_LLC = re.compile(r"\b(LLC|L L C|PLLC)\b")
_TRUST = re.compile(r"\b(TRUST|TRUSTEE|TRUSTEES|TRS|TTEE|TTEES|TR)\b")
_CORPORATION = re.compile(r"\b(INC|INCORPORATED|CORP|CORPORATION|COMPANY|LTD|LIMITED|LP|LLP|PARTNERSHIP)\b")
_PERHAPS_CORPORATION = re.compile(r"\b(CO|BANK)\b")  # families too


def record_id(record: Mapping[str, Any]) -> str | None:
    """The id of a record: `id`, or `propertyId` in older rows."""
    return normalise.property_id(record.get("id")) or normalise.property_id(record.get("propertyId"))


def detail(record: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of one record, every key of DETAIL_KEYS, null where unknown or out of range. Never raises."""
    building = normalise.mapping(record.get("propertyInfo")) or record
    pairs = (coordinates(building), coordinates(record))
    latitude, longitude = next((pair for pair in pairs if pair[0] is not None), (None, None))
    place = normalise.mapping(building.get("address")) or normalise.mapping(record.get("address"))
    lot = normalise.mapping(record.get("lotInfo"))
    percent = normalise.decimal(record.get("equityPercent"), least=-_PERCENT_MAX, most=_PERCENT_MAX, places=2)
    facts = {
        "apn": normalise.text(lot.get("apn"), limit=64) or normalise.text(record.get("apn"), limit=64),
        "fips": _fips(place.get("fips")) or _fips(record.get("fips")),
        "property_address": street_line(place),
        "property_city": normalise.text(place.get("city"), limit=100),
        "property_state": normalise.state(place.get("state")),
        "property_zip": normalise.zip5(place.get("zip")),
        "property_county": normalise.text(place.get("county"), limit=100),
        "property_type": usecodes.property_type(record, building, lot),
        "bedrooms": normalise.integer(building.get("bedrooms"), most=1000),
        "bathrooms": normalise.decimal(building.get("bathrooms"), least=0, most=999, places=2),
        "sqft": _first_integer(building, ("livingSquareFeet", "squareFeet", "buildingSquareFeet")),
        "year_built": normalise.integer(building.get("yearBuilt"), least=1600, most=2100),
        "estimated_value": normalise.integer(record.get("estimatedValue"), most=_MONEY_MAX),
        "estimated_equity": _equity(record),
        "equity_percent": percent,
        **_last_sale(record),
        "latitude": latitude,
        "longitude": longitude,
        **_flags(record, percent),
        **_owner(record),
    }
    return {name: facts[name] for name in DETAIL_KEYS}


def row(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The facts of one PropertySearch row under ROW_KEYS, or None where it has no id."""
    identity = record_id(record)
    return None if identity is None else {"property_id": identity, **detail(record)}


def street_line(address: Mapping[str, Any]) -> str | None:
    """The street line of an address, without city, state and ZIP; None where there is none.

    `address` is the street line in details and the whole address in rows; `street` the whole line in rows and only the
    street's name in details. So `address` is cut at the city, and else the parts are put together.
    """
    line = normalise.text(address.get("address")) or ""
    city = normalise.text(address.get("city")) or ""
    if city:  # no pattern: there would be one to compile for each city, a fifth of a run's time
        line = ",".join(itertools.takewhile(lambda part: part.strip().lower() != city.lower(), line.split(",")))
    line = line.strip(" ,")
    if line:
        return line
    if not normalise.text(address.get("street")):
        return None
    names = ("house", "preDirection", "street", "streetType", "postDirection", "unitType", "unit")
    return normalise.text(" ".join(part for name in names if (part := normalise.text(address.get(name)))))


def coordinates(place: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Latitude and longitude in degrees; both null where they are no place in the United States.

    That is where one is missing, both are 0 (a geocoder's "not found") or they are swapped.
    """
    latitude = normalise.decimal(place.get("latitude"), places=_DEGREE_PLACES)
    longitude = normalise.decimal(place.get("longitude"), places=_DEGREE_PLACES)
    if latitude is None or longitude is None:
        return None, None
    north, east = float(latitude), float(longitude)
    inside = any(s <= north <= n and w <= east <= e for s, n, w, e in _UNITED_STATES)
    return (latitude, longitude) if inside else (None, None)


def _equity(record: Mapping[str, Any]) -> int | None:
    """Value less open loans. `equity` is the same number in details, and a flag in search rows."""
    owner = normalise.mapping(record.get("ownerInfo"))
    for said in (record.get("estimatedEquity"), record.get("equity"), owner.get("equity")):
        if (equity := normalise.integer(said, least=-_MONEY_MAX, most=_MONEY_MAX)) is not None:
            return equity
    return None


def _last_sale(record: Mapping[str, Any]) -> dict[str, Any]:
    """When it was last sold, and for how much: rows call the price an amount, and 0 is a price nobody knows."""
    sale = normalise.mapping(record.get("lastSale"))
    days = (record.get("lastSaleDate"), sale.get("saleDate"))
    prices = (record.get("lastSalePrice"), record.get("lastSaleAmount"), sale.get("saleAmount"))
    found = (normalise.integer(price, least=1, most=_MONEY_MAX) for price in prices)
    return {
        "last_sale_date": next((day for said in days if (day := normalise.day(said))), None),
        "last_sale_price": next((price for price in found if price is not None), None),
    }


def _fips(value: object) -> str | None:
    code = normalise.text(value, limit=10) or ""
    code = code.zfill(5) if isinstance(value, int) else code
    return code if re.fullmatch(r"[0-9]{5}", code) else None


def _first_integer(record: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    """The first number above 0, else the 0 that was said."""
    said = [whole for name in names if (whole := normalise.integer(record.get(name))) is not None]
    return next(filter(None, said), 0 if said else None)


def _flags(record: Mapping[str, Any], percent: str | None) -> dict[str, bool | None]:
    owner = normalise.mapping(record.get("ownerInfo"))

    def flag(*names: str) -> bool | None:
        values = (normalise.boolean(place.get(name)) for place in (record, owner) for name in names)
        return next((value for value in values if value is not None), None)

    cases = record.get("foreclosureInfo")
    active: bool | None = None
    if isinstance(cases, list):
        active = any(normalise.boolean(normalise.mapping(case).get("active")) for case in cases)
    foreclosure = flag("foreclosure")
    return {
        "owner_occupied": flag("ownerOccupied"),
        "absentee_owner": flag("absenteeOwner"),
        "pre_foreclosure": flag("preForeclosure"),
        "foreclosure": active if foreclosure is None else foreclosure,
        "tax_lien": flag("taxLien"),
        "bankruptcy": flag("bankruptcy"),
        "vacant": flag("vacant"),
        "high_equity": flag("highEquity") if percent is None else float(percent) >= HIGH_EQUITY_PERCENT,
        "free_clear": flag("freeClear"),
    }


def _owner(record: Mapping[str, Any]) -> dict[str, str | None]:
    """Name, kind and mailing address. A company stands in the vendor's last name too; we keep it in owner_name only."""
    owner = normalise.mapping(record.get("ownerInfo")) or record
    first = normalise.text(owner.get("owner1FirstName"), limit=100)
    last = normalise.text(owner.get("owner1LastName"), limit=100)
    whole = " ".join(filter(None, (first, last)))
    first, last = _bare_names(first, last)
    company = normalise.text(owner.get("companyName"))
    full = company or normalise.text(owner.get("owner1FullName")) or whole or None
    corporate = normalise.boolean(record.get("corporateOwned")) or normalise.boolean(owner.get("corporateOwned"))
    vendors = (normalise.text(owner.get("owner1Type")) or "").lower()
    if not first and not (company or corporate or vendors in ("company", "corporation")):
        first, last = _told_apart(last, full)
    if first and last and " " in last and is_company(last):
        first, last = None, None
    personal = owners.is_given(first) and bool(_PERHAPS_CORPORATION.fullmatch(normalise.fold(last)))
    kind = _owner_type(first, full, personal=personal, vendors=vendors, corporate=bool(corporate))
    post = normalise.mapping(owner.get("mailAddress"))
    if not first and last and (kind not in ("", "individual") or is_company(last)):
        last = None
    return {
        "first_name": first,
        "last_name": last,
        "owner_name": full,
        "owner_type": kind or None,
        "mailing_address": street_line(post),
        "mailing_city": normalise.text(post.get("city"), limit=100),
        "mailing_state": normalise.state(post.get("state")),
        "mailing_zip": normalise.zip5(post.get("zip")),
    }


def _bare_names(first: str | None, last: str | None) -> tuple[str | None, str | None]:
    """First and last name without what a county writes behind a name. A whole line in the last name stays one."""
    given = owners.bare_part(first, limit=100)
    family = owners.bare_part(last, limit=100)
    told = owners.first_and_last(first) if first and given is None else None
    if told and (family is None or family.casefold() == told[1].casefold()):
        return told
    is_line = not first and last is not None and len(last.split()) > 1 and (family is None or len(family.split()) > 1)
    return given, last if is_line else family


def _told_apart(last: str | None, full: str | None) -> tuple[str | None, str | None]:
    """First and last name where the vendor gives no first one: a whole name may stand in the last."""
    line = last if last and len(last.split()) > 1 else full
    found = owners.first_and_last(line) if line != last or not owners.is_company(last) else None
    if found and (last is None or line == last or last.casefold() == found[1].casefold()):
        return found
    is_line = last is not None and ("," in last or len(last.split()) > 3 or "&" in last)
    return None, None if is_line and not owners.is_company(last) else owners.bare_part(last, limit=100)


def _owner_type(first: str | None, full: str | None, *, personal: bool, vendors: str, corporate: bool) -> str:
    """individual, trust, llc, corporation, other, or "" where nothing is known.

    The vendor says Individual, Company or Other (docs, "Owner Types"); which kind of company, the name tells.
    """
    name = normalise.fold(full)
    if vendors == "individual" and first:
        return "individual"
    if _LLC.search(name):
        return "llc"
    if _TRUST.search(name) or vendors == "trust":
        return "trust"
    perhaps = bool(_PERHAPS_CORPORATION.search(name)) and is_company(full) and not personal
    if _CORPORATION.search(name) or perhaps or vendors in ("company", "corporation") or (corporate and name):
        return "corporation"
    if vendors == "individual" or (first and (personal or not is_company(full))):
        return "individual"
    return "other" if name else ""


def ids(data: object) -> Iterator[str]:
    """The ids of an ids_only answer: bare numbers, strings, one list within another, or objects with an id."""
    for item in normalise.sequence(data):
        if isinstance(item, list):
            yield from (found for inner in item if (found := normalise.property_id(inner)))
        elif found := record_id(item) if isinstance(item, dict) else normalise.property_id(item):
            yield found
