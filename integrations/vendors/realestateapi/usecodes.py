"""What kind of property it is: the vendor's own six types, from its words or its use code.

PropertySearch says SFR, MFR, LAND, CONDO, MOBILE or OTHER (docs/vendors/realestateapi.md 1.2); bulk records say the
county's words ("SINGLE FAMILY RESIDENCE") and a use code. An unknown word is kept whole, so that an operator sees it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from integrations.vendors import normalise

TYPES = ("SFR", "MFR", "LAND", "CONDO", "MOBILE", "OTHER")
WORDS_MAX = 60  # characters of a type we do not know
# Each rule before the next: a condominium is residential too, and a vacant lot may be of any use.
_RULES = (
    ("OTHER", r"PARKING"),
    ("MOBILE", r"MOBILE|MANUFACTURED|TRAILER|MODULAR"),
    ("CONDO", r"CONDO\w*|CO OP|COOP\w*|TIME ?SHARE"),
    ("SFR", r"ZERO LOT LINE|FARM ?HOUSE|LAND LEASE HOME|RANCH (?:STYLE )?(?:HOUSE|HOME|STYLE)|RANCHER"),
    ("LAND", r"LAND|LOT|LOTS|ACREAGE|UNIMPROVED|UNDEVELOPED|PASTURE|CROPLAND|TIMBER|TIMBERLAND"),
    ("MFR", r"MULTI ?FAMIL\w+|MULTI|MULTIPLE|\w*PLEX|\d ?PLEX|APARTMENTS?|APTS?|\d+ UNITS?|UNITS|MFR|MFH|INCOME|"
            r"(?:2|3|4|TWO|THREE|FOUR) (?:TO \w+ )?FAMILY|DORMITORY|BOARDING HOUSE|ROOMING HOUSE"),
    ("SFR", r"SFR|SFH|SFD|SINGLE|ONE FAMILY|1 FAMILY|RESIDENCE|TOWN ?HOUSE|TOWN ?HOME|ROW ?HOUSE|PATIO HOME|"
            r"CLUSTER HOME|GARDEN HOME|TINY HOUSE|BUNGALOW|CABIN|DWELLING|BARNDOMINIUM|PUD|PLANNED UNIT DEVELOPMENT"),
    ("LAND", r"VACANT|AGRICULTUR\w+|FARM|RANCH|ORCHARD|VINEYARD|DESERT"),
    ("OTHER", r"OTHER|COMMERCIAL|INDUSTRIAL|OFFICE|RETAIL|STORES?|SHOPPING|WAREHOUSE|MANUFACTURING|HOTEL|MOTEL|BANK|"
              r"RESTAURANT|GOVERNMENT\w*|EXEMPT|RELIGIOUS|CHURCH|SCHOOL|HOSPITAL|INSTITUTIONAL|RECREATIONAL|GARAGE|"
              r"SERVICE|UTILIT\w+|MIXED USE|MISC\w*|MEDICAL|PUBLIC|TRANSPORTATION|MINERAL|SPECIAL|STORAGE"),
)  # fmt: skip
_WORDS = [(kind, re.compile(rf"\b(?:{words})\b")) for kind, words in _RULES]
# Land that has something on it: what, the words do not say.
_BUILT = re.compile(
    r"\b(?:WITH|W|AND|PLUS|HAS)\b(?! (?:NO|OUT)\b).*\b(?:STRUCTURES?|BUILDINGS?|BLDGS?|IMPROVEMENTS?|HOUSE|HOME)\b|"
    r"\bIMPROVED\b"
)
# The vendor's use codes: the residential ones, vacant land, and 124 to 312, which are shops, offices and the like.
_CODES = {
    **dict.fromkeys(range(124, 313), "OTHER"),
    **dict.fromkeys((357, 358, 359, 360, 361, 369, 372, 378, 381, 388), "MFR"),
    **dict.fromkeys((364, 376, 377, 382, 383, 385, 386, 390, 423, 447, 452), "SFR"),
    **dict.fromkeys((366, 421, 461), "CONDO"),
    **dict.fromkeys((371, 373), "MOBILE"),
    **dict.fromkeys((389, 401), "LAND"),
}


def property_type(*places: Mapping[str, Any]) -> str | None:
    """One of TYPES; else the words as they came, at most WORDS_MAX characters; null where there are none.

    places: the parts of a record that may say it, the most telling first.
    """
    said = [line for place in places if (line := normalise.text(place.get("propertyType"), limit=WORDS_MAX))]
    for line in said:
        if line.upper() in TYPES:
            return line.upper()
    uses = [line for place in places if (line := normalise.text(place.get("propertyUse"), limit=WORDS_MAX))]
    for line in [*said, *uses]:
        if kind := _of_words(line):
            return kind
    codes = (normalise.integer(place.get("propertyUseCode")) for place in places)
    known = next((_CODES[code] for code in codes if code in _CODES), None)
    return known or next(iter([*said, *uses]), None)


def _of_words(line: str) -> str | None:
    folded = normalise.fold(line)
    kind = next((kind for kind, words in _WORDS if words.search(folded)), None)
    return None if kind == "LAND" and _BUILT.search(folded) else kind
