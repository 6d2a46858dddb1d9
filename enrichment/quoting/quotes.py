"""Quotes: the price of a run before it is started or resumed, and how far a spending limit goes. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import ROUND_UP, Decimal
from typing import Any
from uuid import UUID

from accounts.models import Team, User
from buckets.models import Bucket
from common.db.clock import database_now
from enrichment.models import Run, RunItem
from enrichment.options import RunOptions
from enrichment.quoting import other_owners, reach_estimate
from enrichment.quoting.reach_estimate import Reachable
from enrichment.rules import CENT
from enrichment.selectors import left_out_as_same_owner, select_leads
from enrichment.worker import owner_traces, questions, stages
from enrichment.worker.owner_traces import Owner
from integrations.ledger import budgets, catalogue
from integrations.ledger.budgets import ZERO, Cap
from integrations.lookups import owned as owned_answers
from integrations.lookups import stand_in_ids
from integrations.lookups.lead_limit import lead_cap, team_lead_cap
from integrations.models import Operation
from integrations.naming import vendors as vendor_names
from integrations.vendors import available
from integrations.vendors.contract import Query
from integrations.vendors.queries import CREDITS_WITH_PHONE, CREDITS_WITHOUT_PHONE
from leads.facts.names import vendor_ids
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
        return vendor_names.operation_title(self.vendor, self.operation)


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
    """lines: by operation. costs: the most each lead costs, in the run's order. with_phone: owners with a known one.

    sharing: by owner, how many of the properties whose trace is to be bought are hers and share one.
    """

    lines: tuple[QuoteLine, ...]
    costs: Sequence[Decimal]
    with_phone: int = 0
    sharing: Mapping[str, int] = field(default_factory=dict)

    def notes(self) -> list[str]:
        """What one trace an owner saves, in words; nothing where each has one property."""
        if not self.sharing:
            return []
        shared, parcels, price = len(self.sharing), sum(self.sharing.values()), self.lines[-1].price
        who = "1 owner has" if shared == 1 else f"{shared:,} owners have"
        return [
            f"{who} {parcels:,} of these properties: one skip trace each saves ${price * (parcels - shared):,.2f}. "
            f"Likely ${price * parcels:,.2f} less than the price, which is for each property traced by itself where it "
            "finds somebody else."
        ]


def quote(*, bucket: Bucket, by: User, options: RunOptions) -> Quote:
    """Prices a run before it is started: owned answers cost nothing, all others at most their price."""
    ids = list(select_leads(bucket.pk, options, by=by).values_list("pk", "property_id"))
    reachable = None
    if options.kind == Run.Kind.APOLLO:
        priced = _apollo_price(ids, options)
    else:
        priced = _property_price(ids, skip_trace=options.skip_trace, fresh_after=options.fresh_after)
        if options.skip_trace:
            reachable = _reachable(bucket, by, options, priced, blocked=_kept_from_calls([pk for pk, _ in ids]))
    price = sum((line.cost for line in priced.lines), ZERO)
    limits = _limits(by, bucket.team, priced.lines, price, options.max_cost)
    notes = priced.notes()
    asks_owners = options.kind != Run.Kind.APOLLO and options.skip_trace
    if options.left_out:
        limits.append(f"{in_doubt_in_words(options.left_out)} left out")
    if same_owner := left_out_as_same_owner(bucket.pk, options, by=by):
        limits.append(f"{same_owner:,} left out: same owner")
    return Quote(
        leads=len(ids),
        lines=priced.lines,
        limits=tuple(limits),
        reachable=reachable,
        max_cost=options.max_cost,
        finishes=None if options.max_cost is None else _finished(priced.costs, options.max_cost),
        notes=(*notes, *(other_owners.in_words([pk for pk, _ in ids]) if asks_owners else ())),
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
    at_most: the least of what the rest costs, what that limit leaves, and what the others leave (`room`).
    cheapest: what the cheapest lead that is not owned costs. limits: the others that it would run into, in words.
    """

    leads: int
    used: Decimal
    price: Decimal
    suggested: Decimal | None
    cheapest: Decimal
    room: Decimal
    limits: tuple[str, ...]

    @property
    def at_most(self) -> Decimal:
        return self.under(self.suggested)

    def under(self, cap: Decimal | None) -> Decimal:
        """What it costs at most under this limit; None: under none of its own."""
        most = min(self.price, self.room)
        return max(ZERO, most if cap is None else min(most, cap - self.used))

    def buys_nothing(self, cap: Decimal | None) -> bool:
        """Whether a press would resume it only to pause again: not even the cheapest lead fits under the limits."""
        return self.price > 0 and self.under(cap) < self.cheapest

    def in_words(self) -> str:
        leads = f"{self.leads:,} leads wait" if self.leads != 1 else "1 lead waits"
        return f"${self.used:,.2f} is used, which counts against the limit; {leads} for at most ${self.price:,.2f}."


