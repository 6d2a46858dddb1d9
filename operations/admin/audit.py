"""The audit log as a page: what happened, who did it, to what, when, in which team."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.urls import path, reverse
from django.utils import timezone

from accounts.access import access
from accounts.actions import ACTIONS, CONTACTS, MONEY
from accounts.fresh import requires_fresh
from accounts.models import AuditEvent, Team
from accounts.selectors import user_of
from common.admin import Empty, ReadOnlyAdmin, sees_all
from common.db.ids import uuid7_floor
from common.downloads import file_answer
from operations.audit import reading as audit
from operations.audit.wording import object_of, told

TEAMS = 100  # to choose from
PERIODS = {"1": "Past 24 hours", "7": "Past 7 days", "30": "Past 30 days", "365": "Past 12 months"}
GROUPS = {"contacts": ("Contacts", CONTACTS), "money": ("Vendors and money", MONEY)}


class About(admin.SimpleListFilter):
    title, parameter_name = "subject", "about"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(name, title) for name, (title, _) in GROUPS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(action__in=GROUPS[value][1]) if (value := self.value()) in GROUPS else queryset


class What(admin.SimpleListFilter):
    title, parameter_name = "action", "action"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return list(ACTIONS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(action=value) if (value := self.value()) in ACTIONS else queryset


class When(admin.SimpleListFilter):
    title, parameter_name = "time", "days"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return list(PERIODS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if (value := self.value()) not in PERIODS:
            return queryset
        return queryset.filter(pk__gte=uuid7_floor(timezone.now() - timedelta(days=int(value))))


class InTeam(admin.SimpleListFilter):
    """The teams of which this person may read."""

    title, parameter_name = "team", "team"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        teams = Team.objects.all() if sees_all(request) else Team.objects.filter(pk=access(request).team_id or 0)
        return [(str(pk), name) for pk, name in teams.order_by("name").values_list("pk", "name")[:TEAMS]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return (
            queryset.filter(team_id=int(value)) if value.isascii() and value.isdigit() and len(value) < 19 else queryset
        )


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Superusers read all of it, managers what happened in their team, operators what happened to vendors and money."""

    empty = Empty(
        "The audit log lists who did what, and who has seen or exported phones and e-mails.", "Leads",
        "leads_lead_changelist",
    )  # fmt: skip
    entries: ClassVar[Mapping[str, Empty]] = {
        "about=contacts": Empty(
            "The contact access log lists who has seen or exported phones and e-mails, and of which leads.", "Leads",
            "leads_lead_changelist",
        )
    }  # fmt: skip
    list_display = ("at", "what", "who", "object", "details", "from_where")
    list_filter = (About, What, When, InTeam)
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("user_name",)
    search_help_text = "A user name, or the whole id of what it was done to"
    lookups = frozenset({"kind"})  # with the id in the search: what a row's History leads to
    actions = None
    list_before_template = "admin/audit/csv_link.html"
    fields = (
        ("at", "what"),
        ("who", "team"),
        ("address", "token_key", "request_id"),
        ("object", "object_id"),
        ("was", "became"),
    )
    readonly_fields: ClassVar[Any] = ("what", "who", "team", "object", "was", "became")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return reads_audit(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return reads_audit(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return AuditEvent.objects.seen_by(access(request)).order_by("-pk")

    def get_search_results(self, _request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        text = search_term.strip()
        return (queryset.filter(audit.by_name(text) | Q(object_id=text)) if text else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        title: dict[str, Any] = {}
        if request.GET.get("about") == "contacts":
            named: Any = copy(self.opts)  # the bread crumb takes a list's name from here
            named.verbose_name_plural = "contact access log"
            title = {"title": "Contact access log", "opts": named}
        return super().changelist_view(request, {**(extra_context or {}), **title, "csv": _csv_address(request)})

    def get_urls(self) -> Any:
        own = path("csv/", self.admin_site.admin_view(self.csv), name="accounts_auditevent_csv")
        return [own, *super().get_urls()]

    @requires_fresh
    def csv(self, request: HttpRequest) -> StreamingHttpResponse:
        """What the list shows, all of it: its own address with the same filters."""
        if not reads_audit(request):
            raise PermissionDenied
        try:
            found = self.get_changelist_instance(request)
        except IncorrectLookupParameters as error:
            raise Http404("There is no such list.") from error
        names = [name for name in request.GET if request.GET[name]]
        pieces = audit.csv_of(found.queryset, access=access(request), filters=names)
        return file_answer(pieces, name="audit-log.csv", content_type="text/csv; charset=utf-8")

    # --- Columns ------------------------------------------------------------------------------------------------------

    @admin.display(description="action")
    def what(self, event: AuditEvent) -> str:
        return audit.words(event.action)

    @admin.display(description="user")
    def who(self, event: AuditEvent) -> str:
        return event.user_name or ("–" if event.action.startswith("signin.") else "System")

    @admin.display(description="object")
    def object(self, event: AuditEvent) -> str:
        return object_of(event)

    @admin.display(description="details")
    def details(self, event: AuditEvent) -> str:
        return ", ".join(told(event.after))[:200] or "–"

    @admin.display(description="from")
    def from_where(self, event: AuditEvent) -> str:
        token = f"token {event.token_key}…" if event.token_key else ""
        return " ".join(filter(None, (event.address, token))) or "–"

    @admin.display(description="team")
    def team(self, event: AuditEvent) -> str:
        return str(Team.objects.filter(pk=event.team_id or 0).first() or event.team_id or "–")

    @admin.display(description="before")
    def was(self, event: AuditEvent) -> str:
        return "\n".join(told(event.before)) or "–"

    @admin.display(description="after")
    def became(self, event: AuditEvent) -> str:
        return "\n".join(told(event.after)) or "–"


def reads_audit(request: HttpRequest) -> bool:
    """Whether this person reads any of it; the side bar asks too."""
    user = user_of(request)
    if not (user.is_active and user.is_staff):
        return False
    return user.is_superuser or user.is_operator or access(request).can("manage")


def _csv_address(request: HttpRequest) -> str:
    query = request.GET.urlencode()
    return reverse("admin:accounts_auditevent_csv") + (f"?{query}" if query else "")
