"""What a column's name says: the words it is made of, and the kind of value that these words mean. Pure.

Tools write one thing in many ways: PHY_ZIPCD, Site ZIP Code, situs_postal_zip, PropertyAddressZIP. A name is cut into
known words, each of them is written in one way, and the set of them is looked up. A name with a word that is not known
means nothing: a column that nobody understands stays unused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from buckets.imports.column_lexicon import KINDS, LEXICON, PARTS

PROPERTY, MAILING = "property", "mailing"
OTHER = "other"  # an address of somebody else, or of nobody knows whom: "Attorney City"
_WORD_MAX = 16  # letters; no longer name without a gap is cut into words of more


@dataclass(frozen=True, slots=True)
class Called:
    """kind: a field of the property's address ("city"), else a field, "foreignId" or "". side: PROPERTY, MAILING, OTHER
    or "".

    number: of several such columns. rank: a lower one is a surer name of the same kind. situs: an assessor's word for
    the property's own address, beside which an assessor writes the owner's city without saying whose it is. whose: of
    OTHER, the words that are not understood. whole: an address that may end with its city, state and ZIP.
    """

    kind: str = ""
    side: str = ""
    number: int = 1
    rank: int = 0
    situs: bool = False
    whose: str = ""
    whole: bool = False


NOTHING = Called()

# Names that no words tell: Regrid's parcels, Florida's and others.
_ODD = {
    "saddno": Called("house", PROPERTY), "saddpref": Called("preDirection", PROPERTY),
    "saddstr": Called("streetName", PROPERTY), "saddsttyp": Called("streetSuffix", PROPERTY),
    "saddstsuf": Called("postDirection", PROPERTY), "sunit": Called("unit", PROPERTY),
    "scity": Called("city", PROPERTY), "szip": Called("zip", PROPERTY), "szip5": Called("zip", PROPERTY),
    "vparcel": Called("apn"), "parcelnumb": Called("apn"), "mail": Called("email"),
    **dict.fromkeys(("realestateapiid", "realestateapipropertyid", "reapiid", "reapipropertyid"), Called("realId")),
    **dict.fromkeys(("secondarynumber", "secondaryno", "secondarynum"), Called("unit")),
    "secondaryaddress": Called("address", number=2), "secondarystreet": Called("address", number=2),
    "postcode": Called("zip"), "postcity": Called("city"),
    "adrstr": Called("streetName"), "adradd": Called("houseSuffix"), "adrsuf2": Called("postDirection"),  # iasWorld
}  # fmt: skip
_NUMBERED = {"address": 3, "email": 3, "ownerName": 2, "firstName": 2, "lastName": 2}  # of the second owner too
_SECOND = {"ownerName": "secondOwnerName", "firstName": "secondFirstName", "lastName": "secondLastName"}


@lru_cache(maxsize=2048)
def called(name: str) -> Called:
    """What a column of this name holds; NOTHING where it is not understood, and OTHER's where it is an address whose
    words do not say that it is the property's or the owner's.
    """
    found = _understood(name)
    return found if found is not NOTHING else _of_somebody(name)


def _understood(name: str) -> Called:
    """What a column of this name holds; NOTHING where it is not understood.

    1. The name's words and numbers. 2. Words that mean one thing whoever it is about. 3. Else whose it is, and the
    part of an address that the other words mean.
    """
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    if plain in _ODD:
        return _ODD[plain]
    if name.strip().lower() == "geoid":
        return Called("fips")  # Regrid's; a Texan "geo_id" is a parcel's
    words = _words(name)
    if not words:
        return NOTHING
    person, number = _numbers(words)
    said = frozenset(word for word in words if not word.isdigit())
    if "fips" in said or not said & {"county", "st"}:
        said -= {"code"}  # a county's code is not its name, and "stcd" is no state
    if "owner" in said:
        said -= {"parcel"}
    found = KINDS.get(said) or KINDS.get(said | ({"name"} if said <= {"first", "last"} else set()))
    if found is not None:
        return _of_kind(*found, person=person, number=number) if person == 1 or "contact" not in said else NOTHING
    return _of_address(said, number, doubled=words.count("zip") > 1) if person == 1 else NOTHING


def _of_kind(kind: str, rank: int, *, person: int, number: int) -> Called:
    if kind in _SECOND and max(person, number) == 2:
        return Called(_SECOND[kind], rank=rank)
    if person > 1:
        return NOTHING
    return Called(kind, number=number, rank=rank) if number <= _NUMBERED.get(kind, 1) else NOTHING


def _of_address(said: frozenset[str], number: int, *, doubled: bool) -> Called:
    side, situs = _side(said)
    rest = said - {"owner", "situs", "mailing", "property", "contact", "party", "tax", "parcel"}
    if "contact" in said and not said & {"owner", "mailing"}:
        return NOTHING  # of a person who need not be the owner
    if said == {"name", "address"}:
        return Called("address", MAILING, number)  # NAME1, NAME_ADD2: the name's own lines
    if not rest and (situs or said == {"mailing"}):
        rest = frozenset({"address"})  # "Location"
    if "st" in rest and rest & {"number", "name", "type", "suffix", "direction", "pre", "post"}:
        rest = rest - {"st"} | {"street"}
    if "building" in rest and len(rest) > 1:
        rest = rest - {"building"}  # "Building Address"
    found = PARTS.get(rest) or PARTS.get(rest - {"address"})
    if found is None and rest == {"number"} and side == PROPERTY and situs:
        found = ("house", 0)  # situs_num
    if found is None:
        return NOTHING
    kind, rank = found
    if kind == "furtherLine" or (kind == "street" and number == 2):
        if not rest & {"address", "street"}:
            return NOTHING
        kind, number = "address", 2
    whole = kind == "address" and "full" in said
    if kind == "zip" and (number == 5 or doubled):
        number = 1  # five digits, or "ZIP/ZIP+4"
    if kind == "state" and number == 2:
        number = 1  # Regrid's two letters
    if number > _NUMBERED.get(kind, 1):
        return NOTHING
    return Called(kind, side, number, rank, situs, whole=whole)


def _of_somebody(name: str) -> Called:
    """An address's part of which nobody knows whose it is: Attorney Address, LENDER_ZIP, "Trustee City".

    The last word tells: a "City Council District" is no city.
    """
    said: list[str] = []
    for raw in re.findall(r"[a-z]+", _spread(name).lower()):
        said += _cut(raw) or _cut_end(raw)
    while said and said[-1] in ("code", "full", "name", "number"):
        said.pop()
    parts = [word for word in said if word in _PLACED]
    if not said or said[-1] not in _PLACED or len(said) == len(parts) or not _NO_PLACES.isdisjoint(said):
        return NOTHING
    kinds = dict.fromkeys(_PLACED[word] for word in parts)
    kind = "cityStateZip" if len(kinds) > 1 and "city" in kinds else _PLACED[said[-1]]
    return Called(kind, OTHER, whose=" ".join(word for word in said if word not in _PLACED))


_PLACED = {"address": "address", "street": "address", "city": "city", "state": "state", "zip": "zip", "postal": "zip"}
_NO_PLACES = frozenset({"email", "ip", "web", "website", "url", "mac", "out", "in", "count", "lead"})
_SQUEEZED = re.compile(r"(?P<whose>[a-z]{2,}?)(?P<part>address|addr|street|city|state|zipcode|zip)")
_NO_CITY = re.compile(r".*(?:capa|electri|ethni|publi|velo|elasti|histori|authenti|toxi|e)(?:city|state)")


def _cut_end(raw: str) -> list[str]:
    """Letters that are no known word, with the part of an address that they end with: LENDERZIP."""
    found = _SQUEEZED.fullmatch(raw)
    if found is None or _NO_CITY.fullmatch(raw):
        return [raw]
    return [found["whose"], *LEXICON[found["part"]]]


def _side(said: frozenset[str]) -> tuple[str, bool]:
    """Whose address it is, and whether an assessor's word says so. SITE_MAILING_CITY is the site's."""
    if "owner" in said:
        return MAILING, False
    if "situs" in said:
        return PROPERTY, True
    if "mailing" in said:
        return MAILING, False
    return (PROPERTY, False) if said & {"property", "parcel", "building"} else ("", False)


def _numbers(words: Sequence[str]) -> tuple[int, int]:
    """The number of the person ("Owner 2 …") and of the column ("… Line 2"); 1 where there is none."""
    person = number = 1
    for place, word in enumerate(words):
        if word.isdigit():
            of_person = place > 0 and words[place - 1] in ("owner", "contact", "party") and place + 1 < len(words)
            if of_person:
                person = int(word[:3])
            else:
                number = int(word[:3])
    return person, number


def _words(name: str) -> list[str]:
    """The known words of a name, each written in one way, and its numbers; none where a word is not known."""
    text = _spread(name)
    said: list[str] = []
    for raw in re.findall(r"[a-z]+|\d+|[^\W\d_a-z]", text.lower()):
        parts = [raw] if raw.isdigit() else _cut(raw)
        if parts is None:
            return []
        said += parts
    return said


def _spread(name: str) -> str:
    """The name with its words apart, and marks as words."""
    text = (
        re.sub(r"(?<![a-z])e[-_ ]mail", "email", name, flags=re.IGNORECASE)
        .replace("#", " number ")
        .replace("%", " percent ")
    )
    text = re.sub(r"(?<=[a-z])['’`´]s\b", "", text, flags=re.IGNORECASE)  # the owner's
    text = re.sub(r"2nd", "second", text, flags=re.IGNORECASE)
    text = re.sub(r"^\s*m[_ ]?(?=(?:addr|city|state|street|zip))", "mailing ", text, flags=re.IGNORECASE)  # MADDR1
    text = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    return re.sub(r"tax[-_ ]payer", "taxpayer", text, flags=re.IGNORECASE)


def _cut(raw: str) -> list[str] | None:
    """A run of letters as known words, as few as can be; None where there is no way."""
    best: list[list[str] | None] = [[]]
    for end in range(1, len(raw) + 1):
        ways = [
            [*before, raw[start:end]]
            for start in range(max(0, end - _WORD_MAX), end)
            if (before := best[start]) is not None and raw[start:end] in LEXICON
        ]
        best.append(min(ways, key=len) if ways else None)
    found = best[-1] if len(raw) <= 60 else None
    return None if found is None else [word for part in found for word in LEXICON[part]]
