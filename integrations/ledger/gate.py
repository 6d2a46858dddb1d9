"""The paid-lookup gate: nothing that costs money is called except through it.

A purchase is three short transactions with one HTTP request between them:

    begin    (with `enter`)  serve what is owned; reserve the rest, its money and a slot
    intend   commit that it is being sent, if it is still wanted; only then may bytes leave
    settle / fail            answers, charges and audit, if the call is still ours

`begin`, `intend`, `settle` and `fail` must be called inside a transaction, so that the caller's own rows change with
them. docs/locks.md has the order of their locks.
"""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError, connection, transaction
from django.db.models import Count, Q, QuerySet
from psycopg.errors import IdleInTransactionSessionTimeout

from accounts.models import User
from common.db.ids import uuid7
from common.faultpoints import commit
from common.logs import safe_traceback
from integrations.ledger import breaker, budgets, calls, catalogue, excess, pace, reveals
from integrations.ledger.budgets import MOST_UNITS, ZERO, Afterwards, Cap
from integrations.locks import lock_call, lock_operation_and_vendor
from integrations.lookups import names
from integrations.lookups import owned as owned_answers
from integrations.models import MONEY, Lookup, Operation, Vendor, VendorCall
from integrations.vendors import available
from integrations.vendors.contract import Adapter, Answer, Query, Reply
from integrations.vendors.errors import (
    BilledError,
    Category,
    HeldBack,
    InDoubt,
    Misconfigured,
    NotSent,
    Rejected,
    ScopeRefused,
    UnprovenMiss,
    VendorFailure,
)

log = logging.getLogger(__name__)
T = TypeVar("T")
PROVEN_FOR = timedelta(minutes=5)  # since an operation's last good answer
LEAVES_WITHIN = timedelta(seconds=5)  # of its slot, a reserved request has left or has been given up


class Closed(Exception):
    """Nothing may be bought right now. `retry_in` seconds, or None: not until an operator acts."""

    def __init__(self, reason: str, retry_in: float | None) -> None:
        super().__init__(reason)
        self.reason, self.retry_in = reason, retry_in


