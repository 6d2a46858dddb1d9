"""A team's budget and lead limit count beside each member's own: both hold, also where members buy at the same time."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Membership, Team, User, WebhookDelivery, WebhookEndpoint
from accounts.webhooks.secrets import encrypted, new_secret
from common.db.clock import database_now
from integrations.ledger import catalogue, reservation, scopes
from integrations.ledger.admission import admit
from integrations.ledger.reservation import Payer
from integrations.lookups.lead_limit import lead_caps
from integrations.models import Budget
from integrations.operating.nearly_used import tell_budgets_nearly_used
from tests.support import make_user, set_operations

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _at_once(settings: Any) -> None:
    set_operations(settings, pace=0)


@pytest.fixture
def team() -> Team:
    return Team.objects.create(name="Acquisitions", monthly_budget=Decimal("0.50"))


def member(team: Team, name: str, budget: str = "100") -> User:
    user = make_user(name, monthly_budget=Decimal(budget))
    Membership.objects.create(team=team, user=user, role="buyer")
    return user


def buy(user: User, team: Team) -> tuple[int, str]:
    """One input of a skip trace at $0.05: how many were reserved, and what stopped the rest."""
    with transaction.atomic():
        operation = admit(catalogue.operation("skip_trace").pk, single=True)
        done = reservation.reserve(operation, [1], Payer(user.pk, "test", team_id=team.pk))
    return done.inputs, done.cap.label if done.cap else ""


def reserved(scope: str) -> Decimal:
    return Budget.objects.get(scope=scope).reserved


def test_two_members_at_once_spend_the_teams_budget_once(team: Team, settings: Any) -> None:
    settings.VENDOR_IN_FLIGHT = 100  # what is refused here is refused for money
    people, fits = [member(team, "ann"), member(team, "bob")], list[int]()

    def spend(user: User) -> None:
        for _ in range(8):
            fits.append(buy(user, team)[0])
        connection.close()

    threads = [threading.Thread(target=spend, args=(user,)) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    now = database_now()
    assert sum(fits) == 10
    assert reserved(scopes.team_month(team.pk, now)) == Decimal("0.50")
    assert sum(reserved(scopes.user_month(user.pk, now)) for user in people) == Decimal("0.50")


def test_the_cap_that_stops_is_named(team: Team) -> None:
    poor, rich = member(team, "ann", "0.05"), member(team, "bob")
    assert [buy(poor, team) for _ in range(2)] == [(1, ""), (0, "this month's budget ($0.05)")]
    Team.objects.update(monthly_budget=Decimal("0.10"))
    assert [buy(rich, team) for _ in range(2)] == [(1, ""), (0, "this month's team budget ($0.10)")]


def test_a_team_without_a_budget_of_its_own_is_counted_all_the_same(team: Team) -> None:
    Team.objects.update(monthly_budget=None)
    buy(member(team, "ann"), team)
    assert reserved(scopes.team_month(team.pk, database_now())) == Decimal("0.05")


def test_leads_of_a_day_count_for_the_member_and_for_the_team(team: Team) -> None:
    Team.objects.update(daily_lead_limit=7)
    ann, now = member(team, "ann"), database_now()

    own, of_team = lead_caps("property_detail", ann.pk, now, team_id=team.pk)

    assert of_team.scope == f"teamleads:{team.pk}:{now:%Y-%m-%d}"
    assert (own.per_input, of_team.per_input, of_team.limit) == (1, 1, 7)
    assert of_team.label == "today's team limit of 7 leads"
    assert scopes.counts_inputs(of_team.scope) and scopes.parse(of_team.scope).day == now.date()
    assert scopes.parse(scopes.team_month(team.pk, now)).month == f"{now:%Y-%m}"


def test_webhooks_are_told_of_the_teams_budget_and_of_its_leads_of_the_day(team: Team) -> None:
    Team.objects.update(daily_lead_limit=7)
    secret = encrypted(new_secret())
    WebhookEndpoint.objects.create(team=team, url="https://x.example/", events=["budget.nearly_used"], secret=secret)
    now = database_now()
    Budget.objects.create(scope=scopes.team_month(team.pk, now), spent=Decimal("0.40"))
    Budget.objects.create(scope=scopes.team_leads_day(team.pk, now), spent=7)

    tell_budgets_nearly_used()
    tell_budgets_nearly_used()

    told = list(WebhookDelivery.objects.order_by("pk").values_list("data", flat=True))
    assert [(one["of"], one["teamId"], one["percent"], one["period"]) for one in told] == [
        ("team", team.pk, 80, f"{now:%Y-%m}"),
        ("teamLeads", team.pk, 100, f"{now:%Y-%m-%d}"),
    ]
