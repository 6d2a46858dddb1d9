"""One step of a run: claim a request's worth of items, take them through the gate, move them on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q

from common.enqueue import enqueue_on_commit
from common.faultpoints import commit
from common.logs import safe_traceback
from enrichment.models import Run, RunItem
from enrichment.rules import cap_reason
from enrichment.worker import queue, stages
from enrichment.worker.queue import Ending
from enrichment.worker.stages import Waiting
from integrations.ledger import breaker, calls, catalogue, gate, reveals
from integrations.ledger.budgets import Afterwards, Cap, money_cap, vendor_cap
from integrations.ledger.gate import Closed, Owned, Payer, Plan
from integrations.ledger.pace import database_now
from integrations.models import Budget, Operation, VendorCall
from integrations.vendors import adapters
from integrations.vendors.errors import (
    BilledError,
    Category,
    HeldBack,
    InDoubt,
    Misconfigured,
    NotSent,
    Rejected,
    ScopeRefused,
    VendorFailure,
)
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
    picked: list[UUID] = []
    try:
        with commit("gate.begin"):
            bought = _claim(gate.admit(operation.pk), stage, name, picked)
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


def _claim(operation: Operation, stage: int, name: str, picked: list[UUID]) -> _Bought | None:
    run = queue.next_run(stage, name)
    picked += [run.pk] if run is not None else []
    items = queue.claim(run, stage, stages.largest_batch(operation)) if run is not None else []
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
    held: dict[UUID, list[int]] = {}
    for key, call_id in plan.doubtful.items():
        held.setdefault(call_id, []).extend(i.id for i in by_key[key])
    queue.hold(run, held)
    if plan.call_id is not None:
        queue.take([i.id for query in plan.buying for i in by_key[query.key]], plan.call_id, LEASE)
    elif plan.unaffordable and run.status in Run.ACTIVE:
        _short_of_money(run, [i.id for key in plan.unaffordable for i in by_key[key]], plan.cap)
    if run.cap_scope:
        look_for_money(run)
    queue.served(run, stage)
    return _Bought(run.pk, plan, by_key)


def _short_of_money(run: Run, item_ids: Sequence[int], cap: Cap | None) -> None:
    """No cap has room for these. They wait for what may still come back, or are set aside so that what is owned already
    comes forward: it costs nothing, and no cap stops it.
    """
    scope = cap.scope if cap else run.budget_scope
    if _may_still_fit(run, scope):
        queue.give_back(item_ids, delay=BUSY_DELAY)
        return
    queue.park(run, item_ids, scope)
    run.reason = cap_reason(scope, cap.limit if cap else run.max_cost)
    Run.objects.filter(pk=run.pk).update(reason=run.reason)


def _may_still_fit(run: Run, scope: str) -> bool:
    """Whether a call of this run, or one that holds money under the same cap, is under way: it may cost less.

    So may the traces that this run still waits for.
    """
    under_way = VendorCall.objects.filter(state__in=VendorCall.OPEN)
    of_this = Q(run_id=run.pk) | Q(holds__has_key=scope)
    return under_way.filter(of_this).exists() or reveals.may_close_soon(run.pk, scope)


def look_for_money(run: Run) -> None:
    """Once nothing of a run that is short of money can move: it tries again where a cap has room by now, or pauses.

    `run` must be locked. It tries once from where it stands: a request may cost more than the least that fits.
    """
    if run.status not in Run.ACTIVE or not run.cap_scope:
        return
    if run.done + run.in_doubt >= run.total or queue.can_move(run):
        return
    stages_left = queue.unpark(run)
    mark = f"{run.done}:{sorted(stages_left)}:{_money(run)}"
    if mark == run.cap_mark or not any(_would_fit(stage, run) for stage in stages_left):
        _pause(run, Run.Pause.CAP, run.reason or cap_reason(run.cap_scope, run.max_cost))
        return
    run.cap_scope, run.cap_mark, run.reason = "", mark, ""
    Run.objects.filter(pk=run.pk).update(cap_scope="", cap_mark=mark, reason="")


def _money(run: Run) -> Decimal:
    budget = Budget.objects.filter(scope=run.budget_scope).first()
    return budget.reserved + budget.spent if budget else Decimal(0)


def _would_fit(stage: int, run: Run) -> bool:
    operation = catalogue.operation(stages.operation_name(stage, run.options))
    return gate.would_fit(operation, _payer(stage, run))


def _afterwards(stage: int, run: Run) -> Afterwards | None:
    """The traces that details lead to: a run finishes leads, and buys no detail whose trace does not fit as well."""
    if stage != Stage.DETAIL or not run.options.get("skipTrace", True):
        return None
    trace, detail = catalogue.operation("skip_trace"), catalogue.operation("property_detail")
    begun = _Begun(run, trace.unit_price)
    elsewhere = trace.vendor_id != detail.vendor_id
    caps = (vendor_cap(trace.vendor_id, trace.vendor.cap, database_now()),) if elsewhere else ()
    return Afterwards(trace.unit_price, trace.vendor_id, begun.exactly, begun.at_most, caps)


class _Begun:
    """The traces that runs at work have still to buy, US dollars, by the scope of the cap that they count against."""

    def __init__(self, run: Run, each: Decimal) -> None:
        self._run, self._each = run, each

    @cached_property
    def _at_work(self) -> list[tuple[UUID, int, int]]:
        """Run, owner and open leads of every run at work that asks for contacts."""
        active = Run.objects.filter(status__in=Run.ACTIVE, kind=Run.Kind.PROPERTY).exclude(options__skipTrace=False)
        rows = active.values_list("pk", "owner_id", "total", "enriched", "partial", "failed", "skipped")
        return [(pk, owner, total - sum(done)) for pk, owner, total, *done in rows]

    def _runs(self, scope: str) -> list[tuple[UUID, int, int]]:
        kind, name, *_ = scope.split(":")
        if kind == "run":
            return [row for row in self._at_work if str(row[0]) == name]
        return [row for row in self._at_work if kind != "user" or str(row[1]) == name]

    def at_most(self, scope: str) -> Decimal:
        return self._each * sum(leads for *_, leads in self._runs(scope))

    def exactly(self, scope: str) -> Decimal:
        return self._each * queue.to_trace([pk for pk, *_ in self._runs(scope)])


def _our_own_fault(run_ids: Sequence[UUID], error: Exception) -> None:
    """Pauses the runs that an unforeseen error is about."""
    log.error("Runs %s broke: %s", [str(run_id) for run_id in run_ids], safe_traceback(error))
    for run_id in run_ids:
        with transaction.atomic():
            run = queue.lock_run(run_id)
            if run is not None and run.status in Run.ACTIVE:
                _pause(run, Run.Pause.FAULT, f"Our own fault: {type(error).__name__}. The log has more.")


def _payer(stage: int, run: Run) -> Payer:
    cap = money_cap(run.budget_scope, run.max_cost, "this run's spending limit")
    since = stages.fresh_after(stage, run.options)
    return Payer(run.owner_id, run.pk, caps=(cap,), fresh_after=since, afterwards=_afterwards(stage, run))


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
    adapter = adapters.adapter_for(name)
    outcome = gate.carry_out(call_id, bought.plan.buying, adapter, wanted=lambda: _still_wanted(bought.run_id))
    if isinstance(outcome.failure, ScopeRefused):  # the operation turns to its single endpoint
        gate.persist(lambda: Operation.objects.filter(pk=operation.pk).update(batch_refused_at=database_now()))
    stops = gate.stops_vendor(outcome.failure)
    if stops is not None:
        gate.persist(lambda: breaker.pause(operation.vendor_id, stops))
    out_of_order = outcome.answered and gate.persist(lambda: gate.report_outcome(operation, outcome.failure, call_id))
    try:
        gate.persist(lambda: _conclude(stage, call_id, bought, outcome, out_of_order))
    except Exception as error:  # the paid answers at least are kept: their leads are served from them later, for $0
        gate.persist(lambda: _keep_answers(call_id, outcome))
        _our_own_fault([bought.run_id], error)
    if stops is not None:
        gate.persist(lambda: pause_waiting_runs(stage, stops))


def _still_wanted(run_id: UUID) -> bool:
    """Locks the run for reading: a pause answered to a person comes before the intent or after it, never between."""
    run = queue.lock_run(run_id)
    return run is not None and run.status in Run.ACTIVE and run.bucket_id is not None


def _conclude(stage: int, call_id: UUID, bought: _Bought, outcome: gate.Outcome, out_of_order: bool) -> None:
    with commit("gate.settle" if outcome.reply is not None else "gate.fail"):
        run = queue.lock_run(bought.run_id)
        items = _held(call_id)
        mine = {key: [i for i in waiting if i.id in items] for key, waiting in bought.items.items()}
        if outcome.reply is not None:
            settled = gate.settle(call_id, outcome.reply, outcome.latency_ms)
            if settled is not None and run is not None:
                run.two_names += settled.two_names
                _apply(stage, run, mine, settled.answers)
                if settled.two_names:
                    Run.objects.filter(pk=run.pk).update(two_names=run.two_names)
                if run.cap_scope:
                    look_for_money(run)
            return
        if outcome.failure is not None and not gate.fail(call_id, outcome.failure, outcome.latency_ms):
            return
        if run is not None:
            waiting = [i for waiting in mine.values() for i in waiting]
            _after_failure(run, call_id, waiting, outcome.failure, out_of_order)
            if run.cap_scope:
                look_for_money(run)


def _keep_answers(call_id: UUID, outcome: gate.Outcome) -> None:
    with transaction.atomic():
        if outcome.reply is not None and gate.settle(call_id, outcome.reply, outcome.latency_ms) is not None:
            queue.give_back(sorted(_held(call_id)))


def _held(call_id: UUID) -> set[int]:
    return set(RunItem.objects.filter(token=call_id).values_list("pk", flat=True))


def _after_failure(
    run: Run, call_id: UUID, items: Sequence[Waiting], failure: VendorFailure | None, out_of_order: bool
) -> None:
    """Puts the items back, keeps them for a person's decision, or ends them, as the kind of failure asks."""
    if run.status == Run.Status.CANCELLED:
        queue.end(run, [Ending(i.id, i.lead_id, Outcome.SKIPPED, reason="the run was cancelled") for i in items])
    elif isinstance(failure, InDoubt):
        queue.hold(run, {call_id: [i.id for i in items]})
    elif failure is None or isinstance(failure, Misconfigured | HeldBack):
        queue.give_back([i.id for i in items])
    elif isinstance(failure, NotSent | BilledError):
        _try_again(run, items, failure, out_of_order)
    elif isinstance(failure, Rejected) and not failure.charged and len(items) > 1:
        queue.give_back([i.id for i in items], alone=True)
    else:
        queue.end(run, [_failed(i, failure) for i in items])


