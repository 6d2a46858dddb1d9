"""The paid-lookup gate: no look-up that costs money is bought except through it.

    begin          serves owned answers; reserves the money of the rest and a slot: `choose`, then `reserve`
    buy            sends the request and ends its call: `conclude` of the payer calls `settle` or `fail`
    settle / fail  answers, charges and audit, if the call is still this worker's

`begin`, `settle` and `fail` must be called inside a transaction, so that the payer's own rows change with them.
docs/locks.md has the order of their locks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from common.db.ids import uuid7
from integrations.ledger import budgets, pace, settlement
from integrations.ledger.admission import Closed, admit_and
from integrations.ledger.budgets import Cap
from integrations.ledger.execution import Executed, execute
from integrations.ledger.reservation import Payer, asking
from integrations.ledger.reservation import reserve as ledger_reserve
from integrations.ledger.sending import Outcome
from integrations.lookups import answers, forgotten, names, reveals, stand_in_ids
from integrations.lookups import owned as owned_answers
from integrations.lookups.answers import Marked, Owned, owned_of
from integrations.lookups.owned import Place, Seen
from integrations.models import Lookup, Operation
from integrations.vendors import adapters
from integrations.vendors.contract import Answer, Query, Reply
from integrations.vendors.errors import Category, Rejected, VendorFailure

T = TypeVar("T")
FASTER = "another worker was faster"


@dataclass(frozen=True, slots=True)
class Plan:
    """What `begin` found. Every query is in exactly one place.

    owned: served at $0. buying: reserved, under `call_id`; of a plan that is only chosen, marked for that call. busy:
    another request is buying it this moment. doubtful: an earlier purchase is in doubt, that of this call.
    unaffordable: does not fit under `cap`. later: no batch takes it, so it waits for a request of its own.
    """

    owned: Mapping[str, Owned]
    buying: tuple[Query, ...] = ()
    call_id: UUID | None = None
    busy: frozenset[str] = field(default_factory=frozenset)
    doubtful: Mapping[str, UUID] = field(default_factory=dict)
    unaffordable: frozenset[str] = field(default_factory=frozenset)
    later: frozenset[str] = field(default_factory=frozenset)
    cap: Cap | None = None
    marked: tuple[Marked, ...] = field(default=(), repr=False)
    seen: Mapping[Place, Seen] = field(default_factory=dict, repr=False)


def begin(
    operation: Operation,
    queries: Sequence[Query],
    payer: Payer,
    *,
    fresh_after: datetime | None = None,
    single: bool = False,
) -> Plan:
    """`choose` and `reserve`, for a caller with nothing to do between them."""
    return reserve(operation, choose(operation, queries, fresh_after=fresh_after), payer, single=single)


def choose(operation: Operation, queries: Sequence[Query], *, fresh_after: datetime | None = None) -> Plan:
    """Sorts the queries into a Plan and marks those that are to be bought, for a call that `reserve` then makes: in the
    same transaction, or the database refuses its commit.

    fresh_after: an answer that came earlier does not serve this payer. Raises `admission.Closed` where another worker
    has begun to buy one of them meanwhile.

    1. Each query is owned, being bought by another request, in doubt, or wanted.
    2. Of the wanted ones, those that fit in one request are marked.
    """
    unique = {query.key: query for query in queries}
    refused = forgotten.asked_about(unique.values())
    operation.seen_at = pace.database_now()
    plan, wanted = _sorted(operation, unique, refused, operation.seen_at, fresh_after)
    if not wanted:
        return plan
    wanted, later = _one_request(wanted)
    call_id = uuid7()
    marked = answers.mark_buying(operation.pk, call_id, [query.key for query in wanted])
    if any(one.before != plan.seen.get((operation.pk, one.key)) for one in marked):
        raise Closed(FASTER, 0.0)
    return replace(
        plan,
        buying=tuple(wanted),
        call_id=call_id,
        later=frozenset(query.key for query in later),
        marked=tuple(marked),
    )


def reserve(operation: Operation, plan: Plan, payer: Payer, *, single: bool = False) -> Plan:
    """Has the operation admitted and reserves what is marked: the last that a purchase does before its commit, because
    other workers wait for the operation's row and the budgets from here on. A plan that buys nothing comes back as it
    was.

    single: as for `admission.admit`. Raises `admission.Closed`.

    1. One message locks all that it needs, the budgets too. Where a day or a month has begun since `choose`, they are
       others: closed for a moment. Another worker may have begun to buy one of them by another name meanwhile.
    2. The first that every cap has room for are reserved; the others lose their marks.
    """
    if plan.call_id is None:
        return plan
    besides = owned_answers.besides(operation, plan.buying, plan.call_id)
    scopes, money = asking(operation, payer)
    seen = _besides(plan, operation)
    operation, found = admit_and(operation.pk, *money, *besides, single=single, inputs=len(plan.buying))
    found, others = found[: len(money)], found[len(money) :]
    if asking(operation, payer)[0] != scopes:
        raise Closed("a new day has begun", 0.0)
    if owned_answers.seen(row for rows in others for row in rows) != seen:
        raise Closed(FASTER, 0.0)
    weights = [query.weight for query in plan.buying]
    reserved = ledger_reserve(operation, weights, payer, call_id=plan.call_id, found=found)
    buying, unaffordable = plan.buying[: reserved.inputs], plan.buying[reserved.inputs :]
    left = frozenset(query.key for query in unaffordable)
    if left:
        answers.unmark(operation.pk, [one for one in plan.marked if one.key in left])
    return replace(
        plan,
        buying=buying,
        call_id=reserved.call.pk if reserved.call is not None else None,
        unaffordable=left,
        cap=reserved.cap,
    )


def _besides(plan: Plan, operation: Operation) -> dict[Place, Seen]:
    """What was seen of the answers to what is to be bought, but for the rows that are marked."""
    names = {name for query in plan.buying for name in (query.key, *query.names)}
    marked = {(operation.pk, one.key) for one in plan.marked}
    return {place: row for place, row in plan.seen.items() if place[1] in names and place not in marked}


def _sorted(
    operation: Operation,
    unique: Mapping[str, Query],
    refused: Collection[str],
    now: datetime,
    fresh_after: datetime | None,
) -> tuple[Plan, list[Query]]:
    """A plan that buys nothing, and the queries that are wanted besides. refused: keys that nobody may ask about."""
    rows = owned_answers.rows_of(operation, unique.values())
    fresh_since = operation.fresh_since(now)
    fresh_since = max(fresh_since, fresh_after or fresh_since)
    owned: dict[str, Owned] = {key: Owned(Answer(category=Category.FORGOTTEN), now) for key in refused}
    busy: set[str] = set()
    doubtful: dict[str, UUID] = {}
    wanted: list[Query] = []
    for key, query in unique.items():
        if key in refused:
            continue
        found = rows.get(key, ())
        serving = owned_answers.serving(operation, query, found, fresh_since)
        doubted = next((row.call_id for row in found if row.state == Lookup.State.IN_DOUBT and row.call_id), None)
        if serving is not None:
            owned[key] = owned_of(serving)
        elif any(row.state == Lookup.State.BUYING for row in found):
            busy.add(key)
        elif doubted is not None:
            doubtful[key] = doubted
        else:
            wanted.append(query)
    seen = {(row.operation_id, row.key): (row.state, row.fetched_at) for found in rows.values() for row in found}
    return Plan(owned=owned, busy=frozenset(busy), doubtful=doubtful, seen=seen), wanted


def _one_request(wanted: list[Query]) -> tuple[list[Query], list[Query]]:
    """The queries of one request, and those left for later ones: a query that no batch takes goes alone."""
    batch = [query for query in wanted if not query.alone]
    if len(wanted) == 1 or len(batch) == len(wanted):
        return wanted, []
    return (batch, [query for query in wanted if query.alone]) if batch else (wanted[:1], wanted[1:])


def owned(operation: Operation, query: Query) -> Owned | None:
    """A fresh answer that has been paid for, also while nothing may be bought from the vendor."""
    row = owned_answers.fresh_answers(operation, [query], now=pace.database_now()).get(query.key)
    return owned_of(row) if row is not None else None


def buy(
    operation: Operation,
    plan: Plan,
    *,
    wanted: Callable[[], bool] = lambda: True,
    conclude: Callable[[Outcome[Reply], bool], T],
    rescue: Callable[[Outcome[Reply], Exception], None] | None = None,
) -> Executed[T]:
    """Buys the reserved queries of a plan, by `execution.execute`: see there for wanted, conclude and rescue."""
    call_id = plan.call_id
    assert call_id is not None
    adapter = adapters.adapter_for(operation.name)

    def send() -> Reply:
        return _with_questions(adapter.call(plan.buying, call_id=str(call_id)), plan.buying)

    return execute(operation, call_id, send, wanted=wanted, conclude=conclude, rescue=rescue)


def _with_questions(reply: Reply, queries: Sequence[Query]) -> Reply:
    """A "no match" by a stand-in says which question it answers: another of the same name may be asked anew."""
    missed = {
        query.key: replace(answer, facts={stand_in_ids.ASKED: stand_in_ids.asked(query.params)})
        for query in queries
        if stand_in_ids.is_stand_in(query.key)
        and (answer := reply.answers.get(query.key)) is not None
        and answer.category == Category.NOT_FOUND
    }
    return replace(reply, answers={**reply.answers, **missed}) if missed else reply


@dataclass(frozen=True, slots=True)
class Settled:
    """answers: by key, as they are owned now. two_names: properties that were owned by another name already."""

    answers: Mapping[str, Owned]
    two_names: int = 0


def settle(call_id: UUID, reply: Reply, latency_ms: int | None) -> Settled | None:
    """Stores the answers and the charge by the price list. None where the call is no longer this worker's.

    1. The ledger ends the call and counts the charge, in the budgets last of all: they come after look-ups
       (docs/locks.md).
    2. Stores each answer under its key and its further key, and learns the properties' names.
    3. Where phones are still to come, their money stays reserved: with the settling or not at all, so that a worker
       that dies here leaves the call in doubt.
    """
    call = settlement.lock_sent(call_id)
    if call is None:
        return None
    now = pace.database_now()
    reply = forgotten.reply_without_forgotten(reply)
    with budgets.settled_last():
        settlement.settle(call, reply, now, latency_ms)
        answers.store(call, reply, now, settlement.charge(call, reply))
        two_names = names.already_owned([a.also for a in reply.answers.values() if a.found and a.also])
        answers.store_under_other_keys(call, reply, now)
        names.learn_from(call.operation.name, reply.answers)
        if reply.later is not None:
            reveals.expect(call, reply, now)
        kept = answers.kept(call, reply.answers, now)
    return Settled({key: kept.get(key) or Owned(answer, now) for key, answer in reply.answers.items()}, two_names)


def fail(call_id: UUID, failure: VendorFailure, latency_ms: int | None) -> bool:
    """Ends a call that brought no answer, as its kind of failure asks. False where it is no longer this worker's.

    Money: released; but an unusable answer that was billed is paid for, and one in doubt stays reserved.
    """
    call = settlement.lock_sent(call_id)
    if call is None:
        return False
    now = pace.database_now()
    with budgets.settled_last():
        settlement.fail(call, failure, now, latency_ms)
        if isinstance(failure, Rejected) and failure.charged:
            answers.mark_unusable(call, now, settlement.charge_of_unusable(call, failure))
    return True
