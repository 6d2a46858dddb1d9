"""Money against limits: a person's, her team's, and the installation's by vendor. Reads only: a few budgets each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import Q, Sum

from accounts.access import Access
from common.db.clock import database_now
from common.db.ids import uuid7_floor
from common.values.percent import percent
from integrations.ledger import scopes
from integrations.ledger.budgets import ZERO
from integrations.models import Balance, Vendor, VendorCall
from integrations.naming import vendors as vendor_names
from operations.reports.spend import Costs, costs_of_month, may_see


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


def money(access: Access) -> list[Spent]:
    """One's own, by vendor and against one's limits."""
    now = database_now()
    return [*_own_by_vendor(access, now), *_own_limits(access, now)]


def vendor_money(now: datetime) -> list[Spent]:
    """Every vendor's day and month, from its budgets: one a day."""
    vendors = list(Vendor.objects.filter(pk__in=settings.VENDORS).order_by("pk"))
    days = [now.replace(day=day) for day in range(1, now.day + 1)]
    names = {scopes.vendor_day(vendor.pk, day): vendor.pk for vendor in vendors for day in days}
    month: dict[str, Decimal] = {}
    today: dict[str, Balance] = {}
    for budget in Balance.objects.filter(scope__in=list(names)):
        name = names[budget.scope]
        month[name] = month.get(name, ZERO) + budget.spent
        if budget.scope == scopes.vendor_day(name, now):
            today[name] = budget
    return [
        _vendor_spent(str(vendor), vendor.cap, today.get(vendor.pk), month.get(vendor.pk, ZERO)) for vendor in vendors
    ]


def _vendor_spent(name: str, cap: Decimal, today: Balance | None, month: Decimal) -> Spent:
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
    return [Spent(vendor_names.title(row["operation__vendor"]), row["today"] or ZERO, row["month"]) for row in rows]


def _own_limits(access: Access, now: datetime) -> list[Spent]:
    """This month's, a person's and her team's."""
    user, team = access.user, access.team
    found = [_limit("This month's budget", scopes.user_month(user.pk, now), user.monthly_budget)]
    if team is not None and team.monthly_budget is not None:
        found.append(_limit("This month's team budget", scopes.team_month(team.pk, now), team.monthly_budget))
    return found


def _limit(name: str, scope: str, cap: Decimal | int) -> Spent:
    budget = Balance.objects.filter(pk=scope).first() or Balance(spent=ZERO, reserved=ZERO)
    return Spent(name, ZERO, budget.spent, Decimal(cap), budget.spent + budget.reserved)


def leads_today(access: Access) -> list[Spent]:
    """Leads this person bought data for today, against her limit, and those of her team, where it has one."""
    user, team, now = access.user, access.team, database_now()
    found = [_limit("Leads you bought data for today", scopes.leads_day(user.pk, now), user.daily_lead_limit)]
    if team is not None and team.daily_lead_limit is not None:
        of_team = scopes.team_leads_day(team.pk, now)
        found.append(_limit("Leads your team bought data for today", of_team, team.daily_lead_limit))
    return found


# --- What the month has brought ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Month:
    """costs: of the team's month by her clock, as the report page tells it. limit, used (spent and promised): US
    dollars of the month by UTC (`begins`), which limits count: the team's or, where it has none, her own.
    """

    costs: Costs
    limit: Decimal
    used: Decimal
    is_teams: bool
    begins: date

    @property
    def percent(self) -> int:
        return percent(self.used, self.limit) if self.limit else 100


def month(access: Access) -> Month | None:
    """Of the team she acts in. None: she sees no money of it."""
    if access.team is None or not may_see(access):
        return None
    now, limit = database_now(), access.team.monthly_budget
    scope = scopes.team_month(access.team.pk, now)
    if limit is None:
        limit, scope = access.user.monthly_budget, scopes.user_month(access.user.pk, now)
    is_teams = access.team.monthly_budget is not None
    return Month(costs_of_month(access), limit, _limit("", scope, limit).used, is_teams, now.date().replace(day=1))
