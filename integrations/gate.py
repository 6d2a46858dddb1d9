"""The paid-lookup gate: nothing that costs money is called except through it.

A purchase is three short transactions with one HTTP request between them:

    begin    (with `enter`)  serve what is owned; reserve the rest, its money and a slot
    intend   commit that it is being sent, if it is still wanted; only then may bytes leave
    settle / fail            answers, charges and audit, if the call is still ours

`begin`, `intend`, `settle` and `fail` must be called inside a transaction, so that the caller's own rows change with
them. Lock order everywhere: operation, vendor, run, call, lookups, purses, then the caller's rows.
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
from django.db.models import QuerySet
from psycopg.errors import IdleInTransactionSessionTimeout

from accounts.models import User
from config.common.faultpoints import commit
from config.common.ids import uuid7
from config.common.logs import told
from integrations import available, breaker, calls, pace, purses, reveals
from integrations.contract import Answer, Door, Query, Reply
from integrations.errors import Category, InDoubt, Misconfigured, NotSent, Rejected, VendorFailure
from integrations.models import Lookup, Operation, VendorCall
from integrations.purses import BELIEVED, MONEY, MOST_UNITS, ZERO, Cap

log = logging.getLogger(__name__)
T = TypeVar("T")


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

    fresh_after: an answer that has been owned for longer does not serve this payer.
    """

    user_id: int
    run_id: UUID | None = None
    caps: tuple[Cap, ...] = ()
    fresh_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Owned:
    """An answer that has been paid for, and when it came."""

    answer: Answer
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What `begin` found. Every query is in exactly one place.

    owned: served at $0. buying: reserved, under `call_id`. busy: somebody else is buying it this moment. doubtful: an
    earlier purchase is in doubt. unaffordable: does not fit under `cap`. later: no batch takes it, so it waits for a
    request of its own.
    """

    owned: Mapping[str, Owned]
    buying: tuple[Query, ...] = ()
    call_id: UUID | None = None
    busy: frozenset[str] = field(default_factory=frozenset)
    doubtful: frozenset[str] = field(default_factory=frozenset)
    unaffordable: frozenset[str] = field(default_factory=frozenset)
    later: frozenset[str] = field(default_factory=frozenset)
    cap: Cap | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How carrying out a call ended: a reply, a failure, or neither (no longer wanted, or no longer ours)."""

    reply: Reply | None = None
    failure: VendorFailure | None = None
    latency_ms: int | None = None


# --- Begin -----------------------------------------------------------------------------------------------------------


def enter(operation_id: int) -> Operation:
    """Locks the operation and its vendor for this transaction, if a request could leave soon; else raises Closed."""
    # "no key": a look-up that `settle` adds refers to the operation, and its caller holds a run already
    operation = Operation.objects.select_for_update(no_key=True).select_related("vendor").get(pk=operation_id)
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
    in_flight = VendorCall.objects.filter(
        operation__vendor=vendor, state__in=VendorCall.OPEN, lease_until__gt=now
    ).count()
    if in_flight >= (1 if breaker.is_probing(vendor, now) else settings.VENDOR_IN_FLIGHT):
        raise Closed(f"{in_flight} requests to {vendor} are in flight", 0.05)
    return operation


