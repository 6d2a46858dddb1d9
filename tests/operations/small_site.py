"""A site of a few lines under the product's own web server, so that its manners can be tried in a second."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from common.server import intake, outlet
from common.server.threads import NoRoom, aside, stopping

intake.GRACE_SECONDS = 1.0
outlet.STALLED = 1.0


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    path, body = environ["PATH_INFO"], environ["wsgi.input"].read()
    if path == "/big":
        start("200 OK", [("Content-Type", "text/plain")])
        return (b"x" * 65536 for _ in range(160))
    if path == "/stream":
        start("200 OK", [("Content-Type", "text/event-stream"), ("X-Accel-Buffering", "no")])
        return _stream()
    said = [("X-Content-Type-Options", "nosniff"), ("Content-Security-Policy", "default-src 'self'")]
    if path == "/work":
        time.sleep(0.5)
    seen = {name: environ.get(name, "") for name in ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "REMOTE_ADDR")}
    answer = json.dumps({"path": path, "body": len(body), **seen}).encode()
    own = said if path == "/with-headers" else []
    start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer))), *own])
    return [answer]


def _stream() -> Iterator[bytes]:
    try:
        with aside():
            yield b"data: 0\n\n"
            while not stopping.wait(0.2):
                yield b": still here\n\n"
    except NoRoom:
        yield b"data: full\n\n"
