"""Quotes: the price of a run before it is started or resumed, and how far a spending limit goes. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import ROUND_UP, Decimal
from typing import Any
from uuid import UUID

from accounts.models import User
from buckets.models import Bucket
from common.db.clock import database_now
from enrichment.models import Run, RunItem
from enrichment.options import RunOptions
from enrichment.quoting import other_owners, reach_estimate
from enrichment.quoting.reach_estimate import Reachable
from enrichment.rules import CENT
from enrichment.selectors import select_leads
from enrichment.worker import questions, stages
from integrations.ledger import budgets, catalogue
from integrations.ledger.budgets import ZERO
from integrations.lookups import owned as owned_answers
from integrations.lookups.lead_limit import lead_cap
from integrations.models import Budget, Operation
from integrations.vendors import available
from integrations.vendors.contract import Query
from integrations.vendors.queries import CREDITS_WITH_PHONE, CREDITS_WITHOUT_PHONE
from leads.models import Lead

Stage = RunItem.Stage
CHUNK = 2000


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One operation's part of a quote. owned: answered, $0. price: US dollars a unit; cost: the most it costs."""

    vendor: str
    operation: str
    owned: int
    to_buy: int
    price: Decimal
    cost: Decimal

    @property
    def title(self) -> str:
        """RealEstateAPI: property detail"""
        what = self.operation.removeprefix(f"{self.vendor}_").replace("_", " ")
        return f"{available.title(self.vendor)}: {what}"


@dataclass(frozen=True, slots=True)
class Quote:
    """What enriching these leads costs at most; vendors charge per hit, so it is often less.

    max_cost: the run's own cap, US dollars. finishes: how many leads it is sure to finish; None: there is no cap.
    """

    leads: int
    lines: tuple[QuoteLine, ...]
    limits: tuple[str, ...]  # caps it would run into and leads that are left out, in words
    reachable: Reachable | None = field(default=None, compare=False)  # None: no contacts are asked for
    max_cost: Decimal | None = None
    finishes: int | None = None
    notes: tuple[str, ...] = ()  # what else a person should know before buying, in words

    @property
    def owned(self) -> int:
        """Leads whose every fact is owned: they cost $0."""
        return max(0, self.leads - max((line.to_buy for line in self.lines), default=0))

    @property
    def to_buy(self) -> int:
        return self.leads - self.owned

    @property
    def price(self) -> Decimal:
        return sum((line.cost for line in self.lines), ZERO)

    @property
    def at_most(self) -> Decimal:
        """The lesser of price and cap, US dollars: what a press of the button can cost."""
        return self.price if self.max_cost is None else min(self.price, self.max_cost)


@dataclass(frozen=True, slots=True)
class _Priced:
    """lines: by operation. costs: the most each lead costs, in the run's order. with_phone: owners with a known one."""

    lines: tuple[QuoteLine, ...]
    costs: Sequence[Decimal]
    with_phone: int = 0


def quote(*, bucket: Bucket, by: User, options: RunOptions) -> Quote:
    """Prices a run before it is started: owned answers cost nothing, all others at most their price."""
    ids = list(select_leads(bucket.pk, options).values_list("pk", "property_id"))
    reachable = None
    if options.kind == Run.Kind.APOLLO:
        priced = _apollo_price(ids, options)
    else:
        priced = _property_price(ids, skip_trace=options.skip_trace, fresh_after=options.fresh_after)
        if options.skip_trace:
            reachable = _reachable(bucket, by, options, priced.lines[-1].to_buy, priced.with_phone)
    price = sum((line.cost for line in priced.lines), ZERO)
    limits = _limits(by, priced.lines, price, options.max_cost)
    asks_owners = options.kind != Run.Kind.APOLLO and options.skip_trace
    if options.left_out:
        limits.append(f"{in_doubt_in_words(options.left_out)} left out")
    return Quote(
        leads=len(ids),
        lines=priced.lines,
        limits=tuple(limits),
        reachable=reachable,
        max_cost=options.max_cost,
        finishes=None if options.max_cost is None else _finished(priced.costs, options.max_cost),
        notes=tuple(other_owners.in_words([pk for pk, _ in ids])) if asks_owners else (),
    )


