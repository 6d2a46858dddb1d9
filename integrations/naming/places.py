"""A ZIP and a city in one spelling. Pure."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache

from integrations.naming.street_words import NAME_WORDS

LONGEST = 100  # characters of a city's name that are read

_ZIP = re.compile(r"(?P<zip>\d{3,5})(?:\.0)?|(?P<five>\d{4,5}) ?-? ?(?:\d{4})?-?|(?P<nine>\d{8,9})", re.ASCII)
_DIRECTIONS = {
    "N": "NORTH", "S": "SOUTH", "E": "EAST", "W": "WEST", "NO": "NORTH", "SO": "SOUTH",
    "NE": "NORTHEAST", "NW": "NORTHWEST", "SE": "SOUTHEAST", "SW": "SOUTHWEST",
}  # fmt: skip
_WORDS = {"ST": "SAINT", "TWP": "TOWNSHIP", "VILL": "VILLAGE", "SPGS": "SPRINGS", "SPRGS": "SPRINGS"}
_KIND = re.compile(r"^(?:CITY|TOWN|VILLAGE|TOWNSHIP|BOROUGH) OF (?=\w)")


@lru_cache(maxsize=4096)  # a file is of few ZIPs
def zip5(value: str) -> str | None:
    """Five digits, without the +4 and with the zeros a spreadsheet has cut off; None for what is no ZIP."""
    text = " ".join(value[:20].replace("–", "-").split())
    found = _ZIP.fullmatch(text)
    if found is None:
        return None
    digits = (found["zip"] or found["five"] or found["nine"].zfill(9)[:5]).zfill(5)
    return digits if digits != "00000" else None


@lru_cache(maxsize=4096)  # a file is of few cities
def town(city: str) -> str:
    """A city's name in capitals: St. Louis is Saint Louis, N Miami is North Miami, City of Austin is Austin."""
    line = city[:LONGEST]
    if not line.isascii():
        line = "".join(c for c in unicodedata.normalize("NFKD", line) if not unicodedata.combining(c))
    line = line.upper().replace("'", "").replace("’", "").replace(".", " ")
    words = _KIND.sub("", " ".join("".join(c if c.isalnum() else " " for c in line).split())).split()
    if len(words) > 1:
        words[0] = _DIRECTIONS.get(words[0], words[0])
        words = [_WORDS.get(word) or _full(word) for word in words]
    return " ".join(words)


def _full(word: str) -> str:
    """MT and HTS in full; a city's Street or Road stays as it is."""
    full = NAME_WORDS.get(word, word)
    return full if len(full) > len(word) else word


# The state of a ZIP by its first three digits: USPS, Labeling List L002. Left out: the eight that two states share.
_STATES_OF_ZIPS = """
    005NY 006PR 008VI 009PR 010MA 028RI 030NH 039ME 050VT 055MA 056VT 060CT 063- 064CT 070NJ 090AE 099- 100NY 150PA
    197DE 200DC 201VA 202DC 205- 206MD 220VA 247WV 270NC 290SC 300GA 320FL 340AA 341FL 350AL 370TN 386MS 398GA 400KY
    430OH 460IN 480MI 500IA 530WI 550MN 569DC 570SD 580ND 590MT 600IL 630MO 660KS 680NE 700LA 716AR 726- 727AR 730OK
    733TX 734OK 739- 740OK 750TX 800CO 820WY 832ID 834- 835ID 840UT 850AZ 870NM 885TX 888DC 889NV 900CA 962AP 967- 968HI
    969- 970OR 980WA 995AK
"""
_FIRST_ZIPS = [(entry[:3], entry[3:].strip("-")) for entry in _STATES_OF_ZIPS.split()]
_STARTS = [start for start, _ in _FIRST_ZIPS]


def state_of_zip(code: str) -> str:
    """The state of a five-digit ZIP, "" where its first three digits do not say."""
    place = bisect_right(_STARTS, code[:3])
    return _FIRST_ZIPS[place - 1][1] if place else ""