class StaleSlot(NotSent):
    """Committing the intent took so long that the slot has passed. Nothing was sent, and nobody is to blame."""


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays. `caps` come on top of the user's and the vendor's own.

    fresh_after: an answer that has been owned for longer does not serve this payer. afterwards: what the inputs will
    cost next; nothing is bought that could not be finished.
    """

    user_id: int
    run_id: UUID | None = None
    caps: tuple[Cap, ...] = ()
    fresh_after: datetime | None = None
    afterwards: Afterwards | None = None


@dataclass(frozen=True, slots=True)
class Owned:
    """An answer that has been paid for, and when it came."""

    answer: Answer
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What `begin` found. Every query is in exactly one place.

    owned: served at $0. buying: reserved, under `call_id`. busy: somebody else is buying it this moment. doubtful: an
    earlier purchase is in doubt, that of this call. unaffordable: does not fit under `cap`. later: no batch takes it,
    so it waits for a request of its own.
    """

    owned: Mapping[str, Owned]
    buying: tuple[Query, ...] = ()
    call_id: UUID | None = None
    busy: frozenset[str] = field(default_factory=frozenset)
    doubtful: Mapping[str, UUID] = field(default_factory=dict)
    unaffordable: frozenset[str] = field(default_factory=frozenset)
    later: frozenset[str] = field(default_factory=frozenset)
    cap: Cap | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How carrying out a call ended: a reply, a failure, or neither (no longer wanted, or no longer ours)."""

    reply: Reply | None = None
    failure: VendorFailure | None = None
    latency_ms: int | None = None

    @property
    def answered(self) -> bool:
        """Whether it says anything of the vendor: a request that was given up before it left does not."""
        return self.reply is not None or self.failure is not None


# --- Begin -----------------------------------------------------------------------------------------------------------


def admit(operation_id: int, *, single: bool = False) -> Operation:
    """Locks the operation and its vendor for this transaction, if a request could leave soon; else raises Closed.

    single: the request will hold one input, so it need not wait until the operation has shown that it works.
    """
    operation = lock_operation_and_vendor(operation_id)
    vendor, now = operation.vendor, pace.database_now()
    if not vendor.enabled:
        raise Closed(f"{vendor} is switched off", None)
    if vendor.paused_reason:
        raise Closed(vendor.paused_reason, None)
    if lacking := available.lack(vendor.name):
        raise Closed(lacking, None)
    if breaker.is_open(vendor, now) and vendor.breaker_open_until:
        raise Closed(f"{vendor} failed repeatedly; next try soon", (vendor.breaker_open_until - now).total_seconds())
    if wait := pace.wait_for_slot(operation.next_slot_at, now):
        raise Closed(f"the pace of {operation}", wait)
    flying = VendorCall.objects.filter(operation__vendor=vendor, state__in=VendorCall.OPEN, lease_until__gt=now)
    leaving = Q(state=VendorCall.State.SENT) | Q(slot_at__gt=now - LEAVES_WITHIN)  # not those whose worker is dead
    counts = flying.aggregate(all=Count("pk"), own=Count("pk", filter=Q(operation=operation) & leaving))
    if counts["all"] >= (1 if breaker.is_probing(vendor, now) else settings.VENDOR_IN_FLIGHT):
        raise Closed(f"{counts['all']} requests to {vendor} are in flight", 0.05)
    if counts["own"] and not single and not _is_proven(operation, now):
        raise Closed(f"the first answer of {operation} is awaited", 0.1)
    return operation


def _is_proven(operation: Operation, now: datetime) -> bool:
    """Whether it has answered well of late. Until it has, one request at a time: an outage that begins unseen leaves
    one request in doubt, not as many as may be in flight.
    """
    return not operation.doubts and operation.answered_at is not None and operation.answered_at > now - PROVEN_FOR


def is_fragile(operation: Operation) -> bool:
    """Whether the next request should hold one input: the last is in doubt, or it finds out if the vendor is back."""
    return bool(operation.doubts) or operation.vendor.breaker_open_until is not None


def begin(operation: Operation, queries: Sequence[Query], payer: Payer) -> Plan:
    """Sorts the queries into a Plan and reserves what is to be bought. `operation` comes from `enter`."""
    unique = {query.key: query for query in queries}
    rows = owned_answers.rows_of(operation, unique.values())
    now = pace.database_now()
    fresh_after = operation.fresh_since(now)
    fresh_after = max(fresh_after, payer.fresh_after or fresh_after)
    owned: dict[str, Owned] = {}
    busy: set[str] = set()
    doubtful: dict[str, UUID] = {}
    wanted: list[Query] = []
    for key, query in unique.items():
        found = rows.get(key, ())
        serving = owned_answers.serving(operation, found, fresh_after)
        mine = [row for row in found if row.operation_id == operation.pk]
        doubted = next((row.call_id for row in mine if row.state == Lookup.State.IN_DOUBT and row.call_id), None)
        if serving is not None:
            owned[key] = _owned(serving)
        elif any(row.state == Lookup.State.BUYING for row in mine):
            busy.add(key)
        elif doubted is not None:
            doubtful[key] = doubted
        else:
            wanted.append(query)
    if not wanted:
        return Plan(owned=owned, busy=frozenset(busy), doubtful=doubtful)
    wanted, later = _one_request(wanted)
    price = operation.unit_price
    prices = [price * query.weight for query in wanted]
    fit, holds, stopper = budgets.reserve(_caps(operation, payer, now), prices, payer.afterwards)
    call_id = _reserve(operation, wanted[:fit], payer, sum(prices[:fit], ZERO), holds, now) if fit else None
    return Plan(
        owned=owned,
        buying=tuple(wanted[:fit]),
        call_id=call_id,
        busy=frozenset(busy),
        doubtful=doubtful,
        unaffordable=frozenset(query.key for query in wanted[fit:]),
        later=frozenset(query.key for query in later),
        cap=stopper,
    )


def _one_request(wanted: list[Query]) -> tuple[list[Query], list[Query]]:
    """What can go in one request, and what is left for others: a query that no batch takes goes alone."""
    batch = [query for query in wanted if not query.alone]
    if len(wanted) == 1 or len(batch) == len(wanted):
        return wanted, []
    return (batch, [query for query in wanted if query.alone]) if batch else (wanted[:1], wanted[1:])


def owned(operation: Operation, query: Query) -> Owned | None:
    """A fresh answer that has been paid for, whatever state the vendor is in."""
    row = owned_answers.fresh_answers(operation, [query], now=pace.database_now()).get(query.key)
    return _owned(row) if row is not None else None


def _owned(row: Lookup) -> Owned:
    category = Category(row.category) if row.category else None
    if row.state == Lookup.State.GARBAGE:
        category = Category.INVALID_DATA
    assert row.fetched_at is not None  # a constraint holds it for answers; garbage sets it too
    return Owned(Answer(facts=row.facts or {}, category=category), row.fetched_at)


def _caps(operation: Operation, payer: Payer, now: datetime) -> list[Cap]:
    user = User.objects.only("daily_lead_limit", "monthly_budget").get(pk=payer.user_id)
    caps = [
        *payer.caps,
        budgets.month_cap(user.pk, user.monthly_budget, now),
        budgets.vendor_cap(operation.vendor_id, operation.vendor.cap, now),
    ]
    if operation.name == "property_detail":  # a lead counts once, when its first fact is bought
        caps.append(budgets.lead_cap(user.pk, user.daily_lead_limit, now))
    return caps


def _reserve(
    operation: Operation,
    queries: Sequence[Query],
    payer: Payer,
    money: Decimal,
    holds: Mapping[str, Decimal],
    now: datetime,
) -> UUID:
    slot = pace.take_slot(operation.pk, operation.setting("pace"))
    call = VendorCall.objects.create(
        id=uuid7(),
        operation=operation,
        user_id=payer.user_id,
        run_id=payer.run_id,
        inputs=len(queries),
        price=operation.unit_price,
        reserved=money,
        holds={scope: str(amount) for scope, amount in holds.items()},
        created_at=now,
        slot_at=slot,
        lease_until=max(slot, now) + _lease(),
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO integrations_lookup AS l (operation_id, key, state, call_id, category, cost)
            SELECT %(operation)s, key, 'buying', %(call)s, '', 0 FROM unnest(%(keys)s::text[]) AS key ORDER BY key
            ON CONFLICT (operation_id, key) DO UPDATE SET state = 'buying', call_id = excluded.call_id
            """,
            {"operation": operation.pk, "call": call.pk, "keys": [query.key for query in queries]},
        )
    return call.pk


