"""How a call ends, by its worker, the reaper or an operator: its money and its dependents. Inside a transaction.

`release`, `mark_in_doubt`, `count_as_billed` and `end` take a call that their caller has locked and whose state it has
checked: `settlement` for the worker that sent it, the functions below for the reaper and the operator.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import connection

from accounts.audit import record
from accounts.models import User
from common.db.direct import save
from common.enqueue import enqueue_on_commit
from integrations.ledger import budgets, dependents, pace, scopes
from integrations.ledger.budgets import ZERO
from integrations.locks import lock_call
from integrations.models import UnreadableAnswer, VendorCall
from integrations.vendors.errors import Category, Evidence

RECOVERY = timedelta(seconds=10)
MOST_COST = Decimal("99999999.9999")  # US dollars: what the column holds
DECISION_MAX = 300  # characters: what the column holds


class BadDecision(ValueError):
    """An operator's decision that cannot be taken; the message says why. Nothing was changed."""


def release(call: VendorCall, reason: str, **facts: object) -> None:
    """Nothing was bought: the money comes back, and its inputs may be bought again."""
    call.reason = reason[:300]
    with budgets.settled_last():
        end(call, VendorCall.State.RELEASED, pace.database_now(), cost=ZERO, **facts)
        dependents.free(call)


def mark_in_doubt(call: VendorCall, now: datetime, **facts: object) -> None:
    """It may have been bought: the money stays reserved, and nothing is bought again until an operator decides."""
    dependents.doubt(call)
    call.state, call.category, call.ended_at = VendorCall.State.IN_DOUBT, Category.IN_DOUBT, now
    for name, value in facts.items():
        setattr(call, name, value)
    save(call)


def keep_evidence(call: VendorCall, evidence: Evidence, now: datetime) -> None:
    """Keeps an answer, or its length and hash, of which some record cannot be used: once for the whole call."""
    UnreadableAnswer.objects.create(
        call=call,
        raw=evidence.raw,
        length=evidence.length,
        sha256=evidence.sha256,
        why=evidence.why,
        created_at=now,
    )


def count_as_billed(call: VendorCall, now: datetime, **facts: object) -> None:
    """The vendor's policy says that server errors are billed: the money is spent, its inputs may be bought again."""
    call.units = call.reserved / call.price if call.price else ZERO
    with budgets.settled_last():
        end(call, VendorCall.State.WRITTEN_OFF, now, cost=call.reserved, **facts)
        dependents.free(call)


def end(call: VendorCall, state: VendorCall.State, now: datetime, *, cost: Decimal, **facts: object) -> None:
    """Turns the call's reservations into spent amounts and writes its final state. cost: US dollars.

    Where dependents follow, inside `budgets.settled_last`: who waits for a look-up holds no budget (docs/locks.md).
    """
    paid = state in (VendorCall.State.SETTLED, VendorCall.State.WRITTEN_OFF)
    budgets.settle(call.holds, spent_by_scope(call, cost) if paid else {})
    call.state, call.cost, call.ended_at = state, cost, now
    for name, value in facts.items():
        setattr(call, name, value)
    save(call)


def spent_by_scope(call: VendorCall, cost: Decimal) -> dict[str, Decimal]:
    """What this call has spent in each of its budgets, once it cost this much: dollars, or inputs where they count."""
    return {scope: Decimal(call.inputs) if scopes.counts_inputs(scope) else cost for scope in call.holds}


