"""Money and counts against caps. Every function must be called inside a transaction; rows are locked in scope order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from integrations.locks import lock_budgets
from integrations.models import MONEY, Budget

ZERO = Decimal(0)
MOST_UNITS = Decimal(9_999_999)  # what the column holds; no request can cost nearly as much
LEADS = "leads:"  # budgets that count leads, not dollars


__all__ = ["LEADS", "MONEY", "MOST_UNITS", "ZERO", "Cap"]


@dataclass(frozen=True, slots=True)
class Cap:
    """A limit that applies to a purchase.

    scope: the budget's key. limit: None counts without limiting. per_input: a fixed amount an input takes (1 where
    leads are counted); None: the input's price in US dollars. label: what an operator reads when it is used up.
    """

    scope: str
    limit: Decimal | None
    label: str
    per_input: Decimal | None = None


def money_cap(scope: str, limit: Decimal | None, label: str) -> Cap:
    return Cap(scope=scope, limit=limit, label=label)


def vendor_cap(vendor: str, limit: Decimal | None, now: datetime) -> Cap:
    return money_cap(f"vendor:{vendor}:{now:%Y-%m-%d}", limit, f"the daily cap of {vendor} ({_money(limit)})")


def month_cap(user_id: int, budget: Decimal, now: datetime) -> Cap:
    return money_cap(f"user:{user_id}:{now:%Y-%m}", budget, f"this month's budget ({_money(budget)})")


def _money(limit: Decimal | None) -> str:
    return "none" if limit is None else f"${limit:,.2f}"


def lead_cap(user_id: int, leads: int, now: datetime) -> Cap:
    return Cap(
        scope=f"{LEADS}{user_id}:{now:%Y-%m-%d}",
        limit=Decimal(leads),
        label=f"today's limit of {leads} leads",
        per_input=Decimal(1),
    )


@dataclass(frozen=True, slots=True)
class Afterwards:
    """What inputs will cost once they are answered, US dollars: the trace of a detail. Under a cap that has no room for
    both neither is bought, so that runs finish leads.

    each: of each input. vendor: who sells that. caps: of that vendor, where it is another. begun: by a cap's scope,
    what is begun and not paid for yet, of all whom this cap holds; most: the same at most, and cheap to know: `begun`
    is asked only where a cap is so near that it might matter.
    """

    each: Decimal
    vendor: str
    begun: Callable[[str], Decimal]
    most: Callable[[str], Decimal]
    caps: tuple[Cap, ...] = ()

    def room(self, scope: str, room: Decimal, wanted: Decimal) -> Decimal:
        """What a cap has room for, less what is begun under it. wanted: for more than that nobody asks."""
        return room - self.begun(scope) if room < wanted + self.most(scope) else room

    def concerns(self, cap: Cap) -> bool:
        """Whether what follows counts against this cap too."""
        return cap.per_input is None and (
            not cap.scope.startswith("vendor:") or cap.scope.startswith(f"vendor:{self.vendor}:")
        )


def reserve(
    caps: Sequence[Cap], prices: Sequence[Decimal], afterwards: Afterwards | None = None
) -> tuple[int, dict[str, Decimal], Cap | None]:
    """Reserves the first inputs that fit under every cap.

    prices: the most each input can cost. Returns how many inputs fit, what was held by scope, and the cap that
    stopped the rest (None: all fit).
    """
    further = afterwards.caps if afterwards else ()
    rows = _locked([*caps, *further])
    fit, stopper = len(prices), None
    for cap in (*caps, *further):
        if cap.limit is None:
            continue
        room = cap.limit - rows[cap.scope].spent - rows[cap.scope].reserved
        amounts: Sequence[Decimal] = prices
        if afterwards and afterwards.concerns(cap):
            now = prices if cap not in further else [ZERO] * len(prices)
            amounts = [amount + afterwards.each for amount in now]
            room = afterwards.room(cap.scope, room, sum(amounts, ZERO))
        within = _how_many(amounts, cap, room)
        if within < fit:
            fit, stopper = within, cap
    holds = {cap.scope: sum((cap.per_input or price for price in prices[:fit]), ZERO) for cap in caps} if fit else {}
    _add([(scope, amount, ZERO) for scope, amount in holds.items()], locked=True)
    return fit, holds, stopper


def hold(holds: Mapping[str, Decimal]) -> None:
    """Reserves again what this transaction has just given back: nobody else has seen it free."""
    _add([(scope, Decimal(amount), ZERO) for scope, amount in holds.items()])


def settle(holds: Mapping[str, Decimal], spent: Mapping[str, Decimal]) -> None:
    """Turns what was held into what was spent, scope by scope. `spent` may lack scopes (nothing was spent there)."""
    _add([(scope, -Decimal(amount), spent.get(scope, ZERO)) for scope, amount in holds.items()])


def room(cap: Cap) -> Decimal | None:
    """What is left under a cap right now (None: no limit). A reading, not a promise."""
    if cap.limit is None:
        return None
    row = Budget.objects.filter(scope=cap.scope).first()
    return cap.limit - (row.spent + row.reserved if row else ZERO)


def _how_many(prices: Sequence[Decimal], cap: Cap, room: Decimal) -> int:
    for count, price in enumerate(prices):
        room -= price if cap.per_input is None else cap.per_input
        if room < 0:
            return count
    return len(prices)


def _locked(caps: Sequence[Cap]) -> dict[str, Budget]:
    scopes = sorted(cap.scope for cap in caps)
    Budget.objects.bulk_create([Budget(scope=scope) for scope in scopes], ignore_conflicts=True)
    return lock_budgets(scopes)


def _add(changes: Iterable[tuple[str, Decimal, Decimal]], *, locked: bool = False) -> None:
    rows = sorted(changes)
    if not rows:
        return
    if not locked:
        lock_budgets(scope for scope, _, _ in rows)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE integrations_budget p SET reserved = p.reserved + c.reserved, spent = p.spent + c.spent
              FROM unnest(%s::text[], %s::numeric[], %s::numeric[]) AS c(scope, reserved, spent)
             WHERE p.scope = c.scope
            """,
            [[r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]],
        )
