"""One row of a person's file made a lead: cleaned cells, and what the property is called. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from buckets.imports.columns import FIELDS, MARKS, NUMBERS, Chosen
from integrations.lookups import stand_in_ids
from integrations.vendors import normalise
from leads.facts.sources import APOLLO, DETAIL, PERSONS, SLOTS, TRACE, never_weaker

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


_GUARD = re.compile(r"^'(?=\s*[-=+@＝＋－＠])")  # ours, before what a spreadsheet would take for a formula


class Unusable(ValueError):
    """The row names no property; the words say why."""


@dataclass(frozen=True, slots=True)
class Lead:
    """A usable row. facts: by the lead's column names, see `leads.incoming`. unread: fields whose cell had text that
    could not be read.
    """

    property_id: str
    facts: Mapping[str, Any]
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
    return normalise.property_id(value.removesuffix(".0"))


_YES = frozenset({"x", "✓", "✔", "dnc", "do not call", "donotcall", "on dnc", "listed", "litigator", "on", "1.0"})
_NO = frozenset({
    "clean", "clear", "ok", "okay", "callable", "safe", "not listed", "not on dnc", "not dnc", "no dnc", "none",
    "off", "0.0",
})  # fmt: skip
_NOT_SAID = frozenset({"-", "–", "—", "n/a", "na", "unknown", "not checked", "null"})


def mark(value: str) -> bool | None:
    """A do-not-call mark or a litigator's. None: it cannot be read, and then nobody is called on the strength of it."""
    word = " ".join(value.lower().split())
    flag = normalise.boolean(word)
    return True if word in _YES else False if word in _NO else flag


_TYPES = (  # the first whose word is in the cell
    *(("voip", "voip"), ("mobile", "mobile"), ("wireless", "mobile"), ("cell", "mobile"), ("landline", "landline")),
    *(("land line", "landline"), ("residential", "landline"), ("fixed", "landline"), ("home", "landline")),
)


def phone_type(value: str) -> str | None:
    """mobile, landline or voip."""
    word = " ".join(value.lower().replace("-", " ").split())
    letter = {"m": "mobile", "w": "mobile", "c": "mobile", "l": "landline", "v": "voip"}.get(word)
    return letter or next((kind for part, kind in _TYPES if part in word), None)


_EXTENSION = re.compile(r"[\s,;]*(?:\bext(?:ension|n)?\b\.?|x|#)\s*:?\s*(?P<number>\d{1,7})\s*$", re.IGNORECASE)
_BETWEEN_PHONES = re.compile(r"[/;,|&]|\bor\b|\band\b", re.IGNORECASE)
Number = tuple[str, str]  # E.164, and its extension or ""


def phones(value: str) -> list[Number] | None:
    """The numbers of a cell, each with its extension; None where nobody could be called."""
    whole = _phone(value)
    found = [whole] if whole else [one for part in _BETWEEN_PHONES.split(value) if (one := _phone(part))]
    return list(dict.fromkeys(found)) or None


def _phone(text: str) -> Number | None:
    extension = _EXTENSION.search(text)
    digits = text[: extension.start()] if extension else text
    digits = re.sub(r"\([^\d()]*\)|[A-Za-z]+\.?:?", " ", digits).strip().removesuffix(".0")
    number = normalise.phone(re.sub(r"^(00|011)\s*(?=1)", "+", digits))
    return (number, extension["number"] if extension else "") if number else None


# Of our own export: the column that tells a value's source, and when that source answered.
_SOURCES = {
    "ownerSource": "owner_name",
    "mailingSource": "mailing_address",
    "phoneSource": "phone",
    "secondaryPhoneSource": "secondary_phone",
    "emailSource": "email",
}
_TIMES = {DETAIL: "enrichedAt", TRACE: "skipTracedAt", APOLLO: "apolloEnrichedAt"}


def bought_from(value: str) -> str | None:
    """A source as our export tells it. None: another list's word."""
    return value if value in _TIMES or value in PERSONS else None


