"""A person in files, to be forgotten or told of: rows that wait or could not be used, what an import changed."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from buckets.models import ImportedChange, ImportFailure, ImportPiece
from leads.privacy.files import cells_without, piece_without, rows_kept, rows_without
from leads.privacy.places import PIECE, Her, Piece, first_changed
from leads.privacy.telling import Look, Told

__all__ = [
    "cells_without",
    "in_failures",
    "in_pieces",
    "rows_kept",
    "rows_without",
    "tell_failures",
    "tell_pieces",
    "with_lead",
]

_PIECES = 20  # of a file at a time: a megabyte each


def in_failures(after: str, her: Her) -> Piece:
    def change(pk: int, cells: object) -> int:
        if not isinstance(cells, list) or (left := cells_without(cells, her)) == [str(cell) for cell in cells]:
            return 0
        return ImportFailure.objects.filter(pk=pk).update(cells=left)

    rows = ImportFailure.objects.filter(pk__gt=int(after or 0)).order_by("pk")
    return first_changed(rows.values_list("pk", "cells")[:PIECE], change)


def in_pieces(after: str, her: Her) -> Piece:
    """Files that wait to be stored. A piece that an import stores meanwhile is gone, and its rows were filtered."""

    def change(pk: int, content: bytes, delimiter: str) -> int:
        left = piece_without(bytes(content), delimiter, her)
        return 0 if left is None else ImportPiece.objects.filter(pk=pk).update(content=left)

    rows = ImportPiece.objects.filter(pk__gt=int(after or 0)).order_by("pk")
    return first_changed(rows.values_list("pk", "content", "job__delimiter")[:_PIECES], change, most=_PIECES)


def with_lead(lead_id: UUID, her: Her, names: Collection[str]) -> int:
    """Undoing an import must not bring her back."""
    changed = 0
    for change in ImportedChange.objects.filter(lead=lead_id):
        before, after = her.record(change.before, names), her.record(change.after, names)
        if (before, after) != (change.before, change.after):
            changed += ImportedChange.objects.filter(pk=change.pk).update(before=before, after=after)
    return changed


# --- What a report tells ----------------------------------------------------------------------------------------------


def tell_failures(look: Look) -> Iterator[Told]:
    """Rows that could not be used, and why."""
    rows = look.of_team(ImportFailure.objects.all(), "job__bucket__team")
    columns = ("line", "reason", "cells", *_FILE)
    for _, line, reason, cells, *file in look.through(rows, *columns):
        if isinstance(cells, list) and _holds(cells, look):
            yield _row_told("Row of a file that could not be used", cells, file, {"line": line, "reason": reason})


def tell_pieces(look: Look) -> Iterator[Told]:
    """Rows of uploaded files that wait to be stored."""
    rows = look.of_team(ImportPiece.objects.all(), "job__bucket__team")
    for _, content, delimiter, *file in look.through(rows, "content", "job__delimiter", *_FILE, piece=1):
        lines = zlib.decompress(bytes(content)).decode().splitlines(keepends=True)
        for cells in csv.reader(lines, delimiter=delimiter):
            if look.is_over():
                return
            if _holds(cells, look):
                yield _row_told("Row of a file that waits to be imported", cells, file, {})


def _holds(cells: Sequence[object], look: Look) -> bool:
    texts = [str(cell) for cell in cells]
    return look.may_hold(" ".join(texts)) and cells_without(texts, look.her) != texts


_FILE = ("job__file_name", "job__columns", "job__created_at", "job__bucket__team")


def _row_told(what: str, cells: Sequence[object], file: Sequence[Any], more: Mapping[str, Any]) -> Told:
    name, columns, at, team_id = file
    heads = [str(head) or f"Column {n}" for n, head in enumerate(columns, start=1)]
    heads += [f"Column {n}" for n in range(len(heads) + 1, len(cells) + 1)]
    row = {head: cell for head, cell in zip(heads, cells, strict=False) if cell not in (None, "")}
    return Told(what, {"file": name, **more, "row": row}, at, team_id)
