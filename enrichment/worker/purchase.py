"""One step of a run: a worker claims a request's worth of items, buys their answers and moves them on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction

from common.db.clock import database_now
from common.db.direct import kept
from common.db.ids import uuid7
from common.enqueue import enqueue_on_commit
from common.faultpoints import reach
from common.logs import safe_traceback
from common.values.backoff import backoff
from enrichment.locks import find_sharing_run, lock_late_phones, lock_run, share_run
from enrichment.models import Run, RunItem
from enrichment.querysets import BUYERS, JOIN_BUYERS
from enrichment.worker import billing_check, owner_traces, queue, stages
from enrichment.worker.funding import BUSY_DELAY, look_for_money, payer, short_of_money
from enrichment.worker.owner_traces import Owner
from enrichment.worker.pausing import pause_broken, pause_waiting_runs
from enrichment.worker.questions import Questions, Waiting
from enrichment.worker.queue import Ending, NotAlone
from integrations.ledger import admission, budgets, calls, catalogue, reservation
from integrations.ledger.admission import Closed
from integrations.ledger.persistence import persist
from integrations.ledger.sending import Outcome as Sent
from integrations.lookups import forgotten, gate
from integrations.lookups.answers import Copy, Owned, store_copies
from integrations.lookups.gate import Plan
from integrations.models import Operation, VendorCall
from integrations.vendors.contract import Reply
from integrations.vendors.errors import (
    BilledError,
    Category,
    HeldBack,
    InDoubt,
    Misconfigured,
    NotSent,
    Rejected,
    VendorFailure,
)

log = logging.getLogger(__name__)
Outcome = RunItem.Outcome
# One settlement of a process at a time: it runs one thread at a time anyway, so that each would only take longer, and
# other workers wait for the contact keys that a settlement holds. Nobody's turn is waited for longer than this
# (seconds): the one before may itself wait, for somebody who has a lead of another run, longer than a call's lease.
SETTLING = threading.Lock()
TURN = 2.0
SOON = 0.05  # seconds until other workers' claims are committed
LEASE = timedelta(hours=1)  # of an item that follows its call, whose own is short


@dataclass(frozen=True, slots=True)
class Bought:
    """Items that follow a request whose money is reserved, if one is to be sent: `plan.call_id`."""

    operation: Operation
    run_id: UUID
    plan: Plan
    items: Mapping[str, Sequence[Waiting]]  # by the key they ask for; two leads may ask the same
    owners: Mapping[int, Owner]
    copies: Sequence[Copy] = ()  # that are still to be stored
    wakes: RunItem.Stage | None = None  # the stage that its items may move on to
    beside: Sequence[Ending] = ()  # without a question: they end with the request
    beside_id: UUID | None = None  # which those follow meanwhile


@dataclass(frozen=True, slots=True)
class Step:
    """The result of a step. worked: an item moved. closed: the vendor takes no request now. retry_in: seconds."""

    worked: bool
    closed: bool = False
    retry_in: float = 0.5
    wakes: int | None = None  # the stage its items have moved on to
    bought: Bought | None = None  # what is still to be sent, by `buy`


def step(stage: int, name: str) -> Step:
    """One claim and, if an item has to be bought, one paid request. Safe to call from any number of threads."""
    done = claim(stage, name)
    if done.bought is not None:
        buy(stage, done.bought)
    return done


def claim(stage: int, name: str) -> Step:
    """The first half of a step: what the caller must then `buy`.

    1. One transaction: the next run's items are claimed, the gate admits a request, its money is reserved (`_claim`).
       Where that finds what only a worker that has the run alone may do, it begins anew and has it alone.
       One that finds the gate closed at once commits: PostgreSQL's client forgets its plans with what is rolled back.
    2. A gate that is closed until an operator acts pauses the runs of this stage; one closed for a time is tried again.
    3. An unforeseen error pauses the run it is about, or that run would be picked before all others again and again.
    """
    operation = catalogue.operation(name)
    picked: list[UUID] = []
    try:
        try:
            bought = _begin(operation, stage, name, picked, alone=admission.is_fragile(operation))
        except NotAlone:
            picked.clear()
            bought = _begin(operation, stage, name, picked, alone=True)
        if isinstance(bought, Closed):
            raise bought
        if bought is not None and bought.copies:
            copies = bought.copies
            persist(lambda: _store(copies))
    except (OperationalError, InterfaceError):
        raise
    except Closed as closed:
        if closed.retry_in is None:
            pause_waiting_runs(stage, closed.reason)
            return Step(worked=False, closed=False, retry_in=1.0)
        return Step(worked=False, closed=True, retry_in=closed.retry_in)
    except Exception as error:
        pause_broken(picked, error)
        return Step(worked=False, retry_in=1.0)
    if bought is None:
        return Step(worked=False)
    to_send = bought if bought.plan.call_id is not None else None
    return Step(worked=True, wakes=bought.wakes, bought=to_send)


def _store(copies: Sequence[Copy]) -> None:
    with transaction.atomic():
        store_copies(catalogue.operation("skip_trace"), copies)


def _begin(operation: Operation, stage: int, name: str, picked: list[UUID], *, alone: bool) -> Bought | Closed | None:
    """`_claim`, in a transaction, or why the gate is closed: of which the chaos tests' places know nothing."""
    with transaction.atomic():
        try:
            admission.look(operation)
        except Closed as closed:
            return closed
        bought = _claim(operation, stage, name, picked, alone=alone)
        reach("gate.begin.before_commit")
    reach("gate.begin.after_commit")
    return bought


