"""What the vendor says of a message, in whatever order: its state only rises."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from campaigns import clock
from campaigns.models import Delivery, DeliveryEvent
from campaigns.sending import ours, suppressing
from campaigns.sending.doubts import settle_call
from campaigns.sending.moving import EMAIL, Moves, apply, lock_with_members
from common.db.clock import database_now
from common.db.ids import uuid7

__all__ = ["apply", "apply_event", "join", "join_waiting", "tell"]
MAIL = "mail"
UNNOTED = frozenset({"clicked", "replied"})  # a row of their own tells of them
JOINED = 500  # waiting events that one sweep looks at


def apply_event(
    *,
    vendor: str,
    vendor_id: str,
    token: UUID | None,
    kind: str,
    error: str = "",
    words: str = "",
    refusal: str = "",
    at: datetime | None = None,
    inbound_id: UUID | None = None,
) -> UUID | None:
    """Notes an event once, and moves its message on if the event outranks its state. A transaction of its own, or the
    caller's, which then has locked no more than the Inbound row. Returns the delivery; None: not known yet, it waits.

    vendor_id: the vendor's own id; token: of the address it called, which finds the message at once. kind: accepted,
    sent, delivered, failed, undelivered; of an e-mail deferred, bounced, complained, clicked, replied, too. error: the
    vendor's code; words: in its words; refusal: what its no means, as `Delivery.refusal` has it. at: when, says the
    vendor. The same twice: known, nothing changes.

    1. The message, by the vendor's id, or by the token if it has no id yet. Where it is not known yet, the event waits
       without one.
    2. Its call, if that is in doubt: the vendor itself has told. Then member and message.
    3. The event's row; one that was there before and had its message changes nothing.
    4. The message moves.
    5. A no that is about the person suppresses her, after the commit and again by the sweep; one that is about our
       number pauses its campaign.
    """
    with transaction.atomic():
        found = _message(vendor, vendor_id, token)
        if found is None:
            _note(None, vendor, vendor_id, kind, error, words, refusal, at, inbound_id)
            return None
        return tell(
            found, kind, vendor=vendor, vendor_id=vendor_id, error=error, words=words, refusal=refusal, at=at,
            inbound_id=inbound_id,
        )  # fmt: skip


def tell(
    delivery_id: UUID,
    kind: str,
    *,
    vendor: str,
    vendor_id: str = "",
    error: str = "",
    words: str = "",
    refusal: str = "",
    at: datetime | None = None,
    inbound_id: UUID | None = None,
    marked_at: datetime | None = None,
) -> UUID | None:
    """As `apply_event`, of a message that is known, from its second step on. In a transaction. marked_at: by the
    campaigns' clock; None: now.
    """
    settle_call(delivery_id, kind)
    rows = lock_with_members([delivery_id])
    if not rows:
        return None
    row = rows[0]
    named = row.callback_token.hex if row.channel == EMAIL else vendor_id  # by SMTP it has no other id
    if kind not in UNNOTED and not _note(row.pk, vendor, named, kind, error, words, refusal, at, inbound_id):
        return row.pk
    moves = Moves(clock.now())
    told = {
        "kind": kind, "error": error, "error_words": words, "refusal": refusal, "vendor": vendor,
        "vendor_id": vendor_id, "at": marked_at,
    }  # fmt: skip
    apply(moves, row, told)
    moves.write()
    if row.refusal:
        transaction.on_commit(lambda: after_no(row.pk))
    if kind == "complained" and row.complained_at is not None:
        transaction.on_commit(lambda: suppressing.after_complaint(row.pk))
    return row.pk


def after_no(delivery_id: UUID) -> None:
    """After the commit: what the vendor's no means beyond its message, for the person, or for whoever else our number
    writes to.
    """
    suppressing.after_no(delivery_id)
    ours.pause_for(delivery_id)


def _message(vendor: str, vendor_id: str, token: UUID | None) -> UUID | None:
    """The message that has this id, else the one of the address if it has none yet: an address tells which message an
    unknown id is of, and never makes one message out of two. Of an e-mail the token alone tells: a provider may give it
    another id in each of its posts.
    """
    rows = Delivery.objects.filter(vendor=vendor)
    if vendor == MAIL and token is not None:
        return rows.filter(callback_token=token).values_list("pk", flat=True).first()
    found: UUID | None = None
    if vendor_id:
        found = rows.filter(vendor_id=vendor_id[:80]).values_list("pk", flat=True).first()
    if found is None and token is not None:
        own = rows.filter(callback_token=token)
        own = own.filter(vendor_id=None) if vendor_id else own
        found = own.values_list("pk", flat=True).first()
    return found


def _note(
    delivery_id: UUID | None, vendor: str, vendor_id: str, kind: str, error: str, words: str, refusal: str,
    at: datetime | None, inbound_id: UUID | None,
) -> bool:  # fmt: skip
    """Writes the event's row. False: it was there, with its message. One that waited gets its message."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO campaigns_deliveryevent AS e (id, delivery_id, vendor, vendor_id, kind, error, error_words,
                   refusal, vendor_at, inbound_id, received_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (vendor, vendor_id, kind, vendor_at) DO UPDATE SET delivery_id = EXCLUDED.delivery_id
             WHERE e.delivery_id IS NULL AND EXCLUDED.delivery_id IS NOT NULL
            """,
            [
                uuid7(), delivery_id, vendor, vendor_id[:80], kind[:20], error[:60], words[:300], refusal[:13], at,
                inbound_id, database_now(),
            ],
        )  # fmt: skip
        return bool(cursor.rowcount)


def join(moves: Moves, by_vendor_id: Mapping[str, Delivery]) -> None:
    """What the vendor said of these ids before we knew them. In the transaction that learns them, which has locked the
    messages.
    """
    if not by_vendor_id:
        return
    waiting = DeliveryEvent.objects.filter(delivery=None, vendor_id__in=list(by_vendor_id)).order_by("pk")
    joined = [event for event in waiting if by_vendor_id[event.vendor_id].vendor == event.vendor]
    for event in joined:
        row = by_vendor_id[event.vendor_id]
        apply(moves, row, event)
        DeliveryEvent.objects.filter(pk=event.pk).update(delivery=row)


def join_waiting() -> int:
    """Events that came in the moment in which their message learned its id. Returns how many found it now."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT d.id, d.vendor_id FROM campaigns_deliveryevent e
              JOIN campaigns_delivery d ON d.vendor = e.vendor AND d.vendor_id = e.vendor_id
             WHERE e.delivery_id IS NULL LIMIT %s
            """,
            [JOINED],
        )
        found: Collection[tuple[UUID, str]] = cursor.fetchall()
    for delivery_id, _ in found:
        with transaction.atomic():
            settle_call(delivery_id, "accepted")
            rows = lock_with_members([delivery_id])
            moves = Moves(clock.now())
            join(moves, {row.vendor_id: row for row in rows if row.vendor_id})
            moves.write()
            for row in rows:
                if row.refusal:
                    transaction.on_commit(lambda pk=row.pk: after_no(pk))  # type: ignore[misc]
    return len(found)
