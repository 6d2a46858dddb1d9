"""What the cells of a person's file say, by field: a clean value, or None where the cell cannot be read. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from buckets.imports import damage, value_cells
from buckets.imports.columns import EMAILS, MARKS, NUMBERS
from buckets.imports.null_words import NOT_SAID, text_of
from buckets.imports.phone_cells import phones, says_do_not_call
from integrations.naming import states
from integrations.vendors import normalise
from leads.facts.sources import APOLLO, DETAIL, PERSONS, TRACE

__all__ = [
    "CLEAN",
    "NOT_SAID",
    "SOURCES",
    "TELLING",
    "TIMES",
    "apn",
    "bought_from",
    "forbids",
    "mark",
    "moment",
    "phones",
    "state",
    "text_of",
    "zip5",
]

_SHORT = {
    "ALA": "AL", "ARIZ": "AZ", "ARK": "AR", "CALIF": "CA", "CAL": "CA", "COLO": "CO", "CONN": "CT", "DEL": "DE",
    "FLA": "FL", "ILL": "IL", "IND": "IN", "KAN": "KS", "KANS": "KS", "MASS": "MA", "MICH": "MI", "MINN": "MN",
    "MISS": "MS", "MONT": "MT", "NEB": "NE", "NEBR": "NE", "NEV": "NV", "OKLA": "OK", "ORE": "OR", "PENN": "PA",
    "PENNA": "PA", "TENN": "TN", "TEX": "TX", "WASH": "WA", "WISC": "WI", "WIS": "WI", "WYO": "WY", "D C": "DC",
    "N C": "NC", "S C": "SC", "N D": "ND", "S D": "SD", "N H": "NH", "N J": "NJ", "N M": "NM", "N Y": "NY", "R I": "RI",
    "W VA": "WV", "WASHINGTON DC": "DC", "WASHINGTON D C": "DC",
}  # fmt: skip
_CODES = frozenset(states.FIPS)
# Where mail goes, beyond the states: the forces' and Canada's.
_MAIL_CODES = _CODES | frozenset("AA AE AP AB BC MB NB NL NS NT NU ON PE QC SK YT".split())  # noqa: SIM905


def state(value: str) -> str | None:
    """A state's code from its code, its name or its old short form."""
    return _state(value, _CODES)


def mailing_state(value: str) -> str | None:
    return _state(value, _MAIL_CODES)


def _state(value: str, codes: frozenset[str]) -> str | None:
    if value in codes:
        return value
    word = normalise.fold(value)
    return word if word in codes else states.NAMES.get(word) or _SHORT.get(word)


_ZIP_DIGITS = re.compile(r"(?:[A-Z]{2}\s+)?(?P<zip>\d{1,5})(?:\s*[-–—‐‑]?\s*(?P<more>\d{4}))?\s*[-–—‐‑]?", re.ASCII)


def zip5(value: str) -> str | None:
    """A ZIP; a spreadsheet has cut the zero off "02134" and perhaps written "2134.0" or "2,134"."""
    if len(value) == 5 and value.isascii() and value.isdigit():
        return value
    text = damage.whole(value)
    if re.fullmatch(r"\d{1,2},\d{3}", text):
        text = text.replace(",", "")
    if re.fullmatch(r"\d{8,9}", text, re.ASCII):  # ZIP+4 without its dash
        return text.zfill(9)[:5]
    found = _ZIP_DIGITS.fullmatch(text.strip())
    return found["zip"].zfill(5) if found and len(found["zip"]) >= 3 else None


def fips(value: str) -> str | None:
    digits = re.sub(r"(?<=^\d\d)[-\s](?=\d{3}$)", "", damage.whole(value))
    return digits.zfill(5) if digits.isascii() and digits.isdigit() and 4 <= len(digits) <= 5 else None


def apn(value: str) -> str | None:
    """A parcel number; a spreadsheet's date or rounded number is none, whatever it was before."""
    clean = normalise.text(value, limit=64)
    return damage.code(clean) if clean else None


def house(value: str) -> str | None:
    """A house's number: "12", "12-1/2", "N6W23001"."""
    clean = normalise.text(value, limit=20)
    return damage.code(clean) if clean else None


_TOWN_BELOW = re.compile(
    r"\n[^\n\d]+[\s,]+[A-Za-z]{2}\.?,?(?:\s+\d{5}(?:-\d{4})?)?\s*\Z"
)  # a city in a line of its own


# A house number that a spreadsheet has made a date or a rounded number of: 12-Jan Main St, 1.2E3 Main St.
_DAMAGED_HOUSE = re.compile(
    r"(?:\d{1,2}-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r"-\d{1,2}|\d[.,]\d+E[+-]?\d+|\dE\+\d+)\s",
    re.IGNORECASE,
)
_NO_UNIT = re.compile(r"[\s,]+(?:unit|apt|apartment|ste|suite|#)\.?\s*#?\s*(?:n/a|null|none|nan)$", re.IGNORECASE)


def street(value: str) -> str | None:
    """A street line; "12.0 Oak St" is house 12. None where a spreadsheet has made its number a date."""
    if "\n" in value and _TOWN_BELOW.search(value):
        value = ", ".join(value.split("\n"))
    clean = normalise.text(value)
    if clean is None or _DAMAGED_HOUSE.match(clean):
        return None
    if clean[-1] in "aAlLeEnN":
        clean = _NO_UNIT.sub("", clean)
    return re.sub(r"^(\d+)\.0(?=\s)", r"\1", clean) if ".0 " in clean else clean


