"""What has come of a request so far. Only a whole one is given a thread."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from tempfile import SpooledTemporaryFile

HEAD_MAX = 64 * 1024  # bytes of a request line and its headers
IN_MEMORY = 256 * 1024  # bytes of a body; longer ones go to disk as they come
CHUNK = 64 * 1024
HEAD_SECONDS = 10.0  # a head takes at most this, from its first byte to its last
GRACE_SECONDS = 20.0  # a body may be as slow as it likes for so long
BYTES_A_SECOND = 4096  # and from then on comes, or is read, at this rate on average
END = b"\r\n\r\n"
_SAFE_LENGTH = re.compile(rb"\d{1,18}")


class HeadTooLong(Exception):
    """The request line and the headers are longer than HEAD_MAX."""


class Intake:
    """One request on its way in. `most`: bytes that the body at a path may have."""

    def __init__(self, most: Callable[[str], int]) -> None:
        self._most = most
        self.began: float | None = None  # at the first byte
        self._head = bytearray()
        self._body: SpooledTemporaryFile[bytes] | None = None
        self._missing = 0
        self._came = 0
        self.path = ""
        self.expects = False  # `Expect: 100-continue`, and the body is welcome
        self.closes = False  # what follows is no request: a body that nobody wants
        self.rest = b""  # what came behind it: the beginning of the next

    @property
    def has_head(self) -> bool:
        return self._body is not None

    @property
    def is_whole(self) -> bool:
        return self.has_head and not self._missing

    def feed(self, data: bytes) -> None:
        """Takes what came. Raises HeadTooLong."""
        if self.began is None:
            self.began = time.monotonic()
        if self._body is not None:
            self._take(data)
            return
        searched = max(0, len(self._head) - len(END) + 1)
        self._head += data
        end = self._head.find(END, searched)
        if end < 0:
            if len(self._head) > HEAD_MAX:
                self.path = _path_of(bytes(self._head))
                raise HeadTooLong
            return
        behind = bytes(self._head[end + len(END) :])
        del self._head[end + len(END) :]
        self._read_head()
        self._body = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  # `close` ends it
        self.began = time.monotonic()
        self._take(behind)

    def _read_head(self) -> None:
        """What must be known to wait for the body; gunicorn reads the same by the rules, and refuses what is odd."""
        first, *lines = bytes(self._head).split(b"\r\n")
        self.path = _path_of(first)
        fields = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
        lengths = [value for name, value in fields if name == b"content-length"]
        length = int(lengths[0]) if len(lengths) == 1 and _SAFE_LENGTH.fullmatch(lengths[0]) else 0
        odd = bool(lengths) and not length and lengths != [b"0"]
        if odd or any(name == b"transfer-encoding" for name, _ in fields) or length > self._most(self.path):
            self.closes = True  # refused by its head; what comes of its body is thrown away
            length = 0
        self._missing = length
        if any(name == b"expect" and value.lower() == b"100-continue" for name, value in fields):
            self.expects = bool(length)
            kept = [line for line in lines if line.partition(b":")[0].strip().lower() != b"expect"]
            self._head = bytearray(b"\r\n".join([first, *kept]))

    def _take(self, data: bytes) -> None:
        assert self._body is not None
        mine, self.rest = data[: self._missing], data[self._missing :]
        self._body.write(mine)
        self._missing -= len(mine)
        self._came += len(mine)

    def overdue(self, now: float, *, idle_since: float, idle: float) -> bool:
        """Whether its time is over: that of the pause before it, of its head, or of its body at the least rate."""
        if self.began is None:
            return now - idle_since > idle
        if not self.has_head:
            return now - self.began > HEAD_SECONDS
        return too_slow(now - self.began, self._came)

    def pieces(self) -> Iterator[bytes]:
        """The whole request, as gunicorn's parser reads it."""
        assert self._body is not None
        yield bytes(self._head)
        self._body.seek(0)
        while piece := self._body.read(CHUNK):
            yield piece

    def close(self) -> None:
        if self._body is not None:
            self._body.close()


def _path_of(line: bytes) -> str:
    """Of the request line that this begins with; empty where there is none."""
    target = [*line.partition(b"\r\n")[0].split(b" "), b""][1]
    return target.split(b"?")[0].decode("latin-1")


def too_slow(seconds: float, came: int) -> bool:
    return seconds > GRACE_SECONDS and came < (seconds - GRACE_SECONDS) * BYTES_A_SECOND
