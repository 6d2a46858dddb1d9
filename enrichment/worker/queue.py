"""The row queue: which run a pump serves next, which items it claims, and how items move on or end.

Inside the caller's transaction, but for `skip_cancelled`.

Workers that buy for a run share it (`locks.share_run`): they claim items by SKIP LOCKED and move those that follow
their own call; what they add to the run's counters, they add in one statement at the end, whose row lock decides who
completes it. Whoever does anything else to a run or its items has it alone (`locks.lock_run`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from buckets.services import add_to_counters
from common.db.clock import database_now
from common.db.direct import kept, with_commit
from common.db.work import due_sql
from common.enqueue import enqueue_on_commit
from enrichment.locks import change_free_turn, lock_run, share_run
from enrichment.models import CANCELLED_IN_PART, Run, RunItem
from enrichment.querysets import BUYERS, JOIN_BUYERS
from enrichment.worker import canary, stages
from enrichment.worker.events import tell_completed, tell_enriched
from enrichment.worker.questions import Waiting
from integrations.ledger import catalogue
from integrations.lookups.owned import fresh_answers
from integrations.models import VendorCall
from integrations.vendors.errors import Category
from leads.counters import change_counters, count_facts
from leads.models import Lead
from leads.services import Finish, Finished, finish_leads

Stage, Outcome = RunItem.Stage, RunItem.Outcome
MAX_ATTEMPTS = 3  # tries, 1 and 2 s apart (docs/requirements.md 4)
LAST_ID = 2**63 - 1
PART = 5000  # items that one transaction skips
MAX_LOSSES = 5  # workers that died with it: then it is poisoned
LIFE = timedelta(seconds=5)  # between two signs of life of a run whose leads only move on
PARKED = timedelta(days=3650)  # how far ahead the time of an item lies that there is no money for


@dataclass(frozen=True, slots=True)
class Ending:
    """How one item ends. outcome None: ENRICHED or PARTIAL, as the lead can be reached or not."""

    item_id: int
    lead_id: UUID
    outcome: RunItem.Outcome | None = None
    category: str = ""
    reason: str = ""


class NotAlone(Exception):
    """A step has found what only a worker that has the run alone may do. Nothing of it is kept: it begins anew."""


def next_run(stage: int, operation_name: str, *, alone: bool = False) -> Run | None:
    """The active run that is served next among those with an item that may be taken now, shared. None: there is none.

    alone: locked instead. So is a run in its sample, or short of money: their workers come one after the other.

    Runs of users who are turned off, or may not buy in the run's team any more, are passed over (`sweeps` pauses them).
    The user who was served longest ago goes first, then that user's run that was served longest ago.
    """
    wanted_type = stages.STAGES[stage].type_of(operation_name)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT r.id, r.sample_until IS NOT NULL OR r.cap_scope <> '' FROM enrichment_run r {JOIN_BUYERS}
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
                       AND {due_sql("i")}
                     ORDER BY i.stage, i.id LIMIT 1) IS NOT NULL
             ORDER BY u.served_at NULLS FIRST, t.served_at NULLS FIRST, r.id LIMIT 1
            """,  # noqa: S608  # our own words alone
            {"stage": stage, "type": wanted_type, "buyers": BUYERS},
        )
        row = cursor.fetchone()
    if row is None:
        return None
    alone = alone or row[1]
    run = lock_run(row[0]) if alone else share_run(row[0])
    if run is not None and not alone and must_be_alone(run):  # since that statement
        raise NotAlone
    return run if run is not None and run.status in Run.ACTIVE else None


def must_be_alone(run: Run) -> bool:
    """Whether a worker may not share this run: its sample is judged, or its money looked for, one step at a time."""
    return run.sample_until is not None or bool(run.cap_scope)