def street_name(value: str) -> str | None:
    """A street's name. "14.0" may have been 14 or 14TH; "12-Jan" nobody knows what."""
    clean = normalise.text(value)
    return None if clean is None or (clean[0].isdigit() and damage.whole(clean) != clean) else _undated(clean)


def _undated(text: str) -> str | None:
    return None if damage.looks_like_date(text) else text


def unit(value: str) -> str | None:
    """ "Apt 5", "#5", "5" of "5.0"."""
    clean = normalise.text(value, limit=40)
    return damage.code(clean) if clean else None


def place(value: str) -> str | None:
    """A city's or a county's name: "026" is a code."""
    clean = normalise.text(value)
    if clean and clean[0].isdigit() and damage.whole(clean).replace(" ", "").isdigit():
        return None
    return clean


def property_id(value: str) -> str | None:
    return normalise.property_id(damage.whole(value))


def email(value: str) -> str | None:
    """The first address of a cell; `value_cells.emails` has all."""
    found = value_cells.emails(value)
    return found[0] if found else None


_YES = frozenset({"x", "✓", "✔", "dnc", "do not call", "donotcall", "on dnc", "listed", "litigator", "on", "1.0"})
_NO = frozenset({
    "clean", "clear", "ok", "okay", "callable", "safe", "not listed", "not on dnc", "not dnc", "no dnc", "none",
    "off", "0.0",
})  # fmt: skip


def mark(value: str) -> bool | None:
    """A do-not-call mark or a litigator's. None: it cannot be read, and then nobody is called on the strength of it."""
    word = " ".join(value.lower().split())
    flag = normalise.boolean(word)
    if flag is None and phones(value):
        return True  # a column of the numbers that must not be called
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


_TOLD_OF_ROW = ("tags", "lists", "status", "statusLabel")
# Fields whose cells may say who must not be called, with the do-not-call field that such words fill.
TELLING = {
    **{number: f"{number}OtherDoNotCall" for number in NUMBERS},
    **{f"{number}Status": f"{number}OtherDoNotCall" for number in NUMBERS},
    **dict.fromkeys((*_TOLD_OF_ROW, "callStatus", "callable"), "doNotCall"),
}


def forbids(field: str, value: str) -> str | None:
    """The do-not-call field that words in another cell fill: 617-555-0101 (DNC), a tag "Do not call", callable: no."""
    if field == "callable" and mark(value) is False and "not" not in value.lower().split():
        return TELLING[field]
    return TELLING.get(field) if says_do_not_call(value) else None


# Of our own export: the column that tells a value's source, and when that source answered.
SOURCES = {
    "ownerSource": "owner_name",
    "mailingSource": "mailing_address",
    "phoneSource": "phone",
    "secondaryPhoneSource": "secondary_phone",
    **{f"phone{n}Source": f"phone_{n}" for n in (3, 4, 5)},
    **{f"{email}Source": email for email in EMAILS},
}
TIMES = {DETAIL: "enrichedAt", TRACE: "skipTracedAt", APOLLO: "apolloEnrichedAt"}


def bought_from(value: str) -> str | None:
    """A source as our export tells it. None: another list's word."""
    return value if value in TIMES or value in PERSONS else None


_EXTENSION = re.compile(r"(?:extension|extn?|x|#)?[\s.:#]*(\d{1,7})", re.IGNORECASE | re.ASCII)


def extension(value: str) -> str | None:
    """The digits of x12, ext. 12, 12.0."""
    found = _EXTENSION.fullmatch(damage.whole(value).strip())
    return found[1] if found else None


def moment(value: str) -> str | None:
    """A time of our own export, as ISO 8601 with its offset."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at.isoformat() if at.tzinfo else None


CLEAN: dict[str, Callable[[str], Any]] = {
    "propertyId": property_id,
    "apn": apn,
    "fips": fips,
    **dict.fromkeys(("house", "mailingHouse"), house),
    **dict.fromkeys(("address", "mailingAddress"), street),
    **dict.fromkeys(("unit", "mailingUnit"), unit),
    **dict.fromkeys(("streetName", "mailingStreetName"), street_name),
    **dict.fromkeys(("city", "county", "mailingCity"), place),
    "state": state,
    "zip": zip5,
    "mailingState": mailing_state,
    "mailingZip": zip5,
    **dict.fromkeys(NUMBERS, phones),
    **{f"{number}Type": phone_type for number in NUMBERS},
    **{f"{number}Extension": extension for number in NUMBERS},
    **dict.fromkeys((*MARKS, "doNotMail"), mark),
    **dict.fromkeys(EMAILS, email),
    **dict.fromkeys(SOURCES, bought_from),
    **dict.fromkeys(TIMES.values(), moment),
    "contactIsOther": mark,
    "estimatedValue": value_cells.price,
    "estimatedEquity": value_cells.money,
    "equityPercent": value_cells.percent,
    "bedrooms": value_cells.bedrooms,
    "bathrooms": value_cells.bathrooms,
    "sqft": value_cells.square_feet,
    "yearBuilt": value_cells.year,
    "lastSaleDate": damage.iso_date,
    "lastSalePrice": value_cells.price,
    "propertyType": value_cells.property_type,
    "ownerOccupied": value_cells.owner_occupied,
    "absenteeOwner": value_cells.absentee,
    "vacant": value_cells.vacant,
    "latitude": value_cells.latitude,
    "longitude": value_cells.longitude,
    **dict.fromkeys(("tags", "lists"), value_cells.tags),
    "status": value_cells.status,
    "notes": value_cells.notes,
}
