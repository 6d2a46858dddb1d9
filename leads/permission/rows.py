"""The rows of a list of numbers and e-mails: what each says, or why it cannot be used. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

from common.files.table import Row, Unreadable
from common.values.phones import phones
from integrations.vendors import normalise
from leads.keys.owner_keys import EMAIL, PHONE
from leads.rules import BadTime, moment_of

COLUMNS_MOST = 500
SAMPLE = 200  # rows by which the columns of contacts are found
FIRST_YEAR = 1990  # a consent of before is a mistyped date
_NAMED = re.compile(r"phone|mobile|\bcell|\btel\b|telephone|e-?mail|\bnumber|\bdnc\b", re.IGNORECASE)
_OTHER = re.compile(r"fax|\bid\b|apn|zip|price|date|time|name|street|owner|consent|source|text|listed", re.IGNORECASE)
_NO_CONTACT = re.compile(r"fax|type|\bid\b|dnc", re.IGNORECASE)
_E164 = re.compile(r"\+1[2-9]\d{2}[2-9]\d{6}", re.ASCII)
_AREA, _REST = re.compile(r"[2-9]\d{2}", re.ASCII), re.compile(r"[2-9]\d{6}", re.ASCII)
_SAYS = {
    "text": re.compile(r"text|wording|disclosure|language", re.IGNORECASE),
    "date": re.compile(r"date|time|given|\bat\b|when", re.IGNORECASE),
    "source": re.compile(r"source|url|where|page|form", re.IGNORECASE),
    "channel": re.compile(r"channel", re.IGNORECASE),
    "listed": re.compile(r"listed|dnc|status|result|registry", re.IGNORECASE),
}
_DATES = ("%m/%d/%Y", "%m/%d/%y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%b %d, %Y", "%B %d, %Y")
_LISTED = {"dnc": True, "listed": True, "hit": True, "on": True, "clean": False, "clear": False, "not listed": False}


class Value(NamedTuple):
    kind: int
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Which columns (from 0) hold what. contacts: phones and e-mails. split: the first of two is an area code, as in
    the FTC's files. The others: of a consent, or whether a registry lists the number.
    """

    contacts: tuple[int, ...]
    split: bool = False
    text: int | None = None
    date: int | None = None
    source: int | None = None
    channel: int | None = None
    listed: int | None = None
    time_zone: str = "UTC"


@dataclass(slots=True)
class Said:
    """A row that can be used. note: what of it cannot, else ''."""

    line: int
    values: tuple[Value, ...]
    note: str = ""
    text: str = ""
    given_at: datetime | None = None
    source: str = ""
    channel: str = ""
    listed: bool | None = None


class Unusable(ValueError):
    """Why a row is refused: words that repeat no contact."""


