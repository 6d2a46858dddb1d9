"""What becomes of a text, by the number it goes to: how the vendor answers, what it posts, what the person replies.

A number has the script that was ordered for it (POST /sandbox/numbers), a request the one of its header X-Sandbox-Do.
The numbers +1 680 555 0150 to 0199 have one each without an order (`ENDINGS`); all others get their texts in silence.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from threading import Lock
from typing import Any, TypeVar

S = TypeVar("S", bound=Any)  # a dataclass with `posts`

HEADER = "x-sandbox-do"
SCRIPTED_AREA = "+1680555"  # upstate New York: no made-up parcel has a person there
NUMBER = re.compile(r"\+1(?!555)[2-9]\d{2}[2-9]\d{6}")  # an area code 555 there is not
HOUR = 3600.0

FAULTS = {  # name: what the answer to the request is, before anything is taken, or after
    "401", "402", "403", "429", "500", "502", "503", "504",
    "500_after", "hang_before", "hang_after", "slow", "garbage",
}  # fmt: skip
REFUSALS = {"opted_out", "dnc", "bad_number", "landline", "unregistered", "paused", "failed"}
POSTS = {
    "twice", "reversed", "early", "late", "lost", "unsigned", "wrong_secret", "old_secret", "both_secrets",
    "new_scheme", "other_port", "doubled_key", "json", "opt_out_type",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Script:
    """at_send: one of FAULTS or REFUSALS; "": taken. times: only so many requests meet it; None: all.

    statuses: what is posted, in order; "failed:30008" has a code. deliver_after: seconds until the first, by the
    sandbox's clock. says: seconds after the last status, and the person's words. posts: how it posts, of POSTS.
    """

    at_send: str = ""
    times: int | None = None
    statuses: tuple[str, ...] = ("sent", "delivered")
    deliver_after: float = 0.0
    says: tuple[tuple[float, str], ...] = ()
    posts: frozenset[str] = field(default_factory=frozenset)


PRESETS: Mapping[str, Mapping[str, Any]] = {
    **{name: {"at_send": name} for name in sorted(FAULTS | REFUSALS)},
    **{name: {"at_send": name, "times": 1} for name in ("429", "502", "503")},  # then it works again
    **{name: {"posts": frozenset({name})} for name in sorted(POSTS)},
    "silent": {"statuses": ()},
    "hours": {"deliver_after": 4 * HOUR},
    "unreachable": {"statuses": ("sent", "undelivered:30003")},
    "blocked": {"statuses": ("sent", "undelivered:30004")},
    "unknown": {"statuses": ("sent", "undelivered:30005")},
    "no_texts": {"statuses": ("sent", "undelivered:30006")},
    "filtered": {"statuses": ("sent", "undelivered:30007")},
    "lost_by_carrier": {"statuses": ("sent", "failed:30008")},
    "not_registered": {"statuses": ("failed:30034",)},
    "opted_out_later": {"statuses": ("failed:OUT",)},
    "every_order": {"statuses": ("delivered", "sent", "delivered", "failed:30008")},
    "stop": {"says": ((3.0, "STOP"),)},
    "bill": {"says": ((3.0, "We have got to STOP this bill"),)},
    "wrong": {"says": ((3.0, "wrong number"),)},
    "start": {"says": ((3.0, "STOP"), (6.0, "START"))},
    "help": {"says": ((3.0, "HELP"),)},
    "emoji": {"says": ((3.0, "\N{THUMBS UP SIGN}"),)},
    "three": {"says": ((3.0, "Hi"), (3.4, "who is this"), (3.8, "and how do you know my house?"))},
    "question": {"says": ((5.0, "Who is this? How did you get my number?"),)},
    "yes": {"says": ((5.0, "Yes, call me tomorrow"),)},
    "month": {"says": ((30 * 24 * HOUR, "Are you still interested in the house?"),)},
}
ENDINGS = {
    50: "stop", 51: "bill", 52: "wrong", 53: "start", 54: "help", 55: "emoji", 56: "three", 57: "question", 58: "yes",
    59: "month", 60: "hang_after", 61: "hang_before", 62: "401", 63: "402", 64: "429", 65: "500", 66: "500_after",
    67: "503", 68: "slow", 69: "garbage", 70: "opted_out", 71: "dnc", 72: "bad_number", 73: "landline",
    74: "unregistered", 75: "paused", 76: "failed", 80: "unreachable", 81: "blocked", 82: "unknown", 83: "no_texts",
    84: "filtered", 85: "lost_by_carrier", 86: "not_registered", 87: "opted_out_later", 88: "silent", 90: "twice",
    91: "reversed", 92: "unsigned", 93: "late", 94: "old_secret", 95: "hours", 96: "other_port", 97: "early",
    98: "every_order", 99: "doubled_key",
}  # fmt: skip


class ScriptError(Exception):
    """A script nobody could mean; the text names the mistake."""


def script_of(order: object) -> Script:
    """A script from names ("stop+twice") or a JSON object of its fields, `do` naming others. Raises ScriptError."""
    if isinstance(order, str):
        return named(order, Script(), PRESETS)
    if not isinstance(order, dict):
        raise ScriptError("a script is names joined by +, or an object")
    script = named(str(order.get("do", "")), Script(), PRESETS)
    known = {one.name for one in fields(Script)}
    for name, value in order.items():
        if name == "do":
            continue
        if name not in known:
            raise ScriptError(f"unknown field {name!r}; known: do, {', '.join(sorted(known))}")
        try:
            script = replace(script, **{name: _value(name, value)})
        except (TypeError, ValueError):
            raise ScriptError(f"{name}: {value!r} cannot be read") from None
    return script


def _value(name: str, value: Any) -> Any:
    if name == "says":
        return tuple((float(after), str(words)) for after, words in value)
    if name == "statuses":
        return tuple(str(one) for one in value)
    if name == "posts":
        unknown = set(value) - POSTS
        if unknown:
            raise ValueError(unknown)
        return frozenset(value)
    if name == "deliver_after":
        return float(value)
    if name == "times":
        return None if value is None else int(value)
    if value not in FAULTS | REFUSALS | {""}:
        raise ValueError(value)
    return value


def named(names: str, script: S, presets: Mapping[str, Mapping[str, Any]]) -> S:
    """A script that these presets change, by their names joined by +. Raises ScriptError."""
    for name in filter(None, names.split("+")):
        if name not in presets:
            raise ScriptError(f"unknown script {name!r}; known: {', '.join(sorted(presets))}")
        preset = dict(presets[name])
        if "posts" in preset:
            preset["posts"] = script.posts | preset["posts"]
        script = replace(script, **preset)
    return script


class Numbers:
    """The scripts that were ordered, how often each has been met, and where our own numbers are called back."""

    def __init__(self, default: str = "", callback_base: str = "") -> None:
        self._lock = Lock()
        self._default, self._callback_base = script_of(default), callback_base
        self._scripts: dict[str, Script] = {}
        self._callbacks: dict[str, str] = {}
        self._met: Counter[tuple[str, str]] = Counter()

    def order(self, orders: Mapping[str, object]) -> None:
        """These numbers get these scripts from now on. Raises ScriptError, and then nothing has changed."""
        scripts = {number: script_of(order) for number, order in orders.items()}
        if bad := next((number for number in scripts if not NUMBER.fullmatch(number)), None):
            raise ScriptError(f"{bad!r} is no number such as +12025550143")
        with self._lock:
            self._scripts |= scripts
            self._met = Counter({key: times for key, times in self._met.items() if key[0] not in scripts})

    def call_back(self, callbacks: Mapping[str, str]) -> None:
        """Where what is written to these numbers of ours is posted: the base address of a product."""
        with self._lock:
            self._callbacks |= callbacks

    def base_of(self, ours: str) -> str:
        """The base address of the product a number is of, without a slash; "": nobody's."""
        with self._lock:
            return self._callbacks.get(ours, self._callback_base).rstrip("/")

    def script(self, number: str, headers: Mapping[str, str]) -> Script:
        """The script of a request to this number. A fault that has been met often enough is left out."""
        ordered = headers.get(HEADER, "")
        with self._lock:
            script = script_of(ordered) if ordered else self._of(number)
            if script.at_send and script.times is not None:
                self._met[number, script.at_send] += 1
                if self._met[number, script.at_send] > script.times:
                    return replace(script, at_send="")
            return script

    def of(self, number: str) -> Script:
        """The script of a number, outside a request."""
        with self._lock:
            return self._of(number)

    def _of(self, number: str) -> Script:
        if number in self._scripts:
            return self._scripts[number]
        if number.startswith(f"{SCRIPTED_AREA}01"):
            return script_of(ENDINGS.get(int(number[-2:]), ""))
        return self._default
