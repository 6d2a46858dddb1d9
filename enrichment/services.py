"""What a person can do with runs: start, pause, resume, cancel, retry what failed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_UP, Decimal
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from accounts.access import Scope, access_in, team_of
from accounts.audit import record
from accounts.models import User
from buckets.models import Bucket
from common.db.clock import database_now
from common.enqueue import enqueue_on_commit
from enrichment.locks import lock_run
from enrichment.models import FairShare, Run, RunItem
from enrichment.options import Canary, RunOptions
from enrichment.rules import CENT, day_of_cap
from enrichment.selectors import select_leads
from enrichment.worker import queue, stages
from enrichment.worker.events import tell_completed, tell_paused
from enrichment.worker.failed_leads import failed_leads
from integrations.ledger import breaker
from integrations.models import Balance
from leads.counters import change_counters
from leads.locks import hold_bucket
from leads.models import Lead
from leads.selection.filters import ASSIGNED_TO, ONE_PER_OWNER, BadFilter, understood


class RunError(Exception):
    """A run cannot do what was asked. `code` for programs, the message for people, `field` where one is to blame."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code, self.field = code, field


class IdempotencyConflict(RunError):
    """The same Idempotency-Key came with another request."""

    def __init__(self) -> None:
        super().__init__(
            "IDEMPOTENCY_CONFLICT", "This Idempotency-Key was used for another request.", "Idempotency-Key"
        )


def start_run(*, bucket: Bucket, by: User, options: RunOptions, idempotency_key: str | None = None) -> tuple[Run, bool]:
    """Stores a run and its items in one transaction, then wakes its pumps. Returns it and whether this call made it.

    The same idempotency key with the same request gives the run it made the first time. Raises RunError.
    """
    fingerprint = options.fingerprint(bucket.pk)
    check_may_buy(by, bucket.team_id)
    with transaction.atomic():
        hold_bucket(bucket.pk)
        locked = Bucket.objects.filter(pk=bucket.pk).first()
        if locked is None:
            raise RunError("NOT_FOUND", "The bucket is gone.", "bucketId")
        if idempotency_key is not None:
            earlier = Run.objects.filter(owner=by, idempotency_key=idempotency_key).first()
            if earlier is not None:
                if earlier.request_hash != fingerprint:
                    raise IdempotencyConflict()
                return earlier, False
        _check_runs_in_progress(locked.team_id)
        run = Run.objects.create(
            bucket=locked,
            bucket_name=locked.name,
            owner=by,
            team_id=locked.team_id,
            kind=options.kind,
            options=options.as_json(),
            prices=prices_of(options),
            max_cost=options.max_cost,
            idempotency_key=idempotency_key,
            request_hash=fingerprint,
        )
        _fill(run, options)
        _tell("run.started", run, by, kind=run.kind, leads=run.total, max_cost=run.max_cost)
    if run.is_open:
        wake_pumps_of(run)
    return run, True


def _tell(action: str, run: Run, by: User | None, **after: object) -> None:
    """For the audit. by: None where a worker or a schedule does it."""
    record(action, by=by, team_id=run.team_id, about=run, name=run.bucket_name, after=after)


def check_may_buy(person: User, team_id: int) -> None:
    """Raises RunError for a person who is turned off, or whose role in this team spends nothing."""
    if not person.is_active:
        raise RunError("INACTIVE", f"{person.get_username()} is turned off.")
    if not access_in(person, team_id).can(Scope.BUY):
        raise RunError("FORBIDDEN", f"{person.get_username()} may not spend money in this team.")


def _check_runs_in_progress(team_id: int) -> None:
    if Run.objects.filter(team_id=team_id, status__in=Run.ACTIVE).count() >= settings.TEAM_RUNS_MAX:
        words = f"Your team has {settings.TEAM_RUNS_MAX:,} enrichment jobs in progress, the most there can be."
        raise RunError("TOO_MANY_RUNS", words)


def prices_of(options: RunOptions) -> dict[str, str]:
    """What a unit of each operation of such a run costs at this moment, US dollars: kept with it when it starts."""
    return {operation.name: str(operation.setting("price")) for operation in stages.operations_of(options)}


