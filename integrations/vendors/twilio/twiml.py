"""What Twilio is told to do in a call (TwiML). Contract: docs/vendors/twilio.md 8. Pure."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

BEGIN = '<?xml version="1.0" encoding="UTF-8"?>'


def ask_for_key(words: str, *, url: str, seconds: int) -> str:
    """Speaks, and posts the first key that is pressed within `seconds` to `url`; none: the call ends."""
    # finishOnKey="": each key is one, # too, which would end the input empty
    gather = {"action": url, "numDigits": "1", "finishOnKey": "", "timeout": str(seconds)}
    return _response(f"<Gather{_attributes(gather)}><Say>{escape(words)}</Say></Gather><Hangup/>")


def bridge(*, to: str, caller_id: str, call_url: str, dial_url: str, amd_url: str = "", ring_seconds: int = 25) -> str:
    """Dials the lead and joins her to the caller once she has answered. amd_url: asks whether a machine picked up."""
    number = {
        "statusCallbackEvent": "initiated ringing answered completed",
        "statusCallback": call_url,
        **({"machineDetection": "Enable", "amdStatusCallback": amd_url} if amd_url else {}),
    }
    dial = {
        "answerOnBridge": "true",
        "timeout": str(ring_seconds),
        "callerId": caller_id,
        "action": dial_url,
    }
    return _response(f"<Dial{_attributes(dial)}><Number{_attributes(number)}>{escape(to)}</Number></Dial>")


def say_and_hang_up(words: str, *, times: int = 1) -> str:
    """Speaks to whoever is on the line, then ends the call. times: how often."""
    said = f"<Say>{escape(words)}</Say>"
    return _response('<Pause length="1"/>'.join([said] * times) + "<Hangup/>")


def play(url: str) -> str:
    """Plays a recording on this leg, then ends it."""
    return _response(f"<Play>{escape(url)}</Play><Hangup/>")


def hang_up() -> str:
    return _response("<Hangup/>")


def nothing() -> str:
    """To a post that asks for nothing."""
    return f"{BEGIN}<Response/>"


def _response(inner: str) -> str:
    return f"{BEGIN}<Response>{inner}</Response>"


def _attributes(values: dict[str, str]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in values.items())