def _claim(operation: Operation, stage: int, name: str, picked: list[UUID], *, alone: bool) -> Bought | None:
    """Claims items of the next run and reserves their purchase. picked: takes the run's id, for a caller that fails.

    alone: has the run for itself, where other workers could share it otherwise. Raises Closed; NotAlone.

    1. Picks the run whose turn it is and claims one request's worth of its items.
    2. Sorts their questions into a plan. Items that another request is buying, or that no batch takes, go back; those
       to be bought follow their call.
    3. The gate admits the request and reserves its money: as late as that, because no other worker begins a purchase
       from this vendor until the commit.
    4. Items with an owned answer, or without a question, move on; items in doubt wait for the decision. Where nothing
       but those without a question would move, they end with the request: to write leads takes longer than all else.
    5. Items that no cap has room for go back; where none has any, they are set aside.

    What answers are owned under besides is stored after the commit where a request is reserved: a look-up that another
    worker marks could be waited for, and that worker waits for the operation.
    """
    at = stages.STAGES[stage]
    if at.phones_follow:
        lock_late_phones(alone=False)
    run = queue.next_run(stage, name, alone=alone)
    picked += [run.pk] if run is not None else []
    items = queue.claim(run, stage, stages.largest_batch(operation)) if run is not None else []
    if run is None:
        return None
    alone = alone or queue.must_be_alone(run)
    if not items:
        if alone:
            return None
        raise Closed("other workers are taking its items", SOON)
    options = run.asked
    asked = at.questions(options, items)
    by_key: dict[str, list[Waiting]] = {}
    for item in items:
        if item.id in asked.queries:
            by_key.setdefault(asked.queries[item.id].key, []).append(item)
    since = at.fresh_after(options)
    queries = list(asked.queries.values())
    plan = gate.choose(operation, queries, fresh_after=since)
    if not alone and plan.doubtful:
        raise NotAlone
    queue.give_back([i.id for key in plan.busy for i in by_key[key]], delay=BUSY_DELAY)
    queue.give_back([i.id for key in plan.later for i in by_key[key]], alone=True)
    if plan.call_id is not None:
        queue.take([i.id for query in plan.buying for i in by_key[query.key]], plan.call_id, LEASE)
    extra = _without_question(stage, items, asked)
    beside_id = uuid7() if extra and plan.call_id is not None and not plan.owned else None
    if beside_id is not None:
        queue.take([ending.item_id for ending in extra], beside_id, reservation.lease())
    queue.served(run, stage)
    plan = gate.reserve(operation, plan, payer(stage, run, buying=plan.call_id))
    if not alone and plan.unaffordable and plan.call_id is None:
        raise NotAlone
    beside = extra if beside_id is not None and plan.call_id is not None else []
    now = [] if beside else extra
    copies: list[Copy] = []
    if plan.owned or now or run.status == Run.Status.QUEUED:
        later = copies if plan.call_id is not None else None
        _apply(stage, run, by_key, plan.owned, owners=asked.owners, extra=now, later=later)
    held: dict[UUID, list[int]] = {}
    for key, call_id in plan.doubtful.items():
        held.setdefault(call_id, []).extend(i.id for i in by_key[key])
    billing_check.hold(run, held)
    unaffordable = [i.id for key in plan.unaffordable for i in by_key[key]]
    if plan.call_id is None and unaffordable and run.status in Run.ACTIVE:
        short_of_money(run, unaffordable, plan.cap)
    else:
        queue.give_back(unaffordable)
    if run.cap_scope:
        look_for_money(run)
    return Bought(operation, run.pk, plan, by_key, asked.owners, copies, at.onward(options), beside, beside_id)


