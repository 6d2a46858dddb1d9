"""What a vendor claims above the price list: summed by vendor and day, and a reason to stop past a limit."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from common.db.clock import database_now
from common.db.ids import uuid7_floor
from integrations.ledger.budgets import ZERO
from integrations.ledger.events import tell_paused
from integrations.models import Operation, Vendor, VendorCall

LEAST = Decimal(5)  # US dollars a day that are looked over
CHECK = "Needs billing check"
SHARE = Decimal("0.10")  # of what the price list comes to that day


def of_day(vendor_name: str, now: datetime) -> tuple[Decimal, Decimal]:
    """US dollars of this day (UTC) at today's prices, of operations whose list no operator has confirmed: the
    vendor's claims above the list, and the list's own total.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    claimed, listed = ZERO, ZERO
    for operation in Operation.objects.filter(vendor=vendor_name, list_confirmed_at=None, name__in=settings.OPERATIONS):
        calls = VendorCall.objects.filter(operation=operation, pk__gte=uuid7_floor(midnight))
        sums = calls.filter(price=operation.unit_price).aggregate(excess=Sum("excess"), cost=Sum("cost"))
        claimed, listed = claimed + (sums["excess"] or ZERO), listed + (sums["cost"] or ZERO)
    return claimed, listed


def allowed(listed: Decimal) -> Decimal:
    """US dollars that a vendor may claim above the price list on a day without a pause. listed: that day's charges."""
    return max(LEAST, SHARE * listed)


def note(call: VendorCall) -> None:
    """A call was settled whose vendor may claim more than the list: checks the day after the commit, because the
    vendor's row comes before the call's among locks. Killed in between, the next such call checks. Once an operator has
    said that the list is right, claims are only summed.
    """
    if call.excess and call.operation.list_confirmed_at is None:
        name = call.operation.vendor_id
        transaction.on_commit(lambda: check(name))


def check(name: str) -> None:
    """Pauses a vendor for a billing check where its claims of this day pass the limit."""
    claimed, listed = of_day(name, database_now())
    if claimed <= allowed(listed):
        return
    with transaction.atomic():
        tell_paused(name)
        Vendor.objects.filter(pk=name, paused_reason="").update(
            billing_check=True,
            paused_reason=f"{CHECK}: {name} claims ${claimed:.2f} more today than the price list says "
            f"(${listed:.2f}). Say that the list is right, or set a price.",
        )
