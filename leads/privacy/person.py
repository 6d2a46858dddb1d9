"""What of a record is whose, and the record without a person who is forgotten. Pure.

A record is a mapping by a lead's columns: a lead, a purchased answer, a row of a file. A person is known in it by
`Value`s: a phone, an e-mail, or a name together with a place (a mailing, property or traced address) or with a phone or
an e-mail that stands beside it. A name alone is nobody: two people are called John Smith.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.vendors.addresses import mailing_key
from leads.facts.sources import MAILING, NAMES, SLOTS, TRACED, name_of
from leads.keys.owner_keys import EMAIL, OWNER, PHONE, name_keys
from leads.privacy.texts import Value, json_values, json_without, spelled_in, text_without, values_in

Facts = Mapping[str, Any]
FORGOTTEN = "forgotten"  # source of an owner's name that is no more: `leads.facts.sources.WORDS`
OWNER_FORGOTTEN = "owner_forgotten"  # of a purchased detail: its owner must not be traced
# A lead's texts that anything may have been typed into, with how long they may be; codes, ids and contacts are none.
TEXTS = {
    **dict.fromkeys(NAMES, 200), "second_owner_name": 200, "contact_name": 200, "mailing_address": 200,
    "mailing_city": 200, "traced_address": 200, "traced_city": 200, "property_address": 200, "property_city": 200,
    "property_county": 200, "property_type": 60, "owner_type": 20, "apollo_title": 200, "apollo_company": 200,
    "apollo_industry": 200, "apollo_linkedin_url": 300, "enrichment_error": 300,
}  # fmt: skip
OWN = ("data", "custom")  # what a team keeps in words of its own, by name: columns of its files, its own fields
BOOKS = ("other_facts", "fact_sources", "apollo_data")  # JSON with texts of any kind
_TAG_MOST = 50
_PLACES = (("mailing_address", "mailing_zip"), ("property_address", "property_zip"), ("traced_address", "traced_zip"))
_APOLLO = (
    "apollo_person_id", "apollo_org_id", "apollo_title", "apollo_company", "apollo_industry", "apollo_linkedin_url",
    "apollo_employee_count", "apollo_data",
)  # fmt: skip
_OF_PHONE = ("_type", "_do_not_call", "_extension")  # the last of a file's row
_MORE = {"phone": "more_phones", "email": "more_emails"}  # of a file's row


@dataclass(slots=True)
class Cut:
    """A record's columns that change, and whom it was: names (as keys) that went, phones and e-mails that went."""

    changes: dict[str, Any] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    values: set[Value] = field(default_factory=set)


def given_values(*, phone: str = "", email: str = "", name: str = "", address: str = "", zip: str = "") -> set[Value]:
    """What a person is searched by. Each part as `normalise` spells it."""
    values: set[Value] = set()
    if phone:
        values.add((PHONE, phone))
    if email:
        values.add((EMAIL, email.casefold()))
    beside = [place for place in (mailing_key(address, zip), phone, email.casefold()) if place]
    values |= {(OWNER, f"{one}|{place}") for one in name_keys(name) for place in beside} if name else set()
    return values


def values_of(facts: Facts) -> set[Value]:
    """Every value by which somebody may be known in this record."""
    phones, emails, places = set(_all(facts, "phone")), set(_all(facts, "email")), places_of(facts)
    names = {one for line in _lines(facts).values() for one in line}
    found = {(PHONE, one) for one in phones} | {(EMAIL, one.casefold()) for one in emails}
    found |= {(OWNER, f"{name}|{place}") for name in names for place in places}
    texts = [str(text) for column in (*TEXTS, "notes") if (text := facts.get(column))]
    texts += [str(text) for column in OWN for cell in (facts.get(column) or {}).items() for text in cell]
    texts += facts.get("tags") or ()
    found |= {value for text in texts for value, _ in values_in(text)}
    return found.union(*(json_values(book) for column in BOOKS if (book := facts.get(column))))


