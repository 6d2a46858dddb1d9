"""Which column of a file holds what: guessed, then decided by the person. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from buckets.imports.fields import EMAILS, FIELDS, MARKS, NAMING, NUMBERS, OTHER_MARKS
from buckets.imports.guessing import guess, is_our_export
from buckets.imports.phone_columns import looks_like_mark, types_of
from leads.selection.export_columns import HEADER, plain_name, without_mark

__all__ = [
    "EMAILS",
    "FIELDS",
    "MARKS",
    "NAMING",
    "NUMBERS",
    "OTHER_MARKS",
    "OWN",
    "BadMapping",
    "Chosen",
    "decide",
    "guess",
    "guess_own",
    "looks_like_mark",
]  # fmt: skip

CONSTANT_MAX = 200  # characters of a value that holds for every row
_OURS = frozenset(map(plain_name, HEADER))
OWN = "custom."  # before the key of a custom field
OTHERS_MOST = 100  # columns that no field holds and a lead keeps


class BadMapping(ValueError):
    """What was said about the columns cannot be meant. `field`: which part of it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


@dataclass(frozen=True, slots=True)
class Chosen:
    """Decided: the column (from 0) of each field, and the fields that are the same for every row.

    others: columns that no field holds and each lead keeps, by what they are called there. implied: fields that a
    column's name says for every row, as "Cell" says the type of its numbers. own: columns of the team's custom fields,
    by key; fields: these fields. labels: (name, status) of the team's status labels.
    """

    columns: Mapping[str, int]
    constants: Mapping[str, str]
    others: Mapping[str, int] = dataclasses.field(default_factory=dict)
    implied: Mapping[str, str] = dataclasses.field(default_factory=dict)
    own: Mapping[str, int] = dataclasses.field(default_factory=dict)
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    labels: Sequence[tuple[str, str]] = ()

    @property
    def mapping(self) -> dict[str, int]:
        """The column of each field, as it is kept."""
        return {**self.columns, **{f"{OWN}{key}": column for key, column in self.own.items()}}


def decide(
    columns: Sequence[str],
    mapping: Mapping[str, Any],
    constants: Mapping[str, Any],
    *,
    keep_others: bool = False,
    fields: Iterable[Any] = (),
    labels: Iterable[Any] = (),
) -> Chosen:
    """What the person says, checked: columns by number (from 0) or by a name that only one column has.

    keep_others: whether leads keep what no field holds, of the first OTHERS_MOST such columns. fields: the team's
    custom fields; labels: its status labels. Raises BadMapping.
    """
    known = {field.key: field for field in fields}
    own = {
        field.removeprefix(OWN): _column(columns, field, said, known)
        for field, said in mapping.items()
        if said is not None and field.startswith(OWN)
    }
    mapping = {field: said for field, said in mapping.items() if not field.startswith(OWN)}
    chosen = {field: _column(columns, field, said) for field, said in mapping.items() if said is not None}
    same = {field: _constant(field, said) for field, said in constants.items() if said is not None}
    for field in sorted(chosen.keys() & same.keys()):
        raise BadMapping(f"constants.{field}", "It has a column already.")
    if not any(field in chosen for field in NAMING):
        words = "Say which column holds the address, the apn or the propertyId: nothing else names a property."
        raise BadMapping("mapping", words)
    implied = {field: said for field, said in types_of(columns, chosen).items() if field not in same}
    others = _others(columns, (*chosen.values(), *own.values())) if keep_others else {}
    named = tuple((label.name, label.status) for label in labels)
    return Chosen(chosen, same, others, implied, own, {key: known[key] for key in own}, named)


def guess_own(columns: Sequence[str], mapping: Mapping[str, int], fields: Iterable[Any]) -> dict[str, int]:
    """`mapping`, and with it the columns that no field holds and that are called like a custom field, or by its key."""
    taken = set(mapping.values())
    free = {plain_name(without_mark(name)): n for n, name in reversed(list(enumerate(columns))) if n not in taken}
    found = {}
    for field in fields:
        places = (free.get(plain_name(name)) for name in (field.name, field.key, f"{OWN}{field.key}"))
        if (column := next((place for place in places if place is not None), None)) is not None:
            found[f"{OWN}{field.key}"] = column
    return {**mapping, **found}


def _others(columns: Sequence[str], used: Iterable[int]) -> dict[str, int]:
    """The columns that are not used, each by a name of its own: Note, Note (2). Of our own export the custom fields
    alone, by the names they had: the other columns are told of the lead anew.
    """
    taken, found = set(used), dict[str, int]()
    ours = is_our_export(columns)
    for index, name in enumerate(columns):
        if index in taken or not name or len(found) == OTHERS_MOST or (ours and plain_name(name) in _OURS):
            continue
        name = without_mark(re.sub(r"^'(?=[-=+@])", "", name)) if ours else name  # as its cells, from a formula
        same = [called for called in found if called == name or called.startswith(f"{name} (")]
        found[f"{name} ({len(same) + 1})" if same else name] = index
    return found


def _column(columns: Sequence[str], field: str, said: object, own: Mapping[str, Any] | None = None) -> int:
    where = f"mapping.{field}"
    if own is not None and field.removeprefix(OWN) not in own:
        raise BadMapping(where[:200], "Your team has no such custom field.")
    if own is None and field not in FIELDS:
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
