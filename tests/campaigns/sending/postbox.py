"""A mail server on a socket, which takes e-mails and breaks where a test says."""

from __future__ import annotations

import socketserver
import threading
from collections import Counter
from email import message_from_bytes
from email.message import Message
from typing import Any

# By the recipient's local part: what RCPT or the final dot is answered; "cut", "silence": nothing, after the dot.
AT_RCPT = {"550": "550 5.1.1 No such user", "554": "554 5.1.1 No such user", "full": "552 5.2.2 Mailbox full"}
AT_DOT = {"content": "554 5.7.1 Looks like spam", "cut": "", "silence": "-"}


def words(mail: Message) -> str:
    """All its parts say."""
    parts = [part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart()]
    return "\n".join(part.decode() for part in parts if isinstance(part, bytes))


def _script(to: str) -> str:
    """What follows a + does not count."""
    return to.partition("@")[0].partition("+")[0]


class Postbox(socketserver.ThreadingTCPServer):
    """taken: recipient and e-mail of each that was taken, also of those that were never answered. asked: times each
    recipient was named. throttled: how many RCPTs are answered 454 from the next on; cuts: how many MAILs are cut.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.taken: list[tuple[str, Message]] = []
        self.asked: Counter[str] = Counter()
        self.throttled, self.throttled_from, self.cuts = 0, 0, 0
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def to(self) -> list[str]:
        """Whom an e-mail was taken for, sorted, as often as it was."""
        return sorted(to for to, _ in self.taken)

    def mail(self, to: str) -> Message:
        (found,) = [mail for address, mail in self.taken if address == to]
        return found

    def handle_error(self, *_: Any) -> None:
        """A client that has gone."""


class _Session(socketserver.StreamRequestHandler):
    server: Postbox

    def say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")

    def handle(self) -> None:
        self.say("220 postbox")
        to, server = "", self.server
        while line := self.rfile.readline().decode().strip():
            verb = line.upper()
            if verb.startswith(("EHLO", "HELO")):
                self.say("250 postbox")
            elif verb.startswith("MAIL"):
                with server.lock:
                    is_cut, server.cuts = server.cuts > 0, max(0, server.cuts - 1)
                if is_cut:
                    return
                self.say("250 2.1.0 Ok")
            elif verb.startswith("RCPT"):
                to = line.partition("<")[2].partition(">")[0]
                self.say(self.rcpt(to))
            elif verb == "DATA":
                self.say("354 Go on")
                if not self.data(to):
                    return
            elif verb == "QUIT":
                self.say("221 Bye")
                return
            else:
                self.say("250 Ok")

    def rcpt(self, to: str) -> str:
        server = self.server
        with server.lock:
            server.asked[to] += 1
            if server.throttled and len(server.taken) >= server.throttled_from:
                server.throttled -= 1
                return "454 4.7.0 Throttled"
        return AT_RCPT.get(_script(to), "250 2.1.5 Ok")

    def data(self, to: str) -> bool:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        answer = AT_DOT.get(_script(to), "250 2.0.0 Queued")
        if not answer.startswith("5"):
            with self.server.lock:
                self.server.taken.append((to, message_from_bytes(b"".join(lines))))
        if answer == "-":
            self.connection.recv(1)  # until the client gives up
        if answer in ("", "-"):
            return False
        self.say(answer)
        return True
