"""Whether two records that share a name can be one property: what contradicts it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from integrations.lookups.identity import Name
from integrations.lookups.stand_in_ids import ADDRESS, APN
from integrations.naming import places
from integrations.naming.street_lines import house_and_unit, name_and_directions

_GAP = re.compile(r"[^0-9A-Z]+")
_ZIP = re.compile(r"[@|](\d{5})$")
_PLACE = re.compile(r"[@|]")  # before the ZIP or the city in the name of an address; former versions wrote the latter


def parcels_differ(one: str | None, other: str | None) -> bool:
    """Whether two parcel numbers of one county are two parcels: 12-3 and 1-23 are, 12-3 and 123 need not be."""
    if not one or not other:
        return False
    first, second = (_GAP.sub(" ", number.upper()).split() for number in (one, other))
    if "".join(first) != "".join(second):
        return bool(first) and bool(second)
    return len(first) > 1 and len(second) > 1 and first != second


def houses_differ(one: str | None, other: str | None) -> bool:
    """Whether two street lines have two house numbers, or two units. A line without either contradicts nothing."""
    if not one or not other:
        return False
    if one == other:
        return False
    parts = zip(house_and_unit(one), house_and_unit(other), strict=True)
    return any(first and second and first != second for first, second in parts)


def zips_differ(one: str | None, other: str | None) -> bool:
    """Whether two ZIPs are two: two houses of one city may have one street line."""
    if not one or not other or one == other:
        return False
    first, second = places.zip5(one), places.zip5(other)
    return first is not None and second is not None and first != second


def addresses_differ(one: str | None, other: str | None) -> bool:
    """Whether two street lines are two houses or units, or two streets: of two names or directions. Words that one of
    them has beside the other's, as a city, contradict nothing.
    """
    if not one or not other or one == other:
        return False
    if houses_differ(one, other):
        return True
    (first, heading), (second, heading_there) = name_and_directions(one), name_and_directions(other)
    if not first or not second:
        return False
    if heading and heading_there and heading.isdisjoint(heading_there):
        return True
    words, others = set(first.split()), set(second.split())
    return not (words <= others or others <= words or first.replace(" ", "") == second.replace(" ", ""))


def contradict(names: Iterable[Name], texts: Sequence[str]) -> bool:
    """Whether what a record is called cannot be what a property is called by these texts.

    Its parcel number is none of the property's in that county, or its house number, unit, street or ZIP none of the
    property's.
    """
    names = list(names)
    zips = {found[1] for name in names if (found := _ZIP.search(name.text))}
    if zips and zips.isdisjoint(known := {found[1] for text in texts if (found := _ZIP.search(text))}) and known:
        return True
    parcels = [text.rsplit(":", 1) for text in texts if text.startswith(APN)]
    lines = [_line(text) for text in texts if _PLACE.search(text) and text.startswith(ADDRESS)]
    for name in names:
        if name.text in texts:
            continue
        if name.text.startswith(APN):
            place, number = name.text.rsplit(":", 1)
            there = [known for where, known in parcels if where == place]
            if there and all(parcels_differ(number, known) for known in there):
                return True
        elif _PLACE.search(name.text) and lines and all(addresses_differ(_line(name.text), line) for line in lines):
            return True
    return False


def _line(text: str) -> str:
    return _PLACE.split(text.removeprefix(ADDRESS), maxsplit=1)[0]
