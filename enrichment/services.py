"""What a person can do with runs: start, pause, resume, cancel, retry what failed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import ROUND_UP, Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from buckets.models import Bucket
from common.enqueue import enqueue_on_commit
from enrichment.models import FairShare, Run, RunItem
from enrichment.rules import day_of_cap
from enrichment.worker import queue, stages
from enrichment.worker.canary import Canary
from enrichment.worker.stages import Waiting
from integrations.ledger import breaker, catalogue
from integrations.ledger.pace import database_now
from integrations.models import Budget
from leads.counters import change_counters
from leads.locks import hold_bucket
from leads.models import Lead
from leads.selection.filters import understood

CENT = Decimal("0.01")


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


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a person asks of a run.

    limit: most leads. lead_ids: exactly these leads of the bucket, whatever was bought before (owned facts cost $0);
    else pending ones in age order, after `start_from`. only_failed: failed ones instead. guard: filters a lead must
    pass, once its detail is known, before its contacts are bought. max_cost: US dollars. fresh_after: details that are
    owned since before that are bought again. reveal_phones: Apollo's people who have none, for up to 8 credits more.
    canary: buy a sample first, and stop where it disappoints. left_out: leads of a retry that need a billing check
    first, for those who are told.
    """

    limit: int | None = None
    skip_trace: bool = True
    start_from: UUID | None = None
    only_failed: bool = False
    lead_ids: Sequence[UUID] | None = None
    guard: Mapping[str, Any] = field(default_factory=dict)
    max_cost: Decimal | None = None
    kind: str = Run.Kind.PROPERTY
    type: str = "people"
    reveal_emails: bool = True
    reveal_phones: bool = False
    update_db: bool = True
    fresh_after: datetime | None = None
    canary: Canary | None = None
    left_out: int = 0

    def as_json(self) -> dict[str, Any]:
        options: dict[str, Any] = {
            "limit": self.limit,
            "startFrom": str(self.start_from) if self.start_from else None,
            "onlyFailed": self.only_failed,
            "chosenLeads": len(self.lead_ids) if self.lead_ids is not None else None,
        }
        if self.left_out:
            options["leftOut"] = self.left_out
        if self.kind == Run.Kind.APOLLO:
            return options | {
                "type": self.type,
                "revealEmails": self.reveal_emails,
                "revealPhones": self.reveal_phones and self.type == "people",
                "updateDb": self.update_db,
            }
        if self.fresh_after is not None:
            options["freshAfter"] = self.fresh_after.isoformat()
        if self.canary is not None:
            options["canary"] = self.canary.as_json()
        return options | {"skipTrace": self.skip_trace, "guard": dict(self.guard)}

    def fingerprint(self, bucket_id: UUID) -> str:
        ids = [str(i) for i in self.lead_ids] if self.lead_ids is not None else None
        whole = self.as_json() | {
            "bucket": str(bucket_id),
            "leadIds": ids,
            "maxCost": str(self.max_cost),
            "kind": self.kind,
        }
        return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()


def start_run(*, bucket: Bucket, by: Any, options: RunOptions, idempotency_key: str | None = None) -> tuple[Run, bool]:
    """Stores a run and its items in one transaction, then rings. Returns the run and whether this call made it.

    The same idempotency key with the same request gives the run it made the first time. Raises RunError.
    """
    fingerprint = options.fingerprint(bucket.pk)
    if not by.is_active:
        raise RunError("INACTIVE", f"{by.get_username()} is switched off.")
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
        run = Run.objects.create(
            bucket=locked,
            bucket_name=locked.name,
            owner=by,
            kind=options.kind,
            options=options.as_json(),
            prices=prices_of(options.kind, options.as_json()),
            max_cost=options.max_cost,
            idempotency_key=idempotency_key,
            request_hash=fingerprint,
        )
        _fill(run, options)
    if run.is_open:
        wake_pumps_of(run)
    return run, True


def prices_of(kind: str, options: Mapping[str, Any]) -> dict[str, str]:
    """What a unit of each operation of such a run costs at this moment, US dollars: kept with it when it starts."""
    names = [stages.operation_name(stage, options) for stage in stages.stages_of(kind)]
    return {name: str(catalogue.operation(name).setting("price")) for name in names}


