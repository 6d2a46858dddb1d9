"""What Twilio posts: statuses of our messages, and what people write. Contract: docs/vendors/twilio.md 4, 5. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from integrations.vendors import normalise, statuses
from integrations.vendors.incoming import clean_text, number_of
from integrations.vendors.messages import IncomingText, Post, RawPost, StatusEvent, Unreadable
from integrations.vendors.twilio import codes

NAME = "twilio"
KINDS = {
    "queued": "accepted",
    "accepted": "accepted",
    "scheduled": "accepted",
    "sending": "accepted",
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "undelivered",
    "failed": "failed",
    "canceled": "failed",
}
_RECEIVED = ("received", "receiving")
_SID = re.compile(r"[A-Za-z0-9]{10,64}", re.ASCII)
_FORM = "application/x-www-form-urlencoded"


def read(headers: Mapping[str, str], body: bytes) -> list[Post] | Unreadable:
    """As `messaging.read_post`."""
    fields = fields_of(headers, body)
    if fields is None:
        return Unreadable(NAME, "it is neither a form nor JSON")
    sid = _sid(fields)
    if not sid:
        return Unreadable(NAME, "it names no message")
    state = _state(fields)
    if state in _RECEIVED or (not state and "Body" in fields):
        return _incoming(sid, fields)
    if state not in KINDS:
        return []
    return [_status(sid, KINDS[state], fields)]


def dedupe(headers: Mapping[str, str], body: bytes) -> str:
    """As `messaging.dedupe_of`: the message and its status. Not I-Twilio-Idempotency-Token, which a message that is
    fetched after an outage does not have.
    """
    fields = fields_of(headers, body) or {}
    sid, state = _sid(fields), _state(fields)
    if not sid:
        return f"body:{hashlib.sha256(body).hexdigest()}"
    if state in _RECEIVED or not state:
        return f"{sid}:received"
    return f"{sid}:{state}:{code_of(fields.get('ErrorCode'))}"[:128]


def as_post(resource: Mapping[str, Any]) -> RawPost | None:
    """A message of the list as the post it was, or would have been; None for one whose fate is open."""
    state = normalise.text(resource.get("status"), limit=30) or ""
    incoming = resource.get("direction") == "inbound"
    if not incoming and KINDS.get(state, "accepted") == "accepted":
        return None
    fields = {
        "MessageSid": resource.get("sid"),
        "From": resource.get("from"),
        "To": resource.get("to"),
        **({"SmsStatus": "received"} if incoming else {"MessageStatus": state}),
        **({"Body": resource.get("body"), "NumMedia": resource.get("num_media")} if incoming else {}),
        "ErrorCode": resource.get("error_code"),
    }
    body = urlencode({name: str(value) for name, value in fields.items() if value is not None}).encode()
    headers = {"content-type": _FORM}
    return RawPost(body=body, headers=headers, dedupe=dedupe(headers, body))


def code_of(value: object) -> str:
    """An error code as text; empty where there is none."""
    number = normalise.integer(value, most=10**9)
    return str(number) if number else ""


def rfc_2822(value: object) -> datetime | None:
    """A date as its resources have it; None where it is none."""
    try:
        moment = parsedate_to_datetime(value) if isinstance(value, str) else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment is None:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _status(sid: str, kind: str, fields: Mapping[str, str]) -> StatusEvent:
    code = code_of(fields.get("ErrorCode")) if kind in ("undelivered", "failed") else ""
    return StatusEvent(
        vendor=NAME,
        vendor_id=sid,
        kind=kind,
        error=code,
        words=statuses.impersonal(normalise.text(fields.get("ErrorMessage"), limit=1000) or ""),
        refusal=codes.kind_of(code),
        at=_carriers_date(fields.get("RawDlrDoneDate")),
    )


def _incoming(sid: str, fields: Mapping[str, str]) -> list[Post] | Unreadable:
    number = number_of(fields.get("From"))
    if not number:
        return Unreadable(NAME, "it says of nobody that they wrote")
    word = (fields.get("OptOutType") or "").strip().upper()
    word = word if word in ("STOP", "START", "HELP") else ""
    return [
        IncomingText(
            vendor=NAME,
            vendor_id=sid,
            number=number,
            ours=number_of(fields.get("To")),
            text=clean_text(fields.get("Body")),
            is_answered=bool(word),
            opt_out=word,
            media=normalise.integer(fields.get("NumMedia"), most=100) or 0,
        )
    ]


def fields_of(headers: Mapping[str, str], body: bytes) -> Mapping[str, str] | None:
    """The fields of a form, or of a flat JSON object; None where it is neither. The first of a doubled field counts."""
    text = body.decode("utf-8", errors="replace")
    if "json" in headers.get("content-type", "") or text.lstrip()[:1] == "{":
        try:
            found = normalise.parse_json(body)
        except ValueError:
            return None
        if not isinstance(found, dict):
            return None
        return {name: str(value) for name, value in found.items() if isinstance(value, str | int)}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=500)
    except ValueError:
        return None
    return dict(reversed(pairs)) if pairs else None


def _sid(fields: Mapping[str, str]) -> str:
    for name in ("MessageSid", "SmsMessageSid", "SmsSid"):
        if _SID.fullmatch(fields.get(name, "")):
            return fields[name]
    return ""


def _state(fields: Mapping[str, str]) -> str:
    return (fields.get("MessageStatus") or fields.get("SmsStatus") or "").strip().lower()


def _carriers_date(value: str | None) -> datetime | None:
    """RawDlrDoneDate, YYMMDDhhmm, taken for UTC."""
    if value is None or not re.fullmatch(r"\d{10}", value, re.ASCII):
        return None
    try:
        return datetime.strptime(value, "%y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None
