"""What vendors, billing checks and limits ask of a person, for Home. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import F, OuterRef, Q, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from accounts.models import User
from common.needs import SHOWN, Need
from integrations.ledger import scopes
from integrations.ledger.budgets import ZERO
from integrations.models import Budget, PhoneReveal, Vendor, VendorCall
from integrations.operating.vendors import spent_today, trouble

NEARLY = Decimal("0.8")  # of a cap: there is still time to raise it


def vendors_down(user: User, now: datetime) -> Iterable[Need]:
    """Vendors that sell nothing, for superusers."""
    if not user.is_superuser:
        return
    for vendor in Vendor.objects.filter(
        Q(enabled=False) | ~Q(paused_reason="") | Q(breaker_open_until__isnull=False)
    ).order_by("pk"):
        if words := trouble(vendor, now):
            yield Need(f"{vendor} is not available", words, vendor)


def billing_checks(user: User, _now: datetime) -> Iterable[Need]:
    """Purchases that nobody knows the bill of, for superusers."""
    if not user.is_superuser:
        return
    for model, what in ((VendorCall, "request"), (PhoneReveal, "mobile number request")):
        many = model.objects.filter(state="in_doubt").order_by("pk")[: SHOWN * 10].count()
        if many:
            count = f"{many}{' or more' if many == SHOWN * 10 else ''}"
            plural = "s" if many > 1 else ""
            title = f"{count} {what}{plural} {'need' if many > 1 else 'needs'} a billing check"
            yield Need(title, "Look at the vendor's bill, then say whether it was billed.", model)


def caps_nearly_used(user: User, now: datetime) -> Iterable[Need]:
    """A person's own limits; for superusers everybody's, and the vendors' daily caps."""
    if user.is_superuser:
        for vendor in Vendor.objects.filter(pk__in=settings.VENDORS).order_by("pk"):
            used = sum(spent_today(vendor, now))
            if vendor.cap is not None and used >= NEARLY * vendor.cap:
                words = f"${used:,.2f} of ${vendor.cap:,.2f} is used today."
                yield Need(f"Daily spending limit nearly reached: {vendor.pk}", words, vendor)
    people = User.objects.filter(is_active=True) if user.is_superuser else User.objects.filter(pk=user.pk)
    who = OuterRef("pk")
    rows = people.annotate(
        month=budget_used(scopes.in_sql(lambda pk: scopes.user_month(pk, now), who)),
        leads=budget_used(scopes.in_sql(lambda pk: scopes.leads_day(pk, now), who)),
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


def budget_used(scope: str | Combinable) -> Coalesce:
    """Spent and promised in a budget. scope: a text, or an expression of `scopes.in_sql`."""
    budget = Budget.objects.filter(scope=scope)
    return Coalesce(Subquery(budget.values(used=F("spent") + F("reserved"))), Value(ZERO))
