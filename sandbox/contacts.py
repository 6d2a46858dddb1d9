"""Made-up people behind a skip trace. They follow from the name and the ZIP asked about; nothing is looked up.

Phones are only from the ranges reserved for fiction (any area code, 555-0100 to 555-0199), e-mail only at example.com.
"""

import re
from dataclasses import dataclass

from sandbox.facts import pick, unit
from sandbox.filters import words
from sandbox.names import FIRST_NAMES, LAST_NAMES
from sandbox.owners import street_of
from sandbox.parcels import roll
from sandbox.places import Place, area_codes_of, places, residential, residential_of
from sandbox.wire import Json

# Of a hundred traces, so many find a person with a phone, then so many one with an e-mail only; the rest none.
WITH_PHONE, WITH_EMAIL_ONLY = 0.80, 0.08
_CORPORATE = {"llc", "inc", "corp", "corporation", "company", "co", "lp", "llp", "ltd", "bank"}


@dataclass(frozen=True, slots=True)
class Query:
    """Who is asked for: a name, an address, or both; `known` is a phone or e-mail to search backwards from."""

    first_name: str = ""
    last_name: str = ""
    street: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    known: str = ""


@dataclass(frozen=True, slots=True)
class Phone:
    """Ten digits; kind is mobile, landline or voip."""

    number: str
    kind: str
    dnc: bool


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who does not exist; `dice` carry the facts nobody may keep."""

    first_name: str
    last_name: str
    phones: tuple[Phone, ...]
    emails: tuple[str, ...]
    street: str
    city: str
    state: str
    zip: str
    dice: bytes


def query_of(fields: Json) -> Query:
    """The query of a skip-trace request in the vendors' field names; the property's address before the mail's."""

    def text(name: str) -> str:
        return str(fields.get(name) or "").strip()

    where = "" if any(text(name) for name in ("address", "city", "zip", "state")) else "mail_"
    return Query(
        first_name=text("first_name"),
        last_name=text("last_name"),
        street=text(f"{where}address"),
        city=text(f"{where}city"),
        state=text(f"{where}state").upper(),
        zip=text(f"{where}zip")[:5],
        known=text("phone") or text("email").casefold(),
    )


def find(query: Query, seed: int, vendor: str = "") -> Person | None:
    """The person of a query at one vendor, or none. The same name in the same ZIP is the same person.

    Companies are nobody; a trust finds a trustee of its name; without a name, someone lives at the address.
    """
    name = words(f"{query.first_name} {query.last_name}")
    if _CORPORATE & set(name.split()):
        return None
    where = query.zip or words(f"{query.city} {query.state}")
    key = f"{name}|{where}" if name else f"{words(query.street)}|{where}|{query.known}"
    dice = roll(seed, f"person|{vendor}|{key}")
    luck = unit(dice, 0)
    if luck >= WITH_PHONE + WITH_EMAIL_ONLY:
        return None
    first, last = _name(query, dice)
    home = places().get(query.zip) or pick_place(dice, query.state)
    state = query.state or home.state
    return Person(
        first_name=first,
        last_name=last,
        phones=_phones(query, dice, state) if luck < WITH_PHONE else (),
        emails=_emails(query, first, last, dice, sure=luck >= WITH_PHONE),
        street=query.street or street_of(dice, 26),
        city=query.city or home.city,
        state=state,
        zip=query.zip or home.zip,
        dice=dice,
    )


def pick_place(dice: bytes, state: str) -> Place:
    """Some residential ZIP, of the state if it is one."""
    choices = residential_of(state) or residential()
    return choices[int(unit(dice, 29) * len(choices))]


def _name(query: Query, dice: bytes) -> tuple[str, str]:
    """The name as asked, in title case; a trust's first word is its trustee's family name."""
    last = query.last_name.split()[0] if "trust" in words(query.last_name).split() else query.last_name
    first = query.first_name or pick(FIRST_NAMES, dice, 1)
    return first.title(), (last or pick(LAST_NAMES, dice, 2)).title()


def _phones(query: Query, dice: bytes, state: str) -> tuple[Phone, ...]:
    place = places().get(query.zip)
    codes = (place.area_codes if place else ()) or area_codes_of(state)
    phones: dict[str, Phone] = {}
    if query.known.isdigit():
        phones[query.known] = Phone(query.known, "mobile", unit(dice, 8) < 0.25)
    for at in range(3, 3 + 1 + int(unit(dice, 6) * 3)):
        number = f"{pick(codes, dice, at)}55501{int(unit(dice, at + 8) * 100):02d}"
        kind = ("mobile", "mobile", "mobile", "landline", "voip")[int(unit(dice, at + 12) * 5)]
        phones.setdefault(number, Phone(number, kind, unit(dice, at + 16) < 0.25))
    return tuple(phones.values())


def _emails(query: Query, first: str, last: str, dice: bytes, *, sure: bool) -> tuple[str, ...]:
    name = re.sub(r"[^a-z.]", "", f"{first}.{last}".casefold())
    made = [f"{name}{int(unit(dice, 10) * 90 + 10)}@example.com", f"{name}@example.com"]
    count = max(int(sure), int(unit(dice, 9) * 3))
    return tuple(dict.fromkeys([*([query.known] if "@" in query.known else []), *made[:count]]))
