"""Who may work now. Threads that only wait (a stream, `Prefer: wait`, a slow reader) stand aside and hold nobody up.

Readers have places of their own: anybody may read slowly, and would take those of the people who are signed in.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

Job = Callable[[], object]
stopping = threading.Event()  # set when this web process is to end: what waits comes to an end by itself


class NoRoom(Exception):
    """As many threads stand aside as may."""


@dataclass
class _Room:
    places: int


class Threads:
    """`working` threads at a time, and more that wait for what is not theirs to hurry: `aside`, and `reading`."""

    def __init__(self, *, working: int, aside: int, reading: int) -> None:
        self.pool = ThreadPoolExecutor(max_workers=working + aside + reading, thread_name_prefix="web")
        self._lock = threading.Lock()
        self._free, self._aside, self._reading = working, _Room(aside), _Room(reading)
        self._queue: deque[Job] = deque()

    def submit(self, job: Job) -> None:
        """Has the job done as soon as fewer than `working` are at work."""
        with self._lock:
            if self._free <= 0:
                self._queue.append(job)
                return
            self._free -= 1
        self.pool.submit(self._run, job)

    def aside(self) -> AbstractContextManager[None]:
        """Meanwhile another works in this thread's place. Raises NoRoom where too many wait already."""
        return self._in(self._aside)

    def reading(self) -> AbstractContextManager[None]:
        """The same, until a client has read."""
        return self._in(self._reading)

    @contextmanager
    def _in(self, room: _Room) -> Iterator[None]:
        with self._lock:
            if not room.places:
                raise NoRoom
            room.places -= 1
        self._leave()
        try:
            yield
        finally:
            with self._lock:
                room.places += 1
                self._free -= 1  # below zero for a moment: whoever ends next has no successor

    def _run(self, job: Job) -> None:
        try:
            job()
        finally:
            self._leave()

    def _leave(self) -> None:
        with self._lock:
            if self._free < 0 or not self._queue:
                self._free += 1
                return
            job = self._queue.popleft()
        self.pool.submit(self._run, job)


_threads: Threads | None = None


def serve_with(threads: Threads) -> None:
    """These are the threads of this process from now on."""
    global _threads
    _threads = threads


@contextmanager
def aside() -> Iterator[None]:
    """Around a wait inside a request. Raises NoRoom. Outside the web server (tests, commands) it does nothing."""
    if _threads is None:
        yield
        return
    with _threads.aside():
        yield
