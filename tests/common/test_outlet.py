"""What gunicorn writes in two pieces is sent as one message."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from common.server.outlet import JOINED, Outlet
from common.server.threads import Threads

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.fixture
def ends() -> Iterator[tuple[Outlet, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    theirs.settimeout(0)
    with ours, theirs:
        yield Outlet(ours, Threads(working=1, aside=1, reading=1), lambda: None), theirs


def _came(reader: socket.socket) -> bytes:
    try:
        return reader.recv(4 * JOINED)
    except BlockingIOError:
        return b""


def test_a_head_goes_with_its_body(ends: tuple[Outlet, socket.socket]) -> None:
    outlet, reader = ends
    outlet.begin()
    outlet.sendall(HEAD)
    assert _came(reader) == b""

    outlet.sendall(b"{}")
    assert _came(reader) == HEAD + b"{}"
    outlet.sendall(b"more")
    assert _came(reader) == b"more"
    outlet.end()
    assert _came(reader) == b""


@pytest.mark.parametrize("last", ["end", "shutdown"])
def test_a_head_without_a_body_goes_at_the_end(ends: tuple[Outlet, socket.socket], last: str) -> None:
    outlet, reader = ends
    outlet.begin()
    outlet.sendall(HEAD)

    outlet.end() if last == "end" else outlet.shutdown(socket.SHUT_WR)

    assert _came(reader) == HEAD


def test_each_answer_of_a_kept_connection_has_its_head(ends: tuple[Outlet, socket.socket]) -> None:
    outlet, reader = ends
    for body in (b"one", b"two"):
        outlet.begin()
        outlet.sendall(HEAD)
        outlet.sendall(body)
        outlet.end()
        assert _came(reader) == HEAD + body


def test_a_long_body_follows_its_head(ends: tuple[Outlet, socket.socket]) -> None:
    outlet, reader = ends
    outlet.begin()
    outlet.sendall(HEAD)
    outlet.sendall(bytes(JOINED + 1))

    assert _came(reader)[: len(HEAD) + 1] == HEAD + b"\0"


def test_outside_an_answer_all_goes_at_once(ends: tuple[Outlet, socket.socket]) -> None:
    outlet, reader = ends
    outlet.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    assert _came(reader) == b"HTTP/1.1 100 Continue\r\n\r\n"
