"""A receiver of the product's own webhooks: checks each signature by itself, and fails by the faults of `webhook`.

POST /sandbox/webhooks {"secrets": ["whsec_…"]} begins anew; GET tells what has come, in order; /webhooks/… receives.
"""

import base64
import hashlib
import hmac
import json
import time
from threading import Event, Lock
from typing import Any

from sandbox import faults as kinds
from sandbox.faults import RECEIVER, FaultBox
from sandbox.spoiling import instead
from sandbox.wire import Answer, Json, Request

PREFIX = "/webhooks/"
TOLERANCE_S = 300  # a signature older or newer than that is refused


class Receiver:
    """What has come. A request that a fault refuses is noted as well, with the status it was answered with."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._secrets: list[str] = []
        self._came: list[Json] = []

    def order(self, request: Request) -> Answer:
        """The sandbox's own endpoint."""
        if request.method == "POST":
            try:
                order: Any = request.json()
                secrets = [str(secret) for secret in order["secrets"]]
            except (KeyError, TypeError, ValueError):
                return Answer(400, {"message": 'the body is {"secrets": ["whsec_…"]}'})
            with self._lock:
                self._secrets, self._came = secrets, []
        with self._lock:
            return Answer(200, {"received": list(self._came)})

    def take(self, request: Request, box: FaultBox, stop: Event) -> Answer | None:
        """An event: 204 where its signature holds, 401 where it does not, or what a fault asks for."""
        with self._lock:
            signers = [secret for secret in self._secrets if verified(secret, request)]
        fault = box.pick(RECEIVER, batch=False)
        if fault is not None and fault.kind in ("slow", "timeout"):
            stop.wait(fault.pause_s)
        status = 204 if signers else 401
        answer: Answer | None = Answer(status, text="")
        if fault is not None and fault.kind in kinds.STATUS_KINDS:
            answer = Answer(kinds.STATUS_KINDS[fault.kind], {"message": "on purpose"})
        elif fault is not None and fault.kind in {*kinds.GATEWAY_KINDS, *kinds.REDIRECT_KINDS, *kinds.PAGE_KINDS}:
            answer = instead(fault.kind, request.path)
        elif fault is not None and fault.kind in ("timeout", "cut", "cut_before"):
            answer = None
        self._note(request, len(signers), answer)
        return answer

    def _note(self, request: Request, signers: int, answer: Answer | None) -> None:
        try:
            body: Any = json.loads(request.body)
        except ValueError:
            body = None
        came = {
            "path": request.path,
            "id": request.headers.get("webhook-id"),
            "verified": bool(signers),
            "signers": signers,
            "status": answer.status if answer else None,
            "at": time.time(),
            "body": body,
        }
        with self._lock:
            self._came.append(came)


def verified(secret: str, request: Request) -> bool:
    """Whether one of the signatures is this secret's, as Standard Webhooks say: HMAC-SHA256 of id.timestamp.body."""
    message, moment = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
    if not moment.isdigit() or abs(time.time() - int(moment)) > TOLERANCE_S:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.new(key, f"{message}.{moment}.".encode() + request.body, hashlib.sha256).digest()
    mine = "v1," + base64.b64encode(signed).decode()
    given = request.headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(mine, one) for one in given)