def begin(operation: Operation, queries: Sequence[Query], payer: Payer) -> Plan:
    """Sorts the queries into a Plan and reserves what is to be bought. `operation` comes from `enter`."""
    unique = {query.key: query for query in queries}
    known = {row.key: row for row in Lookup.objects.filter(operation=operation, key__in=list(unique))}
    now = pace.database_now()
    fresh_after = operation.fresh_since(now)
    fresh_after = max(fresh_after, payer.fresh_after or fresh_after)
    owned, busy, doubtful, wanted = {}, set(), set(), []
    for key, query in unique.items():
        row = known.get(key)
        if row is None or row.state == Lookup.State.FREE:
            wanted.append(query)
        elif row.state == Lookup.State.BUYING:
            busy.add(key)
        elif row.state == Lookup.State.IN_DOUBT:
            doubtful.add(key)
        elif row.state == Lookup.State.GARBAGE or (row.fetched_at and row.fetched_at > fresh_after):
            owned[key] = _owned(row)
        else:
            wanted.append(query)
    if not wanted:
        return Plan(owned=owned, busy=frozenset(busy), doubtful=frozenset(doubtful))
    wanted, later = _one_request(wanted)
    price: Decimal = operation.setting("price")
    prices = [price * query.weight for query in wanted]
    fit, holds, stopper = purses.reserve(_caps(operation, payer, now), prices)
    call_id = _reserve(operation, wanted[:fit], payer, sum(prices[:fit], ZERO), holds, now) if fit else None
    return Plan(
        owned=owned,
        buying=tuple(wanted[:fit]),
        call_id=call_id,
        busy=frozenset(busy),
        doubtful=frozenset(doubtful),
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


def owned(operation_id: int, key: str) -> Owned | None:
    """A fresh answer that has been paid for, whatever state the vendor is in."""
    row = Lookup.objects.select_related("operation").filter(operation_id=operation_id, key=key).first()
    if row is None or row.state not in (Lookup.State.ANSWERED, Lookup.State.GARBAGE) or row.fetched_at is None:
        return None
    if row.state == Lookup.State.ANSWERED and row.fetched_at <= row.operation.fresh_since(pace.database_now()):
        return None
    return _owned(row)


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
        purses.month_cap(user.pk, user.monthly_budget, now),
        purses.vendor_cap(operation.vendor_id, operation.vendor.cap, now),
    ]
    if operation.name == "property_detail":  # a lead counts once, when its first fact is bought
        caps.append(purses.lead_cap(user.pk, user.daily_lead_limit, now))
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


# --- Intend and send -------------------------------------------------------------------------------------------------


def intend(call_id: UUID, *, wanted: Callable[[], bool]) -> float | None:
    """Commits (with the caller's transaction) that the call is being sent. Returns the seconds to wait and ask again.

    0.0: send now. None: do not send: no longer wanted or its slot has passed (then it is released), or no longer ours.
    `wanted` runs first and must lock whatever it reads, so that a stop answered to a person comes before or after it,
    never between.
    """
    still_wanted = wanted()
    call = (
        VendorCall.objects.select_for_update(of=("self",))
        .select_related("operation__vendor")
        .filter(pk=call_id, state=VendorCall.State.RESERVED)
        .first()
    )
    now = pace.database_now()
    if call is None or call.lease_until <= now:
        return None
    vendor = call.operation.vendor
    if not still_wanted or not vendor.enabled or vendor.paused_reason:
        calls.release(call, "stopped before it was sent")
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


def carry_out(call_id: UUID, queries: Sequence[Query], door: Door, *, wanted: Callable[[], bool]) -> Outcome:
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
        reply = door.call(queries, call_id=str(call_id))
    except VendorFailure as failure:
        return Outcome(failure=failure, latency_ms=_since(started))
    except Exception as error:  # bytes may have left: whatever went wrong here, the purchase is in doubt, not forgotten
        log.error("The adapter of %s broke: %s", door.operation, told(error))
        return Outcome(failure=InDoubt(f"our own fault: {type(error).__name__}"), latency_ms=_since(started))
    return Outcome(reply=reply, latency_ms=_since(started))


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


