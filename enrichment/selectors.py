"""What a person wants to know about runs before and while they spend money. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from accounts.access import Scope, access_in
from accounts.models import Team, User
from buckets.models import Bucket
from common.dates import moment
from common.db.clock import database_now
from enrichment.models import PumpLease, Run, RunItem, Schedule
from enrichment.options import RunOptions
from enrichment.rules import doubt_in_words
from enrichment.worker import stages
from integrations.ledger import breaker, catalogue, pace, scopes
from integrations.ledger.budgets import ZERO
from integrations.models import Balance, VendorCall
from integrations.vendors import available
from leads.keys.owners import one_lead_per_owner, others_per_owner
from leads.models import Lead
from leads.querysets import LeadQuerySet

Stage = RunItem.Stage


def eta_seconds(run: Run) -> int | None:
    """Seconds until an active run is done, from the pace and the leads queued ahead of it. None: it is not moving."""
    if run.status not in Run.ACTIVE:
        return None
    waiting = dict(run.items.exclude(stage=0).values_list("stage").annotate(n=Count("id")))
    if not waiting:
        return 0
    longest, options, rows = 0.0, run.asked, stages.stages_of(run.kind)
    for row in rows:
        before = sum(waiting.get(other.stage, 0) for other in rows if other.onward(options) == row.stage)
        items = waiting.get(row.stage, 0) + before
        if not items:
            continue
        operation = catalogue.operation(row.operation_name(options))
        requests = -(-items // stages.largest_batch(operation))
        sharing = _users_at(row.stage)
        longest = max(longest, requests * pace.interval(operation.setting("pace")) * max(sharing, 1))
    return round(longest + 2)  # two seconds for the last answers


def _users_at(stage: int) -> int:
    active = Run.objects.filter(status__in=Run.ACTIVE, fair_shares__stage=stage)
    return active.values("owner").distinct().count()


def paused_in_words(run: Run) -> str:
    """Paused: reached its $5.00 spending limit. A reason that begins with a name keeps its capital."""
    reason = _reason(run) or run.get_paused_by_display()
    if reason.startswith("Paused"):
        return reason
    return f"Paused: {reason[0].lower()}{reason[1:]}" if reason.startswith("Reached ") else f"Paused: {reason}"


def _reason(run: Run) -> str:
    """Why a run is paused. What its row says of billing checks is as old as the pause: decided ones are told at once,
    though a worker lets their leads go on a moment later.
    """
    if run.paused_by != Run.Pause.DOUBT or not run.in_doubt:
        return run.reason
    left = leads_in_doubt(run)
    return doubt_in_words(left) if left else "The billing checks are decided; its leads continue in a moment."


def why_waiting(run: Run) -> str:
    """Why an open run is not moving right now, in words an operator reads; empty where it moves or is over."""
    if run.status == Run.Status.PAUSED:
        return _reason(run)
    if run.status not in Run.ACTIVE:
        return ""
    if run.only_waits_for_billing_check:
        return "its billing checks" if leads_in_doubt(run) else ""
    now = database_now()
    stage = run.items.exclude(stage=0).order_by("-stage").values_list("stage", flat=True).first()
    if stage is None:
        return ""
    operation = catalogue.operation(stages.STAGES[stage].operation_name(run.asked))
    vendor = operation.vendor
    if not vendor.enabled:
        return f"{vendor} is turned off."
    if vendor.paused_reason:
        return vendor.paused_reason
    if lacking := available.lack(vendor.pk):
        return f"{lacking}."
    if breaker.is_open(operation, now) and operation.breaker_open_until:
        return f"{vendor} failed repeatedly; next try at {moment(operation.breaker_open_until)}."
    if operation.next_slot_at and (operation.next_slot_at - now).total_seconds() > 60:
        return f"{vendor} asked to wait until {moment(operation.next_slot_at)}."
    if not workers_alive(now):
        return "No worker is running."
    pace_now: Decimal = operation.setting("pace")
    return f"vendor rate limit ({pace_now.normalize():f}/min)" if pace_now else ""


def stands_in_words(run: Run) -> str:
    """Why an open run stands, as a page says it: "Paused: …" or "Waiting: …"; empty where it moves or is over."""
    if run.status == Run.Status.PAUSED:
        return paused_in_words(run)
    why = why_waiting(run)
    return f"Waiting: {why}" if why else ""


def workers_alive(now: datetime | None = None) -> bool:
    """Whether any pump has given a sign of life within a minute."""
    now = now or database_now()
    return PumpLease.objects.filter(beat_at__gt=now - timedelta(minutes=1)).exists()


def select_leads(bucket_id: UUID | None, options: RunOptions, *, by: User) -> QuerySet[Lead]:
    """The leads a run of this person takes, oldest first. A lead that waits in another run is left to that one."""
    leads: QuerySet[Lead] = _candidates(bucket_id, options)
    if options.one_per_owner:
        leads = one_lead_per_owner(leads, contacts=_sees_contacts(by, bucket_id))
    limit = options.limit if options.limit is not None else settings.RUN_LIMIT
    if options.lead_ids is not None and options.limit is None:
        limit = len(options.lead_ids)
    return leads.order_by("pk")[: min(limit, settings.RUN_LIMIT_MAX)]


def _sees_contacts(by: User, bucket_id: UUID | None) -> bool:
    """Whether this person sees contacts in the bucket's team."""
    if bucket_id is None:
        return False
    team_id = Bucket.objects.filter(pk=bucket_id).values_list("team_id", flat=True).first()
    return team_id is not None and access_in(by, team_id).can(Scope.CONTACTS)


