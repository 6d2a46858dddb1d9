"""E-mails of the made-up mail server and providers: who was sent what, and what came of it.

GET /__mail                 every try, every e-mail that was taken, every answer; ?to=, ?raw=1
POST /sandbox/mailboxes     {"pat@example.com": "greylist+reply"}: what becomes of e-mails to these (`mail_scripts`)
POST /sandbox/mail          {"greeting": "421" | "cut" | "", "throttle_from": 50, "throttle_seconds": 4.5, "inbound":
                            "mailgun" | "postmark" | "raw" | "imap"}: of the whole server
POST /sandbox/mail/answer   {"to": "pat@example.com", "what": "bounce", "words", "callback"}: to her last e-mail, now
POST /sandbox/mail/post     {"raw": "…", "to": "r+…@…", "callback"}: any e-mail comes in
"""

import email
import re
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.policy import default as policy
from threading import Lock
from urllib.error import URLError
from urllib.parse import urlsplit
from uuid import uuid4

from sandbox.clock import Clock
from sandbox.mail_bodies import answer, goes_to
from sandbox.mail_posts import MailPosts
from sandbox.mail_scripts import ANSWERS, REAL, Mailboxes, MailScript
from sandbox.numbers import ScriptError
from sandbox.outbox import LOOPBACK, Outbox
from sandbox.wire import Json

RAW_KEPT = 20_000  # bodies: of more, the oldest are forgotten
TRACKED = {"bounce", "unknown-bounce", "full", "blocked", "delayed", "complaint", "open", "unsubscribe"}
_LINK = re.compile(r"https?://[^\s\"'<>)]+")
SCANNERS = (
    "Mozilla/5.0 (compatible; BarracudaLinkScanner/1.0)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 SafeLinks",
)
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"


@dataclass(slots=True)
class Taken:
    """An e-mail that was taken. provider "": by SMTP. raw None: forgotten. token: what tracking tells back."""

    id: str
    provider: str
    envelope: str
    to: str
    at: datetime
    raw: bytes | None
    message: Message
    token: str


