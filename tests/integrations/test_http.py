"""The one HTTP client, against real sockets: what left, what came, and how long it may take."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest
import requests
import responses

from integrations.vendors import http
from integrations.vendors.errors import InDoubt, Misconfigured, NotSent, VendorFailure
from integrations.vendors.http import HttpRequest, HttpResponse, send
from tests.operations.proxy import certificate

Handler = Callable[[socket.socket], Any]
OK = b'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n\r\n{"a":1}'


class Servers:
    """Tiny servers: each answers every connection with one function."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.connections = 0

    def __call__(self, handler: Handler) -> str:
        listener = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        # or the thread below waits on, by a number that is the next server's when a signal has it ask again
        self._stack.callback(listener.shutdown, socket.SHUT_RDWR)
        threading.Thread(target=self._serve, args=(listener, handler), daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/x"

    def _serve(self, listener: socket.socket, handler: Handler) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection, handler), daemon=True).start()

    @staticmethod
    def _talk(connection: socket.socket, handler: Handler) -> None:
        with connection:
            try:
                handler(connection)
            except OSError:
                return


@pytest.fixture
def serve() -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(stack)
    http.close_connections()


def read_request(connection: socket.socket) -> bytes:
    """One request as it came; b"" where the client hung up."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-l")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answering(raw: bytes) -> Handler:
    def handler(connection: socket.socket) -> None:
        while read_request(connection):
            connection.sendall(raw)

    return handler


def then(last: Callable[[socket.socket], Any]) -> Handler:
    """A server that reads the request and then does something."""

    def handler(connection: socket.socket) -> None:
        read_request(connection)
        last(connection)

    return handler


def silent(connection: socket.socket) -> None:
    """Says nothing until the client hangs up."""
    while connection.recv(65536):
        pass


def drip(raw: bytes) -> Handler:
    """Says it byte by byte and again and again, for a minute or until the client hangs up."""

    def dripping(connection: socket.socket) -> None:
        for byte in islice(cycle(raw), 1_200):
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    return then(dripping)


def ask(url: str, **patience: Any) -> HttpResponse:
    """Whoever answers is waited for as long as a busy machine takes."""
    limits = {"connect_timeout": 20.0, "read_timeout": 20.0, "deadline": 20.0, "max_bytes": 1000, **patience}
    return send(HttpRequest("POST", url, headers={"x-api-key": "sesame"}, json={"name": "Zoë"}), **limits)


def failure(url: str, **patience: Any) -> VendorFailure:
    with pytest.raises(VendorFailure) as caught:
        ask(url, **patience)
    assert caught.value.__cause__ is None  # a cause or context would hold the request, and with it the key
    assert caught.value.__context__ is None
    assert "sesame" not in caught.value.reason
    assert "Zo" not in caught.value.reason
    return caught.value


def test_an_answer_is_read_whole_and_parsed_whatever_its_content_type(serve: Servers) -> None:
    answer = ask(serve(answering(OK)))
    assert (answer.status, answer.headers["content-type"], answer.json()) == (200, "text/plain", {"a": 1})


def test_a_body_goes_out_as_compact_utf8_json_with_its_headers(serve: Servers) -> None:
    seen: list[bytes] = []

    def handler(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        connection.sendall(OK)

    ask(serve(handler))
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert body == '{"name":"Zoë"}'.encode()
    assert b"\r\nx-api-key: sesame" in head
    assert b"\r\nContent-Type: application/json" in head


def test_two_requests_share_a_connection(serve: Servers) -> None:
    url = serve(answering(OK))
    ask(url)
    ask(url)
    assert serve.connections == 1


def test_an_idle_connection_is_not_used_again(serve: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "IDLE_SECONDS", 0.05)
    url = serve(answering(OK))
    ask(url)
    time.sleep(0.1)
    ask(url)
    assert serve.connections == 2


def test_a_connection_that_failed_is_not_used_again(serve: Servers) -> None:
    url = serve(then(silent))
    failure(url, read_timeout=0.1)
    failure(url, read_timeout=0.1)
    assert serve.connections == 2


def test_refused_is_not_sent(serve: Servers) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = failure(f"http://127.0.0.1:{port}/")
    assert type(error) is NotSent
    assert (error.category, error.status, error.retry_after) == ("NETWORK_ERROR", None, None)
    assert error.reason == "The vendor could not be reached: connection refused."


def test_an_unknown_name_is_not_sent() -> None:
    error = failure("http://vendor.invalid/")
    assert type(error) is NotSent
    assert error.reason == "The vendor could not be reached: name not found."


def test_a_failed_tls_handshake_is_not_sent(serve: Servers) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(600)
        connection.sendall(b"no tls here\r\n")

    url = serve(answer)
    error = failure(url.replace("http:", "https:"))
    assert type(error) is NotSent
    assert error.reason == "The vendor could not be reached: certificate or TLS failure."


def test_to_whom_nobody_trusted_has_given_a_certificate_nothing_is_sent(serve: Servers, tmp_path: Path) -> None:
    certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "fullchain.pem", tmp_path / "privkey.pem")
    seen: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            seen.append(secure.recv(600))

    error = failure(serve(answer).replace("http:", "https:"))
    assert (type(error), seen) == (NotSent, [])
    assert error.reason == "The vendor could not be reached: certificate or TLS failure."


def test_a_handshake_that_never_ends_is_not_sent(serve: Servers) -> None:
    url = serve(silent)
    assert type(failure(url.replace("http:", "https:"), connect_timeout=0.2)) is NotSent


def test_a_full_backlog_is_a_connect_timeout_and_not_sent() -> None:
    with socket.socket() as listener, ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(2):  # nobody accepts, so that the third in the queue waits
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        error = failure(f"http://127.0.0.1:{listener.getsockname()[1]}/", connect_timeout=0.2)
    assert type(error) is NotSent
    assert error.reason == "The vendor could not be reached: connection timed out."


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (then(silent), "no answer in time"),
        (then(lambda c: c.close()), "connection closed"),
        (
            then(lambda c: c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))),
            "connection closed",
        ),
        (then(lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 700\r\n\r\n{")), "answer cut short"),
        (
            then(lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")),
            "answer cut short",
        ),
        (then(lambda c: c.sendall(b"SSH-2.0 hello\r\n")), "connection failed"),
        (
            then(lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")),
            "answer could not be decoded",
        ),
    ],
    ids=["silent", "closed", "reset", "cut", "cut chunk", "not http", "bad gzip"],
)
def test_once_bytes_left_no_whole_answer_is_in_doubt(serve: Servers, handler: Handler, words: str) -> None:
    error = failure(serve(handler), **({"read_timeout": 0.4} if words == "no answer in time" else {}))
    assert type(error) is InDoubt
    assert (error.category, error.reason) == ("IN_DOUBT", f"The request was sent and no whole answer came: {words}.")


def test_a_tls_failure_after_sending_is_in_doubt(serve: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Any, buffer: Any) -> int:
        raise ssl.SSLError("bad record")

    monkeypatch.setattr(http._ClockedReader, "readinto", broken)
    assert type(failure(serve(answering(OK)))) is InDoubt


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 999,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 999,
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
    ids=["headers", "body", "endless continue"],
)
def test_a_server_that_drips_cannot_outlast_the_deadline(serve: Servers, raw: bytes) -> None:
    started = time.monotonic()
    assert type(failure(serve(drip(raw)), deadline=0.5)) is InDoubt
    assert time.monotonic() - started < 20  # of sixty


def test_a_server_that_does_not_read_cannot_outlast_the_deadline(serve: Servers) -> None:
    over = threading.Event()
    url = serve(lambda connection: over.wait(60))
    started = time.monotonic()
    with pytest.raises(InDoubt):
        send(
            HttpRequest("POST", url, data=b"x" * 30_000_000),
            connect_timeout=20.0,
            read_timeout=60.0,
            deadline=0.4,
            max_bytes=10,
        )
    over.set()
    assert time.monotonic() - started < 20  # of sixty


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_an_answer_over_the_limit_is_in_doubt_and_is_not_kept_in_memory(serve: Servers, encoding: str) -> None:
    body = b"0" * 5_000_000
    if encoding:
        body = gzip.compress(body)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    error = failure(serve(then(lambda c: c.sendall(head + body))))
    assert type(error) is InDoubt
    assert error.reason == "The answer was longer than VENDOR_MAX_BYTES and was not read."


def test_an_answer_of_exactly_the_limit_is_whole(serve: Servers) -> None:
    assert ask(serve(answering(OK)), max_bytes=7).body == b'{"a":1}'


def test_a_compressed_answer_is_read(serve: Servers) -> None:
    body = gzip.compress(b'{"a":1}')
    raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    assert ask(serve(answering(raw))).json() == {"a": 1}


def test_a_redirect_is_not_followed_and_no_cookie_is_kept(serve: Servers) -> None:
    seen: list[bytes] = []

    def handler(connection: socket.socket) -> None:
        while request := read_request(connection):
            seen.append(request)
            connection.sendall(b"HTTP/1.1 307 Go\r\nLocation: /y\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")

    url = serve(handler)
    assert ask(url).status == 307
    ask(url)
    assert len(seen) == 2
    assert all(b"cookie" not in request.lower() for request in seen)


def test_the_environment_gives_no_proxy(serve: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    assert ask(serve(answering(OK))).status == 200


@pytest.mark.parametrize("url", ["", "vendor/x", "ftp://vendor/", "http://", "http://[::1/", "http://127.0.0.1:99999/"])
def test_an_address_that_cannot_be_is_the_operators_to_mend(url: str) -> None:
    error = failure(url)
    assert type(error) is Misconfigured
    assert error.reason == "The vendor's base URL or key cannot be used: check them in the environment."


@pytest.mark.parametrize("key", ["with\nnewline", "smart “quotes”"])
def test_a_key_that_is_no_header_is_the_operators_to_mend(key: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        send(
            HttpRequest("GET", "http://127.0.0.1:1/", headers={"x-api-key": key}),
            connect_timeout=1.0,
            read_timeout=1.0,
            deadline=1.0,
            max_bytes=10,
        )
    assert key not in caught.value.reason


def test_threads_do_not_share_connections(serve: Servers) -> None:
    url = serve(answering(OK))

    def work() -> None:
        ask(url)
        http.close_connections()

    ask(url)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert serve.connections == 2


def test_simulated_failures_mean_what_their_class_says() -> None:
    with responses.RequestsMock() as simulated:
        simulated.post("http://vendor/x", body=requests.ConnectTimeout())
        assert type(failure("http://vendor/x")) is NotSent
    with responses.RequestsMock() as simulated:
        simulated.post("http://vendor/x", body=requests.ReadTimeout())
        assert type(failure("http://vendor/x")) is InDoubt
    with responses.RequestsMock() as simulated:
        simulated.post("http://vendor/x", body=requests.ConnectionError("Connection aborted."))
        assert type(failure("http://vendor/x")) is InDoubt


def test_nothing_of_a_request_or_answer_is_in_its_repr() -> None:
    request = HttpRequest("POST", "http://v/", headers={"k": "sesame"}, params={"p": "sesame"}, json=["sesame"])
    answer = HttpResponse(200, headers={"k": "sesame"}, body=b"sesame")
    assert "sesame" not in repr(request) + repr(answer)


def test_json_survives_what_vendors_put_in_it() -> None:
    def parsed(body: bytes) -> Any:
        return HttpResponse(200, headers={}, body=body).json()

    assert parsed(b'\xef\xbb\xbf{"a":1}') == {"a": 1}
    assert parsed(b'{"a":NaN,"b":1e999999999,"c":' + b"9" * 5000 + b"}") == {"a": None, "b": None, "c": None}
    assert parsed(b'{"a":1039995589705121900}') == {"a": 1039995589705121900}
    assert str(parsed(b'{"a":35.68142000}')["a"]) == "35.68142000"
    assert parsed(b'{"a":"Jos\xe9"}') == {"a": "Jos�"}
    for garbage in (b"", b"<html>", b'{"a":', b"[" * 100_000):
        with pytest.raises(ValueError, match=r"."):
            parsed(garbage)
    assert json.loads(HttpRequest("POST", "u", json={"a": 1}).body() or b"") == {"a": 1}
