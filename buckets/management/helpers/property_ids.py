"""Property ids from a file, checked before anything is saved."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from typing import TextIO

from django.core.management.base import CommandError

from integrations.vendors import normalise


def read_ids(path: str, *, column: str | None = None) -> list[str]:
    """The ids in a file ("-": stdin), one a line or in a column of a CSV; blanks do not count. Raises CommandError."""
    where = "stdin" if path == "-" else path
    try:
        if path == "-":
            ids = list(_checked(sys.stdin, column, where))
        else:
            with open(path, encoding="utf-8-sig", newline="") as file:
                ids = list(_checked(file, column, where))
    except UnicodeDecodeError:
        raise CommandError(f"{where} is not UTF-8 text.") from None
    except OSError as error:
        raise CommandError(f"{where}: {error.strerror}") from None
    if not ids:
        raise CommandError(f"{where} has no property ids.")
    return ids


def _checked(file: TextIO, column: str | None, where: str) -> Iterator[str]:
    for number, text in _cells(file, column, where):
        found = normalise.property_id(text)
        if found is None:
            raise CommandError(f"{where}, line {number}: {text[:64]!r} is not a property id.")
        yield found


def _cells(file: TextIO, column: str | None, where: str) -> Iterator[tuple[int, str]]:
    """Line numbers and texts that are not blank."""
    if column is None:
        yield from ((number, line.strip()) for number, line in enumerate(file, 1) if line.strip())
        return
    rows = csv.reader(file)
    try:
        head = [name.strip() for name in next(rows, [])]
        if column not in head:
            raise CommandError(f"{where} has no column {column!r}, but {', '.join(head)[:200] or 'nothing'}.")
        place = head.index(column)
        for row in rows:
            if len(row) > place and row[place].strip():
                yield rows.line_num, row[place].strip()
    except csv.Error as error:
        raise CommandError(f"{where}, line {rows.line_num}: {error}") from None