def claim(run: Run, stage: int, most: int) -> list[Waiting]:
    """Locks the run's next items at this stage, at most one request's worth. An item that must go alone comes alone.

    1. Items of a run whose sample is not judged yet end with the sample; a run that is short of money goes beyond it.
    2. Items that another transaction has locked are passed over.
    3. An item that must go alone is claimed by itself, and is passed over where others stand before it.
    4. Beyond the sample of a run that is short of money, items that would have to be bought are set aside.

    "BETWEEN" and the order by stage leave the planner only the index item_waiting. By equality it took the primary key
    and stepped over every item done before: 25 ms a claim instead of 4 at the end of 500,000 (benchmarks/claim.py).
    """
    until = LAST_ID if run.sample_until is None or run.cap_scope else run.sample_until
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT id, lead_id, attempts, alone FROM enrichment_runitem i
             WHERE run_id = %s AND stage BETWEEN %s AND %s AND token IS NULL AND stage <> 0
               AND {due_sql("i")} AND id <= %s
             ORDER BY stage, id LIMIT %s FOR UPDATE SKIP LOCKED
            """,  # noqa: S608  # our own words alone
            [run.pk, stage, stage, until, most],
        )
        rows = cursor.fetchall()
    if rows and rows[0][3]:
        rows = rows[:1]
    items = [Waiting(row[0], row[1], row[2]) for row in rows if len(rows) == 1 or not row[3]]
    return items if run.sample_until is None or until <= run.sample_until else _without_purchases(run, stage, items)


def has_items(run: Run, stage: RunItem.Stage) -> bool:
    """Whether an item of the run is at this stage, waiting or taken.

    "BETWEEN" and the order leave the planner only the two indexes of these: by equality it read all items of the run.
    """
    ((found,),) = kept(
        """
        SELECT (SELECT stage FROM enrichment_runitem
                 WHERE run_id = %(run)s AND stage BETWEEN %(stage)s AND %(stage)s AND token IS NULL AND stage <> 0
                 ORDER BY stage LIMIT 1) IS NOT NULL
            OR (SELECT stage FROM enrichment_runitem
                 WHERE run_id = %(run)s AND stage BETWEEN %(stage)s AND %(stage)s AND token IS NOT NULL
                 ORDER BY stage LIMIT 1) IS NOT NULL
        """,
        {"run": run.pk, "stage": int(stage)},
    )
    return bool(found)


def _without_purchases(run: Run, stage: int, items: Sequence[Waiting]) -> list[Waiting]:
    """Those of its sample, and those beyond it that are owned. The others are set aside until there is money again."""
    beyond = [item for item in items if item.id > (run.sample_until or 0)]
    if not beyond:
        return list(items)
    at, options = stages.STAGES[stage], run.asked
    queries = at.questions(options, beyond).queries
    operation = catalogue.operation(at.operation_name(options))
    served = fresh_answers(operation, list(queries.values()), now=database_now(), after=at.fresh_after(options))
    to_buy = {item_id for item_id, query in queries.items() if query.key not in served}
    give_back(sorted(to_buy), delay=PARKED.total_seconds())
    return [item for item in items if item.id not in to_buy]


def take(item_ids: Sequence[int], call_id: UUID, lease: timedelta) -> None:
    """Gives the items to a call: a worker must name the call to move them on."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE enrichment_runitem
               SET token = %s, lease_until = clock_timestamp() + make_interval(secs => %s) WHERE id = ANY(%s)
            """,
            [call_id, lease.total_seconds(), list(item_ids)],
        )


def stranded() -> QuerySet[RunItem]:
    """Items whose call was released without them: a worker died between those two commits. And those that followed no
    call, but a worker that is dead by their lease.
    """
    call = VendorCall.objects.filter(pk=OuterRef("token"))
    released = call.filter(state=VendorCall.State.RELEASED).exclude(category=Category.IN_DOUBT)
    left = Q(lease_until__lt=database_now()) & ~Exists(call)
    return RunItem.objects.filter(Exists(released) | left, token__isnull=False)


# --- Short of money ---------------------------------------------------------------------------------------------------


def park(run: Run, item_ids: Sequence[int], scope: str) -> None:
    """Sets items aside that a cap has no room for, so that items behind them with an owned answer come forward."""
    give_back(item_ids, delay=PARKED.total_seconds())
    if run.cap_scope != scope:
        run.cap_scope = scope
        Run.objects.filter(pk=run.pk).update(cap_scope=scope)


def can_move(run: Run) -> bool:
    """Whether an item of the run may be taken now or soon, or is part of a request under way."""
    under_way = Exists(VendorCall.objects.filter(pk=OuterRef("token"), state__in=VendorCall.OPEN))
    open_items = RunItem.objects.filter(run=run).exclude(stage=0)
    soon = open_items.due(database_now() + PARKED / 2).filter(token__isnull=True)
    if run.sample_until is not None and not run.cap_scope:
        soon = soon.filter(pk__lte=run.sample_until)
    return soon.exists() or open_items.filter(under_way, token__isnull=False).exists()


def to_follow(stage: int, onward: int, run_ids: Sequence[UUID], *, besides: UUID | None) -> int:
    """Leads of runs whose answer is bought, or being bought, at a stage and neither bought nor reserved at the next.
    besides: a call whose items do not count. One statement, so of one moment: a settlement moves them from one to the
    other.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT count(*) FROM enrichment_runitem
                     WHERE run_id = ANY(%(runs)s) AND stage = %(onward)s AND token IS NULL)
                 + (SELECT count(*) FROM enrichment_runitem
                     WHERE run_id = ANY(%(runs)s) AND stage = %(stage)s AND token IS NOT NULL
                       AND token IS DISTINCT FROM %(besides)s::uuid)
            """,
            {"runs": list(run_ids), "onward": int(onward), "stage": int(stage), "besides": besides},
        )
        return int(cursor.fetchone()[0])


def unpark(run: Run) -> set[int]:
    """Brings the items forward that were set aside. Returns their stages."""
    parked = RunItem.objects.filter(run=run, token__isnull=True, not_before__gt=database_now() + PARKED / 2)
    waiting = set(parked.exclude(stage=0).values_list("stage", flat=True).distinct())
    parked.exclude(stage=0).update(not_before=None)
    return waiting


def give_back(
    item_ids: Sequence[int], *, delay: float = 0, tried: bool = False, lost: bool = False, alone: bool = False
) -> None:
    """Puts items back in the queue, `delay` seconds away. tried: the try counts. lost: a worker died with them.

    alone: each has to be asked for by itself.
    """
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


def following(call_id: UUID, item_ids: Sequence[int]) -> set[int]:
    """Those of these items that follow this call still."""
    found = kept(
        "SELECT id FROM enrichment_runitem WHERE id = ANY(%(ids)s::bigint[]) AND token = %(call)s",
        {"ids": list(item_ids), "call": call_id},
    )
    return {item_id for (item_id,) in found}


def served(run: Run, stage: int) -> None:
    """A paid request is given to this run: its user, and then the run, come after all others now. One that another
    worker serves this moment comes after them by that.
    """
    change_free_turn(run.pk, stage)


def end(
    run: Run, endings: Sequence[Ending], *, grown: Mapping[UUID, Mapping[str, int]] | None = None, two_names: int = 0
) -> None:
    """Ends items, in the transaction that changes what counts them. `run` must be locked, or shared.

    grown: what answers brought, for the buckets' counters (`leads.counters.count_facts`). two_names: details that were
    owned by another name already.

    1. The leads, then the items, get their outcome.
    2. The run counts them; the first ending starts it, the last one completes it. From here on other workers of the run
       and of the bucket wait, so that nothing but counters follows.
    3. The sample is judged once it has ended.
    4. The buckets count what their leads got, and the run's shows how far its latest run is: one statement each.
    """
    if not endings and not two_names and run.status == Run.Status.RUNNING and run.done < run.total:
        _note_life(run)
        count_facts(grown or {})
        return
    finished, completed = _finish_leads(run, endings)
    rows = [_row(ending, finished.get(ending.lead_id)) for ending in endings]
    _end_items(rows)
    outcomes = [outcome for _, outcome, _ in rows]
    tell_enriched(run, zip([ending.lead_id for ending in endings], outcomes, strict=True))
    reached = [finished[e.lead_id] for e in endings if e.outcome is None and e.lead_id in finished]
    _count(
        run,
        enriched=outcomes.count(Outcome.ENRICHED),
        partial=outcomes.count(Outcome.PARTIAL),
        failed=outcomes.count(Outcome.FAILED),
        skipped=outcomes.count(Outcome.SKIPPED),
        with_emails=sum(lead.has_email for lead in reached),
        two_names=two_names,
    )
    _close(run)
    of_run = {run.bucket_id: {"enriched_leads": completed, "queued_leads": -len(endings)}} if run.bucket_id else {}
    _count_leads(run, of_run, grown or {})


def _note_life(run: Run) -> None:
    """A run at work whose leads only move on: every few seconds, because its row is every worker's."""
    sql = """
        UPDATE enrichment_run SET beat_at = clock_timestamp()
         WHERE id = %(run)s AND (beat_at IS NULL OR beat_at < clock_timestamp() - make_interval(secs => %(life)s))
        RETURNING 1
        """
    with_commit((sql, {"run": run.pk, "life": LIFE.total_seconds()}))


