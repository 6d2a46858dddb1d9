"""Reading the next piece of a file while the one before it is saved: reading is Python's work, saving mostly waits for
PostgreSQL.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Generic, Self, TypeVar

from buckets.models import ImportPiece

Rows = TypeVar("Rows")


class Ahead(Generic[Rows]):
    """The rows of one piece after the other, by `read`, which asks the database for nothing.

    far: whether the next piece is read meanwhile. Not after a worker has died: which piece it was must come out.
    """

    def __init__(self, read: Callable[[ImportPiece], Rows], *, far: bool) -> None:
        self._read, self._far = read, far
        self._next: tuple[int, Future[Rows]] | None = None
        self._thread = ThreadPoolExecutor(1, "rows-ahead")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._thread.shutdown(cancel_futures=True)

    def rows_of(self, piece: ImportPiece, following: ImportPiece | None) -> Rows:
        """The rows of a piece; begins with the following one's."""
        begun, self._next = self._next, None
        rows = begun[1].result() if begun and begun[0] == piece.pk else self._read(piece)
        if following is not None and self._far:
            self._next = (following.pk, self._thread.submit(self._read, following))
        return rows


@contextmanager
def uncollected() -> Iterator[None]:
    """Python's collector of cycles rests: a piece makes 200,000 objects that are in none, and looking at them again
    and again is a sixth of its time (measured).
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
