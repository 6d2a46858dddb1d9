"""Caps: inputs that fit are reserved, the rest is not, also where several ask at the same time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from common.db.direct import kept
from integrations.ledger import budgets, scopes
from integrations.ledger.budgets import ZERO, Afterwards, Cap
from integrations.models import Budget

pytestmark = pytest.mark.django_db(transaction=True)
NICKEL = Decimal("0.05")


def reserve(caps: list[Cap], count: int) -> tuple[int, dict[str, Decimal], Cap | None]:
    with transaction.atomic():
        fit, holds, stopper = budgets.fitting(budgets.lock([cap.scope for cap in caps]), caps, [NICKEL] * count)
        if holds:
            kept(*budgets.holding(holds))
    return fit, holds, stopper


def test_what_fits_under_the_tightest_cap_is_reserved_everywhere() -> None:
    wide, tight = Cap("run:a", Decimal(10), "run"), Cap("user:1:2026-11", Decimal("0.12"), "month")
    fit, holds, stopper = reserve([wide, tight], 5)
    assert (fit, stopper) == (2, tight)
    assert holds == {"run:a": Decimal("0.10"), "user:1:2026-11": Decimal("0.10")}
    assert dict(Budget.objects.values_list("scope", "reserved")) == holds


def test_a_cap_without_a_limit_counts_and_never_stops() -> None:
    fit, _, stopper = reserve([Cap("run:a", None, "run")], 1000)
    assert (fit, stopper) == (1000, None)
    assert Budget.objects.get(scope="run:a").reserved == Decimal(50)


def test_leads_are_counted_one_by_one_whatever_they_cost() -> None:
    cap = Cap("leads:1:2026-11-24", Decimal(3), "leads", per_input=Decimal(1))
    fit, holds, stopper = reserve([cap], 5)
    assert (fit, holds, stopper) == (3, {"leads:1:2026-11-24": Decimal(3)}, cap)


CENTS = st.integers(0, 40).map(lambda cents: Decimal(cents) / 100)


@given(
    prices=st.lists(CENTS, max_size=8),
    limits=st.lists(st.one_of(st.none(), st.integers(-1, 120).map(lambda cents: Decimal(cents) / 100)), max_size=3),
    leads=st.one_of(st.none(), st.integers(0, 9).map(Decimal)),
    trace=st.one_of(st.none(), CENTS),
    of_trace=st.integers(0, 120).map(lambda cents: Decimal(cents) / 100),
    begun=CENTS,
)
def test_as_many_fit_as_the_first_ones_added_up_one_by_one(
    prices: list[Decimal],
    limits: list[Decimal | None],
    leads: Decimal | None,
    trace: Decimal | None,
    of_trace: Decimal,
    begun: Decimal,
) -> None:
    """Under each cap, with what their traces will cost where these count there, and the least room decides."""
    now = datetime(2026, 12, 3, tzinfo=UTC)
    caps = [Cap(scopes.user_month(number, now), limit, "money") for number, limit in enumerate(limits)]
    caps += [Cap(scopes.leads_day(1, now), leads, "leads", per_input=Decimal(1))]
    of_vendor = Cap(scopes.vendor_day("other", now), of_trace, "of the trace's vendor")
    then = None if trace is None else Afterwards(trace, "other", lambda _: begun, lambda _: begun, (of_vendor,))
    rows = {cap.scope: Budget(scope=cap.scope, reserved=ZERO, spent=ZERO) for cap in (*caps, of_vendor)}

    def fits(count: int) -> bool:
        later, kept_free = (trace * count, begun) if trace is not None else (ZERO, ZERO)
        money = sum(prices[:count], ZERO) + later + kept_free
        return (
            all(money <= cap.limit for cap in caps[:-1] if cap.limit is not None)
            and (leads is None or count <= leads)
            and (trace is None or later + kept_free <= of_trace)
        )

    most = max((count for count in range(len(prices) + 1) if fits(count)), default=0)
    fit, holds, stopper = budgets.fitting(rows, caps, prices, then)
    assert (fit, stopper is None) == (most, most == len(prices))
    assert holds == (
        {cap.scope: cap.per_input * fit if cap.per_input else sum(prices[:fit]) for cap in caps} if fit else {}
    )


def test_nothing_fits_and_nothing_is_written() -> None:
    fit, holds, _ = reserve([Cap("run:a", Decimal("0.04"), "run")], 1)
    assert (fit, holds) == (0, {})
    assert Budget.objects.get(scope="run:a").reserved == 0


def test_fifty_buyers_at_once_with_money_for_ten_reserve_exactly_ten() -> None:
    cap = Cap("user:1:2026-11", Decimal("0.50"), "month")
    fits = []

    def buy() -> None:
        fits.append(reserve([cap], 1)[0])
        connection.close()

    threads = [threading.Thread(target=buy) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(fits) == 10
    assert Budget.objects.get(scope=cap.scope).reserved == Decimal("0.50")


def test_settling_gives_back_what_was_held_and_keeps_what_was_spent() -> None:
    _, holds, _ = reserve([Cap("run:a", None, "run")], 4)
    with transaction.atomic():
        budgets.settle(holds, {"run:a": Decimal("0.15")})
    budget = Budget.objects.get(scope="run:a")
    assert (budget.reserved, budget.spent) == (0, Decimal("0.15"))