def _lease() -> timedelta:
    """Twice what a request may take, and some grace for a PostgreSQL that is away when the answer comes."""
    longest = settings.VENDOR_CONNECT_TIMEOUT + settings.VENDOR_DEADLINE
    return timedelta(seconds=2 * longest + settings.CALL_GRACE_SECONDS)


def would_fit(operation: Operation, payer: Payer) -> bool:
    """Whether the cheapest input would fit under every cap at this moment. A reading, not a promise."""
    caps, then = _caps(operation, payer, pace.database_now()), payer.afterwards
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


# --- Intend and send -------------------------------------------------------------------------------------------------


def intend(call_id: UUID, *, wanted: Callable[[], bool]) -> float | None:
    """Commits (with the caller's transaction) that the call is being sent. Returns the seconds to wait and ask again.

    0.0: send now. None: do not send: no longer wanted or its slot has passed (then it is released), or no longer ours.
    `wanted` runs first and must lock whatever it reads, so that a stop answered to a person comes before or after it,
    never between.
    """
    still_wanted = wanted()
    reserved = VendorCall.objects.select_related("operation__vendor").filter(state=VendorCall.State.RESERVED)
    call = lock_call(reserved.filter(pk=call_id))
    now = pace.database_now()
    if call is None or call.lease_until <= now:
        return None
    vendor = call.operation.vendor
    if not still_wanted or not vendor.enabled or vendor.paused_reason:
        calls.release(call, "stopped before it was sent")
        return None
    if breaker.is_open(vendor, now) or (call.operation.doubts and call.inputs > 1):  # since its money was reserved
        calls.release(call, "another request is in doubt: it waits, or goes one input at a time")
        return None
    ahead = (call.slot_at - now).total_seconds()
    if ahead > 0:
        return ahead
    if -ahead > pace.STALE:  # sent now it would bunch up with the slots after it
        calls.release(call, "its slot had passed before it was sent")
        return None
    call.state, call.sent_at, call.lease_until = VendorCall.State.SENT, now, now + _lease()
    call.save(update_fields=["state", "sent_at", "lease_until"])
    return 0.0


