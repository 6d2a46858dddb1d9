"""What two spellings of one street line share. Used for the names of properties and for questions about people."""

from __future__ import annotations

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


def short_line(street: object) -> str:
    """A street line in capitals with USPS's short words; the unit's number stays, the word before it does not."""
    return " ".join(short for word in normalise.fold(street).split() if (short := _SHORT.get(word, word)))


def short_town(city: object) -> str:
    """A city's name in capitals: Saint Louis and St. Louis are one."""
    return " ".join(_TOWN.get(word, word) for word in normalise.fold(city).split())