def enrich_leads(
    *, by: User, options: RunOptions, idempotency_key: str | None = None, team_id: int | None = None
) -> list[tuple[Run, bool]]:
    """Starts a run over `options.lead_ids` in each bucket they lie in, all or none: a run is of one bucket.

    team_id: whose leads; None: those of her own team. Returns each run and whether this call made it. Raises RunError
    where one is missing or another team's.
    """
    wanted = list(options.lead_ids or ())
    by_bucket: dict[UUID, list[UUID]] = {}
    with transaction.atomic():
        team_id = team_id if team_id is not None else team_of(by)
        rows = Lead.objects.filter(team_id=team_id, pk__in=wanted).order_by("bucket_id", "pk")
        for lead_id, bucket_id in rows.values_list("pk", "bucket_id"):
            by_bucket.setdefault(bucket_id, []).append(lead_id)
        missing = len(set(wanted)) - sum(map(len, by_bucket.values()))
        if missing:
            raise RunError("NOT_FOUND", f"{missing} of these leads do not exist.", "leadIds")
        buckets = list(Bucket.objects.filter(pk__in=by_bucket).order_by("pk"))
        prefix = None
        if idempotency_key is not None:  # the key is the request's; each of its runs needs one of its own
            prefix = hashlib.sha256(idempotency_key.encode()).hexdigest()
            earlier = Run.objects.filter(owner=by, idempotency_key__startswith=f"{prefix} ")
            if set(earlier.values_list("bucket_id", flat=True)) not in (set(), set(by_bucket)):
                raise IdempotencyConflict()
        for bucket in buckets:  # all of them before the first run's counters
            hold_bucket(bucket.pk)
        started = []
        for bucket in buckets:
            part = replace(options, lead_ids=by_bucket[bucket.pk])
            check_options(bucket=bucket, options=part)
            key = f"{prefix} {bucket.pk}" if prefix else None
            started.append(start_run(bucket=bucket, by=by, options=part, idempotency_key=key))
    return started


def _fill(run: Run, options: RunOptions) -> None:
    rows = stages.stages_of(run.kind)
    FairShare.objects.bulk_create([FairShare(run=run, owner_id=run.owner_id, stage=row.stage) for row in rows])
    sql, params = select_leads(run.bucket_id, options, by=run.owner).values("pk").query.sql_with_params()
    sample = options.canary.leads if options.canary is not None else 0
    with connection.cursor() as cursor:
        cursor.execute(  # a sample drawn by lot comes first, then in order
            f"""
            WITH chosen (id) AS MATERIALIZED ({sql}), sample AS (SELECT id FROM chosen ORDER BY random() LIMIT %s)
            INSERT INTO enrichment_runitem (run_id, lead_id, stage)
            SELECT %s, id, %s FROM chosen ORDER BY id NOT IN (SELECT id FROM sample), id
            """,  # noqa: S608  # the ORM's own SQL
            [*params, sample, run.pk, int(rows[0].stage)],
        )
        run.total = int(cursor.rowcount)
    items = RunItem.objects.filter(run=run)
    run.resume_from = items.order_by("-lead_id").values_list("lead_id", flat=True).first() or options.start_from
    if sample and run.total:
        run.sample_until = items.order_by("pk").values_list("pk", flat=True)[min(sample, run.total) - 1]
    if not run.total:
        run.status, run.finished_at = Run.Status.COMPLETED, database_now()
        tell_completed(run)
    run.save()
    change_counters(run.bucket_id, queued_leads=run.total)
    queue.show_progress(run)


def _is_place(bucket: Bucket, lead_id: UUID) -> bool:
    """Whether a run may start after this lead: one that was merged into another since is still a place in the order."""
    return Lead.every.filter(bucket=bucket, pk=lead_id).exists()


