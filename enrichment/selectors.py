"""What a person wants to know about runs before and while they spend money. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, Sum

from accounts.models import User
from buckets.models import Bucket
from enrichment.models import PumpLease, Run, RunItem, Schedule
from enrichment.quoting.quotes import Quote as Quote
from enrichment.quoting.quotes import QuoteLine as QuoteLine
from enrichment.quoting.quotes import quote as quote
from enrichment.worker import stages
from integrations.ledger import breaker, budgets, catalogue, pace
from integrations.ledger.budgets import ZERO
from integrations.ledger.pace import database_now
from integrations.models import Budget, VendorCall
from integrations.vendors import available

Stage = RunItem.Stage


def eta_seconds(run: Run) -> int | None:
    """Seconds until an active run is done, from the pace and what is queued ahead of it. None: it is not moving."""
    if run.status not in Run.ACTIVE:
        return None
    waiting = dict(run.items.exclude(stage=0).values_list("stage").annotate(n=Count("id")))
    if not waiting:
        return 0
    longest = 0.0
    for stage in stages.stages_of(run.kind):
        name = stages.operation_name(stage, run.options)
        before = waiting.get(Stage.DETAIL, 0) if stage == Stage.SKIP_TRACE and run.options.get("skipTrace", True) else 0
        items = waiting.get(stage, 0) + before
        if not items:
            continue
        operation = catalogue.operation(name)
        requests = -(-items // stages.largest_batch(operation))
        sharing = _users_at(stage)
        longest = max(longest, requests * pace.interval(operation.setting("pace")) * max(sharing, 1))
    return round(longest + 2)  # two seconds for the last answers


def _users_at(stage: int) -> int:
    active = Run.objects.filter(status__in=Run.ACTIVE, fair_shares__stage=stage)
    return active.values("owner").distinct().count()


def paused_in_words(run: Run) -> str:
    """Paused: reached its $5.00 spending limit."""
    reason = run.reason or run.get_paused_by_display()
    return f"Paused: {reason[0].lower()}{reason[1:]}" if reason.startswith("Reached ") else f"Paused: {reason}"


def why_waiting(run: Run) -> str:
    """Why an open run is not moving right now, in words an operator reads; empty where it moves or is over."""
    if run.status == Run.Status.PAUSED:
        return run.reason
    if run.status not in Run.ACTIVE:
        return ""
    now = database_now()
    stage = run.items.exclude(stage=0).order_by("-stage").values_list("stage", flat=True).first()
    if stage is None:
        return ""
    operation = catalogue.operation(stages.operation_name(stage, run.options))
    vendor = operation.vendor
    if not vendor.enabled:
        return f"{vendor} is switched off."
    if vendor.paused_reason:
        return vendor.paused_reason
    if lacking := available.lack(vendor.pk):
        return f"{lacking}."
    if breaker.is_open(vendor, now) and vendor.breaker_open_until:
        return f"{vendor} failed repeatedly; next try at {vendor.breaker_open_until:%H:%M:%S} UTC."
    if operation.next_slot_at and (operation.next_slot_at - now).total_seconds() > 60:
        return f"{vendor} asked to wait until {operation.next_slot_at:%Y-%m-%d %H:%M} UTC."
    if not workers_alive(now):
        return "No worker is alive."
    return (
        f"The pace of {operation}: {operation.setting('pace')} requests a minute." if operation.setting("pace") else ""
    )


def workers_alive(now: datetime | None = None) -> bool:
    """Whether any pump has given a sign of life within a minute."""
    now = now or database_now()
    return PumpLease.objects.filter(beat_at__gt=now - timedelta(minutes=1)).exists()


@dataclass(frozen=True, slots=True)
class Usage:
    """A user's money and leads against their limits. US dollars."""

    spent_today: Decimal
    spent_this_month: Decimal
    reserved: Decimal
    monthly_budget: Decimal
    leads_today: int
    daily_lead_limit: int
    by_operation: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class BillingCheck:
    """What of a run waits for an operator: its leads, and the US dollars held for its requests in doubt."""

    leads: int
    held: Decimal

    @property
    def words(self) -> str:
        """Empty where nothing waits."""
        if not self.leads and not self.held:
            return ""
        return f"{self.leads:,} {'needs' if self.leads == 1 else 'need'} a billing check, ${self.held:,.2f} held"


