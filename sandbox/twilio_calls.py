"""Twilio's calls: placed, asked what to do once the caller has answered (TwiML), changed while they go on, listed.
Written from docs/vendors/twilio.md 7 to 9.

No idempotency: two requests are two calls. The caller's leg first; the lead's leg begins with <Dial>.
"""

import http.client
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from email.utils import format_datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit
from uuid import uuid4

from sandbox.call_numbers import ANSWERED
from sandbox.calling import OVER, Leg, Phones
from sandbox.numbers import NUMBER
from sandbox.outbox import LOOPBACK, Post
from sandbox.texting import LATE_S
from sandbox.twilio import HANG_S, PREFIX, VERSION, Twilio, error
from sandbox.wire import Answer, Charge, Endpoint, Json, Refusal, Request

_REFUSALS = {"bad_number": 21211, "not_ours": 21210}
_FAULTS = {"401": 20003, "402": 30002, "403": 20003, "429": 20429} | dict.fromkeys(("500", "502", "503", "504"), 20500)
SILENCE_S = 15.0


class TwilioCalls:
    """The voice of `Twilio`, which authorises, refuses and signs."""

    name = "twilio"

    def __init__(self, twilio: Twilio, phones: Phones) -> None:
        self._twilio, self._phones = twilio, phones
        self._held: dict[str, list[Post]] = {}
        self._base = f"/{VERSION}/Accounts/{twilio.account_id}"

    def endpoints(self) -> list[Endpoint]:
        """Its endpoints; only placing a call is charged."""
        base = f"{PREFIX}{self._base}"
        return [
            Endpoint("POST", f"{base}/Calls.json", "call", self.place),
            Endpoint("GET", f"{base}/Calls.json", "probe", self.listed),
            Endpoint("GET", f"{base}/Calls/", "probe", self.one),
            Endpoint("POST", f"{base}/Calls/", "probe", self.change),
        ]

    # --- Requests -----------------------------------------------------------------------------------------------------

    def place(self, request: Request) -> Answer:
        """One call."""
        pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
        form = dict(reversed(pairs))
        to, ours = form.get("To", ""), form.get("From", "")
        script = self._phones.numbers.script(to, request.headers)

        def noted(answer: Answer, outcome: str) -> Answer:
            self._phones.note(
                self.name, to=to, ours=ours, outcome=outcome, status=0 if answer.silent else answer.status
            )
            return answer

        if script.at_place == "hang_before":
            return noted(Answer(silent=True, wait_s=HANG_S, answered=False), "hung before")
        if script.at_place in _FAULTS:
            status = int(script.at_place)
            answer = Answer(status, error(_FAULTS[script.at_place], status), answered=False)
            if status == 429:
                answer.headers["Retry-After"] = "1"
            return noted(answer, "refused")
        code = _bad(form) or _REFUSALS.get(script.at_place, 0)
        if code:
            return noted(Answer(400, error(code, 400, to=to, from_=ours), answered=False), "refused")
        leg = Leg(
            id=f"CA{uuid4().hex}", vendor=self.name, to=to, ours=ours, created=self._phones.clock.now(), script=script,
            callback=form.get("StatusCallback", ""),
        )  # fmt: skip
        shown = self._resource(leg)
        self._phones.add(leg)
        self._later(0.0, lambda: self._ring(leg, form))
        charges = [Charge(leg.id)]
        match script.at_place:
            case "hang_after":
                return noted(Answer(silent=True, wait_s=HANG_S, charges=charges), "hung after")
            case "500_after":
                return noted(Answer(500, error(20500, 500), charges=charges), "placed, 500")
            case "garbage":
                return noted(Answer(201, text='{"sid": "CA', charges=charges), "placed, garbage")
        return noted(Answer(201, shown, charges=charges), "placed")

    def one(self, request: Request) -> Answer:
        """One call by its id."""
        return Answer(200, self._resource(self._leg(request)))

    def listed(self, request: Request) -> Answer:
        """Calls, the newest first, by To and From."""
        size, page = min(1000, int(_one(request, "PageSize") or 50)), int(_one(request, "Page") or 0)
        wanted = {name: _plus(_one(request, name)) for name in ("To", "From")}
        found = [
            leg
            for leg in reversed(self._phones.of(self.name))
            if wanted["To"] in ("", leg.to) and wanted["From"] in ("", leg.ours)
        ]
        kept = {name: values[0] for name, values in request.query.items() if name != "Page"}
        more = len(found) > (page + 1) * size
        following = f"{self._base}/Calls.json?{urlencode({**kept, 'Page': page + 1}, quote_via=quote)}"
        rows = [self._resource(leg) for leg in found[page * size : (page + 1) * size]]
        return Answer(200, {"calls": rows, "next_page_uri": following if more else None})

    def change(self, request: Request) -> Answer:
        """Status=completed ends it; Twiml= takes the place of what it does. A call that is over: 21220."""
        leg = self._leg(request)
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if leg.status in OVER:
            return Answer(400, error(21220, 400), answered=False)
        if form.get("Status") == "completed":
            self._later(0.0, lambda: self._hang_up(leg))
        elif form.get("Twiml"):
            self._later(0.0, lambda: self._play(leg, form["Twiml"]))
        return Answer(200, self._resource(leg))

    def _leg(self, request: Request) -> Leg:
        leg = self._phones.get(request.path.rpartition("/")[2].removesuffix(".json"))
        if leg is None:
            raise Refusal(404)
        return leg

    def _resource(self, leg: Leg) -> Json:
        date = format_datetime(leg.created.replace(microsecond=0))
        ended = format_datetime(leg.ended_at.replace(microsecond=0)) if leg.ended_at else None
        return {
            "account_sid": self._twilio.account_id, "answered_by": leg.answered_by or None, "api_version": VERSION,
            "date_created": date, "date_updated": date, "direction": "outbound-dial" if leg.parent else "outbound-api",
            "duration": str(leg.seconds) if leg.ended_at else None, "end_time": ended, "from": leg.ours,
            "parent_call_sid": leg.parent or None, "price": None, "price_unit": "USD", "sid": leg.id,
            "start_time": date if leg.answered_at else None, "status": leg.status, "to": leg.to,
            "uri": f"{self._base}/Calls/{leg.id}.json", "queue_time": "0",
        }  # fmt: skip

    # --- The caller's leg ---------------------------------------------------------------------------------------------

    def _ring(self, leg: Leg, form: Mapping[str, str]) -> None:
        self._become(leg, "queued", "initiated")
        self._become(leg, "ringing", "ringing")
        if leg.script.ends not in ANSWERED:
            self._after(leg.script.rings, lambda: self._over(leg, leg.script.ends))
            return
        self._after(leg.script.rings, lambda: self._answered(leg, form))

    def _answered(self, leg: Leg, form: Mapping[str, str]) -> None:
        if leg.status in OVER:
            return
        self._become(leg, "in-progress", "answered")
        document = form.get("Twiml") or self._asked(leg, form.get("Url", ""))
        self._do(leg, document)

    def _do(self, leg: Leg, document: str) -> None:
        """Carries out TwiML on the caller's leg. <Gather>: a key is pressed at once, or none, and it goes on with what
        stands behind it.
        """
        for verb in _verbs(document):
            if verb.tag == "Say":
                leg.said.append(verb.text or "")
            elif verb.tag == "Gather":
                leg.said += [one.text or "" for one in verb.iter("Say")]
                if leg.script.presses:
                    self._later(0.0, partial(self._press, leg, verb.get("action", "")))
                    return
            elif verb.tag == "Dial":
                number = verb.find("Number")
                if number is not None:
                    self._dial(leg, verb, number)
                    return
        self._over(leg, "completed")

    # --- The lead's leg -----------------------------------------------------------------------------------------------

    def _dial(self, parent: Leg, dial: Any, number: Any) -> None:
        to = (number.text or "").strip()
        leg = Leg(
            id=f"CA{uuid4().hex}", vendor=self.name, to=to, ours=dial.get("callerId", ""), parent=parent.id,
            created=self._phones.clock.now(), script=self._phones.numbers.script(to),
            callback=number.get("statusCallback", ""), action=dial.get("action", ""),
        )  # fmt: skip
        amd = number.get("amdStatusCallback", "") if number.get("machineDetection") else ""
        self._phones.add(leg)
        self._become(leg, "queued", "initiated")
        self._become(leg, "ringing", "ringing")
        if leg.script.ends not in ANSWERED:
            self._after(leg.script.rings, lambda: self._over(leg, leg.script.ends))
            return
        self._after(leg.script.rings, lambda: self._picked_up(leg, amd))

    def _picked_up(self, leg: Leg, amd: str) -> None:
        if leg.status in OVER:
            return
        self._become(leg, "in-progress", "answered")
        if amd:
            leg.answered_by = leg.script.answered_by
            fields = {
                "CallSid": leg.id, "AccountSid": self._twilio.account_id, "AnsweredBy": leg.answered_by,
                "MachineDetectionDuration": "2100",
            }  # fmt: skip
            self._send(leg, "amd", amd, fields)
        if leg.script.talks is not None:
            self._after(leg.script.talks, lambda: self._over(leg, "completed"))

    def _play(self, leg: Leg, document: str) -> None:
        """Fetches what is to be played, as the vendor does, and ends the leg."""
        for verb in _verbs(document):
            if verb.tag == "Play":
                url = (verb.text or "").strip()
                status, body, kind = _fetched(url)
                leg.played.append({"url": url, "status": status, "bytes": len(body), "type": kind})
        self._over(leg, "completed")

    def _hang_up(self, leg: Leg) -> None:
        children = [one for one in self._phones.children(leg.id) if one.status not in OVER]
        for child in children:
            self._over(child, "completed" if child.answered_at else "canceled")
        if not children:
            self._over(leg, "completed" if leg.answered_at else "canceled")

    def _over(self, leg: Leg, status: str) -> None:
        """It has ended, once. Of the lead's leg the caller's is told, and ends too."""
        status = "completed" if status in ANSWERED else status
        with self._phones.lock:
            if leg.status in OVER:
                return
            leg.ended_at = self._phones.clock.now()
        self._become(leg, status, "completed")
        parent = self._phones.get(leg.parent) if leg.parent else None
        if parent is None:
            return
        fields = self._fields(parent) | {
            "DialCallStatus": leg.script.ends if status == "completed" and leg.script.ends in ANSWERED else status,
            "DialCallSid": leg.id,
            **({"DialCallDuration": str(leg.seconds), "DialBridged": "true"} if leg.answered_at else {}),
        }
        if leg.action:
            self._send(leg, "dial", leg.action, fields)
        self._over(parent, "completed")

    # --- Posts --------------------------------------------------------------------------------------------------------

    def _become(self, leg: Leg, status: str, event: str) -> None:
        with self._phones.lock:
            leg.status = status
            if status == "in-progress":
                leg.answered_at = self._phones.clock.now()
            fields = self._fields(leg) | {
                "CallStatus": "initiated" if event == "initiated" else status,
                "Timestamp": format_datetime(self._phones.clock.now()),
                "CallbackSource": "call-progress-events",
                "SequenceNumber": str(leg.sequence),
                **({"CallDuration": str(leg.seconds), "Duration": "1"} if event == "completed" else {}),
            }
            leg.sequence += 1
        if leg.callback:
            self._send(leg, f"call {event}", leg.callback, fields)

    def _send(self, leg: Leg, what: str, url: str, fields: Mapping[str, str]) -> None:
        """As the leg's script says: late, twice, lost; reversed: all of a leg at its end, the last first."""
        knobs = leg.script.posts
        if "lost" in knobs:
            return
        post = self._twilio.signed(what, url, fields, knobs)
        if "reversed" in knobs:
            held = self._held.setdefault(leg.id, [])
            held.append(post)
            if what in ("dial", "call completed") and leg.status in OVER and (what == "dial" or not leg.action):
                for one in reversed(self._held.pop(leg.id)):
                    self._phones.outbox.deliver(one)
            return
        if "late" in knobs:
            self._after(LATE_S, lambda: self._phones.outbox.deliver(post))
            return
        for _ in range(2 if "twice" in knobs else 1):
            self._phones.outbox.deliver(post)

    def _fields(self, leg: Leg) -> dict[str, str]:
        return {
            "CallSid": leg.id, "AccountSid": self._twilio.account_id, "From": leg.ours, "To": leg.to,
            "CallStatus": leg.status, "ApiVersion": VERSION,
            "Direction": "outbound-dial" if leg.parent else "outbound-api",
            **({"ParentCallSid": leg.parent} if leg.parent else {}),
        }  # fmt: skip

    def _press(self, leg: Leg, url: str) -> None:
        if leg.status not in OVER:
            self._do(leg, self._asked(leg, url, "press", Digits="1"))

    def _asked(self, leg: Leg, url: str, what: str = "bridge", **more: str) -> str:
        """What the product answers to "she has answered: what now?"; empty where it does not."""
        if urlsplit(url).hostname not in LOOPBACK:
            return ""
        post = self._twilio.signed(what, url, self._fields(leg) | more, leg.script.posts)
        status, body, _ = _fetched(url, post)
        return body.decode("utf-8", "replace") if status == 200 else ""

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self._phones.outbox.later(self._phones.delay_s + seconds, act)

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        """seconds: by the sandbox's clock."""
        self._later(self._phones.clock.real(seconds), act)