def _without_question(stage: int, items: Sequence[Waiting], asked: Questions) -> list[Ending]:
    """Leads that cannot be asked about. One without an owner to trace keeps its detail: it is partial, not failed."""
    endings = []
    for item in items:
        if item.id in asked.owned:
            endings.append(Ending(item.id, item.lead_id))
        elif item.id in asked.guarded:
            endings.append(Ending(item.id, item.lead_id, Outcome.SKIPPED, reason="the guard left it out"))
        elif item.id in asked.unaskable:
            outcome = stages.STAGES[stage].outcome
            why = asked.unaskable[item.id]
            category = Category.FORGOTTEN if why == forgotten.REFUSED else Category.INVALID_DATA
            endings.append(Ending(item.id, item.lead_id, outcome, category, why))
    return endings


def _apply(
    stage: int,
    run: Run,
    by_key: Mapping[str, Sequence[Waiting]],
    answers: Mapping[str, Owned],
    *,
    owners: Mapping[int, Owner],
    extra: Iterable[Ending] = (),
    two_names: int = 0,
    later: list[Copy] | None = None,
) -> None:
    """Writes answers to leads and moves their items on. `run` must be locked, or shared. later: takes the copies that
    the caller stores; by default they are stored here.

    1. Items that shared a trace of somebody else go back, to be asked by themselves; an answer that fits is owned for
       the owner's other parcels.
    2. The item of a lead that the vendor knows goes on to the next stage where the run asks for one.
    3. Any other answer ends its item: the stage's outcome, or failed where it is unknown or cannot be read.
    4. Stores the facts in the leads, and how those ended that end without a failure.
    5. Moves the items, ends the others, and adds the new facts to the bucket's counters (two_names: to the run's).
    """
    by_key, copies = _share(run, by_key, answers, owners)
    if later is not None:
        later += copies
    elif copies:
        store_copies(catalogue.operation("skip_trace"), copies)
    got = [(item, answers[key]) for key, items in by_key.items() if key in answers for item in items]
    onward, endings = list[int](), list[Ending]()
    at = stages.STAGES[stage]
    next_stage = at.onward(run.asked) if run.status != Run.Status.CANCELLED else None
    for item, owned in got:
        if owned.answer.found and next_stage is not None:
            onward.append(item.id)
        elif owned.answer.found or at.outcome != Outcome.FAILED:
            category = owned.answer.category or ""
            failed = category == Category.INVALID_DATA
            endings.append(_ended(item, category, "the vendor's answer could not be read", failed=failed))
        else:
            words = "the vendor does not know this property"
            if owned.answer.category == Category.INVALID_DATA:
                words = "the vendor's answer could not be read"
            endings.append(_ended(item, owned.answer.category or Category.NOT_FOUND, words, failed=True))
    if run.kind == Run.Kind.APOLLO:  # which says nothing of how far the enrichment of a property has come
        ended = set[UUID]()
    else:
        ended = {ending.lead_id for ending in endings if ending.outcome is None}
    grown = stages.write_facts(stage, run, [(item.lead_id, owned) for item, owned in got], ended=ended)
    if next_stage is not None:
        queue.advance(onward, next_stage)
    queue.end(run, [*extra, *endings], grown=grown, two_names=two_names)