def carry_out(call_id: UUID, queries: Sequence[Query], adapter: Adapter, *, wanted: Callable[[], bool]) -> Outcome:
    """Waits for the slot, commits the intent, sends one request. Never inside a transaction; writes no answer."""
    while True:
        asked = time.monotonic()
        try:
            wait = _intend_surely(call_id, wanted)
        except StaleSlot as failure:
            return Outcome(failure=failure)
        if wait is None:
            return Outcome()
        if wait == 0:
            break
        time.sleep(wait)
    if time.monotonic() - asked > pace.STALE:
        return Outcome(failure=StaleSlot("the database was slow; its slot has passed"))
    started = time.monotonic()
    try:
        reply = adapter.call(queries, call_id=str(call_id))
    except (InDoubt, UnprovenMiss) as failure:
        unclear, latency_ms = failure, _since(started)
        return persist(lambda: _judged(adapter, unclear, latency_ms))
    except VendorFailure as failure:
        return Outcome(failure=failure, latency_ms=_since(started))
    except Exception as error:  # bytes may have left: whatever went wrong here, the purchase is in doubt, not forgotten
        log.error("The adapter of %s broke: %s", adapter.operation, safe_traceback(error))
        return Outcome(failure=InDoubt(f"our own fault: {type(error).__name__}"), latency_ms=_since(started))
    return Outcome(reply=reply, latency_ms=_since(started))


def _judged(adapter: Adapter, failure: InDoubt | UnprovenMiss, latency_ms: int) -> Outcome:
    """What an answer means that only our own records or the operator's policy can tell."""
    operation = catalogue.operation(adapter.operation)
    if isinstance(failure, UnprovenMiss):
        if operation.answered_from and operation.answered_from == base_url(operation):
            return Outcome(reply=failure.miss, latency_ms=latency_ms)
        return Outcome(failure=failure, latency_ms=latency_ms)
    policy = operation.vendor.server_error_policy
    if failure.server_error and policy == Vendor.ServerErrors.NOT_BILLED:
        return Outcome(failure=NotSent(failure.reason, status=failure.status), latency_ms=latency_ms)
    if failure.server_error and policy == Vendor.ServerErrors.BILLED:
        return Outcome(failure=BilledError(failure.reason, status=failure.status), latency_ms=latency_ms)
    return Outcome(failure=failure, latency_ms=latency_ms)


def base_url(operation: Operation) -> str:
    """Where this operation is asked, by the settings of this moment."""
    return str(settings.VENDORS[operation.vendor_id]["base_url"])[:300]


def _intend_surely(call_id: UUID, wanted: Callable[[], bool]) -> float | None:
    """`intend` in its own transaction, until PostgreSQL takes it. Raises StaleSlot where only its word was lost."""
    tries = itertools.count()

    def ask() -> float | None:
        with commit("gate.intend"):
            if next(tries) and _calls_sent(call_id).exists():  # nobody but us intends this call, and we have not sent
                raise StaleSlot("the intent was committed, but the word of it was lost; nothing was sent")
            return intend(call_id, wanted=wanted)

    return persist(ask)


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)


def persist(write: Callable[[], T]) -> T:
    """Repeats a write until PostgreSQL takes it: a paid answer is kept while the database is away, however long.

    `write` opens its own transaction and is fenced by the call's state, so a commit whose word was lost does no harm.
    """
    pause = 0.1
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError, InternalError) as error:
            if isinstance(error, InternalError) and not isinstance(error.__cause__, IdleInTransactionSessionTimeout):
                raise
            if connection.in_atomic_block:  # the caller's transaction is lost with this one: it has to repeat
                raise
            log.warning("PostgreSQL is away (%s); the answer is kept and written again", type(error).__name__)
            connection.close()
            time.sleep(pause)
            pause = min(pause * 2, 2.0)


# --- Settle ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settled:
    """answers: by key, as they are owned now. two_names: properties that were owned by another name already."""

    answers: Mapping[str, Owned]
    two_names: int = 0


