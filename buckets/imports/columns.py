"""Which column of a file holds what. Guessed from the columns' names, decided by the person. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# field, as the API and the command name it: the lead's column it fills; None: part of another field
FIELDS: dict[str, str | None] = {
    "propertyId": None,
    "apn": "apn",
    "fips": "fips",
    "county": "property_county",
    "house": None,
    "address": "property_address",
    "city": "property_city",
    "state": "property_state",
    "zip": "property_zip",
    "ownerName": "owner_name",
    "firstName": "first_name",
    "lastName": "last_name",
    "mailingAddress": "mailing_address",
    "mailingCity": "mailing_city",
    "mailingState": "mailing_state",
    "mailingZip": "mailing_zip",
    "phone": "phone",
    "phoneType": "phone_type",
    "phoneDoNotCall": "phone_do_not_call",
    "secondaryPhone": "secondary_phone",
    "secondaryPhoneType": "secondary_phone_type",
    "secondaryPhoneDoNotCall": "secondary_phone_do_not_call",
    "doNotCall": None,
    "otherDoNotCall": None,
    "litigator": None,
    "email": "email",
    "phoneOtherDoNotCall": "phone_other_mark",
    "secondaryPhoneOtherDoNotCall": "secondary_phone_other_mark",
    # what shows on no place of its own: kept among the lead's other values
    **{f"phone{n}{of}": f"phone_{n}{part}" for n in (3, 4, 5) for of, part in (
        ("", ""), ("Type", "_type"), ("DoNotCall", "_do_not_call"), ("OtherDoNotCall", "_other_mark"))},
    # of our own export: whose the contacts are, and who sold them when
    "phoneSource": None,
    "secondaryPhoneSource": None,
    "emailSource": None,
    "ownerSource": None,
    "mailingSource": None,
    "contactName": "contact_name",
    "contactIsOther": "contact_is_other",
    "enrichedAt": None,
    "skipTracedAt": None,
    "apolloEnrichedAt": None,
}  # fmt: skip
NUMBERS = ("phone", "secondaryPhone", "phone3", "phone4", "phone5")
NAMING = ("propertyId", "apn", "address")  # one of these names a property
OTHER_MARKS = tuple(f"{number}OtherDoNotCall" for number in NUMBERS)
MARKS = (*(f"{number}DoNotCall" for number in NUMBERS), *OTHER_MARKS, "doNotCall", "otherDoNotCall", "litigator")
CONSTANT_MAX = 200  # characters of a value that holds for every row

_OF_PROPERTY = ("property", "prop", "situs", "site", "subject", "physical", "location", "parcel", "")
_OF_OWNER = ("mailing", "mail", "owner", "taxpayer", "billing", "mailto")


def _words(text: str) -> list[str]:
    return text.split()


_PLACE = {
    "address": _words("address streetaddress addr street address1 addressline1 line1 fulladdress addressfull location"),
    "city": _words("city town cityname municipality"),
    "state": _words("state st stateabbr statecode province"),
    "zip": _words("zip zipcode zip5 zipcode5 postalcode postcode postal"),
}
_MARKED = _words("dnc donotcall isdnc ondnc dncflag dncstatus dnclisted dncresult donotcallflag donotcallstatus")
_TYPED = _words("type linetype kind numbertype carriertype")
_FIRST_PHONE = _words("phone phonenumber bestphone primaryphone ownerphone mobile cell mobilephone cellphone")
_SECOND_PHONE = _words("phone2 phonenumber2 secondphone secondaryphone mobile2 cell2 otherphone altphone landline")
_LISTS = _words("federal national state internal company wireless ftc")
# "id" alone is nobody's: taken for RealEstateAPI's it would buy facts about other people's houses
_NAMES = {
    "propertyId": _words("propertyid realestateapiid reapiid reapipropertyid"),
    "apn": _words(
        "apn parcelnumber parcelid parcelno parcel assessorparcelnumber assessorsparcelnumber apnnumber apnunformatted "
        "pin taxid taxparcelid parcelapn apnparcelid parcelnum"
    ),
    "fips": _words("fips fipscode countyfips fipscountycode countyfipscode"),
    "county": _words("county countyname propertycounty situscounty sitecounty"),
    "house": _words("housenumber house streetnumber houseno streetno addressnumber situshousenumber"),
    "ownerName": _words("owner ownername ownerfullname fullname name ownernames contactname taxpayername"),
    "firstName": _words("firstname ownerfirstname first fname ownerfirst contactfirstname"),
    "lastName": _words("lastname ownerlastname last lname surname ownerlast contactlastname"),
    "phone": _words(
        "phone phonenumber telephone mobile mobilephone cell cellphone bestphone primaryphone ownerphone homephone tel "
        "contactphone wireless"
    ),
    "secondaryPhone": _words(
        "secondphone secondaryphone phone2 phonenumber2 otherphone alternatephone altphone landline"
    ),
    "email": _words("email emailaddress mail owneremail contactemail primaryemail"),
    "phoneType": [*(phone + core for phone in _FIRST_PHONE for core in _TYPED), "linetype", "typeofphone"],
    "secondaryPhoneType": [*(phone + core for phone in _SECOND_PHONE for core in _TYPED), "phonetype2", "linetype2"],
    "phoneDoNotCall": [phone + core for phone in _FIRST_PHONE for core in _MARKED],
    "secondaryPhoneDoNotCall": [
        *(phone + core for phone in _SECOND_PHONE for core in _MARKED),
        *(core + "2" for core in _MARKED),
    ],
    "doNotCall": [
        *_words("donotcall dnc"),
        *_MARKED,
        *(f"{of}{core}" for of in _LISTS for core in _MARKED),
        *_words("dnclist dncregistry donotcalllist donotcallregistry donotcontact dncscrub ondnclist ondonotcalllist"),
    ],
    "litigator": _words(
        "litigator litigators islitigator knownlitigator tcpalitigator litigatorflag litigatorstatus tcpa tcpaflag"
    ),
    "phoneSource": ["phonesource"],
    "secondaryPhoneSource": ["secondphonesource"],
    "emailSource": ["emailsource"],
    "ownerSource": ["ownersource"],
    "mailingSource": ["mailingsource"],
    "contactName": ["skiptracedperson"],
    "contactIsOther": ["anotherpersonscontacts"],
    "enrichedAt": ["enrichedat"],
    "skipTracedAt": ["skiptracedat"],
    "apolloEnrichedAt": ["apolloenrichedat"],
}
_NAMES["otherDoNotCall"] = _NAMES["doNotCall"]  # lists often have one column a register
for _field, _cores in _PLACE.items():
    _NAMES[_field] = [prefix + core for prefix in _OF_PROPERTY for core in _cores]
    _NAMES[f"mailing{_field.title()}"] = [prefix + core for prefix in _OF_OWNER for core in _cores]
_NAMES["address"].append("streetname")  # the house number stands in another column

# A column of one number, and what a column that tells of one adds to its name.
_NUMBER = re.compile(
    r"(?:(?:owner|contact|primary|home|work|other|alt|alternate|second|secondary)1?)?"
    r"(?:mobile|cell|wireless|landline|phone|telephone|tel)(?:phone)?(?:number|no|num)?(?P<place>[2-9]|1\d)?"
)
_MARK = re.compile(
    r"(?:is|on)?(?:the|federal|national|state|internal|company|wireless|ftc|dma|known|tcpa)?"
    r"(?:dnc|donotcall|donotcontact|litigator|tcpa)s?"
    r"(?:litigator|flag|flagged|status|listed|list|registry|result|scrub|indicator|check|mark)?"
)
_TYPE = re.compile("|".join(_TYPED))


class BadMapping(ValueError):
    """What was said about the columns cannot be meant. `field`: which part of it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