def places_of(facts: Facts) -> list[str]:
    """What a name stands beside: addresses as `mailing_key` spells them, phones, e-mails."""
    addresses = [mailing_key(facts.get(street), facts.get(zip)) for street, zip in _PLACES]
    return [*filter(None, addresses), *_all(facts, "phone"), *(one.casefold() for one in _all(facts, "email"))]


def names_of(facts: Facts) -> set[str]:
    """The keys of everybody who is named."""
    return {one for line in _lines(facts).values() for one in line}


def names_beside(facts: Facts, value: Value) -> set[str]:
    """Whose a phone or an e-mail of this record is, as far as it says so; several where it may be each of them's."""
    fact = "phone" if value[0] == PHONE else "email"
    for slot in (*SLOTS, "email"):
        if str(facts.get(slot) or "").casefold() == value[1]:
            person = _person_of(facts, slot)
            return set(name_keys(person)) if person else {*_lines(facts)["owner"], *_lines(facts)["second"]}
    for entry in _entries(facts, fact):
        if str(entry["value"]).casefold() == value[1]:
            person = str(entry.get("person") or "")
            return set(name_keys(person)) if person else {*_lines(facts)["owner"], *_lines(facts)["second"]}
    return set()


def without(facts: Facts, listed: Collection[Value], *, at: str = "") -> Cut:
    """The record without whoever is listed. at: when, for the mark that says an owner was forgotten.

    1. Whose names are hers: those that stand beside a listed place.
    2. A line of several owners keeps the others; so does the mailing address, while one of them is left.
    3. Phones and e-mails that are listed go, and hers with her: not those that are another person's.
    4. What else tells of her goes: what Apollo says, cells of a file's own columns, former values.
    5. Within any other text, "[forgotten]" stands in place of a listed phone or e-mail.
    """
    cut = _without(facts, listed, at=at)
    for column, most in TEXTS.items():
        text = cut.changes.get(column, facts.get(column))
        if text and (left := text_without(str(text), listed)) != text:
            cut.changes[column] = left[:most]
    for column in BOOKS:
        book = cut.changes.get(column, facts.get(column))
        if book and (rest := json_without(book, listed)) != book:
            cut.changes[column] = rest
    return cut


def _without(facts: Facts, listed: Collection[Value], *, at: str) -> Cut:
    lines, places = _lines(facts), places_of(facts)
    cut = Cut()
    everybody = {one for line in lines.values() for one in line}
    cut.names = {one for one in everybody if any((OWNER, f"{one}|{place}") in listed for place in places)}
    values = {(PHONE, one) for one in _all(facts, "phone")} | {(EMAIL, e.casefold()) for e in _all(facts, "email")}
    cut.values = {value for value in values if value in listed}
    _cut_texts(facts, listed, cut)
    if not cut.names and not cut.values:
        return cut
    is_owner = bool(lines["owner"]) and set(lines["owner"]) <= cut.names
    is_contact = bool(lines["contact"]) and set(lines["contact"]) <= cut.names
    _cut_names(facts, lines, cut, is_owner=is_owner, is_contact=is_contact)
    _cut_contacts(facts, cut, is_owner=is_owner)
    _cut_books(facts, cut, is_owner=is_owner, at=at)
    if is_owner or is_contact or (cut.values and not everybody):
        cut.changes |= {name: None for name in _APOLLO if facts.get(name) is not None}
    if facts.get("enrichment_status") == "completed" and cut.changes.get("phone", facts.get("phone")) is None:
        cut.changes["enrichment_status"] = "partial"
    cut.changes = {n: v for n, v in cut.changes.items() if v != facts.get(n)}
    return cut


def applied(facts: Facts, cut: Cut) -> dict[str, Any]:
    return {**facts, **cut.changes}


# --- Parts of a record -----------------------------------------------------------------------------------------------


