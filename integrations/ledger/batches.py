"""Many requests of one payer begun together, and ended together: each is a call of its own, as `reservation` and
`settlement` make and end one. For payers whose requests are so short that a transaction each would cost more than they.

    1. `room`           how many may be begun at this moment; the caller has `admission.admit` ask first
    2. `reserve_each`   the money of those that fit, before the payer locks what it decides by
    3. `begin`          the calls of those it decided to send, as sent; the money of the others comes back
    4. `settle_each`    those that were answered

The intent is the commit that has `begin` in it: the caller sends each request after it, once, at its slot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import connection

from common.db.direct import kept
from common.db.ids import uuid7s
from integrations.ledger import budgets, excess, pace
from integrations.ledger.admission import is_fragile, is_proven
from integrations.ledger.budgets import MOST_UNITS, ZERO, Cap
from integrations.ledger.calls import spent_by_scope
from integrations.ledger.reservation import Payer, fits, lease
from integrations.ledger.settlement import charge
from integrations.locks import lock_budgets, lock_calls
from integrations.models import Operation, VendorCall
from integrations.vendors.contract import Receipt


@dataclass(frozen=True, slots=True)
class Funds:
    """holds: of each request that fits, its money by budget. cap: what stopped the rest; None: all fit."""

    prices: Sequence[Decimal]
    holds: Sequence[Mapping[str, Decimal]]
    cap: Cap | None


@dataclass(frozen=True, slots=True)
class Ended:
    """An answered call. latency_ms: from sending to the whole answer."""

    call: VendorCall
    receipt: Receipt
    latency_ms: int | None


def room(operation: Operation, now: datetime) -> int:
    """How many requests may be begun together; one where the operation has yet to show that it works.

    operation: of `admission.admit`, in whose transaction this is; without it an estimate.
    """
    if is_fragile(operation) or not is_proven(operation, now):
        return 1
    flying = VendorCall.objects.filter(operation__vendor=operation.vendor_id, state__in=VendorCall.OPEN)
    return max(0, settings.VENDOR_IN_FLIGHT - flying.filter(lease_until__gt=now).count())


def reserve_each(operation: Operation, weights: Sequence[int], payer: Payer) -> Funds:
    """Reserves the money of the first requests that fit under every cap, and locks these budgets.

    weights: the most price units of each. operation: as for `reservation.reserve`.
    """
    prices = [operation.unit_price * weight for weight in weights]
    fit, holds, cap, caps = fits(operation, prices, payer)
    if holds:
        kept(*budgets.holding(holds))
    each = [{one.scope: one.per_input or price for one in caps} for price in prices[:fit]]
    return Funds(prices, each, cap)


def begin(
    operation: Operation, funds: Funds, chosen: Sequence[int], payer: Payer, now: datetime
) -> dict[int, VendorCall]:
    """The calls of the chosen requests (places in `funds.holds`), sent as from this commit; the others' money is free.

    Each has a slot of its own: it leaves then.
    """
    left_out = [hold for place, hold in enumerate(funds.holds) if place not in set(chosen)]
    if left_out:
        budgets.settle(_sum(left_out), {})
    if not chosen:
        return {}
    slots = pace.take_slots(operation.pk, operation.setting("pace"), len(chosen))
    made = [
        VendorCall(
            id=UUID(one),
            operation=operation,
            user_id=payer.user_id,
            purpose=payer.purpose,
            run_id=payer.run_id,
            state=VendorCall.State.SENT,
            inputs=1,
            price=operation.unit_price,
            reserved=funds.prices[place],
            holds={scope: str(amount) for scope, amount in funds.holds[place].items()},
            created_at=now,
            slot_at=slot,
            sent_at=now,
            lease_until=max(slot, now) + lease(),
        )
        for one, place, slot in zip(uuid7s(len(chosen)), chosen, slots, strict=True)
    ]
    VendorCall.objects.bulk_create(made)
    return dict(zip(chosen, made, strict=True))


def lock_sent(call_ids: Iterable[UUID]) -> dict[UUID, VendorCall]:
    """Those of these calls that are sent and not ended, locked, and then their budgets: nothing else of the ledger is
    locked until they end.
    """
    rows = VendorCall.objects.filter(pk__in=list(call_ids), state=VendorCall.State.SENT)
    found = {call.pk: call for call in lock_calls(rows)}
    operations = Operation.objects.in_bulk({call.operation_id for call in found.values()})
    for call in found.values():  # of many calls the operation is read once
        call.operation = operations[call.operation_id]
    lock_budgets(sorted({scope for call in found.values() for scope in call.holds}))
    return found


def settle_each(ended: Sequence[Ended], now: datetime) -> None:
    """As `settlement.settle`, of many at once. The calls are locked and sent (`lock_sent`)."""
    if not ended:
        return
    spent: list[Mapping[str, Decimal]] = []
    for one in ended:
        call, receipt = one.call, one.receipt
        call.state, call.ended_at, call.latency_ms = VendorCall.State.SETTLED, now, one.latency_ms
        call.found, call.units = receipt.found, min(receipt.units, MOST_UNITS)
        call.request_id, call.status = receipt.request_id[:64], receipt.status
        call.cost = charge(call, receipt)
        if receipt.claimed is not None:
            call.claimed = min(receipt.claimed, MOST_UNITS)
            call.excess = max(ZERO, (call.claimed - call.units) * call.price).quantize(budgets.MONEY)
        spent.append(spent_by_scope(call, call.cost))
        excess.note(call)
    budgets.settle(_sum([_amounts(one.call.holds) for one in ended]), _sum(spent))
    _save_settled([one.call for one in ended])


_SETTLED = {  # what `settle_each` changes, with its type in SQL
    "ended_at": "timestamptz",
    "latency_ms": "int",
    "found": "int",
    "units": "numeric",
    "request_id": "text",
    "status": "smallint",
    "cost": "numeric",
    "claimed": "numeric",
    "excess": "numeric",
}


def _save_settled(calls: Sequence[VendorCall]) -> None:
    """One statement: Django's `bulk_update` takes a fifth of a second for fifty."""
    names, sets = ", ".join(_SETTLED), ", ".join(f"{name} = c.{name}" for name in _SETTLED)
    arrays = ", ".join(f"%s::{kind}[]" for kind in _SETTLED.values())
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE integrations_vendorcall v SET state = 'settled', {sets}
              FROM unnest(%s::uuid[], {arrays}) AS c(id, {names}) WHERE v.id = c.id
            """,  # noqa: S608  # our own words alone
            [[call.pk for call in calls], *([getattr(call, name) for call in calls] for name in _SETTLED)],
        )


def _amounts(holds: Mapping[str, str]) -> dict[str, Decimal]:
    return {scope: Decimal(amount) for scope, amount in holds.items()}


def _sum(amounts: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for one in amounts:
        for scope, amount in one.items():
            total[scope] = total.get(scope, ZERO) + amount
    return total