def _bad(form: Mapping[str, str]) -> int:
    checks = (
        (not form.get("To"), 21201),
        (not form.get("From"), 21603),
        (not (form.get("Url") or form.get("Twiml")), 21205),
        (not NUMBER.fullmatch(form.get("To", "")), 21211),
        (not NUMBER.fullmatch(form.get("From", "")), 21210),
    )
    return next((code for is_bad, code in checks if is_bad), 0)


def _verbs(document: str) -> list[Any]:
    try:
        return list(ET.fromstring(document)) if document else []  # the product's own words, on this machine
    except ET.ParseError:
        return []


def _fetched(url: str, post: Post | None = None) -> tuple[int, bytes, str]:
    """Status, body and type, of this machine alone; (0, b"", "") where nothing answers."""
    place = urlsplit(url)
    if place.hostname not in LOOPBACK:
        return 0, b"", ""
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=SILENCE_S)
    try:
        path = place.path + (f"?{place.query}" if place.query else "")
        if post is None:
            connection.request("GET", path)
        else:
            connection.request("POST", path, body=post.body, headers=dict(post.sign()))
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.getheader("Content-Type", "")
    except (OSError, http.client.HTTPException):
        return 0, b"", ""
    finally:
        connection.close()


def _one(request: Request, name: str) -> str:
    return request.query.get(name, [""])[0]


def _plus(number: str) -> str:
    return f"+{number.strip().removeprefix('+')}" if number.strip() else ""
