"""The one HTTP client: every byte to a vendor leaves here, once.

What matters for money is whether a byte of the request may have left. The connection itself notes that, so a failure
before is NotSent and any failure after is InDoubt, whatever class of exception the libraries make of it.
"""

from __future__ import annotations

import http.client
import io
import json as jsonlib
import os
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from integrations.vendors import normalise
from integrations.vendors.errors import InDoubt, Misconfigured, NotSent, VendorFailure

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# A kept-alive connection the server is closing just now fails after the request is written, and is then in doubt.
# Common idle limits are 5 s (Node, uvicorn) and up, so a connection this old is not used again.
IDLE_SECONDS = 4.0
_CHUNK = 65536
_local = threading.local()


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. `json` is sent as compact UTF-8 JSON, `form` as a web form, `data` as it is. Nothing of them, nor
    headers or params, is shown."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)
    json: object = field(default=None, repr=False)
    data: bytes | None = field(default=None, repr=False)
    form: Mapping[str, str] | Sequence[tuple[str, str]] = field(default_factory=dict, repr=False)

    def body(self) -> bytes | None:
        """The bytes of the body. Raises ValueError for NaN, and for text that UTF-8 cannot hold."""
        if self.form:
            return urlencode(self.form).encode()
        if self.json is None:
            return self.data
        return jsonlib.dumps(self.json, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A whole answer. Header names are lower-cased."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON, whatever its content type. Raises ValueError where it is none."""
        return normalise.parse_json(self.body)


class _TooLong(OSError):
    """The answer is longer than allowed."""


class _DeadlineOver(TimeoutError):
    """The whole exchange took too long."""


class _Exchange:
    """One request and answer under way in this thread: how far it got, and when it must end."""

    def __init__(self, deadline: float, read_timeout: float) -> None:
        self.ends = time.monotonic() + deadline
        self.read_timeout = read_timeout
        self.connecting = False
        self.sent = False

    def patience(self) -> float:
        """Seconds the next socket operation may take. Raises TimeoutError when the deadline is over."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise _DeadlineOver
        return min(left, self.read_timeout)


class _ClockedReader(io.RawIOBase):
    """A socket's bytes; each read gets only the time that is left, so that a server that drips cannot outlast it."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock, self._raw = sock, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        self._sock.settimeout(_exchange().patience())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _ClockedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_ClockedReader(sock, self.fp.detach()))


class _Noting:
    """A connection that notes the moment before the first byte of a request leaves."""

    response_class: Any = _ClockedResponse
    sock: Any

    def connect(self) -> None:
        _exchange().connecting = True
        super().connect()  # type: ignore[misc]

    def send(self, data: object) -> None:
        exchange = _exchange()
        if self.sock is None:
            self.connect()
        exchange.sent = True
        self.sock.settimeout(exchange.patience())
        super().send(data)  # type: ignore[misc]


class _Http(_Noting, HTTPConnection):
    pass


class _Https(_Noting, HTTPSConnection):
    pass


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Https


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


def send(
    request: HttpRequest, *, connect_timeout: float, read_timeout: float, deadline: float, max_bytes: int
) -> HttpResponse:
    """Sends one request, once: no retry, no redirect, no cookie, no proxy or netrc from the environment.

    connect_timeout, read_timeout (of each read) and deadline (of the whole, headers and body included) are in seconds.
    Any status is an answer; see `statuses` for its meaning. Raises NotSent (no byte left), InDoubt
    (bytes left, no whole answer of at most `max_bytes` decoded bytes came) or Misconfigured (no such address).

    1. Prepares the request; one that cannot be built is Misconfigured.
    2. Sends it over this thread's connection to the origin and reads the whole answer within the deadline.
    3. After any failure the connection is closed: a late answer to this request must not be read as the next one's.
    """
    return _answer(_prepare(request), _Limits(connect_timeout, read_timeout, deadline, max_bytes))


@dataclass(frozen=True, slots=True)
class _Limits:
    """Seconds and bytes, as `send` has them."""

    connect_timeout: float
    read_timeout: float
    deadline: float
    max_bytes: int


class OneTry(requests.Session):
    """For a library that makes its own requests (anymail): each leaves as by `send`, and fails as there."""

    def __init__(self, *, connect_timeout: float, read_timeout: float, deadline: float, max_bytes: int) -> None:
        super().__init__()
        self.trust_env = False
        self.headers["Accept-Encoding"] = "gzip, deflate"
        self._limits = _Limits(connect_timeout, read_timeout, deadline, max_bytes)

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        """Raises NotSent, InDoubt or Misconfigured, which are no exceptions of requests'."""
        answer = _answer(request, self._limits)
        response = requests.Response()
        response.request, response.url = request, request.url or ""
        response.status_code, response.raw = answer.status, io.BytesIO(answer.body)
        response.headers.update(answer.headers)
        response.encoding = "utf-8"
        return response


def _answer(prepared: requests.PreparedRequest, limits: _Limits) -> HttpResponse:
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(prepared.url or ""))
    timeout = (min(limits.connect_timeout, limits.deadline), limits.read_timeout)
    exchange = _local.exchange = _Exchange(limits.deadline, limits.read_timeout)
    started = time.monotonic()
    failure: VendorFailure
    try:
        # Not a requests.Session's: it reads the body of a redirect without limit even where redirects are off.
        with _adapter(origin).send(prepared, stream=True, timeout=timeout, proxies={}) as response:
            content = _read(response, limits.max_bytes)
        _local.used[origin] = time.monotonic()
        return HttpResponse(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=content,
        )
    except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
        failure = _failure(error, exchange)
    finally:
        if _local.used.get(origin, 0.0) < started:
            close_connections(origin)
    raise failure  # outside the handler: the library's error holds the request, and with it the key


