"""How a call ends, whoever ends it: what happens to its money and its look-ups. Inside the caller's transaction.

Nothing here asks whether the call is still the caller's: `gate` and `expire_call` do, by its state, under its row lock.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import User
from common.enqueue import enqueue_on_commit
from integrations.ledger import budgets, pace
from integrations.ledger.budgets import ZERO
from integrations.locks import lock_call
from integrations.models import Lookup, UnreadableAnswer, VendorCall
from integrations.vendors.errors import Category, Evidence

RECOVERY = timedelta(seconds=10)
MOST_COST = Decimal("99999999.9999")  # US dollars: what the column holds
DECISION_MAX = 300  # characters: what the column holds


class BadDecision(ValueError):
    """An operator's decision that cannot be taken; the message says why. Nothing was changed."""


def release(call: VendorCall, reason: str, **facts: Any) -> None:
    """Nothing was bought: the money comes back, and its facts may be bought by whoever asks next."""
    call.reason = reason[:300]
    end(call, VendorCall.State.RELEASED, pace.database_now(), cost=ZERO, **facts)
    _free_lookups(call)


def _free_lookups(call: VendorCall) -> None:
    with connection.cursor() as cursor:
        cursor.execute(  # an older answer stays owned, if stale; but not one that `reveals.release` has freed
            """
            UPDATE integrations_lookup
               SET state = CASE WHEN facts IS NULL OR fetched_at IS NULL THEN 'free' ELSE 'answered' END
             WHERE call_id = %s AND state IN ('buying', 'in_doubt')
            """,
            [call.pk],
        )


def mark_in_doubt(call: VendorCall, now: datetime, **facts: Any) -> None:
    """It may have been bought: the money stays reserved and nothing of it is bought again until an operator speaks."""
    Lookup.objects.filter(call=call, state=Lookup.State.BUYING).update(state=Lookup.State.IN_DOUBT)
    call.state, call.category, call.ended_at = VendorCall.State.IN_DOUBT, Category.IN_DOUBT, now
    for name, value in facts.items():
        setattr(call, name, value)
    call.save()


def keep_evidence(call: VendorCall, evidence: Evidence, now: datetime) -> None:
    """What an unusable answer was, once for the whole call."""
    UnreadableAnswer.objects.create(
        call=call,
        raw=evidence.raw,
        length=evidence.length,
        sha256=evidence.sha256,
        why=evidence.why,
        created_at=now,
    )


def count_as_billed(call: VendorCall, now: datetime, **facts: Any) -> None:
    """The vendor's policy says that its server errors are billed: the money is spent, its facts may be bought again."""
    call.units = call.reserved / call.price if call.price else ZERO
    end(call, VendorCall.State.WRITTEN_OFF, now, cost=call.reserved, **facts)
    _free_lookups(call)


def end(call: VendorCall, state: VendorCall.State, now: datetime, *, cost: Decimal, **facts: Any) -> None:
    """Turns the call's reservations into what was spent and writes its last word. Before its look-ups: budgets are
    locked first, as `gate.begin` does.
    """
    paid = state in (VendorCall.State.SETTLED, VendorCall.State.WRITTEN_OFF)
    bought = Decimal(call.inputs) if paid else ZERO
    spent = {scope: bought if scope.startswith(budgets.LEADS) else cost for scope in call.holds}
    budgets.settle(call.holds, spent)
    call.state, call.cost, call.ended_at = state, cost, now
    for name, value in facts.items():
        setattr(call, name, value)
    call.save()


def dead_calls(*, limit: int = 100) -> list[tuple[UUID, UUID | None]]:
    """Calls whose worker is dead, and their runs: for `expire_call`, one transaction each.

    None while PostgreSQL has only just started: leases ran out while it was away, and who holds a paid answer writes it
    now (`gate.persist` asks every 2 s, and the pool connects anew within 2 s).
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
    """The operator says: it was not billed. The money comes back and its facts may be bought again.

    Returns False where the call is not in doubt (any more); then nothing changes. by, reason: kept with the call.
    wakes: wakes a worker for the leads that wait for this decision; who decides many rings once.
    """
    call = _doubtful(call_id)
    if call is None:
        return False
    note_decision(call, by, reason or "Not on the vendor's bill")
    release(call, call.reason)
    if wakes:
        enqueue_on_commit("enrichment.reap")
    return True


def write_off(
    call_id: UUID, *, cost: Decimal | None = None, by: User | None = None, reason: str = "", wakes: bool = True
) -> bool:
    """The operator says: it was billed and is lost. The money is spent, and its facts may be bought again.

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
    if wakes:
        enqueue_on_commit("enrichment.reap")
    return True


def bill_unanswered(call: VendorCall, cost: Decimal) -> None:
    """It was billed and its answer is lost: `cost` is spent, and its facts may be bought again. `call` is locked."""
    end(call, VendorCall.State.WRITTEN_OFF, pace.database_now(), cost=cost)
    _free_lookups(call)


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
    """Who decided a billing check, when and why. Its caller saves."""
    call.decided_by, call.decided_at = by, pace.database_now()
    call.decision = " ".join(words.split())[:DECISION_MAX]


def forget_unreadable(call_id: UUID, *, by: User | None = None) -> int:
    """The operator says: ask again. The unreadable answers of this call serve nobody any more, and the next who asks
    buys. What the call cost stays spent, and what is known of its answer stays kept. Returns the look-ups freed.
    """
    call = lock_call(VendorCall.objects.filter(pk=call_id, state=VendorCall.State.SETTLED))
    if call is None:
        return 0
    rows = Lookup.objects.filter(call=call, state=Lookup.State.GARBAGE)
    freed = rows.update(state=Lookup.State.FREE, category="", fetched_at=None)
    if freed:
        note_decision(call, by, f"Unreadable: {freed} of its look-ups may be asked again")
        call.save(update_fields=["decided_by", "decided_at", "decision"])
    return freed


def _doubtful(call_id: UUID) -> VendorCall | None:
    return lock_call(VendorCall.objects.filter(pk=call_id, state=VendorCall.State.IN_DOUBT))
