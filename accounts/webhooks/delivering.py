"""A worker's part: which address is next, signing, sending, and what follows from the answer."""

from __future__ import annotations

import json
import logging
import threading
import time
from datetime import UTC, datetime

from django.db import InterfaceError, OperationalError, connection
from standardwebhooks import Webhook

from accounts.models import WebhookDelivery, WebhookEndpoint
from accounts.webhooks import queue, sending
from accounts.webhooks.secrets import Unreadable, readable
from accounts.webhooks.services import turn_off
from common.db.clock import database_now
from common.logs import safe_traceback

log = logging.getLogger(__name__)
TURN = 10.0  # seconds one address is sent to before others have their turn
SLICE = 30.0  # seconds one task works
SILENT = "It took nothing for three days."
GONE = "It answered 410 Gone: it wants no more events."
UNREADABLE = "Its secret cannot be read since SECRET_KEY was changed. Rotate the secret, then turn it on."


def deliver(seconds: float = SLICE) -> None:
    """Sends what is due, to several addresses at once and to each one by one, until there is no more."""
    ends = time.monotonic() + seconds
    count = queue.ready()[: queue.room()].count()
    threads = [threading.Thread(target=_thread, args=(ends,), name=f"webhooks {number}") for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if time.monotonic() >= ends:
        queue.wake()


def _thread(ends: float) -> None:
    try:
        while time.monotonic() < ends and (endpoint := queue.take()) is not None:
            serve(endpoint)
    except (OperationalError, InterfaceError) as error:  # beat sends another worker
        log.warning("PostgreSQL is away: %s", type(error).__name__)
    except Exception as error:
        log.error("Sending webhooks broke: %s", safe_traceback(error))
    finally:
        connection.close()


def serve(endpoint: WebhookEndpoint) -> None:
    """One turn of an endpoint that this worker has taken: the oldest that is due, then the next. One that fails waits
    for its next try and holds up none; after a slow answer others have their turn.
    """
    ends = time.monotonic() + TURN
    try:
        while time.monotonic() < ends:
            delivery = queue.due(endpoint.pk).order_by("not_before", "pk").first()
            mine = queue.keep(endpoint) if delivery is not None else None
            if delivery is None or mine is None or _send(mine, delivery).is_slow:
                return
    finally:
        queue.leave(endpoint)


def _send(endpoint: WebhookEndpoint, delivery: WebhookDelivery) -> sending.Answer:
    body = body_of(delivery)
    try:
        headers = signed(endpoint, delivery, body, database_now())
    except Unreadable:
        turn_off(endpoint=endpoint, reason=UNREADABLE)
        return sending.Answer(None, UNREADABLE, 0)
    answer = sending.post(endpoint.url, headers, body.encode())
    if answer.is_taken:
        queue.note_delivered(delivery, answer.status)
        return answer
    is_last = queue.note_failure(delivery, answer.status, answer.problem)
    if answer.status == sending.GONE:
        turn_off(endpoint=endpoint, reason=GONE)
    elif is_last and (endpoint.answered_at is None or endpoint.answered_at < delivery.give_up_at - queue.RETRY_FOR):
        turn_off(endpoint=endpoint, reason=f"{SILENT} {answer.problem}")
    return answer


def body_of(delivery: WebhookDelivery) -> str:
    """What is sent, the same at every try."""
    told = {
        "type": delivery.event,
        "timestamp": delivery.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "object": delivery.object_id,
        "sequence": delivery.sequence,
        "data": delivery.data,
    }
    return json.dumps(told, separators=(",", ":"))


def signed(endpoint: WebhookEndpoint, delivery: WebhookDelivery, body: str, now: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks: signed with the secret and, for a day, the one before. Raises Unreadable."""
    secrets = [endpoint.secret]
    if endpoint.old_secret and endpoint.old_secret_until is not None and endpoint.old_secret_until > now:
        secrets.append(endpoint.old_secret)
    message = str(delivery.pk)
    signatures = [Webhook(readable(secret)).sign(message, now.astimezone(UTC), body) for secret in secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": "bucket-system-webhooks",
        "webhook-id": message,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
