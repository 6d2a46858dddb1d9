"""Reading the next pieces of a file while the one before them is saved: by processes of their own, since reading is
Python's work alone, nine tenths of what an import costs it (measured).
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from buckets.models import ImportPiece

Rows = TypeVar("Rows")
# Processes that read: who saves takes a core for Python and PostgreSQL in turn, so one reads on two cores. Three read
# as fast as one worker saves.
READERS = max(1, min(3, (os.cpu_count() or 1) - 1))


@dataclass(slots=True)
class _Reader:
    """A process that reads the piece it is sent. piece: the one whose rows it still owes, which `rows` waits for."""

    process: int
    pipe: Connection
    piece: int | None = None
    rows: Future[Any] | None = None


class Ahead(Generic[Rows]):
    """The rows of one piece after the other, by `read`, which asks the database for nothing.

    A thread receives what a process has read, while this one waits for PostgreSQL.

    far: whether the next pieces are read meanwhile. Not after a worker has died: which piece it was must come out.
    """

    def __init__(self, read: Callable[[ImportPiece], Rows], *, far: bool) -> None:
        self._read, self._far = read, far
        self._readers: list[_Reader] = []
        self._receiving = ThreadPoolExecutor(READERS, "rows of the next piece")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        while self._readers:
            self._end(self._readers[0])
        self._receiving.shutdown()

    def rows_of(self, piece: ImportPiece, following: Sequence[ImportPiece]) -> Rows:
        """The rows of a piece; begins with those of the following ones."""
        read = next((reader for reader in self._readers if reader.piece == piece.pk), None)
        rows: list[Rows] = []
        if read is not None and read.rows is not None:
            read.piece = None
            try:
                rows.append(read.rows.result())
            except (EOFError, OSError):  # it died, or the rows raise an error: they are read here, which tells
                self._end(read)
        for one in following[:READERS] if self._far else ():
            self._begin(one)
        return rows[0] if rows else self._read(piece)

    def _end(self, reader: _Reader) -> None:
        self._readers.remove(reader)
        os.kill(reader.process, signal.SIGKILL)
        os.waitpid(reader.process, 0)
        if reader.rows is not None:
            wait([reader.rows])  # the pipe has ended for it
        reader.pipe.close()

    def _begin(self, piece: ImportPiece) -> None:
        """Sent to a process that owes nothing: one that is sending rows would receive nothing, and wait for ever."""
        if any(reader.piece == piece.pk for reader in self._readers):
            return
        idle = next((reader for reader in self._readers if reader.piece is None), None)
        if idle is None and len(self._readers) < READERS:
            idle = _forked(self._read)
            self._readers.append(idle)
        if idle is not None:
            with suppress(OSError):  # it died
                idle.pipe.send(piece)
                idle.piece = piece.pk
                idle.rows = self._receiving.submit(idle.pipe.recv)


def _forked(read: Callable[[ImportPiece], Rows]) -> _Reader:
    """A copy of this process, which costs no start and no memory. It ends with its pipe, whose other end closes with
    this process, however that ends; it never touches the database's connection, which is this process's.
    """
    ours, theirs = Pipe()
    process = os.fork()
    if process:
        theirs.close()
        return _Reader(process, ours)
    status = 1
    try:
        ours.close()
        gc.disable()
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            signal.signal(name, signal.SIG_DFL)
        while True:
            theirs.send(read(theirs.recv()))
    except (EOFError, OSError):
        status = 0
    finally:
        os._exit(status)  # no handler and no finalizer of the process it is a copy of


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
