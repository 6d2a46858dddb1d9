"""Calls of which nobody has told: in doubt, they are looked for at their vendor; open, it is asked. Places none."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from campaigns import clock
from campaigns.models import CallAttempt
from campaigns.voice import hearing, moving, phones
from common.db.clock import database_now
from common.logs import safe_traceback
from integrations.vendors import voice
from integrations.vendors.errors import VendorFailure
from integrations.vendors.phone_calls import KINDS
from integrations.vendors.voice import Dial, FoundCall, LegEvent

log = logging.getLogger(__name__)
State, Mode = CallAttempt.State, CallAttempt.Mode
LOOK_FOR = timedelta(days=3)  # then a person decides
BEFORE = timedelta(minutes=5)  # a vendor's clock may be behind ours
QUIET = timedelta(minutes=10)  # so long Twilio has posted nothing: a post may be lost
PIECE = 100  # a sweep


def reconcile(*, piece: int = PIECE) -> int:
    """Asks the vendors, the oldest first. Returns how many calls have moved. Any number of workers may."""
    now = database_now()
    by_vendor = CallAttempt.objects.exclude(mode=Mode.TEL).filter(created_at__gt=now - LOOK_FOR)
    known = Q(agent_vendor_id__isnull=False)
    is_open = ~Q(state=State.ENDED) & known & (Q(mode=Mode.SIGNALHOUSE) | Q(updated_at__lt=now - QUIET))
    doubted = Q(state=State.IN_DOUBT, agent_vendor_id__isnull=True, call__sent_at__isnull=False)
    ids = by_vendor.filter(is_open | doubted).order_by("created_at", "pk").values_list("pk", flat=True)
    return sum(refresh(pk) for pk in list(ids[:piece]))


def refresh(attempt_id: UUID) -> bool:
    """Asks the vendor about one call. Whether it has moved."""
    attempt = CallAttempt.objects.select_related("by", "sender", "call").get(pk=attempt_id)
    vendor = phones.VENDORS.get(attempt.mode)
    if vendor is None:
        return False
    try:
        found = voice.fetch(vendor, attempt.agent_vendor_id) if attempt.agent_vendor_id else _found(attempt, vendor)
    except VendorFailure as failure:
        log.warning("Asking about call %s: %s", attempt_id, failure.reason)
        return False
    except Exception as error:
        log.error("Asking about call %s broke: %s", attempt_id, safe_traceback(error))
        return False
    if found is None:
        return False
    try:
        with transaction.atomic():
            after = hearing.move(attempt_id, lambda row: _apply(row, found))
    except hearing.TwoCalls:
        log.error("Call %s: what was found at the vendor is another call's", attempt_id)
        return False
    return after is not None and after.state != attempt.state


def _found(attempt: CallAttempt, vendor: str) -> FoundCall | None:
    """One in doubt: by her phone, our number and the time; none that is another call of ours."""
    if attempt.sender is None or attempt.call is None or attempt.call.sent_at is None:
        return None
    since = clock.now() - (database_now() - attempt.call.sent_at) - BEFORE
    ids = CallAttempt.objects.filter(by=attempt.by_id, mode=attempt.mode, agent_vendor_id__isnull=False)
    known = set(ids.filter(created_at__gt=attempt.created_at - LOOK_FOR).values_list("agent_vendor_id", flat=True))
    agent = phones.agent_of(attempt.by, attempt.mode)
    dial = Dial(agent=agent, to=attempt.number or "", sender=attempt.sender.number, token=attempt.token)
    return voice.find(vendor, dial, since, known={one for one in known if one})


def _apply(attempt: CallAttempt, found: FoundCall) -> None:
    """By Twilio what was found is the caller's leg. By SignalHouse it is the whole call."""
    vendor = phones.VENDORS[attempt.mode]
    event = LegEvent(vendor, found.vendor_id, found.kind, KINDS.index(found.kind), seconds=found.seconds)
    moving.hear_caller(attempt, event, clock.now()) if attempt.mode == Mode.TWILIO else _whole(attempt, event)


def _whole(attempt: CallAttempt, event: LegEvent) -> None:
    attempt.agent_vendor_id = attempt.agent_vendor_id or event.vendor_id
    moving.hear_lead(attempt, event, clock.now())
