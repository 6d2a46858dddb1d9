"""Leads as an XLSX workbook, streamed: the rows are XML as they come from PostgreSQL, the frame is XlsxWriter's.

XlsxWriter makes an empty workbook with its styles and a header; the rows are put into its sheets on the way out. So a
download begins at once, no file waits on a disk, and memory holds one piece; written cell by cell by XlsxWriter itself
a million leads would take minutes before the first byte.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from zipfile import ZIP_DEFLATED, ZipFile

import xlsxwriter
from django.db.models import QuerySet

from leads.models import Lead
from leads.selection.export import PIECE, Layout, Pieces, copied
from leads.selection.export_cells import Kind
from leads.selection.export_columns import Column, columns_of

ROWS_MOST = 1_048_576 - 1  # of a sheet, below its header: Excel's limit
SHEET_BYTES = 2_000_000_000  # of a sheet's XML: beyond 2 GiB zipfile needs ZIP64, which Excel reads from no stream
CELL_MOST = 32_767  # characters: Excel's limit
ROWS_AT_ONCE = 200  # compressed together
FASTEST = 1  # of zlib's levels
_SHEET = "xl/worksheets/sheet{}.xml"
_WIDTHS = {Kind.NUMBER: 12, Kind.FLAG: 10, Kind.DATE: 12, Kind.TIME: 19}  # characters
_FORMATS = {Kind.DATE: "yyyy-mm-dd", Kind.TIME: "yyyy-mm-dd hh:mm:ss"}
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # no XML may have them, escaped or not
_CODE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")  # what Excel would read as one character


@dataclass(frozen=True, slots=True)
class _Frame:
    """A workbook without rows. head and tail: of a sheet's XML, the rows go between. styles: numbers of cell styles."""

    parts: Mapping[str, bytes]
    head: str
    tail: str
    styles: Mapping[Kind, int]


class _Pipe(io.RawIOBase):
    """What the archive has written and nobody has taken. It cannot be wound back: sizes follow what they are of."""

    def __init__(self) -> None:
        self.held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        before = len(self.held)
        self.held += data  # type: ignore[arg-type]  # bytes, whatever the base class allows
        return len(self.held) - before

    def taken(self) -> bytes:
        data = bytes(self.held)
        self.held.clear()
        return data


def workbook_pieces(leads: QuerySet[Lead], layout: Layout) -> Pieces:
    """The leads, oldest first, below a header, in pieces; a further sheet where one is full. Flat in memory.

    1. A sheet at a time is written into the archive, and what the archive has made is handed on.
    2. The parts that name the sheets follow when it is known how many there are.
    """
    columns = columns_of(leads, layout.columns, contacts=layout.contacts)
    frame, pipe, sheets, count = _frame(columns, 1), _Pipe(), 0, 0
    values = [column.kind.in_workbook(column.value, layout.time_zone) for column in columns]
    with copied(leads, values) as copy, ZipFile(pipe, "w", ZIP_DEFLATED, compresslevel=FASTEST) as archive:
        rows: Iterator[str] = _rows(copy, columns, frame.styles)
        first: str | None = ""
        while first is not None:
            sheets += 1
            with archive.open(_SHEET.format(sheets), "w") as sheet:
                sheet.write((frame.head if sheets == 1 else frame.head.replace(' tabSelected="1"', "")).encode())
                for xml, brought in _of_one_sheet(rows):
                    sheet.write(xml)
                    count += brought
                    if len(pipe.held) >= PIECE:
                        yield pipe.taken(), count
                        count = 0
                sheet.write(frame.tail.encode())
            first = next(rows, None)
            rows = chain([] if first is None else [first], rows)
        for name, part in _frame(columns, sheets).parts.items():
            archive.writestr(name, part)
    yield pipe.taken(), count


def _frame(columns: Sequence[Column], sheets: int) -> _Frame:
    """What XlsxWriter makes of a header and no rows."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    bold = book.add_format({"bold": True})
    formats = {kind: book.add_format({"num_format": text}) for kind, text in _FORMATS.items()}
    for number in range(1, sheets + 1):
        sheet = book.add_worksheet("Leads" if number == 1 else f"Leads {number}")
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(columns):
            sheet.set_column(place, place, _WIDTHS.get(column.kind, 18), formats.get(column.kind))
            sheet.write_string(0, place, column.header, bold)
    book.close()
    styles = {kind: made.xf_index or 0 for kind, made in formats.items()}  # known where a column has it
    with ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if not name.startswith("xl/worksheets/")}
        xml = archive.read(_SHEET.format(1)).decode()
    head, end, tail = re.sub("<dimension [^>]*/>", "", xml).partition("</sheetData>")  # it would name the header alone
    return _Frame(parts, head, end + tail, styles)


def _of_one_sheet(rows: Iterator[str]) -> Iterator[tuple[bytes, int]]:
    """Rows until the sheet is full, some at a time, and how many."""
    done = size = 0
    while done < ROWS_MOST and size < SHEET_BYTES:
        some = list(islice(rows, min(ROWS_AT_ONCE, ROWS_MOST - done)))
        if not some:
            return
        xml = "".join([f'<row r="{row}">{cells}</row>' for row, cells in enumerate(some, done + 2)]).encode()
        done += len(some)
        size += len(xml)
        yield xml, len(some)


def _rows(copy: Iterator[memoryview], columns: Sequence[Column], styles: Mapping[Kind, int]) -> Iterator[str]:
    """Each lead's cells as XML, by their order: it says less than half as much as by their names."""
    around = [_around(column.kind, styles) for column in columns]
    texts = [column.kind not in (Kind.NUMBER, Kind.FLAG, Kind.DATE, Kind.TIME) for column in columns]
    dates = [place for place, column in enumerate(columns) if column.kind is Kind.DATE]
    for row in copy:
        line = bytes(row).decode()
        (cells,) = csv.reader((line,))
        cells = cells or [""]  # of one column, and empty
        if not _is_plain(line) or len(line) > CELL_MOST:
            cells = [_escaped(cell) if text else cell for cell, text in zip(cells, texts, strict=True)]
        of_row = around
        for place in dates:
            if "-" in cells[place]:  # a day that no spreadsheet counts
                of_row = [*of_row[:place], _around(Kind.TEXT, styles), *of_row[place + 1 :]]
        yield "".join(
            [f"{before}{cell}{after}" if cell else "<c/>" for cell, (before, after) in zip(cells, of_row, strict=True)]
        )


def _around(kind: Kind, styles: Mapping[Kind, int]) -> tuple[str, str]:
    """The XML before and after a cell's value."""
    said = {Kind.NUMBER: "", Kind.FLAG: ' t="b"', **{k: f' s="{style}"' for k, style in styles.items()}}
    return "<c" + said.get(kind, ' t="str"') + "><v>", "</v></c>"


def _is_plain(line: str) -> bool:
    """Whether a row has nothing that XML or Excel would read as anything but text."""
    return line[:-1].isprintable() and not ("&" in line or "<" in line or ">" in line or "_x" in line)


def _escaped(cell: str) -> str:
    text = _CODE.sub("_x005F_", _ILLEGAL.sub("", cell[:CELL_MOST]))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "_x000D_")
