"""The likely column of each field, by the columns' names, what stands in them, and what they stand beside. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from buckets.imports.address_columns import Addresses, Samples, addresses
from buckets.imports.column_words import NOTHING, PROPERTY, Called, called
from buckets.imports.fields import FIELDS, PLACE, STREET, mailing
from buckets.imports.phone_columns import guess_numbers
from leads.selection.export_columns import is_own_export, plain_name

# Columns of our own export that nobody else has; two of them beside "Property ID" make a file our own.
_OURS = frozenset({
    "another person's contacts", "skip-traced person", "other values", "owner source", "mailing source",
    "phone source", "second phone source", "e-mail source", "skip traced at", "apollo enriched at", "enriched at",
    "traced address", "enrichment", "second phone do not call",
})  # fmt: skip
_OWN_ID, _LEAD_ID = "property id", "lead id"
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_OF_ADDRESS = frozenset({*STREET, *PLACE, *map(mailing, (*STREET, *PLACE))})
_NUMBERS_ONLY = re.compile(r"[\d\s.,/-]+")


def guess(columns: Sequence[str], samples: Samples = (), *, ids_are_known: bool = False) -> dict[str, int]:
    """The likely column of each field. A column is guessed once, the first of its name.

    samples: of each column, what the first rows have in it; without them, only the names tell. ids_are_known: whether
    every row's "property_id" is one that RealEstateAPI has sold us, so that it is no other tool's number.
    """
    ours = is_our_export(columns, samples)
    found = guess_numbers(columns, samples)
    said = _said(columns, samples, taken=found)
    places = addresses(columns, said, samples)
    found = {**places.columns, **found}
    assessors = any(one.situs for one in said)  # whose account numbers are parcels
    for field in FIELDS:
        if field in found or field in _OF_ADDRESS:
            continue
        kinds = _kinds_of(field, own=ids_are_known or ours, weak=assessors)
        if (column := _best(kinds, said, samples)) is not None:
            found[field] = column
    if ours:
        _add_ours(columns, found)
    return {field: found[field] for field in FIELDS if field in found}


def foreign_ids(columns: Sequence[str], samples: Samples | None = None) -> int | None:
    """The column of property ids that may be another tool's; None where there is none, or the file is our own."""
    if is_our_export(columns, samples):
        return None
    return next((index for index, name in enumerate(columns) if called(name).kind == "foreignId"), None)


def is_our_export(columns: Sequence[str], samples: Samples | None = None) -> bool:
    """Whether a file has the header of our own export, or of a part of it.

    A part that has nothing but "Lead ID" and "Property ID" of ours may be another tool's: with samples, its lead ids
    must be such as ours are.
    """
    names = {plain_name(name) for name in columns}
    if _OWN_ID in names and len(names & _OURS) >= 2:
        return True
    return is_own_export(columns) and (samples is None or _are_lead_ids(columns, samples))


def _are_lead_ids(columns: Sequence[str], samples: Samples) -> bool:
    place = next(index for index, name in enumerate(columns) if plain_name(name) == _LEAD_ID)
    cells = [cell.strip() for cell in samples[place] if cell.strip()] if place < len(samples) else []
    return bool(cells) and all(map(_UUID.fullmatch, cells))


def doubts(columns: Sequence[str]) -> Addresses:
    """Which places were not taken, and which were though it is not sure whose they are."""
    return addresses(columns, _said(columns, (), taken=guess_numbers(columns)), ())


def _said(columns: Sequence[str], samples: Samples, *, taken: Mapping[str, int]) -> list[Called]:
    """What each column's name says, but for those that are taken; a column of codes is no column of names."""
    numbers = set(taken.values())
    said = [NOTHING if index in numbers else called(name) for index, name in enumerate(columns)]
    plain = [re.sub(r"[^a-z]", "", name.lower()) for name in columns]
    for of in ("site", "situs", "loc", "location"):  # SITE_NUM and SITE_NAME: a street's name where its number stands
        if f"{of}num" in plain and f"{of}name" in plain:
            said[plain.index(f"{of}name")] = Called("streetName", PROPERTY, situs=True)
    return [_checked(one, samples[index] if index < len(samples) else ()) for index, one in enumerate(said)]


def _checked(one: Called, cells: Sequence[str]) -> Called:
    """NOTHING where what stands in the column is not what its name says."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled:
        return one
    numeric = all(_NUMBERS_ONLY.fullmatch(cell) for cell in filled)
    if one.kind in ("city", "state", "county") and numeric:
        return NOTHING  # "026": a code of the county's own
    if one.kind == "fips" and not any(re.fullmatch(r"\d{4,5}(\.0)?", cell) for cell in filled):
        return NOTHING  # three digits are a county within its state
    if one.kind in ("ownerName", "firstName", "lastName", "secondOwnerName") and numeric:
        return NOTHING
    if one.kind == "email" and not any("@" in cell for cell in filled):
        return NOTHING
    return one


def _kinds_of(field: str, *, own: bool, weak: bool) -> tuple[str, ...]:
    """The kinds of columns that may hold a field, the surest first."""
    if field == "propertyId":
        return ("realId", "foreignId") if own else ("realId",)
    if field == "apn":
        return ("apn", "account") if weak else ("apn",)
    return (field,)


def _best(kinds: Sequence[str], said: Sequence[Called], samples: Samples) -> int | None:
    """The column whose name is the surest, the first of several; a parcel's number is longer than a row's."""
    for kind in kinds:
        wanted = 1
        if kind in ("email2", "email3"):
            kind, wanted = "email", int(kind[-1])
        if kind == "county":
            said = [replace(one, number=99) if one.kind == kind and one.side not in ("", PROPERTY) else one
                    for one in said]  # fmt: skip
        fitting = [(index, one) for index, one in enumerate(said) if one.kind == kind and one.number == wanted]
        if fitting:
            return min(fitting, key=lambda pair: (_is_short(kind, pair[0], samples), pair[1].rank, pair[0]))[0]
    return None


def _is_short(kind: str, index: int, samples: Samples) -> bool:
    cells = samples[index] if kind == "apn" and index < len(samples) else ()
    return any(cell.strip() for cell in cells) and max(len(cell.strip()) for cell in cells) < 4


def _add_ours(columns: Sequence[str], found: dict[str, int]) -> None:
    """Columns whose names are too short to mean anything in another's file."""
    for index, name in enumerate(columns):
        if name.strip().casefold() == "type" and index not in found.values():
            found.setdefault("propertyType", index)
