"""Rows of a file made ready by whoever reads it: the lines that COPY takes, and what rows are compared by. Pure.

A worker saves a batch of new rows by these texts alone. It looks at a row itself only where another one, or a lead that
is there, shares an id or a name with it.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from common.db.arrays import joined
from integrations.lookups import identity
from integrations.lookups.identity import Name, possible_names_of
from integrations.lookups.stand_in_ids import APN, is_stand_in
from leads.facts.columns import FILE_FACTS, OF_FILE
from leads.facts.names import Source, lines_of, names_of_row
from leads.facts.sources import MAILING, NAMES, SLOTS
from leads.facts.sources import sold as _sold
from leads.keys.digested import Digested
from leads.keys.owner_keys import keys_of

BOOKS = ("fact_sources", "other_facts", "data", "custom")
LEAD = "@"  # in the lines of names: where the lead's id is put
# Facts that a later purchase must not take for its own: the columns that hold one, by its name in `fact_sources`.
CONTACTS = {"owner_name": NAMES, "mailing_address": MAILING, "email": ("email",), **{slot: (slot,) for slot in SLOTS}}
_EXTRAS = frozenset({"tags", "status", "status_label", "notes"})  # of `extras.Facts`
_IN_BOOKS = frozenset({
    "bought", "tags", "more_phones", "more_emails", "data", "custom", *(f"{slot}_extension" for slot in SLOTS)
})  # fmt: skip


# Property id, and facts by OF_FILE, each one clean line of text or a mark. Beside them `phone_extension`,
# `secondary_phone_extension`, and `more_phones`: [{"value", "type", "do_not_call", "extension"}],
# `more_emails`: [{"value"}], `data`: {column: text}, `custom`: {key: value}, `tags`, `status` and `notes` as `extras`
# has them, and `bought`, of what our own export says nobody but a vendor brought:
# {fact of CONTACTS: {"source", "at", "person"}}.
class Incoming(NamedTuple):
    """A row that is to be a lead. names: what the property is called, `identity.names_of` its facts."""

    property_id: str
    facts: Mapping[str, Any]
    names: Sequence[Name] = ()


def contacts_of(lead: Incoming) -> Mapping[str, Any]:
    """A row's facts as its lead has them, for the keys of its owner."""
    others = {"phone": lead.facts.get("more_phones") or (), "email": lead.facts.get("more_emails") or ()}
    return {**lead.facts, "other_facts": others}


@dataclass(slots=True)
class Asked:
    """What is looked for before rows are taken for new, each as one text: vendor's ids and stand-ins by lines, hashes
    of names by commas. parcels: of digits of APNs; lines, line_exacts: of addresses, in step.
    """

    ids: str
    vendor_ids: str
    stand_ins: str
    exacts: str
    parcels: str
    lines: str
    line_exacts: str


@dataclass(slots=True)
class Batch:
    """Rows in their order. columns: of `lines`, which lack the lead's own ids. names: their lines of COPY, with LEAD.

    together: rows that share an id or a name with another of them. with_extras: rows that bring tags, a status, notes.
    """

    ids: list[str]
    columns: tuple[str, ...]
    lines: list[str]
    names: list[str]
    phones: list[bool]
    together: set[int]
    with_extras: list[int]
    asked: Asked
    keys: Digested
    packed: bytes = b""
    _rows: list[Incoming] = field(default_factory=list)

    @classmethod
    def of(cls, leads: Sequence[Incoming], *, bucket_id: UUID, said: Mapping[str, str]) -> Batch:
        """said: of `fact_sources`, who says what these rows say, and when."""
        rows = [lead if lead.names else lead._replace(names=names_of_row(*lead[:2])) for lead in leads]
        brought = set().union(*(lead.facts for lead in rows))
        columns = tuple(name for name in OF_FILE if name in brought)  # a file has a few of them
        facts = [lead.facts for lead in rows]
        return cls(
            ids=[lead.property_id for lead in rows],
            columns=(*columns, *BOOKS),
            lines=[_line(one, columns, said) for one in facts],
            names=[
                lines_of(LEAD, bucket_id, (*lead.names, *possible_names_of(lead.facts)), Source.FILE) for lead in rows
            ],
            phones=[bool(one.get("phone")) for one in facts],
            together=_together(rows),
            with_extras=[place for place, one in enumerate(facts) if not _EXTRAS.isdisjoint(one)],
            asked=_asked(rows),
            keys=Digested.of([keys_of(contacts_of(lead)) for lead in rows]),
            _rows=rows,
        )

    def sent(self) -> Batch:
        """The same to be sent to another process: its rows as one string, which is seldom opened."""
        self.packed = marshal.dumps(
            [(lead.property_id, lead.facts, [name.parts() for name in lead.names]) for lead in self._rows]
        )
        self._rows = []
        return self

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self) -> list[Incoming]:
        if not self._rows and self.packed:
            self._rows = [
                Incoming(property_id, facts, [identity.made(*parts) for parts in names])
                for property_id, facts, names in marshal.loads(self.packed)  # noqa: S302  # of a process forked of this
            ]
        return self._rows