@dataclass(frozen=True, slots=True)
class Chosen:
    """Decided: the column (from 0) of each field, and the fields that are the same for every row."""

    columns: Mapping[str, int]
    constants: Mapping[str, str]


def guess(columns: Sequence[str]) -> dict[str, int]:
    """The likely column of each field, by the columns' names. A column is guessed once, the first of its name."""
    plain = [_plain(name) for name in columns]
    found: dict[str, int] = {}
    _guess_named(NUMBERS[:2], plain, found)
    _guess_more_numbers(plain, found)
    _guess_of_numbers(columns, found)
    _guess_named(FIELDS, plain, found)
    return {field: found[field] for field in FIELDS if field in found}


def _guess_named(fields: Iterable[str], plain: Sequence[str], found: dict[str, int]) -> None:
    for field in fields:
        free = [(name, index) for index, name in enumerate(plain) if name and index not in found.values()]
        place = next((index for wanted in _NAMES.get(field, ()) for name, index in free if name == wanted), None)
        if place is not None:
            found.setdefault(field, place)


def _guess_more_numbers(plain: Sequence[str], found: dict[str, int]) -> None:
    """The other columns of a number, each at the place its name says if that is free, else at the next one."""
    for index, name in enumerate(plain):
        number = _NUMBER.fullmatch(name)
        if number is None or index in found.values():
            continue
        free = [field for field in NUMBERS if field not in found]
        wanted = NUMBERS[int(number["place"] or 1) - 1 : int(number["place"] or 1)]
        if place := next((field for field in (*wanted, *free) if field in free), None):
            found[place] = index


