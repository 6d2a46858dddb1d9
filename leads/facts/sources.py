"""Which of several values of one fact a lead shows, and what becomes of the others. Pure: no clock, no query.

    contacts   phones, e-mail, the name shown, the mailing address: typed by a person, then a person's file, then what
               was bought, of that the newer
    property   typed, then bought, then the file
    loses      stays in `other_facts` with its source and time, and is exported

A lead in memory is a mapping of its columns. `fact_sources` names the source of a value only where it is not the usual
one, so that a lead that was only ever bought holds nothing more: see `source_of`. The parts of a name, and of a mailing
address, are one fact, filed under its first column; a phone's type and do-not-call mark belong to its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from integrations.vendors import normalise

TYPED, FILE, DETAIL, TRACE, APOLLO = "typed", "file", "detail", "trace", "apollo"
WORDS = {
    TYPED: "typed by a person",
    FILE: "your file",
    DETAIL: "RealEstateAPI detail",
    TRACE: "skip trace",
    APOLLO: "Apollo",
    "forgotten": "the owner asked to be forgotten",
}
PERSONS = (FILE, TYPED)  # the later outranks the earlier; what was bought ranks below both
NAMES = ("owner_name", "first_name", "last_name")
MAILING = ("mailing_address", "mailing_city", "mailing_state", "mailing_zip")
TRACED = ("traced_address", "traced_city", "traced_state", "traced_zip")
SLOTS = ("phone", "secondary_phone")
PHONES = tuple(f"{slot}{part}" for slot in SLOTS for part in ("", "_type", "_do_not_call"))
STAMPS = {DETAIL: "enriched_at", TRACE: "skip_traced_at", APOLLO: "apollo_enriched_at"}
OTHERS_MOST = 20  # of one fact, the newest: a lead bought every month for years stays readable

Row = Mapping[str, Any]
Entry = dict[str, Any]  # {"value", "source", "at"}; a phone also "type", "do_not_call", "person", "extension"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def source_of(lead: Row, fact: str) -> Entry:
    """{"source", "at"} of the value that a lead shows. What no purchase can have brought, a person brought."""
    if said := (lead["fact_sources"] or {}).get(fact):
        return dict(said)
    for source in _usual(fact):
        if at := lead[STAMPS[source]]:
            return {"source": source, "at": iso(at)}
    return {"source": FILE, "at": iso(lead["created_at"])}


def _usual(fact: str) -> tuple[str, ...]:
    """Where the value of a fact is from, by the stamps a lead has: the first of them that it has."""
    if fact in (*SLOTS, "email"):
        return (TRACE, APOLLO)
    return (TRACE,) if fact in TRACED else (DETAIL, TRACE) if fact in NAMES else (DETAIL,)


def other_person(lead: Row, fact: str) -> str:
    """Whose phone or e-mail it is where it is not the owner's; "" where it is, or nobody says."""
    if said := (lead["fact_sources"] or {}).get(fact):
        return str(said.get("person") or "")
    return (lead["contact_name"] or "somebody else") if lead["contact_is_other"] and lead["skip_traced_at"] else ""


def same_name(one: str | None, other: str | None) -> bool:
    """Whether two spellings may name one owner: DOE, ANN M and Ann Doe. Nobody's name is anybody's."""
    first, second = ({word for word in normalise.fold(name).split() if len(word) > 1} for name in (one, other))
    return first <= second or second <= first


def name_of(facts: Row) -> str:
    """The owner's name as it is shown: in full, else its parts."""
    return facts.get("owner_name") or " ".join(filter(None, (facts.get("first_name"), facts.get("last_name"))))


def mailing_of(facts: Row, columns: Sequence[str] = MAILING) -> str:
    """A mailing address in one line: 1 Main St, Reno, NV 89501."""
    street, city, state, code = (facts.get(column) for column in columns)
    return ", ".join(filter(None, (street, city, " ".join(filter(None, (state, code))))))


def never_weaker(*marks: bool | None) -> bool | None:
    """Of several do-not-call marks of one number: listed once is listed, and "not checked" tells nothing."""
    return True if True in marks else False if False in marks else None


def sold(entry: Row, said: Row) -> Entry:
    """An entry with a file's source and time where it has none; nothing is younger than the file that tells of it."""
    whole = {**said, **entry}
    whole["at"] = min(whole["at"], said["at"], key=datetime.fromisoformat)
    return whole


def outranked(new: Row, entry: Row) -> bool:
    """Whether a new value must stay behind one of this source and time."""
    return _weight(new) < _weight(entry)