def finishes_in_words(price: Quote) -> str:
    """How far a run's cap goes; empty where it has none."""
    if price.finishes is None or price.max_cost is None:
        return ""
    return f"A ${price.max_cost:,.2f} spending limit finishes {price.finishes:,} of {price.leads:,} leads"


def limits_in_words(price: Quote) -> list[str]:
    """The limits it would run into, beside `finishes_in_words`, which tells of the run's own."""
    own = _own_limit(price.max_cost) if price.max_cost is not None and finishes_in_words(price) else None
    return [words for words in price.limits if words != own]


def in_doubt_in_words(leads: int) -> str:
    """3 leads need a billing check and are"""
    return f"{leads:,} leads need a billing check and are" if leads != 1 else "1 lead needs a billing check and is"


@dataclass(frozen=True, slots=True)
class Rest:
    """The rest of a run that a limit stopped. US dollars: spent and promised by it, what its waiting leads cost.

    suggested: a limit of its own under which all of it fits; its present one where another limit stopped it.
    at_most: the lesser of what the rest costs and what that limit leaves.
    """

    leads: int
    used: Decimal
    price: Decimal
    suggested: Decimal | None

    @property
    def at_most(self) -> Decimal:
        return self.price if self.suggested is None else max(ZERO, min(self.price, self.suggested - self.used))

    def in_words(self) -> str:
        leads = f"{self.leads:,} leads wait" if self.leads != 1 else "1 lead waits"
        return f"${self.used:,.2f} is used, which counts against the limit; {leads} for at most ${self.price:,.2f}."


def rest_of(run: Run) -> Rest:
    """What resuming a run costs at most, before it is resumed."""
    budget = Budget.objects.filter(scope=run.budget_scope).first()
    used = budget.spent + budget.reserved if budget else ZERO
    price = _price_of_rest(run)
    suggested = run.max_cost
    if suggested is not None and run.cap_scope in ("", run.budget_scope):
        suggested = max(suggested, (used + price).quantize(CENT, ROUND_UP))
    return Rest(run.items.exclude(stage=Stage.DONE).count(), used, price, suggested)


def _price_of_rest(run: Run) -> Decimal:
    """What the leads that still wait in a run cost at most, US dollars; owned answers cost nothing."""
    options = run.asked
    waiting = run.items.exclude(stage=Stage.DONE).order_by("pk")
    if run.kind == Run.Kind.APOLLO:
        priced = _apollo_price(list(waiting.values_list("lead_id", "lead__property_id")), options)
        return sum(priced.costs, ZERO)
    ids = list(waiting.values_list("lead_id", "lead__property_id"))
    return sum(_property_price(ids, skip_trace=options.skip_trace, fresh_after=options.fresh_after).costs, ZERO)


def _finished(costs: Sequence[Decimal], cap: Decimal) -> int:
    """How many leads a cap finishes: those that are owned, and in their order those that still fit whole."""
    left, finished = cap, 0
    for cost in costs:
        if cost <= left:
            left -= cost
            finished += 1
    return finished


def _reachable(bucket: Bucket, by: User, options: RunOptions, to_trace: int, owned: int) -> Reachable:
    trace = catalogue.operation("skip_trace")
    return reach_estimate.expected(
        bucket=bucket, by=by, trace=trace, to_trace=to_trace, owned=owned, guard=options.guard
    )


