"""How a file of leads is written: its rows by `common.files`, which row names its columns by what leads have. Pure."""

from __future__ import annotations

from functools import partial
from typing import IO

from buckets.imports.columns import guess
from buckets.imports.headers import header_row, names_in
from common.files.reading import Rows, layout_with, pieces_of, rows_of
from common.files.table import Layout, NoSuchHeader, Piece, Row, Unreadable

__all__ = ["Layout", "NoSuchHeader", "Piece", "Row", "Unreadable", "header_in", "layout_of", "pieces_of", "rows_of"]


def layout_of(file: IO[bytes], *, header: int | None = None) -> Layout:
    """How this file is written. Leaves it at its beginning. header: the row of the columns' names, guessed if not said.

    Raises Unreadable, NoSuchHeader.
    """
    return layout_with(file, partial(header_in, header=header), names_property=_names_property)


def header_in(rows: Rows, *, header: int | None = None) -> tuple[int, tuple[str, ...]]:
    """The row (from 1) of the columns' names among the first rows of a file, and the names.

    Raises Unreadable, NoSuchHeader where a person said it.
    """
    row = header_row(rows, guess) if header is None else header
    return row, names_in(rows, row, said=header is not None)


def _names_property(rows: Rows) -> bool:
    return bool(rows) and bool({"address", "apn"} & guess([cell[:60] for cell in rows[0]]).keys())
