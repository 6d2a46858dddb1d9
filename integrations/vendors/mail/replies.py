"""What an answer of a mail server means: RFC 5321 codes and RFC 3463 statuses. Pure."""

from __future__ import annotations

import re

from integrations.vendors import statuses
from integrations.vendors.errors import Deferred, HeldBack, InDoubt, NotSent, VendorFailure
from integrations.vendors.messages import AccountRefused, Kind, RecipientRefused

LATER_S = 300.0  # greylisting lets a second try in after five minutes at most; Postfix's own first wait
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_CODE = re.compile(r"\b([245]\d\d)\b")
_WANTS_SIGN_IN = frozenset({530, 534, 535, 538})
_THROTTLED = frozenset({"4.7.0", "4.7.28", "4.5.3", "4.3.2"})
_OURS = frozenset({"5.1.7", "5.1.8"})  # the sender's address is bad
_NOBODY = frozenset({"5.2.1", "5.4.4"})  # disabled; no such domain
_FULL = "5.2.2"
_BEFORE = ("greeting", "hello", "starttls")


def status_of(words: str) -> str:
    """5.1.1 and such, the first there is; ""."""
    found = _STATUS.search(words)
    return found[1] if found else ""


def code_of(words: str) -> str:
    """Its status, else its three digits, else ""."""
    found = _CODE.search(words)
    return status_of(words) or (found[1] if found else "")


def kind_of(status: str) -> Kind | None:
    """What a permanent status says, 5.x.x; None: it is none, or says nothing."""
    if not status.startswith("5."):
        return None
    if status in _OURS:
        return Kind.CONFIGURATION
    if status.startswith("5.1.") or status in _NOBODY:
        return Kind.BAD_ADDRESS
    return Kind.CARRIER if status == _FULL else Kind.CONTENT


def failure(phase: str, code: int, words: str) -> VendorFailure:
    """What an answer that is no yes stands for. phase: greeting, hello, starttls, sign-in, mail, rcpt, data, body.

    1. 421, 452, 454 and the statuses of throttling: everybody waits. At the greeting: the server is not there.
    2. Another 4xx: this e-mail later; before there is a recipient, the server does not work.
    3. 5xx: by status; without one a recipient's is hers, and what comes after the text is about the text.
    4. No answer that can be read: not sent; after the text, in doubt.
    """
    said = statuses.impersonal(words.replace("\n", " "))
    status = status_of(words)
    reason = f"The mail server answered {code}{f': {said}' if said else '.'}"
    if 400 <= code < 500:
        if phase in _BEFORE:
            return NotSent(reason, status=code)
        if code in (421, 452, 454) or status in _THROTTLED:
            return HeldBack(reason, status=code)
        if phase in ("sign-in", "mail"):
            return NotSent(reason, status=code)
        return Deferred(reason, status=code, retry_after=LATER_S)
    if not 500 <= code < 600:
        if phase == "body":
            return InDoubt(f"The mail server's answer to the whole e-mail cannot be read ({code}).", status=None)
        return NotSent(f"The mail server's answer cannot be read ({code}).")
    named = {"code": status or str(code), "words": reason, "status": code}
    if phase in _BEFORE:
        return NotSent(reason, status=code)
    if phase == "sign-in" or code in _WANTS_SIGN_IN:
        return AccountRefused(kind=Kind.CONFIGURATION, **named)  # type: ignore[arg-type]
    known = kind_of(status)
    if phase == "mail":
        kind = Kind.CONTENT if code == 552 or status == "5.3.4" else Kind.CONFIGURATION
    elif phase == "rcpt":
        kind = known or (Kind.CARRIER if code == 552 else Kind.BAD_ADDRESS)
    else:
        kind = known or Kind.CONTENT
    return RecipientRefused(kind=kind, **named)  # type: ignore[arg-type]
