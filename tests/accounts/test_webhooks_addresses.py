"""Nothing is sent into a private network: not by a number, not by a name, not by a name that changes its mind."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.webhooks import sending
from accounts.webhooks.addresses import BadAddress, check, resolve, target_of
from tests.operations.proxy import certificate

PRIVATE = [
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254", "100.64.0.1",
    "100.100.100.200", "168.63.129.16", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "::ffff:10.0.0.1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a00:1", "2002:a00:1::", "2001:0:a00:1::", "::10.0.0.1",
    "fec0::1", "feff::1", "192.88.99.1", "2002:c058:6301::1", "192.0.0.9", "2001:1::1", "3fff::1", "5f00::1", "4000::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_on_the_internet_is_refused(settings, address):
    settings.DEBUG = False
    with pytest.raises(BadAddress, match="private network"):
        check(ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(BadAddress):
        target_of(f"https://{host}/")


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_what_is_on_the_internet_is_taken(settings, address):
    settings.DEBUG = False
    assert check(ipaddress.ip_address(address)) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize("debug", [True, False])
def test_debug_opens_loopback_and_nothing_else(settings, debug):
    settings.DEBUG = debug
    for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        if debug:
            check(ipaddress.ip_address(address))
        else:
            with pytest.raises(BadAddress):
                check(ipaddress.ip_address(address))
    with pytest.raises(BadAddress):
        check(ipaddress.ip_address("10.0.0.1"))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "//example.com/", "example.com", "https://", "https:///x",
        "https://a b.com/", "https://exämple.com/", "https://u:p@example.com/", "https://example.com/#x",
        "https://example.com:22/", "https://example.com:25/", "https://example.com:99999/", "https://[::1", "",
        "https://localhost/", "https://x.localhost/", "https://printer.local/", "https://example.com/\n",
        "javascript:1",
        "https://example.com/" + 500 * "x", "https://127.0.0.1/", "https://[::1]/",
    ],
)  # fmt: skip
def test_urls_that_are_none_or_lead_elsewhere_are_refused(settings, url):
    settings.DEBUG = False
    with pytest.raises(BadAddress):
        target_of(url)


def test_a_url_is_taken_apart(settings):
    settings.DEBUG = False
    target = target_of("https://Hooks.example.com:8443/in?key=1")
    assert (target.tls, target.host, target.port, target.path) == (True, "hooks.example.com", 8443, "/in?key=1")
    assert target.host_header == "hooks.example.com:8443"
    assert target_of("https://example.com").host_header == "example.com"
    settings.DEBUG = True
    assert target_of("http://[::1]:80/").host_header == "[::1]"


@pytest.fixture
def loopback(settings: Any) -> None:
    settings.DEBUG = True


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """A name server that gives these addresses, one list after the other. Returns the names it is asked for."""
    asked: list[str] = []
    left = list(answers)

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def test_every_address_of_a_name_is_checked(settings, monkeypatch):
    settings.DEBUG = False
    names(monkeypatch, ["1.1.1.1", "10.0.0.1"])
    with pytest.raises(BadAddress):
        resolve(target_of("https://rebind.example/"), 5)
    answer = sending.post("https://rebind.example/", {}, b"{}")
    assert (answer.status, answer.problem) == (None, "This address is on a private network.")


def test_a_name_that_changes_after_the_check_is_not_looked_up_again(settings, monkeypatch):
    settings.DEBUG = False
    asked = names(monkeypatch, ["1.1.1.1"], ["127.0.0.1"])
    reached: list[Any] = []

    def connect(address: Any, timeout: float) -> Any:
        reached.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)

    answer = sending.post("https://rebind.example/x", {}, b"{}")

    assert (asked, reached) == (["rebind.example"], [("1.1.1.1", 443)])
    assert answer.problem == "The connection was refused."


def test_a_name_server_that_is_silent_does_not_hold_a_delivery(loopback, monkeypatch):
    over = threading.Event()

    def silent(*_: Any, **__: Any) -> list[Any]:
        over.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    began = time.monotonic()
    answer = sending.post("http://slow.example/", {}, b"{}", seconds=0.3)
    over.set()
    assert answer.problem == "No answer within 0 seconds."
    assert time.monotonic() - began < 20  # of sixty
    assert sending.post("http://nobody.invalid/", {}, b"{}", seconds=0.3).problem


def test_a_name_that_nobody_knows_is_said(loopback):
    assert sending.post("http://nobody.invalid/", {}, b"{}").problem == "The host's name is not known."


class Odd:
    """A server on a socket that says these bytes, and then another at a time, slowly."""

    def __init__(self, first: bytes, drip: bytes = b"") -> None:
        self.first, self.drip, self.asked = first, drip, list[bytes]()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}/"

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client:
                time.sleep(0.05)  # head and body come in two
                self.asked.append(client.recv(65536))
                try:
                    client.sendall(self.first)
                    while self.drip:
                        time.sleep(0.05)
                        client.sendall(self.drip)
                except OSError:
                    continue


@pytest.fixture
def odd(loopback: None) -> Iterator[Any]:
    made: list[Odd] = []

    def make(first: bytes, drip: bytes = b"") -> Odd:
        made.append(Odd(first, drip))
        return made[-1]

    yield make
    for one in made:
        one.socket.shutdown(socket.SHUT_RDWR)  # or its thread waits on, and may meet the next one's clients
        one.socket.close()


@pytest.mark.parametrize(
    ("first", "drip", "problem"),
    [
        (b"HTTP/1.1 200 OK\r\nX: ", b"x", "No answer within 1 seconds."),
        (b"", b"", "The connection failed."),
        (b"SSH-2.0\r\n", b"", "The answer is no HTTP."),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n", b"", "It answered 302."),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", "No answer within 1 seconds."),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", ""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", 2000 * b"x", ""),
    ],
)  # fmt: skip
def test_an_answer_takes_no_longer_and_no_more_than_allowed(odd, first, drip, problem):
    began = time.monotonic()
    answer = sending.post(odd(first, drip).url, {"webhook-id": "1"}, b"{}", seconds=1.0)
    assert answer.problem in (problem, "The answer is no HTTP." if not first else problem)
    assert time.monotonic() - began < 20


def test_one_request_with_the_hosts_name_and_no_redirect(odd):
    server = odd(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")
    sending.post(server.url, {"webhook-id": "1"}, b'{"a":1}', seconds=2.0)
    (asked,) = server.asked
    assert asked.startswith(b"POST / HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b'webhook-id: 1\r\nContent-Length: 7\r\nConnection: close\r\n\r\n{"a":1}' in asked


def test_a_receiver_whose_certificate_nobody_trusted_has_signed_gets_nothing(loopback, tmp_path):
    certificate(tmp_path)
    context, seen = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), list[bytes]()
    context.load_cert_chain(tmp_path / "fullchain.pem", tmp_path / "privkey.pem")

    def serve() -> None:
        with contextlib.suppress(OSError), context.wrap_socket(listener.accept()[0], server_side=True) as secure:
            seen.append(secure.recv(600))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        answer = sending.post(f"https://127.0.0.1:{listener.getsockname()[1]}/", {}, b"{}", seconds=5.0)
        thread.join(60)

    assert (answer.problem, seen) == ("TLS failed: self-signed certificate.", [])