class NoSuchColumn(ValueError):
    """A column that was named, or that is needed, is not in the file. field: which."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


# --- Columns ---------------------------------------------------------------------------------------------------------


def header_in(rows: Sequence[Sequence[str]]) -> tuple[int, tuple[str, ...]]:
    """The first row with text, where it names columns; 0 where it is data already. Raises Unreadable."""
    for number, row in enumerate(rows, 1):
        if not any(map(str.strip, row)) or row[0].strip().lower().startswith("sep="):
            continue
        if len(row) > COLUMNS_MOST:
            raise Unreadable(f"It has {len(row)} columns; at most {COLUMNS_MOST} are taken.")
        if any(map(values_of, row)) or _is_split(row):
            return number - 1, tuple(f"Column {n}" for n in range(1, len(row) + 1))
        return number, tuple(" ".join(name.replace("\0", "").split())[:200] for name in row)
    raise Unreadable("It is empty.")


def plan(columns: Sequence[str], sample: Iterable[Row], said: Mapping[str, Any], needed: Sequence[str]) -> Plan:
    """The columns as a person named them (by name or number from 0), else as their names and cells say.

    needed: of text, date, source and listed those that must be there. Raises NoSuchColumn.
    """
    rows = [row.cells for row in islice(sample, SAMPLE) if any(map(str.strip, row.cells))]
    others = {name: _column(columns, name, said.get(name)) for name in _SAYS}
    if said.get("contacts") not in (None, "", []):
        named = said["contacts"] if isinstance(said["contacts"], list) else [said["contacts"]]
        contacts = tuple(one for one in (_column(columns, "column", name) for name in named) if one is not None)
        split = False
    else:
        split = len(columns) == 2 and 2 * sum(map(_is_split, rows)) > len(rows)
        contacts = (0, 1) if split else _contacts(columns, rows)
    if not contacts:
        raise NoSuchColumn("column", "No column holds phones or e-mails: say which.")
    for name in needed:
        if others[name] is None:
            found = [n for n, column in enumerate(columns) if n not in contacts and _SAYS[name].search(column)]
            if not found:
                raise NoSuchColumn(f"{name}Column", f"Say which column holds the {name}.")
            others[name] = found[0]
    return Plan(contacts, split, time_zone=str(said.get("timeZone") or "UTC"), **others)


def _column(columns: Sequence[str], field: str, said: object) -> int | None:
    if said is None or said == "":
        return None
    name = "column" if field == "column" else f"{field}Column"
    if isinstance(said, int) and not isinstance(said, bool):
        if 0 <= said < len(columns):
            return said
        raise NoSuchColumn(name, f"There is no column {said}: they are numbered 0 to {len(columns) - 1}.")
    wanted = " ".join(str(said).split()).casefold()
    places = [n for n, column in enumerate(columns) if column.casefold() == wanted]
    if len(places) == 1:
        return places[0]
    few = ", ".join(column or "(no name)" for column in columns[:20])
    raise NoSuchColumn(name, f"Which column is that? There are {few}.")


def _contacts(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """Columns that are named so, or most of whose cells are phones or e-mails; else the one with most of them."""
    found, reads = [], [0] * len(columns)
    for n, name in enumerate(columns):
        cells = [row[n] for row in rows if n < len(row) and row[n].strip()]
        reads[n] = sum(bool(values_of(cell)) for cell in cells)
        holds = _NAMED.search(name) or (2 * reads[n] > len(cells) and not _OTHER.search(name))
        if reads[n] and holds and not _NO_CONTACT.search(name):
            found.append(n)
    best = max(range(len(columns)), key=reads.__getitem__, default=0)
    return tuple(found) or ((best,) if columns and reads[best] and not _OTHER.search(columns[best]) else ())


def _is_split(row: Sequence[str]) -> bool:
    return len(row) == 2 and bool(_AREA.fullmatch(row[0].strip()) and _REST.fullmatch(row[1].strip()))


# --- Rows ------------------------------------------------------------------------------------------------------------


def values_of(cell: str) -> tuple[Value, ...]:
    """The phones or the e-mails of a cell."""
    if _E164.fullmatch(cell):
        return (Value(PHONE, cell),)
    if "@" in cell:
        found = [normalise.email(part.strip()) for part in re.split(r"[;,\s]+", cell.strip()) if part]
        return tuple(Value(EMAIL, one) for one in dict.fromkeys(found) if one) if all(found) else ()
    return tuple(Value(PHONE, number) for number in dict.fromkeys(number for number, _ in phones(cell.strip()) or ()))


def is_blank(row: Row) -> bool:
    return not any(map(str.strip, row.cells))


def read(row: Row, plan: Plan, *, kind: str, now: datetime) -> Said:
    """What a row says. kind: as `Upload.kind`. now: what lies in the future is no consent. Raises Unusable."""
    if row.trouble:
        raise Unusable(row.trouble)
    said = _contacts_of(row, plan)
    if kind == "consents":
        said.text = _cell(row, plan.text)
        said.source = _cell(row, plan.source)[:500]
        for name, value in (("text", said.text), ("source", said.source)):
            if not value:
                raise Unusable(f"It has no {name}: what a consent was given for, and where, is never taken for granted")
        said.given_at = given_at(_cell(row, plan.date), plan.time_zone, now=now)
        said.channel = _cell(row, plan.channel).lower()
        if len(said.text) > 10_000:
            raise Unusable("Its text has more than 10,000 characters")
    elif plan.listed is not None:
        said.listed = _listed(_cell(row, plan.listed))
    if kind == "scrub" and any(value.kind != PHONE for value in said.values):
        raise Unusable("An e-mail stands where a phone is needed")
    return said


def _contacts_of(row: Row, plan: Plan) -> Said:
    if plan.split:
        number = "".join(_cell(row, n) for n in plan.contacts)
        if found := values_of(number):
            return Said(row.line, found)
        raise Unusable("Its area code and number are no phone")
    values: dict[Value, None] = {}
    unread = 0
    for n in plan.contacts:
        cell = _cell(row, n)
        found = values_of(cell)
        values.update(dict.fromkeys(found))
        unread += bool(cell) and not found
    if not values:
        raise Unusable("Its phone or e-mail cannot be read" if unread else "It has no phone and no e-mail")
    note = "One phone or e-mail of it cannot be read; the others were taken" if unread else ""
    return Said(row.line, tuple(values), note)


def _cell(row: Row, n: int | None) -> str:
    return row.cells[n].strip() if n is not None and n < len(row.cells) else ""


def _listed(cell: str) -> bool:
    word = " ".join(cell.lower().split())
    found = _LISTED.get(word, normalise.boolean(word))
    if found is None:
        raise Unusable("It does not say whether the number is listed")
    return found


def given_at(text: str, time_zone: str, *, now: datetime) -> datetime:
    """A date or a moment as people write them; one without a zone is by `time_zone`. Raises Unusable."""
    if not text:
        raise Unusable("It has no date")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = _written(text)
    try:
        moment = moment_of(found, time_zone) if found.tzinfo is None else found.astimezone(UTC)
    except (BadTime, OverflowError, ValueError):
        raise Unusable("Its date is none that a clock shows") from None
    if moment > now:
        raise Unusable("Its date lies in the future")
    if moment.year < FIRST_YEAR:
        raise Unusable(f"Its date is before {FIRST_YEAR}")
    return moment.astimezone(UTC)


def _written(text: str) -> datetime:
    for form in _DATES:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007  # the caller gives it a zone
        except ValueError:
            continue
    raise Unusable("Its date cannot be read: write 2026-11-30")