class Sheet:
    """One lead while facts are weighed against what it shows. `changes`: the columns to write, when it is done."""

    def __init__(self, lead: Row) -> None:
        self.lead = lead
        self.sources: dict[str, Entry] = {name: dict(entry) for name, entry in (lead["fact_sources"] or {}).items()}
        self.others: dict[str, list[Entry]] = {n: list(entries) for n, entries in (lead["other_facts"] or {}).items()}
        self.values: dict[str, Any] = {}

    def changes(self) -> dict[str, Any]:
        """With both books where they have changed."""
        books = (("fact_sources", self.sources), ("other_facts", self.others))
        return self.values | {name: book for name, book in books if book != (self.lead[name] or {})}

    def loses(self, fact: str, value: object, entry: Row) -> None:
        """Keeps a value that is not shown, once for each source, the newest first."""
        if value in (None, ""):
            return
        kept = [e for e in self.others.get(fact, []) if e["source"] != entry["source"] or e["value"] != value]
        kept.append({**entry, "value": value})
        self._keep(fact, kept)

    def wins(self, fact: str, value: object) -> None:
        """What is shown is no other value any more."""
        if fact in self.others:
            self._keep(fact, [entry for entry in self.others[fact] if entry["value"] != value])

    def _keep(self, fact: str, entries: list[Entry]) -> None:
        self.others[fact] = sorted(entries, key=_time, reverse=True)[:OTHERS_MOST]
        if not entries:
            del self.others[fact]

    # --- One value ----------------------------------------------------------------------------------------------------

    def weigh_email(self, value: str | None, new: Entry) -> None:
        """An e-mail that was bought, against the one there is."""
        old, entry = self.lead["email"], source_of(self.lead, "email")
        if value and (not old or _weight(new) >= _weight(entry)):
            self._shows("email", new)
            self.values["email"] = value
            self.wins("email", value)
            if value != old:
                self.loses("email", old, entry)
        elif old:
            self._shows("email", entry)
            if value != old:
                self.loses("email", value, new)

    def weigh_property(self, columns: Iterable[str], facts: Row, new: Entry) -> None:
        """Facts about the house: what was bought replaces a file's, and nothing replaces what a person typed."""
        for column in columns:
            old, value = self.lead[column], facts.get(column)
            entry = source_of(self.lead, column) if old is not None else {"source": DETAIL}
            if value is None:
                if old is not None and entry["source"] in PERSONS:
                    self._stays(column, entry)
            elif entry["source"] == TYPED:
                if not _same(old, value):
                    kept = [e for e in self.others.get(column, []) if e["source"] in PERSONS]
                    self.others[column] = kept
                    self.loses(column, value, new)
            else:
                self.values[column] = value
                self.sources.pop(column, None)
                self.wins(column, value)
                if entry["source"] == FILE and not _same(old, value):
                    self.loses(column, old, entry)

    # --- Values of several columns ------------------------------------------------------------------------------------

    def weigh_group(self, columns: Sequence[str], facts: Row, new: Entry) -> None:
        """A name or a mailing address: whole, because parts of two would name nobody and reach nobody."""
        group = columns[0]
        tell = name_of if columns is NAMES else lambda row: mailing_of(row, columns)
        told = {column: facts[column] for column in columns if facts.get(column)}
        old, value, entry = tell(self.lead), tell(told), source_of(self.lead, group)
        if not old:
            if value:
                self._shows(group, new)
                self.values |= told
            return
        same = same_name(old, value) if columns is NAMES else _same(old, value)
        if not value or _weight(new) < _weight(entry):
            self._stays(group, entry)
            if value and same:
                self.values |= {column: part for column, part in told.items() if not self.lead[column]}
            elif value:
                self.loses(group, value, new)
            return
        self._shows(group, new)
        self.values |= told
        self.wins(group, value)
        if not same:
            self.loses(group, old, entry)

    def _stays(self, fact: str, entry: Row) -> None:
        """A value whose source no stamp will tell once something else is bought."""
        if entry["source"] in PERSONS or fact in self.sources:
            self.sources.setdefault(fact, dict(entry))

    def _shows(self, fact: str, entry: Row) -> None:
        """The source of a new value, where it is not the usual one."""
        if entry["source"] == _usual(fact)[0]:
            self.sources.pop(fact, None)
        else:
            self.sources[fact] = {k: v for k, v in entry.items() if k in ("source", "at", "by", "person") and v}

    # --- Phones -------------------------------------------------------------------------------------------------------

    def phones(self) -> list[Entry]:
        """Every number the lead has, those it shows first."""
        shown = []
        for slot in SLOTS:
            if number := self.lead[slot]:
                marks = {"type": self.lead[f"{slot}_type"], "do_not_call": self.lead[f"{slot}_do_not_call"]}
                entry: Entry = {**source_of(self.lead, slot), **marks, "value": number, "slot": slot}
                if person := other_person(self.lead, slot):
                    entry["person"] = person
                shown.append(entry)
        return [*shown, *(dict(entry) for entry in self.others.get("phone", []))]

    def weigh_phones(self, new: Sequence[Entry], stamp: str) -> None:
        """Numbers against those there are: a person's keep their places, the newest that were bought get the rest.

        stamp: of the latest trace, "" where there is none: its numbers need no entry of their own.
        """
        self.place_phones([*new, *self.phones()], stamp)

    def place_phones(self, entries: Iterable[Entry], stamp: str) -> None:
        """These are all the lead's numbers; a person's may say which `slot` it has."""
        places: dict[str, Entry] = {}
        waiting = []
        for entry in _merged(entries):
            slot = entry.pop("slot", "")
            if slot and _rank(entry) and slot not in places:
                places[slot] = entry
            else:
                waiting.append(entry)
        waiting.sort(key=lambda entry: (_rank(entry), _time(entry)), reverse=True)
        for slot in SLOTS:
            if slot not in places and waiting:
                places[slot] = waiting.pop(0)
        for slot in SLOTS:
            self._put(slot, places.get(slot), stamp)
        self.others.pop("phone", None)
        if waiting:
            self._keep("phone", [_tidy(entry) for entry in waiting])

    def _put(self, slot: str, entry: Entry | None, stamp: str) -> None:
        self.sources.pop(slot, None)
        self.values[slot] = entry["value"] if entry else None
        self.values[f"{slot}_type"] = entry.get("type") if entry else None
        self.values[f"{slot}_do_not_call"] = entry.get("do_not_call") if entry else None
        if entry and (entry["source"], entry["at"]) != (TRACE, stamp):
            self.sources[slot] = {k: v for k, v in _tidy(entry).items() if k not in ("value", "type", "do_not_call")}


