"""The person a skip trace asks about, and how to reach them: the same whichever vendor is asked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from integrations.vendors import normalise, owners, persons_apart
from integrations.vendors.addresses import mailing_key, short_line, short_town
from integrations.vendors.contract import Query
from integrations.vendors.facts import CONTACT_KEYS
from integrations.vendors.owners import Likeness

# Changes when the same person would be asked about differently, so that old answers are not served for new questions.
KEY_VERSION = "skip-trace-2"
# Of the question about a person wherever she owns (`shared_query`).
SHARED_VERSION = "skip-trace-owner-2"
_FORMER_VERSION = "skip-trace-1"  # its keys name whole questions; what was bought under them is still owned
_NAME_MAX = 60
_ADDRESS_MAX = 120
_PHONE_TYPES = {
    "w": "mobile",
    "wireless": "mobile",
    "mobile": "mobile",
    "cell": "mobile",
    "cellular": "mobile",
    "l": "landline",
    "landline": "landline",
    "land line": "landline",
    "residential": "landline",
    "v": "voip",
    "voip": "voip",
}
# The rule of which names are companies as it was when KEY_VERSION was made: what was bought by it stays owned.
_COMPANY_BEFORE = re.compile(
    r"\b(LLC|L L C|LLP|LP|PLLC|INC|INCORPORATED|CORP|CORPORATION|CO|COMPANY|LTD|LIMITED|PARTNERSHIP|PARTNERS|HOLDINGS|"
    r"PROPERTIES|INVESTMENTS|ENTERPRISES|TRUST|TRUSTEE|TRUSTEES|ESTATE|BANK|ASSOCIATION|ASSN|HOA|CHURCH|CITY OF|"
    r"COUNTY OF|STATE OF|UNITED STATES|AUTHORITY|DISTRICT|FOUNDATION)\b"
)


@dataclass(frozen=True, slots=True)
class Phone:
    """One number of a person. number is E.164; last_seen an ISO date or ""; do_not_call None where nobody says."""

    number: str
    type: str = ""
    do_not_call: bool | None = None
    last_seen: str = ""
    connected: bool = True


def phone_of(
    number: object, *, type: object, do_not_call: object, last_seen: object, connected: object
) -> Phone | None:
    """A phone as a vendor spells it, or None where the number could not be called."""
    e164 = normalise.phone(number)
    if e164 is None:
        return None
    seen = normalise.text(last_seen) or ""
    return Phone(
        number=e164,
        type=_PHONE_TYPES.get((normalise.text(type) or "").lower(), ""),
        do_not_call=normalise.boolean(do_not_call),
        last_seen=seen[:10] if re.match(r"\d{4}-\d{2}-\d{2}", seen, re.ASCII) else "",
        connected=normalise.boolean(connected) is not False,
    )


def best_first(phones: Iterable[Phone | None]) -> list[Phone]:
    """Each number once, the best to call first: allowed, in service, mobile, seen most recently.

    A number listed twice is on the do-not-call list if either listing says so.
    """
    merged: dict[str, Phone] = {}
    for phone in phones:
        if phone is None:
            continue
        known = merged.get(phone.number)
        flags = {phone.do_not_call, known.do_not_call if known else None}
        better = phone if known is None or (not known.type and phone.type) else known
        merged[phone.number] = Phone(
            number=phone.number,
            type=better.type,
            do_not_call=True if True in flags else False if False in flags else None,
            last_seen=max(phone.last_seen, known.last_seen if known else ""),
            connected=phone.connected and (known is None or known.connected),
        )
    allowed = {False: 0, None: 1, True: 2}
    recent = sorted(merged.values(), key=lambda p: p.last_seen, reverse=True)
    return sorted(recent, key=lambda p: (allowed[p.do_not_call], not p.connected, p.type != "mobile"))


def contact_facts(
    *,
    first_name: object = None,
    last_name: object = None,
    phones: Iterable[Phone | None] = (),
    emails: Iterable[object] = (),
    address: Mapping[str, Any] | None = None,
    asked: Mapping[str, Any] | None = None,
    owner: str = "",
) -> dict[str, Any]:
    """The facts of one person under Lead column names; every key of CONTACT_KEYS is there, null where unknown.

    A type is "" for a phone of unknown type and null without a phone, so that it never replaces a known one's.
    address: {"address", "city", "state", "zip"}, the street line first. asked and owner: who was asked about, by the
    params of the question and its `owner`. contact_name is whose the phones are; contact_is_other whether that is
    somebody else, null where nobody can tell. A name is given as the owner's only where it is the owner's or nobody
    was asked about; the family's alone where it is the asked one.
    """
    ranked = best_first(phones)
    facts: dict[str, Any] = dict.fromkeys(CONTACT_KEYS)
    given, family = normalise.text(first_name, limit=_NAME_MAX), normalise.text(last_name, limit=_NAME_MAX)
    like = likeness(given, family, asked=asked or {}, owner=owner)
    facts["contact_name"] = " ".join(filter(None, (given, family))) or None
    facts["contact_is_other"] = None if like == Likeness.UNKNOWN else like != Likeness.SAME
    wanted = asked or {}
    nobody = not (wanted.get("first_name") or wanted.get("last_name") or owner)
    surely = like == Likeness.SAME or nobody
    if family and not owners.is_company(owner) and (surely or (like == Likeness.UNKNOWN and wanted.get("last_name"))):
        facts["first_name"], facts["last_name"] = (given if surely else None), family
    for prefix, phone in zip(("phone", "secondary_phone"), ranked, strict=False):
        facts[prefix] = phone.number
        facts[f"{prefix}_type"] = phone.type
        facts[f"{prefix}_do_not_call"] = phone.do_not_call
    facts["email"] = next((found for found in map(normalise.email, emails) if found), None)
    where = normalise.mapping(address)
    facts["mailing_address"] = normalise.text(where.get("address"))
    facts["mailing_city"] = normalise.text(where.get("city"), limit=100)
    facts["mailing_state"] = normalise.state(where.get("state"))
    facts["mailing_zip"] = normalise.zip5(where.get("zip"))
    return facts


def likeness(first: object, last: object, *, asked: Mapping[str, Any], owner: str) -> Likeness:
    """How like the person asked about somebody is."""
    return owners.likeness(
        first, last, asked_first=asked.get("first_name"), asked_last=asked.get("last_name"), owner=owner
    )


def reachable(facts: Mapping[str, Any]) -> bool:
    """Whether there is a phone or an e-mail: without one the trace is empty."""
    return bool(facts.get("phone") or facts.get("email"))


def skip_trace_query(
    *,
    first_name: str | None = None,
    last_name: str | None = None,
    owner_name: str | None = None,
    address: str | None = None,
    city: str | None = None,
    state: str | None = None,
    zip: str | None = None,
    mail_address: str | None = None,
    mail_city: str | None = None,
    mail_state: str | None = None,
    mail_zip: str | None = None,
) -> Query:
    """The question who lives or gets post somewhere, or where a named person is.

    It needs an address with city and state, or a mailing address with both, or first and last name with city, state and
    ZIP. That last rule is the batch endpoint's (docs/vendors/realestateapi.md 1.9); the single endpoint is laxer, but
    one item that the batch endpoint refuses fails its 99 neighbours. Raises ValueError naming what is missing.

    The key is the person at the property, however the property is spelled and whether or not the mailing address is
    known: a run that knows it and a person who does not ask one question.
    """
    home = _place("", address, city, state, zip)
    post = _place("mail_", mail_address, mail_city, mail_state, mail_zip)
    names = _names(first_name, last_name, owner_name)
    params = _params(names, home, post)
    if not params:
        raise ValueError(_missing(*names, home, address))
    key = _key(_who(*names, owner_name, last_name), params)
    before = _params(_names_before(first_name, last_name, owner_name), home, post)
    forms = (params,) if before == params else (params, before)
    former = dict.fromkeys(old for asked in forms if asked for old in _former_keys(asked))
    line = normalise.text(owner_name) or (normalise.text(last_name) if not normalise.text(first_name) else "") or ""
    return Query(key=key, params=params, names=tuple(former), owner=line)


def shared_query(
    *,
    first_name: str | None = None,
    last_name: str | None = None,
    owner_name: str | None = None,
    owner_type: str | None = None,
    mail_address: str | None = None,
    mail_city: str | None = None,
    mail_state: str | None = None,
    mail_zip: str | None = None,
) -> Query | None:
    """The question about a natural person by name and mailing address, without a property: one for all her parcels.

    None for a company, a placeholder ("UNKNOWN OWNER"), and where a first name, a last name or a part of the address is
    missing. Jr and Sr, John A and John B are two people and two questions, and so are John A and John. RealEstateAPI
    takes it: with the four parts of a mailing address "the regular address parts aren't required"
    (docs/vendors/realestateapi.md 1.8). Its answer serves a parcel only where it `bears_name`.
    """
    names = _names(first_name, last_name, owner_name)
    post = _place("mail_", mail_address, mail_city, mail_state, mail_zip)
    where = mailing_key(post["mail_address"], post["mail_zip"])
    if not all(names) or not all(post.values()) or not where:
        return None
    lines = [line for line in (normalise.text(owner_name), " ".join(filter(None, names))) if line]
    if owner_type not in (None, "", "individual") or not all(owners.people(line) for line in lines):
        return None
    who = [persons_apart.bare_name(name) for name in names]
    if any(map(persons_apart.names_nobody, lines)) or not all(who) or len(who[0].split()[0]) == 1:
        return None
    marks = persons_apart.marks(*names, owner_name)
    told = (who[0].split()[0], who[1], " ".join(marks), where, short_town(post["mail_city"]), post["mail_state"])
    key = hashlib.sha256("\x1f".join(map(str, (SHARED_VERSION, *told))).encode()).hexdigest()
    # Not served by what was bought by name and mailing address alone: such a question does not tell Jr from Sr.
    return Query(key=key, params=_params(names, {}, post), owner=" ".join((told[0], *marks, who[1])))


def name_and_address(shared: Query) -> tuple[str, str, str]:
    """By what a vendor is asked: equal for Jr and Sr, whose shared questions differ. It cannot tell them apart."""
    first, last = (persons_apart.bare_name(shared.params[name]) for name in ("first_name", "last_name"))
    return first.split()[0], last, mailing_key(shared.params["mail_address"], shared.params["mail_zip"])


def bears_name(facts: Mapping[str, Any], shared: Query) -> bool:
    """Whether the person of an answer bears the name that a shared question asks for: an initial is not a name."""
    first, last = facts.get("first_name"), facts.get("last_name")
    given = normalise.fold(first).split()
    if not reachable(facts) or not last or not given or len(given[0]) == 1:
        return False
    asked = shared.params
    if likeness(first, last, asked=asked, owner="") != Likeness.SAME:
        return False
    return persons_apart.agrees(first, last, persons_apart.marks(asked["first_name"], asked["last_name"], shared.owner))


def _params(
    names: tuple[str | None, str | None], home: Mapping[str, str | None], post: Mapping[str, str | None]
) -> dict[str, str]:
    """What is asked; empty where it is too little."""
    parts: dict[str, str | None] = {"first_name": names[0], "last_name": names[1]}
    if home.get("address"):
        parts.update(home)
    if post.get("mail_address"):
        parts.update(post)
    if not (home.get("address") or post.get("mail_address")):
        if not (all(names) and home.get("city") and home.get("state") and home.get("zip")):
            return {}
        parts.update(home)
    return {name: part for name, part in parts.items() if part}


def _who(given: str | None, family: str | None, owner: object, last: object) -> str:
    """Whom the question is about: a person's name, else the company's although the vendor is not asked by it."""
    person = " ".join(filter(None, (given, family)))
    return normalise.fold(person) or normalise.fold(owner) or normalise.fold(last)


def _key(who: str, params: Mapping[str, str]) -> str:
    """A property's ZIP may be missing, its city and state may not. Only a question without a name needs the ZIP too."""
    prefix = "" if "address" in params or "mail_address" not in params else "mail_"
    place = [short_town(params[f"{prefix}city"]), params[f"{prefix}state"]]
    if f"{prefix}address" not in params or not who:
        place.append(params.get(f"{prefix}zip", ""))
    line = short_line(params.get(f"{prefix}address", ""))
    spelled = "\x1f".join((KEY_VERSION, who, prefix, line, *place))
    return hashlib.sha256(spelled.encode()).hexdigest()


