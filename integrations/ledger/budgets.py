"""Money and counts against caps. Every function must be called inside a transaction; rows are locked in scope order.

A settlement that writes many leads would hold its budgets, which every purchase of its user, team and vendor needs, all
that time. Inside `settled_last` it takes them at its end, and those it would have to wait for not at all: it leaves a
BudgetChange, which the next reservation takes in before it looks at the room. `Balance` is the sum of both.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from common.db.direct import Asked, together
from integrations.ledger import scopes
from integrations.locks import budgets_of, change_free_budgets, locking_budgets
from integrations.models import MONEY, Balance, Budget, BudgetChange
from integrations.naming import vendors as vendor_names

ZERO = Decimal(0)
MOST_UNITS = Decimal(9_999_999)  # what the column holds; no request can cost nearly as much

__all__ = ["MONEY", "MOST_UNITS", "ZERO", "Cap"]


@dataclass(frozen=True, slots=True)
class Cap:
    """A limit that applies to a purchase.

    scope: the budget's key, of `scopes`. limit: None counts without limiting. per_input: a fixed amount an input takes
    (1 where inputs are counted); None: the input's price in US dollars. label: what an operator reads when it is used
    up.
    """

    scope: str
    limit: Decimal | None
    label: str
    per_input: Decimal | None = None


def money_cap(scope: str, limit: Decimal | None, label: str) -> Cap:
    return Cap(scope=scope, limit=limit, label=label)


def vendor_cap(vendor: str, limit: Decimal | None, now: datetime) -> Cap:
    label = f"the daily spending limit of {vendor_names.title(vendor)} ({_money(limit)})"
    return money_cap(scopes.vendor_day(vendor, now), limit, label)


def month_cap(user_id: int, budget: Decimal, now: datetime) -> Cap:
    return money_cap(scopes.user_month(user_id, now), budget, f"this month's budget ({_money(budget)})")


def team_month_cap(team_id: int, budget: Decimal | None, now: datetime) -> Cap:
    """None counts without limiting, so that a budget set later knows what the month has cost."""
    label = f"this month's team budget ({_money(budget)})"
    return money_cap(scopes.team_month(team_id, now), budget, label)


def _money(limit: Decimal | None) -> str:
    return "none" if limit is None else f"${limit:,.2f}"


@dataclass(frozen=True, slots=True)
class Afterwards:
    """A second purchase that every input leads to once it is answered, US dollars (a detail leads to a trace). Under a
    cap that has no room for both neither is bought, so that payers finish what they begin.

    each: the price of the second purchase of one input. vendor: the vendor that sells it. caps: of that vendor, where
    the first purchase is another vendor's. begun: by a cap's scope, the second purchases that are still to come
    for all payers under this cap; most: an upper bound of the same that is cheap to compute: `fitting` calls `begun`
    only where this bound does not fit. asked: what `most` has to know, for the message that locks the budgets; hear:
    takes what it finds.
    """

    each: Decimal
    vendor: str
    begun: Callable[[str], Decimal]
    most: Callable[[str], Decimal]
    caps: tuple[Cap, ...] = ()
    asked: Asked | None = None
    hear: Callable[[Sequence[tuple[Any, ...]]], None] | None = None

    def room(self, scope: str, room: Decimal, wanted: Decimal) -> Decimal:
        """The room of a cap less the second purchases still to come. wanted: the most that its caller compares with."""
        return room - self.begun(scope) if room < wanted + self.most(scope) else room

    def concerns(self, cap: Cap) -> bool:
        """Whether the second purchase (the trace that a detail leads to) counts against this cap too."""
        scope = scopes.parse(cap.scope)
        return cap.per_input is None and (scope.kind != scopes.VENDOR or scope.whose == self.vendor)


def lock(scopes_: Collection[str]) -> dict[str, Budget]:
    """Locks these budgets in scope order, makes those that are missing, and takes in what settlements left. Returns
    them by scope.
    """
    return locked(scopes_, *together(*locking(scopes_)))


def locking(scopes_: Collection[str]) -> list[Asked]:
    """The two statements of `lock`, for a message that locks what comes before budgets too."""
    wanted = sorted(set(scopes_))
    return [locking_budgets(wanted), _taking_in(wanted)]


def locked(
    scopes_: Collection[str], found: Sequence[tuple[Any, ...]], taken: Sequence[tuple[Any, ...]]
) -> dict[str, Budget]:
    """The budgets that the statements of `locking` have found; those that are missing are made, and locked."""
    wanted = sorted(set(scopes_))
    rows = budgets_of(found)
    if len(rows) < len(wanted):
        Budget.objects.bulk_create([Budget(scope=scope) for scope in wanted], ignore_conflicts=True)
        found, taken = together(*locking(wanted))
        rows = budgets_of(found)
    for scope, reserved, spent in taken:
        rows[scope].reserved, rows[scope].spent = reserved, spent
    return rows


def fitting(
    rows: Mapping[str, Budget], caps: Sequence[Cap], prices: Sequence[Decimal], afterwards: Afterwards | None = None
) -> tuple[int, dict[str, Decimal], Cap | None]:
    """How many of the inputs fit under every cap, whose budgets are locked; what `holding` then adds to these, by
    scope; and the cap that stopped the rest (None: all fit). Under each cap as many of the inputs fit as it has room
    for, with their second purchases where these count there; the cap with the least room decides.

    prices: the most each input can cost.
    """
    further = afterwards.caps if afterwards else ()
    fit, stopper, count, cost = len(prices), None, len(prices), sum(prices, ZERO)
    for cap in (*caps, *further):
        if cap.limit is None:
            continue
        room = cap.limit - rows[cap.scope].spent - rows[cap.scope].reserved
        own = ZERO if cap in further else cap.per_input  # of an input; None: its price
        wanted, later = cost if own is None else own * count, ZERO
        if afterwards and afterwards.concerns(cap):
            later = afterwards.each
            wanted += later * count
            room = afterwards.room(cap.scope, room, wanted)
        if wanted <= room:  # others wait meanwhile: one by one they are looked at only where not all fit
            continue
        within = _how_many([(price if own is None else own) + later for price in prices], room)
        if within < fit:
            fit, stopper = within, cap
    cost = cost if fit == count else sum(prices[:fit], ZERO)
    holds = {cap.scope: cost if cap.per_input is None else cap.per_input * fit for cap in caps} if fit else {}
    return fit, holds, stopper


def holding(holds: Mapping[str, Decimal]) -> Asked:
    """The statement that reserves these amounts of budgets that are locked."""
    return _changing([(scope, amount, ZERO) for scope, amount in holds.items()])


def hold(holds: Mapping[str, Decimal]) -> None:
    """Reserves again amounts that this transaction has just given back: no other transaction has seen them free."""
    _add([(scope, Decimal(amount), ZERO) for scope, amount in holds.items()])


def settle(holds: Mapping[str, Decimal], spent: Mapping[str, Decimal]) -> None:
    """Turns held amounts into spent ones, scope by scope. `spent` may lack scopes (nothing was spent there)."""
    _add([(scope, -Decimal(amount), spent.get(scope, ZERO)) for scope, amount in holds.items()])


def room(cap: Cap) -> Decimal | None:
    """The amount left under a cap at this moment (None: no limit). Nothing is reserved."""
    if cap.limit is None:
        return None
    return cap.limit - taken(cap.scope)


def taken(scope: str) -> Decimal:
    """What counts against a cap at this moment, with what this transaction is about to settle."""
    row = Balance.objects.filter(scope=scope).first()
    held_over = [sum(amounts, ZERO) for of, *amounts in getattr(_held_over, "changes", None) or () if of == scope]
    return (row.spent + row.reserved if row else ZERO) + sum(held_over, ZERO)


def _how_many(amounts: Sequence[Decimal], room: Decimal) -> int:
    for count, amount in enumerate(amounts):
        room -= amount
        if room < 0:
            return count
    return len(amounts)


@contextmanager
def settled_last() -> Iterator[None]:
    """What is settled or held inside changes its budgets at the end of the block, the last of all that its transaction
    does: those that no other transaction has locked; for the others a BudgetChange is added. Inside of another it is
    that one's end.
    """
    if getattr(_held_over, "changes", None) is not None:
        yield
        return
    changes: list[tuple[str, Decimal, Decimal]] = []
    _held_over.changes = changes
    try:
        yield
    finally:
        _held_over.changes = None
    if changes:
        change_free_budgets([(scope, *amounts) for scope, amounts in sorted(_sums(changes).items())])


def take_in_left() -> int:
    """Takes in the changes that settlements left, a budget at a time, each in a transaction of its own. Returns for how
    many budgets there were any: after the last reservation nobody else does.
    """
    left = list(BudgetChange.objects.values_list("scope", flat=True).distinct())
    for scope in left:
        with transaction.atomic():
            lock([scope])
    return len(left)


_held_over = threading.local()  # changes: those of the thread's `settled_last`; none outside of one


def _taking_in(scopes_: Sequence[str]) -> Asked:
    """Adds to these budgets, which are locked, what settlements left. Finds those that changed, as they are now."""
    return (
        """
            WITH taken AS (
                     DELETE FROM integrations_budgetchange WHERE scope = ANY(%(scopes)s)
                     RETURNING scope, reserved, spent),
                 sums AS (SELECT scope, sum(reserved) AS reserved, sum(spent) AS spent FROM taken GROUP BY scope)
            UPDATE integrations_budget b SET reserved = b.reserved + s.reserved, spent = b.spent + s.spent
              FROM sums s WHERE b.scope = s.scope
            RETURNING b.scope, b.reserved, b.spent
            """,
        {"scopes": list(scopes_)},
    )


def _add(changes: Iterable[tuple[str, Decimal, Decimal]]) -> None:
    rows = sorted(changes)
    if not rows:
        return
    if (held_over := getattr(_held_over, "changes", None)) is not None:
        held_over += rows
        return
    together(locking_budgets([scope for scope, _, _ in rows]), _changing(rows))


def _sums(changes: Iterable[tuple[str, Decimal, Decimal]]) -> dict[str, tuple[Decimal, Decimal]]:
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for scope, reserved, spent in changes:
        before = sums.get(scope, (ZERO, ZERO))
        sums[scope] = (before[0] + reserved, before[1] + spent)
    return sums


def _changing(rows: Sequence[tuple[str, Decimal, Decimal]]) -> Asked:
    scopes_, reserved, spent = map(list, zip(*rows, strict=True))
    return (
        """
        UPDATE integrations_budget b SET reserved = b.reserved + c.reserved, spent = b.spent + c.spent
          FROM unnest(%(scopes)s::text[], %(reserved)s::numeric[], %(spent)s::numeric[]) AS c(scope, reserved, spent)
         WHERE b.scope = c.scope
        RETURNING 1
        """,
        {"scopes": scopes_, "reserved": reserved, "spent": spent},
    )
