"""gunicorn's threaded worker, with a loop that takes requests in and sends answers out.

gunicorn's own gives every connection a thread at once, which then reads from the socket and writes to it for as long
as the client likes: 16 half-sent requests hold all 16. Here a thread is for a whole request, and keeps nobody waiting
while it waits itself (threads.py). `/healthz` has a thread of its own.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from django.conf import settings
from gunicorn import util
from gunicorn.http.errors import InvalidHeader, InvalidHeaderName, InvalidRequestLine
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from common.server.connection import Connection, Readable
from common.server.intake import HeadTooLong
from common.server.outlet import Guarded
from common.server.threads import Threads, serve_with, stopping

READ = 256 * 1024  # bytes taken at a time
LINGER_SECONDS = 5.0  # a socket closed on unread bytes resets, and their sender never sees the answer
LINGER_BYTES = 64 * 1024 * 1024
QUOTING = (InvalidHeader, InvalidHeaderName, InvalidRequestLine)  # what was sent, for gunicorn's log and its answer
RESET = struct.pack("ii", 1, 0)  # a close that throws away what is not read


class BufferedWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """`worker_class` of config/gunicorn.py."""

    def init_process(self) -> None:
        most = settings.WAITING_THREADS
        self.threads = Threads(working=self.cfg.threads, aside=most, reading=max(1, most // 2))
        serve_with(self.threads)
        self.health = ThreadPoolExecutor(max_workers=1, thread_name_prefix="healthz")
        self.clients: dict[Connection, None] = {}  # oldest first
        self.noted = 0.0  # when `notify` was last heard
        self.ends: float | None = None  # of those who have not said what they want, once the worker is to stop
        super().init_process()

    def get_thread_pool(self) -> ThreadPoolExecutor:
        return self.threads.pool

    def handle_exit(self, sig: int, frame: Any) -> None:
        stopping.set()
        super().handle_exit(sig, frame)

    def notify(self) -> None:
        """gunicorn's loop says twice a request that it is alive, by a file's time; its master looks once a second."""
        now = time.monotonic()
        if now - self.noted >= 1:
            self.noted = now
            super().notify()

    # --- In ---

    def accept(self, listener: Any) -> None:
        try:
            sock, client = listener.accept()
        except OSError:  # gone already, or no file handle is left: others end by their time-outs
            return
        conn = Connection(
            sock, client, listener.getsockname(), self.threads, partial(self.method_queue.defer, self.sending)
        )
        self.nr_conns += 1
        self.clients[conn] = None
        self._watch(conn, self._receive)
        if self.nr_conns >= self.worker_connections:
            self._make_room()

    def _make_room(self) -> None:
        """The oldest that has not said what it wants goes; then the oldest that has not sent its body."""
        waiting = [conn for conn in self.clients if conn.watched == self._receive]
        for conn in [*(c for c in waiting if not c.intake.has_head), *waiting][:1]:
            self._drop(conn)

    def _receive(self, conn: Connection) -> None:
        data = conn.raw.recv(READ)
        if not data:
            self._drop(conn)
            return
        self._feed(conn, data)

    def _feed(self, conn: Connection, data: bytes) -> None:
        try:
            conn.intake.feed(data)
        except HeadTooLong:
            self._refuse(conn, 431, "Request Header Fields Too Large")
            return
        if conn.intake.is_whole:
            self._watch(conn, None)
            self._dispatch(conn)
        elif conn.intake.expects:
            conn.intake.expects = False
            conn.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _dispatch(self, conn: Connection) -> None:
        conn.at_work, conn.parser = True, RequestParser(self.cfg, conn.intake.pieces(), conn.client)
        conn.sock.path = conn.intake.path

        def job() -> None:
            keep = False
            try:
                conn.sock.begin()
                keep = self.handle(conn)
            finally:
                with contextlib.suppress(OSError):
                    conn.sock.end()
                self.method_queue.defer(self._guarded, partial(self._finished, keep=keep), conn)

        if conn.intake.path == "/healthz":
            conn.intake.closes = True  # one answer fits what the kernel keeps: nobody can hold this thread
            self.health.submit(job)
        else:
            self.threads.submit(job)

    # --- At work: what gunicorn's handle() calls ---

    def handle_request(self, req: Any, conn: Any) -> Any:
        if conn.intake.closes:
            req.force_close()
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Any) -> None:
        if type(exc) in QUOTING:
            exc = type(exc)("it is not told: a token, a phone or a name may stand in it")
        super().handle_error(req, Guarded(client, getattr(client, "path", "")), addr, exc)

    def _keepalive_after(self, _conn: Any, keepalive: Any) -> bool:
        return bool(keepalive)  # a body that nobody read is in the intake, and goes with it

    # --- Out ---

    def _finished(self, conn: Connection, *, keep: bool) -> None:
        conn.at_work, conn.keep = False, keep and not conn.intake.closes
        if not conn.sock.queued:
            self._next(conn)

    def sending(self, conn: Connection) -> None:
        """A thread's answer waits for its reader."""
        if conn in self.clients:
            self._watch(conn, self._send, selectors.EVENT_WRITE)

    def _send(self, conn: Connection) -> None:
        if conn.sock.flush():
            self._watch(conn, None)
            if not conn.at_work:
                self._next(conn)

    def _next(self, conn: Connection) -> None:
        """The next request of the same client, or the end."""
        rest = conn.intake.rest
        conn.intake.close()
        if conn not in self.clients:
            return
        conn.since = time.monotonic()
        if not conn.keep or conn.sock.broken:
            self._linger(conn)
            return
        self.clients.pop(conn)
        self.clients[conn] = None  # the youngest
        conn.begin_anew(idle=self.cfg.keepalive)
        self._watch(conn, self._receive)
        if rest:
            self._feed(conn, rest)

    # --- The end ---

    def _refuse(self, conn: Connection, status: int, reason: str) -> None:
        with contextlib.suppress(OSError):
            util.write_error(Guarded(conn.sock, conn.intake.path), status, reason, "")
        self._linger(conn)

    def _linger(self, conn: Connection) -> None:
        if conn.sock.broken:
            self._drop(conn)
            return
        conn.sock.shutdown(socket.SHUT_WR)
        conn.since = time.monotonic()
        self._watch(conn, self._drain)

    def _drain(self, conn: Connection) -> None:
        data = conn.raw.recv(READ)
        conn.drained += len(data)
        if not data or conn.drained > LINGER_BYTES:
            self._drop(conn)

    def _drop(self, conn: Connection) -> None:
        if self.clients.pop(conn, conn) is conn:
            return
        self.nr_conns -= 1
        self._watch(conn, None)
        conn.sock.give_up()
        if not conn.at_work:
            conn.intake.close()
        conn.raw.close()

    def _watch(self, conn: Connection, then: Readable | None, event: int = selectors.EVENT_READ) -> None:
        """Calls `then` when the socket is ready for the event; None: no more."""
        if conn.watched is not None:
            self.poller.unregister(conn.raw)
        conn.watched = then
        if then is not None:
            self.poller.register(conn.raw, event, lambda _sock: self._guarded(then, conn))

    def _guarded(self, then: Readable, conn: Connection) -> None:
        try:
            then(conn)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._drop(conn)

    # --- Time, once a second: gunicorn's loop calls these ---

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT001, FBT002
        now = time.monotonic()
        for conn in list(self.clients):
            if force:
                self._drop(conn)
            else:
                self._look(conn, now)

    def _look(self, conn: Connection, now: float) -> None:
        if conn.watched == self._receive:
            over = conn.intake.overdue(now, idle_since=conn.since, idle=conn.idle)
            if not (over or (self.ends is not None and now > self.ends)):
                return
            if conn.intake.began is None:
                self._drop(conn)
            else:
                self._refuse(conn, 408, "Request Timeout")
        elif conn.watched == self._drain:
            if self.ends is not None or now - conn.since > LINGER_SECONDS:
                self._drop(conn)
        elif conn.sock.overdue(now):
            conn.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)  # the kernel keeps nothing for it either
            self._drop(conn)

    def murder_pending(self) -> None:
        """There are none of gunicorn's."""

    def _cap_keepalive(self, _deadline: float) -> None:
        self.ends = time.monotonic() + STOP_KEEPALIVE_LINGER
