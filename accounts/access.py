"""Who asks, for which team, and what they may do there. Every query of what a team owns begins here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from accounts.models import Membership, Role, Team, User
from common.db.direct import columns, rows


class Scope(StrEnum):
    """What an API token may be made for, and what roles are made of."""

    READ = "read"  # see buckets, leads, jobs
    WRITE = "write"  # change leads, note activities
    CONTACTS = "contacts"  # see phones and e-mails
    BUY = "buy"  # spend money
    EXPORT = "export"  # take leads out as a file
    CAMPAIGN = "campaign"  # contact owners
    MANAGE = "manage"  # people, caps, webhooks, deletions


ALL = frozenset(Scope)
SCOPES_OF: dict[str, frozenset[Scope]] = {
    Role.READER: frozenset({Scope.READ}),
    Role.CALLER: frozenset({Scope.READ, Scope.WRITE, Scope.CONTACTS}),  # of leads assigned to her
    Role.BUYER: frozenset({Scope.READ, Scope.WRITE, Scope.CONTACTS, Scope.BUY, Scope.EXPORT}),
    Role.MANAGER: ALL,
}


class TeamRequired(Exception):
    """The person is in several teams and has not said which one she asks for."""


class NoSuchTeam(Exception):
    """There is no such team, or she is not in it: nobody is told which."""

    def __str__(self) -> str:
        return "There is no such team, or this user is not in it."


class NotAllowed(Exception):
    """This is not hers to decide; the words say who decides it."""


def scopes_of(role: str, *, is_masked: bool) -> frozenset[Scope]:
    """What a member may do."""
    return SCOPES_OF[role] - {Scope.CONTACTS} if is_masked else SCOPES_OF[role]


@dataclass(frozen=True, slots=True)
class Access:
    """A person at work in one team. team: None where she has no role in any: she sees nothing and may do nothing.

    scopes: those of her role, less what her token leaves out, and contacts where they are masked for her.
    """

    user: User
    team: Team | None
    role: str = ""
    scopes: frozenset[Scope] = frozenset()

    def can(self, scope: Scope | str) -> bool:
        """Whether she may do this in her team."""
        return scope in self.scopes

    @property
    def team_id(self) -> int | None:
        return self.team.pk if self.team else None

    @property
    def only_assigned(self) -> bool:
        """Whether she sees only the leads that are assigned to her."""
        return self.role == Role.CALLER

    def check_gives(self, given: frozenset[Scope]) -> None:
        """Raises NotAllowed where somebody would get by her what she may not do herself: she could be that somebody."""
        beyond = [scope.value for scope in Scope if scope in given - self.scopes]
        if beyond:
            raise NotAllowed(f"This gives {', '.join(beyond)}, which your role or token does not have itself.")

    def teams(self) -> list[Team]:
        """Those she may work in, by name."""
        return list(Team.objects.filter(memberships__user=self.user).order_by("name", "pk"))

    def can_in(self, team_id: int | None, scope: Scope | str) -> bool:
        """The same of a row of some team: what another team owns, nobody changes, and contacts of it stay masked."""
        return team_id is not None and team_id == self.team_id and scope in self.scopes


def access_of(
    user: User,
    team_id: int | None = None,
    *,
    scopes: Iterable[str] | None = None,
    members: Sequence[Membership] | None = None,
) -> Access:
    """A user's access to this team; without one to her only team, else her own.

    scopes: those of a token; None: all her role has. members: her memberships, where they came with her token. Raises
    NoSuchTeam; TeamRequired where she has several teams and none is named.
    """
    members = _members(user, members)
    if team_id is not None:
        members = [member for member in members if member.team_id == team_id]
        if not members:
            raise NoSuchTeam
    if not members or not user.is_active:
        return Access(user, None)
    if len(members) > 1:
        raise TeamRequired
    return _access(user, members[0], scopes)


def own_access(
    user: User,
    *,
    scopes: Iterable[str] | None = None,
    strictly: bool = False,
    members: Sequence[Membership] | None = None,
) -> Access:
    """Her access to her own team of one, or the first she joined: where a page names none.

    strictly: her own or none. A token that names no team was made for that one, and follows her into no other. members:
    as `access_of` has it.
    """
    members = sorted(_members(user, members), key=lambda member: (not member.is_own, member.pk))
    members = [member for member in members if member.is_own or not strictly]
    return _access(user, members[0], scopes) if members and user.is_active else Access(user, None)


def team_of(user: User) -> int:
    """The id of her own team, or the first she joined: where what she makes names none. Raises NoSuchTeam."""
    found = own_access(user).team_id
    if found is None:
        raise NoSuchTeam
    return found


@cache
def _memberships() -> str:
    return f"""
        SELECT {columns(Membership, "m")}, {columns(Team, "t")}
          FROM accounts_membership m JOIN accounts_team t ON t.id = m.team_id
         WHERE m.user_id = %(user)s ORDER BY m.id"""  # noqa: S608  # our own columns


def _members(user: User, known: Sequence[Membership] | None) -> Sequence[Membership]:
    """Her memberships with their teams, in the order she joined. known: read before."""
    return with_teams(rows(_memberships(), {"user": user.pk}, Membership, Team)) if known is None else known


def with_teams(found: Iterable[tuple[Any, ...]]) -> list[Membership]:
    """Memberships that were read beside their teams."""
    members: list[Membership] = []
    for member, team in found:
        member.team = team
        members.append(member)
    return members


def _access(user: User, member: Membership, scopes: Iterable[str] | None) -> Access:
    may = scopes_of(member.role, is_masked=member.is_masked)
    if scopes is not None:
        may &= frozenset(map(Scope, scopes))
    return Access(user, member.team, member.role, may)


def access(request: Any) -> Access:
    """Of an API request (set by `accounts.api.permissions.ByRole`) or a page (by `accounts.middleware.ActingTeam`)."""
    found: Access = getattr(request, "_request", request).access  # DRF wraps Django's
    return found


def access_in(user: User, team_id: int) -> Access:
    """Of a person outside a request: who asked for a run or a schedule. Without a role in this team she may nothing."""
    member = user.memberships.select_related("team").filter(team_id=team_id).first()
    return _access(user, member, None) if member and user.is_active else Access(user, None)