def _property_price(ids: Sequence[tuple[UUID, str]], *, skip_trace: bool, fresh_after: datetime | None) -> _Priced:
    """A property that two leads are of, and an owner of whom two properties tell, are bought once."""
    detail, trace, now = catalogue.operation("property_detail"), catalogue.operation("skip_trace"), database_now()
    each, each_trace = detail.setting("price"), trace.setting("price")
    to_buy, to_trace, untraceable, with_phone = 0, 0, 0, 0
    seen: set[str] = set()
    costs: list[Decimal] = []
    for start in range(0, len(ids), CHUNK):
        part = [property_id for _, property_id in ids[start : start + CHUNK]]
        joined = questions.known_ids(part)
        asked = [_detail_question(property_id, joined) for property_id in part]
        owned = owned_answers.fresh_answers(detail, asked, now=now, after=fresh_after)
        owners = {key: _owner_of(row.facts or {}) for key, row in owned.items()} if skip_trace else {}
        traced = owned_answers.fresh_answers(trace, [query for query in owners.values() if query], now=now)
        for query in asked:
            cost = ZERO
            if query.key not in owned and query.key not in seen:
                seen.add(query.key)
                to_buy, cost = to_buy + 1, cost + each
            owner = owners.get(query.key)
            if not skip_trace:
                pass
            elif query.key in owned and owner is None:
                untraceable += 1
            elif owner is not None and owner.key in traced:
                with_phone += bool((traced[owner.key].facts or {}).get("phone"))
            elif (name := owner.key if owner else f"of {query.key}") not in seen:
                seen.add(name)
                to_trace, cost = to_trace + 1, cost + each_trace
            costs.append(cost)
    lines = [_line(detail, len(ids) - to_buy, to_buy)]
    if skip_trace:
        lines.append(_line(trace, len(ids) - to_trace - untraceable, to_trace))
    return _Priced(tuple(lines), costs, with_phone)


def _detail_question(property_id: str, joined: Mapping[str, str]) -> Query:
    """Only what names it: a lead whose address is gone is priced too."""
    if property_id in joined:
        return Query(key=joined[property_id], params={}, names=(property_id,))
    return Query(key=property_id, params={})


def _owner_of(detail: Mapping[str, Any]) -> Query | None:
    try:
        return questions.owner_query(detail)
    except ValueError:
        return None


def _apollo_price(ids: Sequence[tuple[UUID, str]], options: RunOptions) -> _Priced:
    """A credit a lead, and 9 where a phone may come: as much is reserved before the call."""
    operation = catalogue.operation(stages.STAGES[Stage.APOLLO].operation_name(options))
    line = _line(operation, 0, len(ids))
    one, with_phone = line.price * CREDITS_WITHOUT_PHONE, line.price * CREDITS_WITH_PHONE
    without: set[UUID] = set()
    if options.reveal_phones and options.type == "people":
        leads = Lead.objects.filter(pk__in=[pk for pk, _ in ids], phone__isnull=True)
        without = set(leads.values_list("pk", flat=True))
    costs = [with_phone if pk in without else one for pk, _ in ids]
    return _Priced((replace(line, cost=sum(costs, ZERO)),), costs)


def _line(operation: Operation, owned: int, to_buy: int) -> QuoteLine:
    price: Decimal = operation.setting("price")
    return QuoteLine(operation.vendor_id, operation.name, owned, to_buy, price, price * to_buy)


def _own_limit(max_cost: Decimal) -> str:
    return f"your spending limit of ${max_cost:,.2f} may stop it before the end"


def _limits(by: User, lines: Sequence[QuoteLine], price: Decimal, max_cost: Decimal | None) -> list[str]:
    now = database_now()
    if not price:
        return []
    words = []
    caps = [budgets.month_cap(by.pk, by.monthly_budget, now)]
    for vendor in sorted({line.vendor for line in lines}):
        cost = sum((line.cost for line in lines if line.vendor == vendor), ZERO)
        if cost and (lacking := available.lack(vendor)):
            words.append(lacking)
        cap = budgets.vendor_cap(vendor, catalogue.vendor(vendor).cap, now)
        left = budgets.room(cap)
        if left is not None and left < cost:
            words.append(f"{cap.label} leaves ${left:.2f}")
    for cap in caps:
        left = budgets.room(cap)
        if left is not None and left < price:
            words.append(f"{cap.label} leaves ${left:.2f}")
    buying = max((line.to_buy for line in lines if line.operation == "property_detail"), default=0)
    leads = lead_cap(by.pk, by.daily_lead_limit, now)
    left = budgets.room(leads)
    if left is not None and left < buying:
        words.append(f"{leads.label} leaves {max(left, ZERO):.0f}")
    if max_cost is not None and max_cost < price:
        words.append(_own_limit(max_cost))
    return words
