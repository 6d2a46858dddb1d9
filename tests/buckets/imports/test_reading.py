"""Files as people have them: encodings, delimiters, quotes, and what is no table at all."""

from __future__ import annotations

import csv
import io
import tracemalloc

import pytest

from buckets.imports.reading import NoSuchHeader, Unreadable, layout_of, pieces_of, rows_of
from common.files.table import Layout


def read(content: bytes) -> tuple[Layout, list[tuple[int, list[str]]]]:
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
    monkeypatch.setattr("common.files.reading.PIECE_ROWS", 7)
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
        (b"address\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0,zip\n", "not text"),
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


OWNERS = "Address,City,State,Zip,Owner\n"


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        # an odd quote, and another one further down
        ('1 A St,Elk,CA,95757,"BUD\n2 A St,Elk,CA,95757,JONES\n3 A St,Elk,CA,95757,"AL\n4 A St,Elk,CA,95757,ROE\n',
         [(2, "1 A St", "BUD", ""), (3, "2 A St", "JONES", ""), (4, "3 A St", "AL", ""), (5, "4 A St", "ROE", "")]),
        # before a cell in quotes
        ('1 A St,Elk,CA,95757,"BUD\n2 A St,Elk,CA,95757,"JONES, AL"\n3 A St,Elk,CA,95757,ROE\n',
         [(2, "1 A St", "BUD", ""), (3, "2 A St", "JONES, AL", ""), (4, "3 A St", "ROE", "")]),
        # well formed, so nobody can tell: each line fails
        ('1 A St,Elk,CA,95757,"BUD\n2 A St,Elk,CA,95757,JONES"\n3 A St,Elk,CA,95757,ROE\n',
         [(2, "1 A St", "BUD", "quote"), (3, "2 A St", "JONES", "quote"), (4, "3 A St", "ROE", "")]),
        # a note of several lines, with as many commas as by chance
        ('1 A St,Elk,CA,95757,"call Ann, Bob, Cy, Di\nor Ed, Flo, Gus, Hal, Ida"\n2 A St,Elk,CA,95757,ROE\n',
         [(2, "1 A St", "call Ann, Bob, Cy, Di\nor Ed, Flo, Gus, Hal, Ida", ""), (4, "2 A St", "ROE", "")]),
    ],
)  # fmt: skip
def test_rows_that_an_odd_quote_has_run_together_are_read_or_fail_with_their_lines(body, rows):
    file = io.BytesIO((OWNERS + body).encode())
    layout = layout_of(file)
    pieces = list(pieces_of(file, layout))
    found = [row for piece in pieces for row in rows_of(piece.packed, layout.delimiter, piece.first_line)]

    assert sum(piece.rows for piece in pieces) == len(rows)
    assert [(r.line, r.cells[0], r.cells[-1], "quote" if "quote" in r.trouble else "") for r in found] == rows


def test_one_bad_byte_is_one_replaced_character_and_not_another_encoding():
    content = OWNERS.encode() + "1 Peña St,Elk,CA,95757,José\n".encode() + b"2 Pe\xf1a St,Elk,CA,95757,Ann\n"

    layout, rows = read(content)

    assert layout.encoding == "utf-8"
    assert [cells[0] for _, cells in rows] == ["1 Peña St", "2 Pe\ufffda St"]


def test_a_nul_is_left_out_and_utf_32_is_read():
    assert read(b"Address,Zip\n1 A\0 St,95757\n")[1] == [(2, ["1 A St", "95757"])]
    assert read("Address,Zip\n1 Ñ St,95757\n".encode("utf-32"))[1] == [(2, ["1 Ñ St", "95757"])]


HEADED = "Address,City,State,Zip\n1 A St,Elk,CA,95757\n"


@pytest.mark.parametrize(
    ("content", "row", "delimiter"),
    [
        (HEADED, 1, ","),
        ("sep=;\n" + HEADED.replace(",", ";"), 2, ";"),
        ("sep=,\n\n" + HEADED, 3, ","),
        ("Absentee owners of King County\nReport run on 11/29/2026\n\n" + HEADED, 4, ","),
        ("Absentee owners, King County, WA\n" + HEADED.replace(",", "\t") * 3, 2, "\t"),
        ("Owner,,,\n" + HEADED, 2, ","),
        ("Foo,Bar\n1 A St,95757\nAddress,Zip\n", 3, ","),
        ("Foo,Bar\n1 A St,95757\n", 1, ","),
        ("1,2,3,4\n" + HEADED, 2, ","),
    ],
)
def test_the_header_row_is_found_below_titles_and_blank_rows(content, row, delimiter):
    layout = layout_of(io.BytesIO(content.encode()))

    assert (layout.header_row, layout.delimiter) == (row, delimiter)


def test_the_header_row_is_said_and_what_stands_above_it_is_no_data():
    file = io.BytesIO(b"Foo,Bar\nx,y\n\nStreet address,Code\n1 A St,95757\n")
    layout = layout_of(file, header=4)

    assert layout.columns == ("Street address", "Code")
    [piece] = pieces_of(file, layout)
    assert [(row.line, row.cells) for row in rows_of(piece.packed, ",", piece.first_line)] == [(5, ["1 A St", "95757"])]
    for row, words in (
        (3, "Row 3 is empty"),
        (9, "Row 9 is empty"),
        (0, "one of the first"),
        (101, "one of the first"),
    ):
        with pytest.raises(NoSuchHeader, match=words):
            layout_of(file, header=row)


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("Address,Zip\n“12 Oak St, Apt 4”,78701\n", ["12 Oak St, Apt 4", "78701"]),
        ('"Address", "City"\n"12 Oak St, Apt 4", "Austin, TX"\n', ["12 Oak St, Apt 4", "Austin, TX"]),
        ('Address,Note\n12 Oak St,"he said, ""no"", then left"\n', ["12 Oak St", 'he said, "no", then left']),
        ("Address,Note\n12 Oak St,he said “no”\n", ["12 Oak St", "he said “no”"]),
    ],
)
def test_curly_quotes_and_spaces_before_quotes_are_read_as_quotes(text: str, cells: list[str]) -> None:
    file = io.BytesIO(text.encode())
    layout = layout_of(file)
    (piece,) = pieces_of(file, layout)

    assert [row.cells for row in rows_of(piece.packed, layout.delimiter, piece.first_line)] == [cells]


def test_a_file_cut_inside_its_last_character_stays_utf8() -> None:
    assert layout_of(io.BytesIO("Address,Owner\n12 Oak St,José".encode()[:-1])).encoding == "utf-8"
    assert layout_of(io.BytesIO("Address,Owner\n12 Oak St,José".encode("cp1252"))).encoding == "cp1252"
