"""What commands share that act for a person: who it is, in which of their teams, and a row of that team by its id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.core.management.base import CommandError, CommandParser
from django.db.models import Model, QuerySet

from accounts.access import Access, NoSuchTeam, access_of
from accounts.models import Team, User
from accounts.origin import UNNAMED, origin
from accounts.teams.services import NoSuchTeamName, team_called
from common.commands.base import add_user, row_of, user_named

M = TypeVar("M", bound=Model)


def add_person(parser: CommandParser, *, required: bool, help: str) -> None:
    """`--user USERNAME` and `--team TEAM`."""
    add_user(parser, required=required, help=help)
    parser.add_argument("--team", metavar="ID_OR_NAME", help="In which team; else in the only one, or their own")


def team_named(text: str) -> Team:
    """The team of this id or name. Raises CommandError."""
    try:
        return team_called(text)
    except NoSuchTeamName as error:
        raise CommandError(f"{error} `teams list` shows them.") from None


def access_named(options: Mapping[str, Any]) -> Access:
    """The access of `--user` to `--team`; without one to her only team, else to her own. Raises CommandError."""
    user: User = user_named(options["user"])
    if options["team"] is not None:
        team = team_named(options["team"])
        try:
            return access_of(user, team.pk)
        except NoSuchTeam:
            raise CommandError(f"{user} is not in the team {team}.") from None
    members = list(user.memberships.order_by("-is_own", "pk"))
    if not members:
        raise CommandError(f"{user} is in no team: `teams add` puts them into one.")
    if len(members) > 1 and not members[0].is_own:
        raise CommandError(f"{user} is in several teams: say which, with --team.")
    return access_of(user, members[0].team_id)


def row_in_team(rows: QuerySet[M], text: str, options: Mapping[str, Any]) -> tuple[M, User]:
    """The row with this id, and for whom the command acts: `--user`, else the row's owner.

    It must be of `--team`, and of a team that `--user` is in: another's is as if it were not there. Where nobody is
    named, the audit does not say that the owner did it. Raises CommandError.
    """
    user: User | None = user_named(options["user"]) if options["user"] is not None else None
    if options["team"] is not None:
        rows = rows.filter(team=team_named(options["team"]))
    if user is not None:
        rows = rows.filter(team__in=user.memberships.values("team"))
    try:
        found: Any = row_of(rows, text)
    except CommandError:
        if user is None:
            raise
        raise CommandError(f"{user} has no {rows.model._meta.verbose_name} {text}.") from None
    if user is None:
        origin.set(UNNAMED)  # of this command alone: `ProductCommand.execute`
    return found, user or found.owner
