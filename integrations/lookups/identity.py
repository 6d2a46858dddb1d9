"""What a property is called by its parcel number and its address. Pure: no query.

Two records with an equal `text` are the same property. Two with an equal `loose` alone are possibly the same, unless
both are APNs with separators: never merged and never served as owned, but left out where leads are left out. No text is
one of `stand_in_ids`, the spelling of former versions, in which 12-3 and 1-23 were one.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.lookups.stand_in_ids import ADDRESS, APN, ID_MAX, fitting
from integrations.naming import counties, house_numbers, parcel_numbers, places, states, street_lines

_HASHER = hashlib.blake2b(digest_size=8)
_signed = struct.Struct(">q").unpack
_ANYWHERE = "anywhere:"  # of a loose name: the state stands for the place


@dataclass(slots=True, init=False)  # not frozen: a row of a file makes three, and each field would cost thrice as much
class Name:
    """text: at most 64 characters. loose: what a possible match shares. bare: an APN without separators, which is the
    same as the one segmented APN of its county that has its digits, if there is exactly one; or an address and city of
    a record that has a ZIP as well: two such are the same only by the ZIP.

    exact, possible: LeadName's and PropertyName's `exact` and `loose`, made once: a row of a file asks for them often.
    The last two bits of `possible` say which names with an equal one are possibly the same:

    - 0 and 2, addresses: all.
    - 1, APNs: those of which one is bare.
    - 3, addresses whose places cannot be compared (`possible_names_of`): a bare one, by city, and one by ZIP.
    """

    text: str
    loose: str
    bare: bool = False
    exact: int = field(init=False, compare=False, repr=False)
    possible: int = field(init=False, compare=False, repr=False)

    def __init__(self, text: str, loose: str, bare: bool = False) -> None:  # noqa: FBT001, FBT002  # a record's own
        self.text, self.loose, self.bare = text, loose, bare
        self.exact = hash64(text)
        possible = hash64(loose)
        if loose.startswith(APN):
            self.possible = possible & ~3 | 1
        else:
            self.possible = possible | 3 if loose.startswith(_ANYWHERE) else possible & ~1

    def __hash__(self) -> int:
        return self.exact

    def parts(self) -> tuple[str, str, bool, int, int]:
        """What `made` makes it of again: sent between processes with its hashes, a row of a file makes five names."""
        return self.text, self.loose, self.bare, self.exact, self.possible


def made(text: str, loose: str, bare: bool, exact: int, possible: int) -> Name:  # noqa: FBT001  # of `parts`
    name = object.__new__(Name)
    name.text, name.loose, name.bare, name.exact, name.possible = text, loose, bare, exact, possible
    return name


def hash64(text: str) -> int:
    """A signed 64-bit number, PostgreSQL's bigint."""
    hasher = _HASHER.copy()  # at two thirds of a new one's price
    hasher.update(text.encode("utf-8", "surrogatepass"))
    return _signed(hasher.digest())[0]  # type: ignore[no-any-return]


def names_of(facts: Mapping[str, Any]) -> list[Name]:
    """Every name of this record, the surest first: by APN, address and ZIP, address and city.

    facts: by the lead's columns apn, fips, property_county, property_state, property_address, property_city,
    property_zip; each may be missing. The unit stands in property_address. A name's text:

    1. apn:53033:12-3, by segments; apn:53033:=123 where it came without separators; both are possibly apn:53033:123.
       WA-KING stands for the FIPS code where no table knows the county.
    2. address:12 N OAK ST #4@98101 and address:12 N OAK ST #4@SEATTLE,WA; possibly address:12 OAK@98101 and so on.
       With a parcel number but no place, address:12 N OAK ST #4@53033:12-3: a parcel may have many units.
    """
    names = []
    parcel_place = ""
    get = facts.get
    apn, street, state = get("apn"), get("property_address"), get("property_state")
    region = states.code(state) if isinstance(state, str) and state else ""
    if apn and (parcel := parcel_numbers.read(apn)) and (place := _county(get("fips"), get("property_county"), region)):
        number = f"={parcel.segments}" if parcel.bare else parcel.segments
        names.append(Name(fitting(APN, f"{place}:{number}"), fitting(APN, f"{place}:{parcel.squeezed}"), parcel.bare))
        parcel_place = f"{place}:{number}"
    zip_code, city = get("property_zip"), get("property_city")
    zip5 = places.zip5(str(zip_code)) if zip_code else None
    if isinstance(street, str) and isinstance(city, str) and city.upper() in street.upper():
        street = street_lines.without_place(street, city, region, zip5 or "")
    if isinstance(street, str) and (line := street_lines.read(street)):
        if zip5:
            names.append(_of_address(line, zip5))
        if region and city and (town := places.town(str(city))):
            names.append(_of_address(line, f"{town},{region}", bare=bool(zip5)))
        elif not zip5 and parcel_place:
            names.append(_of_address(line, parcel_place))
    return names


def possible_names_of(facts: Mapping[str, Any]) -> list[Name]:
    """Further names of a lead, by which it is never the same as another but possibly: where lists leave leads out.

    1. An APN whose parts have zeros in front, or end in parts of zeros: 0012-003-000 may be 12-3.
    2. An address by ZIP alone or by city alone: of a ZIP and a city in one state nobody can say whether they are one.
    """
    names = []
    get = facts.get
    apn, street, state = get("apn"), get("property_address"), get("property_state")
    region = states.code(state) if isinstance(state, str) and state else ""
    parcel = parcel_numbers.read(apn) if apn else None
    plain = parcel_numbers.without_zeros(parcel) if parcel else ""
    if parcel and plain and (place := _county(get("fips"), get("property_county"), region)):
        names.append(Name(fitting(APN, f"{place}:{parcel.segments}~"), fitting(APN, f"{place}:{plain}"), bare=True))
    if isinstance(street, str) and street:
        zip_code, city = get("property_zip"), get("property_city")
        zip5 = places.zip5(str(zip_code)) if zip_code else None
        town = places.town(str(city)) if region and city else ""
        if bool(zip5) != bool(town) and (line := street_lines.read(street)):
            where = region or (places.state_of_zip(zip5) if zip5 else "")
            if where:
                text = fitting(ADDRESS, f"{line.exact}~{zip5 or town}~{where}")
                names.append(Name(text, f"{_ANYWHERE}{line.possible}@{where}", bare=not zip5))
    return names


def house_problem(street: str) -> str | None:
    """Why a street line is no property's address, in words; None where it begins with a house number and a street."""
    return house_numbers.problem(street)


def _county(fips: object, county: object, region: str) -> str:
    code = str(fips) if fips else None
    named = county if isinstance(county, str) and county else None
    found = counties.fips(code, named, region)
    if found or named is None or not region:
        return found or ""
    bare = counties.name(named)
    return f"{region}-{bare}" if bare else ""


def _of_address(line: street_lines.Line, place: str, *, bare: bool = False) -> Name:
    text, loose = f"{ADDRESS}{line.exact}@{place}", f"{ADDRESS}{line.possible}@{place}"
    if len(text) > ID_MAX:
        text = fitting(ADDRESS, f"{line.exact}@{place}")
    return Name(text, loose if len(loose) <= ID_MAX else fitting(ADDRESS, f"{line.possible}@{place}"), bare)