def settle(call_id: UUID, reply: Reply, latency_ms: int | None) -> Settled | None:
    """Stores the answers and the charge by the price list. None where the call is no longer ours."""
    call = _mine(call_id)
    if call is None:
        return None
    now = pace.database_now()
    found = sum(answer.found for answer in reply.answers.values())
    units = min(reply.units, MOST_UNITS)
    cost = (units * call.price).quantize(MONEY)
    each = (cost / (found or len(reply.answers) or 1)).quantize(MONEY)
    rows = [
        {
            "key": key,
            "facts": dict(answer.facts),
            "category": answer.category or "",
            "cost": str(each if answer.found or not found else ZERO),
            "less": _is_less(answer),
        }
        for key, answer in reply.answers.items()
    ]
    call.found, call.units, call.request_id = found, units, reply.request_id[:64]
    if reply.claimed is not None:
        call.claimed = min(reply.claimed, MOST_UNITS)
        call.excess = max(ZERO, (call.claimed - units) * call.price).quantize(MONEY)
    calls.end(call, VendorCall.State.SETTLED, now, cost=cost, status=reply.status, latency_ms=latency_ms)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE integrations_lookup l
               SET state = CASE WHEN a.category = 'INVALID_DATA' AND NOT (a.less AND {_KEEPS}) THEN 'garbage'
                                ELSE 'answered' END,
                   cost = l.cost + a.cost,
                   facts = CASE WHEN a.less AND {_KEEPS} THEN l.facts WHEN {_KEEPS} THEN {_MERGED} ELSE a.facts END,
                   category = CASE WHEN a.less AND {_KEEPS} THEN '' ELSE a.category END,
                   fetched_at = CASE WHEN a.less AND {_KEEPS} THEN l.fetched_at ELSE %(now)s END
              FROM jsonb_to_recordset(%(rows)s::jsonb)
                AS a(key text, facts jsonb, category text, cost numeric, less boolean)
             WHERE l.operation_id = %(operation)s AND l.key = a.key AND l.call_id = %(call)s AND l.state = 'buying'
            """,  # noqa: S608  # a constant
            {"now": now, "rows": json.dumps(rows), "operation": call.operation_id, "call": call.pk},
        )
    two_names = names.already_owned([a.also for a in reply.answers.values() if a.found and a.also])
    _own_under_other_keys(call, reply, now)
    names.learn_from(call.operation.name, reply.answers)
    if reply.evidence is not None:
        calls.keep_evidence(call, reply.evidence, now)
    excess.note(call)
    if reply.later is not None:  # with the settling or not at all: a worker that dies here leaves the call in doubt
        reveals.expect(call, reply, now)
    kept = _kept(call, [key for key, answer in reply.answers.items() if _is_less(answer)], now)
    answers = {key: kept.get(key) or Owned(answer, now) for key, answer in reply.answers.items()}
    return Settled(answers, two_names)


# An owned answer that found something is never replaced by one that finds less: what a newer one leaves out stays, but
# of another owner nothing of the former one's.
_KEEPS = "(l.facts IS NOT NULL AND l.category = '' AND l.fetched_at IS NOT NULL)"
_OWNERS = (
    "'{owner_name,owner_type,first_name,last_name,mailing_address,mailing_city,mailing_state,mailing_zip}'::text[]"
)
_MERGED = f"""CASE WHEN NOT jsonb_exists(l.facts, 'owner_name') THEN a.facts
    WHEN coalesce(a.facts->>'owner_name', l.facts->>'owner_name') IS NOT DISTINCT FROM l.facts->>'owner_name'
    THEN a.facts || l.facts || jsonb_strip_nulls(a.facts)
    ELSE a.facts || (l.facts - {_OWNERS}) || jsonb_strip_nulls(a.facts) END"""


def _is_less(answer: Answer) -> bool:
    """Whether it says nothing of the property or person: no match, an unusable record, or one without a single fact."""
    return not answer.found or not any(v not in (None, "") for k, v in answer.facts.items() if k != "property_id")


def _kept(call: VendorCall, keys: Sequence[str], now: datetime) -> dict[str, Owned]:
    """The older answers that these keys keep, where they are fresh: whoever asked is served them."""
    if not keys:
        return {}
    since = call.operation.fresh_since(now)
    rows = Lookup.objects.filter(operation=call.operation_id, key__in=keys, category="", fetched_at__lt=now)
    return {row.key: _owned(row) for row in rows.filter(fetched_at__gt=since, facts__isnull=False)}


def _own_under_other_keys(call: VendorCall, reply: Reply, now: datetime) -> None:
    """What was asked by one name is owned by the other too, for $0; what is being bought meanwhile is left alone."""
    rows = [{"key": a.also, "facts": dict(a.facts)} for a in reply.answers.values() if a.found and a.also]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO integrations_lookup AS l (operation_id, key, state, facts, category, cost, fetched_at)
            SELECT %(operation)s, a.key, 'answered', a.facts, '', 0, %(now)s
              FROM jsonb_to_recordset(%(rows)s::jsonb) AS a(key text, facts jsonb) ORDER BY a.key
            ON CONFLICT (operation_id, key) DO UPDATE
               SET state = 'answered', facts = excluded.facts, category = '', fetched_at = excluded.fetched_at
             WHERE l.state IN ('free', 'answered', 'garbage')
            """,
            {"now": now, "rows": json.dumps(rows), "operation": call.operation_id},
        )


