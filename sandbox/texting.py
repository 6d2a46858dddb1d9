"""Text messages of the made-up vendors: who was sent what, what became of it, who wrote back, who has opted out.

`GET /__log` tells it from outside the product: a hit is a message that was taken, whatever the answer said.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Protocol
from uuid import uuid4

from sandbox.clock import Clock
from sandbox.numbers import Numbers, Script
from sandbox.outbox import Outbox, Post
from sandbox.wire import Json

_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWO = set("^{}\\[~]|€\f")
STOPS = {"stop", "stopall", "stop all", "quit", "end", "revoke", "optout", "opt out", "cancel", "unsubscribe"}
STARTS = {"start", "unstop", "yes"}
LATE_S = 60.0  # of the clock
DONE = ("delivered", "undelivered", "failed")


def segments(text: str) -> int:
    """How many segments the carriers count."""
    if all(letter in _GSM or letter in _GSM_TWO for letter in text):
        units, one, more = sum(2 if letter in _GSM_TWO else 1 for letter in text), 160, 153
    else:
        units, one, more = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if units <= one else -(-units // more)


def folded(text: str) -> str:
    """As the vendors compare opt-out words."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().strip(" \t\r\n.,!?").replace("-", " ").split())


@dataclass(slots=True)
class Text:
    """One message, of ours or theirs. Times by the sandbox's clock; validity in its seconds."""

    id: str
    vendor: str
    number: str  # theirs
    ours: str
    words: str
    created: datetime
    incoming: bool = False
    key: str = ""
    callback: str = ""
    validity: float | None = None
    status: str = "queued"
    code: str = ""
    script: Script = field(default_factory=Script)


class Poster(Protocol):
    """What Texts needs of a vendor: its posts."""

    name: str

    def status_post(self, text: Text, status: str, code: str) -> Post | None:
        """The post of a status; None where it is posted nowhere."""

    def incoming_post(self, text: Text) -> Post | None:
        """The post of what a person wrote."""


