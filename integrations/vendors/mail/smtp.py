"""SMTP, step by step: smtplib raises the same for a connection cut at MAIL and one cut after the final dot, and only
the first is certainly not sent.

Each thread keeps its connection, so that an e-mail costs four round trips and no sign-in.
"""

from __future__ import annotations

import os
import re
import smtplib
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from common.values.mail_urls import MailPlace
from integrations.vendors.errors import InDoubt, Misconfigured, NotSent, VendorFailure
from integrations.vendors.mail.replies import failure

IDLE_SECONDS = 30.0  # servers drop what is idle for longer: Exchange Online and Postfix after minutes, some after one
MAILS = 500  # of one connection: a server that rations them by connection is asked again in time
QUIT_SECONDS = 2.0
GREETING_SECONDS = 10.0  # to connect and be greeted: some make who connects wait for six, to tell spammers
_DOT = re.compile(rb"(?m)^\.")
_local = threading.local()


@dataclass(slots=True)
class _Connection:
    place: MailPlace
    smtp: smtplib.SMTP
    used_at: float
    mails: int = 0

    @property
    def is_good(self) -> bool:
        return time.monotonic() - self.used_at < IDLE_SECONDS and self.mails < MAILS


class _Deadline:
    """When the whole exchange must be over: each step gets what is left, and at most the read timeout."""

    def __init__(self) -> None:
        self._ends = time.monotonic() + settings.VENDOR_DEADLINE

    def seconds(self, most: float | None = None) -> float:
        """Raises TimeoutError where none is left."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return float(min(left, most or settings.VENDOR_READ_TIMEOUT))


class _Broken(Exception):
    """The connection is gone, or the server does not answer. words: in a few."""

    def __init__(self, phase: str, words: str, *, is_stale: bool = False) -> None:
        super().__init__(words)
        self.phase, self.words, self.is_stale = phase, words, is_stale


def send(place: MailPlace, *, sender: str, to: str, raw: bytes) -> None:
    """One e-mail to one person. Raises as `mail.send`.

    1. A connection that has been idle is used again; where the server has closed it by now, which shows before anything
       of this e-mail was taken, another one is opened, once.
    2. Any failure before the text: not sent. From the first byte of the text on: in doubt, until the server answers.
    """
    deadline = _Deadline()
    failed: VendorFailure
    for again in (True, False):
        try:
            _hand_over(_connection(place, deadline), deadline, sender=sender, to=to, raw=raw)
            return
        except _Broken as broken:
            close()
            if broken.is_stale and again:
                continue
            if broken.phase == "body":
                failed = InDoubt(f"The whole e-mail was sent and no answer came: {broken.words}.")
            else:
                failed = NotSent(f"The mail server could not be used: {broken.words} ({broken.phase}).")
        except VendorFailure as known:
            failed = known
        break
    raise failed from None


def probe(place: MailPlace) -> None:
    """Opens a connection, signs in, and asks for nothing. Raises a VendorFailure."""
    close()
    deadline = _Deadline()
    failed: VendorFailure
    try:
        _connection(place, deadline)
        return
    except _Broken as broken:
        failed = NotSent(f"The mail server could not be used: {broken.words} ({broken.phase}).")
    raise failed from None


def close() -> None:
    """Closes this thread's connection, politely where it still answers."""
    connection: _Connection | None = _local.__dict__.pop("connection", None)
    if connection is None:
        return
    try:
        if connection.smtp.sock is not None:
            connection.smtp.sock.settimeout(QUIT_SECONDS)
            connection.smtp.quit()
    except (OSError, smtplib.SMTPException):
        pass
    finally:
        connection.smtp.close()


# --- A connection -----------------------------------------------------------------------------------------------------


def _connection(place: MailPlace, deadline: _Deadline) -> _Connection:
    known: _Connection | None = _local.__dict__.get("connection")
    if known is not None and known.place == place and known.is_good:
        return known
    close()
    smtp = _open(place, deadline)
    _local.connection = _Connection(place, smtp, time.monotonic())
    return _local.connection  # type: ignore[no-any-return]