def settle(call_id: UUID, reply: Reply, latency_ms: int | None) -> dict[str, Owned] | None:
    """Stores the answers and the real charge. Returns them by key, or None where the call is no longer ours."""
    call = _mine(call_id)
    if call is None:
        return None
    now = pace.database_now()
    found = sum(answer.found for answer in reply.answers.values())
    price: Decimal = call.operation.setting("price")
    cost = (min(reply.units, MOST_UNITS) * price).quantize(MONEY)
    if cost > call.reserved:  # the truth counts, so that the caps stop what comes next; a senseless claim does not
        cost = cost if cost <= BELIEVED * call.reserved else call.reserved
        log.warning("Call %s: the vendor claims %s units, more than it can cost", call.pk, reply.units)
        call.reason = f"the vendor claims {str(reply.units)[:24]} units; counted as ${cost}"
    each = (cost / (found or len(reply.answers) or 1)).quantize(MONEY)
    rows = [
        {
            "key": key,
            "facts": dict(answer.facts),
            "category": answer.category or "",
            "cost": str(each if answer.found or not found else ZERO),
        }
        for key, answer in reply.answers.items()
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE integrations_lookup l
               SET state = 'answered', facts = a.facts, category = a.category, cost = l.cost + a.cost,
                   fetched_at = %(now)s
              FROM jsonb_to_recordset(%(rows)s::jsonb) AS a(key text, facts jsonb, category text, cost numeric)
             WHERE l.operation_id = %(operation)s AND l.key = a.key AND l.call_id = %(call)s AND l.state = 'buying'
            """,
            {"now": now, "rows": json.dumps(rows), "operation": call.operation_id, "call": call.pk},
        )
    _own_under_other_keys(call, reply, now)
    call.found, call.units, call.request_id = found, min(reply.units, MOST_UNITS), reply.request_id[:64]
    calls.end(call, VendorCall.State.SETTLED, now, cost=cost, status=reply.status, latency_ms=latency_ms)
    if reply.later is not None:  # with the settling or not at all: a worker that dies here leaves the call in doubt
        reveals.expect(call, reply, now)
    return {key: Owned(answer, now) for key, answer in reply.answers.items()}


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
             WHERE l.state IN ('free', 'answered')
            """,
            {"now": now, "rows": json.dumps(rows), "operation": call.operation_id},
        )


def fail(call_id: UUID, failure: VendorFailure, latency_ms: int | None) -> bool:
    """Ends a call that brought no answer, as its kind of failure asks. Returns False where it is no longer ours.

    Money: released; but an unreadable answer that was billed is paid for and kept, and one in doubt stays reserved.
    """
    call = _mine(call_id)
    if call is None:
        return False
    now = pace.database_now()
    call.category, call.reason = failure.category, failure.reason
    if isinstance(failure, InDoubt):
        calls.doubt(call, now, status=failure.status, latency_ms=latency_ms)
    elif isinstance(failure, Rejected) and failure.charged:
        Lookup.objects.filter(call=call, state=Lookup.State.BUYING).update(
            state=Lookup.State.GARBAGE,
            category=Category.INVALID_DATA,
            fetched_at=now,
            cost=(call.reserved / call.inputs).quantize(MONEY),
        )
        if failure.evidence is not None:
            calls.keep_evidence(call, failure.evidence, now)
        calls.end(call, VendorCall.State.SETTLED, now, cost=call.reserved, status=failure.status, latency_ms=latency_ms)
    else:
        calls.release(call, failure.reason, status=failure.status, latency_ms=latency_ms)
        if isinstance(failure, NotSent) and (wait := failure.retry_after):  # the operation is the first of all locks
            transaction.on_commit(lambda: pace.hold_back(call.operation_id, wait))
    return True


def note(vendor_name: str, failure: VendorFailure | None, call_id: UUID | None = None) -> bool:
    """Tells the breaker how a call went, before it is ended and outside its transaction.

    Returns whether the vendor is out of order, so that its leads should wait rather than lose a try. What a worker says
    whose call was taken away is not heard: it slept, and took the vendor's silence for its own.
    """
    if failure is not None and call_id is not None and not _calls_sent(call_id).exists():
        return False
    if failure is None or isinstance(failure, Rejected):
        breaker.note_success(vendor_name)
        return False
    if isinstance(failure, Misconfigured):
        return True
    if isinstance(failure, StaleSlot):
        return True
    if failure.category == Category.RATE_LIMITED:
        breaker.note_error(vendor_name, failure)
        return False
    return breaker.note_failure(vendor_name, failure)


def _mine(call_id: UUID) -> VendorCall | None:
    return _calls_sent(call_id).select_for_update(of=("self",)).select_related("operation").first()


def _calls_sent(call_id: UUID) -> QuerySet[VendorCall]:
    return VendorCall.objects.filter(pk=call_id, state=VendorCall.State.SENT)
