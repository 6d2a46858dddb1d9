"""What is still to be sent to a client: its thread goes on, and the loop sends as fast as the client reads."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from django.conf import settings

from common.refusals import error_body
from common.request_id import HEADER, named, request_id
from common.server.intake import too_slow
from common.server.threads import NoRoom, Threads

log = logging.getLogger(__name__)
JOINED = 256 * 1024  # bytes: a body up to this goes with its head, as one message
MOST = 1024 * 1024  # bytes kept for a client that reads slowly; then its thread stands aside and waits
STALLED = 20.0  # seconds without a byte read after which the client is taken for gone


class Outlet:
    """Stands for the socket where gunicorn answers."""

    def __init__(self, sock: socket.socket, threads: Threads, watch: Callable[[], None]) -> None:
        self._sock, self._threads, self._watch = sock, threads, watch
        self._room = threading.Condition()
        self._waiting: deque[memoryview] = deque()
        self.queued = 0  # bytes
        self.path = ""  # of the request at work
        self._joins = False  # what is written next is the head of an answer
        self._head = b""
        self._sent = 0
        self._since = self._moved = 0.0
        self.broken = False

    # --- The thread's side ---

    def begin(self) -> None:
        """gunicorn writes an answer's head by itself: it waits for what follows it, which is written at once. Sent
        alone it woke the client, who found half an answer, while the thread was to send the rest.
        """
        self._joins = True

    def end(self) -> None:
        """The answer is written: also a head that nothing has followed."""
        self._joins = False
        if self._head:
            self.sendall(b"")

    def sendall(self, data: bytes) -> None:
        """Returns when the data is sent or kept. Raises BrokenPipeError where the client is gone, or as good as."""
        if self._joins:
            self._joins, self._head = False, data
            return
        if self._head:
            head, self._head = self._head, b""
            if len(data) > JOINED:
                self._put(head)
            else:
                data = head + data
        self._put(data)

    def _put(self, data: bytes) -> None:
        with self._room:
            if self.broken:
                raise BrokenPipeError(errno.EPIPE, "the client is gone")
            view = memoryview(data)
            if not self._waiting:
                view = view[self._try(view) :]
            if not view:
                return
            if not self._waiting:
                self._since = self._moved = time.monotonic()
                self._sent = 0
                self._watch()
            self._waiting.append(view)
            self.queued += len(view)
            full = self.queued > MOST
        if full:
            self._wait()

    def _wait(self) -> None:
        try:
            with self._threads.reading(), self._room:
                self._room.wait_for(lambda: self.broken or self.queued <= MOST // 2)
        except NoRoom:
            self.give_up()
        if self.broken:
            raise BrokenPipeError(errno.EPIPE, "the client does not read")

    # --- The loop's side ---

    def flush(self) -> bool:
        """Sends what the client takes now. True: nothing waits any more."""
        with self._room:
            while self._waiting:
                sent = self._try(self._waiting[0])
                if not sent:
                    break
                self.queued -= sent
                self._sent += sent
                self._moved = time.monotonic()
                self._waiting[0] = self._waiting[0][sent:]
                if not self._waiting[0]:
                    self._waiting.popleft()
            self._room.notify_all()
            return not self._waiting

    def overdue(self, now: float) -> bool:
        """Whether the client reads too slowly to be waited for."""
        with self._room:
            slow = now - self._moved > STALLED or too_slow(now - self._since, self._sent)
            return bool(self._waiting) and slow

    def give_up(self) -> None:
        with self._room:
            self.broken = True
            self._waiting.clear()
            self.queued = 0
            self._room.notify_all()

    def _try(self, data: memoryview) -> int:
        try:
            return self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            self.broken = True
            self._waiting.clear()
            self.queued = 0
            self._room.notify_all()
            raise BrokenPipeError(errno.EPIPE, "the client is gone") from None

    # --- What gunicorn does to a socket besides ---

    def send(self, data: bytes) -> int:
        self.sendall(data)
        return len(data)

    def setblocking(self, _flag: object) -> None:
        """The loop's socket never blocks."""

    def gettimeout(self) -> float:
        return 0.0

    def settimeout(self, _seconds: object) -> None:
        """As setblocking."""

    def shutdown(self, how: int) -> None:
        with contextlib.suppress(OSError):
            self.end()
            self._sock.shutdown(how)

    def close(self) -> None:
        """The loop closes it."""

    def fileno(self) -> int:
        return self._sock.fileno()

    def getsockname(self) -> Any:
        return self._sock.getsockname()


# Status of an answer that the web server gives alone: code and words for a client of the API.
_REFUSALS = {
    408: ("REQUEST_TIMEOUT", "The request came too slowly."),
    414: ("URI_TOO_LONG", "The address is longer than this server reads: ask for less at a time."),
    431: ("HEADERS_TOO_LARGE", "The headers are longer than this server reads."),
}


class Guarded:
    """Stands for a socket where gunicorn writes a page of its own, such as a 414: with the headers that every answer of
    ours has, a name to ask by, and as JSON where the API was asked.
    """

    def __init__(self, sock: Any, path: str) -> None:
        self._sock, self._path = sock, path

    def sendall(self, data: bytes) -> None:
        """The whole answer, as gunicorn writes it."""
        status, _, rest = data.partition(b"\r\n")
        called = named(None)
        log.warning("The web server answers %s, request %s", status.decode("latin-1"), called)
        if f"{self._path}/".startswith("/api/"):
            rest = _refusal(int(status.split(b" ")[1]), called)
        self._sock.sendall(b"\r\n".join([status, *_headers(), f"{HEADER}: {called}".encode(), rest]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def _refusal(status: int, called: str) -> bytes:
    otherwise = ("INVALID", "The request cannot be read.") if status < 500 else ("SERVER_ERROR", "It cannot be done.")
    token = request_id.set(called)
    body = json.dumps(error_body(*_REFUSALS.get(status, otherwise))).encode()
    request_id.reset(token)
    return b"Connection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def _headers() -> list[bytes]:
    return [
        b"X-Content-Type-Options: nosniff",
        b"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
        b"Permissions-Policy: " + settings.PERMISSIONS_POLICY.encode(),
        b"Cache-Control: no-store",
    ]
