"""One client of the web server."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

from common.server.intake import HEAD_SECONDS, Intake
from common.server.limits import most_bytes
from common.server.outlet import Outlet
from common.server.threads import Threads

Readable = Callable[["Connection"], None]


class Connection:
    """A request on its way in, or at work, or its answer on its way out. For gunicorn it is its `TConn`."""

    initialized, is_http2, data_ready = True, False, True

    def __init__(self, sock: socket.socket, client: Any, server: Any, threads: Threads, sending: Readable) -> None:
        sock.settimeout(0)
        self.raw, self.client, self.server = sock, client, server
        self.sock = Outlet(sock, threads, lambda: sending(self))
        self.parser: Any = None
        self.keep = self.at_work = False
        self.watched: Readable | None = None
        self.drained = 0
        self.begin_anew(idle=HEAD_SECONDS)

    def init(self) -> None:
        """Nothing of gunicorn's: the parser is made for each request."""

    def begin_anew(self, *, idle: float) -> None:
        """The next request may come within `idle` seconds."""
        self.intake, self.idle, self.since = Intake(most_bytes), idle, time.monotonic()
