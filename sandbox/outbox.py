"""Posts of the made-up vendors of messages: each at its time, to this machine alone, tried as often as the vendor does.

Threads are begun with the first post.
"""

import heapq
import http.client
import itertools
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Condition, Event, Lock, Thread
from typing import Any
from urllib.parse import urlsplit

from sandbox.wire import Json

WORKERS = 8
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class Post:
    """One event. sign: the headers of a try, made anew for each. waits: seconds before each further try.

    retried: whether an answer of this status, None where there is none, is tried again.
    """

    vendor: str
    what: str
    url: str
    body: bytes
    sign: Callable[[], Mapping[str, str]]
    timeout: float
    waits: tuple[float, ...]
    retried: Callable[[int | None], bool]


class Outbox:
    """What is to happen later, and what has been posted. Thread-safe."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order, self._changed, self._stopped = itertools.count(), Condition(), Event()
        self._threads: list[Thread] = []
        self._lock = Lock()
        self._posted: list[Json] = []
        self._posts: list[Post] = []

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Does it in so many real seconds."""
        with self._changed:
            heapq.heappush(self._heap, (time.monotonic() + seconds, next(self._order), act))
            while len(self._threads) < WORKERS:
                thread = Thread(target=self._work, name="sandbox-outbox", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify()

    def deliver(self, post: Post) -> None:
        """Posts it now, with its tries; returns when that is over. Elsewhere than to this machine nothing is posted."""
        with self._lock:
            self._posts.append(post)
        self._deliver(post)

    def posted(self) -> list[Json]:
        """Every try: vendor, what, url, status (None: no answer), and whether it was a replay."""
        with self._lock:
            return list(self._posted)

    def replay(self, *, reverse: bool, times: int) -> int:
        """Posts all again, one after the other, freshly signed; returns how many."""
        with self._lock:
            posts = list(reversed(self._posts)) if reverse else list(self._posts)
        for _ in range(times):
            for post in posts:
                self._deliver(post, replay=True)
        return len(posts) * times

    def stop(self) -> None:
        """Nothing more is posted."""
        self._stopped.set()
        with self._changed:
            self._heap.clear()
            self._changed.notify_all()

    def _work(self) -> None:
        while not self._stopped.is_set():
            with self._changed:
                if not self._heap:
                    self._changed.wait()
                    continue
                wait = self._heap[0][0] - time.monotonic()
                if wait > 0:
                    self._changed.wait(wait)
                    continue
                _, _, act = heapq.heappop(self._heap)
            try:
                act()
            except Exception:  # the sandbox's own mistake: said on its standard error, and the next post goes on
                traceback.print_exc()

    def _deliver(self, post: Post, *, replay: bool = False) -> None:
        for wait in (0.0, *post.waits):
            if self._stopped.wait(wait):
                return
            status = _post(post) if urlsplit(post.url).hostname in LOOPBACK else None
            note = {"vendor": post.vendor, "what": post.what, "url": post.url, "status": status, "replay": replay}
            with self._lock:
                self._posted.append(note)
            if not post.retried(status):
                return


def _post(post: Post) -> int | None:
    """The status of the answer; None where there was none."""
    place = urlsplit(post.url)
    kind: Any = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    connection = kind(place.hostname, place.port, timeout=post.timeout)
    try:
        connection.request(
            "POST", place.path + (f"?{place.query}" if place.query else ""), body=post.body, headers=dict(post.sign())
        )
        answer = connection.getresponse()
        answer.read()
        return int(answer.status)
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
