"""What vendors, billing checks and limits ask of a person, for Home. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from accounts.access import Access, Scope
from accounts.models import Team, User
from common.needs import SHOWN, Need, operates
from integrations.ledger import scopes
from integrations.ledger.budgets import ZERO
from integrations.models import Balance, PhoneReveal, Vendor, VendorCall
from integrations.operating.vendors import spent_today, trouble

Spell = Callable[[object, date], str]
NEARLY = Decimal("0.8")  # of a cap: there is still time to raise it


def vendors_down(access: Access, now: datetime) -> Iterable[Need]:
    """Vendors that sell nothing, for operators."""
    if not operates(access):
        return
    for vendor in (
        Vendor.objects.filter(Q(enabled=False) | ~Q(paused_reason="") | Q(operations__breaker_open_until__isnull=False))
        .distinct()
        .order_by("pk")
    ):
        if words := trouble(vendor, now):
            yield Need(f"{vendor} is not available", words, vendor)


def billing_checks(access: Access, _now: datetime) -> Iterable[Need]:
    """Purchases that nobody knows the bill of, for operators."""
    if not operates(access):
        return
    for model, what in ((VendorCall, "request"), (PhoneReveal, "mobile number request")):
        many = model.objects.filter(state="in_doubt").order_by("pk")[: SHOWN * 10].count()
        if many:
            count = f"{many}{' or more' if many == SHOWN * 10 else ''}"
            plural = "s" if many > 1 else ""
            title = f"{count} {what}{plural} {'need' if many > 1 else 'needs'} a billing check"
            yield Need(title, "Look at the vendor's bill, then say whether it was billed.", model)


def caps_nearly_used(access: Access, now: datetime) -> Iterable[Need]:
    """A person's own limits and her team's; for operators everybody's, and the vendors' daily caps."""
    if operates(access):
        for vendor in Vendor.objects.filter(pk__in=settings.VENDORS).order_by("pk"):
            used = sum(spent_today(vendor, now))
            if vendor.cap is not None and used >= NEARLY * vendor.cap:
                words = f"${used:,.2f} of ${vendor.cap:,.2f} is used today."
                yield Need(f"Daily spending limit nearly reached: {vendor}", words, vendor)
        people, teams = User.objects.filter(is_active=True), Team.objects.all()
    else:  # of the team's, who spends it
        people = User.objects.filter(pk=access.user.pk)
        teams = Team.objects.filter(pk=access.team_id or 0) if access.can(Scope.BUY) else Team.objects.none()
    yield from _nearly_used(people, now, scopes.user_month, scopes.leads_day, "")
    yield from _nearly_used(teams, now, scopes.team_month, scopes.team_leads_day, "Team's ")


def _nearly_used(rows: QuerySet[Any], now: datetime, month: Spell, day: Spell, whose: str) -> Iterable[Need]:
    """Of people or teams. month, day: how the scopes of their money and their leads are spelled."""
    rows = rows.annotate(
        money=budget_used(scopes.in_sql(lambda pk: month(pk, now), OuterRef("pk"))),
        leads=budget_used(scopes.in_sql(lambda pk: day(pk, now), OuterRef("pk"))),
    ).filter(
        Q(money__gte=NEARLY * F("monthly_budget"), money__gt=0)
        | Q(leads__gte=NEARLY * F("daily_lead_limit"), leads__gt=0)
    )
    for one in rows.order_by("pk")[:SHOWN]:
        budget, limit = one.monthly_budget, one.daily_lead_limit
        if budget is not None and one.money and one.money >= NEARLY * budget:
            title = f"{whose}monthly budget nearly used: {one}"
            yield Need(title[0].upper() + title[1:], f"${one.money:,.2f} of ${budget:,.2f} this month.", one)
        if limit is not None and one.leads and one.leads >= NEARLY * limit:
            title = f"{whose}daily lead limit nearly reached: {one}"
            yield Need(title[0].upper() + title[1:], f"{one.leads:,.0f} of {limit:,} today.", one)


def budget_used(scope: str | Combinable) -> Coalesce:
    """Spent and promised in a budget. scope: a text, or an expression of `scopes.in_sql`."""
    budget = Balance.objects.filter(scope=scope)
    return Coalesce(Subquery(budget.values(used=F("spent") + F("reserved"))), Value(ZERO))
