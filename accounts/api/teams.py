"""Teams: mine, the one I work in, and its people."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import idempotent
from accounts.models import Membership, Role, Team
from accounts.teams.members import LastManager, NotInTeam, change_member, remove_member
from accounts.teams.services import change_team
from common.api.base import ApiView, Problem, not_found, ok, translates
from common.api.lists import ListOf
from common.api.schema import answer, refusal
from common.api.serializers import FlagField, MoneyField, Nothing, PlainDecimalField, StrictSerializer, WholeField
from common.values.bounds import CAP

LIMIT_MAX = 2**31 - 1  # what the columns hold
_KEEPS_ONE = {409: refusal("The team's last manager stays")}


@translates(LastManager)
def _last_manager(_error: LastManager) -> Problem:
    words = "A team needs a manager: make somebody else one first."
    return Problem("LAST_MANAGER", words, status=409)


@translates(NotInTeam)
def _not_in_team(_error: NotInTeam) -> Problem:
    return not_found("member of this team")


class MembershipSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(source="team_id")
    name = serializers.CharField(source="team.name")
    role = serializers.ChoiceField(choices=Role.choices)
    isMasked = serializers.BooleanField(source="is_masked", help_text="Phones and e-mails stay hidden")
    isOwn = serializers.BooleanField(source="is_own", help_text="My team of one: taken where none is named")


class TeamSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(source="pk")
    name = serializers.CharField()
    monthlyBudget = MoneyField(source="monthly_budget", allow_null=True, help_text="null: no limit of its own")
    dailyLeadLimit = serializers.IntegerField(source="daily_lead_limit", allow_null=True)
    leadLimit = serializers.IntegerField(source="lead_limit", allow_null=True, help_text="null: LEADS_MAX")
    role = serializers.CharField(help_text="Mine")
    scopes = serializers.ListField(child=serializers.CharField(), help_text="What I may do here, with this token")


class TeamEdit(StrictSerializer):
    name = serializers.CharField(max_length=100, required=False)
    monthlyBudget = PlainDecimalField(
        source="monthly_budget",
        max_digits=12,
        decimal_places=2,
        min_value=CAP.least,
        max_value=CAP.most,
        required=False,
        allow_null=True,
        help_text="US dollars a month (UTC), all members together; null: no limit of its own",
    )
    dailyLeadLimit = WholeField(
        source="daily_lead_limit", min_value=0, max_value=LIMIT_MAX, required=False, allow_null=True
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError(f"Give one of {', '.join(self.fields)}.")
        return attrs


class MemberSerializer(serializers.Serializer[Any]):
    userId = serializers.CharField(source="user_id")
    username = serializers.CharField(source="user.username")
    role = serializers.ChoiceField(choices=Role.choices)
    isMasked = serializers.BooleanField(source="is_masked")
    isActive = serializers.BooleanField(source="user.is_active")


class MemberEdit(StrictSerializer):
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    isMasked = FlagField(source="is_masked", required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError(f"Give one of {', '.join(self.fields)}.")
        return attrs


TEAMS = ListOf("teams", MembershipSerializer, sorts={"name": "team__name", "role": "role"}, order="")
MEMBERS = ListOf("members", MemberSerializer, sorts={"username": "user__username", "role": "role"}, order="")


class TeamsView(ApiView):
    teamless = True

    @extend_schema(
        operation_id="listTeams",
        summary="The teams I am in, and what I am there",
        parameters=[TEAMS.query],
        responses=TEAMS.answer("TeamList"),
    )
    def get(self, _request: Request) -> Response:
        mine = Membership.objects.filter(user=self.user).select_related("team").order_by("-is_own", "pk")
        return TEAMS.respond(self, list(mine))


class TeamView(ApiView):
    scopes = {"PATCH": Scope.MANAGE}
    needs_proof = ("PATCH",)
    for_callers = ("GET",)

    @extend_schema(
        operation_id="getTeam", summary="The team I work in", responses=answer("TeamAnswer", team=TeamSerializer())
    )
    def get(self, _request: Request) -> Response:
        return ok(team=self._shown(self.access.team))

    @extend_schema(
        operation_id="editTeam",
        summary="Change the team's name or its spending limits",
        request=TeamEdit,
        responses=answer("TeamEdited", team=TeamSerializer()),
    )
    def patch(self, _request: Request) -> Response:
        changes = self.body(TeamEdit)
        return ok(team=self._shown(change_team(team=self.access.team, changes=changes, by=self.user)))

    def _shown(self, team: Any) -> Any:
        team.role, team.scopes = self.access.role, sorted(self.access.scopes)
        return TeamSerializer(team).data


class MembersView(ApiView):
    @extend_schema(
        operation_id="listMembers",
        summary="The people of the team",
        parameters=[MEMBERS.query],
        responses=MEMBERS.answer("MemberList"),
    )
    def get(self, _request: Request) -> Response:
        members = Membership.objects.filter(team=self.access.team).select_related("user").order_by("pk")
        return MEMBERS.respond(self, list(members))


class MemberView(ApiView):
    scopes = {"PATCH": Scope.MANAGE, "DELETE": Scope.MANAGE}
    needs_proof = ("PATCH", "DELETE")

    @extend_schema(
        operation_id="editMember",
        summary="Change a member's role, or hide contacts from them",
        request=MemberEdit,
        responses={200: answer("MemberEdited", member=MemberSerializer()), **_KEEPS_ONE},
    )
    def patch(self, _request: Request, user_id: int) -> Response:
        changes = self.body(MemberEdit)
        member = change_member(team=self.access.team, user_id=user_id, by=self.user, access=self.access, **changes)
        return ok(member=MemberSerializer(member).data)

    @extend_schema(
        operation_id="removeMember",
        summary="Take a member out of the team; their enrichment jobs pause",
        responses={200: answer("MemberRemoved", userId=serializers.CharField()), **_KEEPS_ONE},
    )
    def delete(self, _request: Request, user_id: int) -> Response:
        remove_member(team=self.access.team, user_id=user_id, by=self.user)
        return ok(userId=str(user_id))


class LeaveView(ApiView):
    scopes = {"POST": Scope.READ}
    for_callers = ("POST",)

    @extend_schema(
        operation_id="leaveTeam",
        summary="Leave the team",
        request=Nothing,
        responses={200: answer("TeamLeft", teamId=serializers.CharField()), **_KEEPS_ONE},
    )
    @idempotent()
    def post(self, _request: Request) -> Response:
        self.body(Nothing)
        team: Team = self.access.team
        remove_member(team=team, user_id=self.user.pk, by=self.user)
        return ok(teamId=str(team.pk))
