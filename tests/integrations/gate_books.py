"""A model of the gate's ledger, simple enough to be believed: what each call, each fact and each budget must be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from accounts.models import User
from integrations.ledger import pace, scopes
from integrations.models import Budget, VendorCall
from integrations.vendors.contract import Query

State = VendorCall.State
ZERO = Decimal(0)
PRICE, VENDOR_CAP = Decimal("0.05"), Decimal("0.90")
KEYS = [f"{number}" for number in range(1, 7)]


@dataclass
class Call:
    """What the model knows of a purchase."""

    id: UUID
    queries: tuple[Query, ...]
    holds: dict[str, Decimal]
    state: State = State.RESERVED
    cost: Decimal = Decimal(0)

    @property
    def inputs(self) -> int:
        return len(self.queries)

    @property
    def money(self) -> Decimal:
        """US dollars held."""
        return next(amount for scope, amount in self.holds.items() if scope.startswith("vendor:"))


@dataclass
class Fact:
    """What the model knows of a key. sold: how often the vendor has sold it."""

    state: str = "free"
    call: UUID | None = None
    answered: bool = False
    good: bool = False  # the answer found something: nothing less takes its place
    stale: bool = False
    sold: int = 0
    allowed: int = 0  # times it may have been sold: once, and again when stale, freed or written off


@dataclass
class Books:
    users: Sequence[User]
    runs: Sequence[UUID]
    facts: dict[str, Fact] = field(default_factory=lambda: {key: Fact() for key in KEYS})
    calls: dict[UUID, Call] = field(default_factory=dict)

    def is_owned(self, key: str) -> bool:
        fact = self.facts[key]
        return fact.state in ("garbage", "answered") and not fact.stale

    def is_for_sale(self, key: str) -> bool:
        return self.facts[key].state in ("free", "answered", "garbage") and not self.is_owned(key)

    def amounts(self, who: int, weight: int) -> dict[str, Decimal]:
        """What one input holds, by budget."""
        today = pace.database_now()
        user, price = self.users[who].pk, PRICE * weight
        return {
            scopes.run(self.runs[who]): price,
            scopes.user_month(user, today): price,
            scopes.vendor_day("realestateapi", today): price,
            scopes.leads_day(user, today): Decimal(1),
        }

    def limit(self, scope: str) -> Decimal:
        """The cap of a budget that is no run's."""
        kind, owner, *_ = scope.split(":")
        if kind == "vendor":
            return VENDOR_CAP
        user = next(user for user in self.users if str(user.pk) == owner)
        return Decimal(user.daily_lead_limit) if kind == "leads" else user.monthly_budget

    def room(self, who: int, run_cap: Decimal | None) -> Callable[[int], list[tuple[Decimal, Decimal]]]:
        """As it is now: for inputs of a weight, what is left under each cap and what one input takes of it."""
        taken = {budget.scope: budget.reserved + budget.spent for budget in Budget.objects.all()}

        def left(weight: int) -> list[tuple[Decimal, Decimal]]:
            pairs = []
            for scope, amount in self.amounts(who, weight).items():
                limit = run_cap if scope.startswith("run:") else self.limit(scope)
                if limit is not None:
                    pairs.append((max(limit - taken.get(scope, ZERO), ZERO), amount))
            return pairs

        return left

    def budgets(self) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
        """What must be reserved and what spent, by budget."""
        reserved: Counter[str] = Counter()
        spent: Counter[str] = Counter()
        for call in self.calls.values():
            for scope, amount in call.holds.items():
                if call.state in (State.RESERVED, State.SENT, State.IN_DOUBT):
                    reserved[scope] += amount  # type: ignore[assignment]  # a Counter counts Decimals as well
                elif call.state in (State.SETTLED, State.WRITTEN_OFF):
                    spent[scope] += call.inputs if scopes.counts_inputs(scope) else call.cost  # type: ignore[assignment]
        return dict(reserved), dict(spent)  # type: ignore[arg-type]

    def sell(self, call: Call) -> None:
        for query in call.queries:
            self.facts[query.key].sold += 1

    def doubt(self, call: Call) -> None:
        call.state = State.IN_DOUBT
        for query in call.queries:
            self.facts[query.key].state = "in_doubt"

    def end(self, call: Call, state: State, cost: Decimal = ZERO) -> None:
        call.state, call.cost = state, cost
        for query in call.queries:
            fact = self.facts[query.key]
            fact.state = "answered" if fact.answered else "free"