def left_out_as_same_owner(bucket_id: UUID | None, options: RunOptions, *, by: User) -> int:
    """How many leads a run leaves out because an older one that it could take has the same owner."""
    if not options.one_per_owner:
        return 0
    return others_per_owner(_candidates(bucket_id, options), contacts=_sees_contacts(by, bucket_id)).count()


def _candidates(bucket_id: UUID | None, options: RunOptions) -> LeadQuerySet[Lead]:
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
    return leads.exclude(run_items__in=RunItem.objects.exclude(stage=0))


@dataclass(frozen=True, slots=True)
class TeamUsage:
    """What a team has used of its own limits, all members together. None: it has no limit of its own."""

    spent_this_month: Decimal
    reserved: Decimal
    monthly_budget: Decimal | None
    leads_today: int
    daily_lead_limit: int | None


@dataclass(frozen=True, slots=True)
class Usage:
    """A user's money and leads against their limits, and those of the team they work in. US dollars."""

    spent_today: Decimal
    spent_this_month: Decimal
    reserved: Decimal
    monthly_budget: Decimal
    leads_today: int
    daily_lead_limit: int
    team: TeamUsage | None
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


def leads_in_doubt(run: Run) -> int:
    """Its leads whose request needs a billing check. `in_doubt` of the row still counts those that were decided until a
    worker has let them go.
    """
    if not run.in_doubt:
        return 0
    return run.items.filter(item_waits_for_check()).exclude(stage=Stage.DONE).count()


def moves(run: Run) -> bool:
    """Whether its page is worth another look in a moment: it is at work, or its billing checks were just decided."""
    return run.status in Run.ACTIVE or (run.status in Run.OPEN and run.in_doubt > leads_in_doubt(run))


def billing_check(run: Run) -> BillingCheck:
    """The leads of a run that need a billing check, and the money held for them."""
    doubtful = VendorCall.objects.filter(run_id=run.pk, state=VendorCall.State.IN_DOUBT)
    return BillingCheck(leads_in_doubt(run), doubtful.aggregate(held=Sum("reserved"))["held"] or ZERO)


def item_waits_for_check() -> Exists:
    """Of an item: whether its request needs a billing check."""
    return Exists(VendorCall.objects.filter(pk=OuterRef("token"), state=VendorCall.State.IN_DOUBT))


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


def _used(scope: str) -> tuple[Decimal, Decimal]:
    """Spent and reserved in a budget."""
    return Balance.objects.filter(scope=scope).values_list("spent", "reserved").first() or (ZERO, ZERO)


def team_usage(team: Team, now: datetime) -> TeamUsage:
    """A team's money and leads of this month and day."""
    spent, reserved = _used(scopes.team_month(team.pk, now))
    leads = int(sum(_used(scopes.team_leads_day(team.pk, now))))
    return TeamUsage(spent, reserved, team.monthly_budget, leads, team.daily_lead_limit)


def usage(user: User, team: Team | None = None) -> Usage:
    """team: the one the user works in; None: only the user's own."""
    now = database_now()
    spent, reserved = _used(scopes.user_month(user.pk, now))
    leads = int(sum(_used(scopes.leads_day(user.pk, now))))
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
        spent_this_month=spent,
        reserved=reserved,
        monthly_budget=user.monthly_budget,
        leads_today=leads,
        daily_lead_limit=user.daily_lead_limit,
        team=None if team is None else team_usage(team, now),
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
    of_runs = [scopes.run(pk) for pk in Run.objects.filter(bucket=bucket).values_list("pk", flat=True)]
    return Balance.objects.filter(scope__in=of_runs).aggregate(s=Sum("spent"))["s"] or ZERO


def remaining(bucket: Bucket) -> int:
    """Leads nobody has bought facts for yet."""
    return bucket.leads.filter(Q(enrichment_status="pending")).count()


def schedule_result(schedule: Schedule) -> str:
    """What came of a schedule's last tick, in words: what it did, and how far that is by now."""
    words = [schedule.last_result]
    run, fill = schedule.last_run, schedule.last_fill
    if run is not None:
        words.append(
            f"Last enrichment job: {run.get_status_display().lower()}, {run.done:,} of {run.total:,} leads done, "
            f"{run.enriched:,} with a phone."
        )
    if fill is not None:
        found = "" if fill.found is None else f" of {fill.found:,} found"
        words.append(f"Last search: {fill.get_status_display().lower()}, {fill.saved:,} new{found}.")
        words.append(fill.error)
    return " ".join(word for word in words if word)
