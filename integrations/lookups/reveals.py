"""Phones that Apollo reveals after its answer: the money that waits for them, and how the waiting ends.

    expect     with the settling of the call: the reveal is there, and what it may cost stays reserved
    keep_push  the webhook: the raw body, in its own transaction, before anything of it is read
    take_turn  one worker asks Apollo for the result, which is free
    close      the phones go to the look-ups, the real charge to the budgets: by the first worker with a result
    give_up    Apollo has no result any more: in doubt, since the phones may have been billed; an operator decides with
               `release` or `write_off`

All but `take_turn` and `keep_push` must be called inside a transaction. docs/locks.md has the order of their locks.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from accounts.models import User
from common.db.arrays import recordset
from common.db.clock import database_now
from common.enqueue import enqueue_on_commit
from common.values.backoff import backoff
from integrations.ledger import budgets, calls, excess, scopes
from integrations.ledger.budgets import MONEY, MOST_UNITS, ZERO
from integrations.locks import lock_call, lock_call_of_push, lock_reveal
from integrations.lookups.forgotten import without_forgotten
from integrations.models import Lookup, PhoneReveal, VendorCall
from integrations.vendors.apollo.parse import CREDITS_OF_A_PHONE, Reveal, is_mobile
from integrations.vendors.contract import Reply

log = logging.getLogger(__name__)
State = PhoneReveal.State
# Apollo pushes "minutes later": a push that has not come by then is asked for. Without a webhook we ask at once.
OVERDUE = timedelta(minutes=5)
FIRST_ASKED = timedelta(seconds=10)  # Apollo's own `retry_after_seconds` of a pending result
ASKED_AT_LEAST = timedelta(minutes=15)
# Results are kept for 30 days; one that Apollo still calls pending or unknown after a day is a matter for a person,
# since its money is reserved all the while.
PATIENCE = timedelta(hours=24)
KEPT = timedelta(days=31)


# --- It begins -------------------------------------------------------------------------------------------------------


def expect(call: VendorCall, reply: Reply, now: datetime) -> None:
    """The call is settled and its phones are to come: reserves what they may cost, where the call had reserved it.

    In the transaction of the settling: no reader sees the call settled without its reveal. `call` is locked.
    """
    most = (min(reply.later or ZERO, MOST_UNITS) * call.price).quantize(MONEY)
    most = min(most, max(call.reserved - call.cost, ZERO))  # never more than was reserved before it was sent
    holds = {scope: str(most) for scope in call.holds if not scopes.counts_inputs(scope)}
    people: dict[str, list[str]] = {}
    for key, answer in reply.answers.items():
        person = answer.facts.get("apollo_person_id")
        if person and not is_mobile(answer.facts):  # one that came at once is charged already
            people.setdefault(str(person), []).append(key)
    budgets.hold(dict.fromkeys(holds, most))
    _make(call.pk, now)
    PhoneReveal.objects.filter(pk=call.pk).update(
        state=State.WAITING,
        request_id=reply.request_id[:64],
        people=people,
        reserved=most,
        holds=holds,
        ask_at=now + (OVERDUE if settings.APOLLO_WEBHOOK_URL else FIRST_ASKED),
        deadline=now + PATIENCE,
    )
    if PhoneReveal.objects.filter(pk=call.pk, raw__isnull=False).exists():  # the push came before the settling
        enqueue_on_commit("enrichment.deliver_phones", call_id=str(call.pk))


def keep_push(call_id: UUID, raw: bytes) -> bool:
    """Stores a pushed body as it came. Returns False where there is no such call: then nothing is stored.

    Apollo may push twice: the first body that can be read is the one that counts.
    """
    now = database_now()
    with transaction.atomic():
        # The call's lock first, as the settling takes it: each makes the row, and neither waits for the other's.
        if not lock_call_of_push(call_id):
            return False
        _make(call_id, now)
        fresh = PhoneReveal.objects.filter(Q(raw__isnull=True) | Q(unreadable=True), pk=call_id)
        fresh.exclude(state=State.ARRIVED).update(raw=raw, unreadable=False, pushed_at=now)
        enqueue_on_commit("enrichment.deliver_phones", call_id=str(call_id))
    return True


def _make(call_id: UUID, now: datetime) -> None:
    """Makes the row, if the other of settling and push has not made it."""
    PhoneReveal.objects.bulk_create([PhoneReveal(call_id=call_id, created_at=now)], ignore_conflicts=True)


# --- Waiting ---------------------------------------------------------------------------------------------------------


def pushed(*, limit: int = 100) -> list[UUID]:
    """Reveals whose pushed body has not been read yet."""
    rows = PhoneReveal.objects.filter(raw__isnull=False, unreadable=False)
    rows = rows.exclude(state__in=[State.EARLY, State.ARRIVED])
    return list(rows.order_by("pk").values_list("pk", flat=True)[:limit])


def due(*, limit: int = 100) -> list[UUID]:
    """Reveals to ask Apollo about, the longest due first."""
    rows = PhoneReveal.objects.filter(state=State.WAITING, ask_at__lte=database_now())
    return list(rows.order_by("ask_at").values_list("pk", flat=True)[:limit])


def take_turn(call_id: UUID) -> PhoneReveal | None:
    """Lets this worker ask and sets the next time, 10 s doubled up to 15 minutes; None: another worker asks."""
    now = database_now()
    waiting = PhoneReveal.objects.filter(pk=call_id, state=State.WAITING, ask_at__lte=now)
    row = waiting.first()
    if row is None:
        return None
    wait = backoff(row.asked + 1, first=FIRST_ASKED, most=ASKED_AT_LEAST)
    taken = waiting.filter(asked=row.asked).update(asked=F("asked") + 1, ask_at=now + wait)
    return row if taken else None


def is_due(call_id: UUID) -> bool:
    """Whether it is time to ask Apollo about this one."""
    return PhoneReveal.objects.filter(pk=call_id, state=State.WAITING, ask_at__lte=database_now()).exists()


def postpone(call_id: UUID, seconds: float | None, reason: str) -> None:
    """No answer yet: notes why, and asks no sooner than Apollo wants."""
    changes: dict[str, Any] = {"reason": reason[:300]}
    if seconds:
        changes["ask_at"] = database_now() + timedelta(seconds=seconds)
    PhoneReveal.objects.filter(pk=call_id, state=State.WAITING).update(**changes)


def refuse_push(reveal: PhoneReveal) -> None:
    """The body stored in this row is no answer: it is kept until a better one comes, and Apollo is asked instead."""
    same = PhoneReveal.objects.filter(pk=reveal.pk, pushed_at=reveal.pushed_at)
    same.update(unreadable=True, reason="the pushed body cannot be read")


def may_close_soon(run_id: UUID, scope: str) -> bool:
    """Whether money of this run, or money under this cap, waits for phones that are not overdue: some may come free."""
    young = PhoneReveal.objects.filter(state=State.WAITING, created_at__gt=database_now() - OVERDUE)
    return young.filter(Q(call__run_id=run_id) | Q(holds__has_key=scope)).exists()


# --- It ends ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came for one person we asked about: the facts phone, phone_type and phone_do_not_call."""

    person: str
    facts: Mapping[str, Any]