def _guess_of_numbers(columns: Sequence[str], found: dict[str, int]) -> None:
    """Types and marks: columns called as a number's column is, and a word more; then by the number they name."""
    numbers = {_plain(columns[found[field]]): field for field in reversed(NUMBERS) if field in found}
    for told in (numbers.get, _number_called):
        for index, name in enumerate(columns):
            if index not in found.values() and (field := _of_number(_letters(name), told, found)):
                found[field] = index


def _of_number(name: str, told: Callable[[str], str | None], found: Mapping[str, int]) -> str | None:
    """The free field of a column that tells of a number. told: the number that part of a name is called by."""
    for stem, word in _splits(name):
        number = told(_plain(stem))
        if number and _TYPE.fullmatch(word):
            return f"{number}Type" if f"{number}Type" not in found else None
        if number and _MARK.fullmatch(word):
            free = [field for field in (f"{number}DoNotCall", f"{number}OtherDoNotCall") if field not in found]
            return free["litigator" in word and len(free) > 1] if free else None
    lone = re.fullmatch(r"(.+?)(\d)", name)  # DNC 1, beside the first phone
    if lone and _MARK.fullmatch(lone[1]) and 0 < int(lone[2]) <= len(NUMBERS):
        number = NUMBERS[int(lone[2]) - 1]
        return next((f for f in (f"{number}DoNotCall", f"{number}OtherDoNotCall") if f not in found), None)
    return None


def _number_called(name: str) -> str | None:
    """The number that a name without a column of its own means."""
    if name in _NAMES["secondaryPhone"]:
        return "secondaryPhone"
    number = _NUMBER.fullmatch(name)
    place = int(number["place"] or 1) if number else 0
    return NUMBERS[place - 1] if 0 < place <= len(NUMBERS) else None


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """A name as what is told of and what is told, either of them first: phone1 and dnc, of phone1dnc and dncphone1."""
    for cut in range(1, len(name)):
        yield name[:cut], name[cut:]
        yield name[cut:], name[:cut]
    if end := re.fullmatch(r"(\D+)(\d+)", name):  # phonednc2
        for cut in range(1, len(end[1])):
            yield end[1][:cut] + end[2], end[1][cut:]


def looks_like_mark(name: str) -> bool:
    """Whether a column of this name may say who must not be called."""
    return bool(re.search(r"dnc|donotcall|litigat", _plain(name)))


def _plain(name: str) -> str:
    """A name without what people write differently: Owner 1 First Name and OWNER_FIRST_NAME are the same."""
    letters = re.sub(r"(?<!\d)1$", "", _letters(name))
    return re.sub(r"^(owner|contact|name|phone|email|mobile|address)1(?!\d)", r"\1", letters)


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("#", "number"))


def decide(columns: Sequence[str], mapping: Mapping[str, Any], constants: Mapping[str, Any]) -> Chosen:
    """What the person says, checked: columns by number (from 0) or by a name that only one column has.

    Raises BadMapping.
    """
    chosen = {field: _column(columns, field, said) for field, said in mapping.items() if said is not None}
    same = {field: _constant(field, said) for field, said in constants.items() if said is not None}
    for field in sorted(chosen.keys() & same.keys()):
        raise BadMapping(f"constants.{field}", "It has a column already.")
    if not any(field in chosen for field in NAMING):
        words = "Say which column holds the address, the apn or the propertyId: nothing else names a property."
        raise BadMapping("mapping", words)
    return Chosen(chosen, same)


def _column(columns: Sequence[str], field: str, said: object) -> int:
    where = f"mapping.{field}"
    if field not in FIELDS:
        raise BadMapping(where, f"There is no such field, only {', '.join(FIELDS)}.")
    if isinstance(said, int) and not isinstance(said, bool):
        if not 0 <= said < len(columns):
            raise BadMapping(where, f"There is no column {said}: they are numbered 0 to {len(columns) - 1}.")
        return said
    if not isinstance(said, str):
        raise BadMapping(where, "A column's number or name is needed.")
    wanted = " ".join(said.split()).casefold()
    places = [index for index, name in enumerate(columns) if name.casefold() == wanted]
    if not places:
        raise BadMapping(where, f"There is no column {said[:100]!r}, only {_few(columns)}.")
    if len(places) > 1:
        numbers = " and ".join(map(str, places))
        raise BadMapping(where, f"Columns {numbers} are both called {said[:100]!r}: give the number.")
    return places[0]


def _constant(field: str, said: object) -> str:
    where = f"constants.{field}"
    if field not in FIELDS or field in NAMING:
        able = ", ".join(name for name in FIELDS if name not in NAMING)
        raise BadMapping(where, f"This field cannot be the same for every row, only {able}.")
    if not isinstance(said, str) or not said.strip() or len(said) > CONSTANT_MAX:
        raise BadMapping(where, f"A text of 1 to {CONSTANT_MAX} characters is needed.")
    return said.strip()


def _few(columns: Iterable[str]) -> str:
    names = [name or "(no name)" for name in columns]
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
