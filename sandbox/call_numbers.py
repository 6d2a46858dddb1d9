"""What becomes of a call, by the number it goes to: how the vendor answers, who picks up, what is posted.

A number has the script that was ordered for it (POST /sandbox/calls), a request to place one that of its header
X-Sandbox-Do. The numbers +1 680 555 0150 to 0199 have one each without an order (`ENDINGS`); at all others a person
picks up and talks until somebody hangs up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from threading import Lock
from typing import Any

from sandbox.numbers import FAULTS, HEADER, NUMBER, POSTS, SCRIPTED_AREA, ScriptError, named

DIALED = ("completed", "answered", "busy", "no-answer", "failed", "canceled")  # DialCallStatus
ANSWERED = ("completed", "answered")
REFUSALS = {"bad_number", "not_ours"}


@dataclass(frozen=True, slots=True)
class CallScript:
    """at_place: one of FAULTS or REFUSALS; "": taken. ends: how ringing this number ends, of DIALED. answered_by: who
    picks up. rings, talks: seconds by the sandbox's clock; talks None: until somebody hangs up. presses: a key, where
    who picks up is asked for one. posts: as of texts.
    """

    at_place: str = ""
    ends: str = "completed"
    answered_by: str = "human"
    rings: float = 2.0
    talks: float | None = None
    presses: bool = True
    posts: frozenset[str] = field(default_factory=frozenset)


PRESETS: Mapping[str, Mapping[str, Any]] = {
    **{name: {"at_place": name} for name in sorted(FAULTS | REFUSALS)},
    **{name: {"posts": frozenset({name})} for name in sorted(POSTS)},
    **{name.replace("-", "_"): {"ends": name} for name in DIALED if name not in ANSWERED},
    "answered": {"ends": "answered", "talks": 30.0},
    "human": {},
    "brief": {"talks": 30.0},
    "no_key": {"presses": False},
    "machine": {"answered_by": "machine_start", "talks": 40.0},
    "beep": {"answered_by": "machine_end_beep", "talks": 60.0},
    "fax": {"answered_by": "fax", "talks": 10.0},
    "unknown": {"answered_by": "unknown", "talks": 30.0},
}
ENDINGS = {
    50: "human", 51: "machine", 52: "busy", 53: "no_answer", 54: "failed", 55: "canceled", 56: "fax", 57: "unknown",
    58: "answered", 59: "brief", 60: "hang_after", 61: "hang_before", 62: "401", 63: "402", 64: "429", 65: "500",
    66: "500_after", 67: "503", 69: "garbage", 70: "bad_number", 71: "not_ours", 72: "no_key", 90: "brief+twice",
    91: "brief+reversed", 92: "brief+unsigned", 93: "brief+late", 94: "brief+new_scheme", 95: "brief+lost",
}  # fmt: skip


def script_of(order: object) -> CallScript:
    """A script from names ("machine+twice") or a JSON object of its fields, `do` naming others. Raises ScriptError."""
    if isinstance(order, str):
        return named(order, CallScript(), PRESETS)
    if not isinstance(order, dict):
        raise ScriptError("a script is names joined by +, or an object")
    known, script = {one.name for one in fields(CallScript)}, named(str(order.get("do", "")), CallScript(), PRESETS)
    for name, value in order.items():
        if name == "do":
            continue
        if name not in known:
            raise ScriptError(f"unknown field {name!r}; known: do, {', '.join(sorted(known))}")
        known_value: Any = frozenset(value) if name == "posts" else value
        script = replace(script, **{name: known_value})
    if script.ends not in DIALED:
        raise ScriptError(f"ends is one of {', '.join(DIALED)}")
    return script


class CallNumbers:
    """The scripts that were ordered."""

    def __init__(self) -> None:
        self._lock, self._scripts = Lock(), dict[str, CallScript]()

    def order(self, orders: Mapping[str, object]) -> None:
        """These numbers get these scripts from now on. Raises ScriptError, and then nothing has changed."""
        scripts = {number: script_of(order) for number, order in orders.items()}
        if bad := next((number for number in scripts if not NUMBER.fullmatch(number)), None):
            raise ScriptError(f"{bad!r} is no number such as +12025550143")
        with self._lock:
            self._scripts |= scripts

    def script(self, number: str, headers: Mapping[str, str] | None = None) -> CallScript:
        """Of a number, or of a request to call it."""
        ordered = (headers or {}).get(HEADER, "")
        if ordered:
            return script_of(ordered)
        with self._lock:
            if number in self._scripts:
                return self._scripts[number]
        if number.startswith(f"{SCRIPTED_AREA}01"):
            return script_of(ENDINGS.get(int(number[-2:]), ""))
        return CallScript()
