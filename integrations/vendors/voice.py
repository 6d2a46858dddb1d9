"""Phone calls by any vendor: place one, change it, find it again, read what the vendor posts. A vendor's own words stay
inside its folder.

`vendor` is a key of `settings.VENDORS` that carries calls: twilio, signalhouse_messaging. Others raise KeyError.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from types import ModuleType

from django.conf import settings

from integrations.vendors import available
from integrations.vendors.messages import MessageRefused, Unreadable
from integrations.vendors.phone_calls import (
    ENDS,
    AnsweredBy,
    CallPost,
    Dial,
    DialEnd,
    FoundCall,
    LegEvent,
    Placed,
)
from integrations.vendors.signalhouse_messaging import voice as signalhouse
from integrations.vendors.twilio import call_posts, twiml
from integrations.vendors.twilio import voice as twilio
from integrations.vendors.twilio.posts import fields_of

__all__ = [
    "ENDS",
    "AnsweredBy",
    "CallPost",
    "Dial",
    "DialEnd",
    "FoundCall",
    "LegEvent",
    "MessageRefused",
    "Placed",
    "Unreadable",
    "ask_for_key",
    "bridge",
    "can_play",
    "can_speak",
    "dedupe_of",
    "end_of_line",
    "fetch",
    "find",
    "hang_up",
    "has_pressed",
    "lack",
    "leg_of",
    "place",
    "play",
    "read_post",
    "refuse_bridge",
]

_CLIENTS: Mapping[str, ModuleType] = {"twilio": twilio, "signalhouse_messaging": signalhouse}


def place(vendor: str, dial: Dial) -> Placed:
    """Places it, in one request: what `execution.execute` calls. It is never repeated.

    Raises NotSent (HeldBack for 429): certainly not placed. InDoubt: it may have been placed, and a phone may ring.
    MessageRefused: not placed; as an AccountRefused, or a bare Misconfigured, none is before an operator acts.
    """
    placed: Placed = _CLIENTS[vendor].place(dial)
    return placed


def lack(vendor: str) -> str:
    """Why no call can be placed with this vendor, naming the variable, in words without a period; "": it can."""
    if lacking := available.lack(vendor):
        return lacking
    if vendor == "twilio" and not settings.PUBLIC_URL:
        return "Twilio cannot ask us what to do once you have answered: PUBLIC_URL is not set"
    return ""


def can_play(vendor: str) -> bool:
    """Whether a recording can be played into a call that goes on."""
    _CLIENTS[vendor]
    return vendor == "twilio"


def can_speak(vendor: str) -> bool:
    """Whether words can be spoken in a call of their own (`Dial.say`)."""
    _CLIENTS[vendor]
    return vendor == "twilio"


def hang_up(vendor: str, vendor_id: str) -> None:
    """Ends a call, or a leg. Free. Raises a VendorFailure: it has ended already, for one."""
    _CLIENTS[vendor].hang_up(vendor_id)


def play(vendor: str, vendor_id: str, url: str) -> None:
    """Plays what is at this address on a leg that is answered, then hangs that up. Free. Raises a VendorFailure.

    vendor: one that `can_play`.
    """
    _CLIENTS[vendor].play(vendor_id, url)


def fetch(vendor: str, vendor_id: str) -> FoundCall:
    """How far a call is. Free. Raises a VendorFailure."""
    found: FoundCall = _CLIENTS[vendor].fetch(vendor_id)
    return found


def find(vendor: str, dial: Dial, since: datetime, *, known: Collection[str] = ()) -> FoundCall | None:
    """The call at the vendor, made at `since` or later (the vendor's clock): for one in doubt. Free.

    known: the vendor's ids of other calls of ours. None: the vendor has none such (yet). Raises a VendorFailure.
    """
    found: FoundCall | None = _CLIENTS[vendor].find(dial, since, known)
    return found


# --- What Twilio posts and asks: SignalHouse's posts of calls are not documented --------------------------------------


def read_post(headers: Mapping[str, str], body: bytes) -> CallPost | Unreadable | None:
    """What a post of a call says. None: a known shape that is no business of ours. Never raises for what it holds."""
    return call_posts.read(_lowered(headers), body)


def dedupe_of(headers: Mapping[str, str], body: bytes) -> str:
    """Equal for two posts of the same event. Up to 128 characters."""
    return call_posts.dedupe(_lowered(headers), body)


def leg_of(headers: Mapping[str, str], body: bytes) -> str:
    """The vendor's id of the leg that a request is about; "": it names none."""
    return call_posts.call_id(fields_of(_lowered(headers), body) or {})


def has_pressed(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a request tells of a key that was pressed on the leg it is about."""
    return bool((fields_of(_lowered(headers), body) or {}).get("Digits", "").strip())


def ask_for_key(words: str, *, url: str, seconds: int) -> str:
    """The answer to "she has answered: what now?": the words, and `url` is asked once a key is pressed. XML."""
    return twiml.ask_for_key(words, url=url, seconds=seconds)


def bridge(*, to: str, caller_id: str, call_url: str, dial_url: str, amd_url: str, ring_seconds: int) -> str:
    """The answer to "she has pressed a key: what now?": dial the lead and join them. XML."""
    return twiml.bridge(
        to=to, caller_id=caller_id, call_url=call_url, dial_url=dial_url, amd_url=amd_url, ring_seconds=ring_seconds
    )


def refuse_bridge(words: str) -> str:
    """The same where the lead must not be called: says so and hangs up. XML."""
    return twiml.say_and_hang_up(words)


def end_of_line() -> str:
    """Nothing more is done on this leg. XML."""
    return twiml.hang_up()


def _lowered(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}
