"""What an import would make of a file, before anything is saved. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from buckets.imports.columns import MARKS, NUMBERS, OWN, Chosen, looks_like_mark
from buckets.imports.guessing import doubts, foreign_ids, is_our_export
from buckets.imports.reading import Row
from buckets.imports.repeats import Repeats
from buckets.imports.rows import ADDRESS_NEEDS_PLACE, Lead, Reader, Unusable, is_blank
from common.files.encoding import REPLACED
from integrations.lookups.stand_in_ids import ADDRESS
from integrations.naming import counties, states
from integrations.naming.places import state_of_zip

PREVIEW_ROWS = 5_000  # half a second
SHOWN = 10
_UNREAD = {
    "propertyId": "a property id that is not RealEstateAPI's",
    "apn": "an APN that a spreadsheet has made a date or a number of",
    "fips": "a FIPS code that is none",
    "address": "an address whose house number a spreadsheet has made a date or a number of",
    "streetName": "a street that a spreadsheet has made a date or a number of",
    "house": "a house number that a spreadsheet has made a date or a number of",
    "unit": "a unit that a spreadsheet has made a date or a number of",
    "city": "a code in place of the city's name",
    "county": "a code in place of the county's name",
    "state": "a state that is none",
    "zip": "a ZIP that is none",
    "mailingAddress": "a mailing address whose house number a spreadsheet has made a date or a number of",
    "mailingStreetName": "a mailing street that a spreadsheet has made a date or a number of",
    "mailingHouse": "a mailing house number that a spreadsheet has made a date or a number of",
    "mailingUnit": "a mailing unit that a spreadsheet has made a date or a number of",
    "mailingCity": "a code in place of the mailing city's name",
    "mailingState": "a mailing state that is none",
    "mailingZip": "a mailing ZIP that is none",
    **dict.fromkeys(NUMBERS[2:], "a further phone that nobody could call"),
    "phone": "a phone that nobody could call",
    "secondaryPhone": "a second phone that nobody could call",
    **{f"{number}Type": "a further phone's type that is not known" for number in NUMBERS[2:]},
    "phoneType": "a phone type that is not known",
    "secondaryPhoneType": "a second phone's type that is not known",
    **{f"{number}Extension": "a phone extension that is none" for number in NUMBERS},
    **dict.fromkeys(MARKS, "a do-not-call mark that cannot be read, and is taken as do not call"),
    "doNotMail": "a do-not-mail mark that cannot be read, and is taken as do not mail",
    "email": "an e-mail address that is none",
    **dict.fromkeys(("email2", "email3"), "a further e-mail address that is none"),
    "estimatedValue": "a value that cannot be read",
    "estimatedEquity": "an equity that cannot be read",
    "equityPercent": "an equity % that cannot be read",
    "bedrooms": "a number of bedrooms that cannot be read",
    "bathrooms": "a number of bathrooms that cannot be read",
    "sqft": "a living area that cannot be read",
    "yearBuilt": "a year built that cannot be read",
    "lastSaleDate": "a date of sale that cannot be read",
    "lastSalePrice": "a sale price that cannot be read",
    "propertyType": "a property type that is not known",
    "ownerOccupied": "an owner-occupied mark that cannot be read",
    "absenteeOwner": "an absentee-owner mark that cannot be read",
    "vacant": "a vacancy mark that cannot be read",
    "latitude": "a latitude that is none",
    "longitude": "a longitude that is none",
    "status": "a status that is neither one of ours nor a label of your team, and is left out",
    "statusLabel": "a status label that your team does not have, and is left out",
}


@dataclass(slots=True)
class Preview:
    """What became of the rows that were looked at. reasons: unusable rows by what is wrong with them."""

    rows: int = 0
    usable: int = 0
    skipped: int = 0
    failed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)
    first: list[tuple[int, Lead]] = field(default_factory=list)
    looked_up: list[Lead] = field(default_factory=list)  # of the first rows
    unsure: int = 0  # rows with an APN without separators that several parcels of the file fit
    replaced_line: int = 0  # the first line with a character that cannot be read

    def shown(self) -> list[dict[str, Any]]:
        """The first usable rows as they would be saved."""
        return [
            {"line": line, "propertyId": lead.property_id, "facts": _columns(lead.facts)} for line, lead in self.first
        ]


def _columns(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Each as text, as every preview has it."""
    texts: dict[str, Any] = {
        name: str(value).lower() if isinstance(value, bool) else value for name, value in facts.items()
    }
    texts.pop("bought", None)
    for key, value in texts.pop("custom", {}).items():
        texts[f"custom.{key}"] = value if isinstance(value, str) else json.dumps(value)
    if "tags" in facts:
        texts["tags"] = ", ".join(facts["tags"])
    for name in texts.keys() & {"more_phones", "more_emails"}:
        texts[name] = ", ".join(entry["value"] for entry in facts[name])
    return texts


