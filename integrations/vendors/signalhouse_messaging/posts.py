"""What SignalHouse posts: statuses, what people write, warnings. Contract: docs/vendors/signalhouse.md 2.4. Pure."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.vendors import normalise, statuses
from integrations.vendors.incoming import clean_text, number_of
from integrations.vendors.messages import HealthEvent, IncomingText, Post, RawPost, StatusEvent, Unreadable
from integrations.vendors.signalhouse_messaging import codes

NAME = "signalhouse_messaging"
STATUSES = {
    "ENQUEUED": "accepted",
    "DEQUEUED": "accepted",
    "SENT": "sent",
    "DELIVERED": "delivered",
    "FAILED": "failed",
}
_EVENTS = {"MESSAGE_SENT": "sent", "MESSAGE_DELIVERED": "delivered", "MESSAGE_FAILED": "failed"}
_HEALTH = {
    "NUMBER_HEALTH_BELOW_THRESHOLD": ("number", "phoneNumber", "The health of one of your numbers is low."),
    "CAMPAIGN_HEALTH_BELOW_THRESHOLD": ("campaign", "campaignId", "The health of one of your campaigns is low."),
}
_ID = re.compile(r"[\w-]{1,80}", re.ASCII)
# The whole message, folded: its own list (docs/vendors/signalhouse.md 2.5).
_STOPS = frozenset(
    {
        "stop", "stopall", "stop all", "quit", "end", "revoke", "optout", "opt out", "opt-out", "cancel", "unsubscribe",
    }
)  # fmt: skip


def read(body: bytes) -> list[Post] | Unreadable:
    """As `messaging.read_post`."""
    event = _event(body)
    if event is None:
        return Unreadable(NAME, "it is no JSON object with an event")
    name, data = str(event["event"]), normalise.mapping(event.get("metaData"))
    if name == "MESSAGE_RECEIVED":
        return _incoming(event, data)
    if name in _HEALTH:
        return [_health(name, event, data)]
    if name not in _EVENTS:
        return []
    vendor_id = _identifier(data.get("_id")) or _identifier(event.get("identifier"))
    if not vendor_id:
        return Unreadable(NAME, "it names no message")
    kind = _EVENTS[name]
    error, words = failure_of(data) if kind == "failed" else ("", "")
    return [
        StatusEvent(
            vendor=NAME,
            vendor_id=vendor_id,
            kind=kind,
            error=error,
            words=words,
            refusal=codes.kind_of(error, words) if kind == "failed" else None,
            at=moment(event.get("timestamp")),
        )
    ]


def dedupe(headers: Mapping[str, str], body: bytes) -> str:
    """As `messaging.dedupe_of`: the event and its message. Not X-SignalHouse-Delivery-Id, which its own record of the
    event does not have; only where nothing else tells.
    """
    event = _event(body)
    if event is not None and (identifier := _identifier(event.get("identifier"))):
        name = str(event["event"])[:40]
        known = name in _EVENTS or name == "MESSAGE_RECEIVED"  # once a message; of a number's health there are many
        moment_text = "" if known else f":{normalise.text(event.get('timestamp'), limit=40)}"
        return f"{name}:{identifier}{moment_text}"[:128]
    delivery = _identifier(headers.get("x-signalhouse-delivery-id"))
    return f"delivery:{delivery}" if delivery else f"body:{hashlib.sha256(body).hexdigest()}"


def as_post(record: Mapping[str, Any]) -> RawPost:
    """A record of `GET /notification` as the post it was."""
    kept = {name: record.get(name) for name in ("timestamp", "event", "identifier", "metaData")}
    body = json.dumps(kept, default=_plain, ensure_ascii=False).encode("utf-8", errors="replace")
    return RawPost(body=body, headers={"content-type": "application/json"}, dedupe=dedupe({}, body))


def moment(value: object) -> datetime | None:
    """An ISO moment with a zone, as UTC; None where it is none."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.astimezone(UTC) if found is not None and found.tzinfo is not None else None


def failure_of(record: Mapping[str, Any]) -> tuple[str, str]:
    """The code and the words of a failed message, without a number in them."""
    words = normalise.text(record.get("successOrFailureReason"), limit=1000) or ""
    return normalise.text(record.get("errorCode"), limit=60) or "", statuses.impersonal(words)


def _incoming(event: Mapping[str, Any], data: Mapping[str, Any]) -> list[Post] | Unreadable:
    record = normalise.mapping(data.get("Message")) or data
    number, vendor_id = number_of(record.get("senderPhoneNumber")), _identifier(record.get("_id"))
    vendor_id = vendor_id or _identifier(event.get("identifier"))
    if not number or not vendor_id:
        return Unreadable(NAME, "it says of nobody that they wrote")
    text = clean_text(record.get("messageBody"))
    word = _keyword(text)
    return [
        IncomingText(
            vendor=NAME,
            vendor_id=vendor_id,
            number=number,
            ours=number_of(record.get("recipientPhoneNumber") or record.get("phoneNumber")),
            text=text,
            is_answered=bool(word),
            opt_out=word,
            media=len(normalise.sequence(record.get("externalMediaUrls"))),
            at=moment(event.get("timestamp")) or moment(record.get("createdAt")),
        )
    ]


def _keyword(text: str) -> str:
    """Which of the vendor's words it is, that the vendor answers by itself: STOP, HELP or none."""
    folded = " ".join(unicodedata.normalize("NFKC", text).lower().strip(" \t\r\n.,!?;:\"'").split())
    if folded in _STOPS:
        return "STOP"
    return "HELP" if folded in ("help", "info") else ""


def _health(name: str, event: Mapping[str, Any], data: Mapping[str, Any]) -> HealthEvent:
    about, field, words = _HEALTH[name]
    nested = [data, *(value for value in data.values() if isinstance(value, dict))]
    value = next((one[field] for one in nested if one.get(field)), event.get("identifier"))
    ours = number_of(value) if about == "number" else normalise.text(value, limit=100) or ""
    return HealthEvent(vendor=NAME, about=about, ours=ours, words=words, at=moment(event.get("timestamp")))


def _event(body: bytes) -> Mapping[str, Any] | None:
    try:
        found = normalise.parse_json(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("event"), str) else None


def _identifier(value: object) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else str(value)
