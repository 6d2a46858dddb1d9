"""What workers that died have left, and what ends by itself. Every ten seconds; several may sweep at once."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, transaction

from campaigns import clock
from campaigns.models import Delivery
from campaigns.sending import doubts, lifecycle, reconciling, statuses, steps, suppressing
from campaigns.sending.moving import Moves, lock_with_members
from common.db.clock import database_now
from common.logs import safe_traceback
from integrations.ledger import calls
from integrations.models import VendorCall

log = logging.getLogger(__name__)
State = Delivery.State
PIECE = 200


def sweep() -> int:
    """Makes every sweep once; one that breaks holds up no other. Returns how many rows they changed.

    1. Calls whose worker is dead: their messages are in doubt (`doubts.doubted`).
    2. Messages that were taken and never decided are due again.
    3. Messages in doubt whose vendor replays its answer are repeated; calls whose message is known end.
    4. Events that wait for a message that is there by now.
    5. People whom a vendor's no is about; holds that are over; thresholds; senders of another vendor.
    6. Campaigns that are over.
    """
    return sum(
        _safely(act)
        for act in (
            expire_calls,
            free_taken,
            reconciling.repeat_fresh,
            doubts.settle_known,
            statuses.join_waiting,
            suppressing.sweep,
            _release_held,
            lifecycle.watch_thresholds,
            lifecycle.pause_misset,
            lifecycle.cancel_leftovers,
            lifecycle.complete_campaigns,
        )
    )


def expire_calls() -> int:
    """Messages' calls whose worker is dead. The enrichment's reaper ends them, too: whoever comes first."""
    ids = [pk for pk, run_id in calls.dead_calls() if run_id is None]
    mine = (
        VendorCall.objects.filter(pk__in=ids, operation__name__in=("sms", "email"))
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    ended = 0
    for pk in list(mine):
        with transaction.atomic():
            ended += calls.expire_call(pk) is not None
    return ended


def free_taken() -> int:
    """Messages whose worker died between taking and deciding: nothing had left."""
    late = Delivery.objects.filter(state=State.TAKEN, lease_until__lte=database_now()).order_by("pk")
    freed = 0
    ids = list(late.values_list("pk", flat=True)[:PIECE])
    with transaction.atomic():
        moves = Moves(clock.now())
        for row in lock_with_members(ids, state=State.TAKEN, lease_until__lte=database_now()):
            moves.to(row, State.DUE)
            freed += 1
        moves.write()
    return freed


def _release_held() -> int:
    return steps.release_held(clock.now())


def _safely(act: Callable[[], int]) -> int:
    try:
        return int(act())
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.error("The sweep %s broke: %s", act.__name__, safe_traceback(error))
        return 0