def rest_of(run: Run) -> Rest:
    """What resuming a run costs at most, before it is resumed."""
    used = budgets.taken(run.budget_scope)
    priced = _rest_priced(run)
    price = sum(priced.costs, ZERO)
    suggested = run.max_cost
    if suggested is not None and run.cap_scope in ("", run.budget_scope):
        suggested = max(suggested, (used + price).quantize(CENT, ROUND_UP))
    return Rest(
        leads=run.items.exclude(stage=Stage.DONE).count(),
        used=used,
        price=price,
        suggested=suggested,
        cheapest=min((cost for cost in priced.costs if cost), default=ZERO),
        room=_room(run.owner, run.team, priced.lines),
        limits=tuple(_limits(run.owner, run.team, priced.lines, price, None)),
    )


def _rest_priced(run: Run) -> _Priced:
    """The leads that still wait in a run; owned answers cost nothing."""
    options = run.asked
    waiting = run.items.exclude(stage=Stage.DONE).order_by("pk")
    if run.kind == Run.Kind.APOLLO:
        return _apollo_price(list(waiting.values_list("lead_id", "lead__property_id")), options)
    ids = list(waiting.values_list("lead_id", "lead__property_id"))
    return _property_price(ids, skip_trace=options.skip_trace, fresh_after=options.fresh_after)


def _finished(costs: Sequence[Decimal], cap: Decimal) -> int:
    """How many leads a cap finishes: those that are owned, and in their order those that still fit whole."""
    left, finished = cap, 0
    for cost in costs:
        if cost <= left:
            left -= cost
            finished += 1
    return finished