def _count(run: Run, **by: int) -> None:
    """Adds to the run's counters, and reads them as they are by that; the run has begun.

    `in_doubt` is written as it was read: nobody else changes it while the run is locked, or shared.
    """
    names = list(by)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE enrichment_run
               SET {", ".join(f"{name} = {name} + %s" for name in names)}, in_doubt = %s,
                   status = CASE status WHEN 'queued' THEN 'running' ELSE status END, beat_at = clock_timestamp(),
                   started_at = coalesce(started_at, clock_timestamp()), updated_at = clock_timestamp()
             WHERE id = %s
            RETURNING {", ".join(names)}, status, beat_at, started_at, updated_at
            """,  # noqa: S608  # our own words alone
            [*by.values(), run.in_doubt, run.pk],
        )
        row = cursor.fetchone()
    for name, value in zip([*names, "status", "beat_at", "started_at", "updated_at"], row, strict=True):
        setattr(run, name, value)


def _close(run: Run) -> None:
    """Completes the run with its last lead, and judges its sample with the sample's last: its row is locked by now."""
    before = (run.status, run.sample_until)
    if run.is_open and run.done >= run.total:
        run.status, run.finished_at, run.paused_by, run.reason = Run.Status.COMPLETED, database_now(), "", ""
        tell_completed(run)
        if run.bucket_id:  # its answers may have told that two leads are one property
            enqueue_on_commit("leads.merge_bucket", bucket_id=str(run.bucket_id))
    canary.judge_when_done(run)
    if (run.status, run.sample_until) != before:
        run.save()


