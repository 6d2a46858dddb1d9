"""Which column of a file holds what. Guessed from the columns' names, decided by the person. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
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
}
NAMING = ("propertyId", "apn", "address")  # one of these names a property
MARKS = ("phoneDoNotCall", "secondaryPhoneDoNotCall", "doNotCall", "otherDoNotCall", "litigator")
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
        "phone phonenumber telephone mobile mobilephone cell cellphone bestphone primaryphone ownerphone homephone tel"
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
        *_words("dnclist dncregistry donotcalllist donotcallregistry donotcontact dncscrub"),
    ],
    "litigator": _words(
        "litigator litigators islitigator knownlitigator tcpalitigator litigatorflag litigatorstatus tcpa tcpaflag"
    ),
}
_NAMES["otherDoNotCall"] = _NAMES["doNotCall"]  # lists often have one column a register
for _field, _cores in _PLACE.items():
    _NAMES[_field] = [prefix + core for prefix in _OF_PROPERTY for core in _cores]
    _NAMES[f"mailing{_field.title()}"] = [prefix + core for prefix in _OF_OWNER for core in _cores]
_NAMES["address"].append("streetname")  # the house number stands in another column


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
    for field in FIELDS:
        free = [(name, index) for index, name in enumerate(plain) if name and index not in found.values()]
        place = next((index for wanted in _NAMES[field] for name, index in free if name == wanted), None)
        if place is not None:
            found[field] = place
    return found


def looks_like_mark(name: str) -> bool:
    """Whether a column of this name may say who must not be called."""
    return bool(re.search(r"dnc|donotcall|litigat", _plain(name)))


def _plain(name: str) -> str:
    """A name without what people write differently: Owner 1 First Name and OWNER_FIRST_NAME are the same."""
    letters = re.sub(r"[^a-z0-9]", "", name.lower().replace("#", "number"))
    return re.sub(r"^(owner|name|phone|email|mobile|address)1", r"\1", re.sub(r"1$", "", letters))


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


def _column(columns: Sequence[str], field: str, said: Any) -> int:
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


def _constant(field: str, said: Any) -> str:
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
