"""The rows that are the queue: written with the deed, taken by a worker, ended by an answer or after three days."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from accounts.locks import keep_webhooks
from accounts.models import WebhookDelivery, WebhookEndpoint
from accounts.webhooks.registries import events
from common.db.clock import CLOCK, database_now
from common.db.ids import uuid7
from common.enqueue import enqueue_on_commit
from common.values.backoff import backoff

Status = WebhookDelivery.Status
TASK = "accounts.deliver_webhooks"
IDS_MOST = 500  # ids in one event: about 20 KB
RETRY_FOR = timedelta(days=3)
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=4)
JITTER = 0.2  # so that what failed together does not come back together
LEASE = timedelta(seconds=30)  # a request takes ten; then another worker sends it again
AT_ONCE = 16  # addresses that are being sent to, over all workers: as many silent ones hold one or two processes


# --- Written with the deed --------------------------------------------------------------------------------------------


def emit(event: str, *, team_id: int | None, object_id: object, data: Mapping[str, Any], once: str = "") -> None:
    """Writes one row for each webhook of the team that wants this event, in the caller's transaction.

    team_id: whose event; None, of a row from before teams: nobody's. object_id: what it happened to; its events are
    numbered. data: ids, states and amounts; never a contact, a name or a note. once: names an event that a sweep finds
    more than once and that is sent once.
    """
    if team_id is not None:
        _emit(event, team_id, object_id, data, once)


def emit_to_every_team(event: str, *, object_id: object, data: Mapping[str, Any]) -> None:
    """The same of what concerns the installation, such as a vendor."""
    _emit(event, None, object_id, data, "")


def _emit(event: str, team_id: int | None, object_id: object, data: Mapping[str, Any], once: str) -> None:
    if event not in events():
        raise LookupError(f"{event}: its room has to register it")
    with transaction.atomic(savepoint=False):
        kept = keep_webhooks(team_id, event)
        if kept:
            write([pk for pk, _ in kept], event, object_id, data, once)
        if any(is_free for _, is_free in kept):  # else a worker is at it, and looks for more before it leaves
            wake()


def emit_many(event: str, *, team_id: int, of: Sequence[tuple[UUID, Mapping[str, Any]]]) -> None:
    """As `emit` of each of these objects, (id, data), each named once, in one statement for all."""
    if event not in events():
        raise LookupError(f"{event}: its room has to register it")
    kept = keep_webhooks(team_id, event) if of else []
    if not kept:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO accounts_webhookdelivery (id, endpoint_id, event, object_id, sequence, once, data, status,
                attempts, not_before, give_up_at, error, created_at)
            SELECT uuidv7(), e.id, %(event)s, o.id, 1 + greatest(e.forgotten_to, coalesce((
                       SELECT max(d.sequence) FROM accounts_webhookdelivery d
                        WHERE d.endpoint_id = e.id AND d.object_id = o.id), 0)),
                   '', o.data::jsonb, 'queued', 0, now, now + make_interval(secs => %(retry_for)s), '', now
              FROM accounts_webhookendpoint e, unnest(%(objects)s::text[], %(data)s::text[]) AS o(id, data),
                   clock_timestamp() now
             WHERE e.id = ANY(%(endpoints)s)
             ORDER BY o.id
            ON CONFLICT DO NOTHING RETURNING endpoint_id, object_id
            """,
            {"event": event, "objects": [str(pk) for pk, _ in of], "endpoints": [pk for pk, _ in kept],
             "data": [json.dumps(data, default=str) for _, data in of], "retry_for": RETRY_FOR.total_seconds()},
        )  # fmt: skip
        written = set(cursor.fetchall())
    for endpoint_id, _ in kept:  # of another event of the same object at this moment: it has taken the number
        for object_id, data in of:
            if (endpoint_id, str(object_id)) not in written:
                write([endpoint_id], event, object_id, data)
    if any(is_free for _, is_free in kept):
        wake()


