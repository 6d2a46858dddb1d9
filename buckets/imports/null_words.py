"""Which cells hold text and still say nothing: N/A, #REF!, 000-000-000. By field. Pure.

`text_of` is what every other rule of a cell is given: without what a spreadsheet wrote around it, "" where it is empty.
"""

from __future__ import annotations

import re

from buckets.imports.columns import MARKS, NUMBERS

NOT_SAID = frozenset({"-", "–", "—", "n/a", "na", "unknown", "not checked", "null"})
_ERRORS = (
    "#n/a",
    "#ref!",
    "#value!",
    "#name?",
    "#null!",
    "#div/0!",
    "#num!",
    "#n/a!",
    "#spill!",
    "#calc!",
    "\\n",
    "nan",
)
_EVERYWHERE = frozenset((
    *NOT_SAID, *_ERRORS,
    "n.a.", "n.a", "n\\a", "not applicable", "not available", "not avail", "unavailable", "not provided", "not given",
    "not listed", "not found", "not on file", "not known", "none", "none given", "none listed", "none provided", "nil",
    "undefined", "unk", "unkn", "no data", "no info", "no information", "missing", "blank", "empty", "void", "tbd",
    "tba", "to be determined", "to be announced", "multiple", "various", "pending", "unassigned", "not assigned",
    "nat", "none.", "none known", "pd.na", "#na", "unknown.", "n/a.",
    "?", "*", "_", ".", "~", "/", "\\",
))  # fmt: skip
_ONLY_MARKS = re.compile(r"[\s\-–—.*_?/\\~]+")
_ZEROS = re.compile(r"[\s\-–—.,_/$#]*0[0\s\-–—.,_/]*")
# Of one field, or of several that hold the same.
_ADDRESS = frozenset({
    "no situs", "no address", "no site address", "no situs address", "no property address", "address not available",
    "address unknown", "unknown address", "no street address", "vacant land", "see legal", "same", "same as above",
    "same as mailing",
})  # fmt: skip
_OWNER = frozenset({
    "unknown owner", "owner unknown", "no owner", "current owner", "current resident", "owner of record",
    "owner not available", "name unknown", "unknown name",
})  # fmt: skip
_APN = frozenset({"multi", "multiple parcels", "multiple apns", "see notes", "see attached", "new", "split", "no apn"})
_PHONE = frozenset({"no phone", "no number", "not in service", "unlisted", "private"})
_EMAIL = frozenset({"no email", "no e-mail", "noemail", "no email address"})
_NOTHING = ("n/a", "na", "none", "null", "nan", "unknown", "0", "-", "--")
_CALLED = ("unit", "apt", "apt.", "apartment", "ste", "suite", "#", "no.")
_UNIT = frozenset(f"{called}{gap}{nothing}" for called in _CALLED
                  for gap in (" ", " # ", " #", "") for nothing in _NOTHING if gap or not called.isalpha())  # fmt: skip
_NINES = re.compile(r"[\s\-–—.]*9(?:[9\s\-–—.]*9){5,}[\s\-–—.]*")
_ONE_DIGIT = re.compile(r"\D*(\d)(?:\D*\1){6,}\D*")