def _lines(facts: Facts) -> dict[str, list[str]]:
    kind = facts.get("owner_type")
    return {
        "owner": name_keys(name_of(facts), owner_type=kind) if name_of(facts) else [],
        "second": name_keys(facts.get("second_owner_name"), owner_type=kind) if facts.get("second_owner_name") else [],
        "contact": name_keys(facts.get("contact_name")) if facts.get("contact_name") else [],
    }


def _entries(facts: Facts, fact: str) -> list[Mapping[str, Any]]:
    listed = [*((facts.get("other_facts") or {}).get(fact) or ()), *(facts.get(_MORE[fact]) or ())]
    return [entry for entry in listed if isinstance(entry, Mapping) and entry.get("value")]


def _all(facts: Facts, fact: str) -> list[str]:
    shown = [facts.get(slot) for slot in (SLOTS if fact == "phone" else ("email",))]
    return [*(str(one) for one in shown if one), *(str(entry["value"]) for entry in _entries(facts, fact))]


def _person_of(facts: Facts, slot: str) -> str:
    """Whose a shown phone or e-mail is, where it is another person's than the owner's."""
    if said := (facts.get("fact_sources") or facts.get("bought") or {}).get(slot):
        return str(said.get("person") or "")
    return str(facts.get("contact_name") or "somebody else") if facts.get("contact_is_other") else ""


def _rest(line: object, keys: list[str], gone: set[str]) -> str | None:
    """The others of a line, as it spells them."""
    return " & ".join(spelled_in(str(line), name) for name in keys if name not in gone) or None


def _cut_names(facts: Facts, lines: Mapping[str, list[str]], cut: Cut, *, is_owner: bool, is_contact: bool) -> None:
    if cut.names & {*lines["owner"]}:
        cut.changes |= dict.fromkeys(NAMES)
        cut.changes["owner_name"] = _rest(name_of(facts), lines["owner"], cut.names)
    if cut.names & {*lines["second"]}:
        cut.changes["second_owner_name"] = _rest(facts["second_owner_name"], lines["second"], cut.names)
    if cut.names & {*lines["contact"]}:
        rest = _rest(facts["contact_name"], lines["contact"], cut.names)
        cut.changes |= {"contact_name": rest, "contact_is_other": None}
    left = cut.changes.get("second_owner_name", facts.get("second_owner_name"))
    if (is_owner and not left) or (is_contact and not lines["owner"]):
        cut.changes |= dict.fromkeys(MAILING)
    if is_contact or (is_owner and not facts.get("contact_is_other")):
        cut.changes |= dict.fromkeys(TRACED)
    if is_owner:
        cut.changes[OWNER_FORGOTTEN] = True


def _is_hers(person: str, cut: Cut, *, is_owner: bool) -> bool:
    """Whether a phone or an e-mail goes with her. person: whose it is said to be; "" is the owner's."""
    return is_owner if not person else bool(name_keys(person)) and set(name_keys(person)) <= cut.names


def _cut_contacts(facts: Facts, cut: Cut, *, is_owner: bool) -> None:
    for slot, kind in ((SLOTS[0], PHONE), (SLOTS[1], PHONE), ("email", EMAIL)):
        value = str(facts.get(slot) or "").casefold()
        contact_only = not _lines(facts)["owner"] and cut.names and set(_lines(facts)["contact"]) <= cut.names
        if not value:
            continue
        if (kind, value) in cut.values or contact_only or _is_hers(_person_of(facts, slot), cut, is_owner=is_owner):
            cut.values.add((kind, value))
            cut.changes[slot] = None
            if kind == PHONE:
                cut.changes |= {f"{slot}{part}": None for part in _OF_PHONE}
    first, second = SLOTS
    if first in cut.changes and second not in cut.changes and facts.get(second):
        for part in ("", *_OF_PHONE):
            cut.changes[f"{first}{part}"] = facts.get(f"{second}{part}")
            cut.changes[f"{second}{part}"] = None
        cut.changes["__moved"] = True


