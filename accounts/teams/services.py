"""Teams themselves: made, named, capped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.audit import record
from accounts.locks import lock_team
from accounts.models import Membership, Role, Team, User

CAPS = ("monthly_budget", "daily_lead_limit")  # by its managers
QUOTAS = ("lead_limit",)  # by the installation's superusers


class NoSuchTeamName(ValueError):
    """No team, or more than one, goes by this text; the words say which."""


def create_team(*, name: str, manager: User, by: User | None) -> Team:
    """A team, with its first manager."""
    with transaction.atomic():
        team = Team.objects.create(name=name)
        Membership.objects.create(team=team, user=manager, role=Role.MANAGER)
        record("team.created", by=by, team_id=team.pk, about=team, name=name, after={"manager": manager.pk})
    return team


def change_team(*, team: Team, changes: Mapping[str, Any], by: User | None) -> Team:
    """Changes name, CAPS and QUOTAS; what stays as it was is not written down."""
    with transaction.atomic():
        locked = lock_team(team.pk)
        before = {name: getattr(locked, name) for name in changes}
        for name, value in changes.items():
            setattr(locked, name, value)
        locked.full_clean()
        locked.save(update_fields=[*changes, "updated_at"])
        changed = [name for name, value in changes.items() if before[name] != value]
        if changed:
            action = "team.changed" if changed == ["name"] else "caps.changed"
            said = ({name: _plain(of[name]) for name in changed} for of in (before, changes))
            record(action, by=by, team_id=team.pk, about=locked, name=locked.name, before=next(said), after=next(said))
    return locked


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int | str) else str(value)


def team_called(text: str) -> Team:
    """The team of this id or name, whoever is in it. Raises NoSuchTeamName."""
    text = text.replace("\x00", "").strip()
    if text.isascii() and text.isdecimal() and len(text) < 19 and (team := Team.objects.filter(pk=text).first()):
        return team
    named = list(Team.objects.filter(name__iexact=text).order_by("pk")[:2])
    if len(named) > 1:
        raise NoSuchTeamName(f"Several teams are called {text[:100]!r}: give the id.")
    if not named:
        raise NoSuchTeamName(f"There is no team {text[:100]!r}.")
    return named[0]