def write(endpoints: Iterable[UUID], event: str, object_id: object, data: Mapping[str, Any], once: str = "") -> None:
    """Queues an event for these endpoints, which cannot be deleted meanwhile. Of two events of an object at the same
    moment the second waits for the first, and takes the next number.
    """
    left = set(endpoints)
    while left:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO accounts_webhookdelivery (id, endpoint_id, event, object_id, sequence, once, data, status,
                    attempts, not_before, give_up_at, error, created_at)
                SELECT uuidv7(), e.id, %(event)s, %(object)s, 1 + greatest(e.forgotten_to, coalesce((
                           SELECT max(d.sequence) FROM accounts_webhookdelivery d
                            WHERE d.endpoint_id = e.id AND d.object_id = %(object)s), 0)),
                       %(once)s, %(data)s::jsonb, 'queued', 0, now, now + make_interval(secs => %(retry_for)s), '', now
                  FROM accounts_webhookendpoint e, clock_timestamp() now
                 WHERE e.id = ANY(%(left)s) AND (%(once)s = '' OR NOT EXISTS (
                           SELECT 1 FROM accounts_webhookdelivery d WHERE d.endpoint_id = e.id AND d.once = %(once)s))
                ON CONFLICT DO NOTHING RETURNING endpoint_id
                """,
                {"event": event, "object": str(object_id), "once": once, "data": json.dumps(data, default=str),
                 "retry_for": RETRY_FOR.total_seconds(), "left": list(left)},
            )  # fmt: skip
            left -= {row[0] for row in cursor.fetchall()}
        if once:
            left -= set(WebhookDelivery.objects.filter(once=once, endpoint__in=left).values_list("endpoint", flat=True))


def wake() -> None:
    """A worker looks at the queue once this transaction is committed."""
    enqueue_on_commit(TASK)


# --- Taken by a worker ------------------------------------------------------------------------------------------------


def due(endpoint_id: Any) -> QuerySet[WebhookDelivery]:
    """What is to be sent to this endpoint by now."""
    return WebhookDelivery.objects.filter(endpoint=endpoint_id, status=Status.QUEUED, not_before__lte=CLOCK)


def ready() -> QuerySet[WebhookEndpoint]:
    """Endpoints with something to send that no worker has; the one that was served longest ago first."""
    rows = WebhookEndpoint.objects.free().filter(Exists(due(OuterRef("pk"))), is_on=True)
    return rows.order_by(F("taken_at").asc(nulls_first=True), "pk")


def room() -> int:
    """How many more endpoints may be sent to at this moment."""
    return max(0, AT_ONCE - WebhookEndpoint.objects.taken().count())


def take() -> WebhookEndpoint | None:
    """Takes the next endpoint for this worker. None: there is none, or enough are being sent to."""
    for pk in ready().values_list("pk", flat=True)[: room()]:
        token = uuid7()
        if WebhookEndpoint.objects.filter(pk=pk, is_on=True).take(LEASE, token=token, taken_at=CLOCK):
            return WebhookEndpoint.objects.filter(pk=pk, token=token).first()
    return None


def keep(endpoint: WebhookEndpoint) -> WebhookEndpoint | None:
    """Renews the lease before a request, and reads the row again. None: turned off, deleted, or another worker's."""
    mine = WebhookEndpoint.objects.filter(pk=endpoint.pk, token=endpoint.token, is_on=True)
    return mine.get() if mine.update(lease_until=database_now() + LEASE) else None


def leave(endpoint: WebhookEndpoint) -> None:
    """Frees the endpoint, unless another worker has taken it."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk, token=endpoint.token).update(token=None, lease_until=None)


def note_delivered(delivery: WebhookDelivery, status: int | None) -> None:
    """An answer that took it counts, whoever has the endpoint by now."""
    with transaction.atomic():
        WebhookDelivery.objects.filter(pk=delivery.pk).update(
            status=Status.DELIVERED, attempts=F("attempts") + 1, tried_at=CLOCK, response_status=status, error=""
        )
        WebhookEndpoint.objects.filter(pk=delivery.endpoint_id).update(answered_at=CLOCK)


def note_failure(delivery: WebhookDelivery, status: int | None, problem: str) -> bool:
    """Puts it back, or ends it where its three days are over. Returns whether it was the last try."""
    now = database_now()
    over = now >= delivery.give_up_at
    wait = backoff(delivery.attempts + 1, first=FIRST_WAIT, most=LONGEST_WAIT) * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # no secret
    WebhookDelivery.objects.filter(pk=delivery.pk, status=Status.QUEUED).update(
        status=Status.FAILED if over else Status.QUEUED,
        attempts=F("attempts") + 1,
        tried_at=now,
        response_status=status,
        error=problem,
        not_before=min(now + wait, max(delivery.give_up_at, now)),
    )
    return over
