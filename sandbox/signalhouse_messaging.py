"""SignalHouse's messages: send, list, opt-outs, notifications, signed posts. Written from docs/vendors/signalhouse.md.

201 comes even when nothing was sent. `Idempotency-Key`: the first answer again; with another body 409 (a guess). Its
opt-outs are listed and block nothing (its default, "log"), but where a number's script says so.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from json import dumps
from threading import Lock
from typing import Any
from uuid import uuid4

from sandbox.numbers import NUMBER, Script
from sandbox.outbox import Post
from sandbox.texting import Text, Texts, message_id, segments
from sandbox.twilio import HANG_S, SLOW_S
from sandbox.wire import Answer, Charge, Endpoint, Json, Refusal, Request

PREFIX = "/signalhouse-messaging"
WEBHOOK = "/api/webhooks/signalhouse"
_WORDS = {401: "Unauthorized", 402: "Insufficient balance", 403: "Forbidden", 404: "Not found"} | {
    409: "Idempotency-Key was used with a different request",
    429: "Too many requests",
    500: "Internal server error",
}
_FAULTS = {"401", "402", "403", "429", "500", "502", "503", "504"}
_REASONS = {  # what a message is blocked with, in a 201: errorCode and words
    "opted_out": ("OUT", "RECIPIENT_OPTED_OUT"),
    "failed": (None, "Blocked by the moderation filter"),
    "unregistered": (None, "The sender is not registered for 10DLC"),
}
_EVENTS = {"delivered": "MESSAGE_DELIVERED", "failed": "MESSAGE_FAILED", "undelivered": "MESSAGE_FAILED"}
_STATUSES = {
    "queued": "ENQUEUED", "sent": "SENT", "delivered": "DELIVERED", "failed": "FAILED", "undelivered": "FAILED",
    "received": "DELIVERED",
}  # fmt: skip


class SignalHouseMessaging:
    """The vendor. secrets: the new signing secret and the one before."""

    name = "signalhouse_messaging"

    def __init__(self, texts: Texts, *, token: str, group: str, secrets: tuple[str, str]) -> None:
        self._texts, self._token, self._group, self._secrets = texts, token, group, secrets
        self._lock, self._sending = Lock(), Lock()
        self._replays: dict[str, tuple[bytes, Answer]] = {}
        self._notifications: list[Json] = []

    def endpoints(self) -> list[Endpoint]:
        """Its endpoints; asking is free."""
        return [
            Endpoint("POST", f"{PREFIX}/message/sms", "sms", self.send),
            Endpoint("GET", f"{PREFIX}/message", "probe", self.messages),
            Endpoint("GET", f"{PREFIX}/message/dnc", "probe", self.opt_outs),
            Endpoint("GET", f"{PREFIX}/notification", "probe", self.notifications),
            Endpoint("POST", f"{PREFIX}/message/delivery-report", "probe", self.delivery_report),
        ]

    def authorise(self, request: Request, _endpoint: Endpoint) -> None:
        """The bearer token."""
        if request.headers.get("authorization", "") != f"Bearer {self._token}":
            raise Refusal(401)

    def refuse(self, refusal: Refusal, _endpoint: Endpoint | None) -> Answer:
        """{"message": ...}"""
        message = refusal.message or _WORDS.get(refusal.status, "Error")
        return Answer(refusal.status, {"message": message}, answered=False)

    def pace_headers(self, _limit: int | None, _used: int, _wait_s: float | None) -> dict[str, str]:
        """None are documented."""
        return {}

    # --- Sending ------------------------------------------------------------------------------------------------------

    def send(self, request: Request) -> Answer:
        """One text to one or more numbers; once per idempotency key."""
        body = _body(request)
        recipients, ours = body.get("recipientPhoneNumber"), _plus(body.get("senderPhoneNumber"))
        recipients = recipients if isinstance(recipients, list) else [recipients]
        numbers = [_plus(number) for number in recipients]
        key, words = request.headers.get("idempotency-key", ""), str(body.get("messageBody") or "")
        script = self._texts.numbers.script(numbers[0], request.headers)

        def noted(answer: Answer, outcome: str) -> Answer:
            status = 0 if answer.silent else answer.status
            for number in numbers:
                self._texts.note(
                    self.name, number=number, ours=ours, words=words, key=key, outcome=outcome, status=status
                )
            return answer

        digest = hashlib.sha256(request.body).digest()
        with self._sending:  # the second of two requests with one key is answered with the first one's answer
            first = self._replays.get(key) if key else None
            if first is not None and first[0] != digest:
                return noted(self.refuse(Refusal(409), None), "key used")
            if first is not None:
                return noted(Answer(first[1].status, first[1].payload), "replayed")
            if refused := self._refused(script, numbers, ours, words):
                return noted(refused, "hung before" if refused.silent else "refused")
            answer = self._take(numbers, ours, words, key, script)
            if key:
                self._replays[key] = digest, answer
        outcome = "accepted" if answer.payload["enqueuedCount"] else "blocked"
        match script.at_send:
            case "hang_after":
                return noted(Answer(silent=True, wait_s=HANG_S, charges=answer.charges), "hung after")
            case "500_after":
                return noted(Answer(500, {"message": _WORDS[500]}, charges=answer.charges), "accepted, 500")
            case "garbage":
                return noted(Answer(201, text='{"insertedMes', charges=answer.charges), "accepted, garbage")
            case "slow":
                slow = Answer(201, answer.payload, charges=answer.charges, wait_s=SLOW_S)
                return noted(slow, "accepted, slow")
        return noted(answer, outcome)

    def _refused(self, script: Script, numbers: list[str], ours: str, words: str) -> Answer | None:
        """What a request gets that is not taken; None where it is."""
        if script.at_send == "hang_before":
            return Answer(silent=True, wait_s=HANG_S, answered=False)
        if script.at_send in _FAULTS:
            answer = self.refuse(Refusal(int(script.at_send)), None)
            if script.at_send == "429":
                answer.headers["Retry-After"] = "1"
            return answer
        if not words.strip() or not all(NUMBER.fullmatch(number) for number in (*numbers, ours)):
            return self.refuse(Refusal(400, "recipientPhoneNumber is not a valid phone number"), None)
        if script.at_send == "bad_number":
            return self.refuse(Refusal(400, f"{numbers[0]} is not a valid phone number"), None)
        if script.at_send == "paused":
            return self.refuse(Refusal(400, "Unable to send message: Campaign C1234567 is not active"), None)
        return None

    def _take(self, numbers: list[str], ours: str, words: str, key: str, script: Script) -> Answer:
        """201, whatever became of it."""
        inserted: list[Json] = []
        counts: dict[str, Any] = {"enqueuedCount": 0, "failedCount": 0, "dncBlockedNumbers": [], "filteredNumbers": []}
        charges = []
        for number in numbers:
            if script.at_send in ("dnc", "landline"):
                counts["dncBlockedNumbers" if script.at_send == "dnc" else "filteredNumbers"].append(number[1:])
                continue
            text = Text(
                id=message_id(self.name),
                vendor=self.name,
                number=number,
                ours=ours,
                words=words,
                created=self._texts.clock.now(),
                key=key,
                script=script,
            )
            if script.at_send in _REASONS:
                counts["failedCount"] += 1
                code, reason = _REASONS[script.at_send]
                inserted.append(
                    {**_record(text), "status": "FAILED", "errorCode": code, "successOrFailureReason": reason}
                )
                continue
            counts["enqueuedCount"] += 1
            inserted.append(_record(text))
            charges.append(Charge(f"{number}|{words}", units=Decimal(segments(words))))
            self._texts.take(text, self)
        return Answer(
            201,
            {"insertedMessages": inserted, "requestedRecipientCount": len(numbers), **counts},
            charges=charges,
        )

    # --- Asking -------------------------------------------------------------------------------------------------------

    def messages(self, request: Request) -> Answer:
        """By id, or by group and dates with further filters; pages."""
        query = {name: values[0] for name, values in request.query.items()}
        if "id" not in query and not all(query.get(name) for name in ("groupId", "startDate", "endDate")):
            raise Refusal(400, "groupId, startDate and endDate are required")
        self._check_group(query)
        records = []
        for text in self._texts.of(self.name):
            record = _record(text)
            wanted = {
                "id": record["_id"],
                "senderPhoneNumber": record["senderPhoneNumber"],
                "recipientPhoneNumber": record["recipientPhoneNumber"],
                "status": record["status"],
                "direction": record["direction"],
            }
            if all(query.get(name, value) == value for name, value in wanted.items()) and _within(text.created, query):
                records.append(record)
        if query.get("sortOrder") == "desc":
            records.reverse()
        return Answer(200, {"messages": _page(records, query), "total": len(records)})

    def opt_outs(self, request: Request) -> Answer:
        """Do-not-contact records."""
        query = {name: values[0] for name, values in request.query.items()}
        self._check_group(query)
        records = [
            {
                "recipientPhoneNumber": number[1:],
                "senderPhoneNumber": ours[1:],
                "phoneNumber": ours[1:],
                "campaignId": "C1234567",
                "optOutKeyword": word,
                "carrierFamily": "TMobile",
                "createdAt": _iso(at),
            }
            for number, ours, at, word in self._texts.opt_outs(self.name)
            if _within(at, query)
        ]
        return Answer(200, {"data": _page(records, query), "total": len(records)})

    def notifications(self, request: Request) -> Answer:
        """Every event, posted or not, the newest first."""
        query = {name: values[0] for name, values in request.query.items()}
        if not query.get("groupId") and not query.get("id"):
            raise Refusal(400, "groupId is required")
        self._check_group(query)
        kinds = set(filter(None, query.get("eventTypes", "").split(",")))
        with self._lock:
            records = [one for one in reversed(self._notifications) if not kinds or one["event"] in kinds]
        return Answer(200, {"notifications": _page(records, query), "total": len(records)})

    def delivery_report(self, request: Request) -> Answer:
        """What the carrier said of up to 100 messages."""
        ids = _body(request).get("messageIds")
        if not isinstance(ids, list) or not 1 <= len(ids) <= 100:
            raise Refusal(400, "messageIds holds 1 to 100 ids")
        found = [text for text in self._texts.of(self.name) if text.id in ids]
        reports = [
            {"messageId": text.id, "status": _STATUSES[text.status], "errorCode": text.code or None} for text in found
        ]
        return Answer(200, {"data": reports})

    def warn(self, event: str, data: Json, ours: str) -> None:
        """A health event of one of our numbers or campaigns."""
        post = self._event(event, str(uuid4().hex[:24]), data, ours, Script())
        if post is not None:
            self._texts.outbox.later(0.0, lambda: self._texts.outbox.deliver(post))

    def _check_group(self, query: Mapping[str, str]) -> None:
        if query.get("groupId", self._group) != self._group:
            raise Refusal(403)

    # --- Posts --------------------------------------------------------------------------------------------------------

    def status_post(self, text: Text, status: str, code: str) -> Post | None:
        """To the one address of the group; of a message that was only sent, nothing."""
        event = _EVENTS.get(status)
        if event is None:
            return None
        reason = {"OUT": "RECIPIENT_OPTED_OUT", "": None}.get(code, f"Carrier code {code}")
        data = {
            "_id": text.id,
            "status": _STATUSES[status],
            "segmentCount": segments(text.words),
            "successOrFailureReason": reason,
            **({"errorCode": code} if code == "OUT" else {}),
        }
        return self._event(event, text.id, data, text.ours, text.script)

    def incoming_post(self, text: Text) -> Post | None:
        """What a person wrote."""
        return self._event("MESSAGE_RECEIVED", text.id, {"Message": _record(text)}, text.ours, text.script)

    def _event(self, event: str, identifier: str, data: Json, ours: str, script: Script) -> Post | None:
        """Noted as a notification first, then posted where the product of our number is known."""
        record = {
            "timestamp": _iso(self._texts.clock.now()),
            "event": event,
            "identifier": identifier,
            "metaData": data,
        }
        with self._lock:
            self._notifications.append(record)
        base = self._texts.numbers.base_of(ours)
        if not base:
            return None
        body, delivery, knobs = dumps(record, ensure_ascii=False).encode(), str(uuid4()), script.posts

        def sign() -> Mapping[str, str]:
            headers = {"Content-Type": "application/json", "X-SignalHouse-Delivery-Id": delivery}
            if "unsigned" in knobs:
                return headers
            stamp = str(int(time.time() * 1000))
            new, old = self._secrets
            used = [old] if "old_secret" in knobs else [new, old] if "both_secrets" in knobs else [new]
            used = ["somebody-else"] if "wrong_secret" in knobs else used
            signed = [signature(secret, stamp, body) for secret in used]
            return {
                **headers,
                "X-SignalHouse-Timestamp": stamp,
                "X-SignalHouse-Signature": signed[-1],
                "X-SignalHouse-Signature-V1": ",".join([f"t={stamp}", *(f"v1={one}" for one in signed)]),
            }

        def retried(status: int | None) -> bool:
            return status is None or status >= 500 or status == 429

        return Post(self.name, event, f"{base}{WEBHOOK}", body, sign, timeout=3.0, waits=(0.5, 1.0), retried=retried)


def signature(secret: str, stamp: str, body: bytes) -> str:
    """Bare hex of the HMAC-SHA256 of "stamp.body"."""
    return hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()


def _record(text: Text) -> Json:
    to, sender = (text.ours, text.number) if text.incoming else (text.number, text.ours)
    record: Json = {
        "_id": text.id,
        "senderPhoneNumber": sender[1:],
        "messageType": "SMS",
        "direction": "INBOUND" if text.incoming else "OUTBOUND",
        "recipientPhoneNumber": to[1:],
        "messageBody": text.words,
        "segmentCount": segments(text.words),
        "status": _STATUSES[text.status],
        "enableShortlink": False,
        "errorCode": text.code if text.code == "OUT" else None,
        "createdAt": _iso(text.created),
    }
    if text.incoming:
        record |= {
            "groupId": "G1234567", "subgroupId": "S1234567", "brandId": "B1234567", "campaignId": "C1234567",
            "phoneNumber": text.ours[1:], "carrier": "T-Mobile", "carrierFamily": "TMobile", "carrierRegion": None,
            "plmn": None, "statusCallbackUrl": None,
            "statusHistory": [{"timestamp": _iso(text.created), "status": "DELIVERED"}], "dcaBulkId": None,
            "externalMediaUrls": [], "uploadedFileReferences": [], "isGroupMessage": False, "enableCompression": False,
            "successOrFailureReason": None, "shortlinkCount": 0, "updatedAt": _iso(text.created),
        }  # fmt: skip
    return record


def _body(request: Request) -> Json:
    try:
        body = request.json()
    except ValueError:
        raise Refusal(400, "Invalid JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "Invalid JSON")
    return body


def _plus(number: object) -> str:
    return f"+{number}" if isinstance(number, str) else ""


def _page(records: list[Json], query: Mapping[str, str]) -> list[Json]:
    page, limit = max(1, int(query.get("page", 1))), min(100, max(1, int(query.get("limit", 10))))
    return records[(page - 1) * limit : page * limit]


def _within(moment: datetime, query: Mapping[str, str]) -> bool:
    start, end = query.get("startDate"), query.get("endDate")
    day = query.get("dateBounds") != "exact"
    if start and (moment.date() < _moment(start).date() if day else moment < _moment(start)):
        return False
    return not (end and (moment.date() > _moment(end).date() if day else moment > _moment(end)))


def _moment(words: str) -> datetime:
    try:
        moment = datetime.fromisoformat(words)
    except ValueError:
        raise Refusal(400, "startDate and endDate are dates") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
