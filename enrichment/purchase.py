"""One step of a run: claim a request's worth of items, take them through the gate, move them on."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q

from config.common.faultpoints import commit
from config.common.logs import told
from enrichment import queue, stages
from enrichment.models import Run, RunItem
from enrichment.queue import Ending
from enrichment.stages import Waiting
from integrations import breaker, calls, catalogue, gate, registry, reveals
from integrations.errors import (
    Category,
    InDoubt,
    Misconfigured,
    NotSent,
    Rejected,
    ScopeRefused,
    VendorFailure,
)
from integrations.gate import Closed, Owned, Payer, Plan
from integrations.models import Operation, VendorCall
from integrations.pace import database_now
from integrations.purses import money_cap
from leads.counters import count_facts

log = logging.getLogger(__name__)
Stage, Outcome = RunItem.Stage, RunItem.Outcome
BUSY_DELAY = 1.0  # seconds: somebody else is buying the same fact and will be done in about a request's time
LEASE = timedelta(hours=1)  # an item follows its call, whose lease is short; this only catches what lost its call


@dataclass(frozen=True, slots=True)
class Step:
    """What a step came to. worked: something moved. closed: the gate was. retry_in: seconds until the next try."""

    worked: bool
    closed: bool = False
    retry_in: float = 0.5
    rings: int | None = None  # the stage its items have moved on to


@dataclass(frozen=True, slots=True)
class _Bought:
    run_id: UUID
    plan: Plan
    items: Mapping[str, Sequence[Waiting]]  # by the key they ask for; two leads may ask the same


def step(stage: int, name: str) -> Step:
    """One claim and, if something is to be bought, one paid request. Safe to call from any number of threads."""
    operation = catalogue.operation(name)
    most = stages.largest_batch(operation)
    picked: list[UUID] = []
    try:
        with commit("gate.begin"):
            bought = _claim(gate.enter(operation.pk), stage, name, most, picked)
    except (OperationalError, InterfaceError):
        raise
    except Closed as closed:
        if closed.retry_in is None:
            pause_waiting_runs(stage, closed.reason)
            return Step(worked=False, closed=False, retry_in=1.0)
        return Step(worked=False, closed=True, retry_in=closed.retry_in)
    except Exception as error:  # whoever it is about must not be picked again and again, before everybody else
        _our_own_fault(picked, error)
        return Step(worked=False, retry_in=1.0)
    if bought is None:
        return Step(worked=False)
    if bought.plan.call_id is not None:
        _buy(operation, stage, name, bought)
    return Step(worked=True, rings=Stage.SKIP_TRACE if stage == Stage.DETAIL else None)


def _claim(operation: Operation, stage: int, name: str, most: int, picked: list[UUID]) -> _Bought | None:
    run = queue.next_run(stage, name)
    picked += [run.pk] if run is not None else []
    items = queue.claim(run, stage, most) if run is not None else []
    if run is None or not items:
        return None
    asked = stages.questions(stage, run, items)
    by_key: dict[str, list[Waiting]] = {}
    for item in items:
        if item.id in asked.queries:
            by_key.setdefault(asked.queries[item.id].key, []).append(item)
    plan = gate.begin(operation, list(asked.queries.values()), _payer(stage, run))
    _apply(stage, run, by_key, plan.owned, extra=_without_question(stage, items, asked))
    queue.give_back([i.id for key in plan.busy for i in by_key[key]], delay=BUSY_DELAY)
    queue.give_back([i.id for key in plan.later for i in by_key[key]], alone=True)
    doubtful = [(i, "an earlier purchase of this is in doubt") for key in plan.doubtful for i in by_key[key]]
    if doubtful:  # `_apply` has just said that the run lives
        queue.end(run, [Ending(i.id, i.lead_id, Outcome.FAILED, Category.IN_DOUBT, why) for i, why in doubtful])
    if plan.unaffordable and plan.call_id is None and run.status in Run.ACTIVE:
        if _may_still_fit(run, plan):  # a pause would stop them, and they may cost less than was reserved
            queue.give_back([i.id for key in plan.unaffordable for i in by_key[key]], delay=BUSY_DELAY)
        else:
            label = plan.cap.label if plan.cap else "a cap"
            _pause(run, Run.Pause.CAP, f"{Category.BUDGET_EXHAUSTED}: {label} is used up")
    if plan.call_id is not None:
        queue.take([i.id for query in plan.buying for i in by_key[query.key]], plan.call_id, LEASE)
    queue.served(run, stage)
    return _Bought(run.pk, plan, by_key)


def _may_still_fit(run: Run, plan: Plan) -> bool:
    """Whether a call of this run, or one that holds money under the same cap, is under way: it may cost less."""
    under_way = VendorCall.objects.filter(state__in=VendorCall.OPEN)
    scope = plan.cap.scope if plan.cap else ""
    of_this = Q(run_id=run.pk) | Q(holds__has_key=scope)
    return under_way.filter(of_this).exists() or reveals.may_close_soon(run.pk, scope)


def _our_own_fault(run_ids: Sequence[UUID], error: Exception) -> None:
    """Pauses the runs that an unforeseen error is about."""
    log.error("Runs %s broke: %s", [str(run_id) for run_id in run_ids], told(error))
    for run_id in run_ids:
        with transaction.atomic():
            run = queue.lock_run(run_id)
            if run is not None and run.status in Run.ACTIVE:
                _pause(run, Run.Pause.FAULT, f"Our own fault: {type(error).__name__}. The log has more.")


def _payer(stage: int, run: Run) -> Payer:
    label = f"this run's cap (${run.max_cost})"
    cap = money_cap(run.purse_scope, run.max_cost, label)
    return Payer(run.owner_id, run.pk, caps=(cap,), fresh_after=stages.fresh_after(stage, run.options))


def _without_question(stage: int, items: Sequence[Waiting], asked: stages.Questions) -> list[Ending]:
    """Leads that cannot be asked about. No owner to trace leaves what the detail said: that is partial, not failed."""
    endings = []
    for item in items:
        if item.id in asked.owned:
            endings.append(Ending(item.id, item.lead_id))
        elif item.id in asked.guarded:
            endings.append(Ending(item.id, item.lead_id, Outcome.SKIPPED, reason="the guard left it out"))
        elif item.id in asked.unaskable:
            outcome = Outcome.FAILED if stage == Stage.DETAIL else Outcome.PARTIAL
            endings.append(Ending(item.id, item.lead_id, outcome, Category.INVALID_DATA, asked.unaskable[item.id]))
    return endings


def _apply(
    stage: int,
    run: Run,
    by_key: Mapping[str, Sequence[Waiting]],
    answers: Mapping[str, Owned],
    extra: Iterable[Ending] = (),
) -> None:
    """Writes answers to leads and moves their items on. `run` must be locked."""
    got = [(item, answers[key]) for key, items in by_key.items() if key in answers for item in items]
    grown = stages.write_facts(stage, run, [(item.lead_id, owned) for item, owned in got])
    onward, endings = [], list(extra)
    goes_on = stage == Stage.DETAIL and run.options.get("skipTrace", True) and run.status != Run.Status.CANCELLED
    for item, owned in got:
        if owned.answer.found and goes_on:
            onward.append(item.id)
        elif owned.answer.found or stage != Stage.DETAIL:
            category = owned.answer.category or ""
            failed = category == Category.INVALID_DATA
            endings.append(_ended(item, category, failed, "the vendor's answer could not be read"))
        else:
            words = "the vendor does not know this property"
            if owned.answer.category == Category.INVALID_DATA:
                words = "the vendor's answer could not be read"
            endings.append(_ended(item, owned.answer.category or Category.NOT_FOUND, True, words))
    queue.advance(onward, Stage.SKIP_TRACE)
    queue.end(run, endings)
    count_facts(grown)


def _ended(item: Waiting, category: str, failed: bool, words: str) -> Ending:
    return Ending(item.id, item.lead_id, Outcome.FAILED if failed else None, category, words if failed else "")


# --- Buying ----------------------------------------------------------------------------------------------------------


def _buy(operation: Operation, stage: int, name: str, bought: _Bought) -> None:
    call_id = bought.plan.call_id
    assert call_id is not None
    door = registry.door(name)
    outcome = gate.carry_out(call_id, bought.plan.buying, door, wanted=lambda: _still_wanted(bought.run_id))
    if isinstance(outcome.failure, Misconfigured):
        _misconfigured(operation, outcome.failure)
    out_of_order = gate.persist(lambda: gate.note(operation.vendor_id, outcome.failure, call_id))
    try:
        gate.persist(lambda: _conclude(stage, call_id, bought, outcome, out_of_order))
    except Exception as error:  # the paid answers at least are kept: their leads are served from them later, for $0
        gate.persist(lambda: _keep_answers(call_id, outcome))
        _our_own_fault([bought.run_id], error)
    if isinstance(outcome.failure, Misconfigured) and not isinstance(outcome.failure, ScopeRefused):
        reason = outcome.failure.reason
        gate.persist(lambda: pause_waiting_runs(stage, reason))


def _misconfigured(operation: Operation, failure: Misconfigured) -> None:
    """A refused batch scope turns the operation to its single door; any other refusal stops the vendor."""
    if isinstance(failure, ScopeRefused):
        gate.persist(lambda: Operation.objects.filter(pk=operation.pk).update(batch_refused_at=database_now()))
    else:
        gate.persist(lambda: breaker.pause(operation.vendor_id, failure.reason))


def _still_wanted(run_id: UUID) -> bool:
    """Locks the run for reading: a pause answered to a person comes before the intent or after it, never between."""
    run = Run.objects.select_for_update(no_key=True).filter(pk=run_id).only("status", "bucket_id").first()
    return run is not None and run.status in Run.ACTIVE and run.bucket_id is not None


def _conclude(stage: int, call_id: UUID, bought: _Bought, outcome: gate.Outcome, out_of_order: bool) -> None:
    with commit("gate.settle" if outcome.reply is not None else "gate.fail"):
        run = queue.lock_run(bought.run_id)
        items = _held(call_id)
        mine = {key: [i for i in waiting if i.id in items] for key, waiting in bought.items.items()}
        if outcome.reply is not None:
            answers = gate.settle(call_id, outcome.reply, outcome.latency_ms)
            if answers is not None and run is not None:
                _apply(stage, run, mine, answers)
            return
        if outcome.failure is not None and not gate.fail(call_id, outcome.failure, outcome.latency_ms):
            return
        if run is not None:
            _after_failure(run, [i for waiting in mine.values() for i in waiting], outcome.failure, out_of_order)


def _keep_answers(call_id: UUID, outcome: gate.Outcome) -> None:
    with transaction.atomic():
        if outcome.reply is not None and gate.settle(call_id, outcome.reply, outcome.latency_ms) is not None:
            queue.give_back(sorted(_held(call_id)))


def _held(call_id: UUID) -> set[int]:
    return set(RunItem.objects.filter(token=call_id).values_list("pk", flat=True))


def _after_failure(run: Run, items: Sequence[Waiting], failure: VendorFailure | None, out_of_order: bool) -> None:
    """Puts the items back or ends them, as the kind of failure asks."""
    if run.status == Run.Status.CANCELLED and not isinstance(failure, InDoubt):
        queue.end(run, [Ending(i.id, i.lead_id, Outcome.SKIPPED, reason="the run was cancelled") for i in items])
    elif failure is None or isinstance(failure, Misconfigured):
        queue.give_back([i.id for i in items])
    elif isinstance(failure, NotSent):
        _try_again(run, items, failure, out_of_order)
    elif isinstance(failure, Rejected) and not failure.charged and len(items) > 1:
        queue.give_back([i.id for i in items], alone=True)
    else:
        queue.end(run, [_failed(i, failure) for i in items])


def _try_again(run: Run, items: Sequence[Waiting], failure: NotSent, out_of_order: bool) -> None:
    wait = failure.retry_after or 0
    if out_of_order or wait > 60:  # the vendor is out for a while: nothing is wrong with these leads
        queue.give_back([i.id for i in items], delay=min(wait, 60))
        return
    over = [i for i in items if i.attempts + 1 >= queue.MAX_ATTEMPTS]
    again = [i for i in items if i.attempts + 1 < queue.MAX_ATTEMPTS]
    if again:
        queue.give_back([i.id for i in again], delay=max(wait, 2 ** again[0].attempts), tried=True)
    queue.end(run, [_failed(i, failure) for i in over])


def _failed(item: Waiting, failure: VendorFailure) -> Ending:
    return Ending(item.id, item.lead_id, Outcome.FAILED, failure.category, failure.reason)


# --- Pausing by cause, and after a crash -----------------------------------------------------------------------------


def _pause(run: Run, cause: Run.Pause, reason: str) -> None:
    run.status, run.paused_by, run.reason = Run.Status.PAUSED, cause, reason[:300]
    run.save(update_fields=["status", "paused_by", "reason", "updated_at"])


def pause_waiting_runs(stage: int, reason: str) -> None:
    """The vendor of this stage refuses: its runs say so and wait for a person."""
    waiting = RunItem.objects.filter(stage=stage).exclude(stage=0).values("run_id")
    for run_id in Run.objects.filter(status__in=Run.ACTIVE, pk__in=waiting).order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            run = queue.lock_run(run_id)
            if run is not None and run.status in Run.ACTIVE:
                _pause(run, Run.Pause.VENDOR, reason)


def reap() -> int:
    """Frees what dead workers held: unsent items go back, sent ones are in doubt. Returns how many calls ended."""
    ended = 0
    for call_id, run_id in calls.dead_calls():
        with transaction.atomic():
            run = queue.lock_run(run_id) if run_id else None
            state = calls.bury(call_id)
            if state is None:
                continue
            ended += 1
            if run is not None:
                rows = RunItem.objects.filter(token=call_id).order_by("pk")
                _after_death(run, rows, in_doubt=state == VendorCall.State.IN_DOUBT)
    for run_id in queue.stranded().values_list("run_id", flat=True).distinct():
        with transaction.atomic():
            run = queue.lock_run(run_id)
            if run is not None:
                _after_death(run, queue.stranded().filter(run=run).order_by("pk"), in_doubt=False)
    for run_id in queue.unfinished_cancels():
        queue.skip_cancelled(run_id)
    return ended


def _after_death(run: Run, rows: Iterable[RunItem], *, in_doubt: bool) -> None:
    rows = list(rows)
    if in_doubt:
        why = "its worker died after sending; an operator decides"
        queue.end(run, [Ending(r.pk, r.lead_id, Outcome.FAILED, Category.IN_DOUBT, why) for r in rows])
        return
    if run.status == Run.Status.CANCELLED:  # nobody would come for them again
        queue.end(run, [Ending(r.pk, r.lead_id, Outcome.SKIPPED, reason="the run was cancelled") for r in rows])
        return
    poisoned = [r for r in rows if r.losses + 1 >= queue.MAX_LOSSES]
    queue.give_back([r.pk for r in rows if r not in poisoned], lost=True)
    why = f"{queue.MAX_LOSSES} workers died with it"
    queue.end(run, [Ending(r.pk, r.lead_id, Outcome.FAILED, Category.INVALID_DATA, why) for r in poisoned])
