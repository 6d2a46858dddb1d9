"""Phones that Apollo reveals after its answer: a worker writes them to the leads and to everything that counts these.

Two workers may do so at once, and either may die at any point: a reveal is closed once, under the lock of its call's
row, in the transaction that writes its leads. Until then the next sweep finds the pushed body, or asks Apollo again.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from common.dates import moment
from common.db.clock import database_now
from common.logs import safe_traceback
from enrichment.locks import lock_late_phones, lock_run
from enrichment.models import Run, RunItem
from integrations.ledger import breaker, catalogue, pace
from integrations.ledger.admission import Closed, admit
from integrations.ledger.outcomes import report_outcome, stops_vendor
from integrations.lookups import pushes, reveals
from integrations.models import PhoneReveal
from integrations.vendors import available, late_phones
from integrations.vendors.errors import Misconfigured, NotSent, Rejected, VendorFailure
from integrations.vendors.late_phones import Reveal
from leads.counters import change_counters, count_facts
from leads.facts import saving as facts
from leads.facts.saving import FactRow
from leads.models import Lead
from leads.services import Finish, finish_leads

log = logging.getLogger(__name__)
SWEEP_SECONDS = 45.0  # of asking, one request after the other; with the last one it ends before the task's time limit
PATIENCE = 1.0  # seconds that one question waits for its slot
NO_RESULT = (400, 404, 410)  # Apollo's "what request?", "not known (yet)" and "no longer kept"
Outcome = RunItem.Outcome


def deliver(call_id: UUID) -> bool:
    """Reads the body that Apollo pushed for this call and closes its reveal. Returns whether it did.

    1. A reveal without an unread body, or that has its phones, is left alone.
    2. A push for a call that was never settled settles the call.
    3. A body that cannot be read is refused: a sweep will ask Apollo.
    4. Any other body closes the reveal.
    """
    reveal = PhoneReveal.objects.filter(pk=call_id, raw__isnull=False, unreadable=False).first()
    if reveal is None or reveal.state == PhoneReveal.State.ARRIVED:
        return False
    found = late_phones.read_push(bytes(reveal.raw or b""))
    if reveal.state == PhoneReveal.State.EARLY:
        return pushes.settle_by_push(call_id, found)
    if not found.ready:
        log.warning("Reveal %s: the pushed body cannot be read; Apollo will be asked", call_id)
        reveals.refuse_push(reveal)
        return False
    return _close(call_id, found)


def sweep() -> int:
    """Delivers bodies that Apollo has pushed and asks for results that are overdue. Returns how many reveals it closed.

    1. Every pushed body that is unread is delivered.
    2. Apollo is not asked while an operator, a refused key or a missing one stops it: Apollo keeps the results.
    3. The reveals that are due are asked for, one after the other at the operation's pace, for SWEEP_SECONDS.
    """
    closed = sum(_safely(deliver, call_id) for call_id in (*reveals.pushed(), *pushes.orphans()))
    vendor = catalogue.vendor("apollo")
    if not vendor.enabled or vendor.paused_reason or available.lack(vendor.pk):
        return closed
    until = time.monotonic() + SWEEP_SECONDS
    due = reveals.due()
    while due and time.monotonic() < until:
        if _is_askable(due[0]) and not _wait_for_slot(until):
            break
        closed += _safely(_ask, due.pop(0))
    return closed


def _safely(act: Callable[[UUID], object], call_id: UUID) -> bool:
    """Acts on one reveal. An unforeseen error is logged, and the sweep goes on with the next reveal."""
    try:
        return bool(act(call_id))
    except Exception as error:
        log.error("Reveal %s broke: %s", call_id, safe_traceback(error))
        return False


def ask(call_id: UUID) -> bool:
    """Asks Apollo for one result, which is free, and closes the reveal if it is there.

    The request keeps the operation's pace, as any free one; where none may leave now, the reveal stays due. A reveal is
    given up after an answer of Apollo's, never because Apollo is silent: Apollo keeps a result for 30 days.
    """
    if not reveals.is_due(call_id):
        return False
    if _is_askable(call_id) and not _wait_for_slot(time.monotonic() + PATIENCE):
        return False
    return _ask(call_id)


def _is_askable(call_id: UUID) -> bool:
    """Whether Apollo can be asked: a reveal without an id that Apollo could know waits for its push, or is given up."""
    known = PhoneReveal.objects.filter(pk=call_id).values_list("request_id", flat=True).first()
    return late_phones.is_askable(known or "")


def _wait_for_slot(until: float) -> bool:
    """Takes the operation's next slot and waits for it. False: it comes later than `until`, or the gate is closed."""
    operation_id = catalogue.operation("apollo_people").pk
    while True:
        try:
            with transaction.atomic():
                operation = admit(operation_id, single=True)
                slot = pace.take_slot(operation_id, operation.setting("pace"))
        except Closed as closed:
            if closed.retry_in is None or time.monotonic() + closed.retry_in > until:
                return False
            time.sleep(min(max(closed.retry_in, 0.01), 1.0))
            continue
        time.sleep(max(0.0, (slot - database_now()).total_seconds()))
        return True