def enrich_leads(*, by: Any, options: RunOptions, idempotency_key: str | None = None) -> list[tuple[Run, bool]]:
    """Starts a run over `options.lead_ids` in each bucket they lie in, all or none: a run is of one bucket.

    Returns each run and whether this call made it. Raises RunError where one is missing or somebody else's.
    """
    wanted = list(options.lead_ids or ())
    by_bucket: dict[UUID, list[UUID]] = {}
    with transaction.atomic():
        rows = Lead.objects.owned_by(by).filter(pk__in=wanted).order_by("bucket_id", "pk")
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
    first, *later = stages.stages_of(run.kind)
    FairShare.objects.bulk_create([FairShare(run=run, owner_id=run.owner_id, stage=stage) for stage in (first, *later)])
    sql, params = select_leads(run.bucket_id, options).values("pk").query.sql_with_params()
    sample = options.canary.leads if options.canary is not None else 0
    with connection.cursor() as cursor:
        cursor.execute(  # a sample drawn by lot comes first, then in order
            f"""
            WITH chosen (id) AS MATERIALIZED ({sql}), sample AS (SELECT id FROM chosen ORDER BY random() LIMIT %s)
            INSERT INTO enrichment_runitem (run_id, lead_id, stage)
            SELECT %s, id, %s FROM chosen ORDER BY id NOT IN (SELECT id FROM sample), id
            """,  # noqa: S608  # the ORM's own SQL
            [*params, sample, run.pk, int(first)],
        )
        run.total = int(cursor.rowcount)
    items = RunItem.objects.filter(run=run)
    run.resume_from = items.order_by("-lead_id").values_list("lead_id", flat=True).first() or options.start_from
    if sample and run.total:
        run.sample_until = items.order_by("pk").values_list("pk", flat=True)[min(sample, run.total) - 1]
    if not run.total:
        run.status, run.finished_at = Run.Status.COMPLETED, database_now()
    run.save()
    change_counters(run.bucket_id, queued_leads=run.total)
    queue.show_progress(run)


def select_leads(bucket_id: UUID | None, options: RunOptions) -> Any:
    """The leads a run takes, oldest first. A lead that waits in another run is left to that one."""
    leads = Lead.objects.filter(bucket=bucket_id)
    if options.lead_ids is not None:
        leads = leads.filter(pk__in=options.lead_ids)
    elif options.kind == Run.Kind.APOLLO:
        leads = leads.needs_apollo()
    elif options.only_failed:
        leads = leads.filter(enrichment_status=Lead.Enrichment.FAILED)
    else:
        leads = leads.pending()
    if options.start_from is not None:
        leads = leads.filter(pk__gt=options.start_from)
    leads = leads.exclude(run_items__in=RunItem.objects.exclude(stage=0))
    limit = options.limit if options.limit is not None else settings.RUN_LIMIT
    if options.lead_ids is not None and options.limit is None:
        limit = len(options.lead_ids)
    return leads.order_by("pk")[: min(limit, settings.RUN_LIMIT_MAX)]


def check_options(*, bucket: Bucket, options: RunOptions) -> None:
    """Refuses what cannot be meant. Raises RunError naming the field, or leads.filters.BadFilter for the guard."""
    if options.max_cost is not None and options.max_cost <= 0:
        raise RunError("INVALID", "A cap must be more than $0.00.", "maxCost")
    if options.limit is not None and not 1 <= options.limit <= settings.RUN_LIMIT_MAX:
        raise RunError("INVALID", f"The limit must be from 1 to {settings.RUN_LIMIT_MAX}.", "limit")
    if options.start_from is not None and not bucket.leads.filter(pk=options.start_from).exists():
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


def _check_canary(canary: Canary) -> None:
    if not 1 <= canary.leads <= settings.RUN_LIMIT_MAX:
        raise RunError("INVALID", f"A sample must be of 1 to {settings.RUN_LIMIT_MAX} leads.", "canary")
    if not (canary.min_hit_rate.is_finite() and 0 <= canary.min_hit_rate <= 1):
        raise RunError("INVALID", "The least hit rate is a share from 0 to 1.", "canary")
    if canary.max_cost_per_lead is not None and canary.max_cost_per_lead <= 0:
        raise RunError("INVALID", "The most a lead may cost must be more than $0.00.", "canary")


def wake_pumps_of(run: Run) -> None:
    for stage in stages.stages_of(run.kind):
        enqueue_on_commit("enrichment.pump", stage=int(stage))


def pause_run(*, run: Run) -> Run:
    """Stops a run before its next paid call; what is in flight is seen through. Raises RunError if it is over.

    One that is paused already and would go on by itself stays paused until a person resumes it.
    """
    with transaction.atomic():
        locked = _open(run)
        if locked.status != Run.Status.PAUSED or _goes_on_by_itself(locked):
            locked.status, locked.paused_by, locked.reason = Run.Status.PAUSED, Run.Pause.PERSON, "Paused by a person"
            locked.save()
    return locked


def _goes_on_by_itself(run: Run) -> bool:
    """Whether what paused it may end without a person: a day, a vendor's pause, a billing check, its user's absence."""
    if run.paused_by == Run.Pause.CAP:
        return day_of_cap(run.cap_scope) is not None
    return run.paused_by in (Run.Pause.VENDOR, Run.Pause.DOUBT, Run.Pause.INACTIVE)


