"""One pace for all workers on all hosts: GCRA without burst, in the operation's row, by the database's clock.

`docs/measurements.md` 3 says why it is ours: libraries let 1.6 to 2.0 times the limit through in the worst minute or
use half of it; this ran at 1.00 with the worst minute at 601 of 600.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection

from common.db.clock import database_now as database_now
from common.db.direct import Asked, kept

# The emission interval is 1 % longer than the limit, so that jitter between "allowed" and "sent" stays inside it.
MARGIN = Decimal("1.01")
# A slot is promised only this long before it comes (seconds): late enough that a newcomer's turn is the next slot and
# that a cancelled run wastes at most one, early enough to claim a request's worth of leads for it on a busy machine.
AHEAD = 0.3
# A slot used later than this (seconds) would bunch up with the ones after it: it is given up for a new one.
STALE = 0.5
# Without a pace nothing bunches up: late is only who stood still for so long (seconds). With the longest request it is
# shorter than the lease, so that a worker which wakes up sends nothing that is in doubt by then.
STOOD_STILL = 4.0
LONGEST = 60.0  # seconds that a 429 without a Retry-After holds back at most


def interval(per_minute: Decimal) -> float:
    """Seconds between two requests; 0 where there is no pace."""
    return float(60 * MARGIN / per_minute) if per_minute else 0.0


def late_after(per_minute: Decimal) -> float:
    """Seconds after its slot from which a request is given up."""
    return STALE if per_minute else max(STALE, STOOD_STILL)


def wait_for_slot(next_slot_at: datetime | None, now: datetime) -> float:
    """Seconds until the next slot may be asked for; 0: now."""
    if next_slot_at is None:
        return 0.0
    return max(0.0, (next_slot_at - now).total_seconds() - AHEAD)


def take_slot(operation_id: int, per_minute: Decimal) -> datetime:
    """Takes the next slot and returns when it is. Must be inside a transaction; the row's lock orders the takers."""
    return take_slots(operation_id, per_minute, 1)[0]


def taking_slots(operation_id: int, seconds: float) -> Asked:
    """Takes what lies from the next slot on, so many seconds; finds when that is."""
    return (
        """
        UPDATE integrations_operation
           SET next_slot_at = greatest(next_slot_at, clock_timestamp()) + make_interval(secs => %(paced)s)
         WHERE id = %(paced_operation)s
        RETURNING next_slot_at - make_interval(secs => %(paced)s) AS slot_at
        """,
        {"paced_operation": operation_id, "paced": seconds},
    )


def take_slots(operation_id: int, per_minute: Decimal, count: int) -> list[datetime]:
    """The next slots, as many, in a row."""
    gap = interval(per_minute)
    ((first,),) = kept(*taking_slots(operation_id, gap * count))
    return [first + timedelta(seconds=gap * place) for place in range(count)]


def hold_back(operation_id: int, seconds: float) -> None:
    """Moves the next slot at least this far away, for every worker: as a vendor's Retry-After asks."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE integrations_operation
               SET next_slot_at = greatest(next_slot_at, clock_timestamp() + make_interval(secs => %s))
             WHERE id = %s
            """,
            [seconds, operation_id],
        )


def refused(operation_id: int, seconds: float | None, sent_at: datetime) -> None:
    """429: no worker asks the operation for the vendor's Retry-After, or else 1, 2, 4 … s, at most LONGEST.

    Refusals of requests that were in flight together count as one: of those sent before the last one was counted, only
    the vendor's own Retry-After counts.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE integrations_operation
               SET held_back = CASE WHEN held_at > %(sent)s THEN held_back ELSE least(held_back + 1, 100) END,
                   held_at = CASE WHEN held_at > %(sent)s THEN held_at ELSE clock_timestamp() END,
                   next_slot_at = greatest(next_slot_at, clock_timestamp() + make_interval(secs => coalesce(
                       %(seconds)s::float,
                       CASE WHEN held_at > %(sent)s THEN 0 ELSE least(%(longest)s, 2 ^ least(held_back, 10)) END)))
             WHERE id = %(id)s
            """,
            {"id": operation_id, "seconds": seconds, "longest": LONGEST, "sent": sent_at},
        )