def phone_entries(facts: Row, new: Entry) -> list[Entry]:
    """The numbers of an answer, the best first. `new`: its source and time, and whose they are if not the owner's."""
    return [
        {
            **new,
            "value": facts[slot],
            "type": facts.get(f"{slot}_type"),
            "do_not_call": facts.get(f"{slot}_do_not_call"),
        }
        for slot in SLOTS
        if facts.get(slot)
    ]


def _merged(entries: Iterable[Entry]) -> list[Entry]:
    """Each number once, in order: the better source tells of it, every source's mark counts, and a place is kept."""
    numbers: dict[str, Entry] = {}
    for entry in entries:
        known = numbers.get(entry["value"])
        if known is None:
            numbers[entry["value"]] = dict(entry)
            continue
        better, worse = (known, entry) if _weight(known) >= _weight(entry) else (entry, known)
        numbers[entry["value"]] = {
            **better,
            "type": better.get("type") or worse.get("type"),
            "do_not_call": never_weaker(better.get("do_not_call"), worse.get("do_not_call")),
            **{name: part for name in ("slot", "extension") if (part := better.get(name) or worse.get(name))},
        }
    return list(numbers.values())


def _tidy(entry: Row) -> Entry:
    """Without what nobody knows."""
    return {name: value for name, value in entry.items() if value is not None and value != ""}


def _weight(entry: Row) -> tuple[int, datetime]:
    return _rank(entry), _time(entry)


def _rank(entry: Row) -> int:
    return PERSONS.index(entry["source"]) + 1 if entry["source"] in PERSONS else 0


def _time(entry: Row) -> datetime:
    at = entry.get("at")
    return datetime.fromisoformat(at) if at else _LONG_AGO


def iso(at: datetime | str) -> str:
    """A moment as the books have it, from a row of either kind."""
    return at.isoformat() if isinstance(at, datetime) else str(at)


def same_value(one: Any, other: Any) -> bool:
    """As `_same`, for who updates leads."""
    return _same(one, other)


def _same(one: Any, other: Any) -> bool:
    """Whether two values differ in no letter or digit: 012-345 and 012345. Of numbers: 2.5 and "2.50"."""
    if isinstance(one, str) and isinstance(other, str):
        return re.sub(r"\W", "", one.casefold()) == re.sub(r"\W", "", other.casefold())
    try:
        return one == other or float(one) == float(other)
    except (TypeError, ValueError):
        return False
