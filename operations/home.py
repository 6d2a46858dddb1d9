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
from django.db.models import F, Q, Sum

from accounts.access import Access
from buckets.models import Bucket
from campaigns.dialing.progress import REACHED
from campaigns.models import CallAttempt, Campaign, Conversation
from common.db.clock import database_now
from common.db.ids import uuid7_floor
from common.needs import Need, of_team, operates
from common.needs import needs as registered_needs
from common.values.percent import percent
from enrichment.models import Run
from enrichment.selectors import billing_check, stands_in_words
from integrations.ledger import catalogue, scopes
from integrations.ledger.budgets import ZERO
from integrations.models import Budget, Vendor, VendorCall
from leads.models import Lead

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


def needs(access: Access) -> list[Need]:
    """What waits for a person in the team she acts in, the most urgent first."""
    return registered_needs(access, database_now())


# --- Money and stock --------------------------------------------------------------------------------------------------


def money(access: Access) -> list[Spent]:
    """By vendor for operators, all teams' against its daily cap; else one's own, by vendor and against one's limits."""
    now = database_now()
    return vendor_money(now) if operates(access) else [*_own_by_vendor(access, now), *_own_limits(access, now)]


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


def _own_by_vendor(access: Access, now: datetime) -> list[Spent]:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    calls = VendorCall.objects.filter(user=access.user, pk__gte=uuid7_floor(midnight.replace(day=1)))
    rows = (
        calls.values("operation__vendor")
        .annotate(month=Sum("cost"), today=Sum("cost", filter=Q(created_at__gte=midnight)))
        .order_by("operation__vendor")
    )
    return [Spent(row["operation__vendor"], row["today"] or ZERO, row["month"]) for row in rows]


def _own_limits(access: Access, now: datetime) -> list[Spent]:
    """This month's, a person's and her team's."""
    user, team = access.user, access.team
    found = [_limit("This month's budget", scopes.user_month(user.pk, now), user.monthly_budget)]
    if team is not None and team.monthly_budget is not None:
        found.append(_limit("This month's team budget", scopes.team_month(team.pk, now), team.monthly_budget))
    return found


def _limit(name: str, scope: str, cap: Decimal | int) -> Spent:
    budget = Budget.objects.filter(pk=scope).first() or Budget(spent=ZERO, reserved=ZERO)
    return Spent(name, ZERO, budget.spent, Decimal(cap), budget.spent + budget.reserved)


def leads_today(access: Access) -> list[Spent]:
    """Leads this person bought data for today, against her limit, and those of her team, where it has one."""
    user, team, now = access.user, access.team, database_now()
    found = [_limit("Leads you bought data for today", scopes.leads_day(user.pk, now), user.daily_lead_limit)]
    if team is not None and team.daily_lead_limit is not None:
        of_team = scopes.team_leads_day(team.pk, now)
        found.append(_limit("Leads your team bought data for today", of_team, team.daily_lead_limit))
    return found


def stock(access: Access) -> Stock:
    """Of the team she acts in. spent: by its enrichment jobs."""
    own = of_team(Bucket.objects.all(), access)
    counted = own.aggregate(
        leads=Sum("total_leads"),
        detailed=Sum("detailed_leads"),
        with_phone=Sum("phone_leads"),
        waiting=Sum("queued_leads"),
        contacted=Sum("contacted_leads"),
    )
    each = sum((catalogue.operation(name).setting("price") for name in ("property_detail", "skip_trace")), ZERO)
    runs = of_team(Run.objects.with_money(), access)
    spent = runs.aggregate(s=Sum("spent"))["s"] or ZERO
    counts = {name: value or 0 for name, value in counted.items()}
    return Stock(buckets=own[:1].count(), all_of_it=each * counts["leads"], spent=spent, **counts)


# --- What came of it --------------------------------------------------------------------------------------------------

COUNTED_AT_MOST = 10_000  # conversations and deals: a page is no place to count a million


@dataclass(frozen=True, slots=True)
class CameOf:
    """From money to deals, since the beginning. spent: by enrichment jobs and campaigns, US dollars. stages, in order:
    (words, leads, US dollars each; None: there is none).
    """

    spent: Decimal
    stages: Sequence[tuple[str, int, Decimal | None]]


def came_of(access: Access, stock: Stock) -> CameOf | None:
    """Of the team she acts in; None: nobody answered yet. Conversations: leads that wrote, or whom a call reached."""
    wrote = of_team(Conversation.objects.filter(last_in_at__isnull=False, lead__isnull=False), access)
    spoke = of_team(CallAttempt.objects.filter(disposition__outcome__in=REACHED, lead__isnull=False), access)
    talks = wrote.order_by().values("lead_id").union(spoke.order_by().values("lead_id"))
    deals = of_team(Lead.objects.filter(status=Lead.Status.CLOSED), access)
    counts = [
        ("With a phone", stock.with_phone),
        ("Contacted", stock.contacted),
        ("Conversations", talks[: COUNTED_AT_MOST + 1].count()),
        ("Deals", deals[: COUNTED_AT_MOST + 1].count()),
    ]
    if not any(many for _, many in counts[1:]):
        return None
    campaigns = of_team(Campaign.objects.all(), access)
    scoped = Budget.objects.filter(scope__in=campaigns.values_list(scopes.in_sql(scopes.campaign, F("pk"))))
    spent = stock.spent + (scoped.aggregate(s=Sum("spent"))["s"] or ZERO)
    return CameOf(spent, [(words, many, spent / many if many else None) for words, many in counts])


# --- Runs at work -----------------------------------------------------------------------------------------------------


def open_runs(access: Access) -> Sequence[Any]:
    """The team's latest open runs, with `spent`, `stands` and `parts`: percents of its leads by outcome."""
    rows = of_team(Run.objects.with_money().filter(status__in=Run.OPEN), access).select_related("owner")
    runs: list[Any] = list(rows.order_by("-pk")[:RUNS_SHOWN])
    for run in runs:
        run.stands = stands_in_words(run)
        run.check = billing_check(run).words if run.in_doubt else ""
        run.parts = [
            (kind, 100 * count / run.total if run.total else 0)
            for kind, count in (("", run.enriched), ("partial", run.partial + run.skipped), ("failed", run.failed))
        ]
    return runs