def preview(rows: Iterable[Row], names: Iterable[str], chosen: Chosen) -> Preview:
    """Looks at these rows through the chosen columns. `names`: the file's columns, in order."""
    columns = list(names)
    seen, reader = Preview(), Reader(chosen, len(columns))
    lacking: Counter[str] = Counter()
    repeats = Repeats()
    for row in rows:
        seen.rows += 1
        if is_blank(row.cells):
            seen.skipped += 1
            continue
        lacking["narrow"] += len(row.cells) < len(columns)
        if any(REPLACED in cell for cell in row.cells):
            lacking[REPLACED] += 1
            seen.replaced_line = seen.replaced_line or row.line
        try:
            lead = reader.of_row(row)
        except Unusable as error:
            seen.failed += 1
            seen.reasons[str(error)] += 1
            continue
        seen.usable += 1
        if len(seen.first) < SHOWN:
            seen.first.append((row.line, lead))
        if seen.usable <= PREVIEW_ROWS:
            seen.looked_up.append(lead)
        repeats.add(lead)
        lacking.update(lead.unread)
        lacking.update(_contradictions(lead.facts))
        if lead.property_id.startswith(ADDRESS):
            lacking["noZip"] += "property_zip" not in lead.facts
            lacking["noCity"] += not {"property_city", "property_state"} <= lead.facts.keys()
    seen.warnings = [
        *_about_columns(columns, chosen, homeless=ADDRESS_NEEDS_PLACE in seen.reasons),
        *_about_rows(seen, lacking, repeats.count, chosen.fields),
    ]
    seen.unsure = repeats.unsure
    return seen


_CONTRADICTIONS = {
    "fipsState": "a FIPS code of another state",
    "fipsCounty": "a FIPS code of another county",
    "zipState": "a ZIP of another state",
}


def _contradictions(facts: Mapping[str, Any]) -> list[str]:
    """What the row's place says against itself."""
    code, region, county = (facts.get(name) for name in ("fips", "property_state", "property_county"))
    of_zip = state_of_zip(facts.get("property_zip") or "")
    found = ["zipState"] if region and of_zip and of_zip != region else []
    if code and region and states.CODE_OF_FIPS.get(code[:2], region) != region:
        return [*found, "fipsState"]
    told = code and county and region and region != "CT"  # whose counties have had two numbers each since 2022
    named = counties.fips(None, county, region) if told else None
    return [*found, "fipsCounty"] if named and named != code else found


