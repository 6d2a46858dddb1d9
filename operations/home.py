"""What the first page shows: what needs a person now, money against caps, leads by state, runs at work. Reads only.

From counters, budgets and partial indexes: no query counts more than a hundred leads, and the number of queries is the
same over a million.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from accounts.models import User
from buckets.models import Bucket, Fill, Import
from common.dates import moment
from common.db.ids import uuid7_floor
from common.values.percent import percent
from enrichment.models import Run, RunItem, Schedule
from enrichment.rules import day_of_cap, month_of_cap
from enrichment.selectors import billing_check, stands_in_words, workers_alive
from integrations.ledger import budgets, catalogue, scopes
from integrations.ledger.budgets import ZERO
from integrations.ledger.pace import database_now
from integrations.models import Budget, PhoneReveal, Vendor, VendorCall
from integrations.operating.vendors import trouble
from leads.models import Lead

NEARLY = Decimal("0.8")  # of a cap: there is still time to raise it
RECENT = timedelta(days=14)  # what failed before that is no news
SHOWN = 10  # of a kind
CALLBACKS_SHOWN = 3  # those that wait longest; the list has them all
RUNS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Need:
    """Something a person has to decide or mend. row: what it is about, a row or the model whose list it is in.

    parts: some of the rows it tells of, each with its words. resume: one press goes on with the run that `row` is.
    """

    title: str
    words: str
    row: Any
    parts: Sequence[tuple[str, Any]] = ()
    resume: bool = False


@dataclass(frozen=True, slots=True)
class Spent:
    """US dollars with a vendor, or leads. cap: of the day, or of the period the name says; None: it has none."""

    name: str
    today: Decimal
    month: Decimal | None = None
    cap: Decimal | None = None
    used: Decimal = ZERO  # of the cap: spent and promised

    @property
    def percent(self) -> int:
        """Of the cap, 0 to 100."""
        if self.cap is None:
            return 0
        return percent(self.used, self.cap) if self.cap else 100


@dataclass(frozen=True, slots=True)
class Stock:
    """Leads, from the buckets' counters, and what buying all of them would have cost. US dollars."""

    buckets: int
    leads: int
    detailed: int
    with_phone: int
    waiting: int
    contacted: int
    all_of_it: Decimal
    spent: Decimal

    @property
    def kept(self) -> Decimal:
        return max(self.all_of_it - self.spent, ZERO)

    def states(self) -> list[tuple[str, int, int]]:
        """(words, leads, whole percent of all)."""
        rows = (
            ("Saved", self.leads),
            ("Property data", self.detailed),
            ("With a phone", self.with_phone),
            ("Waiting in a job", self.waiting),
            ("Contacted", self.contacted),
        )
        return [(words, count, percent(count, self.leads)) for words, count in rows]


def _mine(rows: Any, user: User, owner: str = "owner") -> Any:
    """The rows this person sees: superusers see all."""
    return rows if user.is_superuser else rows.filter(**{owner: user})


# --- What needs me now ------------------------------------------------------------------------------------------------


def needs(user: User) -> list[Need]:
    """What waits for a person, the most urgent first. Vendors and what is in doubt are the superusers' to decide."""
    now = database_now()
    found = [*_idle_workers(user, now), *(_vendors_down(now) if user.is_superuser else ())]
    found += _in_doubt() if user.is_superuser else ()
    found += [
        *_callbacks(user, now),
        *_paused(user, now),
        *_schedules(user, now),
        *_caps(user, now),
        *_failed(user, now),
    ]
    return [*found, *_stopped_fills(user, now), *_failed_imports(user, now)]


def _idle_workers(user: User, now: datetime) -> list[Need]:
    active = _mine(Run.objects.filter(status__in=Run.ACTIVE), user)
    if workers_alive(now) or not active.exists():
        return []
    return [Need("No worker is running", "Enrichment jobs wait; nothing is lost. Start a worker.", Run)]