def dead_calls(*, limit: int = 100) -> list[tuple[UUID, UUID | None]]:
    """Calls whose worker is dead, and their runs: for `expire_call`, one transaction each.

    Empty while PostgreSQL has only just started: leases ran out while it was away, and a worker that holds a paid
    answer writes it now (`persist` tries every 2 s, and the pool connects anew within 2 s).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp(), pg_postmaster_start_time()")
        now, up_since = cursor.fetchone()
    if now - up_since < RECOVERY:
        return []
    dead = VendorCall.objects.filter(state__in=VendorCall.OPEN, lease_until__lte=now)
    return list(dead.order_by("pk").values_list("pk", "run_id")[:limit])


def expire_call(call_id: UUID) -> VendorCall.State | None:
    """Ends a call whose worker is dead: RELEASED where nothing had been sent, else IN_DOUBT. None: it is not dead."""
    now = pace.database_now()
    call = lock_call(VendorCall.objects.filter(pk=call_id, state__in=VendorCall.OPEN, lease_until__lte=now))
    if call is None:
        return None
    if call.state == VendorCall.State.SENT:
        call.reason = "its worker died after sending"
        mark_in_doubt(call, now)
        return VendorCall.State.IN_DOUBT
    release(call, "its worker died before sending")
    return VendorCall.State.RELEASED


def release_doubt(call_id: UUID, *, by: User | None = None, reason: str = "", wakes: bool = True) -> bool:
    """The operator says: it was not billed. The money comes back and its inputs may be bought again.

    Returns False where the call is not in doubt (any more); then nothing changes. by, reason: kept with the call.
    wakes: enqueues the reaper for the leads that wait for this decision; a caller that decides many calls enqueues it
    once.
    """
    call = _doubtful(call_id)
    if call is None:
        return False
    note_decision(call, by, reason or "Not on the vendor's bill")
    release(call, call.reason)
    tell_decided(call, by, billed=False, cost=ZERO)
    if wakes:
        enqueue_on_commit("enrichment.reap")
    return True


def settle_doubt(call: VendorCall, units: Decimal, *, billed: bool) -> None:
    """The vendor itself has told what became of a request in doubt: its money is spent, or comes back. `call` is locked
    and in doubt; its payer moves what hangs on it. units: by the price list.
    """
    call.found, call.units = int(billed), min(units, budgets.MOST_UNITS) if billed else ZERO
    cost = min(call.reserved, (call.units * call.price).quantize(budgets.MONEY))
    state = VendorCall.State.SETTLED if billed else VendorCall.State.RELEASED
    end(call, state, pace.database_now(), cost=cost)


def write_off(
    call_id: UUID, *, cost: Decimal | None = None, by: User | None = None, reason: str = "", wakes: bool = True
) -> bool:
    """The operator says: it was billed and is lost. The money is spent, and its inputs may be bought again.

    cost: US dollars by the vendor's bill; None: all that was reserved, which is the most the price list allows. A
    higher one counts against the caps and needs a reason. Raises BadDecision. The rest as in `release_doubt`.
    """
    call = _doubtful(call_id)
    if call is None:
        return False
    spent = checked_cost(cost, call.reserved, reason)
    note_decision(call, by, reason or "On the vendor's bill")
    if call.price > 0:  # so that units of the price list and dollars say the same
        call.units = min((spent / call.price).quantize(budgets.MONEY), budgets.MOST_UNITS)
    bill_unanswered(call, spent)
    tell_decided(call, by, billed=True, cost=spent)
    if wakes:
        enqueue_on_commit("enrichment.reap")
    return True


def bill_unanswered(call: VendorCall, cost: Decimal) -> None:
    """It was billed and its answer is lost: `cost` is spent, and its inputs may be bought again. `call` is locked."""
    with budgets.settled_last():
        end(call, VendorCall.State.WRITTEN_OFF, pace.database_now(), cost=cost)
        dependents.free(call)


def checked_cost(cost: Decimal | None, reserved: Decimal, reason: str) -> Decimal:
    """US dollars that a decision may count. Raises BadDecision with words for the operator."""
    if cost is None:
        return reserved
    if not cost.is_finite() or cost < 0 or cost > MOST_COST:
        raise BadDecision(f"The cost must be from $0.00 to ${MOST_COST:,.2f}.")
    if cost != cost.quantize(budgets.MONEY):
        raise BadDecision("The cost has at most four decimals.")
    if cost > reserved and not reason.strip():
        raise BadDecision(f"${cost:,.2f} is more than the ${reserved:,.2f} held for it: give the reason.")
    return cost


def note_decision(call: VendorCall, by: User | None, words: str) -> None:
    """Notes the operator who decided a billing check, when and why. The caller saves the call."""
    call.decided_by, call.decided_at = by, pace.database_now()
    call.decision = " ".join(words.split())[:DECISION_MAX]


def tell_decided(call: VendorCall, by: User | None, **after: object) -> None:
    """For the audit, in the caller's transaction: the words of a decision stand with its call."""
    told = {"inputs": call.inputs, "run": call.run_id, **after}
    record("doubt.decided", by=by, about=call, name=str(call.operation), after=told)


def _doubtful(call_id: UUID) -> VendorCall | None:
    return lock_call(VendorCall.objects.filter(pk=call_id, state=VendorCall.State.IN_DOUBT))