def _ask(call_id: UUID) -> bool:
    reveal = reveals.take_turn(call_id)
    if reveal is None:
        return False
    failure: VendorFailure | None = None
    found = Reveal(ready=False)
    if late_phones.is_askable(reveal.request_id):
        try:
            found = late_phones.reveal(reveal.request_id)
        except VendorFailure as error:
            failure = error
    if failure is not None:
        if not isinstance(failure, Rejected | Misconfigured):  # an answer is no outage, and a free one proves nothing
            report_outcome(catalogue.operation("apollo_people"), failure)
        if (reason := stops_vendor(failure, paid=False)) is not None:
            breaker.pause("apollo", reason)
        _no_result(reveal, failure)
        return False
    if found.ready:
        return _close(call_id, found)
    known = late_phones.is_askable(reveal.request_id)
    words = "Apollo is still looking" if known else "Apollo gave no id to ask by: only its push can bring them"
    _postpone(reveal, found.retry_after, words, gives_up=True)
    return False


def _no_result(reveal: PhoneReveal, failure: VendorFailure) -> None:
    refused = isinstance(failure, Rejected) and failure.status in NO_RESULT
    if refused and failure.status == 410:
        reveals.give_up(reveal.pk, failure.reason)
        return
    wait = failure.retry_after if isinstance(failure, NotSent) else None
    _postpone(reveal, wait, failure.reason, gives_up=refused)


def _postpone(reveal: PhoneReveal, wait: float | None, reason: str, *, gives_up: bool) -> None:
    now = database_now()
    late = reveal.deadline is not None and now >= reveal.deadline
    if (late and gives_up) or now >= reveal.created_at + reveals.KEPT:
        reveals.give_up(reveal.pk, f"{reason.rstrip('.')}, since {moment(reveal.created_at, always_year=True)}")
    else:
        reveals.postpone(reveal.pk, wait, reason)


# --- To the leads ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Asked:
    """A finished item of a run that asked for phones, and its lead, which has none."""

    item_id: int
    run_id: UUID
    lead_id: UUID
    bucket_id: UUID
    person: str
    status: str


def _close(call_id: UUID, found: Reveal) -> bool:
    """Closes the reveal, and in the same transaction writes its phones to the leads. False: it was closed before.

    1. Has late phones alone: no run is served the stored answer meanwhile. A lead that was served before is found here;
       one that is served later gets the phone with the answer.
    2. Locks the runs of the leads that are found.
    3. Closes the reveal: its money, and the stored answers.
    4. Writes the phones to the leads, and counts them in buckets and runs.
    """
    with transaction.atomic():
        lock_late_phones(alone=True)
        asked = _who_asked(list(found.phones))
        runs = {run.pk: run for run in _lock_runs({one.run_id for one in asked})}
        delivered = reveals.close(call_id, found)
        if delivered is None:
            return False
        phones = {one.person: one.facts for one in delivered}
        got = [one for one in asked if one.person in phones and one.run_id in runs]
        _write(got, phones)
        _count(got, runs)
    return True


def _who_asked(people: Sequence[str]) -> list[_Asked]:
    """Leads without a phone that are one of these people and for whom a run asked for phones, of any user's."""
    items = RunItem.objects.filter(
        lead__apollo_person_id__in=people,
        lead__phone__isnull=True,
        lead__merged_into__isnull=True,
        stage=RunItem.Stage.DONE,
        outcome__in=[Outcome.ENRICHED, Outcome.PARTIAL],
        run__kind=Run.Kind.APOLLO,
        run__options__contains={"revealPhones": True, "updateDb": True},
    )
    names = ("pk", "run_id", "lead_id", "lead__bucket_id", "lead__apollo_person_id", "lead__enrichment_status")
    return [_Asked(*row) for row in items.order_by("pk").values_list(*names)]


def _lock_runs(run_ids: set[UUID]) -> list[Run]:
    locked = [lock_run(run_id) for run_id in sorted(run_ids)]
    return [run for run in locked if run is not None]


def _write(got: Sequence[_Asked], phones: Mapping[str, Mapping[str, Any]]) -> None:
    """Writes the phones to the leads. A lead that lacked only a phone is complete now. A lead without bought facts
    stays pending, or no run would ever buy them."""
    now = database_now()
    saved = facts.save_facts(
        facts.APOLLO, [FactRow(lead, phones[p], now) for lead, p in {o.lead_id: o.person for o in got}.items()]
    )
    grown: Counter[UUID] = Counter()
    for bucket_id in sorted({one.bucket_id for one in got}):
        partial = {o.lead_id for o in got if o.bucket_id == bucket_id and o.status == Lead.Enrichment.PARTIAL}
        grown[bucket_id] += finish_leads([Finish(lead_id) for lead_id in sorted(partial)])[1]
    for bucket_id, leads in sorted(grown.items()):
        change_counters(bucket_id, enriched_leads=leads)
    count_facts(saved.grown)


def _count(got: Sequence[_Asked], runs: Mapping[UUID, Run]) -> None:
    """Items that ended without a phone have one now: their runs count them anew."""
    items = RunItem.objects.filter(pk__in=[one.item_id for one in got], outcome=Outcome.PARTIAL)
    turned = dict(items.order_by("pk").values_list("pk", "run_id"))
    RunItem.objects.filter(pk__in=turned).update(outcome=Outcome.ENRICHED)
    for run_id, count in Counter(turned.values()).items():
        run = runs[run_id]
        run.partial, run.enriched = run.partial - count, run.enriched + count
        run.save(update_fields=["partial", "enriched", "updated_at"])