def _share(
    run: Run, by_key: Mapping[str, Sequence[Waiting]], answers: Mapping[str, Owned], owners: Mapping[int, Owner]
) -> tuple[Mapping[str, Sequence[Waiting]], list[Copy]]:
    """The items that these answers serve, and what else they are owned under; the others of a shared trace go back."""
    if not owners or not answers:
        return by_key, []
    asked = {item.id: key for key, items in by_key.items() for item in items}
    others = queue.has_items(run, RunItem.Stage.DETAIL)
    unfit = owner_traces.unfit(owners, asked, answers)
    queue.give_back(sorted(unfit))
    served = {key: [item for item in items if item.id not in unfit] for key, items in by_key.items()}
    return served, owner_traces.copies(owners, asked, answers, others_may_come=others)


def _ended(item: Waiting, category: str, words: str, *, failed: bool) -> Ending:
    return Ending(item.id, item.lead_id, Outcome.FAILED if failed else None, category, words if failed else "")


# --- Buying ----------------------------------------------------------------------------------------------------------


def buy(stage: int, bought: Bought) -> None:
    """Sends the request and writes its outcome; where it stopped the vendor, the runs that wait for it pause."""
    operation, call_id = bought.operation, bought.plan.call_id
    assert call_id is not None

    def rescue(outcome: Sent[Reply], error: Exception) -> None:
        """The paid answers at least are kept: their leads are served from them later, for $0."""
        persist(lambda: _keep_answers(call_id, bought.run_id, outcome))
        pause_broken([bought.run_id], error)

    executed = gate.buy(
        operation,
        bought.plan,
        wanted=lambda: _still_wanted(bought.run_id),
        conclude=lambda outcome, out_of_order: _conclude(stage, call_id, bought, outcome, out_of_order=out_of_order),
        rescue=rescue,
    )
    if (stops := executed.stops) is not None:
        persist(lambda: pause_waiting_runs(stage, stops))


def _still_wanted(run_id: UUID) -> bool:
    """Shares the run: a pause answered to a person, which locks it, comes before the intent or after it, never between.

    The role is read again: since the claim, which waits for the vendor's pace, its user may have lost it.
    """
    sql = f"""
        SELECT 1 FROM enrichment_run r {JOIN_BUYERS}
         WHERE r.id = %(run)s AND r.status = ANY(%(active)s) AND r.bucket_id IS NOT NULL
        """  # noqa: S608  # our own words
    return bool(find_sharing_run(run_id, (sql, {"run": run_id, "active": list(Run.ACTIVE), "buyers": BUYERS})))


def _conclude(stage: int, call_id: UUID, bought: Bought, outcome: Sent[Reply], *, out_of_order: bool) -> None:
    """Settles or fails the call and moves its items, in the caller's transaction. The run may be gone by now.

    1. Shares the run, where its call was answered and nothing but counters of it changes, or else locks it; then locks
       the call. Nothing is written where the call was taken from this worker.
    2. An answer: the leads take its facts. Who shares the run changes counters and budgets last, because other workers
       wait for these.
    3. A failure, or no request at all: the items go back, wait or end; those without a question end in any case.
    4. A run short of money looks whether a cap has room by now; one that became so while it was shared is looked after
       by the reaper.
    """
    with _turn():  # before the transaction's first statement: who waits for it holds no lock
        _end(stage, call_id, bought, outcome, out_of_order=out_of_order)


@contextmanager
def _turn() -> Iterator[None]:
    has_it = SETTLING.acquire(timeout=TURN)
    try:
        yield
    finally:
        if has_it:
            SETTLING.release()


def _end(stage: int, call_id: UUID, bought: Bought, outcome: Sent[Reply], *, out_of_order: bool) -> None:
    alone = outcome.reply is None or _must_be_alone(bought.run_id)
    run = lock_run(bought.run_id) if alone else share_run(bought.run_id)
    asked = [i.id for waiting in bought.items.values() for i in waiting]
    items = queue.following(call_id, asked)
    own = {key: [i for i in waiting if i.id in items] for key, waiting in bought.items.items()}
    beside = _still_beside(bought)
    if outcome.reply is not None:
        with budgets.settled_last():
            settled = gate.settle(call_id, outcome.reply, outcome.latency_ms)
            if settled is None or run is None:
                return
            _apply(stage, run, own, settled.answers, owners=bought.owners, extra=beside, two_names=settled.two_names)
    else:
        if outcome.failure is not None and not gate.fail(call_id, outcome.failure, outcome.latency_ms):
            return
        if run is None:
            return
        if beside:
            queue.end(run, beside)
        if _shared_refused(outcome.failure, own, bought.owners) and run.status != Run.Status.CANCELLED:
            return
        waiting = [i for waiting in own.values() for i in waiting]
        _after_failure(run, call_id, waiting, outcome.failure, out_of_order=out_of_order)
    if alone and run.cap_scope:
        look_for_money(run)


