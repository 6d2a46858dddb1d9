"""A file of one's own, whatever wrote it, cut into pieces of whole rows. Pure: bytes in, pieces out, flat memory.

The standard library's `csv.Sniffer` is not used: it raises on a single column and is misled by text in quotes. Which
delimiter makes the first rows as wide as the header is the better question.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

PIECE_ROWS = 5_000  # one transaction's worth: half a second of a worker
PIECE_CHARS = 2_000_000  # fewer rows where they are long
LINE_CHARS = 1_000_000  # no row of a list is longer; a file without line breaks must not fill the memory
COLUMNS_MAX = 500
_SAMPLE_BYTES = 64 * 1024
_SAMPLE_ROWS = 200
_BLOCK = 1024 * 1024
_DELIMITERS = ",;\t|"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_FILES = (
    (b"PK\x03\x04", "It is an Excel workbook or a ZIP archive: save it as CSV first."),
    (b"\xd0\xcf\x11\xe0", "It is an Excel workbook: save it as CSV first."),
    (b"%PDF", "It is a PDF, not a CSV."),
    (b"\x1f\x8b", "It is compressed: unpack it first."),
)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\x0b\x0c\x1a\x1b"))
_NUMBER = re.compile(r"[-$]?[\d.,/]+%?")


class Unreadable(ValueError):
    """The file cannot be read as a table; the words are for the person who brought it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the file is written. columns: its first row, each name as it stands there."""

    encoding: str
    delimiter: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole rows: their text as UTF-8 by zlib. The first begins in line `first_line` of the file, from 1."""

    first_line: int
    rows: int
    packed: bytes


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    cells: list[str]


def layout_of(file: IO[bytes]) -> Layout:
    """How this file is written. Leaves it at its beginning. Raises Unreadable."""
    encoding = _encoding(file)
    text = _text(file, encoding)
    try:
        sample = _sample(text)
    finally:
        text.detach()
        file.seek(0)
    delimiter = max(_DELIMITERS, key=lambda mark: _fit(sample, mark))
    columns = next((row for row in _parse(sample, delimiter) if any(map(str.strip, row))), None)
    if columns is None:
        raise Unreadable("It is empty.")
    names = [" ".join(name.split()) for name in columns]
    if len(names) > COLUMNS_MAX:
        raise Unreadable(f"It has {len(names)} columns; at most {COLUMNS_MAX} are taken.")
    given = [name for name in names if name]
    if 2 * sum(bool(_NUMBER.fullmatch(name)) for name in given) >= len(given):
        raise Unreadable("Its first row must hold the names of its columns.")
    return Layout(encoding, delimiter, tuple(name.replace("\0", "")[:200] for name in names))


def pieces_of(file: IO[bytes], layout: Layout) -> Iterator[Piece]:
    """The rows below the header, in pieces. Raises Unreadable where a quote is never closed or a line has no end."""
    file.seek(0)
    text = _text(file, layout.encoding)
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=layout.delimiter)
    try:
        _skip_header(reader)
        lines.take()
        while piece := _next_piece(reader, lines):
            yield piece
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
        yield Row(line, cells)
        line = first_line + reader.line_num


# --- Characters -------------------------------------------------------------------------------------------------------


def _encoding(file: IO[bytes]) -> str:
    """UTF-8 or UTF-16 by their mark, UTF-16 by its zeros, UTF-8 where all of it is, else Windows-1252."""
    file.seek(0)
    head = file.read(_SAMPLE_BYTES)
    if not head.strip():
        raise Unreadable("It is empty.")
    for mark, words in _OTHER_FILES:
        if head.startswith(mark):
            raise Unreadable(words)
    encoding = next((name for mark, name in _BOMS if head.startswith(mark)), None) or _by_zeros(head)
    if encoding is None:
        if b"\0" in head or 50 * len(head.translate(None, _CONTROL)) < 49 * len(head):
            raise Unreadable("It is not text, so it is no CSV.")
        encoding = "utf-8"
    if _decodes(file, encoding):
        return encoding
    if encoding != "utf-8":
        raise Unreadable(f"It begins as {encoding.removesuffix('-sig').upper()} text and does not go on as such.")
    return "cp1252"


def _by_zeros(head: bytes) -> str | None:
    """UTF-16 without its mark: in a Western text every second byte is zero."""
    even, odd, half = head[0::2].count(0), head[1::2].count(0), len(head) / 2
    if odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 * half and odd < 0.05 * half else None


def _decodes(file: IO[bytes], encoding: str) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while block := file.read(_BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _text(file: IO[bytes], encoding: str) -> io.TextIOWrapper:
    """The file as text with its line ends as they are. cp1252 leaves five bytes undefined: they are replaced."""
    file.seek(0)
    whole: Any = file
    return io.TextIOWrapper(whole, encoding, errors="replace" if encoding == "cp1252" else "strict", newline="")


# --- Rows -------------------------------------------------------------------------------------------------------------


class _Lines:
    """The lines of a text for csv.reader, keeping those that its current row is made of."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text, self._taken = text, list[str]()
        self.last: list[str] = []  # of the row before

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(LINE_CHARS)
        if not line:
            raise StopIteration
        if len(line) == LINE_CHARS:
            raise Unreadable("A line of it is longer than a million characters: it is no list.")
        self._taken.append(line)
        return line

    def take(self) -> list[str]:
        self.last, self._taken = self._taken, []
        return self.last


def _sample(text: io.TextIOWrapper) -> str:
    lines = _Lines(text)
    for _ in zip(range(_SAMPLE_ROWS), lines, strict=False):
        pass
    return "".join(lines.take())


def _parse(sample: str, delimiter: str) -> list[list[str]]:
    """The rows of the sample as far as they can be read."""
    rows: list[list[str]] = []
    with suppress(csv.Error):
        rows.extend(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter))
    return rows


def _fit(sample: str, delimiter: str) -> tuple[float, int]:
    """How well this delimiter explains the sample: the share of rows as wide as the header, then that width."""
    rows = [row for row in _parse(sample, delimiter) if row]
    width = len(rows[0]) if rows else 0
    if width < 2:
        return (0.0, 0)
    return (round(sum(len(row) == width for row in rows) / len(rows), 1), width)


def _skip_header(reader: Iterator[list[str]]) -> None:
    for row in reader:
        if any(map(str.strip, row)):
            return


def _next_piece(reader: Any, lines: _Lines) -> Piece | None:
    first_line = reader.line_num + 1
    texts: list[str] = []
    rows = size = 0
    for _ in reader:
        taken = lines.take()
        texts += taken
        rows += 1
        size += sum(map(len, taken))
        if rows == PIECE_ROWS or size >= PIECE_CHARS:
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
