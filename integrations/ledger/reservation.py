"""The money of a request, reserved before it is sent. Called inside a transaction that holds the operation's lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from accounts.models import Team
from common.db.direct import insert, kept
from common.db.ids import uuid7
from integrations.ledger import budgets, pace
from integrations.ledger.budgets import ZERO, Afterwards, Cap
from integrations.models import Operation, VendorCall


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
    """inputs: how many of the first inputs fit. call: the request that may be sent for them; None where none fits. cap:
    what stopped the rest.
    """

    inputs: int
    call: VendorCall | None
    cap: Cap | None


def reserve(operation: Operation, weights: Sequence[int], payer: Payer, *, call_id: UUID | None = None) -> Reservation:
    """Reserves the money of the first inputs that fit under every cap, and a slot for one request that holds them.

    operation: of `admission.admit`. weights: the most price units that each input can cost. call_id: the request's,
    where its caller has used it already.
    """
    price = operation.unit_price
    caps, now = caps_of(operation, payer)
    prices = [price * weight for weight in weights]
    fit, holds, stopper = budgets.reserve(caps, prices, payer.afterwards)
    if not fit:
        return Reservation(0, None, stopper)
    slot = pace.take_slot(operation.pk, operation.setting("pace"))
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
        created_at=now,
        slot_at=slot,
        lease_until=max(slot, now) + lease(),
    )
    insert(call)
    return Reservation(fit, call, stopper)


def would_fit(operation: Operation, payer: Payer) -> bool:
    """Whether the cheapest input would fit under every cap at this moment. Nothing is reserved."""
    caps, _ = caps_of(operation, payer)
    then = payer.afterwards
    for cap in (*caps, *(then.caps if then else ())):
        room = budgets.room(cap)
        if room is None:
            continue
        needed = cap.per_input if cap.per_input is not None else operation.unit_price
        if then is not None and then.concerns(cap):
            needed = then.each if cap in then.caps else needed + then.each
            room = then.room(cap.scope, room, needed)
        if room < needed:
            return False
    return True


def lease() -> timedelta:
    """Twice the longest request, and some grace for a PostgreSQL that is away when the answer comes."""
    longest = settings.VENDOR_CONNECT_TIMEOUT + settings.VENDOR_DEADLINE
    return timedelta(seconds=2 * longest + settings.CALL_GRACE_SECONDS)


def team_cap(team_id: int, now: datetime) -> Cap:
    """The team's budget of the month."""
    return budgets.team_month_cap(team_id, Team.objects.values_list("monthly_budget", flat=True).get(pk=team_id), now)


def caps_of(operation: Operation, payer: Payer) -> tuple[list[Cap], datetime]:
    """Every cap that applies, and the database's clock by which it does. Caps in dollars come first: where two stop at
    the same input, the first is the reason.
    """
    ((now, of_user, of_team),) = kept(
        """
        SELECT clock_timestamp(), u.monthly_budget, t.monthly_budget
          FROM accounts_user u LEFT JOIN accounts_team t ON t.id = %(team)s WHERE u.id = %(user)s
        """,
        {"team": payer.team_id, "user": payer.user_id},
    )
    caps = [
        *payer.caps,
        budgets.month_cap(payer.user_id, of_user, now),
        *([budgets.team_month_cap(payer.team_id, of_team, now)] if payer.team_id is not None else []),
        budgets.vendor_cap(operation.vendor_id, operation.vendor.cap, now),
    ]
    return sorted(caps, key=lambda cap: cap.per_input is not None), now