class Texts:
    """All messages of all vendors. Thread-safe."""

    def __init__(self, clock: Clock, numbers: Numbers, outbox: Outbox, delay_s: float = 0.05) -> None:
        self.clock, self.numbers, self.outbox, self._delay_s = clock, numbers, outbox, delay_s
        self._lock = Lock()
        self._texts: list[Text] = []
        self._requests: list[Json] = []
        self._opted_out: dict[tuple[str, str, str], tuple[datetime, str]] = {}

    # --- What is sent -------------------------------------------------------------------------------------------------

    def take(self, text: Text, poster: Poster) -> Text:
        """The vendor has it: from here on its script runs."""
        with self._lock:
            self._texts.append(text)
        plan, delay = text.script.statuses, self.clock.real(text.script.deliver_after)
        if text.validity is not None and text.script.deliver_after > text.validity:
            plan, delay = ("undelivered:30036",), self.clock.real(text.validity)
        if "early" in text.script.posts:
            for status in plan:
                self._become(text, status, poster)
            self._answers(text, poster, 0.0)
            return text
        steps = [(delay + self._delay_s * (number + 1), status) for number, status in enumerate(plan)]
        for after, status in steps:
            self.outbox.later(after, self._becoming(text, status, poster))
        if "reversed" in text.script.posts and steps:
            self.outbox.later(steps[-1][0] + self._delay_s, lambda: self._post_all(text, tuple(reversed(plan)), poster))
        if not plan or plan[-1].partition(":")[0] == "delivered" or "delivered" in plan:
            self._answers(text, poster, steps[-1][0] if steps else 0.0)
        return text

    def note(self, vendor: str, *, number: str, ours: str, words: str, key: str, outcome: str, status: int) -> None:
        """A request to send, and what it was answered with (status 0: nothing)."""
        request = {
            "at": self.clock.now().isoformat(),
            "vendor": vendor,
            "to": number,
            "from": ours,
            "text": words,
            "key": key,
            "outcome": outcome,
            "status": status,
        }
        with self._lock:
            self._requests.append(request)

    def _becoming(self, text: Text, status: str, poster: Poster) -> Callable[[], None]:
        return lambda: self._become(text, status, poster)

    def _become(self, text: Text, status: str, poster: Poster) -> None:
        kind, _, code = status.partition(":")
        if text.status not in DONE:
            text.status, text.code = kind, code
        if "reversed" not in text.script.posts:
            self._post(poster.status_post(text, kind, code), text.script)

    def _post_all(self, text: Text, plan: tuple[str, ...], poster: Poster) -> None:
        for status in plan:
            kind, _, code = status.partition(":")
            self._post(poster.status_post(text, kind, code), text.script)

    def _post(self, post: Post | None, script: Script) -> None:
        if post is None or "lost" in script.posts:
            return
        if "late" in script.posts:
            self.outbox.later(self.clock.real(LATE_S), lambda: self.outbox.deliver(post))
            return
        for _ in range(2 if "twice" in script.posts else 1):
            self.outbox.deliver(post)

    # --- What people write --------------------------------------------------------------------------------------------

    def _answers(self, text: Text, poster: Poster, after: float) -> None:
        for seconds, words in text.script.says:
            self.outbox.later(after + self.clock.real(seconds), self._saying(text, words, poster))

    def _saying(self, text: Text, words: str, poster: Poster) -> Callable[[], None]:
        def say() -> None:
            self.write(text.number, text.ours, words, poster, text.script)

        return say

    def write(self, number: str, ours: str, words: str, poster: Poster, script: Script | None = None) -> Text:
        """A person writes to one of our numbers. The vendor notes its opt-out words, and posts it."""
        script = script or self.numbers.of(number)
        text = Text(
            id=message_id(poster.name),
            vendor=poster.name,
            number=number,
            ours=ours,
            words=words,
            created=self.clock.now(),
            incoming=True,
            status="received",
            script=script,
        )
        with self._lock:
            self._texts.append(text)
            if folded(words) in STOPS:
                self._opted_out[poster.name, number, ours] = (text.created, folded(words))
            elif folded(words) in STARTS:
                self._opted_out.pop((poster.name, number, ours), None)
        self._post(poster.incoming_post(text), script)
        return text

    # --- What is known ------------------------------------------------------------------------------------------------

    def has_opted_out(self, vendor: str, number: str, ours: str) -> bool:
        """Whether this person has told the vendor to stop, for this number of ours."""
        with self._lock:
            return (vendor, number, ours) in self._opted_out

    def opt_outs(self, vendor: str) -> list[tuple[str, str, datetime, str]]:
        """number, ours, when, word; in their order."""
        with self._lock:
            rows = [(n, o, at, word) for (v, n, o), (at, word) in self._opted_out.items() if v == vendor]
        return sorted(rows, key=lambda row: row[2])

    def of(self, vendor: str) -> list[Text]:
        """The messages of a vendor, the oldest first."""
        with self._lock:
            return [text for text in self._texts if text.vendor == vendor]

    def log(self, query: Mapping[str, list[str]]) -> Json:
        """Every request to send and every message taken; `to`, `from`: of this number; `posts=1`: what was posted."""
        with self._lock:
            requests = [one for one in self._requests if _asked(query, one["to"], one["from"])]
            taken = [text for text in self._texts if not text.incoming and _asked(query, text.number, text.ours)]
            written = [text for text in self._texts if text.incoming and _asked(query, text.number, text.ours)]
        log: Json = {
            "now": self.clock.now().isoformat(),
            "requests": requests,
            "hits": [_shown(text) for text in taken],
            "written": [_shown(text) for text in written],
            "hitsByRecipient": dict(Counter(text.number for text in taken)),
            "hitsByKey": dict(Counter(text.key for text in taken if text.key)),
            "requestsByRecipient": dict(Counter(one["to"] for one in requests)),
            "requestsByKey": dict(Counter(one["key"] for one in requests if one["key"])),
        }
        if query.get("posts") == ["1"]:
            log["posts"] = self.outbox.posted()
        return log


def message_id(vendor: str) -> str:
    """An id in the vendor's shape."""
    return f"SM{uuid4().hex}" if vendor == "twilio" else uuid4().hex[:24]


def _asked(query: Mapping[str, list[str]], number: str, ours: str) -> bool:
    to, sender = (_plus(query.get(name, [])) for name in ("to", "from"))
    return (not to or number in to) and (not sender or ours in sender)


def _plus(values: list[str]) -> set[str]:
    return {f"+{value.strip().removeprefix('+')}" for value in values if value.strip()}  # a bare + is a space there


def _shown(text: Text) -> Json:
    return {
        "at": text.created.isoformat(),
        "vendor": text.vendor,
        "id": text.id,
        "to": text.ours if text.incoming else text.number,
        "from": text.number if text.incoming else text.ours,
        "text": text.words,
        "key": text.key,
        "segments": segments(text.words),
        "status": text.status,
        "error": text.code,
        "validity": text.validity,
    }
