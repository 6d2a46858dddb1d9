"""A circuit breaker per operation, in its row, for the whole fleet. Each function is a short transaction of its own.

Five failures in a row, or two requests of it in doubt, open it for 30 s, doubled each time a probe fails, at most 10
min; then one request of one lead at a time may probe. While it is open runs wait, they do not fail.

What a person asks for nothing has a breaker of her own, read from her last requests: a search that only she makes, and
that the vendor is too slow for, stops her alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Least

from common.db.clock import database_now
from common.db.ids import uuid7_floor
from common.values.backoff import backoff
from integrations.ledger.events import tell_paused
from integrations.locks import lock_operation, lock_operations_of, lock_vendor
from integrations.models import Operation, Vendor, VendorCall
from integrations.vendors.errors import Category, VendorFailure

THRESHOLD = 5
DOUBTS = 2  # requests of one operation in doubt, in a row
NOTED_EVERY = timedelta(minutes=1)  # a good answer of an operation that works
FIRST_OPENING = timedelta(seconds=30)
LONGEST_OPENING = timedelta(minutes=10)
FREE_READ = 16  # of a person's last free requests: more failures in a row do not open for longer
OUTAGES = (Category.NETWORK_ERROR, Category.IN_DOUBT)  # no answer; any other says that the vendor works


def is_open(operation: Operation, now: datetime) -> bool:
    return operation.breaker_open_until is not None and operation.breaker_open_until > now


def is_probing(operation: Operation, now: datetime) -> bool:
    """It was open and its time is over: one request at a time may find out whether the vendor is back."""
    return operation.breaker_open_until is not None and operation.breaker_open_until <= now


def open_for_free(operation: Operation, user_id: int, now: datetime) -> timedelta:
    """How long this person's free questions to the operation wait, after failures in a row of her own; 0: not at all.

    By her requests' own rows: nothing is counted twice, and the other people's do not matter.
    """
    asked = VendorCall.objects.filter(user=user_id, operation=operation, price=0, reserved=0, ended_at__isnull=False)
    recent = asked.filter(pk__gte=uuid7_floor(now - 2 * LONGEST_OPENING)).order_by("-pk")
    last: datetime | None = None
    in_a_row = 0
    for category, ended_at in recent.values_list("category", "ended_at")[:FREE_READ]:
        if category not in OUTAGES:
            break
        last, in_a_row = last or ended_at, in_a_row + 1
    if last is None or in_a_row < THRESHOLD:
        return timedelta(0)
    openings = in_a_row - THRESHOLD + 1
    return max(timedelta(0), last + backoff(openings, first=FIRST_OPENING, most=LONGEST_OPENING) - now)


def note_success(operation: Operation, base_url: str, *, paid: bool = True) -> None:
    """The vendor answered. base_url: where a good answer came from; "" for one that refused the request.

    An answer to a free call (paid False) does not reset the count of purchases in doubt.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE integrations_operation
               SET failures = 0, breaker_openings = 0, breaker_open_until = NULL, doubts = 0, held_back = 0,
                   answered_from = coalesce(nullif(%(from)s, ''), answered_from),
                   answered_at = CASE WHEN %(from)s = '' THEN answered_at ELSE clock_timestamp() END
             WHERE id = %(id)s AND (%(paid)s OR doubts = 0)
               AND ((failures, breaker_openings, doubts, held_back) <> (0, 0, 0, 0) OR breaker_open_until IS NOT NULL
                    OR %(from)s <> ''
                       AND (answered_from = %(from)s
                            AND answered_at > clock_timestamp() - make_interval(secs => %(every)s)) IS NOT TRUE)
            """,
            {"id": operation.pk, "paid": paid, "from": base_url, "every": NOTED_EVERY.total_seconds()},
        )


def note_doubt(operation: Operation, failure: VendorFailure) -> bool:
    """Counts a request in doubt: from the second in a row on the breaker opens. Returns whether it is open now."""
    rows = Operation.objects.filter(pk=operation.pk)
    rows.update(doubts=Least(F("doubts") + 1, Value(1000)))
    in_a_row = rows.values_list("doubts", flat=True).first() or 0
    return note_failure(operation, failure, opens=in_a_row >= DOUBTS)


def note_failure(operation: Operation, failure: VendorFailure, *, opens: bool = False) -> bool:
    """Counts a failure; returns whether the breaker is open now, which is no fault of the leads that were asked for.

    opens: the breaker opens at this failure, before the fifth in a row too.
    """
    with transaction.atomic():
        row = lock_operation(operation.pk)
        now = database_now()
        row.failures = min(row.failures + 1, 1000)
        if not is_open(row, now) and (opens or is_probing(row, now) or row.failures >= THRESHOLD):
            row.breaker_openings = min(row.breaker_openings + 1, 1000)
            row.breaker_open_until = now + backoff(row.breaker_openings, first=FIRST_OPENING, most=LONGEST_OPENING)
        row.save(update_fields=["failures", "breaker_openings", "breaker_open_until"])
        note_error(row.vendor_id, failure)
        return is_open(row, now)


def note_error(vendor_name: str, failure: VendorFailure) -> None:
    """Shows a failure to the operator without counting it: a pace refusal is not an outage."""
    Vendor.objects.filter(pk=vendor_name).update(last_error=failure.reason, last_error_at=database_now())


def pause(vendor_name: str, reason: str) -> None:
    """Nothing more is bought from this vendor until an operator calls `reset`."""
    with transaction.atomic():
        tell_paused(vendor_name)
        Vendor.objects.filter(pk=vendor_name).update(
            paused_reason=reason[:300], last_error=reason[:300], last_error_at=database_now()
        )


def reset(vendor_name: str) -> None:
    """An operator says that the cause is gone: closes breaker, lifts pause and wait, tries batch endpoints again."""
    with transaction.atomic():
        lock_operations_of(vendor_name)
        vendor = lock_vendor(vendor_name)
        if not vendor.billing_check:  # that is decided (vendors.confirm_price_list), not reset
            vendor.paused_reason = ""
        vendor.save()
        vendor.operations.update(
            batch_refused_at=None,
            next_slot_at=None,
            doubts=0,
            held_back=0,
            failures=0,
            breaker_openings=0,
            breaker_open_until=None,
        )