@budgets.settled_last()
def close(call_id: UUID, answer: Reveal) -> list[Delivered] | None:
    """Counts the charge, gives the rest of the money back and puts the phones into the stored answers.

    None: it is closed already, or its call is not settled. An answer that comes after an operator has decided replaces
    that decision's cost: Apollo's number is better than a guess.

    1. Locks the call and the reveal; phones of people that were not asked for are left out.
    2. Budgets get the charge, last of all; the rest of the reserved money comes back.
    3. Look-ups that an operator's release freed, and nobody has bought since, are owned again; the call gets its cost.
    4. The phones go into the stored answers.
    """
    call, reveal = _locked(call_id)
    if call is None or reveal is None or reveal.state in (State.EARLY, State.ARRIVED):
        return None
    phones = {person: facts for person, facts in answer.phones.items() if person in reveal.people and facts["phone"]}
    units = CREDITS_OF_A_PHONE * sum(map(is_mobile, phones.values()))
    cost = (min(units, MOST_UNITS) * call.price).quantize(MONEY)
    _spend(call, reveal, cost)
    kept = zip(phones, without_forgotten(list(phones.values())), strict=True)
    phones = {person: facts for person, facts in kept if facts["phone"]}  # of the others the charge alone is counted
    if reveal.state == State.RELEASED:
        # a call that asked for these phones again since, and was not answered, is the call of these rows now
        freed = _without_phone(call, reveal, Lookup.State.FREE).filter(fetched_at=None)
        freed.update(state=Lookup.State.ANSWERED, fetched_at=call.ended_at, call=call)
    _count(call, reveal, units, answer.claimed)
    call.save(update_fields=["cost", "units", "claimed", "excess"])
    excess.note(call)
    _answer(call, reveal, phones, cost)
    reveal.state, reveal.found, reveal.closed_at = State.ARRIVED, len(phones), database_now()
    reveal.raw = None  # its facts are taken: what else it says of a person is not kept
    reveal.save()
    return [Delivered(person, facts) for person, facts in phones.items()]


def _count(call: VendorCall, reveal: PhoneReveal, units: Decimal, claimed: Decimal | None) -> None:
    """Adds the price list's units to the call's, and Apollo's own count, where it gives one, to its claim."""
    if claimed is not None or call.claimed is not None:
        before = call.units if call.claimed is None else call.claimed
        call.claimed = min(before + (units if claimed is None else claimed), MOST_UNITS)
    call.units = min(call.units + units, MOST_UNITS)
    if call.claimed is not None:
        call.excess = max(ZERO, (call.claimed - call.units) * call.price).quantize(MONEY)
    if claimed is not None and claimed > units:
        log.warning("Reveal %s: Apollo claims %s credits, the price list says %s", call.pk, claimed, units)
        reveal.reason = f"Apollo claims {str(claimed)[:24]} credits; by the price list it is {units}"


