"""What a team owns, on pages: its people see and do what their role allows; a superuser looks at every team's rows.

`request.access` is `accounts.access.Access`, which this room does not know: the person at work in one team.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from common import needs
from common.admin import CommonAdmin, ReadOnlyAdmin, sees_all
from common.contact_access import note_team

READS = ("GET", "HEAD")
ALL_TEAMS, TEAM = "all", "team"
TEAMS_OFFERED = 50
_NEEDED = {  # by scope: what a role lacks
    "read": "look at this",
    "write": "change leads and buckets",
    "contacts": "see phones and e-mails",
    "buy": "spend money",
    "export": "export leads",
    "manage": "manage the team or delete what it owns",
}
_teams: list[Callable[[int], Iterable[tuple[int, str]]]] = []


def list_teams_with(teams: Callable[[int], Iterable[tuple[int, str]]]) -> None:
    """Registers what lists teams, for superusers: (id, name) of so many, by name."""
    _teams.append(teams)


def access_of(request: HttpRequest) -> Any:
    """The person at work in one team."""
    return request.access  # type: ignore[attr-defined]


def refuse(scope: str) -> PermissionDenied:
    """What is raised where the role lacks this scope, in words for the page."""
    return PermissionDenied(f"Your role does not let you {_NEEDED[scope]}: ask a manager of the team.")


def demand(request: HttpRequest, scope: str, *team_ids: int) -> None:
    """Raises PermissionDenied unless the person may do this in her team, and the rows are of that team.

    A caller works the leads assigned to her; for all else her role is as if it could not.
    """
    access = access_of(request)
    if not access.can(scope) or access.only_assigned:
        raise refuse(scope)
    if any(team_id != access.team_id for team_id in team_ids):
        raise PermissionDenied("This is another team's: it can be looked at, and not changed.")


def may(request: HttpRequest, scope: str, team_id: int | None = None) -> bool:
    """Whether `demand` lets it pass; team_id: of a row's team, None: of her own."""
    access = access_of(request)
    whose = access.team_id if team_id is None else team_id
    return bool(access.can_in(whose, scope)) and not access.only_assigned


def may_write(request: HttpRequest) -> bool:
    """Of buttons that lead to what changes leads and buckets."""
    return may(request, "write")


def operates(request: HttpRequest) -> bool:
    """Whether this person looks after vendors and all teams' money: operators and superusers."""
    return needs.operates(access_of(request))


def teams_offered() -> list[tuple[str, str]]:
    """What a superuser's list may be of, beside her own team's rows."""
    teams = [(str(pk), name) for find in _teams for pk, name in find(TEAMS_OFFERED)]
    return [(ALL_TEAMS, "All teams"), *teams]


class OfTeam(admin.SimpleListFilter):
    """Whose rows a superuser looks at: those of the team she acts in, of all teams, or of one. Nobody else has it."""

    title = "team"
    parameter_name = TEAM

    def __init__(self, request: HttpRequest, params: Any, model: type[Model], model_admin: Any) -> None:
        self.model_admin = model_admin
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        offered, value = teams_offered(), self.value()
        return offered if not value or value in dict(offered) else [*offered, (value, "This one")]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        own, *others = super().choices(changelist)
        yield {**own, "display": "My team"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found: QuerySet[Any] = self.model_admin.of_list(request, queryset)
        return found


class TeamAdmin(CommonAdmin):
    """Rows of a team. Nobody sees another team's but superusers, who change none of them.

    team: the path to the team. assigned: the path to whom a row's lead is assigned; empty: callers have no such page.
    changes, adds: the scope that lets a person edit the fields, or make a row; empty: nobody does here.
    """

    team: ClassVar[str] = "team"
    assigned: ClassVar[str] = ""
    changes: ClassVar[str] = ""
    adds: ClassVar[str] = ""
    team_filter: ClassVar[Any] = OfTeam

    # --- Whose rows ---------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """To read: what she may see. What changes something begins at the rows of the team she acts in."""
        rows = super().get_queryset(request)
        return self.seen(request, rows) if request.method in READS else self.worked(request, rows)

    def seen(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those of these rows that she may look at."""
        return rows if sees_all(request) else self.worked(request, rows)

    def worked(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those of these rows that are of her team; a caller's: of the leads assigned to her."""
        access = access_of(request)
        if access.team_id is None or (access.only_assigned and not self.assigned):
            return rows.none()
        rows = rows.filter(**{self.team: access.team_id})
        return rows.filter(**{self.assigned: access.user.pk}) if access.only_assigned else rows

    def of_list(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the team that a superuser's list is of. Raises IncorrectLookupParameters."""
        asked = request.GET.get(TEAM, "").strip()
        if not sees_all(request) or asked == ALL_TEAMS or not (asked or access_of(request).team_id):
            if sees_all(request):
                note_team(None)
            return rows
        if asked and not (asked.isascii() and asked.isdigit() and len(asked) < 10):
            raise IncorrectLookupParameters
        team_id = int(asked) if asked else access_of(request).team_id
        note_team(team_id)
        return rows.filter(**{self.team: team_id})

    def team_of(self, row: Any) -> int:
        """Whose a row is."""
        *path, last = self.team.split("__")
        for name in path:
            row = getattr(row, name)
        return int(getattr(row, f"{last}_id"))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """A row by its address; whose it is decides what of it is told."""
        row = super().get_object(request, object_id, from_field)
        if row is not None and sees_all(request):
            note_team(self.team_of(row))
        return row

    def get_list_filter(self, request: HttpRequest) -> Any:
        found = list(super().get_list_filter(request))
        return [self.team_filter, *found] if sees_all(request) else found

    # --- What may be done ---------------------------------------------------------------------------------------------

    def _works_here(self, request: HttpRequest) -> bool:
        if not (request.user.is_active and request.user.is_staff):
            return False
        access = access_of(request)
        return sees_all(request) or (access.can("read") and (bool(self.assigned) or not access.only_assigned))

    def _may(self, request: HttpRequest, scope: str, row: Any = None) -> bool:
        if not scope or not self._works_here(request):
            return False
        access = access_of(request)
        return bool(access.can_in(access.team_id if row is None else self.team_of(row), scope))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._works_here(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._works_here(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request, self.changes, obj)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request, self.adds)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_write_permission(self, request: HttpRequest) -> bool:
        """Of actions: `permissions=["write"]`."""
        return self._may(request, "write")

    def has_buy_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "buy")

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "manage")

    def has_campaign_permission(self, request: HttpRequest) -> bool:
        """Who contacts owners, and sees whom."""
        return self._may(request, "campaign") and self._may(request, "contacts")

    def has_assign_permission(self, request: HttpRequest) -> bool:
        """Who works for the whole team, not only for herself."""
        return may(request, "write")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """An action that the role does not have is refused, where Django would take it for none."""
        asked = request.POST.get("action", "")
        names: Any = self
        if asked and asked not in self.get_actions(request) and asked in {n for _, n, _ in names._get_base_actions()}:  # noqa: SLF001
            raise PermissionDenied("Your role does not let you do this: ask a manager of the team.")
        return super().changelist_view(request, extra_context)


class OperatorsAdmin(ReadOnlyAdmin):
    """Rows of the installation: operators and superusers see them, and who has Django's permission."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return operates(request) or super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return operates(request) or super().has_view_permission(request, obj)


class SuperusersOnly:
    """Beside an admin's base: what could give its editor any permission, or tells of everybody."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)
