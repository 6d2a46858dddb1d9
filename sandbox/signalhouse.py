"""SignalHouse's skip trace. The vendor has no public contract for one; this one is ours (docs/requirements.md 5).

Transport as its SDK documents it: Bearer token, errors with `message`, and an `Idempotency-Key` header under which "a
retry with the same key and request replays the first response". With another body the key is refused (422: a guess).
"""

import hashlib
from threading import Lock

from sandbox.contacts import find, query_of
from sandbox.filters import words
from sandbox.wire import Answer, Charge, Endpoint, Json, Refusal, Request

PREFIX = "/signalhouse"
_REQUIRED = ("first_name", "last_name", "address", "city", "state")
_MESSAGES = {401: "Unauthorized", 402: "Insufficient balance", 403: "Forbidden", 429: "Too many requests"} | {
    404: "Not found",
    500: "Internal server error",
}


class SignalHouse:
    """The vendor; remembers the answers given under idempotency keys."""

    def __init__(self, token: str, seed: int = 1) -> None:
        self._token, self._seed, self._lock = token, seed, Lock()
        self._replays: dict[str, tuple[bytes, Answer]] = {}

    def endpoints(self) -> list[Endpoint]:
        """The one endpoint."""
        return [Endpoint("POST", f"{PREFIX}/skip-trace", "signalhouse_skip_trace", self.skip_trace)]

    def authorise(self, request: Request, _endpoint: Endpoint) -> None:
        """The bearer token."""
        if request.headers.get("authorization", "") != f"Bearer {self._token}":
            raise Refusal(401)

    def refuse(self, refusal: Refusal, _endpoint: Endpoint | None) -> Answer:
        """{"message": ...}"""
        message = refusal.message or _MESSAGES.get(refusal.status, "Error")
        return Answer(refusal.status, {"message": message}, answered=False)

    def pace_headers(self, _limit: int | None, _used: int, _wait_s: float | None) -> dict[str, str]:
        """None are documented."""
        return {}

    def skip_trace(self, request: Request) -> Answer:
        """One owner; billed when there is a match, once per idempotency key."""
        key, body = request.headers.get("idempotency-key"), hashlib.blake2b(request.body).digest()
        if not key:
            return self._trace(request)
        with self._lock:
            if key in self._replays:
                first_body, first = self._replays[key]
                if first_body != body:
                    raise Refusal(422, "Idempotency-Key was used with a different request")
                return Answer(first.status, first.payload)
            answer = self._trace(request)
            self._replays[key] = body, answer
            return answer

    def _trace(self, request: Request) -> Answer:
        body = _read(request)
        query = query_of(body)
        person = find(query, self._seed, "signalhouse")
        if person is None or (_phones_wanted(body) and not person.phones):
            return Answer(200, {"success": True, "data": None})
        data = {
            "firstName": person.first_name,
            "lastName": person.last_name,
            "phones": [{"number": phone.number, "type": phone.kind, "dnc": phone.dnc} for phone in person.phones],
            "emails": list(person.emails),
            "mailingAddress": {
                "address": person.street,
                "city": person.city,
                "state": person.state,
                "zip": person.zip,
            },
        }
        asked = "|".join(words(str(body.get(name) or "")) for name in (*_REQUIRED, "zip"))
        return Answer(200, {"success": True, "data": data}, charges=[Charge(asked)])


def _phones_wanted(body: Json) -> bool:
    wanted = body.get("match_requirements")
    return isinstance(wanted, dict) and wanted.get("phones") is True


def _read(request: Request) -> Json:
    try:
        body = request.json()
    except ValueError:
        raise Refusal(400, "Invalid JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "Invalid JSON")
    for name in _REQUIRED:
        if not isinstance(body.get(name), str) or not body[name].strip():
            raise Refusal(400, f"{name} is required")
    return body
