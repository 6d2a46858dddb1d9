"""Budgets and purchased data: read only. And what users have spent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Team, User
from common import dates
from common.admin import Empty, ReadOnlyAdmin, sees_all
from common.admin_teams import access_of, operates
from common.contact_access import masked, told
from integrations.ledger import scopes
from integrations.models import Balance, Budget, Lookup, Operation, UnreadableAnswer
from integrations.naming import vendors as vendor_names
from integrations.operating.needs import budget_used
from integrations.vendors.errors import failure_in_words

if TYPE_CHECKING:

    class WithSpent(User):
        """As `with_spent` reads them."""

        used_this_month: Decimal
        used_today: Decimal


SHOWN_FACTS = 4000  # characters


def with_spent(users: QuerySet[User]) -> QuerySet[User]:
    """What each user has spent this month, US dollars, and on how many leads today."""
    now, user = timezone.now(), OuterRef("pk")
    rows: QuerySet[User] = users.annotate(
        used_this_month=budget_used(scopes.in_sql(lambda pk: scopes.user_month(pk, now), user)),
        used_today=budget_used(scopes.in_sql(lambda pk: scopes.leads_day(pk, now), user)),
    )
    return rows


@admin.display(description="spent this month")
def month(user: WithSpent) -> str:
    return f"${user.used_this_month:.2f}"


@admin.display(description="leads today")
def today(user: WithSpent) -> str:
    return f"{user.used_today:.0f}"


def _of(*kinds: tuple[str, int]) -> Q:
    """Budgets of these kinds, each of one user or team."""
    return reduce(or_, (Q(scope__startswith=scopes.beginning(kind, whose)) for kind, whose in kinds))


@admin.register(Lookup)
class LookupAdmin(ReadOnlyAdmin):
    """Every fact ever bought, once for everybody. No page says whose purchase one was."""

    empty = Empty(
        "Purchased data is everything bought from a vendor. It is bought once and shared.",
        "Buckets",
        "buckets_bucket_changelist",
    )
    list_display = ("key", "operation", "state", "why", "cost", "fetched_at")
    list_select_related = ("operation",)
    search_fields = ("key",)
    search_help_text = "The whole key, such as a property id"
    fields = (
        ("operation", "key"),
        ("state", "why", "fetched_at"),
        "cost",
        "answer",
        "kept",
    )
    readonly_fields = ("why", "answer", "kept")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """It tells of every team's leads."""
        return sees_all(request) and super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Lookup | None = None) -> bool:
        return self.has_module_permission(request)

    def get_search_results(
        self, _request: HttpRequest, queryset: QuerySet[Lookup], search_term: str
    ) -> tuple[Any, bool]:
        """By the unique index of operation and key."""
        text = search_term.strip()
        return (queryset.filter(operation__in=Operation.objects.all(), key=text) if text else queryset), False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The list needs no answers, which are the bulk of a row."""
        return super().get_queryset(request).defer("facts")

    @admin.display(description="reason")
    def why(self, lookup: Lookup) -> str:
        return failure_in_words(lookup.category) or "–"

    @admin.display(description="data")
    def answer(self, lookup: Lookup) -> str:
        return (
            "\n".join(
                f"{name}: {'–' if value is None else masked(name, value)}"
                for name, value in (lookup.facts or {}).items()
            )[:SHOWN_FACTS]
            or "–"
        )

    @admin.display(description="unreadable answer kept")
    def kept(self, lookup: Lookup) -> str:
        found = UnreadableAnswer.objects.filter(call=lookup.call_id).first() if lookup.call_id else None
        return str(found) if found else "–"


@admin.register(Budget)
class BudgetAdmin(ReadOnlyAdmin):
    """Every cap's money by period, and leads a day: all for operators, else one's own and the team's."""

    empty = Empty(
        "Budgets count what is spent against each limit. The first purchase adds one.",
        "Buckets",
        "buckets_bucket_changelist",
    )
    list_display = ("whose", "period", "used", "held", "scope")
    fields = (("whose", "period"), ("used", "held"), "scope")
    readonly_fields = ("whose", "period", "used", "held")
    search_fields = ("scope__startswith",)
    search_help_text = "The beginning of a scope, such as vendor:apollo: or user:1:2026-11"

    def has_module_permission(self, request: HttpRequest) -> bool:
        access = access_of(request)
        return operates(request) or (access.can("read") and not access.only_assigned)

    def has_view_permission(self, request: HttpRequest, obj: Budget | None = None) -> bool:
        return self.has_module_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        now = Balance.objects.filter(pk=OuterRef("pk"))
        rows: QuerySet[Any] = (
            super()
            .get_queryset(request)
            .annotate(now_spent=Subquery(now.values("spent")), now_reserved=Subquery(now.values("reserved")))
        )
        if operates(request):
            return rows
        access = access_of(request)
        kinds = [(kind, access.user.pk) for kind in (scopes.USER, scopes.LEADS)]
        if access.team_id is not None:  # else its scopes would be those of all teams
            kinds += [(kind, access.team_id) for kind in (scopes.TEAM, scopes.TEAM_LEADS)]
        return rows.filter(_of(*kinds))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        found = super().get_changelist_instance(request)
        _name(found.result_list)
        return found

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        _name([found] if found is not None else [])
        return found

    @admin.display(description="limit of")
    def whose(self, budget: Any) -> str:
        return str(budget.whose)

    @admin.display(description="period (UTC)")
    def period(self, budget: Budget) -> str:
        of = scopes.parse(budget.scope)
        if of.day is not None:
            return dates.day(of.day)
        return f"{date.fromisoformat(f'{of.month}-01'):%b %Y}" if of.month else "–"

    @admin.display(description="used")
    def used(self, budget: Any) -> str:
        return _amount(budget.scope, budget.now_spent)

    @admin.display(description="reserved")
    def held(self, budget: Any) -> str:
        return _amount(budget.scope, budget.now_reserved)


def _amount(scope: str, amount: Decimal) -> str:
    return f"{amount:,.0f} leads" if scopes.counts_inputs(scope) else f"${amount:,.2f}"


_KINDS = {scopes.RUN: "Enrichment job", scopes.CAMPAIGN: "Campaign"}


def _name(budgets: Iterable[Any]) -> None:
    """Gives each its `whose`: RealEstateAPI, a user, a team. Two statements, however many there are."""
    rows = [(budget, scopes.parse(budget.scope)) for budget in budgets]

    def ids(*kinds: str) -> list[str]:
        return [of.whose for _, of in rows if of.kind in kinds and of.whose.isdigit()]

    people = dict(User.objects.filter(pk__in=ids(scopes.USER, scopes.LEADS)).values_list("pk", "username"))
    teams = dict(Team.objects.filter(pk__in=ids(scopes.TEAM, scopes.TEAM_LEADS)).values_list("pk", "name"))
    for budget, of in rows:
        if of.kind == scopes.VENDOR:
            budget.whose = vendor_names.title(of.whose)
        elif of.kind in (scopes.USER, scopes.LEADS):
            budget.whose = f"{told(people.get(_id(of.whose), 'Deleted user'))}"
        elif of.kind in (scopes.TEAM, scopes.TEAM_LEADS):
            budget.whose = f"Team {told(teams.get(_id(of.whose), 'that was deleted'))}"
        else:
            budget.whose = f"{_KINDS.get(of.kind, of.kind)} {of.whose}"


def _id(text: str) -> int:
    return int(text) if text.isdigit() else 0
