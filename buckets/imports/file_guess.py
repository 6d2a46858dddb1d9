"""Guessing a file's columns with its rows at hand: their first cells, and whether its property ids are the vendor's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from buckets.imports.cells import CLEAN
from buckets.imports.guessing import foreign_ids, guess
from integrations.services import bought_ids

SAMPLE_ROWS = 200  # enough to tell a code from a name, and an owner who lives elsewhere
_IDS_AT_ONCE = 5_000

Rows = Callable[[], Iterable[Sequence[str]]]  # the cells of a file's rows, from its first


def guess_file(columns: Sequence[str], rows: Rows) -> dict[str, int]:
    """The likely column of each field; see `guessing.guess`."""
    first = list(islice(rows(), SAMPLE_ROWS))
    samples = [[row[index] if index < len(row) else "" for row in first] for index in range(len(columns))]
    column = foreign_ids(columns, samples)
    known = column is not None and _are_known(islice(rows(), SAMPLE_ROWS), column) and _are_known(rows(), column)
    return guess(columns, samples, ids_are_known=known)


def _are_known(rows: Iterable[Sequence[str]], column: int) -> bool:
    """Whether every row that has an id has one that RealEstateAPI has sold us something about, and one row has."""
    found, ids = False, _ids(rows, column)
    while some := set(islice(ids, _IDS_AT_ONCE)):
        known = {one for one in some if one is not None}
        if known != some or known - bought_ids(sorted(known)):
            return False
        found = True
    return found


def _ids(rows: Iterable[Sequence[str]], column: int) -> Iterator[str | None]:
    """The ids of the rows; None where a cell has text that is no id."""
    for row in rows:
        if column < len(row) and (cell := row[column].strip()):
            yield CLEAN["propertyId"](cell)
