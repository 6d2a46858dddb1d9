"""Posts as the vendors make them, signed with what the settings hold."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.conf import settings
from django.test import Client

from common.db.clock import database_now
from sandbox import signalhouse_messaging as signalhouse
from sandbox import twilio
from tests.campaigns.sending.world import OURS

OWN = "https://app.example.com"
FORM = "application/x-www-form-urlencoded"
TWILIO, SIGNALHOUSE = "/api/webhooks/twilio/message", "/api/webhooks/signalhouse"


def sid() -> str:
    return f"SM{uuid4().hex}"


def text_fields(number: str, words: str, *, ours: str = OURS, id: str = "", opt_out: str = "") -> dict[str, str]:
    """What Twilio says of a text that came."""
    fields = {"MessageSid": id or sid(), "SmsStatus": "received", "From": number, "To": ours, "Body": words}
    return fields | ({"OptOutType": opt_out} if opt_out else {})


def post_form(fields: Mapping[str, str], path: str = TWILIO, *, secret: str = "") -> Any:
    """As Twilio posts a form. secret: another than ours."""
    pairs = list(fields.items())
    mark = twilio.signature(secret or settings.VENDORS["twilio"]["key"], f"{OWN}{path}", pairs)
    return Client().post(path, urlencode(pairs), content_type=FORM, headers={"x-twilio-signature": mark})


def by_twilio(number: str, words: str, **more: Any) -> Any:
    """Somebody writes, and Twilio tells us."""
    return post_form(text_fields(number, words, **more))


def status_by_twilio(vendor_id: str, status: str, *, token: UUID | None = None, error: str = "") -> Any:
    fields = {"MessageSid": vendor_id, "MessageStatus": status, **({"ErrorCode": error} if error else {})}
    path = f"/api/webhooks/twilio/status/{token}" if token else "/api/webhooks/twilio"
    return post_form(fields, path)


def event(name: str, data: Mapping[str, Any], *, id: str = "") -> dict[str, Any]:
    """An event of SignalHouse's."""
    at = database_now().isoformat()
    return {"timestamp": at, "event": name, "identifier": id or uuid4().hex[:24], "metaData": data}


def text_event(number: str, words: str, *, ours: str = OURS, id: str = "") -> dict[str, Any]:
    id = id or uuid4().hex[:24]
    record = {
        "_id": id, "senderPhoneNumber": number.lstrip("+"), "recipientPhoneNumber": ours.lstrip("+"),
        "messageBody": words,
    }  # fmt: skip
    return event("MESSAGE_RECEIVED", {"Message": record}, id=id)


def post_event(told: Any, *, secret: str = "", age: float = 0) -> Any:
    """As SignalHouse posts. told: an event, or bytes. age: seconds that its signature is old."""
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    stamp = str(int((time.time() - age) * 1000))
    mark = signalhouse.signature(secret or settings.SIGNALHOUSE_WEBHOOK_SECRETS[0], stamp, body)
    headers = {"x-signalhouse-signature-v1": f"t={stamp},v1={mark}", "x-signalhouse-delivery-id": str(uuid4())}
    return Client().post(SIGNALHOUSE, body, content_type="application/json", headers=headers)


def by_signalhouse(number: str, words: str, **more: Any) -> Any:
    return post_event(text_event(number, words, **more))