def _try_again(run: Run, items: Sequence[Waiting], failure: NotSent | BilledError, out_of_order: bool) -> None:
    wait = failure.retry_after or 0 if isinstance(failure, NotSent) else 0
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
    """What nobody is at any more. Returns how many calls of dead workers ended. One run that breaks holds up no other.

    1. Dead workers' calls: unsent items go back, sent ones need a billing check.
    2. Leads whose billing check was decided go on.
    3. Runs short of money of which nothing can move look for money, or pause.
    4. Items whose call was released without them go back; cancelled runs are skipped to the end.
    """
    ended = sum(_safely(_bury, call_id, run_id) for call_id, run_id in calls.dead_calls())
    for run_id in list(queue.decided().values_list("run_id", flat=True).distinct()):
        _safely(_let_go, run_id)
    short = Run.objects.filter(status__in=Run.ACTIVE).exclude(cap_scope="")
    for run_id in list(short.values_list("pk", flat=True)):
        _safely(_in_run, run_id, look_for_money)
    for run_id in list(queue.stranded().values_list("run_id", flat=True).distinct()):
        _safely(_in_run, run_id, _free_stranded)
    for run_id in queue.unfinished_cancels():
        _safely(queue.skip_cancelled, run_id)
    return ended


def _safely(act: Callable[..., Any], *about: Any) -> int:
    """Whether it did something, as 0 or 1; what breaks is told, and is no reason to leave out the others."""
    try:
        return int(bool(act(*about)))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.error("The reaper broke at %s: %s", about[0], safe_traceback(error))
        return 0


