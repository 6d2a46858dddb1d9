"""A forgotten person in the rows of a file, whose cells have no meaning here."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from integrations.vendors import normalise
from integrations.vendors.addresses import mailing_key
from leads.keys.owner_keys import OWNER, name_keys
from leads.privacy.filtering import anybody_forgotten, listed_among
from leads.privacy.places import Her
from leads.privacy.texts import Value, text_without, values_in


def cells_without(cells: Sequence[str], her: Her) -> list[str]:
    """A row of a file without her."""
    return rows_without([cells], her.among)[0]


def rows_kept(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """These rows without anybody who is forgotten. In the transaction that stores them."""
    if not rows or not anybody_forgotten():
        return [list(row) for row in rows]
    return rows_without(rows, listed_among)


def rows_without(rows: Sequence[Sequence[str]], among: Callable[[set[Value]], set[Value]]) -> list[list[str]]:
    """Rows without whom `among` knows: cells with her phone or e-mail, and with them or beside her address her name.

    Cells have no meaning here: any two that follow each other may be a first and a last name, or a street and a ZIP.
    """
    texts = [[str(cell) for cell in cells] for cells in rows]
    contacts = [[{value for value, _ in values_in(text)} for text in cells] for cells in texts]
    names = [_names_in(cells) for cells in texts]
    places = [_places_in(*row) for row in zip(texts, contacts, strict=True)]
    beside = [
        {(OWNER, f"{name}|{place}"): name for keys in spans.values() for name in keys for place in known}
        for spans, known in zip(names, places, strict=True)
    ]
    hers = among({value for row in (*(one for cells in contacts for one in cells), *beside) for value in row})
    return [_row_without(*row, hers) for row in zip(texts, contacts, names, beside, strict=True)]


Span = tuple[int, int]  # the first and the last cell


def _names_in(cells: Sequence[str]) -> dict[Span, list[str]]:
    """The names' keys in each cell, and in each two that follow each other."""
    spans = [(n, n, text) for n, text in enumerate(cells)]
    spans += [(n, n + 1, f"{one} {two}") for n, (one, two) in enumerate(pairwise(cells))]
    return {(n, m): keys for n, m, text in spans if text.strip() and (keys := _names(text))}


def _places_in(cells: Sequence[str], contacts: Sequence[set[Value]]) -> set[str]:
    codes = [code for code in cells if code.strip().isascii() and normalise.zip5(code)]
    places = {key for street in cells for code in codes if (key := mailing_key(street, code))}
    return places | {value for cell in contacts for _, value in cell}


def _row_without(
    cells: list[str],
    contacts: list[set[Value]],
    names: Mapping[Span, list[str]],
    beside: Mapping[Value, str],
    hers: set[Value],
) -> list[str]:
    gone = {name for value, name in beside.items() if value in hers}
    blank = {place for span, keys in names.items() if gone & set(keys) for place in span}
    return [
        "" if n in blank or contacts[n] & hers or (gone and text_without(text, (), gone) != text) else text
        for n, text in enumerate(cells)
    ]


def _names(text: str) -> list[str]:
    words = text.split()
    return name_keys(text) if 1 < len(words) < 9 and not any(letter.isdigit() for letter in text) else []


def piece_without(content: bytes, delimiter: str, her: Her) -> bytes | None:
    """None: she is not in it. A row without her stays to the letter, and every row keeps its lines."""
    text = zlib.decompress(content).decode()
    lines = text.splitlines(keepends=True)
    reader = csv.reader(lines, delimiter=delimiter)
    result, start, changed = [], 0, False
    for row in reader:
        spelled, start = "".join(lines[start : reader.line_num]), reader.line_num
        left = cells_without(row, her)
        if left == row:
            result.append(spelled)
            continue
        changed = True
        out = io.StringIO()
        csv.writer(out, delimiter=delimiter, lineterminator="\n" * max(1, spelled.count("\n"))).writerow(left)
        result.append(out.getvalue())
    return zlib.compress("".join(result).encode()) if changed else None
