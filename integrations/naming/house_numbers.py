"""The house number that a street line begins with, or why it has none. Pure.

Fractions, letters, the hyphens of Queens and the grids of Wisconsin and Illinois are as in USPS Publication 28,
section 23 and appendix D. A line without a house number names no property: many parcels share "0 Main St".
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 200  # characters of a street line, as the lead's column holds; a longer one is no address

MOST_DIGITS = 10  # of a house number

PO_BOX = "The address is a PO box"
RURAL_BOX = "The address is a rural route box, without a house number"
A_LOT = "The address is a lot, without a house number"
NO_HOUSE_NUMBER = "The address has no house number"
ZERO = "The house number is 0"
NO_STREET = "The address has a house number but no street"
NOT_ASSIGNED = "The address is not assigned yet"
TOO_LONG = "The address is too long"

_HOUSE = re.compile(
    r"(?:# )?(?:"
    rf"(?P<number>\d{{1,{MOST_DIGITS}}})(?P<second>-\d{{1,6}})?(?P<letter>[A-Z])?(?: (?P<fraction>\d/\d\d?))?"
    r"|(?P<grid>[NSEW]\d{1,6} ?[NSEW]\d{1,6}|\d{1,3}[NSEW]\d{2,6})(?P<grid_letter>[A-Z])?"
    r")(?: |$)",
    re.ASCII,
)
_UNIT_FIRST = re.compile(r"(APT|UNIT|STE|SUITE) #? ?([0-9A-Z-]{1,6})(?: ,)? (\d.*)")  # Apt 4, 12 Main St
# "#4 12 Main St", where "# 12 Main St" has a house alone
_NUMBER_FIRST = re.compile(r"(#) (\d{1,5}[A-Z]?|[A-Z]\d{0,4})(?: ,)? (\d+ [A-Z].*)")
_PO_BOX = re.compile(r"(?:P ?O|POST OFFICE|POB) ?(?:BOX|DRAWER|BX|\d)|POST OFFICE|(?:BOX|DRAWER|PMB|CALLER) \w*\d")
_RURAL_BOX = re.compile(r"(?:RR|R R|RFD|R F D|HC|HCR|RURAL|STAR|HIGHWAY CONTRACT|RT|RTE|ROUTE)\b.*\bBO?X\b")
_A_LOT = re.compile(r"(?:LOTS?|LTS?|BLK|BLOCK|TRACT|PARCEL|SECTION|ABST?|OUTLOT)\b ?#? ?\w*\d")
_NO_NAME_YET = re.compile(
    r"(?:UNASSIGNED|NOT ASSIGNED|UNKNOWN|UNNAMED|UNNUMBERED|NO (?:SITUS|ADDRESS|STREET|ROAD)|TBD|NONE|NULL|NAN"
    r"|(?:ADDRESS|STREET|ROAD|LOCATION|SITUS) (?:IS )?(?:UNKNOWN|UNASSIGNED|NOT (?:KNOWN|ASSIGNED|AVAILABLE))"
    r"|VACANT|PENDING|TO BE (?:DETERMINED|ASSIGNED)|NOT AVAILABLE)"
    r"(?: (?:ADDRESS|STREET|ST|ROAD|RD|SITUS|LOCATION|LAND|LOT))*"
)
# What stands for a street and is none: a box or a unit alone. 16 St is one.
_BOX_ONLY = re.compile(r"(?:P ?O|POST OFFICE|POB) ?(?:BOX|DRAWER|BX)? ?(?:# )?\w*\d\w*")
_NO_STREET = re.compile(
    r"(?:APT|APARTMENT|UNIT|STE|SUITE|BLDG|BUILDING|LOT|SPC|SPACE|ROOM|FLOOR|TRLR) (?:(?:#|NO) )?"
    r"(?:[A-Z]?\d+-?[A-Z]?|[A-Z]|NO|SO|NORTH|SOUTH|EAST|WEST)"
)
_NO_NAME_LETTERS = frozenset("UNTVPASRLBFDHCEW")  # what a match of one of them begins with

# --- One spelling of the characters ----------------------------------------------------------------------------------

_SPACES = {code: " " for code in range(128) if not chr(code).isalnum()}
_TABLE = str.maketrans({chr(code): space for code, space in _SPACES.items()} | {
    "'": None, "`": None, "#": " # ", ",": " , ", ";": " , ", "&": " AND ", "-": "-", "/": "/", ".": ".",
})  # fmt: skip
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−﹣-", "-") | dict.fromkeys("’‘ʼ´", "") | {"⁄": "/"})
_VULGAR = re.compile(r"(?<=\d)(?=[¼½¾⅓⅔⅛⅜⅝⅞])")
_THOUSANDS = re.compile(r"^(\s*\d{1,3}),(\d{3})(?=\s)")  # 1,234 Oak St
_NOT_SAID = re.compile(r"^(\s*\S+)\s+N/A\s*$")  # 12 N/A, which is not on N A Street
_POINT_ZERO = re.compile(r"^(\s*\d+)\.0+(?=\s|$)")
_FRACTION = re.compile(r"(?<=\d)-(?=\d/\d)")
_HOUSE_LETTER = re.compile(r"^(\s*\d+)-([A-Z])(?=\s)")
_SPACED = re.compile(r"(?<=\d) ?- ?(?=\d)")  # 112 - 10
_LOOSE_MARK = re.compile(r"(?<!\d)[-/]|[-/](?!\d)")


def folded(street: str) -> str:
    """The line in capitals, words parted by one space, without accents. A hyphen or slash stays between digits alone;
    a number sign and a comma are words of their own. Empty where the line is too long to be an address.
    """
    if len(street) > LONGEST:
        return ""
    words = street.upper().split()
    if street.isascii() and "".join(words).isalnum():
        return " ".join(words)  # most lines are plain
    if not street.isascii():
        street = unicodedata.normalize("NFKD", _VULGAR.sub(" ", street).translate(_DASHES)).translate(_DASHES)
        street = "".join(c if c.isalnum() or c.isascii() else " " for c in street if not unicodedata.combining(c))
    line = _THOUSANDS.sub(r"\1\2", _NOT_SAID.sub(r"\1 UNKNOWN", street.upper())).translate(_TABLE)
    if "." in line:
        line = _POINT_ZERO.sub(r"\1", line).replace(".", " ")
    if "-" in line or "/" in line:
        line = _LOOSE_MARK.sub(" ", _SPACED.sub("-", _HOUSE_LETTER.sub(r"\1\2", _FRACTION.sub(" ", line))))
    return " ".join(line.split())


# --- The number ------------------------------------------------------------------------------------------------------


def split(line: str) -> tuple[str, str] | None:
    """The house number in one spelling and the rest of a `folded` line, or None where it names no house."""
    plain, _, rest = line.partition(" ")
    if plain.isdigit() and plain.isascii() and plain[0] != "0" and len(plain) <= MOST_DIGITS and rest[:1].isalpha():
        return None if rest[0] in _NO_NAME_LETTERS and _is_no_street(rest) else (plain, rest)
    found = None if line.startswith("# ") and _NUMBER_FIRST.fullmatch(line) else _HOUSE.match(line)
    if found is None:
        unit_first = _NUMBER_FIRST.fullmatch(line) or _UNIT_FIRST.fullmatch(line)
        return split(f"{unit_first[3]} {unit_first[1]} {unit_first[2]}") if unit_first else None
    rest = line[found.end() :]
    number, second, letter, fraction, grid, grid_letter = found.groups()
    if not rest or rest[0] in "#," or _is_no_street(rest):
        return None
    if number is None:
        return grid.replace(" ", "") + (grid_letter or ""), rest
    number = number.lstrip("0")
    if not number:
        return None
    return f"{number}{second or ''}{letter or ''}{' ' + fraction if fraction else ''}", rest


def _is_no_street(rest: str) -> bool:
    if _NO_NAME_YET.fullmatch(rest) or _NO_STREET.fullmatch(rest):
        return True
    return rest[0] == "P" and _BOX_ONLY.fullmatch(rest) is not None


def problem(street: str) -> str | None:
    """Why a street line names no house, in words for the person whose file it is; None where it names one."""
    if len(street) > LONGEST:
        return TOO_LONG
    line = folded(street)
    if split(line) is not None:
        return None
    found = _HOUSE.match(line)
    if found is None:
        kinds = ((_PO_BOX, PO_BOX), (_RURAL_BOX, RURAL_BOX), (_A_LOT, A_LOT))
        return next((why for kind, why in kinds if kind.match(line)), NO_HOUSE_NUMBER)
    if found["number"] and not found["number"].strip("0"):
        return ZERO
    rest = line[found.end() :]
    if _BOX_ONLY.fullmatch(rest):
        return PO_BOX
    return NOT_ASSIGNED if _NO_NAME_YET.fullmatch(rest) else NO_STREET
