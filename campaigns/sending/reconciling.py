"""Messages in doubt, asked about at their vendor: repeated once where it replays its answer, else looked for."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from campaigns import clock
from campaigns.locks import lock_keys
from campaigns.models import Delivery
from campaigns.sending import doubts, statuses
from campaigns.sending.executing import message_of
from campaigns.sending.moving import Moves, lock_with_members
from common.db.clock import database_now
from common.logs import safe_traceback
from integrations.vendors import messaging
from integrations.vendors.errors import VendorFailure
from integrations.vendors.messaging import RecipientRefused
from leads.models import ContactKey
from leads.permission.suppressing import in_force

log = logging.getLogger(__name__)
State = Delivery.State
REPEAT_WITHIN = timedelta(minutes=10)  # since its sending was committed: so long the vendor surely knows the key
REPEAT_AFTER = timedelta(seconds=5)  # a slow answer may still be on its way to another worker's sweep
LOOK_FOR = timedelta(days=3)  # carriers report for as long; then a person decides
BEFORE = timedelta(minutes=5)  # a vendor's clock may be behind ours
PIECE = 100  # a sweep


def reconcile(*, piece: int = PIECE) -> int:
    """Asks the vendors about messages in doubt, the oldest first. Returns how many are known now. Any number of workers
    may: each outcome is written under the message's lock.
    """
    doubted = Delivery.objects.filter(state=State.IN_DOUBT, channel="sms").exclude(vendor="")
    rows = doubted.filter(intended_at__gt=clock.now() - LOOK_FOR).order_by("intended_at", "pk")
    return sum(reconcile_one(pk) for pk in list(rows.values_list("pk", flat=True)[:piece]))


def repeat_fresh() -> int:
    """Those that may be repeated only for minutes: by a sweep that comes more often. Returns how many are known now."""
    since = database_now() - REPEAT_WITHIN
    rows = Delivery.objects.filter(state=State.IN_DOUBT, channel="sms", repeated_at=None, call__sent_at__gt=since)
    ids = [pk for pk, vendor in rows.values_list("pk", "vendor")[:PIECE] if vendor and messaging.may_repeat(vendor)]
    return sum(reconcile_one(pk) for pk in ids)


def reconcile_one(delivery_id: UUID) -> bool:
    """Whether it is known now what became of this message.

    1. Where the vendor replays its answer to a repeat with the same key: repeated, once, within ten minutes; not if its
       person has been suppressed since, as the first may never have come.
    2. Else, or after that: looked for at the vendor. Found, it is what the vendor says. Not found, it stays in doubt: a
       vendor that does not know it yet is no proof.
    """
    row = Delivery.objects.select_related("sender", "call").filter(pk=delivery_id, state=State.IN_DOUBT).first()
    if row is None or row.address is None or row.body is None:
        return False
    try:
        if _may_repeat(row) and _claim_repeat(row):
            return _repeat(row)
        return _look_for(row)
    except VendorFailure as failure:
        log.warning("Asking about message %s: %s", row.pk, failure.reason)
    except Exception as error:
        log.error("Asking about message %s broke: %s", row.pk, safe_traceback(error))
    return False


def _may_repeat(row: Delivery) -> bool:
    sent_at = row.call.sent_at if row.call is not None else None
    if row.repeated_at is not None or sent_at is None or not messaging.may_repeat(row.vendor):
        return False
    return sent_at + REPEAT_AFTER < database_now() < sent_at + REPEAT_WITHIN


def _claim_repeat(row: Delivery) -> bool:
    """Commits that it is being repeated, once. False: another worker has, it is known by now, or its person has been
    suppressed: her key is locked as by an opt-out, before anything is read.
    """
    with transaction.atomic():
        lock_keys([row.key_id])
        key = ContactKey.objects.get(pk=row.key_id)
        kept = in_force([(key.kind, bytes(key.digest))], row.channel, at=clock.now())
        if any(kept.values()) and row.purpose != Delivery.Purpose.CONFIRM:
            return False
        now = database_now()
        free = Delivery.objects.filter(pk=row.pk, state=State.IN_DOUBT, repeated_at=None)
        return bool(free.update(repeated_at=now))


def _repeat(row: Delivery) -> bool:
    """Sends it once more under the same key. A refusal of this message says that the first was refused, too, and means
    what the vendor's later word would (`statuses.after_no`); one of the account (key, money) says nothing of the first,
    so that it stays in doubt.
    """
    try:
        sent = messaging.send(row.vendor, message_of(row, None))
    except RecipientRefused as refused:
        with transaction.atomic():
            doubts.settle_call(row.pk, "failed")
            for locked in lock_with_members([row.pk], state=State.IN_DOUBT):
                moves = Moves(clock.now())
                moves.to(
                    locked, State.FAILED, ended_at=moves.at, error=refused.code, error_words=refused.words,
                    refusal=str(refused.kind),
                )  # fmt: skip
                moves.write()
        statuses.after_no(row.pk)
        return True
    statuses.apply_event(vendor=row.vendor, vendor_id=sent.vendor_id, token=row.callback_token, kind=sent.state)
    return True


def _look_for(row: Delivery) -> bool:
    others = Delivery.objects.filter(vendor=row.vendor, key=row.key_id, vendor_id__isnull=False).exclude(pk=row.pk)
    known = set(others.values_list("vendor_id", flat=True))
    since = (row.intended_at or clock.now()) - BEFORE
    found = messaging.find(row.vendor, message_of(row, None), since, known={one for one in known if one})
    if found is None:
        return False
    statuses.apply_event(
        vendor=row.vendor, vendor_id=found.vendor_id, token=row.callback_token, kind=found.kind, error=found.error,
        words=found.words, refusal=str(found.refusal or ""),
    )  # fmt: skip
    return True
