"""What is read about imports. Reads only."""

from __future__ import annotations

from collections.abc import Generator

from buckets.models import Import
from leads.selection.export import guarded, line_of


def failed_lines(job: Import) -> Generator[bytes, None, None]:
    """The rows that could not be used as CSV, in the file's order: line, reason, and the row under its own header."""
    yield line_of(["Line", "Reason", *map(guarded, job.columns)])
    rows = job.failures.order_by("line").values_list("line", "reason", "cells")
    for line, reason, cells in rows.iterator(chunk_size=2000):
        yield line_of([str(line), reason, *map(guarded, cells)])