def _kept_from_calls(ids: Sequence[UUID]) -> int:
    """By id: to select them once more is to pass all leads of other runs again, 80 ms of 100,000."""
    parts = (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
    return sum(Lead.objects.filter(pk__among=part).kept_from_calls().count() for part in parts)


def _reachable(bucket: Bucket, by: User, options: RunOptions, priced: _Priced, *, blocked: int) -> Reachable:
    return reach_estimate.expected(
        bucket=bucket,
        by=by,
        trace=catalogue.operation("skip_trace"),
        to_trace=priced.lines[-1].to_buy,
        owned=priced.with_phone,
        guard=options.guard,
        blocked=blocked,
    )


@dataclass(slots=True)
class _Traces:
    """The traces of a quote while it is made. asked: by lead, in the run's order, whose trace it needs; None: none."""

    asked: list[Owner | str | None] = field(default_factory=list)
    known: dict[str, owner_traces.Known] = field(default_factory=dict)  # by the key of `Owner.alone`
    untraceable: int = 0
    with_phone: int = 0

    def add(self, query: Query, owner: Owner | None, *, is_known: bool) -> None:
        """is_known: its detail is owned, so that an owner who is None cannot be traced."""
        bought = self.known[owner.alone.key].bought if owner is not None else None
        nobody = is_known and owner is None
        self.untraceable += nobody
        self.with_phone += bought is not None and bool((bought.facts or {}).get("phone"))
        self.asked.append(None if nobody or bought is not None else owner or f"of {query.key}")

    def priced(self, each: Decimal) -> tuple[list[Decimal], dict[str, int], int]:
        """The most each lead's trace costs, and by shared question how many properties share it,
        and how many are to be traced.

        Where a shared trace finds somebody else each property is traced by itself, so that it is paid beside them.
        """
        owners = [owner for owner in self.asked if isinstance(owner, Owner)]
        shared = owner_traces.shared_ones(owners, self.known)
        sharing: Counter[str] = Counter()
        seen: set[str] = set()
        costs = []
        for owner in self.asked:
            key = owner.alone.key if isinstance(owner, Owner) else owner
            cost = ZERO
            if key is not None and key not in seen:
                seen.add(key)
                cost = each
                if isinstance(owner, Owner) and owner.shared is not None and key in shared:
                    cost += ZERO if sharing[owner.shared.key] else each
                    sharing[owner.shared.key] += 1
            costs.append(cost)
        return costs, dict(sharing), len(seen)


def _property_price(ids: Sequence[tuple[UUID, str]], *, skip_trace: bool, fresh_after: datetime | None) -> _Priced:
    """A property that two leads are of is bought once; of an owner's several the price is the most (`_Traces`)."""
    detail, trace, now = catalogue.operation("property_detail"), catalogue.operation("skip_trace"), database_now()
    each = detail.setting("price")
    seen: set[str] = set()
    costs: list[Decimal] = []
    traces = _Traces()
    for start in range(0, len(ids), CHUNK):
        part = dict(ids[start : start + CHUNK])
        joined = vendor_ids(part)
        asked = _detail_questions(part, joined)
        owned = owned_answers.fresh_answers(detail, asked, now=now, after=fresh_after)
        owners = _owners_of({key: row.facts or {} for key, row in owned.items()}) if skip_trace else {}
        traces.known |= owner_traces.known(owners.values()) if owners else {}
        for query in asked:
            is_new = query.key not in owned and query.key not in seen
            costs.append(each if is_new else ZERO)
            seen |= {query.key} if is_new else set()
            traces.add(query, owners.get(query.key), is_known=query.key in owned)
    lines = [_line(detail, len(ids) - len(seen), len(seen))]
    if not skip_trace:
        return _Priced(tuple(lines), costs)
    of_traces, sharing, to_trace = traces.priced(trace.setting("price"))
    line = _line(trace, len(ids) - to_trace - traces.untraceable, to_trace)
    lines.append(replace(line, cost=sum(of_traces, ZERO)))
    both = [one + other for one, other in zip(costs, of_traces, strict=True)]
    return _Priced(tuple(lines), both, traces.with_phone, sharing)


def _detail_questions(part: Mapping[UUID, str], joined: Mapping[UUID, str]) -> list[Query]:
    """What a run would ask about each; of a lead whose address is gone, only what names it: it is priced too.

    joined: the vendor's ids of leads that are called by a stand-in.
    """
    named = [pk for pk, property_id in part.items() if stand_in_ids.is_stand_in(property_id)]
    leads = {row["pk"]: row for row in Lead.objects.filter(pk__among=named).values("pk", *stand_in_ids.ASKED_BY)}
    asked = []
    for pk, property_id in part.items():
        try:
            asked.append(questions.property_query(property_id, leads.get(pk, {}), joined.get(pk)))
        except (ValueError, KeyError):
            key = joined.get(pk)
            asked.append(Query(key=key or property_id, params={}, names=(property_id,) if key else ()))
    return asked


def _owners_of(details: Mapping[str, Mapping[str, Any]]) -> dict[str, Owner]:
    """Those of these owners that can be asked about."""
    owners = {}
    for key, detail in details.items():
        with suppress(ValueError):
            owners[key] = questions.owner_of(detail)
    return owner_traces.without_crowded(owners)


def _apollo_price(ids: Sequence[tuple[UUID, str]], options: RunOptions) -> _Priced:
    """A credit a lead, and 9 where a phone may come: as much is reserved before the call."""
    operation = catalogue.operation(stages.STAGES[Stage.APOLLO].operation_name(options))
    line = _line(operation, 0, len(ids))
    one, with_phone = line.price * CREDITS_WITHOUT_PHONE, line.price * CREDITS_WITH_PHONE
    without: set[UUID] = set()
    if options.reveal_phones and options.type == "people":
        leads = Lead.objects.filter(pk__among=[pk for pk, _ in ids], phone__isnull=True)
        without = set(leads.values_list("pk", flat=True))
    costs = [with_phone if pk in without else one for pk, _ in ids]
    return _Priced((replace(line, cost=sum(costs, ZERO)),), costs)


def _line(operation: Operation, owned: int, to_buy: int) -> QuoteLine:
    price: Decimal = operation.setting("price")
    return QuoteLine(operation.vendor_id, operation.name, owned, to_buy, price, price * to_buy)


def _own_limit(max_cost: Decimal) -> str:
    return f"your spending limit of ${max_cost:,.2f} may stop it before the end"


def _room(by: User, team: Team, lines: Sequence[QuoteLine]) -> Decimal:
    """How much of these lines fits under the limits that are not the job's own, US dollars."""
    now = database_now()
    most = ZERO
    for vendor in {line.vendor for line in lines}:
        cost = sum((line.cost for line in lines if line.vendor == vendor), ZERO)
        left = budgets.room(budgets.vendor_cap(vendor, catalogue.vendor(vendor).cap, now))
        most += cost if left is None else min(cost, max(left, ZERO))
    for cap in _month_caps(by, team, now):
        left = budgets.room(cap)
        most = most if left is None else min(most, max(left, ZERO))
    return most


def _month_caps(by: User, team: Team, now: datetime) -> list[Cap]:
    return [
        budgets.month_cap(by.pk, by.monthly_budget, now),
        budgets.team_month_cap(team.pk, team.monthly_budget, now),
    ]


def _limits(by: User, team: Team, lines: Sequence[QuoteLine], price: Decimal, max_cost: Decimal | None) -> list[str]:
    now = database_now()
    if not price:
        return []
    words = []
    for vendor in sorted({line.vendor for line in lines}):
        cost = sum((line.cost for line in lines if line.vendor == vendor), ZERO)
        if cost and (lacking := available.lack(vendor)):
            words.append(lacking)
        cap = budgets.vendor_cap(vendor, catalogue.vendor(vendor).cap, now)
        left = budgets.room(cap)
        if left is not None and left < cost:
            words.append(f"{cap.label} leaves ${left:.2f}")
    for cap in _month_caps(by, team, now):
        left = budgets.room(cap)
        if left is not None and left < price:
            words.append(f"{cap.label} leaves ${left:.2f}")
    buying = max((line.to_buy for line in lines if line.operation == "property_detail"), default=0)
    of_team = team_lead_cap(team.pk, team.daily_lead_limit, now)
    for leads in (lead_cap(by.pk, by.daily_lead_limit, now), of_team):
        left = budgets.room(leads)
        if left is not None and left < buying:
            words.append(f"{leads.label} leaves {max(left, ZERO):.0f}")
    if max_cost is not None and max_cost < price:
        words.append(_own_limit(max_cost))
    return words
