"""Apollo's pushes for requests that were never settled here: the push proves that the request was billed.

A push carries phones by Apollo's own ids of people. Which of our questions each person answers was in the response
that never came, so nothing of a push can be stored as an answer: it is counted, and its body is deleted.
"""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.db import transaction

from common.db.clock import database_now
from common.enqueue import enqueue_on_commit
from integrations.ledger import budgets, calls, excess
from integrations.ledger.budgets import ZERO
from integrations.locks import lock_call, lock_reveal
from integrations.models import PhoneReveal, VendorCall
from integrations.vendors.apollo.parse import CREDITS_OF_A_PHONE, Reveal, is_mobile

State = VendorCall.State
# A push that arrives while its request is under way is read once the request has ended.
ENDED = (State.IN_DOUBT, State.RELEASED, State.WRITTEN_OFF, State.SETTLED)


def orphans(*, limit: int = 100) -> list[UUID]:
    """Calls that have ended without a reveal of their own, and whose pushed body is still stored."""
    rows = PhoneReveal.objects.filter(state=PhoneReveal.State.EARLY, raw__isnull=False, unreadable=False)
    return list(rows.filter(call__state__in=ENDED).order_by("pk").values_list("pk", flat=True)[:limit])


def settle_by_push(call_id: UUID, found: Reveal) -> bool:
    """Counts the charge that this push proves and deletes its body. Returns whether it settled the call.

    found: the pushed body, read. By the state of its call:

    1. in doubt, or taken for not billed: the price list's charge is spent (1 credit a person of the push, 8 more a
       mobile), its look-ups may be bought again, and the call says what settled it;
    2. decided as billed, or settled: the operator's or the vendor's own amount stays;
    3. a body that cannot be read proves nothing of the amount: the call stays as it is.
    """
    with transaction.atomic():
        call = lock_call(VendorCall.objects.select_related("operation").filter(pk=call_id))
        reveal = lock_reveal(call_id, state=PhoneReveal.State.EARLY)
        if call is None or reveal is None or reveal.raw is None or call.state not in ENDED:
            return False
        reveal.raw, reveal.closed_at = None, database_now()
        reveal.unreadable = not found.ready
        reveal.reason = "Apollo pushed a result for a request whose answer never came"
        settles = found.ready and call.state in (State.IN_DOUBT, State.RELEASED) and call.sent_at is not None
        if settles:
            _charge(call, reveal, found)
        reveal.save()
    return settles


def _charge(call: VendorCall, reveal: PhoneReveal, found: Reveal) -> None:
    people = min(len(found.phones), call.inputs)
    mobiles = min(sum(is_mobile(facts) for facts in found.phones.values()), people)
    price: Decimal = call.price or call.operation.setting("price")
    units = Decimal(people + CREDITS_OF_A_PHONE * mobiles)
    cost = (units * price).quantize(budgets.MONEY)
    names = f"{people} {'person' if people == 1 else 'people'}, {mobiles} with a mobile"
    before = f" Before: {call.decision}" if call.decision else ""
    calls.note_decision(call, None, f"Settled by Apollo's push: {names}, by the price list.{before}")
    call.units, reveal.found = units, mobiles
    if found.claimed is not None:
        call.claimed = min(found.claimed, budgets.MOST_UNITS)
        call.excess = max(ZERO, (call.claimed - units) * price).quantize(budgets.MONEY)
        excess.note(call)
    if call.state == State.IN_DOUBT:
        calls.bill_unanswered(call, cost)
    else:  # its reservation was given back: the charge is added; answers that another call has bought since stay
        budgets.settle(dict.fromkeys(call.holds, ZERO), calls.spent_by_scope(call, cost))
        call.state, call.cost = State.WRITTEN_OFF, cost
        call.save()
    enqueue_on_commit("enrichment.reap")
