"""From a request to its answer: route, key, pace, faults, the vendor's endpoint, the ledger."""

import math
from datetime import date
from threading import Event
from typing import Any

from sandbox import faults as kinds
from sandbox.billing import Ledger, Pace
from sandbox.faults import Fault, FaultBox, FaultError, parse
from sandbox.messaging import Messaging
from sandbox.search import Search
from sandbox.spoiling import instead, spoil
from sandbox.webhooks import PREFIX, Receiver
from sandbox.wire import Answer, Endpoint, Json, Refusal, Request, Vendor


class Engine:
    """Answers requests; `respond` returns None where the connection is to be closed without an answer."""

    def __init__(
        self, ledger: Ledger, pace: Pace, box: FaultBox, stop: Event, search: Search, messaging: Messaging
    ) -> None:
        self._ledger, self._pace, self._box, self._stop, self._search = ledger, pace, box, stop, search
        self._messaging = messaging
        self._receiver = Receiver()
        self._routes: dict[tuple[str, str], tuple[Vendor, Endpoint]] = {}

    def add(self, vendor: Vendor, more: list[Endpoint] | None = None) -> None:
        """Opens a vendor's endpoints."""
        for endpoint in [*vendor.endpoints(), *(more or [])]:
            self._routes[endpoint.method, endpoint.path] = vendor, endpoint

    def respond(self, request: Request) -> Answer | None:
        """The answer, after whatever waiting a fault asks for."""
        if request.path.startswith("/sandbox/"):
            return self._control(request)
        if request.path == "/__log":
            return self._messaging.log(request)
        if request.path == "/__mail":
            return self._messaging.mail_log(request)
        if request.path.startswith(PREFIX):
            return self._receiver.take(request, self._box, self._stop)
        path = request.path.rstrip("/")
        route = self._routes.get((request.method, path))
        above = path
        while route is None and above:  # a endpoint whose path ends in "/" takes the rest as its argument
            above = above.rpartition("/")[0]
            route = self._routes.get((request.method, above + "/"))
        if route is None:
            return self._nowhere(path)
        vendor, endpoint = route
        self._ledger.arrive(endpoint.operation)
        try:
            return self._serve(vendor, endpoint, request)
        finally:
            self._ledger.leave()

    def _nowhere(self, path: str) -> Answer:
        for vendor, endpoint in self._routes.values():
            if path.split("/")[1] == endpoint.path.split("/")[1]:
                return vendor.refuse(Refusal(404), None)
        return Answer(404, {"message": "no such vendor"})

    def _serve(self, vendor: Vendor, endpoint: Endpoint, request: Request) -> Answer | None:
        try:
            vendor.authorise(request, endpoint)
        except Refusal as refusal:
            return self._refused(endpoint, vendor.refuse(refusal, endpoint))
        used, wait_s = self._pace.admit(endpoint.operation)
        headers = vendor.pace_headers(self._pace.limit(endpoint.operation), used, wait_s)
        if wait_s is not None:
            limit = self._pace.limit(endpoint.operation)
            answer = vendor.refuse(Refusal(429, code=f"pace:{limit}"), endpoint)
            answer.headers |= headers
            return self._refused(endpoint, answer)
        fault = self._box.pick(endpoint.operation, batch=endpoint.batch)
        if fault is not None and fault.kind in kinds.BEFORE_KINDS and fault.kind != "slow":
            return self._before(vendor, endpoint, fault, request)
        if fault is not None and fault.kind == "slow" and not fault.billed:
            self._stop.wait(fault.pause_s)
        answer = self._handle(vendor, endpoint, request)
        answer.headers |= headers
        if fault is not None and fault.kind in kinds.SPOILING_KINDS:
            answer = spoil(answer, fault, lambda one: self._ledger.sold(endpoint.operation, one))
        self._ledger.settle(endpoint.operation, answered=answer.answered, status=answer.status, charges=answer.charges)
        return self._after(answer, fault)

    def _handle(self, vendor: Vendor, endpoint: Endpoint, request: Request) -> Answer:
        try:
            return endpoint.handle(request)
        except Refusal as refusal:
            return vendor.refuse(refusal, endpoint)
        except Exception as error:  # a mistake of ours must not look like a fault of the vendor's
            return Answer(500, {"message": f"the sandbox is at fault: {error!r}"}, answered=False)

    def _refused(self, endpoint: Endpoint, answer: Answer) -> Answer:
        self._ledger.settle(endpoint.operation, answered=False, status=answer.status)
        return answer

    def _before(self, vendor: Vendor, endpoint: Endpoint, fault: Fault, request: Request) -> Answer | None:
        """A fault that keeps the request from the vendor, or its answer from the client: then it has been billed."""
        charges = self._handle(vendor, endpoint, request).charges if fault.billed else []
        if fault.kind == "cut_before":
            self._ledger.settle(endpoint.operation, answered=False, status=0, charges=charges)
            return None
        if fault.kind in kinds.STATUS_KINDS:
            code = "daily" if fault.kind == "429_daily" else ""
            answer = vendor.refuse(Refusal(kinds.STATUS_KINDS[fault.kind], code=code), endpoint)
            if fault.kind == "429_retry_after":
                answer.headers["Retry-After"] = str(math.ceil(fault.pause_s))
        else:
            answer = instead(fault.kind, request.path)
        self._ledger.settle(endpoint.operation, answered=False, status=answer.status, charges=charges)
        return answer

    def _after(self, answer: Answer, fault: Fault | None) -> Answer | None:
        """A fault that strikes once the answer is made and billed, or the waiting that the answer itself asks for."""
        if answer.wait_s:
            self._stop.wait(answer.wait_s)
        if answer.silent:
            return None
        if fault is not None and (fault.kind == "timeout" or (fault.kind == "slow" and fault.billed)):
            self._stop.wait(fault.pause_s)
        if fault is not None and fault.kind == "cut_middle":
            answer.cut_at = len(answer.body()) // 2
        return None if fault is not None and fault.kind in ("timeout", "cut") else answer

    def _counties(self) -> list[Json]:
        """How many parcels there are, by county."""
        counted: dict[tuple[str | None, str], int] = {}
        for group in self._search.source.groups:
            place = group.county, group.state
            counted[place] = counted.get(place, 0) + len(group.indices)
        return [{"county": county, "state": state, "parcels": n} for (county, state), n in counted.items()]

    def _control(self, request: Request) -> Answer:
        """The sandbox's own endpoints; no vendor has them."""
        order = request.method, request.path.rstrip("/")
        if order == ("GET", "/sandbox/ledger"):
            wanted = {name: request.query.get(name) == ["1"] for name in ("inputs", "arrivals")}
            return Answer(200, self._ledger.report(**wanted))
        if order == ("POST", "/sandbox/ledger/reset"):
            self._ledger.reset()
            return Answer(200, self._ledger.report())
        if order == ("GET", "/sandbox/parcels"):
            return Answer(200, {"counties": self._counties()})
        if order == ("POST", "/sandbox/updates"):
            return self._note_update(request)
        if answer := self._messaging.control(request):
            return answer
        if order[1] == "/sandbox/webhooks":
            return self._receiver.order(request)
        if request.path.rstrip("/") == "/sandbox/faults":
            return self._order_faults(request)
        return Answer(404, {"message": "no such endpoint"})

    def _note_update(self, request: Request) -> Answer:
        """`{"ids": [number…], "date": "YYYY-MM-DD"}`: the vendor has changed these parcels on that day."""
        try:
            order: Any = request.json()
            self._search.note_update([int(one) for one in order["ids"]], date.fromisoformat(order["date"]).isoformat())
        except (KeyError, TypeError, ValueError):
            return Answer(400, {"message": 'the body is {"ids": [number…], "date": "YYYY-MM-DD"}'})
        return Answer(200, {"updated": len(order["ids"])})

    def _order_faults(self, request: Request) -> Answer:
        if request.method == "DELETE":
            self._box.replace([])
        elif request.method == "POST":
            try:
                orders: Any = request.json()
                if not isinstance(orders, list):
                    raise FaultError("the body is a JSON list of faults")
                self._box.replace([parse(order) for order in orders])
            except (FaultError, ValueError) as error:
                return Answer(400, {"message": str(error)})
        elif request.method != "GET":
            return Answer(405, {"message": "GET, POST or DELETE"})
        return Answer(200, self._box.report())
