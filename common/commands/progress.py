"""Following work that goes on elsewhere: a bar on a terminal, plain lines in a log. And threads that do it here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from django.core.management.base import OutputWrapper
from django.db import connection
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

LOOK_EVERY = 0.5  # seconds between two looks at the row
LINE_EVERY = 5.0  # seconds between two lines where there is no terminal


@dataclass(frozen=True, slots=True)
class Tick:
    """How far it is. total None: not known yet. words: beside the numbers."""

    done: int
    total: int | None
    words: str = ""
    over: bool = False


def follow(read: Callable[[], Tick], *, out: OutputWrapper, label: str) -> None:
    """Shows what `read` says until it says that it is over. Whatever `read` raises ends it."""
    if out.isatty():
        _bar(read, label)
    else:
        _lines(read, out, label)


def _bar(read: Callable[[], Tick], label: str) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[words]}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(label, total=None, words="")
        while True:
            tick = read()
            progress.update(task, completed=tick.done, total=tick.total, words=tick.words)
            if tick.over:
                return
            time.sleep(LOOK_EVERY)


def _lines(read: Callable[[], Tick], out: OutputWrapper, label: str) -> None:
    shown, due = None, 0.0
    while True:
        tick = read()
        if tick.over or (tick != shown and time.monotonic() >= due):
            total = "?" if tick.total is None else f"{tick.total:,}"
            out.write(f"{label}: {tick.done:,} of {total}{f', {tick.words}' if tick.words else ''}", str)
            shown, due = tick, time.monotonic() + LINE_EVERY
        if tick.over:
            return
        time.sleep(LOOK_EVERY)


class LocalWorkers:
    """Threads that do a worker's job in this process for as long as the block lasts.

    A job gets the event that tells it to stop. What it raises comes out of `check`.
    """

    def __init__(self, *jobs: Callable[[threading.Event], None]) -> None:
        self._stop = threading.Event()
        self._error: Exception | None = None
        self._threads = [threading.Thread(target=self._work, args=(job,)) for job in jobs]

    def _work(self, job: Callable[[threading.Event], None]) -> None:
        try:
            while not self._stop.is_set():
                job(self._stop)
                self._stop.wait(LOOK_EVERY)
        except Exception as error:  # told by the thread that asks
            self._error = error
        finally:
            connection.close()

    def check(self) -> None:
        """Raises what a job raised."""
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