def _vendors_down(now: datetime) -> Iterable[Need]:
    for vendor in Vendor.objects.filter(
        Q(enabled=False) | ~Q(paused_reason="") | Q(breaker_open_until__isnull=False)
    ).order_by("pk"):
        if words := trouble(vendor, now):
            yield Need(f"{vendor} is not available", words, vendor)


def _in_doubt() -> Iterable[Need]:
    for model, what in ((VendorCall, "request"), (PhoneReveal, "mobile number request")):
        many = model.objects.filter(state="in_doubt").order_by("pk")[: SHOWN * 10].count()
        if many:
            count = f"{many}{' or more' if many == SHOWN * 10 else ''}"
            plural = "s" if many > 1 else ""
            title = f"{count} {what}{plural} {'need' if many > 1 else 'needs'} a billing check"
            yield Need(title, "Look at the vendor's bill, then say whether it was billed.", model)


def _callbacks(user: User, now: datetime) -> Iterable[Need]:
    """One's own, for superusers too: whoever has the lead calls, and everybody's callbacks would bury theirs."""
    due = Lead.objects.owned_by(user).to_call_back(before=now)
    first = due.only("callback_at", "owner_name", "property_address", "property_city", "property_id")
    parts = [(_whom(lead, user.time_zone), lead) for lead in first.order_by("callback_at", "pk")[:CALLBACKS_SHOWN]]
    if parts:
        many = due.order_by()[: SHOWN * 10].count()
        count = f"{many}{' or more' if many == SHOWN * 10 else ''}"
        yield Need(f"{count} callback{'s' if many > 1 else ''} due", "", Lead, parts)


def _whom(lead: Any, time_zone: str) -> str:
    """When, who and where: Wed, Nov 25, 2:30 PM MST: Jo Smith, 12 Main St, Seattle."""
    who = ", ".join(filter(None, (lead.owner_name, str(lead), lead.property_city)))
    return f"{moment(lead.callback_at, time_zone)}: {who}"


def _paused(user: User, now: datetime) -> Iterable[Need]:
    runs = _mine(Run.objects.filter(status=Run.Status.PAUSED), user).select_related("owner")
    for run in runs.order_by("-pk")[:SHOWN]:
        words = run.reason or run.get_paused_by_display()
        yield Need(f"Paused: {run.bucket_name}", words, run, resume=_fits_again(run, now))


def _fits_again(run: Run, now: datetime) -> bool:
    """Whether a month's or a day's limit that paused a run has room again, and it waits for a person all the same."""
    if run.paused_by != Run.Pause.CAP or run.bucket_id is None or not run.owner.is_active:
        return False
    if month_of_cap(run.cap_scope) is not None:
        left = budgets.room(budgets.month_cap(run.owner_id, run.owner.monthly_budget, now))
        return left is None or left > 0
    day = day_of_cap(run.cap_scope)
    return day is not None and day < now.astimezone(UTC).date()


def _schedules(user: User, now: datetime) -> Iterable[Need]:
    """Schedules whose last time came to nothing."""
    failed = Schedule.objects.filter(failures__gt=0, last_at__gt=now - RECENT)
    for schedule in _mine(failed, user).order_by("-pk")[:SHOWN]:
        times = f" {schedule.failures} times in a row." if schedule.failures > 1 else ""
        yield Need(f"Schedule failed: {schedule.bucket_name}", f"{schedule.last_result}{times}", schedule)