class Mails:
    """All e-mails. Thread-safe."""

    def __init__(self, clock: Clock, outbox: Outbox, posts: MailPosts, mailboxes: Mailboxes) -> None:
        self.clock, self.outbox, self.posts, self.mailboxes = clock, outbox, posts, mailboxes
        self._lock = Lock()
        self._taken: list[Taken] = []
        self._tries: list[Json] = []
        self._answers: list[Json] = []

    def note(self, sender: str, to: str, outcome: str) -> None:
        """A try, whatever became of it."""
        with self._lock:
            self._tries.append({"at": self.clock.now().isoformat(), "from": sender, "to": to, "outcome": outcome})

    def take(self, sender: str, to: str, raw: bytes, *, provider: str = "", token: str = "", id: str = "") -> Taken:
        """It was taken: from here on its script runs."""
        message: Message = email.message_from_bytes(raw, policy=policy)
        taken = Taken(id or uuid4().hex, provider, sender, to, self.clock.now(), raw, message, token)
        with self._lock:
            self._taken.append(taken)
            if len(self._taken) > RAW_KEPT:
                self._taken[len(self._taken) - RAW_KEPT - 1].raw = None
        script = self.mailboxes.of(to)
        if provider:
            self.outbox.later(0.05, lambda: self.posts.track(taken, "delivered", script))
        for seconds, what in script.says:
            wait = seconds if what in REAL else self.clock.real(seconds)
            self.outbox.later(wait, self._answering(taken, what, script))
        return taken

    def answer(self, to: str, what: str, *, words: str = "", callback: str = "") -> Json:
        """To the last e-mail to this address, now. Raises ScriptError."""
        if what not in ANSWERS:
            raise ScriptError(f"unknown answer {what!r}; known: {', '.join(sorted(ANSWERS))}")
        with self._lock:
            mine = [one for one in self._taken if one.to.lower() == to.lower()]
        if not mine:
            raise ScriptError(f"no e-mail to {to} was taken")
        script = self.mailboxes.of(to)
        given = MailScript(words=words or script.words, callback=callback or script.callback, posts=script.posts)
        self._answering(mine[-1], what, given)()
        return {"messageId": str(mine[-1].message["Message-ID"])}

    def _answering(self, taken: Taken, what: str, script: MailScript) -> Callable[[], None]:
        def act() -> None:
            with self._lock:
                self._answers.append({"at": self.clock.now().isoformat(), "from": taken.to, "what": what})
            if what in ("scan", "click", "visit", "open", "unsubscribe"):
                self._visit(taken, what)
                if what != "unsubscribe":
                    return
            if taken.provider and what in TRACKED:
                self.posts.track(taken, what, script)
            elif what != "unsubscribe":
                raw = answer(
                    what, taken.message, to=taken.to, envelope=taken.envelope, now=self.clock.now(), words=script.words
                )
                self.posts.bring(raw, to=goes_to(what, taken.message, taken.envelope), sender=taken.to, script=script)

        return act

    def _visit(self, taken: Taken, what: str) -> None:
        """Links of this machine alone: a scanner asks for all of them, twice over, a person for the first."""
        found = links(taken.message)
        if what == "unsubscribe":
            header = _LINK.search(str(taken.message.get("List-Unsubscribe", "")))
            if header:
                form = {"Content-Type": "application/x-www-form-urlencoded"}
                _ask("POST", header[0], BROWSER, b"List-Unsubscribe=One-Click", form)
            return
        if what == "open":
            found = [one for one in found if one.endswith(".gif")]
        elif what in ("click", "visit"):
            found = [one for one in found if not one.endswith(".gif") and "/u/" not in one][:1]
        for agent in SCANNERS if what == "scan" else (BROWSER,):
            for url in found:
                if what == "scan":
                    _ask("HEAD", url, agent)
                _ask("GET", url, agent)
                if what == "visit":
                    _ask("POST", url, agent, b"")

    def log(self, query: Mapping[str, list[str]]) -> Json:
        """Every try, every e-mail that was taken, every answer. `to`: of these recipients; raw=1: with the bytes."""
        wanted = {one.lower() for one in query.get("to", [])}
        with_raw = query.get("raw") == ["1"]
        with self._lock:
            taken = [one for one in self._taken if not wanted or one.to.lower() in wanted]
            tries = [one for one in self._tries if not wanted or one["to"].lower() in wanted]
            answers = [one for one in self._answers if not wanted or one["from"].lower() in wanted]
        return {
            "now": self.clock.now().isoformat(),
            "tries": tries,
            "hits": [_shown(one, with_raw=with_raw) for one in taken],
            "answers": answers,
            "hitsByRecipient": dict(Counter(one.to for one in taken)),
            "hitsByMessageId": dict(Counter(str(one.message["Message-ID"]) for one in taken)),
        }


def links(message: Message) -> list[str]:
    """Every link of its parts, once, in order."""
    found: dict[str, None] = {}
    for part in message.walk():
        if part.get_content_maintype() == "text":
            content = part.get_payload(decode=True)
            text = content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
            found |= dict.fromkeys(one.replace("&amp;", "&") for one in _LINK.findall(text))
    return list(found)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """A link may lead to the world: not followed."""


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())


def _ask(
    method: str, url: str, agent: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> None:
    if urlsplit(url).hostname not in LOOPBACK:
        return
    request = urllib.request.Request(url, body, {"User-Agent": agent, **(headers or {})}, method=method)
    try:
        with _OPENER.open(request, timeout=5) as response:
            response.read(65536)
    except (URLError, OSError, ValueError):
        return


def _shown(one: Taken, *, with_raw: bool) -> Json:
    shown: Json = {
        "at": one.at.isoformat(),
        "id": one.id,
        "provider": one.provider,
        "to": one.to,
        "envelope": one.envelope,
        "from": str(one.message.get("From", "")),
        "subject": str(one.message.get("Subject", "")),
        "messageId": str(one.message.get("Message-ID", "")),
        "inReplyTo": str(one.message.get("In-Reply-To", "")),
    }
    return shown | {"raw": (one.raw or b"").decode("utf-8", "replace")} if with_raw else shown
