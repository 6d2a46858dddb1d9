"""Who is in a team, and as what. A team always has a manager."""

from __future__ import annotations

from django.db import transaction

from accounts.access import Access, NotAllowed, Scope, scopes_of
from accounts.audit import record
from accounts.locks import lock_team
from accounts.models import Membership, Role, Team, User


class LastManager(Exception):
    """The team would be left without a manager."""


class NotInTeam(Exception):
    """This person is not in the team."""


class InTeam(ValueError):
    """This person is in the team already."""


def add_member(*, team: Team, user: User, role: str, is_masked: bool = False, by: User | None) -> Membership:
    """Puts a person into a team. Raises InTeam."""
    with transaction.atomic():
        lock_team(team.pk)
        if Membership.objects.filter(team=team, user=user).exists():
            raise InTeam(f"{user} is in the team {team} already.")
        member = Membership.objects.create(team=team, user=user, role=role, is_masked=is_masked)
        after = {"user": user.pk, "role": role, "is_masked": is_masked}
        record("member.added", by=by, team_id=team.pk, about=member, name=user.get_username(), after=after)
    return member


def change_member(
    *,
    team: Team,
    user_id: int,
    role: str | None = None,
    is_masked: bool | None = None,
    by: User | None,
    access: Access | None = None,
) -> Membership:
    """Changes what a person is in a team, and whether contacts are masked for them.

    access: as whom a manager does it; None: an administrator does. Raises NotInTeam, LastManager, NotAllowed.
    """
    with transaction.atomic():
        lock_team(team.pk)
        member = _member(team, user_id)
        before = {"role": member.role, "is_masked": member.is_masked}
        had = scopes_of(member.role, is_masked=member.is_masked)
        if role is not None and role != Role.MANAGER:
            _keep_a_manager(member)
        member.role = member.role if role is None else role
        member.is_masked = member.is_masked if is_masked is None else is_masked
        after = {"role": str(member.role), "is_masked": member.is_masked}
        if after != before:
            if access is not None:
                _check_hers(access, member, had)
            member.save()
            name = member.user.get_username()
            record("member.changed", by=by, team_id=team.pk, about=member, name=name, before=before, after=after)
    return member


def remove_member(*, team: Team, user_id: int, by: User | None) -> None:
    """Takes a person out of a team; what they made stays, and their runs pause. Raises NotInTeam, LastManager."""
    with transaction.atomic():
        lock_team(team.pk)
        member = _member(team, user_id)
        _keep_a_manager(member)
        before, name = {"user": user_id, "role": member.role}, member.user.get_username()
        record("member.removed", by=by, team_id=team.pk, about=member, name=name, before=before)
        member.delete()


def set_operator(*, user: User, is_operator: bool, by: User | None) -> None:
    """Has a person look after vendors, billing checks and all teams' money, or no longer."""
    with transaction.atomic():
        if User.objects.filter(pk=user.pk).exclude(is_operator=is_operator).update(is_operator=is_operator):
            said = {"is_operator": is_operator}
            record("member.changed", by=by, about=user, name=user.get_username(), after=said)


def _check_hers(access: Access, member: Membership, had: frozenset[Scope]) -> None:
    """Nobody decides about herself, and nobody gives more than she has. Raises NotAllowed."""
    if member.user_id == access.user.pk:
        raise NotAllowed("Another manager of the team decides what you are in it.")
    access.check_gives(scopes_of(member.role, is_masked=member.is_masked) - had)


def _member(team: Team, user_id: int) -> Membership:
    member = Membership.objects.select_related("user").filter(team=team, user=user_id).first()
    if member is None:
        raise NotInTeam
    return member


def _keep_a_manager(member: Membership) -> None:
    """The team's row is locked, so that two managers cannot remove each other."""
    others = Membership.objects.filter(team=member.team_id, role=Role.MANAGER, user__is_active=True)
    if member.role == Role.MANAGER and not others.exclude(pk=member.pk).exists():
        raise LastManager
