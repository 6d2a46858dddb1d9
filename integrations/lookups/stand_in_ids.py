"""The stand-in for a property's id until the vendor has sent the id, and the vendor's question made from it.

A lead from a file of one's own has an APN or an address. Its stand-in for the id is a name by them alone: today the
first of `identity.names_of`. `by_apn`, `by_address` and `names_of` of this module spell it as former versions did;
leads, look-ups and learned names of their databases bear that spelling, so it must never change.

Vendor ids are whole numbers, and the API takes no colon in an id: nobody can hand in a stand-in whose address is
another's. Contract: docs/vendors/realestateapi.md 1.3.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from integrations.vendors import normalise
from integrations.vendors.addresses import short_line
from integrations.vendors.contract import Query
from integrations.vendors.realestateapi.queries import detail_query

APN, ADDRESS = "apn:", "address:"
ID_MAX = 64  # of a lead's property id; a longer one is told apart by its hash
_COUNTY = re.compile(r" (COUNTY|PARISH|BOROUGH)$")
_PUNCTUATION = re.compile(r"[^0-9A-Za-z]")
_HOUSE = re.compile(r"\w*[1-9]")  # many vacant lots of a street share the address "0 Main St"


def is_stand_in(property_id: str) -> bool:
    return property_id.startswith((APN, ADDRESS))


def by_apn(apn: str, *, fips: str | None, county: str | None, state: str | None) -> str | None:
    """Former spelling: the stand-in of a parcel number in a county, or None where the county is not known."""
    plain = _plain(apn)
    place = fips or (f"{state}-{bare_county(county)}" if county and state else "")
    return fitting(APN, f"{place}:{plain}") if place and plain else None


def _plain(apn: str) -> str:
    return _PUNCTUATION.sub("", apn).upper()


def by_address(street: str, *, zip: str | None, city: str | None, state: str | None) -> str | None:
    """Former spelling: the stand-in of a street line with its ZIP, or city and state; None where neither is known."""
    place = zip or (f"{_folded(city)},{state}" if city and state else "")
    line = short_line(street)
    return fitting(ADDRESS, f"{line}|{place}") if place and line else None


@lru_cache(maxsize=4096)  # a batch is of few counties and cities
def bare_county(county: str) -> str:
    return _COUNTY.sub("", normalise.fold(county))


def names_of(facts: Mapping[str, Any]) -> list[str]:
    """Former spelling: every stand-in that this record's parcel number and address make: a file may have either.

    `facts` has the keys of `parse.DETAIL_KEYS`. A street line without a house number names no property.
    """
    apn, street, state = facts.get("apn"), facts.get("property_address"), facts.get("property_state")
    fips, county = facts.get("fips"), facts.get("property_county")
    zip, city = facts.get("property_zip"), facts.get("property_city")
    names = []
    if apn and (plain := _plain(apn)):
        if fips:
            names.append(fitting(APN, f"{fips}:{plain}"))
        if county and state:
            names.append(fitting(APN, f"{state}-{bare_county(county)}:{plain}"))
    if street and _HOUSE.match(street) and (line := short_line(street)):
        if zip:
            names.append(fitting(ADDRESS, f"{line}|{zip}"))
        if city and state:
            names.append(fitting(ADDRESS, f"{line}|{_folded(city)},{state}"))
    return names


@lru_cache(maxsize=4096)
def _folded(city: str) -> str:
    return normalise.fold(city)


def fitting(kind: str, rest: str) -> str:
    """A name that fits the column of a lead's id: the hash of its rest stands for one that is longer."""
    whole = kind + rest
    return whole if len(whole) <= ID_MAX else f"{kind}~{hashlib.sha256(rest.encode()).hexdigest()[:40]}"


# --- Asking -----------------------------------------------------------------------------------------------------------

ASKED_BY = ("apn", "fips", "property_address", "property_city", "property_state", "property_zip", "property_county")


def key_of(property_id: str) -> str:
    """The key of a lead's detail question. Raises ValueError where the id is nobody's."""
    return property_id if is_stand_in(property_id) else detail_query(property_id).key


def question(property_id: str, lead: Mapping[str, Any]) -> Query:
    """The detail question about a lead; `lead` has the columns ASKED_BY. Raises ValueError where none can be asked.

    Only ids have a place in a batch (docs/vendors/realestateapi.md 1.4), so a question by address or APN goes alone.
    """
    if not is_stand_in(property_id):
        return detail_query(property_id)
    if property_id.startswith(APN):
        county = {"fips": lead["fips"]} if lead["fips"] else _filled(
            county=lead["property_county"], state=lead["property_state"]
        )  # fmt: skip
        params: dict[str, Any] = _filled(apn=lead["apn"]) | county
        complete = "apn" in params and ("fips" in params or len(params) == 3)
    else:
        tail = " ".join(filter(None, (lead["property_state"], lead["property_zip"])))
        parts = [lead["property_address"], lead["property_city"], tail]
        # not a similar one: it would be billed, and its owner called
        params = {"address": ", ".join(filter(None, parts)), "exact_match": True}
        complete = bool(lead["property_address"] and tail)
    if not complete:
        raise ValueError("Its address or APN is gone, so nothing can be asked about it.")
    return Query(key=property_id, params=params, alone=True)


ASKED = "asked"  # of the facts of a "no match" under a stand-in: which question it answers


def asked(params: Mapping[str, Any]) -> str:
    """A question's parameters in short: equal for questions that differ in capitals and spaces alone."""
    words = " ".join(" ".join(f"{name}={params[name]}" for name in sorted(params)).upper().split())
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def _filled(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
