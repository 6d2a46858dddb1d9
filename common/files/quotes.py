"""An odd quote: rows that an open quote has swallowed, found again by their width. Pure.

    12 Oak St,Austin,TX,78701,"BUD SMITH      csv.reader sees one row of five cells from here
    14 Oak St,Austin,TX,78701,JONES
    16 Oak St,Austin,TX,78701,"AL GREEN       to here

A cell with line breaks is nothing odd. It is where its lines are rows themselves.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

RUN_TOGETHER = "A quote that is never closed has run rows together here: check the quotes in and above this line"
TROUBLE = "\0"  # before the cells of a row that is to fail; no file's text has it, `_Lines` drops it
_LEAST_WIDTH = 4  # of two or three cells, a note's line may have as many by chance: they must look alike too
_ALIKE_LEAST = 3  # cells of rows narrower than the header; of malformed ones, two do


class Tidied:
    """Writes a line's quotes as they are meant: a curly pair around a cell, and a space before a cell's quote.

    “12 Oak St, Apt 4”,Austin and "12 Oak St, Apt 4", "Austin". Only where each quote of the line then is a cell's, so
    that words in quotes within a cell stay as they are.
    """

    def __init__(self, delimiter: str) -> None:
        mark = re.escape(delimiter)
        self._curly = re.compile(rf"(^|{mark})[ ]*[“”]([^“”\"\n]*)[“”][ ]*(?={mark}|[\r\n]|$)")
        self._late = f"{delimiter} "
        cell = rf'[ ]*(?:"(?:[^"]|"")*"[ ]*|[^"{mark}\r\n]*)'
        self._whole = re.compile(rf"{cell}(?:{mark}{cell})*[\r\n]*")
        self._space = re.compile(rf'(^|{mark})[ ]+(?=")')
        self._cell = re.compile(rf'([ ]*)("(?:[^"]|"")*")([ ]*)(?={mark}|[\r\n]|$)')

    def __call__(self, line: str) -> str:
        if '"' not in line:
            return self._curly.sub(r'\1"\2"', line) if "“" in line or "”" in line else line
        if self._late not in line or not self._space.search(line) or not self._whole.fullmatch(line):
            return line
        return self._cell.sub(r"\2", line)


def parted(lines: Sequence[str], delimiter: str, width: int) -> list[str] | None:
    """The lines of one row with line breaks, as rows of their own where they are: else None.

    1. None of the lines but the first is a row: it is a cell with line breaks.
    2. The row is well formed and all its lines are rows: they fail, each, because nobody can tell.
    3. It is malformed and all its lines are rows: they are read, each, without the odd quote.
    4. It is malformed and some are: all fail.

    A line is a row where it is as wide as the header. Rows of two or three cells, and rows narrower than the header,
    must also have their numbers in the same columns as the first.
    """
    if width < 2:
        return None
    rows = [_row(line, delimiter) for line in lines]
    malformed = not _well_formed("".join(lines), delimiter)
    spaced = _is_spaced(rows[0])
    are_rows = [width >= _LEAST_WIDTH and len(row) == width and _is_spaced(row) == spaced for row in rows]
    if not any(are_rows[1:]) or not are_rows[0]:
        least = min(width, 2 if malformed else _ALIKE_LEAST)
        are_rows = [least <= len(row) <= width and _is_alike(row, rows[0]) for row in rows]
    are_rows = [is_row for is_row, row in zip(are_rows, rows, strict=True) if row]  # without blank lines
    if not any(are_rows[1:]) or not are_rows[0] or not (malformed or all(are_rows)):
        return None
    trouble = () if malformed and all(are_rows) else (TROUBLE,)
    return [_written([*trouble, *row], delimiter) if row else "\n" for row in rows]


def _row(line: str, delimiter: str) -> list[str]:
    """The cells of a line by itself; a quote without its other is left out."""
    if line.count('"') % 2 == 0:
        return next(csv.reader([line], delimiter=delimiter), [])
    cells = next(csv.reader([line], delimiter=delimiter, quoting=csv.QUOTE_NONE), [])
    return [cell.strip('"') if cell.count('"') % 2 else cell for cell in cells]


def _is_spaced(row: Sequence[str]) -> bool:
    """Whether a space follows each delimiter, as in a sentence."""
    return all(cell.startswith(" ") for cell in row[1:] if cell)


def _is_alike(row: Sequence[str], first: Sequence[str]) -> bool:
    """Whether both have numbers in the same columns, as far as both go, and at least one."""
    pairs = [(a.strip()[:1].isdigit(), b.strip()[:1].isdigit()) for a, b in zip(row, first, strict=False)]
    return _is_spaced(row) == _is_spaced(first) and any(a for a, _ in pairs) and all(a == b for a, b in pairs)


def _well_formed(text: str, delimiter: str) -> bool:
    try:
        for _ in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            pass
    except csv.Error:
        return False
    return True


def _written(row: Sequence[str], delimiter: str) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerow(row)
    return text.getvalue()
