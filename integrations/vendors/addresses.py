"""What two spellings of one street line share. Used for the names of properties and for questions about people."""

from __future__ import annotations

import re
from functools import lru_cache

from integrations.vendors import normalise

# USPS Publication 28, appendices B and C1: the words that two spellings of one street line differ in most.
_SHORT = {
    "STREET": "ST", "AVENUE": "AVE", "AV": "AVE", "ROAD": "RD", "DRIVE": "DR", "LANE": "LN", "COURT": "CT",
    "PLACE": "PL", "BOULEVARD": "BLVD", "CIRCLE": "CIR", "TERRACE": "TER", "TRAIL": "TRL", "PARKWAY": "PKWY",
    "HIGHWAY": "HWY", "SQUARE": "SQ", "NORTH": "N", "SOUTH": "S", "EAST": "E", "WEST": "W", "NORTHEAST": "NE",
    "NORTHWEST": "NW", "SOUTHEAST": "SE", "SOUTHWEST": "SW",
    "APARTMENT": "", "APT": "", "UNIT": "", "NO": "",
}  # fmt: skip
_TOWN = {"SAINT": "ST", "SAINTE": "STE", "FORT": "FT", "MOUNT": "MT"}

_DIGIT = re.compile(r"\d")
_BOX = re.compile(r"^(?:P ?O ?|POST OFFICE )?(?:BOX|POB)(?: NUMBER)? ?(\w+)$|^P ?O ?B? (\d+)$")
# Floors and buildings are not among them: "Fl 4" and "Bldg 4" are not "Apt 4".
_UNIT_WORD = re.compile(r"\b(?:STE|SUITE|RM|ROOM|SPC|SPACE|LOT) (?=\w*\d\w*\b|[A-Z]\b)")
_ANY_UNIT = re.compile(r"STE|SUITE|RM|ROOM|SPC|SPACE|LOT|BUILDING|FLOOR")
_OTHER_UNITS = ((re.compile(r"\bBUILDING (?=\w)"), "BLDG "), (re.compile(r"\bFLOOR (?=\w)"), "FL "))


def short_line(street: object) -> str:
    """A street line in capitals with USPS's short words; the unit's number stays, the word before it does not."""
    return " ".join([short for word in normalise.fold(street).split() if (short := _SHORT.get(word, word))])


def short_town(city: object) -> str:
    """A city's name in capitals: Saint Louis and St. Louis are one."""
    return " ".join(_TOWN.get(word, word) for word in normalise.fold(city).split())


@lru_cache(maxsize=2**13)  # of a file: an owner's properties have one mailing address, and a landlord's many
def mailing_key(street: object, zip: object) -> str:
    """What the spellings of one mailing address share: its short line and five digits of ZIP; "" where one is missing.

    "12 Main Street Apt. 4", "12 MAIN ST #4" and "12 Main St Unit 4" are one, as are "P.O. Box 7" and "PO BOX NO. 7".
    """
    line, code = short_line(street), normalise.zip5(zip)
    if not line or not code or not _DIGIT.search(line):
        return ""
    if line[0] in "BP" and (box := _BOX.match(line)):
        return f"PO BOX {box[1] or box[2]}|{code}"
    if _ANY_UNIT.search(line):
        line = _UNIT_WORD.sub("", line)
        for words, short in _OTHER_UNITS:
            line = words.sub(short, line)
    return f"{line}|{code}"
