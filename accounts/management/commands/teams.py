"""`manage.py teams list|create|add|remove|role|operator`: who shares what, and as what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Count

from accounts.management.base import team_named
from accounts.models import Membership, Role, Team, User
from accounts.teams.members import (
    InTeam,
    LastManager,
    NotInTeam,
    add_member,
    change_member,
    remove_member,
    set_operator,
)
from accounts.teams.services import create_team
from common.commands.base import ProductCommand, add_user, user_named

NEEDS = {"list": (), "create": ("team", "user"), "add": ("team", "user", "role"), "remove": ("team", "user"),
         "role": ("team", "user"), "operator": ("user",)}  # fmt: skip


class Command(ProductCommand):
    help = "Lists teams and their people, makes one, and changes who is in it and as what."
    example = (
        'python manage.py teams create "Acquisitions" --user ann    # ann manages it\n'
        '  python manage.py teams add "Acquisitions" --user bob --role caller\n'
        '  python manage.py teams role "Acquisitions" --user bob --role buyer --masked\n'
        "  python manage.py teams operator --user olga"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=list(NEEDS), help="What to do")
        parser.add_argument("team", nargs="?", metavar="TEAM", help="Its id or name; create: its name")
        add_user(parser, required=False, help="Whom it is about; create: its manager")
        parser.add_argument("--role", choices=Role.values, help="What they are there")
        parser.add_argument("--masked", action="store_true", help="Phones and e-mails stay hidden, whatever the role")
        parser.add_argument("--off", action="store_true", help="operator: no longer")

    def handle(self, *_: object, **options: Any) -> None:
        action = options["action"]
        if missing := [name for name in NEEDS[action] if options[name] is None]:
            raise CommandError(f"{action} needs {'TEAM' if missing[0] == 'team' else f'--{missing[0]}'}.")
        acts: dict[str, Callable[[dict[str, Any]], None]] = {
            "list": self._list, "create": self._create, "add": self._add, "remove": self._remove, "role": self._role,
            "operator": self._operator,
        }  # fmt: skip
        try:
            acts[action](options)
        except LastManager:
            raise CommandError("A team needs a manager: make somebody else one first.") from None
        except NotInTeam:
            raise CommandError(f"{options['user']} is not in the team {options['team']}.") from None
        except InTeam as error:
            raise CommandError(str(error)) from None

    def _list(self, options: dict[str, Any]) -> None:
        if options["team"] is not None:
            self._tell(options, team_named(options["team"]))
            return
        teams = list(Team.objects.annotate(people=Count("memberships")).order_by("pk"))
        facts = [{"id": team.pk, "name": team.name, "members": team.people} for team in teams]
        people = [f"{team.people} {'member' if team.people == 1 else 'members'}" for team in teams]
        lines = [f"{team.pk}  {team.name}  {many}" for team, many in zip(teams, people, strict=True)]
        self.report(options, {"teams": facts}, lines)

    def _create(self, options: dict[str, Any]) -> None:
        name = options["team"].strip()
        if not 1 <= len(name) <= 100:
            raise CommandError("A team's name has 1 to 100 characters.")
        self._tell(options, create_team(name=name, manager=user_named(options["user"]), by=None))

    def _add(self, options: dict[str, Any]) -> None:
        team = team_named(options["team"])
        who = user_named(options["user"])
        add_member(team=team, user=who, role=options["role"], is_masked=options["masked"], by=None)
        self._tell(options, team)

    def _remove(self, options: dict[str, Any]) -> None:
        team = team_named(options["team"])
        remove_member(team=team, user_id=self._person(options).pk, by=None)
        self._tell(options, team)

    def _role(self, options: dict[str, Any]) -> None:
        team, person = team_named(options["team"]), self._person(options)
        change_member(team=team, user_id=person.pk, role=options["role"], is_masked=options["masked"], by=None)
        self._tell(options, team)

    def _operator(self, options: dict[str, Any]) -> None:
        person, is_operator = self._person(options), not options["off"]
        set_operator(user=person, is_operator=is_operator, by=None)
        words = "is an operator" if is_operator else "is no operator"
        self.report(options, {"user": person.get_username(), "isOperator": is_operator}, [f"{person} {words}."])

    def _person(self, options: dict[str, Any]) -> User:
        """Also one who is turned off."""
        person = User.objects.filter(username=options["user"]).first()
        if person is None:
            raise CommandError(f"There is no user {options['user']!r}.")
        return person

    def _tell(self, options: dict[str, Any], team: Team) -> None:
        members = list(Membership.objects.filter(team=team).select_related("user").order_by("pk"))
        facts = [
            {"user": member.user.get_username(), "role": member.role, "isMasked": member.is_masked}
            for member in members
        ]
        masked = [", contacts masked" if member.is_masked else "" for member in members]
        lines = [f"  {m.user}: {m.get_role_display().lower()}{said}" for m, said in zip(members, masked, strict=True)]
        told = {"id": team.pk, "name": team.name, "members": facts}
        self.report(options, {"team": told}, [f"Team {team.pk}: {team.name}", *lines])
