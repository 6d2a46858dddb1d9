"""What the first page shows: what needs a person now, money against caps, leads by state, runs at work. Reads only.

From counters, budgets and partial indexes: no query counts more than a hundred leads, and the number of queries is the
same over a million.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Q, Sum

from accounts.models import User
from buckets.models import Bucket
from common.db.clock import database_now
from common.db.ids import uuid7_floor
from common.needs import Need, mine
from common.needs import needs as registered_needs
from common.values.percent import percent
from enrichment.models import Run
from enrichment.selectors import billing_check, stands_in_words
from integrations.ledger import catalogue, scopes
from integrations.ledger.budgets import ZERO
from integrations.models import Budget, Vendor, VendorCall

RUNS_SHOWN = 8


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


def needs(user: User) -> list[Need]:
    """What waits for a person, the most urgent first."""
    return registered_needs(user, database_now())


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
    counted = mine(Bucket.objects.all(), user).aggregate(
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
    buckets = mine(Bucket.objects.all(), user)[:1].count()
    return Stock(buckets=buckets, all_of_it=each * counts["leads"], spent=spent or ZERO, **counts)


# --- Runs at work -----------------------------------------------------------------------------------------------------


def open_runs(user: User) -> Sequence[Any]:
    """The latest runs that are not over, with `spent`, `stands` and `parts`: percents of its leads by outcome."""
    rows = mine(Run.objects.with_money().filter(status__in=Run.OPEN), user).select_related("owner")
    runs: list[Any] = list(rows.order_by("-pk")[:RUNS_SHOWN])
    for run in runs:
        run.stands = stands_in_words(run)
        run.check = billing_check(run).words if run.in_doubt else ""
        run.parts = [
            (kind, 100 * count / run.total if run.total else 0)
            for kind, count in (("", run.enriched), ("partial", run.partial + run.skipped), ("failed", run.failed))
        ]
    return runs
