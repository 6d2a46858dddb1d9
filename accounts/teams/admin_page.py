"""A team's own page, for its managers: name, limits, people and what each may do. Superusers: every team's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.views.decorators.http import require_POST

from accounts.access import NotAllowed, Scope, access
from accounts.fresh import requires_fresh_to_change
from accounts.models import Invitation, Team
from accounts.selectors import user_of
from accounts.teams.forms import ROLES_IN_WORDS, AddForm, MemberForm, NewTeamForm, TeamForm
from accounts.teams.members import InTeam, LastManager, NotInTeam, add_member, change_member, remove_member
from accounts.teams.services import change_team, create_team
from common.admin import CommonAdmin, Empty, ask, confirmed, dressed, page, sees_all

LAST_MANAGER = "A team keeps at least one manager: make somebody else one first."


@admin.register(Team)
class TeamPage(CommonAdmin):
    """A manager sees her team alone; superusers all, and make new ones."""

    empty = Empty("Teams share buckets, leads and a budget.", "Add team", "accounts_team_add")
    list_display = ("name", "people", "monthly_budget", "daily_lead_limit", "created_at")
    search_fields = ("name",)
    actions = None
    ordering: ClassVar[Any] = ("name", "pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        rows: QuerySet[Team] = super().get_queryset(request).annotate(members=Count("memberships"))
        return rows if sees_all(request) else rows.filter(pk__in=[access(request).team_id or 0])

    @admin.display(description="people")
    def people(self, team: Any) -> int:
        return int(team.members)

    # --- Who ----------------------------------------------------------------------------------------------------------

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and (sees_all(request) or access(request).can(Scope.MANAGE)))

    def has_view_permission(self, request: HttpRequest, obj: Team | None = None) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Team | None = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return sees_all(request)

    def has_delete_permission(self, request: HttpRequest, obj: Team | None = None) -> bool:
        return False

    def _team(self, request: HttpRequest, team_id: int | str) -> Team:
        if not self.has_module_permission(request):
            raise PermissionDenied("Your role does not let you manage the team: ask one of its managers.")
        known = str(team_id).isascii() and str(team_id).isdigit() and len(str(team_id)) < 19
        team: Team | None = self.get_queryset(request).filter(pk=team_id).first() if known else None
        if team is None:
            raise Http404("There is no such team.")
        return team

    # --- Pages --------------------------------------------------------------------------------------------------------

    def get_urls(self) -> Any:
        def view(route: str, name: str, of: Callable[..., HttpResponse]) -> Any:
            inside: Any = self.admin_site.admin_view(of)
            return path(f"<int:team_id>/{route}/", inside, name=f"accounts_team_{name}")

        return [
            view("add", "add_member", require_POST(self.add_person)),
            view("people/<int:user_id>", "member", require_POST(self.change_person)),
            view("people/<int:user_id>/remove", "remove", self.remove_person),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Of a manager: the page of her team."""
        if not sees_all(request) and access(request).can(Scope.MANAGE):
            return redirect("admin:accounts_team_change", access(request).team_id)
        return super().changelist_view(request, extra_context)

    @requires_fresh_to_change
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NewTeamForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            data = form.cleaned_data
            team = create_team(name=data["name"], manager=data["manager"], by=user_of(request))
            return self._back(request, team, f"{team} was made.")
        back = reverse("admin:accounts_team_changelist")
        return ask(self, request, [], title="Add team", lines=[], button="Add", form=form, is_free=True, back=back)

    @requires_fresh_to_change
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        team, by = self._team(request, object_id), user_of(request)
        form = TeamForm(
            request.POST if request.method == "POST" else None, instance=Team.objects.get(pk=team.pk), by=by
        )
        if form.is_valid():
            try:
                change_team(team=team, changes={name: form.cleaned_data[name] for name in form.changed_data}, by=by)
            except ValidationError as refusal:
                form.add_error(None, refusal)
            else:
                return self._back(request, team, "Team saved.")
        return self._page(request, team, form)

    def _page(self, request: HttpRequest, team: Team, form: forms.BaseForm, add: AddForm | None = None) -> HttpResponse:
        members = team.memberships.select_related("user").order_by("user__username")
        invited = Invitation.objects.filter(team=team, accepted_at=None).select_related("by").order_by("-pk")
        return page(
            self,
            request,
            "admin/accounts/team/page.html",
            str(team),
            team=team,
            form=dressed(form),
            members=[(member, MemberForm(initial=vars(member), auto_id=f"m{member.pk}_%s")) for member in members],
            add_form=dressed(add or AddForm(auto_id="add_%s")) if sees_all(request) else None,
            invited=invited,
            roles=[(role.label, words) for role, words in ROLES_IN_WORDS.items()],
        )

    # --- People -------------------------------------------------------------------------------------------------------

    @requires_fresh_to_change
    def add_person(self, request: HttpRequest, team_id: int) -> HttpResponse:
        team = self._team(request, team_id)
        if not sees_all(request):
            raise PermissionDenied("Invite people by e-mail: only an administrator adds those who have an account.")
        form = AddForm(request.POST, auto_id="add_%s")
        if form.is_valid():
            data = form.cleaned_data
            try:
                add_member(
                    team=team,
                    user=data["username"],
                    role=data["role"],
                    is_masked=data["is_masked"],
                    by=user_of(request),
                )
            except InTeam as refusal:
                form.add_error("username", str(refusal))
            else:
                return self._back(request, team, f"{data['username']} is in the team now.")
        return self._page(request, team, TeamForm(instance=team, by=user_of(request)), form)

    @requires_fresh_to_change
    def change_person(self, request: HttpRequest, team_id: int, user_id: int) -> HttpResponse:
        team = self._team(request, team_id)
        form = MemberForm(
            request.POST, initial=team.memberships.filter(user=user_id).values("role", "is_masked").first()
        )
        if not form.is_valid():
            return self._back(request, team, "Choose a role.", messages.ERROR)
        try:
            hers = None if sees_all(request) else access(request)
            member = change_member(team=team, user_id=user_id, by=user_of(request), access=hers, **form.changes())
        except NotAllowed as refusal:
            return self._back(request, team, str(refusal), messages.ERROR)
        except LastManager:
            return self._back(request, team, LAST_MANAGER, messages.ERROR)
        except NotInTeam:
            raise Http404("There is nobody like this in the team.") from None
        return self._back(request, team, f"{member.user}: {member.get_role_display()}.")

    @requires_fresh_to_change
    def remove_person(self, request: HttpRequest, team_id: int, user_id: int) -> HttpResponse:
        team = self._team(request, team_id)
        member = team.memberships.select_related("user").filter(user=user_id).first()
        if member is None:
            raise Http404("There is nobody like this in the team.")
        if request.method != "POST" or not confirmed(request):
            what = "What was made stays, and so do the names on assigned leads."
            lines = [f"{member.user} no longer sees the team’s leads. {what}"]
            back = reverse("admin:accounts_team_change", args=[team.pk])
            return ask(self, request, [], title=f"Remove {member.user}?", lines=lines, button="Remove", back=back)
        try:
            remove_member(team=team, user_id=user_id, by=user_of(request))
        except LastManager:
            return self._back(request, team, LAST_MANAGER, messages.ERROR)
        except NotInTeam:
            pass  # pressed twice
        words = f"{member.user} was removed from {team}."
        if user_of(request).pk == user_id and not sees_all(request):
            self.message_user(request, words, messages.SUCCESS)
            return redirect("admin:index")
        return self._back(request, team, words)

    def _back(self, request: HttpRequest, team: Team, words: str, level: int = messages.SUCCESS) -> HttpResponse:
        self.message_user(request, words, level)
        return redirect("admin:accounts_team_change", team.pk)
