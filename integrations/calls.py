"""How a call ends, whoever ends it: what happens to its money and its look-ups. Inside the caller's transaction.

Nothing here asks whether the call is still the caller's: `gate` and `bury` do, by its state, under its row lock.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from integrations import pace, purses
from integrations.errors import Category, Evidence
from integrations.models import Lookup, UnreadableAnswer, VendorCall
from integrations.purses import ZERO

RECOVERY = timedelta(seconds=10)


def release(call: VendorCall, reason: str, **facts: Any) -> None:
    """Nothing was bought: the money comes back, and its facts may be bought by whoever asks next."""
    _free_lookups(call)
    call.reason = reason[:300]
    end(call, VendorCall.State.RELEASED, pace.database_now(), cost=ZERO, **facts)


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


def doubt(call: VendorCall, now: datetime, **facts: Any) -> None:
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
    _free_lookups(call)
    end(call, VendorCall.State.WRITTEN_OFF, now, cost=call.reserved, **facts)


def end(call: VendorCall, state: VendorCall.State, now: datetime, *, cost: Decimal, **facts: Any) -> None:
    """Turns the call's reservations into what was spent and writes its last word."""
    paid = state in (VendorCall.State.SETTLED, VendorCall.State.WRITTEN_OFF)
    bought = Decimal(call.inputs) if paid else ZERO
    spent = {scope: bought if scope.startswith(purses.LEADS) else cost for scope in call.holds}
    purses.settle(call.holds, spent)
    call.state, call.cost, call.ended_at = state, cost, now
    for name, value in facts.items():
        setattr(call, name, value)
    call.save()


def dead_calls(*, limit: int = 100) -> list[tuple[UUID, UUID | None]]:
    """Calls whose worker is dead, and their runs: for `bury`, one transaction each.

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


def bury(call_id: UUID) -> VendorCall.State | None:
    """Ends a call whose worker is dead: RELEASED where nothing had been sent, else IN_DOUBT. None: it is not dead."""
    now = pace.database_now()
    call = (
        VendorCall.objects.select_for_update()
        .filter(pk=call_id, state__in=VendorCall.OPEN, lease_until__lte=now)
        .first()
    )
    if call is None:
        return None
    if call.state == VendorCall.State.SENT:
        call.reason = "its worker died after sending"
        doubt(call, now)
        return VendorCall.State.IN_DOUBT
    release(call, "its worker died before sending")
    return VendorCall.State.RELEASED


def release_doubt(call_id: UUID) -> bool:
    """The operator says: it was not bought. The money comes back and its facts may be bought again."""
    call = _doubtful(call_id)
    if call is None:
        return False
    release(call, "in doubt, released by an operator")
    return True


def write_off(call_id: UUID, *, cost: Decimal | None = None) -> bool:
    """The operator says: it was bought and is lost. The money is spent, and its facts may be bought again.

    `cost`: US dollars by the vendor's own report, at most what was reserved; None: all of it.
    """
    call = _doubtful(call_id)
    if call is None:
        return False
    _free_lookups(call)
    call.reason = "in doubt, written off by an operator"
    spent = call.reserved if cost is None else min(max(cost, ZERO), call.reserved)
    end(call, VendorCall.State.WRITTEN_OFF, pace.database_now(), cost=spent)
    return True


def _doubtful(call_id: UUID) -> VendorCall | None:
    return VendorCall.objects.select_for_update().filter(pk=call_id, state=VendorCall.State.IN_DOUBT).first()
