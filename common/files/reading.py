"""A file of one's own, whatever wrote it, cut into pieces of whole rows. Pure: bytes in, pieces out, flat memory.

The standard library's `csv.Sniffer` is not used: it raises on a single column and is misled by text in quotes. Which
delimiter makes the first rows as wide as the header is the better question.
"""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import IO, Any

from common.files.encoding import encoding_of, text_of_file
from common.files.quotes import RUN_TOGETHER, TROUBLE, Tidied, parted
from common.files.table import Layout, Piece, Row, Unreadable

PIECE_ROWS = 5_000  # one transaction's worth: half a second of a worker
PIECE_CHARS = 2_000_000  # fewer rows where they are long
LINE_CHARS = 1_000_000  # no row of a list is longer; a file without line breaks must not fill the memory
_SAMPLE_ROWS = 200
_DELIMITERS = ",;\t|"
_SEPARATOR_HINT = re.compile(r'"?sep=(?P<mark>.)"?\s*', re.IGNORECASE)

Rows = list[list[str]]
HeaderIn = Callable[[Rows], tuple[int, tuple[str, ...]]]
NamesProperty = Callable[[Rows], bool]


def _never(_: Rows) -> bool:
    return False


def layout_with(file: IO[bytes], header_in: HeaderIn, *, names_property: NamesProperty = _never) -> Layout:
    """How this file is written. Leaves it at its beginning.

    header_in: of the first rows, the one (from 1; 0: none) with the columns' names, and the names. names_property:
    whether the names in a row say that a delimiter is right. Raises Unreadable, and what `header_in` raises.
    """
    encoding = encoding_of(file)
    text = text_of_file(file, encoding)
    try:
        lines = _sample(text)
    finally:
        text.detach()
        file.seek(0)
    delimiter = said_delimiter(lines[0]) if lines else None
    if delimiter is None:
        delimiter = _delimiter("".join(lines), names_property)
    tidied = Tidied(delimiter)
    row, names = header_in(_parse("".join(map(tidied, lines)), delimiter))
    return Layout(encoding, delimiter, names, row)


def said_delimiter(line: str) -> str | None:
    """Of Excel's first line "sep=;": the delimiter."""
    found = _SEPARATOR_HINT.fullmatch(line.rstrip("\r\n"))
    return found["mark"] if found else None


def pieces_of(file: IO[bytes], layout: Layout, *, whole: bool = False) -> Iterator[Piece]:
    """The rows below the header, in pieces. whole: the first piece also has the header and what stands above it.

    Raises Unreadable where a quote is never closed or a line has no end.
    """
    file.seek(0)
    text = text_of_file(file, layout.encoding)
    lines = _Lines(text, Tidied(layout.delimiter))
    reader = csv.reader(lines, delimiter=layout.delimiter)
    above = layout.header_row
    try:
        if not whole:
            for _ in zip(range(above), reader, strict=False):
                pass
            lines.take()
            above = 0
        while piece := _next_piece(reader, lines, layout, above):
            yield piece
            above = 0
        _check_closed("".join(lines.last), layout.delimiter, reader.line_num - len(lines.last) + 1)
    except csv.Error as error:
        raise Unreadable(f"Line {reader.line_num}: {error}. Is a quote opened there that is never closed?") from error
    finally:
        text.detach()


def rows_of(packed: bytes, delimiter: str, first_line: int) -> Iterator[Row]:
    """The rows of a piece, each with the line of the file it begins in."""
    text = io.StringIO(zlib.decompress(packed).decode(), newline="")
    reader = csv.reader(text, delimiter=delimiter)
    line = first_line
    for cells in reader:
        if cells and cells[0] == TROUBLE:
            yield Row(line, cells[1:], RUN_TOGETHER)
        else:
            yield Row(line, cells)
        line = first_line + reader.line_num


class _Lines:
    """The lines of a text for csv.reader, keeping those that its current row is made of. NULs are left out.

    tidied: how a line is written anew before it is read.
    """

    def __init__(self, text: io.TextIOWrapper, tidied: Callable[[str], str] = str) -> None:
        self._text, self._taken, self._tidied = text, list[str](), tidied
        self.last: list[str] = []  # of the row before

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(LINE_CHARS)
        if not line:
            raise StopIteration
        if len(line) == LINE_CHARS:
            raise Unreadable("A line of it is longer than a million characters: it is no list.")
        if "\0" in line:
            line = line.replace("\0", "")
        line = self._tidied(line)
        self._taken.append(line)
        return line

    def take(self) -> list[str]:
        self.last, self._taken = self._taken, []
        return self.last


def _sample(text: io.TextIOWrapper) -> list[str]:
    lines = _Lines(text)
    for _ in zip(range(_SAMPLE_ROWS), lines, strict=False):
        pass
    return lines.take()


def _parse(sample: str, delimiter: str) -> list[list[str]]:
    """The rows of the sample as far as they can be read."""
    rows: list[list[str]] = []
    with suppress(csv.Error):
        rows.extend(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter))
    return rows


def _delimiter(sample: str, names_property: NamesProperty) -> str:
    """What makes most rows as wide as the first; under a title, as wide as most of them."""
    rows = {mark: [row for row in _parse(sample, mark) if row] for mark in _DELIMITERS}
    first = {mark: _fit(found, len(found[0]) if found else 0) for mark, found in rows.items()}
    best = max(_DELIMITERS, key=first.__getitem__)
    if first[best][0] >= 0.5 or names_property(rows[best]):
        return best
    usual = {mark: _fit(found, _usual_width(found)) for mark, found in rows.items()}
    other = max(_DELIMITERS, key=usual.__getitem__)
    return other if usual[other][0] >= 0.5 else best


def _usual_width(rows: list[list[str]]) -> int:
    return Counter(map(len, rows)).most_common(1)[0][0] if rows else 0


def _fit(rows: list[list[str]], width: int) -> tuple[float, int]:
    """How well a delimiter explains rows: the share of them as wide as this, then that width."""
    if width < 2:
        return (0.0, 0)
    return (round(sum(len(row) == width for row in rows) / len(rows), 1), width)


def _next_piece(reader: Any, lines: _Lines, layout: Layout, above: int) -> Piece | None:
    """above: rows of it that are no data, and stay as they are."""
    first_line = reader.line_num + 1
    texts: list[str] = []
    rows = size = 0
    for _ in reader:
        taken = lines.take()
        more = parted(taken, layout.delimiter, len(layout.columns)) if len(taken) > 1 and rows >= above else None
        texts += more or taken
        rows += len(more) if more else 1
        size += sum(map(len, taken))
        if rows >= PIECE_ROWS + above or size >= PIECE_CHARS:
            break
    if not rows:
        return None
    return Piece(first_line, rows, zlib.compress("".join(texts).encode(), 1))


def _check_closed(record: str, delimiter: str, line: int) -> None:
    """Whether the last row ends: an open quote swallows every row after it, and csv.reader says nothing at the end."""
    try:
        for _ in csv.reader(io.StringIO(record, newline=""), delimiter=delimiter, strict=True):
            pass
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise Unreadable(f"Line {line}: a quote is opened there that is never closed.") from error
