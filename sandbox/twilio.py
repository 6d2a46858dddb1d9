"""Twilio's messages: send, list, posts signed by both of its schemes. Written from docs/vendors/twilio.md.

No idempotency: two requests are two messages. An opt-out word blocks the number until START (21610). ValidityPeriod is
obeyed: what the carrier still holds then ends as undelivered, 30036.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from uuid import uuid4

from sandbox.numbers import NUMBER
from sandbox.outbox import Post
from sandbox.texting import STARTS, STOPS, Text, Texts, folded, message_id, segments
from sandbox.wire import Answer, Charge, Endpoint, Json, Refusal, Request

PREFIX = "/twilio"
VERSION = "2010-04-01"
HANG_S = 600.0
SLOW_S = 12.0
_MESSAGES = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    20500: "Internal server error",
    21201: "No 'To' number is specified",
    21205: "Url parameter is required.",
    21210: "'From' phone number {from_} is not verified for your account.",
    21220: "Call is not in-progress. Cannot redirect.",
    21211: "The 'To' number {to} is not a valid phone number.",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21606: "The From phone number {from_} is not a valid, SMS-capable inbound phone number for your account.",
    21610: "Attempt to send to unsubscribed recipient",
    21614: "'To' number {to} is not a valid mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit",
    21667: "ValidityPeriod is not from 1 to 36000",
    30002: "Account suspended",
    30034: "US A2P 10DLC - Message from an Unregistered Number",
}
_REFUSALS = {
    "opted_out": 21610,
    "dnc": 21610,
    "bad_number": 21211,
    "landline": 21614,
    "unregistered": 30034,
    "paused": 21606,
    "failed": 21999,
}
_FAULTS = {"401": (401, 20003), "402": (402, 30002), "403": (403, 20003), "429": (429, 20429), "500": (500, 20500)} | {
    "502": (502, 20500),
    "503": (503, 20500),
    "504": (504, 20500),
}


class Twilio:
    """The vendor. signing_key: id and secret of a shared key, for the newer signatures."""

    name = "twilio"

    def __init__(self, texts: Texts, *, account: str, token: str, signing_key: tuple[str, str]) -> None:
        self._texts, self.account_id, self._token, self._signing_key = texts, account, token, signing_key

    def endpoints(self) -> list[Endpoint]:
        """Its endpoints; listing is free."""
        base = f"{PREFIX}/{VERSION}/Accounts/{self.account_id}"
        return [
            Endpoint("POST", f"{base}/Messages.json", "sms", self.send),
            Endpoint("GET", f"{base}/Messages.json", "probe", self.listed),
            Endpoint("GET", f"{base}/Messages/", "probe", self.one),
            Endpoint("GET", f"{base}.json", "probe", self.account),
        ]

    def authorise(self, request: Request, _endpoint: Endpoint) -> None:
        """HTTP Basic: account and token."""
        pair = base64.b64encode(f"{self.account_id}:{self._token}".encode()).decode()
        if request.headers.get("authorization", "") != f"Basic {pair}":
            raise Refusal(401, code="20003")

    def refuse(self, refusal: Refusal, _endpoint: Endpoint | None) -> Answer:
        """{"code", "message", "more_info", "status"}"""
        by_status = {401: 20003, 404: 20404, 429: 20429}
        code = int(refusal.code) if refusal.code.isdigit() else by_status.get(refusal.status, 20500)
        return Answer(refusal.status, error(code, refusal.status, refusal.message), answered=False)

    def pace_headers(self, _limit: int | None, _used: int, _wait_s: float | None) -> dict[str, str]:
        """How many requests it works on; no time to wait."""
        return {"Twilio-Concurrent-Requests": "1"}

    # --- Requests -----------------------------------------------------------------------------------------------------

    def account(self, _request: Request) -> Answer:
        """The account."""
        return Answer(200, {"sid": self.account_id, "status": "active", "type": "Full", "friendly_name": "Sandbox"})

    def send(self, request: Request) -> Answer:
        """One message."""
        form = dict(reversed(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)))
        to, ours = form.get("To", ""), form.get("From") or form.get("MessagingServiceSid", "")
        script = self._texts.numbers.script(to, request.headers)

        def noted(answer: Answer, outcome: str) -> Answer:
            status = 0 if answer.silent else answer.status
            words = form.get("Body", "")
            self._texts.note(self.name, number=to, ours=ours, words=words, key="", outcome=outcome, status=status)
            return answer

        if script.at_send == "hang_before":
            return noted(Answer(silent=True, wait_s=HANG_S, answered=False), "hung before")
        if script.at_send in _FAULTS:
            status, code = _FAULTS[script.at_send]
            answer = Answer(status, error(code, status), answered=False)
            if status == 429:
                answer.headers["Retry-After"] = "1"
            return noted(answer, "refused")
        code = self._bad(form, to, ours) or _REFUSALS.get(script.at_send, 0)
        if not code and self._texts.has_opted_out(self.name, to, ours):
            code = 21610
        if code:
            return noted(Answer(400, error(code, 400, to=to, from_=ours), answered=False), "refused")
        text = Text(
            id=message_id(self.name),
            vendor=self.name,
            number=to,
            ours=ours,
            words=form["Body"],
            created=self._texts.clock.now(),
            callback=form.get("StatusCallback", ""),
            validity=float(form["ValidityPeriod"]) if form.get("ValidityPeriod") else None,
            script=script,
        )
        shown = self._resource(text)
        self._texts.take(text, self)
        charges = [Charge(f"{to}|{text.words}", units=Decimal(segments(text.words)))]
        match script.at_send:
            case "hang_after":
                return noted(Answer(silent=True, wait_s=HANG_S, charges=charges), "hung after")
            case "500_after":
                return noted(Answer(500, error(20500, 500), charges=charges), "accepted, 500")
            case "garbage":
                return noted(Answer(201, text='{"sid": "SM', charges=charges), "accepted, garbage")
            case "slow":
                return noted(Answer(201, shown, charges=charges, wait_s=SLOW_S), "accepted, slow")
        return noted(Answer(201, shown, charges=charges), "accepted")

    def one(self, request: Request) -> Answer:
        """One message by its id."""
        sid = request.path.rpartition("/")[2].removesuffix(".json")
        for text in self._texts.of(self.name):
            if text.id == sid:
                return Answer(200, self._resource(text))
        raise Refusal(404)

    def listed(self, request: Request) -> Answer:
        """Messages, the newest first, by To, From and the day of sending (DateSent, DateSent>, DateSent<)."""
        size = min(1000, int(_one(request, "PageSize") or 50))
        page = int(_one(request, "Page") or 0)
        found = [text for text in reversed(self._texts.of(self.name)) if self._matches(text, request)]
        rows, more = found[page * size : (page + 1) * size], len(found) > (page + 1) * size
        path = f"/{VERSION}/Accounts/{self.account_id}/Messages.json"
        kept = {name: values[0] for name, values in request.query.items() if name != "Page"}
        following = f"{path}?{urlencode({**kept, 'Page': page + 1}, quote_via=quote)}" if more else None
        return Answer(
            200, {"messages": [self._resource(text) for text in rows], "next_page_uri": following, "uri": path}
        )

    def _matches(self, text: Text, request: Request) -> bool:
        to, sender = (text.ours, text.number) if text.incoming else (text.number, text.ours)
        wanted_to, wanted_from = _plus(_one(request, "To")), _plus(_one(request, "From"))
        if (wanted_to and to != wanted_to) or (wanted_from and sender != wanted_from):
            return False
        dates = {name: _one(request, name) for name in ("DateSent", "DateSent>", "DateSent<")}
        if not any(dates.values()):
            return True
        if text.status in ("queued", "accepted"):  # it has no date of sending
            return False
        day = text.created.date().isoformat()
        return (
            (not dates["DateSent"] or day == dates["DateSent"])
            and (not dates["DateSent>"] or day >= dates["DateSent>"])
            and (not dates["DateSent<"] or day <= dates["DateSent<"])
        )

    def _bad(self, form: Mapping[str, str], to: str, ours: str) -> int:
        validity = form.get("ValidityPeriod", "")
        checks = (
            (not to, 21604),
            (not ours, 21603),
            (not form.get("Body", "").strip(), 21602),
            (not NUMBER.fullmatch(to), 21211),
            (not ours.startswith("MG") and not NUMBER.fullmatch(ours), 21606),
            (len(form.get("Body", "")) > 1600, 21617),
            (bool(validity) and not (validity.isdigit() and 1 <= int(validity) <= 36_000), 21667),
        )
        return next((code for is_bad, code in checks if is_bad), 0)

    def _resource(self, text: Text) -> Json:
        to, sender = (text.ours, text.number) if text.incoming else (text.number, text.ours)
        by_service = sender.startswith("MG")
        uri = f"/{VERSION}/Accounts/{self.account_id}/Messages/{text.id}"
        date = format_datetime(text.created.replace(microsecond=0))
        return {
            "account_sid": self.account_id,
            "api_version": VERSION,
            "body": text.words,
            "date_created": date,
            "date_sent": None if text.status in ("queued", "accepted") else date,
            "date_updated": date,
            "direction": "inbound" if text.incoming else "outbound-api",
            "error_code": int(text.code) if text.code.isdigit() else None,
            "error_message": _MESSAGES.get(int(text.code)) if text.code.isdigit() else None,
            "from": None if by_service else sender,
            "messaging_service_sid": sender if by_service else None,
            "num_media": "0",
            "num_segments": "0" if by_service and text.status == "accepted" else str(segments(text.words)),
            "price": None,
            "price_unit": None,
            "sid": text.id,
            "status": text.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": to,
            "uri": f"{uri}.json",
        }

    # --- Posts --------------------------------------------------------------------------------------------------------

    def status_post(self, text: Text, status: str, code: str) -> Post | None:
        """To the address of the message."""
        if not text.callback:
            return None
        fields = {
            "SmsSid": text.id,
            "SmsStatus": status,
            "MessageStatus": status,
            "To": text.number,
            "MessageSid": text.id,
            "AccountSid": self.account_id,
            "From": text.ours,
            "ApiVersion": VERSION,
            **({"ErrorCode": code} if code else {}),
            **({"RawDlrDoneDate": self._texts.clock.now().strftime("%y%m%d%H%M")} if status == "delivered" else {}),
        }
        return self.signed(f"status {status}", text.callback, fields, text.script.posts)

    def incoming_post(self, text: Text) -> Post | None:
        """To the product that our number is of."""
        base = self._texts.numbers.base_of(text.ours)
        if not base:
            return None
        word = folded(text.words)
        kind = "STOP" if word in STOPS else "START" if word in STARTS else "HELP" if word == "help" else ""
        fields = {
            "ToCountry": "US",
            "SmsMessageSid": text.id,
            "NumMedia": "0",
            "SmsSid": text.id,
            "SmsStatus": "received",
            "Body": text.words,
            "FromCountry": "US",
            "To": text.ours,
            "NumSegments": str(segments(text.words)),
            "MessageSid": text.id,
            "AccountSid": self.account_id,
            "From": text.number,
            "ApiVersion": VERSION,
            **({"OptOutType": kind} if kind and "opt_out_type" in text.script.posts else {}),
        }
        return self.signed("message", f"{base}/api/webhooks/twilio/message", fields, text.script.posts)

    def signed(self, what: str, url: str, fields: Mapping[str, str], knobs: Collection[str]) -> Post:
        """A post, signed as the script says. A repeat has the same I-Twilio-Idempotency-Token."""
        repeat = str(uuid4())
        pairs = list(fields.items())
        if "doubled_key" in knobs:
            pairs += [("AddOns", "b"), ("AddOns", "a"), ("AddOns", "b")]
        if "json" in knobs:
            body, kind = json.dumps(dict(pairs)).encode(), "application/json"
            url += ("&" if urlsplit(url).query else "?") + f"bodySHA256={hashlib.sha256(body).hexdigest()}"
            pairs = []
        else:
            body, kind = urlencode(pairs).encode(), "application/x-www-form-urlencoded"
        signed_url = _other_port(url) if "other_port" in knobs else url

        def sign() -> Mapping[str, str]:
            headers = {"Content-Type": kind, "I-Twilio-Idempotency-Token": repeat, "User-Agent": "TwilioProxy/1.1"}
            if "unsigned" in knobs:
                return headers
            secret, algorithm = self._token, "HMAC_SHA1"
            if "new_scheme" in knobs:
                (name, secret), algorithm = self._signing_key, "HMAC_SHA256"
                headers["X-Twilio-Webhooks-Signature-Settings"] = f"key={name},algorithm={algorithm}"
            if "wrong_secret" in knobs:
                secret = "somebody-else"
            return {**headers, "X-Twilio-Signature": signature(secret, signed_url, pairs, algorithm)}

        return Post(self.name, what, url, body, sign, timeout=15.0, waits=(0.0,), retried=lambda status: status is None)


def signature(secret: str, url: str, pairs: list[tuple[str, str]], algorithm: str = "HMAC_SHA1") -> str:
    """Base64 of the HMAC of the address and of every distinct pair after it, sorted."""
    kinds: Mapping[str, Callable[..., Any]] = {"HMAC_SHA1": hashlib.sha1, "HMAC_SHA256": hashlib.sha256}
    signed = url + "".join(name + value for name, value in sorted(set(pairs)))
    return base64.b64encode(hmac.new(secret.encode(), signed.encode(), kinds[algorithm]).digest()).decode()


def _other_port(url: str) -> str:
    """Without its port where it has one, with the usual one where not."""
    place = urlsplit(url)
    host = place.hostname or ""
    port = "" if place.port else f":{443 if place.scheme == 'https' else 80}"
    return url.replace(place.netloc, f"{host}{port}", 1)


def error(code: int, status: int, message: str = "", *, to: str = "", from_: str = "") -> Json:
    """An error as Twilio tells it."""
    words = message or _MESSAGES.get(code, "The message could not be sent").format(to=to, from_=from_)
    return {"code": code, "message": words, "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}


def _one(request: Request, name: str) -> str:
    return request.query.get(name, [""])[0]


def _plus(number: str) -> str:
    return f"+{number.strip().removeprefix('+')}" if number.strip() and not number.startswith("MG") else number