def _together(rows: Iterable[Incoming]) -> set[int]:
    """Rows of which the next may be one with an earlier one: they share an id, a name or the digits of an APN."""
    first: dict[str | int, int] = {}
    found = set[int]()
    for place, lead in enumerate(rows):
        for token in _tokens(lead):
            if (other := first.setdefault(token, place)) != place:
                found |= {other, place}
    return found


def _tokens(lead: Incoming) -> list[str | int]:
    tokens: list[str | int] = [name.exact for name in lead.names]
    tokens += [name.possible for name in lead.names if name.text.startswith(APN)]
    if not lead.names or lead.names[0].text != lead.property_id:
        tokens += [lead.property_id, identity.hash64(lead.property_id)]
    return tokens


def met(lead: Incoming, found: set[str | int]) -> bool:
    """Whether one of these ids or hashes of names is the row's. found: as `Asked` asks for them."""
    return lead.property_id in found or any(token in found for token in _tokens(lead))


def _asked(rows: Sequence[Incoming]) -> Asked:
    names = [name for lead in rows for name in lead.names]
    parcels = {name.possible for name in names if name.text.startswith(APN)}
    lines = [name for name in names if not name.text.startswith(APN)]
    return Asked(
        ids="\n".join([lead.property_id for lead in rows]),
        vendor_ids="\n".join([lead.property_id for lead in rows if not is_stand_in(lead.property_id)]),
        stand_ins="\n".join([lead.names[0].text for lead in rows if lead.names]),
        exacts=joined([name.exact for name in names]),
        parcels=joined(parcels),
        lines=joined([name.possible for name in lines]),
        line_exacts=joined([name.exact for name in lines]),
    )


# --- Lines of leads ---------------------------------------------------------------------------------------------------


def _line(facts: Mapping[str, Any], columns: Sequence[str], said: Mapping[str, str]) -> str:
    """The columns and BOOKS of a row for COPY. A clean line has no tab and no line break, so only the backslash is left
    to escape.
    """
    cells = [*map(facts.get, columns), *_books(facts, said)]
    line = "\t".join([cell if type(cell) is str and cell else _as_copy(cell) for cell in cells])
    if line.count("\\") > cells.count(None) + cells.count(""):
        line = "\t".join([_as_copy(cell.replace("\\", "\\\\") if type(cell) is str else cell) for cell in cells])
    return line


def _as_copy(cell: object) -> str:
    return "\\N" if cell is None or cell == "" else str(cell) if isinstance(cell, str) else str(cell).lower()


def _books(facts: Mapping[str, Any], said: Mapping[str, str]) -> Sequence[str | None]:
    """`fact_sources`, `other_facts`, `data` and `custom` of a row, as JSON. The tags of a file are told from a person's
    by it.
    """
    if "by" not in said and _IN_BOOKS.isdisjoint(facts) and "" not in facts.values() and None not in facts.values():
        return _plain_books(tuple(facts), said["source"], said["at"])
    return list(_all_books(facts, said))


@lru_cache(maxsize=1024)  # the rows of a file say much the same
def _plain_books(names: Sequence[str], source: str, at: str) -> Sequence[str | None]:
    """Of a row that has just these facts, none of _IN_BOOKS among them."""
    return list(_all_books(dict.fromkeys(names, "said"), {"source": source, "at": at}))


def _all_books(facts: Mapping[str, Any], said: Mapping[str, str]) -> Iterator[str | None]:
    told = [name for name, columns in CONTACTS.items() if any(map(facts.get, columns))]
    bought = facts.get("bought", {})
    tags = facts.get("tags")
    facts_of_file = [name for name in FILE_FACTS if facts.get(name) is not None]
    own = {name: _sold(bought[name], said) if name in bought else dict(said) for name in told}
    for slot in SLOTS:
        if slot in own and (extension := facts.get(f"{slot}_extension")):
            own[slot]["extension"] = extension
    own |= {name: dict(said) for name in facts_of_file}
    if tags:
        own["tags"] = {**said, "value": [tag.lower() for tag in tags]}
    is_own = bought or tags or "by" in said or any(facts.get(f"{slot}_extension") for slot in SLOTS)
    yield json.dumps(own) if own or is_own else None
    others = {
        "phone": [_sold(entry, said) for entry in facts.get("more_phones", ())],
        "email": [_sold(entry, said) for entry in facts.get("more_emails", ())],
    }
    kept = {name: entries for name, entries in others.items() if entries}
    yield json.dumps(kept) if kept else None
    for name in ("data", "custom"):
        told_so = facts.get(name)
        yield json.dumps(told_so) if told_so else None