def fail(call_id: UUID, failure: VendorFailure, latency_ms: int | None) -> bool:
    """Ends a call that brought no answer, as its kind of failure asks. Returns False where it is no longer ours.

    Money: released; but an unusable answer that was billed is paid for, and one in doubt stays reserved.
    """
    call = _mine(call_id)
    if call is None:
        return False
    now = pace.database_now()
    call.category, call.reason = failure.category, failure.reason
    if isinstance(failure, InDoubt):
        calls.mark_in_doubt(call, now, status=failure.status, latency_ms=latency_ms)
        if failure.evidence is not None:
            calls.keep_evidence(call, failure.evidence, now)
    elif isinstance(failure, BilledError):
        calls.count_as_billed(call, now, status=failure.status, latency_ms=latency_ms)
    elif isinstance(failure, Rejected) and failure.charged:
        cost = _cost_of_nothing(call, failure)
        calls.end(call, VendorCall.State.SETTLED, now, cost=cost, status=failure.status, latency_ms=latency_ms)
        _keep_garbage(call, cost, now)
        if failure.evidence is not None:
            calls.keep_evidence(call, failure.evidence, now)
    else:
        calls.release(call, failure.reason, status=failure.status, latency_ms=latency_ms)
        if isinstance(failure, NotSent) and not isinstance(failure, HeldBack) and (wait := failure.retry_after):
            transaction.on_commit(lambda: pace.hold_back(call.operation_id, wait))  # the first of all locks
    return True


def _cost_of_nothing(call: VendorCall, failure: Rejected) -> Decimal:
    """What an unusable answer cost by the price list, US dollars: all that was reserved where its units are unknown."""
    cost = call.reserved if failure.units is None else min(call.reserved, (failure.units * call.price).quantize(MONEY))
    call.units = cost / call.price if call.price else ZERO
    return cost


def _keep_garbage(call: VendorCall, cost: Decimal, now: datetime) -> None:
    """An unusable answer was paid for: what was owned before stays owned, the rest is not bought again for a while."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE integrations_lookup l
               SET state = CASE WHEN {_KEEPS} THEN 'answered' ELSE 'garbage' END,
                   category = CASE WHEN {_KEEPS} THEN '' ELSE %(category)s END,
                   fetched_at = CASE WHEN {_KEEPS} THEN l.fetched_at ELSE %(now)s END,
                   cost = l.cost + %(cost)s
             WHERE l.call_id = %(call)s AND l.state = 'buying'
            """,  # noqa: S608  # a constant
            {
                "category": Category.INVALID_DATA,
                "now": now,
                "cost": (cost / call.inputs).quantize(MONEY),
                "call": call.pk,
            },
        )


def report_outcome(
    operation: Operation, failure: VendorFailure | None, call_id: UUID | None = None, *, paid: bool = True
) -> bool:
    """Tells the breaker and the pace how a call went, before it is ended and outside its transaction.

    paid: a free call that went well says nothing of purchases that are in doubt.

    Returns whether the vendor is out of order, so that its leads should wait rather than lose a try. Ignored if the
    call was taken from this worker: it had paused, and the vendor did not fail.
    """
    sent_at = None
    if failure is not None and call_id is not None:
        sent_at = _calls_sent(call_id).values_list("sent_at", flat=True).first()
        if sent_at is None:
            return False
    if failure is None or isinstance(failure, Rejected):
        breaker.note_success(operation, base_url(operation) if failure is None else "", paid=paid)
        return False
    if isinstance(failure, Misconfigured | StaleSlot):
        return True
    if isinstance(failure, HeldBack):
        breaker.note_error(operation.vendor_id, failure)
        pace.refused(operation.pk, failure.retry_after, sent_at or pace.database_now())
        return True
    if isinstance(failure, InDoubt | BilledError):
        return breaker.note_doubt(operation, failure)
    return breaker.note_failure(operation.vendor_id, failure)


def stops_vendor(failure: VendorFailure | None, *, paid: bool = True) -> str | None:
    """Why nothing more may be bought from this vendor until an operator acts; None where it may.

    paid: a key that may not ask a free question (401, 403) may still buy; what answers elsewhere stops all.
    """
    if isinstance(failure, ScopeRefused) or (failure and not paid and failure.status in (401, 402, 403)):
        return None
    if isinstance(failure, Misconfigured) or (isinstance(failure, InDoubt) and failure.pauses):
        return failure.reason
    return None


def _mine(call_id: UUID) -> VendorCall | None:
    return lock_call(_calls_sent(call_id).select_related("operation"))


def _calls_sent(call_id: UUID) -> QuerySet[VendorCall]:
    return VendorCall.objects.filter(pk=call_id, state=VendorCall.State.SENT)
