"""Who may see which runs and schedules, what runs have cost, which schedules are due. Reads only."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Self, TypeVar

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.access import SCOPES_OF, Scope
from accounts.models import Membership
from common.db.work import free_at
from integrations.ledger import scopes
from integrations.models import Balance
from leads.querysets import TeamQuerySet

BUYERS = sorted(str(role) for role, scopes_ in SCOPES_OF.items() if Scope.BUY in scopes_)
M = TypeVar("M", bound=models.Model, covariant=True)


# `may_buy` in a statement over `enrichment_run r`, with `buyers`.
JOIN_BUYERS = """
  JOIN accounts_user a ON a.id = r.owner_id AND a.is_active
  JOIN accounts_membership m ON m.user_id = r.owner_id AND m.team_id = r.team_id AND m.role = ANY(%(buyers)s)
"""


def may_buy() -> Q:
    """Of a run: whoever started it is active, and buys in its team by their role of this moment."""
    return Q(
        Exists(Membership.objects.filter(user=OuterRef("owner"), team=OuterRef("team"), role__in=BUYERS)),
        owner__is_active=True,
    )


class RunQuerySet(TeamQuerySet[M]):
    def with_money(self) -> Self:
        """Adds `spent` and `reserved`, US dollars."""
        budget = Balance.objects.filter(scope=scopes.in_sql(scopes.run, OuterRef("pk")))
        zero = Value(Decimal(0), models.DecimalField(max_digits=14, decimal_places=4))
        return self.annotate(
            spent=Coalesce(Subquery(budget.values("spent")), zero),
            reserved=Coalesce(Subquery(budget.values("reserved")), zero),
        )

    def at_work(self) -> Self:
        """Active, with a lead that does not wait for a person's billing check."""
        done = F("enriched") + F("partial") + F("failed") + F("skipped") + F("in_doubt")
        return self.filter(status__in=["queued", "running"], total__gt=done)


class ScheduleQuerySet(TeamQuerySet[M]):
    def due(self, now: datetime) -> Self:
        """Those whose time has come, and that no worker is asking the vendor for."""
        return self.filter(free_at(now), enabled=True, next_at__lte=now)