def moment(value: str) -> str | None:
    """A time of our own export, as ISO 8601 with its offset."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at.isoformat() if at.tzinfo else None


_CLEAN: dict[str, Callable[[str], Any]] = {
    "propertyId": property_id,
    "apn": apn,
    "fips": fips,
    "state": state,
    "zip": zip5,
    "mailingState": state,
    "mailingZip": zip5,
    **dict.fromkeys(NUMBERS, phones),
    **{f"{number}Type": phone_type for number in NUMBERS},
    **dict.fromkeys(MARKS, mark),
    "email": normalise.email,
    **dict.fromkeys(_SOURCES, bought_from),
    **dict.fromkeys(_TIMES.values(), moment),
    "contactIsOther": mark,
}


_PHONES = tuple(str(FIELDS[number]) for number in NUMBERS)  # the lead's columns, then those that only a file has
_CONTACTS = (*SLOTS, "email")


class Reader:
    """Reads rows by one mapping: called with a row's cells it gives the lead, or raises Unusable."""

    def __init__(self, mapping: Chosen, width: int) -> None:
        self._width = width
        self._cells = [(field, column, _CLEAN.get(field, normalise.text)) for field, column in mapping.columns.items()]
        self._same = {
            field: clean
            for field, value in mapping.constants.items()
            if (clean := _CLEAN.get(field, normalise.text)(value)) is not None
        }

    def __call__(self, cells: Sequence[str]) -> Lead:
        if len(cells) > self._width and not is_blank(cells[self._width :]):
            raise Unusable(TOO_WIDE)
        said: dict[str, Any] = dict(self._same)
        unread: list[str] = []
        for field, column, clean in self._cells:
            raw = cells[column].strip() if column < len(cells) else ""
            if not raw or (field in MARKS and raw.lower() in _NOT_SAID):
                continue
            value = clean(_GUARD.sub("", raw))
            if value is None:
                unread.append(field)
            if value is None and field in MARKS:
                value = True  # the safe side
            if value is not None:
                said[field] = value
        _join_address(said)
        name = _named(said, unread)
        facts = {column: said[field] for field, column in FIELDS.items() if column and field in said}
        facts |= _bought(said)
        row_mark = never_weaker(said.get("doNotCall"), said.get("otherDoNotCall"), said.get("litigator") or None)
        _tell_phones(facts, row_mark=row_mark)
        return Lead(name, facts, tuple(unread))


def _bought(said: Mapping[str, Any]) -> dict[str, Any]:
    """`bought` of a row of our own export: {fact: {"source", "at", "person"}} of what no person brought.

    Another person's contacts stay that person's, as does what does not say where it is from.
    """
    other = said.get("contactIsOther")
    sold: dict[str, dict[str, Any]] = {}
    for field, fact in _SOURCES.items():
        source = said.get(field)
        if other and field not in said and fact in _CONTACTS:
            source = TRACE
        if source in _TIMES:
            sold[fact] = {"source": source} | ({"at": at} if (at := said.get(_TIMES[source])) else {})
            if other and source == TRACE and fact in _CONTACTS:
                sold[fact]["person"] = said.get("contactName") or "somebody else"
    return {"bought": sold} if sold else {}


def _tell_phones(facts: dict[str, Any], *, row_mark: bool | None) -> None:
    """Each number of the row once, with its type and mark; the third and later ones under `more_phones`.

    row_mark: of the whole row, for every number in it. What is said of a phone that is not there is left out.
    """
    known: dict[str, dict[str, Any]] = {}
    sources = facts.get("bought", {})
    told = {slot: sources.pop(slot, None) for slot in SLOTS}
    for slot in _PHONES:
        kind, own_mark = facts.pop(f"{slot}_type", None), facts.pop(f"{slot}_do_not_call", None)
        own_mark = never_weaker(own_mark, facts.pop(f"{slot}_other_mark", None) or None)
        for number, extension in facts.pop(slot, ()):
            entry = known.setdefault(number, {"value": number, "bought": told.get(slot)})
            entry["type"] = entry.get("type") or kind
            entry["extension"] = entry.get("extension") or extension
            entry["do_not_call"] = never_weaker(entry.get("do_not_call"), own_mark, row_mark)
    entries = [{name: part for name, part in one.items() if part not in (None, "")} for one in known.values()]
    for slot, entry in zip(SLOTS, entries, strict=False):
        facts[slot] = entry["value"]
        if "bought" in entry:
            sources[slot] = entry["bought"]
        facts |= {f"{slot}_{name}": entry[name] for name in ("type", "do_not_call", "extension") if name in entry}
    if entries[len(SLOTS) :]:
        facts["more_phones"] = [{**entry.pop("bought", {}), **entry} for entry in entries[len(SLOTS) :]]
    if "bought" in facts and not sources:
        del facts["bought"]


def _join_address(said: dict[str, Any]) -> None:
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


def _named(said: Mapping[str, Any], unread: Sequence[str]) -> str:
    """What the property is called: the vendor's id, else by APN, else by address. Raises Unusable."""
    if "propertyId" in said:
        return str(said["propertyId"])
    number, street, region = said.get("apn"), said.get("address"), said.get("state")
    if number:
        name = stand_in_ids.by_apn(number, fips=said.get("fips"), county=said.get("county"), state=region)
        if name is not None:
            return name
    if street:
        if not any(map(str.isdigit, street)):
            raise Unusable(NO_HOUSE_NUMBER)
        name = stand_in_ids.by_address(street, zip=said.get("zip"), city=said.get("city"), state=region)
        if name is not None:
            return name
        raise Unusable(ADDRESS_NEEDS_PLACE)
    if number:
        raise Unusable(APN_NEEDS_COUNTY)
    raise Unusable(APN_DAMAGED if "apn" in unread else NAMES_NOTHING)
