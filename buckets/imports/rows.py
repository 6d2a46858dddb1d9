"""One row of a person's file made a lead: cleaned cells, and what the property is called. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from buckets.imports import address_parts, value_cells
from buckets.imports.cells import CLEAN, SOURCES, TELLING, TIMES, forbids, text_of
from buckets.imports.columns import EMAILS, FIELDS, MARKS, NUMBERS, OWN, Chosen
from common.files.table import Row
from integrations.lookups import identity
from integrations.lookups.identity import Name
from integrations.naming import parcel_numbers, states
from integrations.naming.places import state_of_zip
from integrations.vendors import normalise, owners
from leads.facts.sources import SLOTS, TRACE, never_weaker
from leads.fields import values

# Reasons are what a person reads beside the row, and what rows are counted by.
NAMES_NOTHING = "It has no property id, no APN and no address"
APN_NEEDS_COUNTY = "An APN needs a FIPS code, or a county and a state"
APN_IS_NONE = "The APN holds no parcel number"
APN_DAMAGED = "A spreadsheet has turned the APN into a date or a number such as 1.23E+11: format the column as text"
ADDRESS_DAMAGED = "A spreadsheet has turned the house number or the street into a date or a number: format it as text"
ADDRESS_NEEDS_PLACE = "An address needs a ZIP, or a city and a state"
TOO_WIDE = "It has more cells than the header: an unquoted delimiter has shifted them"

_GUARD = re.compile(r"^'(?=\s*[-=+@＝＋－＠])")  # ours, before what a spreadsheet would take for a formula


# A cell's text, "" where it says nothing; its value, None where it cannot be read; and what it says beside that.
_Read = tuple[str, Any, tuple[str, Any] | None]
_KNOWN_CELLS, _KNOWN_CHARS = 5_000, 100  # of a column, while a file is read

NOTES_MAX = 2000  # characters, as an activity's
KEPT_MAX = 500  # characters of a cell that no field holds
TAGS_MAX, TAG_MAX = 50, 50  # of one lead; characters


class Unusable(ValueError):
    """The row names no property; the words say why."""


@dataclass(frozen=True, slots=True)
class Lead:
    """A usable row. facts: by the lead's column names, see `leads.incoming`. unread: fields whose cell had text that
    could not be read. names: what the property is called, the surest first.
    """

    property_id: str
    facts: Mapping[str, Any]
    unread: tuple[str, ...]
    names: Sequence[Name] = ()


def is_blank(cells: Sequence[str]) -> bool:
    return not "".join(cells).strip()


_PARTS_OF_SLOT = ("_type", "_do_not_call", "_other_mark", "_extension")
_ELSEWHERE = ("_other_mark", "_extension")  # parts of a slot that end elsewhere than where they are told
_Slot = tuple[str, Sequence[tuple[str, str]]]  # of _PHONES, and its parts with the columns that tell them
_PHONES = tuple(str(FIELDS[number]) for number in NUMBERS)  # the lead's columns, then those that only a file has
_CONTACTS = (*SLOTS, "email")  # what an older export of ours did not tell the source of
_OF_PERSON = frozenset((*_PHONES, *EMAILS))  # whose contact it is


# Fields that a row may have without a column of their own, made of others.
_MADE = (
    *("address", "city", "state", "zip", "mailingAddress", "mailingCity", "mailingState", "mailingZip"),
    *("ownerName", "firstName", "lastName", "secondOwnerName", "email"),
)
_SAFE = frozenset((*MARKS, "doNotMail"))  # what cannot be read of them is taken as said
_SPECIAL = frozenset((*TELLING, *_SAFE, *EMAILS))  # fields whose cells may say more than their value
_EXTRAS = ("tags", "lists", "status", "statusLabel", "notes", "email2", "email3")


class Reader:
    """Reads rows by one mapping: called with a row's cells it gives the lead, or raises Unusable."""

    def __init__(self, mapping: Chosen, width: int) -> None:
        self._width = width
        self._labels = {name.casefold(): (name, status) for name, status in mapping.labels}
        clean_of: Mapping[str, Callable[[str], Any]] = {
            **CLEAN, "status": self._status, "statusLabel": lambda value: self._labels.get(_folded(value)),
        }  # fmt: skip
        self._cells = [
            (field, column, clean_of.get(field, normalise.text), field in _SPECIAL, dict[str, _Read]())
            for field, column in mapping.columns.items()
        ]
        self._same = {
            field: clean
            for field, value in (*mapping.implied.items(), *mapping.constants.items())
            if (clean := clean_of.get(field, normalise.text)(value)) is not None
        }
        self._always = {mark: True for field, value in mapping.constants.items() if (mark := forbids(field, value))}
        self._others = list(mapping.others.items())
        self._own = [(key, column, mapping.fields[key]) for key, column in mapping.own.items()]
        told = {TELLING[one] for one in mapping.columns if one in TELLING}
        possible = {*mapping.columns, *self._same, *_MADE, *told, *self._always}
        self._facts = [(field, column) for field, column in FIELDS.items() if column and field in possible]
        parts = [address_parts.PROPERTY, address_parts.MAILING]
        self._addresses = [one for one in parts if possible & {*one.street.values(), one.place["cityStateZip"]}]
        self._in_parts = bool(possible & (address_parts.PARTS - {"address", "mailingAddress"}))
        self._has_extras = not possible.isdisjoint(_EXTRAS)
        self._is_ours = not possible.isdisjoint(SOURCES)
        columns = {column for _, column in self._facts}
        self._slots = [
            (slot, [(part, f"{slot}{part}") for part in _PARTS_OF_SLOT if f"{slot}{part}" in columns])
            for slot in _PHONES
            if any(column.startswith(slot) for column in columns)
        ]
        self._is_marked = not possible.isdisjoint(("doNotCall", "otherDoNotCall", "litigator"))

    def of_row(self, row: Row) -> Lead:
        """As a call, of a row whose cells can be trusted."""
        if row.trouble:
            raise Unusable(row.trouble)
        return self(row.cells)

    def __call__(self, cells: Sequence[str]) -> Lead:
        if len(cells) > self._width and not is_blank(cells[self._width :]):
            raise Unusable(TOO_WIDE)
        said, unread = self._said(cells)
        for address in self._addresses:
            address.join(said, in_parts=self._in_parts)
        if "state" not in said and (region := _region(said)):
            said["state"] = region
        _tell_people(said)
        facts: dict[str, Any] = {
            column: value if type(value := said[field]) is str else _told(value)
            for field, column in self._facts
            if field in said
        }
        names = identity.names_of(facts)
        name = _named(said, names, unread)
        if self._is_ours:
            facts |= _bought(said)
        if self._has_extras or "moreEmails" in said:
            facts |= _extras(said, facts.get("bought", {}))
        if self._others and (kept := self._kept(cells)):
            facts["data"] = kept
        if self._own and (own := self._of_team(cells, unread)):
            facts["custom"] = own
        row_mark = None
        if self._is_marked:
            row_mark = never_weaker(said.get("doNotCall"), said.get("otherDoNotCall"), said.get("litigator") or None)
        if self._slots or self._is_ours:
            _tell_phones(facts, self._slots, row_mark=row_mark)
        return Lead(name, facts, tuple(unread), names)

    def _said(self, cells: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
        """What the cells say by field, and the fields whose cell cannot be read."""
        said: dict[str, Any] = dict(self._same)
        unread: list[str] = []
        also: dict[str, Any] = dict(self._always)  # said last: no other column takes a mark back
        width = len(cells)
        for field, column, clean, is_special, known in self._cells:
            cell = cells[column] if column < width else ""
            if not cell:
                continue
            raw, value, more = known.get(cell) or _read(field, cell, clean, known, is_special=is_special)
            if not raw:
                continue
            if value is None:
                unread.append(field)
            else:
                said[field] = value
            if more is not None:
                name, told = more
                also[name] = [*also.get(name, ()), *told] if name == "moreEmails" else told
        return said | also if also else said, unread

    def _status(self, value: str) -> Any:
        """(label, its status) where the team calls a status so; else one of the five."""
        return self._labels.get(_folded(value)) or CLEAN["status"](value)

    def _of_team(self, cells: Sequence[str], unread: list[str]) -> dict[str, Any]:
        """The team's custom fields by key; what cannot be read as one is left out, and told."""
        found = {}
        for key, column, field in self._own:
            cell = _GUARD.sub("", cells[column]) if column < len(cells) else ""
            try:
                value = values.read(field, cell)
            except ValueError:
                unread.append(f"{OWN}{key}")
                continue
            if value is not None:
                found[key] = value
        return found

    def _kept(self, cells: Sequence[str]) -> dict[str, str]:
        """What no field holds, by the columns' names."""
        told = ((name, cells[column]) for name, column in self._others if column < len(cells))
        bare = ((name, _GUARD.sub("", cell)) for name, cell in told)
        return {name: text for name, cell in bare if (text := normalise.text(cell, limit=KEPT_MAX))}


def _folded(value: str) -> str:
    return " ".join(value.split()).casefold()


def _read(field: str, cell: str, clean: Callable[[str], Any], known: dict[str, _Read], *, is_special: bool) -> _Read:
    """What a cell says, kept in `known`: a file says the same of many rows. is_special: of _SPECIAL."""
    raw = text_of(field, cell)
    value = clean(_GUARD.sub("", raw) if raw[0] == "'" else raw) if raw else None
    read = raw, value, _also(field, raw, value) if raw and is_special else None
    if len(cell) <= _KNOWN_CHARS:
        if len(known) >= _KNOWN_CELLS:
            known.clear()
        known[cell] = read
    return read


def _region(said: Mapping[str, Any]) -> str | None:
    """The state that a row's ZIP or FIPS code says, where no column has it."""
    return state_of_zip(said.get("zip", "")) or states.CODE_OF_FIPS.get(said.get("fips", "")[:2])


def _also(field: str, raw: str, value: Any) -> tuple[str, Any] | None:
    """What a cell says beside its value: who must not be called; further e-mail addresses, under `moreEmails`. A mark
    that cannot be read is on the safe side.
    """
    if field in EMAILS:
        told = value is not None and len(raw) != len(value)
        return ("moreEmails", more) if told and (more := (value_cells.emails(raw) or [])[1:]) else None
    mark = field if value is None and field in _SAFE else forbids(field, raw)
    return (mark, True) if mark else None


def _told(value: Any) -> Any:
    """A fact as the lead's row takes it: a number as text, a mark and a list of phones as they are."""
    return str(value) if type(value) in (int, Decimal) else value


def _tell_people(said: dict[str, Any]) -> None:
    """First and last name of an owner who stands in one cell, where it is sure; the second owner's name in one."""
    name = said.get("ownerName")
    if name and "firstName" not in said and "lastName" not in said and (person := owners.first_and_last(name)):
        said["firstName"], said["lastName"] = person
    parts = said.get("secondFirstName"), said.get("secondLastName")
    if any(parts):
        said.setdefault("secondOwnerName", " ".join(filter(None, parts)))


def _extras(said: dict[str, Any], sources: dict[str, Any]) -> dict[str, Any]:
    """What a lead has beside its facts: `tags`, `status`, `status_label`, `notes`; `more_emails`, those that it does
    not show.

    sources: `bought` of the row, by field where it is an e-mail's; left with that of the one that is shown.
    """
    extras: dict[str, Any] = {"notes": said["notes"]} if "notes" in said else {}
    if stage := said.get("statusLabel") or said.get("status"):
        extras |= {"status": stage} if isinstance(stage, str) else {"status_label": stage[0], "status": stage[1]}
    tags: dict[str, str] = {}
    for field in ("tags", "lists"):
        for tag in _listed(said.get(field)):
            tags.setdefault(tag.casefold(), tag)
    if tags:
        extras["tags"] = list(tags.values())[:TAGS_MAX]
    emails: dict[str, dict[str, Any]] = {}
    for field in EMAILS:
        source = sources.pop(field, {})
        if field in said:
            emails.setdefault(said[field], {"value": said[field], **source})
    for email in said.get("moreEmails", ()):
        emails.setdefault(email, {"value": email})
    if emails:
        first, *further = emails.values()
        extras["email"] = first.pop("value")
        sources |= {"email": first} if first else {}
        extras |= {"more_emails": further} if further else {}
    return extras


def _listed(value: object) -> Iterator[str]:
    """The tags of a cell."""
    parts = re.split(r"[;,|]", value) if isinstance(value, str) else value if isinstance(value, list) else ()
    yield from (tag for part in parts if (tag := normalise.text(part, limit=TAG_MAX)))


def _bought(said: Mapping[str, Any]) -> dict[str, Any]:
    """`bought` of a row of our own export: {fact: {"source", "at", "person"}} of what no person brought.

    Another person's contacts stay that person's, as does what does not say where it is from.
    """
    other = said.get("contactIsOther")
    sold: dict[str, dict[str, Any]] = {}
    for field, fact in SOURCES.items():
        source = said.get(field)
        if other and field not in said and fact in _CONTACTS:
            source = TRACE
        if source in TIMES:
            sold[fact] = {"source": source} | ({"at": at} if (at := said.get(TIMES[source])) else {})
            if other and source == TRACE and fact in _OF_PERSON:
                sold[fact]["person"] = said.get("contactName") or "somebody else"
    return {"bought": sold} if sold else {}


def _tell_phones(facts: dict[str, Any], slots: Sequence[_Slot], *, row_mark: bool | None) -> None:
    """Each number of the row once, with its type and mark; the third and later ones under `more_phones`.

    slots: of _PHONES, those of which the file may say something, each with the columns that may tell of it. row_mark:
    of the whole row, for every number in it. What is said of a phone that is not there is left out.
    """
    sources = facts.get("bought")
    if row_mark is None and sources is None and _are_plain(facts, slots):
        for slot in SLOTS:
            if slot in facts:
                facts[slot] = facts[slot][0][0]
        return
    known: dict[str, dict[str, Any]] = {}
    told = {slot: sources.pop(slot, None) for slot in _PHONES} if sources is not None else {}
    for slot, columns in slots:
        said = {part: facts.pop(column) for part, column in columns if column in facts}
        for place, (number, extension) in enumerate(facts.pop(slot, ())):
            entry = known.get(number)
            if entry is None:
                entry = known[number] = {"value": number}
                if bought := told.get(slot):
                    entry["bought"] = bought
            if kind := entry.get("type") or said.get("_type"):
                entry["type"] = kind
            if extension := entry.get("extension") or extension or ("" if place else said.get("_extension", "")):
                entry["extension"] = extension
            marks = entry.get("do_not_call"), said.get("_do_not_call"), said.get("_other_mark") or None, row_mark
            if (mark := never_weaker(*marks)) is not None:
                entry["do_not_call"] = mark
    entries = list(known.values())
    for slot, entry in zip(SLOTS, entries, strict=False):
        facts[slot] = entry["value"]
        if sources is not None and "bought" in entry:
            sources[slot] = entry["bought"]
        facts |= {f"{slot}_{name}": entry[name] for name in ("type", "do_not_call", "extension") if name in entry}
    if entries[len(SLOTS) :]:
        facts["more_phones"] = [{**entry.pop("bought", {}), **entry} for entry in entries[len(SLOTS) :]]
    if sources is not None and not sources:
        del facts["bought"]


def _are_plain(facts: Mapping[str, Any], slots: Sequence[_Slot]) -> bool:
    """Whether each place has one number, or none, of its own, without an extension, and nothing is told of a number
    that is not there: as in most rows, and then everything stands where it belongs.
    """
    if SLOTS[0] not in facts:  # another number takes its place
        return False
    numbers = set[str]()
    for slot, columns in slots:
        said = facts.get(slot)
        if said is None:
            if any(column in facts for _, column in columns):
                return False
        elif slot not in SLOTS or len(said) > 1 or said[0][1] or said[0][0] in numbers:
            return False
        else:
            numbers.add(said[0][0])
            if any(part in _ELSEWHERE and column in facts for part, column in columns):
                return False
    return True


def _named(said: Mapping[str, Any], names: Sequence[Name], unread: Sequence[str]) -> str:
    """What the property is called: the vendor's id, else by APN, else by address. Raises Unusable."""
    street = said.get("address")
    if "propertyId" in said:
        return str(said["propertyId"])
    if names:
        return names[0].text
    if street:
        raise Unusable(identity.house_problem(street) or ADDRESS_NEEDS_PLACE)
    if "apn" in said:
        raise Unusable(APN_NEEDS_COUNTY if parcel_numbers.read(said["apn"]) else APN_IS_NONE)
    if "apn" in unread:
        raise Unusable(APN_DAMAGED)
    raise Unusable(ADDRESS_DAMAGED if "address" in unread or "streetName" in unread else NAMES_NOTHING)
