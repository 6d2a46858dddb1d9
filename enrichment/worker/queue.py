"""The row queue: whose turn it is, which items are next, and how items move on. Inside the caller's transaction.

The run's row lock (docs/locks.md) makes its counters exact and orders all who change its items.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import DateTimeField, Exists, F, Func, OuterRef, Q, QuerySet

from buckets.models import Bucket
from enrichment.locks import lock_run as lock_run
from enrichment.models import CANCELLED_IN_PART, FOR_EVER, FairShare, Run, RunItem
from enrichment.worker import canary, stages
from enrichment.worker.stages import Waiting
from integrations.ledger import catalogue
from integrations.ledger.pace import database_now
from integrations.lookups.owned import fresh_answers
from integrations.models import VendorCall
from integrations.vendors.errors import Category
from leads.counters import change_counters
from leads.models import Lead
from leads.services import Finish, finish_leads

Stage, Outcome = RunItem.Stage, RunItem.Outcome
MAX_ATTEMPTS = 3  # the brief's three tries, 1, 2 and 4 s apart
LAST_ID = 2**63 - 1
PART = 5000  # items that one transaction skips
MAX_LOSSES = 5  # workers that died with it: then it is poisoned
DOUBT_PERCENT = 5  # of a run's leads that may need a billing check
PARKED = timedelta(days=3650)  # how far ahead the time of an item lies that there is no money for
_CLOCK = Func(function="clock_timestamp", output_field=DateTimeField())  # pace.database_now, without asking first


@dataclass(frozen=True, slots=True)
class Ending:
    """How one item ends. outcome None: ENRICHED or PARTIAL, as the lead can be reached or not."""

    item_id: int
    lead_id: UUID
    outcome: RunItem.Outcome | None = None
    category: str = ""
    reason: str = ""


def next_run(stage: int, operation_name: str) -> Run | None:
    """The active run whose turn it is among those with an item that may be taken now, locked.

    The user served longest ago goes first, then that user's run served longest ago.
    """
    wanted_type = {"apollo_people": "people", "apollo_organizations": "organizations"}.get(operation_name)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.id FROM enrichment_run r
              JOIN accounts_user a ON a.id = r.owner_id AND a.is_active
              JOIN enrichment_fairshare t ON t.run_id = r.id AND t.stage = %(stage)s
              LEFT JOIN LATERAL (
                   SELECT served_at FROM enrichment_fairshare x
                    WHERE x.owner_id = t.owner_id AND x.stage = t.stage AND x.served_at IS NOT NULL
                    ORDER BY served_at DESC LIMIT 1) u ON true
             WHERE r.status IN ('queued', 'running')
               AND (%(type)s::text IS NULL OR coalesce(r.options->>'type', 'people') = %(type)s)
               AND (SELECT i.id FROM enrichment_runitem i
                     WHERE i.run_id = r.id AND i.stage BETWEEN %(stage)s AND %(stage)s
                       AND i.token IS NULL AND i.stage <> 0
                       AND (r.sample_until IS NULL OR r.cap_scope <> '' OR i.id <= r.sample_until)
                       AND (i.not_before IS NULL OR i.not_before <= clock_timestamp())
                     ORDER BY i.stage, i.id LIMIT 1) IS NOT NULL
             ORDER BY u.served_at NULLS FIRST, t.served_at NULLS FIRST, r.id LIMIT 1
            """,
            {"stage": stage, "type": wanted_type},
        )
        row = cursor.fetchone()
    run = lock_run(row[0]) if row else None
    return run if run is not None and run.status in Run.ACTIVE else None


