"""What Twilio posts of calls. Contract: docs/vendors/twilio.md 8. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from integrations.vendors import normalise
from integrations.vendors.messages import Unreadable
from integrations.vendors.phone_calls import KINDS as ORDER
from integrations.vendors.phone_calls import AnsweredBy, CallPost, DialEnd, LegEvent
from integrations.vendors.twilio.posts import NAME, fields_of

KINDS = {
    "queued": "queued",
    "initiated": "queued",
    "ringing": "ringing",
    "in-progress": "answered",
    "answered": "answered",
    "completed": "completed",
    "busy": "busy",
    "no-answer": "no_answer",
    "failed": "failed",
    "canceled": "canceled",
}
DIALED = {**KINDS, "answered": "completed"}  # the lead answered, and that leg is over
_SID = re.compile(r"[A-Za-z0-9]{10,64}", re.ASCII)
_MACHINE = re.compile(r"[a-z_]{1,20}", re.ASCII)


def read(headers: Mapping[str, str], body: bytes) -> CallPost | Unreadable | None:
    """What a post says; None: a known shape that is no business of ours.

    1. How dialing the lead ended. 2. Who picked up. 3. What became of a leg.
    """
    fields = fields_of(headers, body)
    if fields is None:
        return Unreadable(NAME, "it is neither a form nor JSON")
    sid = call_id(fields)
    if not sid:
        return Unreadable(NAME, "it names no call")
    if fields.get("DialCallStatus"):
        kind = DIALED.get(fields["DialCallStatus"].strip().lower())
        seconds = normalise.integer(fields.get("DialCallDuration"), most=10**6)
        return DialEnd(NAME, sid, _sid(fields.get("DialCallSid")), kind, seconds) if kind else None
    said = (fields.get("AnsweredBy") or "").strip().lower()
    if said and "CallbackSource" not in fields:
        return AnsweredBy(NAME, sid, said) if _MACHINE.fullmatch(said) else None
    kind = KINDS.get((fields.get("CallStatus") or "").strip().lower())
    if kind is None:
        return None
    sequence = normalise.integer(fields.get("SequenceNumber"), most=10**6)
    seconds = normalise.integer(fields.get("CallDuration"), most=10**6)
    return LegEvent(
        vendor=NAME,
        vendor_id=sid,
        kind=kind,
        sequence=ORDER.index(kind) if sequence is None else sequence,
        parent_id=_sid(fields.get("ParentCallSid")),
        seconds=seconds,
        code=normalise.text(fields.get("SipResponseCode") or fields.get("ErrorCode"), limit=20) or "",
    )


def dedupe(headers: Mapping[str, str], body: bytes) -> str:
    """Equal for two posts of the same event: the call, and its place among the call's events or what it is about."""
    fields = fields_of(headers, body) or {}
    sid = call_id(fields)
    if not sid:
        return f"body:{hashlib.sha256(body).hexdigest()}"
    if fields.get("DialCallStatus"):
        return f"{sid}:dial:{fields['DialCallStatus']}"[:128]
    if fields.get("AnsweredBy") and "CallbackSource" not in fields:
        return f"{sid}:amd:{fields['AnsweredBy']}"[:128]
    return f"{sid}:{fields.get('SequenceNumber', '')}:{fields.get('CallStatus', '')}"[:128]


def call_id(fields: Mapping[str, str]) -> str:
    """The leg that a post is of; "": it names none."""
    return _sid(fields.get("CallSid"))


def _sid(value: str | None) -> str:
    return value if value and _SID.fullmatch(value) else ""