def resume_run(*, run: Run, by: Any, max_cost: Decimal | None = None) -> Run:
    """Goes on with a paused run, under a new cap if one is given. Raises RunError.

    by: who asks. A vendor that is paused stops everybody: an operator's resume lifts that, anybody else is refused.
    """
    with transaction.atomic():
        if run.paused_by == Run.Pause.VENDOR:  # before the run is locked: operation and vendor come first
            _ask_vendors_again(run, by)
        locked = _open(run)
        if locked.status != Run.Status.PAUSED and max_cost is None:
            raise RunError("NOT_PAUSED", f"The run is {locked.get_status_display().lower()}, not paused.")
        if not locked.owner.is_active:
            raise RunError("INACTIVE", f"{locked.owner.get_username()} is switched off.")
        if max_cost is not None:
            _check_new_cap(locked, max_cost)
            locked.max_cost = max_cost
        go_on(locked)
    wake_pumps_of(locked)
    return locked


def go_on(run: Run) -> None:
    """Makes a run that is paused run. It must be locked; ring for it afterwards."""
    run.status, run.paused_by, run.reason, run.cap_scope, run.cap_mark = Run.Status.RUNNING, "", "", "", ""
    run.save()
    queue.unpark(run)  # what a limit had no room for is asked about anew


def _check_new_cap(run: Run, max_cost: Decimal) -> None:
    if max_cost <= 0:
        raise RunError("INVALID", "A cap must be more than $0.00.", "maxCost")
    budget = Budget.objects.filter(scope=run.budget_scope).first()
    if budget is None or max_cost >= budget.spent + budget.reserved:
        return
    promised = f" and ${budget.reserved:,.2f} is promised to requests that are not settled" if budget.reserved else ""
    raise RunError(
        "INVALID",
        f"${max_cost:,.2f} is less than this run has used: ${budget.spent:,.2f} is spent{promised}. "
        f"Set at least ${(budget.spent + budget.reserved).quantize(CENT, ROUND_UP):,.2f}.",
        "maxCost",
    )


def _ask_vendors_again(run: Run, by: Any) -> None:
    for stage in stages.stages_of(run.kind):
        vendor = catalogue.operation(stages.operation_name(stage, run.options)).vendor
        if by.has_perm("integrations.change_vendor"):
            breaker.reset(vendor.pk)
        elif vendor.paused_reason or not vendor.enabled:
            raise RunError(
                "VENDOR_PAUSED", f"{vendor} is paused: an operator has to open it again first (admin: Vendors)."
            )


def cancel_run(*, run: Run) -> Run:
    """Ends a run: nothing more is bought, what is in flight is kept, what waits is skipped. Raises RunError if over.

    What waits is skipped a part at a time, so that nobody waits long for the run's row; beat finishes it where we die.
    """
    with transaction.atomic():
        locked = _open(run)
        locked.status, locked.paused_by, locked.reason = Run.Status.CANCELLED, "", ""
        locked.finished_at = database_now()
        locked.save()
    queue.skip_cancelled(run.pk)
    locked.refresh_from_db()
    return locked


def retry_failed(*, run: Run, by: Any) -> Run:
    """Starts a new run over the leads that failed in this one, but for those that need a billing check first.

    Raises RunError if none did or its bucket is gone.
    """
    options = retry_options(run)
    if run.bucket is None:
        raise RunError("NOT_FOUND", "The bucket of this run is gone.")
    again, _ = start_run(bucket=run.bucket, by=by, options=options)
    return again


def retry_options(run: Run) -> RunOptions:
    """What a retry of the leads that failed asks for, so that it can be quoted first.

    Leads whose purchase is in doubt are left out and counted: another may buy them twice. Raises RunError if none
    failed, or if all that did are in doubt.
    """
    failed = list(run.items.filter(outcome=RunItem.Outcome.FAILED).order_by("pk"))
    doubtful = stages.leads_in_doubt(run, [Waiting(item.pk, item.lead_id, 0) for item in failed])
    left_out = len(doubtful) + run.in_doubt
    again = [item.lead_id for item in failed if item.lead_id not in doubtful]
    if not again:
        if left_out:
            leads = f"{left_out:,} leads need" if left_out != 1 else "1 lead needs"
            raise RunError("IN_DOUBT", f"{leads} a billing check first: no other lead of this run failed.")
        raise RunError("NOTHING_FAILED", "No lead of this run failed.")
    spent = run.options
    return RunOptions(
        lead_ids=again,
        left_out=left_out,
        skip_trace=spent.get("skipTrace", True),
        guard=spent.get("guard") or {},
        max_cost=run.max_cost,
        kind=run.kind,
        type=spent.get("type", "people"),
        reveal_emails=spent.get("revealEmails", True),
        reveal_phones=spent.get("revealPhones", False),
        update_db=spent.get("updateDb", True),
        fresh_after=datetime.fromisoformat(spent["freshAfter"]) if "freshAfter" in spent else None,
    )


def _open(run: Run) -> Run:
    locked = queue.lock_run(run.pk)
    if locked is None or not locked.is_open:
        word = locked.get_status_display().lower() if locked else "gone"
        raise RunError("RUN_OVER", f"The run is {word}.")
    return locked