_ADDRESSES = ("address", "address2", "mailingAddress", "mailingAddress2", "streetName", "mailingStreetName")
_OWNERS = ("ownerName", "firstName", "lastName", "secondOwnerName", "secondFirstName", "secondLastName", "contactName")
_OWN: dict[str, frozenset[str]] = {
    **dict.fromkeys(_ADDRESSES, _ADDRESS | _UNIT),
    **dict.fromkeys(_OWNERS, _OWNER),
    "apn": _APN,
    **dict.fromkeys(("unit", "mailingUnit"), _UNIT),
    **dict.fromkeys(NUMBERS, _PHONE),
    **dict.fromkeys(("email", "email2", "email3"), _EMAIL),
}
# Where nothing but zeros says nothing. No bedroom, no equity and half a point of nothing are something.
_ZERO_IS_EMPTY = frozenset({
    *_ADDRESSES, *_OWNERS, *NUMBERS, *(f"{number}Type" for number in NUMBERS), "propertyId", "apn", "fips", "county",
    "house", "unit", "preDirection", "streetSuffix", "postDirection", "city", "state", "zip", "mailingHouse",
    "mailingUnit", "mailingPreDirection", "mailingStreetSuffix", "mailingPostDirection", "mailingCity", "mailingState",
    "mailingZip", "email", "email2", "email3", "estimatedValue", "sqft", "yearBuilt", "lastSaleDate", "lastSalePrice",
    "propertyType", "latitude", "longitude", "tags", "lists", "status", "notes",
})  # fmt: skip
_MARK_EMPTY = NOT_SAID | frozenset(_ERRORS) | {"n.a.", "n.a", "undefined", "?", ".", "--", "---", "not available"}
_FREE = frozenset({"notes", "status"})  # "pending" is a status, and a note may be one word

_FORMULA = re.compile(r'="(?P<text>.*)"', re.DOTALL)
_CODES = frozenset({
    "propertyId", "apn", "fips", "house", "zip", "mailingHouse", "mailingZip", "unit", "mailingUnit", *NUMBERS,
})  # fmt: skip


_LONGEST = 40  # characters of a cell that says nothing
# What else than a word may say nothing begins so; a phone of one digit alone ends so.
_SUSPECTS = frozenset("0=9-–—.*_?/\\~<[({\"'#$, ")
_TWO_DIGITS = re.compile(r"(?P<one>\d)\D*+(?!(?P=one))\d")  # of a text that says something, whatever its field
_WORDS = {field: _EVERYWHERE | words for field, words in _OWN.items()}


def text_of(field: str, cell: str) -> str:
    """The cell's text without a spreadsheet's guards (="02134", '02134); "" where it says nothing of this field."""
    text = cell.strip()
    if not text:
        return ""
    if text[0] in _SUSPECTS or not text.isascii() or field in MARKS or field in _FREE:
        return text if text.isascii() and text[0] not in "='" and _TWO_DIGITS.search(text) else _looked_at(field, text)
    if len(text) > _LONGEST:
        return text
    if text.lower() in _WORDS.get(field, _EVERYWHERE):
        return ""
    return _looked_at(field, text) if field in NUMBERS and text[-4:] == 4 * text[-1] else text


def _looked_at(field: str, text: str) -> str:
    text = text.strip("\ufeff\u200b\xa0 \t")
    if not text:
        return ""
    if formula := _FORMULA.fullmatch(text):
        text = formula["text"].replace('""', '"').strip()
    elif text[0] == "'":
        text = _without_guard(field, text)
    return "" if _says_nothing(field, text) else text


def _without_guard(field: str, text: str) -> str:
    """An apostrophe in front makes a spreadsheet keep a cell as text; a name may begin with one."""
    inside = text[1:]
    if inside.endswith("'") and "'" not in inside[:-1]:
        return inside[:-1].strip()
    return inside.strip() if field in _CODES or inside[:1].isdigit() else text


def _says_nothing(field: str, text: str) -> bool:
    if len(text) > _LONGEST:
        return False
    word = " ".join(text.casefold().split())
    bare = word.strip("<>[](){}\"' ") or word
    if field in MARKS:
        return bare in _MARK_EMPTY
    if field in _FREE:
        return bare in NOT_SAID or bare in _ERRORS or bare == "none" or bare == "0"
    if bare in _EVERYWHERE or bare in _OWN.get(field, ()) or _ONLY_MARKS.fullmatch(word):
        return True
    if field in _ZERO_IS_EMPTY and _ZEROS.fullmatch(word):
        return True
    if field == "apn":
        return bool(_NINES.fullmatch(word))
    return field in NUMBERS and bool(_ONE_DIGIT.fullmatch(word))