def _failed(user: User, now: datetime) -> Iterable[Need]:
    """Runs with leads that failed and that no later run has taken up: told by the last, as a retry goes by their order.

    `item_failed` has it at hand, however many there are: the side bar asks on every page.
    """
    failed = RunItem.objects.filter(run=OuterRef("pk"), outcome=RunItem.Outcome.FAILED).order_by("-pk")
    later = RunItem.objects.filter(lead=OuterRef("last_lead"), pk__gt=OuterRef("last_item"))
    over = (Run.Status.COMPLETED, Run.Status.CANCELLED)
    runs = Run.objects.filter(pk__gte=uuid7_floor(now - RECENT), status__in=over, failed__gt=0, bucket__isnull=False)
    last = {"last_lead": Subquery(failed.values("lead")[:1]), "last_item": Subquery(failed.values("pk")[:1])}
    for run in _mine(runs, user).annotate(**last).filter(~Exists(later)).order_by("-pk")[:SHOWN]:
        leads = f"{run.failed:,} lead{'' if run.failed == 1 else 's'} failed"
        yield Need(f"Failed leads: {run.bucket_name}", f"{leads}. See why, then retry.", run)


def _stopped_fills(user: User, now: datetime) -> Iterable[Need]:
    fills = Fill.objects.filter(pk__gte=uuid7_floor(now - RECENT), status=Fill.Status.FAILED).select_related("bucket")
    for fill in _mine(fills, user, "bucket__owner").order_by("-pk")[:SHOWN]:
        yield Need(f"Saving stopped: {fill.bucket}", f"{fill.saved:,} ids are saved. {fill.error}", fill)


def _failed_imports(user: User, now: datetime) -> Iterable[Need]:
    jobs = Import.objects.filter(pk__gte=uuid7_floor(now - RECENT), status=Import.Status.FAILED)
    for job in _mine(jobs, user, "bucket__owner").order_by("-pk")[:SHOWN]:
        yield Need(f"Import failed: {job.file_name}", f"{job.read:,} of {job.total:,} rows are read. {job.error}", job)


def _caps(user: User, now: datetime) -> Iterable[Need]:
    if user.is_superuser:
        for spent in vendor_money(now):
            if spent.cap is not None and spent.used >= NEARLY * spent.cap:
                words = f"${spent.used:,.2f} of ${spent.cap:,.2f} is used today."
                yield Need(f"Daily spending limit nearly reached: {spent.name}", words, Vendor(name=spent.name))
    people = User.objects.filter(is_active=True) if user.is_superuser else User.objects.filter(pk=user.pk)
    who = OuterRef("pk")
    rows = people.annotate(
        month=_budget(scopes.in_sql(lambda pk: scopes.user_month(pk, now), who)),
        leads=_budget(scopes.in_sql(lambda pk: scopes.leads_day(pk, now), who)),
    ).filter(
        Q(month__gte=NEARLY * F("monthly_budget"), month__gt=0)
        | Q(leads__gte=NEARLY * F("daily_lead_limit"), leads__gt=0)
    )
    for person in rows.order_by("pk")[:SHOWN]:
        if person.month and person.month >= NEARLY * person.monthly_budget:
            yield Need(
                f"Monthly budget nearly used: {person}",
                f"${person.month:,.2f} of ${person.monthly_budget:,.2f} this month.",
                person,
            )
        if person.leads and person.leads >= NEARLY * person.daily_lead_limit:
            yield Need(
                f"Daily lead limit nearly reached: {person}",
                f"{person.leads:,.0f} of {person.daily_lead_limit:,} today.",
                person,
            )


def _budget(scope: Any) -> Coalesce:
    """Spent and promised in the budget of this scope."""
    budget = Budget.objects.filter(scope=scope)
    return Coalesce(Subquery(budget.values(used=F("spent") + F("reserved"))), Value(ZERO))


# --- Money and stock --------------------------------------------------------------------------------------------------


def money(user: User) -> list[Spent]:
    """By vendor for superusers, against its daily cap; else one's own, by vendor and against one's limits."""
    now = database_now()
    return vendor_money(now) if user.is_superuser else [*_own_by_vendor(user, now), *_own_limits(user, now)]


