"""Apollo's refusals, rate limit headers, credit usage and webhook pushes."""

import http.client
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from urllib.parse import urlsplit

from sandbox.wire import TEXT_TYPE, Answer, Json, Refusal

_BAD_KEY = "Invalid API key. See https://docs.apollo.io/reference/authentication for how to authenticate."
_PLAIN = {402: "Insufficient credits", 404: "Not Found", 422: "Unprocessable entity", 500: "Internal server error"}


def refuse(refusal: Refusal, path: str) -> Answer:
    """Plain text for 401, and as many JSON shapes as Apollo has for the rest."""
    status, code = refusal.status, refusal.code
    if status == 401:
        return Answer(401, text=_BAD_KEY, content_type=TEXT_TYPE, answered=False)
    payload: Json = {"error": refusal.message or _PLAIN.get(status, "Error")}
    if status == 403:
        text = f"This API key is not authorized to access {path}. Request an API key from your administrator "
        payload = {
            "error": text + "that includes this endpoint in its configured scope.",
            "error_code": "API_INACCESSIBLE",
        }
    elif status == 429:
        limit = code.removeprefix("pace:") if code.startswith("pace:") else "600"
        window = "minute" if code.startswith("pace:") else "day" if code == "daily" else "hour"
        text = f"The maximum number of api calls allowed for {path} is {limit} times per {window}. "
        payload = {"message": text + "Please upgrade your plan from https://app.apollo.io/#/settings/plans/upgrade."}
    elif code in ("INVALID_REQUEST", "RECORD_LIMIT_EXCEEDED", "UNKNOWN_ERROR"):
        payload = {"status": "failed", "error_code": code, "error_message": refusal.message}
    elif code:
        payload = {"error_code": code} | ({"retry_after_seconds": 10} if code == "result_pending" else {})
    return Answer(status, payload, answered=False)


def pace_headers(limit: int | None, used: int, wait_s: float | None) -> dict[str, str]:
    """The three windows; an unlimited one has an empty limit and no usage. `retry-after` when refused, seconds."""
    headers = {"x-rate-limit-24-hour": "", "x-rate-limit-hourly": "", "x-rate-limit-minute": ""}
    if limit is not None:
        headers |= {
            "x-rate-limit-minute": str(limit),
            "x-minute-usage": str(used),
            "x-minute-requests-left": str(max(0, limit - used)),
        }
    if wait_s is not None:
        headers["retry-after"] = str(int(wait_s) + 1)
    return headers


_OTHER_CREDITS = (
    "export_credit",
    "conversation_credit",
    "ai_credit",
    "power_up_credit",
    "inbound_website_visitor_credit",
    "dialer",
    "web_search_record_credit",
    "contact_website_visitor_credit",
)
_CREDITS_A_CYCLE = 1_000_000


def usage(consumed: Mapping[str, Decimal], start: datetime, end: datetime) -> Json:
    """The answer of `credit_usage_stats`: what was consumed of which kind of credit since the cycle began."""
    kinds = {name: int(consumed.get(name, 0)) for name in (*consumed, *_OTHER_CREDITS)}
    stats = {
        name: {"limit": _CREDITS_A_CYCLE, "consumed": used, "left_over": max(0, _CREDITS_A_CYCLE - used)}
        for name, used in kinds.items()
    }
    cycle = {name: f"{at:%Y-%m-%dT%H:%M:%S}.000Z" for name, at in (("start_date", start), ("end_date", end))}
    return {"credit_usage_stats": stats, "current_credit_cycle": cycle}


def push(url: str, body: Json) -> bool:
    """One POST to a loopback address; whether it was answered with 2xx. No redirects, no second try."""
    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=10)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, json.dumps(body), {"Content-Type": "application/json"})
        return 200 <= connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
