"""What reading a person's file gives: how it is written, its pieces, its rows, or why it is no table."""

from __future__ import annotations

from dataclasses import dataclass


class Unreadable(ValueError):
    """The file cannot be read as a table; the words are for the person who brought it."""


class NoSuchHeader(Unreadable):
    """The row that was said to have the names of the columns has none."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the file is written. columns: the names in its header row, each as it stands there.

    header_row: from 1, counted as a spreadsheet counts rows: blank ones too, a cell with line breaks in one row. The
    rows above it are no data.
    """

    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    header_row: int = 1


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole rows: their text as UTF-8 by zlib. The first begins in line `first_line` of the file, from 1."""

    first_line: int
    rows: int
    packed: bytes


@dataclass(frozen=True, slots=True)
class Row:
    """line: of the file, in which it begins. trouble: why its cells cannot be trusted, "" where they can."""

    line: int
    cells: list[str]
    trouble: str = ""