def claim(run: Run, stage: int, most: int) -> list[Waiting]:
    """Locks the run's next items at this stage, at most one request's worth. An item that must go alone comes alone.

    "BETWEEN" and the order by stage leave the planner only the index item_waiting. By equality it took the primary key
    and stepped over every item done before: 25 ms a claim instead of 4 at the end of 500,000 (benchmarks/claim.py).
    Beyond the sample of a run that is short of money it gives only what costs nothing, and sets the rest aside.
    """
    until = LAST_ID if run.sample_until is None or run.cap_scope else run.sample_until
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id, lead_id, attempts, alone FROM enrichment_runitem
             WHERE run_id = %s AND stage BETWEEN %s AND %s AND token IS NULL AND stage <> 0
               AND (not_before IS NULL OR not_before <= clock_timestamp()) AND id <= %s
             ORDER BY stage, id LIMIT %s FOR UPDATE SKIP LOCKED
            """,
            [run.pk, stage, stage, until, most],
        )
        rows = cursor.fetchall()
    if rows and rows[0][3]:
        rows = rows[:1]
    items = [Waiting(row[0], row[1], row[2]) for row in rows if len(rows) == 1 or not row[3]]
    return items if run.sample_until is None or until <= run.sample_until else _without_purchases(run, stage, items)


def _without_purchases(run: Run, stage: int, items: Sequence[Waiting]) -> list[Waiting]:
    """Those of its sample, and those beyond it that are owned. The others are set aside until there is money again."""
    beyond = [item for item in items if item.id > (run.sample_until or 0)]
    if not beyond:
        return list(items)
    queries = stages.questions(stage, run, beyond).queries
    operation = catalogue.operation(stages.operation_name(stage, run.options))
    since = stages.fresh_after(stage, run.options)
    served = fresh_answers(operation, list(queries.values()), now=database_now(), after=since)
    to_buy = {item_id for item_id, query in queries.items() if query.key not in served}
    give_back(sorted(to_buy), delay=PARKED.total_seconds())
    return [item for item in items if item.id not in to_buy]


def take(item_ids: Sequence[int], call_id: UUID, lease: timedelta) -> None:
    """Gives the items to a call: only whoever names it may move them on."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE enrichment_runitem
               SET token = %s, lease_until = clock_timestamp() + make_interval(secs => %s) WHERE id = ANY(%s)
            """,
            [call_id, lease.total_seconds(), list(item_ids)],
        )


def stranded() -> QuerySet[RunItem]:
    """Items whose call was released without them: its worker died between the two commits."""
    released = VendorCall.objects.filter(pk=OuterRef("token"), state=VendorCall.State.RELEASED)
    return RunItem.objects.filter(Exists(released.exclude(category=Category.IN_DOUBT)), token__isnull=False)


# --- Needs billing check ----------------------------------------------------------------------------------------------


def hold(run: Run, by_call: Mapping[UUID, Sequence[int]]) -> None:
    """Keeps items at their stage until it is decided whether their call was billed. Pauses a run of which too many wait
    so. `run` must be locked. Items that this call has already are counted anew all the same: name those that are new.
    """
    new = 0
    for call_id, item_ids in by_call.items():
        take(item_ids, call_id, FOR_EVER)
        new += len(item_ids)
    if not new:
        return
    run.in_doubt += new
    run.beat_at = database_now()
    run.started_at = run.started_at or run.beat_at
    if run.status == Run.Status.QUEUED:
        run.status = Run.Status.RUNNING
    if run.status in Run.ACTIVE and run.in_doubt > most_in_doubt(run):
        run.status, run.paused_by = Run.Status.PAUSED, Run.Pause.DOUBT
        run.reason = f"{run.in_doubt:,} leads need a billing check: decide whether their requests were billed."
    canary.judge_when_done(run)
    run.save()
    show_progress(run)


def most_in_doubt(run: Run) -> int:
    """How many leads of a run may need a billing check before it pauses: one request's, or 5 % of them."""
    operations = [
        catalogue.operation(stages.operation_name(stage, run.options)) for stage in stages.stages_of(run.kind)
    ]
    one_request = max(stages.whole_batch(operation) for operation in operations)
    return max(one_request, run.total * DOUBT_PERCENT // 100)


def decided() -> QuerySet[RunItem]:
    """Items whose call was in doubt and has been decided."""
    ended = VendorCall.objects.filter(pk=OuterRef("token"), category=Category.IN_DOUBT).exclude(
        state=VendorCall.State.IN_DOUBT
    )
    return RunItem.objects.filter(Exists(ended), token__isnull=False)


def let_go(run_id: UUID) -> bool:
    """Puts the decided items of a run back; a run that waited for that alone goes on. Returns whether it may be rung.

    Again is harmless. A cancelled run's items end.
    """
    with transaction.atomic():
        run = lock_run(run_id)
        if run is None:
            return False
        rows = list(decided().filter(run=run).order_by("pk").values_list("pk", "lead_id"))
        if not rows:
            return False
        run.in_doubt = max(run.in_doubt - len(rows), 0)
        if run.status == Run.Status.CANCELLED:
            end(run, [Ending(pk, lead_id, Outcome.SKIPPED) for pk, lead_id in rows])
            return False
        give_back([pk for pk, _ in rows])
        if _waited_for_that(run):
            run.status, run.paused_by, run.reason, run.cap_scope = Run.Status.RUNNING, "", "", ""
            unpark(run)
        run.save()
        show_progress(run)
    return run.status in Run.ACTIVE


def _waited_for_that(run: Run) -> bool:
    """Whether a decision lets a paused run go on: it waited for it, for money that was held, or for a vendor that sells
    again. What a person has paused stays so.
    """
    if run.paused_by == Run.Pause.DOUBT:
        return run.in_doubt <= most_in_doubt(run)
    if run.paused_by == Run.Pause.VENDOR:
        names = [stages.operation_name(stage, run.options) for stage in stages.stages_of(run.kind)]
        vendors = [catalogue.operation(name).vendor for name in names]
        return all(vendor.enabled and not vendor.paused_reason for vendor in vendors)
    return run.paused_by == Run.Pause.CAP


# --- Short of money ---------------------------------------------------------------------------------------------------


def park(run: Run, item_ids: Sequence[int], scope: str) -> None:
    """Sets items aside that a cap has no room for, so that those behind them that cost nothing come forward."""
    give_back(item_ids, delay=PARKED.total_seconds())
    if run.cap_scope != scope:
        run.cap_scope = scope
        Run.objects.filter(pk=run.pk).update(cap_scope=scope)


def can_move(run: Run) -> bool:
    """Whether an item may be taken now or soon, or is under way."""
    soon = Q(token__isnull=True) & (Q(not_before=None) | Q(not_before__lt=database_now() + PARKED / 2))
    under_way = Exists(VendorCall.objects.filter(pk=OuterRef("token"), state__in=VendorCall.OPEN))
    open_items = RunItem.objects.filter(run=run).exclude(stage=0)
    if run.sample_until is not None and not run.cap_scope:
        soon &= Q(pk__lte=run.sample_until)
    return open_items.filter(soon).exists() or open_items.filter(under_way, token__isnull=False).exists()


def to_trace(run_ids: Sequence[UUID]) -> int:
    """Leads of runs whose detail is bought, or being bought, and whose trace is neither bought nor reserved."""
    items = RunItem.objects.filter(run__in=run_ids)
    traced_next = items.filter(stage=Stage.SKIP_TRACE, token__isnull=True).count()
    return traced_next + items.filter(stage=Stage.DETAIL, token__isnull=False).count()


def unpark(run: Run) -> set[int]:
    """Brings forward what was set aside, and says at which stages that is."""
    parked = RunItem.objects.filter(run=run, token__isnull=True, not_before__gt=database_now() + PARKED / 2)
    waiting = set(parked.exclude(stage=0).values_list("stage", flat=True).distinct())
    parked.exclude(stage=0).update(not_before=None)
    return waiting


def give_back(
    item_ids: Sequence[int], *, delay: float = 0, tried: bool = False, lost: bool = False, alone: bool = False
) -> None:
    """Puts items back in the queue, `delay` seconds away. tried: the try counts. lost: its worker died with it."""
    if not item_ids:
        return
    RunItem.objects.filter(pk__in=item_ids).update(
        token=None,
        lease_until=None,
        not_before=database_now() + timedelta(seconds=delay) if delay else None,
        attempts=F("attempts") + int(tried),
        losses=F("losses") + int(lost),
        **({"alone": True} if alone else {}),
    )


def advance(item_ids: Sequence[int], stage: RunItem.Stage) -> None:
    """Moves items on to their next stage."""
    if not item_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE enrichment_runitem
               SET stage = %s, token = NULL, lease_until = NULL, not_before = NULL, attempts = 0, losses = 0,
                   alone = false
             WHERE id = ANY(%s)
            """,
            [int(stage), list(item_ids)],
        )


def served(run: Run, stage: int) -> None:
    """Its turn was used."""
    FairShare.objects.filter(run=run, stage=stage).update(served_at=_CLOCK)


def end(run: Run, endings: Sequence[Ending]) -> None:
    """Ends items: the lead, the item, the run's and the bucket's counters, in one transaction. `run` must be locked.

    With none it says that the run lives: one statement for a run at work, whose other facts stay as they are.
    """
    if not endings and run.status == Run.Status.RUNNING and run.done < run.total:
        Run.objects.filter(pk=run.pk).update(beat_at=_CLOCK)
        return
    if endings:
        finished, grown = _finish_leads(run, endings)
        rows = [_row(ending, finished.get(ending.lead_id)) for ending in endings]
        _end_items(rows)
        outcomes = [outcome for _, outcome, _ in rows]
        run.enriched += outcomes.count(Outcome.ENRICHED)
        run.partial += outcomes.count(Outcome.PARTIAL)
        run.failed += outcomes.count(Outcome.FAILED)
        run.skipped += outcomes.count(Outcome.SKIPPED)
        reached = [finished[e.lead_id] for e in endings if e.outcome is None and e.lead_id in finished]
        run.with_phones += sum(lead.has_phone for lead in reached)
        run.with_emails += sum(lead.has_email for lead in reached)
        change_counters(run.bucket_id, enriched_leads=grown, queued_leads=-len(endings))
    now = database_now()
    run.beat_at = now
    run.started_at = run.started_at or now
    if run.status == Run.Status.QUEUED:
        run.status = Run.Status.RUNNING
    if run.is_open and run.done >= run.total:
        run.status, run.finished_at, run.paused_by, run.reason = Run.Status.COMPLETED, now, "", ""
    canary.judge_when_done(run)
    run.save()
    show_progress(run)


def skip_cancelled(run_id: UUID) -> None:
    """Skips what waits in a cancelled run, a part at a time, each in its own transaction. Again is harmless."""
    while True:
        with transaction.atomic():
            run = lock_run(run_id)
            if run is None or run.status != Run.Status.CANCELLED:
                return
            doubtful = Exists(VendorCall.objects.filter(pk=OuterRef("token"), state=VendorCall.State.IN_DOUBT))
            waiting = RunItem.objects.filter(Q(token__isnull=True) | doubtful, run=run).exclude(stage=0)
            part = list(waiting.order_by("stage", "pk").values_list("pk", "lead_id", "token")[:PART])
            run.in_doubt -= min(run.in_doubt, sum(token is not None for *_, token in part))
            if part:
                end(run, [Ending(pk, lead_id, Outcome.SKIPPED) for pk, lead_id, _ in part])
        if len(part) < PART:
            return


def unfinished_cancels() -> list[UUID]:
    """Cancelled runs with items that nobody has skipped yet: whoever cancelled them died with it, or is at it."""
    return list(Run.objects.filter(CANCELLED_IN_PART).values_list("pk", flat=True))


def _finish_leads(run: Run, endings: Iterable[Ending]) -> tuple[dict[UUID, Any], int]:
    """Apollo changes how far the property's own enrichment has come only where it brings the phone that was lacking; a
    skipped lead stays as it was."""
    told = [e for e in endings if e.outcome != Outcome.SKIPPED]
    if run.kind == Run.Kind.APOLLO:
        leads = Lead.objects.filter(pk__in=[e.lead_id for e in told])
        lacked = leads.filter(enrichment_status=Lead.Enrichment.PARTIAL, phone__isnull=False)
        grown = finish_leads([Finish(pk) for pk in lacked.values_list("pk", flat=True)])[1]
        rows = leads.values_list("pk", "phone", "email")
        return {pk: _Reach(bool(phone), bool(email)) for pk, phone, email in rows}, grown
    return finish_leads([Finish(e.lead_id, _error(e)) for e in told])


@dataclass(frozen=True, slots=True)
class _Reach:
    has_phone: bool
    has_email: bool


def _error(ending: Ending) -> str | None:
    return f"{ending.category}: {ending.reason}" if ending.outcome == Outcome.FAILED else None


def _row(ending: Ending, lead: Any) -> tuple[int, RunItem.Outcome, str]:
    outcome = ending.outcome
    if outcome is None:
        outcome = Outcome.ENRICHED if lead is not None and lead.has_phone else Outcome.PARTIAL
    return ending.item_id, outcome, ending.category


def _end_items(rows: Sequence[tuple[int, RunItem.Outcome, str]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE enrichment_runitem i
               SET stage = 0, outcome = e.outcome, category = e.category, token = NULL, lease_until = NULL,
                   not_before = NULL
              FROM unnest(%s::bigint[], %s::smallint[], %s::text[]) AS e(id, outcome, category) WHERE i.id = e.id
            """,
            [[r[0] for r in rows], [int(r[1]) for r in rows], [r[2] for r in rows]],
        )


def show_progress(run: Run) -> None:
    """The bucket's own word on its latest run."""
    if run.bucket_id is None:
        return
    others = Run.objects.filter(bucket_id=run.bucket_id, status__in=Run.OPEN).exclude(pk=run.pk)
    busy = run.is_open or others.exists()
    Bucket.objects.filter(pk=run.bucket_id).update(
        enrichment_status="processing" if busy else "completed",
        enrichment_progress={"total": run.total, "processed": run.done, "successful": run.enriched + run.partial},
    )