def _count_leads(run: Run, *deltas: Mapping[UUID, Mapping[str, int]]) -> None:
    """The last of all that a settlement locks: each bucket's row once, in the order of their ids."""
    total: dict[UUID, dict[str, int]] = {run.bucket_id: {}} if run.bucket_id else {}
    for one in deltas:
        for bucket_id, by in one.items():
            into = total.setdefault(bucket_id, {})
            for name, delta in by.items():
                into[name] = into.get(name, 0) + delta
    for bucket_id, by in sorted(total.items()):
        if bucket_id == run.bucket_id:
            show_progress(run, by)
        else:
            change_counters(bucket_id, **by)


def skip_cancelled(run_id: UUID) -> None:
    """Ends the items of a cancelled run that wait, a part at a time, each part in a transaction of its own.

    A second call finds no item and changes nothing. Items whose request is under way end with it; those whose request
    needs a billing check end here, because a cancelled run does not go on after the decision.
    """
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
    """Cancelled runs with items that are not skipped yet: the process that skips them is at work, or has died."""
    return list(Run.objects.filter(CANCELLED_IN_PART).values_list("pk", flat=True))


def _finish_leads(run: Run, endings: Iterable[Ending]) -> tuple[dict[UUID, Finished], int]:
    """Writes the endings to the leads. A skipped lead stays as it was. Apollo's answer changes how far the enrichment
    of the property has come only where it brings the phone that was lacking."""
    tried = [e for e in endings if e.outcome != Outcome.SKIPPED]
    if run.kind == Run.Kind.APOLLO:
        leads = Lead.objects.filter(pk__in=[e.lead_id for e in tried])
        lacked = leads.filter(enrichment_status=Lead.Enrichment.PARTIAL, phone__isnull=False)
        grown = finish_leads([Finish(pk) for pk in lacked.values_list("pk", flat=True)])[1]
        rows = leads.values_list("pk", "phone", "email")
        return {pk: Finished(bool(phone), bool(email)) for pk, phone, email in rows}, grown
    return finish_leads([Finish(e.lead_id, _error(e)) for e in tried])


def _error(ending: Ending) -> str | None:
    return f"{ending.category}: {ending.reason}" if ending.outcome == Outcome.FAILED else None


def _row(ending: Ending, lead: Finished | None) -> tuple[int, RunItem.Outcome, str]:
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


def show_progress(run: Run, grown: Mapping[str, int] | None = None) -> None:
    """Writes to the bucket how far its latest run is. grown: what its counters grow by with that."""
    if run.bucket_id is None:
        return
    progress = {"total": run.total, "processed": run.done, "successful": run.enriched + run.partial}
    is_busy = """%(is_open)s OR EXISTS (SELECT FROM enrichment_run
        WHERE bucket_id = %(the_bucket)s AND status = ANY(%(open)s) AND id <> %(run)s)"""
    add_to_counters(
        run.bucket_id,
        grown or {},
        [
            "enrichment_progress = %(progress)s::jsonb",
            f"enrichment_status = CASE WHEN {is_busy} THEN 'processing' ELSE 'completed' END",
        ],
        {"progress": json.dumps(progress), "is_open": run.is_open, "open": list(Run.OPEN), "run": run.pk},
    )