def close_connections(origin: str | None = None) -> None:
    """Closes this thread's connections (to one origin). The next request opens new ones."""
    adapters: dict[str, _Adapter] = _local.__dict__.setdefault("adapters", {})
    for name in [origin] if origin else list(adapters):
        adapter = adapters.pop(name, None)
        if adapter is not None:
            adapter.close()


def _prepare(request: HttpRequest) -> requests.PreparedRequest:
    body = request.body()
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": "bucket-system",
        **({"Content-Type": "application/json"} if request.json is not None else {}),
        **({"Content-Type": "application/x-www-form-urlencoded"} if request.form else {}),
        **request.headers,
    }
    try:
        "".join(headers.values()).encode("latin-1")
        return requests.Request(
            request.method, request.url, headers=headers, params=dict(request.params), data=body
        ).prepare()
    except (requests.RequestException, ValueError):
        pass
    raise Misconfigured(_NO_ADDRESS)


def _exchange() -> _Exchange:
    exchange: _Exchange = _local.exchange
    return exchange


def _adapter(origin: str) -> _Adapter:
    """This thread's connections to one origin."""
    used: dict[str, float] = _local.__dict__.setdefault("used", {})
    if time.monotonic() - used.get(origin, 0.0) > IDLE_SECONDS:
        close_connections(origin)
    adapters: dict[str, _Adapter] = _local.__dict__.setdefault("adapters", {})
    if origin not in adapters:
        adapters[origin] = _Adapter(max_retries=0, pool_connections=1, pool_maxsize=1)
    return adapters[origin]


def _read(response: requests.Response, max_bytes: int) -> bytes:
    """The decoded body. The limit is on decoded bytes, so that a small compressed answer cannot fill the memory."""
    content = bytearray()
    for chunk in response.raw.stream(_CHUNK, decode_content=True):
        _exchange().patience()
        content += chunk
        if len(content) > max_bytes:
            raise _TooLong
    return bytes(content)


_NO_ADDRESS = "The vendor's base URL or key cannot be used: check them in the environment."
_BEFORE_SENDING = (requests.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.ProxyError)


def _failure(error: Exception, exchange: _Exchange) -> VendorFailure:
    """What a failed exchange means. Where our connection was never reached (a simulated one), the class must tell."""
    if not exchange.sent and isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return Misconfigured(_NO_ADDRESS)
    if not exchange.sent and (exchange.connecting or isinstance(error, _BEFORE_SENDING)):
        return NotSent(f"The vendor could not be reached: {_kind(error)}.")
    if isinstance(error, _TooLong):
        return InDoubt("The answer was longer than VENDOR_MAX_BYTES and was not read.")
    return InDoubt(f"The request was sent and no whole answer came: {_kind(error)}.")


def _kind(error: BaseException) -> str:
    """A failure in a few words of ours: the libraries' own may hold the address, and with it what was asked."""
    names: set[str] = set()
    seen: set[int] = set()
    pending: list[Any] = [error]
    while pending:
        current = pending.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        names.add(type(current).__name__)
        pending += [*current.args, getattr(current, "reason", None), current.__cause__, current.__context__]
    for words, signs in _KINDS:
        if names & signs:
            return words
    return "connection failed"


_KINDS = (
    ("deadline over", {"_DeadlineOver"}),
    ("certificate or TLS failure", {"SSLError", "SSLCertVerificationError", "CertificateError"}),
    ("name not found", {"NameResolutionError", "gaierror"}),
    ("connection timed out", {"ConnectTimeoutError", "ConnectTimeout"}),
    ("connection refused", {"ConnectionRefusedError"}),
    ("proxy failure", {"ProxyError"}),
    ("no answer in time", {"ReadTimeoutError", "ReadTimeout", "TimeoutError"}),
    ("answer cut short", {"IncompleteRead"}),
    ("connection closed", {"RemoteDisconnected", "ConnectionResetError", "BrokenPipeError", "ConnectionAbortedError"}),
    ("answer could not be decoded", {"DecodeError", "ContentDecodingError"}),
)


def _after_fork() -> None:
    """A child process must not speak over its parent's connections."""
    _local.__dict__.clear()


os.register_at_fork(after_in_child=_after_fork)
