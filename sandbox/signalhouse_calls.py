"""SignalHouse's calls: the caller's softphone rings first, then the vendor dials the lead and joins them. Written from
docs/vendors/signalhouse.md 2.7. It posts nothing: the body of its status callback is not documented.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from sandbox.call_numbers import ANSWERED
from sandbox.calling import OVER, Leg, Phones
from sandbox.numbers import NUMBER
from sandbox.signalhouse_messaging import PREFIX
from sandbox.twilio import HANG_S
from sandbox.wire import Answer, Charge, Endpoint, Json, Refusal, Request

NAME = "signalhouse_messaging"
_STATUSES = {
    "queued": "QUEUED", "ringing": "RINGING", "in-progress": "IN_PROGRESS", "completed": "COMPLETED", "busy": "BUSY",
    "no-answer": "NO_ANSWER", "failed": "FAILED", "canceled": "CANCELED",
}  # fmt: skip
_FAULTS = {"401", "402", "403", "429", "500", "502", "503", "504"}


class SignalHouseCalls:
    """The voice of `SignalHouseMessaging`, which authorises and refuses."""

    def __init__(self, phones: Phones) -> None:
        self._phones = phones

    def endpoints(self) -> list[Endpoint]:
        """Its endpoints; only placing a call is charged."""
        base = f"{PREFIX}/voice/v1/calls"
        return [
            Endpoint("POST", base, "call", self.place),
            Endpoint("GET", base, "probe", self.listed),
            Endpoint("GET", f"{base}/", "probe", self.one),
            Endpoint("POST", f"{base}/", "probe", self.hang_up),
        ]

    def place(self, request: Request) -> Answer:
        """One call."""
        body = _body(request)
        to, ours = str(body.get("to") or ""), str(body.get("from") or "")
        script = self._phones.numbers.script(to, request.headers)

        def noted(answer: Answer, outcome: str) -> Answer:
            self._phones.note(NAME, to=to, ours=ours, outcome=outcome, status=0 if answer.silent else answer.status)
            return answer

        if script.at_place == "hang_before":
            return noted(Answer(silent=True, wait_s=HANG_S, answered=False), "hung before")
        if script.at_place in _FAULTS:
            answer = Answer(int(script.at_place), {"message": "on purpose"}, answered=False)
            if script.at_place == "429":
                answer.headers["Retry-After"] = "1"
            return noted(answer, "refused")
        is_refused = script.at_place and script.at_place not in ("hang_after", "500_after", "garbage")
        if is_refused or not NUMBER.fullmatch(to) or not NUMBER.fullmatch(ours):
            return noted(Answer(400, {"message": "to is not a valid phone number"}, answered=False), "refused")
        leg = Leg(
            id=uuid4().hex[:24], vendor=NAME, to=to, ours=ours, created=self._phones.clock.now(), script=script,
        )  # fmt: skip
        shown = _record(leg)
        self._phones.add(leg)
        self._after(script.rings, lambda: self._become(leg, "ringing"))
        if script.ends in ANSWERED:
            self._after(2 * script.rings, lambda: self._become(leg, "in-progress"))
            if script.talks is not None:
                self._after(2 * script.rings + script.talks, lambda: self._become(leg, "completed"))
        else:
            self._after(2 * script.rings, lambda: self._become(leg, script.ends))
        charges = [Charge(leg.id)]
        match script.at_place:
            case "hang_after":
                return noted(Answer(silent=True, wait_s=HANG_S, charges=charges), "hung after")
            case "500_after":
                return noted(Answer(500, {"message": "on purpose"}, charges=charges), "placed, 500")
            case "garbage":
                return noted(Answer(201, text='{"call_', charges=charges), "placed, garbage")
        return noted(Answer(201, shown, charges=charges), "placed")

    def one(self, request: Request) -> Answer:
        """One call by its id."""
        return Answer(200, _record(self._leg(request.path.rpartition("/")[2])))

    def listed(self, request: Request) -> Answer:
        """Calls, the newest first, by from, to and date_from."""
        query = {name: values[0] for name, values in request.query.items()}
        since = (
            datetime.fromisoformat(query["date_from"]) if query.get("date_from") else datetime.min.replace(tzinfo=UTC)
        )
        found = [
            _record(leg)
            for leg in reversed(self._phones.of(NAME))
            if leg.created >= since and query.get("to", leg.to) == leg.to and query.get("from", leg.ours) == leg.ours
        ]
        page, limit = max(1, int(query.get("page", 1))), min(100, int(query.get("limit", 20)))
        rows = found[(page - 1) * limit : page * limit]
        return Answer(200, {"calls": rows, "total": len(found), "page": page, "limit": limit})

    def hang_up(self, request: Request) -> Answer:
        """POST …/{id}/hangup"""
        path, _, verb = unquote(request.path).rpartition("/")
        if verb != "hangup":
            raise Refusal(404)
        leg = self._leg(path.rpartition("/")[2])
        self._become(leg, "completed" if leg.answered_at else "canceled")
        return Answer(200, _record(leg))

    def _leg(self, leg_id: str) -> Leg:
        leg = self._phones.get(leg_id)
        if leg is None:
            raise Refusal(404)
        return leg

    def _become(self, leg: Leg, status: str) -> None:
        with self._phones.lock:
            if leg.status in OVER:
                return
            leg.status = status
            if status == "in-progress":
                leg.answered_at = self._phones.clock.now()
            if status in OVER:
                leg.ended_at = self._phones.clock.now()

    def _after(self, seconds: float, act: Any) -> None:
        self._phones.outbox.later(self._phones.delay_s + self._phones.clock.real(seconds), act)


def _body(request: Request) -> Json:
    try:
        body = request.json()
    except ValueError:
        raise Refusal(400, "Invalid JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "Invalid JSON")
    return body


def _record(leg: Leg) -> Json:
    return {
        "call_id": leg.id, "status": _STATUSES[leg.status], "direction": "OUTBOUND", "from": leg.ours, "to": leg.to,
        "created_at": leg.created.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "duration": leg.seconds if leg.ended_at else None,
    }  # fmt: skip