def _bury(call_id: UUID, run_id: UUID | None) -> bool:
    with transaction.atomic():
        run = queue.lock_run(run_id) if run_id else None
        state = calls.expire_call(call_id)
        if state is not None and run is not None:
            rows = RunItem.objects.filter(token=call_id).order_by("pk")
            if state == VendorCall.State.IN_DOUBT and run.status != Run.Status.CANCELLED:
                queue.hold(run, {call_id: list(rows.values_list("pk", flat=True))})
            else:
                _after_death(run, rows)
    return state is not None


def _in_run(run_id: UUID, act: Callable[[Run], None]) -> None:
    with transaction.atomic():
        run = queue.lock_run(run_id)
        if run is not None:
            act(run)


def _let_go(run_id: UUID) -> None:
    if queue.let_go(run_id):
        _wake(run_id)


def _free_stranded(run: Run) -> None:
    _after_death(run, queue.stranded().filter(run=run).order_by("pk"))


def _wake(run_id: UUID) -> None:
    kind = Run.objects.filter(pk=run_id).values_list("kind", flat=True).first()
    for stage in stages.stages_of(kind) if kind else ():
        enqueue_on_commit("enrichment.pump", stage=int(stage))


def _after_death(run: Run, rows: Iterable[RunItem]) -> None:
    rows = list(rows)
    if run.status == Run.Status.CANCELLED:  # nobody would come for them again
        queue.end(run, [Ending(r.pk, r.lead_id, Outcome.SKIPPED, reason="the run was cancelled") for r in rows])
        return
    poisoned = [r for r in rows if r.losses + 1 >= queue.MAX_LOSSES]
    queue.give_back([r.pk for r in rows if r not in poisoned], lost=True)
    why = f"{queue.MAX_LOSSES} workers died with it"
    queue.end(run, [Ending(r.pk, r.lead_id, Outcome.FAILED, Category.INVALID_DATA, why) for r in poisoned])
