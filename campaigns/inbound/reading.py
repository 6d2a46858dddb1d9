"""Handling what vendors posted, each post once, from its row. The request that brought an opt-out tries first; whatever
it does not come to, a worker does, opt-outs before all else.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.db.models import Case, IntegerField, Value, When

from campaigns.inbound import mail_posts
from campaigns.inbound.posts import URGENT
from campaigns.inbound.receiving import receive
from campaigns.locks import lock_open_post
from campaigns.models import Inbound
from campaigns.sending.lifecycle import pause_by_health
from campaigns.sending.statuses import apply_event
from campaigns.voice import hearing
from common.db.clock import database_now
from common.logs import safe_traceback
from common.values.backoff import backoff
from integrations.vendors import messaging
from integrations.vendors.messaging import HealthEvent, IncomingText, StatusEvent, Unreadable
from leads.privacy.filtering import names_forgotten

log = logging.getLogger(__name__)
AT_ONCE = 1000  # milliseconds that the request of an opt-out waits for a lock
BATCH = 50  # posts that are handled before more urgent ones are looked for
SECONDS = 20.0  # of one reader


def handle_at_once(inbound_id: UUID) -> bool:
    """In the request that brought it. False: a lock was taken, or it broke; a worker does it."""
    try:
        return _handle(inbound_id, lock_timeout=AT_ONCE)
    except DatabaseError as error:
        log.warning("An opt-out is left to a worker (%s)", type(error).__name__)
    except Exception as error:
        log.error("A post could not be handled at once: %s", safe_traceback(error))  # no values
    return False


def handle_open() -> int:
    """Handles what is open, the most urgent first, until nothing is or the time is over. Returns how many."""
    until, done = time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        ids = _next_open()
        if not ids:
            break
        for inbound_id in ids:
            try:
                done += _handle(inbound_id)
            except Exception as error:
                log.error("A post could not be handled: %s", safe_traceback(error))  # no values
                _put_off(inbound_id, error)
    return done


def _next_open() -> list[UUID]:
    urgency = Case(
        When(kind=URGENT, then=Value(0)),
        When(kind__in=("message", "mail"), then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    rows = Inbound.objects.free().filter(handled_at__isnull=True)
    return list(rows.order_by(urgency, "received_at", "pk").values_list("pk", flat=True)[:BATCH])


def _handle(inbound_id: UUID, *, lock_timeout: int | None = None) -> bool:
    """A transaction for each thing it says: applying one twice changes nothing, so that a crash in between is harmless.
    One that breaks leaves the post open, and keeps none behind it from being applied.

    Whoever comes second waits for the row, and finds it handled. lock_timeout: milliseconds.
    """
    row = Inbound.objects.filter(pk=inbound_id, handled_at__isnull=True).first()
    if row is None:
        return False
    if row.kind in hearing.KINDS:
        return _handle_call(row, lock_timeout)
    is_mail = row.vendor == mail_posts.VENDOR
    body = bytes(row.body or b"")
    said: list[Any] | Unreadable = (
        mail_posts.said_in(row.headers, body) if is_mail else messaging.read_post(row.vendor, row.headers, body)
    )
    things = [None] if isinstance(said, Unreadable) or not said else [*said]
    if is_mail and not isinstance(said, Unreadable):
        with transaction.atomic(), connection.cursor() as cursor:
            _wait_at_most(cursor, lock_timeout)
            mail_posts.prove(said)
    broken: Exception | None = None
    for number in range(len(things)):
        ends = number == len(things) - 1 and broken is None
        try:
            if not _handle_thing(row, said, things, number, lock_timeout, ends=ends):
                return False
        except (OperationalError, InterfaceError):  # PostgreSQL's trouble, or a lock: no other thing would fare better
            raise
        except Exception as error:  # an opt-out may stand behind it
            broken = broken or error
    if broken is not None:
        raise broken
    return True


def _handle_thing(
    row: Inbound, said: Any, things: Sequence[Any], number: int, lock_timeout: int | None, *, ends: bool
) -> bool:
    """ends: with it the post is handled. False: it is already."""
    one, is_mail = things[number], row.vendor == mail_posts.VENDOR
    with transaction.atomic(), connection.cursor() as cursor:
        _wait_at_most(cursor, lock_timeout)
        if not lock_open_post(row.pk):
            return False
        note = said.why if isinstance(said, Unreadable) else ""
        if one is not None:
            message_id = row.pk if number == 0 else uuid5(row.pk, str(number))
            note = mail_posts.apply(one, row, message_id) if is_mail else _apply(one, row, message_id)
        changes: dict[str, object] = {}
        if ends:
            changes = {"handled_at": database_now(), "lease_until": None}
            if mail_posts.is_by_forgotten(things) if is_mail else _is_by_forgotten(things):
                changes["body"] = None
        Inbound.objects.filter(pk=row.pk).update(error=note[:300], **changes)
    return True


def _handle_call(row: Inbound, lock_timeout: int | None) -> bool:
    """A post of a call says one thing."""
    with transaction.atomic(), connection.cursor() as cursor:
        _wait_at_most(cursor, lock_timeout)
        if not lock_open_post(row.pk):
            return False
        note = hearing.hear(row)
        Inbound.objects.filter(pk=row.pk).update(error=note[:300], handled_at=database_now(), lease_until=None)
    return True


def _wait_at_most(cursor: Any, lock_timeout: int | None) -> None:
    """milliseconds that this transaction waits for a lock; None: as long as it takes."""
    if lock_timeout is not None:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{lock_timeout}ms"])


def _apply(one: messaging.Post, row: Inbound, message_id: UUID) -> str:
    """In the caller's transaction. Returns what an operator should know of it."""
    if isinstance(one, StatusEvent):
        apply_event(
            vendor=row.vendor, vendor_id=one.vendor_id, token=row.token_in_url, kind=one.kind, error=one.error,
            words=one.words, refusal=one.refusal or "", at=one.at, inbound_id=row.pk,
        )  # fmt: skip
    elif isinstance(one, IncomingText):
        return receive(one, message_id)
    elif isinstance(one, HealthEvent):
        paused = pause_by_health(one.vendor, one.ours, one.words or "The carrier warns of this number.")
        return f"{one.words} Campaigns paused: {paused}."
    return ""


def _is_by_forgotten(things: Iterable[messaging.Post | None]) -> bool:
    return names_forgotten(*(one.number for one in things if isinstance(one, IncomingText)))


def _put_off(inbound_id: UUID, error: Exception) -> None:
    """Tried again with growing pauses, for good: an opt-out is never dropped."""
    row = Inbound.objects.get(pk=inbound_id)
    row.tries += 1
    Inbound.objects.filter(pk=inbound_id, handled_at__isnull=True).update(
        tries=row.tries,
        error=type(error).__name__[:300],
        lease_until=database_now() + backoff(row.tries, most=timedelta(minutes=5)),
    )