def _open(place: MailPlace, deadline: _Deadline) -> smtplib.SMTP:
    """Greeting, hello, TLS, sign-in."""
    phase = "greeting"
    smtp: smtplib.SMTP | None = None
    try:
        smtp = _greeted(place, deadline.seconds(GREETING_SECONDS))
        if smtp.sock is not None:
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        phase = "hello"
        _patience(smtp, deadline)
        _expect(phase, smtp.ehlo(), 250)
        if place.tls == "starttls":
            phase = "starttls"
            _patience(smtp, deadline)
            smtp.starttls(context=ssl.create_default_context())
            _expect("hello", smtp.ehlo(), 250)
        if place.user:
            phase = "sign-in"
            _patience(smtp, deadline)
            smtp.login(place.user, place.password)
        opened, smtp = smtp, None
        return opened
    except smtplib.SMTPAuthenticationError as error:
        raise failure("sign-in", error.smtp_code, _text(error.smtp_error)) from None
    except smtplib.SMTPResponseException as error:
        raise failure(phase, error.smtp_code, _text(error.smtp_error)) from None
    except smtplib.SMTPNotSupportedError:
        what = "TLS" if phase == "starttls" else "signing in"
        raise Misconfigured(f"The mail server offers no {what}: check CAMPAIGN_EMAIL_URL.") from None
    except OSError as error:
        raise _Broken(phase, _why(error)) from None
    finally:
        if smtp is not None:
            smtp.close()


def _greeted(place: MailPlace, seconds: float) -> smtplib.SMTP:
    """Raises SMTPConnectError for a greeting that is none."""
    if place.tls == "ssl":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(place.host, place.port, _own_name(), timeout=seconds, context=context)
    return smtplib.SMTP(place.host, place.port, _own_name(), timeout=seconds)


def _hand_over(connection: _Connection, deadline: _Deadline, *, sender: str, to: str, raw: bytes) -> None:
    """MAIL, RCPT, DATA, the text and its dot."""
    smtp, reused = connection.smtp, connection.mails > 0
    connection.mails += 1
    phase = "mail"
    try:
        _patience(smtp, deadline)
        answer = smtp.docmd("MAIL", f"FROM:<{sender}>")
        if reused and answer[0] in (421, -1):
            raise _Broken(phase, "connection closed", is_stale=True)
        _expect(phase, answer, 250)
        phase = "rcpt"
        _patience(smtp, deadline)
        _expect(phase, smtp.docmd("RCPT", f"TO:<{to}>"), 250, 251)
        phase = "data"
        _patience(smtp, deadline)
        _expect(phase, smtp.docmd("DATA"), 354)
        _patience(smtp, deadline)
        phase = "body"
        smtp.send(_stuffed(raw))
        _patience(smtp, deadline)
        _expect(phase, smtp.getreply(), *range(200, 300))
    except VendorFailure as refused:
        _forget_or_reset(smtp, refused)
        raise
    except ValueError:  # smtplib: a line break in an address
        raise _Broken(phase, "the address has a line break") from None
    except OSError as error:  # smtplib's own are all of it
        stale = reused and phase == "mail" and not isinstance(error, TimeoutError)
        raise _Broken(phase, _why(error), is_stale=stale) from None
    connection.used_at = time.monotonic()


def _forget_or_reset(smtp: smtplib.SMTP, refused: VendorFailure) -> None:
    """After a no the transaction is given up; after 421, and where that fails, so is the connection."""
    try:
        if refused.status is not None and refused.status != 421 and smtp.docmd("RSET")[0] == 250:
            return
    except OSError:
        pass
    close()


def _expect(phase: str, answer: tuple[int, bytes], *good: int) -> None:
    if answer[0] not in good:
        raise failure(phase, answer[0], _text(answer[1]))


def _patience(smtp: smtplib.SMTP, deadline: _Deadline) -> None:
    if smtp.sock is None:
        raise smtplib.SMTPServerDisconnected
    smtp.sock.settimeout(deadline.seconds())


def _stuffed(raw: bytes) -> bytes:
    """With its lines' first dots doubled, and the final one (RFC 5321 4.5.2). raw has CRLF."""
    end = b".\r\n" if raw.endswith(b"\r\n") else b"\r\n.\r\n"
    return _DOT.sub(b"..", raw) + end


def _text(words: bytes | str) -> str:
    return words.decode("ascii", errors="replace") if isinstance(words, bytes) else words


def _own_name() -> str:
    """What we call ourselves to the server; not by a look-up of this machine's name, which may take seconds."""
    return settings.INBOUND_MAIL_DOMAIN or urlsplit(settings.PUBLIC_URL).hostname or "localhost"


def _why(error: OSError) -> str:
    """In a few words of ours."""
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return "no answer in time"
    if isinstance(error, ssl.SSLError):
        return "certificate or TLS failure"
    if isinstance(error, socket.gaierror):
        return "name not found"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return "connection closed"


def _after_fork() -> None:
    """A child process must not speak over its parent's connection."""
    _local.__dict__.clear()


os.register_at_fork(after_in_child=_after_fork)
