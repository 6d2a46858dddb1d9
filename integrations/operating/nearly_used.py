"""Tells webhooks of limits that are nearly used: at 80 % and at 100 %, once a period and limit."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from accounts.access import own_access
from accounts.models import Team, User
from accounts.webhooks import emit
from accounts.webhooks.selectors import teams_that_want
from common.db.clock import database_now
from integrations.ledger import scopes
from integrations.models import Balance
from integrations.operating.needs import NEARLY

EVENT = "budget.nearly_used"


def tell_budgets_nearly_used() -> None:
    """Of the teams that want to know: this month's and today's leads; and this month's of the people they are of."""
    now, wanting = database_now(), teams_that_want(EVENT)
    for team in Team.objects.filter(pk__in=wanting).order_by("pk"):
        money, leads = scopes.team_month(team.pk, now), scopes.team_leads_day(team.pk, now)
        tell_used(money, team.monthly_budget, team_id=team.pk, of={"of": "team", "teamId": team.pk})
        tell_used(leads, team.daily_lead_limit, team_id=team.pk, of={"of": "teamLeads", "teamId": team.pk})
    for user in User.objects.filter(memberships__team__in=wanting, is_active=True).distinct().order_by("pk"):
        of = {"of": "person", "userId": user.pk}
        scope, limit = scopes.user_month(user.pk, now), user.monthly_budget
        tell_used(scope, limit, team_id=own_access(user).team_id, of=of)


def tell_used(scope: str, limit: Decimal | int | None, *, team_id: int | None, of: Mapping[str, Any]) -> None:
    """Tells once how much of a limit is used, where that is 80 % or more. of: whose limit it is, by id."""
    budget = Balance.objects.filter(scope=scope).first() if limit else None
    if budget is None or not limit:
        return
    used = budget.spent + budget.reserved
    if used < NEARLY * limit:
        return
    percent = 100 if used >= limit else 80
    period = scopes.parse(scope).period or None
    data = {**of, "percent": percent, "used": f"{used:.2f}", "limit": f"{limit:.2f}", "period": period}
    emit(EVENT, team_id=team_id, object_id=scope, data=data, once=f"{scope} {percent} {limit:.2f}")
