"""The made-up mail server: SMTP on the loopback, which keeps every e-mail and delivers none. It breaks where a
recipient's script says (`sandbox.mail_scripts`); at MAIL, where no recipient is known yet, by the sender's name."""

import asyncio
import logging
import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from sandbox.mail_scripts import Mailboxes

logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's own: every command, with addresses
HOST = "127.0.0.1"  # never another
BYTES_MAX = 2 * 1024 * 1024
SILENCE_S = 600.0
BAD_USER = "bad"  # a sign-in that is refused
Taken = Callable[[str, str, bytes], object]
Noted = Callable[[str, str, str], None]
_RCPT = {
    "550": "550 5.1.1 No such user here",
    "554-at-rcpt": "554 No such user here",
    "full-at-rcpt": "552 5.2.2 Mailbox full",
    "blocked-at-rcpt": "550 5.7.1 Blocked by our policy",
    "greylist": "451 4.7.1 Greylisted, try again later",
    "throttle": "454 4.7.0 Throttled",
}
_DOT = {
    "451-after-dot": "451 4.3.0 Local error, try again",
    "554": "554 5.7.1 Rejected: looks like spam",
    "550-after-dot": "550 5.1.1 No such user here",
}


class Sink:
    """taken: sender, recipient and bytes of an e-mail that was taken. noted: sender, recipient and outcome of a try.

    greeting: "" or, for all connections: "421", "cut". throttled_from, throttled_until: how many were taken before the
    server says 454 to everybody, and until when (time.monotonic()).
    """

    def __init__(self, mailboxes: Mailboxes, *, taken: Taken, noted: Noted, port: int = 0) -> None:
        self.mailboxes, self.taken, self.noted = mailboxes, taken, noted
        self.greeting, self.throttle_s, self.count = "", 0.0, 0
        self.connections = 0
        self.open: set[_Session] = set()
        self.throttled_from: int | None = None
        self.throttled_until: float | None = None
        self._wanted, self._started = port, Event()
        self._server: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._failed: OSError | None = None

    def start(self) -> None:
        """Raises OSError where the port is taken."""
        self._thread = Thread(target=self._run, name="sandbox-mail", daemon=True)
        self._thread.start()
        self._started.wait()
        if self._failed is not None:
            raise self._failed

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def stop(self) -> None:
        """Ends every connection, and the server."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop = self._thread = None

    def hang_up(self) -> None:
        """Ends every connection, as a server does with idle ones."""
        if self._loop is None:
            return
        done = Event()

        def close() -> None:
            connections: list[Any] = [one.transport for one in self.open]
            for connection in connections:
                connection.close()
            done.set()

        self._loop.call_soon_threadsafe(close)
        done.wait()

    def is_throttled(self) -> bool:
        """Whether everybody is told to come later."""
        if self.throttled_from is None or self.count < self.throttled_from:
            return False
        if self.throttled_until is None:
            self.throttled_until = time.monotonic() + self.throttle_s
        return time.monotonic() < self.throttled_until

    def _run(self) -> None:
        self._loop = loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            self._server = loop.run_until_complete(loop.create_server(lambda: _Session(self, loop), HOST, self._wanted))
        except OSError as error:
            self._failed = error
            self._started.set()
            return
        self._started.set()
        loop.run_forever()
        self._server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(loop), return_exceptions=True))
        loop.close()


class _Session(SMTP):
    """One connection."""

    def __init__(self, sink: Sink, loop: asyncio.AbstractEventLoop) -> None:
        self.sink = sink
        self.cuts_at_quit = self.cuts_at_data = False
        super().__init__(
            _Handler(sink), hostname="sandbox", ident="made-up mail server", loop=loop, data_size_limit=BYTES_MAX,
            auth_require_tls=False, authenticator=_authenticate,
        )  # fmt: skip

    def connection_made(self, transport: Any) -> None:
        """Counted, and known to the sink."""
        self.sink.connections += 1
        self.sink.open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Known no more."""
        self.sink.open.discard(self)
        super().connection_lost(error)

    async def push(self, status: Any) -> None:
        """What is answered; the greeting as the sink says."""
        text = status if isinstance(status, str) else status.decode()
        if text.startswith("220 ") and self.sink.greeting == "cut":
            await self.cut()
        if text.startswith("220 ") and self.sink.greeting == "421":
            await super().push("421 4.3.2 Service not available")
            await self.cut(politely=True)
        await super().push(status)

    async def cut(self, *, politely: bool = False) -> None:
        """The connection ends here, and with it this task. politely: what was written still arrives."""
        connection: Any = self.transport
        if politely:
            connection.close()
        else:
            connection.abort()
        await asyncio.sleep(SILENCE_S)  # the lost connection cancels it

    async def smtp_DATA(self, arg: str) -> None:
        """The text, unless it is cut before."""
        if self.cuts_at_data:
            await self.cut()
        await super().smtp_DATA(arg)

    async def smtp_QUIT(self, arg: str) -> None:
        """Polite, or not."""
        if self.cuts_at_quit:
            await self.cut()
        await super().smtp_QUIT(arg)


class _Handler:
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._script = ""

    async def handle_MAIL(self, server: _Session, _session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("cut-at-mail@"):
            self._sink.noted(address, "", "cut at MAIL")
            await server.cut()
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server: _Session, _session: Any, envelope: Any, address: str, options: Any) -> str:
        if self._sink.is_throttled():
            return self._refused(envelope, address, _RCPT["throttle"])
        script = self._script = self._sink.mailboxes.at(address)
        if script in ("cut-at-mail", "cut-at-rcpt"):
            self._sink.noted(envelope.mail_from, address, "cut before the text")
            await server.cut()
        if script in _RCPT:
            return self._refused(envelope, address, _RCPT[script])
        if script == "421":
            self._refused(envelope, address, "421")
            await server.push("421 4.3.2 Too many e-mails on this connection")
            await server.cut(politely=True)
        server.cuts_at_quit, server.cuts_at_data = script == "cut-at-quit", script == "cut-at-data"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: _Session, _session: Any, envelope: Any) -> str:
        sender, to, script = envelope.mail_from, envelope.rcpt_tos[0], self._script
        if script in _DOT:
            return self._refused(envelope, to, _DOT[script])
        self._sink.count += 1
        self._sink.noted(sender, to, {"cut-after-dot": "taken, cut", "silence": "taken, silence"}.get(script, "taken"))
        self._sink.taken(sender, to, envelope.content)
        if script == "cut-after-dot":
            await server.cut()
        if script == "silence":
            await asyncio.sleep(SILENCE_S)
        return "250 2.0.0 Queued as made up"

    async def handle_exception(self, error: Exception) -> str:
        """A cut is no error; the sandbox's own mistake is told."""
        return f"451 the sandbox is at fault: {type(error).__name__}"

    def _refused(self, envelope: Any, address: str, answer: str) -> str:
        self._sink.noted(envelope.mail_from, address, answer)
        return answer


def _authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    """Everybody may, but for BAD_USER."""
    good = isinstance(data, LoginPassword) and data.login != BAD_USER.encode()
    return AuthResult(success=good, handled=not good and False)
