"""Sockets held by strangers: the web server as it is started, and behind the proxy that docker-compose.yml ships."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from devtools.valkey import free_port
from tests.operations import proxy
from tests.operations.attacks import HALF_A_BODY, HALF_A_HEAD, Site, ended, held, status_of, until

PROJECT = Path(__file__).resolve().parents[2]
ID = "0190f5b2-1234-7123-8456-123456789012"
SECRET = "a-links-secret-" + 32 * "s"
GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Server:
    """gunicorn as docker-compose.yml and `make up` start it, with the small site."""

    def __init__(self, log: Path) -> None:
        port, self.log = free_port(), log
        command = [sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn"]
        command += ["--bind", f"127.0.0.1:{port}", "tests.operations.small_site"]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env={**os.environ, "WAITING_THREADS": "24"},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.site = Site(f"http://127.0.0.1:{port}")
        assert until(lambda: self.site.ask("/healthz") == 200, 120), log.read_text()

    def stop(self) -> float:
        began = time.monotonic()
        self.process.terminate()
        self.process.wait(30)
        return time.monotonic() - began


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("web") / "web.log")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def bare(server: Server) -> Site:
    return server.site


@pytest.fixture(scope="module")
def proxied(server: Server) -> Iterator[Site]:
    proxy.nginx()
    port, web = free_port(), server.site.url.removeprefix("http://")
    with tempfile.TemporaryDirectory(
        prefix="nginx-"
    ) as folder:  # pytest's own are its user's alone, nginx's is another
        home = Path(folder)
        home.chmod(0o755)
        file = proxy.configuration(home, listen="listen", web=web, port=port, tls_port=free_port())
        with proxy.running(file, port) as site:
            yield site


@pytest.fixture(params=["bare", "proxied"])
def site(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue(request.param)
    return found


def asked(site: Site, request: bytes, seconds: float = 5) -> bytes:
    with site.connect() as client:
        client.sendall(request)
        return everything(client, seconds)


def word_of(stream: socket.socket) -> bytes:
    """The first line of data of a stream."""
    stream.settimeout(20)
    said = b""
    while b"data: " not in said or not said.endswith(b"\n"):
        said += stream.recv(4096)
    return said[said.index(b"data: ") :].split(b"\n")[0]


def first_word(site: Site) -> bytes:
    with site.connect() as client:
        client.sendall(GET % b"/stream")
        return word_of(client)


def everything(client: socket.socket, seconds: float = 5) -> bytes:
    """What comes until nothing more does for a moment."""
    client.settimeout(seconds)
    said, ends = b"", time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            data = client.recv(65536)
        except (TimeoutError, ConnectionError):
            break
        if not data:
            break
        said += data
        client.settimeout(0.3)
    return said


@pytest.mark.parametrize("begin", [HALF_A_HEAD, HALF_A_BODY, b""], ids=["half a head", "half a body", "nothing"])
def test_unfinished_requests_hold_nobody_up(site: Site, begin: bytes) -> None:
    with held(site, 40, begin):
        assert (site.ask("/healthz", seconds=4), site.ask("/", seconds=4)) == (200, 200)


def test_readers_who_do_not_read_hold_nobody_up(site: Site) -> None:
    with held(site, 20, GET % b"/big", receives=1024):
        assert (site.ask("/healthz", seconds=4), site.ask("/", seconds=4)) == (200, 200)


def test_readers_who_do_not_read_take_no_place_of_a_stream(bare: Site) -> None:
    with held(bare, 40, GET % b"/big", receives=1024):
        assert first_word(bare) == b"data: 0"


def test_readers_who_do_not_read_are_let_go(bare: Site) -> None:
    with held(bare, 1, GET % b"/big", receives=1024) as [client]:
        time.sleep(3.5)
        client.settimeout(2)
        with pytest.raises(ConnectionError):
            for _ in range(1000):
                if not client.recv(65536):
                    raise ConnectionError
        assert bare.ask("/") == 200


def test_streams_hold_nobody_up_and_too_many_are_told_to_come_back(bare: Site) -> None:
    with held(bare, 26, GET % b"/stream") as clients:
        assert (bare.ask("/healthz", seconds=4), bare.ask("/", seconds=4)) == (200, 200)
        said = [word_of(client) for client in clients]
    assert said.count(b"data: full") == 2
    assert until(lambda: first_word(bare) != b"data: full", 60)  # who is gone leaves room


def test_a_stream_comes_through_as_it_is_written(site: Site) -> None:
    with held(site, 1, GET % b"/stream") as [client]:
        client.settimeout(20)
        said = b""
        while said.count(b"still here") < 2:
            said += client.recv(4096)


def test_a_body_that_hardly_comes_is_ended(site: Site) -> None:
    with held(site, 1, HALF_A_BODY) as [client]:
        seconds, status = ended(client, 30)
    assert seconds < 20 and status in (0, 408)


@pytest.mark.long
def test_a_head_that_drips_is_ended_after_ten_seconds(bare: Site) -> None:
    with held(bare, 1, HALF_A_HEAD) as [client]:
        seconds, status = ended(client, 30, drip=b"x")
    assert 8 < seconds < 25 and status == 408


def test_a_whole_body_comes_through_and_a_kept_connection_takes_two_requests_at_once(site: Site) -> None:
    post = b"POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Length: 700000\r\n\r\n" + b"x" * 700_000
    said = asked(site, post + GET % b"/second")

    assert b'"body": 700000' in said and b'"/second"' in said


def test_a_client_that_asks_first_is_told_to_go_on(bare: Site) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    with bare.connect() as client:
        client.sendall(head)
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"body")
        assert b'"body": 4' in everything(client)


def test_a_body_over_the_limit_is_answered_while_it_is_sent(bare: Site) -> None:
    """The small site answers what RequestLimits would refuse: it is given the head alone."""
    length = settings.REQUEST_BYTES_MAX + 1
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % length
    said = asked(bare, head + b"x" * length)
    assert status_of(said) == 200 and b'"body": 0' in said and b"Connection: close" in said


def test_a_body_of_unknown_length_reaches_nobody(bare: Site) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    with held(bare, 1, head + b"5\r\nhel") as [client]:
        seconds, status = ended(client, 30)
    assert seconds < 20 and status in (0, 400)


def test_a_head_without_an_end_is_refused(bare: Site) -> None:
    assert status_of(asked(bare, b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 70_000)) == 431


@pytest.mark.parametrize(
    ("head", "status"), [(GET % (b"/" + b"y" * 9000), 414), (b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000, 431)]
)
def test_the_servers_own_pages_have_the_headers_of_every_answer(bare: Site, head: bytes, status: int) -> None:
    said = asked(bare, head)
    assert status_of(said) == status
    for header in (b"X-Content-Type-Options: nosniff", b"Content-Security-Policy: default-src 'none'"):
        assert b"\r\n" + header in said.partition(b"\r\n\r\n")[0]
    assert b"\r\nPermissions-Policy: " in said.partition(b"\r\n\r\n")[0]
    assert b"</html>" in said


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (GET % (b"/api/leads?q=" + b"y" * 9000), 414, "URI_TOO_LONG"),
        (b"GET /api/leads HTTP/1.1\r\nX: " + b"y" * 9000 + b"\r\n\r\n", 431, "HEADERS_TOO_LARGE"),
        (b"GET /api/leads HTTP/1.1\r\nX: " + b"y" * 70_000, 431, "HEADERS_TOO_LARGE"),
        (b"GET /api/leads HTTP/9.9\r\n\r\n", 400, "INVALID"),
        (b"GET /api/leads HTTP/1.1\r\nno header\r\n\r\n", 400, "INVALID"),
        (b"POST /api/tags HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400, "INVALID"),
    ],
)
def test_a_client_of_the_api_reads_the_servers_own_refusals_as_json(
    server: Server, head: bytes, status: int, code: str
) -> None:
    said = asked(server.site, head)
    headers, _, body = said.partition(b"\r\n\r\n")
    error = json.loads(body)["error"]
    assert (status_of(said), error["code"], error["fields"]) == (status, code, {})
    assert b"\r\nContent-Type: application/json" in headers
    assert f"\r\nX-Request-Id: {error['requestId']}".encode() in headers
    first = headers.partition(b"\r\n")[0].decode()
    assert f"{first}, request {error['requestId']}" in server.log.read_text()


def test_what_could_not_be_read_is_neither_logged_nor_told_back(server: Server) -> None:
    for head in (
        b"GET/api/leads?q=2065550142\r\n\r\n",
        b"GET / HTTP/1.1\r\nAuthorization Token " + SECRET.encode() + b"\r\n\r\n",
    ):
        said = asked(server.site, head)
        assert status_of(said) == 400
        assert b"2065550142" not in said and SECRET.encode() not in said
    text = server.log.read_text()
    assert "it is not told" in text
    assert "2065550142" not in text and SECRET not in text


def test_more_connections_than_it_holds_push_out_the_unfinished(bare: Site) -> None:
    with held(bare, 600, HALF_A_HEAD):
        assert (bare.ask("/healthz", seconds=8), bare.ask("/", seconds=8)) == (200, 200)


def test_no_query_no_referer_and_no_secret_is_in_the_access_logs(server: Server, proxied: Site, tmp_path: Path) -> None:
    for one in (server.site, proxied):
        assert one.ask(f"/leads/{SECRET}/x?q=2065550142", headers="Referer: http://localhost/?q=2065550143\r\n") == 200
        for path in (
            "2065550144",
            "%28206%29%20555-0145",
            "+1.206.555.0146",
            "206/555/0147",
            "jo@example.com",
            "jo%40x.test",
        ):
            assert one.ask(f"/leads/{path}/x") == 200
        assert one.ask(f"/leads/{ID}/x") == 200
    time.sleep(0.3)
    for file, hidden in ((server.log, "…"), (proxied.home / "access.log", "...")):
        text = file.read_text()
        assert f'"GET /leads/{hidden}/x HTTP/1.1" 200' in text
        assert f'"GET /leads/{ID}/x HTTP/1.1" 200' in text
        assert text.count("/leads/") in (8, 16)  # each is there; what the proxy was asked is in ours too
        assert not re.search("20655501|555.?01|jo[@%]", text) and SECRET not in text


def test_who_asks_is_said_by_the_proxy_alone(proxied: Site) -> None:
    forged = GET.replace(b"\r\n\r\n", b"\r\nForwarded: for=9.9.9.9\r\nX-Forwarded-Proto: javascript\r\n\r\n")
    seen = json.loads(asked(proxied, forged % b"/").partition(b"\r\n\r\n")[2])
    assert (seen["HTTP_X_FORWARDED_FOR"], seen["HTTP_X_FORWARDED_PROTO"]) == ("127.0.0.1", "http")


@pytest.mark.long
def test_one_address_has_so_many_requests_open_and_no_more(proxied: Site) -> None:
    with held(proxied, 70, HALF_A_BODY) as clients:
        said = [status_of(everything(client, 0.1)) for client in clients]
    assert said.count(429) == 10


def test_the_proxy_keeps_metrics_and_long_bodies_to_itself(proxied: Site) -> None:
    assert proxied.ask("/metrics") == 404
    long = b"POST /api/leads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n"
    said = asked(proxied, long)
    assert status_of(said) == 413 and b'"code": "TOO_LARGE"' in said
    assert asked(proxied, long.replace(b"/api/leads", b"/admin/buckets/import/add/")) == b""  # it waits for the file


def test_the_proxys_own_answers_say_what_a_page_may_do_and_others_say_it_once(proxied: Site) -> None:
    own = [asked(proxied, GET % b"/metrics"), asked(proxied, b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    said = [*own, asked(proxied, GET % b"/with-headers")]

    assert [*map(status_of, said)] == [404, 405, 200]
    for answer in said:
        assert answer.count(b"X-Content-Type-Options: nosniff\r\n") == answer.count(b"Content-Security-Policy: ") == 1
        assert b"Strict-Transport-Security" not in answer  # in clear
    assert all(b"frame-ancestors 'none'" in answer and b"text/html; charset=utf-8" in answer for answer in own)
    secure = GET.replace(b"\r\n\r\n", b"\r\nX-Forwarded-Proto: https\r\n\r\n")
    assert b"Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n" in asked(proxied, secure % b"/metrics")


def test_the_limits_of_the_proxy_are_the_settings() -> None:
    text = (proxy.SHIPPED / "site.conf").read_text()
    mebibyte = 1024 * 1024
    assert f"client_max_body_size {settings.REQUEST_BYTES_MAX // mebibyte}m;" in text
    assert text.count(f"client_max_body_size {settings.IMPORT_BYTES_MAX // mebibyte}m;") == 2
    assert text.count(f"client_max_body_size {settings.MAIL_BYTES_MAX // mebibyte}m;") == 1


@pytest.mark.parametrize("listen", ["listen", "listen-tls"])
def test_the_proxys_configuration_is_sound(tmp_path: Path, listen: str) -> None:
    proxy.certificate(tmp_path)
    file = proxy.configuration(tmp_path, listen=listen, web="127.0.0.1:9", port=free_port(), tls_port=free_port())
    assert "syntax is ok" in proxy.check(file)


@contextmanager
def spoken(port: int, at_most: ssl.TLSVersion | None = None, ciphers: str = "") -> Iterator[ssl.SSLSocket]:
    context = ssl._create_unverified_context()
    if at_most is not None:
        context.minimum_version = context.maximum_version = at_most
    if ciphers:
        context.set_ciphers(ciphers)
    with socket.create_connection(("127.0.0.1", port)) as raw, context.wrap_socket(raw) as client:
        yield client


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_with_a_certificate_the_proxy_ends_tls(server: Server, tmp_path: Path) -> None:
    port, tls_port, web = free_port(), free_port(), server.site.url.removeprefix("http://")
    proxy.certificate(tmp_path)
    file = proxy.configuration(tmp_path, listen="listen-tls", web=web, port=port, tls_port=tls_port)
    forged = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: http\r\n\r\n"
    with proxy.running(file, port) as site:
        assert b"Location: https://localhost/there" in asked(site, GET % b"/there")
        in_clear = asked(site, GET % b"/api/leads")
        assert (status_of(in_clear), b"HTTPS_REQUIRED" in in_clear, b"Location" in in_clear) == (403, True, False)
        with spoken(tls_port) as client:
            assert client.version() == "TLSv1.3"
            client.sendall(forged)
            seen = json.loads(client.recv(4096).partition(b"\r\n\r\n")[2])
        with spoken(tls_port, ssl.TLSVersion.TLSv1_2) as client:
            assert str(client.cipher()).startswith("('ECDHE-")
        for version, ciphers, words in (
            (ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0", "PROTOCOL_VERSION"),
            (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0", "HANDSHAKE_FAILURE"),  # CBC
        ):
            with pytest.raises(ssl.SSLError, match=words), spoken(tls_port, version, ciphers):
                pass
    assert (seen["HTTP_X_FORWARDED_FOR"], seen["HTTP_X_FORWARDED_PROTO"]) == ("127.0.0.1", "https")


@pytest.mark.long
def test_a_stop_answers_what_is_at_work_and_ends_streams_and_held_sockets(tmp_path: Path) -> None:
    server = Server(tmp_path / "web.log")
    with (
        held(server.site, 3, GET % b"/stream") as streams,
        held(server.site, 20, HALF_A_HEAD),
        held(server.site, 1, GET % b"/work") as [working],
    ):
        seconds = server.stop()
        assert status_of(everything(working)) == 200
        assert all(b"data: 0" in everything(stream) for stream in streams)
    assert seconds < 20  # of the thirty that gunicorn gives
    assert server.process.returncode in (0, -signal.SIGTERM)