def billing_check(run: Run) -> BillingCheck:
    """The leads of a run that need a billing check, and the money held for them."""
    doubtful = VendorCall.objects.filter(run_id=run.pk, state=VendorCall.State.IN_DOUBT)
    return BillingCheck(run.in_doubt, doubtful.aggregate(held=Sum("reserved"))["held"] or ZERO)


def left_out_of_retry(run: Run) -> str:
    """What a retry of this run's failed leads leaves out, in words; empty where it leaves nothing out."""
    check = billing_check(run).words
    return f"{check}: left out, until it is decided whether they were billed." if check else ""


def leads_of_run(bucket_id: UUID, run_id: UUID) -> Q | None:
    """Which leads a run of this bucket took; None: it is no run of this bucket."""
    return Q(run_items__run_id=run_id) if Run.objects.filter(pk=run_id, bucket=bucket_id).exists() else None


def leads_waiting_for(call_id: UUID) -> int:
    """Leads of runs that go on once this request in doubt is decided."""
    return RunItem.objects.filter(token=call_id).exclude(stage=Stage.DONE).count()


def usage(user: User) -> Usage:
    now = database_now()
    month = Budget.objects.filter(scope=budgets.month_cap(user.pk, ZERO, now).scope).first()
    leads = Budget.objects.filter(scope=budgets.lead_cap(user.pk, 0, now).scope).first()
    calls = VendorCall.objects.filter(
        user=user, created_at__gte=now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    )
    today = calls.filter(created_at__gte=now.replace(hour=0, minute=0, second=0, microsecond=0))
    rows = (
        calls.values("operation__vendor", "operation__name")
        .annotate(requests=Count("id"), inputs=Sum("inputs"), found=Sum("found"), spent=Sum("cost"))
        .order_by("operation__vendor", "operation__name")
    )
    return Usage(
        spent_today=today.aggregate(s=Sum("cost"))["s"] or ZERO,
        spent_this_month=month.spent if month else ZERO,
        reserved=month.reserved if month else ZERO,
        monthly_budget=user.monthly_budget,
        leads_today=int(leads.spent + leads.reserved) if leads else 0,
        daily_lead_limit=user.daily_lead_limit,
        by_operation=[
            {
                "vendor": row["operation__vendor"],
                "operation": row["operation__name"],
                "requests": row["requests"],
                "inputs": row["inputs"],
                "found": row["found"],
                "spent": row["spent"],
            }
            for row in rows
        ],
    )


def bucket_money(bucket: Bucket) -> Decimal:
    """US dollars spent by this bucket's runs."""
    scopes = [f"run:{pk}" for pk in Run.objects.filter(bucket=bucket).values_list("pk", flat=True)]
    return Budget.objects.filter(scope__in=scopes).aggregate(s=Sum("spent"))["s"] or ZERO


def remaining(bucket: Bucket) -> int:
    """Leads nobody has bought facts for yet."""
    return bucket.leads.filter(Q(enrichment_status="pending")).count()


def schedule_result(schedule: Schedule) -> str:
    """What came of a schedule's last tick, in words: what it did, and how far that is by now."""
    words = [schedule.last_result]
    run, fill = schedule.last_run, schedule.last_fill
    if run is not None:
        words.append(
            f"Its last run: {run.get_status_display().lower()}, {run.done:,} of {run.total:,} leads done, "
            f"{run.with_phones:,} with a phone."
        )
    if fill is not None:
        found = "" if fill.found is None else f" of {fill.found:,} found"
        words.append(f"Its last search: {fill.get_status_display().lower()}, {fill.saved:,} new{found}.")
        words.append(fill.error)
    return " ".join(word for word in words if word)