def _former_keys(params: Mapping[str, str]) -> list[str]:
    """The keys by which the same was bought before: with the mailing address, as a run asked, and without it."""
    spelled = [f"{name}={normalise.fold(part)}" for name, part in sorted(params.items())]
    forms = [spelled]
    if "address" in params and len(bare := [part for part in spelled if not part.startswith("mail_")]) < len(spelled):
        forms.append(bare)
    return [hashlib.sha256("\x1f".join((_FORMER_VERSION, *form)).encode()).hexdigest() for form in forms]


def _names(first: str | None, last: str | None, owner: str | None) -> tuple[str | None, str | None]:
    """The name to ask with. A company has none: its vendor record carries the company as the last name."""
    given = normalise.text(first, limit=_NAME_MAX)
    family = normalise.text(last, limit=_NAME_MAX)
    if family and not given and owners.is_company(family):
        return None, None
    if not given and not family:
        found = owners.first_and_last(owner)
        if found and all(len(name) <= _NAME_MAX for name in found):
            return found
    return given, family


def _names_before(first: str | None, last: str | None, owner: str | None) -> tuple[str | None, str | None]:
    """The same by the rule of before, which took every line for "Ann Doe"."""
    given = normalise.text(first, limit=_NAME_MAX)
    family = normalise.text(last, limit=_NAME_MAX)
    if family and not given and _COMPANY_BEFORE.search(normalise.fold(family)):
        return None, None
    words = (normalise.text(owner) or "").split()
    line = owners.first_and_last(owner)
    derived = line is not None and (given, family) == line and line != (words[0], words[-1])
    if not (derived or not (given or family)):
        return given, family
    fits = len(words) in (2, 3) and all(len(word) <= _NAME_MAX for word in words)
    return (words[0], words[-1]) if fits and not _COMPANY_BEFORE.search(normalise.fold(owner)) else (None, None)


def _place(prefix: str, address: object, city: object, state: object, zip: object) -> dict[str, str | None]:
    """The parts of an address; without city and state a street means nothing and is left out."""
    town = normalise.text(city, limit=_NAME_MAX)
    code = normalise.state(state)
    street = normalise.text(address, limit=_ADDRESS_MAX) if town and code else None
    return {
        f"{prefix}address": street,
        f"{prefix}city": town,
        f"{prefix}state": code,
        f"{prefix}zip": normalise.zip5(zip),
    }


def _missing(given: str | None, family: str | None, home: Mapping[str, str | None], address: object) -> str:
    if normalise.text(address):
        lacking = [name for name, part in (("city", home["city"]), ("two-letter state", home["state"])) if not part]
        return f"A skip trace by address also needs: {', '.join(lacking)}."
    asked = {
        "first name": given,
        "last name": family,
        "city": home["city"],
        "two-letter state": home["state"],
        "five-digit ZIP": home["zip"],
    }
    lacking = [name for name, part in asked.items() if not part]
    return f"A skip trace needs an address with city and state; by name alone it also needs: {', '.join(lacking)}."
