"""The HTTP server: HTTP/1.1 with keep-alive on the loopback, one write per answer, stoppable while it hangs."""

import http.server
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from sandbox.apollo import Apollo
from sandbox.billing import Ledger, Pace
from sandbox.dns import NameServer
from sandbox.engine import Engine
from sandbox.faults import Fault, FaultBox
from sandbox.generator import DEFAULT_PARCELS, GeneratedParcels
from sandbox.imap import Imap
from sandbox.mail_posts import sendgrid_public_key
from sandbox.messaging import Messaging
from sandbox.parcels import CsvParcels, ParcelSource
from sandbox.realestateapi import RealEstateAPI
from sandbox.search import Search
from sandbox.signalhouse import SignalHouse
from sandbox.skiptrace import SkipTrace
from sandbox.wire import Request

HOST = "127.0.0.1"  # never another: nothing here is meant for a network
MAX_BODY_BYTES = 8 * 1024 * 1024
_REASONS = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True)
class SandboxConfig:
    """What a sandbox is started with. Prices in US dollars a unit, pace in requests a minute.

    mail: whether the mail server, its mailbox and the name server are there, at these ports (0: any).
    callback_base: the product that messages to our numbers are posted to. clock: as `sandbox.clock.Clock`. texts: the
    script of a number that has none of its own, as in `sandbox.numbers`.
    """

    port: int = 0
    parcels: tuple[Path, ...] = ()
    generate: int = DEFAULT_PARCELS
    seed: int = 1
    envelope: str = "capture"
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    pace: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    realestateapi_key: str = "sandbox-realestateapi-key"
    signalhouse_key: str = "sandbox-signalhouse-key"
    apollo_key: str = "sandbox-apollo-key"
    webhook_delay_s: float = 2.0
    twilio_account: str = "ACsandbox0000000000000000000000000"
    twilio_token: str = "sandbox-twilio-token"
    twilio_signing_key: tuple[str, str] = ("sandbox-signing-key", "sandbox-signing-secret")
    signalhouse_messaging_key: str = "sandbox-signalhouse-messaging-key"
    signalhouse_messaging_group: str = "G1234567"
    signalhouse_webhook_secrets: tuple[str, str] = ("sandbox-webhook-secret", "sandbox-webhook-secret-before")
    mail: bool = False
    smtp_port: int = 0
    imap_port: int = 0
    dns_port: int = 0
    mail_key: str = "sandbox-mail-key"
    mail_basic: str = "sandbox:sandbox-mail-webhook-password"
    mail_signing_key: str = "sandbox-mail-webhook-signing-key"
    imap_user: str = "replies"
    imap_password: str = "sandbox-imap-password"
    callback_base: str = ""
    clock: str = ""
    texts: str = ""


def mail_secrets(config: SandboxConfig | type[SandboxConfig]) -> list[str]:
    """What its posts about e-mails are checked with: HTTP Basic, Mailgun's key, SendGrid's."""
    return [config.mail_basic, config.mail_signing_key, sendgrid_public_key()]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "_Server"

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdigit() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            self._write(411 if "Transfer-Encoding" in self.headers else 413, "text/plain", {}, b"")
            return
        url = urlsplit(self.path)
        request = Request(
            self.command,
            url.path,
            parse_qs(url.query, keep_blank_values=True),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(int(length)),
        )
        answer = self.server.engine.respond(request)
        if answer is None:
            self.close_connection = True
            return
        if answer.cut_at is not None:
            self.close_connection = True
        self._write(answer.status, answer.content_type, answer.headers, answer.body(), answer.cut_at)

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = _serve

    def _write(
        self, status: int, content_type: str, headers: Mapping[str, str], body: bytes, cut_at: int | None = None
    ) -> None:
        lines = [
            f"HTTP/1.1 {status} {_REASONS.get(status, '')}",
            f"Content-Type: {content_type}",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        if self.close_connection and cut_at is None:  # who is about to cut the connection does not announce it
            lines.append("Connection: close")
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body[:cut_at])

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, port: int, engine: Engine) -> None:
        self.engine = engine
        self._open: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__((HOST, port), _Handler)

    def process_request(self, request: Any, client_address: object) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is nobody's error."""

    def hang_up(self) -> None:
        """Ends every open connection."""
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue


