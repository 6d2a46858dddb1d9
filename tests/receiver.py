"""A web server of a test's own: it takes every post as it comes, and answers with the next of `answers`, else 200, and
with what `said` has for its path.
"""

from __future__ import annotations

import http.server
import time
from dataclasses import dataclass
from threading import Thread
from types import TracebackType
from typing import Any, Self

PATIENCE = 60.0  # seconds


@dataclass(frozen=True)
class Received:
    """One post. url: as it was called; headers as they came."""

    url: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """`with Receiver() as receiver: receiver.url`."""

    def __init__(self) -> None:
        self.posts: list[Received] = []
        self.answers: list[int] = []
        self.said: dict[str, str] = {}

    def wait(self, count: int) -> list[Received]:
        """At least so many posts; fails where they do not come."""
        deadline = time.monotonic() + PATIENCE
        while len(self.posts) < count:
            assert time.monotonic() < deadline, f"{len(self.posts)} of {count} posts came"
            time.sleep(0.005)
        return list(self.posts)

    def __enter__(self) -> Self:
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append(Received(receiver.url + self.path, dict(self.headers.items()), body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                said = receiver.said.get(self.path, "").encode()
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, format: str, *args: object) -> None:
                """Silence."""

        self._server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