def _about_columns(columns: list[str], chosen: Chosen, *, homeless: bool) -> list[str]:
    """homeless: whether rows fail for want of a city, a state or a ZIP."""
    said = []
    same = [name for name, count in Counter(name.casefold() for name in columns if name).items() if count > 1]
    said += [f"Two columns or more are called {name!r}: check which one is meant." for name in same[:5]]
    used: dict[int, str] = {}
    for name, column in chosen.columns.items():
        if column in used and name == f"{used[column]}DoNotCall":
            said.append(f"The numbers of {columns[column]} are taken as do not call.")
        elif column in used:
            said.append(f"{used[column]} and {name} are read from the same column.")
        used[column] = name
    kept, own = {*chosen.others.values()}, {*chosen.own.values()}
    free = [(index, name) for index, name in enumerate(columns) if index not in used and index not in kept and name]
    unused = [name for index, name in free if index not in own]
    if kept:
        said.append(f"Kept as other columns: {_few(chosen.others)}.")
    if unused:
        said.append(f"Not used: {_few(unused)}.")
    if marks := [name for _, name in free if looks_like_mark(name)]:
        said.append(f"Not used, and may say who must not be called: {', '.join(marks[:20])}.")
    said += _about_addresses(columns, chosen, homeless=homeless)
    foreign = foreign_ids(columns)
    if foreign is not None and foreign not in used:
        said.append(
            f"{columns[foreign]} is not used: the numbers are another tool's, or were never purchased here. If they "
            "are RealEstateAPI's property ids, choose that column for the property id."
        )
    if "propertyId" in chosen.columns and not is_our_export(columns):
        said.append("Property ids are taken as RealEstateAPI's own: another list's numbers are other people's houses.")
    return said


def _about_addresses(columns: list[str], chosen: Chosen, *, homeless: bool) -> list[str]:
    """Where columns do not say whose address they are part of, and where the property has a street alone."""
    found, used = doubts(columns), set(chosen.columns.values())
    said = []
    street = next((chosen.columns[name] for name in ("address", "streetName") if name in chosen.columns), None)
    if doubted := [columns[index] for index in found.doubted if index not in used]:
        said.append(
            f"{_few(doubted)} may be the owner's or somebody else's, not the property's: not used. Choose them if they "
            "are the property's."
        )
    if presumed := [columns[index] for index in found.presumed if index in used]:
        said.append(f"{_few(presumed)} are taken as the property's. Check that they are not the owner's.")
    placed = {"zip", "city", "cityStateZip", "propertyId"} & {*chosen.columns, *chosen.constants}
    if street is not None and homeless and not placed:
        said.append(
            f"The property has a street only ({columns[street]}): say which columns hold its city, state and ZIP, or "
            "what they are for every row."
        )
    return said


def _few(names: Iterable[str]) -> str:
    some = list(names)
    return ", ".join(some[:20]) + (" …" if len(some) > 20 else "")


def _about_rows(seen: Preview, lacking: Mapping[str, int], twice: int, fields: Mapping[str, Any]) -> list[str]:
    """twice: rows whose property an earlier row names too. fields: the team's own by key."""

    def rows(count: int) -> str:
        return f"{count:,} {'row has' if count == 1 else 'rows have'}"

    said = [f"{count:,} of {seen.rows:,} rows cannot be used: {words}." for words, count in seen.reasons.most_common()]
    if count := lacking.get("noZip", 0):
        said.append(f"{rows(count)} no ZIP: the city and state must do.")
    if count := lacking.get("noCity", 0):
        said.append(f"{rows(count)} no city and state: RealEstateAPI may not find them by street and ZIP.")
    said += [f"{rows(lacking[name])} {words}." for name, words in _UNREAD.items() if lacking.get(name)]
    said += [
        f"{rows(count)} a value of “{fields[name.removeprefix(OWN)]}” that cannot be read, and is left out."
        for name, count in lacking.items()
        if name.startswith(OWN)
    ]
    said += [f"{rows(lacking[name])} {words}." for name, words in _CONTRADICTIONS.items() if lacking.get(name)]
    if count := lacking.get(REPLACED, 0):
        where = f"line {seen.replaced_line}" if count == 1 else f"the first in line {seen.replaced_line}"
        said.append(f"{rows(count)} a character that cannot be read ({where}): it is shown as {REPLACED}.")
    if count := lacking.get("narrow", 0):
        said.append(f"{rows(count)} fewer cells than the header.")
    if twice:
        said.append(f"{rows(twice)} a property that an earlier row names too: one lead is made.")
    return said
