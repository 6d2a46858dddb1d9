"""The money of a request, reserved before it is sent. Called inside a transaction that holds the operation's lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.models import Team
from common.db.clock import database_now
from common.db.direct import Asked, inserting, is_saved, kept, together, with_commit
from common.db.ids import uuid7
from integrations.ledger import budgets, pace
from integrations.ledger.budgets import ZERO, Afterwards, Cap
from integrations.models import Operation, VendorCall

Found = Sequence[Sequence[tuple[Any, ...]]]  # by the statements of `asking`


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays for a request, and what for.

    purpose: as `VendorCall.purpose`. run_id: the run it is for, if any. caps: the payer's own; the ledger adds the
    user's and the team's month and the vendor's day. afterwards: a second purchase that every input leads to. team_id:
    for which team; None: for none, as what an operator tries.
    """

    user_id: int
    purpose: str
    run_id: UUID | None = None
    caps: tuple[Cap, ...] = ()
    afterwards: Afterwards | None = None
    team_id: int | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """inputs: how many of the first inputs fit. call: the request that may be sent for them; None where none fits. It
    is in the database, and has a slot, with the next statement or the commit. cap: what stopped the rest.
    """

    inputs: int
    call: VendorCall | None
    cap: Cap | None


def reserve(
    operation: Operation,
    weights: Sequence[int],
    payer: Payer,
    *,
    call_id: UUID | None = None,
    found: Found | None = None,
) -> Reservation:
    """Reserves the money of the first inputs that fit under every cap, and a slot for one request that holds them.

    operation: of `admission.admit`. weights: the most price units that each input can cost. call_id: the request's,
    where its caller has used it already. found: as for `fits`.
    """
    price = operation.unit_price
    by_weight = {weight: price * weight for weight in set(weights)}
    prices = [by_weight[weight] for weight in weights]
    fit, holds, stopper, _ = fits(operation, prices, payer, found)
    if not fit:
        return Reservation(0, None, stopper)
    call = VendorCall(
        id=call_id or uuid7(),
        operation=operation,
        user_id=payer.user_id,
        purpose=payer.purpose,
        run_id=payer.run_id,
        inputs=fit,
        price=price,
        reserved=sum(prices[:fit], ZERO),
        holds={scope: str(amount) for scope, amount in holds.items()},
        created_at=operation.seen_at,
    )

    def is_made(found: Found) -> None:
        _, ((call.slot_at, call.lease_until),) = found

    with_commit(budgets.holding(holds), _inserting(call), hear=is_made)
    is_saved(call)
    return Reservation(fit, call, stopper)


def _inserting(call: VendorCall) -> Asked:
    """Takes the next slot and inserts the call that has it; finds its slot and the end of its lease."""
    slot, of_slot = pace.taking_slots(call.operation_id, pace.interval(call.operation.setting("pace")))
    lease_until = "greatest((SELECT slot_at FROM slot), %(created_at)s) + %(lease)s"
    insert, values = inserting(call, slot_at="(SELECT slot_at FROM slot)", lease_until=lease_until)
    return (
        f"WITH slot AS ({slot}) {insert} RETURNING slot_at, lease_until",
        {**of_slot, **values, "lease": lease()},
    )


def asking(operation: Operation, payer: Payer) -> tuple[list[str], list[Asked]]:
    """The budgets of all caps at the time at which the operation was seen, and the statements that lock them and find
    what `fits` needs: for a message that locks the operation first, which must turn out to be seen at a time with the
    same budgets.
    """
    then = payer.afterwards
    scopes = [cap.scope for cap in _caps(operation, payer, operation.seen_at, ZERO, None)]
    scopes += [cap.scope for cap in then.caps] if then else []
    return scopes, [*budgets.locking(scopes), _limits(payer), *([then.asked] if then and then.asked else [])]


def fits(
    operation: Operation, prices: Sequence[Decimal], payer: Payer, found: Found | None = None
) -> tuple[int, dict[str, Decimal], Cap | None, list[Cap]]:
    """What `budgets.fitting` says of all caps, which come last, once their budgets are locked.

    operation: of `admission.admit`, at whose time the caps apply. found: by the statements of `asking`, where they have
    been carried out.
    """
    scopes, asked = asking(operation, payer)
    of_budgets, taken, ((of_user, of_team),), *more = found or together(*asked)
    if more and payer.afterwards and payer.afterwards.hear:
        payer.afterwards.hear(more[0])
    rows = budgets.locked(scopes, of_budgets, taken)
    caps = _caps(operation, payer, operation.seen_at, of_user, of_team)
    return *budgets.fitting(rows, caps, prices, payer.afterwards), caps


def would_fit(operation: Operation, payer: Payer) -> bool:
    """Whether the cheapest input would fit under every cap at this moment. Nothing is reserved."""
    ((of_user, of_team),) = kept(*_limits(payer))
    caps = _caps(operation, payer, database_now(), of_user, of_team)
    then = payer.afterwards
    for cap in (*caps, *(then.caps if then else ())):
        left = budgets.room(cap)
        if left is None:
            continue
        needed = cap.per_input if cap.per_input is not None else operation.unit_price
        if then is not None and then.concerns(cap):
            needed = then.each if cap in then.caps else needed + then.each
            left = then.room(cap.scope, left, needed)
        if left < needed:
            return False
    return True


def lease() -> timedelta:
    """Twice the longest request, and some grace for a PostgreSQL that is away when the answer comes."""
    longest = settings.VENDOR_CONNECT_TIMEOUT + settings.VENDOR_DEADLINE
    return timedelta(seconds=2 * longest + settings.CALL_GRACE_SECONDS)


def team_cap(team_id: int, now: datetime) -> Cap:
    """The team's budget of the month."""
    return budgets.team_month_cap(team_id, Team.objects.values_list("monthly_budget", flat=True).get(pk=team_id), now)


def _limits(payer: Payer) -> Asked:
    """Finds the user's and the team's budget of a month."""
    return (
        """
        SELECT u.monthly_budget, t.monthly_budget
          FROM accounts_user u LEFT JOIN accounts_team t ON t.id = %(team)s WHERE u.id = %(user)s
        """,
        {"team": payer.team_id, "user": payer.user_id},
    )


def _caps(operation: Operation, payer: Payer, now: datetime, of_user: Decimal, of_team: Decimal | None) -> list[Cap]:
    """Every cap that applies at this moment. Caps in dollars come first: where two stop at the same input, the first is
    the reason.
    """
    caps = [
        *payer.caps,
        budgets.month_cap(payer.user_id, of_user, now),
        *([budgets.team_month_cap(payer.team_id, of_team, now)] if payer.team_id is not None else []),
        budgets.vendor_cap(operation.vendor_id, operation.vendor.cap, now),
    ]
    return sorted(caps, key=lambda cap: cap.per_input is not None)