def _still_beside(bought: Bought) -> list[Ending]:
    if bought.beside_id is None:
        return []
    items = queue.following(bought.beside_id, [ending.item_id for ending in bought.beside])
    return [ending for ending in bought.beside if ending.item_id in items]


def _must_be_alone(run_id: UUID) -> bool:
    found = kept("SELECT sample_until, cap_scope FROM enrichment_run WHERE id = %(id)s", {"id": run_id})
    return any(queue.must_be_alone(Run(sample_until=until, cap_scope=scope)) for until, scope in found)


def _shared_refused(
    failure: VendorFailure | None, own: Mapping[str, Sequence[Waiting]], owners: Mapping[int, Owner]
) -> bool:
    """Whether the vendor refused a shared question that was asked alone: from now on it serves nobody, and each parcel
    is asked about by itself.
    """
    if not isinstance(failure, Rejected) or failure.charged or len(own) != 1:
        return False
    ((key, items),) = own.items()
    shared = [owners[i.id].shared for i in items if i.id in owners]
    if not items or not all(query is not None and query.key == key for query in shared) or not shared:
        return False
    store_copies(catalogue.operation("skip_trace"), [Copy(key, {}, database_now())])
    queue.give_back([i.id for i in items])
    return True


def _keep_answers(call_id: UUID, run_id: UUID, outcome: Sent[Reply]) -> None:
    with transaction.atomic():
        lock_run(run_id)  # before the call, as its items are given back under it: a deleted bucket's cascade meets them
        if outcome.reply is not None and gate.settle(call_id, outcome.reply, outcome.latency_ms) is not None:
            queue.give_back(list(RunItem.objects.filter(token=call_id).order_by("pk").values_list("pk", flat=True)))


def _after_failure(
    run: Run, call_id: UUID, items: Sequence[Waiting], failure: VendorFailure | None, *, out_of_order: bool
) -> None:
    """Puts the items back, keeps them for a person's decision, or ends them, as the kind of failure asks.

    1. The run was cancelled meanwhile: they are skipped.
    2. In doubt: they wait for a person's decision.
    3. Not sent at all, misconfigured, or asked too often: they go back, and no try is spent.
    4. Not sent, or billed without an answer: they are tried again, three times in all.
    5. Several items were refused together: each goes back to be asked alone.
    6. One was refused, or its answer was billed and cannot be used: it fails.
    """
    if run.status == Run.Status.CANCELLED:
        queue.end(
            run, [Ending(i.id, i.lead_id, Outcome.SKIPPED, reason="the enrichment job was cancelled") for i in items]
        )
    elif isinstance(failure, InDoubt):
        billing_check.hold(run, {call_id: [i.id for i in items]})
    elif failure is None or isinstance(failure, Misconfigured | HeldBack):
        queue.give_back([i.id for i in items])
    elif isinstance(failure, NotSent | BilledError):
        _try_again(run, items, failure, out_of_order=out_of_order)
    elif isinstance(failure, Rejected) and not failure.charged and len(items) > 1:
        queue.give_back([i.id for i in items], alone=True)
    else:
        queue.end(run, [_failed(i, failure) for i in items])


def _try_again(run: Run, items: Sequence[Waiting], failure: NotSent | BilledError, *, out_of_order: bool) -> None:
    """Gives items back after 1 s and 2 s, or after the time the vendor named; those tried three times fail."""
    wait = failure.retry_after or 0 if isinstance(failure, NotSent) else 0
    if out_of_order or wait > 60:  # the vendor is out for a while: nothing is wrong with these leads
        queue.give_back([i.id for i in items], delay=min(wait, 60))
        return
    over = [i for i in items if i.attempts + 1 >= queue.MAX_ATTEMPTS]
    again = [i for i in items if i.attempts + 1 < queue.MAX_ATTEMPTS]
    if again:
        delay = max(wait, backoff(again[0].attempts + 1).total_seconds())
        queue.give_back([i.id for i in again], delay=delay, tried=True)
    queue.end(run, [_failed(i, failure) for i in over])