def vendor_money(now: datetime) -> list[Spent]:
    """Every vendor's day and month, from its budgets: one a day."""
    vendors = list(Vendor.objects.filter(pk__in=settings.VENDORS).order_by("pk"))
    days = [now.replace(day=day) for day in range(1, now.day + 1)]
    names = {scopes.vendor_day(vendor.pk, day): vendor.pk for vendor in vendors for day in days}
    month: dict[str, Decimal] = {}
    today: dict[str, Budget] = {}
    for budget in Budget.objects.filter(scope__in=list(names)):
        name = names[budget.scope]
        month[name] = month.get(name, ZERO) + budget.spent
        if budget.scope == scopes.vendor_day(name, now):
            today[name] = budget
    return [
        _vendor_spent(vendor.pk, vendor.cap, today.get(vendor.pk), month.get(vendor.pk, ZERO)) for vendor in vendors
    ]


def _vendor_spent(name: str, cap: Decimal, today: Budget | None, month: Decimal) -> Spent:
    spent, used = (today.spent, today.spent + today.reserved) if today else (ZERO, ZERO)
    return Spent(name, spent, month, cap, used)


def _own_by_vendor(user: User, now: datetime) -> list[Spent]:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    calls = VendorCall.objects.filter(user=user, pk__gte=uuid7_floor(midnight.replace(day=1)))
    rows = (
        calls.values("operation__vendor")
        .annotate(month=Sum("cost"), today=Sum("cost", filter=Q(created_at__gte=midnight)))
        .order_by("operation__vendor")
    )
    return [Spent(row["operation__vendor"], row["today"] or ZERO, row["month"]) for row in rows]


def _own_limits(user: User, now: datetime) -> list[Spent]:
    month = Budget.objects.filter(pk=scopes.user_month(user.pk, now)).first()
    used = month.spent + month.reserved if month else ZERO
    return [Spent("This month's budget", ZERO, month.spent if month else ZERO, user.monthly_budget, used)]


def leads_today(user: User) -> Spent:
    """Leads this person bought facts for today, against their limit."""
    budget = Budget.objects.filter(pk=scopes.leads_day(user.pk, database_now())).first()
    used = budget.spent + budget.reserved if budget else ZERO
    return Spent("Leads today", used, cap=Decimal(user.daily_lead_limit), used=used)


def stock(user: User) -> Stock:
    counted = _mine(Bucket.objects.all(), user).aggregate(
        leads=Sum("total_leads"),
        detailed=Sum("detailed_leads"),
        with_phone=Sum("phone_leads"),
        waiting=Sum("queued_leads"),
        contacted=Sum("contacted_leads"),
    )
    each = sum((catalogue.operation(name).setting("price") for name in ("property_detail", "skip_trace")), ZERO)
    scope = scopes.beginning(scopes.VENDOR) if user.is_superuser else scopes.beginning(scopes.USER, user.pk)
    spent = Budget.objects.filter(scope__startswith=scope).aggregate(s=Sum("spent"))["s"]
    counts = {name: value or 0 for name, value in counted.items()}
    buckets = _mine(Bucket.objects.all(), user)[:1].count()
    return Stock(buckets=buckets, all_of_it=each * counts["leads"], spent=spent or ZERO, **counts)


# --- Runs at work -----------------------------------------------------------------------------------------------------


def open_runs(user: User) -> Sequence[Any]:
    """The latest runs that are not over, with `spent`, `stands` and `parts`: percents of its leads by outcome."""
    rows = _mine(Run.objects.with_money().filter(status__in=Run.OPEN), user).select_related("owner")
    runs: list[Any] = list(rows.order_by("-pk")[:RUNS_SHOWN])
    for run in runs:
        run.stands = stands_in_words(run)
        run.check = billing_check(run).words if run.in_doubt else ""
        run.parts = [
            (kind, 100 * count / run.total if run.total else 0)
            for kind, count in (("", run.enriched), ("partial", run.partial + run.skipped), ("failed", run.failed))
        ]
    return runs
