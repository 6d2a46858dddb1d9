"""Files as people have them: encodings, delimiters, quotes, and what is no table at all."""

from __future__ import annotations

import csv
import io
import tracemalloc

import pytest

from buckets.imports import reading
from buckets.imports.reading import Unreadable, layout_of, pieces_of, rows_of


def read(content: bytes) -> tuple[reading.Layout, list[tuple[int, list[str]]]]:
    file = io.BytesIO(content)
    layout = layout_of(file)
    rows = [
        (row.line, row.cells)
        for piece in pieces_of(file, layout)
        for row in rows_of(piece.packed, layout.delimiter, piece.first_line)
    ]
    return layout, rows


TEXT = "Straße;Ort\n12 Müller Way;Kürten\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8-sig"),
        (TEXT.encode("cp1252"), "cp1252"),
        (TEXT.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16"),
        ("Address;City\n12 Main St;Elk\n".encode("utf-16-le"), "utf-16-le"),
        ("Address;City\n12 Main St;Elk\n".encode("utf-16-be"), "utf-16-be"),
    ],
)
def test_every_encoding_reads_the_same(content, encoding):
    layout, rows = read(content)

    assert (layout.encoding, layout.delimiter) == (encoding, ";")
    if "Main" in rows[0][1][0]:
        assert (layout.columns, rows) == (("Address", "City"), [(2, ["12 Main St", "Elk"])])
    else:
        assert (layout.columns, rows) == (("Straße", "Ort"), [(2, ["12 Müller Way", "Kürten"])])


def test_a_text_that_is_not_utf_8_only_far_behind_is_windows_1252(monkeypatch):
    content = b"address,city\n" + b"1 Main St,Elk\n" * 10_000 + "2 Ñ St,Elk\n".encode("cp1252")

    layout, rows = read(content)

    assert (layout.encoding, len(rows), rows[-1]) == ("cp1252", 10_001, (10_002, ["2 Ñ St", "Elk"]))


@pytest.mark.parametrize("mark", list(",;\t|"))
def test_the_delimiter_is_found_among_texts_that_hold_the_others(mark):
    cells = [["1 A St", "Elk, CA; x|y\tz"], ["2 B St", 'a "b", c']]
    text = io.StringIO()
    csv.writer(text, delimiter=mark, quoting=csv.QUOTE_ALL).writerows([["address", "note"], *cells])

    layout, rows = read(text.getvalue().encode())

    assert layout.delimiter == mark
    assert rows == [(2, cells[0]), (3, cells[1])]


def test_one_column_needs_no_delimiter():
    layout, rows = read(b'Full Address\n"1 Main St, Elk, CA 95757"\n"2 Main St, Elk, CA 95757"\n')

    assert layout.columns == ("Full Address",)
    assert [cells for _, cells in rows] == [["1 Main St, Elk, CA 95757"], ["2 Main St, Elk, CA 95757"]]


def test_line_breaks_in_quotes_belong_to_their_cell_and_lines_are_counted_as_an_editor_does():
    _, rows = read(b'address,note\r\n1 A St,"two\r\nlines, ""so"" \nthree"\r\n\r\n2 B St,\r\n3 C St,x')

    assert rows == [(2, ["1 A St", 'two\r\nlines, "so" \nthree']), (5, []), (6, ["2 B St", ""]), (7, ["3 C St", "x"])]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_one(end):
    assert read(end.join(["address,zip", "1 A St,95757", "2 B St,95757", ""]).encode())[1] == [
        (2, ["1 A St", "95757"]),
        (3, ["2 B St", "95757"]),
    ]


def test_pieces_end_at_rows_and_hold_every_row_once(monkeypatch):
    monkeypatch.setattr(reading, "PIECE_ROWS", 7)
    content = "address,note\n" + "".join(f'{n} A St,"x\n{n}"\n' for n in range(100))
    file = io.BytesIO(content.encode())
    layout = layout_of(file)

    pieces = list(pieces_of(file, layout))

    assert [piece.rows for piece in pieces] == [7] * 14 + [2]
    assert [piece.first_line for piece in pieces] == [2 + 14 * n for n in range(15)]
    assert [cells[0] for _, cells in read(content.encode())[1]] == [f"{n} A St" for n in range(100)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \r\n \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"PK\x03\x04rest of a workbook", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0old workbook", "Excel workbook"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\x1f\x8b\x08 gz", "compressed"),
        (bytes(range(256)) * 20, "not text"),
        (b"address\0,zip\n1 A St,95757\n", "not text"),
        (b"1180,98178,47.5\n2570,98125,47.7\n", "first row must hold the names"),
        (b",,\n1,2,3\n", "empty|names"),
        (b"a," * 501 + b"b\n1,2\n", "at most 500"),
        (b'address,note\n1 A St,"never closed\n2 B St,x\n3 C St,y\n', "Line 2: a quote is opened there"),
        (b'address,note\n1 A St,"' + b"x" * 200_000 + b'"\n', "Line 2: field larger"),
        (b"\xff\xfea\x00d\x00\x00\xd8\x01\x00", "does not go on"),
    ],
)
def test_what_is_no_table_is_refused_in_words(content, words):
    with pytest.raises(Unreadable, match=words):
        read(content)


def test_a_file_without_line_breaks_is_refused_before_it_fills_the_memory():
    file = io.BytesIO(b"address,zip\n" + b"x" * 20_000_000)
    tracemalloc.start()
    with pytest.raises(Unreadable, match="longer than a million"):
        list(pieces_of(file, layout_of(file)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 15_000_000
