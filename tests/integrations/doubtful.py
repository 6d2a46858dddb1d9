"""Requests in doubt, as the gate leaves them: their money reserved in a budget, their look-ups marked."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from common.db.ids import uuid7
from integrations.ledger import catalogue
from integrations.models import Budget, Lookup, VendorCall

RESERVED = Decimal("0.10")


def doubtful(user: Any, scope: str = "run:x", *, at: datetime | None = None, **more: Any) -> VendorCall:
    """A request of two details that may have been billed, $0.10 held."""
    at = at or timezone.now()
    operation = catalogue.operation(more.pop("operation", "property_detail"))
    money = {"price": Decimal("0.05"), "reserved": RESERVED, "holds": {scope: "0.1000"}}
    times = {"created_at": at, "slot_at": at, "sent_at": at, "ended_at": at, "lease_until": at}
    facts = {"state": "in_doubt", "category": "IN_DOUBT", "reason": "It timed out.", "inputs": 2, "user": user}
    call = VendorCall.objects.create(**({"id": uuid7(), "operation": operation} | money | times | facts | more))
    budget = Budget.objects.get_or_create(scope=scope)[0]
    budget.reserved += call.reserved
    budget.save()
    Lookup.objects.create(operation=operation, key=f"{call.pk}", state="in_doubt", call=call)
    return call


def money(scope: str = "run:x") -> tuple[Decimal, Decimal]:
    """Spent and reserved."""
    budget = Budget.objects.get(scope=scope)
    return budget.spent, budget.reserved
