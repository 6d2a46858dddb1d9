"""What becomes of an e-mail, by the address it goes to: where the server breaks, what comes back, who fetches links.

An address has the script that was ordered for it (POST /sandbox/mailboxes); else its local part may name one
(`cut-after-dot@example.com`, `away@example.com`; what follows a + does not count); all others get theirs in silence.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from sandbox.numbers import ScriptError

BREAKS = {  # where the server breaks, or what it answers there
    "cut-at-mail", "cut-at-rcpt", "550", "554-at-rcpt", "full-at-rcpt", "blocked-at-rcpt", "greylist", "throttle",
    "421", "cut-at-data", "451-after-dot", "554", "550-after-dot", "cut-after-dot", "silence", "cut-at-quit",
}  # fmt: skip
HTTP = {"400", "401", "403", "406", "422", "429", "500", "500-after", "502", "503", "504", "hang-before", "hang-after",
        "garbage"}  # of providers  # fmt: skip
ANSWERS = {
    "bounce",
    "unknown-bounce",
    "full",
    "blocked",
    "delayed",
    "forged",
    "complaint",
    "away",
    "reply",
    "stop",
    "alias",
    "copy",
    "scan",
    "click",
    "visit",
    "open",
    "unsubscribe",
}
# Seconds of a real clock, however fast the sandbox's: machines' clicks are told from people's by how quickly they come.
REAL = {"click", "visit"}  # fmt: skip
POSTS = {"twice", "unsigned", "imap"}


@dataclass(frozen=True, slots=True)
class MailScript:
    """at: one of BREAKS or HTTP; "": taken. times: only so many tries meet it; None: all.

    says: seconds after it was taken, by the sandbox's clock, and what comes of it (ANSWERS). words: of a reply, instead
    of the usual. callback: whom it is posted to, instead of the configuration's. posts: how, of POSTS.
    """

    at: str = ""
    times: int | None = None
    says: tuple[tuple[float, str], ...] = ()
    words: str = ""
    callback: str = ""
    posts: frozenset[str] = field(default_factory=frozenset)


_AFTER_S = 3.0
PRESETS: Mapping[str, Mapping[str, Any]] = {
    **{name: {"at": name} for name in sorted(BREAKS | HTTP)},
    **{name: {"at": name, "times": 1} for name in ("greylist", "throttle", "421", "451-after-dot", "429", "503")},
    **{name: {"says": ((_AFTER_S, name),)} for name in sorted(ANSWERS)},
    **{name: {"posts": frozenset({name})} for name in sorted(POSTS)},
    "scan": {"says": ((0.5, "scan"),)},
    "click": {"says": ((30.0, "click"), (120.0, "click"))},  # a second one later than a minute: a person
    "visit": {"says": ((12.0, "visit"),)},  # the page that the link leads to has run its script: a person
}


def script_of(order: object) -> MailScript:
    """A script of names ("greylist+reply"), or {"do": names, "words", "callback", "times"}. Raises ScriptError."""
    if isinstance(order, str):
        order = {"do": order}
    if not isinstance(order, dict) or not set(order) <= {"do", "words", "callback", "times"}:
        raise ScriptError('a script is names joined by +, or {"do", "words", "callback", "times"}')
    script = MailScript(words=str(order.get("words", "")), callback=str(order.get("callback", "")))
    for name in filter(None, str(order.get("do", "")).split("+")):
        if name not in PRESETS:
            raise ScriptError(f"unknown script {name!r}; known: {', '.join(sorted(PRESETS))}")
        given = dict(PRESETS[name])
        given["says"] = script.says + given.get("says", ())
        given["posts"] = script.posts | given.get("posts", frozenset())
        script = replace(script, **given)
    return replace(script, times=int(order["times"])) if order.get("times") is not None else script


class Mailboxes:
    """Which address has which script. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ordered: dict[str, MailScript] = {}
        self._met: Counter[str] = Counter()

    def order(self, order: Mapping[str, Any]) -> None:
        """Raises ScriptError."""
        scripts = {address.lower(): script_of(one) for address, one in order.items()}
        with self._lock:
            self._ordered |= scripts
            for address in scripts:
                self._met.pop(address, None)

    def of(self, address: str) -> MailScript:
        """Whatever has been met of it."""
        address = address.lower()
        local = address.partition("@")[0].partition("+")[0]
        with self._lock:
            return self._ordered.get(address) or (script_of(local) if local in PRESETS else MailScript())

    def at(self, address: str) -> str:
        """What this try meets; a script of so many times is used up."""
        script = self.of(address)
        if not script.at or script.times is None:
            return script.at
        with self._lock:
            self._met[address.lower()] += 1
            return script.at if self._met[address.lower()] <= script.times else ""
