"""By which keys an owner is known: each phone, each e-mail, and each name at a mailing address. Pure functions.

Two leads that share a key have the same owner: one hop, nothing is merged (docs/glossary.md). A name alone is no key,
and an address alone is none: the first joins namesakes, the second an owner with her tenants.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from common.values import contacts
from integrations.vendors import normalise, owners, persons_apart
from integrations.vendors.addresses import mailing_key
from leads.facts.sources import MAILING, name_of

PHONE, EMAIL, OWNER = contacts.PHONE, contacts.EMAIL, 3  # ContactKey.Kind
FIRST_PHONE, OTHER_PHONE, AN_EMAIL, AN_OWNER = 1, 2, 3, 4  # LeadKey.Role
# The columns of a lead that its keys follow from.
READ = (
    "phone", "secondary_phone", "email", "owner_name", "first_name", "last_name", "second_owner_name", "owner_type",
    *MAILING, "other_facts",
)  # fmt: skip
_REGISTERED = frozenset({"llc", "corporation", "trust"})
# A trust as a county shortens it; only where both a word of the left and one of the right stand in a name.
_TRUST = (
    {"FAM": "FAMILY", "LIV": "LIVING", "REV": "REVOCABLE", "IRREV": "IRREVOCABLE"},
    {"TR": "TRUST", "TRST": "TRUST"},
)
_FORM = re.compile(r"\b(?:CO|COMPANY|L\.?L\.?C|INC|CORP|LTD|LP|TRUST)\b\.?", re.IGNORECASE)


class Key(NamedTuple):
    """value: what its digest is made of. hint: how it is told apart on a page. position: its place among its role's."""

    kind: int
    value: str
    hint: str
    role: int
    position: int


def keys_of(lead: Mapping[str, Any]) -> list[Key]:
    """The keys of a lead, by the columns of READ, each once: the numbers and e-mails that it shows come first."""
    found: dict[tuple[int, str], Key] = {}
    first = lead.get("phone")
    others = 0
    for number in (first, lead.get("secondary_phone"), *_others(lead, "phone")):
        if number and (PHONE, number) not in found:
            role, place = (FIRST_PHONE, 0) if number == first else (OTHER_PHONE, others)
            others += role == OTHER_PHONE
            found[PHONE, number] = Key(PHONE, number, f"…{number[-4:]}", role, place)
    place = 0
    for address in emails_of(lead):
        name, _, domain = address.partition("@")
        value = f"{name}@{domain}"
        if (EMAIL, value) not in found:
            found[EMAIL, value] = Key(EMAIL, value, f"{name[:1]}…@{domain}"[:20], AN_EMAIL, place)
            place += 1
    for key in owner_keys(lead):
        found[OWNER, key.value] = key
    return list(found.values())


def _others(lead: Mapping[str, Any], fact: str) -> Sequence[str]:
    entries = (lead.get("other_facts") or {}).get(fact)
    if not entries:
        return ()
    return [str(entry["value"]) for entry in entries if isinstance(entry, Mapping) and entry.get("value")]


def emails_of(lead: Mapping[str, Any]) -> list[str]:
    """A lead's e-mail addresses (`email`, `other_facts`) as their keys have them, each once, in the order of their
    positions.
    """
    found = [address.casefold() for address in (lead.get("email"), *_others(lead, "email")) if address]
    return list(dict.fromkeys(found)) if found else found


def _owners(lead: Mapping[str, Any]) -> Iterator[tuple[int, str, str, int]]:
    where = mailing_key(lead.get("mailing_address"), lead.get("mailing_zip"))
    if not where:
        return
    for line in filter(None, (name_of(lead), lead.get("second_owner_name"))):
        for name in name_keys(line, owner_type=lead.get("owner_type")):
            yield OWNER, f"{name}|{where}", _short(name), AN_OWNER


def owner_keys(facts: Mapping[str, Any]) -> list[Key]:
    """Those of `keys_of` that are an owner's name and mailing address."""
    names = {value: hint for _, value, hint, _ in _owners(facts)}
    return [Key(OWNER, value, hint, AN_OWNER, place) for place, (value, hint) in enumerate(names.items())]


def _short(name: str) -> str:
    return name if len(name) <= 20 else f"{name[:19]}…"


def name_keys(line: object, *, owner_type: object = "") -> list[str]:
    """What the spellings of each owner of a line share; nothing where it names nobody.

    "SMITH JOHN & MARY" is two: JOHN SMITH and MARY SMITH, each with the words in order of the alphabet, because a
    county writes the family first and a vendor last. A company is one, without its legal form and a leading THE; its
    numerals stay. CO is a form only where more says that it is a company.
    """
    return list(_name_keys(normalise.text(line) or "", is_registered=owner_type in _REGISTERED))


@lru_cache(maxsize=2**13)  # a lead's keys are made before and after it is bought, at each step, and for its questions
def _name_keys(line: str, *, is_registered: bool) -> tuple[str, ...]:
    words = line.upper().split()
    if owners.is_plain(line) and "TRST" not in words:  # most are; no form of a company is in it
        named = {word for word in words if len(word) > 1}
        is_person = line.replace(" ", "").isalpha() and len([word for word in words if len(word) > 1]) > 1
        return (" ".join(sorted(named)),) if is_person and not persons_apart.no_names({*words}) else ()
    text = _plain(line)
    if persons_apart.names_nobody(text):
        return ()
    if owners.is_company(text) or (is_registered and _FORM.search(text)):
        company = owners.company_key(text)
        return (company,) if len(company) > 1 and company != "TRUST COMPANY" else ()
    return tuple(dict.fromkeys(" ".join(sorted(person)) for person in owners.each_person(text)))


def _plain(text: str) -> str:
    """A name without accents, and a trust's words whole: José is Jose, SMITH FAM TR is SMITH FAMILY TRUST."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(letter for letter in text if not unicodedata.combining(letter))
    kinds, trusts = _TRUST
    words = [word.upper().strip(".,") for word in text.split()]
    if {*kinds, *kinds.values()} & set(words) and {*trusts, "TRUST"} & set(words):
        text = " ".join(kinds.get(word) or trusts.get(word) or word for word in words)
    return text