class Sandbox:
    """The vendors in one process: `with Sandbox(SandboxConfig(...)) as sandbox: sandbox.base_url`."""

    def __init__(self, config: SandboxConfig | None = None) -> None:
        self.config = config = config or SandboxConfig()
        self.source: ParcelSource
        if config.parcels:
            self.source = CsvParcels(config.parcels, config.seed)
        else:
            self.source = GeneratedParcels(config.generate, config.seed)
        self.ledger = Ledger(config.prices)
        self.faults = FaultBox(config.faults, config.seed)
        self._stop = Event()
        self._apollo = Apollo(
            config.apollo_key, self.ledger, self.faults, self._stop, seed=config.seed, delay_s=config.webhook_delay_s
        )
        self.search = Search(self.source)
        estate = RealEstateAPI(self.search, config.realestateapi_key, envelope=config.envelope, seed=config.seed)
        self.messaging = Messaging(config)
        self._engine = Engine(self.ledger, Pace(config.pace), self.faults, self._stop, self.search, self.messaging)
        self._engine.add(estate, SkipTrace(estate.envelope, config.seed).endpoints())
        self._engine.add(SignalHouse(config.signalhouse_key, config.seed))
        self._engine.add(self._apollo)
        self._engine.add(self.messaging.twilio, self.messaging.twilio_calls.endpoints())
        self._engine.add(self.messaging.signalhouse, self.messaging.signalhouse_calls.endpoints())
        for provider in self.messaging.mail_providers:
            self._engine.add(provider)
        self._server: _Server | None = None
        self._thread: Thread | None = None
        self._imap: Imap | None = None
        self._dns: NameServer | None = None

    def start(self) -> Self:
        """Listens; returns when requests can come. Raises OSError where a port is taken."""
        if self.config.mail:
            self.messaging.sink.start()
            config = self.config
            self._imap = Imap(
                self.messaging.imap_store, user=config.imap_user, password=config.imap_password, port=config.imap_port
            )
            self._dns = NameServer(config.dns_port)
        self._server = _Server(self.config.port, self._engine)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), name="sandbox", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ends hanging answers, open connections and the server; safe to call twice."""
        self._stop.set()
        self.messaging.outbox.stop()
        self.messaging.sink.stop()
        for one in (self._imap, self._dns):
            if one is not None:
                one.stop()
        self._imap = self._dns = None
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.hang_up()
            self._thread.join()
            self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._server is None:
            raise RuntimeError("the sandbox has not been started")
        port: int = self._server.server_address[1]
        return port

    @property
    def base_url(self) -> str:
        """http://127.0.0.1:PORT"""
        return f"http://{HOST}:{self.port}"

    @property
    def mail_urls(self) -> dict[str, str]:
        """What the product calls its mail server and providers, its mailbox and its name server. Needs `mail`."""
        if self._imap is None or self._dns is None:
            raise RuntimeError("the sandbox has been started without mail")
        key, user, password = self.config.mail_key, self.config.imap_user, self.config.imap_password
        return {
            "smtp": f"smtp://{HOST}:{self.messaging.sink.port}",
            "postmark": f"postmark://{key}@?api_url={self.base_url}/postmark",
            "sendgrid": f"sendgrid://{key}@?api_url={self.base_url}/sendgrid/v3",
            "mailgun": f"mailgun://{key}@mail.example.com?api_url={self.base_url}/mailgun/v3",
            "imap": f"imap://{user}:{password}@{HOST}:{self._imap.port}/INBOX",
            "dns": f"{HOST}:{self._dns.port}",
        }

    @property
    def mail_secrets(self) -> list[str]:
        """What its posts about e-mails are checked with."""
        return mail_secrets(self.config)

    @property
    def vendor_urls(self) -> dict[str, str]:
        """The base URL of each vendor."""
        return {
            "realestateapi": f"{self.base_url}/realestateapi",
            "signalhouse": f"{self.base_url}/signalhouse",
            "apollo": f"{self.base_url}/apollo/api/v1",
            "twilio": f"{self.base_url}/twilio",
            "signalhouse_messaging": f"{self.base_url}/signalhouse-messaging",
        }