def _failed(item: Waiting, failure: VendorFailure) -> Ending:
    return Ending(item.id, item.lead_id, Outcome.FAILED, failure.category, failure.reason)


# --- After a crash ----------------------------------------------------------------------------------------------------


def reap() -> int:
    """Frees items and calls whose worker is dead or done. Returns how many calls ended. A run that breaks holds up no
    other.

    1. Dead workers' calls: unsent items go back, sent ones need a billing check.
    2. Leads whose billing check was decided go on.
    3. Runs short of money of which nothing can move look for money, or pause.
    4. Items whose call was released without them go back, and those that followed no call but a dead worker; cancelled
       runs are skipped to the end.
    """
    ended = sum(_safely(_expire, call_id, run_id) for call_id, run_id in calls.dead_calls())
    for run_id in list(billing_check.decided().values_list("run_id", flat=True).distinct()):
        _safely(_let_go, run_id)
    short = Run.objects.filter(status__in=Run.ACTIVE).exclude(cap_scope="")
    for run_id in list(short.values_list("pk", flat=True)):
        _safely(_in_run, run_id, look_for_money)
    for run_id in list(queue.stranded().values_list("run_id", flat=True).distinct()):
        _safely(_in_run, run_id, _free_stranded)
    for run_id in queue.unfinished_cancels():
        _safely(queue.skip_cancelled, run_id)
    return ended


def _safely(act: Callable[..., Any], *about: object) -> int:
    """Whether it did something, as 0 or 1. An error is logged, and the caller goes on with the others."""
    try:
        return int(bool(act(*about)))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.error("The reaper broke at %s: %s", about[0], safe_traceback(error))
        return 0


def _expire(call_id: UUID, run_id: UUID | None) -> bool:
    """Ends a dead worker's call; its items go back, or wait for a billing check. Returns whether the call was dead."""
    with transaction.atomic():
        run = lock_run(run_id) if run_id else None
        state = calls.expire_call(call_id)
        if state is not None and run is not None:
            rows = RunItem.objects.filter(token=call_id).order_by("pk")
            if state == VendorCall.State.IN_DOUBT and run.status != Run.Status.CANCELLED:
                billing_check.hold(run, {call_id: list(rows.values_list("pk", flat=True))})
            else:
                _after_death(run, rows)
    return state is not None


def _in_run(run_id: UUID, act: Callable[[Run], None]) -> None:
    with transaction.atomic():
        run = lock_run(run_id)
        if run is not None:
            act(run)


def _let_go(run_id: UUID) -> None:
    if billing_check.let_go(run_id):
        _wake(run_id)


def _free_stranded(run: Run) -> None:
    _after_death(run, queue.stranded().filter(run=run).order_by("pk"))


def _wake(run_id: UUID) -> None:
    kind = Run.objects.filter(pk=run_id).values_list("kind", flat=True).first()
    for row in stages.stages_of(kind) if kind else ():
        enqueue_on_commit("enrichment.pump", stage=int(row.stage))


def _after_death(run: Run, rows: Iterable[RunItem]) -> None:
    """Gives the items of a dead worker's call back; one that five workers died with fails, so that it kills no more."""
    rows = list(rows)
    if run.status == Run.Status.CANCELLED:  # no worker claims them again
        queue.end(
            run, [Ending(r.pk, r.lead_id, Outcome.SKIPPED, reason="the enrichment job was cancelled") for r in rows]
        )
        return
    poisoned = [r for r in rows if r.losses + 1 >= queue.MAX_LOSSES]
    queue.give_back([r.pk for r in rows if r not in poisoned], lost=True)
    why = f"{queue.MAX_LOSSES} workers died with it"
    queue.end(run, [Ending(r.pk, r.lead_id, Outcome.FAILED, Category.INVALID_DATA, why) for r in poisoned])