def check_options(*, bucket: Bucket, options: RunOptions) -> None:
    """Refuses what cannot be meant. Raises RunError naming the field, or leads.filters.BadFilter for the guard."""
    if options.max_cost is not None and options.max_cost <= 0:
        raise RunError("INVALID", "Enter a spending limit of more than $0.00.", "maxCost")
    if options.limit is not None and not 1 <= options.limit <= settings.RUN_LIMIT_MAX:
        raise RunError("INVALID", f"The limit must be from 1 to {settings.RUN_LIMIT_MAX}.", "limit")
    if options.start_from is not None and not _is_place(bucket, options.start_from):
        raise RunError("INVALID", "This lead is not in the bucket.", "startFrom")
    if options.lead_ids is not None:
        known = bucket.leads.filter(pk__in=options.lead_ids).count()
        if not options.lead_ids or known != len(set(options.lead_ids)):
            missing = len(set(options.lead_ids)) - known
            raise RunError(
                "INVALID", f"{missing} of these leads are not in the bucket." if missing else "No leads.", "leadIds"
            )
    if options.canary is not None:
        _check_canary(options.canary)
    if options.guard:
        understood(options.guard)
    if ASSIGNED_TO in options.guard:
        raise BadFilter({ASSIGNED_TO: ["A guard is about the property, not about who works it."]})
    if ONE_PER_OWNER in options.guard:
        raise BadFilter({ONE_PER_OWNER: ["A guard is about one lead: give it as an option of the enrichment job."]})


def _check_canary(canary: Canary) -> None:
    if not 1 <= canary.leads <= settings.RUN_LIMIT_MAX:
        raise RunError("INVALID", f"A sample must be of 1 to {settings.RUN_LIMIT_MAX} leads.", "canary")
    if not (canary.min_hit_rate.is_finite() and 0 <= canary.min_hit_rate <= 1):
        raise RunError("INVALID", "The least hit rate is a share from 0 to 1.", "canary")
    if canary.max_cost_per_lead is not None and canary.max_cost_per_lead <= 0:
        raise RunError("INVALID", "The most a lead may cost must be more than $0.00.", "canary")


def refuse_unaskable(reasons: Mapping[UUID, str], lead_ids: Sequence[UUID]) -> None:
    """Raises RunError NO_FACTS where Apollo could be asked about none of them: no run is started for nothing.

    reasons: `quoting.askable.unaskable`.
    """
    if not reasons or len(reasons) < len(set(lead_ids)):
        return
    leads = "This lead does not have" if len(reasons) == 1 else f"None of these {len(reasons):,} leads has"
    words = "; ".join(sorted(set(reasons.values()))).replace(".; ", ". ")
    raise RunError("NO_FACTS", f"{leads} the data Apollo needs. {words} Enrich them first.", "leadIds")


def wake_pumps_of(run: Run) -> None:
    for row in stages.stages_of(run.kind):
        enqueue_on_commit("enrichment.pump", stage=int(row.stage))


def pause_run(*, run: Run, by: User | None = None) -> Run:
    """Stops a run before its next paid call; requests under way are finished. Raises RunError if it is over.

    A run that is paused already and would go on by itself stays paused until a person resumes it.
    """
    with transaction.atomic():
        locked = _open(run)
        if locked.status != Run.Status.PAUSED or _goes_on_by_itself(locked):
            locked.status, locked.paused_by, locked.reason = Run.Status.PAUSED, Run.Pause.PERSON, "Paused by a person"
            locked.save()
            tell_paused(locked, by)
    return locked


def _goes_on_by_itself(run: Run) -> bool:
    """Whether the cause of its pause may end without a person: a day, a vendor's pause, a billing check, its user's
    absence."""
    if run.paused_by == Run.Pause.CAP:
        return day_of_cap(run.cap_scope) is not None
    return run.paused_by in (Run.Pause.VENDOR, Run.Pause.DOUBT, Run.Pause.INACTIVE)


def resume_run(*, run: Run, by: User, max_cost: Decimal | None = None) -> Run:
    """Goes on with a paused run, under a new cap if one is given. Raises RunError.

    by: who asks. A vendor that is paused stops everybody: an operator's resume lifts that, anybody else is refused.
    """
    with transaction.atomic():
        locked = _open(run)
        if locked.paused_by == Run.Pause.VENDOR:
            _ask_vendors_again(locked, by)
        if locked.status != Run.Status.PAUSED and max_cost is None:
            raise RunError("NOT_PAUSED", f"The enrichment job is {locked.get_status_display().lower()}, not paused.")
        check_may_buy(locked.owner, locked.team_id)
        if max_cost is not None:
            check_new_cap(locked, max_cost)
            record(
                "caps.changed",
                by=by,
                team_id=locked.team_id,
                about=locked,
                name=locked.bucket_name,
                before={"max_cost": locked.max_cost},
                after={"max_cost": max_cost},
            )
            locked.max_cost = max_cost
        go_on(locked, by=by)
    wake_pumps_of(locked)
    return locked


