"""What SignalHouse's codes and words of a failure mean (docs/vendors/signalhouse.md 2.3): its list is not public."""

from __future__ import annotations

import re

from integrations.vendors.messages import Kind

_CODES = {"OUT": Kind.OPTED_OUT}
_WORDS = (
    (re.compile(r"opted.?out|do.not.contact|\bdnc\b", re.IGNORECASE), Kind.OPTED_OUT),
    (re.compile(r"campaign\b.*\bnot active|compliance review|is suspended", re.IGNORECASE), Kind.PAUSED),
    (re.compile(r"10\s?dlc|not registered|unregistered", re.IGNORECASE), Kind.UNREGISTERED),
    (re.compile(r"balance|insufficient|funds", re.IGNORECASE), Kind.BALANCE),
    (re.compile(r"landline", re.IGNORECASE), Kind.LANDLINE),
    (re.compile(r"sender|not ready", re.IGNORECASE), Kind.CONFIGURATION),
    (re.compile(r"(invalid|not a valid|unknown|inactive)\b.*\b(number|recipient)", re.IGNORECASE), Kind.BAD_NUMBER),
)


def kind_of(code: str, words: str) -> Kind | None:
    """What a failure means; None where neither its code nor its words say."""
    if code in _CODES:
        return _CODES[code]
    folded = words.replace("_", " ")
    return next((kind for pattern, kind in _WORDS if pattern.search(folded)), None)
