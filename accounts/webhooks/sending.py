"""One signed request to an address that a person named. Nothing of its answer is kept but the status.

Not by `integrations.vendors.http`: what matters here is to which socket it connects, there what was sent and billed.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.webhooks.addresses import BadAddress, Target, UnknownHost, resolve, target_of

SECONDS = 10.0  # of the whole exchange, name look-up included
ANSWER_MAX = 16 * 1024  # bytes of an answer that are read, and thrown away
GONE = 410  # Standard Webhooks: the receiver wants nothing more


@dataclass(frozen=True, slots=True)
class Answer:
    """How a try went. status: HTTP's; None: no answer came. problem: why it failed, in words; empty: it was taken."""

    status: int | None
    problem: str
    seconds: float

    @property
    def is_taken(self) -> bool:
        return not self.problem

    @property
    def is_slow(self) -> bool:
        return self.seconds >= SECONDS / 2


def post(url: str, headers: Mapping[str, str], body: bytes, *, seconds: float = SECONDS) -> Answer:
    """Posts once. No redirect is followed, and no answer is an exception."""
    began = time.monotonic()
    ends = began + seconds
    try:
        target = target_of(url)
        status: int | None = _exchange(target, resolve(target, seconds), headers, body, ends)
        problem = "" if status is not None and 200 <= status < 300 else f"It answered {status}."
    except BadAddress as refusal:
        status, problem = None, str(refusal)
    except (OSError, http.client.HTTPException) as error:
        late = isinstance(error, TimeoutError) or time.monotonic() >= ends
        status, problem = None, f"No answer within {seconds:.0f} seconds." if late else _words(error)
    return Answer(status, problem[:200], time.monotonic() - began)


def _words(error: Exception) -> str:
    if isinstance(error, http.client.HTTPException) and not isinstance(error, ConnectionError):
        return "The answer is no HTTP."
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {getattr(error, 'verify_message', '') or error.reason or 'no handshake'}."
    if isinstance(error, ConnectionRefusedError):
        return "The connection was refused."
    return str(error) if isinstance(error, UnknownHost) else "The connection failed."


class _Connection(http.client.HTTPConnection):
    """To an address that was checked: the name is not looked up again, and TLS still asks for its certificate."""

    def __init__(self, target: Target, address: str, ends: float) -> None:
        super().__init__(target.host, target.port, timeout=max(0.1, ends - time.monotonic()))
        self._target, self._address = target, address

    def connect(self) -> None:
        self.sock: Any = socket.create_connection((self._address, self.port), self.timeout)
        if self._target.tls:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self._target.host, do_handshake_on_connect=False)
            self.sock.do_handshake()

    def cut(self) -> None:
        """Ends the exchange from another thread: a receiver that drips bytes outlasts every time-out of a read."""
        if self.sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)  # TLS's own forgets what the other thread reads


def _exchange(target: Target, addresses: list[str], headers: Mapping[str, str], body: bytes, ends: float) -> int:
    """The status. Raises OSError, HTTPException. The first address that lets itself be connected to counts."""
    last: OSError | None = None
    for address in addresses[:4]:
        if time.monotonic() >= ends:
            break
        connection = _Connection(target, address, ends)
        watch = threading.Timer(max(0.1, ends - time.monotonic()), connection.cut)
        watch.daemon = True
        watch.start()
        try:
            connection.connect()
        except OSError as error:
            last = error
            continue
        else:
            return _ask(connection, target, headers, body, ends)
        finally:
            watch.cancel()
            connection.close()
    raise last or TimeoutError


def _ask(connection: _Connection, target: Target, headers: Mapping[str, str], body: bytes, ends: float) -> int:
    connection.putrequest("POST", target.path, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", target.host_header)
    for name, value in {**headers, "Content-Length": str(len(body)), "Connection": "close"}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    if time.monotonic() >= ends:
        raise TimeoutError
    with contextlib.suppress(OSError, http.client.HTTPException):
        answer.read(ANSWER_MAX)
    return answer.status
