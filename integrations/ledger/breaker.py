"""A circuit breaker per vendor, in its row, for the whole fleet. Each function is a short transaction of its own.

Five failures in a row, or two requests of one operation in doubt, open it for 30 s, doubled each time a probe fails, at
most 10 min; then one request of one lead at a time may probe. While it is open runs wait, they do not fail.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Least

from common.db.clock import database_now
from common.values.backoff import backoff
from integrations.locks import lock_operations_of, lock_vendor
from integrations.models import Operation, Vendor
from integrations.vendors.errors import VendorFailure

THRESHOLD = 5
DOUBTS = 2  # requests of one operation in doubt, in a row
NOTED_EVERY = timedelta(minutes=1)  # a good answer of an operation that works
FIRST_OPENING = timedelta(seconds=30)
LONGEST_OPENING = timedelta(minutes=10)


def is_open(vendor: Vendor, now: datetime) -> bool:
    return vendor.breaker_open_until is not None and vendor.breaker_open_until > now


def is_probing(vendor: Vendor, now: datetime) -> bool:
    """It was open and its time is over: one request at a time may find out whether the vendor is back."""
    return vendor.breaker_open_until is not None and vendor.breaker_open_until <= now


def note_success(operation: Operation, base_url: str, *, paid: bool = True) -> None:
    """The vendor answered. base_url: where a good answer came from; "" for one that refused the request.

    An answer to a free call (paid False) does not reset the count of purchases in doubt.
    """
    if not paid and Operation.objects.filter(vendor=operation.vendor_id, doubts__gt=0).exists():
        return
    Vendor.objects.filter(pk=operation.vendor_id).exclude(
        failures=0, breaker_openings=0, breaker_open_until=None
    ).update(failures=0, breaker_openings=0, breaker_open_until=None)
    rows = Operation.objects.filter(pk=operation.pk)
    rows.exclude(doubts=0, held_back=0).update(doubts=0, held_back=0)
    if base_url:
        now = database_now()
        known = rows.filter(answered_from=base_url, answered_at__gt=now - NOTED_EVERY)
        rows.exclude(pk__in=known.values("pk")).update(answered_from=base_url, answered_at=now)


def note_doubt(operation: Operation, failure: VendorFailure) -> bool:
    """Counts a request in doubt: from the second in a row on the breaker opens. Returns whether it is open now."""
    rows = Operation.objects.filter(pk=operation.pk)
    rows.update(doubts=Least(F("doubts") + 1, Value(1000)))
    in_a_row = rows.values_list("doubts", flat=True).first() or 0
    return note_failure(operation.vendor_id, failure, opens=in_a_row >= DOUBTS)


def note_failure(vendor_name: str, failure: VendorFailure, *, opens: bool = False) -> bool:
    """Counts a failure; returns whether the breaker is open now, which is no fault of the leads that were asked for.

    opens: the breaker opens at this failure, before the fifth in a row too.
    """
    with transaction.atomic():
        vendor = lock_vendor(vendor_name)
        now = database_now()
        vendor.failures += 1
        vendor.last_error, vendor.last_error_at = failure.reason, now
        if not is_open(vendor, now) and (opens or is_probing(vendor, now) or vendor.failures >= THRESHOLD):
            vendor.breaker_openings += 1
            vendor.breaker_open_until = now + backoff(
                vendor.breaker_openings, first=FIRST_OPENING, most=LONGEST_OPENING
            )
        vendor.save()
        return is_open(vendor, now)


def note_error(vendor_name: str, failure: VendorFailure) -> None:
    """Shows a failure to the operator without counting it: a pace refusal is not an outage."""
    Vendor.objects.filter(pk=vendor_name).update(last_error=failure.reason, last_error_at=database_now())


def pause(vendor_name: str, reason: str) -> None:
    """Nothing more is bought from this vendor until an operator calls `reset`."""
    Vendor.objects.filter(pk=vendor_name).update(
        paused_reason=reason[:300], last_error=reason[:300], last_error_at=database_now()
    )


def reset(vendor_name: str) -> None:
    """An operator says that the cause is gone: closes breaker, lifts pause and wait, tries batch endpoints again."""
    with transaction.atomic():
        lock_operations_of(vendor_name)
        vendor = lock_vendor(vendor_name)
        vendor.failures, vendor.breaker_openings, vendor.breaker_open_until = 0, 0, None
        if not vendor.billing_check:  # that is decided (vendors.confirm_price_list), not reset
            vendor.paused_reason = ""
        vendor.save()
        vendor.operations.update(batch_refused_at=None, next_slot_at=None, doubts=0, held_back=0)
