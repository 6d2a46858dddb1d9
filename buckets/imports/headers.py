"""Which row of a file has the names of its columns: reports have titles, dates and blank rows above it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from buckets.imports.columns import NAMING
from common.files.table import NoSuchHeader, Unreadable

HEADER_ROWS = 100  # the header stands in one of the first
COLUMNS_MAX = 500
_GUESSED_ROWS = 50
_NAME_CHARS = 60  # no column's name is longer; a note is
_NUMBER = re.compile(r"[-$]?[\d.,/]+%?")

Guess = Callable[[Sequence[str]], dict[str, int]]


def header_row(rows: Sequence[Sequence[str]], guess: Guess) -> int:
    """The row (from 1) that most likely names the columns: the first with text, unless a later one of the first
    _GUESSED_ROWS has two more names that are known, or any that names a property where the first has none.

    Raises Unreadable where no row has text.
    """
    filled = [number for number, row in enumerate(rows[:_GUESSED_ROWS], 1) if any(map(str.strip, row))]
    if filled and _is_hint(rows[filled[0] - 1]):
        del filled[0]
    if not filled:
        raise Unreadable("It is empty.")
    known = {number: _known(rows[number - 1], guess) for number in filled}
    first = filled[0]
    best = max(filled, key=lambda number: (len(known[number]), -number))
    more = len(known[best]) - len(known[first])
    return best if more >= 2 or (more and not known[first] and set(NAMING) & known[best].keys()) else first


def _is_hint(row: Sequence[str]) -> bool:
    return bool(re.fullmatch(r"sep=.?", row[0].strip(), re.IGNORECASE)) and not any(map(str.strip, row[1:]))


def _known(row: Sequence[str], guess: Guess) -> dict[str, int]:
    """The fields that these names fill; none where it is no row of names."""
    short = [cell if len(cell) <= _NAME_CHARS else "" for cell in row[:COLUMNS_MAX]]
    return {} if _is_numbers(short) else guess(short)


def _is_numbers(names: Sequence[str]) -> bool:
    given = [name for name in names if name.strip()]
    return 2 * sum(bool(_NUMBER.fullmatch(name.strip())) for name in given) >= len(given)


def names_in(rows: Sequence[Sequence[str]], row: int, *, said: bool) -> tuple[str, ...]:
    """The columns' names in this row. said: by a person. Raises Unreadable, NoSuchHeader where a person said it."""
    refuse = NoSuchHeader if said else Unreadable
    if not 1 <= row <= HEADER_ROWS:
        raise refuse(f"The header row is one of the first {HEADER_ROWS}.")
    cells = rows[row - 1] if row <= len(rows) else []
    names = [" ".join(name.split()) for name in cells]
    if len(names) > COLUMNS_MAX:
        raise refuse(f"It has {len(names)} columns; at most {COLUMNS_MAX} are taken.")
    if said and not any(names):
        raise refuse(f"Row {row} is empty.")
    if _is_numbers(names):
        raise refuse(f"Row {row} must hold the names of the columns." if said else
                     "Its first row must hold the names of its columns.")  # fmt: skip
    return tuple(name.replace("\0", "")[:200] for name in names)
