"""What a stranger, or one user, does to freeze a web server; and whether it still answers meanwhile."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

HALF_A_HEAD = b"GET /admin/login/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
HALF_A_BODY = (
    b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 1000\r\n\r\nusername="
)


@dataclass(frozen=True)
class Site:
    """A web server by its address: `http://127.0.0.1:8000`. `home`: where a proxy's files are."""

    url: str
    home: Path = Path()

    def connect(self, *, receives: int | None = None) -> socket.socket:
        address = urlsplit(self.url)
        client = socket.socket()
        if receives is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        client.settimeout(30)
        client.connect((address.hostname, address.port))
        return client

    def ask(self, path: str, *, headers: str = "", method: str = "GET", seconds: float = 5) -> int:
        """The status of an answer; 0 where none came within the time."""
        with contextlib.suppress(OSError), self.connect() as client:
            client.settimeout(seconds)
            client.sendall(
                f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Connection: close\r\n\r\n".encode()
            )
            return status_of(client.recv(4096))
        return 0


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.") else 0


@contextmanager
def held(site: Site, count: int, begin: bytes, *, receives: int | None = None) -> Iterator[list[socket.socket]]:
    """This many connections, each with the beginning of a request and nothing more."""
    clients: list[socket.socket] = []
    try:
        for _ in range(count):
            clients.append(site.connect(receives=receives))
            clients[-1].sendall(begin)
        time.sleep(0.3)  # until the server has taken them all
        yield clients
    finally:
        for client in clients:
            client.close()


def ended(client: socket.socket, within: float, drip: bytes = b"") -> tuple[float, int]:
    """Seconds until the server ends the connection, and the status it said; a byte of `drip` each half second."""
    began, said = time.monotonic(), b""
    client.settimeout(0.5)
    while time.monotonic() - began < within:
        try:
            if drip:
                client.sendall(drip)
            data = client.recv(4096)
        except TimeoutError:
            continue
        except OSError:
            return time.monotonic() - began, status_of(said)
        if not data:
            return time.monotonic() - began, status_of(said)
        said += data
    return within, -1


def until(ready: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