def _answer(call: VendorCall, reveal: PhoneReveal, phones: Mapping[str, Mapping[str, Any]], cost: Decimal) -> None:
    """Puts the phones into the answers that are owned: the next question for the same is answered with them, for $0."""
    rows = [
        {"key": key, "person": person, "facts": dict(facts)}
        for person, facts in phones.items()
        for key in reveal.people[person]
    ]
    each = (cost / len(rows)).quantize(MONEY) if rows else ZERO
    with connection.cursor() as cursor:
        # a fresher answer may be about another person: then the phone is not its; (SELECT …) as in `answers.unmark`
        cursor.execute(
            """
            UPDATE integrations_lookup l SET facts = l.facts || a.facts, cost = l.cost + %(each)s
              FROM jsonb_to_recordset(%(rows)s::jsonb) AS a(key text, person text, facts jsonb)
             WHERE l.operation_id = (SELECT %(operation)s) AND l.key = a.key AND l.facts->>'apollo_person_id' = a.person
            """,
            {"each": each, "rows": recordset(rows), "operation": call.operation_id},
        )


def give_up(call_id: UUID, reason: str) -> bool:
    """Apollo gives no result any more. The phones may have been charged: an operator decides about their money."""
    return bool(
        PhoneReveal.objects.filter(pk=call_id, state=State.WAITING).update(
            state=State.IN_DOUBT, reason=reason[:300], closed_at=database_now()
        )
    )


def release(call_id: UUID, *, by: User | None = None, reason: str = "") -> bool:
    """The operator says: no phone was charged. The money comes back, and the phones may be asked for again."""
    return _decide(call_id, State.RELEASED, None, by, reason or "Phones: not on the vendor's bill", reason)


def write_off(call_id: UUID, *, cost: Decimal | None = None, by: User | None = None, reason: str = "") -> bool:
    """The operator says: they were charged and never came. cost: US dollars by the bill; None: all that was reserved.

    Raises calls.BadDecision.
    """
    return _decide(call_id, State.WRITTEN_OFF, cost, by, reason or "Phones: on the vendor's bill", reason)


@budgets.settled_last()
def _decide(
    call_id: UUID, state: PhoneReveal.State, cost: Decimal | None, by: User | None, words: str, reason: str
) -> bool:
    """Ends a reveal in doubt as the operator says. Returns False where it is not in doubt (any more).

    1. The money held is spent, where written off by the cost that the bill gives and `checked_cost` allows, or comes
       back.
    2. Released: the look-ups without a phone may be bought again.
    3. Call and reveal keep the decision.
    """
    call, reveal = _locked(call_id)
    if call is None or reveal is None or reveal.state != State.IN_DOUBT:
        return False
    spent = calls.checked_cost(cost, reveal.reserved, reason) if state == State.WRITTEN_OFF else ZERO
    _spend(call, reveal, spent)
    if state == State.RELEASED:  # the next question for phones buys them; the facts stay, in case these come after all
        bought = _without_phone(call, reveal, Lookup.State.ANSWERED).filter(call=call)
        bought.update(state=Lookup.State.FREE, fetched_at=None)
    calls.note_decision(call, by, words)
    call.save(update_fields=["cost", "decided_by", "decided_at", "decision"])
    reveal.state, reveal.closed_at = state, database_now()
    if reveal.unreadable:  # a body that can be read is still delivered, and puts the money right
        reveal.raw = None
    reveal.save()
    calls.tell_decided(call, by, phones=len(reveal.people), billed=state == State.WRITTEN_OFF, cost=spent)
    return True


def released(since: datetime) -> dict[str, datetime]:
    """Apollo's people whose phones an operator has released since then, and when: they may be asked for again."""
    rows = PhoneReveal.objects.filter(state=State.RELEASED, closed_at__gt=since).order_by("closed_at")
    return {person: at for people, at in rows.values_list("people", "closed_at") if at for person in people}


def _without_phone(call: VendorCall, reveal: PhoneReveal, state: Lookup.State) -> QuerySet[Lookup]:
    """The answers about these people whose phones never came."""
    keys = [key for asked in reveal.people.values() for key in asked]
    answers = Lookup.objects.filter(operation=call.operation_id, key__in=keys, state=state, facts__phone=None)
    return answers.filter(facts__apollo_person_id__in=list(reveal.people))


def _locked(call_id: UUID) -> tuple[VendorCall | None, PhoneReveal | None]:
    settled = VendorCall.objects.filter(pk=call_id, state=VendorCall.State.SETTLED).select_related("operation")
    return lock_call(settled), lock_reveal(call_id)


def _spend(call: VendorCall, reveal: PhoneReveal, cost: Decimal) -> None:
    """Gives back the money still held and counts the cost in its place, less the cost counted before."""
    more = cost - reveal.cost
    holding = reveal.state in PhoneReveal.HOLDING
    held = {scope: Decimal(amount) if holding else ZERO for scope, amount in reveal.holds.items()}
    budgets.settle(held, dict.fromkeys(held, more))
    call.cost += more
    reveal.cost = cost