def go_on(run: Run, *, by: User | None = None) -> None:
    """Lets a paused run go on. It must be locked; the caller wakes its pumps. by: None where a worker does it."""
    _tell("run.resumed", run, by, cause=run.paused_by)
    run.status, run.paused_by, run.reason, run.cap_scope, run.cap_mark = Run.Status.RUNNING, "", "", "", ""
    run.save()
    queue.unpark(run)  # items that a limit had no room for are tried again


def check_new_cap(run: Run, max_cost: Decimal) -> None:
    """Raises RunError for a limit that this run has used up."""
    if max_cost <= 0:
        raise RunError("INVALID", "Enter a spending limit of more than $0.00.", "maxCost")
    budget = Balance.objects.filter(scope=run.budget_scope).first()
    if budget is None or max_cost >= budget.spent + budget.reserved:
        return
    promised = f" and ${budget.reserved:,.2f} is reserved for requests that are not settled" if budget.reserved else ""
    raise RunError(
        "INVALID",
        f"${max_cost:,.2f} is less than this job has used: ${budget.spent:,.2f} is spent{promised}. "
        f"Set at least ${(budget.spent + budget.reserved).quantize(CENT, ROUND_UP):,.2f}.",
        "maxCost",
    )


def _ask_vendors_again(run: Run, by: User) -> None:
    for vendor in (operation.vendor for operation in stages.operations_of(run.asked)):
        if by.has_perm("integrations.change_vendor"):
            breaker.reset(vendor.pk)
            after = {"paused": False, "breaker": "reset"}
            record("vendor.changed", by=by, about=vendor, name=vendor.pk, after=after)
        elif vendor.paused_reason or not vendor.enabled:
            raise RunError(
                "VENDOR_PAUSED", f"{vendor} is paused: an operator has to open it again first (admin: Vendors)."
            )


def cancel_run(*, run: Run, by: User | None = None) -> Run:
    """Ends a run: no more is bought, answers of requests under way are kept, waiting leads are skipped.

    They are skipped a part at a time, so that no worker waits long for the run's row; where this process dies, the
    reaper skips the others. Raises RunError if the run is over.
    """
    with transaction.atomic():
        locked = _open(run)
        locked.status, locked.paused_by, locked.reason = Run.Status.CANCELLED, "", ""
        locked.finished_at = database_now()
        locked.save()
        _tell("run.cancelled", locked, by, done=locked.done, leads=locked.total)
    queue.skip_cancelled(run.pk)
    locked.refresh_from_db()
    return locked


def retry_failed(*, run: Run, by: User) -> Run:
    """Starts a new run over the leads that failed in this one, but for those that need a billing check first.

    Raises RunError if none did or its bucket is gone.
    """
    options = retry_options(run)
    if run.bucket is None:
        raise RunError("NOT_FOUND", "The bucket of this enrichment job was deleted.")
    again, _ = start_run(bucket=run.bucket, by=by, options=options)
    return again


def retry_options(run: Run) -> RunOptions:
    """What a retry of the leads that failed asks for, so that it can be quoted first.

    Leads whose purchase is in doubt are left out and counted: another may buy them twice. So are those that a later
    job has completed or has in hand, and those that are gone. Raises RunError where none is left.
    """
    failed = failed_leads(run)
    if not failed.again:
        if failed.in_doubt:
            leads = f"{failed.in_doubt:,} leads need" if failed.in_doubt != 1 else "1 lead needs"
            raise RunError("IN_DOUBT", f"{leads} a billing check first: no other lead of this job failed.")
        if failed.words:
            raise RunError("NOTHING_FAILED", f"There is nothing left to retry: {failed.words}.")
        raise RunError("NOTHING_FAILED", "No lead of this enrichment job failed.")
    return replace(
        run.asked,
        lead_ids=list(failed.again),
        chosen=None,
        left_out=failed.in_doubt,
        limit=None,
        start_from=None,
        only_failed=False,
    )


def _open(run: Run) -> Run:
    locked = lock_run(run.pk)
    if locked is None or not locked.is_open:
        word = locked.get_status_display().lower() if locked else "gone"
        raise RunError("RUN_OVER", f"The enrichment job is {word}.")
    return locked