def _cut_books(facts: Facts, cut: Cut, *, is_owner: bool, at: str) -> None:
    """`other_facts`, `fact_sources`, and what else a file's row brings of phones and e-mails, and says of them."""
    for fact, more in _MORE.items():
        kind = PHONE if fact == "phone" else EMAIL
        if facts.get(more):
            cut.changes[more] = [e for e in facts[more] if not _entry_goes(e, kind, cut, is_owner=is_owner)]
    moved = cut.changes.pop("__moved", False)
    if others := facts.get("other_facts"):
        kept = {fact: _others_left(fact, entries, cut, is_owner=is_owner) for fact, entries in others.items()}
        kept = {fact: entries for fact, entries in kept.items() if entries}
        if kept != others:
            cut.changes["other_facts"] = kept or None
    if bought := facts.get("bought"):
        told = {SLOTS[0] if moved and name == SLOTS[1] else name: said for name, said in bought.items()
                if not moved or name != SLOTS[0]}  # fmt: skip
        cut.changes["bought"] = {n: said for n, said in told.items() if cut.changes.get(n, facts.get(n)) is not None}
    sources = dict(facts.get("fact_sources") or {})
    if moved:
        sources.pop(SLOTS[0], None)  # of the number that went: with its extension, and whose it was
        sources |= {SLOTS[0]: sources[SLOTS[1]]} if SLOTS[1] in sources else {}
    gone = [name for name in (*NAMES[:1], *MAILING[:1], *TRACED[:1], *SLOTS, "email", "second_owner_name")
            if name in cut.changes and cut.changes[name] is None]  # fmt: skip
    sources = {
        name: {k: v for k, v in entry.items() if k != "person" or not _is_hers(str(v), cut, is_owner=False)}
        for name, entry in sources.items() if name not in gone
    }  # fmt: skip
    if is_owner and at and "fact_sources" in facts:
        sources[NAMES[0]] = {"source": FORGOTTEN, "at": at}
    if sources != (facts.get("fact_sources") or {}):
        cut.changes["fact_sources"] = sources or None


def _entry_goes(entry: Mapping[str, Any], kind: int, cut: Cut, *, is_owner: bool) -> bool:
    value = (kind, str(entry.get("value") or "").casefold())
    if value not in cut.values and not _is_hers(str(entry.get("person") or ""), cut, is_owner=is_owner):
        return False
    cut.values.add(value)
    return True


def _others_left(fact: str, entries: list[Any], cut: Cut, *, is_owner: bool) -> list[Any]:
    if fact in _MORE:
        kind = PHONE if fact == "phone" else EMAIL
        return [entry for entry in entries if not _entry_goes(entry, kind, cut, is_owner=is_owner)]
    if fact in (NAMES[0], "second_owner_name", "contact_name"):
        return [entry for entry in entries if not cut.names & set(name_keys(entry.get("value")))]
    return [] if is_owner and fact in (MAILING[0], TRACED[0]) else entries


def _cut_texts(facts: Facts, listed: Collection[Value], cut: Cut) -> None:
    """Cells of a file's own columns and of a team's own fields that hold her phone, e-mail or name, and phones and
    e-mails in its notes.
    """
    for column in OWN:
        data = facts.get(column) or {}
        kept = {
            text_without(name, listed): cell for name, cell in data.items()
            if not any(value in listed for value, _ in values_in(str(cell)))
            and not (cut.names & set(name_keys(str(cell))) or text_without(str(cell), (), cut.names) != str(cell))
        }  # fmt: skip
        if kept != data:
            cut.changes[column] = kept or None
            cut.values |= {v for cell in data.values() for v, _ in values_in(str(cell)) if v in listed}
    if tags := facts.get("tags"):
        cut.changes["tags"] = [text_without(tag, listed, cut.names)[:_TAG_MOST] for tag in tags]
    if notes := facts.get("notes"):
        left = text_without(str(notes), listed, cut.names)
        if left != notes:
            cut.changes["notes"] = left
            cut.values |= {value for value, _ in values_in(str(notes)) if value in listed}
